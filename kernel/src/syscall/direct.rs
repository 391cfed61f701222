//! The calls behind which, as a rule, another task runs: what they take of the general way ([`super::handle`]) in one piece,
//! and twice: for an entry whose facts are wanted, and for one whose facts are not.

use antler_abi::Syscall;
use antler_facts::Event;
use antler_nucleus::Machine;
use antler_sync::HartToken;

use super::light::{Answer, state_call};
use super::tasks;
use crate::hart::HartBlock;
use crate::machine::{Here, Quiet};
use crate::program::Program;
use crate::state::{Kernel, kernel};
use crate::thread::{A0, A7, Frame};
use crate::trap::call_from_user;
use crate::{cpu, evidence, faults};

/// What every one of them begins with.
struct Entry {
    k: &'static Kernel,
    block: &'static HartBlock,
    program: &'static Program,
    here: HartToken,
}

impl Entry {
    #[inline(always)]
    fn begin<M: Machine>(m: &M, call: Syscall) -> Entry {
        let (k, block) = (kernel(), HartBlock::mine());
        // SAFETY: this hart was in U-mode, so no Rust code of the kernel ran on it and no token of its index exists;
        // interrupts are off until it returns there. What ran since, `super::light`, has made none that is left.
        let here = unsafe { HartToken::claim(block.cpu.index()) };
        block.count_call();
        state_call(m, k, block, call as u64);
        Entry { k, block, program: block.program().expect("a task runs in its program's space"), here }
    }

    /// The caller's frame, before anybody else can reach it.
    #[inline(always)]
    fn frame(&mut self) -> &mut Frame {
        // SAFETY: the caller is this CPU's current task until it has parked, so nobody else touches its frame.
        unsafe { &mut *self.block.frame() }
    }

    #[inline(always)]
    fn go_on<M: Machine>(&mut self, m: &M) -> *mut Frame {
        cpu::go_on(m, self.k, self.block, &mut self.here)
    }
}

/// `Yield`.
pub(crate) extern "C" fn turn() -> *mut Frame {
    #[inline(always)]
    fn turn<M: Machine>(m: &M) -> *mut Frame {
        let mut entry = Entry::begin(m, Syscall::Yield);
        entry.frame().set_result(Ok(0));
        entry.k.sched.yield_now(&mut entry.here);
        entry.go_on(m)
    }
    if faults::meddles() {
        // SAFETY: the running task's frame; nobody else touches it while the task runs here.
        let frame = unsafe { &mut *HartBlock::mine().frame() };
        frame.x[A7] = Syscall::Yield as u64;
        return call_from_user();
    }
    if evidence::is_on() { turn(&Here) } else { turn(&Quiet) }
}

/// `Wait`.
pub(crate) extern "C" fn wait() -> *mut Frame {
    #[inline(always)]
    fn wait<M: Machine>(m: &M) -> *mut Frame {
        let mut entry = Entry::begin(m, Syscall::Wait);
        let [address, expected, deadline] = [0, 1, 2].map(|i| entry.frame().x[A0 + i]);
        // Written before the thread can be reached by a waker; a deadline that ends the wait writes over it.
        entry.frame().set_result(Ok(0));
        if let Err(error) =
            tasks::wait_on(m, &mut entry.here, entry.program, (address, expected as u32), deadline)
        {
            entry.frame().set_result(Err(error));
            m.fact(Event::Refused { number: Syscall::Wait as u64, error, argument: address });
        }
        entry.go_on(m)
    }
    if evidence::is_on() { wait(&Here) } else { wait(&Quiet) }
}

/// `Wake`, if somebody may wait.
#[inline(always)]
fn wake<M: Machine>(m: &M, address: u64, count: u64, look: extern "C" fn() -> *mut Frame) -> Answer {
    let mut entry = Entry::begin(m, Syscall::Wake);
    let result = tasks::wake_on(m, &mut entry.here, entry.program, address, count);
    if let Err(error) = result {
        m.fact(Event::Refused { number: Syscall::Wake as u64, error, argument: address });
    }
    if entry.k.sched.stays(m, &mut entry.here) {
        return Answer::result(result);
    }
    entry.frame().set_result(result);
    Answer::later(look)
}

#[inline(never)]
pub(super) extern "C" fn wake_stated(address: u64, count: u64) -> Answer {
    wake(&Here, address, count, look_stated)
}

#[inline(never)]
pub(super) extern "C" fn wake_quietly(address: u64, count: u64) -> Answer {
    wake(&Quiet, address, count, look_quietly)
}

/// The caller's frame is complete: looks for what is to run.
extern "C" fn look_stated() -> *mut Frame {
    look(&Here)
}

/// As [`look_stated`].
extern "C" fn look_quietly() -> *mut Frame {
    look(&Quiet)
}

#[inline(always)]
fn look<M: Machine>(m: &M) -> *mut Frame {
    let (k, block) = (kernel(), HartBlock::mine());
    // SAFETY: as in `Entry::begin`; `wake` has dropped its token.
    let mut here = unsafe { HartToken::claim(block.cpu.index()) };
    cpu::go_on(m, k, block, &mut here)
}

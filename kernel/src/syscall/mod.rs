//! System calls: decode, do, return. Every argument is checked here or by what it is handed to; none can make the
//! kernel trap.

pub(crate) mod direct;
mod files;
pub(crate) mod light;
mod memory;
mod tasks;

use antler_abi::{Error, Rights, Syscall};
use antler_facts::Event;
use antler_nucleus::Machine;
use antler_sync::HartToken;

use crate::faults::{self, Fault};
use crate::hart::HartBlock;
use crate::machine::Here;
use crate::program::{self, Program};
use crate::state::kernel;
use crate::thread::{A0, A7, Frame};
use crate::{hotplug, probe, time};

/// What becomes of a call.
pub(crate) enum Outcome {
    /// It returns this.
    Return(Result<u64, Error>),
    /// The thread waits, and its frame is complete, or it is over.
    Gone,
    /// The thread waits and makes the same call again when it is woken.
    Again,
}

impl From<Result<u64, Error>> for Outcome {
    fn from(result: Result<u64, Error>) -> Outcome {
        Outcome::Return(result)
    }
}

/// One call under way.
pub(crate) struct Call<'a> {
    pub here: &'a mut HartToken,
    pub slot: usize,
    pub program: &'static Program,
    pub args: [u64; 6],
}

impl Call<'_> {
    /// Argument `index` as a size or an address.
    pub(crate) fn size(&self, index: usize) -> usize {
        self.args[index] as usize
    }

    /// Refuses unless the program has the right.
    pub(crate) fn need(&self, right: Rights) -> Result<(), Error> {
        let has = self.program.rights.contains(right) || faults::commits(Fault::RightIgnored);
        if has { Ok(()) } else { Err(Error::Denied) }
    }

    /// The calling thread's frame.
    pub(crate) fn frame(&mut self) -> &mut Frame {
        // SAFETY: the thread is this CPU's current task as long as the call has not parked or ended it, so nobody else
        // touches its thread.
        unsafe { &mut (*kernel().threads.address(self.slot)).frame }
    }
}

/// Handles the call of the current task.
pub(crate) fn handle(here: &mut HartToken, slot: usize) {
    let k = kernel();
    HartBlock::mine().count_call();
    let program = program::of_slot(slot);
    let mut call = Call { here, slot, program, args: [0; 6] };
    // Its pc is behind the call already, unless it is to be made again.
    let frame = call.frame();
    let number = frame.x[A7];
    let args = [0, 1, 2, 3, 4, 5].map(|i| frame.x[A0 + i]);
    call.args = args;
    if faults::commits(Fault::CallSwallowed) {
        return call.frame().set_result(Ok(0));
    }
    Here.fact(Event::Syscall { number, task: k.sched.tasks.fact(slot) });
    let outcome = match usize::try_from(number).ok().and_then(Syscall::from_number) {
        Some(syscall) => dispatch(&mut call, syscall),
        None if faults::commits(Fault::AnyCallAccepted) => Outcome::Return(Ok(0)),
        None => Outcome::Return(Err(Error::NoSuchCall)),
    };
    if let Outcome::Return(result) = outcome {
        call.frame().set_result(result);
        if let Err(error) = result {
            Here.fact(Event::Refused { number, error, argument: args[0] });
        }
    }
}

fn dispatch(call: &mut Call<'_>, syscall: Syscall) -> Outcome {
    let k = kernel();
    match syscall {
        Syscall::Null => Ok(0).into(),
        Syscall::Exit => tasks::exit(call),
        Syscall::ThreadExit => tasks::thread_exit(call),
        Syscall::Write => files::write(call).into(),
        Syscall::FileFind => files::find(call).into(),
        Syscall::FileInfo => files::info(call).into(),
        Syscall::FileRead => files::read(call).into(),
        Syscall::Args => files::args(call).into(),
        Syscall::Map => memory::map(call).into(),
        Syscall::Unmap => memory::unmap(call).into(),
        Syscall::Reserve => memory::reserve(call).into(),
        Syscall::Spawn => tasks::spawn(call).into(),
        Syscall::Join => tasks::join(call),
        Syscall::Yield => {
            k.sched.yield_now(call.here);
            Ok(0).into()
        }
        Syscall::Sleep => tasks::sleep(call),
        Syscall::Wait => tasks::wait(call),
        Syscall::Wake => tasks::wake(call).into(),
        Syscall::Clock => Ok(time::now()).into(),
        Syscall::Cpu => Ok(call.here.index() as u64).into(),
        Syscall::CpusOnline => Ok(k.sched.online().len() as u64).into(),
        Syscall::CpusPresent => Ok(k.sched.cpus_present() as u64).into(),
        Syscall::SetQos => tasks::set_qos(call).into(),
        Syscall::Resched => call.need(Rights::RESCHED).and_then(|()| tasks::resched(call)).into(),
        Syscall::CpuOffline => change_cpu(call, hotplug::offline).into(),
        Syscall::CpuOnline => change_cpu(call, hotplug::online).into(),
        Syscall::Probe => match call.need(Rights::SELFTEST) {
            Ok(()) if k.selftest => probe::handle(call).into(),
            _ => Err(Error::Denied).into(),
        },
    }
}

fn change_cpu(
    call: &mut Call<'_>,
    change: fn(&mut HartToken, usize) -> Result<(), Error>,
) -> Result<u64, Error> {
    call.need(Rights::HOTPLUG)?;
    let number = call.size(0);
    change(call.here, number).map(|()| 0)
}

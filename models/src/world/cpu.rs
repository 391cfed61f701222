//! A CPU of the modelled machine, and the threads that CPUs run on.

use std::sync::Arc;

use antler_abi::Qos;
use antler_facts::{Request, Seen, WakeCause};
use antler_nucleus::{Call, CpuId, CpuSet, Key, Next, Placement, Steal, TargetError};
use antler_sync::{HartToken, VirtualHart};
use loom::sync::atomic::{Ordering, fence};

use super::{View, World};

/// A CPU on this thread: its kernel entries, as the kernel would make them.
#[derive(Debug)]
pub struct Cpu {
    /// The machine that it is part of.
    pub world: Arc<World>,
    /// Calls that it answered.
    pub answered: Vec<Call>,
    pub(crate) here: HartToken,
    pub(crate) asleep: bool,
}

/// A CPU under way on a thread of its own.
#[derive(Debug)]
pub struct OnThread<R>(loom::thread::JoinHandle<(Away, R)>);

/// A CPU between two threads.
#[derive(Debug)]
struct Away {
    world: Arc<World>,
    answered: Vec<Call>,
    hart: VirtualHart,
    asleep: bool,
}

impl Away {
    fn enter(self) -> Cpu {
        let Away { world, answered, hart, asleep } = self;
        Cpu { world, answered, here: hart.enter(), asleep }
    }
}

impl<R> OnThread<R> {
    /// Waits for the thread's end: the CPU, and what `body` returned.
    pub fn join(self) -> (Cpu, R) {
        let (away, result) = self.0.join().expect("a CPU's thread ends");
        (away.enter(), result)
    }
}

impl Cpu {
    pub(crate) fn new(world: Arc<World>, hart: VirtualHart) -> Cpu {
        Cpu { world, answered: Vec::new(), here: hart.enter(), asleep: false }
    }

    fn leave_thread(self) -> Away {
        let Cpu { world, answered, here, asleep } = self;
        Away { world, answered, hart: here.leave(), asleep }
    }

    /// Runs `body` as this CPU, at the same time as others.
    pub fn run<R: 'static>(self, body: impl FnOnce(&mut Cpu) -> R + 'static) -> OnThread<R> {
        let away = self.leave_thread();
        OnThread(loom::thread::spawn(move || {
            let mut cpu = away.enter();
            let result = body(&mut cpu);
            (cpu.leave_thread(), result)
        }))
    }

    /// Its number.
    pub fn number(&self) -> usize {
        self.here.index()
    }

    fn split(&mut self) -> (&World, View<'_>, &mut HartToken) {
        let Cpu { world, here, .. } = self;
        (world, View { world, cpu: here.index() }, here)
    }

    /// Joins in.
    pub fn come_online(&mut self) {
        let (world, view, here) = self.split();
        world.sched.come_online(&view, here);
    }

    /// Goes; Calls that are still found are answered.
    pub fn leave(&mut self) {
        let Cpu { world, here, answered, .. } = self;
        let view = View { world, cpu: here.index() };
        world.sched.leave(&view, here, |_, _, call| answered.push(call));
        self.asleep = false;
    }

    /// Ends a kernel entry; a task that is to run has its frame restored.
    pub fn proceed(&mut self) -> Next {
        let (world, view, here) = self.split();
        let next = world.sched.next(&view, here);
        if let Next::Run(slot) = next {
            world.touch(slot);
        }
        self.asleep = next == Next::Idle;
        next
    }

    /// Has the coming [`Cpu::proceed`] look at everything.
    pub fn look_again(&mut self) {
        let (world, _, here) = self.split();
        world.sched.look_again(here);
    }

    /// Makes a task and writes what it starts with; its slot.
    pub fn spawn(&mut self, qos: Qos, placement: Placement) -> usize {
        let (world, view, here) = self.split();
        let mut slot = None;
        let prepare = |task: &antler_nucleus::Runnable| {
            world.touch(task.slot());
            slot = Some(task.slot());
        };
        world.sched.spawn(&view, here, PROGRAM, qos, placement, prepare).expect("the pool has room");
        slot.expect("a task that was made was prepared")
    }

    /// A task of this CPU's own, for good; its slot.
    pub fn spawn_pinned(&mut self, qos: Qos, cpu: usize) -> usize {
        self.spawn(qos, Placement::Pinned(CpuId::new(cpu)))
    }

    /// The current task ends.
    pub fn exit(&mut self) {
        let (world, view, here) = self.split();
        world.sched.exit(&view, here, 0);
    }

    /// The current task lets others of its class run.
    pub fn yield_now(&mut self) {
        let (world, _, here) = self.split();
        world.sched.yield_now(here);
    }

    /// The current task sleeps until `deadline`.
    pub fn sleep(&mut self, deadline: u64) {
        let (world, view, here) = self.split();
        world.sched.sleep(&view, here, deadline);
    }

    /// The current task waits on the models' one key.
    pub fn wait(&mut self, deadline: Option<u64>) {
        let (world, view, here) = self.split();
        let Ok(()) = world.sched.wait(&view, here, KEY, deadline, |_| Ok::<(), std::convert::Infallible>(()));
    }

    /// Wakes whoever waits on the models' one key; how many.
    pub fn wake(&mut self) -> usize {
        let (world, view, here) = self.split();
        world.sched.wake(&view, here, KEY, usize::MAX, WakeCause::Signal)
    }

    /// Its timer fires.
    pub fn timer(&mut self) {
        let (world, view, here) = self.split();
        world.disarm(view.cpu);
        world.sched.timer(&view, here);
    }

    /// One attempt to take a task from `victim`.
    pub fn steal(&mut self, victim: usize, count: usize) -> Steal {
        let (world, view, here) = self.split();
        let victim = world.sched.target(victim).expect("the victim is online");
        world.sched.steal(&view, here, victim, count).expect("within the bound, from another")
    }

    /// Asks `target` to look at its queues.
    ///
    /// # Errors
    /// It is not online, or left meanwhile.
    pub fn resched(&mut self, target: usize) -> Result<(), TargetError> {
        let (world, view, here) = self.split();
        let target = world.sched.target(target)?;
        world.sched.resched(&view, here, target)
    }

    /// Begins a Call to one CPU, as far as it is online or was a moment ago; whether it was reached.
    pub fn call(&mut self, op: u64, target: usize) -> bool {
        let (world, view, here) = self.split();
        let targets: CpuSet<1> = [CpuId::new(target)].into_iter().collect();
        !world.sched.call(&view, here, Call { op, argument: op }, &targets).is_empty()
    }

    /// Whether everybody has answered this CPU's Call.
    pub fn call_done(&self) -> bool {
        self.world.sched.call_done(&self.here)
    }

    /// If the doorbell was rung: clears it and reads the mailbox, as the trap handler does. Whether it was.
    pub fn doorbell(&mut self) -> bool {
        let Cpu { world, here, answered, .. } = self;
        if world.rung[here.index()].swap(0, Ordering::Acquire) == 0 {
            return false;
        }
        fence(Ordering::SeqCst);
        let view = View { world, cpu: here.index() };
        let kinds = world.sched.doorbell(&view, here, Seen::Trap, |_, _, call| answered.push(call));
        assert!(!kinds.has(Request::Stop), "nobody asks anybody to stop");
        true
    }

    /// Number of the last request to `target`, taken or refused.
    pub fn posted(&self, target: usize) -> u64 {
        self.world.sched.posted(&self.here, CpuId::new(target))
    }

    /// Number of the last request to `target` that was acknowledged.
    pub fn acknowledged(&self, target: usize) -> u64 {
        self.world.sched.acked(&self.here, CpuId::new(target))
    }

    /// Whether the last request to `target` was acknowledged.
    pub fn is_acknowledged(&self, target: usize) -> bool {
        self.posted(target) == self.acknowledged(target)
    }

    /// Slot of the task that runs here.
    pub fn current(&mut self) -> Option<usize> {
        let (world, _, here) = self.split();
        world.sched.current(here)
    }

    /// Whether it is a target.
    pub fn is_online(&self) -> bool {
        self.world.sched.target(self.number()).is_ok()
    }

    /// The doorbell is silenced without a look at the mailbox, as when the hart starts.
    pub fn clear_doorbell(&mut self) {
        self.world.rung[self.number()].swap(0, Ordering::Acquire);
    }

    /// Makes every parked task runnable, as at the end of the models' one program.
    pub fn rouse(&mut self) {
        let (world, view, here) = self.split();
        world.sched.rouse(&view, here, PROGRAM);
    }

    /// Whether its doorbell is pending.
    pub fn is_rung(&self) -> bool {
        self.world.rung[self.number()].load(Ordering::Acquire) != 0
    }
}

/// The key that tasks of the models wait on.
const KEY: Key = Key::Address(PROGRAM, 8);

/// The program of all their tasks.
const PROGRAM: u32 = 1;

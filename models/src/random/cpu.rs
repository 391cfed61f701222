//! What a CPU does, as in `kernel/src/cpu.rs`, `trap/mod.rs` and `interrupts.rs`: an entry, then `next`, then the task
//! or WFI.

use std::sync::Arc;

use antler_facts::{Seen, WakeCause};
use antler_nucleus::{Call, Key, Next};
use antler_sync::{HartToken, VirtualHart};
use shuttle::rand::Rng;
use shuttle::sync::atomic::Ordering;

use super::machine::Port;
use super::plan::{PROGRAMS, WORDS};
use super::rest::{For, Where, point};
use super::world::{World, lock};

/// The Call that asks a CPU to leave.
pub(crate) const LEAVE: u64 = 3;

/// Looks that a CPU takes in one wait in the kernel before the model calls it endless.
const LOOKS: u32 = 20_000;

/// How often a CPU looks by itself while it waits in the kernel, ns.
const STEP: u64 = 5_000;

/// One virtual CPU, on its thread.
pub(crate) struct Cpu {
    pub world: Arc<World>,
    pub port: Port,
    pub me: usize,
    /// The hart's token, while the CPU is not at rest.
    pub here: Option<HartToken>,
    /// Another CPU asked this one to go offline.
    pub leave: bool,
}

/// A random number below `bound`.
pub(crate) fn pick(bound: usize) -> usize {
    shuttle::rand::thread_rng().gen_range(0..bound)
}

/// The token of a CPU that is awake.
pub(crate) fn token(here: &mut Option<HartToken>) -> &mut HartToken {
    here.as_mut().expect("a CPU that is awake has its token")
}

/// What this CPU does for a Call (`kernel/src/calls.rs`).
pub(crate) fn answer(world: &World, me: usize, leave: &mut bool, call: Call) {
    // What is to be done takes its time, and others may act meanwhile.
    point();
    lock(&world.ledger).answered(me, call.argument);
    *leave |= call.op == LEAVE;
}

impl Cpu {
    pub fn new(world: Arc<World>, hart: VirtualHart) -> Cpu {
        let here = hart.enter();
        let me = here.index();
        Cpu { port: Port { world: world.clone(), me }, world, me, here: Some(here), leave: false }
    }

    /// This CPU comes online; all do before the first of them goes on.
    pub fn come_online(mut self) -> Option<VirtualHart> {
        self.world.sched.come_online(&self.port, token(&mut self.here));
        self.here.take().map(HartToken::leave)
    }

    /// From its first look at its queues to the machine's end.
    pub fn live(mut self) {
        lock(&self.world.rest).threads[self.me] = Some(shuttle::thread::current());
        if self.me == 0 {
            self.start_programs();
        }
        while self.resume() {
            self.user();
            lock(&self.world.rest).entries += 1;
            self.done();
        }
        lock(&self.world.rest).harts[self.me] = self.here.take().map(HartToken::leave);
    }

    /// A call into the scheduler is over: what it did is done, and must have been right.
    pub fn done(&self) {
        lock(&self.world.ledger).settle(self.me);
        self.world.stop_if_red();
    }

    fn over(&self) -> bool {
        lock(&self.world.rest).over
    }

    /// Slot of the task that runs here.
    pub fn current(&mut self) -> Option<usize> {
        self.world.sched.current(token(&mut self.here))
    }

    /// Finds what runs here next, and waits when there is nothing; false when the machine is over.
    fn resume(&mut self) -> bool {
        loop {
            if self.over() {
                return false;
            }
            if self.leave {
                self.go_offline();
                continue;
            }
            if self.next() == Next::Idle {
                self.wait_and_handle(Where::Idle);
                if self.me == 0 && std::mem::take(&mut lock(&self.world.rest).outside) {
                    self.intervene();
                }
                continue;
            }
            let Some(slot) = self.current() else {
                panic!("cpu{} is told to go on with a task, and has none", self.me)
            };
            let owner = self.world.sched.tasks.owner(slot) as usize;
            if self.world.programs[owner].doomed.load(Ordering::SeqCst) == 0 {
                return true;
            }
            self.end_thread(0);
        }
    }

    fn next(&mut self) -> Next {
        let before = lock(&self.world.ledger).before_next(self.me);
        let next = self.world.sched.next(&self.port, token(&mut self.here));
        let current = self.current();
        lock(&self.world.ledger).after_next(self.me, &before, next, current);
        self.done();
        next
    }

    /// Handles whatever is pending.
    pub fn handle(&mut self, at: Seen) {
        point();
        let (bell, due) = {
            let mut rest = lock(&self.world.rest);
            rest.entries += 1;
            let due = rest.due(self.me);
            (std::mem::take(&mut rest.bell[self.me]), due)
        };
        if bell {
            point();
            let (world, me, leave) = (&self.world, self.me, &mut self.leave);
            // What kind it was does not matter to this loop, which looks at everything.
            let _kinds = world.sched.doorbell(&self.port, token(&mut self.here), at, |_, _, call| {
                answer(world, me, leave, call);
            });
            self.done();
        }
        if due {
            self.world.sched.timer(&self.port, token(&mut self.here));
            self.done();
        }
    }

    fn wait_and_handle(&mut self, at: Where) {
        self.rest(at);
        if !self.over() {
            self.handle(Seen::Wfi);
        }
    }

    /// Waits in WFI, answering others, until `done`.
    pub fn wait_until(&mut self, what: For, mut done: impl FnMut(&mut Cpu) -> bool) {
        for _ in 0..LOOKS {
            if done(self) {
                return;
            }
            let by = lock(&self.world.rest).now + STEP;
            self.world.sched.wake_me_by(&self.port, token(&mut self.here), by);
            self.wait_and_handle(Where::Waiting(what));
        }
        panic!("cpu{} waits in the kernel without end ({what:?})", self.me);
    }

    /// What wakes tasks when no task is left to do it, and ends programs whose tasks wait for each other.
    fn intervene(&mut self) {
        for word in 0..WORDS {
            self.wake_word(word, usize::MAX);
        }
        if lock(&self.world.rest).outside_in_vain > 2 {
            (0..PROGRAMS).for_each(|program| self.doom(program));
        }
    }

    /// Changes a word and wakes up to `count` of its waiters.
    pub fn wake_word(&mut self, word: usize, count: usize) {
        let value = self.world.words[word].fetch_add(1, Ordering::SeqCst) + 1;
        let key = Key::Address(0, word as u64 * 4);
        let woken = self.world.sched.wake(&self.port, token(&mut self.here), key, count, WakeCause::Signal);
        let mut ledger = lock(&self.world.ledger);
        if woken > count {
            ledger.red(format!("a wake of {count} woke {woken}"));
        }
        if count == usize::MAX {
            ledger.broadcast[word] = ledger.broadcast[word].max(value);
        }
        drop(ledger);
        self.done();
    }
}

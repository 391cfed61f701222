//! Calls: one CPU asks, others answer and say so. These models run the scheduler's own `call`, `doorbell` and `leave`
//! (`ipi.rs`, `hotplug.rs`) on its mailboxes; a CPU looks at its bell as the kernel does, once beside the others and, when
//! nothing else moves, for as long as it rings.
//!
//! Bounds: two or three CPUs, one or two Calls; three preemptions, four against a leaving target (deep: one more), no
//! bound for one Call to one target.
//!
//! An acknowledgement does not say that a Call was answered: when an earlier request's bit is still set, the target may
//! take that bit after the Call has its number and before it is attached, and acknowledge the number. Only the call
//! block says that a Call is done.
//!
//! Not covered: a caller that gives up; what an answer does (here: one number that the caller must see).
#![cfg(loom)]

use std::cell::Cell;
use std::sync::Arc;

use antler_facts::{Event, Request, Seen};
use antler_models::{Frames, Harts, Turn, explore};
use antler_nucleus::{Call, CpuId, CpuSet, Kinds, Machine, RingError, Runnable, Running, Scheduler};
use antler_sync::{HartToken, Relax, VirtualHart};
use loom::thread;

struct Shared {
    sched: Scheduler<1>,
    harts: Harts,
    /// By CPU: the argument of the Call that it answered last.
    answers: Frames,
}

fn shared(cpus: usize) -> (Arc<Shared>, Vec<VirtualHart>) {
    let (sched, harts, tokens) = Harts::online(cpus, 2);
    (Arc::new(Shared { sched, harts, answers: Frames::new(cpus) }), tokens)
}

/// The world as one CPU sees it, which watches the acknowledgements that the CPU states.
struct Here<'a> {
    harts: &'a Harts,
    /// Number of the request whose Call was answered last.
    answered: Cell<u64>,
}

impl Relax for Here<'_> {
    fn relax(&self, spins: u64) {
        Turn.relax(spins);
    }
}

impl Machine for Here<'_> {
    fn now(&self) -> u64 {
        0
    }
    fn arm(&self, _: Option<u64>) {}
    fn ring(&self, target: CpuId) -> Result<(), RingError> {
        self.harts.ring(target)
    }
    fn unreachable(&self, target: CpuId, error: RingError) -> ! {
        self.harts.unreachable(target, error)
    }
    fn fact(&self, event: Event) {
        if let Event::Ack { n, .. } = event {
            let answered = self.answered.take();
            assert!(n >= answered, "request {answered} was answered under an acknowledgement of {n}");
        }
    }
    fn save(&self, _: &Running) {}
    fn timed_out(&self, _: &Runnable) {}
}

impl Shared {
    fn answer(&self, m: &Here<'_>, me: CpuId, call: Call) {
        assert_eq!(call.op, 5, "a Call was answered before what it asks for was visible");
        self.answers.save(me.index(), call.argument as u32);
        m.answered.set(call.argument);
    }

    /// One look at this CPU's bell, and at its mail if it rang.
    fn look(&self, here: &mut HartToken) -> Option<Kinds> {
        let m = Here { harts: &self.harts, answered: Cell::new(0) };
        let me = CpuId::here(here);
        let bell = &self.harts.bells[me.index()];
        if !bell.is_pending() {
            return None;
        }
        bell.clear();
        Some(self.sched.doorbell(&m, here, Seen::Wfi, |_, _, call| self.answer(&m, me, call)))
    }

    /// Calls `targets`. The argument is the number that the request will have at each: the models' CPUs call all
    /// targets equally often.
    fn call(&self, here: &HartToken, argument: u64, targets: &CpuSet<1>) -> CpuSet<1> {
        let m = Here { harts: &self.harts, answered: Cell::new(0) };
        self.sched.call(&m, here, Call { op: 5, argument }, targets)
    }

    /// What the caller relies on when it finds its Call done.
    fn check_answers(&self, here: &HartToken, argument: u64, targets: &CpuSet<1>) {
        let waiting = self.sched.call_waits_for(here);
        for target in targets.iter().filter(|&target| !waiting.contains(target)) {
            let answer = u64::from(self.answers.load(target.index()));
            assert_eq!(answer, argument, "{target} was done before its answer was visible");
        }
    }

    /// Lets every CPU look for as long as its bell rings.
    fn settle(&self, here: &mut [HartToken]) {
        for _ in 0..8 {
            if here.iter_mut().filter_map(|here| self.look(here)).count() == 0 {
                return;
            }
        }
        panic!("the bells are never silent");
    }
}

/// A CPU on a thread of its own that looks at its bell `times` times.
fn target(shared: &Arc<Shared>, hart: VirtualHart, times: usize) -> thread::JoinHandle<VirtualHart> {
    let shared = shared.clone();
    thread::spawn(move || {
        let mut here = hart.enter();
        for _ in 0..times {
            shared.look(&mut here);
        }
        here.leave()
    })
}

fn of(cpus: &[usize]) -> CpuSet<1> {
    cpus.iter().copied().map(CpuId::new).collect()
}

#[test]
fn a_done_call_shows_its_answer_and_tells_its_caller() {
    explore("call, one target", None, || {
        let (shared, mut harts) = shared(2);
        let other = target(&shared, harts.pop().expect("cpu1"), 1);
        let mut here = harts.pop().expect("cpu0").enter();
        let targets = of(&[1]);
        assert_eq!(shared.call(&here, 1, &targets), targets, "an online CPU was not reached");
        shared.check_answers(&here, 1, &targets);
        let replied = shared.look(&mut here).is_some_and(|kinds| kinds.has(Request::Reply));
        if replied {
            assert!(shared.sched.call_done(&here), "the caller was told before its Call was done");
        }
        let mut tokens = vec![here, other.join().expect("cpu1 ends").enter()];
        let before = shared.sched.call_done(&tokens[0]);
        shared.look(&mut tokens[1]);
        let told = replied || shared.look(&mut tokens[0]).is_some_and(|kinds| kinds.has(Request::Reply));
        assert!(shared.sched.call_done(&tokens[0]), "a Call was never answered");
        assert!(told, "a Call was done ({before}) and its caller never told");
        shared.check_answers(&tokens[0], 1, &targets);
        shared.settle(&mut tokens);
        assert_eq!(shared.sched.acked(&tokens[0], CpuId::new(1)), 1, "a request was never acknowledged");
    });
}

#[test]
fn a_call_that_rides_on_an_earlier_request_is_acknowledged_by_its_own_number() {
    explore("call, after a resched to the same target", Some(3), || {
        let (shared, mut harts) = shared(2);
        let other = target(&shared, harts.pop().expect("cpu1"), 1);
        let here = harts.pop().expect("cpu0").enter();
        let online = shared.sched.target(1).expect("cpu1 is online");
        assert!(shared.sched.resched(&shared.harts, &here, online).is_ok());
        let targets = of(&[1]);
        shared.call(&here, 2, &targets);
        shared.check_answers(&here, 2, &targets);
        let mut tokens = vec![here, other.join().expect("cpu1 ends").enter()];
        shared.settle(&mut tokens);
        assert!(shared.sched.call_done(&tokens[0]), "a Call was never answered");
        assert_eq!(shared.sched.acked(&tokens[0], CpuId::new(1)), 2, "a request was never acknowledged");
    });
}

#[test]
fn two_cpus_that_call_each_other_are_both_answered() {
    explore("call, each the other's target", Some(3), || {
        let (shared, mut harts) = shared(2);
        let (theirs, hart) = (shared.clone(), harts.pop().expect("cpu1"));
        let other = thread::spawn(move || {
            let mut here = hart.enter();
            theirs.call(&here, 1, &of(&[0]));
            theirs.look(&mut here);
            theirs.check_answers(&here, 1, &of(&[0]));
            here.leave()
        });
        let mut here = harts.pop().expect("cpu0").enter();
        shared.call(&here, 1, &of(&[1]));
        shared.look(&mut here);
        shared.check_answers(&here, 1, &of(&[1]));
        let mut tokens = vec![here, other.join().expect("cpu1 ends").enter()];
        shared.settle(&mut tokens);
        for token in &tokens {
            assert!(shared.sched.call_done(token), "a Call was never answered");
        }
    });
}

#[test]
fn a_call_to_two_waits_for_both() {
    explore("call, two targets", Some(3), || {
        let (shared, mut harts) = shared(3);
        let others =
            [target(&shared, harts.pop().expect("cpu2"), 1), target(&shared, harts.pop().expect("cpu1"), 1)];
        let here = harts.pop().expect("cpu0").enter();
        let targets = of(&[1, 2]);
        assert_eq!(shared.call(&here, 1, &targets), targets, "an online CPU was not reached");
        shared.check_answers(&here, 1, &targets);
        let mut tokens = vec![here];
        tokens.extend(others.into_iter().map(|o| o.join().expect("a target ends").enter()));
        shared.settle(&mut tokens);
        assert!(shared.sched.call_done(&tokens[0]), "a Call was never answered");
        shared.check_answers(&tokens[0], 1, &targets);
    });
}

#[test]
fn a_call_to_a_cpu_that_leaves_is_answered_or_refused() {
    explore("call, against the target's leaving", Some(4), || {
        let (shared, mut harts) = shared(2);
        let (theirs, hart) = (shared.clone(), harts.pop().expect("cpu1"));
        let other = thread::spawn(move || {
            let mut here = hart.enter();
            let (m, me) = (Here { harts: &theirs.harts, answered: Cell::new(0) }, CpuId::here(&here));
            theirs.sched.leave(&m, &mut here, |_, _, call| theirs.answer(&m, me, call));
            here.leave()
        });
        let here = harts.pop().expect("cpu0").enter();
        let reached = shared.call(&here, 1, &of(&[1]));
        other.join().expect("cpu1 leaves");
        let done = shared.sched.call_done(&here);
        assert!(done, "a Call waits for a CPU that is gone (reached: {})", !reached.is_empty());
        if !reached.is_empty() {
            shared.check_answers(&here, 1, &reached);
        }
        let mut here = [here];
        shared.settle(&mut here);
    });
}

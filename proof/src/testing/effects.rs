//! Calls and what comes of them.

use antler_abi::Error;
use antler_facts::{Hart, WakeCause};

use super::small::*;
use super::*;

const CALLS: &str = "calls";

fn refused(call: Syscall, error: Error) -> Event {
    Event::Refused { number: call.number() as u64, error, argument: 2 }
}

/// What the claim says of a call of the task on cpu0 and what came of it, before the task traps again.
fn after(call: Syscall, came: &[Event]) -> Vec<String> {
    let mut said = vec![(0, 5, marker(Marker::Boot)), (0, 10, dispatch(T)), (0, 20, syscall(T, call))];
    said.extend((0..).zip(came).map(|(at, event)| (0, 30 + at, *event)));
    said.push((0, 90, trap(T, 8)));
    reasons(CALLS, 2, &said)
}

fn undone(call: Syscall) -> [String; 1] {
    [format!("cpu0 at 20 ns: task 1.1 called {call:?} and was not refused, but it was not done")]
}

#[test]
fn a_call_does_what_it_is_for_or_is_refused() {
    let stopped = Event::HartState { cpu: Cpu(1), hart: Hart(1), state: 1 };
    let start = Event::StartHart { cpu: Cpu(1), hart: Hart(1) };
    let verified = Event::Verified { cpu: Cpu(1), hart: Hart(1) };
    let child = spawned(task(2), T);
    assert_eq!(after(Syscall::Null, &[]), NOTHING);
    assert_eq!(after(Syscall::Spawn, &[child]), NOTHING);
    assert_eq!(after(Syscall::Spawn, &[refused(Syscall::Spawn, Error::NoTask)]), NOTHING);
    assert_eq!(after(Syscall::Spawn, &[]), undone(Syscall::Spawn));
    assert_eq!(after(Syscall::ThreadExit, &[]), undone(Syscall::ThreadExit));
    assert_eq!(after(Syscall::Exit, &[leave(T, Leave::Exit)]), NOTHING);
    assert_eq!(after(Syscall::Resched, &[ask(1, 1, Request::Resched)]), NOTHING);
    assert_eq!(after(Syscall::Resched, &[]), undone(Syscall::Resched));
    let call = ask(1, 1, Request::Call);
    assert_eq!(after(Syscall::CpuOffline, &[call, stopped]), NOTHING);
    assert_eq!(after(Syscall::CpuOffline, &[call]), undone(Syscall::CpuOffline));
    assert_eq!(after(Syscall::CpuOffline, &[stopped]), undone(Syscall::CpuOffline));
    assert_eq!(after(Syscall::CpuOnline, &[stopped, start, verified]), NOTHING);
    for missing in [vec![start, verified], vec![stopped, verified], vec![stopped, start]] {
        assert_eq!(after(Syscall::CpuOnline, &missing), undone(Syscall::CpuOnline));
    }
}

#[test]
fn an_unknown_call_is_told_so_and_a_known_one_what_it_can_be_told() {
    let said = |came: &[Said]| {
        let call = Event::Syscall { number: 99, task: T };
        let said = [&[(0, 10, dispatch(T)), (0, 20, call)][..], came, &[(0, 90, trap(T, 8))]].concat();
        reasons(CALLS, 1, &said)
    };
    let told = |error| Event::Refused { number: 99, error, argument: 0 };
    let text = "cpu0 at 20 ns: task 1.1 called system call 99 and was not told that there is no such call";
    assert_eq!(said(&[(0, 30, told(Error::NoSuchCall))]), NOTHING);
    assert_eq!(said(&[(0, 30, told(Error::Denied))]), [text]);
    assert_eq!(said(&[]), [text]);
    assert_eq!(after(Syscall::Join, &[refused(Syscall::Join, Error::BadHandle)]), NOTHING);
    let text = "cpu0 at 20 ns: task 1.1 called Write and was told no such thread, which is no answer to it";
    let wrong = after(Syscall::Write, &[refused(Syscall::Write, Error::BadHandle)]);
    assert_eq!(wrong[0].replace("bad handle", "no such thread"), text);
}

#[test]
fn a_target_is_refused_before_the_caller_is_told() {
    let target = |target, error| Event::TargetRefused { target, error };
    let told = refused(Syscall::Resched, Error::InvalidTarget);
    assert_eq!(after(Syscall::Resched, &[target(2, Error::InvalidTarget), told]), NOTHING);
    let text =
        "cpu0 at 20 ns: task 1.1 called Resched and was told no such CPU of a target that nobody refused";
    assert_eq!(after(Syscall::Resched, &[told]), [text]);
    assert_eq!(after(Syscall::Resched, &[target(3, Error::InvalidTarget), told]), [text]);
    assert_eq!(after(Syscall::Resched, &[target(2, Error::Offline), told]), [text]);
    let probed = |argument| {
        let number = Syscall::Probe.number() as u64;
        after(Syscall::Probe, &[Event::Refused { number, error: Error::InvalidTarget, argument }])
    };
    // Probe 8 addresses a target; probe 10 looks at its argument only.
    assert_eq!((probed(8).len(), probed(10).len()), (1, 0));
}

#[test]
fn a_ceiling_is_told_to_its_cpu() {
    let ceiling = |cpu| Event::Ceiling { cpu: Cpu(cpu), class: Qos::Normal };
    let told = [ceiling(1), ask(1, 1, Request::Resched), ring(1, 1)];
    assert_eq!(after(Syscall::Probe, &told), NOTHING);
    assert_eq!(after(Syscall::Probe, &[ceiling(0)]), NOTHING);
    let text = "cpu0 at 20 ns: task 1.1 called Probe and set the ceiling of cpu1, which was not told";
    assert_eq!(after(Syscall::Probe, &[ceiling(1), ask(2, 1, Request::Resched)]), [text]);
    let text = "cpu0 at 20 ns: task 1.1 called Probe and set more than one ceiling";
    assert_eq!(after(Syscall::Probe, &[ceiling(0), ceiling(0)]), [text]);
}

/// What the claim says of one fact under a call.
fn under(call: Syscall, event: Event) -> Vec<String> {
    let all = after(call, &[event]);
    let by = format!(": {} needs ", event.kind().name());
    all.into_iter().filter(|reason| reason.contains(&by)).collect()
}

#[test]
fn what_takes_a_call_has_one() {
    let wake = |task, cause| Event::Wake { task, cause, target: Cpu(0) };
    let cases: [(Event, &[Syscall], &str); 12] = [
        (
            leave(T, Leave::Block),
            &[Syscall::Sleep, Syscall::Wait, Syscall::Join],
            "a call of the task that waits",
        ),
        (
            Event::Deadline { task: T, at: 99 },
            &[Syscall::Sleep, Syscall::Wait],
            "a call of the task that waits so long",
        ),
        (leave(T, Leave::Yield), &[Syscall::Yield], "the task's yield"),
        (leave(T, Leave::Exit), &[Syscall::Exit, Syscall::ThreadExit], "an exit call or fault of the task"),
        (spawned(task(2), T), &[Syscall::Spawn], "its parent's spawn call"),
        (wake(task(3), WakeCause::Signal), &[Syscall::Wake], "a wake call"),
        (Event::Shootdown { space: 1, targets: 1 }, &[Syscall::Unmap], "an unmap call"),
        (
            Event::StartHart { cpu: Cpu(1), hart: Hart(1) },
            &[Syscall::CpuOnline],
            "the boot, or the call for it",
        ),
        (
            Event::HartState { cpu: Cpu(1), hart: Hart(1), state: 1 },
            &[Syscall::CpuOffline, Syscall::CpuOnline, Syscall::Probe],
            "a call that asks firmware",
        ),
        (
            ask(1, 1, Request::Call),
            &[Syscall::CpuOffline, Syscall::Probe, Syscall::Unmap],
            "a call that calls other CPUs",
        ),
        (withheld(1, 1), &[Syscall::Probe], "the probe that withholds it"),
        (
            Event::Steal { victim: Cpu(1), count: 1, class: Qos::Normal },
            &[Syscall::Probe],
            "an idle CPU, or the probe that steals",
        ),
    ];
    for (event, calls, needed) in cases {
        for call in Syscall::ALL {
            let reasons = under(*call, event);
            let found = reasons.iter().any(|reason| reason.contains(needed));
            assert_eq!(!found, calls.contains(call), "{event:?} under {call:?}: {reasons:?}");
        }
    }
    assert_eq!(under(Syscall::Yield, leave(T, Leave::Preempt)).len(), 1);
    assert_eq!(under(Syscall::Null, leave(T, Leave::Preempt)).len(), 0);
    assert_eq!(under(Syscall::Null, leave(T, Leave::Offline)).len(), 1);
    assert_eq!(under(Syscall::Null, Event::IdleEnd { why: IdleEnd::Offline }).len(), 1);
    assert_eq!(under(Syscall::Null, wake(task(3), WakeCause::Join)).len(), 1, "nobody ended");
    assert_eq!(under(Syscall::Null, wake(task(3), WakeCause::Kill)).len(), 1, "its program lives");
}

#[test]
fn who_sleeps_says_until_when() {
    let (until, sleeps) = (Event::Deadline { task: T, at: 99 }, leave(T, Leave::Block));
    let text = "cpu0 at 20 ns: task 1.1 called Sleep and sleeps, and nothing says until when";
    assert_eq!(after(Syscall::Sleep, &[until, sleeps]), NOTHING);
    assert_eq!(after(Syscall::Sleep, &[sleeps]), [text]);
    assert_eq!(after(Syscall::Sleep, &[SEEN, until, sleeps]), [text]);
    // Until a moment that has passed: it goes on. Who waits for a wake need not say how long.
    assert_eq!(after(Syscall::Sleep, &[]), NOTHING);
    assert_eq!(after(Syscall::Wait, &[sleeps]), NOTHING);
    // Somebody else's leaving, or another kind, is not its sleep.
    for other in [leave(task(2), Leave::Block), leave(T, Leave::Preempt)] {
        assert!(!after(Syscall::Sleep, &[other]).contains(&text.to_owned()), "{other:?}");
    }
    let theirs = under(Syscall::Sleep, Event::Deadline { task: task(2), at: 99 });
    assert_eq!(theirs.len(), 1, "another task's deadline");
}

#[test]
fn who_waits_for_something_is_woken_by_that() {
    let woken = |waits: Syscall, cause: WakeCause| {
        let wake = Event::Wake { task: task(2), cause, target: Cpu(0) };
        let said = [
            (0, 5, marker(Marker::Boot)),
            (1, 10, dispatch(task(2))),
            (1, 20, syscall(task(2), waits)),
            (1, 30, leave(task(2), Leave::Block)),
            (0, 31, dispatch(T)),
            (0, 40, syscall(T, if cause == WakeCause::Signal { Syscall::Wake } else { Syscall::ThreadExit })),
            (0, 41, leave(T, Leave::Exit)),
            (0, 42, exit(T)),
            (0, 50, wake),
        ];
        reasons(CALLS, 2, &said).into_iter().filter(|reason| reason.contains(": Wake needs ")).count()
    };
    use Syscall::{Join, Sleep, Wait};
    for (cause, calls) in
        [(WakeCause::Signal, &[Wait][..]), (WakeCause::Join, &[Join]), (WakeCause::Deadline, &[Sleep, Wait])]
    {
        for call in [Join, Sleep, Wait] {
            assert_eq!(woken(call, cause) == 0, calls.contains(&call), "{call:?}, {cause:?}");
        }
    }
}

#[test]
fn a_thread_ends_with_its_program() {
    let fault = Event::Fault { task: T, cause: 13, address: 0 };
    // A child that ends when it is dispatched next, because its parent was ended.
    let said = |at: u64, parent: Task| {
        vec![
            (0, 1, marker(Marker::Boot)),
            (0, 2, spawned(T, Task(0))),
            (0, 3, spawned(task(2), parent)),
            (0, at, fault),
            (1, 50, dispatch(task(2))),
            (1, 60, leave(task(2), Leave::Exit)),
        ]
    };
    let ends =
        |said: &[Said]| reasons(CALLS, 2, said).iter().filter(|r| r.contains(": Leave needs ")).count();
    assert_eq!([ends(&said(40, T)), ends(&said(60, T)), ends(&said(61, T))], [0, 0, 1]);
    assert_eq!(ends(&said(40, Task(0))), 1, "another program");
}

#[test]
fn what_the_kernel_waits_for_and_what_interrupts_a_task() {
    const ENTRIES: &str = "entries";
    let timer = Event::Timer { deadline: 1 };
    let timed = |before: &[Event]| {
        let said: Vec<Said> =
            (0..).zip(before.iter().chain([&timer])).map(|(at, event)| (0, 10 + at, *event)).collect();
        reasons(ENTRIES, 1, &said).iter().any(|reason| reason.ends_with("interrupts nothing"))
    };
    let interrupt = trap(T, 1 << 63 | 5);
    assert!(!timed(&[dispatch(T), interrupt]) && !timed(&[Event::IdleBegin {}]));
    assert!(!timed(&[dispatch(T), trap(T, 8), syscall(T, Syscall::CpuOnline)]), "a call may wait");
    assert!(timed(&[dispatch(T)]) && timed(&[dispatch(T), trap(T, 8)]));
    assert!(timed(&[dispatch(T), interrupt, timer]), "one interrupt, one timer");
    let woke = |before: &[Event]| {
        let said: Vec<Said> =
            (0..).zip(before.iter().chain([&WOKE])).map(|(at, event)| (0, 10 + at, *event)).collect();
        reasons(ENTRIES, 1, &said).iter().any(|reason| reason.ends_with("waits for nothing"))
    };
    assert!(!woke(&[Event::IdleBegin {}]) && !woke(&[leave(T, Leave::Exit), exit(T)]));
    assert!(woke(&[dispatch(T)]) && woke(&[BELL]));
    let identity = Event::Identity { hart: Hart(0), block: 8, sp: 16 };
    let told = |then: Event| {
        let said = [(0, 10, identity), (0, 11, ack(1, 1)), (0, 12, then)];
        reasons(ENTRIES, 2, &said).iter().any(|reason| reason.ends_with("Call and does not tell it"))
    };
    assert!(!told(ask(1, 1, Request::Reply)) && told(ask(2, 1, Request::Reply)) && told(Event::IdleBegin {}));
}

#[test]
fn one_deadline_fires_once_unless_it_woke_somebody() {
    let timer = |at| (0, at, Event::Timer { deadline: 5 });
    let wake = Event::Wake { task: T, cause: WakeCause::Deadline, target: Cpu(0) };
    let twice = |said: &[Said]| reasons("timer", 1, said).iter().any(|reason| reason.contains("fired twice"));
    assert!(twice(&[timer(10), timer(20)]) && !twice(&[timer(10), (0, 15, wake), timer(20)]));
    assert!(!twice(&[timer(10), (0, 20, Event::Timer { deadline: 6 })]));
    assert!(!twice(&[timer(10), (1, 20, Event::Timer { deadline: 5 })]), "each CPU has its own");
}

#[test]
fn the_boot_goes_in_order_and_every_cpu_begins_online() {
    let order = |swap: (usize, usize)| {
        let mut run = Script::good(3);
        let (a, b) = (run.facts[swap.0].event, run.facts[swap.1].event);
        (run.facts[swap.0].event, run.facts[swap.1].event) = (b, a);
        let red = run.red(3);
        red.contains(&"platform") || red.contains(&"calls")
    };
    let last = Script::good(3).find(None, |fact| fact.event == marker(Marker::Boot));
    let own: Vec<usize> = (0..=last).filter(|at| Script::good(3).facts[*at].cpu == Cpu(0)).collect();
    for pair in own.windows(2) {
        assert!(order((pair[0], pair[1])), "{pair:?}");
    }
    let mut late = Script::good(3);
    let at = late.find(None, |fact| fact.cpu == Cpu(1));
    late.facts[at].event = Event::IdleBegin {};
    assert!(late.red(3).contains(&"platform"));
}

#[test]
fn no_ceiling_is_left_and_no_sender_is_met_twice() {
    super::forged::forged("class ceiling", |run| {
        let ceilings = run.facts.iter().rposition(|fact| matches!(fact.event, Event::Ceiling { .. }));
        run.facts[ceilings.expect("a ceiling")].event =
            Event::Ceiling { cpu: Cpu(1), class: Qos::Interactive };
    });
    super::forged::doubled("ipi chain", Some(Marker::IpiCounterfactual), |fact| {
        matches!(fact.event, Event::Ack { .. })
    });
}

#[test]
fn what_a_fault_ends_is_ended() {
    const ENTRIES: &str = "entries";
    let fault = Event::Fault { task: T, cause: 2, address: 0 };
    let illegal = trap(T, 2);
    let said = |events: &[Event], needle: &str| {
        let said: Vec<Said> = (0..).zip(events).map(|(at, event)| (0, 10 + at, *event)).collect();
        reasons(ENTRIES, 1, &said).iter().any(|reason| reason.contains(needle))
    };
    let again = "met an illegal instruction again";
    assert!(
        !said(&[dispatch(T), illegal, illegal, fault, leave(T, Leave::Exit)], again),
        "the first gives it the unit"
    );
    assert!(said(&[dispatch(T), illegal, illegal, illegal, fault], again));
    let on = "went on after its fault";
    assert!(said(&[illegal, fault, trap(T, 8), syscall(T, Syscall::Null)], on));
    assert!(!said(
        &[illegal, fault, leave(T, Leave::Exit), trap(task(2), 8), syscall(task(2), Syscall::Null)],
        on
    ));
    assert!(said(&[illegal, fault, illegal, leave(T, Leave::Exit)], on), "stated after what it led to");
    let told = "it needs the caller acknowledged";
    let identity = Event::Identity { hart: Hart(0), block: 8, sp: 16 };
    for (after, wrong) in [
        (ack(1, 1), false),
        (trap(T, 8), false),
        (ask(1, 1, Request::Resched), false),
        (ask(1, 1, Request::Reply), true),
        (WOKE, true),
        (Event::IdleBegin {}, true),
    ] {
        assert_eq!(said(&[WOKE, identity, after], told), wrong, "{after:?}");
    }
    let owed = "the timer interrupts a task, and no timer fires";
    let interrupt = trap(T, 1 << 63 | 5);
    assert!(said(&[dispatch(T), interrupt, SEEN, trap(T, 8)], owed));
    assert!(!said(&[dispatch(T), interrupt, SEEN, Event::Timer { deadline: 1 }, trap(T, 8)], owed));
    assert!(said(&[Event::IdleBegin {}, Event::Offline { hart: Hart(1) }], "Offline while it is idle"));
    let bell = "it needs the doorbell under which it answers";
    assert!(said(&[Event::IdleBegin {}, identity], bell) && !said(&[WOKE, identity], bell));
}

#[test]
fn a_program_that_was_ended_goes_on_no_longer() {
    let said = |last: u64| {
        let said = vec![
            (0, 1, marker(Marker::Boot)),
            (0, 2, spawned(T, Task(0))),
            (0, 3, dispatch(T)),
            (0, 4, trap(T, 8)),
            (0, 5, syscall(T, Syscall::Spawn)),
            (0, 6, spawned(task(2), T)),
            (0, 20, trap(T, 8)),
            (0, 21, syscall(T, Syscall::Exit)),
            (0, 22, leave(T, Leave::Exit)),
            (1, last, trap(task(2), 8)),
            (1, 50, trap(task(2), 8)),
        ];
        reasons(CALLS, 2, &said)
            .iter()
            .any(|reason| reason.contains(" goes on, though its program was ended"))
    };
    assert!(said(23) && !said(22));
}

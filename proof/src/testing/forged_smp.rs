//! Forged runs again: what the SMP claims are about.

use super::forged::{changed, doubled, forged, is, without};
use super::*;
use antler_abi::Error;
use antler_facts::Kind;

/// A trap for the doorbell.
fn doorbell(fact: &Fact) -> bool {
    matches!(fact.event, Event::TrapUser { cause: SOFTWARE_INTERRUPT, .. })
}

#[test]
fn harts_reported_online_by_somebody_else() {
    let second = |fact: &Fact| is(Kind::Online)(fact) && fact.cpu == Cpu(1);
    without("online", None, second);
    forged("online", |run| {
        let at = run.find(None, second);
        run.facts[at].cpu = Cpu(0);
    });
    changed("trap stacks", None, second, |event| match event {
        Event::Online { hart, block, .. } => Event::Online { hart, block, stack: 0xffff_8000_0000 },
        other => other,
    });
    without("online", None, is(Kind::StartHart));
    without("online", None, is(Kind::Verified));
    without("online", Some(Marker::Isolation), is(Kind::Identity));
    let sp = |fact: &Fact| is(Kind::Identity)(fact) && fact.cpu == Cpu(2);
    changed("trap stacks", Some(Marker::Isolation), sp, |event| match event {
        Event::Identity { hart, block, .. } => Event::Identity { hart, block, sp: 0xffff_8000_0000 },
        other => other,
    });
    // An identity that answers nothing: the Call to that CPU was never made.
    forged("online", |run| {
        let call = |f: &Fact| matches!(f.event, Event::Request { target: Cpu(2), what: Request::Call, .. });
        let at = run.find(Some(Marker::Isolation), call);
        run.facts[at].event = Event::Request { target: Cpu(2), n: 1, what: Request::Resched };
    });
}

#[test]
fn broken_chains() {
    let after = Some(Marker::IpiCounterfactual);
    for kind in [Kind::Request, Kind::Ring, Kind::Seen, Kind::Ack] {
        without("ipi chain", after, is(kind));
        doubled("ipi chain", after, is(kind));
    }
    changed("ipi chain", after, is(Kind::Ack), |event| match event {
        Event::Ack { n, .. } => Event::Ack { sender: Cpu(2), n },
        other => other,
    });
    changed("ipi chain", after, is(Kind::Seen), |_| Event::Seen { at: Seen::Trap });
    // An acknowledgement that comes before the request.
    forged("ipi chain", |run| {
        let request = run.find(after, is(Kind::Request));
        let ack = run.find(after, is(Kind::Ack));
        let early = run.facts.remove(ack);
        run.facts.insert(request - 1, Fact { time: run.facts[request - 2].time, ..early });
    });
}

#[test]
fn answers_without_a_doorbell() {
    let after = Some(Marker::SmpOnline);
    without("counterfactual", after, is(Kind::Withheld));
    without("counterfactual", after, |f| is(Kind::Syscall)(f) && f.cpu == Cpu(1));
    // Acknowledged while the doorbell was withheld.
    forged("counterfactual", |run| {
        let withheld = run.find(after, is(Kind::Withheld));
        let trap = withheld + run.facts[withheld..].iter().position(doorbell).expect("a trap");
        let moved: Vec<Fact> = run.facts.drain(trap..trap + 3).collect();
        let time = run.facts[withheld + 50].time;
        for fact in moved.into_iter().rev() {
            run.facts.insert(withheld + 51, Fact { time, ..fact });
        }
    });
    // Answered out of WFI.
    forged("counterfactual", |run| {
        let withheld = run.find(after, is(Kind::Withheld));
        let seen = withheld + run.facts[withheld..].iter().position(is(Kind::Seen)).expect("seen");
        run.facts[seen].event = Event::Seen { at: Seen::Wfi };
    });
}

#[test]
fn reschedules_that_something_else_caused() {
    let after = Some(Marker::IpiCounterfactual);
    for kind in [Kind::TrapUser, Kind::Enqueue] {
        forged("resched", |run| {
            let trap = run.find(after, doorbell);
            let at = if kind == Kind::TrapUser { trap } else { trap - 3 };
            assert!(is(kind)(&run.facts[at]));
            run.facts.remove(at);
        });
    }
    // Another trap in between: a timer might have done it.
    forged("resched", |run| {
        let trap = run.find(after, doorbell);
        let Event::TrapUser { task, .. } = run.facts[trap].event else { panic!("a trap") };
        let other = Fact { event: Event::TrapUser { cause: 1 << 63 | 5, task }, ..run.facts[trap] };
        run.facts.insert(trap, other);
    });
    // A third CPU runs something meanwhile.
    forged("resched", |run| {
        let trap = run.find(after, doorbell);
        let time = run.facts[trap].time;
        let event = Event::Dispatch { task: Task(9), class: Qos::Normal, satp: 8 << 60 };
        run.facts.insert(trap, Fact { seq: 0, cpu: Cpu(2), time, event });
    });
    // The doorbell was somebody else's.
    forged("resched", |run| {
        let trap = run.find(after, doorbell);
        let Event::Ring { target, n } = run.facts[trap - 1].event else { panic!("a ring") };
        run.facts[trap - 1].event = Event::Rode { target, n };
    });
    // The new task is of no higher class.
    forged("resched", |run| {
        let trap = run.find(after, doorbell);
        let at = trap + run.facts[trap..].iter().position(is(Kind::Dispatch)).expect("a dispatch");
        let Event::Dispatch { task, satp, .. } = run.facts[at].event else { panic!("a dispatch") };
        run.facts[at].event = Event::Dispatch { task, class: Qos::Normal, satp };
    });
}

#[test]
fn targets_accepted_that_must_not_be() {
    let invalid = Some(Marker::IpiResched);
    without("reject invalid target", invalid, is(Kind::TargetRefused));
    without("reject invalid target", invalid, is(Kind::Refused));
    forged("reject invalid target", |run| {
        let at = run.find(invalid, is(Kind::TargetRefused));
        let event = Event::Request { target: Cpu(3), n: 1, what: Request::Resched };
        run.facts.insert(at, Fact { event, ..run.facts[at] });
    });
    let offline = Some(Marker::RejectInvalidTarget);
    for kind in [
        Kind::Offline,
        Kind::HartState,
        Kind::TargetRefused,
        Kind::Refused,
        Kind::StartHart,
        Kind::Online,
        Kind::Verified,
        Kind::Stolen,
    ] {
        without("reject offline target", offline, is(kind));
    }
    changed("reject offline target", offline, is(Kind::HartState), |event| match event {
        Event::HartState { cpu, hart, .. } => Event::HartState { cpu, hart, state: 0 },
        other => other,
    });
    changed("reject offline target", offline, is(Kind::TargetRefused), |event| match event {
        Event::TargetRefused { target, .. } => Event::TargetRefused { target, error: Error::InvalidTarget },
        other => other,
    });
    forged("reject offline target", |run| {
        let at = run.find(offline, is(Kind::TargetRefused));
        let event = Event::Ring { target: Cpu(2), n: 1 };
        run.facts.insert(at, Fact { event, ..run.facts[at] });
    });
    forged("reject offline target", |run| {
        let at = run.find(offline, is(Kind::Offline));
        run.facts.insert(at + 1, Fact { event: Event::IdleBegin {}, ..run.facts[at] });
    });
}

#[test]
fn steals_that_are_none() {
    let after = Some(Marker::RejectOffline);
    without("steals", after, is(Kind::Steal));
    without("steals", after, is(Kind::Stolen));
    changed("steals", after, is(Kind::Steal), |event| match event {
        Event::Steal { victim, class, .. } => Event::Steal { victim, class, count: 2 },
        other => other,
    });
    // Placed by spawn instead of stolen.
    forged("stealing", |run| {
        let at = run.find(after, is(Kind::Stolen));
        let Event::Stolen { task, .. } = run.facts[at].event else { panic!("stolen") };
        let cpu = run.facts[at].cpu;
        let event = Event::Enqueue { task, target: cpu, place: Place::Inbox };
        run.facts[at] = Fact { cpu: Cpu(0), event, ..run.facts[at] };
    });
    // One after the other is not at once.
    forged("stealing", |run| {
        let mut serial = Script::good(2);
        let case = run.facts.iter().position(|f| f.event == Event::Marker { marker: Marker::WorkStealing });
        serial.facts.truncate(0);
        run.facts.truncate(case.expect("the marker"));
        let exit = |run: &Script| run.find(after, is(Kind::Exit));
        let from = exit(run);
        // Every exit of the window moves to right after the dispatch of the same task.
        for at in from..run.facts.len() {
            if let Event::Exit { task, .. } = run.facts[at].event {
                let begun =
                    run.find(after, |f| matches!(f.event, Event::Dispatch { task: t, .. } if t == task));
                run.facts[at].time = run.facts[begun].time;
            }
        }
        run.say(0, Event::Marker { marker: Marker::WorkStealing });
    });
}

#[test]
fn bounds_and_ceilings_ignored() {
    let bound = Some(Marker::WorkStealing);
    without("steal bound", bound, is(Kind::StealRefused));
    changed("steal bound", bound, is(Kind::StealRefused), |event| match event {
        Event::StealRefused { victim, error, .. } => Event::StealRefused { victim, error, asked: 4 },
        other => other,
    });
    changed("steal bound", bound, is(Kind::Steal), |event| match event {
        Event::Steal { victim, class, .. } => Event::Steal { victim, class, count: 5 },
        other => other,
    });
    // The victim never held enough to be tempted: one of the nine ends at once.
    forged("steal bound", |run| {
        let at = run.find(bound, is(Kind::Enqueue));
        let Event::Enqueue { task, .. } = run.facts[at].event else { panic!("queued") };
        run.facts.retain(|f| !matches!(f.event, Event::Enqueue { task: t, .. } if t == task));
    });
    let ceiling = Some(Marker::RejectStealAboveBound);
    without("class ceiling", ceiling, is(Kind::Ceiling));
    without("class ceiling", ceiling, is(Kind::Steal));
    changed("class ceiling", ceiling, is(Kind::Steal), |event| match event {
        Event::Steal { victim, count, .. } => Event::Steal { victim, count, class: Qos::Interactive },
        other => other,
    });
    changed("class ceiling", ceiling, is(Kind::Dispatch), |event| match event {
        Event::Dispatch { task, satp, .. } => Event::Dispatch { task, satp, class: Qos::PerfBurst },
        other => other,
    });
    // There was no higher work to resist.
    forged("class ceiling", |run| {
        let at = run.find(ceiling, is(Kind::Spawned));
        let Event::Spawned { task: high, .. } = run.facts[at].event else { panic!("spawned") };
        for fact in &mut run.facts {
            match &mut fact.event {
                Event::Spawned { task, class, .. } | Event::Dispatch { task, class, .. } if *task == high => {
                    *class = Qos::Normal;
                }
                _ => {}
            }
        }
    });
}

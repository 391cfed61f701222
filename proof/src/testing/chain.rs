//! Requests, doorbells and acknowledgements, each rule of the chain for itself.

use antler_abi::Error;
use antler_facts::Hart;

use super::small::*;
use super::*;

const CHAIN: &str = "ipi chain";
const RESCHED: Request = Request::Resched;

/// Two requests of cpu0 to cpu1, answered out of a trap and out of WFI.
fn good() -> Vec<Said> {
    vec![
        (0, 10, ask(1, 1, RESCHED)),
        (0, 20, ring(1, 1)),
        (1, 30, BELL),
        (1, 40, SEEN),
        (1, 50, ack(0, 1)),
        (1, 55, Event::IdleBegin {}),
        (0, 60, ask(1, 2, RESCHED)),
        (0, 70, ring(1, 2)),
        (1, 80, WOKE),
        (1, 90, ack(0, 2)),
    ]
}

/// Two requests of cpu0 to cpu1 under one doorbell, which cpu1 sees.
fn ridden() -> Vec<Said> {
    vec![
        (0, 10, ask(1, 1, RESCHED)),
        (0, 20, ring(1, 1)),
        (0, 22, ask(1, 2, RESCHED)),
        (0, 24, rode(1, 2)),
        (1, 30, BELL),
        (1, 40, SEEN),
    ]
}

#[test]
fn the_good_ones_are_green() {
    says(CHAIN, 2, &good(), &[]);
    says(CHAIN, 2, &[], &["no CPU ever asked another for anything"]);
    // The second rides on the first one's doorbell, and one acknowledgement is for both.
    let riding = plus(&ridden(), &[(1, 50, ack(0, 2))]);
    says(CHAIN, 2, &riding, &[]);
    let exchange = &trace(&riding).exchanges()[1].clone();
    assert_eq!((exchange.rode.len(), exchange.ack.map(|at| at.time)), (1, Some(50)));
    assert_eq!(exchange.seen.map(|at| (at.index, at.time)), Some((1, 40)));
    // Everything within one tick of a coarse clock.
    let tick: Vec<Said> = good()[..5].iter().map(|&(cpu, _, event)| (cpu, 10, event)).collect();
    says(CHAIN, 2, &tick, &[]);
}

#[test]
fn one_doorbell_is_answered_once() {
    let two = plus(&ridden(), &[(1, 50, ack(0, 1)), (1, 60, ack(0, 2))]);
    let again = "cpu1's ack of cpu0 up to 2 is the second one under one doorbell";
    says(CHAIN, 2, &two, &[again]);
    // On its way out a CPU looks once more.
    says(CHAIN, 2, &plus(&two, &[(1, 70, Event::Offline { hart: Hart(1) })]), &[]);
}

#[test]
fn numbers_count_on_by_one_from_one() {
    let skip = with(&good(), 6, (0, 60, ask(1, 3, RESCHED)));
    let name = "request 3 of cpu0 to cpu1 (Resched) follows number 1; numbers must count on by one";
    tells(CHAIN, 2, &skip, name);
    let name = "request 0 of cpu0 to cpu1 (Resched) follows number 0; numbers must count on by one";
    tells(CHAIN, 2, &with(&good(), 0, (0, 10, ask(1, 0, RESCHED))), name);
    let own = [(0, 10, ask(0, 1, RESCHED)), (0, 20, ring(0, 1))];
    tells(CHAIN, 2, &own, "request 1 of cpu0 to cpu0 (Resched) is to itself");
}

#[test]
fn each_request_has_one_way_to_its_target() {
    let name = "request 1 of cpu0 to cpu1 (Resched)";
    let silent = minus(&good(), &[1]);
    tells(CHAIN, 2, &silent, &format!("{name} has no doorbell: neither rung, nor rode, nor withheld"));
    let kept = with(&good(), 1, (0, 20, withheld(1, 1)));
    tells(CHAIN, 2, &kept, &format!("{name}: its doorbell was withheld and never rung"));
    let mut twice = good();
    twice.insert(2, (0, 25, ring(1, 1)));
    tells(CHAIN, 2, &twice, &format!("{name} has 2 rings, 0 rides and 0 withheld; one way each"));
    let mut both = good();
    both.insert(2, (0, 25, rode(1, 1)));
    tells(CHAIN, 2, &both, &format!("{name} has 1 rings, 1 rides and 0 withheld; one way each"));
    for event in [ring(1, 9), rode(1, 9), withheld(1, 9)] {
        let kind = event.kind().name();
        let text = format!("cpu0 states {kind} for request 9 to cpu1, which it never made");
        tells(CHAIN, 2, &plus(&good(), &[(0, 95, event)]), &text);
    }
    // A doorbell is no doorbell of a request that comes after it.
    let mut early = good();
    early.swap(0, 1);
    tells(CHAIN, 2, &early, &format!("{name} has no doorbell: neither rung, nor rode, nor withheld"));
}

#[test]
fn a_closed_mailbox_needs_no_doorbell_if_the_sender_says_so_at_once() {
    let refused = |target: u64| {
        plus(
            &good(),
            &[(0, 91, ask(1, 3, RESCHED)), (0, 92, Event::TargetRefused { target, error: Error::Offline })],
        )
    };
    says(CHAIN, 2, &refused(1), &[]);
    assert_eq!(reasons(CHAIN, 2, &refused(2)).len(), 1);
}

#[test]
fn after_the_end_of_the_tests_nothing_needs_an_answer() {
    let after = |done: u64, asked: u64| {
        let last = [(0, done, marker(Marker::Done)), (0, asked, ask(1, 3, Request::Stop))];
        plus(&good(), &last)
    };
    says(CHAIN, 2, &after(95, 95), &[]);
    says(CHAIN, 2, &after(95, 96), &[]);
    let rung = |done: u64| {
        plus(
            &good(),
            &[(0, 95, ask(1, 3, Request::Stop)), (0, 95, ring(1, 3)), (0, done, marker(Marker::Done))],
        )
    };
    says(CHAIN, 2, &rung(95), &[]);
    let unanswered = [
        "request 3 of cpu0 to cpu1 (Stop) was never acknowledged",
        "cpu1 never saw the doorbell that was rung at 95 ns",
    ];
    says(CHAIN, 2, &rung(96), &unanswered);
}

#[test]
fn acknowledgements_come_in_time_and_under_the_first_doorbell_seen() {
    let name = "request 2 of cpu0 to cpu1 (Resched)";
    let early = with(&with(&good(), 8, (1, 58, WOKE)), 9, (1, 59, ack(0, 2)));
    tells(CHAIN, 2, &early, &format!("{name} was acknowledged at 59 ns, before it was made at 60 ns"));
    tells(CHAIN, 2, &early, "cpu1's ack of cpu0 up to 2 is older than the request");
    // One doorbell seen without the acknowledgement, which follows under another's.
    let skipped = [
        (0, 10, ask(1, 1, RESCHED)),
        (0, 20, ring(1, 1)),
        (1, 40, WOKE),
        (2, 41, ask(1, 1, RESCHED)),
        (2, 42, ring(1, 1)),
        (1, 60, WOKE),
        (1, 70, ack(0, 1)),
        (1, 71, ack(2, 1)),
    ];
    let late = "request 1 of cpu0 to cpu1 (Resched): cpu1 saw a doorbell after it, but acknowledged it only under a later one";
    says(CHAIN, 3, &skipped, &[late]);
    // Seen in the tick in which it was rung: that may have been before.
    says(CHAIN, 3, &with(&skipped, 1, (0, 40, ring(1, 1))), &[]);
    let met = with(&skipped, 6, (1, 50, ack(0, 1)));
    let mut met = met;
    met.swap(5, 6);
    says(CHAIN, 3, &met, &[]);
}

#[test]
fn a_withheld_doorbell_holds_the_answer_back() {
    let experiment = |answer: u64| {
        let mut said = vec![
            (0, 10, ask(1, 1, RESCHED)),
            (0, 20, withheld(1, 1)),
            (0, 50, syscall(T, Syscall::Probe)),
            (0, 60, ring(1, 1)),
            (1, answer, BELL),
            (1, answer, SEEN),
            (1, answer, ack(0, 1)),
        ];
        said.sort_by_key(|(_, time, _)| *time);
        said
    };
    says(CHAIN, 2, &experiment(70), &[]);
    says(CHAIN, 2, &experiment(50), &[]);
    let early = "request 1 of cpu0 to cpu1 (Resched) was acknowledged before its withheld doorbell was rung";
    tells(CHAIN, 2, &experiment(49), early);
}

#[test]
fn every_call_has_its_reply() {
    let call = |n: u64| {
        [
            (0, n * 100, ask(1, n, Request::Call)),
            (0, n * 100 + 1, ring(1, n)),
            (1, n * 100 + 2, WOKE),
            (1, n * 100 + 3, ack(0, n)),
        ]
    };
    let reply = |n: u64| {
        [
            (1, n * 100 + 5, ask(0, n, Request::Reply)),
            (1, n * 100 + 6, ring(0, n)),
            (0, n * 100 + 7, WOKE),
            (0, n * 100 + 8, ack(1, n)),
        ]
    };
    let whole = [call(1), reply(1), call(2), reply(2)].concat();
    says(CHAIN, 2, &whole, &[]);
    let missing = [call(1), reply(1), call(2)].concat();
    says(CHAIN, 2, &missing, &["cpu1 gave cpu0 1 answers to 2 Calls"]);
    let unasked = [call(1), reply(1), reply(2)].concat();
    says(CHAIN, 2, &unasked, &["cpu1 gave cpu0 2 answers to 1 Calls"]);
    // A Call that met a closed mailbox may have been answered all the same, or not.
    let closed = [
        (0, 250, ask(1, 2, Request::Call)),
        (0, 251, Event::TargetRefused { target: 1, error: Error::Offline }),
    ];
    says(CHAIN, 2, &[&call(1)[..], &reply(1), &closed].concat(), &[]);
    let answered: Vec<Said> = reply(2).iter().map(|&(cpu, time, event)| (cpu, time + 100, event)).collect();
    says(CHAIN, 2, &[&call(1)[..], &reply(1), &closed, &answered].concat(), &[]);
    let thrice =
        [(1, 405, ask(0, 3, Request::Reply)), (1, 406, ring(0, 3)), (0, 407, WOKE), (0, 408, ack(1, 3))];
    let text = "cpu1 gave cpu0 3 answers to 1 Calls";
    says(CHAIN, 2, &[&call(1)[..], &reply(1), &closed, &answered, &thrice].concat(), &[text]);
    // What is asked when all is done is not counted.
    let done = [(0, 200, marker(Marker::Done))];
    says(CHAIN, 2, &[&call(1)[..], &reply(1), &done, &call(2)].concat(), &[]);
    let before = [(0, 204, marker(Marker::Done))];
    says(
        CHAIN,
        2,
        &[&call(1)[..], &reply(1), &call(2), &before].concat(),
        &["cpu1 gave cpu0 1 answers to 2 Calls"],
    );
}

#[test]
fn acknowledgements_ascend_and_are_for_requests_that_were_made() {
    let never = "cpu1's ack of cpu0 up to 3: cpu0 never made that request";
    tells(CHAIN, 2, &plus(&good(), &[(1, 95, ack(0, 3))]), never);
    let again = "cpu1's ack of cpu0 up to 2 came after an ack up to 2";
    tells(CHAIN, 2, &plus(&good(), &[(1, 95, ack(0, 2))]), again);
    let back = "cpu1's ack of cpu0 up to 1 came after an ack up to 2";
    tells(CHAIN, 2, &plus(&good(), &[(1, 95, ack(0, 1))]), back);
    // Met early by one drain, and once more by the one that its own doorbell causes.
    let early = [
        (0, 10, ask(1, 1, RESCHED)),
        (2, 10, ask(1, 1, RESCHED)),
        (2, 12, ring(1, 1)),
        (1, 20, WOKE),
        (1, 22, ack(0, 1)),
        (1, 23, ack(2, 1)),
        (0, 24, ring(1, 1)),
        (1, 30, WOKE),
        (1, 32, ack(0, 1)),
    ];
    says(CHAIN, 3, &early, &[]);
}

/// Between the doorbell seen and an acknowledgement the CPU does nothing but answer, or leave.
#[test]
fn acknowledgements_stand_under_a_doorbell_seen() {
    let bare = "cpu1's ack of cpu0 up to 2 at 90 ns stands under no doorbell seen";
    let between = |event: Event| {
        let mut said = good();
        said.insert(9, (1, 85, event));
        said.insert(0, (1, 1, ask(0, 1, Request::Reply)));
        reasons(CHAIN, 2, &said).contains(&bare.to_owned())
    };
    for event in [syscall(T, Syscall::Null), dispatch(T), Event::IdleBegin {}, BELL, enqueue(T, 1)] {
        assert!(between(event), "{event:?}");
    }
    let identity = Event::Identity { hart: Hart(1), block: 0, sp: 0 };
    let refused = Event::TargetRefused { target: 0, error: Error::Offline };
    for event in [identity, ask(0, 2, Request::Reply), ring(0, 1), rode(0, 1), refused] {
        assert!(!between(event), "{event:?}");
    }
    // A CPU that leaves meets its last senders on its way out.
    let way_out = |last: Event| {
        let mut said = good();
        said.insert(9, (1, 85, evicted(T, 0)));
        said.push((1, 95, last));
        reasons(CHAIN, 2, &said).contains(&bare.to_owned())
    };
    assert!(!way_out(Event::Offline { hart: Hart(1) }));
    for event in [dispatch(T), Event::IdleBegin {}, BELL] {
        assert!(way_out(event), "{event:?}");
    }
}

#[test]
fn doorbells_are_seen_no_more_often_than_rung_and_from_where_the_cpu_was() {
    let idle = [(1, 91, Event::IdleBegin {})];
    // One that nobody rang is harmless as long as nobody is answered under it.
    says(CHAIN, 2, &[&good()[..], &idle, &[(1, 92, WOKE)]].concat(), &[]);
    let more = "cpu1 answered its doorbell 3 times up to 92 ns, it was rung 2 times";
    says(CHAIN, 2, &[&good()[..], &idle, &[(1, 92, WOKE), (1, 93, ack(0, 2))]].concat(), &[more]);
    // It cannot be seen before it can have been rung.
    let soon = with(&with(&good(), 2, (1, 5, BELL)), 3, (1, 5, SEEN));
    let mut soon = soon;
    soon.insert(0, (0, 6, syscall(T, Syscall::Null)));
    tells(CHAIN, 2, &soon, "cpu1 answered its doorbell 1 times up to 5 ns, it was rung 0 times");
    let text = "cpu1 states Trap for the doorbell at 40 ns, but the fact before is None";
    tells(CHAIN, 2, &minus(&good(), &[2]), text);
    let trapped =
        format!("cpu1 states Wfi for the doorbell at 40 ns, but the fact before is {:?}", Some(BELL));
    tells(CHAIN, 2, &with(&good(), 3, (1, 40, WOKE)), &trapped);
}

#[test]
fn every_doorbell_is_seen_before_the_next_is_rung() {
    let unseen = [
        (0, 10, ask(1, 1, RESCHED)),
        (0, 20, ring(1, 1)),
        (0, 30, ask(1, 2, RESCHED)),
        (0, 40, ring(1, 2)),
        (1, 50, WOKE),
        (1, 60, ack(0, 2)),
    ];
    let text = "cpu1 was rung at 40 ns, having seen 0 of the 1 doorbells before";
    says(CHAIN, 2, &unseen, &[text]);
    // At the machine's end everybody is rung, whatever they have seen.
    let ending = |done: u64| {
        let mut said = unseen.to_vec();
        said.insert(3, (0, done, marker(Marker::Done)));
        reasons(CHAIN, 2, &said).contains(&text.to_owned())
    };
    assert!(ending(41) && !ending(40) && !ending(39));
    let hart = Hart(1);
    // A CPU that stopped in between may have left one unseen, one for each time that it stopped.
    let stopped = |at: u64| {
        let mut said = unseen.to_vec();
        said.insert(4, (1, at, Event::Offline { hart }));
        said.insert(5, (1, at + 1, Event::Online { hart, stack: 0, block: 0 }));
        reasons(CHAIN, 2, &said).contains(&text.to_owned())
    };
    assert!(!stopped(35) && !stopped(40) && stopped(41));
    // The very last one must be seen, too, unless the CPU is gone.
    let last = [(0, 95, ask(1, 3, RESCHED)), (0, 96, ring(1, 3))];
    tells(CHAIN, 2, &plus(&good(), &last), "cpu1 never saw the doorbell that was rung at 96 ns");
    let never = |leaves: &[Said]| {
        let said = [&good()[..], &last, leaves].concat();
        reasons(CHAIN, 2, &said).contains(&"cpu1 never saw the doorbell that was rung at 96 ns".to_owned())
    };
    let online = |at| (1, at, Event::Online { hart, stack: 0, block: 0 });
    assert!(!never(&[(1, 92, Event::Offline { hart })]), "gone for good");
    assert!(!never(&[(1, 92, Event::Offline { hart }), online(95)]), "just back");
    assert!(never(&[(1, 92, Event::Offline { hart }), online(94)]), "back before it was rung");
    // Seen in the tick in which it can have been rung first.
    let tick = with(&with(&good(), 8, (1, 60, WOKE)), 9, (1, 60, ack(0, 2)));
    says(CHAIN, 2, &tick, &[]);
}

//! CPUs that come up, and say so from their own place.

use antler_facts::Hart;

use super::small::*;
use super::*;

pub(super) const BLOCK: u64 = 0x1000;
pub(super) const STACK: u64 = 0x10_0000;

pub(super) fn online(cpu: u64) -> Event {
    Event::Online { hart: Hart(cpu), stack: STACK * (cpu + 1), block: BLOCK * (cpu + 1) }
}

fn identity(cpu: u64) -> Event {
    Event::Identity { hart: Hart(cpu), block: BLOCK * (cpu + 1), sp: STACK * (cpu + 1) - 64 }
}

pub(super) fn start(cpu: u16) -> Event {
    Event::StartHart { cpu: Cpu(cpu), hart: Hart(u64::from(cpu)) }
}

pub(super) fn verified(cpu: u16) -> Event {
    Event::Verified { cpu: Cpu(cpu), hart: Hart(u64::from(cpu)) }
}

/// Two CPUs come up, and cpu0 calls cpu1 and itself.
fn up() -> Vec<Said> {
    let present = |cpu: u16| Event::Present { cpu: Cpu(cpu), hart: Hart(u64::from(cpu)) };
    vec![
        (0, 1, present(0)),
        (0, 2, present(1)),
        (0, 3, online(0)),
        (0, 10, start(1)),
        (1, 10, online(1)),
        (0, 10, verified(1)),
        (0, 20, marker(Marker::Isolation)),
        (0, 30, ask(1, 1, Request::Call)),
        (0, 31, ring(1, 1)),
        (1, 40, SEEN),
        (1, 41, identity(1)),
        (1, 42, ack(0, 1)),
        (0, 50, identity(0)),
        (0, 60, marker(Marker::SmpOnline)),
    ]
}

const ONLINE: &str = "online";
const STACKS: &str = "trap stacks";

#[test]
fn trap_stacks_and_blocks_are_each_cpus_own() {
    says(STACKS, 2, &up(), &[]);
    says(STACKS, 3, &up(), &["2 of 3 CPUs said which trap stack they have"]);
    let of = |stack, block| {
        let said = with(&up(), 4, (1, 10, Event::Online { hart: Hart(1), stack, block }));
        reasons(STACKS, 2, &minus(&said, &[10]))
    };
    let aligned = |stack, block| !of(stack, block).iter().any(|reason| reason.ends_with(" is not aligned"));
    assert!(aligned(STACK * 2, BLOCK * 2) && aligned(STACK * 2 + 16, BLOCK * 2 + 8));
    assert!(!aligned(STACK * 2 + 8, BLOCK * 2) && !aligned(STACK * 2, BLOCK * 2 + 4));
    assert_eq!(of(STACK, BLOCK * 2), ["cpu0 and cpu1 share a trap stack"]);
    assert_eq!(of(STACK * 2, BLOCK), ["cpu0 and cpu1 share a hart block"]);
    // Stacks are apart by what an answer may reach down, upwards and downwards.
    let reach = 64 * 1024;
    assert_eq!(of(STACK + reach, BLOCK * 2), NOTHING);
    assert_eq!(of(STACK + reach - 16, BLOCK * 2), ["cpu0 and cpu1 share a trap stack"]);
    assert_eq!(of(STACK - reach, BLOCK * 2), NOTHING);
    assert_eq!(of(STACK - reach + 16, BLOCK * 2), ["cpu1 and cpu0 share a trap stack"]);
    // One CPU alone has one as well, and says which.
    says(STACKS, 1, &[(0, 3, online(0))], &[]);
    says(STACKS, 1, &[], &["0 of 1 CPUs said which trap stack they have"]);
    let as_hart = Event::Online { hart: Hart(7), stack: STACK * 2, block: BLOCK * 2 };
    says(STACKS, 2, &with(&up(), 4, (1, 10, as_hart)), &["cpu1 came online as hart 7, which it is not"]);
    let away = plus(&up(), &[(1, 65, Event::Offline { hart: Hart(1) })]);
    for (stack, block) in [(STACK * 3, BLOCK * 2), (STACK * 2, BLOCK * 3)] {
        let back = (1, 70, Event::Online { hart: Hart(1), stack, block });
        let text =
            format!("cpu1 had stack 0x200000 and block 0x2000, and came back with {stack:#x} and {block:#x}");
        says(STACKS, 2, &plus(&away, &[back]), &[&text]);
    }
    says(STACKS, 2, &plus(&away, &[(1, 70, online(1))]), &[]);
    says(STACKS, 2, &plus(&up(), &[(1, 70, online(1))]), &["cpu1 came online at 70 ns, and was online"]);
}

#[test]
fn answers_come_from_the_own_stack_and_block() {
    let of = |event: Event| with(&up(), 10, (1, 41, event));
    let (hart, block, sp) = (Hart(1), BLOCK * 2, STACK * 2 - 64);
    let text = "cpu1 answers with block 0x1000, it came online with 0x2000";
    says(STACKS, 2, &of(Event::Identity { hart, block: BLOCK, sp }), &[text]);
    let reach = 64 * 1024;
    for (sp, fits) in [
        (STACK * 2 - 16, true),
        (STACK * 2 - reach, true),
        (STACK * 2, false),
        (STACK * 2 - reach - 16, false),
    ] {
        let text = format!("cpu1 answers with sp {sp:#x}, which is not on its stack below 0x200000");
        let said = of(Event::Identity { hart, block, sp });
        let expected = if fits { vec![] } else { vec![&text[..]] };
        says(STACKS, 2, &said, &expected);
    }
    let odd = Event::Identity { hart, block, sp: sp + 8 };
    says(STACKS, 2, &of(odd), &["cpu1 answers with sp 0x1fffc8, not aligned"]);
    says(
        STACKS,
        2,
        &minus(&up(), &[4]),
        &["cpu1 answers, but never came online", "1 of 2 CPUs said which trap stack they have"],
    );
}

#[test]
fn each_hart_comes_up_by_itself_after_it_was_asked_and_is_verified_then() {
    says(ONLINE, 2, &up(), &[]);
    let never = "cpu1 (hart 1) never stated that it is online";
    tells(ONLINE, 2, &minus(&up(), &[4]), never);
    tells(ONLINE, 2, &minus(&up(), &[4]), "1 of 2 CPUs stated that they are online");
    tells(ONLINE, 3, &up(), "2 of 3 CPUs stated that they are online");
    let as_hart = |hart| Event::Online { hart: Hart(hart), stack: STACK * 2, block: BLOCK * 2 };
    tells(ONLINE, 2, &with(&up(), 4, (1, 10, as_hart(7))), "cpu1 says it is hart 7, the device tree says 1");
    let unasked = "no fact of cpu0 says that firmware was asked to start cpu1 (hart 1) before it came";
    tells(ONLINE, 2, &minus(&up(), &[3]), unasked);
    tells(ONLINE, 2, &with(&up(), 4, (1, 9, online(1))), unasked);
    let unverified = "cpu0 did not verify cpu1 (hart 1) after it came online";
    tells(ONLINE, 2, &minus(&up(), &[5]), unverified);
    tells(ONLINE, 2, &with(&up(), 4, (1, 11, online(1))), unverified);
}

#[test]
fn each_life_is_started_and_verified_once_by_somebody_else() {
    let again = [
        (1, 70, Event::Offline { hart: Hart(1) }),
        (0, 80, start(1)),
        (1, 90, online(1)),
        (0, 95, verified(1)),
    ];
    says(ONLINE, 2, &plus(&up(), &again), &[]);
    says(ONLINE, 2, &plus(&up(), &again[..1]), &[]);
    let count = |what: &str, lives: usize, all: usize, sound: usize| {
        format!(
            "cpu1 (hart 1) came online {lives} times, and was {what} {all} times, {sound} of them soundly"
        )
    };
    tells(ONLINE, 2, &plus(&up(), &minus(&again, &[1])), &count("started", 2, 1, 1));
    tells(ONLINE, 2, &plus(&up(), &minus(&again, &[3])), &count("verified", 2, 1, 1));
    tells(ONLINE, 2, &plus(&up(), &with(&again, 3, (1, 95, verified(1)))), &count("verified", 2, 2, 1));
    let other = Event::Verified { cpu: Cpu(1), hart: Hart(9) };
    tells(ONLINE, 2, &plus(&up(), &with(&again, 3, (0, 95, other))), &count("verified", 2, 2, 1));
    tells(ONLINE, 2, &plus(&up(), &plus(&again, &[(0, 96, verified(1))])), &count("verified", 2, 3, 3));
    let moved = Event::Online { hart: Hart(1), stack: STACK * 2, block: BLOCK * 9 };
    let text = "cpu1 was hart 1 on block 0x2000, and then hart 1 on 0x9000";
    tells(ONLINE, 2, &plus(&up(), &with(&again, 2, (1, 90, moved))), text);
    let stranger = Event::Offline { hart: Hart(9) };
    let text = "cpu1 was hart 1 on block 0x2000, and then hart 9 on 0x2000";
    tells(ONLINE, 2, &plus(&up(), &with(&again, 0, (1, 70, stranger))), text);
    let twice = plus(&up(), &minus(&again, &[0]));
    tells(ONLINE, 2, &twice, "cpu1 came online 2 times and went offline 0 times");
    let gone =
        plus(&up(), &[(1, 70, Event::Offline { hart: Hart(1) }), (1, 71, Event::Offline { hart: Hart(1) })]);
    tells(ONLINE, 2, &gone, "cpu1 came online 1 times and went offline 2 times");
}

#[test]
fn every_cpu_answers_a_call_as_its_own_hart() {
    let of = |event: Event| with(&up(), 10, (1, 41, event));
    let (block, sp) = (BLOCK * 2, STACK * 2 - 64);
    tells(ONLINE, 2, &of(Event::Identity { hart: Hart(0), block, sp }), "cpu1 answers as hart 0, it is 1");
    let times = |count: usize| {
        format!("cpu1 stated its identity {count} times before the smp-online marker; once is meant")
    };
    says(ONLINE, 2, &minus(&up(), &[10]), &[&times(0)]);
    let mut twice = up();
    twice.insert(10, (1, 41, identity(1)));
    says(ONLINE, 2, &twice, &[&times(2)]);
}

#[test]
fn an_identity_answers_a_call_or_is_the_callers_own() {
    // Nobody may be the caller if no Call was made, and cpu1 made none.
    let resched = with(&up(), 7, (0, 30, ask(1, 1, Request::Resched)));
    says(ONLINE, 2, &resched, &["cpu0, cpu1 stated an identity without a Call that asked for it"]);
    let mut outside = up();
    outside.swap(9, 10);
    let outside = with(&with(&outside, 9, (1, 39, identity(1))), 10, (1, 40, SEEN));
    says(ONLINE, 2, &outside, &["cpu0, cpu1 stated an identity without a Call that asked for it"]);
    // The Call before the window was for something else.
    let early = with(&with(&up(), 6, (0, 20, marker(Marker::Boot))), 7, (0, 15, ask(1, 1, Request::Call)));
    let mut early = early;
    early.swap(6, 7);
    says(ONLINE, 2, &early, &["cpu0, cpu1 stated an identity without a Call that asked for it"]);
    // Answered under a later doorbell than the one that the identity stands under.
    let mut later = up();
    later.insert(11, (1, 42, Event::IdleBegin {}));
    later.splice(12..12, [(1, 42, Event::IdleBegin {}), (1, 42, Event::IdleBegin {}), (1, 42, WOKE)]);
    assert!(reasons(ONLINE, 2, &later)[0].ends_with("stated an identity without a Call that asked for it"));
    // Somebody else's Call was answered there, and this one's only later.
    let mut other = up();
    other[11] = (1, 42, ack(2, 1));
    assert!(reasons(ONLINE, 2, &other)[0].ends_with("stated an identity without a Call that asked for it"));
    // Acknowledged before the identity, or after it: both are under the same doorbell.
    let mut before = up();
    before.swap(10, 11);
    says(ONLINE, 2, &with(&with(&before, 10, (1, 41, ack(0, 1))), 11, (1, 42, identity(1))), &[]);
    // Out of WFI it says nothing of the stack on which traps begin. The caller may: it waits in its call.
    let asleep = "cpu1 answers out of Wfi, and not out of a trap from U-mode";
    says(ONLINE, 2, &with(&up(), 9, (1, 40, WOKE)), &[asleep]);
    let mut caller = up();
    caller.insert(12, (0, 49, WOKE));
    says(ONLINE, 2, &caller, &[]);
    // The last doorbell before it counts.
    let mut again = up();
    again.insert(9, (1, 39, WOKE));
    says(ONLINE, 2, &again, &[]);
    // The one that calls itself must be one that calls.
    let mut reversed = up();
    reversed[7] = (1, 30, ask(0, 1, Request::Call));
    reversed[8] = (1, 31, ring(0, 1));
    let third = [
        &reversed[..12],
        &[(0, 49, Event::IdleBegin {}), (0, 50, identity(0)), (0, 60, marker(Marker::SmpOnline))],
    ]
    .concat();
    assert_eq!(
        reasons(ONLINE, 2, &third),
        ["cpu0, cpu1 stated an identity without a Call that asked for it"]
    );
}

#[test]
fn only_one_cpu_calls_itself_and_it_is_one_that_calls_others() {
    let third = [
        (0, 2, Event::Present { cpu: Cpu(2), hart: Hart(2) }),
        (0, 9, start(2)),
        (2, 10, online(2)),
        (0, 11, verified(2)),
    ];
    let with_third = |more: &[Said]| {
        let mut said = plus(&third, &up());
        said.splice(said.len() - 1..said.len() - 1, more.iter().copied());
        reasons(ONLINE, 3, &said)
    };
    let answer = |from: u16, to: u16, event: Event| {
        [
            (from, 51, ask(to, 1, Request::Call)),
            (from, 52, ring(to, 1)),
            (to, 53, SEEN),
            (to, 54, event),
            (to, 55, ack(from, 1)),
        ]
    };
    assert_eq!(with_third(&answer(1, 2, identity(2))), NOTHING);
    // cpu0 answers cpu1's Call as well, so cpu2 might be the one; but it calls nobody.
    let mut uncalled = plus(&third, &up());
    let own = uncalled.iter().position(|fact| fact.2 == identity(0)).expect("cpu0's identity");
    uncalled.splice(own..=own, answer(1, 0, identity(0)));
    uncalled.insert(uncalled.len() - 1, (2, 56, identity(2)));
    says(ONLINE, 3, &uncalled, &["cpu2 stated an identity without a Call that asked for it"]);
    // Both cpu0 and cpu1 call cpu2, which answers; nobody calls them.
    let both = minus(&up(), &[7, 8, 9, 11]);
    let mut both = plus(&third, &both);
    let last = both.len() - 1;
    both.splice(
        last..last,
        plus(
            &answer(0, 2, identity(2)),
            &[(1, 56, ask(2, 1, Request::Call)), (1, 57, ring(2, 1)), (2, 58, SEEN), (2, 59, ack(1, 1))],
        ),
    );
    says(ONLINE, 3, &both, &["cpu0, cpu1 stated an identity without a Call that asked for it"]);
}

//! The fact codec: every legal fact there and back, every other record refused for a reason.

use antler_abi::{Error, Qos};
use antler_facts::{
    Cpu, DecodeError, Event, Fact, Hart, IdleEnd, Kind, KindMask, Leave, Marker, Place, RECORD, Request,
    Seen, Task, WakeCause,
};
use proptest::prelude::*;
use proptest::sample::select;

/// Numbers of all sizes, the largest and smallest among them.
fn number() -> impl Strategy<Value = u64> + Clone {
    prop_oneof![Just(0), Just(u64::MAX), Just(1 << 63), any::<u64>(), 0..100u64]
}

fn cpu() -> impl Strategy<Value = Cpu> + Clone {
    prop_oneof![Just(0), Just(u16::MAX), any::<u16>()].prop_map(Cpu)
}

fn hart() -> impl Strategy<Value = Hart> + Clone {
    number().prop_map(Hart)
}

fn task() -> impl Strategy<Value = Task> + Clone {
    number().prop_map(Task)
}

fn qos() -> impl Strategy<Value = Qos> + Clone {
    select(&Qos::ALL[..])
}

fn error() -> impl Strategy<Value = Error> + Clone {
    select(Error::ALL)
}

/// Any event of this kind. The match is complete, so a new kind is not forgotten here.
fn event(kind: Kind) -> BoxedStrategy<Event> {
    let n = number;
    match kind {
        Kind::BootHart => hart().prop_map(|hart| Event::BootHart { hart }).boxed(),
        Kind::Present => (cpu(), hart()).prop_map(|(cpu, hart)| Event::Present { cpu, hart }).boxed(),
        Kind::Transport => n().prop_map(|version| Event::Transport { version }).boxed(),
        Kind::StartHart => (cpu(), hart()).prop_map(|(cpu, hart)| Event::StartHart { cpu, hart }).boxed(),
        Kind::Online => {
            (hart(), n(), n()).prop_map(|(hart, stack, block)| Event::Online { hart, stack, block }).boxed()
        }
        Kind::Verified => (cpu(), hart()).prop_map(|(cpu, hart)| Event::Verified { cpu, hart }).boxed(),
        Kind::Identity => {
            (hart(), n(), n()).prop_map(|(hart, block, sp)| Event::Identity { hart, block, sp }).boxed()
        }
        Kind::TrapUser => (n(), task()).prop_map(|(cause, task)| Event::TrapUser { cause, task }).boxed(),
        Kind::Syscall => (n(), task()).prop_map(|(number, task)| Event::Syscall { number, task }).boxed(),
        Kind::Refused => (n(), error(), n())
            .prop_map(|(number, error, argument)| Event::Refused { number, error, argument })
            .boxed(),
        Kind::Spawned => (task(), task(), qos())
            .prop_map(|(task, parent, class)| Event::Spawned { task, parent, class })
            .boxed(),
        Kind::Enqueue => (task(), cpu(), select(Place::ALL))
            .prop_map(|(task, target, place)| Event::Enqueue { task, target, place })
            .boxed(),
        Kind::Dispatch => {
            (task(), qos(), n()).prop_map(|(task, class, satp)| Event::Dispatch { task, class, satp }).boxed()
        }
        Kind::Leave => {
            (task(), select(Leave::ALL)).prop_map(|(task, why)| Event::Leave { task, why }).boxed()
        }
        Kind::Wake => (task(), select(WakeCause::ALL), cpu())
            .prop_map(|(task, cause, target)| Event::Wake { task, cause, target })
            .boxed(),
        Kind::Exit => (task(), n()).prop_map(|(task, value)| Event::Exit { task, value }).boxed(),
        Kind::Request => (cpu(), n(), select(Request::ALL))
            .prop_map(|(target, n, what)| Event::Request { target, n, what })
            .boxed(),
        Kind::Ring => (cpu(), n()).prop_map(|(target, n)| Event::Ring { target, n }).boxed(),
        Kind::Rode => (cpu(), n()).prop_map(|(target, n)| Event::Rode { target, n }).boxed(),
        Kind::Withheld => (cpu(), n()).prop_map(|(target, n)| Event::Withheld { target, n }).boxed(),
        Kind::Seen => select(Seen::ALL).prop_map(|at| Event::Seen { at }).boxed(),
        Kind::Ack => (cpu(), n()).prop_map(|(sender, n)| Event::Ack { sender, n }).boxed(),
        Kind::IdleBegin => Just(Event::IdleBegin {}).boxed(),
        Kind::IdleEnd => select(IdleEnd::ALL).prop_map(|why| Event::IdleEnd { why }).boxed(),
        Kind::Steal => (cpu(), n(), qos())
            .prop_map(|(victim, count, class)| Event::Steal { victim, count, class })
            .boxed(),
        Kind::Stolen => (task(), cpu()).prop_map(|(task, victim)| Event::Stolen { task, victim }).boxed(),
        Kind::StealRefused => (cpu(), n(), error())
            .prop_map(|(victim, asked, error)| Event::StealRefused { victim, asked, error })
            .boxed(),
        Kind::Ceiling => (cpu(), qos()).prop_map(|(cpu, class)| Event::Ceiling { cpu, class }).boxed(),
        Kind::Offline => hart().prop_map(|hart| Event::Offline { hart }).boxed(),
        Kind::HartState => {
            (cpu(), hart(), n()).prop_map(|(cpu, hart, state)| Event::HartState { cpu, hart, state }).boxed()
        }
        Kind::TargetRefused => {
            (n(), error()).prop_map(|(target, error)| Event::TargetRefused { target, error }).boxed()
        }
        Kind::Marker => select(Marker::ALL).prop_map(|marker| Event::Marker { marker }).boxed(),
        Kind::Fault => (task(), n(), n())
            .prop_map(|(task, cause, address)| Event::Fault { task, cause, address })
            .boxed(),
        Kind::Timer => n().prop_map(|deadline| Event::Timer { deadline }).boxed(),
        Kind::Rehome => (task(), cpu()).prop_map(|(task, to)| Event::Rehome { task, to }).boxed(),
        Kind::Dropped => n().prop_map(|count| Event::Dropped { count }).boxed(),
        Kind::End => n().prop_map(|code| Event::End { code }).boxed(),
        Kind::Shootdown => {
            (n(), n()).prop_map(|(space, targets)| Event::Shootdown { space, targets }).boxed()
        }
        Kind::Evicted => (task(), cpu()).prop_map(|(task, to)| Event::Evicted { task, to }).boxed(),
        Kind::Deadline => (task(), any::<u64>()).prop_map(|(task, at)| Event::Deadline { task, at }).boxed(),
    }
}

fn fact() -> impl Strategy<Value = Fact> {
    let seq = prop_oneof![Just(0), Just(u32::MAX), any::<u32>()];
    (seq, cpu(), number(), select(Kind::ALL).prop_flat_map(event)).prop_map(|(seq, cpu, time, event)| Fact {
        seq,
        cpu,
        time,
        event,
    })
}

/// What a record holds where, by the layout that the codec documents.
fn word(record: &[u8; RECORD], at: usize, width: usize) -> u64 {
    record[at..at + width].iter().rev().fold(0, |word, &byte| word << 8 | u64::from(byte))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_fact_comes_back_as_it_was(fact in fact()) {
        let record = fact.encode();
        prop_assert_eq!(Fact::decode(&record), Ok(fact));
        prop_assert_eq!(word(&record, 0, 4), u64::from(fact.seq));
        prop_assert_eq!(word(&record, 4, 2), u64::from(fact.cpu.0));
        prop_assert_eq!(word(&record, 6, 2), fact.event.kind() as u64);
        prop_assert_eq!(word(&record, 8, 8), fact.time);
    }

    /// What the fields do not fill is 0, and what is not 0 there is refused.
    #[test]
    fn no_bit_of_a_record_is_idle(fact in fact(), bit in 0..8 * RECORD) {
        let mut record = fact.encode();
        record[bit / 8] ^= 1 << (bit % 8);
        if let Ok(other) = Fact::decode(&record) {
            prop_assert_ne!(other, fact, "two records of one fact");
            prop_assert_eq!(other.encode(), record);
        }
    }

    #[test]
    fn any_bytes_are_a_fact_or_say_why_not(
        mut record in proptest::array::uniform32(any::<u8>()),
        tail in proptest::array::uniform8(prop_oneof![3 => Just(0u8), 1 => any::<u8>()]),
        kind in prop_oneof![3 => 0..45u16, 1 => any::<u16>()],
        small in any::<[bool; 2]>(),
    ) {
        record[6..8].copy_from_slice(&kind.to_le_bytes());
        // Words that fit into small fields, now and then.
        for (half, small) in [16, 24].into_iter().zip(small) {
            if small {
                record[half] %= 20;
                record[half + 1..half + 8].fill(0);
            }
        }
        let mut bytes = [0; RECORD];
        bytes[..32].copy_from_slice(&record);
        bytes[32..].copy_from_slice(&tail);
        match (Fact::decode(&bytes), Kind::from_number(kind)) {
            (Ok(fact), Some(kind)) => {
                prop_assert_eq!(fact.event.kind(), kind);
                prop_assert_eq!(fact.encode(), bytes);
            }
            (Err(DecodeError::BadField(bad)), Some(kind)) => prop_assert_eq!(bad, kind),
            (Err(DecodeError::UnknownKind(number)), None) => prop_assert_eq!(number, kind),
            (result, _) => prop_assert!(false, "{:?}", result),
        }
    }

    #[test]
    fn a_mask_has_the_kinds_whose_bits_are_set(mask: u64) {
        for &kind in Kind::ALL {
            prop_assert_eq!(KindMask(mask).has(kind), mask & (1 << (kind as u16)) != 0);
            prop_assert!(KindMask::ALL.has(kind) && !KindMask::NONE.has(kind));
        }
    }

    #[test]
    fn a_kind_has_one_number_and_one_name(number: u16) {
        match Kind::from_number(number) {
            Some(kind) => prop_assert_eq!(kind as u16, number),
            None => prop_assert!(usize::from(number) >= Kind::ALL.len()),
        }
        let names: std::collections::HashSet<&str> = Kind::ALL.iter().map(|kind| kind.name()).collect();
        prop_assert_eq!(names.len(), Kind::ALL.len());
    }
}

/// Damage is told in words that name what is damaged.
#[test]
fn damage_is_told_in_words() {
    assert_eq!(DecodeError::UnknownKind(77).to_string(), "no fact has kind 77");
    let bad = DecodeError::BadField(Kind::ALL[5]).to_string();
    assert!(bad.contains(Kind::ALL[5].name()), "{bad}");
}

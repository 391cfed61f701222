//! Numbers that cross from programs to the kernel: each means one thing, or nothing.

use antler_abi::{Error, MachineExit, Probe, Qos, Rights, SpawnFlags, Syscall, ThreadHandle};
use proptest::prelude::*;

fn number() -> impl Strategy<Value = usize> {
    prop_oneof![2 => 0..64usize, 1 => any::<usize>(), 1 => (0..64usize).prop_map(|low| 1 << 32 | low)]
}

proptest! {
    #[test]
    fn a_number_is_a_call_or_none(number in number()) {
        // Numbers are compared whole: 2^32 + n is not n.
        match Syscall::from_number(number) {
            Some(call) => prop_assert_eq!((call.number(), Syscall::ALL[number]), (number, call)),
            None => prop_assert!(number >= Syscall::ALL.len()),
        }
        match Probe::from_number(number) {
            Some(probe) => prop_assert_eq!((probe.number(), Probe::ALL[number]), (number, probe)),
            None => prop_assert!(number >= Probe::ALL.len()),
        }
        match Error::from_code(number) {
            Some(error) => prop_assert_eq!((error.code(), Error::ALL[number - 1]), (number, error)),
            None => prop_assert!(number == 0 || number > Error::ALL.len()),
        }
        match Qos::from_index(number) {
            Some(qos) => prop_assert_eq!((qos.index(), Qos::ALL[number]), (number, qos)),
            None => prop_assert!(number >= Qos::COUNT),
        }
    }

    #[test]
    fn an_exit_code_is_the_machines_or_nobodys(code: u16) {
        match MachineExit::from_code(code) {
            Some(exit) => prop_assert_eq!(exit.code(), code),
            None => prop_assert!(MachineExit::ALL.iter().all(|exit| exit.code() != code)),
        }
    }

    #[test]
    fn a_handle_fits_a_register_and_no_two_share_one(raw: u64, slot: u32, generation: u32) {
        let handle = ThreadHandle { slot, generation };
        prop_assert_eq!(ThreadHandle::from_raw(handle.to_raw()), handle);
        prop_assert_eq!(ThreadHandle::from_raw(raw).to_raw(), raw);
        // No thread has generation 0, so 0 names none.
        prop_assert_eq!(handle.to_raw() >> 32 == 0, generation == 0);
    }

    /// The kernel takes flags with `from_bits`: an unknown bit is refused, not dropped.
    #[test]
    fn flags_are_known_bits_and_nothing_else(bits in prop_oneof![0..8usize, any::<usize>()]) {
        match SpawnFlags::from_bits(bits) {
            Some(flags) => {
                prop_assert_eq!(flags.bits(), bits);
                prop_assert!(bits & !SpawnFlags::all().bits() == 0);
            }
            None => prop_assert!(bits & !SpawnFlags::all().bits() != 0),
        }
    }

    #[test]
    fn rights_have_names_and_names_have_rights(name in "[a-z]{0,9}", bits: u32) {
        let listed = Rights::NAMES.iter().find(|(known, _)| *known == name);
        prop_assert_eq!(Rights::from_right_name(&name), listed.map(|(_, right)| *right));
        // A set of rights is the union of the rights named one by one.
        let rights = Rights::from_bits_truncate(bits);
        let named = Rights::NAMES.iter().filter(|(_, right)| rights.contains(*right));
        let union = named.filter_map(|(name, _)| Rights::from_right_name(name)).fold(Rights::empty(), |a, b| a | b);
        prop_assert_eq!(union, rights);
        prop_assert_eq!(Rights::from_bits(bits).is_some(), bits & !Rights::all().bits() == 0);
    }

    #[test]
    fn classes_are_called_by_exact_name(name in "[A-Za-z]{0,12}") {
        let known = Qos::ALL.into_iter().find(|qos| qos.name() == name);
        prop_assert_eq!(Qos::from_name(&name), known);
    }
}

#[test]
fn single_rights_are_single_and_all_are_named() {
    let mut all = Rights::empty();
    for (name, right) in Rights::NAMES {
        assert_eq!(right.bits().count_ones(), 1, "{name}");
        assert!(!all.intersects(right), "{name} is another right, too");
        all |= right;
    }
    assert_eq!(all, Rights::all());
}

/// Scripts branch on the codes, and programs are built with the sizes.
#[test]
fn exit_codes_and_sizes_are_what_others_count_on() {
    let codes = MachineExit::ALL.map(MachineExit::code);
    assert_eq!(codes, [0, 32, 33, 34, 35, 36]);
    for exit in MachineExit::ALL {
        assert_eq!(MachineExit::from_code(exit.code()), Some(exit));
    }
    assert_eq!(MachineExit::from_code(1), None);
    assert_eq!(
        [antler_abi::CHUNK, antler_abi::USER_END, antler_abi::STACK_SIZE, antler_abi::ARGS_MAX],
        [0x1_0000, 0x40_0000_0000, 0x1_0000, 0x4000]
    );
}

/// What people read is the text, and no two things read alike.
#[test]
fn errors_and_classes_print_as_their_texts() {
    let mut texts: Vec<String> = Error::ALL.iter().map(ToString::to_string).collect();
    texts.extend(Qos::ALL.iter().map(ToString::to_string));
    assert!(texts.iter().all(|text| !text.is_empty()));
    texts.sort();
    texts.dedup();
    assert_eq!(texts.len(), Error::ALL.len() + Qos::ALL.len());
    assert_eq!(Qos::PerfBurst.to_string(), Qos::PerfBurst.name());
}

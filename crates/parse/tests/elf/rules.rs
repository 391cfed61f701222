//! Files that break each rule now and then: accepted exactly if they break none. The rules are written down here a
//! second time.

use super::*;

/// A part near others, with sizes and places at the edges of the rules.
fn edgy_part() -> impl Strategy<Value = Part> {
    let end = MAP_BASE as u64;
    let vaddr = prop_oneof![
        8 => (0..12u64, 0..3u64).prop_map(|(page, offset)| BASE + page * P + offset * 8),
        1 => Just(BASE - 1),
        1 => (1..20u64).prop_map(move |below| end - below),
        1 => Just(u64::MAX - 3),
    ];
    let memsz = prop_oneof![
        6 => 1..2 * P,
        2 => Just(8),
        1 => Just(0),
        1 => (0..20u64).prop_map(|less| (1 << 30) - less),
        1 => Just(u64::MAX),
    ];
    let flags = prop_oneof![5 => Just(R | X), 3 => Just(R | W), 3 => Just(R), 1 => Just(X), 1 => 0..8u32];
    let data = prop_oneof![4 => proptest::collection::vec(any::<u8>(), 0..9), 1 => Just(vec![])];
    let kind = prop_oneof![20 => Just(LOAD), 2 => Just(0u32), 1 => 2..4u32, 1 => Just(0x6474_e551)];
    (kind, flags, vaddr, memsz, data).prop_map(|(kind, flags, vaddr, memsz, data)| Part {
        kind,
        flags,
        vaddr,
        memsz,
        data,
    })
}

/// Whether one loadable part with bytes in memory may be there at all.
fn fit(part: &Part) -> bool {
    let end = part.vaddr.checked_add(part.memsz);
    let placed = part.vaddr >= BASE && end.is_some_and(|end| end <= MAP_BASE as u64);
    let access = part.flags & (W | X) != W | X && part.flags & (R | X) != 0;
    placed && access && part.data.len() as u64 <= part.memsz
}

/// Whether two such parts may both be there: no byte shared, and no page unless they allow the same.
fn compatible(a: &Part, b: &Part) -> bool {
    let (low, high) = if a.vaddr <= b.vaddr { (a, b) } else { (b, a) };
    let last = low.vaddr + low.memsz - 1;
    last < high.vaddr && (last / P != high.vaddr / P || low.flags & 7 == high.flags & 7)
}

fn legal(entry: u64, parts: &[Part]) -> bool {
    let loads: Vec<&Part> = parts.iter().filter(|p| p.kind == LOAD && p.memsz > 0).collect();
    let empty_with_data = parts.iter().any(|p| p.kind == LOAD && p.memsz == 0 && !p.data.is_empty());
    let linked = parts.iter().any(|p| p.kind == 2 || p.kind == 3);
    let total: u128 = loads.iter().map(|p| u128::from(p.memsz)).sum();
    !linked
        && !empty_with_data
        && loads.iter().all(|p| fit(p))
        && (1..=1 << 30).contains(&total)
        && loads.iter().enumerate().all(|(at, a)| loads[at + 1..].iter().all(|b| compatible(a, b)))
        && loads.iter().any(|p| p.flags & X != 0 && (p.vaddr..p.vaddr + p.memsz).contains(&entry))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn a_file_is_accepted_exactly_if_it_breaks_no_rule(
        parts in proptest::collection::vec(edgy_part(), 0..5),
        has_code in proptest::bool::weighted(0.8),
        entry in prop_oneof![6 => Just(BASE), 1 => BASE..BASE + 2 * P, 1 => any::<u64>()],
    ) {
        let parts: Vec<Part> = has_code.then(code).into_iter().chain(parts).collect();
        let file = file(entry, &parts);
        let read = load(&file);
        prop_assert_eq!(read.is_ok(), legal(entry, &parts), "{:?}", read);
        if let Ok(image) = read {
            holds(&image);
        }
    }
}

#[test]
fn both_verdicts_are_common_enough_to_mean_something() {
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let strategy = proptest::collection::vec(edgy_part(), 0..5);
    let accepted = (0..500).filter(|_| {
        let tree = strategy.new_tree(&mut runner).unwrap();
        let parts: Vec<Part> =
            [code()].into_iter().chain(proptest::strategy::ValueTree::current(&tree)).collect();
        legal(BASE, &parts)
    });
    let accepted = accepted.count();
    assert!((50..450).contains(&accepted), "{accepted} of 500 are legal");
}

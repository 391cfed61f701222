//! Machines that break a rule now and then: read exactly if they break none, and then read whole. The rules are written
//! down here a second time.

use super::tree::Tree;
use super::*;

#[derive(Clone, Debug)]
struct Hart {
    id: u32,
    status: Option<&'static str>,
}

fn on(status: Option<&str>) -> bool {
    matches!(status, None | Some("okay" | "ok"))
}

fn status() -> impl Strategy<Value = Option<&'static str>> {
    prop_oneof![
        5 => Just(None),
        2 => Just(Some("okay")),
        1 => Just(Some("ok")),
        2 => Just(Some("disabled")),
        1 => Just(Some("fail")),
    ]
}

fn any_hart() -> impl Strategy<Value = Hart> {
    // Sixteen bits or a handful of numbers: duplicates happen, and do not always.
    (prop_oneof![4 => 0..0x1_0000u32, 1 => 0..6u32, 1 => Just(u32::MAX)], status())
        .prop_map(|(id, status)| Hart { id, status })
}

/// A range near others, or at the end of 64 bits.
fn any_range() -> impl Strategy<Value = Range> {
    let base = prop_oneof![
        8 => (0..64u64).prop_map(|at| 0x8000_0000 + at * 0x10_0000),
        1 => (0..3u64).prop_map(|below| u64::MAX - below),
    ];
    let size = prop_oneof![6 => Just(0x10_0000u64), 2 => 1..0x20_0000u64, 1 => Just(0), 1 => 0..4u64];
    (base, size).prop_map(|(base, size)| Range { base, size })
}

fn ranges(name: &str) -> impl Strategy<Value = Vec<(Vec<Range>, Option<&'static str>)>> + use<> {
    let most = if name == "memory" { 4 } else { 5 };
    proptest::collection::vec((proptest::collection::vec(any_range(), 1..3), status()), 0..most)
}

type Nodes = Vec<(Vec<Range>, Option<&'static str>)>;

fn with_status(tree: Tree, status: Option<&str>) -> Tree {
    match status {
        Some(status) => tree.text("status", status),
        None => tree,
    }
}

fn nodes(mut tree: Tree, name: &str, nodes: &Nodes, kind: Option<&str>) -> Tree {
    for (index, (list, status)) in nodes.iter().enumerate() {
        let cells: Vec<u32> = list
            .iter()
            .flat_map(|r| [(r.base >> 32) as u32, r.base as u32, (r.size >> 32) as u32, r.size as u32])
            .collect();
        tree = with_status(tree.begin(&format!("{name}@{index:x}")).cells("reg", &cells), *status);
        if let Some(kind) = kind {
            tree = tree.text("device_type", kind);
        }
        tree = tree.end();
    }
    tree
}

/// The ranges of enabled nodes that have bytes; `None` if one of those nodes has a range that ends nowhere.
fn usable(nodes: &Nodes) -> Option<Vec<Range>> {
    let mut list: Vec<Range> =
        nodes.iter().filter(|node| on(node.1)).flat_map(|node| node.0.iter().copied()).collect();
    if list.iter().any(|r| r.base.checked_add(r.size).is_none()) {
        return None;
    }
    list.retain(|range| range.size > 0);
    list.sort_unstable();
    Some(list)
}

fn disjoint(list: &[Range]) -> bool {
    let clash = |a: &Range, b: &Range| a.base < b.base + b.size && b.base < a.base + a.size;
    list.iter().enumerate().all(|(at, a)| list[at + 1..].iter().all(|b| !clash(a, b)))
}

fn blob(
    harts: &[Hart],
    memory: &Nodes,
    reserved: &Nodes,
    timebase: u32,
    initrd: Option<(u64, u64)>,
) -> Vec<u8> {
    let cpus = |mut tree: Tree| {
        for (index, hart) in harts.iter().enumerate() {
            // Node names are unique; ids come from `reg`.
            tree = with_status(tree.begin(&format!("cpu@{index:x}")).cells("reg", &[hart.id]), hart.status)
                .end();
        }
        tree
    };
    let tree = Tree::default()
        .begin("")
        .cells("#address-cells", &[2])
        .cells("#size-cells", &[2])
        .begin("cpus")
        .cells("#address-cells", &[1])
        .cells("#size-cells", &[0])
        .cells("timebase-frequency", &[timebase])
        .with(cpus)
        .end()
        .with(|tree| nodes(tree, "memory", memory, Some("memory")));
    let tree = tree.begin("reserved-memory").cells("#address-cells", &[2]).cells("#size-cells", &[2]);
    let tree = nodes(tree, "keep", reserved, None).end().begin("chosen");
    let words = |value: u64| [(value >> 32) as u32, value as u32];
    let tree = match initrd {
        Some((start, end)) => {
            tree.cells("linux,initrd-start", &words(start)).cells("linux,initrd-end", &words(end))
        }
        None => tree,
    };
    tree.end().end().build()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(500))]

    #[test]
    fn a_machine_is_read_exactly_if_it_breaks_no_rule(
        harts in proptest::collection::vec(any_hart(), 0..6),
        memory in ranges("memory"),
        reserved in ranges("reserved"),
        timebase in prop_oneof![9 => 1..=u32::MAX, 1 => Just(0u32)],
        initrd in proptest::option::of((0..10u64, 0..10u64)),
    ) {
        let mut ids: Vec<u32> = harts.iter().map(|hart| hart.id).collect();
        ids.sort_unstable();
        let ids_unique = ids.windows(2).all(|pair| pair[0] != pair[1]);
        let enabled = harts.iter().filter(|hart| on(hart.status)).count();
        let (ram, keep) = (usable(&memory), usable(&reserved));
        let legal = ids_unique
            && enabled > 0
            && timebase > 0
            && ram.as_ref().is_some_and(|ram| !ram.is_empty() && disjoint(ram))
            && keep.is_some()
            && initrd.is_none_or(|(start, end)| start <= end);
        let read = Board::read(&blob(&harts, &memory, &reserved, timebase, initrd));
        prop_assert_eq!(read.is_ok(), legal, "{:?}", read);
        if let Ok(board) = read {
            holds(&board);
            prop_assert_eq!(board.harts.iter().map(|hart| hart.id as u32).collect::<Vec<_>>(), ids);
            let on_by_id = |id: u64| harts.iter().any(|hart| u64::from(hart.id) == id && on(hart.status));
            prop_assert!(board.harts.iter().all(|hart| hart.enabled == on_by_id(hart.id)));
            prop_assert_eq!((Some(board.memory), Some(board.reserved)), (ram, keep));
            prop_assert_eq!(board.timebase, u64::from(timebase));
            let expected = initrd.filter(|(start, end)| start < end);
            prop_assert_eq!(board.initrd.map(|range| (range.base, range.end())), expected);
        }
    }
}

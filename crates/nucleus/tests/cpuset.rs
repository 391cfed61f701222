//! CPU sets against a set of numbers, at one, two and eight words.

use std::collections::BTreeSet;

use antler_nucleus::{AtomicCpuSet, CpuId, CpuSet};
use proptest::collection::vec;
use proptest::prelude::*;

fn numbers<const W: usize>(set: &CpuSet<W>) -> Vec<usize> {
    set.iter().map(CpuId::index).collect()
}

/// Members of the model from `start` upwards, then from 0.
fn ring(model: &BTreeSet<usize>, start: usize) -> Vec<usize> {
    model.range(start..).chain(model.range(..start)).copied().collect()
}

/// One step: which CPU, and what to do with it.
type Step = (usize, u8);

fn by_value<const W: usize>(steps: &[Step], other: &BTreeSet<usize>, starts: &[usize]) {
    let size = CpuSet::<W>::CAPACITY;
    assert_eq!(size, 64 * W);
    let (mut set, mut model) = (CpuSet::<W>::default(), BTreeSet::new());
    for &(cpu, action) in steps {
        let cpu = cpu % size;
        match action {
            0 | 1 => {
                set.insert(CpuId::new(cpu));
                model.insert(cpu);
            }
            _ => {
                set.remove(CpuId::new(cpu));
                model.remove(&cpu);
            }
        }
        assert_eq!((set.len(), set.is_empty()), (model.len(), model.is_empty()));
    }
    for cpu in 0..size {
        assert_eq!(set.contains(CpuId::new(cpu)), model.contains(&cpu), "cpu{cpu}");
    }
    assert_eq!(numbers(&set), ring(&model, 0));
    for start in starts.iter().map(|start| start % size).chain([0, 63, size - 1]) {
        let seen: Vec<usize> = set.iter_from(CpuId::new(start)).map(CpuId::index).collect();
        assert_eq!(seen, ring(&model, start), "from {start}");
    }
    let other: BTreeSet<usize> = other.iter().map(|cpu| cpu % size).collect();
    let second: CpuSet<W> = other.iter().map(|&cpu| CpuId::new(cpu)).collect();
    assert_eq!(numbers(&set.and(&second)), model.intersection(&other).copied().collect::<Vec<_>>());
    assert_eq!(numbers(&second.and(&set)), numbers(&set.and(&second)));
}

fn shared<const W: usize>(steps: &[Step]) {
    let (set, mut model) = (AtomicCpuSet::<W>::default(), BTreeSet::new());
    for &(cpu, action) in steps {
        let cpu = cpu % (64 * W);
        match action {
            0 | 1 => assert_eq!(set.insert(CpuId::new(cpu)), model.insert(cpu)),
            2 => assert_eq!(set.remove(CpuId::new(cpu)), model.remove(&cpu)),
            _ if cpu.is_multiple_of(8) => {
                assert_eq!(numbers(&set.take()), ring(&model, 0));
                model.clear();
            }
            _ => assert_eq!(set.contains(CpuId::new(cpu)), model.contains(&cpu)),
        }
        assert_eq!(numbers(&set.load()), ring(&model, 0));
    }
}

proptest! {
    #[test]
    fn a_set_is_a_set(
        steps in vec((0..512usize, 0..4u8), 0..200),
        other in proptest::collection::btree_set(0..512usize, 0..100),
        starts in vec(0..512usize, 1..6),
    ) {
        by_value::<1>(&steps, &other, &starts);
        by_value::<2>(&steps, &other, &starts);
        by_value::<8>(&steps, &other, &starts);
    }

    #[test]
    fn a_shared_set_says_who_changed_it(steps in vec((0..512usize, 0..4u8), 0..100)) {
        shared::<1>(&steps);
        shared::<2>(&steps);
        shared::<8>(&steps);
    }
}

//! Sets of CPUs that everybody changes: one claims a bit, and a bit publishes what came before it.
//!
//! Bounds: one word, two CPUs' bits, two or three threads; no bound on preemptions.
//!
//! Not covered: several words (each is as one is; a set of several is not read in one moment, and says so).
//!
//! Stronger than needed, as far as these models see. The Acquire half of `insert`: nobody reads what the last remover
//! did because it puts a bit back; where that matters a full fence stands beside it. In `take`, the Acquire of the first
//! load, which only decides whether to swap, and the Release of the swap.
#![cfg(loom)]

use std::sync::Arc;

use antler_models::{Frames, explore};
use antler_nucleus::{AtomicCpuSet, CpuId};
use loom::thread;

const A: CpuId = CpuId::new(0);
const B: CpuId = CpuId::new(1);

#[test]
fn a_bit_is_claimed_once() {
    explore("set, two claim one bit", None, || {
        let shared = Arc::new(AtomicCpuSet::<1>::default());
        shared.insert(A);
        shared.insert(B);
        let theirs = shared.clone();
        let other = thread::spawn(move || theirs.remove(A));
        let third = shared.clone();
        let taker = thread::spawn(move || third.take());
        let mine = shared.remove(A);
        let (other, taken) = (other.join().expect("ends"), taker.join().expect("ends"));
        let claims = usize::from(mine) + usize::from(other) + usize::from(taken.contains(A));
        assert_eq!(claims, 1, "one bit was claimed {claims} times");
        assert!(taken.contains(B), "a bit that nobody else claimed was lost");
        assert!(shared.load().is_empty());
    });
}

#[test]
fn of_two_who_set_a_bit_one_finds_it_missing() {
    explore("set, two set one bit", None, || {
        let shared = Arc::new(AtomicCpuSet::<1>::default());
        let theirs = shared.clone();
        let other = thread::spawn(move || theirs.insert(A));
        let mine = shared.insert(A);
        assert!(mine != other.join().expect("ends"), "one bit was set by two, or by none");
    });
}

#[test]
fn neighbours_do_not_disturb_each_other() {
    explore("set, two bits of one word", None, || {
        let shared = Arc::new(AtomicCpuSet::<1>::default());
        shared.insert(B);
        let theirs = shared.clone();
        let other = thread::spawn(move || {
            assert!(theirs.remove(B), "the bit was in");
        });
        assert!(shared.insert(A), "the bit was not in");
        other.join().expect("ends");
        assert!(shared.contains(A), "a neighbour's removal took the bit");
        assert!(!shared.contains(B), "a neighbour's insertion brought the bit back");
    });
}

/// A secondary sets itself up and then sets its bit; `see` looks for the bit in one of the ways there are.
fn bring_up(name: &str, see: fn(&AtomicCpuSet<1>) -> bool) {
    explore(name, None, move || {
        let shared = Arc::new((AtomicCpuSet::<1>::default(), Frames::new(2)));
        let theirs = shared.clone();
        let secondary = thread::spawn(move || {
            let (set, frames) = &*theirs;
            frames.save(B.index(), 7);
            assert!(set.insert(B), "only the secondary sets its bit");
        });
        let (set, frames) = &*shared;
        if see(set) {
            assert_eq!(frames.load(B.index()), 7, "a bit was seen before what it publishes");
        }
        secondary.join().expect("the secondary comes up");
        // Whatever looked at it meanwhile, once.
        assert!(set.contains(B) || !set.remove(B));
    });
}

#[test]
fn who_finds_a_cpu_online_finds_it_set_up() {
    bring_up("set, bring-up seen by contains", |set| set.contains(B));
}

#[test]
fn who_counts_a_cpu_online_finds_it_set_up() {
    bring_up("set, bring-up seen by load", |set| set.load().contains(B));
}

#[test]
fn who_claims_a_cpu_sees_what_it_published() {
    bring_up("set, bring-up seen by remove", |set| set.remove(B));
}

#[test]
fn who_takes_a_bit_sees_what_it_published() {
    bring_up("set, bring-up seen by take", |set| set.take().contains(B));
}

#[test]
fn who_finds_a_bit_gone_sees_what_its_remover_did() {
    explore("set, an answer seen by the bit's absence", None, || {
        let shared = Arc::new((AtomicCpuSet::<1>::default(), Frames::new(2)));
        shared.0.insert(B);
        let theirs = shared.clone();
        let target = thread::spawn(move || {
            theirs.1.save(B.index(), 7);
            theirs.0.remove(B);
        });
        let (set, frames) = &*shared;
        if set.load().is_empty() {
            assert_eq!(frames.load(B.index()), 7, "a bit was gone before what that publishes");
        }
        target.join().expect("the target ends");
    });
}

#[test]
fn a_bit_set_beside_a_take_is_taken_or_stays() {
    explore("set, take against insert", None, || {
        let shared = Arc::new(AtomicCpuSet::<1>::default());
        shared.insert(A);
        let theirs = shared.clone();
        let inserter = thread::spawn(move || {
            theirs.insert(B);
        });
        let taken = shared.take();
        inserter.join().expect("the inserter ends");
        assert!(taken.contains(A), "a bit that was in was not taken");
        assert!(taken.contains(B) != shared.contains(B), "a bit set beside a take was lost or doubled");
        assert!(!shared.contains(A), "a taken bit stayed");
    });
}

use alloc::vec;
use alloc::vec::Vec;

use super::*;

const HOME: CpuId = CpuId::BOOT;

#[test]
fn a_park_is_claimed_once_and_old_tickets_are_worthless() {
    let pool = TaskPool::new(2);
    let running = pool.start(pool.spawn(1, Qos::Normal, HOME, false).unwrap());
    let first = pool.next_ticket(&running);
    assert!(pool.claim(first).is_none(), "not parked yet");
    pool.park(running);
    assert_eq!(pool.parked(first.slot), Some(first));
    let task = pool.claim(first).expect("parked");
    assert!(pool.claim(first).is_none());
    let running = pool.start(task);
    pool.park(running);
    assert!(pool.claim(first).is_none(), "ticket of the park before");
    pool.claim(pool.parked(0).unwrap()).unwrap().into_slot();
}

#[test]
fn slots_are_reused_under_new_handles_and_the_pool_says_when_it_is_full() {
    let pool = TaskPool::new(1);
    let running = pool.start(pool.spawn(7, Qos::Idle, HOME, true).unwrap());
    assert_eq!(pool.spawn(7, Qos::Idle, HOME, true).unwrap_err(), PoolFull);
    let old = pool.handle(running.slot());
    assert_eq!(pool.reap(old), None, "still running");
    pool.finish(running, 42);
    assert_eq!(pool.reap(old), Some(42));
    assert_eq!((pool.reap(old), pool.find(old)), (None, None));
    let next = pool.spawn(8, Qos::PerfBurst, HOME, false).unwrap();
    assert_ne!(pool.handle(next.slot()), old);
    assert_eq!(pool.find(old), None);
    assert_eq!((pool.owner(0), pool.qos(0), pool.pinned(0)), (8, Qos::PerfBurst, false));
    next.into_slot();
}

/// An exchange that was slow cannot meet the word it expects once more: not the list's head, not a slot's state.
#[test]
fn no_word_comes_back() {
    let pool = TaskPool::new(2);
    let (mut heads, mut states) = (vec![pool.free.load(Ordering::Relaxed)], Vec::new());
    for _ in 0..8 {
        let running = pool.start(pool.spawn(1, Qos::Normal, HOME, false).unwrap());
        heads.push(pool.free.load(Ordering::Relaxed));
        let handle = pool.handle(running.slot());
        pool.finish(running, 0);
        states.push(pool.slot(handle.slot).state.load(Ordering::Relaxed));
        pool.reap(handle).unwrap();
        heads.push(pool.free.load(Ordering::Relaxed));
    }
    for mut words in [heads, states] {
        let all = words.len();
        words.sort();
        words.dedup();
        assert_eq!(words.len(), all, "{words:x?}");
    }
}

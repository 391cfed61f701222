//! Who waits for what: tasks parked on a key, in buckets of doubly linked lists through the task slots.
//!
//! Parking, and the check that there is still a reason to park, happen under the bucket's lock, and so does waking;
//! a wake can therefore not fall between check and park. A task that somebody else claims (deadline, end of its
//! program) is unlinked by that claimer before anybody can run it again.

use alloc::boxed::Box;
use antler_sync::atomic::{AtomicU32, Ordering, fence};
use antler_sync::{Held, Lock, Relax};

use crate::task::{NONE, Runnable, Running, TaskPool};

/// Rank of a bucket's lock; locks of higher rank may be taken by the check under it.
pub const BUCKET_RANK: u8 = 1;

/// What a task can wait for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Key {
    /// A word in a program's memory: program number and virtual address.
    Address(u32, u64),
    /// The end of a thread, by the raw form of its handle.
    End(u64),
}

impl Key {
    fn words(self) -> [u64; 2] {
        match self {
            Key::Address(program, address) => [1 << 32 | u64::from(program), address],
            Key::End(handle) => [0, handle],
        }
    }
}

/// The ends of a bucket's list, oldest waiter first.
#[derive(Debug)]
struct Bucket {
    first: u32,
    last: u32,
}

/// All waiting tasks by key.
#[derive(Debug)]
pub struct WaitTable {
    buckets: Box<[Lock<Bucket, BUCKET_RANK>]>,
    /// Of each bucket, the tasks in it and those about to be. Written under its lock, and read without.
    waiters: Box<[AtomicU32]>,
}

impl WaitTable {
    /// A table of `buckets` lists (a power of two).
    pub fn new(buckets: usize) -> WaitTable {
        assert!(buckets.is_power_of_two());
        WaitTable {
            buckets: (0..buckets).map(|_| Lock::new(Bucket { first: NONE, last: NONE })).collect(),
            waiters: (0..buckets).map(|_| AtomicU32::new(0)).collect(),
        }
    }

    #[inline(always)]
    fn bucket_of(&self, [a, b]: [u64; 2]) -> u32 {
        // Fibonacci hashing: neighbouring addresses go to different buckets.
        let hash = (a ^ b.rotate_left(17)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        (hash >> 40) as u32 & (self.buckets.len() as u32 - 1)
    }

    /// Parks `task` on `key` if `check` still finds a reason to wait; otherwise gives the task back with what `check`
    /// found. `check` runs under the bucket's lock.
    ///
    /// # Errors
    /// The task and the reason, when it does not wait.
    pub fn park<E, const H: u8>(
        &self,
        pool: &TaskPool,
        task: Running,
        key: Key,
        held: &mut Held<'_, H>,
        relax: &impl Relax,
        check: impl FnOnce(&mut Held<'_, BUCKET_RANK>) -> Result<(), E>,
    ) -> Result<(), (Running, E)> {
        let words = key.words();
        let index = self.bucket_of(words);
        let (mut bucket, mut held) = self.buckets[index as usize].lock(held, relax);
        self.one_more(index);
        // Mirror of `is_quiet` (write what waiters wait for, fence, look for them): either the waker sees us, or `check` sees
        // what it wrote.
        fence(Ordering::SeqCst);
        if let Err(reason) = check(&mut held) {
            self.one_less(index);
            return Err((task, reason));
        }
        let me = task.slot() as u32;
        let slot = pool.slot(me);
        for (cell, word) in slot.wait_key.iter().zip(words) {
            cell.store(word, Ordering::Relaxed);
        }
        slot.wait_prev.store(bucket.last, Ordering::Relaxed);
        slot.wait_next.store(NONE, Ordering::Relaxed);
        match bucket.last {
            NONE => bucket.first = me,
            last => pool.slot(last).wait_next.store(me, Ordering::Relaxed),
        }
        bucket.last = me;
        slot.wait_bucket.store(index, Ordering::Relaxed);
        pool.park(task);
        Ok(())
    }

    /// Whether nobody waits, or is about to, in the list in which waiters on `key` are. A waiter that is not seen has yet to
    /// look at what it waits for, and will see what the caller wrote before it asked.
    pub fn is_quiet(&self, key: Key) -> bool {
        // Mirror of `park` (announce, fence, check).
        fence(Ordering::SeqCst);
        self.waiters[self.bucket_of(key.words()) as usize].load(Ordering::Relaxed) == 0
    }

    /// Claims up to `count` tasks that wait on `key`, longest waiting first, and hands each to `found`. Tasks that
    /// another waker claimed meanwhile are passed over and do not count.
    pub fn wake<const H: u8>(
        &self,
        pool: &TaskPool,
        key: Key,
        count: usize,
        held: &mut Held<'_, H>,
        relax: &impl Relax,
        found: impl FnMut(Runnable),
    ) -> usize {
        let words = key.words();
        let index = self.bucket_of(words);
        let (mut bucket, _held) = self.buckets[index as usize].lock(held, relax);
        let mut found = found;
        let (mut at, mut woken) = (bucket.first, 0);
        while at != NONE && woken < count {
            let slot = pool.slot(at);
            let next = slot.wait_next.load(Ordering::Relaxed);
            let same =
                slot.wait_key.iter().zip(words).all(|(cell, word)| cell.load(Ordering::Relaxed) == word);
            if same && let Some(task) = pool.parked(at).and_then(|ticket| pool.claim(ticket)) {
                unlink(pool, &mut bucket, at);
                self.one_less(index);
                found(task);
                woken += 1;
            }
            at = next;
        }
        woken
    }

    /// Takes a task that was claimed by its ticket out of the list it may still be in; true if it was in one.
    pub fn forget<const H: u8>(
        &self,
        pool: &TaskPool,
        task: &Runnable,
        held: &mut Held<'_, H>,
        relax: &impl Relax,
    ) -> bool {
        let me = task.slot() as u32;
        // The claim's Acquire shows the link as the parker wrote it before its Release; from then on only the token's
        // holder, us, changes it.
        let index = pool.slot(me).wait_bucket.load(Ordering::Relaxed);
        if index == NONE {
            return false;
        }
        let (mut bucket, _held) = self.buckets[index as usize].lock(held, relax);
        unlink(pool, &mut bucket, me);
        self.one_less(index);
        true
    }

    /// The bucket's lock is held.
    #[inline(always)]
    fn one_more(&self, index: u32) {
        let waiters = &self.waiters[index as usize];
        waiters.store(waiters.load(Ordering::Relaxed) + 1, Ordering::Relaxed);
    }

    /// The bucket's lock is held.
    #[inline(always)]
    fn one_less(&self, index: u32) {
        let waiters = &self.waiters[index as usize];
        waiters.store(waiters.load(Ordering::Relaxed) - 1, Ordering::Relaxed);
    }
}

fn unlink(pool: &TaskPool, bucket: &mut Bucket, me: u32) {
    let slot = pool.slot(me);
    let (prev, next) = (slot.wait_prev.load(Ordering::Relaxed), slot.wait_next.load(Ordering::Relaxed));
    match prev {
        NONE => bucket.first = next,
        prev => pool.slot(prev).wait_next.store(next, Ordering::Relaxed),
    }
    match next {
        NONE => bucket.last = prev,
        next => pool.slot(next).wait_prev.store(prev, Ordering::Relaxed),
    }
    slot.wait_bucket.store(NONE, Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    extern crate std;
    use super::*;
    use crate::ids::CpuId;
    use antler_abi::Qos;
    use antler_sync::{Brand, HartToken};
    use std::vec::Vec;

    struct Spin;
    impl Relax for Spin {
        fn relax(&self, _: u64) {
            std::thread::yield_now();
        }
    }

    fn setup() -> (TaskPool, WaitTable, HartToken) {
        (TaskPool::new(8), WaitTable::new(4), Brand::virtual_harts(1).1.remove(0).enter())
    }

    fn start(pool: &TaskPool) -> Running {
        pool.start(pool.spawn(0, Qos::Normal, CpuId::BOOT, false).unwrap())
    }

    #[test]
    fn waiters_wake_in_order_and_only_on_their_key() {
        let (pool, table, mut token) = setup();
        let keys =
            [Key::Address(1, 8), Key::Address(2, 8), Key::Address(1, 8), Key::End(8), Key::Address(1, 8)];
        for key in keys {
            let held = &mut token.unlocked();
            table.park(&pool, start(&pool), key, held, &Spin, |_| Ok::<_, ()>(())).unwrap();
        }
        let mut woken = Vec::new();
        let mut wake = |key, count, woken: &mut Vec<u32>| {
            table.wake(&pool, key, count, &mut token.unlocked(), &Spin, |t| woken.push(t.into_slot()))
        };
        assert_eq!(wake(Key::Address(1, 8), 2, &mut woken), 2);
        assert_eq!(wake(Key::Address(3, 8), 9, &mut woken), 0);
        assert_eq!(wake(Key::End(8), 9, &mut woken), 1);
        assert_eq!(wake(Key::Address(1, 8), 9, &mut woken), 1);
        assert_eq!(woken, [0, 2, 3, 4]);
    }

    #[test]
    fn a_failed_check_keeps_the_task_running() {
        let (pool, table, mut token) = setup();
        let held = &mut token.unlocked();
        let (task, why) =
            table.park(&pool, start(&pool), Key::End(1), held, &Spin, |_| Err("gone")).unwrap_err();
        assert_eq!(why, "gone");
        assert_eq!(pool.phase(task.slot() as u32), crate::phase::Phase::Running);
        pool.requeue(task).into_slot();
    }

    #[test]
    fn a_task_claimed_by_its_deadline_leaves_no_link_behind() {
        let (pool, table, mut token) = setup();
        for _ in 0..3 {
            let held = &mut token.unlocked();
            table.park(&pool, start(&pool), Key::End(1), held, &Spin, |_| Ok::<_, ()>(())).unwrap();
        }
        let middle = pool.claim(pool.parked(1).unwrap()).unwrap();
        assert!(table.forget(&pool, &middle, &mut token.unlocked(), &Spin));
        assert!(!table.forget(&pool, &middle, &mut token.unlocked(), &Spin));
        let mut woken = Vec::new();
        table.wake(&pool, Key::End(1), 9, &mut token.unlocked(), &Spin, |t| woken.push(t.into_slot()));
        assert_eq!(woken, [0, 2]);
        middle.into_slot();
    }
}

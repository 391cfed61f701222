//! The task pool: who wakes a parked task, who fetches an ended one, and the free list between.
//!
//! Bounds: two wakers for one park, two parks; two joiners; a slot taken, given back and taken again beside another
//! spawn, once; four preemptions (deep: five) for two wakers, joiners and the free list, no bound for the rest.
//! Threads that must run and end a task do so on a CPU of a real scheduler. Each task carries a frame, written before
//! it is parked.
//!
//! Not covered: the change counter's own wrap, after 2^32 changes beside one spawn; more than two at a time.
//!
//! Stronger than needed, as far as these models see. In `spawn`, the Acquire of the successful exchange (the load
//! before it read the same store, since no counter comes twice) and its Release (the links that it hands on were
//! released by the reapers before, whose release sequence it continues). In `reap`, both halves of the exchange of the
//! state (the load before has acquired it; the free list releases the slot), and the Acquire half of the exchange of the
//! free list. In `claim`, the Release half. In `set_phase`, the Release of phases other than Zombie.
#![cfg(loom)]

use std::sync::{Arc, Mutex};

use antler_abi::{Qos, ThreadHandle};
use antler_models::{Frames, Harts, Turn, explore};
use antler_nucleus::{
    CpuId, Key, Next, Phase, Placement, Runnable, Running, Scheduler, TaskPool, Ticket, WaitTable,
};
use antler_sync::{Brand, HartToken};
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread;

const KEY: Key = Key::Address(1, 8);

struct Shared {
    pool: TaskPool,
    table: WaitTable,
    frames: Frames,
}

impl Shared {
    fn new(tasks: usize) -> Arc<Shared> {
        let (pool, table, frames) = (TaskPool::new(tasks), WaitTable::new(1), Frames::new(tasks));
        Arc::new(Shared { pool, table, frames })
    }

    fn start(&self) -> Running {
        self.pool.start(self.pool.spawn(0, Qos::Normal, CpuId::BOOT, false).expect("the pool has room"))
    }

    /// Writes the task's frame and gives it to its slot. The frame is written under the check, behind the fence before it:
    /// who sleeps has no such fence, and parks as whole.
    fn park(&self, task: Running, frame: u32) {
        let mut token = Brand::virtual_harts(1).1.remove(0).enter();
        let (slot, held) = (task.slot(), &mut token.unlocked());
        let parked = self.table.park(&self.pool, task, KEY, held, &Turn, |_| {
            self.frames.save(slot, frame);
            Ok::<_, ()>(())
        });
        assert!(parked.is_ok(), "nothing keeps it from parking");
    }

    fn parked(&self) -> Option<Ticket> {
        self.pool.parked(0)
    }

    /// Claims, and looks at the frame as whoever runs the task next will.
    fn claim(&self, ticket: Ticket, frame: u32) -> Option<Runnable> {
        let task = self.pool.claim(ticket)?;
        assert_eq!(self.frames.load(task.slot()), frame, "a task was claimed before its frame was visible");
        Some(task)
    }
}

#[test]
fn of_several_wakers_one_gets_the_task_whole() {
    explore("park, two wakers", Some(4), || {
        let shared = Shared::new(1);
        let task = shared.start();
        let wakers = [(); 2].map(|()| {
            let shared = shared.clone();
            thread::spawn(move || shared.parked().and_then(|ticket| shared.claim(ticket, 7)).is_some())
        });
        shared.park(task, 7);
        let claims = wakers.into_iter().map(|w| w.join().expect("a waker ends"));
        let claims = claims.filter(|&claimed| claimed).count();
        assert!(claims < 2, "one park was claimed twice");
        let left = shared.parked().and_then(|ticket| shared.claim(ticket, 7));
        assert_eq!(claims + usize::from(left.is_some()), 1, "a parked task was lost");
    });
}

#[test]
fn a_ticket_shows_the_frame_whichever_way_it_came() {
    explore("park, a ticket handed on without order", None, || {
        let shared = Shared::new(1);
        let task = shared.start();
        // The ticket goes by a way that loom does not see, and a flag that orders nothing says that it is there.
        let way = Arc::new((Mutex::new(None), AtomicBool::new(false)));
        let (from, first) = (shared.clone(), way.clone());
        let finder = thread::spawn(move || {
            if let Some(ticket) = from.parked() {
                *first.0.lock().expect("nobody panics") = Some(ticket);
                first.1.store(true, Ordering::Relaxed);
            }
        });
        let (to, last) = (shared.clone(), way);
        let claimer = thread::spawn(move || {
            if last.1.load(Ordering::Relaxed) {
                let ticket = last.0.lock().expect("nobody panics").take().expect("the flag says so");
                assert!(to.claim(ticket, 7).is_some(), "nobody else claims it");
            }
        });
        shared.park(task, 7);
        finder.join().expect("the finder ends");
        claimer.join().expect("the claimer ends");
    });
}

#[test]
fn a_ticket_is_good_for_one_park() {
    explore("park, a stale ticket", None, || {
        let shared = Shared::new(1);
        shared.park(shared.start(), 1);
        let old = shared.parked().expect("it is parked");
        let theirs = shared.clone();
        let again = thread::spawn(move || {
            let Some(task) = theirs.pool.claim(old) else { return false };
            let mut token = Brand::virtual_harts(1).1.remove(0).enter();
            theirs.table.forget(&theirs.pool, &task, &mut token.unlocked(), &Turn);
            theirs.park(theirs.pool.start(task), 2);
            true
        });
        let mine = shared.pool.claim(old).is_some();
        let theirs = again.join().expect("the other ends");
        assert!(mine || theirs, "nobody claimed a parked task");
        assert!(!(mine && theirs), "a ticket of the park before was good");
        if theirs {
            let new = shared.parked().expect("it parked again");
            assert!(shared.pool.claim(old).is_none(), "a ticket of the park before was good");
            assert!(shared.claim(new, 2).is_some());
        }
    });
}

#[test]
fn who_finds_a_task_parked_knows_whose_it_is() {
    explore("park, owner seen by a scan", None, || {
        let shared = Shared::new(1);
        let theirs = shared.clone();
        let scan = thread::spawn(move || {
            if theirs.parked().is_some() {
                assert_eq!(theirs.pool.owner(0), 5, "a parked task was taken for another program's");
            }
        });
        let task = shared.pool.spawn(5, Qos::Normal, CpuId::BOOT, false).expect("the pool has room");
        shared.park(shared.pool.start(task), 1);
        scan.join().expect("the scan ends");
    });
}

/// Makes a task on this CPU and runs it; returns its handle.
fn run(sched: &Scheduler<1>, m: &Harts, here: &mut HartToken) -> ThreadHandle {
    let made = sched.spawn(m, here, 0, Qos::Normal, Placement::Here, |_| ());
    assert!(made.is_ok(), "the pool has room");
    let Next::Run(slot) = sched.next(m, here) else { panic!("the task is there to run") };
    sched.tasks.handle(slot)
}

/// Slots of as many tasks as the pool still gives.
fn drain(pool: &TaskPool) -> Vec<usize> {
    let spawn = || pool.spawn(0, Qos::Normal, CpuId::BOOT, false).ok().map(|task| task.slot());
    std::iter::from_fn(spawn).take(pool.capacity() + 1).collect()
}

fn all_once(mut slots: Vec<usize>, capacity: usize) {
    slots.sort_unstable();
    assert!(slots.is_sorted_by(|a, b| a < b), "a slot was given twice: {slots:?}");
    assert_eq!(slots.len(), capacity, "a slot was lost: {slots:?}");
}

#[test]
fn a_slot_that_comes_back_meanwhile_confuses_nobody() {
    explore("free list, taken and given back beside a spawn", Some(4), || {
        let (sched, m, mut harts) = Harts::online(1, 4);
        // A change counter that stands still must be found standing, so the list has been used before.
        let mut here = harts.remove(0).enter();
        let used = run(&sched, &m, &mut here);
        sched.exit(&m, &mut here, 1);
        assert_eq!(sched.tasks.reap(used), Some(1), "it has just ended here");
        let hart = here.leave();
        let shared = Arc::new((sched, m));
        let theirs = shared.clone();
        let recycler = thread::spawn(move || {
            let (sched, m) = &*theirs;
            let mut here = hart.enter();
            let first = run(sched, m, &mut here);
            let second = sched.tasks.spawn(0, Qos::Normal, CpuId::BOOT, false).expect("there is room");
            sched.exit(m, &mut here, 3);
            assert_eq!(sched.tasks.reap(first), Some(3), "it has just ended here");
            second.slot()
        });
        let pool = &shared.0.tasks;
        let mine = pool.spawn(0, Qos::Normal, CpuId::BOOT, false).expect("there is room").slot();
        let mut slots = vec![mine, recycler.join().expect("the recycler ends")];
        slots.extend(drain(pool));
        all_once(slots, 4);
    });
}

#[test]
fn two_spawns_get_two_slots() {
    explore("free list, two spawns and a reap", Some(4), || {
        let (sched, m, mut harts) = Harts::online(1, 4);
        let mut here = harts.remove(0).enter();
        let ended = run(&sched, &m, &mut here);
        sched.exit(&m, &mut here, 3);
        let sched = Arc::new(sched);
        let spawners = [(); 2].map(|()| {
            let sched = sched.clone();
            thread::spawn(move || {
                sched.tasks.spawn(0, Qos::Normal, CpuId::BOOT, false).map(|task| task.slot())
            })
        });
        assert_eq!(sched.tasks.reap(ended), Some(3), "only we reap it");
        let mut slots: Vec<usize> =
            spawners.into_iter().map(|s| s.join().expect("ends").expect("there is room")).collect();
        slots.extend(drain(&sched.tasks));
        all_once(slots, 4);
    });
}

#[test]
fn of_two_joiners_one_gets_the_value() {
    explore("reap, two joiners beside the end", Some(4), || {
        let (sched, m, mut harts) = Harts::online(1, 2);
        let mut here = harts.remove(0).enter();
        let handle = run(&sched, &m, &mut here);
        let sched = Arc::new(sched);
        let joiners = [(); 2].map(|()| {
            let sched = sched.clone();
            thread::spawn(move || sched.tasks.reap(handle))
        });
        sched.exit(&m, &mut here, 42);
        let mut values: Vec<u64> =
            joiners.into_iter().filter_map(|j| j.join().expect("a joiner ends")).collect();
        values.extend(sched.tasks.reap(handle));
        assert!(values.len() < 2, "a task was reaped twice");
        assert_eq!(values, [42], "a value was lost, or fetched before it was visible");
        all_once(drain(&sched.tasks), 2);
    });
}

#[test]
fn an_old_joiner_does_not_take_the_slots_next_end() {
    explore("reap, beside the slot's next task and its end", Some(4), || {
        let (sched, m, mut harts) = Harts::online(1, 1);
        let mut here = harts.remove(0).enter();
        let old = run(&sched, &m, &mut here);
        sched.exit(&m, &mut here, 42);
        let sched = Arc::new(sched);
        let theirs = sched.clone();
        let joiner = thread::spawn(move || theirs.tasks.reap(old));
        let mine = sched.tasks.reap(old);
        if mine.is_some() {
            let new = run(&sched, &m, &mut here);
            sched.exit(&m, &mut here, 43);
            assert_eq!(sched.tasks.reap(new), Some(43), "an old joiner took the end of the slot's next task");
        }
        let values: Vec<u64> = mine.into_iter().chain(joiner.join().expect("the joiner ends")).collect();
        assert_eq!(values, [42], "a task was reaped twice");
    });
}

#[test]
fn an_old_handle_does_not_name_the_slots_next_task() {
    explore("find, beside a new life of the slot", None, || {
        let (sched, m, mut harts) = Harts::online(1, 1);
        let mut here = harts.remove(0).enter();
        let old = run(&sched, &m, &mut here);
        sched.exit(&m, &mut here, 3);
        let sched = Arc::new(sched);
        let theirs = sched.clone();
        let finder = thread::spawn(move || {
            // An ended task is not runnable again: who sees that sees another task.
            if theirs.tasks.phase(old.slot) == Phase::Runnable {
                assert_eq!(theirs.tasks.find(old), None, "an old handle named the slot's next task");
            }
        });
        assert_eq!(sched.tasks.reap(old), Some(3));
        let _next = sched.tasks.spawn(0, Qos::Normal, CpuId::BOOT, false).expect("the slot is free");
        finder.join().expect("the finder ends");
    });
}

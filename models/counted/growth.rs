//! What growth costs: accesses to shared memory (loads, stores, read-modify-writes, fences) that one operation of the
//! scheduler makes, at 2 to 512 harts and 2 to 4,096 tasks (3,072 at 512 harts: the kernel's pool holds no more beside a
//! task for each hart). The same numbers on every machine.
//!
//! The kernel's sets of CPUs have eight words at every size, so what reads a whole set pays for 512 harts at 2 already,
//! and that cannot show as growth. So each operation is measured with sets of one word too, at up to 64 harts.
//!
//! Not flat is what passes over idle CPUs that may not run the task: that is measured as a slope, with its bound.
//!
//! Not counted: what a CPU does in memory of its own (the heap of its deadlines grows with the logarithm of the
//! sleepers), and what an access costs once other harts fight for the line.
#![cfg(counted)]

mod board;

use std::sync::{Mutex, PoisonError};

use antler_abi::Qos;
use antler_facts::WakeCause;
use antler_nucleus::{Key, Next, Placement};
use antler_sync::atomic::{Work, work};
use board::{Board, Size};

/// Every hart count is measured at the fewest tasks, every task count at the fewest harts, and both at their most.
const HARTS: [usize; 5] = [2, 8, 32, 128, 512];
const TASKS: [usize; 5] = [2, 16, 128, 1024, 4096];

/// Hart counts for sets of one word.
const FEW_HARTS: [usize; 4] = [2, 8, 32, 64];

/// Words of the kernel's sets.
const W: usize = 8;

/// How much dearer the dearest may be than the cheapest, in percent.
const FLAT: u64 = 10;

/// A yield among tasks of one class, to the next one.
fn rotate<const W: usize>(size: Size) -> Work {
    let mut board = Board::<W>::new(size);
    board.occupy(|cpu| cpu == 0);
    yield_to_the_next(board, false)
}

/// The same by a CPU that looks at everything, as after an interrupt.
fn dispatch<const W: usize>(size: Size) -> Work {
    let mut board = Board::<W>::new(size);
    board.occupy(|cpu| cpu == 0);
    yield_to_the_next(board, true)
}

/// The same while every other CPU is idle, and may run none of the tasks that are queued.
fn dispatch_under_ceilings<const W: usize>(size: Size) -> Work {
    yield_to_the_next(Board::<W>::with_ceilings(size, 1), true)
}

fn yield_to_the_next<const W: usize>(mut board: Board<W>, looks: bool) -> Work {
    board.queue_all(0);
    for _ in 0..4 {
        let _ = board.next(0);
        board.sched.yield_now(&mut board.tokens[0]);
    }
    if looks {
        board.sched.look_again(&mut board.tokens[0]);
    }
    work(|| assert!(matches!(board.next(0), Next::Run(_))))
}

/// A wake of a task whose home is busy: the waker's part.
fn wake_busy<const W: usize>(size: Size) -> Work {
    let mut board = Board::<W>::new(size);
    board.park_all(1);
    board.occupy(|_| false);
    wake(board)
}

/// The same while the CPUs from the third on are idle, and may not run the task.
fn wake_under_ceilings<const W: usize>(size: Size) -> Work {
    let mut board = Board::<W>::with_ceilings(size, 2);
    board.park_all(1);
    board.occupy(|cpu| cpu >= 2);
    wake(board)
}

/// The same when its home may not run it any more either: cpu0 alone may.
fn wake_under_ceilings_all<const W: usize>(size: Size) -> Work {
    let mut board = Board::<W>::with_ceilings(size, 2);
    board.park_all(1);
    board.occupy(|cpu| cpu >= 2);
    board.set_ceilings(1);
    wake(board)
}

fn wake<const W: usize>(mut board: Board<W>) -> Work {
    work(|| {
        let (token, key) = (&mut board.tokens[0], Key::Address(1, 0));
        assert_eq!(board.sched.wake(&board.world, token, key, 1, WakeCause::Signal), 1);
    })
}

/// A wake of a task whose home is idle, and the sleeper's own part up to the dispatch.
fn wake_idle<const W: usize>(size: Size) -> Work {
    let mut board = Board::<W>::new(size);
    board.park_all(1);
    board.occupy(|cpu| cpu != 0);
    work(|| {
        let (token, key) = (&mut board.tokens[0], Key::Address(1, 0));
        assert_eq!(board.sched.wake(&board.world, token, key, 1, WakeCause::Signal), 1);
        assert!(matches!(board.enter(1), Next::Run(_)));
    })
}

/// A steal by the last CPU, which was rung for it, from the first.
fn steal<const W: usize>(size: Size) -> Work {
    let mut board = Board::<W>::new(size);
    let thief = size.harts - 1;
    board.occupy(|cpu| cpu == 0 || cpu == thief);
    board.spawn(0, Qos::Normal, Placement::Here);
    board.queue_all(0);
    assert!(matches!(board.next(0), Next::Run(_)));
    assert_eq!(*board.world.rings.borrow(), [thief]);
    work(|| assert!(matches!(board.enter(thief), Next::Run(_))))
}

/// A task that ends and another one that is made in its place, all on one CPU.
fn spawn_and_end<const W: usize>(size: Size) -> Work {
    let mut board = Board::<W>::new(size);
    board.park_all(0);
    board.occupy(|cpu| cpu == 0);
    board.spawn(0, Qos::Normal, Placement::Here);
    let Next::Run(slot) = board.next(0) else { panic!("nothing runs") };
    work(|| {
        let handle = board.sched.tasks.handle(slot);
        board.sched.exit(&board.world, &mut board.tokens[0], 1);
        assert_eq!(board.sched.tasks.reap(handle), Some(1));
        board.spawn(0, Qos::Normal, Placement::Here);
        assert!(matches!(board.next(0), Next::Run(_)));
    })
}

/// Accesses that come on top between two sizes, once: a step, not a slope.
struct Step {
    /// The sizes that have them.
    at: fn(Size) -> bool,
    /// How many, at most.
    most: u64,
    why: &'static str,
}

struct Operation {
    name: &'static str,
    /// With the kernel's sets.
    wide: fn(Size) -> Work,
    /// With sets of one word.
    narrow: fn(Size) -> Work,
    step: Option<Step>,
}

const OPERATIONS: [Operation; 6] = [
    Operation { name: "yield", wide: rotate::<W>, narrow: rotate::<1>, step: None },
    Operation { name: "dispatch", wide: dispatch::<W>, narrow: dispatch::<1>, step: None },
    Operation { name: "wake, home busy", wide: wake_busy::<W>, narrow: wake_busy::<1>, step: None },
    Operation {
        name: "wake, home idle",
        wide: wake_idle::<W>,
        narrow: wake_idle::<1>,
        step: Some(Step {
            at: |size| size.harts > 2,
            most: 32,
            why: "from 3 harts on others are idle as well, and the four surplus sets are read for them",
        }),
    },
    Operation {
        name: "steal",
        wide: steal::<W>,
        narrow: steal::<1>,
        step: Some(Step {
            at: |size| size.tasks >= 8,
            most: 30,
            why: "of 2 queued tasks it moves 1, of 8 and more it moves 4, which leaves some to announce",
        }),
    },
    Operation { name: "spawn and end", wide: spawn_and_end::<W>, narrow: spawn_and_end::<1>, step: None },
];

/// What grows with the CPUs that are idle under a ceiling: their ceilings are read one by one. An idle set for each class
/// would make it flat. There is none, because every CPU that falls asleep or wakes would then change four sets in the
/// place of one, whether anybody has a ceiling or not.
struct Slope {
    name: &'static str,
    run: fn(Size) -> Work,
    /// Accesses for each CPU above two, at most.
    each: u64,
}

const SLOPES: [Slope; 3] = [
    Slope { name: "dispatch, the others idle under a ceiling", run: dispatch_under_ceilings::<W>, each: 1 },
    Slope {
        name: "wake, home busy, the others idle under a ceiling",
        run: wake_under_ceilings::<W>,
        each: 1,
    },
    Slope { name: "wake, all but cpu0 under a ceiling", run: wake_under_ceilings_all::<W>, each: 2 },
];

/// Held by a test, so that what the other prints does not come between.
static TABLE: Mutex<()> = Mutex::new(());

/// Accesses of one operation at each size.
type Costs = Vec<(Size, u64)>;

fn sizes() -> Vec<Size> {
    let few = HARTS.map(|harts| Size::new(harts, TASKS[0]));
    let sizes = few.into_iter().chain(TASKS[1..].iter().map(|&tasks| Size::new(HARTS[0], tasks)));
    sizes.chain([Size::new(HARTS[4], TASKS[4])]).collect()
}

/// Measures at these sizes, and prints what each costs.
fn measure(sizes: impl IntoIterator<Item = Size>, run: fn(Size) -> Work) -> Costs {
    let cost = |size: Size| {
        let Work { loads, stores, updates, fences } = run(size);
        let total = loads + stores + updates + fences;
        println!(
            "  {:3} harts {:4} tasks: {total:3} accesses = {loads} loads + {stores} stores + {updates} updates + \
             {fences} fences",
            size.harts, size.tasks
        );
        (size, total)
    };
    sizes.into_iter().map(cost).collect()
}

/// The cheapest and the dearest.
fn span<'a>(costs: impl IntoIterator<Item = &'a (Size, u64)>) -> (u64, u64) {
    costs.into_iter().fold((u64::MAX, 0), |(least, most), &(_, cost)| (least.min(cost), most.max(cost)))
}

/// Whether costs are flat on either side of the step, and the step is no higher than it may be.
fn is_flat(costs: &Costs, step: Option<&Step>) -> bool {
    let flat = |(least, most): (u64, u64)| least > 0 && most * 100 <= least * (100 + FLAT);
    let Some(Step { at, most, .. }) = step else { return flat(span(costs)) };
    let (after, before): (Costs, Costs) = costs.iter().partition(|(size, _)| at(*size));
    let height = span(&after).0.saturating_sub(span(&before).0);
    flat(span(&before)) && (after.is_empty() || flat(span(&after)) && height <= *most)
}

#[test]
fn cost_does_not_grow() {
    let _alone = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut steep = Vec::new();
    for Operation { name, wide, narrow, step } in OPERATIONS {
        println!("{name}");
        let costs = measure(sizes(), wide);
        let (least, most) = span(&costs);
        println!("explored growth, {name}: {} sizes, {least} to {most} accesses", costs.len());
        if let Some(Step { most, why, .. }) = step {
            println!("  up to {most} of them come once: {why}");
        }
        println!("{name}, sets of one word");
        let few = measure(FEW_HARTS.map(|harts| Size::new(harts, TASKS[0])), narrow);
        let words = costs[0].1 - few[0].1;
        println!("  the other {} words of the sets cost {words} accesses at 2 harts already", W - 1);
        if !is_flat(&costs, step.as_ref()) {
            steep.push(format!("{name} costs {least} to {most} accesses"));
        }
        let (least, most) = span(&few);
        println!(
            "explored growth, {name}, sets of one word: {} sizes, {least} to {most} accesses",
            few.len()
        );
        if !is_flat(&few, step.as_ref()) {
            steep.push(format!("{name} with sets of one word costs {least} to {most} accesses"));
        }
    }
    assert!(steep.is_empty(), "cost grows by more than {FLAT} %: {steep:?}");
}

#[test]
fn cost_grows_by_what_each_idle_cpu_under_a_ceiling_may_cost() {
    let _alone = TABLE.lock().unwrap_or_else(PoisonError::into_inner);
    let mut steep = Vec::new();
    for Slope { name, run, each } in SLOPES {
        println!("{name}");
        let costs = measure(sizes(), run);
        let (least, most) = span(&costs);
        println!("explored growth, {name}: {} sizes, {least} to {most} accesses", costs.len());
        println!(
            "  {each} for each CPU above two, whose ceiling is read; by an idle set a class it would be none"
        );
        // The rest is as flat as everything else.
        let rest: Costs =
            costs.iter().map(|&(size, cost)| (size, cost - each * (size.harts as u64 - 2))).collect();
        if !is_flat(&rest, None) {
            steep.push(format!("{name} costs more than {each} for each: {least} to {most} accesses"));
        }
    }
    assert!(steep.is_empty(), "cost grows by more than is stated: {steep:?}");
}

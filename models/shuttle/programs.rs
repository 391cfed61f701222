//! The whole scheduler under random programs and random schedules.
//!
//! *Modelled*: 2 to 8 CPUs that run the kernel's loop (entry, `next`, task or WFI) over the real `Scheduler`, with
//! doorbells, one timer a CPU, virtual time, WFI, Calls, programs that end, joins, ceilings, and CPUs that go and come,
//! as `kernel/src` has them.
//! Shuttle switches before every atomic access, every ring and every look at an interrupt.
//! *Watched*: each task in one place and on one CPU, frame saved before it is handed on; class order and ceiling at each
//! dispatch; a turn for every class-mate; pinned tasks at home; steal bound; every Call answered, once; values of joins;
//! and whenever all CPUs are at rest the audit, every request met or its target's doorbell pending, nobody asleep beside
//! work, no wake, deadline or reply lost, nothing left on a CPU that is offline.
//! *Excused*: a deadline for which no timer is set, while any CPU that runs a task has its doorbell pending or any
//! CPU waits in the middle of a system call: that CPU may have inherited it and not looked yet. And while any CPU's
//! timer, also the tick of a slice, is set no later than the deadline: whose timer it is, is not looked at. What lies
//! on the queue of a CPU that waits in the middle of a system call may wait with it, and sleepers beside it are not
//! asked why.
//! *Bounds*: a few dozen system calls a schedule, one wait list, two words to wait on, two programs.
//! *Not covered*: weak memory order (shuttle is sequentially consistent: the loom models are for that); rings that fail;
//! address spaces; the machine's stop; anything that needs more schedules than were run. Seeds are fixed.
#![cfg(shuttle)]

use antler_models::{Deed, Mix, Plan, explore_programs};

fn explore(plan: Plan) {
    explore_programs(plan, env!("CARGO_TARGET_TMPDIR"));
}

/// Everything.
const ALL: Mix = &[
    (Deed::Compute, 40),
    (Deed::Yield, 8),
    (Deed::Sleep, 6),
    (Deed::Wait, 10),
    (Deed::Wake, 6),
    (Deed::WakeAll, 4),
    (Deed::Spawn, 10),
    (Deed::SetQos, 6),
    (Deed::Exit, 3),
    (Deed::Join, 5),
    (Deed::Kill, 1),
    (Deed::CallAll, 2),
    (Deed::Hotplug, 3),
    (Deed::Ceiling, 3),
    (Deed::Steal, 3),
    (Deed::Meet, 8),
];

/// CPUs that come and go, with tasks that sleep and wait.
const HOTPLUG: Mix = &[
    (Deed::Compute, 20),
    (Deed::Yield, 4),
    (Deed::Sleep, 12),
    (Deed::Wait, 12),
    (Deed::Wake, 6),
    (Deed::WakeAll, 3),
    (Deed::Spawn, 10),
    (Deed::Join, 3),
    (Deed::CallAll, 2),
    (Deed::Hotplug, 14),
    (Deed::Meet, 8),
];

/// Waits, wakes and deadlines.
const WAITS: Mix = &[
    (Deed::Compute, 20),
    (Deed::Sleep, 10),
    (Deed::Wait, 25),
    (Deed::Wake, 10),
    (Deed::WakeAll, 8),
    (Deed::Spawn, 8),
    (Deed::Exit, 6),
    (Deed::Join, 12),
    (Deed::Kill, 2),
    (Deed::Meet, 8),
];

/// Classes, ceilings and thieves.
const CLASSES: Mix = &[
    (Deed::Compute, 40),
    (Deed::Yield, 10),
    (Deed::Sleep, 6),
    (Deed::Wait, 4),
    (Deed::WakeAll, 4),
    (Deed::Spawn, 16),
    (Deed::SetQos, 14),
    (Deed::Ceiling, 10),
    (Deed::Steal, 4),
    (Deed::Meet, 14),
];

/// Much to steal, little that stays, and CPUs that leave while they are claimed for work.
const THIEVES: Mix = &[
    (Deed::Compute, 20),
    (Deed::Yield, 4),
    (Deed::Sleep, 10),
    (Deed::Wait, 14),
    (Deed::Wake, 6),
    (Deed::WakeAll, 6),
    (Deed::Spawn, 30),
    (Deed::Exit, 14),
    (Deed::Steal, 8),
    (Deed::Hotplug, 12),
    (Deed::Meet, 10),
];

/// Threads that end while others join them.
const ENDS: Mix = &[
    (Deed::Compute, 10),
    (Deed::Wait, 4),
    (Deed::Sleep, 4),
    (Deed::WakeAll, 4),
    (Deed::Spawn, 40),
    (Deed::Exit, 24),
    (Deed::Join, 60),
    (Deed::Kill, 1),
    (Deed::Meet, 4),
];

/// Two CPUs that take each other's queued tasks and wake what the other parked.
const STEALS: Mix = &[
    (Deed::Compute, 10),
    (Deed::Wait, 20),
    (Deed::Wake, 10),
    (Deed::WakeAll, 8),
    (Deed::Spawn, 30),
    (Deed::Exit, 10),
    (Deed::Steal, 20),
    (Deed::Meet, 6),
];

#[test]
fn two_cpus() {
    explore(Plan { name: "two cpus", cpus: 2, tasks: 8, calls: 40, mix: ALL, schedules: 1500 });
}

#[test]
fn four_cpus() {
    explore(Plan { name: "four cpus", cpus: 4, tasks: 16, calls: 60, mix: ALL, schedules: 750 });
}

#[test]
fn eight_cpus() {
    explore(Plan { name: "eight cpus", cpus: 8, tasks: 16, calls: 60, mix: ALL, schedules: 300 });
}

#[test]
fn cpus_come_and_go() {
    explore(Plan { name: "hotplug", cpus: 3, tasks: 8, calls: 50, mix: HOTPLUG, schedules: 900 });
}

#[test]
fn waits_and_deadlines() {
    explore(Plan { name: "waits", cpus: 3, tasks: 8, calls: 60, mix: WAITS, schedules: 900 });
}

#[test]
fn classes_and_ceilings() {
    explore(Plan { name: "classes", cpus: 3, tasks: 8, calls: 50, mix: CLASSES, schedules: 900 });
}

#[test]
fn thieves_and_leavers() {
    explore(Plan { name: "thieves", cpus: 4, tasks: 16, calls: 70, mix: THIEVES, schedules: 3000 });
}

#[test]
fn two_thieves() {
    explore(Plan { name: "two thieves", cpus: 2, tasks: 8, calls: 60, mix: STEALS, schedules: 1500 });
}

#[test]
fn threads_that_end() {
    explore(Plan { name: "ends", cpus: 4, tasks: 8, calls: 80, mix: ENDS, schedules: 900 });
}

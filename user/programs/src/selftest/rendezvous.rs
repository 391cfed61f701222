//! Tasks that are put on cpu0 meet on several CPUs at once: each CPU has one between its first instruction and its
//! end at the same moment. The CPUs other than cpu0 can only have stolen theirs.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};

use antler_rt::thread::Builder;
use antler_rt::{Qos, sys};

use super::STACK;
use super::check::{check, must, poll_until, spin_until};
use super::orders::become_class;

/// The meeting.
pub struct Rendezvous {
    /// How many CPUs have to take part besides cpu0.
    thieves: usize,
    /// By CPU: whether a task holds it.
    held: Vec<AtomicBool>,
    /// How many are held.
    count: AtomicUsize,
    /// All CPUs are held.
    met: AtomicBool,
}

impl Rendezvous {
    /// A meeting of cpu0 and `thieves` others, on a machine of `cpus` CPUs, of which no more may run the class `Normal`.
    pub fn new(cpus: usize, thieves: usize) -> Rendezvous {
        Rendezvous {
            thieves,
            held: (0..cpus).map(|_| AtomicBool::new(false)).collect(),
            count: AtomicUsize::new(0),
            met: AtomicBool::new(false),
        }
    }

    /// Holds it with `tasks` tasks. The director calls it, on cpu0 and above the tasks' class; all others are idle.
    pub fn hold(self, tasks: usize) {
        let meeting = Arc::new(self);
        let runs: Arc<Vec<AtomicU32>> = Arc::new((0..tasks).map(|_| AtomicU32::new(0)).collect());
        let threads: Vec<_> = (0..tasks)
            .map(|index| {
                let (meeting, runs) = (Arc::clone(&meeting), Arc::clone(&runs));
                let builder = Builder::new().qos(Qos::Normal).local().stack_size(STACK);
                must("start a task", builder.spawn(move || meeting.attend(index, &runs)))
            })
            .collect();
        // The director keeps cpu0 from its tasks, so that there is one left for every CPU that comes late: who has
        // stolen has work for good, and steals once.
        spin_until("a task on every CPU that may steal", || {
            meeting.count.load(Ordering::Acquire) >= meeting.thieves
        });
        // Asleep it gives cpu0 away, which the meeting still lacks.
        poll_until("the tasks to meet", || meeting.met.load(Ordering::Acquire));
        for (index, thread) in threads.into_iter().enumerate() {
            let value = must("join a task", thread.join());
            check!(value == index, "task {index} answers {value}");
        }
        for (index, run) in runs.iter().enumerate() {
            let run = run.load(Ordering::Relaxed);
            check!(run == 1, "task {index} ran {run} times");
        }
    }

    /// One task: holds its CPU until all are held, or ends at once if the CPU is held already.
    fn attend(&self, index: usize, runs: &[AtomicU32]) -> usize {
        runs[index].fetch_add(1, Ordering::Relaxed);
        // Above its fellows it does not take turns with them: it stays on this CPU, and they stay to be stolen.
        become_class(Qos::Interactive);
        let cpu = must("ask for the CPU", sys::cpu());
        if !self.held[cpu].swap(true, Ordering::AcqRel) {
            if self.count.fetch_add(1, Ordering::AcqRel) == self.thieves {
                self.met.store(true, Ordering::Release);
            }
            spin_until("the tasks to meet", || self.met.load(Ordering::Acquire));
        }
        index
    }
}

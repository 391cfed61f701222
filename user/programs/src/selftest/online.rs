//! Every CPU is online, and each answers for itself, out of a trap from U-mode: all of them run a thread that spins. Whether
//! the answers are right is for the judge, who sees them. And what one hart unmaps another one forgets, which takes such an
//! answer too.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use antler_rt::sys::probe;
use antler_rt::thread::Builder;
use antler_rt::{Qos, sys};

use super::STACK;
use super::check::{check, must, poll_until, spin_until};
use super::shootdown;

pub fn run(cpus: usize) {
    let online = must("count CPUs", sys::cpus_online());
    check!(online == cpus, "{online} of {cpus} CPUs are online");
    let (there, over) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
    let threads: Vec<_> = (1..cpus)
        .map(|cpu| {
            let (there, over) = (Arc::clone(&there), Arc::clone(&over));
            let builder = Builder::new().cpu(cpu).qos(Qos::Normal).stack_size(STACK);
            let spins = move || {
                there.fetch_add(1, Ordering::Release);
                spin_until("the Call to be answered", || over.load(Ordering::Acquire));
            };
            must("start a thread", builder.spawn(spins))
        })
        .collect();
    poll_until("a thread on every CPU", || there.load(Ordering::Acquire) == cpus - 1);
    must("call every CPU", probe::call_all());
    over.store(true, Ordering::Release);
    for thread in threads {
        must("join a thread", thread.join());
    }
    shootdown::elsewhere((must("cpu", sys::cpu()) + 1) % cpus);
}

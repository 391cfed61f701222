//! A CPU that was really stopped is refused as a target, from U-mode and in the kernel, while firmware says that it
//! is stopped. Brought back, it answers a reschedule and steals work.

use antler_rt::sys::probe;
use antler_rt::{Error, Qos, sys};

use super::bound::set_ceilings;
use super::check::{all_others_idle, check, must, poll_until, refused};
use super::rendezvous::Rendezvous;

/// HSM state of a stopped hart (SBI specification, "Hart State Management").
const STOPPED: usize = 1;

/// Tasks of the rendezvous after the return.
const TASKS: usize = 3;

pub fn run(cpus: usize) {
    let last = cpus - 1;
    refused("taking cpu0 offline", sys::cpu_offline(0), Error::BadArgument);
    refused("taking a CPU offline that does not exist", sys::cpu_offline(cpus), Error::InvalidTarget);
    must("take a CPU offline", sys::cpu_offline(last));
    stopped(last);
    online(cpus - 1);
    refused("resched of an offline CPU", sys::resched(last), Error::Offline);
    refused("the kernel's offline target", probe::target(last), Error::Offline);
    stopped(last);

    must("bring the CPU back", sys::cpu_online(last));
    online(cpus);
    must("resched the CPU", sys::resched(last));
    let posted = must("ask what was posted", probe::posted(last));
    poll_until("the CPU's ack after its return", || {
        must("ask what was acknowledged", probe::acked(last)) >= posted
    });

    // The one that is back and cpu0 are the only ones that may run the tasks.
    all_others_idle(cpus);
    set_ceilings((1..last).chain(last + 1..cpus), Qos::Idle);
    Rendezvous::new(cpus, 1).hold(TASKS);
    set_ceilings(1..cpus, Qos::PerfBurst);
}

fn stopped(cpu: usize) {
    let state = must("ask for the hart's state", probe::hart_state(cpu));
    check!(state == STOPPED, "cpu{cpu} is offline, and firmware says {state}");
}

fn online(meant: usize) {
    let online = must("count CPUs", sys::cpus_online());
    check!(online == meant, "{online} CPUs are online instead of {meant}");
}

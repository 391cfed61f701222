//! Every CPU is online, and each answers for itself. Whether the answers are right is for the judge, who sees them.

use antler_rt::sys;
use antler_rt::sys::probe;

use super::check::{check, must};

pub fn run(cpus: usize) {
    let online = must("count CPUs", sys::cpus_online());
    check!(online == cpus, "{online} of {cpus} CPUs are online");
    must("call every CPU", probe::call_all());
}

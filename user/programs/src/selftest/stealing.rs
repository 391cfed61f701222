//! Many tasks are put on one CPU; by stealing they meet on every CPU, and each runs exactly once. A task
//! that is stolen in the middle of its work goes on as if nothing had happened.

use super::check::all_others_idle;
use super::migrant;
use super::rendezvous::Rendezvous;

/// Tasks for each CPU: as many as one steal takes, so that there are enough however they are taken.
const TASKS_PER_CPU: usize = 4;

pub fn run(cpus: usize) {
    all_others_idle(cpus);
    Rendezvous::new(cpus, cpus - 1).hold(TASKS_PER_CPU * cpus);
    migrant::run(cpus);
}

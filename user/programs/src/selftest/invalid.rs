//! A CPU that does not exist is refused as a target, from U-mode and in the kernel.

use antler_rt::sys::probe;
use antler_rt::{Error, sys};

use super::check::refused;

pub fn run(cpus: usize) {
    refused("resched of the CPU after the last", sys::resched(cpus), Error::InvalidTarget);
    refused("resched of the highest number", sys::resched(usize::MAX), Error::InvalidTarget);
    refused("the kernel's target past the last", probe::target(cpus + 3), Error::InvalidTarget);
    refused("the kernel's highest target", probe::target(usize::MAX), Error::InvalidTarget);
}

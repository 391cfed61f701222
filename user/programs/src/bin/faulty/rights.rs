//! Calls that take a right. This program is given none.

use antler_rt::abi::PAGE;
use antler_rt::sys::probe;
use antler_rt::thread::Builder;
use antler_rt::{Error, Qos, println, sys};

/// No CPU: a kernel that looks at the target before the right answers otherwise than it should, and takes no CPU away.
const NO_CPU: usize = usize::MAX;

/// A call that takes a right.
type Ask = fn() -> Result<(), Error>;

/// What is asked for, and the call.
const ASKED: [(&str, Ask); 7] = [
    ("a higher class", || sys::set_qos(Qos::PerfBurst)),
    ("a thread of a higher class", || start(Builder::new().qos(Qos::PerfBurst))),
    // Of a class that it may have: it is the pin that is refused.
    ("a thread on cpu0 alone", || start(Builder::new().qos(Qos::Idle).cpu(0))),
    ("cpu0 to reschedule", || sys::resched(0)),
    ("a CPU to go", || sys::cpu_offline(NO_CPU)),
    ("a CPU to come back", || sys::cpu_online(NO_CPU)),
    ("a part in the self-tests", || probe::programs().map(drop)),
];

fn start(builder: Builder) -> Result<(), Error> {
    builder.stack_size(PAGE).spawn(|| ())?.join()
}

/// Asks for everything; whether all of it was refused for want of a right.
pub fn all_refused() -> bool {
    let mut all = true;
    for (what, ask) in ASKED {
        let answer = ask();
        if answer != Err(Error::Denied) {
            println!("faulty: asked for {what} without the right, and was answered {answer:?}");
            all = false;
        }
    }
    all
}

//! Does what no program may do: asks for what takes a right, and is refused; then one thing per mode, which ends this program
//! and nothing else.
#![cfg_attr(target_os = "none", no_std)]
#![cfg_attr(target_os = "none", no_main)]

mod deeds;
mod rights;

use antler_rt::args::args;
use antler_rt::println;

/// Name, what it does, and the deed.
const MODES: &[(&str, &str, fn())] = &[
    ("read-kernel", "reads the kernel's memory", deeds::read_kernel),
    ("read-null", "reads through a null pointer", deeds::read_null),
    ("write-text", "writes to its own code", deeds::write_text),
    ("jump-void", "jumps to where nothing is mapped", deeds::jump_void),
    ("jump-data", "jumps into its own data", deeds::jump_data),
    ("stack-overflow", "recurses until its stack ends", deeds::stack_overflow),
    ("illegal", "executes an illegal instruction", deeds::illegal),
    ("privileged", "reads a register of the kernel's", deeds::privileged),
];

fn run() -> i32 {
    let mut args = args();
    let mode = args.next();
    let found = MODES.iter().find(|(name, ..)| Some(*name) == mode);
    let Some((name, _, deed)) = found.filter(|_| args.next().is_none()) else {
        println!("usage: faulty MODE, which is one of");
        MODES.iter().for_each(|(name, what, _)| println!("  {name:15} {what}"));
        return 2;
    };
    println!("faulty: {name}");
    if !rights::all_refused() {
        return 1;
    }
    deed();
    println!("faulty: {name} was not stopped");
    1
}

antler_rt::main!(run);

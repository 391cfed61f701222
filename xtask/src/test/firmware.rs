//! Firmware that misbehaves: our own, told what to do wrong (docs/firmware.md). Each case has a stated end, and none of
//! them is a time-out: under icount the guest's own bounds cost next to nothing.

use super::call::Call;
use super::step::{Count, Step};
use crate::exit::Exit;
use crate::setup;

/// One case.
struct Case {
    /// What firmware does.
    name: &'static str,
    /// Harts.
    smp: u32,
    /// What it is told.
    orders: &'static str,
    /// How the proof ends.
    exit: Exit,
    /// What it says.
    says: &'static [&'static str],
}

const fn case(
    name: &'static str,
    smp: u32,
    orders: &'static str,
    exit: Exit,
    says: &'static [&'static str],
) -> Case {
    Case { name, smp, orders, exit, says }
}

/// SBI extension ids, as `without` takes them: `HSM`, `sPI`, `TIME`.
const NO_HSM: &str = "without=4739917";
const NO_IPI: &str = "without=7557193";
const NO_TIME: &str = "without=1414090053";

/// All cases, each in virtual time.
const CASES: &[Case] = &[
    case("behaves, one hart", 1, "", Exit::Success, &[]),
    case("behaves, four harts", 4, "", Exit::Success, &[]),
    case("has no HSM", 2, NO_HSM, Exit::BootRefused, &["firmware lacks the SBI extension HSM"]),
    case("has no IPI", 2, NO_IPI, Exit::BootRefused, &["firmware lacks the SBI extension IPI"]),
    case("has no TIME", 1, NO_TIME, Exit::BootRefused, &["firmware lacks the SBI extension TIME"]),
];

/// The steps.
pub fn steps() -> Vec<Step> {
    CASES.iter().map(step).collect()
}

fn step(case: &'static Case) -> Step {
    Step::boots(format!("firmware: {}", case.name), move |ctx| {
        if case.smp > 1 && !setup::qemu(ctx)?.is_fair_under_icount() {
            return Ok(Count::SKIPPED);
        }
        let bios = format!("antler:{}", case.orders);
        let mut done = Call::new(["proof", "--icount", "--bios", &bios])
            .set("SMP", &case.smp.to_string())
            .set("REQUIRE_SMP", if case.smp > 1 { "1" } else { "0" })
            .set("RUN_UNTIL_MARKER", "1")
            .set("RUN_TIMEOUT", "180s")
            .run(ctx)?
            .exits(case.exit)?;
        for text in case.says {
            done = done.says(text)?;
        }
        done.passes()
    })
}

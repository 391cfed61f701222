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

const RIGHT: Exit = Exit::Success;
const REFUSED: Exit = Exit::BootRefused;

/// All cases, each in virtual time. The order is that of docs/firmware.md.
const CASES: &[Case] = &[
    case("behaves, one hart", 1, "", RIGHT, &[]),
    case("behaves, four harts", 4, "", RIGHT, &[]),
    case("has no HSM", 2, NO_HSM, REFUSED, &["firmware lacks the SBI extension HSM"]),
    case("has no IPI", 2, NO_IPI, REFUSED, &["firmware lacks the SBI extension IPI"]),
    case("has no TIME", 1, NO_TIME, REFUSED, &["firmware lacks the SBI extension TIME"]),
    case(
        "refuses to start a hart",
        4,
        "refuse-start@2=-1",
        REFUSED,
        &["hart 2: hart_start refused with error -1 (SBI_ERR_FAILED); HSM state STOPPED"],
    ),
    case(
        "says that a hart runs already",
        4,
        "refuse-start@1=-6",
        REFUSED,
        &["hart 1: hart_start refused with error -6 (SBI_ERR_ALREADY_AVAILABLE); HSM state STOPPED"],
    ),
    case(
        "accepts and never starts a hart",
        4,
        "forget-start@2",
        REFUSED,
        &["hart 2: did not come online within 20 s of hart_start; HSM state START_PENDING"],
    ),
    case("starts a hart 19 s late", 4, "late-start@1=19000000", RIGHT, &[]),
    case(
        "starts a hart 21 s late",
        4,
        "late-start@1=21000000",
        REFUSED,
        &["hart 1: did not come online within 20 s of hart_start; HSM state START_PENDING"],
    ),
    case(
        "starts the wrong hart",
        4,
        "start-other@1=2",
        REFUSED,
        &["hart 1: firmware started hart 2 in its place"],
    ),
    case(
        "swaps two harts",
        4,
        "start-other@1=2,start-other@2=1",
        REFUSED,
        &["hart 1: firmware started hart 2 in its place"],
    ),
    // Each hart believes that it is the other: nothing at boot contradicts it, but doorbells go astray.
    case(
        "swaps two harts and lies about it",
        4,
        "start-as@1=2,start-as@2=1",
        Exit::Panic,
        &["KSELFTEST: FAIL no end in time", "KINIT: FAIL cpu1 (hart 1) did not stop"],
    ),
    case(
        "gives a hart another's id",
        4,
        "tell-id@1=2",
        REFUSED,
        &["hart 1: firmware started hart 2 in its place"],
    ),
    case(
        "gives a hart another's block",
        4,
        "tell-opaque@2=1",
        REFUSED,
        &["hart 1: firmware started hart 2 in its place"],
    ),
    case(
        "loses every IPI to a hart",
        4,
        "lose-ipi@1=1",
        Exit::Panic,
        &[
            "KSELFTEST: FAIL",
            "cpu1 (hart 1) has not seen the doorbell that was rung for it",
            "KINIT: FAIL cpu1 (hart 1) did not stop",
        ],
    ),
    case(
        "loses every third IPI to a hart",
        4,
        "lose-ipi@1=3",
        Exit::Red,
        &["KSELFTEST: FAIL", "cpu1 (hart 1) has not seen the doorbell that was rung for it"],
    ),
    case(
        "loses every IPI",
        4,
        "lose-ipi=1",
        Exit::Panic,
        &["KSELFTEST: FAIL", "KINIT: FAIL cpu1 (hart 1) did not stop"],
    ),
    case("refuses the first three IPIs to a hart", 4, "refuse-ipi@1=-1x3", RIGHT, &[]),
    case(
        "refuses every IPI to a hart",
        4,
        "refuse-ipi@1=-1",
        Exit::Panic,
        &["the doorbell of cpu1 (hart 1) cannot be rung: SBI error -1"],
    ),
    case("delivers IPIs twice at once", 4, "repeat-ipi=0", RIGHT, &[]),
    case("delivers IPIs again after 20 us", 4, "repeat-ipi=20", RIGHT, &[]),
    case("delivers IPIs again after 500 us", 4, "repeat-ipi=500", RIGHT, &[]),
    case("delivers IPIs that nobody sent", 4, "spurious-ipi=1000", RIGHT, &[]),
    case(
        "refuses to stop a hart",
        4,
        "refuse-stop@3=-1",
        Exit::Panic,
        &["cpu3 cannot stop hart 3: SBI_ERR_FAILED"],
    ),
    case("says STOPPED of a running hart", 4, "claim-state@3=1", RIGHT, &[]),
    case(
        "says STARTED of a stopped hart",
        4,
        "claim-state@3=0",
        Exit::Red,
        &["cpu3 (hart 3) did not stop within 20 s; HSM state STARTED"],
    ),
];

/// The steps.
pub fn steps() -> Vec<Step> {
    let mut steps: Vec<Step> = CASES.iter().map(step).collect();
    steps.push(Step::boots("firmware: behaves, four harts in parallel", |ctx| {
        let call = Call::new(["proof", "--bios", "antler"]).set("SMP", "4").set("REQUIRE_SMP", "1");
        call.set("RUN_UNTIL_MARKER", "1").set("RUN_TIMEOUT", "180s").run(ctx)?.exits(RIGHT)?.passes()
    }));
    steps.push(Step::boots("firmware: behaves, 128 harts", |ctx| {
        let call = Call::new(["run", "--smp", "128", "--bios", "antler", "--timeout", "180s", "--", "hello"]);
        call.run(ctx)?.exits(RIGHT)?.passes()
    }));
    steps
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

//! The judge against kernels that are wrong, and runs that must repeat to the byte.

use super::call::Call;
use super::step::{Count, Failure, Outcome, Step};
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::setup;

/// Machines whose runs must repeat.
const SIZES: [u16; 3] = [1, 2, 4];

/// Faults in which a doorbell has a part. Boards differ in how a hart is rung and how it takes that, and in nothing else, so the
/// other faults have no more to show there; `cargo xtask counterfactuals --doorbells` runs them too.
const OF_DOORBELLS: [&str; 10] = [
    "doorbell-by-timer",
    "doorbell-first",
    "ipi-dropped",
    "mail-read-early",
    "refused-rings",
    "ring-latched",
    "steal-never",
    "stop-ignored",
    "tick-instead",
    "wake-unrung",
];

/// Runs that are compared.
const RUNS: usize = 3;

/// The steps.
pub fn steps() -> Vec<Step> {
    let counterfactuals = under_icount("counterfactuals", ["counterfactuals"]);
    let by_others = ["imsic", "sswi"].map(|doorbells| {
        let args = ["counterfactuals", "--doorbells", doorbells].into_iter().chain(OF_DOORBELLS);
        under_icount(format!("counterfactuals of doorbells, by {doorbells}"), args)
    });
    let tampered = under_icount("tampered images", ["tamper"]);
    let costs = under_icount("instructions of the short paths", ["bench", "--check"]);
    let repeats = SIZES.map(|smp| {
        Step::boots(format!("SMP={smp} repeats to the byte under icount"), move |ctx| repeats(ctx, smp))
    });
    [counterfactuals].into_iter().chain(by_others).chain([tampered, costs]).chain(repeats).collect()
}

/// A command that boots machines under `-icount`, if the QEMU found is fair to harts there.
fn under_icount(name: impl Into<String>, args: impl IntoIterator<Item = &'static str>) -> Step {
    let call = Call::new(args);
    Step::boots(name, move |ctx| match setup::qemu(ctx)?.is_fair_under_icount() {
        true => call.run(ctx)?.exits(Exit::Success)?.passes(),
        false => Ok(Count::SKIPPED),
    })
}

/// The same proof several times: what the guest said and stated is the same each time.
fn repeats(ctx: &Ctx, smp: u16) -> Outcome {
    if smp > 1 && !setup::qemu(ctx)?.is_fair_under_icount() {
        return Ok(Count::SKIPPED);
    }
    let call = Call::new(["proof", "--icount"])
        .set("SMP", &smp.to_string())
        .set("REQUIRE_SMP", if smp > 1 { "1" } else { "0" })
        .set("RUN_UNTIL_MARKER", "1");
    let folder = ctx.proof_out().join(format!("smp{smp}-icount"));
    let mut first = None;
    for _ in 0..RUNS {
        let done = call.run(ctx)?.exits(Exit::Success)?;
        for name in ["facts.bin", "console.txt"] {
            let path = folder.join(name);
            let bytes =
                std::fs::read(&path).map_err(|error| Failure::one(format!("{}: {error}", path.display())))?;
            let (facts, console) = first.get_or_insert((Vec::new(), Vec::new()));
            let before: &mut Vec<u8> = if name == "facts.bin" { facts } else { console };
            if before.is_empty() {
                *before = bytes;
            } else if *before != bytes {
                return Err(done.failure(&format!("{name} differs from the run before")));
            }
        }
    }
    Ok(Count::ONE)
}

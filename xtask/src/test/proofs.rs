//! The proofs: every size, both ways of running harts, every boot hart, boards with gaps.

use super::call::Call;
use super::step::{Count, Step};
use crate::exit::Exit;
use crate::setup;

/// How many harts are proved.
const SIZES: [u32; 4] = [1, 2, 4, 8];

/// The size at which every hart boots once.
const BOOT_HARTS: u32 = 4;

/// Harts that run in parallel on the host, or in turns and the same way each time.
const WAYS: [(&str, &[&str]); 2] = [("multi-threaded", &[]), ("icount", &["--icount"])];

/// Doorbells beside those of the usual machine, and the sizes at which both are proved.
const DOORBELLS: [&str; 2] = ["sswi", "imsic"];
const RUNG: [u32; 2] = [2, 4];

/// Boards on which some harts are disabled: what it shows, harts in all, which are disabled.
///
/// OpenSBI 1.5 confuses ids with indices: starting hart *i* takes a pending start from the hart of *index* i. These maps
/// have no such pair of different harts.
const GAPS: [(&str, u32, &[u32]); 3] = [
    ("one hart disabled", 4, &[3]),
    ("hart 0 disabled", 8, &[0, 1, 2, 3]),
    ("harts 0, 4, 5, 7 of 8", 8, &[1, 2, 3, 6]),
];

/// The steps.
pub fn steps() -> Vec<Step> {
    let sizes = SIZES.into_iter().flat_map(|smp| {
        WAYS.map(|(way, args)| {
            proof(format!("proof SMP={smp} {way}"), smp, args.iter().map(ToString::to_string))
        })
    });
    let boot_harts = (0..BOOT_HARTS).map(|hart| {
        let args = ["--boot-hart".to_owned(), hart.to_string()];
        proof(format!("proof SMP={BOOT_HARTS} boot hart {hart}"), BOOT_HARTS, args)
    });
    let gaps = GAPS.into_iter().map(|(what, smp, disabled)| {
        let args = disabled.iter().flat_map(|hart| ["--disable-hart".to_owned(), hart.to_string()]);
        proof(format!("proof SMP={smp} {what}"), smp, args)
    });
    let doorbells = DOORBELLS.into_iter().flat_map(|doorbells| {
        RUNG.into_iter().flat_map(move |smp| {
            WAYS.map(|(way, args)| {
                let args = args.iter().copied().chain(["--doorbells", doorbells]).map(ToString::to_string);
                proof(format!("proof SMP={smp} doorbells {doorbells} {way}"), smp, args)
            })
        })
    });
    let timers = proof(
        "proof SMP=2 timers by firmware".to_owned(),
        2,
        ["--icount", "--append", "timers=sbi"].map(ToString::to_string),
    );
    sizes.chain(boot_harts).chain(gaps).chain(doorbells).chain([timers]).collect()
}

fn proof(name: String, smp: u32, args: impl IntoIterator<Item = String>) -> Step {
    let args: Vec<String> = args.into_iter().collect();
    let needs_turns = smp > 1 && args.iter().any(|arg| arg == "--icount");
    let call = Call::new(["proof".to_owned()].into_iter().chain(args))
        .set("SMP", &smp.to_string())
        .set("REQUIRE_SMP", if smp > 1 { "1" } else { "0" })
        .set("RUN_UNTIL_MARKER", "1")
        .set("RUN_TIMEOUT", "180s");
    Step::boots(name, move |ctx| match needs_turns && !setup::qemu(ctx)?.is_fair_under_icount() {
        true => Ok(Count::SKIPPED),
        false => call.run(ctx)?.exits(Exit::Success)?.passes(),
    })
}

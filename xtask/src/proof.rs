//! `cargo xtask proof`: boot with the self-tests, and let the judge say what really happened.
//!
//! Leaves console, facts and verdict of each configuration under `target/proof/<configuration>/` (`smp4`,
//! `smp4-icount`, ...), and those of the last proof under `target/proof/` itself.

mod folder;
mod inputs;
mod plan;
mod report;

use std::path::{Path, PathBuf};
use std::time::Duration;

use antler_abi::{MachineExit, Qos, Rights};
use antler_proof::{Case, Checklist, GuestEnd, Line, Verdict};
use anyhow::Context as _;

use crate::build::{self, Built};
use crate::ctx::Ctx;
use crate::exit::{Exit, Fail};
use crate::initrd::Initrd;
use crate::qemu::{self, Doorbells, Ended, GuestExit, Machine, Next};
use crate::setup;

pub use inputs::{Inputs, sha256};
pub use plan::{Args, Plan, duration};

/// The program that drives the self-tests, and what it may do.
const SELFTEST: &str = "selftest";
/// The program that misbehaves, and each way in which it does so.
const FAULTY: (&str, [&str; 4]) = ("faulty", ["read-kernel", "jump-void", "stack-overflow", "illegal"]);

/// After the last marker the guest only has to send its last facts and end.
const LAST_WORDS: Duration = Duration::from_secs(60);

/// What came of a proof.
#[derive(Debug)]
pub struct Outcome {
    /// How the command ends.
    pub exit: Exit,
    /// The judge's word.
    pub verdict: Verdict,
    /// Where console, facts and verdict are.
    pub dir: PathBuf,
    /// The run's time on the host's clock.
    pub took: Duration,
    /// How the guest ended, in words.
    pub guest: String,
    /// QEMU's version.
    pub qemu: String,
}

/// `cargo xtask proof`.
pub fn main(args: Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let plan = Plan::read(args, |name| std::env::var(name).ok())?;
    let outcome = prove(ctx, &plan, true)?;
    if plan.report {
        crate::report::write(ctx, &outcome.dir)?;
    }
    Ok(outcome.exit)
}

/// Builds, boots and judges. With `show`, the checklist is printed as the markers arrive, then claims and verdict.
///
/// # Errors
/// When there is nothing to judge: a wrong plan, no QEMU, a failed build, files that cannot be written. A red proof is an
/// [`Outcome`].
pub fn prove(ctx: &Ctx, plan: &Plan, show: bool) -> anyhow::Result<Outcome> {
    // What is wrong with the plan is said before anything is built.
    let enabled = harts(plan)?.len();
    if plan.smp_required && enabled < 2 {
        let meant =
            format!("SMP cannot be proved on one CPU, and of this machine's harts {enabled} is enabled");
        return Err(wrong("REQUIRE_SMP", "1", &meant));
    }
    let built = build::build(ctx)?;
    let outcome = prove_into(ctx, plan, &built, (&ctx.proof_out(), &plan.name()), show)?;
    report::make_last(ctx, &outcome)?;
    Ok(outcome)
}

/// Boots and judges what was built, and leaves everything in the folder `name` of `parent`.
///
/// # Errors
/// As [`prove`].
pub fn prove_into(
    ctx: &Ctx,
    plan: &Plan,
    built: &Built,
    (parent, name): (&Path, &str),
    show: bool,
) -> anyhow::Result<Outcome> {
    let harts = harts(plan)?;
    let cpus = u16::try_from(harts.len()).context("too many harts")?;
    let folder = folder::Folder::new(parent, name)?;
    let initrd = initrd(built)?;
    let archive = folder.path().join("initrd");
    initrd.write(&archive)?;
    let kernel = plan.kernel.clone().unwrap_or_else(|| built.kernel.clone());
    let mut machine = Machine::new(setup::qemu(ctx)?, plan.smp, kernel, archive, folder.path().to_path_buf());
    let mem = plan.mem.unwrap_or_else(|| qemu::enough(plan.smp, initrd.size()));
    qemu::check_memory(mem, plan.smp, initrd.size())?;
    plan.apply(&mut machine, mem);
    let board = qemu::board(&machine)?;
    let listed = qemu::harts_of(&board).map_err(anyhow::Error::msg)?;
    anyhow::ensure!(
        listed == harts,
        "the device tree enables harts {listed:?}, and {harts:?} were asked for"
    );
    let inputs = Inputs {
        kernel: inputs::sha256(&machine.kernel)?,
        initrd: inputs::sha256(&machine.initrd)?,
        board: inputs::digest(&board),
        qemu: machine.qemu.version.clone(),
    };
    inputs.write(folder.path())?;
    let smp_judged = plan.smp_judged && cpus >= 2;
    let mut report = report::Report::new(ctx.ui, show, &plan.name());
    let mut list = Checklist::new(cpus, smp_judged);
    let mut rest = Vec::new();
    let ended = qemu::boot(&machine, |bytes| {
        rest.extend_from_slice(bytes);
        while let Some(end) = rest.iter().position(|&byte| byte == b'\n') {
            let line: Vec<u8> = rest.drain(..=end).collect();
            let text = String::from_utf8_lossy(line.strip_suffix(b"\n").unwrap_or(&line)).into_owned();
            match list.line(&text) {
                Line::Marker(index) => report.marker(&list.expected()[index].text),
                Line::Red(reason) => report.red(&reason),
                Line::Other => {}
            }
        }
        match plan.until_marker && list.done() {
            true => Next::EndWithin(LAST_WORDS),
            false => Next::GoOn,
        }
    })?;
    let case = Case {
        cpus,
        smp_judged,
        harts: Some(harts),
        boot_hart: plan.boot_hart.map(u64::from),
        doorbells: doorbells(plan, &board)?,
        end: guest_end(&ended.exit),
    };
    let facts =
        std::fs::read(&ended.facts).with_context(|| format!("cannot read {}", ended.facts.display()))?;
    let verdict = antler_proof::judge(&ended.console, &facts, &case);
    let exit = exit(plan, &ended, &verdict);
    let mut outcome = Outcome {
        exit,
        verdict,
        dir: folder.path().to_path_buf(),
        took: ended.took,
        guest: ended.exit.text(),
        qemu: machine.qemu.version.clone(),
    };
    report::leave(plan, &outcome)?;
    outcome.dir = folder.publish()?;
    report.end(plan, &ended, &outcome)?;
    Ok(outcome)
}

/// The doorbells that the kernel is to use: those that it is told to, else what the board has.
fn doorbells(plan: &Plan, board: &[u8]) -> anyhow::Result<antler_proof::Doorbells> {
    let offered = antler_proof::doorbells(board).map_err(anyhow::Error::msg)?;
    let told = plan.append.split_whitespace().find_map(|word| word.strip_prefix("doorbells="));
    let told = plan.doorbells.or_else(|| told.and_then(Doorbells::from_name));
    match told {
        None => Ok(offered),
        Some(Doorbells::Sbi) => Ok(antler_proof::Doorbells::Firmware),
        Some(told) => {
            let judged = told.judged();
            anyhow::ensure!(
                offered == judged,
                "the device tree offers {}, not {}",
                offered.name(),
                judged.name()
            );
            Ok(judged)
        }
    }
}

/// Ids of the harts that the machine enables.
fn harts(plan: &Plan) -> anyhow::Result<Vec<u64>> {
    match &plan.dtb {
        Some(dtb) => qemu::enabled_harts(dtb),
        None => {
            let enabled = (0..plan.smp).filter(|hart| !plan.disabled.contains(hart)).map(u64::from);
            Ok(enabled.collect())
        }
    }
}

/// The initrd of a proof: the self-tests, and programs that misbehave.
///
/// # Errors
/// A program was not built.
pub fn initrd(built: &Built) -> anyhow::Result<Initrd> {
    let none: [&str; 0] = [];
    let mut builder =
        Initrd::builder().program(built.program(SELFTEST)?, SELFTEST, Qos::Normal, Rights::all(), none);
    let (faulty, modes) = FAULTY;
    for mode in modes {
        builder = builder.program(built.program(faulty)?, faulty, Qos::Normal, Rights::empty(), [mode]);
    }
    builder.finish()
}

fn guest_end(exit: &GuestExit) -> GuestEnd {
    match exit {
        GuestExit::Code(code) => GuestEnd::Code(i32::from(code.code())),
        GuestExit::Other(Some(code), _) => GuestEnd::Code(*code),
        GuestExit::Other(None, _) => GuestEnd::Stopped,
        GuestExit::TimedOut(_) | GuestExit::Silent(_) => GuestEnd::TimedOut,
    }
}

fn exit(plan: &Plan, ended: &Ended, verdict: &Verdict) -> Exit {
    match &ended.exit {
        GuestExit::Code(MachineExit::Success | MachineExit::SelftestFailed) => {}
        // Without its facts port the kernel may well refuse to run self-tests; the reason is still the transport.
        GuestExit::Code(MachineExit::BootRefused) if plan.legacy => {}
        other => return other.exit(),
    }
    // A legacy run proves nothing, whatever it shows.
    match (plan.legacy, verdict.green) {
        (true, _) => Exit::NotAuthoritative,
        (false, true) => Exit::Success,
        (false, false) => Exit::Red,
    }
}

/// A usage error about an environment variable or option.
fn wrong(name: &str, value: &str, meant: &str) -> anyhow::Error {
    Fail::usage(format!("{name}={value}: {meant}"))
}

//! `cargo xtask bench`: what the shortest paths cost, counted in instructions on machines in virtual time. A measurement
//! gives the same figures to the digit each time, however busy the host is, so that a slower path is a failure like others.

mod figures;
mod peers;
mod plan;
mod plots;
mod table;

use std::path::{Path, PathBuf};
use std::time::Duration;

use antler_abi::{MachineExit, Qos, Rights};

use crate::build::{self, Built};
use crate::ctx::Ctx;
use crate::exit::{Exit, Fail};
use crate::initrd::Initrd;
use crate::pool;
use crate::qemu::{self, GuestExit, Machine, Next};
use crate::setup::{self, Qemu};
use figures::{Figure, Figures};
use plan::Case;

/// The program, and the argument that makes it the other one of two.
const PROGRAM: &str = "bench";
const FOLLOW: &str = "follow";

/// What was recorded.
const RECORDED: &str = "docs/performance.json";
/// Where a measurement is left.
const PLACE: &str = "target/bench";

/// How long a machine may take.
const PATIENCE: Duration = Duration::from_secs(300);

/// Arguments of `bench`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Only these rows
    rows: Vec<String>,
    /// Fail where a figure is worse than the recorded one by more than 2 % (with another compiler or QEMU: 25 %)
    #[arg(long)]
    check: bool,
    /// Keep the figures as the recorded ones, and write them into docs/performance.md
    #[arg(long, conflicts_with_all = ["check", "rows"])]
    record: bool,
    /// Machines at a time [default: one for each CPU of the host]
    #[arg(long, value_parser = clap::value_parser!(u8).range(1..=64))]
    jobs: Option<u8>,
}

/// `cargo xtask bench`.
pub fn main(args: Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let cases = choose(&args.rows)?;
    let emulator = setup::qemu(ctx)?;
    anyhow::ensure!(
        emulator.is_fair_under_icount(),
        "this QEMU starves harts under -icount, and everything is measured under it; QEMU 8.1 or later is needed"
    );
    let built = build::build(ctx)?;
    let jobs = args.jobs.map_or_else(pool::cores, usize::from);
    let measured = Figures {
        qemu: emulator.version.clone(),
        firmware: crate::proof::sha256(&emulator.firmware)?,
        compiler: compiler(&setup::toolchain(ctx)?),
        figures: measure_all(ctx, &built, &emulator, &cases, jobs)?,
    };
    table::print(&measured);
    let place = ctx.root().join(PLACE);
    measured.write(&place.join("bench.json"))?;
    plots::write(&measured, &place)?;
    say!("figures are in {PLACE}/bench.json, pictures of them in tasks.svg and harts.svg beside it");
    if args.record {
        measured.write(&ctx.root().join(RECORDED))?;
        table::write(&measured, ctx.root())?;
        return Ok(Exit::Success);
    }
    let mut recorded = Figures::from_file(&ctx.root().join(RECORDED))?;
    recorded.figures.retain(|figure| cases.iter().any(|case| is_of(figure, case)));
    let worse = measured.worse_than(&recorded);
    worse.iter().for_each(|line| say!("  worse  {line}"));
    let same = measured.same_as(&recorded);
    if !measured.same_tools(&recorded) {
        say!(
            "recorded with {}; measured with {}: so a figure counts as worse from a quarter more on",
            recorded.tools(),
            measured.tools()
        );
    }
    say!("{} figures: {same} as recorded to the digit, {} worse", measured.figures.len(), worse.len());
    Ok(if args.check && !worse.is_empty() { Exit::Red } else { Exit::Success })
}

/// The compiler, and where it has libcore and linker from: all of it has a part in what the kernel becomes.
fn compiler(toolchain: &setup::Toolchain) -> String {
    let linker = toolchain.linker.as_ref().and_then(|path| path.file_name());
    let linker = linker.map_or("its own linker".into(), |name| name.to_string_lossy().into_owned());
    format!("{}, libcore {:?}, {linker}", toolchain.version, toolchain.route)
}

fn choose(rows: &[String]) -> anyhow::Result<Vec<Case>> {
    if let Some(unknown) = rows.iter().find(|row| !plan::rows().any(|known| known == **row)) {
        let known: Vec<&str> = plan::rows().collect();
        return Err(Fail::usage(format!("no row is called {unknown}; there are {}", known.join(", "))));
    }
    let mut cases = plan::all();
    cases.retain(|case| rows.is_empty() || rows.iter().any(|row| row == case.row));
    Ok(cases)
}

fn is_of(figure: &Figure, case: &Case) -> bool {
    let same = (figure.harts, figure.doorbells.as_str()) == (case.harts, case.doorbells.name());
    same && (figure.row == case.row || figure.row == table::BOOT && case.tells_boot())
}

fn measure_all(
    ctx: &Ctx,
    built: &Built,
    emulator: &Qemu,
    cases: &[Case],
    jobs: usize,
) -> anyhow::Result<Vec<Figure>> {
    let place = ctx.root().join(PLACE);
    let step = ctx.ui.step(format!("{} measurements", cases.len()));
    let figures = pool::all(jobs, cases, |at, case| {
        step.at(format!("{} on {} harts", case.row, case.harts));
        measure(built, emulator, case, &place.join(at.to_string()))
    });
    match figures {
        Ok(figures) => {
            step.done("");
            Ok(figures.into_iter().flatten().collect())
        }
        Err(error) => {
            step.failed("");
            Err(error)
        }
    }
}

/// Boots the machine of one case.
fn measure(built: &Built, emulator: &Qemu, case: &Case, dir: &Path) -> anyhow::Result<Vec<Figure>> {
    let path = built.program(PROGRAM)?;
    let start = |initrd: crate::initrd::Builder, args: Vec<String>| {
        initrd.program(path, PROGRAM, Qos::Normal, Rights::PIN | Rights::QOS | Rights::RESCHED, args)
    };
    let mut initrd = start(Initrd::builder(), case.arguments());
    if case.row == "yield-space" {
        initrd = start(initrd, vec![FOLLOW.to_owned()]);
    }
    std::fs::create_dir_all(dir)?;
    let archive: PathBuf = dir.join("initrd");
    initrd.finish()?.write(&archive)?;
    let mut machine =
        Machine::new(emulator.clone(), case.harts, built.kernel.clone(), archive, dir.to_path_buf());
    machine.append = "counters".into();
    machine.icount = true;
    machine.doorbells = Some(case.doorbells);
    machine.limit = Some(PATIENCE);
    let ended = qemu::boot(&machine, |_| Next::GoOn)?;
    let console = String::from_utf8_lossy(&ended.console);
    let name = format!("{} on {} harts, doorbells {}", case.row, case.harts, case.doorbells.name());
    anyhow::ensure!(
        ended.exit == GuestExit::Code(MachineExit::Success),
        "{name}: {}; its console is {}",
        ended.exit.text(),
        machine.console().display()
    );
    let mut figures = Vec::new();
    for line in console.lines() {
        figures.extend(Figure::read(line, case.harts, case.doorbells.name())?);
        figures.extend(table::boot(line, case.harts, case.doorbells.name()).filter(|_| case.tells_boot()));
    }
    anyhow::ensure!(
        figures.iter().filter(|figure| figure.row == case.row).count() == 1,
        "{name}: the program bench says nothing; the console is {}",
        machine.console().display()
    );
    Ok(figures)
}

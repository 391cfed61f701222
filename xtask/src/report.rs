//! `cargo xtask report`: a proof's run as one HTML file, from what the proof left. `proof --report` does the same at once.

use std::path::{Path, PathBuf};

use antler_parse::initrd::Archive;
use antler_proof::Trace;
use antler_report::{Matrix, Run};
use anyhow::Context as _;

use crate::browser;
use crate::ctx::Ctx;
use crate::exit::{Exit, Fail};
use crate::proof::{Inputs, Plan};

/// The counterfactual matrix as JSON, under `target/proof`: an `antler_report::Matrix`.
const MATRIX: &str = "counterfactuals.json";

/// Arguments of `report`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of a proof, such as target/proof/smp4; the last proof's when not given
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
    /// The HTML file to write; report.html in that folder when not given
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// The counterfactual matrix; target/proof/counterfactuals.json, if it is there, when not given
    #[arg(long, value_name = "FILE")]
    matrix: Option<PathBuf>,
    /// Also write what it looks like in a browser, light, 1,400 pixels wide, as PNG
    #[arg(long, value_name = "FILE")]
    picture: Option<PathBuf>,
}

/// `cargo xtask report`.
pub fn main(args: Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let folder = args.from.unwrap_or_else(|| ctx.proof_out());
    let out = args.out.unwrap_or_else(|| folder.join("report.html"));
    if args.matrix.as_ref().is_some_and(|path| !path.is_file()) {
        return Err(Fail::usage(format!("{}: no such file", args.matrix.unwrap_or_default().display())));
    }
    page(ctx, &folder, &out, args.matrix)?;
    if let Some(picture) = args.picture {
        browser::picture(ctx, &out, &picture)?;
        say!("picture: {}", picture.display());
    }
    Ok(Exit::Success)
}

/// Writes `report.html` into a proof's folder and says where.
///
/// # Errors
/// When the folder's files are not those of a proof, or the page cannot be written.
pub fn write(ctx: &Ctx, folder: &Path) -> anyhow::Result<()> {
    page(ctx, folder, &folder.join("report.html"), None)
}

fn page(ctx: &Ctx, folder: &Path, out: &Path, matrix: Option<PathBuf>) -> anyhow::Result<()> {
    let matrix = matrix.unwrap_or_else(|| ctx.proof_out().join(MATRIX));
    let mut run = load(folder)?;
    if matrix.is_file() {
        let text =
            std::fs::read_to_string(&matrix).with_context(|| format!("cannot read {}", matrix.display()))?;
        let matrix: Matrix = serde_json::from_str(&text)
            .map_err(|error| Fail::new(Exit::BadInput, format!("{}: {error}", matrix.display())))?;
        run.matrix = Some(matrix);
    }
    let html = antler_report::html(&run);
    std::fs::write(out, &html).with_context(|| format!("cannot write {}", out.display()))?;
    say!("report: {} ({} KB)", out.display(), html.len().div_ceil(1000));
    Ok(())
}

/// Reads a proof's folder: `verdict.json`, `facts.bin`, `console.txt`, and the programs' names from `initrd`.
///
/// # Errors
/// A folder that no proof filled is wrong usage; a verdict that is none is bad input.
pub fn load(folder: &Path) -> anyhow::Result<Run> {
    let read = |name: &str| {
        let path = folder.join(name);
        std::fs::read(&path).map_err(|error| {
            Fail::usage(format!("{}: {error}; `cargo xtask proof` writes it", path.display()))
        })
    };
    let verdict = serde_json::from_slice(&read("verdict.json")?).map_err(|error| {
        Fail::new(Exit::BadInput, format!("{}: {error}", folder.join("verdict.json").display()))
    })?;
    Ok(Run {
        verdict,
        trace: Trace::decode(&read("facts.bin")?),
        console: String::from_utf8_lossy(&read("console.txt")?).into_owned(),
        programs: read("initrd").map(|bytes| programs(&bytes)).unwrap_or_default(),
        kernel: Inputs::read(folder).map(|inputs| inputs.kernel),
        matrix: None,
    })
}

/// Names of the programs in the order in which the kernel starts them. They are labels; without them programs have
/// numbers.
fn programs(initrd: &[u8]) -> Vec<String> {
    let Ok(archive) = Archive::new(initrd) else { return Vec::new() };
    let Ok(programs) = antler_parse::manifest::parse(archive.data("manifest").unwrap_or_default()) else {
        return Vec::new();
    };
    let name = |program: antler_parse::manifest::Program| {
        let name = program.name.rsplit('/').next().unwrap_or_default().to_owned();
        program.args.iter().fold(name, |name, arg| format!("{name} {arg}"))
    };
    programs.into_iter().map(name).collect()
}

/// The command that makes the same proof again.
pub fn command(plan: &Plan) -> String {
    let mut words: Vec<String> = Vec::new();
    let mut add = |parts: &[&str]| words.extend(parts.iter().map(|part| (*part).to_owned()));
    add(&["cargo", "xtask", "proof"]);
    if plan.smp_judged || plan.smp == 1 {
        add(&["--smp", &plan.smp.to_string()]);
    }
    if plan.icount {
        add(&["--icount"]);
    }
    if let Some(hart) = plan.boot_hart {
        add(&["--boot-hart", &hart.to_string()]);
    }
    for hart in &plan.disabled {
        add(&["--disable-hart", &hart.to_string()]);
    }
    match &plan.bios {
        crate::qemu::Bios::Default => {}
        crate::qemu::Bios::None => add(&["--bios", "none"]),
        crate::qemu::Bios::Own(own) if own.text.is_empty() => add(&["--bios", "antler"]),
        crate::qemu::Bios::Own(own) => add(&["--bios", &format!("antler:{}", own.text)]),
        crate::qemu::Bios::File(path) => add(&["--bios", &path.to_string_lossy()]),
    }
    for (name, path) in [("--dtb", &plan.dtb), ("--kernel", &plan.kernel)] {
        if let Some(path) = path {
            add(&[name, &path.to_string_lossy()]);
        }
    }
    if let Some(mem) = &plan.mem {
        add(&["--mem", &mem.mib().to_string()]);
    }
    if !plan.append.is_empty() {
        add(&["--append", &plan.append]);
    }
    for arg in &plan.qemu_args {
        add(&[&format!("--qemu-arg={arg}")]);
    }
    if plan.timeout != Plan::usual_timeout(plan.smp) {
        add(&["--timeout", &format!("{}ms", plan.timeout.as_millis())]);
    }
    let line = shlex::try_join(words.iter().map(String::as_str)).unwrap_or_else(|_| words.join(" "));
    let mut variables = Vec::new();
    let mut set = |name: &str, value: &str| variables.push((name.to_owned(), value.to_owned()));
    if let Some(qemu) = &plan.qemu {
        set("QEMU", qemu);
    }
    if plan.legacy {
        set("QEMU_FORCE_LEGACY", "1");
    }
    if plan.smp > 1 && !plan.smp_judged {
        set("SMP", &plan.smp.to_string());
    }
    if plan.smp_required {
        set("REQUIRE_SMP", "1");
    }
    if plan.until_marker {
        set("RUN_UNTIL_MARKER", "1");
    }
    let quoted =
        |value: &str| shlex::try_quote(value).map_or_else(|_| value.to_owned(), |value| value.into_owned());
    let variables: String =
        variables.iter().map(|(name, value)| format!("{name}={} ", quoted(value))).collect();
    format!("{variables}{line}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_says_everything_that_is_not_usual() {
        let plain = |smp| Plan { until_marker: false, ..Plan::new(smp) };
        assert_eq!(command(&plain(4)), "cargo xtask proof --smp 4");
        assert_eq!(command(&Plan::new(4)), "RUN_UNTIL_MARKER=1 cargo xtask proof --smp 4");
        let mut plan = plain(2);
        plan.smp_judged = false;
        assert_eq!(command(&plan), "SMP=2 cargo xtask proof");
        let mut plan = plain(2);
        (plan.smp_required, plan.qemu) = (true, Some("/opt/a qemu".into()));
        plan.timeout = std::time::Duration::from_millis(1);
        assert_eq!(
            command(&plan),
            "QEMU='/opt/a qemu' REQUIRE_SMP=1 cargo xtask proof --smp 2 --timeout 1ms"
        );
        let mut plan = plain(8);
        (plan.icount, plan.boot_hart, plan.disabled) = (true, Some(3), vec![1, 2]);
        (plan.append, plan.legacy) = ("a 'b'".into(), true);
        assert_eq!(
            command(&plan),
            "QEMU_FORCE_LEGACY=1 cargo xtask proof --smp 8 --icount --boot-hart 3 --disable-hart 1 --disable-hart 2 \
             --append \"a 'b'\""
        );
    }

    #[test]
    fn what_is_no_proof_is_refused() {
        let error = load(Path::new("not/here")).unwrap_err();
        assert_eq!(Fail::exit_of(&error), Exit::Usage);
        assert!(error.to_string().contains("verdict.json"), "{error}");
        assert!(programs(b"no archive").is_empty());
    }
}

//! The programs, on real input, checked against other programs or known results.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use super::call::Call;
use super::step::{Failure, Outcome, Step};
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::setup;

/// The steps.
pub fn steps() -> Vec<Step> {
    let mut steps = vec![
        Step::boots("run: the demonstration", |ctx| {
            Call::new(["run"]).run(ctx)?.exits(Exit::Success)?.says("148933 primes up to 2000000")?.passes()
        }),
        Step::boots("sha256 equals sha256sum", sha256),
        // The number of primes below a million is in every table.
        Step::boots("primes counts right", |ctx| {
            let call = Call::new(["run", "--smp", "4", "--", "primes", "1000000"]);
            call.run(ctx)?.exits(Exit::Success)?.says("78498 primes up to 1000000")?.passes()
        }),
        Step::boots("pingpong", |ctx| {
            let call = Call::new(["run", "--smp", "2", "--", "pingpong", "1000"]);
            call.run(ctx)?.exits(Exit::Success)?.says("1000 round trips")?.passes()
        }),
        Step::boots("fpu", |ctx| {
            Call::new(["run", "--smp", "4", "--", "fpu"])
                .run(ctx)?
                .exits(Exit::Success)?
                .says("fpu: ok")?
                .passes()
        }),
        Step::boots("CPUs come and go under load", |ctx| {
            let program = ctx.out().join("bin/hotplug");
            let call = Call::new([
                "run",
                "--smp",
                "4",
                "--right",
                "hotplug",
                "--args",
                "2000",
                "--timeout",
                "180s",
                "--program",
            ])
            .arg(&program);
            call.run(ctx)?.exits(Exit::Success)?.says("hotplug: ok")?.passes()
        }),
        Step::boots("out of memory is an error to the program", |ctx| {
            let call = Call::new(["run", "--mem", "192M", "--", "hog"]);
            call.run(ctx)?.exits(Exit::Success)?.says("hog: out of memory after")?.passes()
        }),
    ];
    steps
        .extend(FAULTS.map(|mode| {
            Step::boots(format!("faulty {mode} ends only itself"), move |ctx| faulty(ctx, mode))
        }));
    steps
}

/// What `faulty` can do wrong.
const FAULTS: [&str; 8] = [
    "read-kernel",
    "read-null",
    "write-text",
    "jump-void",
    "jump-data",
    "stack-overflow",
    "illegal",
    "privileged",
];

fn faulty(ctx: &Ctx, mode: &str) -> Outcome {
    let call = Call::new(["run", "--smp", "2", "--", "faulty", mode]);
    call.run(ctx)?
        .exits(Exit::ProgramFailed)?
        .does_not_say("was not stopped")?
        .does_not_say("PANIC")?
        .passes()
}

/// Files of awkward sizes, hashed in the machine and on the host.
fn sha256(ctx: &Ctx) -> Outcome {
    let folder = ctx.out().join("test");
    let sizes = [("empty", 0), ("one byte", 1), ("block", 64), ("a MiB", 1 << 20), ("odd", 3 * 65_536 + 17)];
    let files = make_files(&folder, &sizes)?;
    let mut call = Call::new(["run", "--smp", "4"]);
    for file in &files {
        call = call.arg("--file").arg(file);
    }
    let done = call.arg("--").arg("sha256").run(ctx)?.exits(Exit::Success)?;
    let expected = digests(&files)?;
    let missing = expected.iter().find(|digest| !done.stdout.contains(digest.as_str())).cloned();
    match missing {
        None => done.passes(),
        Some(digest) => Err(done.failure(&format!("the host's digest {digest} is missing"))),
    }
}

/// Files that look random and are the same each time.
fn make_files(folder: &Path, sizes: &[(&str, usize)]) -> Result<Vec<PathBuf>, Failure> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let mut seed = 0x2545_f491_4f6c_dd1d_u64;
    let mut next = || {
        // Marsaglia's xorshift64: enough to make every block another.
        seed ^= seed << 13;
        seed ^= seed >> 7;
        seed ^= seed << 17;
        (seed >> 32) as u8
    };
    let mut files = Vec::new();
    for (name, size) in sizes {
        let path = folder.join(name);
        let content: Vec<u8> = (0..*size).map(|_| next()).collect();
        std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
        files.push(path);
    }
    Ok(files)
}

/// The digests by the host's own program, in lower-case hex.
fn digests(files: &[PathBuf]) -> Result<Vec<String>, Failure> {
    let mut troubles = Vec::new();
    for (program, args) in [("sha256sum", &[][..]), ("shasum", &["-a", "256"][..])] {
        let mut command = Command::new(program);
        command.args(args).args(files);
        match setup::run_bounded(&mut command, Duration::from_secs(60)).and_then(setup::Output::success) {
            Ok(output) => {
                let digest = |line: &str| line.split_whitespace().next().map(str::to_owned);
                return Ok(output.stdout.lines().filter_map(digest).collect());
            }
            Err(trouble) => troubles.push(format!("{program}: {trouble}")),
        }
    }
    Err(Failure::one(format!("nothing on this host computes SHA-256: {}", troubles.join("; "))))
}

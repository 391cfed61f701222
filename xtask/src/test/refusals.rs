//! What must fail, each with a clear reason and its own exit code.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::Context as _;

use super::call::Call;
use super::step::{Count, Failure, Step};
use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::{pool, setup};

/// The steps.
pub fn steps() -> Vec<Step> {
    let mut steps = vec![
        refused("SMP=0", proof().set("SMP", "0"), Exit::Usage, "SMP=0"),
        refused("SMP=abc", proof().set("SMP", "abc"), Exit::Usage, "SMP=abc"),
        refused("REQUIRE_SMP=1 with SMP=1", proof().set("SMP", "1"), Exit::Usage, "REQUIRE_SMP"),
        refused("RUN_TIMEOUT=soon", proof().set("RUN_TIMEOUT", "soon"), Exit::Usage, "RUN_TIMEOUT=soon"),
        refused("RUN_TIMEOUT=1ms", proof().set("RUN_TIMEOUT", "1ms"), Exit::Timeout, "after 1ms"),
        refused(
            "QEMU_FORCE_LEGACY=1",
            proof().set("QEMU_FORCE_LEGACY", "1"),
            Exit::NotAuthoritative,
            "legacy",
        ),
        refused(
            "a fault, by a kernel that has none",
            proof().arg("--append").arg("fault=ipi-dropped"),
            Exit::BadInput,
            "unknown boot argument `fault=ipi-dropped`",
        ),
        refused(
            "missing --file",
            Call::new(["run", "--file", "not/here", "--", "sha256"]),
            Exit::Usage,
            "not/here",
        ),
        refused(
            "unknown boot argument",
            Call::new(["run", "--append", "colour=red"]),
            Exit::BadInput,
            "colour",
        ),
        refused(
            "doorbells that the board has not",
            Call::new(["run", "--append", "doorbells=imsic", "--", "hello"]),
            Exit::BootRefused,
            "the hart has no interrupt file",
        ),
        refused(
            "doorbells that the device tree does not name",
            Call::new(["run", "--append", "doorbells=sswi", "--", "hello"]),
            Exit::BootRefused,
            "the device tree names none for hart 0",
        ),
        refused("unknown program", Call::new(["run", "--", "nonesuch"]), Exit::Usage, "nonesuch"),
    ];
    steps.push(Step::boots("refused: ELF cut short", |ctx| {
        let elf = std::fs::read(ctx.out().join("bin/hello")).context("cannot read bin/hello")?;
        let path = put(ctx, "short", &elf[..1000])?;
        Call::new(["run", "--program"]).arg(path).run(ctx)?.exits(Exit::BadInput)?.says("short")?.passes()
    }));
    steps.push(Step::boots("refused: ELF for another machine", |ctx| {
        let path = std::env::current_exe().context("cannot find this program")?;
        let elf = std::fs::read(path).context("cannot read this program")?;
        // The header and the program headers are enough to be refused by machine; the whole would only fill memory.
        let path = put(ctx, "foreign", &elf[..elf.len().min(65_536)])?;
        Call::new(["run", "--program"]).arg(path).run(ctx)?.exits(Exit::BadInput)?.says("foreign")?.passes()
    }));
    steps.push(Step::boots("refused: file larger than memory", |ctx| {
        let path = ctx.out().join("test/large");
        let file = std::fs::create_dir_all(ctx.out().join("test"))
            .and_then(|()| std::fs::File::create(&path))
            .context("cannot create a large file")?;
        // A hole of 256 MiB, which takes no room on the host.
        file.set_len(256 << 20).context("cannot make a file of 256 MiB")?;
        let call = Call::new(["run", "--mem", "16M", "--file"]).arg(&path).arg("--").arg("sha256");
        call.run(ctx)?.exits(Exit::Usage)?.says("--mem 16")?.passes()
    }));
    steps.push(Step::boots("refused: a guest that prints nothing, for want of firmware or not", |ctx| {
        // `j .`: the whole firmware.
        let mute = put(ctx, "mute.bin", &0x0000_006f_u32.to_le_bytes())?;
        let silent = |call: Call| call.set("RUN_TIMEOUT", "20s");
        let calls = [
            (silent(proof().arg("--bios").arg("none")), "see --bios"),
            (silent(Call::new(["proof", "--bios"]).arg(mute)), "printed nothing"),
        ];
        // Both do nothing but wait: at once.
        pool::side_by_side(calls.len(), &calls, |_, (call, says)| {
            call.run(ctx)?.exits(Exit::Silent)?.says(says)?.passes()
        })
        .into_iter()
        .try_fold(Count::ONE, |_, outcome| outcome)
    }));
    steps.push(Step::boots("refused: a device tree with harts that are not there", |ctx| {
        let mut call = proof().set("SMP", "4").arg("--dtb").arg(tree_of(ctx, 8)?);
        // The kernel waits for 20 s; in virtual time that is no time at all.
        if setup::qemu(ctx)?.is_fair_under_icount() {
            call = call.arg("--icount");
        }
        call.run(ctx)?.exits(Exit::BootRefused)?.says("START_PENDING")?.passes()
    }));
    steps
}

/// A proof with two harts.
fn proof() -> Call {
    Call::new(["proof"]).set("SMP", "2").set("REQUIRE_SMP", "1").set("RUN_TIMEOUT", "90s")
}

/// The device tree of a machine with that many harts.
fn tree_of(ctx: &Ctx, harts: u32) -> Result<PathBuf, Failure> {
    let path = put(ctx, "harts.dtb", b"")?;
    let board = format!("virt,dumpdtb={}", path.display());
    let mut command = Command::new(setup::qemu(ctx)?.binary);
    command.args(["-M", &board, "-smp", &harts.to_string(), "-display", "none"]);
    setup::run_bounded(&mut command, Duration::from_secs(60))
        .and_then(setup::Output::success)
        .map_err(|trouble| Failure::one(format!("QEMU cannot write its device tree: {trouble}")))?;
    Ok(path)
}

/// A call that must end so and say why.
fn refused(name: &str, call: Call, exit: Exit, says: &'static str) -> Step {
    Step::boots(format!("refused: {name}"), move |ctx| call.run(ctx)?.exits(exit)?.says(says)?.passes())
}

/// Puts a file into the test folder.
fn put(ctx: &Ctx, name: &str, content: &[u8]) -> Result<PathBuf, Failure> {
    let folder = ctx.out().join("test");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let path = folder.join(name);
    std::fs::write(&path, content).with_context(|| format!("cannot write {}", path.display()))?;
    Ok(path)
}

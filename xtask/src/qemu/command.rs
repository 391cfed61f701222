//! The command line.

use std::ffi::OsString;
use std::process::Command;

use anyhow::Context as _;

use super::{Bios, CROWD, Doorbells, Machine, boothart, tree};

/// The complete command that boots the machine. Writes the helper files that it names into the machine's folder.
pub(super) fn command(machine: &Machine) -> anyhow::Result<Command> {
    let mut args = base(machine);
    if let Bios::Own(own) = &machine.bios {
        args.extend(own.arguments(machine)?);
    }
    args.extend(transport(machine));
    if let Some(tree) = tree::prepare(machine)? {
        args.extend(["-dtb".into(), tree.into_os_string()]);
    }
    if let Some(hart) = machine.boot_hart {
        args.extend(boothart::arguments(machine, hart)?);
    }
    args.extend(machine.extra.iter().map(OsString::from));
    let mut command = with_parent(machine.qemu.binary.as_os_str().to_owned());
    command.args(args);
    Ok(command)
}

/// What makes the machine, without devices of ours: also what QEMU's own device tree depends on.
pub(super) fn base(machine: &Machine) -> Vec<OsString> {
    let mut args: Vec<OsString> = Vec::new();
    let mut add = |words: &[&str]| args.extend(words.iter().map(OsString::from));
    let board = format!("virt{}", machine.doorbells.map_or("", Doorbells::machine));
    add(&["-M", &board, "-smp", &machine.smp.to_string(), "-m", &format!("{}M", machine.mem.mib())]);
    if let Some(cpu) = processor(machine) {
        add(&["-cpu", cpu]);
    }
    if machine.icount {
        add(&["-icount", "shift=0,sleep=off", "-seed", "1", "-rtc", "base=2024-01-01,clock=vm"]);
    }
    match &machine.bios {
        // Ours is loaded with what it is told; the tree does not depend on it.
        Bios::Default | Bios::Own(_) => {}
        Bios::None => add(&["-bios", "none"]),
        Bios::File(path) => args.extend(["-bios".into(), path.into()]),
    }
    args.extend(["-kernel".into(), machine.kernel.clone().into()]);
    args.extend(["-initrd".into(), machine.initrd.clone().into()]);
    let doorbells = machine.doorbells.map(Doorbells::argument);
    let words: Vec<&str> = [machine.append.as_str()].into_iter().chain(doorbells.as_deref()).collect();
    let append = words.join(" ");
    if !append.trim().is_empty() {
        args.extend(["-append".into(), OsString::from(append.trim())]);
    }
    args.extend(["-display", "none", "-monitor", "none", "-no-reboot"].map(OsString::from));
    args
}

/// OpenSBI allocates a shadow of each hart's debug triggers from a heap that does not grow with the hart count: above
/// 32 harts it runs out, and harts are left in START_PENDING. Without the triggers there is nothing to shadow.
pub(super) fn processor(machine: &Machine) -> Option<&'static str> {
    let chosen = machine.extra.iter().any(|word| word == "-cpu");
    (machine.smp >= CROWD && !chosen).then_some("rv64,debug=false")
}

/// Console and facts port. Both go to files: QEMU drops what a pipe or socket would not take at once, and a proof must
/// not depend on how fast somebody reads.
fn transport(machine: &Machine) -> Vec<OsString> {
    let file = |id: &str, path: std::path::PathBuf| {
        // A comma separates options; a doubled one is a comma.
        let path = path.to_string_lossy().replace(',', ",,");
        OsString::from(format!("file,id={id},path={path}"))
    };
    let legacy = if machine.legacy { "true" } else { "false" };
    vec![
        "-chardev".into(),
        file("console", machine.console()),
        "-serial".into(),
        "chardev:console".into(),
        "-global".into(),
        format!("virtio-mmio.force-legacy={legacy}").into(),
        // Else completions come on the host's time, and runs under icount differ.
        "-global".into(),
        "virtio-mmio.ioeventfd=off".into(),
        "-device".into(),
        "virtio-serial-device,bus=virtio-mmio-bus.0".into(),
        "-chardev".into(),
        file("facts", machine.facts()),
        "-device".into(),
        "virtconsole,chardev=facts".into(),
    ]
}

/// QEMU must not outlive us, however we end. Ctrl-C reaches it by itself, since it is in our process group; for every other end the
/// kernel of the host is asked to end it with its parent. Setting that between fork and exec needs unsafe code here, so
/// util-linux's `setpriv` does it where there is one; it then becomes QEMU, so the process handle stays QEMU's.
fn with_parent(qemu: OsString) -> Command {
    let mut setpriv = Command::new("setpriv");
    setpriv.args(["--pdeathsig", "KILL", "--"]);
    let mut probe = Command::new("setpriv");
    probe.args(["--pdeathsig", "KILL", "--", "true"]);
    probe
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null());
    match probe.status() {
        Ok(status) if status.success() => {
            setpriv.arg(qemu);
            setpriv
        }
        _ => Command::new(qemu),
    }
}

/// The command as one could type it, for logs.
pub(super) fn spelled(command: &Command) -> anyhow::Result<String> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let words: Vec<String> = words.map(|word| word.to_string_lossy().into_owned()).collect();
    shlex::try_join(words.iter().map(String::as_str)).context("a QEMU argument holds a NUL")
}

//! What a proof is asked to be: command line and the environment variables of the contract.

use std::path::PathBuf;
use std::time::Duration;

use super::wrong;
use crate::exit::Fail;
use crate::qemu::{Bios, Doorbells, MAX_HARTS, Machine, Size};

/// How long a proof may take when nobody says, and how much more for each hart.
const USUAL: Duration = Duration::from_secs(90);
const PER_HART: Duration = Duration::from_secs(4);

/// Arguments of `proof`. Environment: SMP, REQUIRE_SMP, RUN_UNTIL_MARKER, RUN_TIMEOUT, QEMU_FORCE_LEGACY, QEMU, QEMU_ARGS.
#[derive(Debug, Default, clap::Args)]
pub struct Args {
    /// Harts of the machine; SMP is judged from 2 on [env: SMP, with REQUIRE_SMP=1; default 1]
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=i64::from(MAX_HARTS)))]
    pub smp: Option<u16>,
    /// Virtual time: one instruction is one nanosecond, and runs repeat exactly
    #[arg(long)]
    pub icount: bool,
    /// The hart that boots; the firmware's lottery decides when not given
    #[arg(long, value_name = "HART")]
    pub boot_hart: Option<u16>,
    /// A hart that the device tree disables; may be repeated
    #[arg(long = "disable-hart", value_name = "HART")]
    pub disabled: Vec<u16>,
    /// A machine with these doorbells, and no others used (docs/ipi.md)
    #[arg(long)]
    pub doorbells: Option<Doorbells>,
    /// Firmware: default, none, a file, or antler[:ORDER,...] (docs/firmware.md)
    #[arg(long, default_value = "default")]
    pub bios: String,
    /// A device tree to use instead of QEMU's own
    #[arg(long)]
    pub dtb: Option<PathBuf>,
    /// The run has failed after this time: 90s, 5m, 500ms; a plain number is seconds [env: RUN_TIMEOUT]
    #[arg(long, value_parser = duration)]
    pub timeout: Option<Duration>,
    /// Memory: 512 (MiB), 512M, 2G
    #[arg(long)]
    pub mem: Option<Size>,
    /// Further boot arguments
    #[arg(long, default_value = "")]
    pub append: String,
    /// One more argument for QEMU; may be repeated [env: QEMU_ARGS, in shell quoting]
    #[arg(long = "qemu-arg", value_name = "ARG", allow_hyphen_values = true)]
    pub qemu_args: Vec<String>,
    /// Another kernel, of the same tree
    #[arg(long)]
    pub kernel: Option<PathBuf>,
    /// Also write the run as one HTML file, report.html, beside its facts
    #[arg(long)]
    pub report: bool,
}

/// A proof to be made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Harts that QEMU makes.
    pub smp: u16,
    /// Whether the SMP part is to be proved.
    pub smp_judged: bool,
    /// Whether a machine on which it cannot be is refused.
    pub smp_required: bool,
    /// Virtual time.
    pub icount: bool,
    /// Who boots.
    pub boot_hart: Option<u16>,
    /// Harts that the device tree disables.
    pub disabled: Vec<u16>,
    /// Doorbells of the machine; the usual machine has firmware's.
    pub doorbells: Option<Doorbells>,
    /// Firmware.
    pub bios: Bios,
    /// A device tree of the user's own.
    pub dtb: Option<PathBuf>,
    /// When the run has failed.
    pub timeout: Duration,
    /// RAM; chosen by the number of harts when not given.
    pub mem: Option<Size>,
    /// Further boot arguments.
    pub append: String,
    /// Further arguments for QEMU.
    pub qemu_args: Vec<String>,
    /// Another kernel than the one just built.
    pub kernel: Option<PathBuf>,
    /// The QEMU to run it on, if one was named.
    pub qemu: Option<String>,
    /// Whether the run is over with the last marker; the guest then has a bounded time to end.
    pub until_marker: bool,
    /// Legacy virtio-mmio: for debugging, proves nothing.
    pub legacy: bool,
    /// Whether the run is written as HTML, too.
    pub report: bool,
}

impl Plan {
    /// A plan with usual settings. SMP is judged from two harts on.
    pub fn new(smp: u16) -> Plan {
        Plan {
            smp,
            smp_judged: smp >= 2,
            smp_required: false,
            icount: false,
            boot_hart: None,
            disabled: Vec::new(),
            doorbells: None,
            bios: Bios::Default,
            dtb: None,
            timeout: Plan::usual_timeout(smp),
            mem: None,
            append: String::new(),
            qemu_args: Vec::new(),
            kernel: None,
            qemu: None,
            until_marker: true,
            legacy: false,
            report: false,
        }
    }

    /// Puts command line and environment together; the command line wins.
    ///
    /// # Errors
    /// A bad value is named, with what is meant; the exit code is that of usage.
    pub fn read(args: Args, env: impl Fn(&str) -> Option<String>) -> anyhow::Result<Plan> {
        let env = |name: &str| env(name).filter(|value| !value.trim().is_empty());
        let flag = |name: &str| match env(name).as_deref() {
            None | Some("0") => Ok(false),
            Some("1") => Ok(true),
            Some(other) => Err(wrong(name, other, "it is 1 or 0, or unset")),
        };
        let asked = match env("SMP") {
            Some(text) => Some(smp(&text)?),
            None => None,
        };
        let required = flag("REQUIRE_SMP")?;
        let mut plan = Plan::new(args.smp.or(asked).unwrap_or(1));
        plan.smp_judged = plan.smp >= 2 && (required || args.smp.is_some());
        plan.smp_required = required;
        if required && plan.smp < 2 {
            return Err(wrong("REQUIRE_SMP", "1", "SMP cannot be proved on one CPU; set SMP=2 or more"));
        }
        if let Some(text) = env("RUN_TIMEOUT") {
            plan.timeout = duration(&text).map_err(|why| wrong("RUN_TIMEOUT", &text, &why))?;
        }
        plan.timeout = args.timeout.unwrap_or(plan.timeout);
        plan.until_marker = flag("RUN_UNTIL_MARKER")?;
        plan.qemu = env("QEMU");
        plan.legacy = flag("QEMU_FORCE_LEGACY")?;
        if let Some(text) = env("QEMU_ARGS") {
            let words = shlex::split(&text);
            plan.qemu_args = words.ok_or_else(|| wrong("QEMU_ARGS", &text, "a quote is not closed"))?;
        }
        plan.qemu_args.extend(args.qemu_args);
        plan.report = args.report;
        plan.icount = args.icount;
        plan.boot_hart = args.boot_hart;
        plan.disabled = args.disabled;
        plan.doorbells = args.doorbells;
        plan.bios = Bios::from_arg(&args.bios)?;
        (plan.dtb, plan.mem, plan.append, plan.kernel) = (args.dtb, args.mem, args.append, args.kernel);
        plan.check()?;
        Ok(plan)
    }

    fn check(&self) -> anyhow::Result<()> {
        for hart in self.boot_hart.iter().chain(&self.disabled) {
            if *hart >= self.smp {
                return Err(Fail::usage(format!("hart {hart}: the machine has harts 0 to {}", self.smp - 1)));
            }
        }
        if self.boot_hart.is_some_and(|hart| self.disabled.contains(&hart)) {
            return Err(Fail::usage("the boot hart cannot be disabled: firmware would never start"));
        }
        if (0..self.smp).all(|hart| self.disabled.contains(&hart)) {
            return Err(Fail::usage("every hart is disabled"));
        }
        Ok(())
    }

    /// How long such a run may take if nothing else was said.
    pub fn usual_timeout(smp: u16) -> Duration {
        USUAL + PER_HART * u32::from(smp)
    }

    /// The configuration's name, which is its folder's: `smp4-icount`.
    pub fn name(&self) -> String {
        let mut name = format!("smp{}", self.smp);
        let mut add = |part: &str| {
            name.push('-');
            name.push_str(part);
        };
        if self.smp >= 2 && !self.smp_judged {
            add("base");
        }
        if self.icount {
            add("icount");
        }
        if let Some(hart) = self.boot_hart {
            add(&format!("boot{hart}"));
        }
        if !self.disabled.is_empty() {
            let harts: Vec<String> = self.disabled.iter().map(u16::to_string).collect();
            add(&format!("without{}", harts.join("+")));
        }
        if let Some(doorbells) = self.doorbells {
            add(doorbells.name());
        }
        for (given, part) in [
            (self.bios != Bios::Default, "bios"),
            (self.dtb.is_some(), "dtb"),
            (self.legacy, "legacy"),
            (self.kernel.is_some(), "kernel"),
        ] {
            if given {
                add(part);
            }
        }
        name
    }

    /// Makes the machine what the plan says.
    pub(super) fn apply(&self, machine: &mut Machine, mem: Size) {
        machine.mem = mem;
        machine.append = format!("selftest {}", self.append).trim().to_owned();
        machine.icount = self.icount;
        machine.bios = self.bios.clone();
        machine.dtb = self.dtb.clone();
        machine.boot_hart = self.boot_hart;
        machine.disabled = self.disabled.clone();
        machine.doorbells = self.doorbells;
        machine.legacy = self.legacy;
        machine.extra = self.qemu_args.clone();
        machine.limit = Some(self.timeout);
    }
}

fn smp(text: &str) -> anyhow::Result<u16> {
    let number = text.trim().parse::<u16>().ok().filter(|smp| (1..=MAX_HARTS).contains(smp));
    number.ok_or_else(|| wrong("SMP", text, &format!("it is the number of harts, 1 to {MAX_HARTS}")))
}

/// Reads a time: `90s`, `5m`, `1ms`, `2h`; a plain number is seconds.
pub fn duration(text: &str) -> Result<Duration, String> {
    let text = text.trim();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let meant = || "it is a time like 90s, 5m or 500ms, and not 0".to_owned();
    let number: u64 = number.parse().map_err(|_| meant())?;
    let millis = match unit {
        "ms" => Some(number),
        "" | "s" => number.checked_mul(1000),
        "m" => number.checked_mul(60_000),
        "h" => number.checked_mul(3_600_000),
        _ => None,
    };
    millis.filter(|millis| *millis > 0).map(Duration::from_millis).ok_or_else(meant)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    fn plan(args: Args, env: &[(&str, &str)]) -> anyhow::Result<Plan> {
        let args = Args { bios: "default".into(), ..args };
        Plan::read(args, |name| env.iter().find(|(n, _)| *n == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn the_contracts_commands() {
        let two = [("SMP", "2"), ("REQUIRE_SMP", "1"), ("RUN_UNTIL_MARKER", "1"), ("RUN_TIMEOUT", "90s")];
        let two = plan(Args::default(), &two).expect("a plan");
        assert_eq!((two.smp, two.smp_judged, two.until_marker), (2, true, true));
        assert_eq!(two.timeout, Duration::from_secs(90));
        let one = plan(Args::default(), &[("SMP", "")]).expect("a plan");
        assert_eq!((one.smp, one.smp_judged, one.until_marker), (1, false, false));
        let unjudged = plan(Args::default(), &[("SMP", "4")]).expect("a plan");
        assert!(!unjudged.smp_judged);
        let asked = plan(Args { smp: Some(4), ..Args::default() }, &[]).expect("a plan");
        assert!(asked.smp_judged);
        assert_eq!(asked.name(), "smp4");
    }

    #[test]
    fn bad_values_are_named() {
        for (name, value) in [
            ("SMP", "0"),
            ("SMP", "abc"),
            ("SMP", "513"),
            ("SMP", "-1"),
            ("REQUIRE_SMP", "yes"),
            ("REQUIRE_SMP", "1"),
            ("RUN_UNTIL_MARKER", "2"),
            ("RUN_TIMEOUT", "soon"),
            ("RUN_TIMEOUT", "0"),
            ("RUN_TIMEOUT", "5 m"),
            ("QEMU_FORCE_LEGACY", "true"),
            ("QEMU_ARGS", "'open"),
        ] {
            let error = plan(Args::default(), &[(name, value)]).expect_err(value);
            assert_eq!(crate::exit::Fail::exit_of(&error), Exit::Usage, "{name}={value}");
            assert!(error.to_string().contains(name), "{error}");
        }
        let nobody = Args { smp: Some(2), disabled: vec![0, 1], ..Args::default() };
        assert!(plan(nobody, &[]).is_err());
        let away = Args { smp: Some(2), boot_hart: Some(2), ..Args::default() };
        assert!(plan(away, &[]).is_err());
    }

    #[test]
    fn times() {
        assert_eq!(duration("1ms"), Ok(Duration::from_millis(1)));
        assert_eq!(duration("300"), Ok(Duration::from_secs(300)));
        assert_eq!(duration("5m"), Ok(Duration::from_secs(300)));
        assert!(duration("").is_err() && duration("s").is_err() && duration("1d").is_err());
    }
}

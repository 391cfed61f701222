//! Chooses where libcore for riscv64 comes from.

use std::fmt;

use super::log::Log;
use super::toolchain::Toolchain;
use super::{Mode, distro, rustup};
use crate::ctx::Ctx;
use crate::exit::Fail;

/// The environment variable that forces a choice.
pub const VARIABLE: &str = "ANTLER_LIBCORE";

/// What may be chosen from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Auto,
    Rustup,
    Distro,
}

impl Wanted {
    fn parse(value: Option<&str>) -> anyhow::Result<Wanted> {
        match value {
            None | Some("" | "auto") => Ok(Wanted::Auto),
            Some("rustup") => Ok(Wanted::Rustup),
            Some("distro") => Ok(Wanted::Distro),
            Some(other) => Err(Fail::usage(format!("{VARIABLE}={other}: must be auto, rustup or distro"))),
        }
    }
}

impl fmt::Display for Wanted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Wanted::Auto => "auto",
            Wanted::Rustup => "rustup",
            Wanted::Distro => "distro",
        })
    }
}

/// Finds a compiler in the documented order; under [`Mode::Install`], installs what an order's step can install.
pub fn find(ctx: &Ctx, mode: Mode, log: &mut Log) -> anyhow::Result<Toolchain> {
    let value = std::env::var_os(VARIABLE).map(|value| value.to_string_lossy().into_owned());
    let wanted = Wanted::parse(value.as_deref())?;
    log.heading("libcore for riscv64");
    let mut found = None;
    if wanted == Wanted::Distro {
        log.rejected("rustup", &format!("{VARIABLE}=distro"));
    } else {
        found = rustup::find(ctx, mode, log)?;
    }
    if found.is_none() {
        if wanted == Wanted::Rustup {
            log.rejected("distribution", &format!("{VARIABLE}=rustup"));
        } else {
            found = distro::find(ctx, mode, log);
        }
    }
    found.ok_or_else(|| {
        let advice = match (mode, wanted) {
            (Mode::Look, _) => "`cargo xtask setup` tries to install one",
            (Mode::Install, Wanted::Auto) => {
                "with a network, `rustup target add riscv64imac-unknown-none-elf riscv64gc-unknown-none-elf` is enough"
            }
            (Mode::Install, _) => "ANTLER_LIBCORE=auto allows every way",
        };
        Fail::setup(format!("no libcore for riscv64 ({VARIABLE}={wanted}); {advice}{}", log.unsaid()))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exit::Exit;

    #[test]
    fn values_are_checked() {
        assert_eq!(Wanted::parse(None).unwrap(), Wanted::Auto);
        assert_eq!(Wanted::parse(Some("")).unwrap(), Wanted::Auto);
        assert_eq!(Wanted::parse(Some("distro")).unwrap(), Wanted::Distro);
        let error = Wanted::parse(Some("Distro")).unwrap_err();
        assert_eq!(Fail::exit_of(&error), Exit::Usage);
        assert!(error.to_string().contains("ANTLER_LIBCORE=Distro"));
    }
}

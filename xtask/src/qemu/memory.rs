//! How much memory a machine needs.

use std::fmt;
use std::str::FromStr;

use crate::exit::Fail;

const MIB: u64 = 1 << 20;

/// Firmware, kernel, task pool and the programs' own memory, however small the job.
const BASE: u64 = 64;

/// For each hart: stacks, rings, facts.
const PER_HART: u64 = 1;

/// QEMU puts the kernel 2 MiB into RAM, and the device tree below the end of RAM, aligned down to 2 MiB.
const MARGIN: u64 = 8;

/// The initrd begins this far into RAM at most, in MiB; otherwise in the middle.
const INITRD_START: u64 = 512;

/// An amount of memory in whole MiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Size(u64);

impl Size {
    /// The number of MiB.
    pub const fn mib(self) -> u64 {
        self.0
    }
}

impl Default for Size {
    fn default() -> Size {
        Size(128)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB", self.0)
    }
}

impl FromStr for Size {
    type Err = String;

    /// `512` (MiB), `512M`, `2G`.
    fn from_str(text: &str) -> Result<Size, String> {
        let bad = || format!("{text:?} is no amount of memory; write 512 (MiB), 512M or 2G");
        let (number, factor) = match text.strip_suffix(['G', 'g']) {
            Some(number) => (number, 1024),
            None => (text.strip_suffix(['M', 'm']).unwrap_or(text), 1),
        };
        let number: u64 = number.parse().map_err(|_| bad())?;
        number.checked_mul(factor).filter(|mib| (1..=1 << 20).contains(mib)).map(Size).ok_or_else(bad)
    }
}

/// The least memory with which that many harts and an initrd of that many bytes can work.
fn least(smp: u16, initrd: u64) -> Size {
    let initrd = initrd.div_ceil(MIB);
    let work = BASE + PER_HART * u64::from(smp);
    // The lower half, which the initrd leaves free, holds kernel and programs; the initrd must fit into the upper one.
    let half = work.max(initrd + MARGIN);
    let layout = if half > INITRD_START { INITRD_START + initrd + MARGIN } else { 2 * half };
    Size(layout.max(work + initrd + MARGIN))
}

/// A comfortable amount for that many harts and an initrd of that many bytes.
pub fn enough(smp: u16, initrd: u64) -> Size {
    // Programs that read files into memory need them once more.
    let roomy = least(smp, initrd).mib() + BASE + initrd.div_ceil(MIB);
    Size(roomy.next_multiple_of(32).max(Size::default().mib()))
}

/// Refuses an amount that cannot work, before a machine is started in vain.
pub fn check(mem: Size, smp: u16, initrd: u64) -> anyhow::Result<()> {
    let need = least(smp, initrd);
    if mem >= need {
        return Ok(());
    }
    Err(Fail::usage(format!(
        "--mem {mem} is too little for {smp} harts and files of {} MiB: {need} at least, {} is comfortable; without \
         --mem it is chosen for you",
        initrd.div_ceil(MIB),
        enough(smp, initrd)
    )))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_are_read_or_refused() {
        assert_eq!("512".parse(), Ok(Size(512)));
        assert_eq!("16M".parse(), Ok(Size(16)));
        assert_eq!("2G".parse(), Ok(Size(2048)));
        for bad in ["", "M", "-1", "0", "12K", "1.5G", "99999999999999999999G"] {
            assert!(bad.parse::<Size>().is_err(), "{bad}");
        }
    }

    #[test]
    fn what_is_enough_passes_and_too_little_does_not() {
        for smp in [1, 4, 64, 512] {
            for initrd in [0, MIB, 256 * MIB, 2048 * MIB] {
                assert!(check(enough(smp, initrd), smp, initrd).is_ok(), "{smp} {initrd}");
                assert!(check(Size(16), smp, initrd).is_err());
                // The initrd fits behind where QEMU puts it.
                let mem = least(smp, initrd).mib();
                assert!((mem / 2).min(INITRD_START) + 2 + initrd / MIB + 4 <= mem, "{smp} {initrd}");
            }
        }
    }
}

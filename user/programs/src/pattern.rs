//! What `fpu` writes into the floating-point registers and how it says that one changed.

use core::fmt;

/// The floating-point state of a thread: `f0..f31` as bit patterns, then `fcsr`. The assembly counts on this layout.
#[derive(Clone, Debug, PartialEq, Eq)]
#[repr(C)]
pub struct Registers {
    /// `f0` to `f31`.
    pub f: [u64; 32],
    /// Rounding mode in bits 5 to 7, exception flags in bits 0 to 4.
    pub fcsr: u64,
}

impl Registers {
    /// What a fresh thread has.
    pub const ZERO: Registers = Registers { f: [0; 32], fcsr: 0 };

    /// A pattern that no other thread, round or register has.
    pub fn pattern(thread: u32, round: u32) -> Registers {
        let mut f = [0; 32];
        for (register, value) in f.iter_mut().enumerate() {
            *value = u64::from(thread) << 40 | u64::from(round) << 8 | register as u64 | 1 << 63;
        }
        // Rounding modes 5 to 7 are reserved; all flags are allowed.
        Registers { f, fcsr: u64::from(thread.wrapping_add(round) % 5) << 5 | u64::from(round % 32) }
    }

    /// The first register in which `found` differs from this.
    pub fn difference(&self, found: &Registers) -> Option<Difference> {
        let differs = |register: &usize| self.f[*register] != found.f[*register];
        if let Some(register) = (0..32).find(differs) {
            let (expected, found) = (self.f[register], found.f[register]);
            return Some(Difference { register: Some(register), expected, found });
        }
        let (expected, found) = (self.fcsr, found.fcsr);
        (expected != found).then_some(Difference { register: None, expected, found })
    }
}

/// A register that does not hold what it should.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Its number; `None` for `fcsr`.
    pub register: Option<usize>,
    /// What it should hold.
    pub expected: u64,
    /// What it holds.
    pub found: u64,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.register {
            Some(number) => write!(f, "f{number}")?,
            None => f.write_str("fcsr")?,
        }
        write!(f, " is {:#x}, not {:#x}", self.found, self.expected)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_differ_in_every_register_and_from_zero() {
        let (one, other) = (Registers::pattern(1, 2), Registers::pattern(2, 2));
        for register in 0..32 {
            assert_ne!(one.f[register], other.f[register]);
            assert_ne!(one.f[register], 0);
        }
        assert_ne!(one.fcsr, other.fcsr);
    }

    #[test]
    fn a_difference_is_named() {
        let good = Registers::pattern(3, 4);
        assert_eq!(good.difference(&good), None);
        let mut bad = good.clone();
        bad.fcsr ^= 1;
        assert!(good.difference(&bad).unwrap().to_string().starts_with("fcsr is 0x"));
        bad.f[9] = 0x55;
        assert!(good.difference(&bad).unwrap().to_string().starts_with("f9 is 0x55, not 0x8"));
    }
}

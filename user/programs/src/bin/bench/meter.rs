//! Instructions, counted one operation at a time.

use alloc::vec::Vec;

use antler_rt::Error;

/// Operations before the first that counts.
pub const WARM: usize = 64;
/// Operations that count.
pub const COUNT: usize = 1000;

/// Instructions retired so far (unprivileged spec, "Zicntr"). Under `-icount` those of all harts together, without idle.
#[inline(always)]
pub fn instret() -> u64 {
    #[cfg(target_arch = "riscv64")]
    {
        let count: u64;
        // SAFETY: reads a counter. Where the kernel does not let programs read it this program ends.
        unsafe { core::arch::asm!("rdinstret {}", out(reg) count, options(nostack)) };
        count
    }
    #[cfg(not(target_arch = "riscv64"))]
    0
}

/// What every one of the operations took.
pub struct Samples {
    values: Vec<u64>,
}

impl Samples {
    pub fn new() -> Samples {
        Samples { values: Vec::with_capacity(COUNT) }
    }

    pub fn push(&mut self, value: u64) {
        self.values.push(value);
    }

    pub fn len(&self) -> usize {
        self.values.len()
    }

    /// The one in the middle, and the largest.
    pub fn middle_and_worst(mut self) -> (u64, u64) {
        self.values.sort_unstable();
        let at = |index: usize| self.values.get(index).copied().unwrap_or(0);
        (at(self.values.len() / 2), at(self.values.len().saturating_sub(1)))
    }
}

/// Does it again and again, and says what each took beyond the reading of the counter itself.
///
/// # Errors
/// The first that the operation answers.
#[inline(always)]
pub fn measure(mut operation: impl FnMut() -> Result<(), Error>) -> Result<Samples, Error> {
    let reading = reading();
    let mut samples = Samples::new();
    for turn in 0..WARM + COUNT {
        let begin = instret();
        let outcome = operation();
        let end = instret();
        outcome?;
        if turn >= WARM {
            samples.push((end - begin).saturating_sub(reading));
        }
    }
    Ok(samples)
}

/// What lies between two readings with nothing between them.
pub fn reading() -> u64 {
    let (begin, end) = (instret(), instret());
    end - begin
}

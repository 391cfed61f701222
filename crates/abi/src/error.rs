use core::fmt;

macro_rules! errors {
    ($($(#[$doc:meta])* $name:ident = $code:literal, $text:literal;)*) => {
        /// Why a system call was refused. The discriminant is the status that user space sees in `a0`.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        #[repr(usize)]
        pub enum Error {
            $($(#[$doc])* $name = $code,)*
        }

        impl Error {
            /// Every error, in code order.
            pub const ALL: &'static [Error] = &[$(Error::$name),*];

            /// The error with this status code; `None` for 0 (success) and for unknown codes.
            pub const fn from_code(code: usize) -> Option<Error> {
                match code { $($code => Some(Error::$name),)* _ => None }
            }

            /// What went wrong, for people.
            pub const fn text(self) -> &'static str {
                match self { $(Error::$name => $text,)* }
            }
        }
    };
}

errors! {
    /// No system call has this number.
    NoSuchCall = 1, "no such system call";
    /// A pointer, or part of its range, is not the caller's mapped memory with the access needed.
    BadAddress = 2, "bad address";
    /// An argument is out of its range.
    BadArgument = 3, "bad argument";
    /// A handle names no thread of the caller's program, or one that was joined already.
    BadHandle = 4, "bad handle";
    /// The program lacks the right for this.
    Denied = 5, "right not granted";
    /// Physical memory, or the program's address range, is used up.
    NoMemory = 6, "out of memory";
    /// The task pool is full.
    NoTask = 7, "too many threads";
    /// No file of that name or index.
    NoFile = 8, "no such file";
    /// The wait ended because its deadline passed.
    TimedOut = 9, "timed out";
    /// The word did not hold the expected value, so the call did not wait.
    Changed = 10, "value changed";
    /// No CPU has this number on this machine.
    InvalidTarget = 11, "no such CPU";
    /// The CPU exists but is not online.
    Offline = 12, "CPU is offline";
    /// The request exceeds a bound of the kernel; nothing was done.
    AboveBound = 13, "above the bound";
    /// The operation cannot be done now, and may be later.
    Busy = 14, "busy";
    /// Firmware or hardware refused.
    Hardware = 15, "refused by firmware";
    /// The address range is mapped already.
    Exists = 16, "mapped already";
    /// The thread would wait for itself.
    Deadlock = 17, "would wait for itself";
}

impl Error {
    /// The status code that stands for this error.
    pub const fn code(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl core::error::Error for Error {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_round_trip_and_zero_is_success() {
        assert_eq!(Error::from_code(0), None);
        for &error in Error::ALL {
            assert_eq!(Error::from_code(error.code()), Some(error));
        }
        assert_eq!(Error::from_code(Error::ALL.len() + 1), None);
    }
}

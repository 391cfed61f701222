use core::fmt;

/// Quality-of-service class. Higher classes run strictly first on a CPU; within a class, round robin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Qos {
    /// Runs only when nothing else wants the CPU.
    Idle = 0,
    /// The class of a program that asks for none.
    Normal = 1,
    /// Work that somebody is waiting for.
    Interactive = 2,
    /// Short bursts that must not wait behind anything.
    PerfBurst = 3,
}

impl Qos {
    /// Number of classes.
    pub const COUNT: usize = 4;

    /// Every class, lowest first, so that `ALL[q.index()] == q`.
    pub const ALL: [Qos; Qos::COUNT] = [Qos::Idle, Qos::Normal, Qos::Interactive, Qos::PerfBurst];

    /// Position in [`Qos::ALL`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// The class at `index`, or `None` if there is no such class.
    pub const fn from_index(index: usize) -> Option<Qos> {
        if index < Qos::COUNT { Some(Qos::ALL[index]) } else { None }
    }

    /// The name used in manifests, boot arguments and messages.
    pub const fn name(self) -> &'static str {
        match self {
            Qos::Idle => "idle",
            Qos::Normal => "normal",
            Qos::Interactive => "interactive",
            Qos::PerfBurst => "perfburst",
        }
    }

    /// The class called `name` (as [`Qos::name`] prints it).
    pub fn from_name(name: &str) -> Option<Qos> {
        Qos::ALL.into_iter().find(|qos| qos.name() == name)
    }
}

impl fmt::Display for Qos {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn index_and_name_round_trip_in_ascending_order() {
        for (index, qos) in Qos::ALL.into_iter().enumerate() {
            assert_eq!(qos.index(), index);
            assert_eq!(Qos::from_index(index), Some(qos));
            assert_eq!(Qos::from_name(qos.name()), Some(qos));
        }
        assert_eq!(Qos::from_index(4), None);
        assert!(
            Qos::PerfBurst > Qos::Interactive && Qos::Interactive > Qos::Normal && Qos::Normal > Qos::Idle
        );
    }
}

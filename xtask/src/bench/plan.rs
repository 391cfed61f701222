//! What is measured, and on which machines.

use crate::qemu::Doorbells;

/// One boot: a program's row on a machine.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// Row of the program `bench`.
    pub row: &'static str,
    /// Harts of the machine.
    pub harts: u16,
    /// Tasks beside the ones that the row needs.
    pub tasks: u32,
    /// What interrupts harts for one another there.
    pub doorbells: Doorbells,
}

impl Case {
    /// Whether the figure of this machine's boot counts: one machine of each size and doorbells, since what is booted has a
    /// part in it.
    pub fn tells_boot(&self) -> bool {
        let (row, doorbells) = (self.row, self.doorbells);
        self.tasks == 0 && (row == "null" || row == ACROSS && doorbells != Doorbells::Sbi)
    }

    /// What the program is told.
    pub fn arguments(&self) -> Vec<String> {
        let tasks = (self.tasks > 0).then(|| self.tasks.to_string());
        std::iter::once(self.row.to_owned()).chain(tasks).collect()
    }
}

/// Rows that take one hart.
const ROWS: [&str; 13] = [
    "null",
    "clock",
    "signal-wait",
    "yield-thread",
    "yield-space",
    "round-trip",
    "preempt",
    "thread",
    "cooperative",
    "preemptive",
    "message",
    "synchronisation",
    "memory",
];
/// The row that takes one hart, and its doorbell.
const OWN_DOORBELL: &str = "interrupt";
/// The row that takes two, and in which a doorbell has a part.
pub const ACROSS: &str = "round-trip-harts";
pub const DOORBELLS: [Doorbells; 3] = [Doorbells::Sbi, Doorbells::Sswi, Doorbells::Imsic];
/// Rows whose cost must not grow with the number of tasks.
pub const CROWDED: [&str; 6] = ["null", "signal-wait", "yield-thread", "round-trip", "preempt", "thread"];
/// Tasks beside.
const TASKS: [u32; 3] = [10, 100, 1000];
/// Sizes of machines; the first two have every row.
const HARTS: [u16; 6] = [1, 2, 4, 8, 16, 32];

/// Everything, in the order in which it is shown.
pub fn all() -> Vec<Case> {
    let mut cases = Vec::new();
    for harts in HARTS {
        let every = harts <= 2;
        let rows = ROWS.into_iter().filter(|row| every || CROWDED.contains(row));
        cases.extend(rows.map(|row| Case { row, harts, tasks: 0, doorbells: Doorbells::Sbi }));
        if every {
            cases.extend(DOORBELLS.map(|doorbells| Case { row: OWN_DOORBELL, harts, tasks: 0, doorbells }));
        }
        if harts > 1 {
            cases.extend(DOORBELLS.map(|doorbells| Case { row: ACROSS, harts, tasks: 0, doorbells }));
        }
    }
    for tasks in TASKS {
        cases.extend(CROWDED.map(|row| Case { row, harts: 1, tasks, doorbells: Doorbells::Sbi }));
    }
    cases
}

/// The rows that there are.
pub fn rows() -> impl Iterator<Item = &'static str> {
    ROWS.into_iter().chain([OWN_DOORBELL, ACROSS])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_there_once_and_every_row_is_measured() {
        let all = all();
        assert!(all.iter().enumerate().all(|(at, case)| !all[..at].contains(case)));
        assert!(rows().all(|row| all.iter().any(|case| case.row == row)));
        assert!(CROWDED.iter().all(|row| ROWS.contains(row)));
    }
}

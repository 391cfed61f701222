//! What others need for the same, and what was aimed at here. Measured by the same method, on the same QEMU and firmware.

/// A row beside those of others.
pub struct Peer {
    /// Row, and the doorbells of the machine that it is shown for.
    pub row: &'static str,
    pub doorbells: &'static str,
    /// Harts of the machine that it is shown for.
    pub harts: u16,
    /// Instructions aimed at.
    pub aim: u64,
    /// Zephyr 3.4, in M-mode and without isolation: built for one CPU, and for several.
    pub zephyr: &'static str,
    /// Linux 6.12.
    pub linux: &'static str,
    /// xv6.
    pub xv6: &'static str,
}

const fn peer(
    (row, doorbells, harts): (&'static str, &'static str, u16),
    aim: u64,
    [zephyr, linux, xv6]: [&'static str; 3],
) -> Peer {
    Peer { row, doorbells, harts, aim, zephyr, linux, xv6 }
}

/// All that there are figures for.
pub const PEERS: [Peer; 11] = [
    peer(("null", "sbi", 1), 60, ["-", "440", "1,130"]),
    peer(("yield-thread", "sbi", 1), 100, ["123 / 222", "2,906", "~7,400"]),
    peer(("yield-space", "sbi", 1), 120, ["-", "3,022", "-"]),
    peer(("signal-wait", "sbi", 1), 130, ["75 / 138", "-", "-"]),
    peer(("round-trip", "sbi", 1), 400, ["-", "12,400", "95,800"]),
    peer(("round-trip-harts", "sbi", 2), 8_200, ["-", "28,800", "-"]),
    peer(("round-trip-harts", "sswi", 2), 800, ["1,761 (CLINT)", "21,800", "-"]),
    peer(("round-trip-harts", "imsic", 2), 800, ["-", "21,800", "-"]),
    peer(("preempt", "sbi", 1), 250, ["410 / 652", "-", "-"]),
    peer(("thread", "sbi", 1), 600, ["419 / 594", "222,000 (fork)", "473,000 (fork)"]),
    peer(("boot", "sbi", 4), 2_000_000, ["199.8 M (spins)", "-", "-"]),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::plan;
    use crate::bench::table::BOOT;

    #[test]
    fn every_peer_stands_beside_something_that_is_measured() {
        for peer in &PEERS {
            let here = |case: &plan::Case| {
                let row = if peer.row == BOOT { case.tells_boot() } else { case.row == peer.row };
                row && (case.doorbells.name(), case.harts, case.tasks) == (peer.doorbells, peer.harts, 0)
            };
            assert_eq!(plan::all().iter().filter(|case| here(case)).count(), 1, "{}", peer.row);
        }
    }
}

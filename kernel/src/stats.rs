//! The table of counters that a run ends with.

use crate::state::kernel;
use crate::time;

/// Prints a row for each CPU. The counters of CPUs that have stopped do not change any more.
pub(crate) fn print() {
    let (k, now) = (kernel(), time::now());
    say!("            tasks           wakes            IPIs                  steals        time");
    say!("cpu  hart   runs switches   sent  recv   sent rode taken   tries  won tasks   busy ms  idle ms");
    for block in &k.blocks {
        let c = k.sched.counters(block.cpu);
        let since = c.idle_since.get();
        let idle = c.idle_ns.get() + if since == 0 { 0 } else { now.saturating_sub(since) };
        let stretch = match c.online_since.get() {
            0 => 0,
            since => now.saturating_sub(since),
        };
        let busy = (c.online_ns.get() + stretch).saturating_sub(idle);
        say!(
            "{:<4} {:<4} {:>6} {:>8} {:>6} {:>5} {:>6} {:>4} {:>5} {:>7} {:>4} {:>5} {:>9} {:>8}",
            block.cpu.index(),
            block.hart.0,
            c.dispatches.get(),
            c.switches.get(),
            c.wakes_sent.get(),
            c.wakes_received.get(),
            c.ipis_sent.get(),
            c.ipis_coalesced.get(),
            c.ipis_taken.get(),
            c.steals_tried.get(),
            c.steals_won.get(),
            c.tasks_stolen.get(),
            busy / 1_000_000,
            idle / 1_000_000
        );
    }
}

//! A run of 100,000 facts: what a frame costs must depend on its size in pixels, not on the run's length.

use antler_abi::Qos;
use antler_facts::{Cpu, Event, IdleEnd, Leave, Marker, Place, Request, Seen, Task};
use antler_proof::Trace;
use antler_report::{Evidence, Run};

use super::{made, must, number};
use crate::browser::Page;

const FACTS: usize = 100_000;
const CPUS: u16 = 2;

/// The run: in turns each CPU runs tasks, calls, rings the other, steals and sleeps. Two rows only, so that drawing any one
/// list of theirs in full breaks the bound.
pub fn run() -> Run {
    let mut told = vec![(0, 1000, Event::Marker { marker: Marker::Boot })];
    let mut time = 2000;
    for turn in 0u64.. {
        let cpu = (turn % u64::from(CPUS)) as u16;
        let other = (cpu + 1) % CPUS;
        let (task, n) = (Task(((turn / 64 % 50 + 1) << 32) | (turn % 61)), turn / u64::from(CPUS) + 1);
        let target = Cpu(other);
        let mut tell = |cpu: u16, event: Event| {
            time += 100;
            told.push((cpu, time, event));
        };
        tell(cpu, Event::Enqueue { task, target: Cpu(cpu), place: Place::Local });
        tell(cpu, Event::Dispatch { task, class: Qos::Normal, satp: 1 });
        tell(cpu, Event::TrapUser { cause: 8, task });
        tell(cpu, Event::Syscall { number: turn % 20, task });
        tell(cpu, Event::Request { target, n, what: Request::Resched });
        tell(cpu, Event::Ring { target, n });
        tell(other, Event::Seen { at: Seen::Wfi });
        tell(other, Event::Ack { sender: Cpu(cpu), n });
        tell(other, Event::Steal { victim: Cpu(cpu), count: 1, class: Qos::Normal });
        tell(other, Event::Stolen { task, victim: Cpu(cpu) });
        tell(cpu, Event::Leave { task, why: Leave::Block });
        tell(cpu, Event::IdleBegin {});
        tell(cpu, Event::IdleEnd { why: IdleEnd::Work });
        if told.len() >= FACTS {
            break;
        }
    }
    told.truncate(FACTS);
    let facts = made::numbered(told);
    let evidence: Vec<Evidence> =
        (0..500).map(|at| Evidence { cpu: 1, seq: at * 20, says: format!("step {at}") }).collect();
    Run {
        verdict: made::verdict(facts.len(), CPUS, evidence),
        trace: Trace::from_facts(facts),
        console: String::new(),
        programs: Vec::new(),
        kernel: None,
        matrix: None,
    }
}

/// At every zoom a frame draws a bounded number of things, and the table has lines for what is seen of it only.
pub fn bounded(page: &mut Page<'_>) -> anyhow::Result<()> {
    must(page, "all facts are there", &format!("__stats.facts === {FACTS}"))?;
    // Per row: bars and idle at most one every 2.5 pixels, two kinds of ticks at most one every 2; arrows by their own bound.
    let bound = number(
        page,
        &format!(
            "Math.ceil(document.getElementById('timeline').clientWidth * (3 / 2.5 + 2 / 2 + 1)) * {CPUS} + 2 * 361 + 800"
        ),
    )?;
    let mut report = String::new();
    for part in [1.0, 0.3, 0.05, 0.005, 0.0005, 0.00002] {
        page.eval(&format!(
            "(() => {{ const w = __report.whole, half = (w.to - w.from) * {part} / 2, at = (w.from + w.to) / 2; __report.look(at - half, at + half); }})()"
        ))?;
        page.settle()?;
        let (drawn, took) = (number(page, "__stats.drawn")?, number(page, "__stats.ms")?);
        let lines = number(page, "document.querySelectorAll('#lines [role=row]').length")?;
        anyhow::ensure!(drawn <= bound, "{drawn} things drawn at {part} of the run; {bound} is the bound");
        anyhow::ensure!(drawn > 20.0, "only {drawn} things drawn at {part} of the run");
        anyhow::ensure!(lines < 80.0, "{lines} lines in the table");
        report +=
            &format!("  {part:>8} of the run: {drawn:>6.0} of at most {bound:.0} things, {took:.1} ms\n");
    }
    page.eval("document.querySelector('details.claim').open = true")?;
    page.settle()?;
    must(
        page,
        "the table lists a claim's 500 facts",
        "/^500 /.test(document.getElementById('count').textContent)",
    )?;
    tell!("frames of {FACTS} facts:\n{}", report.trim_end());
    Ok(())
}

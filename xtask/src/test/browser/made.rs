//! A small run whose texts try to become markup, with a claim that has evidence, and a matrix.

use antler_abi::Qos;
use antler_facts::{Cpu, Event, Fact, Leave, Marker, Request, Seen, Task};
use antler_proof::Trace;
use antler_report::{Claim, Evidence, Fault, MarkerLine, Matrix, Run, State, Verdict};

use super::must;
use crate::browser::Page;

const NASTY: &str =
    "</script><script>window.pwned = 1</script><!-- <img src=x onerror='window.pwned = 2'> & \"quoted\"";

/// Numbers each CPU's facts, as a kernel does.
pub fn numbered(told: impl IntoIterator<Item = (u16, u64, Event)>) -> Vec<Fact> {
    let mut next = std::collections::BTreeMap::new();
    told.into_iter()
        .map(|(cpu, time, event)| {
            let seq = next.entry(cpu).or_insert(0);
            *seq += 1;
            Fact { seq: *seq - 1, cpu: Cpu(cpu), time, event }
        })
        .collect()
}

/// A verdict with one claim.
pub fn verdict(facts: usize, smp: u16, evidence: Vec<Evidence>) -> Verdict {
    Verdict {
        configuration: "made-up".to_owned(),
        guest: NASTY.to_owned(),
        host_seconds: 0.1,
        legacy: false,
        green: true,
        smp,
        smp_judged: true,
        facts,
        markers: vec![MarkerLine {
            line: "KINIT: boot ok".to_owned(),
            state: State::Green,
            reasons: Vec::new(),
        }],
        claims: vec![Claim {
            name: "ipi chain".to_owned(),
            says: "every request is answered".to_owned(),
            state: State::Green,
            found: NASTY.to_owned(),
            reasons: Vec::new(),
            evidence_total: evidence.len(),
            evidence,
        }],
        reasons: Vec::new(),
        repeat: "cargo xtask proof --smp 2".to_owned(),
        qemu: "10.0".to_owned(),
    }
}

/// The run.
pub fn run() -> Run {
    let task = Task(1 << 32 | 5);
    let facts = numbered([
        (0, 100_000, Event::Marker { marker: Marker::Boot }),
        (1, 200_000, Event::IdleBegin {}),
        (0, 300_000, Event::Dispatch { task, class: Qos::Normal, satp: 1 }),
        (0, 5_000_000, Event::Request { target: Cpu(1), n: 1, what: Request::Resched }),
        (0, 5_000_100, Event::Ring { target: Cpu(1), n: 1 }),
        (1, 5_003_000, Event::Seen { at: Seen::Wfi }),
        (1, 5_003_100, Event::Ack { sender: Cpu(0), n: 1 }),
        (0, 9_000_000, Event::Leave { task, why: Leave::Exit }),
    ]);
    let evidence = [(0, 2, "asked"), (0, 3, "rung"), (1, 1, "seen"), (1, 2, NASTY)]
        .map(|(cpu, seq, says)| Evidence { cpu, seq, says: says.to_owned() });
    Run {
        verdict: verdict(facts.len(), 2, evidence.to_vec()),
        trace: Trace::from_facts(facts),
        console: format!("KINIT: boot ok\n{NASTY}\n"),
        programs: vec![NASTY.to_owned()],
        kernel: Some("that of the run".to_owned()),
        matrix: Some(Matrix {
            kernel: "another".to_owned(),
            faults: vec![Fault {
                smp: 2,
                fault: "ipi-dropped".to_owned(),
                what: NASTY.to_owned(),
                must: vec!["ipi chain".to_owned()],
                may: Vec::new(),
                red: vec!["ipi chain".to_owned()],
                ok: true,
            }],
        }),
    }
}

/// What a guest prints is shown as it is, and runs nothing.
pub fn stays_text(page: &mut Page<'_>) -> anyhow::Result<()> {
    must(page, "nothing of it ran", "window.pwned === undefined")?;
    must(page, "no element came of it", "document.querySelectorAll('img').length === 0")?;
    let text = serde_json::to_string(NASTY)?;
    must(
        page,
        "the console shows it",
        &format!("document.querySelector('.console').textContent.includes({text})"),
    )?;
    must(page, "so do findings", &format!("document.querySelector('.found').textContent.includes({text})"))
}

/// Each fault is a row.
pub fn matrix(page: &mut Page<'_>) -> anyhow::Result<()> {
    page.click("#tab-faults")?;
    must(page, "its tab shows it", "!document.getElementById('panel-faults').hidden")?;
    must(
        page,
        "with its fault",
        "document.querySelector('.matrix tbody').textContent.includes('ipi-dropped')",
    )?;
    must(
        page,
        "and what turned red",
        "document.querySelectorAll('.matrix tbody td')[2].textContent === 'ipi chain'",
    )?;
    must(
        page,
        "and that it is of another kernel",
        "document.querySelector('#panel-faults .stale').textContent.includes('another kernel')",
    )
}

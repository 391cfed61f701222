//! The machine that was booted is the machine that was asked for.

use std::collections::{BTreeMap, BTreeSet};

use antler_facts::{Cpu, Event, Fact, Hart, Marker};

use super::Findings;
use crate::case::Case;
use crate::trace::Trace;

/// virtio-mmio register version of the modern interface.
const MODERN: u64 = 2;

/// The map of CPU numbers to harts that the boot CPU stated.
pub(super) fn present(trace: &Trace) -> BTreeMap<Cpu, Hart> {
    let pairs = trace.all().filter_map(|fact| match fact.event {
        Event::Present { cpu, hart } => Some((cpu, hart)),
        _ => None,
    });
    pairs.collect()
}

pub(super) fn judge(trace: &Trace, case: &Case) -> Findings {
    let mut findings = Findings::default();
    let mut boot = Vec::new();
    let (mut ports, mut versions) = (Vec::new(), Vec::new());
    let mut stated = 0;
    for fact in trace.all() {
        let boot_only =
            matches!(fact.event, Event::BootHart { .. } | Event::Transport { .. } | Event::Present { .. });
        if boot_only {
            findings.shows(fact);
        }
        findings.at(&[fact]).must(!boot_only || fact.cpu == Cpu(0), || {
            format!("cpu{} states {}, which is cpu0's to state", fact.cpu.0, fact.event.kind().name())
        });
        match fact.event {
            Event::BootHart { hart } => boot.push((fact, hart)),
            Event::Transport { version } => {
                ports.push(fact);
                versions.push(version);
            }
            Event::Present { .. } => stated += 1,
            _ => {}
        }
    }
    findings.at(&ports).must(versions == [MODERN], || {
        format!("the facts port must be stated once with version {MODERN} (modern virtio-mmio); stated: {versions:?}")
    });
    let map = present(trace);
    let harts: BTreeSet<Hart> = map.values().copied().collect();
    findings.must(stated == usize::from(case.cpus), || {
        format!("{stated} harts are stated present, {} were asked for", case.cpus)
    });
    findings.must(map.len() == stated && map.keys().copied().eq((0..case.cpus).map(Cpu)), || {
        format!(
            "CPU numbers are not 0 to {} once each: {:?}",
            case.cpus - 1,
            map.keys().map(|c| c.0).collect::<Vec<_>>()
        )
    });
    findings.must(harts.len() == map.len(), || "two CPUs have the same hart id".into());
    if let Some(expected) = &case.harts {
        let expected: BTreeSet<Hart> = expected.iter().copied().map(Hart).collect();
        findings
            .must(harts == expected, || format!("harts present are {harts:?}, the machine has {expected:?}"));
    }
    let secondaries: Vec<Hart> = map.iter().filter(|(cpu, _)| cpu.0 != 0).map(|(_, hart)| *hart).collect();
    findings.must(secondaries.is_sorted(), || "cpu1 and up are not numbered by ascending hart id".into());
    let first: Vec<&Fact> = trace.of(Cpu(0)).first().into_iter().collect();
    let boots = first.iter().any(|fact| matches!(fact.event, Event::BootHart { .. }));
    findings.at(&first).must(boots, || "cpu0's first fact is not which hart boots".into());
    order(trace, &mut findings);
    match boot[..] {
        [(fact, hart)] => {
            findings.at(&[fact]).must(map.get(&Cpu(0)) == Some(&hart), || {
                format!("hart {} booted, but cpu0 is {:?}", hart.0, map.get(&Cpu(0)))
            });
            if let Some(wanted) = case.boot_hart {
                findings
                    .at(&[fact])
                    .must(hart.0 == wanted, || format!("hart {} booted, hart {wanted} was to", hart.0));
            }
            findings.found(format!("{stated} harts, hart {} booted", hart.0));
        }
        _ => {
            let facts: Vec<&Fact> = boot.iter().map(|(fact, _)| *fact).collect();
            findings.at(&facts).red(format!("{} facts state the boot hart, one must", boot.len()));
        }
    }
    findings
}

/// The boot goes in order: the hart, the port, which harts there are, cpu0 itself, the others asked for, the others checked,
/// and the marker. Every other CPU begins by saying that it is online.
fn order(trace: &Trace, findings: &mut Findings) {
    let facts = trace.of(Cpu(0));
    let booted = facts.iter().position(|fact| fact.event == Event::Marker { marker: Marker::Boot });
    let mut last: Option<(&Fact, (u8, u16))> = None;
    for fact in &facts[..booted.unwrap_or(0)] {
        let rank = match fact.event {
            Event::Transport { .. } => (0, 0),
            Event::Present { cpu, .. } => (1, cpu.0),
            Event::Online { .. } => (2, 0),
            Event::Ceiling { .. } => (3, 0),
            Event::StartHart { cpu, .. } => (4, cpu.0),
            Event::Verified { cpu, .. } => (5, cpu.0),
            _ => continue,
        };
        if let Some((before, earlier)) = last {
            findings.at(&[before, fact]).must(earlier <= rank, || {
                let (what, before) = (fact.event.kind().name(), before.event.kind().name());
                format!("cpu0 states {what} after {before}, at {} ns: the boot goes the other way", fact.time)
            });
        }
        last = Some((fact, rank));
    }
    for fact in facts.iter().skip(booted.unwrap_or(facts.len())) {
        let late = matches!(
            fact.event,
            Event::BootHart { .. } | Event::Transport { .. } | Event::Present { .. } | Event::Online { .. }
        );
        findings.at(&[fact]).must(!late, || {
            format!("cpu0 states {} at {} ns, after the boot", fact.event.kind().name(), fact.time)
        });
    }
    for cpu in trace.cpus().filter(|cpu| *cpu != Cpu(0)) {
        if let Some(first) = trace.of(cpu).first() {
            findings.at(&[first]).must(matches!(first.event, Event::Online { .. }), || {
                format!("cpu{}'s first fact is {}, not that it is online", cpu.0, first.event.kind().name())
            });
        }
    }
}

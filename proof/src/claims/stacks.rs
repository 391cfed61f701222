//! Trap stacks and hart blocks: each CPU has its own, keeps it, and answers Calls from there.

use std::collections::{BTreeMap, BTreeSet};

use antler_facts::{Cpu, Event, Fact};

use super::{Findings, platform::present};
use crate::case::Case;
use crate::trace::Trace;

/// How far below its stack's top a CPU's `sp` may be when it answers a Call, in bytes. Tops are further apart than that.
const STACK_REACH: u64 = 64 * 1024;

/// What a CPU said of itself when it came online first.
#[derive(Clone, Copy)]
struct Own<'a> {
    said: &'a Fact,
    stack: u64,
    block: u64,
}

pub(super) fn judge(trace: &Trace, case: &Case) -> Findings {
    let mut findings = Findings::default();
    let harts = present(trace);
    let mut own: BTreeMap<Cpu, Own<'_>> = BTreeMap::new();
    let mut answers = 0usize;
    let mut up = BTreeSet::new();
    for fact in trace.all() {
        let cpu = fact.cpu;
        match fact.event {
            Event::Online { hart, stack, block } => {
                findings.shows(fact);
                findings.at(&[fact]).must(harts.get(&cpu).is_none_or(|known| *known == hart), || {
                    format!("cpu{} came online as hart {}, which it is not", cpu.0, hart.0)
                });
                findings.at(&[fact]).must(up.insert(cpu), || {
                    format!("cpu{} came online at {} ns, and was online", cpu.0, fact.time)
                });
                match own.get(&cpu) {
                    None => _ = own.insert(cpu, Own { said: fact, stack, block }),
                    Some(first) => {
                        findings.at(&[first.said, fact]).must((first.stack, first.block) == (stack, block), || {
                            format!(
                                "cpu{} had stack {:#x} and block {:#x}, and came back with {stack:#x} and {block:#x}",
                                cpu.0, first.stack, first.block
                            )
                        });
                    }
                }
            }
            Event::Identity { block, sp, .. } => {
                answers += 1;
                findings.shows(fact);
                match own.get(&cpu) {
                    None => findings.at(&[fact]).red(format!("cpu{} answers, but never came online", cpu.0)),
                    Some(own) => answers_from(*own, fact, block, sp, &mut findings),
                }
            }
            Event::Offline { .. } => _ = up.remove(&cpu),
            _ => {}
        }
    }
    apart(&own, &mut findings);
    findings.must(own.len() == usize::from(case.cpus), || {
        format!("{} of {} CPUs said which trap stack they have", own.len(), case.cpus)
    });
    findings.found(format!("{} trap stacks, {answers} answers from them", own.len()));
    findings
}

/// An answer comes from the CPU's own stack and block.
fn answers_from(own: Own<'_>, fact: &Fact, block: u64, sp: u64, findings: &mut Findings) {
    let cpu = fact.cpu.0;
    findings.at(&[own.said, fact]).must(block == own.block, || {
        format!("cpu{cpu} answers with block {block:#x}, it came online with {:#x}", own.block)
    });
    findings.at(&[own.said, fact]).must(sp < own.stack && own.stack - sp <= STACK_REACH, || {
        format!("cpu{cpu} answers with sp {sp:#x}, which is not on its stack below {:#x}", own.stack)
    });
    findings
        .at(&[fact])
        .must(sp.is_multiple_of(16), || format!("cpu{cpu} answers with sp {sp:#x}, not aligned"));
}

/// Aligned, and no two CPUs share any of it.
fn apart(own: &BTreeMap<Cpu, Own<'_>>, findings: &mut Findings) {
    for (cpu, one) in own {
        findings.at(&[one.said]).must(one.stack.is_multiple_of(16) && one.block.is_multiple_of(8), || {
            format!("cpu{}'s stack {:#x} or block {:#x} is not aligned", cpu.0, one.stack, one.block)
        });
    }
    let mut by_stack: Vec<_> = own.iter().collect();
    by_stack.sort_by_key(|(_, one)| one.stack);
    for pair in by_stack.windows(2) {
        let [(a, low), (b, high)] = [pair[0], pair[1]];
        findings.at(&[low.said, high.said]).must(high.stack - low.stack >= STACK_REACH, || {
            format!("cpu{} and cpu{} share a trap stack", a.0, b.0)
        });
    }
    by_stack.sort_by_key(|(_, one)| one.block);
    for pair in by_stack.windows(2) {
        let [(a, low), (b, high)] = [pair[0], pair[1]];
        findings
            .at(&[low.said, high.said])
            .must(high.block != low.block, || format!("cpu{} and cpu{} share a hart block", a.0, b.0));
    }
}

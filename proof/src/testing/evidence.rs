//! Every claim names the facts that it rests on, and those that contradict it.

use super::small::trace;
use super::*;
use crate::claims::Claim;
use crate::words;
use antler_facts::Kind;

/// The fact that a piece of evidence names.
fn named(run: &Script, cpu: u16, seq: u64) -> Fact {
    let mut facts = run.facts.iter().filter(|fact| fact.cpu == Cpu(cpu));
    *facts.nth(seq as usize).expect("a fact of the run")
}

fn claim(run: &Script, cpus: u16, name: &str) -> Claim {
    run.verdict(cpus).claims.into_iter().find(|claim| claim.name == name).expect("a claim of that name")
}

#[test]
fn green_claims_name_facts_of_the_run() {
    let run = Script::good(4);
    for claim in run.verdict(4).claims {
        assert!(!claim.evidence.is_empty(), "{} names nothing", claim.name);
        assert!(claim.evidence.len() <= 64 && claim.evidence.len() <= claim.evidence_total, "{}", claim.name);
        for evidence in &claim.evidence {
            let fact = named(&run, evidence.cpu, evidence.seq);
            assert_eq!(evidence.says, words::words(&fact), "{}", claim.name);
        }
    }
}

#[test]
fn evidence_tells_the_story_of_its_claim() {
    let run = Script::good(3);
    let kinds = |name: &str| -> Vec<Kind> {
        let evidence = claim(&run, 3, name).evidence;
        evidence.iter().map(|e| named(&run, e.cpu, e.seq).event.kind()).collect()
    };
    use Kind::*;
    let pair = [Enqueue, Request, Ring, Seen, Ack, Dispatch];
    assert_eq!(kinds("resched"), pair.repeat(6));
    assert_eq!(kinds("online"), [Online, Online, Online, Identity, Identity, Identity]);
    let (one, four) = ([Steal, Stolen], [Steal, Stolen, Stolen, Stolen, Stolen]);
    assert_eq!(kinds("steals"), [&one[..], &four, &one, &one, &one].concat());
    let calls = kinds("counterfactual");
    assert_eq!(calls[..2], [Request, Withheld]);
    assert!(calls[2..10].iter().all(|kind| *kind == Syscall));
    assert_eq!(calls[10..], [Ring, Seen, Ack]);
    let refused = [Syscall, TargetRefused, Refused];
    assert_eq!(kinds("reject invalid target"), refused.repeat(2));
    let away = [Offline, HartState].into_iter().chain(refused.repeat(2)).chain([StartHart, Online, Verified]);
    assert!(kinds("reject offline target").starts_with(&away.collect::<Vec<_>>()));
    assert_eq!(kinds("end"), [End]);
}

#[test]
fn a_red_claim_names_what_contradicts_it() {
    let mut run = Script::good(3);
    let at = run.find(None, |fact| matches!(fact.event, Event::Timer { .. }));
    run.facts[at].event = Event::Timer { deadline: u64::MAX };
    let claim = claim(&run, 3, "timer");
    let first = &claim.evidence[0];
    assert_eq!(first.says, format!("against: timer for {} ns fires", u64::MAX));
    assert_eq!(named(&run, first.cpu, first.seq), run.facts[at]);
    assert!(run.verdict(3).to_json().contains("against: timer for"));
}

/// A hundred thousand contradictions keep a verdict readable.
#[test]
fn evidence_has_a_bound_however_much_there_is() {
    let said: Vec<_> = (0..100_000).map(|at| (0, at, Event::Timer { deadline: u64::MAX })).collect();
    let claims = crate::claims::judge_all(&trace(&said), &Case::new(1));
    for claim in claims {
        assert!(claim.evidence.len() <= 64 && claim.reasons.len() <= 13, "{}", claim.name);
    }
}

#[test]
fn every_kind_of_fact_has_words_of_its_own() {
    let mut seen = std::collections::BTreeSet::new();
    let good = Script::good(3);
    let rare = [
        Event::Rode { target: Cpu(1), n: 1 },
        Event::Rehome { task: Task(1), to: Cpu(1) },
        Event::Evicted { task: Task(1), to: Cpu(1) },
        Event::Dropped { count: 1 },
        Event::Shootdown { space: 1, targets: 1 },
    ];
    let rare = rare.map(|event| Fact { seq: 0, cpu: Cpu(0), time: 0, event });
    for fact in good.facts.iter().chain(&rare) {
        let said = words::words(fact);
        assert!(!said.is_empty() && said.len() < 80, "{said:?}");
        seen.insert(fact.event.kind());
    }
    assert_eq!(seen.len(), Kind::ALL.len());
}

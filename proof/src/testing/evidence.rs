//! Every claim names the facts that it rests on, and those that contradict it.

use super::small::*;
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
    // Six pairs, and three CPUs that were woken.
    assert_eq!(kinds("resched"), pair.repeat(6 + 3));
    assert_eq!(kinds("online"), [Online, Online, Online, Identity, Identity, Identity]);
    let (one, four) = ([Steal, Stolen], [Steal, Stolen, Stolen, Stolen, Stolen]);
    assert_eq!(kinds("steals"), [&one[..], &one, &four, &one, &one, &one].concat());
    assert!(kinds("steal bound").ends_with(&four), "{:?}", kinds("steal bound"));
    let ceiling = kinds("class ceiling");
    assert!(ceiling.windows(2).any(|pair| pair == one), "{ceiling:?}");
    let calls = kinds("counterfactual");
    assert_eq!(calls[..2], [Request, Withheld]);
    assert!(calls[2..10].iter().all(|kind| *kind == Syscall));
    assert_eq!(calls[10..], [Ring, Seen, Ack]);
    let refused = [Syscall, TargetRefused, Refused];
    assert_eq!(kinds("reject invalid target"), refused.repeat(2));
    let away = [Offline, HartState].into_iter().chain(refused.repeat(2)).chain([StartHart, Online, Verified]);
    assert!(kinds("reject offline target").starts_with(&away.collect::<Vec<_>>()));
    assert_eq!(kinds("timer"), [Deadline, Timer, Wake].repeat(3));
    let back = claim(&run, 3, "reject offline target").evidence;
    let asked = back.iter().position(|one| named(&run, one.cpu, one.seq).event.kind() == Request);
    let asked: Vec<Kind> = back[asked.expect("the resched call")..]
        .iter()
        .map(|one| named(&run, one.cpu, one.seq).event.kind())
        .collect();
    assert_eq!(asked, [Request, Ring, Seen, Ack, Stolen, Dispatch]);
    assert!(kinds("stealing").ends_with(&[Leave, Stolen, Dispatch]));
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

/// What one claim says against itself of these facts.
fn against(claim: &str, said: &[super::small::Said]) -> Vec<String> {
    let against = judged(claim, &Case::new(2), said)
        .evidence
        .into_iter()
        .filter(|one| one.says.starts_with("against: "));
    against.map(|one| format!("cpu{} {}", one.cpu, one.seq)).collect()
}

#[test]
fn a_task_that_is_lost_is_shown_where_it_was_last() {
    let made = [(0, 10, spawned(T, Task(0))), (0, 20, enqueue(T, 0)), (0, 30, dispatch(T))];
    assert_eq!(against("ownership", &made), ["cpu0 2"]);
    // A step that it cannot take, with the one before it.
    let twice = [made[0], made[1], made[2], (1, 40, dispatch(T)), (1, 50, leave(T, Leave::Exit))];
    let twice = [&twice[..], &[(1, 51, exit(T))]].concat();
    assert_eq!(against("ownership", &twice), ["cpu0 2", "cpu1 0"]);
}

/// Facts of one tick, in a CPU's own order: the last of them is where it stops.
#[test]
fn a_cpu_that_nobody_starts_again_is_shown_where_it_stopped() {
    let hart = antler_facts::Hart(1);
    let away = |at: u64| {
        [
            (1, at, SEEN),
            (1, at, Event::Offline { hart }),
            (1, at + 20, Event::Online { hart, stack: 0, block: 0 }),
        ]
    };
    let until = [(0, 99, marker(Marker::RejectOffline))];
    let said = [&[(0, 1, marker(Marker::RejectInvalidTarget))][..], &away(10), &away(50), &until].concat();
    assert_eq!(against("reject offline target", &said), ["cpu1 1", "cpu1 2", "cpu1 4"]);
}

#[test]
fn a_call_that_has_no_answer_is_shown() {
    let said = [
        (0, 10, ask(1, 1, Request::Call)),
        (0, 11, ring(1, 1)),
        (1, 20, WOKE),
        (1, 21, ack(0, 1)),
        (0, 90, marker(Marker::Done)),
    ];
    assert_eq!(against("ipi chain", &said), ["cpu0 0"]);
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

//! From console, facts and exit code to one verdict.

use antler_facts::Marker;
use serde::Serialize;

use crate::case::{Case, GuestEnd};
use crate::claims::{self, Claim, State};
use crate::console::Checklist;
use crate::trace::Trace;

/// One expected marker line and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct MarkerResult {
    /// The line.
    pub line: String,
    /// Green when printed in its place with its fact and every claim under it green.
    pub state: State,
    /// Why it is red.
    pub reasons: Vec<String>,
    /// Whether line or fact are missing, repeated or out of place, whatever the claims under it.
    pub lacks_its_own: bool,
    /// Names of the claims under it.
    pub claims: Vec<&'static str>,
}

/// The judge's word on one run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Verdict {
    /// Whether everything that had to be proved was.
    pub green: bool,
    /// CPUs asked for.
    pub smp: u16,
    /// Whether the SMP part was judged.
    pub smp_judged: bool,
    /// How the guest ended.
    pub end: GuestEnd,
    /// Facts read.
    pub facts: usize,
    /// The markers, in order.
    pub markers: Vec<MarkerResult>,
    /// The claims.
    pub claims: Vec<Claim>,
    /// Everything that is red, in words.
    pub reasons: Vec<String>,
}

impl Verdict {
    /// The verdict as JSON, for machines.
    pub fn to_json(&self) -> String {
        serde_json::to_string_pretty(self).expect("strings, numbers and lists are always JSON")
    }

    /// One line: colour, size of the machine, what was judged.
    pub fn line(&self) -> String {
        let color = if self.green { "PROOF GREEN" } else { "PROOF RED" };
        let smp = match (self.smp, self.smp_judged) {
            (1, _) => "one CPU".to_owned(),
            (_, true) => "SMP judged".to_owned(),
            (_, false) => "SMP was not judged".to_owned(),
        };
        let count = |state| self.claims.iter().filter(|claim| claim.state == state).count();
        let printed = self.markers.iter().filter(|marker| marker.state == State::Green).count();
        format!(
            "{color}: smp={} ({smp}); {printed} of {} markers, {} claims green, {} red; {} facts",
            self.smp,
            self.markers.iter().filter(|marker| marker.state != State::NotJudged).count(),
            count(State::Green),
            count(State::Red),
            self.facts
        )
    }
}

/// Judges a run by its console bytes, its facts bytes, and what it was asked to be.
pub fn judge(console: &[u8], facts: &[u8], case: &Case) -> Verdict {
    let list = Checklist::read(case.cpus, case.smp_judged, console);
    let trace = Trace::decode(facts);
    let claims = claims::judge_all(&trace, case);
    let markers = marker_results(&list, &trace, &claims);
    let mut reasons = end_reasons(console, case, &list);
    reasons.extend(list.reasons().iter().cloned());
    for marker in markers.iter().filter(|marker| marker.state == State::Red) {
        reasons.extend(marker.reasons.iter().map(|reason| format!("{:?}: {reason}", marker.line)));
    }
    for claim in claims.iter().filter(|claim| claim.state == State::Red) {
        reasons.extend(claim.reasons.iter().map(|reason| format!("{}: {reason}", claim.name)));
    }
    Verdict {
        green: reasons.is_empty(),
        smp: case.cpus,
        smp_judged: case.smp_judged,
        end: case.end,
        facts: trace.len(),
        markers,
        claims,
        reasons,
    }
}

/// What the boot log calls the doorbells.
fn doorbells(console: &[u8]) -> Option<String> {
    let console = String::from_utf8_lossy(console);
    let line = console.lines().find(|line| line.starts_with("KINIT: console: "))?;
    let named = line.split("; ").find_map(|part| part.strip_prefix("doorbells: "))?;
    Some(named.to_owned())
}

fn end_reasons(console: &[u8], case: &Case, list: &Checklist) -> Vec<String> {
    let mut reasons = Vec::new();
    if console.is_empty() {
        reasons.push(
            "the guest printed nothing at all: firmware did not start, or its console is elsewhere".into(),
        );
    }
    let have = case.doorbells.name();
    match doorbells(console) {
        Some(named) if named == have => {}
        Some(named) => {
            reasons.push(format!("the boot log names the doorbells {named}, the machine's are {have}"));
        }
        None => reasons.push(format!("the boot log names no doorbells, the machine's are {have}")),
    }
    let next = list.missing().map(|index| list.expected()[index].text.as_str());
    let waiting =
        next.map_or("all markers were there".to_owned(), |text| format!("it never printed {text:?}"));
    match case.end {
        GuestEnd::Code(0) => {}
        GuestEnd::Code(code) => {
            let name = u16::try_from(code).ok().and_then(antler_abi::MachineExit::from_code);
            let name = name.map_or("no code of the kernel's".to_owned(), |exit| format!("{exit:?}"));
            reasons.push(format!("the guest ended with code {code} ({name}); {waiting}"));
        }
        GuestEnd::TimedOut => reasons.push(format!("the run was ended because its time was up; {waiting}")),
        GuestEnd::Stopped => reasons.push(format!("the guest did not end by itself; {waiting}")),
    }
    reasons
}

fn marker_results(list: &Checklist, trace: &Trace, claims: &[Claim]) -> Vec<MarkerResult> {
    let stated: Vec<Marker> = trace.markers().into_iter().map(|(_, marker)| marker).collect();
    let mut results = Vec::new();
    for (index, marker) in list.expected().iter().enumerate() {
        let mut reasons = Vec::new();
        if !list.has(index) && list.required(index) {
            reasons.push("the line is missing".to_owned());
        }
        if let Some(fact) = marker.fact {
            let facts = stated.iter().filter(|m| **m == fact).count();
            match (list.has(index), facts) {
                (true, 0) => reasons.push("the line was printed, but no fact states it".into()),
                (false, 1..) => reasons.push("a fact states it, but the line is not on the console".into()),
                (_, 2..) => reasons.push(format!("{facts} facts state it")),
                _ => {}
            }
        }
        if list.misplaced(index) {
            reasons.push("the line was printed more than once, or out of its place".into());
        }
        let lacks_its_own = !reasons.is_empty();
        let under: Vec<&Claim> = claims.iter().filter(|claim| claim.markers.contains(&marker.fact)).collect();
        let broken = under.iter().filter(|claim| claim.state == State::Red);
        let broken: Vec<&str> = broken.map(|claim| claim.name).collect();
        if list.has(index) && !broken.is_empty() {
            reasons.push(format!("printed, but not supported: {} is red", broken.join(", ")));
        }
        let state = match (list.required(index), reasons.is_empty()) {
            (_, false) => State::Red,
            (true, true) => State::Green,
            (false, true) => State::NotJudged,
        };
        let claims = under.iter().map(|claim| claim.name).collect();
        results.push(MarkerResult { line: marker.text.clone(), state, reasons, lacks_its_own, claims });
    }
    let order: Vec<Marker> =
        list.expected().iter().filter_map(|m| m.fact).filter(|m| stated.contains(m)).collect();
    let mut distinct = stated.clone();
    distinct.dedup();
    if let Some(result) = results.last_mut().filter(|_| distinct != order) {
        result.state = State::Red;
        result.reasons.push(format!("marker facts came as {distinct:?}, not in the order of the contract"));
    }
    results
}

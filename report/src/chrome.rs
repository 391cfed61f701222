//! The run in the trace-event format: Perfetto and `chrome://tracing` open it.
//!
//! One process, a thread for each CPU. Tasks and idleness are slices, every other fact is a slice of 1 ns, so that flows
//! have something to start from: request -> bell -> seen -> acknowledged, and queued -> stolen -> run.

use antler_facts::{Event, Fact};
use serde_json::{Value, json};

use crate::run::Run;
use crate::scene::{Id, Scene};
use crate::story;

/// The one process.
const PROCESS: u32 = 1;

/// Writes the trace as JSON.
pub fn chrome(run: &Run) -> String {
    let scene = Scene::new(run);
    let times = times(&scene);
    let mut writer = Writer { scene: &scene, times: &times, events: Vec::new() };
    writer.slices();
    writer.milestones();
    writer.flows();
    // Of slices that begin together the longer is the outer one, and comes first; a flow needs its slice before it.
    writer.events.sort_by_key(|event| (event.ns, event.order, u64::MAX - event.length));
    let mut all = names(run, &scene);
    all.extend(writer.events.into_iter().map(|event| event.json));
    json!({
        "displayTimeUnit": "ns",
        "otherData": { "configuration": run.verdict.configuration, "verdict": if run.verdict.green { "green" } else { "red" } },
        "traceEvents": all,
    })
    .to_string()
}

/// The time of each fact, in ns, made to differ: a CPU's facts of one clock tick are put 1 ns apart, in its own order.
/// The clock of QEMU `virt` ticks every 100 ns, and slices that end where others begin must not overlap.
fn times(scene: &Scene<'_>) -> Vec<u64> {
    let mut times = Vec::new();
    for row in &scene.rows {
        let mut last = None;
        for fact in row.facts {
            let time = last.map_or(fact.time, |last: u64| fact.time.max(last.saturating_add(1)));
            times.push(time);
            last = Some(time);
        }
    }
    times
}

/// Name of the process and of each thread.
fn names(run: &Run, scene: &Scene<'_>) -> Vec<Value> {
    let meta = |name: &str, thread: u16, args: Value| json!({ "ph": "M", "pid": PROCESS, "tid": thread, "name": name, "args": args });
    let process = format!("Antler {}", run.verdict.configuration);
    let mut names = vec![meta("process_name", 0, json!({ "name": process }))];
    for row in &scene.rows {
        let hart = row.hart.map_or(String::new(), |hart| format!(" (hart {hart})"));
        names.push(meta("thread_name", row.cpu.0, json!({ "name": format!("cpu{}{hart}", row.cpu.0) })));
        names.push(meta("thread_sort_index", row.cpu.0, json!({ "sort_index": row.cpu.0 })));
    }
    names
}

/// An event and by what it is sorted.
struct Placed {
    ns: u64,
    /// 0 for slices, 1 for what hangs on them.
    order: u8,
    length: u64,
    json: Value,
}

struct Writer<'a> {
    scene: &'a Scene<'a>,
    times: &'a [u64],
    events: Vec<Placed>,
}

/// Microseconds, as the format wants them.
fn micros(ns: u64) -> f64 {
    ns as f64 / 1e3
}

fn name_of(fact: &Fact) -> String {
    match fact.event {
        Event::Request { target, n, .. } => format!("request cpu{}->cpu{} #{n}", fact.cpu.0, target.0),
        Event::Dispatch { task, .. } => format!("task {}.{}", task.0 as u32, task.0 >> 32),
        Event::IdleBegin {} => "idle".to_owned(),
        Event::Offline { .. } => "offline".to_owned(),
        event => event.kind().name().to_owned(),
    }
}

impl Writer<'_> {
    fn time(&self, id: Id) -> u64 {
        self.times[id as usize]
    }

    fn slice(&mut self, id: Id, end: u64, kind: &str) {
        let (fact, ns) = (self.scene.fact(id), self.time(id));
        let length = end.saturating_sub(ns).max(1);
        let json = json!({
            "ph": "X", "pid": PROCESS, "tid": fact.cpu.0, "cat": kind, "name": name_of(fact),
            "ts": micros(ns), "dur": micros(length),
            "args": { "fact": fact.seq, "says": format!("{:?}", fact.event) },
        });
        self.events.push(Placed { ns, order: 0, length, json });
    }

    fn slices(&mut self) {
        let end_of_run = self.times.iter().copied().max().unwrap_or(0).saturating_add(1);
        let scene = self.scene;
        let lists = [("task", &scene.spans), ("idle", &scene.idle), ("offline", &scene.offline)];
        let mut drawn = vec![false; self.times.len()];
        for (kind, list) in lists {
            for span in list {
                drawn[span.from as usize] = true;
                // A span that never ended goes on to the end of the run, or a forged one would lie across the next.
                let end = span.to.map_or(end_of_run, |to| self.time(to));
                self.slice(span.from, end, kind);
            }
        }
        for id in (0..self.times.len() as Id).filter(|id| !drawn[*id as usize]) {
            self.slice(id, self.time(id) + 1, "fact");
        }
    }

    /// The markers, across all threads.
    fn milestones(&mut self) {
        for part in &self.scene.parts {
            let Some(id) = part.fact else { continue };
            let (fact, ns) = (self.scene.fact(id), self.time(id));
            let json = json!({
                "ph": "i", "s": "g", "pid": PROCESS, "tid": fact.cpu.0, "cat": "marker", "ts": micros(ns),
                "name": part.line, "args": { "chapter": story::chapter(part.marker).title, "state": part.state },
            });
            self.events.push(Placed { ns, order: 1, length: 0, json });
        }
    }

    fn flows(&mut self) {
        let scene = self.scene;
        let mut id = 0;
        for chain in &scene.chains {
            // A request that nobody acknowledged has no arrow: what starts must end.
            let Some(ack) = chain.ack else { continue };
            id += 1;
            let steps = [Some(chain.request), chain.bell, chain.seen, Some(ack)];
            self.flow("ipi", id, &steps.into_iter().flatten().collect::<Vec<Id>>());
        }
        for theft in &scene.thefts {
            let (Some(queued), Some(run)) = (theft.queued, theft.run) else { continue };
            id += 1;
            self.flow("steal", id, &[queued, theft.stolen, run]);
        }
    }

    fn flow(&mut self, kind: &str, id: u64, steps: &[Id]) {
        let mut before = 0;
        for (at, &step) in steps.iter().enumerate() {
            let phase = match at {
                0 => "s",
                at if at + 1 == steps.len() => "f",
                _ => "t",
            };
            // Two CPUs' facts of one clock tick have no order but the one that the flow gives them.
            let ns = self.time(step).max(before);
            before = ns;
            let mut json = json!({
                "ph": phase, "pid": PROCESS, "tid": self.scene.fact(step).cpu.0, "cat": kind, "name": kind,
                "id": id, "ts": micros(ns),
            });
            if phase == "f" {
                json["bp"] = "e".into();
            }
            self.events.push(Placed { ns, order: 1, length: 0, json });
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;
    use crate::testing;

    /// ns of an event's time; the format has microseconds.
    fn ns(event: &Value, field: &str) -> u64 {
        (event[field].as_f64().expect("a time") * 1e3).round() as u64
    }

    fn events(run: &Run) -> Vec<Value> {
        let trace: Value = serde_json::from_str(&chrome(run)).expect("JSON");
        trace["traceEvents"].as_array().expect("events").clone()
    }

    #[test]
    fn slices_nest_on_every_thread_and_times_are_sorted() {
        let mut open: BTreeMap<u64, Vec<u64>> = BTreeMap::new();
        let mut last = 0;
        let events = events(&testing::run());
        for event in events.iter().filter(|event| event["ph"] != "M") {
            let begin = ns(event, "ts");
            assert!(begin >= last, "{event}");
            last = begin;
            if event["ph"] == "X" {
                let end = begin + ns(event, "dur");
                let stack = open.entry(event["tid"].as_u64().expect("a thread")).or_default();
                stack.retain(|outer| *outer > begin);
                assert!(stack.last().is_none_or(|outer| *outer >= end), "{event} crosses its outer slice");
                stack.push(end);
            }
        }
        let slices = events.iter().filter(|event| event["ph"] == "X").count();
        assert_eq!(slices, testing::facts().len(), "each fact once");
    }

    #[test]
    fn every_flow_that_starts_ends_once_and_hangs_on_slices() {
        let run = testing::run();
        let events = events(&run);
        let mut flows: BTreeMap<u64, Vec<&Value>> = BTreeMap::new();
        for event in events.iter().filter(|event| ["s", "t", "f"].iter().any(|phase| event["ph"] == *phase)) {
            flows.entry(event["id"].as_u64().expect("an id")).or_default().push(event);
        }
        assert_eq!(flows.len(), 2, "one IPI and one theft");
        for steps in flows.values() {
            let phases: String = steps.iter().map(|step| step["ph"].as_str().expect("a phase")).collect();
            assert!(phases.starts_with('s') && phases.ends_with('f'), "{phases}");
            assert!(phases[1..phases.len() - 1].chars().all(|phase| phase == 't'), "{phases}");
            assert!(steps.iter().all(|step| step["cat"] == steps[0]["cat"]));
            for step in steps {
                let at = ns(step, "ts");
                let holds = |slice: &Value| {
                    let begin = ns(slice, "ts");
                    slice["tid"] == step["tid"] && (begin..begin + ns(slice, "dur")).contains(&at)
                };
                let mut slices = events.iter().filter(|event| event["ph"] == "X");
                assert!(slices.any(holds), "{step} hangs on nothing");
            }
        }
    }

    #[test]
    fn a_request_without_an_answer_starts_no_flow() {
        let mut run = testing::run();
        let facts: Vec<Fact> =
            run.trace.all().filter(|fact| !matches!(fact.event, Event::Ack { .. })).copied().collect();
        run.trace = antler_proof::Trace::from_facts(facts);
        assert!(events(&run).iter().all(|event| event["cat"] != "ipi"));
    }

    #[test]
    fn threads_and_markers_have_their_names() {
        let events = events(&testing::run());
        let named = |name: &str| events.iter().any(|event| event["args"]["name"] == name);
        assert!(named("Antler smp2") && named("cpu0 (hart 3)") && named("cpu1 (hart 4)"));
        let markers: Vec<&Value> =
            events.iter().filter(|event| event["ph"] == "i").map(|e| &e["name"]).collect();
        assert_eq!(markers, ["KINIT: boot ok", "KSELFTEST: trap ok"]);
    }
}

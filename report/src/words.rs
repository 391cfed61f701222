//! Facts in words. The page has the same table, so that 100,000 sentences need not be in the file.

use antler_abi::{Error, Qos, Syscall};
use antler_facts::{IdleEnd, Kind, Leave, Marker, Place, Request, Seen, WakeCause};
use serde_json::{Map, Value, json};

/// What a kind of fact is about; the table can be narrowed to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    Boot,
    Entry,
    Task,
    Ipi,
    Idle,
    Steal,
    Refusal,
    Hotplug,
    Milestone,
}

impl Group {
    pub const ALL: [Group; 9] = [
        Group::Boot,
        Group::Entry,
        Group::Task,
        Group::Ipi,
        Group::Idle,
        Group::Steal,
        Group::Refusal,
        Group::Hotplug,
        Group::Milestone,
    ];

    /// In words.
    pub fn name(self) -> &'static str {
        match self {
            Group::Boot => "boot",
            Group::Entry => "kernel entries",
            Group::Task => "tasks",
            Group::Ipi => "IPIs",
            Group::Idle => "idle",
            Group::Steal => "steals",
            Group::Refusal => "refusals",
            Group::Hotplug => "hotplug",
            Group::Milestone => "milestones",
        }
    }
}

/// The sentence of a kind, whose subject is the CPU that states it. `{1:task}` is its word 1, read as a task.
pub fn sentence(kind: Kind) -> (Group, &'static str) {
    use Group::*;
    match kind {
        Kind::BootHart => (Boot, "is the first in the kernel, as hart {0:number}"),
        Kind::Present => (Boot, "finds hart {1:number} in the device tree; it is to be {0:cpu}"),
        Kind::Transport => (Boot, "sends facts by virtio-mmio, version {0:number}"),
        Kind::StartHart => (Boot, "has firmware start hart {1:number} as {0:cpu}"),
        Kind::Online => (Boot, "is ready: hart {0:number}, stack {1:hex}, block {2:hex}"),
        Kind::Verified => (Boot, "checked what {0:cpu} (hart {1:number}) reports, and counts it in"),
        Kind::Identity => {
            (Boot, "answers with its registers: hart {0:number}, block {1:hex}, stack pointer {2:hex}")
        }
        Kind::TrapUser => (Entry, "enters the kernel from {1:task}: {0:cause}"),
        Kind::Syscall => (Entry, "{1:task} calls {0:call}"),
        Kind::Refused => (Refusal, "refuses {0:call}: {1:error} (first argument {2:hex})"),
        Kind::Spawned => (Task, "makes {0:task}, {1:parent}, class {2:class}"),
        Kind::Enqueue => (Task, "queues {0:task} on {1:cpu}, {2:place}"),
        Kind::Dispatch => (Task, "starts running {0:task}, class {1:class}, satp {2:hex}"),
        Kind::Leave => (Task, "stops running {0:task}, which {1:leave}"),
        Kind::Wake => (Task, "wakes {0:task} for {2:cpu}: {1:wake}"),
        Kind::Exit => (Task, "{0:task} has ended with {1:number}"),
        Kind::Request => (Ipi, "asks {0:cpu} to {2:request}: request #{1:number}"),
        Kind::Ring => (Ipi, "rings {0:cpu} for request #{1:number}"),
        Kind::Rode => (Ipi, "lets request #{1:number} to {0:cpu} ride on a bell that is under way"),
        Kind::Withheld => (Ipi, "withholds the bell of request #{1:number} to {0:cpu}"),
        Kind::Seen => (Ipi, "sees its doorbell, {0:seen}"),
        Kind::Ack => (Ipi, "acknowledges {0:cpu} up to request #{1:number}"),
        Kind::IdleBegin => (Idle, "finds nothing to do"),
        Kind::IdleEnd => (Idle, "leaves idle: {0:idle}"),
        Kind::Steal => (Steal, "steals {1:number} of class {2:class} from {0:cpu}"),
        Kind::Stolen => (Steal, "has {0:task} now, stolen from {1:cpu}"),
        Kind::StealRefused => (Refusal, "refuses to steal {1:number} from {0:cpu}: {2:error}"),
        Kind::Ceiling => (Milestone, "sets the ceiling of {0:cpu} to class {1:class}"),
        Kind::Offline => (Hotplug, "stops its hart, {0:number}"),
        Kind::HartState => (Hotplug, "hears from firmware that hart {1:number} ({0:cpu}) is {2:hsm}"),
        Kind::TargetRefused => (Refusal, "refuses CPU {0:number} as a target: {1:error}"),
        Kind::Marker => (Milestone, "states the self-test: {0:marker}"),
        Kind::Fault => (Milestone, "ends the program of {0:task}: {1:cause} at {2:hex}"),
        Kind::Timer => (Entry, "has its timer fire, due at {0:time}"),
        Kind::Rehome => (Hotplug, "gives {0:task} a new home, {1:cpu}"),
        Kind::Dropped => (Milestone, "had no room for {0:number} facts"),
        Kind::End => (Milestone, "ends the machine with code {0:number}"),
        Kind::Shootdown => (Ipi, "made {1:number} CPUs drop the translations of space {0:number}"),
        Kind::Deadline => (Entry, "{0:task} is to be awake by {1:time}"),
        Kind::Evicted => (Hotplug, "hands {0:task} on to {1:cpu}"),
    }
}

/// Words for values that are numbers in a fact: type -> number -> words.
pub fn values() -> Value {
    let mut all = Map::new();
    let mut add = |name: &str, pairs: Vec<(u64, String)>| {
        let words = pairs.into_iter().map(|(number, word)| (number.to_string(), Value::String(word)));
        all.insert(name.to_owned(), Value::Object(words.collect()));
    };
    add("class", Qos::ALL.iter().map(|class| (class.index() as u64, class.to_string())).collect());
    add("error", Error::ALL.iter().map(|error| (error.code() as u64, error.text().to_owned())).collect());
    add("call", Syscall::ALL.iter().map(|call| (call.number() as u64, format!("{call:?}"))).collect());
    add("leave", Leave::ALL.iter().map(|why| (*why as u64, leave(*why).to_owned())).collect());
    add("place", Place::ALL.iter().map(|place| (*place as u64, self::place(*place).to_owned())).collect());
    add("wake", WakeCause::ALL.iter().map(|cause| (*cause as u64, wake(*cause).to_owned())).collect());
    add("request", Request::ALL.iter().map(|what| (*what as u64, request(*what).to_owned())).collect());
    add("seen", Seen::ALL.iter().map(|at| (*at as u64, seen(*at).to_owned())).collect());
    add("idle", IdleEnd::ALL.iter().map(|why| (*why as u64, idle(*why).to_owned())).collect());
    add(
        "marker",
        Marker::ALL.iter().map(|m| (*m as u64, crate::story::chapter(*m).title.to_owned())).collect(),
    );
    let hsm = ["STARTED", "STOPPED", "START_PENDING", "STOP_PENDING"];
    add("hsm", (0..).zip(hsm).map(|(number, word)| (number, word.to_owned())).collect());
    add("cause", CAUSES.iter().map(|(number, word)| (*number, (*word).to_owned())).collect());
    Value::Object(all)
}

/// Exceptions of `scause`, and interrupts as the page numbers them: from 100.
const CAUSES: [(u64, &str); 14] = [
    (0, "misaligned jump"),
    (1, "fetch access fault"),
    (2, "illegal instruction"),
    (3, "breakpoint"),
    (4, "misaligned load"),
    (5, "load access fault"),
    (6, "misaligned store"),
    (7, "store access fault"),
    (8, "system call"),
    (12, "fetch page fault"),
    (13, "load page fault"),
    (15, "store page fault"),
    (101, "doorbell"),
    (105, "timer"),
];

fn leave(why: Leave) -> &'static str {
    match why {
        Leave::Yield => "yields",
        Leave::Preempt => "is preempted",
        Leave::Block => "waits",
        Leave::Exit => "ends",
        Leave::Offline => "leaves with its CPU",
    }
}

fn place(place: Place) -> &'static str {
    match place {
        Place::Local => "its own queue",
        Place::Inbox => "through the inbox",
    }
}

fn wake(cause: WakeCause) -> &'static str {
    match cause {
        WakeCause::Signal => "somebody signalled it",
        WakeCause::Deadline => "its deadline came",
        WakeCause::Join => "the thread it joined ended",
        WakeCause::Kill => "its program ends",
    }
}

fn request(what: Request) -> &'static str {
    match what {
        Request::Resched => "look at its queues",
        Request::Call => "answer a call",
        Request::Reply => "take the answer to its call",
        Request::Stop => "stop for good",
    }
}

fn seen(at: Seen) -> &'static str {
    match at {
        Seen::Trap => "by a trap from U-mode",
        Seen::Wfi => "in WFI",
    }
}

fn idle(why: IdleEnd) -> &'static str {
    match why {
        IdleEnd::Work => "there is work",
        IdleEnd::Offline => "it goes offline",
    }
}

/// The kinds, for the page.
pub fn kinds() -> Value {
    let kind = |kind: &Kind| {
        let (group, says) = sentence(*kind);
        json!({ "name": kind.name(), "group": group as usize, "says": says })
    };
    Kind::ALL.iter().map(kind).collect()
}

/// A number with something between every three digits, as people read it.
pub fn grouped(number: u64, between: char) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            text.push(between);
        }
        text.push(digit);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_placeholder_has_a_reader() {
        let values = values();
        let read = ["number", "hex", "task", "parent", "cpu", "time"];
        for &kind in Kind::ALL {
            let (_, says) = sentence(kind);
            for part in says.split('{').skip(1) {
                let (inside, _) = part.split_once('}').expect("a placeholder ends");
                let (word, reader) = inside.split_once(':').expect("a placeholder has a type");
                assert!(matches!(word, "0" | "1" | "2"), "{kind:?}");
                assert!(read.contains(&reader) || values.get(reader).is_some(), "{kind:?}: {reader}");
            }
        }
    }

    #[test]
    fn groups_are_numbered_as_listed() {
        for (number, group) in Group::ALL.into_iter().enumerate() {
            assert_eq!(group as usize, number);
        }
    }
}

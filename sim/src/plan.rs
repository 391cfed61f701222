//! Under which conditions a seed runs.

use crate::scenario::{Act, Acts};

/// What goes wrong in a plan, beyond what the machine is built to bear.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// One doorbell is lost.
    Lose,
    /// Doorbells are delivered twice. Harmless: such runs must be green.
    Twice,
    /// One doorbell takes far longer than the stated bound.
    Beyond,
    /// One hart stops for ever without leaving.
    Dead,
    /// Firmware refuses every doorbell of one hart: the machine must stop, naming it.
    Deaf,
}

/// Conditions of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Plan {
    /// Its name on the command line.
    pub name: &'static str,
    /// What it is, in a line.
    pub about: &'static str,
    /// A doorbell takes from the first to the second number of ns.
    pub delay: (u64, u64),
    /// One hart in four is a hundred times slower.
    pub slow: bool,
    /// Firmware refuses doorbells now and then, less often in a row than is tried.
    pub busy: bool,
    /// What tasks may do.
    pub acts: Acts,
    /// What goes wrong, if anything.
    pub fault: Option<Fault>,
    /// Oracles of which one must notice the fault, at the CPU that it struck and at no other; empty when nothing needs
    /// noticing.
    pub noticed_by: &'static [&'static str],
}

const BASE: Acts = Acts::ALL.without(Act::Hotplug).without(Act::Ceiling).without(Act::Kill);
const DELAY: (u64, u64) = (20, 2_000);

const CALM: Plan = Plan {
    name: "calm",
    about: "nothing out of the ordinary",
    delay: DELAY,
    slow: false,
    busy: false,
    acts: BASE,
    fault: None,
    noticed_by: &[],
};

/// Every plan, in the order in which seeds go through them.
pub const PLANS: &[Plan] = &[
    CALM,
    Plan { name: "slow", about: "one hart in four is 100 times slower", slow: true, ..CALM },
    Plan { name: "late", about: "every doorbell takes as long as it may", delay: (2_000, 2_000), ..CALM },
    Plan { name: "hotplug", about: "harts leave and come back", acts: BASE.with(Act::Hotplug), ..CALM },
    Plan {
        name: "ceilings",
        about: "random class ceilings, changed meanwhile",
        acts: BASE.with(Act::Ceiling),
        ..CALM
    },
    Plan {
        name: "kill",
        about: "programs are ended while their tasks run, wait and sleep",
        acts: BASE.with(Act::Kill),
        ..CALM
    },
    Plan { name: "busy", about: "firmware refuses doorbells now and then", busy: true, ..CALM },
    Plan {
        name: "mixed",
        about: "slow, hotplug, ceilings, kill and busy at once",
        slow: true,
        busy: true,
        acts: Acts::ALL,
        ..CALM
    },
    Plan { name: "twice", about: "fault: doorbells come twice; harmless", fault: Some(Fault::Twice), ..CALM },
    Plan {
        name: "lose",
        about: "fault: one doorbell is lost",
        fault: Some(Fault::Lose),
        noticed_by: &["chain"],
        ..CALM
    },
    Plan {
        name: "beyond",
        about: "fault: one doorbell comes far too late",
        fault: Some(Fault::Beyond),
        noticed_by: &["chain"],
        ..CALM
    },
    Plan {
        name: "dead",
        about: "fault: one hart stops for ever without leaving",
        fault: Some(Fault::Dead),
        noticed_by: &["chain", "wakes", "deadlines", "places", "turns", "calls"],
        ..CALM
    },
    Plan {
        name: "deaf",
        about: "fault: firmware refuses every doorbell of one hart",
        fault: Some(Fault::Deaf),
        noticed_by: &["unreachable"],
        ..CALM
    },
];

impl Plan {
    /// The plan called `name`.
    pub fn find(name: &str) -> Option<Plan> {
        PLANS.iter().copied().find(|plan| plan.name == name)
    }

    /// How often an act is chosen, relative to the others. A plan that is about nothing but hotplug has more of it: it
    /// takes much coming and going to hit a CPU that is on its way out.
    pub(crate) fn weight(&self, act: Act) -> u64 {
        let more = act == Act::Hotplug && !self.acts.has(Act::Ceiling);
        act.weight() * if more { 3 } else { 1 }
    }

    /// The plan that a seed runs under when none is asked for.
    pub fn of_seed(seed: u64) -> Plan {
        PLANS[(seed % PLANS.len() as u64) as usize]
    }
}

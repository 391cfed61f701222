//! What is simulated: everything in a run follows from these few numbers.

use std::fmt;

use crate::plan::Plan;

/// Most virtual harts.
pub const MAX_HARTS: usize = 512;

/// Most kernel entries before the workload is left to end: facts of a CPU are numbered in 32 bits.
pub const MAX_STEPS: u64 = 100_000_000;

macro_rules! acts {
    ($($(#[$doc:meta])* $name:ident = $text:literal, $weight:literal;)*) => {
        /// What a task may do in a step.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        #[repr(u8)]
        pub enum Act { $($(#[$doc])* $name,)* }

        impl Act {
            /// Every act.
            pub const ALL: &'static [Act] = &[$(Act::$name),*];

            /// Its name on the command line.
            pub const fn name(self) -> &'static str {
                match self { $(Act::$name => $text,)* }
            }

            /// How often it is chosen, relative to the others.
            pub(crate) const fn weight(self) -> u64 {
                match self { $(Act::$name => $weight,)* }
            }
        }
    };
}

acts! {
    /// Go on computing.
    Compute = "compute", 4;
    /// Yield.
    Yield = "yield", 3;
    /// Sleep for some time.
    Sleep = "sleep", 3;
    /// Wait on one of a few keys, perhaps with a deadline.
    Wait = "wait", 5;
    /// Wake some waiters of a key.
    Wake = "wake", 5;
    /// Spawn a task where an idle CPU is.
    Anywhere = "anywhere", 3;
    /// Spawn a task onto this CPU's queue.
    Here = "here", 4;
    /// Spawn a task that stays on one CPU.
    Pinned = "pinned", 2;
    /// Change class, up or down.
    Qos = "qos", 3;
    /// Spawn a child and wait for its end.
    Join = "join", 2;
    /// Ask a CPU to look at its queues.
    Resched = "resched", 1;
    /// Have every other CPU answer a Call, and wait for it.
    Call = "call", 1;
    /// Take a CPU offline, or bring one back.
    Hotplug = "hotplug", 1;
    /// Set a CPU's class ceiling.
    Ceiling = "ceiling", 2;
    /// End a whole program.
    Kill = "kill", 1;
    /// End.
    Exit = "exit", 4;
}

/// A set of acts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Acts(u32);

impl Acts {
    /// All of them.
    pub const ALL: Acts = Acts((1 << Act::ALL.len()) - 1);

    /// With one more.
    pub const fn with(self, act: Act) -> Acts {
        Acts(self.0 | 1 << act as u8)
    }

    /// With one less.
    pub const fn without(self, act: Act) -> Acts {
        Acts(self.0 & !(1 << act as u8))
    }

    /// Whether it is in.
    pub const fn has(self, act: Act) -> bool {
        self.0 >> act as u8 & 1 == 1
    }

    /// Those that are in both.
    pub const fn and(self, other: Acts) -> Acts {
        Acts(self.0 & other.0)
    }

    /// The members.
    pub fn iter(self) -> impl Iterator<Item = Act> {
        Act::ALL.iter().copied().filter(move |&act| self.has(act))
    }

    /// The set that a comma-separated list of names means.
    ///
    /// # Errors
    /// The first name that is none.
    pub fn parse(list: &str) -> Result<Acts, String> {
        list.split(',').filter(|name| !name.is_empty()).try_fold(Acts(0), |acts, name| {
            let act = Act::ALL.iter().find(|act| act.name() == name);
            act.map(|&act| acts.with(act)).ok_or_else(|| name.to_owned())
        })
    }
}

impl fmt::Display for Acts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<&str> = self.iter().map(Act::name).collect();
        f.write_str(&names.join(","))
    }
}

/// What is simulated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Scenario {
    /// Conditions.
    pub plan: Plan,
    /// Virtual harts, 1 to [`MAX_HARTS`].
    pub harts: usize,
    /// Everything follows from it.
    pub seed: u64,
    /// Kernel entries before the workload is left to end, 1 to [`MAX_STEPS`].
    pub steps: u64,
    /// What tasks may do, of what the plan allows.
    pub acts: Acts,
}

impl Scenario {
    /// A scenario with the usual number of steps for so many harts.
    pub fn new(plan: Plan, harts: usize, seed: u64) -> Scenario {
        Scenario { plan, harts, seed, steps: Scenario::usual_steps(harts), acts: plan.acts }
    }

    /// Steps of a scenario on so many harts, unless others are asked for.
    pub(crate) const fn usual_steps(harts: usize) -> u64 {
        400 + 16 * harts as u64
    }

    /// Virtual time slice, ns.
    pub const SLICE: u64 = 10_000;
}

impl fmt::Display for Scenario {
    /// As arguments of `cargo xtask sim`. No act at all is `--acts=`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Scenario { plan, harts, seed, steps, acts } = self;
        write!(f, "--plan {} --harts {harts} --seed {seed} --steps {steps}", plan.name)?;
        if *acts != plan.acts { write!(f, " --acts={acts}") } else { Ok(()) }
    }
}

//! Waiting in the kernel for other harts: Calls, and CPUs that come and go. One at a time comes or goes, and never cpu0.

use antler_nucleus::{Call, CpuId, CpuSet};

use crate::bounds::{POLL, START};
use crate::note::Note;
use crate::sim::{Mode, Sim};

/// The Call that asks a CPU to leave.
pub(crate) const LEAVE: u64 = 3;

/// The Call that only wants an answer.
pub(crate) const IDENTIFY: u64 = 1;

/// Harts from which on what concerns them all is done less often.
pub(crate) const CROWD: usize = 16;

/// What a hart waits for in the kernel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Hold {
    /// The answers to its Call.
    Call,
    /// The answer of a CPU that it asked to leave.
    Leave { target: usize },
    /// That CPU's stop.
    Stop { target: usize },
    /// A CPU's start.
    Start { target: usize },
}

impl<const W: usize> Sim<'_, W> {
    fn call(&mut self, cpu: usize, op: u64, targets: &[CpuId]) {
        let view = self.view(cpu);
        let argument = self.choices.below(1 << 20);
        let set: CpuSet<W> = targets.iter().copied().collect();
        // Noted first: what the note says of those reached is what the simulator knows.
        self.world.note(cpu, Note::CallAsked { op, argument, reached: targets.len() });
        let reached = self.sched.call(&view, &self.tokens[cpu], Call { op, argument }, &set);
        self.expect(cpu, reached == set, "calls", || {
            format!("cpu{cpu}'s Call to {} online CPUs reaches {}", targets.len(), reached.len())
        });
    }

    /// Every other CPU answers; on a big machine mostly a few, or nothing else would happen there.
    pub(crate) fn call_all(&mut self, cpu: usize) {
        let mut others = self.others(cpu);
        if others.len() > CROWD && !self.choices.once_in(others.len() as u64) {
            let from = self.choices.index(others.len() - 4);
            others = others[from..from + 4].to_vec();
        }
        if !others.is_empty() {
            self.call(cpu, IDENTIFY, &others);
            self.hold(cpu, Hold::Call);
        }
    }

    /// Another CPU leaves, or comes back.
    pub(crate) fn change_a_cpu(&mut self, cpu: usize) {
        let target = self.choices.index(self.harts.len());
        if self.changing || target == 0 || target == cpu {
            return;
        }
        match self.harts[target].mode {
            Mode::Off => {
                self.changing = true;
                let at = self.now() + 1 + self.choices.below(START);
                self.starts_at(target, at);
                self.hold(cpu, Hold::Start { target });
            }
            Mode::Starting | Mode::Dead => {}
            Mode::Sleep | Mode::User | Mode::Held(_) => {
                self.changing = true;
                self.call(cpu, LEAVE, &[CpuId::new(target)]);
                self.hold(cpu, Hold::Leave { target });
            }
        }
    }

    /// Looks whether what the hart waits for has happened; goes on with its task, or waits on.
    pub(crate) fn hold_on(&mut self, cpu: usize, hold: Hold) {
        let next = match hold {
            Hold::Call | Hold::Leave { .. } if !self.sched.call_done(&self.tokens[cpu]) => Some(hold),
            Hold::Call => {
                self.world.note(cpu, Note::CallDone);
                None
            }
            Hold::Leave { target } => {
                self.world.note(cpu, Note::CallDone);
                self.is_online(target).then(|| {
                    self.world.note(cpu, Note::Awaits { target });
                    Hold::Stop { target }
                })
            }
            Hold::Stop { target } => self.is_online(target).then_some(hold),
            Hold::Start { target } => (!self.is_online(target)).then_some(hold),
        };
        if let Some(hold) = next {
            self.harts[cpu].mode = Mode::Held(hold);
            let (view, poll) = (self.view(cpu), self.now() + POLL);
            return self.sched.wake_me_by(&view, &mut self.tokens[cpu], poll);
        }
        if hold != Hold::Call {
            self.changing = false;
        }
        self.world.note(cpu, Note::Held(false));
        self.resume(cpu);
    }
}

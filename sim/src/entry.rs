//! A kernel entry of one hart, step by step as the kernel makes it: interrupts or a system call, then what runs next.

use antler_facts::{Event, Hart as HartId, Seen};
use antler_nucleus::{Call, CpuId, Machine, Next};

use crate::bounds::ENTRY;
use crate::note::Note;
use crate::sim::{Mode, Sim};
use crate::waits::{Hold, LEAVE};
use crate::world::NEVER;

impl<const W: usize> Sim<'_, W> {
    /// The hart enters the kernel now.
    pub(crate) fn enter(&mut self, cpu: usize) {
        self.world.note(cpu, Note::Enter);
        match self.harts[cpu].mode {
            Mode::Off | Mode::Dead => {}
            Mode::Starting => {
                self.come_online(cpu);
                self.resume(cpu);
            }
            Mode::Sleep => {
                self.handle(cpu, Seen::Wfi);
                self.resume(cpu);
            }
            Mode::User => {
                if !self.handle(cpu, Seen::Trap) {
                    self.act(cpu);
                    // The task runs on for a while before its next call, if it runs on.
                    self.harts[cpu].act_at = self.now() + self.pause(cpu);
                }
                if !matches!(self.harts[cpu].mode, Mode::Held(_)) {
                    self.resume(cpu);
                }
            }
            Mode::Held(hold) => {
                self.handle(cpu, Seen::Wfi);
                self.hold_on(cpu, hold);
            }
        }
    }

    fn come_online(&mut self, cpu: usize) {
        let view = self.view(cpu);
        self.world.pending[cpu].set(false);
        self.world.timer[cpu].set(NEVER);
        self.world.wires.borrow_mut().clear(cpu);
        self.world.note(cpu, Note::Online);
        self.sched.come_online(&view, &mut self.tokens[cpu]);
        if self.now() == 0 {
            self.populate(cpu);
        }
    }

    /// Handles whatever is pending; true if anything was.
    pub(crate) fn handle(&mut self, cpu: usize, at: Seen) -> bool {
        let (view, now) = (self.view(cpu), self.now());
        if self.world.wires.borrow_mut().arrived(cpu, now) {
            self.world.pending[cpu].set(true);
        }
        let bell = self.world.pending[cpu].take();
        if bell {
            self.world.note(cpu, Note::Looked);
            let mut leave = false;
            let _kinds = self.sched.doorbell(&view, &mut self.tokens[cpu], at, |_, caller, call| {
                self.world.note(cpu, answered(caller, call));
                leave |= call.op == LEAVE;
            });
            self.harts[cpu].leave |= leave;
        }
        let timer = self.world.timer[cpu].get() <= now;
        if timer {
            self.world.note(cpu, Note::Looked);
            self.sched.timer(&view, &mut self.tokens[cpu]);
        }
        bell || timer
    }

    /// Virtual ns until the task's next system call: mostly short, now and then many slices.
    fn pause(&mut self, cpu: usize) -> u64 {
        let long = self.choices.once_in(12) && !self.ending;
        let ns = if long { self.choices.within(20_000, 200_000) } else { self.choices.within(50, 2_500) };
        ns * self.harts[cpu].speed
    }

    /// Decides what this hart runs, and goes to sleep when there is nothing.
    pub(crate) fn resume(&mut self, cpu: usize) {
        let view = self.view(cpu);
        let spent = 1 + self.choices.below(ENTRY) * self.harts[cpu].speed;
        self.world.now.set(self.now() + spent);
        self.world.note(cpu, Note::Decide);
        loop {
            if self.harts[cpu].leave {
                return self.leave(cpu);
            }
            match self.decide(cpu) {
                Next::Same => {}
                Next::Run(slot) => {
                    let (task, class) = (self.sched.tasks.fact(slot), self.sched.tasks.qos(slot));
                    let satp = u64::from(self.sched.tasks.owner(slot));
                    self.report.dispatches += 1;
                    view.fact(Event::Dispatch { task, class, satp });
                    self.harts[cpu].act_at = self.now() + self.pause(cpu);
                }
                Next::Idle => {
                    self.harts[cpu].mode = Mode::Sleep;
                    return self.world.note(cpu, Note::Sleep);
                }
            }
            let current = self.sched.current(&mut self.tokens[cpu]);
            self.expect(cpu, current.is_some(), "places", || {
                format!("cpu{cpu} is told to go on with its task and has none")
            });
            let Some(slot) = current else {
                // Nothing sound to do: the run ends with what was just found.
                self.harts[cpu].mode = Mode::Sleep;
                return;
            };
            if self.doomed.contains(&self.sched.tasks.owner(slot)) {
                self.exit(cpu);
                continue;
            }
            self.harts[cpu].mode = Mode::User;
            return;
        }
    }

    /// What the hart goes on with. Some entries of the kernel first ask whether the task stays, while its registers are not in
    /// memory; so do half of them here.
    fn decide(&mut self, cpu: usize) -> Next {
        let (view, asks_first) = (self.view(cpu), self.now().is_multiple_of(2));
        let runs = self.sched.current(&mut self.tokens[cpu]).is_some();
        if asks_first && runs && self.sched.stays(&view, &mut self.tokens[cpu]) {
            return Next::Same;
        }
        self.sched.next(&view, &mut self.tokens[cpu])
    }

    fn leave(&mut self, cpu: usize) {
        let view = self.view(cpu);
        self.world.note(cpu, Note::Leaving);
        self.sched.leave(&view, &mut self.tokens[cpu], |_, caller, call| {
            self.world.note(cpu, answered(caller, call));
        });
        view.fact(Event::Offline { hart: HartId(cpu as u64) });
        self.world.note(cpu, Note::Offline);
        self.report.offlined += 1;
        let hart = &mut self.harts[cpu];
        (hart.mode, hart.leave, hart.act_at) = (Mode::Off, false, NEVER);
    }

    /// The hart waits in the kernel, and looks by itself now and then.
    pub(crate) fn hold(&mut self, cpu: usize, hold: Hold) {
        self.harts[cpu].mode = Mode::Held(hold);
        self.world.note(cpu, Note::Held(true));
        if let Hold::Start { target } = hold {
            self.world.note(cpu, Note::Awaits { target });
        }
        self.hold_on(cpu, hold);
    }

    /// Whether the CPU is there, as the simulator knows.
    pub(crate) fn is_online(&self, cpu: usize) -> bool {
        !matches!(self.harts[cpu].mode, Mode::Off | Mode::Starting)
    }

    /// Everybody's number but `cpu`'s.
    pub(crate) fn others(&self, cpu: usize) -> Vec<CpuId> {
        (0..self.harts.len()).filter(|&other| other != cpu && self.is_online(other)).map(CpuId::new).collect()
    }
}

fn answered(caller: CpuId, call: Call) -> Note {
    Note::Answered { caller: caller.index(), op: call.op, argument: call.argument }
}

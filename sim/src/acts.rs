//! What tasks do: system calls, chosen at random.

use antler_abi::{Qos, ThreadHandle};
use antler_facts::WakeCause;
use antler_nucleus::{CpuId, Key, Placement, TargetError};

use crate::book::CLASSES;
use crate::note::Note;
use crate::scenario::Act;
use crate::sim::Sim;
use crate::waits::CROWD;

/// Value with which tasks end.
fn value_of(handle: ThreadHandle) -> u64 {
    handle.to_raw() ^ 0x5a5a
}

impl<const W: usize> Sim<'_, W> {
    /// The first CPU makes the first tasks.
    pub(crate) fn populate(&mut self, cpu: usize) {
        let half = self.choices.once_in(2);
        for number in 0..if half { self.crowd.div_ceil(2) } else { self.crowd } {
            let owner = (number % u64::from(self.programs)) as u32;
            self.spawn(cpu, owner, Act::Anywhere);
        }
    }

    fn choose(&mut self) -> Act {
        let acts = self.scenario.acts;
        let weight = |act: Act| self.scenario.plan.weight(act);
        let total: u64 = acts.iter().map(weight).sum();
        let mut at = if total == 0 { 0 } else { self.choices.below(total) };
        for act in acts.iter() {
            if at < weight(act) {
                return act;
            }
            at -= weight(act);
        }
        Act::Compute
    }

    /// One system call of the task that runs on this CPU.
    pub(crate) fn act(&mut self, cpu: usize) {
        let Some(slot) = self.sched.current(&mut self.tokens[cpu]) else { return };
        if self.jobs[slot].joining.is_some() {
            return self.join(cpu, slot);
        }
        let (view, now) = (self.view(cpu), self.now());
        let owner = self.sched.tasks.owner(slot);
        if self.ending && !self.choices.once_in(3) {
            return self.exit(cpu);
        }
        let crowded = self.live >= self.crowd.max(2);
        match self.choose() {
            Act::Compute => {}
            Act::Yield => {
                self.world.note(cpu, Note::Yield);
                self.sched.yield_now(&mut self.tokens[cpu]);
            }
            Act::Sleep => {
                let deadline = now + self.choices.within(1, 60_000);
                self.world.note(cpu, Note::Park { key: None, deadline: Some(deadline) });
                self.sched.sleep(&view, &mut self.tokens[cpu], deadline);
            }
            Act::Wait => {
                let deadline = (!self.choices.once_in(2)).then(|| now + self.choices.within(1, 60_000));
                let key = self.any_key(owner);
                let changed = self.choices.once_in(8);
                self.park(cpu, key, deadline, changed);
            }
            Act::Wake => {
                let key = self.any_key(owner);
                let count = if self.choices.once_in(4) { usize::MAX } else { 1 + self.choices.index(3) };
                self.wake(cpu, key, count);
            }
            act @ (Act::Anywhere | Act::Here | Act::Pinned) => {
                // Crowds swing: now and then one more comes than there should be, up to the pool's last slot.
                if !self.ending && (!crowded || self.choices.once_in(8)) {
                    self.spawn(cpu, owner, act);
                }
            }
            Act::Qos => {
                let class = self.any_class();
                let pinned = self.sched.tasks.pinned(slot);
                if !pinned || class <= self.sched.ceiling(CpuId::new(cpu)).index() {
                    self.world.note(cpu, Note::Class(class));
                    self.sched.set_qos(&mut self.tokens[cpu], Qos::ALL[class]);
                }
            }
            Act::Join => {
                if !self.ending
                    && let Some(child) = self.spawn(cpu, owner, Act::Anywhere)
                {
                    self.jobs[child].joined = true;
                    self.jobs[slot].joining = Some(self.sched.tasks.handle(child).to_raw());
                }
            }
            Act::Resched => self.resched(cpu),
            Act::Call => self.call_all(cpu),
            Act::Hotplug => self.change_a_cpu(cpu),
            Act::Ceiling => self.change_a_ceiling(cpu),
            Act::Kill => self.kill(cpu, owner),
            Act::Exit => {
                if self.ending || self.live > self.crowd / 2 && self.live > 1 {
                    self.exit(cpu);
                }
            }
        }
    }

    fn any_key(&mut self, owner: u32) -> Key {
        Key::Address(owner, 8 * self.choices.below(3))
    }

    fn park(&mut self, cpu: usize, key: Key, deadline: Option<u64>, changed: bool) {
        let view = self.view(cpu);
        self.world.note(cpu, Note::Park { key: Some(key), deadline });
        let parked = self
            .sched
            .wait(&view, &mut self.tokens[cpu], key, deadline, |_| if changed { Err(()) } else { Ok(()) });
        self.expect(cpu, parked.is_err() == changed, "waiters", || {
            format!("cpu{cpu}: a wait that should end at once parks, or the other way round")
        });
        if changed {
            self.world.note(cpu, Note::Unpark);
        }
    }

    pub(crate) fn wake(&mut self, cpu: usize, key: Key, count: usize) {
        let view = self.view(cpu);
        self.world.note(cpu, Note::WakeAsked { key, count });
        let count = match self.sched.nobody_waits(key) {
            true => 0,
            false => self.sched.wake(&view, &mut self.tokens[cpu], key, count, WakeCause::Signal),
        };
        self.world.note(cpu, Note::WakeDone { key, count });
    }

    fn spawn(&mut self, cpu: usize, owner: u32, act: Act) -> Option<usize> {
        let mut class = self.any_class();
        let placement = match act {
            Act::Here => Placement::Here,
            Act::Pinned => {
                let target = self.choices.index(self.harts.len());
                // Once in a while the target was looked at before it left.
                let late = self.scenario.acts.has(Act::Hotplug) && self.choices.once_in(4);
                if !self.is_online(target) && !late {
                    return None;
                }
                class = class.min(self.sched.ceiling(CpuId::new(target)).index());
                Placement::Pinned(CpuId::new(target))
            }
            _ => Placement::Anywhere,
        };
        self.world.note(cpu, Note::Spawn { owner, placement });
        let (view, room) = (self.view(cpu), self.room());
        let mut slot = None;
        let made =
            self.sched.spawn(&view, &mut self.tokens[cpu], owner, Qos::ALL[class], placement, |task| {
                slot = Some(task.slot());
            });
        self.expect(cpu, made.is_ok() == room, "places", || {
            format!("cpu{cpu} makes a task: {made:?}, although there is room: {room}")
        });
        if made.is_ok() {
            self.live += 1;
            self.report.spawned += 1;
        }
        slot
    }

    /// Whether the pool has a free slot.
    fn room(&self) -> bool {
        let watch = self.world.watch.borrow();
        watch.book.tasks.iter().any(|task| task.place == crate::book::Place::Free)
    }

    /// The task that joins a child makes its call, for the first time or again.
    fn join(&mut self, cpu: usize, slot: usize) {
        let Some(raw) = self.jobs[slot].joining else { return };
        let handle = ThreadHandle::from_raw(raw);
        if let Some(value) = self.sched.tasks.reap(handle) {
            self.jobs[slot].joining = None;
            self.world.note(cpu, Note::Reaped { slot: handle.slot as usize });
            return self.expect(cpu, value == value_of(handle), "waiters", || {
                format!("cpu{cpu}: a joined thread's value is {value:#x}, not what it ended with")
            });
        }
        self.park(cpu, Key::End(raw), None, false);
    }

    /// The current task ends; its slot is freed unless its parent fetches the value.
    pub(crate) fn exit(&mut self, cpu: usize) {
        let (view, sched) = (self.view(cpu), self.sched);
        let Some(slot) = sched.current(&mut self.tokens[cpu]) else { return };
        let handle = sched.tasks.handle(slot);
        let orphan = self.jobs[slot].joining.take().map(ThreadHandle::from_raw);
        let joined = self.jobs[slot].joined;
        sched.exit(&view, &mut self.tokens[cpu], value_of(handle));
        self.live -= 1;
        if !joined {
            self.reap(cpu, handle);
        }
        if let Some(child) = orphan {
            self.jobs[child.slot as usize].joined = false;
            if sched.has_ended(child) {
                self.reap(cpu, child);
            }
        }
    }

    fn reap(&mut self, cpu: usize, handle: ThreadHandle) {
        self.jobs[handle.slot as usize].joined = false;
        let value = self.sched.tasks.reap(handle);
        self.expect(cpu, value == Some(value_of(handle)), "places", || {
            format!("cpu{cpu}: an ended thread's value is {value:?}")
        });
        self.world.note(cpu, Note::Reaped { slot: handle.slot as usize });
    }

    fn resched(&mut self, cpu: usize) {
        let view = self.view(cpu);
        let number = self.choices.index(self.harts.len() + 2);
        let right = if number >= self.harts.len() {
            Err(TargetError::InvalidTarget)
        } else if self.is_online(number) {
            Ok(())
        } else {
            Err(TargetError::Offline)
        };
        let target = self.sched.target(number);
        self.expect(cpu, target.map(|_| ()) == right, "chain", || {
            format!("cpu{number} as a target is {target:?}, and should be {right:?}")
        });
        if let Ok(target) = target
            && number != cpu
        {
            let posted = self.sched.resched(&view, &self.tokens[cpu], target);
            self.expect(cpu, posted == right, "chain", || {
                format!("a request to {target:?} ends with {posted:?}")
            });
        }
    }

    fn change_a_ceiling(&mut self, cpu: usize) {
        let class = self.choices.index(CLASSES);
        // Often a CPU that was rung and has not woken yet: it was chosen by a ceiling that holds no more.
        let rung = {
            let watch = self.world.watch.borrow();
            watch.book.asleep.and(&watch.book.rung).first()
        };
        let number = match rung {
            Some(cpu) if self.choices.once_in(2) => cpu,
            _ => self.choices.index(self.harts.len()),
        };
        let set = self.sched.set_ceiling(number, Qos::ALL[class]);
        let refused = number == 0 && Qos::ALL[class] != Qos::PerfBurst;
        self.expect(cpu, set.is_err() == refused, "ceilings", || {
            format!("a ceiling for cpu{number} ends with {set:?}")
        });
        if refused {
            return;
        }
        self.world.note(cpu, Note::Ceiling { cpu: number, class });
        if number == cpu {
            self.sched.look_again(&mut self.tokens[cpu]);
        } else if let Ok(target) = self.sched.target(number) {
            let view = self.view(cpu);
            let posted = self.sched.resched(&view, &self.tokens[cpu], target);
            self.expect(cpu, posted.is_ok(), "chain", || format!("{target:?} refuses a request"));
        }
    }

    /// The task ends its whole program; another one begins in its place.
    fn kill(&mut self, cpu: usize, owner: u32) {
        let harts = self.harts.len();
        if harts > CROWD && !self.choices.once_in((harts / CROWD) as u64) {
            return;
        }
        if !self.ending {
            let fresh = self.programs;
            self.programs += 1;
            for _ in 0..1 + self.choices.below(2) {
                self.spawn(cpu, fresh, Act::Anywhere);
            }
        }
        self.doomed.push(owner);
        self.report.killed += 1;
        self.world.note(cpu, Note::Doom { owner });
        let view = self.view(cpu);
        self.sched.rouse(&view, &mut self.tokens[cpu], owner);
        self.world.note(cpu, Note::Roused { owner });
    }
}

//! How the book follows what happens.

use std::collections::VecDeque;

use antler_facts::{Event, Leave, Place as Way, Request};
use antler_nucleus::Placement;

use super::{At, Book, Place, TaskNote, Wait, slot_of};
use crate::note::Note;

impl Book {
    /// Follows a fact that the oracles found possible.
    pub(crate) fn follow(&mut self, at: At, event: &Event) {
        let me = at.cpu;
        let taken =
            matches!(*event, Event::Enqueue { target, .. } if self.cpus[usize::from(target.0)].online);
        self.cpus[me].sums.add(at.time, event, taken);
        let pushed = self.pushed.take();
        match *event {
            Event::Spawned { task, class, .. } => {
                let slot = slot_of(task);
                let (owner, pin) = self.spawning.take().unwrap_or_default();
                self.hand(me, slot);
                let note = &mut self.tasks[slot];
                (note.name, note.class, note.owner) = (task.0, class.index(), owner);
                (note.pin, note.home, note.timed_out) = (pin, pin.unwrap_or(me), false);
            }
            Event::Enqueue { task, target, place } => {
                let (slot, target) = (slot_of(task), usize::from(target.0));
                if let Place::Queue(cpu) = self.tasks[slot].place {
                    self.unqueue(cpu, slot);
                    self.hand(me, slot);
                }
                if place == Way::Inbox && !self.cpus[target].online {
                    // It comes back, and goes on to another.
                    return;
                }
                self.unhand(slot);
                match &mut self.tasks[slot] {
                    TaskNote { pin: Some(pin), home, .. } => (*pin, *home) = (target, target),
                    _ => self.claim(target),
                }
                match place {
                    Way::Local => self.queue(target, slot),
                    Way::Inbox => {
                        self.tasks[slot].place = Place::Inbox(target);
                        self.mail(at, target, slot);
                        self.pushed = Some(target);
                    }
                }
            }
            Event::Dispatch { task, .. } => {
                let slot = slot_of(task);
                self.unqueue(me, slot);
                self.tasks[slot].place = Place::Run(me);
                self.tasks[slot].home = me;
                self.cpus[me].current = Some(slot);
            }
            Event::Leave { task, why } => {
                let slot = slot_of(task);
                self.cpus[me].current = None;
                match why {
                    Leave::Block => {
                        self.tasks[slot].place = Place::Parked;
                        let wait = self.parking.take();
                        self.tasks[slot].wait = wait;
                        if wait.is_some_and(|wait| wait.deadline.is_some()) {
                            self.keep(at, slot);
                        }
                        if let Some(Wait { key: Some(key), .. }) = wait {
                            match self.waiters.iter_mut().find(|(other, _)| *other == key) {
                                Some((_, list)) => list.push_back(slot),
                                None => self.waiters.push((key, VecDeque::from([slot]))),
                            }
                        }
                    }
                    Leave::Exit => self.tasks[slot].place = Place::Ended,
                    Leave::Offline => self.queue(me, slot),
                    Leave::Yield | Leave::Preempt => self.hand(me, slot),
                }
            }
            Event::Wake { task, target, .. } => {
                let slot = slot_of(task);
                if self.tasks[slot].pin.is_none() {
                    self.claim(usize::from(target.0));
                }
                self.forget_wait(slot);
                self.tasks[slot].timed_out = false;
                self.hand(me, slot);
            }
            Event::Stolen { task, victim } => {
                let slot = slot_of(task);
                self.unqueue(usize::from(victim.0), slot);
                self.queue(me, slot);
            }
            Event::Evicted { task, to } => {
                let slot = slot_of(task);
                match self.tasks[slot].place {
                    // It was still in the inbox when that closed.
                    Place::Inbox(_) => self.cpus[me].inbox.retain(|mail| mail.slot != slot),
                    _ => self.unqueue(me, slot),
                }
                self.hand(me, slot);
                self.tasks[slot].home = usize::from(to.0);
                if self.tasks[slot].pin.is_some() {
                    self.tasks[slot].pin = Some(usize::from(to.0));
                }
            }
            Event::Rehome { task, to } if self.tasks[slot_of(task)].pin.is_some() => {
                self.tasks[slot_of(task)].pin = Some(usize::from(to.0));
            }
            Event::Request { target, what: Request::Resched, .. } => {
                self.pushed = pushed;
                self.asked_to_look(usize::from(target.0));
            }
            Event::Ring { target, .. } => {
                let target = usize::from(target.0);
                self.rung.set(target, true);
                self.cpus[target].rung_at = at.time;
                self.bell(target);
            }
            Event::Rode { target, .. } => self.bell(usize::from(target.0)),
            Event::Seen { .. } => {
                self.rung.set(me, false);
                if !self.held.has(me) {
                    self.unlink(me);
                }
            }
            Event::IdleEnd { .. } => self.claim(me),
            _ => {}
        }
    }

    /// Follows what the simulator did.
    pub(crate) fn heed(&mut self, at: At, note: &Note) {
        let me = at.cpu;
        match *note {
            Note::Enter => {
                self.asleep.set(me, false);
                self.deciding = false;
            }
            Note::Decide => self.deciding = true,
            Note::Sleep => {
                self.asleep.set(me, true);
                self.offers.set(me, true);
                self.unsure.set(me, false);
            }
            Note::Held(true) => {
                self.held.set(me, true);
                self.cpus[me].held_at = at.time;
            }
            Note::Held(false) => {
                self.held.set(me, false);
                self.let_go(at);
            }
            Note::Online => {
                self.cpus[me].online = true;
                self.online.set(me, true);
                self.placeable.set(me, true);
                self.rung.set(me, false);
                self.cpus[me].sums.online(at.time);
            }
            Note::Leaving => self.begin_to_leave(me),
            Note::Offline => {
                self.cpus[me].online = false;
                self.online.set(me, false);
                self.rung.set(me, false);
                self.bequeath(me);
                self.bequest = None;
                self.cpus[me].sums.offline(at.time);
            }
            Note::Spawn { owner, placement } => {
                let pin = if let Placement::Pinned(cpu) = placement { Some(cpu.index()) } else { None };
                self.spawning = Some((owner, pin));
            }
            Note::Park { key, deadline } => self.parking = Some(Wait { key, deadline }),
            Note::Unpark => self.parking = None,
            Note::Class(class) => {
                if let Some(slot) = self.cpus[me].current {
                    self.tasks[slot].class = class;
                }
            }
            Note::Ceiling { cpu, class } => {
                self.ceiling[cpu] = class;
                self.may.iter_mut().enumerate().for_each(|(c, may)| may.set(cpu, c <= class));
            }
            Note::TimedOut { slot } => self.tasks[slot].timed_out = true,
            Note::Doom { owner } => self.doomed.push(owner),
            Note::Reaped { slot } => self.tasks[slot].place = Place::Free,
            _ => {}
        }
    }
}

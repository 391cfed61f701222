//! What must hold when every CPU is at rest, and what happens then: the meeting ends, or time leaps to the next timer,
//! or somebody from outside wakes everybody, or all is over.

use antler_nucleus::{CpuId, Phase};
use antler_sync::{HartToken, VirtualHart};

use super::ledger::{Ledger, Park, Place, Rec};
use super::plan::SLICE;
use super::rest::{For, Rest, Where, unpark};
use super::world::{World, lock};

impl World {
    /// Called by the CPU that came to rest last; every hart's token is in.
    pub fn quiet(&self) {
        self.stop_if_red();
        let harts: Vec<VirtualHart> = lock(&self.rest).harts.iter_mut().filter_map(Option::take).collect();
        assert_eq!(harts.len(), self.plan.cpus, "every CPU at rest has handed in its hart");
        let mut tokens: Vec<HartToken> = harts.into_iter().map(VirtualHart::enter).collect();
        if let Err(error) = self.sched.audit(&mut tokens) {
            panic!("audit: {error:?}");
        }
        let found = self.look(&tokens);
        if let Some(found) = found {
            panic!("{found}");
        }
        let mut rest = lock(&self.rest);
        rest.audits += 1;
        for token in tokens {
            let index = token.index();
            rest.harts[index] = Some(token.leave());
        }
        let threads = go_on(&mut rest, &lock(&self.ledger));
        drop(rest);
        unpark(threads);
    }

    /// The first thing that is wrong, if anything is.
    fn look(&self, tokens: &[HartToken]) -> Option<String> {
        let phases: Vec<Phase> =
            (0..self.plan.tasks).map(|slot| self.sched.tasks.phase(slot as u32)).collect();
        let doomed: Vec<bool> = (0..self.plan.tasks)
            .map(|slot| {
                let owner = self.sched.tasks.owner(slot) as usize;
                self.programs[owner].doomed.load(shuttle::sync::atomic::Ordering::SeqCst) != 0
            })
            .collect();
        let answered: Vec<bool> = tokens.iter().map(|token| self.sched.call_done(token)).collect();
        let cpus = || (0..self.plan.cpus).map(CpuId::new);
        let acked: Vec<Vec<u64>> =
            tokens.iter().map(|token| cpus().map(|cpu| self.sched.acked(token, cpu)).collect()).collect();
        let homes: Vec<usize> =
            (0..self.plan.tasks).map(|slot| self.sched.tasks.home(slot).index()).collect();
        let (rest, ledger) = (lock(&self.rest), lock(&self.ledger));
        let view = View { rest: &rest, ledger: &ledger };
        let slots = ledger.recs.iter().enumerate();
        slots
            .clone()
            .find_map(|(slot, rec)| view.place(slot, rec, phases[slot]))
            .or_else(|| {
                slots.clone().find_map(|(slot, rec)| view.parked(slot, rec, doomed[slot], homes[slot]))
            })
            .or_else(|| slots.clone().find_map(|(slot, rec)| view.queued(slot, rec)))
            .or_else(|| (0..self.plan.cpus).find_map(|cpu| view.waiting(cpu, answered[cpu])))
            .or_else(|| view.requests(&acked))
    }
}

/// Everything at rest.
struct View<'a> {
    rest: &'a Rest,
    ledger: &'a Ledger,
}

impl View<'_> {
    fn cpus(&self, at: Where) -> impl Iterator<Item = usize> {
        (0..self.rest.at.len()).filter(move |&cpu| self.rest.at[cpu] == at)
    }

    fn ceiling(&self, cpu: usize) -> antler_abi::Qos {
        self.ledger.ceilings[cpu][2]
    }

    /// The task's phase is what its place makes of it, and no thief stands between them.
    fn place(&self, slot: usize, rec: &Rec, phase: Phase) -> Option<String> {
        if let Some(suspect) = &rec.suspect {
            return Some(suspect.clone());
        }
        let right = match rec.place {
            Place::Free => phase == Phase::Free,
            Place::Zombie => phase == Phase::Zombie,
            Place::Parked => phase == Phase::Parked,
            Place::Running(_) => phase == Phase::Running,
            Place::Mail(_) | Place::Queue(_) => phase == Phase::Runnable,
            Place::Hand(_) | Place::Flying(..) => false,
        };
        (!right).then(|| format!("all is at rest, and slot {slot} is {:?} but {phase:?}", rec.place))
    }

    /// A parked task still has something to wait for, and somebody to end the wait.
    fn parked(&self, slot: usize, rec: &Rec, doomed: bool, home: usize) -> Option<String> {
        if rec.place != Place::Parked {
            return None;
        }
        if doomed {
            return Some(format!("slot {slot} is parked for ever: its program is over and nobody roused it"));
        }
        if self.rest.at[home] == Where::Off {
            return Some(format!("slot {slot} is parked, and at home on cpu{home}, which is offline"));
        }
        let Some(park) = rec.park else { return Some(format!("slot {slot} is parked for nothing")) };
        match park {
            Park::Word { word, value, .. } if value < self.ledger.broadcast[word] => {
                return Some(format!(
                    "slot {slot} waits for a wake of word {word} that came already: a lost wake"
                ));
            }
            Park::End(handle) => {
                let joined = &self.ledger.recs[handle.slot as usize];
                if joined.handle != handle || matches!(joined.place, Place::Free | Place::Zombie) {
                    return Some(format!("slot {slot} joins {handle:?}, which has ended: a lost wake"));
                }
            }
            _ => {}
        }
        let deadline = park.deadline()?;
        // It may lie on the list of a CPU that was rung for it and has not looked: one that runs a task with its doorbell
        // pending, or one that waits in the middle of a system call. Whose list it is, facts do not say.
        let bell = self.cpus(Where::Meeting).any(|cpu| self.rest.bell[cpu]);
        let in_the_kernel = self.rest.at.iter().any(|at| matches!(at, Where::Waiting(_)));
        let armed = self.rest.timer.iter().flatten().any(|&at| at <= deadline.max(self.rest.now));
        (!armed && !bell && !in_the_kernel)
            .then(|| format!("slot {slot} waits for {deadline}, and no timer is set for it: a lost deadline"))
    }

    /// A runnable task will have its turn: its CPU runs, and will look, and nobody who could take it sleeps.
    fn queued(&self, slot: usize, rec: &Rec) -> Option<String> {
        let (Place::Mail(cpu) | Place::Queue(cpu)) = rec.place else { return None };
        let may = rec.pin.is_some() || rec.qos <= self.ceiling(cpu);
        match self.rest.at[cpu] {
            Where::Idle => Some(format!("cpu{cpu} sleeps beside slot {slot}, which it has: a lost wake")),
            Where::Off => Some(format!("slot {slot} was left behind on cpu{cpu}, which is offline")),
            Where::Awake => Some(format!("cpu{cpu} is not at rest")),
            Where::Waiting(_) => None,
            Where::Meeting => {
                let mut recs = self.ledger.recs.iter();
                let running = recs.find(|rec| rec.place == Place::Running(cpu))?;
                let looks = self.rest.bell[cpu] || self.rest.due(cpu);
                let ticks = self.rest.timer[cpu].is_some_and(|at| at <= self.rest.now + SLICE);
                if rec.qos > running.qos && may && !looks {
                    return Some(format!(
                        "cpu{cpu} runs {} with slot {slot} of class {} waiting, and nobody rang",
                        running.qos, rec.qos
                    ));
                }
                if rec.qos == running.qos && !looks && !ticks {
                    return Some(format!("slot {slot} waits for its turn on cpu{cpu}, and no tick is set"));
                }
                let takes = |&idle: &usize| rec.pin.is_none() && rec.qos <= self.ceiling(idle);
                let sleeper =
                    self.cpus(Where::Idle).find(takes).filter(|_| matches!(rec.place, Place::Queue(_)))?;
                Some(format!(
                    "cpu{sleeper} sleeps beside slot {slot} on the queue of cpu{cpu}, which it may steal"
                ))
            }
        }
    }

    /// A CPU that waits in the kernel waits for something that will come.
    fn waiting(&self, cpu: usize, answered: bool) -> Option<String> {
        if self.rest.at[cpu] == Where::Waiting(For::Answers) && answered {
            return Some(format!("cpu{cpu} sleeps though its Call is answered: a lost reply"));
        }
        let running = self.ledger.recs.iter().find(|rec| rec.place == Place::Running(cpu))?;
        let above = running.pin.is_none() && running.qos > self.ceiling(cpu);
        (self.rest.at[cpu] == Where::Meeting && above && !self.rest.bell[cpu])
            .then(|| format!("cpu{cpu} goes on above its ceiling, though it was asked to look"))
    }

    /// Every request was acknowledged, or its target's doorbell is pending. `acked`: by sender and target.
    fn requests(&self, acked: &[Vec<u64>]) -> Option<String> {
        let mut asked: Vec<_> = self.ledger.asked.iter().collect();
        asked.sort();
        asked.into_iter().find_map(|(&pair, &n)| {
            let (sender, target) = pair;
            let void = self.ledger.void.get(&pair).copied().unwrap_or(0);
            let pending = self.rest.bell[target] && self.rest.at[target] != Where::Off;
            (n > acked[sender][target].max(void) && !pending).then(|| {
                format!("request {n} of cpu{sender} to cpu{target} was never met, and no doorbell is pending")
            })
        })
    }
}

/// Decides who goes on; returns whom to unpark.
fn go_on(rest: &mut Rest, ledger: &Ledger) -> Vec<shuttle::thread::Thread> {
    rest.meet = false;
    if rest.at.contains(&Where::Meeting) {
        return rest.release(|rest, cpu| rest.at[cpu] == Where::Meeting);
    }
    if ledger.live() == 0 && !rest.at.iter().any(|at| matches!(at, Where::Waiting(_))) {
        rest.over = true;
        return rest.release(|_, _| true);
    }
    let asleep = |rest: &Rest, cpu: usize| matches!(rest.at[cpu], Where::Idle | Where::Waiting(_));
    let timers = (0..rest.at.len()).filter(|&cpu| asleep(rest, cpu)).filter_map(|cpu| rest.timer[cpu]);
    if let Some(next) = timers.min() {
        rest.now = rest.now.max(next);
        return rest.release(|rest, cpu| asleep(rest, cpu) && rest.due(cpu));
    }
    // Tasks wait for wakes that no task is left to give.
    rest.outside_in_vain += 1;
    assert!(
        rest.outside_in_vain < 8,
        "stuck: {} tasks are left, and nothing will ever happen",
        ledger.live()
    );
    if rest.outside_in_vain > 2 {
        rest.calls = 0;
    }
    rest.outside = true;
    rest.bell[0] = true;
    rest.release(|_, cpu| cpu == 0)
}

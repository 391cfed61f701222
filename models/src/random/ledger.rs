//! What the facts say of each task: where it is, in whose hands, and whether each step follows from the one before. A
//! fact is stated before other CPUs can act on it, so at every moment the ledger is where the task is, or one step behind
//! a thief.

use std::collections::{HashMap, HashSet};

use antler_abi::{Qos, ThreadHandle};
use antler_facts::{Event, Leave, Place as Way, Task, WakeCause};
use antler_nucleus::STEAL_BOUND;

use super::plan::WORDS;

/// Where a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The slot holds none.
    Free,
    /// In a CPU's hands.
    Hand(usize),
    /// On its way into the second CPU's inbox, by the first.
    Flying(usize, usize),
    /// In a CPU's inbox, or on its queue since.
    Mail(usize),
    /// On a CPU's queue.
    Queue(usize),
    /// On a CPU.
    Running(usize),
    /// Waiting for something.
    Parked,
    /// Ended.
    Zombie,
}

/// What a parked task waits for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Park {
    /// A moment.
    Sleep(u64),
    /// A word's change.
    Word { word: usize, value: u32, deadline: Option<u64> },
    /// A thread's end.
    End(ThreadHandle),
}

impl Park {
    /// When it is over at the latest.
    pub fn deadline(self) -> Option<u64> {
        match self {
            Park::Sleep(deadline) => Some(deadline),
            Park::Word { deadline, .. } => deadline,
            Park::End(_) => None,
        }
    }
}

/// What the ledger keeps of a slot.
#[derive(Clone, Debug)]
pub(crate) struct Rec {
    pub handle: ThreadHandle,
    pub qos: Qos,
    /// The CPU it stays on, and how often that CPU had left when it was put there.
    pub pin: Option<(usize, u32)>,
    pub place: Place,
    /// Counts changes of place.
    pub version: u64,
    /// Its registers are in a hart.
    pub dirty: bool,
    pub park: Option<Park>,
    /// It was told that its wait timed out.
    pub told: bool,
    /// Something is wrong unless a thief has this task and has not said so yet.
    pub suspect: Option<String>,
    /// How long its CPU ran a task of the same class beside it, without a turn, ns.
    pub beside: u64,
    /// The join to be made again.
    pub again: Option<ThreadHandle>,
}

/// The facts of one execution, added up.
pub(crate) struct Ledger {
    pub recs: Vec<Rec>,
    /// Last request stated, and last one refused, by sender and target.
    pub asked: HashMap<(usize, usize), u64>,
    pub void: HashMap<(usize, usize), u64>,
    /// How often each CPU has left.
    pub lives: Vec<u32>,
    /// Whether it is on its way out, or gone.
    pub leaving: Vec<bool>,
    /// Highest and lowest ceiling of each CPU since it last entered `next`, and the one it has.
    pub ceilings: Vec<[Qos; 3]>,
    /// Each word's value at the last wake of all its waiters.
    pub broadcast: [u32; WORDS],
    /// The first thing that was found wrong.
    pub red: Option<String>,
    /// What each thread that ended ended with, by handle: its slot may have its next task before the value is fetched.
    ended: HashMap<u64, u64>,
    reaped: HashSet<u64>,
    answers: HashSet<(usize, u64)>,
    calls: u64,
    pub stolen: u64,
    pub left: u64,
}

impl Ledger {
    pub fn new(cpus: usize, tasks: usize) -> Ledger {
        let rec = Rec {
            handle: ThreadHandle { slot: 0, generation: 0 },
            qos: Qos::Idle,
            pin: None,
            place: Place::Free,
            version: 0,
            dirty: false,
            park: None,
            told: false,
            suspect: None,
            beside: 0,
            again: None,
        };
        Ledger {
            recs: vec![rec; tasks],
            asked: HashMap::new(),
            void: HashMap::new(),
            lives: vec![0; cpus],
            leaving: vec![false; cpus],
            ceilings: vec![[Qos::PerfBurst; 3]; cpus],
            broadcast: [0; WORDS],
            red: None,
            ended: HashMap::new(),
            reaped: HashSet::new(),
            answers: HashSet::new(),
            calls: 0,
            stolen: 0,
            left: 0,
        }
    }

    /// Notes what is wrong; the first such note is what the execution ends with.
    pub fn red(&mut self, what: String) {
        self.red.get_or_insert(what);
    }

    pub fn rec(&mut self, slot: usize) -> &mut Rec {
        &mut self.recs[slot]
    }

    /// Tasks that are neither over nor not yet made.
    pub fn live(&self) -> usize {
        self.recs.iter().filter(|rec| !matches!(rec.place, Place::Free | Place::Zombie)).count()
    }

    pub(super) fn put(&mut self, slot: usize, place: Place) {
        let rec = &mut self.recs[slot];
        (rec.place, rec.beside) = (place, 0);
        rec.version += 1;
        // Had a thief had it, this would be the thief's word.
        if let Some(suspect) = rec.suspect.take() {
            self.red(suspect);
        }
    }

    fn expect(&mut self, slot: usize, what: &str, right: impl Fn(Place) -> bool) {
        let place = self.recs[slot].place;
        if !right(place) {
            self.red(format!("task in slot {slot} {what}, but the task is in two places or lost: {place:?}"));
        }
    }

    /// One fact of CPU `me`, stated at `now`.
    pub fn fact(&mut self, me: usize, event: Event, now: u64) {
        let slot_of = |task: Task| ThreadHandle::from_raw(task.0).slot as usize;
        match event {
            Event::Spawned { task, .. } => self.put(slot_of(task), Place::Hand(me)),
            Event::Enqueue { task, target, place } => {
                self.enqueued(me, slot_of(task), target.0 as usize, place)
            }
            Event::Leave { task, why } => self.leaves(me, slot_of(task), why),
            Event::Wake { task, cause, .. } => self.woken(me, slot_of(task), cause, now),
            Event::Steal { count, class, victim } => {
                if count == 0 || count > STEAL_BOUND as u64 {
                    self.red(format!("cpu{me} stole {count} tasks at once"));
                }
                if class > self.ceilings[me][0] {
                    self.red(format!("cpu{me} stole above its ceiling: {class} from cpu{}", victim.0));
                }
            }
            Event::Stolen { task, victim } => {
                let (slot, victim) = (slot_of(task), victim.0 as usize);
                self.expect(slot, "was stolen", |place| {
                    [Place::Queue(victim), Place::Mail(victim)].contains(&place)
                        || matches!(place, Place::Flying(_, to) if to == victim)
                });
                if self.recs[slot].pin.is_some() {
                    self.red(format!("the task in slot {slot} is pinned, and was stolen by cpu{me}"));
                }
                self.stolen += 1;
                self.recs[slot].suspect = None;
                self.put(slot, Place::Queue(me));
            }
            Event::Evicted { task, .. } => {
                let slot = slot_of(task);
                self.expect(slot, "was evicted", |place| {
                    [Place::Queue(me), Place::Mail(me), Place::Hand(me)].contains(&place)
                        || matches!(place, Place::Flying(_, to) if to == me)
                });
                self.put(slot, Place::Hand(me));
            }
            Event::Request { target, n, .. } => {
                self.asked.insert((me, target.0 as usize), n);
            }
            Event::TargetRefused { target, .. } => {
                let pair = (me, target as usize);
                self.void.insert(pair, self.asked.get(&pair).copied().unwrap_or(0));
            }
            Event::Ack { sender, n } => {
                let pair = (sender.0 as usize, me);
                if n > self.asked.get(&pair).copied().unwrap_or(0) {
                    self.red(format!("cpu{me} acknowledged a request that cpu{} never made", pair.0));
                }
            }
            _ => {}
        }
    }

    fn enqueued(&mut self, me: usize, slot: usize, target: usize, way: Way) {
        self.expect(slot, "was enqueued", |place| {
            [Place::Hand(me), Place::Queue(me), Place::Mail(me)].contains(&place)
                || matches!(place, Place::Flying(from, to) if from == me || to == me)
        });
        let place = match way {
            Way::Local => Place::Queue(target),
            Way::Inbox => Place::Flying(me, target),
        };
        self.put(slot, place);
    }

    fn leaves(&mut self, me: usize, slot: usize, why: Leave) {
        self.expect(slot, "left its CPU", |place| place == Place::Running(me));
        if why != Leave::Exit && self.recs[slot].dirty {
            self.red(format!("the task in slot {slot} left cpu{me} before its frame was saved"));
        }
        let place = match why {
            Leave::Block => Place::Parked,
            Leave::Exit => Place::Zombie,
            Leave::Yield | Leave::Preempt => Place::Hand(me),
            // It goes back to its queue without another word, and may be stolen from there.
            Leave::Offline => {
                self.left += 1;
                Place::Queue(me)
            }
        };
        self.put(slot, place);
    }

    fn woken(&mut self, me: usize, slot: usize, cause: WakeCause, now: u64) {
        self.expect(slot, "was woken", |place| place == Place::Parked);
        let rec = &mut self.recs[slot];
        let (park, told) = (rec.park.take(), std::mem::take(&mut rec.told));
        let right = match (park, cause) {
            (Some(Park::Sleep(deadline)), WakeCause::Deadline) => now >= deadline,
            (Some(Park::Word { deadline: Some(deadline), .. }), WakeCause::Deadline) => {
                now >= deadline && told
            }
            (Some(Park::Word { .. }), WakeCause::Signal) => !told,
            (Some(Park::End(_)), WakeCause::Join) => true,
            (Some(_), WakeCause::Kill) => !told,
            _ => false,
        };
        if !right {
            let told = if told { "told" } else { "not told" };
            self.red(format!("slot {slot}: {park:?} ended by {cause:?} at {now}, {told} that it timed out"));
        }
        self.put(slot, Place::Hand(me));
    }

    /// A task was made in a slot and has not been placed yet.
    pub fn born(&mut self, handle: ThreadHandle, qos: Qos, pin: Option<usize>) {
        let slot = handle.slot as usize;
        // A zombie: whoever reaped it has not come to say so.
        self.expect(slot, "was made", |place| matches!(place, Place::Free | Place::Zombie));
        // A CPU that is leaving sends it on, in this life still.
        let pin = pin.map(|cpu| (cpu, self.lives[cpu].wrapping_sub(u32::from(self.leaving[cpu]))));
        let rec = &mut self.recs[slot];
        *rec = Rec { handle, qos, pin, dirty: false, park: None, told: false, again: None, ..rec.clone() };
    }

    /// The task in the slot is about to park.
    pub fn parks(&mut self, slot: usize, park: Park) {
        self.recs[slot].park = Some(park);
    }

    /// It does not, after all.
    pub fn stays(&mut self, slot: usize) {
        self.recs[slot].park = None;
    }

    /// Its frame was saved by CPU `me`.
    pub fn save(&mut self, me: usize, slot: usize) {
        self.expect(slot, "was saved", |place| place == Place::Running(me));
        self.recs[slot].dirty = false;
    }

    /// It was told that its wait is over by its deadline.
    pub fn timed_out(&mut self, slot: usize) {
        self.recs[slot].told = true;
    }

    /// A task is about to end with `value`.
    pub fn ends(&mut self, handle: ThreadHandle, value: u64) {
        self.ended.insert(handle.to_raw(), value);
    }

    /// The value of an ended task was fetched.
    pub fn reaped(&mut self, handle: ThreadHandle, value: u64) {
        let raw = handle.to_raw();
        if !self.reaped.insert(raw) {
            self.red(format!("the value of {handle:?} was fetched twice"));
        }
        let own = self.ended.get(&raw).copied();
        if own != Some(value) {
            self.red(format!("{handle:?} ended with {own:?}, and {value} was fetched as its value"));
        }
        let slot = handle.slot as usize;
        if self.recs[slot].handle == handle && self.recs[slot].place == Place::Zombie {
            self.put(slot, Place::Free);
        }
    }

    /// The argument of CPU `me`'s next Call, by which its answers are told from others.
    pub fn new_call(&mut self) -> u64 {
        self.calls += 1;
        self.calls
    }

    /// CPU `me` did what a Call asks.
    pub fn answered(&mut self, me: usize, argument: u64) {
        if !self.answers.insert((me, argument)) {
            self.red(format!("cpu{me} answered a Call twice"));
        }
    }

    /// A Call counts as done; everybody in `must` must have answered it.
    pub fn call_is_over(&mut self, me: usize, argument: u64, must: &[usize]) {
        if let Some(cpu) = must.iter().find(|&&cpu| !self.answers.contains(&(cpu, argument))) {
            self.red(format!("the Call of cpu{me} is over, and cpu{cpu} never answered it"));
        }
    }
}

//! Where a task must go, worked out a second time, from what the scheduler's documentation says.

use super::Book;

impl Book {
    /// CPUs in ring order from `start`.
    fn ring(&self, start: usize) -> impl Iterator<Item = usize> + use<> {
        let cpus = self.cpus.len();
        (0..cpus).map(move |step| (start + step) % cpus)
    }

    /// The first CPU in ring order from `start` that takes tasks of this class; cpu0 always does.
    pub(crate) fn taker(&self, start: usize, class: usize) -> usize {
        let takes = self.placeable.and(&self.may[class]);
        self.ring(start).find(|&cpu| takes.has(cpu)).unwrap_or(0)
    }

    /// Whether a task that may go anywhere may go to `target`: the CPUs that offer themselves and may run it, its home first
    /// and then in ring order; without any, its home if that takes tasks of its class, else the next in ring order.
    ///
    /// # Errors
    /// Where it must go instead.
    pub(crate) fn may_go(&self, slot: usize, target: usize) -> Result<(), usize> {
        let (home, class) = (self.tasks[slot].home, self.tasks[slot].class);
        let able = self.offers.and(&self.may[class]);
        for cpu in self.ring(home).filter(|&cpu| able.has(cpu)) {
            match (cpu == target, self.unsure.has(cpu)) {
                (true, _) => return Ok(()),
                (false, false) => return Err(cpu),
                (false, true) => {}
            }
        }
        let right = self.taker(home, class);
        if right == target { Ok(()) } else { Err(right) }
    }

    /// The CPU is claimed, or not to be had any more.
    pub(super) fn claim(&mut self, cpu: usize) {
        self.offers.set(cpu, false);
        self.unsure.set(cpu, false);
    }

    /// This CPU's doorbell is rung, or about to be, for somebody to look at its queues.
    pub(super) fn asked_to_look(&mut self, target: usize) {
        if !self.deciding || self.pushed == Some(target) {
            return;
        }
        if self.bequest.take_if(|heir| *heir == target).is_some() {
            // For the deadlines that it inherits; or there were none, and it is claimed.
            let offers = self.offers.has(target);
            self.unsure.set(target, offers);
        } else {
            self.claim(target);
        }
    }

    /// A CPU begins to leave: it is given nothing any more, and what is at home there gets another home.
    pub(super) fn begin_to_leave(&mut self, me: usize) {
        self.placeable.set(me, false);
        self.claim(me);
        for slot in 0..self.tasks.len() {
            if self.tasks[slot].home == me {
                self.tasks[slot].home = self.taker(me, self.tasks[slot].class);
            }
        }
        let keeps = self.tasks.iter().any(|task| task.keeper.is_some_and(|keeper| keeper.cpu == me));
        self.bequest = keeps.then(|| self.heir(me));
    }

    /// Who inherits the deadlines of a CPU that leaves.
    pub(super) fn heir(&self, me: usize) -> usize {
        self.taker(me, super::CLASSES - 1)
    }
}

//! The wires between harts: doorbells on their way, and what the plan does to them.

use crate::choices::Choices;
use crate::plan::{Fault, Plan};

/// Most refusals in a row that the machine is built to bear: one less than it tries.
const REFUSALS: u64 = 3;

/// What firmware answers when it refuses a doorbell.
pub(crate) const REFUSED: i64 = -1;

#[derive(Debug)]
pub(crate) struct Wires {
    plan: Plan,
    choices: Choices,
    /// By CPU: when doorbells arrive.
    flights: Vec<Vec<u64>>,
    /// Targets whose next event may have changed.
    pub touched: Vec<usize>,
    /// At which ring the fault strikes, from 1.
    strikes_at: u64,
    rings: u64,
    refused: u64,
    /// Who is deaf.
    deaf: Option<usize>,
    /// The target of the ring that the fault struck.
    pub struck: Option<usize>,
}

impl Wires {
    pub(crate) fn new(plan: Plan, cpus: usize, mut choices: Choices) -> Wires {
        let strikes_at = choices.within(1, 4 + 2 * cpus as u64);
        Wires {
            plan,
            choices,
            flights: vec![Vec::new(); cpus],
            touched: Vec::new(),
            strikes_at,
            rings: 0,
            refused: 0,
            deaf: None,
            struck: None,
        }
    }

    /// Firmware is asked to ring `target` at `now`.
    ///
    /// # Errors
    /// Firmware's code, when it refuses.
    pub(crate) fn ring(&mut self, target: usize, now: u64) -> Result<(), i64> {
        if self.plan.busy && self.refused < REFUSALS && self.choices.once_in(3) {
            self.refused += 1;
            return Err(REFUSED);
        }
        self.refused = 0;
        self.rings += 1;
        let struck = self.rings == self.strikes_at;
        let mut arrival = now + self.choices.within(self.plan.delay.0, self.plan.delay.1);
        match self.plan.fault {
            Some(Fault::Lose) if struck => {
                self.struck = Some(target);
                return Ok(());
            }
            Some(Fault::Beyond) if struck => {
                self.struck = Some(target);
                arrival += 20 * self.plan.delay.1;
            }
            Some(Fault::Twice) => {
                self.struck = Some(target);
                let again = arrival + self.choices.within(1, 2 * self.plan.delay.1);
                self.flights[target].push(again);
            }
            Some(Fault::Deaf) if self.deaf == Some(target) || struck => {
                (self.deaf, self.struck) = (Some(target), Some(target));
                return Err(REFUSED);
            }
            _ => {}
        }
        self.flights[target].push(arrival);
        self.touched.push(target);
        Ok(())
    }

    /// When the next doorbell arrives at a CPU.
    pub(crate) fn next(&self, cpu: usize) -> Option<u64> {
        self.flights[cpu].iter().min().copied()
    }

    /// Takes what has arrived by `now`; true if anything had. However many came, one is seen.
    pub(crate) fn arrived(&mut self, cpu: usize, now: u64) -> bool {
        let before = self.flights[cpu].len();
        self.flights[cpu].retain(|&arrival| arrival > now);
        self.flights[cpu].len() < before
    }

    /// The hart starts anew: nothing rung before reaches it.
    pub(crate) fn clear(&mut self, cpu: usize) {
        self.flights[cpu].clear();
    }
}

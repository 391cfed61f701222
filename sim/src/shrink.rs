use crate::outcome::{Failure, Outcome};
use crate::scenario::{Act, Scenario};

/// A red scenario made small.
#[derive(Clone, Debug)]
pub struct Shrunk {
    /// The smallest found that the same oracle notices.
    pub scenario: Scenario,
    /// What it notices there.
    pub failure: Failure,
    /// Scenarios tried on the way.
    pub tries: u64,
}

/// Seeds tried for each smaller number of harts.
const SEEDS: u64 = 40;

struct Search<F> {
    judge: F,
    /// Was judged, and was red with this failure.
    best: Scenario,
    failure: Failure,
    tries: u64,
}

/// Makes a red scenario smaller: fewer harts, fewer steps, fewer kinds of acts, as long as the same oracle of `judge` is
/// red. Other seeds are tried, since a seed means something else on fewer harts. The result is the last one that was itself
/// judged red, as it is returned, so it repeats.
pub fn shrink(scenario: Scenario, failure: Failure, judge: impl Fn(Scenario) -> Outcome) -> Shrunk {
    let mut search = Search { judge, best: scenario, failure, tries: 0 };
    search.fewer_harts(scenario);
    search.fewer_acts();
    // Other seeds may fail sooner, and a run that is left to end earlier may fail as well.
    for seed in 0..SEEDS {
        let _sooner = search.keep_if_sooner(Scenario { seed, ..search.best });
    }
    search.fewer_steps();
    Shrunk { scenario: search.best, failure: search.failure, tries: search.tries }
}

impl<F: Fn(Scenario) -> Outcome> Search<F> {
    /// What the same oracle finds in the scenario.
    fn red(&mut self, scenario: Scenario) -> Option<Failure> {
        self.tries += 1;
        match (self.judge)(scenario) {
            Outcome::Red(failure) if failure.oracle == self.failure.oracle => Some(failure),
            _ => None,
        }
    }

    /// Keeps the scenario if it is red, cut off where it fails if it is red like that too.
    fn keep(&mut self, scenario: Scenario) -> bool {
        let Some(failure) = self.red(scenario) else { return false };
        let steps = scenario.steps.min(failure.step.max(1));
        (self.best, self.failure) = (scenario, failure);
        let cut = Scenario { steps, ..scenario };
        if steps < scenario.steps
            && let Some(failure) = self.red(cut)
        {
            (self.best, self.failure) = (cut, failure);
        }
        true
    }

    fn keep_if_sooner(&mut self, scenario: Scenario) -> bool {
        let (best, failure) = (self.best, self.failure.clone());
        if self.keep(scenario) && self.failure.step < failure.step {
            return true;
        }
        (self.best, self.failure) = (best, failure);
        false
    }

    fn fewer_harts(&mut self, scenario: Scenario) {
        let smaller = [1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 128, 256];
        for harts in smaller.into_iter().take_while(|&harts| harts < scenario.harts) {
            let steps = Scenario::usual_steps(harts).max(600);
            let mut seeds = std::iter::once(scenario.seed).chain(0..SEEDS);
            if seeds.any(|seed| self.keep(Scenario { harts, seed, steps, ..scenario })) {
                return;
            }
        }
    }

    fn fewer_acts(&mut self) {
        for &act in Act::ALL {
            if self.best.acts.has(act) {
                let acts = self.best.acts.without(act);
                let Scenario { seed, steps, .. } = self.best;
                let _smaller = std::iter::once(seed)
                    .chain(0..SEEDS / 4)
                    .any(|seed| self.keep(Scenario { acts, seed, steps: steps.max(200), ..self.best }));
            }
        }
    }

    fn fewer_steps(&mut self) {
        let mut cut = self.best.steps / 2;
        while cut > 0 {
            while self.best.steps > cut {
                let steps = self.best.steps - cut;
                if !self.keep(Scenario { steps, ..self.best }) {
                    break;
                }
            }
            cut /= 2;
        }
    }
}

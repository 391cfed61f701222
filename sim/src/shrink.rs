use crate::outcome::{Failure, Outcome};
use crate::scenario::Scenario;
use crate::sim::judge;

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

struct Search {
    best: Scenario,
    failure: Failure,
    tries: u64,
}

impl Search {
    /// Keeps the scenario if it is red by the same oracle; it then ends where it fails.
    fn keep(&mut self, scenario: Scenario) -> bool {
        self.tries += 1;
        match judge(scenario) {
            Outcome::Red(failure) if failure.oracle == self.failure.oracle => {
                let steps = scenario.steps.min(failure.step);
                (self.best, self.failure) = (Scenario { steps, ..scenario }, failure);
                true
            }
            _ => false,
        }
    }
}

/// Makes a red scenario smaller: fewer harts, fewer steps, fewer kinds of acts, as long as the same oracle is red. Other
/// seeds are tried, since a seed means something else on fewer harts. The result is red by itself and repeats.
pub fn shrink(scenario: Scenario, failure: Failure) -> Shrunk {
    let mut search = Search { best: scenario, failure, tries: 0 };
    let smaller = [1, 2, 3, 4, 6, 8, 12, 16, 32, 64, 128, 256];
    for harts in smaller.into_iter().take_while(|&harts| harts < scenario.harts) {
        let usual = Scenario::new(scenario.plan, harts, 0).steps.max(600);
        let seeds = std::iter::once(scenario.seed).chain(0..SEEDS);
        let found = seeds
            .into_iter()
            .any(|seed| search.keep(Scenario { harts, seed, steps: usual, acts: scenario.acts, ..scenario }));
        if found {
            break;
        }
    }
    for act in crate::scenario::Act::ALL {
        if search.best.acts.has(*act) {
            let acts = search.best.acts.without(*act);
            let Scenario { seed, steps, .. } = search.best;
            let _smaller = (0..SEEDS / 4).any(|more| {
                let seed = if more == 0 { seed } else { more - 1 };
                search.keep(Scenario { acts, seed, steps: steps.max(200), ..search.best })
            });
        }
    }
    // Other seeds may fail sooner, and a run that is left to end earlier may fail as well.
    for seed in 0..SEEDS {
        let steps = search.best.steps;
        let _sooner = search.keep_if_sooner(Scenario { seed, ..search.best }, steps);
    }
    let mut cut = search.best.steps / 2;
    while cut > 0 {
        while search.best.steps > cut {
            let steps = search.best.steps - cut;
            if !search.keep(Scenario { steps, ..search.best }) {
                break;
            }
        }
        cut /= 2;
    }
    Shrunk { scenario: search.best, failure: search.failure, tries: search.tries }
}

impl Search {
    fn keep_if_sooner(&mut self, scenario: Scenario, steps: u64) -> bool {
        let (best, failure) = (self.best, self.failure.clone());
        if self.keep(scenario) && self.failure.step < steps {
            return true;
        }
        (self.best, self.failure) = (best, failure);
        false
    }
}

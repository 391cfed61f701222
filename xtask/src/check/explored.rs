//! How much was explored, as the checks say it themselves, in lines `explored NAME: 123 executions, ...`.

/// What the checks said they explored.
#[derive(Clone, Debug, Default)]
pub struct Explored {
    /// The lines, in order, without the word.
    lines: Vec<String>,
    /// Sums by unit, in order of appearance.
    sums: Vec<(String, u64)>,
}

impl Explored {
    /// Reads what a check printed.
    pub fn read(&mut self, text: &str) {
        for line in text.lines() {
            // Test harnesses print their own words in front, without a line break.
            let Some((_, said)) = line.split_once("explored ") else { continue };
            let Some((_, counts)) = said.split_once(": ") else { continue };
            self.lines.push(said.to_owned());
            for count in counts.split(", ") {
                let Some((number, unit)) = count.split_once(' ') else { continue };
                // What stands behind says which kind, and is not part of the unit.
                let unit = unit.split(" (").next().and_then(|unit| unit.split(" of ").next()).unwrap_or(unit);
                if let Ok(number) = number.parse() {
                    self.add(unit, number);
                }
            }
        }
    }

    /// Adds what another check explored.
    pub fn merge(&mut self, other: Explored) {
        self.lines.extend(other.lines);
        other.sums.into_iter().for_each(|(unit, number)| self.add(&unit, number));
    }

    fn add(&mut self, unit: &str, number: u64) {
        // A bound or a cost is not a quantity that was explored.
        if unit.contains("preemptions") || unit.contains("accesses") {
            return;
        }
        match self.sums.iter_mut().find(|(known, _)| known == unit) {
            Some((_, sum)) => *sum += number,
            None => self.sums.push((unit.to_owned(), number)),
        }
    }

    /// Whether nothing was said.
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }

    /// The sums, in one line.
    pub fn summary(&self) -> String {
        let sums: Vec<String> = self.sums.iter().map(|(unit, sum)| format!("{sum} {unit}")).collect();
        sums.join(", ")
    }

    /// Prints every line, and the sums last.
    pub fn print(&self) {
        self.lines.iter().for_each(|line| say!("{line}"));
        say!("\nExplored: {}", self.summary());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_kept_and_units_added_up() {
        let mut explored = Explored::default();
        explored.read(
            "running 2 tests\nexplored ring: 120 executions, 2 preemptions at most\n\
             test a ... explored inbox: 5 executions, every interleaving\nok\nexplored sim 8: 3 seeds (calm) of 8 harts, 40 kernel entries\n",
        );
        assert_eq!(explored.summary(), "125 executions, 3 seeds, 40 kernel entries");
        assert_eq!(explored.lines.len(), 3);
        let mut sum = Explored::default();
        assert!(sum.is_empty());
        sum.merge(explored.clone());
        sum.merge(explored);
        assert_eq!(sum.summary(), "250 executions, 6 seeds, 80 kernel entries");
    }
}

//! Figures: how they are read off a console, kept, and compared.

use std::path::Path;

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

/// What may be lost against what is recorded, in per mille.
const TOLERANCE: u64 = 20;
/// The same where another compiler, or another QEMU with its firmware, was recorded: both have a part in most figures.
const TOLERANCE_OTHERS: u64 = 250;

/// One figure.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figure {
    /// What was done.
    pub row: String,
    /// Harts of the machine.
    pub harts: u16,
    /// Its doorbells.
    pub doorbells: String,
    /// Tasks beside those that the row needs.
    pub tasks: u32,
    /// Operations in a sample.
    pub per: u32,
    /// How often it was measured.
    pub samples: u32,
    /// Instructions of the sample in the middle.
    pub p50: u64,
    /// Instructions of the worst.
    pub worst: u64,
}

/// All figures of a measurement, and what they were measured with.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// QEMU's version.
    pub qemu: String,
    /// Digest of the firmware.
    pub firmware: String,
    /// The compiler, with libcore and linker.
    pub compiler: String,
    /// The figures, in the order in which they are shown.
    pub figures: Vec<Figure>,
}

impl Figure {
    /// Reads a line of the program `bench`, or nothing if it is none.
    ///
    /// # Errors
    /// A line that begins like one and is none.
    pub fn read(line: &str, harts: u16, doorbells: &str) -> anyhow::Result<Option<Figure>> {
        let words: Vec<&str> = line.split_whitespace().collect();
        let ["bench", row, rest @ ..] = &words[..] else { return Ok(None) };
        let ["tasks", tasks, "samples", samples, "per", per, "p50", p50, "worst", worst] = rest else {
            anyhow::bail!("the program bench says: {line}");
        };
        let bad = || format!("the program bench says: {line}");
        Ok(Some(Figure {
            row: (*row).to_owned(),
            harts,
            doorbells: doorbells.to_owned(),
            tasks: tasks.parse().with_context(bad)?,
            per: per.parse().with_context(bad)?,
            samples: samples.parse().with_context(bad)?,
            p50: p50.parse().with_context(bad)?,
            worst: worst.parse().with_context(bad)?,
        }))
    }

    /// What one operation of a sample took, rounded up.
    pub fn each(&self, sample: u64) -> u64 {
        sample.div_ceil(u64::from(self.per.max(1)))
    }

    /// Whether both are of the same row, on the same machine.
    pub fn same_case(&self, other: &Figure) -> bool {
        (&self.row, self.harts, &self.doorbells, self.tasks)
            == (&other.row, other.harts, &other.doorbells, other.tasks)
    }

    /// What it is of, for people.
    pub fn name(&self) -> String {
        let harts = if self.harts == 1 { "1 hart".to_owned() } else { format!("{} harts", self.harts) };
        let machine = format!("{}, {harts}, doorbells {}", self.row, self.doorbells);
        match self.tasks {
            0 => machine,
            tasks => format!("{machine}, {tasks} tasks beside"),
        }
    }
}

impl Figures {
    /// Reads what was recorded.
    pub fn from_file(path: &Path) -> anyhow::Result<Figures> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is not what bench records", path.display()))
    }

    /// Writes them.
    pub fn write(&self, path: &Path) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(self)? + "\n";
        std::fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }

    /// Whether both were measured with the same compiler, QEMU and firmware.
    pub fn same_tools(&self, other: &Figures) -> bool {
        self.tools() == other.tools()
    }

    /// All that has a part in the figures beside the source.
    pub fn tools(&self) -> String {
        format!("{}, QEMU {}, firmware {:.8}", self.compiler, self.qemu, self.firmware)
    }

    /// What is worse than recorded, or cannot be compared: a line each.
    pub fn worse_than(&self, recorded: &Figures) -> Vec<String> {
        let tolerance = if self.same_tools(recorded) { TOLERANCE } else { TOLERANCE_OTHERS };
        let mut lines = Vec::new();
        for figure in &self.figures {
            let Some(before) = recorded.figures.iter().find(|before| before.same_case(figure)) else {
                lines.push(format!("{}: nothing is recorded", figure.name()));
                continue;
            };
            if (figure.per, figure.samples) != (before.per, before.samples) {
                lines.push(format!("{}: a sample is another than what is recorded", figure.name()));
                continue;
            }
            for (what, now, then) in [("p50", figure.p50, before.p50), ("worst", figure.worst, before.worst)]
            {
                if now * 1000 > then * (1000 + tolerance) {
                    lines.push(format!("{}: {what} is {now}, recorded {then}", figure.name()));
                }
            }
        }
        let gone =
            recorded.figures.iter().filter(|before| !self.figures.iter().any(|now| now.same_case(before)));
        lines.extend(gone.map(|before| format!("{}: recorded, and not measured any more", before.name())));
        lines
    }

    /// How many are what is recorded, to the digit.
    pub fn same_as(&self, recorded: &Figures) -> usize {
        self.figures.iter().filter(|figure| recorded.figures.contains(figure)).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LINE: &str = "bench null tasks 10 samples 1000 per 2 p50 446 worst 460";

    fn figures(p50: u64, worst: u64) -> Figures {
        let figure = Figure { p50, worst, ..Figure::read(LINE, 2, "sbi").unwrap().unwrap() };
        Figures { qemu: "q".into(), firmware: "f".into(), compiler: "c".into(), figures: vec![figure] }
    }

    #[test]
    fn lines_of_the_program_are_read() {
        let figure = Figure::read(LINE, 2, "sbi").unwrap().unwrap();
        assert_eq!(
            (figure.name(), figure.each(figure.p50), figure.worst),
            ("null, 2 harts, doorbells sbi, 10 tasks beside".into(), 223, 460)
        );
        assert_eq!(Figure::read("KINIT: boot ok", 1, "sbi").unwrap(), None);
        for bad in ["bench: no such row", "benchmark"] {
            assert_eq!(Figure::read(bad, 1, "sbi").unwrap(), None);
        }
        for bad in ["bench null", "bench null tasks x samples 1000 per 2 p50 446 worst 460"] {
            assert!(Figure::read(bad, 1, "sbi").unwrap_err().to_string().contains(bad));
        }
    }

    #[test]
    fn two_per_cent_may_be_lost_and_no_more() {
        let recorded = figures(1000, 2000);
        assert_eq!(figures(1020, 2040).worse_than(&recorded), Vec::<String>::new());
        assert_eq!(figures(900, 100).worse_than(&recorded), Vec::<String>::new());
        let name = "null, 2 harts, doorbells sbi, 10 tasks beside";
        assert_eq!(
            figures(1021, 2000).worse_than(&recorded),
            [format!("{name}: p50 is 1021, recorded 1000")]
        );
        assert_eq!(
            figures(1000, 2041).worse_than(&recorded),
            [format!("{name}: worst is 2041, recorded 2000")]
        );
        let mut longer = figures(1000, 2000);
        longer.figures[0].per = 4;
        assert_eq!(
            longer.worse_than(&recorded),
            [format!("{name}: a sample is another than what is recorded")]
        );
        let none = Figures { figures: Vec::new(), ..figures(0, 0) };
        assert_eq!(figures(1, 1).worse_than(&none), [format!("{name}: nothing is recorded")]);
        assert_eq!(none.worse_than(&recorded), [format!("{name}: recorded, and not measured any more")]);
        let others = Figures { compiler: "d".into(), ..figures(1250, 2500) };
        assert_eq!(others.worse_than(&recorded), Vec::<String>::new());
        let others = Figures { compiler: "d".into(), ..figures(1251, 2500) };
        assert_eq!(others.worse_than(&recorded), [format!("{name}: p50 is 1251, recorded 1000")]);
        assert_eq!((figures(1000, 2000).same_as(&recorded), figures(1000, 1).same_as(&recorded)), (1, 0));
    }
}

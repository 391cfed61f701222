//! The console as the judge reads it, line by line, while the run goes on or afterwards.

use crate::markers::{Expected, INIT, SELFTEST, expected};

/// Words that no line of a green run contains.
const DENIED: [&str; 3] = ["FAIL", "PANIC", "panicked"];

/// What one console line was.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Line {
    /// The marker with this index in the list of expected ones, in its place.
    Marker(usize),
    /// Nothing that concerns the judge.
    Other,
    /// Something that makes the run red, in words.
    Red(String),
}

/// The list of expected markers and how far it has come.
#[derive(Clone, Debug)]
pub struct Checklist {
    expected: Vec<Expected>,
    smp_judged: bool,
    /// Line number (from 1) at which each marker was printed first.
    printed: Vec<Option<usize>>,
    /// Whether each was printed again or out of its place.
    misplaced: Vec<bool>,
    next: usize,
    lines: usize,
    reasons: Vec<String>,
}

impl Checklist {
    /// An empty checklist for a run on `cpus` CPUs. Without `smp_judged` SMP lines may be printed or not.
    pub fn new(cpus: u16, smp_judged: bool) -> Checklist {
        let expected = expected(cpus);
        let (printed, misplaced) = (vec![None; expected.len()], vec![false; expected.len()]);
        Checklist { expected, smp_judged, printed, misplaced, next: 0, lines: 0, reasons: Vec::new() }
    }

    /// A checklist that has read a whole console.
    pub fn read(cpus: u16, smp_judged: bool, console: &[u8]) -> Checklist {
        let mut list = Checklist::new(cpus, smp_judged);
        for line in console.split(|&byte| byte == b'\n') {
            list.line(&String::from_utf8_lossy(line));
        }
        list
    }

    /// The expected markers, in order.
    pub fn expected(&self) -> &[Expected] {
        &self.expected
    }

    /// Whether the marker with this index was printed.
    pub fn has(&self, index: usize) -> bool {
        self.printed.get(index).is_some_and(|at| at.is_some())
    }

    /// Whether the marker with this index was printed again, or out of its place.
    pub fn misplaced(&self, index: usize) -> bool {
        self.misplaced[index]
    }

    /// Whether the last marker was printed.
    pub fn done(&self) -> bool {
        self.printed.last().is_some_and(|at| at.is_some())
    }

    /// Everything that makes the console red so far, missing markers not included.
    pub fn reasons(&self) -> &[String] {
        &self.reasons
    }

    /// Whether the marker with this index must be there.
    pub fn required(&self, index: usize) -> bool {
        self.smp_judged || !self.expected[index].smp
    }

    /// The first required marker that is missing: its index.
    pub fn missing(&self) -> Option<usize> {
        (0..self.expected.len()).find(|&i| self.required(i) && !self.has(i))
    }

    /// Takes the next line, without its line feed.
    pub fn line(&mut self, line: &str) -> Line {
        self.lines += 1;
        let line = line.strip_suffix('\r').unwrap_or(line);
        let verdict = self.classify(line);
        match &verdict {
            Line::Marker(index) => {
                self.printed[*index] = Some(self.lines);
                self.next = index + 1;
            }
            Line::Red(reason) => self.reasons.push(reason.clone()),
            Line::Other => {}
        }
        verdict
    }

    fn classify(&mut self, line: &str) -> Line {
        if let Some(word) = DENIED.into_iter().find(|word| line.contains(word)) {
            return Line::Red(format!("line {} contains the denied word {word}: {line:?}", self.lines));
        }
        let Some(index) = self.expected.iter().position(|marker| marker.text == line) else {
            return match self.stray(line) {
                Some(reason) => Line::Red(format!("line {}: {reason}: {line:?}", self.lines)),
                None => Line::Other,
            };
        };
        if let Some(first) = self.printed[index] {
            self.misplaced[index] = true;
            return Line::Red(format!("line {}: {line:?} was printed before, at line {first}", self.lines));
        }
        if index < self.next {
            self.printed[index] = Some(self.lines);
            self.misplaced[index] = true;
            let after = &self.expected[self.next - 1].text;
            return Line::Red(format!("line {}: {line:?} came after {after:?}", self.lines));
        }
        // What is skipped here and never comes is reported as missing; what comes later is reported as out of order.
        Line::Marker(index)
    }

    /// Why a line that is no expected marker is wrong, if it is.
    fn stray(&self, line: &str) -> Option<&'static str> {
        if line.contains(SELFTEST) {
            let inside = self.expected.iter().any(|marker| line.contains(&marker.text));
            return Some(match inside {
                true => "a marker shares its line with other text",
                false if !self.expected.iter().any(|m| m.smp) => {
                    "a self-test line that has no place in a run on one CPU"
                }
                false => "a self-test line that nobody expects",
            });
        }
        let boot = line.find(INIT).map(|at| line[at + INIT.len()..].trim())?;
        let marker_like = boot == "boot ok" || (boot.starts_with("cpu") && boot.ends_with("online"));
        marker_like.then_some("a boot marker that nobody expects, or not on a line of its own")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(cpus: u16) -> String {
        let lines: Vec<String> = expected(cpus).into_iter().map(|line| line.text + "\r\n").collect();
        format!("OpenSBI v1.5\r\n{}", lines.concat())
    }

    fn red(cpus: u16, console: &str) -> bool {
        let list = Checklist::read(cpus, true, console.as_bytes());
        !list.reasons().is_empty() || list.missing().is_some()
    }

    #[test]
    fn exact_lines_in_order_are_accepted() {
        for cpus in [1, 2, 64] {
            assert!(!red(cpus, &good(cpus)), "{:?}", Checklist::read(cpus, true, good(cpus).as_bytes()));
        }
    }

    #[test]
    fn each_marker_must_be_there_once_in_its_place_alone_on_its_line() {
        let lines: Vec<String> = good(3).lines().map(str::to_owned).collect();
        for at in 1..lines.len() {
            let mut dropped = lines.clone();
            dropped.remove(at);
            assert!(red(3, &dropped.join("\n")), "without {}", lines[at]);
            let mut doubled = lines.clone();
            doubled.insert(at, lines[at].clone());
            assert!(red(3, &doubled.join("\n")), "with two {}", lines[at]);
            if at + 1 < lines.len() {
                let mut swapped = lines.clone();
                swapped.swap(at, at + 1);
                assert!(red(3, &swapped.join("\n")), "with {} late", lines[at]);
            }
            let mut glued = lines.clone();
            glued[at].insert_str(0, "hello ");
            assert!(red(3, &glued.join("\n")), "with text before {}", lines[at]);
        }
    }

    #[test]
    fn denied_words_and_unknown_lines_are_red() {
        for line in [
            "KSELFTEST: FAIL x",
            "PANIC on cpu1",
            "thread panicked",
            "KSELFTEST: new thing ok",
            "KINIT: cpu7 online",
        ] {
            assert!(red(2, &format!("{}{line}\n", good(2))), "{line}");
        }
        assert!(!red(2, &format!("{}KINIT: doorbell by SBI IPI\nhello\n", good(2))));
    }

    #[test]
    fn smp_lines_are_red_on_one_cpu_and_optional_when_not_judged() {
        for line in expected(2).into_iter().filter(|line| line.smp) {
            assert!(red(1, &format!("{}\n{}", line.text, good(1))), "{}", line.text);
        }
        let base: String = expected(2).into_iter().filter(|l| !l.smp).map(|l| l.text + "\n").collect();
        for console in [base.clone(), good(2)] {
            let list = Checklist::read(2, false, console.as_bytes());
            assert!(list.reasons().is_empty() && list.missing().is_none(), "{list:?}");
        }
        assert!(Checklist::read(2, true, base.as_bytes()).missing().is_some());
    }

    /// What the checklist says of these lines, one after the other.
    fn verdicts(cpus: u16, lines: &[&str]) -> Vec<Line> {
        let mut list = Checklist::new(cpus, true);
        lines.iter().map(|line| list.line(line)).collect()
    }

    #[test]
    fn reasons_name_line_and_cause() {
        let says = |cpus: u16, line: &str, reason: &str| {
            let expected = [Line::Other, Line::Red(format!("line 2: {reason}: {line:?}"))];
            assert_eq!(verdicts(cpus, &["OpenSBI", line]), expected);
        };
        let one = "a self-test line that has no place in a run on one CPU";
        says(1, "KSELFTEST: work stealing ok", one);
        says(2, "KSELFTEST: new thing ok", "a self-test line that nobody expects");
        says(2, "hello KSELFTEST: timer ok", "a marker shares its line with other text");
        let boot = "a boot marker that nobody expects, or not on a line of its own";
        says(2, "KINIT: cpu7 online", boot);
        says(2, "hello KINIT:  boot ok ", boot);
        for other in ["KINIT: cpu1 has Sstc", "KINIT: 2 harts online", "KINIT: boot", "cpu7 online"] {
            assert_eq!(verdicts(2, &[other]), [Line::Other]);
        }
        let denied = r#"line 1 contains the denied word PANIC: "x PANIC""#;
        assert_eq!(verdicts(2, &["x PANIC"]), [Line::Red(denied.to_owned())]);
        let [first, second, third] = [0, 1, 2].map(|at| expected(2)[at].text.clone());
        let late = format!("line 3: {second:?} came after {third:?}");
        let twice = format!("line 4: {first:?} was printed before, at line 1");
        assert_eq!(
            verdicts(2, &[&first, &third, &second, &first]),
            [Line::Marker(0), Line::Marker(2), Line::Red(late), Line::Red(twice)]
        );
        let stale = format!("line 3: {second:?} was printed before, at line 2");
        assert_eq!(verdicts(2, &[&third, &second, &second])[2], Line::Red(stale), "one that came late");
    }

    #[test]
    fn done_with_the_last_marker() {
        let mut list = Checklist::new(1, true);
        for line in expected(1) {
            assert!(!list.done());
            list.line(&line.text);
        }
        assert!(list.done() && list.missing().is_none());
    }
}

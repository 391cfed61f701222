//! The judge's console reader.

use antler_proof::{Checklist, Line, expected_markers};

pub(super) const WORDS: &[&[u8]] = &[
    b"KINIT: boot ok\r\n",
    b"KINIT: cpu1 online\r\n",
    b"KSELFTEST: trap ok\r\n",
    b"KSELFTEST: done\r\n",
    b"KSELFTEST: ",
    b"KINIT: ",
    b"FAIL",
    b"PANIC",
    b"panicked",
    b"\r\n",
    b"\n",
    b"\xff",
];

pub(super) fn run(data: &[u8]) {
    for (cpus, smp_judged) in [(1, false), (1, true), (2, false), (2, true), (4, true)] {
        read(cpus, smp_judged, data);
    }
}

fn read(cpus: u16, smp_judged: bool, data: &[u8]) {
    let list = Checklist::read(cpus, smp_judged, data);
    let expected = expected_markers(cpus);
    let green = |list: &Checklist| list.reasons().is_empty() && list.missing().is_none();
    let lines: Vec<String> = data
        .split(|&byte| byte == b'\n')
        .map(|line| String::from_utf8_lossy(line.strip_suffix(b"\r").unwrap_or(line)).into_owned())
        .collect();
    let places = |text: &str| -> Vec<usize> {
        lines.iter().enumerate().filter(|(_, line)| *line == text).map(|(at, _)| at).collect()
    };
    let denied = |line: &String| ["FAIL", "PANIC", "panicked"].iter().any(|word| line.contains(word));
    assert!(!lines.iter().any(denied) || !list.reasons().is_empty(), "a denied word went unseen");
    if green(&list) {
        let mut last = None;
        for (index, marker) in expected.iter().enumerate() {
            match places(&marker.text)[..] {
                [] => assert!(marker.smp && !smp_judged, "green without {:?}", marker.text),
                [at] => {
                    assert!(list.has(index) && last.is_none_or(|before| before < at), "green out of order");
                    last = Some(at);
                }
                _ => panic!("green with {:?} twice", marker.text),
            }
        }
        let known = |line: &&String| expected.iter().any(|marker| marker.text == **line);
        let stray = lines.iter().filter(|line| line.contains("KSELFTEST:")).find(|line| !known(line));
        assert_eq!(stray, None, "green with a self-test line that nobody expects");
        // Green does not survive a marker more, nor one less.
        let again = [data, b"\nKSELFTEST: done\n"].concat();
        assert!(!green(&Checklist::read(cpus, smp_judged, &again)), "green with a second end");
    }
    bit_by_bit(cpus, smp_judged, data, &list);
}

/// The console read while it comes, line by line, ends where the whole does.
fn bit_by_bit(cpus: u16, smp_judged: bool, data: &[u8], whole: &Checklist) {
    let mut list = Checklist::new(cpus, smp_judged);
    let mut reds = 0;
    for line in data.split(|&byte| byte == b'\n').map(String::from_utf8_lossy) {
        match list.line(&line) {
            Line::Red(reason) => {
                reds += 1;
                assert!(!reason.is_empty());
            }
            Line::Marker(index) => {
                assert_eq!(list.expected()[index].text, line.strip_suffix('\r').unwrap_or(&line))
            }
            Line::Other => {}
        }
    }
    assert_eq!((list.reasons(), reds), (whole.reasons(), whole.reasons().len()));
    assert_eq!((list.missing(), list.done()), (whole.missing(), whole.done()));
}

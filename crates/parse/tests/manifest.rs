//! The manifest reader.

use antler_abi::{ARGS_MAX, Qos, Rights};
use antler_parse::manifest::{HEADER, MAX_PROGRAMS, ManifestErrorKind, Program, parse};
use proptest::prelude::*;

fn program(name: &str, qos: Qos, rights: Rights, args: &[&str]) -> Program {
    Program { name: name.into(), qos, rights, args: args.iter().map(|&arg| arg.into()).collect() }
}

#[test]
fn a_manifest_is_read() {
    let text = "antler-manifest 1\n\
        # what to run\n\
        \n\
        program sha256\n\
        \x20 qos interactive\n\
        \x20   right pin\n\
        right qos\n\
        \tright pin\n\
        \x20 arg some file.bin\n\
        \x20 arg  # two spaces, no comment \n\
        \x20 # a comment\n\
        arg\n\
        arg \n\
        \x20\n\
        program sha256\n\
        program x.Y_2-z \n";
    let expected = [
        program(
            "sha256",
            Qos::Interactive,
            Rights::PIN | Rights::QOS,
            &["some file.bin", " # two spaces, no comment ", "", ""],
        ),
        program("sha256", Qos::Normal, Rights::empty(), &[]),
        program("x.Y_2-z", Qos::Normal, Rights::empty(), &[]),
    ];
    assert_eq!(parse(text.as_bytes()).unwrap(), expected);
    assert_eq!(parse(text.trim_end().as_bytes()).unwrap(), expected);
    assert_eq!(parse(HEADER.as_bytes()).unwrap(), []);
}

/// Refuses `lines` after the header, with this text and line number.
#[track_caller]
fn refused(lines: &str, line: usize, text: &str) {
    let error = parse(format!("{HEADER}\n{lines}").as_bytes()).unwrap_err();
    assert_eq!((error.line, error.to_string()), (line, format!("manifest, line {line}: {text}")));
}

#[test]
fn errors_name_line_and_expectation() {
    for bad in ["", " antler-manifest 1", "antler-manifest 1 ", "antler-manifest 2", "antler-manifest 1\r\n"]
    {
        let error = parse(bad.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), "manifest, line 1: expected exactly `antler-manifest 1`", "{bad:?}");
    }
    let error = parse(b"antler-manifest 1\nprogram a\narg \xff\n").unwrap_err();
    assert_eq!((error.line, error.kind), (3, ManifestErrorKind::NotUtf8));
    refused(
        "program a\nargs x",
        3,
        "unknown word `args`; expected program, qos, right, arg or a comment (#)",
    );
    for word in ["qos idle", "right pin", "arg"] {
        refused(&format!("\n{word}"), 3, "expected `program NAME` before this line");
    }
    for name in ["", "a b", "a/b", "..", ".a", "ä", "a\r"] {
        let shown = name.trim_ascii();
        let text = format!(
            "`{shown}` is no program name; expected letters, digits, `.`, `_` or `-`, and not a leading `.`"
        );
        if shown != "a" {
            refused(&format!("program {name}"), 2, &text);
        }
    }
    refused(
        "program a\n qos high",
        3,
        "no QoS class is called `high`; expected one of idle normal interactive perfburst",
    );
    refused("program a\nqos idle\nqos idle", 4, "second `qos` for one program; expected one at most");
    refused(
        "program a\nright root",
        3,
        "no right is called `root`; expected one of qos resched pin hotplug selftest",
    );
    refused("program a\narg x\0y", 3, "NUL in an argument");
    let many = "program a\n".repeat(MAX_PROGRAMS);
    assert_eq!(parse(format!("{HEADER}\n{many}").as_bytes()).unwrap().len(), MAX_PROGRAMS);
    refused(&format!("{many}program b"), 66, "more than 64 programs");
}

#[test]
fn arguments_are_bounded_per_program() {
    let full = format!("arg {}\narg {}\n", "x".repeat(ARGS_MAX - 10), "y".repeat(8));
    let two = format!("{HEADER}\nprogram a\n{full}program b\n{full}");
    assert_eq!(parse(two.as_bytes()).unwrap().len(), 2);
    refused(&format!("program a\n{full}arg"), 5, "this program's arguments take more than 16384 bytes");
}

#[test]
fn long_words_are_not_repeated_at_length() {
    let error = parse(format!("{HEADER}\n{}", "ä".repeat(10_000)).as_bytes()).unwrap_err();
    assert!(error.to_string().len() < 300, "{error}");
}

fn any_program() -> impl Strategy<Value = Program> {
    let qos = proptest::sample::select(&Qos::ALL[..]);
    let rights = (0..=Rights::all().bits()).prop_map(Rights::from_bits_truncate);
    let args = proptest::collection::vec("[^\\x00\\n]{0,40}", 0..6);
    ("[A-Za-z0-9_-][A-Za-z0-9._-]{0,20}", qos, rights, args).prop_map(|(name, qos, rights, args)| Program {
        name,
        qos,
        rights,
        args,
    })
}

fn write(programs: &[Program]) -> String {
    let mut out = format!("{HEADER}\n");
    for program in programs {
        out += &format!("program {}\n  qos {}\n", program.name, program.qos);
        for (name, right) in Rights::NAMES {
            if program.rights.contains(right) {
                out += &format!("  right {name}\n");
            }
        }
        program.args.iter().for_each(|arg| out += &format!("  arg {arg}\n"));
    }
    out
}

proptest! {
    #[test]
    fn manifests_round_trip(programs in proptest::collection::vec(any_program(), 0..10)) {
        prop_assert_eq!(parse(write(&programs).as_bytes()).unwrap(), programs);
    }

    #[test]
    fn random_bytes_are_survived(bytes in proptest::collection::vec(any::<u8>(), 0..300), header: bool) {
        let mut text = if header { format!("{HEADER}\nprogram a\n").into_bytes() } else { Vec::new() };
        text.extend(bytes);
        let _ = parse(&text);
    }

    #[test]
    fn random_lines_are_survived(lines in proptest::collection::vec("( *)(program|qos|right|arg|#)?( ?).{0,10}", 0..20)) {
        let _ = parse(format!("{HEADER}\n{}", lines.join("\n")).as_bytes());
    }

    /// The first wrong line is named, whatever stands around it.
    #[test]
    fn the_first_wrong_line_is_named(
        programs in proptest::collection::vec(any_program(), 1..4),
        wrong in proptest::sample::select(&[
            "program", "program .hidden", "program a/b", "program ..", "qos", "qos High", "right", "right all",
            "args x", "Program a", "arg a\0b", "\u{e4}", "program a b",
        ][..]),
        after in "[a-z \\n]{0,40}",
    ) {
        let good = write(&programs);
        let lines = good.matches('\n').count();
        let error = parse(format!("{good}{wrong}\n{after}").as_bytes()).unwrap_err();
        prop_assert_eq!(error.line, lines + 1, "{}", error);
    }
}

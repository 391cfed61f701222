//! The manifest reader.

use antler_abi::{ARGS_MAX, Rights};
use antler_parse::manifest::{HEADER, MAX_PROGRAMS, ManifestErrorKind, Program, parse};

use super::readable;

pub(super) const WORDS: &[&[u8]] = &[
    b"antler-manifest 1\n",
    b"\nprogram ",
    b"\nqos ",
    b"\nright ",
    b"\narg ",
    b"\n#",
    b"interactive",
    b"perfburst",
    b"selftest",
    b"hotplug",
    b"\0",
    b"\r\n",
    b"\xc3\xa4",
];

pub(super) fn run(data: &[u8]) {
    read(data);
    let mut headed = HEADER.as_bytes().to_vec();
    headed.push(b'\n');
    headed.extend_from_slice(data);
    read(&headed);
}

fn read(data: &[u8]) {
    match parse(data) {
        Ok(programs) => {
            holds(&programs, data);
            assert_eq!(
                parse(written(&programs).as_bytes()).as_ref(),
                Ok(&programs),
                "changed by writing it anew"
            );
        }
        Err(error) => {
            let lines = data.iter().filter(|&&byte| byte == b'\n').count() + 1;
            assert!((1..=lines).contains(&error.line), "line {} of {lines}", error.line);
            readable(&error);
            // What comes before the line is no part of the trouble: cut there, the text is a manifest. (Whether all of
            // it is text is asked first.)
            if error.line > 1 && error.kind != ManifestErrorKind::NotUtf8 {
                let before: Vec<&[u8]> = data.split(|&byte| byte == b'\n').take(error.line - 1).collect();
                let cut = parse(&before.join(&b'\n'));
                assert!(cut.is_ok(), "line {} was not the first wrong one: {cut:?}", error.line);
            }
        }
    }
}

/// What `Program` promises.
fn holds(programs: &[Program], data: &[u8]) {
    assert!(data.starts_with(HEADER.as_bytes()) && programs.len() <= MAX_PROGRAMS);
    for program in programs {
        let safe = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        assert!(!program.name.is_empty() && program.name.bytes().all(safe), "name {:?}", program.name);
        assert!(!program.name.starts_with('.'), "a hidden file, or a folder above");
        assert!(Rights::all().contains(program.rights));
        assert!(program.args.iter().all(|arg| !arg.contains(['\0', '\n'])));
        assert!(program.args.iter().map(|arg| arg.len() + 1).sum::<usize>() <= ARGS_MAX);
    }
}

fn written(programs: &[Program]) -> String {
    let mut text = format!("{HEADER}\n");
    for program in programs {
        text += &format!("program {}\nqos {}\n", program.name, program.qos);
        for (name, _) in Rights::NAMES.iter().filter(|(_, right)| program.rights.contains(*right)) {
            text += &format!("right {name}\n");
        }
        program.args.iter().for_each(|arg| text += &format!("arg {arg}\n"));
    }
    text
}

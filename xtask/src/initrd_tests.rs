use antler_parse::initrd::Archive;

use super::*;
use crate::exit::Exit;

fn temp(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("antler-initrd-{}-{name}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    folder
}

#[test]
fn what_is_written_is_what_the_kernel_reads() {
    let folder = temp("read");
    let elf = folder.join("elf");
    std::fs::write(&elf, b"\x7fELF").unwrap();
    let (empty, block) = (folder.join("empty"), folder.join("block"));
    std::fs::write(&empty, b"").unwrap();
    std::fs::write(&block, [7; 513]).unwrap();
    let long = format!("/deep/{}/name", "é".repeat(100));
    let make = || {
        Initrd::builder()
            .program(&elf, "one", Qos::Interactive, Rights::PIN | Rights::QOS, ["a b", "", " c"])
            .program(&elf, "one", Qos::Normal, Rights::empty(), ["again"])
            .file("./empty", &empty)
            .file(&long, &block)
            .file("/abs/../elf", &elf)
            .finish()
            .unwrap()
    };
    let (first, second) = (folder.join("first"), folder.join("second"));
    make().write(&first).unwrap();
    make().write(&second).unwrap();
    let bytes = std::fs::read(&first).unwrap();
    assert_eq!(bytes, std::fs::read(&second).unwrap());
    assert_eq!(bytes.len() as u64, make().size());

    let archive = Archive::new(&bytes).unwrap();
    let names: Vec<&str> = archive.iter().map(|file| file.name).collect();
    assert_eq!(names, ["manifest", "bin/one", "empty", &long, "/abs/../elf"]);
    assert_eq!(archive.find(&long).unwrap().data, [7; 513]);
    let programs = antler_parse::manifest::parse(archive.find("manifest").unwrap().data).unwrap();
    assert_eq!(programs.len(), 2);
    assert_eq!(programs[0].rights, Rights::PIN | Rights::QOS);
    assert_eq!(programs[0].args, ["a b", "", " c"]);
    assert_eq!(programs[1].qos, Qos::Normal);
    std::fs::remove_dir_all(folder).unwrap();
}

#[test]
fn bad_input_is_refused_by_name() {
    let folder = temp("refused");
    let (here, gone) = (folder.join("here"), folder.join("gone"));
    std::fs::write(&here, b"x").unwrap();
    let program = |name: &str, arg: &str| {
        Initrd::builder().program(&here, name, Qos::Normal, Rights::empty(), [arg.to_owned()])
    };
    let cases = [
        (Initrd::builder().file("gone", &gone), "gone: cannot be read"),
        (Initrd::builder().file("folder", &folder), "not a regular file"),
        (
            Initrd::builder().file("a", &here).file("./a", &here),
            "two files of the initrd would be called \"a\"",
        ),
        (Initrd::builder().file("manifest", &here), "\"manifest\""),
        (Initrd::builder().file("a\nb", &here), "line break"),
        (Initrd::builder().file(&"a".repeat(256), &here), "longer than 255"),
        (Initrd::builder().file("", &here), "is empty"),
        (program("p", "two\nlines"), "line break"),
        (program("p", &"x".repeat(ARGS_MAX)), "at most"),
        (program("bad name", "x"), "bad name"),
        (program("p", "x").program(&folder, "p", Qos::Normal, Rights::empty(), [""; 0]), "bin/p"),
    ];
    for (builder, text) in cases {
        let error = builder.finish().unwrap_err();
        assert!(error.to_string().contains(text), "{error} does not say {text:?}");
        assert_eq!(Fail::exit_of(&error), Exit::Usage);
    }
    std::fs::remove_dir_all(folder).unwrap();
}

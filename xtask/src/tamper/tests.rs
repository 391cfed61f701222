use std::path::Path;

use super::change::Change;
use super::image::Code;
use super::pattern::{Place, like};
use super::table::Table;

/// Instructions one behind the other, as they are encoded: 4 bytes when the low two bits are set, else 2.
fn code(words: &[u32]) -> Vec<Code> {
    let mut at = 0x1000;
    let mut next = |word: u32| {
        let bytes = word.to_le_bytes();
        let code = Code::read(at, if word & 3 == 3 { &bytes } else { &bytes[..2] }).expect("an instruction");
        at += code.bytes.len() as u64;
        code
    };
    words.iter().map(|word| next(*word)).collect()
}

fn one(word: u32) -> Code {
    code(&[word]).remove(0)
}

fn place(text: &str) -> Place {
    toml::from_str(text).expect("a place")
}

/// What becomes of an instruction, as text; `None`: it cannot be changed so.
fn changed(word: u32, change: Change) -> Option<String> {
    change.of(&one(word)).ok().map(|code| code.text)
}

#[test]
fn patterns_stand_for_texts() {
    for (pattern, text) in [
        ("ecall", "ecall"),
        ("*", "ecall"),
        ("csrw satp,*", "csrw satp,a0"),
        ("b*z *", "beqz a0,0x10"),
        ("sd *,0(*)", "sd a0,0(a2)"),
    ] {
        assert!(like(pattern, text), "{pattern} is {text}");
    }
    for (pattern, text) in [
        ("ecall", "ebreak"),
        ("ecall", "ecall "),
        ("csrw satp,*", "csrw sie,zero"),
        ("b*z *", "bgeu a0,a1,0x10"),
        ("sd *,0(*)", "sd a0,8(a2)"),
        ("", "nop"),
    ] {
        assert!(!like(pattern, text), "{pattern} is not {text}");
    }
}

#[test]
fn neighbours_must_fit_too() {
    // ld sp,24(tp); li s0,0; ld sp,32(tp); ecall
    let code = code(&[0x0182_3103, 0x4401, 0x0202_3103, 0x73]);
    let found = |text: &str| -> Vec<usize> {
        let place = place(text);
        (0..code.len()).filter(|&at| place.reads(&code, at)).collect()
    };
    assert_eq!(found(r#"find = "ld sp,*""#), [0, 2]);
    assert_eq!(found("find = 'ld sp,*'\nbefore = ['ecall']"), [2]);
    assert_eq!(found("find = 'ld sp,*'\nafter = ['li *']"), [2]);
    assert_eq!(found("find = 'ld sp,*'\nafter = ['ld *', 'li *']\nbefore = ['ecall']"), [2]);
    assert_eq!(found("find = 'ld sp,*'\nbefore = ['li *']"), [0]);
    assert_eq!(found("find = 'ecall'\nbefore = ['*']"), [0usize; 0], "nothing is behind the end");
    assert_eq!(found("find = 'ld *'\nafter = ['*']"), [2], "nor before the beginning");
}

#[test]
fn too_few_and_too_many_are_an_error_that_names_them() {
    let code = code(&[0x73, 0x73]);
    let all: Vec<&Code> = code.iter().collect();
    let error = |text: &str, found: &[&Code]| format!("{:#}", place(text).count(found.to_vec()).unwrap_err());
    assert!(place("find = 'ecall'\nmatches = 2").count(all.clone()).is_ok());
    let many = error("find = 'ecall'", &all);
    assert!(
        many.contains("2 times, not 1")
            && many.contains("0x1004: ecall")
            && many.contains("update the entry")
    );
    assert!(error("find = 'ecall'", &[]).contains("0 times, not 1"));
}

#[test]
fn long_instructions_change_in_the_part_named() {
    let rs1 = |name: &str| Change::Rs1(name.to_owned());
    let rs2 = |name: &str| Change::Rs2(name.to_owned());
    let is = |text: &str| Some(text.to_owned());
    assert_eq!(one(0x0182_3103).text, "ld sp,24(tp)");
    assert_eq!(changed(0x0182_3103, Change::Imm(32)), is("ld sp,32(tp)"));
    assert_eq!(changed(0x0182_3103, Change::Imm(-8)), is("ld sp,-8(tp)"));
    assert_eq!(changed(0x0182_3103, Change::Nop), is("nop"));
    assert_eq!(changed(0x0182_3103, Change::Imm(2048)), None, "it does not fit");
    assert_eq!(changed(0x0182_3103, Change::Imm(24)), None, "nothing would change");
    assert_eq!(changed(0x0182_3103, Change::Invert), None, "no branch");
    assert_eq!(one(0x1402_1373).text, "csrrw t1,sscratch,tp");
    assert_eq!(changed(0x1402_1373, rs1("t1")), is("csrrw t1,sscratch,t1"));
    assert_eq!(changed(0x1402_1373, rs1("x6")), None, "no register's name");
    assert_eq!(one(0x46b6_302f).text, "amoor.d.aqrl zero,a1,(a2)");
    assert_eq!(changed(0x46b6_302f, rs2("zero")), is("amoor.d.aqrl zero,zero,(a2)"));
    assert_eq!(one(0x02a5_f063).text, "bgeu a1,a0,0x1020");
    assert_eq!(changed(0x02a5_f063, Change::Invert), is("bltu a1,a0,0x1020"));
    assert_eq!(one(0x4aa2_3823).text, "sd a0,1200(tp)");
    assert_eq!(changed(0x4aa2_3823, Change::Imm(-16)), is("sd a0,-16(tp)"));
}

#[test]
fn short_instructions_stay_short() {
    let is = |text: &str| Some(text.to_owned());
    assert_eq!(one(0x4505).text, "li a0,1");
    assert_eq!(changed(0x4505, Change::Imm(0)), is("li a0,0"));
    assert_eq!(changed(0x4505, Change::Imm(-32)), is("li a0,-32"));
    assert_eq!(changed(0x4505, Change::Imm(32)), None, "it does not fit");
    assert_eq!(changed(0x4505, Change::Nop), is("nop"));
    assert_eq!(Change::Nop.of(&one(0x4505)).map(|code| code.bytes.len()).ok(), Some(2));
    assert_eq!(one(0xc119).text, "beqz a0,0x1006");
    assert_eq!(changed(0xc119, Change::Invert), is("bnez a0,0x1006"));
    assert_eq!(one(0x850a).text, "mv a0,sp");
    assert_eq!(changed(0x850a, Change::Rs2("tp".to_owned())), is("mv a0,tp"));
    assert_eq!(changed(0x850a, Change::Rs2("zero".to_owned())), None, "that would be a jump");
    assert_eq!(one(0x8bd5).text, "andi a5,a5,21");
    assert_eq!(changed(0x8bd5, Change::Imm(17)), is("andi a5,a5,17"));
    assert_eq!(changed(0x8bd5, Change::Imm(-32)), is("andi a5,a5,-32"));
    assert_eq!(one(0x8d7d).text, "and a0,a0,a5");
    assert_eq!(changed(0x8d7d, Change::Imm(1)), None, "it has none");
    assert_eq!(changed(0x8082, Change::Imm(1)), None, "ret has none");
}

#[test]
fn the_tables_sources_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("a root");
    let table = Table::read(root).expect("a good table");
    for image in table.images() {
        for place in image.patch.iter().map(|patch| &patch.place) {
            assert!(place.symbol.is_some() || !place.source.is_empty(), "{}: anywhere at all", image.name);
            for wanted in &place.source {
                let (file, part) = wanted.split_once(": ").expect("FILE: TEXT");
                let text = std::fs::read_to_string(root.join(file)).expect("a source");
                assert!(
                    text.lines().any(|line| line.contains(part)),
                    "{}: no line of {file} has {part}",
                    image.name
                );
            }
        }
    }
}

#[test]
fn the_compiler_is_read_out_of_what_it_says_of_itself() {
    let said = "clang LLVM (rustc version 1.96.0 (ac68faa20 2026-05-25) (built from a source tarball))";
    assert_eq!(
        super::image::version(said),
        Some("1.96.0 (ac68faa20 2026-05-25) (built from a source tarball)")
    );
    assert_eq!(super::image::version("clang LLVM (rustc version 1.97.0-nightly)"), Some("1.97.0-nightly"));
    assert_eq!(super::image::version("GNU AS 2.40"), None);
}

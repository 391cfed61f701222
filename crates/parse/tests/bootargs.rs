//! The boot argument reader.

use antler_abi::Qos;
use antler_parse::bootargs::{BootArgError, BootArgs, Doorbells, KNOWN, Timers};
use proptest::prelude::*;

fn args(selftest: bool, stats: bool, facts: bool, ceilings: &[(u16, Qos)]) -> BootArgs {
    BootArgs { selftest, stats, facts, ceilings: ceilings.to_vec(), ..BootArgs::default() }
}

#[test]
fn arguments_are_read() {
    let read = |text| BootArgs::parse(text).unwrap();
    assert_eq!(read(""), args(false, false, false, &[]));
    assert_eq!(read(" \t\n"), BootArgs::default());
    assert_eq!(read("selftest"), args(true, false, true, &[]));
    assert_eq!(read("facts=none selftest"), args(true, false, false, &[]));
    assert_eq!(read("selftest facts=none"), args(true, false, false, &[]));
    assert_eq!(read(" stats  facts=all stats "), args(false, true, true, &[]));
    assert_eq!(read("counters"), BootArgs { counters: true, ..BootArgs::default() });
    assert_eq!(read("doorbells=sbi").doorbells, Some(Doorbells::Sbi));
    assert_eq!(read("stats doorbells=sswi").doorbells, Some(Doorbells::Sswi));
    assert_eq!(read("doorbells=imsic timers=sbi").doorbells, Some(Doorbells::Imsic));
    assert_eq!(read("timers=sbi").timers, Some(Timers::Sbi));
    assert_eq!(read("timers=sstc stats").timers, Some(Timers::Sstc));
    assert_eq!(
        read("ceiling=cpu511:idle ceiling=cpu0:perfburst"),
        args(false, false, false, &[(511, Qos::Idle), (0, Qos::PerfBurst)])
    );
}

#[test]
fn errors_name_the_word() {
    let refused = |text: &str| BootArgs::parse(text).unwrap_err();
    for word in [
        "selftests",
        "Selftest",
        "selftest=1",
        "stats=",
        "facts",
        "ceiling",
        "=",
        "quiet",
        "timers",
        "counters=1",
        "console=ttyS0",
        "ä",
    ] {
        let error = refused(&format!("stats {word} quiet2"));
        assert_eq!(error, BootArgError::Unknown(word.into()));
        assert_eq!(error.to_string(), format!("unknown boot argument `{word}`; known are {KNOWN}"));
    }
    let error = refused("facts=some");
    assert_eq!(error.to_string(), "boot argument `facts=some`: expected facts=all or facts=none");
    for value in ["", "clint", "SSWI"] {
        let text = "expected doorbells=sbi, doorbells=sswi or doorbells=imsic";
        let word = format!("doorbells={value}");
        assert_eq!(refused(&word).to_string(), format!("boot argument `{word}`: {text}"));
    }
    for value in ["", "SSTC", "sbi,sstc"] {
        let text = format!("boot argument `timers={value}`: expected timers=sbi or timers=sstc");
        assert_eq!(refused(&format!("timers={value}")).to_string(), text);
    }
    for value in
        ["", "cpu1", "1:idle", "cpu:idle", "cpu+1:idle", "cpu512:idle", "cpu70000:idle", "cpu1:high", "cpu1:"]
    {
        let error = refused(&format!("ceiling={value}"));
        let text = format!(
            "boot argument `ceiling={value}`: expected ceiling=cpuN:CLASS, N from 0 to 511, \
             CLASS one of idle normal interactive perfburst"
        );
        assert_eq!(error.to_string(), text);
    }
    for twice in [
        "facts=all facts=all",
        "timers=sbi timers=sstc",
        "doorbells=sbi doorbells=imsic",
        "ceiling=cpu1:idle ceiling=cpu01:idle",
    ] {
        let word = twice.split(' ').nth(1).unwrap();
        let text = format!("boot argument `{word}`: given before, give it once");
        assert_eq!(refused(twice).to_string(), text);
    }
}

proptest! {
    #[test]
    fn arguments_round_trip(
        selftest: bool,
        stats: bool,
        counters: bool,
        doorbells in proptest::option::of(proptest::sample::select(&[
            ("sbi", Doorbells::Sbi), ("sswi", Doorbells::Sswi), ("imsic", Doorbells::Imsic),
        ][..])),
        timers in proptest::option::of(proptest::sample::select(&[Timers::Sbi, Timers::Sstc][..])),
        facts in any::<Option<bool>>(),
        ceilings in proptest::collection::btree_map(0..512u16, proptest::sample::select(&Qos::ALL[..]), 0..10),
    ) {
        let mut words: Vec<String> =
            ceilings.iter().map(|(cpu, qos)| format!("ceiling=cpu{cpu}:{qos}")).collect();
        if selftest { words.push("selftest".into()); }
        if stats { words.push("stats".into()); }
        if let Some((name, _)) = doorbells { words.push(format!("doorbells={name}")); }
        let doorbells = doorbells.map(|(_, doorbells)| doorbells);
        if counters { words.push("counters".into()); }
        if let Some(timers) = timers {
            words.push(if timers == Timers::Sbi { "timers=sbi".into() } else { "timers=sstc".into() });
        }
        if let Some(all) = facts { words.push(format!("facts={}", if all { "all" } else { "none" })); }
        let expected: Vec<(u16, Qos)> = ceilings.into_iter().collect();
        prop_assert_eq!(
            BootArgs::parse(&words.join(" ")).unwrap(),
            BootArgs { counters, doorbells, timers, ..args(selftest, stats, facts.unwrap_or(selftest), &expected) }
        );
    }

    #[test]
    fn random_text_is_survived(text in "\\PC{0,60}", tail in "(ceiling=cpu|facts=|timers=|doorbells=|:| ).{0,20}") {
        let _ = BootArgs::parse(&text);
        let _ = BootArgs::parse(&(text + &tail));
    }

    /// The first wrong word is named, whatever stands around it.
    #[test]
    fn the_first_wrong_word_is_named(
        before in proptest::collection::vec(proptest::sample::select(&["selftest", "stats"][..]), 0..4),
        wrong in proptest::sample::select(&[
            "Stats", "facts=", "facts=All", "facts", "ceiling=cpu1", "ceiling=cpu512:idle", "ceiling=cpu-1:idle",
            "ceiling=cpu1:Idle", "ceiling=cpu1:idle:", "ceiling=cpu99999999999999999999:idle", "stats=1", "timers=", "timers=SBI", "doorbells=", "doorbells=plic", "--", "==",
        ][..]),
        after in proptest::collection::vec("[a-z=:0-9]{1,12}", 0..4),
    ) {
        let words: Vec<&str> =
            before.iter().copied().chain([wrong]).chain(after.iter().map(String::as_str)).collect();
        let expected = match wrong.split_once('=') {
            Some(("facts", _)) => BootArgError::BadFacts(wrong.into()),
            Some(("doorbells", _)) => BootArgError::BadDoorbells(wrong.into()),
            Some(("timers", _)) => BootArgError::BadTimers(wrong.into()),
            Some(("ceiling", _)) => BootArgError::BadCeiling(wrong.into()),
            _ => BootArgError::Unknown(wrong.into()),
        };
        prop_assert_eq!(BootArgs::parse(&words.join(" ")), Err(expected));
    }
}

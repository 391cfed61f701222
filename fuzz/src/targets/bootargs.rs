//! The boot argument reader.

use antler_abi::Qos;
use antler_parse::board::MAX_HARTS;
use antler_parse::bootargs::{BootArgError, BootArgs, Doorbells, Timers};

pub(super) const WORDS: &[&[u8]] = &[
    b"selftest ",
    b"stats ",
    b"counters ",
    b"doorbells=sbi ",
    b"doorbells=sswi ",
    b"doorbells=imsic ",
    b"timers=sbi ",
    b"timers=sstc ",
    b"facts=all ",
    b"facts=none ",
    b"ceiling=cpu",
    b":idle ",
    b":normal ",
    b":interactive ",
    b":perfburst ",
    b"511",
    b"512",
    b"=",
    b"\t",
    b"\xc3\xa4",
];

pub(super) fn run(data: &[u8]) {
    // The device tree hands on text only; what it would refuse is cut up here, not dropped.
    let text = String::from_utf8_lossy(data);
    match BootArgs::parse(&text) {
        Ok(args) => {
            holds(&args, &text);
            let again = written(&args);
            assert_eq!(BootArgs::parse(&again).as_ref(), Ok(&args), "changed by writing it anew: {again:?}");
            assert!(BootArgs::parse(&format!("{text} nonsense")).is_err());
        }
        Err(error) => {
            assert!(!error.to_string().is_empty());
            let word = match &error {
                BootArgError::Unknown(word)
                | BootArgError::BadFacts(word)
                | BootArgError::BadDoorbells(word)
                | BootArgError::BadTimers(word)
                | BootArgError::BadCeiling(word)
                | BootArgError::Repeated(word) => word,
            };
            let mut words = text.split_ascii_whitespace();
            let at =
                words.position(|given| given == word).expect("the word that was refused is not in the text");
            // Whatever comes before a word that is wrong by itself is right.
            if !matches!(error, BootArgError::Repeated(_)) {
                let before: Vec<&str> = text.split_ascii_whitespace().take(at).collect();
                assert!(BootArgs::parse(&before.join(" ")).is_ok(), "{word:?} was not the first wrong word");
            }
        }
    }
}

/// What `BootArgs` promises, word by word: each is a flag, a choice or a ceiling, and each of those is there.
fn holds(args: &BootArgs, text: &str) {
    let words: Vec<&str> = text.split_ascii_whitespace().collect();
    let count = |word: &str| words.iter().filter(|given| **given == word).count();
    let (all, none) = (count("facts=all"), count("facts=none"));
    let (sbi, sstc) = (count("timers=sbi"), count("timers=sstc"));
    assert_eq!((args.selftest, args.stats), (count("selftest") > 0, count("stats") > 0));
    assert_eq!(args.counters, count("counters") > 0);
    assert!(all + none <= 1 && sbi + sstc <= 1);
    let timers = if sbi == 1 { Some(Timers::Sbi) } else { (sstc == 1).then_some(Timers::Sstc) };
    assert_eq!(args.timers, timers);
    let bells = [("sbi", Doorbells::Sbi), ("sswi", Doorbells::Sswi), ("imsic", Doorbells::Imsic)];
    let given = bells.iter().filter(|(name, _)| count(&format!("doorbells={name}")) > 0);
    let rung: usize = bells.iter().map(|(name, _)| count(&format!("doorbells={name}"))).sum();
    assert!(rung <= 1);
    assert_eq!(args.doorbells, given.map(|&(_, bells)| bells).next());
    assert_eq!(args.facts, all == 1 || (args.selftest && none == 0));
    let plain = count("selftest") + count("stats") + count("counters") + all + none + rung + sbi + sstc;
    assert_eq!(plain + args.ceilings.len(), words.len(), "a word was passed over");
    let mut cpus: Vec<u16> = args.ceilings.iter().map(|(cpu, _)| *cpu).collect();
    assert!(cpus.iter().all(|&cpu| usize::from(cpu) < MAX_HARTS));
    cpus.sort_unstable();
    assert!(cpus.windows(2).all(|pair| pair[0] != pair[1]), "two ceilings for one CPU");
    for (word, (cpu, class)) in words.iter().filter(|word| word.starts_with("ceiling=")).zip(&args.ceilings) {
        let (number, name) = word["ceiling=cpu".len()..].split_once(':').expect("a ceiling without a class");
        assert_eq!((number.parse(), Qos::from_name(name)), (Ok(*cpu), Some(*class)));
    }
}

fn written(args: &BootArgs) -> String {
    let mut words = vec![if args.facts { "facts=all".to_owned() } else { "facts=none".to_owned() }];
    words.extend(args.selftest.then(|| "selftest".to_owned()));
    words.extend(args.stats.then(|| "stats".to_owned()));
    words.extend(args.counters.then(|| "counters".to_owned()));
    words.extend(args.doorbells.map(|doorbells| match doorbells {
        Doorbells::Sbi => "doorbells=sbi".to_owned(),
        Doorbells::Sswi => "doorbells=sswi".to_owned(),
        Doorbells::Imsic => "doorbells=imsic".to_owned(),
    }));
    words.extend(args.timers.map(|timers| match timers {
        Timers::Sbi => "timers=sbi".to_owned(),
        Timers::Sstc => "timers=sstc".to_owned(),
    }));
    words.extend(args.ceilings.iter().map(|(cpu, class)| format!("ceiling=cpu{cpu}:{}", class.name())));
    words.join(" ")
}

//! The verdict as JUnit XML says what the verdict says, whatever characters are in it.

use roxmltree::{Document, Node};

use super::*;

/// The cases of the one suite: class, name, and what stands in it.
fn cases<'a>(document: &'a Document<'_>) -> Vec<Node<'a, 'a>> {
    let suites: Vec<Node<'_, '_>> =
        document.root_element().children().filter(|node| node.has_tag_name("testsuite")).collect();
    assert_eq!(suites.len(), 1, "one suite a run");
    suites[0].children().filter(|node| node.has_tag_name("testcase")).collect()
}

fn named<'a>(cases: &[Node<'a, 'a>], class: &str, name: &str) -> Node<'a, 'a> {
    let found = cases
        .iter()
        .find(|case| case.attribute("classname") == Some(class) && case.attribute("name") == Some(name));
    *found.unwrap_or_else(|| panic!("a case {class} {name}"))
}

fn inside<'a>(case: Node<'a, 'a>, tag: &str) -> Option<Node<'a, 'a>> {
    case.children().find(|node| node.has_tag_name(tag))
}

fn count(document: &Document<'_>, what: &str) -> usize {
    let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).expect("a suite");
    suite.attribute(what).expect("a count").parse().expect("a number")
}

#[test]
fn a_green_run_has_a_case_for_each_marker_and_claim_and_no_failure() {
    let verdict = Script::good(2).verdict(2);
    let xml = verdict.to_junit("smp2-icount", None);
    let document = Document::parse(&xml).expect("XML");
    let cases = cases(&document);
    assert_eq!(cases.len(), 1 + verdict.markers.len() + verdict.claims.len());
    assert_eq!((count(&document, "failures"), count(&document, "errors")), (0, 0));
    assert_eq!(count(&document, "tests"), cases.len());
    for marker in &verdict.markers {
        assert!(inside(named(&cases, "marker", &marker.line), "failure").is_none());
    }
    let resched = named(&cases, "claim", "resched");
    assert_eq!(inside(resched, "system-out").and_then(|node| node.text()), Some("2 ordered pairs"));
    let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).expect("a suite");
    assert_eq!(suite.attribute("name"), Some("smp2-icount"));
}

#[test]
fn red_claims_fail_with_their_reasons_and_facts() {
    let mut run = Script::good(2);
    let at = run.find(None, |fact| matches!(fact.event, Event::Timer { .. }));
    run.facts[at].event = Event::Timer { deadline: u64::MAX };
    let verdict = run.verdict(2);
    let xml = verdict.to_junit("smp2", None);
    let document = Document::parse(&xml).expect("XML");
    let cases = cases(&document);
    let failure = inside(named(&cases, "claim", "timer"), "failure").expect("a failure");
    let claim = verdict.claims.iter().find(|claim| claim.name == "timer").expect("the claim");
    assert_eq!(failure.attribute("message"), Some(claim.reasons[0].as_str()));
    let text = failure.text().expect("reasons");
    assert!(claim.reasons.iter().all(|reason| text.contains(reason.as_str())), "{text}");
    assert!(text.contains(&format!("fact {}: against: timer for", claim.evidence[0].seq)), "{text}");
    let marker = inside(named(&cases, "marker", "KSELFTEST: timer ok"), "failure").expect("a failure");
    assert_eq!(marker.attribute("message"), Some("printed, but not supported: timer is red"));
    let whole = inside(named(&cases, "run", "verdict"), "failure").expect("a failure");
    assert!(verdict.reasons.iter().all(|reason| whole.text().unwrap_or("").contains(reason.as_str())));
    assert_eq!(count(&document, "failures"), 3);
}

#[test]
fn what_was_not_judged_is_skipped() {
    let mut case = Case::new(2);
    case.smp_judged = false;
    let verdict = judge(console(2).as_bytes(), &Script::good(2).bytes(), &case);
    let xml = verdict.to_junit("smp2-base", None);
    let document = Document::parse(&xml).expect("XML");
    let cases = cases(&document);
    let skipped = inside(named(&cases, "claim", "resched"), "skipped").expect("skipped");
    assert_eq!(skipped.attribute("message"), Some("not judged in this run"));
    assert!(inside(named(&cases, "marker", "KSELFTEST: work stealing ok"), "skipped").is_some());
    let not_judged = verdict.claims.iter().filter(|claim| claim.state == State::NotJudged).count()
        + verdict.markers.iter().filter(|marker| marker.state == State::NotJudged).count();
    assert_eq!((count(&document, "skipped"), count(&document, "failures")), (not_judged, 0));
}

#[test]
fn reasons_of_no_claim_and_from_outside_fail_too() {
    // A denied word, with every character that XML has trouble with.
    let nasty =
        "KSELFTEST: FAIL <a href=\"x\">&amp;]]> \u{1b}[31mred\u{1b}[0m \u{0}\u{7}\u{fffe} \u{85} ä\u{1f980}";
    let text = console(1) + nasty + "\r\n";
    let verdict = judge(text.as_bytes(), &Script::good(1).bytes(), &Case::new(1));
    let xml = verdict.to_junit("a \u{1b}<run>", None);
    let document = Document::parse(&xml).expect("XML");
    let cases = cases(&document);
    let failure = inside(named(&cases, "run", "verdict"), "failure").expect("a failure");
    let said = failure.attribute("message").expect("a message");
    assert!(
        said.contains("FAIL <a href=") && said.contains("&amp;]]>") && said.contains("\u{1f980}"),
        "{said}"
    );
    assert!(said.contains("u{1b}[31mred") && !said.contains('\u{1b}'), "{said}");
    assert_eq!(count(&document, "failures"), 1);
    let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).expect("a suite");
    assert_eq!(suite.attribute("name"), Some("a \\u{1b}<run>"));
    let good = Script::good(1).verdict(1).to_junit("legacy", Some("legacy transport proves nothing"));
    let document = Document::parse(&good).expect("XML");
    assert_eq!(count(&document, "failures"), 1, "green facts, but the run does not count");
}

#[test]
fn no_character_is_lost_silently() {
    let mut verdict = Script::good(1).verdict(1);
    for code in (0..0x300).chain(0xfff0..0x1_0010) {
        let Some(c) = char::from_u32(code) else { continue };
        verdict.green = false;
        verdict.reasons = vec![format!("a{c}b")];
        let xml = verdict.to_junit("one", None);
        let document = Document::parse(&xml).unwrap_or_else(|error| panic!("{code:#x}: {error}"));
        let cases = cases(&document);
        let failure = inside(named(&cases, "run", "verdict"), "failure").expect("a failure");
        let text = failure.text().expect("a reason").trim_end().to_owned();
        let escaped = format!("a{}b", c.escape_unicode());
        assert!(text == format!("a{c}b") || text == escaped, "{code:#x}: {text:?}");
    }
}

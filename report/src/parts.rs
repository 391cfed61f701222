//! The parts of the page that are text: they are there without any script.

use std::fmt::Write as _;

use antler_facts::{Cpu, Event, Marker};

use crate::escape::html as safe;
use crate::run::{Claim, Matrix, Run, State};
use crate::scene::{Part, Scene};
use crate::story;

/// Links to facts shown for one claim; the judge may list more.
const SHOWN: usize = 60;

/// Lines `cpuN online` that are shown one by one.
const LINES: usize = 8;

/// Search, timeline, the selected fact, and the table of facts. The script fills them.
pub const WORK: &str = include_str!("../assets/work.html");

fn state(state: State) -> (&'static str, &'static str, &'static str) {
    match state {
        State::Green => ("green", "\u{2713}", "green"),
        State::Red => ("red", "\u{2717}", "red"),
        State::NotJudged => ("grey", "\u{2013}", "not judged"),
    }
}

fn mark(of: State) -> String {
    let (class, sign, word) = state(of);
    format!(
        "<span class=\"mark {class}\"><span aria-hidden=\"true\">{sign}</span><span class=\"sr\">{word}: </span></span>"
    )
}

fn grouped(number: usize) -> String {
    crate::words::grouped(number as u64, '\u{202f}')
}

/// The first console line that begins with `start`: its rest.
fn line<'a>(run: &'a Run, start: &str) -> Option<&'a str> {
    run.console.lines().find_map(|line| line.trim().strip_prefix(start)).map(str::trim)
}

/// Verdict, machine, and how to make the run again.
pub fn header(page: &mut String, run: &Run, scene: &Scene<'_>) {
    let verdict = &run.verdict;
    let (class, sign, word) = match (verdict.legacy, verdict.green) {
        (true, _) => ("red", "\u{2717}", "Proves nothing: legacy transport"),
        (false, true) => ("green", "\u{2713}", "Green: everything claimed is proved"),
        (false, false) => ("red", "\u{2717}", "Red: not proved"),
    };
    let judged = |state: State| state != State::NotJudged;
    let printed = verdict.markers.iter().filter(|marker| marker.state == State::Green).count();
    let markers = verdict.markers.iter().filter(|marker| judged(marker.state)).count();
    let green = verdict.claims.iter().filter(|claim| claim.state == State::Green).count();
    let claims = verdict.claims.iter().filter(|claim| judged(claim.state)).count();
    let smp = if verdict.smp > 1 && !verdict.smp_judged { "; SMP was not judged" } else { "" };
    let _ = write!(
        page,
        "<header class=\"top\">\n<div class=\"brand\">{MARK}<div><h1>Antler proof</h1><p>{}</p></div></div>\n\
         <div class=\"verdict {class}\" role=\"status\"><span class=\"seal\" aria-hidden=\"true\"><b>{sign}</b></span><div>\
         <strong>{word}</strong><span>{printed} of {markers} markers, {green} of {claims} claims, {} facts{smp}</span>\
         </div></div>\n<dl class=\"machine\">",
        safe(&verdict.configuration),
        grouped(verdict.facts),
    );
    let mut entry = |name: &str, text: String| {
        let _ = write!(page, "<div><dt>{name}</dt><dd>{}</dd></div>", safe(&text));
    };
    let boots = scene.rows.iter().flat_map(|row| row.facts).find_map(|fact| match fact.event {
        Event::BootHart { hart } => Some(format!(", hart {} boots", hart.0)),
        _ => None,
    });
    let harts = if verdict.smp == 1 { "hart" } else { "harts" };
    entry("Machine", format!("QEMU virt, {} {harts}{}", verdict.smp, boots.unwrap_or_default()));
    let qemu = if verdict.qemu.is_empty() { String::new() } else { format!("QEMU {}, ", verdict.qemu) };
    let firmware = line(run, "OpenSBI").map_or("firmware unknown".to_owned(), |v| format!("OpenSBI {v}"));
    entry("Software", format!("{qemu}{firmware}"));
    let guest = if verdict.green { String::new() } else { format!("; {}", verdict.guest) };
    entry("Run", format!("{:.2} s on the host{guest}", verdict.host_seconds));
    page.push_str("</dl>\n");
    if !verdict.repeat.is_empty() {
        let _ = writeln!(
            page,
            "<div class=\"again\"><span id=\"again\">Run it again</span><div><code id=\"command\" tabindex=\"0\" \
             aria-labelledby=\"again\">{}</code><button type=\"button\" id=\"copy\" hidden>Copy</button></div></div>",
            safe(&verdict.repeat)
        );
    }
    page.push_str(
        "<button type=\"button\" id=\"theme\" aria-label=\"Change between light and dark\" hidden>\u{25d0}</button>\n\
         </header>\n",
    );
}

/// The mark: antlers.
const MARK: &str = "<svg class=\"logo\" viewBox=\"0 0 32 32\" aria-hidden=\"true\"><path d=\"M16 29V17M16 20C9 20 6 15 6 \
    5M7.5 13C4 12 3 9 3 7M11 18.500C9 14 11 11 11 8M16 20c7 0 10-5 10-15M24.500 13C28 12 29 9 29 7M21 18.500c2-4.500 0-7.500 0-10.500\"/></svg>";

/// Story, matrix, console, limits.
pub fn side(page: &mut String, run: &Run, scene: &Scene<'_>) {
    let mut tabs = vec![("story", "Story"), ("console", "Console"), ("limits", "Limits")];
    if run.matrix.is_some() {
        tabs.insert(1, ("faults", "Counterfactuals"));
    }
    page.push_str("<section class=\"side\" aria-label=\"What happened, and what it proves\">\n<div class=\"tabs\" role=\"tablist\">");
    for (at, (id, name)) in tabs.iter().enumerate() {
        let _ = write!(
            page,
            "<button type=\"button\" role=\"tab\" id=\"tab-{id}\" aria-controls=\"panel-{id}\" aria-selected=\"{}\" \
             tabindex=\"{}\">{name}</button>",
            at == 0,
            if at == 0 { 0 } else { -1 }
        );
    }
    page.push_str("</div>\n");
    panel(page, "story", |page| story_panel(page, run, scene));
    if run.matrix.is_some() {
        panel(page, "faults", |page| matrix(page, run));
    }
    panel(page, "console", |page| {
        let _ = write!(page, "<pre class=\"console\" tabindex=\"0\">{}</pre>", console(run));
    });
    panel(page, "limits", |page| {
        page.push_str("<h2>What this does not show</h2>\n<ul class=\"limits\">");
        for limit in story::LIMITS {
            let (head, rest) = limit.split_once('.').unwrap_or((limit, ""));
            let _ = write!(page, "<li><strong>{}.</strong>{}</li>", safe(head), safe(rest));
        }
        page.push_str("</ul>\n<p class=\"quiet\">The whole list, with reasons, is in the project's <code>docs/proof.md</code>, \
            chapter \u{201c}What it does not show\u{201d}.</p>");
    });
    page.push_str("</section>\n");
}

fn panel(page: &mut String, id: &str, fill: impl FnOnce(&mut String)) {
    let _ = writeln!(
        page,
        "<div class=\"panel\" role=\"tabpanel\" id=\"panel-{id}\" aria-labelledby=\"tab-{id}\">"
    );
    fill(page);
    page.push_str("</div>\n");
}

fn story_panel(page: &mut String, run: &Run, scene: &Scene<'_>) {
    for paragraph in story::INTRODUCTION {
        let _ = writeln!(page, "<p>{}</p>", safe(paragraph));
    }
    if !run.verdict.reasons.is_empty() {
        page.push_str("<div class=\"reasons\"><h2>Why it is red</h2><ul>");
        for reason in run.verdict.reasons.iter().take(SHOWN) {
            let _ = write!(page, "<li>{}</li>", safe(reason));
        }
        page.push_str("</ul></div>\n");
    }
    let by_line = run.claims_by_line();
    page.push_str("<ol class=\"chapters\">\n");
    for (at, part) in scene.parts.iter().enumerate() {
        chapter(page, run, scene, at, part, by_line.get(&part.line).map_or(&[], Vec::as_slice));
    }
    page.push_str("</ol>\n");
    if let Some(claims) = by_line.get("") {
        let _ = write!(page, "<h2>Throughout the run</h2>\n<p>{}</p>\n", safe(story::THROUGHOUT));
        claims.iter().for_each(|entry| claim(page, scene, entry));
    }
}

fn ms(ns: u64) -> String {
    format!("{:.3}", ns as f64 / 1e6)
}

fn chapter(page: &mut String, run: &Run, scene: &Scene<'_>, at: usize, part: &Part, claims: &[&Claim]) {
    let chapter = story::chapter(part.marker);
    let lasted = match part.fact {
        Some(_) => format!("{} ms", ms(part.to - part.from)),
        None => "not stated".to_owned(),
    };
    let _ = write!(
        page,
        "<li class=\"chapter\"><button type=\"button\" class=\"go\" data-part=\"{at}\"><span class=\"number\">{}</span>\
         <span class=\"title\">{}</span><span class=\"lasted\">{lasted}</span></button>\n<p>{}</p>\n",
        at + 1,
        chapter.title,
        safe(chapter.tells)
    );
    page.push_str("<ul class=\"lines\">");
    let mut note = String::new();
    let mut lines: Vec<_> = run.verdict.markers.iter().filter(|line| line.line == part.line).collect();
    if part.marker == Marker::Boot {
        let parts = &scene.parts;
        let online =
            run.verdict.markers.iter().filter(|line| parts.iter().all(|part| part.line != line.line));
        let online: Vec<_> = online.collect();
        let (first, rest) = online.split_at(online.len().min(LINES));
        let red = rest.iter().filter(|line| line.state == State::Red);
        lines = first.iter().chain(red).copied().chain(lines).collect();
        if !rest.is_empty() {
            let green = rest.iter().filter(|line| line.state == State::Green).count();
            note = format!("<li class=\"quiet\">and {green} of {} more such lines, green</li>", rest.len());
        }
    }
    for line in lines {
        let _ = write!(page, "<li>{}<code>{}</code>", mark(line.state), safe(&line.line));
        line.reasons.iter().for_each(|reason| {
            let _ = write!(page, "<span class=\"why\">{}</span>", safe(reason));
        });
        page.push_str("</li>");
    }
    page.push_str(&note);
    page.push_str("</ul>\n");
    claims.iter().for_each(|entry| claim(page, scene, entry));
    page.push_str("</li>\n");
}

fn claim(page: &mut String, scene: &Scene<'_>, claim: &Claim) {
    let _ = write!(
        page,
        "<details class=\"claim\" data-claim=\"{}\"><summary>{}<span class=\"name\">{}</span><span class=\"says\">{}</span>\
         </summary>\n<div class=\"body\">",
        safe(&claim.name),
        mark(claim.state),
        safe(&claim.name),
        safe(&claim.says)
    );
    if !claim.found.is_empty() {
        let _ = write!(page, "<p class=\"found\"><b>Found:</b> {}</p>", safe(&claim.found));
    }
    if !claim.reasons.is_empty() {
        page.push_str("<ul class=\"why\">");
        claim.reasons.iter().for_each(|reason| {
            let _ = write!(page, "<li>{}</li>", safe(reason));
        });
        page.push_str("</ul>");
    }
    page.push_str("<ol class=\"evidence\">");
    let evidence = scene.evidence.get(&claim.name).map_or(&[][..], Vec::as_slice);
    for fact in evidence.iter().take(SHOWN) {
        let place = format!("cpu{} #{}", fact.cpu, fact.seq);
        match scene.find(Cpu(fact.cpu), fact.seq) {
            Some(id) => {
                let _ = write!(
                    page,
                    "<li><button type=\"button\" data-fact=\"{id}\"><span class=\"where\">{place}</span> {}</button></li>",
                    safe(&fact.says)
                );
            }
            None => {
                let _ = write!(page, "<li>{place} (not among the facts): {}</li>", safe(&fact.says));
            }
        }
    }
    page.push_str("</ol>");
    let total = claim.evidence_total.max(evidence.len());
    let shown = evidence.len().min(SHOWN);
    let note = match (total, total - shown) {
        (0, _) => "The judge names no single fact for this one.".to_owned(),
        (_, 0) => String::new(),
        (_, more) => format!("and {} more facts", grouped(more)),
    };
    if !note.is_empty() {
        let _ = write!(page, "<p class=\"quiet\">{note}</p>");
    }
    page.push_str("</div></details>\n");
}

fn matrix(page: &mut String, run: &Run) {
    let Some(Matrix { kernel, faults }) = &run.matrix else { return };
    let ok = faults.iter().filter(|fault| fault.ok).count();
    let other = run.kernel.as_ref().filter(|run| *run != kernel);
    let stale = other.map_or(String::new(), |run| {
        format!(
            "<p class=\"stale\" role=\"alert\">This matrix is of another kernel than the one that ran here: of {}, and not of {}. \
             It says nothing of this run; make it again.</p>\n",
            safe(kernel),
            safe(run)
        )
    });
    let _ = write!(
        page,
        "{stale}<h2>Counterfactuals</h2>\n<p>Kernels with a fault built in, and what turned red. A fault that nobody notices is a \
         hole in the proof. {ok} of {} are red where they should be.</p>\n<div class=\"matrix\" tabindex=\"0\" role=\"region\" \
         aria-label=\"Counterfactual matrix\"><table><thead><tr><th scope=\"col\">Fault</th><th scope=\"col\">Must be red</th>\
         <th scope=\"col\">May be</th><th scope=\"col\">Was red</th></tr></thead><tbody>\n",
        faults.len()
    );
    for fault in faults {
        let state = if fault.ok { State::Green } else { State::Red };
        let list = |names: &[String]| {
            names.iter().map(|name| format!("<li>{}</li>", safe(name))).collect::<String>()
        };
        let _ = writeln!(
            page,
            "<tr><th scope=\"row\">{}<span class=\"name\">{}{}</span><span class=\"what\">{}</span></th><td><ul>{}</ul></td>\
             <td><ul>{}</ul></td><td><ul>{}</ul></td></tr>",
            mark(state),
            safe(&fault.fault),
            if fault.smp == 1 { " (one hart)" } else { "" },
            safe(&fault.what),
            list(&fault.must),
            list(&fault.may),
            list(&fault.red)
        );
    }
    page.push_str("</tbody></table></div>\n");
}

/// The console, its markers marked.
fn console(run: &Run) -> String {
    let line = |line: &str| {
        let found = run.verdict.markers.iter().find(|marker| marker.line == line.trim_end());
        let text = safe(line.trim_end_matches('\r'));
        match found {
            Some(marker) => format!("<span class=\"{}\">{text}</span>\n", state(marker.state).0),
            None => text + "\n",
        }
    };
    run.console.lines().map(line).collect()
}

//! What a reader does: click, search, zoom, by mouse and by keyboard.

use anyhow::{Context as _, ensure};

use super::{must, number};
use crate::browser::Page;

const SPAN: &str = "__report.view.to - __report.view.from";

/// Middle of the timeline, in whole pixels of the window: a mouse has no others.
fn middle(page: &mut Page<'_>) -> anyhow::Result<(f64, f64)> {
    let place = |axis| {
        format!(
            "(() => {{ const b = document.getElementById('timeline').getBoundingClientRect(); return {axis}; }})()"
        )
    };
    Ok((
        number(page, &place("Math.round(b.x + b.width / 2)"))?,
        number(page, &place("Math.round(b.y + b.height / 2)"))?,
    ))
}

/// The first claim with evidence opens at a click; its facts fill table, pins and view.
pub fn claim(page: &mut Page<'_>) -> anyhow::Result<()> {
    let name = page.eval("[...__report.evidenceOf].find(([, facts]) => facts.length > 1)[0]")?;
    let name = name.as_str().context("no claim has evidence")?.to_owned();
    let before = number(page, SPAN)?;
    page.click(&format!("details.claim[data-claim='{name}'] summary"))?;
    page.settle()?;
    let ids = format!("__report.evidenceOf.get('{name}')");
    must(page, "the claim is open", &format!("document.querySelector(\"[data-claim='{name}']\").open"))?;
    must(
        page,
        "the table lists exactly its facts",
        &format!(
            "JSON.stringify([...document.querySelectorAll('#lines [data-line]')].map(e => Number(e.dataset.line)).sort()) \
             === JSON.stringify([...{ids}].sort())"
        ),
    )?;
    must(page, "the pins are its facts", &format!("__report.state.pins.length === {ids}.length"))?;
    must(
        page,
        "all of them are in view",
        &format!(
            "{ids}.every(id => __report.facts.time[id] >= __report.view.from && __report.facts.time[id] <= __report.view.to)"
        ),
    )?;
    must(page, "the first is selected", &format!("{ids}.includes(__report.state.selected)"))?;
    ensure!(number(page, SPAN)? < before, "the timeline did not move");
    must(page, "the fact is told in words", "document.getElementById('detail').textContent.includes('cpu')")
}

/// A link of an open claim selects its fact and goes close.
pub fn evidence(page: &mut Page<'_>) -> anyhow::Result<()> {
    claim(page)?;
    page.click("details.claim[open] .evidence li:last-child button")?;
    page.settle()?;
    let fact =
        "Number(document.querySelector('details.claim[open] .evidence li:last-child button').dataset.fact)";
    must(page, "it is selected", &format!("__report.state.selected === {fact}"))?;
    let offset =
        format!("Math.abs((__report.view.from + __report.view.to) / 2 - __report.facts.time[{fact}])");
    must(page, "it is near the middle", &format!("{offset} <= ({SPAN}) / 2"))?;
    must(page, "its line is marked", "!!document.querySelector('#lines [aria-selected=true]')")
}

/// Every fact that names the task is a hit, and nothing else.
pub fn search_task(page: &mut Page<'_>) -> anyhow::Result<()> {
    let task = page.eval("(() => { const f = __report.facts; for (let i = 0; i < f.count; i++) if (/Stolen|Steal/.test(__report.words(i))) continue; \
        const row = __report.tasks.find(r => r.length > 3); return `task ${f.low[0][row[3].id]}.${f.high[0][row[3].id]}`; })()")?;
    let task = task.as_str().context("no row has tasks")?.to_owned();
    page.key("/")?;
    page.text(&task)?;
    page.key("Enter")?;
    let named = format!("__report.found.ids.every(id => __report.words(id).includes('{task}'))");
    must(page, "every hit names it", &named)?;
    // Counted another way: by the sentences, which name a task with a word boundary after it.
    let count = format!(
        "Array.from({{length: __report.facts.count}}, (_, id) => __report.words(id)).filter(w => /{}(?![0-9])/.test(w)).length",
        task.replace('.', "\\\\.").replace("\\\\", "\\")
    );
    let (hits, sentences) = (number(page, "__report.found.ids.length")?, number(page, &count)?);
    ensure!(hits > 2.0 && (hits - sentences).abs() < 0.5, "{task}: {hits} hits, {sentences} sentences");
    must(
        page,
        "the first hit is selected",
        "__report.state.selected === __report.found.ids[__report.found.at]",
    )?;
    let at = number(page, "__report.found.at")?;
    page.key("Enter")?;
    ensure!((number(page, "__report.found.at")? - at - 1.0).abs() < 0.5, "Enter goes to the next hit");
    page.click("#previous")?;
    ensure!((number(page, "__report.found.at")? - at).abs() < 0.5, "the button goes back");
    must(page, "the count is said", "/ of /.test(document.getElementById('hits').textContent)")
}

/// A request is found by name, with its whole chain.
pub fn search_request(page: &mut Page<'_>) -> anyhow::Result<()> {
    page.click("#query")?;
    page.text("cpu0->cpu1 #1")?;
    page.key("Enter")?;
    let kinds = "__report.found.ids.map(id => __report.words(id)).join(' | ')";
    let told = page.eval(kinds)?.as_str().unwrap_or_default().to_owned();
    for part in ["asks cpu1", "rings cpu1", "sees its doorbell", "acknowledges cpu0"] {
        ensure!(told.contains(part), "{part} is not in {told}");
    }
    page.eval("__report.found.text = ''; document.getElementById('query').value = 'no such thing anywhere'")?;
    page.key("Enter")?;
    must(page, "no hit is said", "document.getElementById('hits').textContent === 'no hit'")
}

/// A chapter's button shows just its time.
pub fn chapters(page: &mut Page<'_>) -> anyhow::Result<()> {
    let last = number(page, "__report.parts.filter(p => p.fact !== null).length - 2")?;
    page.click(&format!("[data-part='{last}']"))?;
    must(
        page,
        "the view is the chapter's",
        &format!(
            "(() => {{ const p = __report.parts[{last}], v = __report.view; return v.from <= p.from && v.to >= p.to && \
             v.to - v.from < 2 * Math.max(p.to - p.from, 4000); }})()"
        ),
    )?;
    must(
        page,
        "the story marks it",
        &format!("document.querySelectorAll('.chapter')[{last}].classList.contains('here')"),
    )
}

/// Arrows, plus and minus, Home and End, Escape; and the focus can be seen.
pub fn keyboard(page: &mut Page<'_>) -> anyhow::Result<()> {
    page.eval("document.getElementById('all').focus()")?;
    page.key("Tab")?;
    must(page, "Tab reaches the timeline", "document.activeElement.id === 'timeline'")?;
    must(page, "its focus can be seen", "getComputedStyle(document.activeElement).outlineStyle !== 'none'")?;
    let whole = number(page, SPAN)?;
    for key in ["+", "+", "+", "+"] {
        page.key(key)?;
    }
    let near = number(page, SPAN)?;
    ensure!(near < whole / 4.0, "plus zooms in: {whole} to {near}");
    let from = number(page, "__report.view.from")?;
    page.key("ArrowRight")?;
    ensure!(number(page, "__report.view.from")? > from, "the right arrow moves on");
    page.key("Home")?;
    must(page, "Home is the begin", "Math.abs(__report.view.from - __report.whole.from) < 1")?;
    page.key("End")?;
    must(page, "End is the end", "Math.abs(__report.view.to - __report.whole.to) < 1")?;
    page.key("-")?;
    ensure!(number(page, SPAN)? > near, "minus zooms out");
    page.key(".")?;
    must(page, "a full stop selects a fact", "__report.state.selected !== undefined")?;
    page.key("ArrowDown")?;
    must(page, "down chooses the next hart", "__report.state.row === 1")?;
    page.key(".")?;
    must(page, "the fact is that hart's", "__report.facts.row[__report.state.selected] === 1")?;
    page.key("Escape")?;
    must(page, "Escape lets go", "__report.state.selected === undefined")?;
    page.key("0")?;
    ensure!((number(page, SPAN)? - whole).abs() < 1.0, "0 shows the whole run");
    Ok(())
}

/// The wheel zooms about the pointer; dragging moves what lies under it along.
pub fn mouse(page: &mut Page<'_>) -> anyhow::Result<()> {
    let (x, y) = middle(page)?;
    let x = x + 120.0;
    let at = format!(
        "__report.view.from + ({x} - document.getElementById('timeline').getBoundingClientRect().x - __report.xOf(__report.view.from)) / \
         (__report.xOf(__report.view.to) - __report.xOf(__report.view.from)) * ({SPAN})"
    );
    let (whole, under) = (number(page, SPAN)?, number(page, &at)?);
    for _ in 0..6 {
        page.wheel((x, y), -200.0)?;
    }
    let (near, still) = (number(page, SPAN)?, number(page, &at)?);
    ensure!(near < whole / 10.0, "the wheel zooms: {whole} to {near}");
    ensure!((under - still).abs() < near / 100.0, "what is under the pointer stays there: {under}, {still}");
    page.drag((x, y), (x - 150.0, y))?;
    let moved = number(page, &at.replace(&format!("({x} "), &format!("({} ", x - 150.0)))?;
    ensure!((moved - under).abs() < near / 50.0, "it follows the hand: {under}, {moved}");
    let selected = page.eval("__report.state.selected === undefined")?;
    ensure!(selected == true, "dragging selects nothing");
    Ok(())
}

/// A click on a bar selects the dispatch that began it.
pub fn click_bar(page: &mut Page<'_>) -> anyhow::Result<()> {
    page.eval(
        "(() => { const s = __report.tasks[1].reduce((a, b) => b.to - b.from > a.to - a.from ? b : a); window.wanted = s.id; \
         const room = s.to - s.from; __report.look(s.from - room, s.to + room); })()",
    )?;
    page.settle()?;
    // Arrows that cross the bar are nearer to the eye and are chosen first, so a place beside them.
    let inside = page.eval(
        "(() => { const s = __report.tasks[1].find(s => s.id === wanted), y = __report.rowTop(1) + __report.layout.bar / 2; \
         const [left, right] = [__report.xOf(s.from), __report.xOf(s.to)]; \
         for (let i = 1; i < 40; i++) { const x = left + (right - left) * i / 40; \
           if (!__report.state.arrows.some(a => __report.near(a, x, y))) return [x, y]; } })()",
    )?;
    let (Some(x), Some(y)) = (inside[0].as_f64(), inside[1].as_f64()) else {
        anyhow::bail!("arrows cover the whole bar")
    };
    let x = x + number(page, "document.getElementById('timeline').getBoundingClientRect().x")?;
    let y = y + number(page, "document.getElementById('timeline').getBoundingClientRect().y")?;
    page.click_at(x, y)?;
    must(
        page,
        "its dispatch is selected",
        "__report.state.selected === wanted && /starts running/.test(__report.words(wanted))",
    )?;
    must(page, "it is told", "document.getElementById('detail').textContent.includes('runs here')")
}

/// The table shows what is in view, filtered, and can be walked through.
pub fn table(page: &mut Page<'_>) -> anyhow::Result<()> {
    let lines = "[...document.querySelectorAll('#lines [data-line]')].map(e => Number(e.dataset.line))";
    page.click("[data-part='5']")?;
    let seen = format!(
        "{lines}.every(id => __report.facts.time[id] >= __report.view.from && __report.facts.time[id] <= __report.view.to)"
    );
    must(page, "only what is in view", &seen)?;
    page.eval("(() => { const s = document.getElementById('by-row'); s.value = '1'; s.dispatchEvent(new Event('change')); })()")?;
    page.settle()?;
    must(
        page,
        "only cpu1's",
        &format!("{lines}.length > 0 && {lines}.every(id => __report.facts.row[id] === 1)"),
    )?;
    page.eval("(() => { const s = document.getElementById('by-kind'); s.value = [...s.options].find(o => o.text.startsWith('Ack')).value; s.dispatchEvent(new Event('change')); document.getElementById('in-view').click(); })()")?;
    page.settle()?;
    must(
        page,
        "only acknowledgements",
        &format!("{lines}.length > 1 && {lines}.every(id => /^acknowledges/.test(__report.words(id)))"),
    )?;
    page.eval("document.getElementById('table').focus()")?;
    page.key("Home")?;
    let first = number(page, "__report.state.selected")?;
    page.key("ArrowDown")?;
    ensure!((number(page, "__report.state.selected")? - first).abs() > 0.5, "down selects the next line");
    must(
        page,
        "it is said which line is chosen",
        "document.getElementById('table').getAttribute('aria-activedescendant') === 'line-' + __report.state.selected",
    )
}

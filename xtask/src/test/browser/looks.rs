//! What a reader sees, and somebody who does not see it hears.

use anyhow::ensure;

use super::must;
use crate::browser::{Page, Scheme};

/// The page says what `verdict.json` says, and has a row for each hart.
pub fn verdict(page: &mut Page<'_>) -> anyhow::Result<()> {
    must(page, "the verdict is green", "document.documentElement.dataset.verdict === 'green'")?;
    must(
        page,
        "and says so in words",
        "/^Green/.test(document.querySelector('.verdict strong').textContent)",
    )?;
    must(page, "four harts", "__report.tasks.length === 4")?;
    must(
        page,
        "the command that repeats it",
        "document.getElementById('command').textContent === 'cargo xtask proof --smp 4'",
    )?;
    must(
        page,
        "every chapter has its time",
        "__report.parts.length === 14 && __report.parts.every(p => p.fact !== null)",
    )?;
    must(
        page,
        "every claim is green",
        "document.querySelectorAll('.claim .mark.red, .lines .mark.red').length === 0",
    )?;
    must(
        page,
        "IPIs and spans are there",
        "__report.chains.length > 20 && __report.tasks.every(row => row.length > 5)",
    )
}

/// Every text has a contrast of 4.5:1 to what lies under it, in both schemes; the scheme follows the reader and the button.
pub fn schemes(page: &mut Page<'_>) -> anyhow::Result<()> {
    for (scheme, name) in [(Scheme::Light, "light"), (Scheme::Dark, "dark")] {
        page.prefer(scheme)?;
        page.settle()?;
        must(page, "the page follows", &format!("document.documentElement.dataset.theme === '{name}'"))?;
        let poor = page.eval(CONTRAST)?;
        ensure!(poor.as_array().is_some_and(Vec::is_empty), "{name}: too little contrast: {poor}");
    }
    page.click("#theme")?;
    must(page, "the button changes it", "document.documentElement.dataset.theme === 'light'")
}

/// Texts that are too faint, with their contrast.
const CONTRAST: &str = r#"(() => {
  const parse = (text) => { const m = text.match(/[\d.]+/g).map(Number); return { rgb: m.slice(0, 3), alpha: m[3] ?? 1 }; };
  const light = (rgb) => { const [r, g, b] = rgb.map(v => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; }); return 0.2126 * r + 0.7152 * g + 0.0722 * b; };
  const ground = (e) => { for (; e; e = e.parentElement) { const c = parse(getComputedStyle(e).backgroundColor); if (c.alpha === 1) return c.rgb; } return [255, 255, 255]; };
  const poor = [];
  for (const e of document.querySelectorAll('body *')) {
    if (!e.offsetParent || e.closest('.sr, .seal') || ![...e.childNodes].some(n => n.nodeType === 3 && n.textContent.trim())) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color).rgb), light(ground(e))].sort((x, y) => y - x);
    const ratio = (a + 0.05) / (b + 0.05);
    if (ratio < 4.5) poor.push(`${e.tagName}.${e.className} ${e.textContent.trim().slice(0, 20)}: ${ratio.toFixed(2)}`);
  }
  return poor;
})()"#;

/// Everything that can be reached by Tab has a name, ids are unique, and tabs, claims and table say what they are.
pub fn names(page: &mut Page<'_>) -> anyhow::Result<()> {
    let nameless = page.eval(
        "[...document.querySelectorAll('button, a, input, select, [tabindex=\"0\"]')].filter(e => !e.hidden && !(e.getAttribute('aria-label') || \
         e.getAttribute('aria-labelledby') || e.textContent.trim() || (e.labels && e.labels.length))).map(e => e.outerHTML.slice(0, 80))",
    )?;
    ensure!(nameless.as_array().is_some_and(Vec::is_empty), "without a name: {nameless}");
    must(
        page,
        "ids are unique",
        "(() => { const ids = [...document.querySelectorAll('[id]')].map(e => e.id); return new Set(ids).size === ids.length; })()",
    )?;
    must(
        page,
        "references lead somewhere",
        "[...document.querySelectorAll('[aria-controls], [aria-labelledby], [aria-describedby]')].every(e => ['aria-controls', 'aria-labelledby', 'aria-describedby'].every(a => (e.getAttribute(a) || '').split(' ').filter(Boolean).every(id => document.getElementById(id))))",
    )?;
    must(
        page,
        "one panel is open",
        "[...document.querySelectorAll('[role=tabpanel]')].filter(p => !p.hidden).length === 1",
    )?;
    page.click("#tab-console")?;
    must(
        page,
        "the console is there",
        "!document.getElementById('panel-console').hidden && /KSELFTEST: done/.test(document.getElementById('panel-console').textContent)",
    )?;
    page.key("ArrowRight")?;
    must(
        page,
        "arrows go through the tabs",
        "document.activeElement.id === 'tab-limits' && !document.getElementById('panel-limits').hidden",
    )
}

/// At 400 pixels nothing sticks out, and the timeline is still there.
pub fn narrow(page: &mut Page<'_>) -> anyhow::Result<()> {
    page.resize(400, 800)?;
    page.settle()?;
    must(page, "nothing sticks out", "document.documentElement.scrollWidth <= 400")?;
    must(page, "the timeline has room", "document.getElementById('timeline').clientWidth > 330")?;
    must(page, "and is drawn", "__stats.drawn > 20")
}

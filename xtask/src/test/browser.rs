//! The report as a person meets it: opened from disk in a browser, clicked, typed into, zoomed.

mod crowd;
mod hands;
mod looks;
mod made;

use std::path::Path;

use anyhow::Context as _;

use super::call::Call;
use super::step::{Count, Failure, Outcome, Step};
use crate::browser::{Browser, Page, Scheme};
use crate::ctx::Ctx;
use crate::exit::Exit;

/// A test of an open report: what is wrong, if something is.
type Test = fn(&mut Page<'_>) -> anyhow::Result<()>;

/// Width and height of a window on a desk, in pixels.
const DESK: (u32, u32) = (1400, 900);

/// The steps.
pub fn steps() -> Vec<Step> {
    vec![
        Step::boots("report in a browser: a real proof", real),
        Step::host("report in a browser: made-up runs", made_up),
    ]
}

/// A proof's own report.
fn real(ctx: &Ctx) -> Outcome {
    let done = Call::new(["proof", "--smp", "4", "--report"]).run(ctx)?.exits(Exit::Success)?;
    done.says("report.html")?;
    let path = ctx.proof_out().join("smp4/report.html");
    let tests: &[(&str, Test)] = &[
        ("says what the judge said", looks::verdict),
        ("search finds a task", hands::search_task),
        ("search finds a request's chain", hands::search_request),
        ("chapters lead to their time", hands::chapters),
        ("keyboard", hands::keyboard),
        ("wheel and drag", hands::mouse),
        ("a click selects what is there", hands::click_bar),
        ("table and filters", hands::table),
        ("both schemes can be read", looks::schemes),
        ("everything has a name", looks::names),
        ("narrow windows", looks::narrow),
    ];
    tried(ctx, &path, tests)
}

/// Runs that no kernel made: full of markup, or very long.
fn made_up(ctx: &Ctx) -> Outcome {
    let folder = ctx.root().join("target/browser");
    std::fs::create_dir_all(&folder).with_context(|| format!("cannot create {}", folder.display()))?;
    let put = |name: &str, html: String| {
        let path = folder.join(name);
        std::fs::write(&path, html).with_context(|| format!("cannot write {}", path.display())).map(|()| path)
    };
    let small = put("made.html", antler_report::html(&made::run()))?;
    let mut count = tried(
        ctx,
        &small,
        &[
            ("a click on a claim shows its facts", hands::claim),
            ("a click on evidence goes there", hands::evidence),
            ("guest text stays text", made::stays_text),
            ("the counterfactual matrix is shown", made::matrix),
        ],
    )?;
    let crowd = put("crowd.html", antler_report::html(&crowd::run()))?;
    count.add(tried(ctx, &crowd, &[("100,000 facts: a frame costs as much as it is wide", crowd::bounded)])?);
    Ok(count)
}

/// Opens the file anew for each test; a page that complains has failed it, too.
fn tried(ctx: &Ctx, path: &Path, tests: &[(&str, Test)]) -> Outcome {
    let mut browser = Browser::start(ctx)?;
    let mut count = Count::default();
    let mut output = String::new();
    for (name, test) in tests {
        match alone(&mut browser, path, *test) {
            Ok(()) => count.passed += 1,
            Err(error) => {
                count.failed += 1;
                output += &format!("{name}: {error:#}\n");
            }
        }
    }
    if output.is_empty() {
        Ok(count)
    } else {
        Err(Failure { count, output: format!("{}\n{output}", path.display()) })
    }
}

fn alone(browser: &mut Browser, path: &Path, test: Test) -> anyhow::Result<()> {
    let mut page = browser.page(DESK.0, DESK.1, Scheme::Light)?;
    page.open(path)?;
    page.settle()?;
    test(&mut page)?;
    let complaints = page.complaints();
    anyhow::ensure!(complaints.is_empty(), "the page complains: {}", complaints.join("; "));
    page.close()
}

/// Fails with that text unless the expression is true in the page.
fn must(page: &mut Page<'_>, what: &str, expression: &str) -> anyhow::Result<()> {
    let value = page.eval(expression)?;
    anyhow::ensure!(value == true, "{what}: {expression} is {value}");
    Ok(())
}

/// The number that the expression is in the page.
fn number(page: &mut Page<'_>, expression: &str) -> anyhow::Result<f64> {
    page.eval(expression)?.as_f64().with_context(|| format!("{expression} is no number"))
}

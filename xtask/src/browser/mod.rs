//! A headless Chromium, by the DevTools protocol: what a person would do with a report, done by a program.

mod page;
mod pipe;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde_json::{Value, json};

pub use page::{Page, Scheme};

use crate::ctx::Ctx;
use crate::setup;
use pipe::Pipe;

/// A browser that was started. It ends with this value, and also when this program dies.
pub struct Browser {
    pipe: Pipe,
    profile: PathBuf,
}

impl Browser {
    /// Starts one with an empty profile; installs Chromium if there is none.
    ///
    /// # Errors
    /// When there is none and none can be installed, or it does not answer.
    pub fn start(ctx: &Ctx) -> anyhow::Result<Browser> {
        let program = setup::chromium(ctx)?;
        let profile = ctx.root().join(format!("target/browser/profile.{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&profile);
        std::fs::create_dir_all(&profile).with_context(|| format!("cannot create {}", profile.display()))?;
        let pipe = Pipe::open(&program, &profile)?;
        Ok(Browser { pipe, profile })
    }

    /// An empty page of that size, in pixels, in that colour scheme.
    ///
    /// # Errors
    /// When the browser refuses or does not answer.
    pub fn page(&mut self, width: u32, height: u32, scheme: Scheme) -> anyhow::Result<Page<'_>> {
        let made = self.pipe.ask(None, "Target.createTarget", json!({ "url": "about:blank" }))?;
        let target = made["targetId"].as_str().context("the browser made no page")?.to_owned();
        let attached = json!({ "targetId": target, "flatten": true });
        let attached = self.pipe.ask(None, "Target.attachToTarget", attached)?;
        let session = attached["sessionId"].as_str().context("the browser gave no session")?.to_owned();
        Page::new(&mut self.pipe, session, target, (width, height), scheme)
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        self.pipe.close();
        let _ = std::fs::remove_dir_all(&self.profile);
    }
}

/// Writes what a report looks like, light, 1,400 pixels wide, as PNG: the whole run, and the chain of one IPI.
pub fn picture(ctx: &Ctx, html: &Path, out: &Path) -> anyhow::Result<()> {
    let mut browser = Browser::start(ctx)?;
    let mut page = browser.page(1400, 900, Scheme::Light)?;
    page.open(html)?;
    // Of the whole chains the longest, which can be seen best.
    page.eval(
        "(() => { const whole = __report.chains.filter(c => c.steps.length === 4); if (whole.length) \
         __report.select(whole.reduce((a, b) => (b.to - b.from > a.to - a.from ? b : a)).ack); })()",
    )?;
    page.settle()?;
    std::fs::write(out, page.screenshot()?).with_context(|| format!("cannot write {}", out.display()))?;
    page.close()
}

/// A value of the protocol that must be there.
fn field<'a>(value: &'a Value, name: &str) -> anyhow::Result<&'a Value> {
    value.get(name).with_context(|| format!("the browser's answer has no {name}: {value}"))
}

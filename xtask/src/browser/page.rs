//! One page: opened, looked at, clicked, typed into.

use std::path::Path;

use anyhow::{Context as _, bail};
use base64::Engine as _;
use serde_json::{Value, json};

use super::field;
use super::pipe::Pipe;

/// What the page is told that its reader prefers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// Dark on light.
    Light,
    /// Light on dark.
    Dark,
}

/// An open page.
pub struct Page<'a> {
    pipe: &'a mut Pipe,
    session: String,
    target: String,
}

impl<'a> Page<'a> {
    pub(super) fn new(
        pipe: &'a mut Pipe,
        session: String,
        target: String,
        (width, height): (u32, u32),
        scheme: Scheme,
    ) -> anyhow::Result<Page<'a>> {
        let mut page = Page { pipe, session, target };
        for domain in ["Page", "Runtime", "Log", "Network"] {
            page.ask(&format!("{domain}.enable"), json!({}))?;
        }
        page.prefer(scheme)?;
        page.resize(width, height)?;
        page.ask("Page.bringToFront", json!({}))?;
        Ok(page)
    }

    fn ask(&mut self, method: &str, params: Value) -> anyhow::Result<Value> {
        self.pipe.ask(Some(&self.session), method, params)
    }

    /// Tells the page which scheme its reader prefers.
    pub fn prefer(&mut self, scheme: Scheme) -> anyhow::Result<()> {
        let value = if scheme == Scheme::Dark { "dark" } else { "light" };
        let features = json!({ "features": [{ "name": "prefers-color-scheme", "value": value }] });
        self.ask("Emulation.setEmulatedMedia", features).map(drop)
    }

    /// Gives the window another size, in pixels.
    pub fn resize(&mut self, width: u32, height: u32) -> anyhow::Result<()> {
        let size = json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": false });
        self.ask("Emulation.setDeviceMetricsOverride", size).map(drop)
    }

    /// Opens a file and waits until it is loaded.
    pub fn open(&mut self, path: &Path) -> anyhow::Result<()> {
        let path = path.canonicalize().with_context(|| format!("cannot open {}", path.display()))?;
        self.pipe.events(&self.session);
        let url =
            path.to_str().context("the file's path is no UTF-8")?.replace('%', "%25").replace('#', "%23");
        let opened =
            self.ask("Page.navigate", json!({ "url": format!("file://{}", url.replace('?', "%3F")) }))?;
        if let Some(error) = opened.get("errorText") {
            bail!("cannot open {}: {error}", path.display());
        }
        self.pipe.wait(&self.session, "Page.loadEventFired").map(drop)
    }

    /// The value of a JavaScript expression; of a promise what it becomes.
    pub fn eval(&mut self, expression: &str) -> anyhow::Result<Value> {
        let call = json!({ "expression": expression, "returnByValue": true, "awaitPromise": true });
        let answer = self.ask("Runtime.evaluate", call)?;
        if let Some(thrown) = answer.get("exceptionDetails") {
            bail!("{expression}: {}", thrown["exception"]["description"].as_str().unwrap_or("it threw"));
        }
        Ok(field(&answer, "result")?.get("value").cloned().unwrap_or(Value::Null))
    }

    /// Waits until what was asked for is drawn: the frame after the next one.
    pub fn settle(&mut self) -> anyhow::Result<()> {
        let frames = "new Promise(done => { let left = 3; const next = () => left-- ? requestAnimationFrame(next) : done(true); next(); })";
        self.eval(frames).map(drop)
    }

    /// Clicks into the middle of the first element that the selector finds, after scrolling it into view.
    pub fn click(&mut self, selector: &str) -> anyhow::Result<()> {
        let middle = format!(
            "(() => {{ const e = document.querySelector({0}); if (!e) return null; e.scrollIntoView({{block: 'center'}}); \
             const b = e.getBoundingClientRect(); return [b.x + b.width / 2, b.y + Math.min(b.height / 2, 14)]; }})()",
            json!(selector)
        );
        let middle = self.eval(&middle)?;
        let (Some(x), Some(y)) = (middle[0].as_f64(), middle[1].as_f64()) else {
            bail!("no element is {selector}")
        };
        self.click_at(x, y)
    }

    /// Clicks there.
    pub fn click_at(&mut self, x: f64, y: f64) -> anyhow::Result<()> {
        self.drag((x, y), (x, y))
    }

    /// Presses the button at one place and lets it go at another.
    pub fn drag(&mut self, from: (f64, f64), to: (f64, f64)) -> anyhow::Result<()> {
        self.mouse("mouseMoved", from, json!({}))?;
        let held = json!({ "button": "left", "buttons": 1, "clickCount": 1 });
        self.mouse("mousePressed", from, held.clone())?;
        if from != to {
            self.mouse("mouseMoved", ((from.0 + to.0) / 2.0, (from.1 + to.1) / 2.0), held.clone())?;
            self.mouse("mouseMoved", to, held)?;
        }
        self.mouse("mouseReleased", to, json!({ "button": "left", "clickCount": 1 }))?;
        self.settle()
    }

    /// Turns the wheel there: negative is away from the user.
    pub fn wheel(&mut self, at: (f64, f64), turn: f64) -> anyhow::Result<()> {
        self.mouse("mouseWheel", at, json!({ "deltaX": 0, "deltaY": turn }))?;
        self.settle()
    }

    fn mouse(&mut self, kind: &str, (x, y): (f64, f64), more: Value) -> anyhow::Result<()> {
        let mut event = json!({ "type": kind, "x": x, "y": y });
        if let (Some(event), Some(more)) = (event.as_object_mut(), more.as_object()) {
            event.extend(more.clone());
        }
        self.ask("Input.dispatchMouseEvent", event).map(drop)
    }

    /// Presses a key: one character, or a name such as `Enter`.
    pub fn key(&mut self, key: &str) -> anyhow::Result<()> {
        let code = match key {
            "Enter" => 13,
            "Escape" => 27,
            "Tab" => 9,
            "End" => 35,
            "Home" => 36,
            "ArrowLeft" => 37,
            "ArrowUp" => 38,
            "ArrowRight" => 39,
            "ArrowDown" => 40,
            _ => 0,
        };
        let text = if key.chars().count() == 1 { key } else { "" };
        let mut event = json!({ "type": if text.is_empty() { "rawKeyDown" } else { "keyDown" }, "key": key });
        if code != 0 {
            event["windowsVirtualKeyCode"] = code.into();
        }
        if !text.is_empty() || key == "Enter" {
            event["text"] = if key == "Enter" { "\r".into() } else { text.into() };
            event["type"] = "keyDown".into();
        }
        self.ask("Input.dispatchKeyEvent", event)?;
        self.ask("Input.dispatchKeyEvent", json!({ "type": "keyUp", "key": key }))?;
        self.settle()
    }

    /// Types into what has the focus.
    pub fn text(&mut self, text: &str) -> anyhow::Result<()> {
        self.ask("Input.insertText", json!({ "text": text })).map(drop)
    }

    /// The page as PNG.
    pub fn screenshot(&mut self) -> anyhow::Result<Vec<u8>> {
        let shot = self.ask("Page.captureScreenshot", json!({ "format": "png" }))?;
        let text = field(&shot, "data")?.as_str().context("a screenshot that is no text")?;
        base64::engine::general_purpose::STANDARD.decode(text).context("a screenshot that is no base64")
    }

    /// What went wrong since the page was opened, in words: exceptions, errors on its console, and anything that it asked
    /// for besides the file itself.
    pub fn complaints(&mut self) -> Vec<String> {
        let mut complaints = Vec::new();
        for event in self.pipe.events(&self.session) {
            let params = &event["params"];
            match event["method"].as_str().unwrap_or_default() {
                "Runtime.exceptionThrown" => complaints.push(params["exceptionDetails"].to_string()),
                "Runtime.consoleAPICalled"
                    if ["error", "warning", "assert"].iter().any(|kind| params["type"] == *kind) =>
                {
                    complaints.push(params["args"].to_string());
                }
                "Log.entryAdded"
                    if ["error", "warning"].iter().any(|level| params["entry"]["level"] == *level) =>
                {
                    complaints.push(params["entry"].to_string());
                }
                "Network.requestWillBeSent" => {
                    let url = params["request"]["url"].as_str().unwrap_or_default();
                    if !(url.starts_with("file://") && params["type"] == "Document"
                        || url.starts_with("data:"))
                    {
                        complaints.push(format!("it asked for {url}"));
                    }
                }
                _ => {}
            }
        }
        complaints
    }

    /// Closes the page.
    pub fn close(self) -> anyhow::Result<()> {
        self.pipe.ask(None, "Target.closeTarget", json!({ "targetId": self.target })).map(drop)
    }
}

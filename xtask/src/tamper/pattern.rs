//! Which instructions of an image are meant.

use serde::{Deserialize, Serialize};

use super::image::{Code, Image};

/// Instructions that an error names.
const LISTED: usize = 12;

/// A place in the image: every condition given must hold.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Place {
    /// The end of the name of the function whose code it is.
    #[serde(default)]
    pub symbol: Option<String>,
    /// Lines of the source that the instruction was compiled from, `FILE: PART OF THE LINE`: its own, or that of a call that
    /// was inlined.
    #[serde(default)]
    pub source: Vec<String>,
    /// The instruction as `objdump` writes it; `*` is anything.
    pub find: String,
    /// Instructions right before it, the last one last.
    #[serde(default)]
    pub after: Vec<String>,
    /// Instructions right behind it.
    #[serde(default)]
    pub before: Vec<String>,
    /// So many there must be.
    #[serde(default = "one")]
    pub matches: usize,
}

const fn one() -> usize {
    1
}

impl Place {
    /// The instructions meant.
    ///
    /// # Errors
    /// There are more or fewer than there must be; those found are named.
    pub fn find<'a>(&self, image: &'a Image<'_>) -> anyhow::Result<Vec<&'a Code>> {
        let mut found = Vec::new();
        let code = image.code();
        for (at, one) in code.iter().enumerate() {
            if self.reads(code, at) && self.lies(image, one.address)? {
                found.push(one);
            }
        }
        self.count(found)
    }

    /// Those found, if they are as many as there must be.
    pub(super) fn count<'a>(&self, found: Vec<&'a Code>) -> anyhow::Result<Vec<&'a Code>> {
        let (wanted, there) = (self.matches, found.len());
        let list = found.iter().take(LISTED).map(|code| format!("\n    {:#x}: {}", code.address, code.text));
        let list: String = list.collect();
        anyhow::ensure!(
            there == wanted,
            "pattern not found: `{}` is there {there} times, not {wanted}; the kernel has changed, so update the entry \
             (`cargo xtask tamper --code FUNCTION` prints code){list}",
            self.find
        );
        Ok(found)
    }

    /// Whether the instruction and its neighbours read as wanted.
    pub(super) fn reads(&self, code: &[Code], at: usize) -> bool {
        let Some(from) = at.checked_sub(self.after.len()) else { return false };
        let wanted = self.after.iter().chain([&self.find]).chain(&self.before);
        let there = code[from..].iter().map(Some).chain(std::iter::repeat(None));
        wanted.zip(there).all(|(pattern, code)| code.is_some_and(|code| like(pattern, &code.text)))
    }

    /// Whether it is where it should be.
    fn lies(&self, image: &Image<'_>, address: u64) -> anyhow::Result<bool> {
        let in_function =
            |symbol: &String| image.functions(address).any(|name| name.ends_with(symbol.as_str()));
        if !self.symbol.as_ref().is_none_or(in_function) {
            return Ok(false);
        }
        if self.source.is_empty() {
            return Ok(true);
        }
        let sources = image.sources(address)?;
        Ok(self.source.iter().all(|wanted| {
            let (file, part) = wanted.split_once(": ").unwrap_or((wanted, ""));
            sources.iter().any(|line| {
                line.split_once(": ").is_some_and(|(in_file, text)| in_file == file && text.contains(part))
            })
        }))
    }
}

/// Whether a text is what a pattern with `*` for anything says.
pub fn like(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(head) else { return false };
    (0..=text.len()).any(|skipped| text.is_char_boundary(skipped) && like(rest, &text[skipped..]))
}

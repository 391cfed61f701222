//! What a proof leaves, for people: one HTML file that needs no network ([`html`]), or a trace-event file for Perfetto
//! and `chrome://tracing` ([`chrome`]).
//!
//! ```text
//! verdict.json, facts.bin, console, ... -> Run -> scene (spans, chains, steals)
//!      scene -> data (packed columns) -> page (HTML, styles, scripts of assets/)
//!      scene -> chrome (slices, flows)
//! ```
//!
//! It shows what the judge said and decides nothing: no colour in it comes from anywhere but the verdict.
#![forbid(unsafe_code)]

mod assets;
mod chrome;
mod data;
mod escape;
mod page;
mod parts;
mod run;
mod scene;
mod story;
mod words;

#[cfg(test)]
mod testing;

pub use chrome::chrome;
pub use page::html;
pub use run::{Claim, Evidence, Fault, MarkerLine, Matrix, Run, State, Verdict};
pub use words::grouped;

//! `cargo xtask trace`: a proof's run in the trace-event format, which Perfetto and `chrome://tracing` open.

use std::path::PathBuf;

use anyhow::Context as _;

use crate::ctx::Ctx;
use crate::exit::Exit;
use crate::report;

/// Arguments of `trace`.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// The folder of a proof, such as target/proof/smp4; the last proof's when not given
    #[arg(long, value_name = "FOLDER")]
    from: Option<PathBuf>,
    /// The JSON file to write; trace.json in that folder when not given
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
}

/// `cargo xtask trace`.
pub fn main(args: Args, ctx: &Ctx) -> anyhow::Result<Exit> {
    let folder = args.from.unwrap_or_else(|| ctx.proof_out());
    let out = args.out.unwrap_or_else(|| folder.join("trace.json"));
    let json = antler_report::chrome(&report::load(&folder)?);
    std::fs::write(&out, &json).with_context(|| format!("cannot write {}", out.display()))?;
    say!(
        "trace: {} ({} KB); open it at ui.perfetto.dev or chrome://tracing",
        out.display(),
        json.len().div_ceil(1000)
    );
    Ok(Exit::Success)
}

//! `cargo xtask`: parse the command line, run one command, end with an exit code that has a name ([`exit::Exit`]).

use std::process::ExitCode;

/// Prints a line to stdout. Whoever reads it may have had enough; any other reason why it is lost ends the command red.
macro_rules! say {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        $crate::ui::written(writeln!(std::io::stdout(), $($text)*));
    }};
}

/// Prints a line to stderr, if somebody still reads it.
macro_rules! tell {
    ($($text:tt)*) => {{
        use std::io::Write as _;
        let _ = writeln!(std::io::stderr(), $($text)*);
    }};
}

mod bench;
mod browser;
mod build;
mod check;
mod cli;
mod counterfactuals;
mod ctx;
mod diag;
mod exit;
mod fuzz;
mod initrd;
mod mutants;
mod picture;
mod pool;
mod proof;
mod qemu;
mod report;
mod run;
mod setup;
mod signals;
mod sim;
mod tamper;
mod test;
mod tidy;
mod trace;
mod ui;

use cli::{Cli, Command};
use ctx::Ctx;
use exit::{Exit, Fail};

fn main() -> ExitCode {
    // clap ends usage errors itself, with 2, which is `Exit::Usage`.
    let cli = Cli::read();
    let exit = signals::watch().and_then(|()| Ctx::new()).and_then(|ctx| dispatch(cli.command, &ctx));
    let exit = exit.and_then(|exit| match ui::lost() {
        Some(error) if exit == Exit::Success => {
            Err(anyhow::anyhow!("cannot write to stdout: {error}; results are lost"))
        }
        _ => Ok(exit),
    });
    let exit = exit.unwrap_or_else(|error| {
        tell!("error: {error:#}");
        Fail::exit_of(&error)
    });
    // While a signal ends what was started, nobody's result counts any more.
    setup::pass();
    exit.into()
}

fn dispatch(command: Command, ctx: &Ctx) -> anyhow::Result<Exit> {
    match command {
        Command::Setup(args) => setup::main(args, ctx),
        Command::Doctor(args) => setup::doctor(args, ctx),
        Command::Build(args) => build::main(args, ctx),
        Command::Run(args) => run::main(args, ctx),
        Command::Proof(args) => proof::main(args, ctx),
        Command::Test(args) => test::main(args, ctx),
        Command::Check(args) => check::main(args, ctx),
        Command::Counterfactuals(args) => counterfactuals::main(args, ctx),
        Command::Tamper(args) => tamper::main(args, ctx),
        Command::Bench(args) => bench::main(args, ctx),
        Command::Mutants(args) => mutants::main(args, ctx),
        Command::Fuzz(args) => fuzz::main(args, ctx),
        Command::Sim(args) => sim::main(args, ctx),
        Command::DiagOs(args) => diag::main(args, ctx),
        Command::Picture(args) => picture::main(args, ctx),
        Command::Report(args) => report::main(args, ctx),
        Command::Trace(args) => trace::main(args, ctx),
        Command::Tidy(args) => tidy::main(args, ctx),
    }
}

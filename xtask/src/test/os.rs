//! What is compiled for riscv64.

use super::call::Call;
use super::step::{Failure, Step};
use crate::exit::Exit;

/// The steps.
pub fn steps() -> Vec<Step> {
    vec![
        Step::host("diag-os", |ctx| Call::new(["diag-os"]).run(ctx)?.exits(Exit::Success)?.passes()),
        Step::build("build", |ctx| {
            let done = Call::new(["build"]).run(ctx)?.exits(Exit::Success)?;
            match [ctx.kernel(), ctx.initrd()].iter().find(|path| !path.is_file()) {
                None => done.passes(),
                Some(path) => Err::<_, Failure>(done.failure(&format!("it left no {}", path.display()))),
            }
        }),
    ]
}

//! The nucleus without a machine under it: models, twins, simulator. The fuzz targets' short run is a host test.

use super::call::Call;
use super::step::{Count, Failure, Step};
use crate::check;
use crate::exit::Exit;

/// The steps.
pub fn steps() -> Vec<Step> {
    let lint = Step::host("format and clippy of the models", |ctx| match check::lint(ctx) {
        Ok(()) => Ok(Count::ONE),
        Err(error) => Err(Failure::from(error)),
    });
    // Fuzz targets have their short run among the host tests.
    let parts = check::Part::ALL.into_iter().filter(|part| *part != check::Part::Fuzz).map(|part| {
        Step::host(format!("check {part}"), move |ctx| {
            Call::new(["check".to_owned(), part.to_string()]).run(ctx)?.exits(Exit::Success)?.passes()
        })
    });
    std::iter::once(lint).chain(parts).collect()
}

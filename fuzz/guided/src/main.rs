//! libFuzzer around one target, whose name is in `ANTLER_FUZZ_TARGET`. Start it with `cargo xtask fuzz TARGET --guided`.
#![no_main]

use std::sync::LazyLock;

use antler_fuzz::{Target, target};
use libfuzzer_sys::fuzz_target;

static CHOSEN: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = std::env::var("ANTLER_FUZZ_TARGET").unwrap_or_default();
    target(&name).unwrap_or_else(|| panic!("ANTLER_FUZZ_TARGET names no target: {name:?}"))
});

fuzz_target!(|data: &[u8]| (CHOSEN.run)(data));

//! Runs the fuzz target that `ROGATORY_FUZZ_TARGET` names under libFuzzer.

#![no_main]

use libfuzzer_sys::fuzz_target;
use rogatory_fuzz::{Target, target};
use std::sync::LazyLock;

static TARGET: LazyLock<&'static Target> = LazyLock::new(|| {
    let name = std::env::var("ROGATORY_FUZZ_TARGET").unwrap_or_default();
    match target(&name) {
        Some(target) => target,
        None => {
            eprintln!("ROGATORY_FUZZ_TARGET names no target: `{name}`");
            std::process::exit(2)
        }
    }
});

fuzz_target!(|data: &[u8]| TARGET.run(data));

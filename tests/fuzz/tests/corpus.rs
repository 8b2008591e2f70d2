//! Replays seeds and committed inputs through the very functions that are fuzzed.

use rogatory_fuzz::{TARGETS, corpus};

#[test]
fn every_seed_and_every_input_found_so_far_keeps_the_promises() {
    for target in TARGETS {
        let seeds = target.seeds();
        assert!(!seeds.is_empty(), "{} begins with nothing", target.name);
        for input in seeds.iter().chain(&corpus::read(target.name).expect("the committed inputs")) {
            let kept = std::panic::catch_unwind(|| target.run(input));
            let shown = data_encoding::BASE64.encode(input);
            assert!(kept.is_ok(), "target {} fails on {shown}", target.name);
        }
    }
}

#[test]
fn no_input_belongs_to_a_target_that_is_gone_and_all_together_stay_small() {
    let folder = corpus::file_of("any").parent().expect("a folder").to_owned();
    let mut bytes = 0;
    for entry in std::fs::read_dir(folder).expect("the folder") {
        let entry = entry.expect("a file");
        bytes += entry.metadata().expect("a size").len();
        let name = entry.file_name().into_string().expect("text");
        let known = TARGETS.iter().any(|target| format!("{}.txt", target.name) == name);
        assert!(known, "corpus/{name} belongs to no target");
    }
    assert!(bytes < 5_000_000, "{bytes} bytes of inputs");
}

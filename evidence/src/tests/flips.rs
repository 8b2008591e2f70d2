//! Any flipped bit, anywhere, is noticed and the part is named.

use super::*;
use crate::open::{OpenOptions, OpenRequest, open};
use std::fs;

/// Seeded positions: a fixed sequence, spread over the whole length.
fn positions(length: usize, count: u64) -> impl Iterator<Item = (usize, u8)> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    (0..count).map(move |_| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let place = usize::try_from(state >> 11).unwrap_or(0) % length;
        (place, 1 << ((state >> 5) & 7))
    })
}

fn flip_everywhere(bench: &Bench, original: &Path, count: u64, options: &VerifyOptions<'_>) {
    let bytes = fs::read(original).expect("reads");
    assert_verified(&check(original, options));
    let changed_path = bench.path("changed.asice");
    for (place, bit) in positions(bytes.len(), count) {
        let mut changed = bytes.clone();
        changed[place] ^= bit;
        fs::write(&changed_path, &changed).expect("writes");
        let verdict = check(&changed_path, options);
        assert!(!verdict.is_verified(), "byte {place} bit {bit}");
        assert!(verdict.failures().all(|check| !check.text.is_empty()));
        assert!(verdict.failures().count() > 0, "byte {place} bit {bit}");
    }
    for cut in [0, 1, bytes.len() / 2, bytes.len() - 1] {
        fs::write(&changed_path, &bytes[..cut]).expect("writes");
        failures(&check(&changed_path, options));
    }
    let mut longer = bytes;
    longer.push(0);
    fs::write(&changed_path, &longer).expect("writes");
    failures(&check(&changed_path, options));
}

#[test]
fn a_flipped_bit_of_a_package_is_noticed_without_a_key() {
    let bench = bench();
    let package = bench.small_package("PK.asice");
    crate::add_seal(&package, &bench.office.seal, now(), &mut NoProgress).expect("seals");
    flip_everywhere(&bench, &package, 200, &bench.options());
}

#[test]
fn a_flipped_bit_of_a_package_is_noticed_with_a_key() {
    let bench = bench();
    let package = bench.small_package("PK.asice");
    flip_everywhere(&bench, &package, 200, &bench.options_with_identity());
}

#[test]
fn a_flipped_bit_of_the_index_is_noticed() {
    let bench = bench();
    let package = bench.small_package("PK.asice");
    open(OpenRequest {
        path: package,
        verify: bench.options_with_identity(),
        output: bench.path("out"),
        options: OpenOptions::default(),
        progress: &mut NoProgress,
    })
    .expect("opens");
    flip_everywhere(&bench, &bench.path("out/index.asice"), 400, &bench.options());
}

#[test]
fn a_flipped_bit_in_any_object_of_a_folder_names_that_object() {
    let bench = bench();
    let file = bench.file("x", b"abc");
    bench.seal(&[file], Output::Folder(bench.path("PK"))).expect("seals");
    crate::add_seal(&bench.path("PK"), &bench.office.seal, now(), &mut NoProgress).expect("seals");
    let source = crate::FolderSource::open(&bench.path("PK")).expect("opens");
    for object in crate::PackageSource::objects(&source) {
        let path = bench.path("PK").join(&object.name);
        let bytes = fs::read(&path).expect("reads");
        for (place, bit) in positions(bytes.len(), 12) {
            let mut changed = bytes.clone();
            changed[place] ^= bit;
            fs::write(&path, &changed).expect("writes");
            for options in [bench.options(), bench.options_with_identity()] {
                let verdict = check(&bench.path("PK"), &options);
                failures(&verdict);
                let named = verdict
                    .failures()
                    .any(|check| check.object.as_deref().is_some_and(|name| name == object.name));
                // A manifest's own bytes are covered by its signature, which is what fails.
                let manifest = object.name.contains("ASiCManifest");
                assert!(named || manifest, "{} byte {place} bit {bit}: {verdict}", object.name);
            }
        }
        fs::write(&path, &bytes).expect("writes");
    }
    assert_verified(&check(&bench.path("PK"), &bench.options()));
}

//! The shipped files hold together, and a broken one says where.

use super::*;
use crate::bilateral::ID_PREFIX;
use crate::confidence::Confidence;
use crate::instrument::{Position, Reach};
use crate::measure::Measure;
use std::collections::BTreeSet;
use std::path::Path;

const SMALL_INDEX: (&str, &str) = (
    "catalogue.toml",
    "format = 1\nas_of = \"2026-08\"\n[[sources]]\nkey = \"S1\"\ndocument = \"a text\"\naddress = \"https://example.org\"\n",
);

const WHOLE: &str = r#"id = "one-2001"
title = "Convention One"
short_title = "One"
kind = "multilateral-treaty"
confidence = "sourced"
sources = ["S1"]
publication = { text = "a depositary", confidence = "memory" }
region = { text = "global", confidence = "memory" }

[status]
standing = "in-force"
as_of = "2026-08"
confidence = "memory"

[[measures]]
measure = "preservation"
articles = [
  { article = "29", confidence = "sourced", sources = ["S1"] },
]
"#;

/// Reads `WHOLE` with one passage replaced, and says what is wrong.
fn wrong_after(from: &str, to: &str) -> String {
    assert!(WHOLE.contains(from), "{from}");
    let text = WHOLE.replacen(from, to, 1);
    let error = Catalogue::read(SMALL_INDEX, &[("instruments/one-2001.toml", &text)]).unwrap_err();
    let CatalogueError::File(error) = error else { panic!("{error}") };
    error.to_string()
}

/// Whether the error names the file, this line and this field.
#[track_caller]
fn names(error: &str, line: usize, field: &str) {
    let start = format!("`instruments/one-2001.toml`, line {line}, field `{field}`: ");
    assert!(error.starts_with(&start), "{error}\nexpected: {start}…");
}

#[test]
fn every_instrument_is_read_and_found_by_its_id() {
    let catalogue = catalogue().unwrap();
    assert_eq!(catalogue.instruments().len(), 38);
    for instrument in catalogue.instruments() {
        assert_eq!(catalogue.instrument(instrument.id.as_str()), Some(instrument));
        // An office's own treaties have ids that the catalogue never takes.
        assert!(!instrument.id.as_str().starts_with(ID_PREFIX), "{}", instrument.id);
    }
    assert_eq!(catalogue.instrument("none-such"), None);
}

#[test]
fn every_id_is_unique_and_names_its_file() {
    let mut ids = BTreeSet::new();
    for (instrument, (file, _)) in catalogue().unwrap().instruments().iter().zip(&FILES) {
        assert!(ids.insert(&instrument.id), "{}", instrument.id);
        assert_eq!(format!("instruments/{}.toml", instrument.id), *file);
    }
}

#[test]
fn no_data_file_is_left_out() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/instruments");
    let on_disk: BTreeSet<String> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| format!("instruments/{}", entry.unwrap().file_name().to_string_lossy()))
        .collect();
    let named: BTreeSet<String> = FILES.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(on_disk, named);
}

#[test]
fn every_fact_has_a_mark_and_every_source_is_used() {
    let catalogue = catalogue().unwrap();
    let mut used = BTreeSet::new();
    for instrument in catalogue.instruments() {
        for (fact, basis) in instrument.bases() {
            let remembered = basis.confidence() == Confidence::Memory;
            assert_eq!(remembered, basis.sources().is_empty(), "{}: {fact}", instrument.id);
            for key in basis.sources() {
                assert!(catalogue.source(key).is_some(), "{}: {fact}: {key}", instrument.id);
                used.insert(key.clone());
            }
        }
        assert!(instrument.measures.iter().all(|rule| !rule.articles.is_empty()), "{}", instrument.id);
    }
    let listed: BTreeSet<_> = catalogue.sources().iter().map(|source| source.key.clone()).collect();
    assert_eq!(used, listed);
}

#[test]
fn an_article_is_found_with_its_reach_and_its_mark() {
    let budapest = catalogue().unwrap().instrument("budapest-2001").unwrap();
    let rule = budapest.article_for(Measure::Preservation).unwrap();
    assert_eq!(rule.to_string(), "29; domestic power: 16");
    assert_eq!(rule.cross_border().map(|article| article.article.as_str()).collect::<Vec<_>>(), ["29"]);
    assert_eq!(rule.confidence(), Confidence::Sourced);
    let lanzarote = catalogue().unwrap().instrument("coe-lanzarote-2007").unwrap();
    let video = lanzarote.article_for(Measure::VideoHearing).unwrap();
    assert_eq!(video.to_string(), "domestic power: 36(2)");
    assert!(video.articles.iter().all(|article| article.reach == Reach::Domestic));
    // One remembered article makes the whole rule a remembered one.
    let union = catalogue().unwrap().instrument("eu-mla-2000").unwrap();
    assert_eq!(union.article_for(Measure::Interception).unwrap().confidence(), Confidence::Memory);
}

#[test]
fn silence_and_ignorance_are_told_apart() {
    let eio = catalogue().unwrap().instrument("eu-eio-2014").unwrap();
    let Position::NotRegulated(none) = eio.position(Measure::JointInvestigation) else { panic!() };
    assert!(none.note.as_deref().unwrap().contains("Art. 3 excludes"));
    let freezing = catalogue().unwrap().instrument("eu-freezing-2018").unwrap();
    assert_eq!(freezing.position(Measure::Content), Position::NotRecorded);
    assert_eq!(freezing.article_for(Measure::Content), None);
    assert!(matches!(eio.position(Measure::Content), Position::Regulated(_)));
}

#[test]
fn what_is_not_in_force_says_so() {
    let not_in_force: Vec<&str> = catalogue()
        .unwrap()
        .instruments()
        .iter()
        .filter(|instrument| !instrument.in_force())
        .map(|instrument| instrument.id.as_str())
        .collect();
    assert_eq!(
        not_in_force,
        [
            "un-cybercrime-2024",
            "un-model-mla-1990",
            "budapest-2ap-2022",
            "commonwealth-harare",
            "reciprocity-comity"
        ]
    );
}

#[test]
fn the_small_file_of_these_tests_is_whole() {
    Catalogue::read(SMALL_INDEX, &[("instruments/one-2001.toml", WHOLE)]).unwrap();
}

#[test]
fn a_broken_file_names_line_and_field() {
    let unknown = wrong_after("short_title", "shorttitle");
    names(&unknown, 3, "shorttitle");
    assert!(unknown.contains("unknown field"), "{unknown}");

    let missing = wrong_after("title = \"Convention One\"\n", "");
    names(&missing, 1, "title");

    names(&wrong_after("title = \"Convention One\"", "title = 1"), 2, "title");
    names(&wrong_after("title = \"Convention One\"", "title = \"  \""), 2, "title");
    names(&wrong_after("multilateral-treaty", "treaty"), 4, "kind");
    names(&wrong_after("one-2001", "One 2001"), 1, "id");
    names(&wrong_after("as_of = \"2026-08\"", "as_of = \"2026-13\""), 12, "status.as_of");
    names(&wrong_after("as_of = \"2026-08\"\n", ""), 10, "status.as_of");
    names(&wrong_after("\"preservation\"", "\"freezing\""), 16, "measures.measure");
    names(&wrong_after("article = \"29\", ", "artikel = \"29\", "), 18, "measures.articles.artikel");
    names(&wrong_after("article = \"29\", ", "article = 29, "), 18, "measures.articles.article");
}

#[test]
fn a_statement_without_its_mark_is_refused() {
    names(&wrong_after(", confidence = \"memory\" }", " }"), 7, "publication.confidence");
    names(&wrong_after("sources = [\"S1\"]\npub", "pub"), 5, "confidence");
    names(
        &wrong_after("as_of = \"2026-08\"\n", "as_of = \"2026-08\"\nsources = [\"S1\"]\n"),
        14,
        "status.confidence",
    );
    let unknown = wrong_after(
        "\"29\", confidence = \"sourced\", sources = [\"S1\"]",
        "\"29\", confidence = \"sourced\", sources = [\"S2\"]",
    );
    names(&unknown, 18, "measures.articles.sources");
    assert!(unknown.contains("no source is listed under the key `S2`"), "{unknown}");
}

#[test]
fn a_measure_stands_once_and_has_an_article() {
    let again =
        "\n[[not_regulated]]\nmeasures = [\"video-hearing\", \"preservation\"]\nconfidence = \"memory\"\n";
    let error = wrong_after("sources = [\"S1\"] },\n]\n", &format!("sources = [\"S1\"] }},\n]\n{again}"));
    names(&error, 22, "not_regulated.measures");
    let empty = wrong_after("  { article = \"29\", confidence = \"sourced\", sources = [\"S1\"] },\n", "");
    names(&empty, 17, "measures.articles");
}

#[test]
fn what_is_no_toml_names_line_and_column() {
    let error = wrong_after("kind = \"multilateral-treaty\"", "kind = ");
    assert!(error.starts_with("`instruments/one-2001.toml`, line 4, column "), "{error}");
    assert!(!error.contains('\n'), "{error}");
}

#[test]
fn two_descriptions_of_one_instrument_are_refused() {
    let files = [("instruments/one-2001.toml", WHOLE), ("instruments/other.toml", WHOLE)];
    let error = Catalogue::read(SMALL_INDEX, &files).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the instrument `one-2001` is described twice, in `instruments/one-2001.toml` and in `instruments/other.toml`"
    );
}

//! The example is whole, and an office that errs is told where.

use super::*;
use crate::measure::Measure;

fn wrong_after(from: &str, to: &str) -> String {
    assert!(EXAMPLE.contains(from), "{from}");
    let text = EXAMPLE.replacen(from, to, 1);
    BilateralTreaty::from_toml("xa-xb.toml", &text).unwrap_err().to_string()
}

/// Whether the error names the file, the line that `mark` begins in the example, and this field.
#[track_caller]
fn names(error: &str, mark: &str, field: &str) {
    let at = EXAMPLE.find(mark).unwrap();
    let line = EXAMPLE[..at].matches('\n').count() + 1;
    let start = format!("`xa-xb.toml`, line {line}, field `{field}`: ");
    assert!(error.starts_with(&start), "{error}\nexpected: {start}…");
}

#[test]
fn the_example_says_what_a_treaty_asks_and_who_is_competent() {
    let treaty = BilateralTreaty::from_toml("example.toml", EXAMPLE).unwrap();
    let [arcadia, borduria] = treaty.parties();
    assert_eq!(treaty.instrument().article_for(Measure::MutualAssistance).unwrap().to_string(), "1, 4");
    let keys: Vec<&str> = treaty.required_fields().iter().map(|field| field.key.as_str()).collect();
    assert_eq!(keys, ["authority", "facts_summary"]);
    let executes: Vec<&str> = treaty
        .competent_for(borduria, Competence::ExecuteRequests)
        .map(|authority| authority.authority.as_str())
        .collect();
    assert_eq!(executes, ["Office of the Prosecutor General of Borduria"]);
    assert_eq!(treaty.competent_for(arcadia, Competence::ProduceEvidence).count(), 0);
}

#[test]
fn what_the_form_lacks_or_does_not_know_is_named() {
    names(
        &wrong_after("title = \"Treaty between", "titel = \"Treaty between"),
        "title = \"Treaty between",
        "treaty.titel",
    );
    names(&wrong_after("article = \"4(1)(a)\"\n", ""), "[[required_fields]]", "required_fields.article");
    names(
        &wrong_after("demand = \"required\"", "demand = \"must\""),
        "demand = \"required\"",
        "required_fields.demand",
    );
    names(&wrong_after("country = \"xa\"", "country = \"Arcadia\""), "country = \"xa\"", "competent.country");
    names(&wrong_after("format = 1", "format = 2"), "format = 1", "format");
}

#[test]
fn what_does_not_fit_together_is_named() {
    names(&wrong_after("[\"xa\", \"xb\"]", "[\"xa\", \"xa\"]"), "parties = ", "parties");
    names(&wrong_after("\"bilateral-xa-xb-1998\"", "\"budapest-2001\""), "id = ", "treaty.id");
    names(&wrong_after("\"bilateral-treaty\"", "\"protocol\""), "kind = ", "treaty.kind");
    names(&wrong_after("country = \"xb\"", "country = \"xc\""), "country = \"xb\"", "competent.country");
    names(&wrong_after("xa/ministry", "xb/ministry"), "party = ", "competent.party");
    names(
        &wrong_after("\"facts_summary\"", "\"authority\""),
        "key = \"facts_summary\"",
        "required_fields.key",
    );
    names(&wrong_after("\"facts_summary\"", "\"Facts\""), "key = \"facts_summary\"", "required_fields.key");
    names(
        &wrong_after("condition = \"not for the service of documents\"\n", ""),
        "demand = \"conditional\"",
        "required_fields.demand",
    );
    names(
        &wrong_after(
            "demand = \"required\"         # or conditional",
            "demand = \"required\"\ncondition = \"x\" # ",
        ),
        "demand = \"required\"",
        "required_fields.demand",
    );
    let nobody = "acts = [\"request-assistance\", \"execute-requests\"]\nlimits";
    let error = wrong_after(nobody, "acts = [\"request-assistance\"]\nlimits");
    assert!(error.contains("no authority of `xb` is named that executes requests"), "{error}");
}

#[test]
fn a_statement_without_its_mark_is_refused() {
    names(
        &wrong_after("limits = \"before trial\"\nconfidence = \"memory\"", "limits = \"before trial\""),
        "[[competent]]\ncountry = \"xb\"",
        "competent.confidence",
    );
    let unlisted = wrong_after("key = \"treaty\"", "key = \"other\"");
    assert!(unlisted.contains("no source is listed under the key `treaty`"), "{unlisted}");
}

#[test]
fn a_file_without_limit_is_not_parsed() {
    let text = "#".repeat(crate::data_file::MAX_SIZE_BYTES + 1);
    let error = BilateralTreaty::from_toml("large.toml", &text).unwrap_err();
    assert!(matches!(error, DataError::TooLarge { .. }), "{error}");
    // Nesting is bounded by the parser.
    let deep = format!("format = {}", "[".repeat(100_000));
    assert!(BilateralTreaty::from_toml("deep.toml", &deep).is_err());
    for text in ["", "\u{feff}", "é = ", "format", "[[competent]]\n[competent]"] {
        assert!(BilateralTreaty::from_toml("odd.toml", text).is_err(), "{text}");
    }
}

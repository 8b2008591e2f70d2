//! Tests of the facts, their rules and their assignment to exhibits.

use super::facts::Named;
use super::*;
use std::path::Path;

fn sample() -> Acquisition {
    let line = |text: &str| Line::new(text).expect("a line");
    Acquisition {
        category: Some(Category::Traffic),
        tools: vec![Tool { name: line("Exporter"), version: Some(line("4.2")), settings: None }],
        acquired_by: Some(AcquiredBy { name: line("Ana Lupu"), organisation: None, role: None }),
        privileged: Some(false),
        ..Acquisition::default()
    }
}

fn digest(of: DigestOf, bytes: &[u8]) -> OriginalDigest {
    OriginalDigest::new(of, DigestAlgorithm::Sha256, &Digest::of(bytes).to_hex()).expect("a digest")
}

fn named(path: &str) -> Named<'_> {
    Named { path: Path::new(path), relative: None, is_folder: false }
}

fn facts(json: &str) -> Facts {
    serde_json::from_str(json).expect("facts")
}

fn category_of(assigned: &Assigned, position: usize) -> Option<Category> {
    let facts = assigned.of(position, Path::new("x"), &Digest::of(b"x")).expect("fits");
    facts.and_then(|facts| facts.category)
}

#[test]
fn every_member_is_written_and_read_back() {
    let text = serde_json::to_string(&sample()).expect("writes");
    assert_eq!(serde_json::from_str::<Acquisition>(&text).expect("reads"), sample());
    assert_eq!(text.matches("null").count(), 17, "{text}");
    assert!(text.starts_with(r#"{"category":"traffic","media_type":null,"languages":[],"#), "{text}");
}

#[test]
fn unknown_members_are_refused_everywhere() {
    for text in [
        r#"{"categroy":"traffic"}"#,
        r#"{"source_device":{"imei":"1"}}"#,
        r#"{"tools":[{"name":"a","build":"1"}]}"#,
        r#"{"category":"gossip"}"#,
    ] {
        assert!(serde_json::from_str::<Acquisition>(text).is_err(), "{text}");
    }
}

#[test]
fn facts_that_break_a_rule_name_the_member() {
    let instant = |text: &str| text.parse::<Timestamp>().expect("an instant");
    let two = vec![digest(DigestOf::Source, b"a"), digest(DigestOf::Source, b"b")];
    let range = TimeRange {
        from: Some(instant("2026-03-02T00:00:00Z")),
        until: Some(instant("2026-03-01T00:00:00Z")),
    };
    let many = vec![Language::new("ro").expect("a language"); 21];
    let long = vec![Line::new(&"я".repeat(500)).expect("a line"); 20];
    for (facts, word) in [
        (Acquisition::default(), "nothing"),
        (Acquisition { languages: many, ..sample() }, "languages"),
        (Acquisition { time_range: Some(range), ..sample() }, "time_range"),
        (Acquisition { time_range: Some(TimeRange::default()), ..sample() }, "time_range"),
        (Acquisition { source_device: Some(SourceDevice::default()), ..sample() }, "source_device"),
        (Acquisition { original_digests: two, ..sample() }, "original_digests"),
        (Acquisition { transformations: long, ..sample() }, "bytes"),
    ] {
        let why = facts.check().expect_err(word);
        assert!(why.contains(word), "{why}");
    }
    assert_eq!(sample().check(), Ok(()));
}

#[test]
fn a_statement_of_its_own_goes_before_the_general_one() {
    let own = Acquisition { category: Some(Category::Content), ..Acquisition::default() };
    let both = own.over(&sample());
    assert_eq!(both.category, Some(Category::Content));
    assert_eq!(both.tools, sample().tools);
    assert_eq!(own.over(&Acquisition::default()), own);
}

#[test]
fn the_nearest_statement_counts() {
    let facts = facts(
        r#"{"format":1,"all":{"category":"other"},"exhibit":[
            {"paths":["./phone/"],"facts":{"category":"content"}},
            {"paths":["phone/log/calls.csv","/abs/x"],"facts":{"category":"traffic"}}]}"#,
    );
    let paths = ["phone/a.jpg", "phone/log/calls.csv", "phonebook.csv", "/abs/x"];
    let assigned = facts.assign(paths.into_iter().map(named)).expect("assigned");
    let found: Vec<_> = (0..4).map(|position| category_of(&assigned, position)).collect();
    let wanted = [Category::Content, Category::Traffic, Category::Other, Category::Traffic];
    assert_eq!(found, wanted.map(Some));
    assert_eq!(assigned.undescribed(), 0);
}

#[test]
fn files_of_a_folder_are_meant_by_their_path_below_it_too() {
    let facts =
        facts(r#"{"format":1,"all":null,"exhibit":[{"paths":["media/one.jpg"],"facts":{"victim":true}}]}"#);
    let exhibit =
        |path, relative| Named { path: Path::new(path), relative: Some(relative), is_folder: false };
    let exhibits =
        [exhibit("/d/media/one.jpg", &b"media/one.jpg"[..]), exhibit("/d/media/two", b"media/two")];
    let assigned = facts.assign(exhibits.into_iter()).expect("assigned");
    assert!(assigned.of(0, Path::new("x"), &Digest::of(b"")).expect("fits").is_some());
    assert!(assigned.of(1, Path::new("x"), &Digest::of(b"")).expect("fits").is_none());
    assert_eq!(assigned.undescribed(), 1);
}

#[test]
fn statements_that_cannot_be_meant_are_refused() {
    let statement = |path: &str, facts: &str| format!(r#"{{"paths":["{path}"],"facts":{facts}}}"#);
    let file = |statements: &[String]| {
        facts(&format!(r#"{{"format":1,"all":null,"exhibit":[{}]}}"#, statements.join(",")))
    };
    let victim = r#"{"victim":true}"#;
    let cases = [
        (Facts { format: 2, ..Facts::default() }, "format 2"),
        (Facts { format: 1, ..Facts::default() }, "says nothing"),
        (file(&[statement("b.csv", victim)]), "`b.csv`"),
        (file(&[statement("a.csv", victim), statement("./a.csv", victim)]), "twice"),
        (file(&[statement("a.csv", "{}")]), "says something"),
        (facts(r#"{"format":1,"all":{}}"#), "all exhibits"),
    ];
    for (facts, word) in cases {
        let error = facts.assign([named("a.csv")].into_iter()).err().expect(word);
        assert!(error.to_string().contains(word), "{error}");
    }
}

#[test]
fn another_digest_of_the_exhibit_is_refused_and_one_of_the_source_is_not() {
    let with = |digest| Facts {
        format: 1,
        all: Some(Acquisition { original_digests: vec![digest], ..Acquisition::default() }),
        exhibits: Vec::new(),
    };
    let sealed = Digest::of(b"the exhibit");
    let assign = |facts: &Facts| facts.assign([named("a")].into_iter()).expect("assigned");
    let other = with(digest(DigestOf::Exhibit, b"something else"));
    let error = assign(&other).of(0, Path::new("a"), &sealed).expect_err("differs").to_string();
    assert!(error.contains(&sealed.to_hex()), "{error}");
    assert!(error.contains(&Digest::of(b"something else").to_hex()), "{error}");
    for fits in [digest(DigestOf::Exhibit, b"the exhibit"), digest(DigestOf::Source, b"something else")] {
        assert!(assign(&with(fits)).of(0, Path::new("a"), &sealed).expect("fits").is_some());
    }
    let folder = Named { path: Path::new("media"), relative: None, is_folder: true };
    assert!(matches!(other.assign([folder].into_iter()), Err(FactsError::FolderDigest { .. })));
}

#[test]
fn a_person_sees_every_fact() {
    let mut facts = sample();
    facts.original_digests.push(digest(DigestOf::Source, b"image"));
    facts.original_digests.push(
        OriginalDigest::new(DigestOf::Exhibit, DigestAlgorithm::Md5, &"0".repeat(32)).expect("a digest"),
    );
    let lines = facts.lines();
    let text: Vec<String> = lines.iter().map(|(label, text)| format!("{label}: {text}")).collect();
    assert!(text.contains(&"tool: Exporter, 4.2".to_owned()), "{text:?}");
    assert!(text.contains(&"privileged: no".to_owned()), "{text:?}");
    assert!(text.iter().any(|line| line.contains("claimed by the producer, not compared")), "{text:?}");
    assert!(text.iter().any(|line| line.contains("information only")), "{text:?}");
}

//! Acquisition facts travel with the exhibits, and packages are exported with them.

use super::*;
use crate::acquisition::{Facts, Line};
use crate::export::{ExportError, Moment, Transmission, case, eu_manifest, printed, to_new_file};
use crate::verify::{Form, Verified};
use rogatory_core::Digest;
use serde_json::Value;
use std::fs;

const LETTER: &[u8] = b"the content of the letter";
const MARKER: &str = "Exporter of unmistakable name";

fn facts(sha256: &str) -> Facts {
    let text = format!(
        r#"{{"format":1,
            "all":{{"acquired_by":{{"name":"Ana Lupu","organisation":"Nistru Chat SRL","role":"administrator"}},
                   "acquired_time":"2026-11-20T08:00:00Z","legal_basis":"Order 12/2026",
                   "tools":[{{"name":"{MARKER}","version":"4.2","settings":"UTC"}}]}},
            "exhibit":[
              {{"paths":["letter.txt"],"facts":{{"category":"content","media_type":"text/plain","privileged":true,
                "account_identifiers":[{{"kind":"e-mail","value":"a@example.org"}}],
                "original_digests":[
                  {{"of":"exhibit","algorithm":"sha-256","value":"{sha256}"}},
                  {{"of":"exhibit","algorithm":"md5","value":"900150983cd24fb0d6963f7d28e17f72"}}]}}}},
              {{"paths":["photos"],"facts":{{"victim":true,
                "source_device":{{"type":"mobile phone","make":"Maker","model":"M1","serial_number":"SN-1"}},
                "original_digests":[{{"of":"source","algorithm":"sha-1","value":"a9993e364706816aba3e25717850c26c9cd0d89d"}}]}}}}]}}"#
    );
    serde_json::from_str(&text).expect("facts")
}

/// The small package with facts; the names in them are those of the exhibits, whatever folder they lie in.
fn sealed(bench: &Bench, name: &str, sha256: &str) -> Result<PathBuf, SealError> {
    let paths =
        [bench.file("letter.txt", LETTER), bench.file("empty", b""), bench.file("photos/a.jpg", &[7; 700])];
    let paths = [paths[0].clone(), paths[1].clone(), bench.path("photos")];
    let mut facts = facts(sha256);
    for statement in &mut facts.exhibits {
        statement.paths = statement.paths.iter().map(|path| bench.folder.path().join(path)).collect();
    }
    let output = bench.path(name);
    bench.seal_with(&bench.office.officer, &paths, Output::AsiceFile(output.clone()), |request| {
        request.options.facts = Some(facts);
        request.institution = Some(bench.office.party.clone());
        request.order = Some("MD-JF58-JXH4-09RC-SPTW-27".parse().expect("a shared number"));
    })?;
    Ok(output)
}

fn good(bench: &Bench) -> PathBuf {
    sealed(bench, "PK.asice", &Digest::of(LETTER).to_hex()).expect("seals")
}

fn graph(path: &Path, options: &VerifyOptions<'_>) -> Value {
    let mut out = Vec::new();
    case(path, options, &mut out).expect("exports");
    serde_json::from_slice(&out).expect("JSON")
}

fn nodes<'a>(graph: &'a Value, class: &str) -> Vec<&'a Value> {
    let all = graph["@graph"].as_array().expect("a graph");
    all.iter().filter(|node| node["@type"] == class).collect()
}

#[test]
fn facts_are_in_the_index_and_nowhere_in_the_clear() {
    let bench = bench();
    let package = good(&bench);
    let verdict = check(&package, &bench.options_with_identity());
    assert_verified(&verdict);
    let Some(Verified::Package(verified)) = verdict.verified() else { panic!("a package") };
    let facts: Vec<_> = verified.exhibits().iter().map(|one| one.acquisition.clone()).collect();
    let [Some(letter), Some(empty), Some(photos)] = &facts[..] else { panic!("{facts:?}") };
    assert_eq!(letter.privileged, Some(true));
    assert_eq!(letter.tools, empty.tools);
    assert_eq!(photos.victim, Some(true));
    assert!(letter.lines().iter().any(|(label, _)| *label == "original digest"));
    let bytes = fs::read(&package).expect("reads");
    assert!(!bytes.windows(MARKER.len()).any(|window| window == MARKER.as_bytes()));
    // Without identity nothing of them is known.
    let Some(Verified::Package(outer)) = check(&package, &bench.options()).verified().cloned() else {
        panic!("a package")
    };
    assert!(outer.exhibits().is_empty());
}

#[test]
fn a_file_that_is_not_what_the_facts_describe_is_not_sealed() {
    let bench = bench();
    let wrong = Digest::of(b"what the producer had").to_hex();
    let error = sealed(&bench, "PK.asice", &wrong).expect_err("differs").to_string();
    assert!(error.contains(&wrong) && error.contains(&Digest::of(LETTER).to_hex()), "{error}");
    assert!(error.contains("letter.txt"), "{error}");
    assert!(!bench.path("PK.asice").exists());
}

#[test]
fn exhibits_that_the_facts_leave_out_are_told() {
    let bench = bench();
    let paths = [bench.file("a", b"a"), bench.file("b", b"b")];
    let facts: Facts =
        serde_json::from_str(r#"{"format":1,"exhibit":[{"paths":["a"],"facts":{"victim":false}}]}"#)
            .expect("facts");
    let seal = |facts: Facts| {
        bench.seal_with(&bench.office.officer, &paths, Output::AsiceFile(bench.path("PK.asice")), |request| {
            request.options.facts = Some(facts);
        })
    };
    let error = seal(facts.clone()).expect_err("no such path").to_string();
    assert!(error.contains("`a`"), "{error}");
    let mut facts = facts;
    facts.exhibits[0].paths = vec![paths[0].clone()];
    let report = seal(facts).expect("seals");
    assert_eq!(report.notes, ["the file of facts says nothing of 1 exhibit"]);
}

#[test]
fn a_sealed_an_opened_package_and_an_index_export_the_same_exhibits() {
    let bench = bench();
    let package = good(&bench);
    let mut progress = NoProgress;
    crate::open(crate::OpenRequest {
        path: package.clone(),
        verify: bench.options_with_identity(),
        output: bench.path("out"),
        options: crate::OpenOptions::default(),
        progress: &mut progress,
    })
    .expect("opens");
    let sealed = graph(&package, &bench.options_with_identity());
    for (other, options) in
        [(bench.path("out"), bench.options()), (bench.path("out/index.asice"), bench.options())]
    {
        let other = graph(&other, &options);
        for class in ["uco-observable:File", "case-investigation:ProvenanceRecord", "uco-observable:Device"] {
            assert_eq!(nodes(&sealed, class), nodes(&other, class));
            assert!(!nodes(&sealed, class).is_empty(), "{class}");
        }
    }
}

#[test]
fn a_graph_tells_who_acquired_what_with_what() {
    let bench = bench();
    let graph = graph(&good(&bench), &bench.options_with_identity());
    let numbers: Vec<_> = nodes(&graph, "case-investigation:ProvenanceRecord")
        .iter()
        .map(|record| record["case-investigation:exhibitNumber"].as_str().expect("a number"))
        .collect();
    assert_eq!(numbers, ["EX-0001", "EX-0002", "EX-0003"]);
    let tools = nodes(&graph, "uco-tool:Tool");
    // Three exhibits share it, and it stands there once.
    assert_eq!(tools.len(), 1);
    assert_eq!(tools[0]["uco-tool:version"], "4.2");
    let actions = nodes(&graph, "case-investigation:InvestigativeAction");
    assert_eq!(actions.len(), 4, "three acquisitions and the sealing");
    for action in &actions[..3] {
        assert_eq!(action["uco-action:instrument"][0]["@id"], tools[0]["@id"]);
        assert_eq!(action["uco-action:endTime"]["@value"], "2026-11-20T08:00:00Z");
    }
    let text = graph.to_string();
    let sha256 = Digest::of(LETTER).to_hex().to_uppercase();
    assert!(text.contains(&sha256) && text.contains("a@example.org") && text.contains("SN-1"));
    // A weak digest stands at the producer's original, never at the exhibit.
    let exhibit = nodes(&graph, "uco-observable:File");
    assert!(!exhibit[0].to_string().contains("900150983CD24FB0D6963F7D28E17F72"));
    assert!(text.contains("900150983CD24FB0D6963F7D28E17F72") && text.contains("information only"));
    // The picture in the folder, with its own hash.
    assert!(text.contains(&Digest::of(&[7; 700]).to_hex().to_uppercase()));
    assert!(text.contains("a.jpg"));
}

/// The producer's words name people, roles and tools as he likes: none becomes the signer's role, or somebody else's.
#[test]
fn what_a_producer_writes_never_takes_the_identifier_of_something_else() {
    let bench = bench();
    let paths = [bench.file("a", b"a"), bench.file("b", b"b")];
    let text = r#"{"format":1,"exhibit":[
        {"paths":["a"],"facts":{
            "acquired_by":{"name":"Ana","organisation":"Org","role":"signer of the package"},
            "account_identifiers":[{"kind":"e-mail","value":"x"}],
            "tools":[{"name":"T","version":"1","settings":"UTC"}]}},
        {"paths":["b"],"facts":{
            "acquired_by":{"name":"Ana of Org","role":"EX-0001"},
            "account_identifiers":[{"value":"Some(\"identifier of the kind: e-mail\") x"}],
            "tools":[{"name":"T Some(\"1\")","settings":"UTC"}]}}]}"#;
    let mut facts: Facts = serde_json::from_str(text).expect("facts");
    for (statement, path) in facts.exhibits.iter_mut().zip(&paths) {
        statement.paths = vec![path.clone()];
    }
    bench
        .seal_with(&bench.office.officer, &paths, Output::AsiceFile(bench.path("PK.asice")), |request| {
            request.options.facts = Some(facts);
        })
        .expect("seals");
    let graph = graph(&bench.path("PK.asice"), &bench.options_with_identity());
    let roles: Vec<_> = nodes(&graph, "uco-role:Role")
        .into_iter()
        .filter(|role| role["uco-core:name"] == "signer of the package")
        .map(|role| role["@id"].clone())
        .collect();
    assert_eq!(roles.len(), 2, "the signer's role is not the one that the producer states: {graph}");
    assert_ne!(roles[0], roles[1]);
    let stated = |name: &str| {
        let people = nodes(&graph, "uco-identity:Person").into_iter();
        people.filter(|person| person["uco-core:name"] == name).count()
    };
    assert_eq!((stated("Ana"), stated("Ana of Org")), (1, 1));
    assert_eq!(nodes(&graph, "uco-tool:Tool").len(), 2);
    assert_eq!(nodes(&graph, "uco-observable:DigitalAccount").len(), 2);
    let all = graph["@graph"].as_array().expect("a graph");
    let ids: std::collections::HashSet<_> = all.iter().map(|node| node["@id"].to_string()).collect();
    assert_eq!(ids.len(), all.len(), "no identifier names two things");
}

#[cfg(unix)]
#[test]
fn a_name_that_is_no_text_is_exported_with_its_raw_bytes() {
    use std::os::unix::ffi::OsStrExt;
    let bench = bench();
    let path = bench.path("x").with_file_name(std::ffi::OsStr::from_bytes(b"raw\xff\xfe"));
    fs::write(&path, b"x").expect("writes");
    bench.seal(&[path], Output::AsiceFile(bench.path("PK.asice"))).expect("seals");
    let graph = graph(&bench.path("PK.asice"), &bench.options_with_identity()).to_string();
    assert!(graph.contains(&data_encoding::BASE64.encode(b"raw\xff\xfe")), "{graph}");
}

#[cfg(unix)]
#[test]
fn further_names_and_holes_are_told_and_no_other_digest_passes_for_a_sha_256() {
    let bench = bench();
    bench.file("folder/a", b"abc");
    fs::hard_link(bench.path("folder/a"), bench.path("folder/b")).expect("links");
    let sparse = fs::File::create(bench.path("folder/holes")).expect("makes");
    sparse.set_len(16 * 1024 * 1024).expect("grows");
    bench.seal(&[bench.path("folder")], Output::AsiceFile(bench.path("PK.asice"))).expect("seals");
    let graph = graph(&bench.path("PK.asice"), &bench.options_with_identity());
    let node = |name: &str| {
        let found = nodes(&graph, "uco-observable:File").into_iter();
        let mut found = found.filter(|node| node["uco-core:hasFacet"][0]["uco-observable:filePath"] == name);
        found.next().unwrap_or_else(|| panic!("no {name}")).to_string()
    };
    let sha256 = Digest::of(b"abc").to_hex().to_uppercase();
    assert!(node("a").contains(&sha256) && !node("a").contains("hard link"));
    assert!(node("b").contains(&sha256) && node("b").contains("hard link"));
    assert!(!node("holes").contains("SHA256") && node("holes").contains("with holes"), "{}", node("holes"));
}

#[test]
fn nothing_unverified_is_exported_and_nothing_is_left_behind() {
    let bench = bench();
    let package = good(&bench);
    let mut sink = Vec::new();
    assert!(matches!(case(&package, &bench.options(), &mut sink), Err(ExportError::NoIdentity)));
    let other = office("md");
    let stranger = VerifyOptions { anchors: &other.anchors, ..bench.options_with_identity() };
    let target = bench.path("graph.jsonld");
    let error = to_new_file(&target, |out| case(&package, &stranger, out)).expect_err("nobody vouches");
    assert!(error.verdict().is_some_and(|verdict| !verdict.is_verified()));
    assert!(!target.exists() && crate::leftovers(&target).is_empty());
    to_new_file(&target, |out| case(&package, &bench.options_with_identity(), out)).expect("exports");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = fs::metadata(&target).expect("there").permissions().mode();
        assert_eq!(mode & 0o077, 0, "others may read it");
    }
    let again = to_new_file(&target, |out| case(&package, &bench.options_with_identity(), out));
    assert!(matches!(again, Err(ExportError::Write(_))), "something was overwritten");
}

fn transmission() -> Transmission {
    Transmission {
        moment: Moment::AvailableFrom(now()),
        means: Line::new("download link, record 17").expect("a line"),
        accessible_until: Some(now().plus_seconds(30 * 86_400)),
        extended: false,
        case_reference: None,
        remarks: None,
    }
}

#[test]
fn the_manifest_for_large_evidence_has_its_seven_items() {
    let bench = bench();
    let package = good(&bench);
    let options = bench.options_with_identity();
    let manifest = eu_manifest(&package, &options, &transmission(), &mut NoProgress).expect("a manifest");
    let bytes = fs::read(&package).expect("reads");
    let file = &manifest.files.value[0];
    assert_eq!((file.name.as_str(), file.size_bytes), ("PK.asice", bytes.len() as u64));
    let sha512 = data_encoding::HEXLOWER
        .encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA512, &bytes).as_ref());
    assert_eq!(file.digests["SHA-512"], sha512);
    assert_eq!(file.digests["SHA-256"], Digest::of(&bytes).to_hex());
    assert!(!manifest.size.value.is_large);
    let names: Vec<_> = manifest.contains.value.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(names, ["letter.txt", "empty", "photos"]);
    let json = serde_json::to_value(&manifest).expect("JSON");
    let mut items: Vec<u64> = json
        .as_object()
        .expect("an object")
        .values()
        .filter_map(|field| field["items"].as_array())
        .flatten()
        .filter_map(Value::as_u64)
        .collect();
    items.sort_unstable();
    items.dedup();
    assert_eq!(items, [1, 2, 3, 4, 5, 6, 7]);
    for field in json.as_object().expect("an object").values().filter(|field| field.is_object()) {
        if field.get("items").is_some() {
            assert_eq!(field["mark"], "S");
            assert!(field["source"].as_str().is_some_and(|source| source.contains("2025/1550")));
        }
    }
    let page = printed(&manifest);
    for text in ["SENSITIVE", sha512.as_str(), "letter.txt", "record 17", "MD-JF58-JXH4-09RC-SPTW-27"] {
        assert!(page.contains(text), "{text}\n{page}");
    }
}

#[test]
fn a_package_that_is_a_folder_lists_each_object_and_a_changed_one_is_found() {
    let bench = bench();
    let file = bench.file("x", b"abc");
    bench.seal(&[file], Output::Folder(bench.path("PK"))).expect("seals");
    let options = bench.options_with_identity();
    let mut transmission = transmission();
    let error =
        eu_manifest(&bench.path("PK"), &options, &transmission, &mut NoProgress).expect_err("no order");
    assert!(error.to_string().contains("names no order"), "{error}");
    transmission.case_reference = Some(Line::new("1 Js 2/26").expect("a line"));
    let manifest =
        eu_manifest(&bench.path("PK"), &options, &transmission, &mut NoProgress).expect("a manifest");
    let names: Vec<_> = manifest.files.value.iter().map(|file| file.name.as_str()).collect();
    assert!(names.contains(&"data/EX-0001.age") && names.contains(&"META-INF/signature001.p7s"), "{names:?}");
    let object = bench.path("PK/data/EX-0001.age");
    let mut bytes = fs::read(&object).expect("reads");
    *bytes.last_mut().expect("a byte") ^= 1;
    fs::write(&object, bytes).expect("writes");
    let error =
        eu_manifest(&bench.path("PK"), &options, &transmission, &mut NoProgress).expect_err("changed");
    assert!(error.to_string().contains("data/EX-0001.age"), "{error}");
}

#[test]
fn only_what_was_sent_has_a_manifest() {
    let bench = bench();
    let package = good(&bench);
    let mut progress = NoProgress;
    crate::open(crate::OpenRequest {
        path: package,
        verify: bench.options_with_identity(),
        output: bench.path("out"),
        options: crate::OpenOptions::default(),
        progress: &mut progress,
    })
    .expect("opens");
    let verdict = check(&bench.path("out"), &bench.options());
    assert_eq!(verdict.form(), Form::Opened);
    let error = eu_manifest(&bench.path("out"), &bench.options(), &transmission(), &mut NoProgress);
    assert!(matches!(error, Err(ExportError::NotSealed)));
}

//! A package sealed by `rogatory` with keys that `openssl` and `age-keygen` made is read, checked and opened
//! with other people's tools alone.

use rogatory_evidence::{NoProgress, add_seal};
use rogatory_pki::signing::Signer as _;
use rogatory_stock_tools::custody::exported;
use rogatory_stock_tools::exhibits::{assert_same, assert_same_but_link_times, make};
use rogatory_stock_tools::forgery::zip;
use rogatory_stock_tools::formal::{Authority, PARTY};
use rogatory_stock_tools::inspection as inspect;
use rogatory_stock_tools::office::{Office, write};
use rogatory_stock_tools::tools::{run, text};
use std::collections::BTreeSet;
use std::fs;
use std::path::PathBuf;

/// An office with a sealed container file, its originals, and what `unzip` made of it.
struct Sealed {
    office: Office,
    exhibits: Vec<PathBuf>,
    unzipped: PathBuf,
}

fn sealed() -> Sealed {
    let office = Office::new();
    let exhibits = make(&office.path("originals"));
    office.seal("PK.asice", &exhibits).succeeds().says("no office configured");
    let unzipped = inspect::zip_readers(&office.path("PK.asice"), &office.path("unzipped"));
    Sealed { office, exhibits, unzipped }
}

/// The same, sealed by an officer of an authority and by the authority itself, whose root is an anchor too.
fn sealed_by_an_institution() -> Sealed {
    let office = Office::new();
    let exhibits = make(&office.path("originals"));
    office.seal_as_officer_of(PARTY, "PK.asice", &exhibits).succeeds();
    let authority = Authority::new();
    let at = office.signer().chain()[0].not_before().plus_seconds(60);
    add_seal(&office.path("PK.asice"), &authority.seal, at, &mut NoProgress).expect("seals");
    office.trust_too(&authority.anchors_pem);
    write(&office.path("entry.asice"), &authority.entry(&exported().key));
    let unzipped = inspect::zip_readers(&office.path("PK.asice"), &office.path("unzipped"));
    Sealed { office, exhibits, unzipped }
}

impl Sealed {
    fn anchors(&self) -> PathBuf {
        let all = self.office.path("all.pem");
        if all.exists() { all } else { self.office.path("anchors.pem") }
    }

    fn contents(&self) -> PathBuf {
        let work = self.office.path("contents");
        fs::create_dir(&work).expect("makes");
        inspect::contents(&self.unzipped, &self.office.path("officer.id"), &self.anchors(), &work)
    }

    fn assert_exhibits_are_the_originals(&self) {
        let opened = self.contents();
        for (number, original) in (1..).zip(&self.exhibits) {
            let exhibit = opened.join(format!("EX-{number:04}"));
            if original.is_file() {
                let same = fs::read(&exhibit).expect("reads") == fs::read(original).expect("reads");
                assert!(same, "{} is not {}", exhibit.display(), original.display());
            } else {
                let folder = self.office.path(format!("extracted {number}"));
                fs::create_dir(&folder).expect("makes");
                run("tar", &["-xpf", text(&exhibit), "-C", text(&folder)], &opened).succeeds();
                assert_same(original, &folder);
            }
        }
    }
}

#[test]
fn unzip_python_and_java_read_every_entry() {
    let sealed = sealed();
    let names: BTreeSet<String> = inspect::digests(&sealed.unzipped).into_keys().collect();
    assert_eq!(names.iter().filter(|name| name.starts_with("data/")).count(), sealed.exhibits.len());
    assert!(names.contains("META-INF/signature001.p7s") && !names.contains("META-INF/signature002.p7s"));
}

#[test]
fn sha256sum_and_bagit_find_the_unzipped_folder_right() {
    inspect::bag(&sealed().unzipped);
}

#[test]
fn openssl_finds_the_outer_signature_good_and_python_the_manifest_right() {
    let sealed = sealed();
    inspect::signature(&sealed.unzipped, 1, &sealed.anchors());
    inspect::covers_everything(&sealed.unzipped);
}

#[test]
fn openssl_refuses_the_outer_signature_under_another_root_of_the_same_name() {
    let sealed = sealed();
    let other = Office::new();
    let anchors = other.path("anchors.pem");
    let arguments =
        ["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-in", "META-INF/signature001.p7s"];
    let mut arguments = arguments.to_vec();
    arguments.extend(["-content", "META-INF/ASiCManifest001.xml", "-CAfile", text(&anchors), "-no-CApath"]);
    arguments.extend(["-no-CAstore", "-purpose", "any", "-out", "/dev/null"]);
    assert_ne!(run("openssl", &arguments, &sealed.unzipped).code, 0);
}

#[test]
fn age_and_tar_give_back_exactly_what_was_sealed() {
    sealed().assert_exhibits_are_the_originals();
}

#[test]
fn the_unzipped_folder_and_the_container_file_verify_with_rogatory_too() {
    let sealed = sealed();
    sealed.office.verify_contents("PK.asice").succeeds().says("institution seal: none");
    sealed.office.verify_contents("unzipped").succeeds();
    let opened =
        ["package", "open", "PK.asice", "--identity", "officer.id", "--trust", "anchors.pem", "-o", "opened"];
    sealed.office.rogatory(&opened).succeeds();
    for (number, original) in (1..).zip(&sealed.exhibits) {
        let name = original.file_name().expect("a name");
        let opened = sealed.office.path(format!("opened/EX-{number:04}")).join(name);
        if original.is_dir() {
            assert_same_but_link_times(original, &opened);
        } else {
            assert!(
                fs::read(&opened).expect("reads") == fs::read(original).expect("reads"),
                "{}",
                opened.display()
            );
        }
    }
    run("sha256sum", &["--strict", "--quiet", "-c", "manifest-sha256.txt"], &sealed.office.path("opened"))
        .succeeds();
    // An officer with the opened folder and the anchors can show it again, without key or container.
    sealed.office.verify("opened", &[]).succeeds();
}

#[test]
fn a_package_with_an_institutions_seal_is_read_by_all_readers_and_is_still_a_bag() {
    let sealed = sealed_by_an_institution();
    inspect::bag(&sealed.unzipped);
    inspect::covers_everything(&sealed.unzipped);
}

#[test]
fn openssl_finds_person_and_institution_seal_good() {
    let sealed = sealed_by_an_institution();
    inspect::signature(&sealed.unzipped, 1, &sealed.anchors());
    inspect::signature(&sealed.unzipped, 2, &sealed.anchors());
    let covered = ["META-INF/ASiCManifest001.xml", "META-INF/signature001.p7s"].map(str::to_owned);
    assert_eq!(inspect::manifest(&sealed.unzipped, 2), BTreeSet::from(covered));
}

#[test]
fn rogatory_finds_the_seal_good_if_the_institutions_entry_says_whose_it_is() {
    let sealed = sealed_by_an_institution();
    let entry = ["--trust", "entry.asice", "--require", "seal"];
    sealed.office.verify("PK.asice", &entry).succeeds().says("Seal of the Central Authority").says(PARTY);
    let all = ["--trust", "entry.asice", "--identity", "officer.id", "--require", "seal,contents"];
    sealed.office.verify("unzipped", &all).succeeds();
    // The office's recovery key, which lies elsewhere, opens it too.
    sealed.office.verify("PK.asice", &["--trust", "entry.asice", "--identity", "recovery.id"]).succeeds();
    // Without the entry it is a good signature of somebody: said, and not enough where a seal is demanded.
    let anchors_alone = ["package", "verify", "PK.asice", "--trust", "all.pem"];
    sealed.office.rogatory(&anchors_alone).succeeds().says("not compared");
    sealed
        .office
        .rogatory(&[&anchors_alone[..], &["--require", "seal"]].concat())
        .exits(4)
        .says("institution seal");
    // The authority of the same name has another seal.
    write(&sealed.office.path("entry.asice"), &Authority::new().entry(&exported().key));
    sealed.office.verify("PK.asice", &["--trust", "entry.asice"]).exits(4).says("META-INF/signature002.p7s");
}

#[test]
fn the_seal_changes_nothing_of_what_age_and_tar_give_back() {
    sealed_by_an_institution().assert_exhibits_are_the_originals();
}

#[test]
fn a_signature_without_signed_attributes_satisfies_openssl_and_not_rogatory() {
    let office = Office::new();
    office.seal_text("PK", "letter.txt", "a letter");
    let sign = |options: &[&str]| {
        let mut arguments = vec!["cms", "-sign", "-binary", "-outform", "DER", "-md", "sha256"];
        arguments.extend(["-in", "PK/META-INF/ASiCManifest001.xml", "-out", "PK/META-INF/signature001.p7s"]);
        arguments.extend(["-signer", "signer.pem", "-inkey", "signer.key", "-certfile", "chain.pem"]);
        arguments.extend(options);
        run("openssl", &arguments, &office.path("")).succeeds();
    };
    sign(&["-noattr"]);
    let mut arguments =
        vec!["cms", "-verify", "-binary", "-inform", "DER", "-in", "PK/META-INF/signature001.p7s"];
    arguments.extend([
        "-content",
        "PK/META-INF/ASiCManifest001.xml",
        "-CAfile",
        "anchors.pem",
        "-purpose",
        "any",
    ]);
    arguments.extend(["-no-CApath", "-no-CAstore", "-out", "/dev/null"]);
    run("openssl", &arguments, &office.path("")).succeeds();
    zip(&office.path("PK"), &office.path("PK.asice"));
    for package in ["PK", "PK.asice"] {
        office.verify(package, &[]).exits(4).says("META-INF/signature001.p7s").says("signed attributes");
    }
}

#[test]
fn a_signature_that_openssl_makes_with_its_own_attributes_is_not_the_one_form() {
    let office = Office::new();
    office.seal_text("PK", "letter.txt", "a letter");
    let mut arguments = vec!["cms", "-sign", "-cades", "-binary", "-outform", "DER", "-md", "sha256"];
    arguments.extend(["-in", "PK/META-INF/ASiCManifest001.xml", "-out", "PK/META-INF/signature001.p7s"]);
    arguments.extend(["-signer", "signer.pem", "-inkey", "signer.key", "-certfile", "chain.pem"]);
    run("openssl", &arguments, &office.path("")).succeeds();
    // The S/MIME capabilities that it adds are no part of profile 1, in which every byte is determined.
    office.verify("PK", &[]).exits(4).says("META-INF/signature001.p7s");
}

//! What a time stamp proves of what lies beside it, and of what lies in a bundle, and what it does not.
//!
//! The authority is `openssl ts`, which stamps with the machine's clock; nothing here compares it with another one.

use super::bundles::case;
use super::*;
use crate::bundle::{BundleCase, BundleOfficer, BundlePackage, BundleRequest, Named, make};
use crate::open::{OpenOptions, OpenRequest, open};
use crate::source::{PackageSource as _, ZipSource};
use crate::verify::{Part, Requirement, TimeProof, Verified, beside};
use rogatory_core::Digest;
use rogatory_pki::revocation::RevocationLists;
use rogatory_pki::signing::Signer as _;
use std::fs;
use std::io::Read as _;
use std::process::Command;

/// An authority of time under a root of its own.
struct Clock {
    root: DevelopmentCa,
    anchors: Anchors,
    folder: tempfile::TempDir,
}

fn instant(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn decades() -> Validity {
    Validity::new(instant("2020-01-01T00:00:00Z"), instant("2099-01-01T00:00:00Z")).expect("a validity")
}

impl Clock {
    fn new() -> Self {
        let root = DevelopmentCa::new("fr".parse().expect("a country"), "Time", decades()).expect("a root");
        let anchors = Anchors::from_pem(&root.certificate_pem(), None).expect("anchors");
        Self { root, anchors, folder: tempfile::tempdir().expect("a folder") }
    }

    /// A token over `data`; none where there is no `openssl`.
    fn stamp(&self, data: &[u8], validity: Validity, accuracy: &str) -> Option<Vec<u8>> {
        let issued = self.root.issue_time_stamping("Clock", validity).expect("a certificate");
        let config = format!(
            "[tsa]\ndefault_tsa = here\n[here]\nserial = serial\ncrypto_device = builtin\nsigner_cert = tsa.pem\n\
             signer_key = tsa.key\nsigner_digest = sha256\ndefault_policy = 1.3.6.1.4.1.99999.3.1\ndigests = sha256\n\
             accuracy = {accuracy}, millisecs:500\nclock_precision_digits = 3\nordering = no\ntsa_name = yes\ness_cert_id_alg = sha256\n"
        );
        let write =
            |name: &str, bytes: &[u8]| fs::write(self.folder.path().join(name), bytes).expect("writes");
        write("data", data);
        write("tsa.cnf", config.as_bytes());
        write("tsa.pem", issued.certificate_pem.as_bytes());
        write("tsa.key", issued.key_pem.as_bytes());
        write("serial", b"01\n");
        for words in [
            "ts -query -data data -sha256 -cert -out query",
            "ts -reply -config tsa.cnf -queryfile query -token_out -out token",
        ] {
            let ended = Command::new("openssl").args(words.split(' ')).current_dir(&self.folder).output();
            match ended {
                Ok(ended) => assert!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr)),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => return None,
                Err(error) => panic!("{error}"),
            }
        }
        Some(fs::read(self.folder.path().join("token")).expect("reads"))
    }

    fn proof(&self, path: &Path) -> TimeProof {
        TimeProof::beside(path, &self.anchors, None)
    }
}

/// The bytes of an object in a container file.
fn object(path: &Path, name: &str) -> Vec<u8> {
    let source = ZipSource::open(path).expect("opens");
    let mut bytes = Vec::new();
    source.open(name).expect("opens").read_to_end(&mut bytes).expect("reads");
    bytes
}

fn put_beside(path: &Path, number: usize, list: Option<&[u8]>, token: &[u8]) {
    let place = |token| beside(path, number, token).expect("a name");
    if let Some(list) = list {
        fs::write(place(false), list).expect("writes");
    }
    fs::write(place(true), token).expect("writes");
}

#[test]
fn a_stamp_stands_for_packages_and_for_no_folder_that_only_looks_like_one() {
    let (bench, clock) = (bench(), Clock::new());
    let package = bench.small_package("PK.asice");
    let folder = bench.path("PK");
    for one in ZipSource::open(&package).expect("opens").objects() {
        bench.file(&format!("PK/{}", one.name), &object(&package, &one.name));
    }
    let signature = fs::read(folder.join(crate::PERSON_SIGNATURE)).expect("reads");
    let Some(token) = clock.stamp(&signature, decades(), "secs:1") else { return };
    let opened = bench.path("opened");
    let mut progress = NoProgress;
    open(OpenRequest {
        path: package.clone(),
        output: opened.clone(),
        verify: bench.options_with_identity(),
        options: OpenOptions::default(),
        progress: &mut progress,
    })
    .expect("opens");
    bench.file("foreign/mimetype", b"application/vnd.etsi.asic-e+zip");
    bench.file("foreign/META-INF/signature001.p7s", &signature);
    bench.file("foreign/META-INF/ASiCManifest001.xml", b"<ASiCManifest/>");
    bench.file("opened/META-INF/signature001.p7s", &signature);
    for (path, proven) in [(package, true), (folder, true), (opened, false), (bench.path("foreign"), false)] {
        put_beside(&path, 0, None, &token);
        assert_eq!(clock.proof(&path).instant().is_some(), proven, "{}", path.display());
    }
}

#[test]
fn a_renewal_must_be_proven_to_be_early_enough_and_the_end_of_each_certificate_is_said() {
    let (bench, clock) = (bench(), Clock::new());
    let path = bench.small_package("PK.asice");
    let signature = object(&path, crate::PERSON_SIGNATURE);
    let Some(token) = clock.stamp(&signature, decades(), "secs:1") else { return };
    put_beside(&path, 0, None, &token);
    let proven = clock.proof(&path).instant().expect("proven");
    // The first certificate ends an hour from now.
    let ends = proven.plus_seconds(3600);
    let hour = Validity::new(proven.plus_seconds(-86_400), ends).expect("a validity");
    let token = clock.stamp(&signature, hour, "secs:1").expect("a token");
    put_beside(&path, 0, None, &token);
    let said = || {
        let options = VerifyOptions { time: clock.proof(&path), ..bench.options() };
        check(&path, &options).to_string()
    };
    let line = said();
    assert!(line.contains(&format!("whose certificate ends {}", ends.whole_seconds())), "{line}");
    assert!(line.contains("nothing renews it"), "{line}");
    let list = format!("{}  subject\n{}  subject.tst\n", Digest::of(&signature), Digest::of(&token));
    for (accuracy, proven) in [("secs:1", true), ("secs:7200", false)] {
        let renewal = clock.stamp(list.as_bytes(), decades(), accuracy).expect("a token");
        put_beside(&path, 1, Some(list.as_bytes()), &renewal);
        assert_eq!(clock.proof(&path).instant().is_some(), proven, "{accuracy}");
        assert_eq!(said().contains("renewed: proven"), proven, "{}", said());
    }
}

/// Makes a bundle by another officer of the office than the one who sealed.
fn bundle(bench: &Bench, package: BundlePackage<'_>, case: BundleCase) -> PathBuf {
    let officer = OfficerId::new(bench.office.party.clone(), "popa").expect("an officer");
    let issued = bench.office.ca.issue_officer_signing(&officer, "Ana Popa", "PNOMD-2", decades());
    let issued = issued.expect("a certificate");
    let output = bench.path("bundle.asice");
    let _ = fs::remove_file(&output);
    let mut progress = NoProgress;
    make(BundleRequest {
        package,
        case,
        officer: BundleOfficer {
            institution: bench.office.party.clone(),
            officer,
            signer: &FileSigner::from_pem(&issued.key_pem, &issued.certificate_pem).expect("a signer"),
            function: None,
        },
        now: now(),
        program: "a test".to_owned(),
        output: output.clone(),
        progress: &mut progress,
    })
    .expect("makes");
    output
}

fn failed(verdict: &Verdict, part: Part) -> bool {
    verdict.failures().any(|check| check.part == part)
}

#[test]
fn a_bundle_without_any_stamp_does_not_meet_the_demand_for_time() {
    let bench = bench();
    let path = bundle(&bench, BundlePackage::Nothing, case());
    let required = VerifyOptions { require: [Requirement::Time].into(), ..bench.options() };
    let verdict = check(&path, &required);
    assert!(failed(&verdict, Part::Time), "{verdict}");
    assert!(verdict.to_string().contains("none in it for `custody/checkpoint.txt`"), "{verdict}");
}

#[test]
fn who_sealed_is_asked_about_as_of_the_package_and_not_of_the_index_alone() {
    let (mut bench, clock) = (bench(), Clock::new());
    bench.office = office_of("md", decades());
    bench.small_package("PK.asice");
    let clear = || BundlePackage::Clear {
        path: bench.path("PK.asice"),
        verify: Box::new(bench.options_with_identity()),
        exhibits: Vec::new(),
        sensitive: None,
        stamp: None,
    };
    let path = bundle(&bench, clear(), case());
    let token_of = |name: &str| clock.stamp(&object(&path, name), decades(), "secs:1");
    let (index, package) = ("index.asice", "package/META-INF/signature001.p7s");
    let (Some(of_index), Some(of_package)) = (token_of(index), token_of(package)) else { return };
    let named = |object: &str, bytes| Named { name: format!("{}.tst", object.replace('/', "--")), bytes };
    let (index, package) = (named(index, of_index), named(package, of_package));
    // The key of who sealed was stolen the day after the stamps.
    let proof = TimeProof::beside(&bench.path("PK.asice"), &clock.anchors, None);
    let judge = |stamps: Vec<Named>| {
        let path = bundle(&bench, clear(), BundleCase { stamps, ..case() });
        let verdict = check(&path, &VerifyOptions { time: proof.clone(), ..bench.options() });
        let Some(Verified::Bundle(verified)) = verdict.verified() else { panic!("{verdict}") };
        let stolen = verified.stamps()[0].proven.plus_seconds(86_400);
        let sealer = bench.office.officer.certificate().expect("a certificate");
        let list = bench.office.ca.revocation_list(&[sealer], stolen, stolen.plus_seconds(30 * 86_400));
        let mut lists = RevocationLists::none();
        lists.add(&list.expect("a list")).expect("a list");
        let options = VerifyOptions {
            time: proof.clone(),
            revocation: Some(&lists),
            ..VerifyOptions::new(&bench.office.anchors, stolen.plus_seconds(86_400))
        };
        check(&path, &options)
    };
    let both = judge(vec![index.clone(), package]);
    assert!(!failed(&both, Part::Revocation), "{both}");
    let index_alone = judge(vec![index]);
    assert!(failed(&index_alone, Part::Revocation), "{index_alone}");
}

//! What must be refused, and by which name.

use super::*;
use crate::digest_list;
use crate::layout;
use crate::source::{PackageSource, ZipSource};
use crate::transmittal::Transmittal;
use rogatory_container::cades;
use rogatory_container::manifest::{AsicManifest, DataReference};
use rogatory_core::Digest;
use rogatory_pki::signing::Signer;
use std::fs;

/// Writes the manifests of a folder package anew for what lies there now, signed by `signer`.
fn sign_again(folder: &Path, signer: &FileSigner) {
    let read = |name: &str| fs::read(folder.join(name)).expect("reads");
    let transmittal = Transmittal::from_bytes(&read(layout::TRANSMITTAL_NAME)).expect("a transmittal");
    let data: Vec<String> = transmittal.exhibits.iter().map(|exhibit| exhibit.name.object_name()).collect();
    let day = transmittal.created_time.to_string();
    let info = layout::bag_info(&day[..10], transmittal.total_bytes(), data.len());
    fs::write(folder.join(layout::BAG_INFO_NAME), info).expect("writes");
    let list =
        |names: &[&str]| digest_list::to_text(names.iter().map(|name| (Digest::of(&read(name)), *name)));
    let names: Vec<&str> = data.iter().map(String::as_str).collect();
    fs::write(folder.join(layout::MANIFEST_NAME), list(&names)).expect("writes");
    fs::write(folder.join(layout::TAGMANIFEST_NAME), list(&layout::TAG_FILES)).expect("writes");
    let covered = names.iter().copied().chain(layout::SIGNED_TAG_FILES);
    let references = covered
        .map(|name| DataReference { uri: name.to_owned(), mime: None, digest: Digest::of(&read(name)) })
        .collect();
    let manifest = AsicManifest::new(layout::PERSON_SIGNATURE, references).expect("a manifest").to_xml();
    fs::write(folder.join(layout::PERSON_MANIFEST), &manifest).expect("writes");
    let signature = cades::sign(&manifest, signer, now(), None).expect("signs");
    fs::write(folder.join(layout::PERSON_SIGNATURE), signature).expect("writes");
}

fn two_packages(bench: &Bench, second: &FileSigner) -> (PathBuf, PathBuf) {
    let one = bench.file("one", b"the first content");
    let two = bench.file("two", b"another content!!");
    bench.seal(&[one], Output::Folder(bench.path("A"))).expect("seals");
    bench.seal_with(second, &[two], Output::Folder(bench.path("B")), |_| ()).expect("seals");
    (bench.path("A"), bench.path("B"))
}

#[test]
fn another_authority_with_the_same_names_is_not_believed() {
    let bench = bench();
    let impostor = office("md");
    let file = bench.file("x", b"abc");
    let output = Output::AsiceFile(bench.path("PK.asice"));
    bench.seal_with(&impostor.officer, &[file], output, |_| ()).expect("seals");
    let found = failures(&check(&bench.path("PK.asice"), &bench.options_with_identity()));
    assert!(found.contains("signature001.p7s"), "{found}");
}

#[test]
fn without_anchors_nobody_vouches() {
    let bench = bench();
    let package = bench.small_package("PK.asice");
    let none = Anchors::new();
    let found = failures(&check(&package, &VerifyOptions::new(&none, now())));
    assert!(found.contains("integrity only, nobody vouches for the signer"), "{found}");
}

#[test]
fn an_expired_certificate_is_refused() {
    let bench = bench();
    let package = bench.small_package("PK.asice");
    let mut options = bench.options();
    options.at = now().plus_seconds(400 * 86_400);
    assert!(failures(&check(&package, &options)).contains("expired"));
}

#[test]
fn a_package_for_somebody_else_is_not_opened() {
    let bench = bench();
    let package = bench.small_package("PK.asice");
    let (other, _) = generate_identity();
    let mut options = bench.options();
    options.identities = Identities::parse(&[&other]).expect("an identity");
    let found = failures(&check(&package, &options));
    assert!(found.contains("none of the identities given is a recipient"), "{found}");
}

#[test]
fn an_exhibit_from_another_package_is_noticed() {
    let bench = bench();
    let (a, b) = two_packages(&bench, &bench.office.officer);
    fs::copy(b.join("data/EX-0001.age"), a.join("data/EX-0001.age")).expect("copies");
    for options in [bench.options(), bench.options_with_identity()] {
        assert!(failures(&check(&a, &options)).contains("data/EX-0001.age"));
    }
    // The sender himself swaps it and signs the outer part again: the index disagrees.
    let mut transmittal =
        Transmittal::from_bytes(&fs::read(a.join("transmittal.json")).expect("reads")).expect("reads");
    transmittal.exhibits[0].size_bytes = fs::metadata(a.join("data/EX-0001.age")).expect("reads").len();
    fs::write(a.join("transmittal.json"), transmittal.to_bytes().expect("writes")).expect("writes");
    sign_again(&a, &bench.office.officer);
    let found = failures(&check(&a, &bench.options_with_identity()));
    assert!(found.contains("data/EX-0001.age") || found.contains("another transmittal"), "{found}");
}

#[test]
fn an_index_from_another_package_is_noticed() {
    let bench = bench();
    let (a, b) = two_packages(&bench, &bench.office.officer);
    fs::copy(b.join("index.age"), a.join("index.age")).expect("copies");
    assert!(failures(&check(&a, &bench.options())).contains("index.age"));
    sign_again(&a, &bench.office.officer);
    assert_verified(&check(&a, &bench.options()));
    let found = failures(&check(&a, &bench.options_with_identity()));
    assert!(found.contains("salt") && found.contains("belongs to another package"), "{found}");
}

/// Somebody with a valid certificate of his own takes another's evidence and sends it as his.
#[test]
fn another_signer_cannot_adopt_somebody_elses_evidence() {
    let bench = bench();
    let officer = OfficerId::new(bench.office.party.clone(), "thief").expect("an officer");
    let validity = Validity::days(now().plus_seconds(-86_400), 365).expect("validity");
    let issued = bench
        .office
        .ca
        .issue_officer_signing(&officer, "Another Person", "PNOMD-2", validity)
        .expect("issues");
    let thief = FileSigner::from_pem(&issued.key_pem, &issued.certificate_pem).expect("a signer");
    let file = bench.file("x", b"abc");
    bench.seal(&[file], Output::Folder(bench.path("A"))).expect("seals");
    // The outer part signed by another, the transmittal as it was.
    copy_folder(&bench.path("A"), &bench.path("B"));
    sign_again(&bench.path("B"), &thief);
    for options in [bench.options(), bench.options_with_identity()] {
        let found = failures(&check(&bench.path("B"), &options));
        assert!(found.contains("another certificate than transmittal.json names"), "{found}");
    }
    // The transmittal changed as well: only the index can tell.
    copy_folder(&bench.path("A"), &bench.path("C"));
    let path = bench.path("C/transmittal.json");
    let mut transmittal = Transmittal::from_bytes(&fs::read(&path).expect("reads")).expect("reads");
    transmittal.sender.certificate_sha256 = thief.certificate().expect("a certificate").digest();
    fs::write(&path, transmittal.to_bytes().expect("writes")).expect("writes");
    sign_again(&bench.path("C"), &thief);
    let found = failures(&check(&bench.path("C"), &bench.options_with_identity()));
    assert!(found.contains("the index was signed by somebody else"), "{found}");
    assert!(found.contains("sender"), "{found}");
}

#[test]
fn missing_and_foreign_objects_are_named() {
    let bench = bench();
    let file = bench.file("x", b"abc");
    bench.seal(&[file], Output::Folder(bench.path("A"))).expect("seals");
    let source = crate::FolderSource::open(&bench.path("A")).expect("opens");
    for object in source.objects() {
        let copy = bench.path("copy");
        copy_folder(&bench.path("A"), &copy);
        fs::remove_file(copy.join(&object.name)).expect("removes");
        for options in [bench.options(), bench.options_with_identity()] {
            let found = failures(&check(&copy, &options));
            assert!(found.contains(&object.name), "{}: {found}", object.name);
        }
        fs::remove_dir_all(&copy).expect("removes");
    }
    for name in [
        "more.txt",
        "data/EX-0002.age",
        "data/more",
        "META-INF/signature003.p7s",
        "META-INF/signature002.p7s",
    ] {
        let copy = bench.path("copy");
        copy_folder(&bench.path("A"), &copy);
        fs::write(copy.join(name), b"x").expect("writes");
        let found = failures(&check(&copy, &bench.options()));
        assert!(found.contains(name) || found.contains("META-INF/ASiCManifest002.xml"), "{name}: {found}");
        fs::remove_dir_all(&copy).expect("removes");
    }
}

#[test]
fn a_container_file_in_another_order_is_refused() {
    let bench = bench();
    let package = bench.small_package("PK.asice");
    let source = ZipSource::open(&package).expect("opens");
    let file = fs::File::create_new(bench.path("other.asice")).expect("creates");
    let mut zip = rogatory_container::zip::ZipWriter::new(file);
    zip.add_mimetype().expect("adds");
    for object in source.objects().iter().skip(1).rev() {
        let content = std::io::BufReader::new(source.open(&object.name).expect("opens"));
        zip.add_stream(&object.name, object.size_bytes, None, content).expect("adds");
    }
    zip.finish().expect("finishes");
    assert!(failures(&check(&bench.path("other.asice"), &bench.options())).contains("not in their order"));
}

#[test]
fn a_seal_by_the_wrong_one_is_refused() {
    let bench = bench();
    let file = bench.file("x", b"abc");
    let profile = |request: &mut SealRequest<'_>| request.institution = Some(bench.office.party.clone());
    let other = office("ee");
    for signer in [&bench.office.officer, &other.seal] {
        let copy = bench.path("copy");
        let paths = std::slice::from_ref(&file);
        bench.seal_with(&bench.office.officer, paths, Output::Folder(copy.clone()), profile).expect("seals");
        crate::add_seal(&copy, signer, now(), &mut NoProgress).expect("seals");
        let found = failures(&check(&copy, &bench.options()));
        assert!(found.contains("signature002.p7s"), "{found}");
        fs::remove_dir_all(&copy).expect("removes");
    }
    // An anchor that speaks for another country does not vouch for this institution.
    bench.seal_with(&bench.office.officer, &[file], Output::Folder(bench.path("A")), profile).expect("seals");
    let foreign =
        Anchors::from_pem(&bench.office.ca.certificate_pem(), Some("ee".parse().expect("a country")));
    if let Ok(foreign) = foreign {
        let found = failures(&check(&bench.path("A"), &VerifyOptions::new(&foreign, now())));
        assert!(found.contains("the anchor speaks for ee"), "{found}");
    }
}

#[test]
fn sources_that_cannot_be_sealed_are_refused_by_name() {
    let bench = bench();
    let out = || Output::AsiceFile(bench.path("PK.asice"));
    let refuse = |paths: &[PathBuf], named: &str| {
        let before = fs::read_dir(bench.folder.path()).expect("lists").count();
        let error = bench.seal(paths, out()).expect_err("refuses");
        let text = rogatory_core::chain(&error);
        assert!(text.contains(named), "{named}: {text}");
        assert_eq!(
            fs::read_dir(bench.folder.path()).expect("lists").count(),
            before,
            "something stays behind"
        );
    };
    refuse(&[bench.path("nowhere")], "nowhere");
    refuse(&[], "nothing to seal");
    #[cfg(unix)]
    {
        let file = bench.file("dir/file", b"x");
        std::os::unix::fs::symlink(&file, bench.path("named-link")).expect("links");
        std::os::unix::fs::symlink(bench.path("dir"), bench.path("folder-link")).expect("links");
        refuse(&[bench.path("named-link")], "named-link");
        refuse(&[bench.path("folder-link/")], "folder-link");
        for target in ["/etc/passwd", "../../x", "../dir2/x"] {
            std::os::unix::fs::symlink(target, bench.path("dir/out")).expect("links");
            refuse(&[bench.path("dir")], "dir/out");
            fs::remove_file(bench.path("dir/out")).expect("removes");
        }
        let _socket = std::os::unix::net::UnixListener::bind(bench.path("dir/socket")).expect("binds");
        refuse(&[bench.path("dir")], "dir/socket");
        refuse(&[bench.path("dir/socket")], "dir/socket");
    }
    bench.file("inside/x", b"x");
    let error =
        bench.seal(&[bench.path("inside")], Output::Folder(bench.path("inside/PK"))).expect_err("refuses");
    assert!(matches!(error, SealError::OutputInside { .. }));
    let existing = bench.file("taken.asice", b"precious");
    let error =
        bench.seal(&[bench.path("inside/x")], Output::AsiceFile(existing.clone())).expect_err("refuses");
    assert!(rogatory_core::chain(&error).contains("taken.asice"));
    assert_eq!(fs::read(existing).expect("reads"), b"precious");
}

/// Grows a file when sealing has begun.
struct Meddler(PathBuf);

impl crate::Progress for Meddler {
    fn begin(&mut self, _: crate::Step, _: Option<u64>) {}
    fn advance(&mut self, _: u64) {
        let mut content = fs::read(&self.0).expect("reads");
        content.push(0);
        fs::write(&self.0, content).expect("writes");
    }
}

#[test]
fn a_file_that_changes_while_it_is_read_stops_the_seal() {
    let bench = bench();
    let file = bench.file("moving", &vec![1; 400_000]);
    bench.file("folder/moving too", &vec![1; 400_000]);
    for (path, meddled) in [(file.clone(), file), (bench.path("folder"), bench.path("folder/moving too"))] {
        let mut meddler = Meddler(meddled.clone());
        let entropy = Counting::default();
        let request = SealRequest {
            paths: vec![path],
            recipients: vec![SealRecipient::bare(bench.recipient.clone())],
            recovery: SealRecovery::NoOfficeConfigured,
            order: None,
            reference: None,
            institution: None,
            signer: &bench.office.officer,
            function: None,
            now: now(),
            entropy: &entropy,
            output: Output::AsiceFile(bench.path("PK.asice")),
            options: SealOptions::default(),
            progress: &mut meddler,
        };
        let error = rogatory_core::chain(&seal(request).expect_err("refuses"));
        assert!(error.contains("moving") && error.contains("changed while it was read"), "{error}");
    }
    assert!(!bench.path("PK.asice").exists());
    assert_eq!(fs::read_dir(bench.folder.path()).expect("lists").count(), 2);
}

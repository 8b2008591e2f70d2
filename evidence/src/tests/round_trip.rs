//! What is sealed comes back as it was.

use super::*;
use crate::institution_seal::{add_seal, save_asice};
use crate::open::{OpenError, OpenOptions, OpenRequest, open};
use crate::record::FileTime;
use crate::source::{FolderSource, object_list};
use crate::verify::{Form, Requirement, Verified, verify_package};
use std::fs;
use std::io::Cursor;

fn open_to(
    bench: &Bench,
    package: &Path,
    output: &str,
    change: impl FnOnce(&mut OpenRequest<'_>),
) -> Result<crate::OpenReport, OpenError> {
    let mut progress = NoProgress;
    let mut request = OpenRequest {
        path: package.to_owned(),
        verify: bench.options_with_identity(),
        output: bench.path(output),
        options: OpenOptions::default(),
        progress: &mut progress,
    };
    change(&mut request);
    open(request)
}

#[test]
fn a_container_file_is_verified_and_opened() {
    let bench = bench();
    let package = bench.small_package("PK.asice");
    let outer = check(&package, &bench.options());
    assert_verified(&outer);
    assert!(outer.to_string().contains("contents: not checked"), "{outer}");
    assert!(outer.to_string().contains("institution seal: none"), "{outer}");
    let verdict = check(&package, &bench.options_with_identity());
    assert_verified(&verdict);
    let Some(Verified::Package(verified)) = verdict.verified() else { panic!("a package") };
    assert!(verified.contents_checked());
    let names: Vec<_> = verified.exhibits().iter().map(|exhibit| exhibit.name.display().to_owned()).collect();
    assert_eq!(names, ["letter.txt", "empty", "photos"]);

    let report = open_to(&bench, &package, "out", |_| ()).expect("opens");
    assert_eq!(fs::read(bench.path("out/EX-0001/letter.txt")).expect("reads"), b"the content of the letter");
    assert_eq!(fs::read(bench.path("out/EX-0002/empty")).expect("reads"), b"");
    assert_eq!(fs::read(bench.path("out/EX-0003/photos/a.jpg")).expect("reads"), [7; 700]);
    assert!(report.notes.is_empty(), "{:?}", report.notes);
    let opened = check(&bench.path("out"), &bench.options());
    assert_verified(&opened);
    assert_eq!(opened.form(), Form::Opened);
    let index = check(&bench.path("out/index.asice"), &bench.options());
    assert_verified(&index);
    assert_eq!(index.form(), Form::Index);
}

#[test]
fn a_folder_package_is_the_same_package() {
    let bench = bench();
    let file = bench.file("x", b"abc");
    let report = bench.seal(&[file], Output::Folder(bench.path("PK"))).expect("seals");
    assert_verified(&check(&bench.path("PK"), &bench.options_with_identity()));
    let source = FolderSource::open(&bench.path("PK")).expect("opens");
    let list = object_list(&source, &mut NoProgress).expect("hashes");
    assert_eq!(list, report.objects);
    save_asice(&source, &bench.path("PK.asice"), &mut NoProgress).expect("writes");
    assert_verified(&check(&bench.path("PK.asice"), &bench.options_with_identity()));
    let stream = crate::write_asice(&source, Cursor::new(Vec::new()), &mut NoProgress).expect("writes");
    assert_eq!(stream.into_inner(), fs::read(bench.path("PK.asice")).expect("reads"));
    assert_verified(&verify_package(&source, &bench.options(), &mut NoProgress));
}

#[cfg(unix)]
#[test]
fn every_name_a_file_system_can_hold_survives() {
    use std::os::unix::ffi::OsStrExt;
    let bench = bench();
    let names: [&[u8]; 7] = [
        b"with space",
        "дело №5.txt".as_bytes(),
        b"raw\xff\xfe",
        b"line\nend",
        b"back\\slash",
        b"-rf",
        "\u{202e}gpj.exe".as_bytes(),
    ];
    let mut paths = Vec::new();
    for name in names {
        let name = std::ffi::OsStr::from_bytes(name);
        let single = bench.folder.path().join("single");
        let inside = bench.folder.path().join("folder/deep");
        for folder in [&single, &inside] {
            fs::create_dir_all(folder).expect("makes");
            fs::write(folder.join(name), name.as_bytes()).expect("writes");
        }
        paths.push(single.join(name));
    }
    fs::create_dir(bench.path("folder/empty")).expect("makes");
    std::os::unix::fs::symlink("deep/-rf", bench.path("folder/link")).expect("links");
    paths.push(bench.path("folder"));
    bench.seal(&paths, Output::AsiceFile(bench.path("PK.asice"))).expect("seals");
    let report = open_to(&bench, &bench.path("PK.asice"), "out", |request| request.options.keep_tar = true)
        .expect("opens");
    assert!(report.verdict.is_verified());
    for (number, name) in (1..).zip(names) {
        let name = std::ffi::OsStr::from_bytes(name);
        let single = bench.path(&format!("out/EX-000{number}")).join(name);
        assert_eq!(fs::read(single).expect("reads"), name.as_bytes());
        assert_eq!(
            fs::read(bench.path("out/EX-0008/folder/deep").join(name)).expect("reads"),
            name.as_bytes()
        );
    }
    assert!(bench.path("out/EX-0008/folder/empty").is_dir());
    assert_eq!(fs::read_link(bench.path("out/EX-0008/folder/link")).expect("a link"), Path::new("deep/-rf"));
    assert!(bench.path("out/EX-0008/folder.tar").is_file());
    assert_verified(&check(&bench.path("out"), &bench.options()));
    let sums = std::process::Command::new("sha256sum")
        .args(["--strict", "--quiet", "-c", "manifest-sha256.txt"])
        .current_dir(bench.path("out"))
        .output();
    if let Ok(sums) = sums {
        assert!(sums.status.success(), "{}", String::from_utf8_lossy(&sums.stderr));
    }
}

#[cfg(unix)]
#[test]
fn times_and_modes_come_back() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt};
    let bench = bench();
    let file = bench.file("f/inner", b"x");
    let time = FileTime { seconds: 1_600_000_000, nanoseconds: 987_654_321 };
    for path in [&file, &bench.path("f")] {
        fs::File::open(path)
            .expect("opens")
            .set_modified(time.to_system_time().expect("a time"))
            .expect("sets");
    }
    fs::set_permissions(&file, fs::Permissions::from_mode(0o640)).expect("sets");
    let paths = [bench.path("f"), file];
    bench.seal(&paths, Output::AsiceFile(bench.path("PK.asice"))).expect("seals");
    open_to(&bench, &bench.path("PK.asice"), "out", |_| ()).expect("opens");
    for path in ["out/EX-0001/f", "out/EX-0001/f/inner", "out/EX-0002/inner"] {
        let metadata = fs::metadata(bench.path(path)).expect("reads");
        assert_eq!((metadata.mtime(), metadata.mtime_nsec()), (time.seconds, 987_654_321), "{path}");
    }
    assert_eq!(fs::metadata(bench.path("out/EX-0002/inner")).expect("reads").mode() & 0o777, 0o640);
}

#[test]
fn three_mebibytes_and_a_folder_survive() {
    let bench = bench();
    let content: Vec<u8> =
        (0..3 * 1024 * 1024_u32).map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[2]).collect();
    let file = bench.file("big.bin", &content);
    bench.file("folder/big.bin", &content);
    bench.seal(&[file, bench.path("folder")], Output::AsiceFile(bench.path("PK.asice"))).expect("seals");
    open_to(&bench, &bench.path("PK.asice"), "out", |_| ()).expect("opens");
    assert!(fs::read(bench.path("out/EX-0001/big.bin")).expect("reads") == content);
    assert!(fs::read(bench.path("out/EX-0002/folder/big.bin")).expect("reads") == content);
}

#[test]
fn each_file_can_be_an_exhibit() {
    let bench = bench();
    bench.file("top/b/two", b"2");
    bench.file("top/a", b"1");
    fs::create_dir_all(bench.path("top/void/inner")).expect("makes");
    let report = bench
        .seal_with(
            &bench.office.officer,
            &[bench.path("top")],
            Output::AsiceFile(bench.path("PK.asice")),
            |request| {
                request.options.each = true;
            },
        )
        .expect("seals");
    assert_eq!(report.exhibits.len(), 2);
    assert_eq!(report.notes.len(), 1, "{:?}", report.notes);
    assert!(report.notes[0].contains("void/inner"), "{:?}", report.notes);
    let verdict = check(&bench.path("PK.asice"), &bench.options_with_identity());
    assert_verified(&verdict);
    let package = verdict.into_package().expect("a package");
    let paths: Vec<_> = package
        .exhibits()
        .iter()
        .filter_map(|exhibit| exhibit.path.as_ref())
        .map(|path| path.display())
        .collect();
    assert_eq!(paths, ["top/a", "top/b/two"]);
    open_to(&bench, &bench.path("PK.asice"), "out", |_| ()).expect("opens");
    assert_eq!(fs::read(bench.path("out/EX-0002/two")).expect("reads"), b"2");
}

#[test]
fn an_institution_seals_what_its_officer_signed() {
    let bench = bench();
    let file = bench.file("x", b"abc");
    let profile = |request: &mut SealRequest<'_>| {
        request.institution = Some(bench.office.party.clone());
        request.recovery = SealRecovery::Waived { reason: "test".to_owned() };
        request.function = Some("prosecutor".to_owned());
    };
    for output in [Output::Folder(bench.path("PK")), Output::AsiceFile(bench.path("PK.asice"))] {
        let package = output.path().to_owned();
        bench.seal_with(&bench.office.officer, std::slice::from_ref(&file), output, profile).expect("seals");
        let seal =
            rogatory_pki::signing::Signer::certificate(&bench.office.seal).expect("a certificate").clone();
        let known = [crate::KnownInstitution::new(bench.office.party.clone(), vec![seal])];
        let mut options = bench.options_with_identity().with_institutions(&known);
        options.require = [Requirement::Seal].into();
        assert!(failures(&check(&package, &options)).contains("seal was required"));
        add_seal(&package, &bench.office.seal, now(), &mut NoProgress).expect("seals");
        let verdict = check(&package, &options);
        assert_verified(&verdict);
        let verified = verdict.into_package().expect("a package");
        assert!(verified.seal().is_some());
        assert_eq!(verified.signature().function(), Some("prosecutor"));
        assert!(add_seal(&package, &bench.office.seal, now(), &mut NoProgress).is_err());
    }
    assert_eq!(fs::read_dir(bench.folder.path()).expect("lists").count(), 3);
}

#[test]
fn requirements_and_expected_signers_are_demanded() {
    let bench = bench();
    let package = bench.small_package("PK.asice");
    for requirement in Requirement::ALL {
        let mut options = bench.options();
        options.require = [requirement].into();
        assert!(failures(&check(&package, &options)).contains(requirement.as_str()));
    }
    let mut options = bench.options_with_identity();
    options.require = [Requirement::Contents, Requirement::Signer].into();
    let signer =
        rogatory_pki::signing::Signer::certificate(&bench.office.officer).expect("a certificate").digest();
    options.expected_signer = Some(signer);
    assert_verified(&check(&package, &options));
    options.expected_signer = Some(rogatory_core::Digest::of(b"somebody else"));
    assert!(failures(&check(&package, &options)).contains("is expected"));
}

#[test]
fn the_recovery_recipient_opens_as_well() {
    let bench = bench();
    let (office_key, office) = generate_identity();
    let file = bench.file("x", b"abc");
    bench
        .seal_with(&bench.office.officer, &[file], Output::AsiceFile(bench.path("PK.asice")), |request| {
            request.recovery = SealRecovery::Recipients(vec![SealRecipient::bare(office)]);
        })
        .expect("seals");
    let mut options = bench.options();
    options.identities = Identities::parse(&[&office_key]).expect("an identity");
    assert_verified(&check(&bench.path("PK.asice"), &options));
}

#[test]
fn opening_writes_nothing_if_verification_fails_and_says_so_if_overridden() {
    let bench = bench();
    let package = bench.small_package("PK.asice");
    // Lives as long as the program, since the request's lifetime is left to the closure.
    let none: &'static Anchors = Box::leak(Box::new(Anchors::new()));
    let before = fs::read_dir(bench.folder.path()).expect("lists").count();
    let refused = open_to(&bench, &package, "out", |request| request.verify.anchors = none);
    assert!(matches!(refused, Err(OpenError::NotVerified(_))));
    assert_eq!(fs::read_dir(bench.folder.path()).expect("lists").count(), before);
    let report = open_to(&bench, &package, "out", |request| {
        request.verify.anchors = none;
        request.options.unverified = Some("the authority's certificate is on its way".to_owned());
    })
    .expect("opens");
    assert!(!report.verdict.is_verified());
    let mark = fs::read_to_string(bench.path("out/UNVERIFIED.txt")).expect("a mark");
    assert!(mark.contains("on its way") && mark.contains("nobody vouches"), "{mark}");
    assert!(failures(&check(&bench.path("out"), &bench.options())).contains("UNVERIFIED.txt"));
}

#[test]
fn changed_files_in_an_opened_package_are_named() {
    let bench = bench();
    let package = bench.small_package("PK.asice");
    type Change = (&'static str, fn(&Path));
    let changes: [Change; 8] = [
        ("EX-0001/letter.txt", |out| fs::write(out.join("EX-0001/letter.txt"), b"other").expect("writes")),
        ("a.jpg", |out| fs::write(out.join("EX-0003/photos/a.jpg"), b"other").expect("writes")),
        ("more", |out| fs::write(out.join("EX-0003/photos/more"), b"").expect("writes")),
        ("a.jpg", |out| fs::remove_file(out.join("EX-0003/photos/a.jpg")).expect("removes")),
        ("EX-0002", |out| fs::remove_dir_all(out.join("EX-0002")).expect("removes")),
        ("extra", |out| fs::write(out.join("extra"), b"").expect("writes")),
        ("EX-0001/extra", |out| fs::write(out.join("EX-0001/extra"), b"").expect("writes")),
        ("manifest-sha256.txt", |out| fs::write(out.join("manifest-sha256.txt"), b"").expect("writes")),
    ];
    for (place, (named, change)) in (1..).zip(changes) {
        let out = format!("out{place}");
        open_to(&bench, &package, &out, |_| ()).expect("opens");
        change(&bench.path(&out));
        let found = failures(&check(&bench.path(&out), &bench.options()));
        assert!(found.contains(named), "{named}: {found}");
    }
}

#[test]
fn a_formal_document_needs_anchors_too() {
    let bench = bench();
    let data = br#"{"profile":1}"#.to_vec();
    let contents = vec![("document.json".to_owned(), "application/json".to_owned(), data)];
    let signed = rogatory_container::asice::start(contents)
        .expect("starts")
        .sign(&bench.office.officer, now(), None)
        .expect("signs");
    let path = bench.file("request.asice", &signed.to_bytes());
    let none = Anchors::new();
    let verdict = check(&path, &VerifyOptions::new(&none, now()));
    assert_eq!(verdict.form(), Form::Document);
    assert!(failures(&verdict).contains("nobody vouches"));
}

#[cfg(unix)]
#[test]
fn what_is_opened_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let mode = |path: &Path| fs::metadata(path).expect("reads").permissions().mode() & 0o7777;
    let bench = bench();
    let open_to_all = bench.file("all", b"x");
    fs::set_permissions(&open_to_all, fs::Permissions::from_mode(0o666)).expect("sets");
    bench.file("folder/inner", b"x");
    fs::set_permissions(bench.path("folder"), fs::Permissions::from_mode(0o777)).expect("sets");
    let paths = [open_to_all, bench.path("folder")];
    bench.seal(&paths, Output::AsiceFile(bench.path("PK.asice"))).expect("seals");
    let report = open_to(&bench, &bench.path("PK.asice"), "out", |_| ()).expect("opens");
    assert_eq!(mode(&bench.path("out")), 0o700);
    assert_eq!(mode(&bench.path("out/EX-0001")), 0o700);
    assert_eq!(mode(&bench.path("out/EX-0001/all")), 0o644);
    assert_eq!(mode(&bench.path("out/EX-0002/folder")), 0o755);
    assert_eq!(mode(&bench.path("out/index.asice")), 0o600);
    assert_eq!(mode(&bench.path("out/manifest-sha256.txt")), 0o600);
    assert_eq!(report.notes.len(), 2, "{:?}", report.notes);
}

#[test]
fn what_a_broken_run_left_is_named() {
    let bench = bench();
    let package = bench.small_package("PK.asice");
    fs::create_dir(bench.path(".out.77-0.partial")).expect("makes");
    for other in [".out2.77-0.partial", ".out.x.partial", "out.77-0.partial"] {
        fs::create_dir(bench.path(other)).expect("makes");
    }
    let report = open_to(&bench, &package, "out", |_| ()).expect("opens");
    assert_eq!(report.notes.len(), 1, "{:?}", report.notes);
    assert!(report.notes[0].contains(".out.77-0.partial"), "{:?}", report.notes);
    assert!(bench.path(".out.77-0.partial").exists());
}

#[test]
fn the_report_has_a_versioned_shape() {
    let bench = bench();
    let package = bench.small_package("PK.asice");
    let json = serde_json::to_value(check(&package, &bench.options())).expect("JSON");
    assert_eq!(json["format"], 1);
    assert_eq!(json["form"], "sealed");
    assert_eq!(json["verified"], true);
    assert!(
        json["checks"]
            .as_array()
            .expect("a list")
            .iter()
            .any(|check| check["outcome"] == "not-checked" && check["part"] == "contents")
    );
}

#[cfg(unix)]
#[test]
fn a_disk_that_cannot_be_written_is_no_failed_verification() {
    let bench = bench();
    let name = "n".repeat(250);
    bench.file(&format!("{name}/file"), b"x");
    bench.seal(&[bench.path(&name)], Output::AsiceFile(bench.path("PK.asice"))).expect("seals");
    // Deep enough that the path of the exhibit is longer than the system takes.
    let deep = (0..18).fold(bench.path("deep"), |path, _| path.join("d".repeat(215)));
    if fs::create_dir_all(&deep).is_err() {
        return;
    }
    let output = deep.join("out");
    let mut progress = NoProgress;
    let refused = open(OpenRequest {
        path: bench.path("PK.asice"),
        verify: bench.options_with_identity(),
        output: output.clone(),
        options: OpenOptions { keep_tar: true, ..OpenOptions::default() },
        progress: &mut progress,
    });
    assert!(matches!(refused, Err(OpenError::Write(_))), "{refused:?}");
    assert_eq!(fs::read_dir(&deep).expect("lists").count(), 0);
}

#[test]
#[ignore = "writes 14 GB"]
fn a_package_beyond_four_gibibytes_survives() {
    let bench = bench();
    let file = bench.path("large");
    fs::File::create(&file).and_then(|file| file.set_len(4_700_000_000)).expect("makes");
    let output = Output::AsiceFile(bench.path("PK.asice"));
    let paths = std::slice::from_ref(&file);
    let store_holes = |request: &mut SealRequest<'_>| request.options.store_holes = true;
    bench.seal_with(&bench.office.officer, paths, output, store_holes).expect("seals");
    assert_verified(&check(&bench.path("PK.asice"), &bench.options_with_identity()));
    open_to(&bench, &bench.path("PK.asice"), "out", |_| ()).expect("opens");
}

//! Derived packages that are not what they say: by whoever holds a valid certificate, and perhaps the keys.

use super::derived::{Chain, chain, disclosure};
use super::*;
use crate::age_layer::{Opening, Sealing};
use crate::derive::Derived;
use crate::digest_list;
use crate::layout::{self, Carried};
use crate::transmittal::{Transmittal, TransmittalKind};
use rogatory_container::cades;
use rogatory_container::manifest::{AsicManifest, DataReference};
use rogatory_container::zip::{StrictZip, ZipLimits, ZipWriter};
use rogatory_core::Digest;
use rogatory_pki::signing::Signer;
use std::fs;
use std::io::{Cursor, Read};

/// The files of an index by name.
type IndexFiles = Vec<(String, Vec<u8>)>;

/// Writes the outer part of a folder package anew for what lies there now, signed by `signer`.
fn sign_again(folder: &Path, signer: &FileSigner) {
    let read = |name: &str| fs::read(folder.join(name)).expect("reads");
    let carried = match folder.join(layout::ORIGIN_MANIFEST).exists() {
        true => Carried::Person,
        false => Carried::Nothing,
    };
    let mut transmittal = Transmittal::from_bytes(&read(layout::TRANSMITTAL_NAME)).expect("a transmittal");
    for exhibit in &mut transmittal.exhibits {
        exhibit.size_bytes = read(&exhibit.name.object_name()).len() as u64;
    }
    fs::write(folder.join(layout::TRANSMITTAL_NAME), transmittal.to_bytes().expect("writes"))
        .expect("writes");
    let data: Vec<String> = transmittal.exhibits.iter().map(|exhibit| exhibit.name.object_name()).collect();
    let day = transmittal.created_time.to_string();
    let info = layout::bag_info(&day[..10], transmittal.total_bytes(), data.len());
    fs::write(folder.join(layout::BAG_INFO_NAME), info).expect("writes");
    let list =
        |names: &[&str]| digest_list::to_text(names.iter().map(|name| (Digest::of(&read(name)), *name)));
    let names: Vec<&str> = data.iter().map(String::as_str).collect();
    fs::write(folder.join(layout::MANIFEST_NAME), list(&names)).expect("writes");
    fs::write(folder.join(layout::TAGMANIFEST_NAME), list(&layout::tag_files(carried))).expect("writes");
    let covered = names.iter().copied().chain(layout::signed_tag_files(carried));
    let references = covered
        .map(|name| DataReference { uri: name.to_owned(), mime: None, digest: Digest::of(&read(name)) })
        .collect();
    let manifest = AsicManifest::new(layout::PERSON_SIGNATURE, references).expect("a manifest").to_xml();
    fs::write(folder.join(layout::PERSON_MANIFEST), &manifest).expect("writes");
    let signature = cades::sign(&manifest, signer, now(), None).expect("signs");
    fs::write(folder.join(layout::PERSON_SIGNATURE), signature).expect("writes");
}

fn edit_transmittal(folder: &Path, change: impl FnOnce(&mut Transmittal)) {
    let path = folder.join(layout::TRANSMITTAL_NAME);
    let mut transmittal = Transmittal::from_bytes(&fs::read(&path).expect("reads")).expect("a transmittal");
    change(&mut transmittal);
    fs::write(path, transmittal.to_bytes().expect("writes")).expect("writes");
}

impl Chain {
    /// A folder package over a letter, another file and a folder; with another letter if `name` is another.
    fn original(&self, name: &str) -> PathBuf {
        let letter =
            self.bench.file(&format!("of {name}/letter.txt"), format!("the letter of {name}").as_bytes());
        let other = self.bench.file(&format!("of {name}/other.txt"), b"another content");
        self.bench.file(&format!("of {name}/photos/a.jpg"), &[7; 700]);
        let output = self.bench.path(name);
        let paths = [letter, other, self.bench.path(&format!("of {name}/photos"))];
        self.bench.seal(&paths, Output::Folder(output.clone())).expect("seals");
        output
    }

    /// What verifying says once `change` was made to a copy of `package` and its maker signed that.
    fn forged(&self, package: &Path, change: impl FnOnce(&Path)) -> (Verdict, Verdict) {
        let copy = self.bench.path("forged");
        let _ = fs::remove_dir_all(&copy);
        copy_folder(package, &copy);
        change(&copy);
        sign_again(&copy, &self.maker.officer);
        (check(&copy, &self.outside()), check(&copy, &self.as_court()))
    }

    fn index(&self, folder: &Path) -> Vec<(String, Vec<u8>)> {
        let sealed = fs::read(folder.join("index.age")).expect("reads");
        let mut plain = Vec::new();
        let opening = Opening::new(sealed.as_slice(), &Self::identities(&self.court_file), 0, 1);
        opening.ok().expect("opens").read_to_end(&mut plain).expect("reads");
        let mut zip = StrictZip::open(Cursor::new(plain), ZipLimits::PACKAGE).expect("an index");
        let names: Vec<String> = zip.entries().iter().map(|entry| entry.name.clone()).collect();
        names.into_iter().map(|name| (name.clone(), zip.read(&name, 1 << 20).expect("reads"))).collect()
    }

    fn write_index(&self, folder: &Path, files: &[(String, Vec<u8>)]) {
        let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
        for (name, bytes) in files {
            if name == "mimetype" {
                zip.add_mimetype().expect("adds");
            } else {
                zip.add(name, bytes).expect("adds");
            }
        }
        let plain = zip.finish().expect("finishes").into_inner();
        let mut sealed = Vec::new();
        Sealing::new(std::slice::from_ref(&self.court), plain.len() as u64, plain.as_slice(), 1)
            .expect("seals")
            .read_to_end(&mut sealed)
            .expect("seals");
        fs::write(folder.join("index.age"), sealed).expect("writes");
    }
}

#[test]
fn a_package_signed_again_as_it_was_is_accepted() {
    let chain = chain();
    let package = chain.derive(&chain.original("A"), disclosure(&[1, 3]), "D");
    let (outside, inside) = chain.forged(&package, |_| ());
    assert_verified(&outside);
    assert_verified(&inside);
}

#[test]
fn an_exhibit_that_does_not_belong_or_was_swapped_is_noticed() {
    let chain = chain();
    let package = chain.derive(&chain.original("A"), disclosure(&[1, 2]), "D");
    let other = chain.derive(&chain.original("B"), disclosure(&[1, 3]), "E");
    let put = |from: &Path, name: &str, to: &Path| {
        fs::copy(from.join(name), to.join(name)).expect("copies");
    };
    let (_, inside) = chain.forged(&package, |folder| put(&other, "data/EX-0001.age", folder));
    assert!(failures(&inside).contains("`data/EX-0001.age`: its content has another digest or size"));
    let (_, inside) = chain.forged(&package, |folder| {
        fs::rename(folder.join("data/EX-0001.age"), folder.join("data/x")).expect("renames");
        fs::rename(folder.join("data/EX-0002.age"), folder.join("data/EX-0001.age")).expect("renames");
        fs::rename(folder.join("data/x"), folder.join("data/EX-0002.age")).expect("renames");
    });
    let found = failures(&inside);
    assert!(found.contains("data/EX-0001.age") && found.contains("data/EX-0002.age"), "{found}");
    // One more than was disclosed: the index does not describe it.
    let more = |folder: &Path| {
        put(&other, "data/EX-0003.age", folder);
        edit_transmittal(folder, |transmittal| {
            let third = Transmittal::from_bytes(&fs::read(other.join("transmittal.json")).expect("reads"));
            transmittal.exhibits.extend(third.expect("a transmittal").exhibits.last());
        });
    };
    let (outside, inside) = chain.forged(&package, more);
    assert_verified(&outside);
    assert!(failures(&inside).contains("records/EX-0003.json"));
    // One that the original does not have.
    let (outside, _) = chain.forged(&package, |folder| {
        fs::copy(folder.join("data/EX-0001.age"), folder.join("data/EX-0004.age")).expect("copies");
        edit_transmittal(folder, |transmittal| {
            let mut fourth = transmittal.exhibits[0];
            fourth.name = super::derived::exhibit(4);
            transmittal.exhibits.push(fourth);
        });
    });
    assert!(failures(&outside).contains("`data/EX-0004.age`: the original has no such exhibit"));
}

#[test]
fn records_are_neither_added_nor_left_out_nor_changed() {
    let chain = chain();
    let original = chain.original("A");
    let package = chain.derive(&original, disclosure(&[1, 3]), "D");
    let whole = chain.derive(&original, Derived::Rewrap, "R");
    let all = chain.index(&whole);
    let find = |name: &str| all.iter().find(|(found, _)| found == name).expect("there").clone();
    let changed = |change: &dyn Fn(&mut IndexFiles)| {
        let (outside, inside) = chain.forged(&package, |folder| {
            let mut files = chain.index(folder);
            change(&mut files);
            chain.write_index(folder, &files);
        });
        assert_verified(&outside);
        failures(&inside)
    };
    let added = changed(&|files| files.insert(5, find("records/EX-0002.json")));
    assert!(added.contains("records/EX-0002.json"), "{added}");
    let left_out = changed(&|files| files.retain(|(name, _)| name != "records/EX-0001.json"));
    assert!(left_out.contains("records/EX-0001.json"), "{left_out}");
    let no_list = changed(&|files| files.retain(|(name, _)| name != "records/EX-0003.files"));
    assert!(no_list.contains("records-sha256.txt"), "{no_list}");
    let renamed = changed(&|files| {
        let record = files.iter_mut().find(|(name, _)| name == "records/EX-0001.json").expect("there");
        record.1 = String::from_utf8_lossy(&record.1).replace("0644", "0600").into_bytes();
        record.1.extend_from_slice(b" ");
    });
    assert!(renamed.contains("`records/EX-0001.json`: it has another digest"), "{renamed}");
    let list = changed(&|files| {
        let list = files.iter_mut().find(|(name, _)| name == "exhibits-sha256.txt").expect("there");
        list.1[0] = if list.1[0] == b'0' { b'1' } else { b'0' };
    });
    assert!(list.contains("index: exhibits-sha256.txt"), "{list}");
    // The same index signed inside by the maker: it is not the original's.
    let resigned = changed(&|files| {
        let manifest =
            files.iter().find(|(name, _)| name == layout::PERSON_MANIFEST).expect("there").1.clone();
        let signature = files.iter_mut().find(|(name, _)| name == layout::PERSON_SIGNATURE).expect("there");
        signature.1 = cades::sign(&manifest, &chain.maker.officer, now(), None).expect("signs");
    });
    assert!(resigned.contains("signed by somebody else"), "{resigned}");
    // A rewrapped package holds all.
    let copy = chain.bench.path("fewer");
    copy_folder(&whole, &copy);
    fs::remove_file(copy.join("data/EX-0003.age")).expect("removes");
    edit_transmittal(&copy, |transmittal| {
        transmittal.exhibits.pop();
    });
    sign_again(&copy, &chain.maker.officer);
    assert!(failures(&check(&copy, &chain.outside())).contains("holds all 3 exhibits of the original"));
}

#[test]
fn a_forged_origin_is_refused() {
    let chain = chain();
    let original = chain.original("A");
    let package = chain.derive(&original, disclosure(&[1]), "D");
    let other = chain.derive(&chain.original("B"), disclosure(&[1]), "E");
    let thief = &chain.maker.officer;
    // Signed by another than it names.
    let signed_by_another = |folder: &Path| {
        let manifest = fs::read(folder.join(layout::ORIGIN_MANIFEST)).expect("reads");
        let signature = cades::sign(&manifest, thief, now(), None).expect("signs");
        fs::write(folder.join(layout::ORIGIN_SIGNATURE), signature).expect("writes");
    };
    let (outside, _) = chain.forged(&package, signed_by_another);
    let found = failures(&outside);
    assert!(found.contains("`origin/signature001.p7s`: it was made with another certificate"), "{found}");
    // Another order, to which the evidence would then belong.
    let other_order = |folder: &Path| {
        let path = folder.join(layout::ORIGIN_TRANSMITTAL);
        let mut origin = Transmittal::from_bytes(&fs::read(&path).expect("reads")).expect("reads");
        origin.order = Some("MD-JF58-JXH4-09RC-SPTW-27".parse().expect("a shared number"));
        fs::write(path, origin.to_bytes().expect("writes")).expect("writes");
    };
    let (outside, _) = chain.forged(&package, other_order);
    let found = failures(&outside);
    assert!(found.contains("`origin/transmittal.json`: it has another digest"), "{found}");
    // The same with manifest and signature made anew by somebody whom the transmittal then names.
    let all_anew = |folder: &Path| {
        let path = folder.join(layout::ORIGIN_TRANSMITTAL);
        let mut origin = Transmittal::from_bytes(&fs::read(&path).expect("reads")).expect("reads");
        origin.sender.certificate_sha256 = thief.certificate().expect("a certificate").digest();
        let bytes = origin.to_bytes().expect("writes");
        fs::write(path, &bytes).expect("writes");
        let path = folder.join(layout::ORIGIN_MANIFEST);
        let manifest = AsicManifest::from_xml(&fs::read(&path).expect("reads")).expect("a manifest");
        let references = manifest.references().iter().cloned().map(|mut reference| {
            if reference.uri == layout::TRANSMITTAL_NAME {
                reference.digest = Digest::of(&bytes);
            }
            reference
        });
        let manifest =
            AsicManifest::new(layout::PERSON_SIGNATURE, references.collect()).expect("one").to_xml();
        fs::write(path, &manifest).expect("writes");
        edit_transmittal(folder, |transmittal| {
            transmittal.origin.as_mut().expect("an origin").manifest_sha256 = Digest::of(&manifest);
        });
        signed_by_another(folder);
    };
    let (outside, inside) = chain.forged(&package, all_anew);
    assert_verified(&outside);
    let found = failures(&inside);
    assert!(found.contains("the index was signed by somebody else") && found.contains("sender"), "{found}");
    // That of another package by the same sender; without a key nobody can tell.
    let of_another = |folder: &Path| {
        for (name, _) in layout::ORIGIN_OBJECTS.into_iter().take(3) {
            fs::copy(other.join(name), folder.join(name)).expect("copies");
        }
        let manifest = fs::read(folder.join(layout::ORIGIN_MANIFEST)).expect("reads");
        edit_transmittal(folder, |transmittal| {
            transmittal.origin.as_mut().expect("an origin").manifest_sha256 = Digest::of(&manifest);
        });
    };
    let (outside, inside) = chain.forged(&package, of_another);
    assert_verified(&outside);
    assert!(failures(&inside).contains("(salt): it belongs to another package"));
    // Named, but not the one that lies there.
    let (outside, _) = chain.forged(&package, |folder| {
        edit_transmittal(folder, |transmittal| {
            transmittal.origin.as_mut().expect("an origin").manifest_sha256 = Digest::of(b"another");
        });
    });
    assert!(failures(&outside).contains("`origin/ASiCManifest001.xml`: it is not the manifest"));
    // A derived package is nobody's original.
    let nested = |folder: &Path| {
        for (here, there) in layout::ORIGIN_OBJECTS.into_iter().take(3) {
            fs::copy(package.join(there), folder.join(here)).expect("copies");
        }
        let manifest = fs::read(folder.join(layout::ORIGIN_MANIFEST)).expect("reads");
        edit_transmittal(folder, |transmittal| {
            transmittal.origin.as_mut().expect("an origin").manifest_sha256 = Digest::of(&manifest);
        });
    };
    let (outside, _) = chain.forged(&package, nested);
    assert!(failures(&outside).contains("derived itself"));
}

/// Somebody who could open it passes it on as if its sender had sealed it for others.
#[test]
fn another_s_evidence_is_not_readdressed_as_an_original() {
    let chain = chain();
    let package = chain.derive(&chain.original("A"), Derived::Rewrap, "R");
    let as_original = |folder: &Path| {
        fs::remove_dir_all(folder.join("origin")).expect("removes");
        edit_transmittal(folder, |transmittal| {
            transmittal.kind = TransmittalKind::Original;
            transmittal.origin = None;
        });
    };
    let (outside, inside) = chain.forged(&package, as_original);
    assert_verified(&outside);
    let found = failures(&inside);
    assert!(found.contains("recipients") && found.contains("signed by somebody else"), "{found}");
    // By the sender himself, even then: inside stand other recipients.
    let copy = chain.bench.path("own");
    copy_folder(&package, &copy);
    as_original(&copy);
    edit_transmittal(&copy, |transmittal| {
        let officer = chain.bench.office.officer.certificate().expect("a certificate");
        transmittal.sender.certificate_sha256 = officer.digest();
        transmittal.sender.institution = None;
    });
    sign_again(&copy, &chain.bench.office.officer);
    let found = failures(&check(&copy, &chain.as_court()));
    assert!(found.contains("recipients") && found.contains("belongs to another package"), "{found}");
    // Who made it is whom it names.
    let named = chain.bench.path("named");
    copy_folder(&package, &named);
    sign_again(&named, &chain.bench.office.officer);
    let found = failures(&check(&named, &chain.outside()));
    assert!(found.contains("`META-INF/signature001.p7s`: it was made with another certificate"), "{found}");
    // Both signers need somebody who vouches for them.
    for anchors in [&chain.bench.office.anchors, &chain.maker.anchors] {
        let verdict = check(&package, &VerifyOptions::new(anchors, now()));
        assert!(failures(&verdict).contains("signature001.p7s"));
    }
}

#[test]
fn missing_foreign_and_flipped_objects_of_the_origin_are_named() {
    let chain = chain();
    let package = chain.derive(&chain.original("A"), disclosure(&[2]), "D");
    for (name, _) in layout::ORIGIN_OBJECTS.into_iter().take(3) {
        let copy = chain.bench.path("copy");
        copy_folder(&package, &copy);
        let mut bytes = fs::read(copy.join(name)).expect("reads");
        let middle = bytes.len() / 2;
        bytes[middle] ^= 1;
        fs::write(copy.join(name), bytes).expect("writes");
        for options in [chain.outside(), chain.as_court()] {
            assert!(failures(&check(&copy, &options)).contains(name), "{name}");
        }
        fs::remove_file(copy.join(name)).expect("removes");
        assert!(failures(&check(&copy, &chain.outside())).contains(name), "{name}");
        fs::remove_dir_all(&copy).expect("removes");
    }
    for name in ["origin/more", "origin/signature002.p7s", "origin/data", "data/EX-0001.age"] {
        let copy = chain.bench.path("copy");
        copy_folder(&package, &copy);
        fs::write(copy.join(name), b"x").expect("writes");
        let found = failures(&check(&copy, &chain.outside()));
        assert!(found.contains(name) || found.contains("origin/ASiCManifest002.xml"), "{name}: {found}");
        fs::remove_dir_all(&copy).expect("removes");
    }
    // An original carries none.
    let original = chain.bench.path("A");
    fs::create_dir(original.join("origin")).expect("makes");
    fs::write(original.join("origin/transmittal.json"), b"x").expect("writes");
    assert!(failures(&check(&original, &chain.outside())).contains("origin/transmittal.json"));
}

#[test]
fn an_opened_original_does_not_become_a_disclosure_by_leaving_something_out() {
    let chain = chain();
    let open = |package: &Path, identities: Identities, output: &str| {
        let output = chain.bench.path(output);
        crate::open::open(crate::open::OpenRequest {
            path: package.to_owned(),
            verify: VerifyOptions { identities, ..chain.outside() },
            output: output.clone(),
            options: crate::open::OpenOptions::default(),
            progress: &mut NoProgress,
        })
        .expect("opens");
        output
    };
    let original = chain.original("A");
    let package = chain.derive(&original, disclosure(&[1]), "D");
    let whole = open(&original, chain.bench.identities(), "whole");
    let part = open(&package, Chain::identities(&chain.court_file), "part");
    assert_verified(&check(&whole, &chain.outside()));
    assert_verified(&check(&part, &chain.outside()));
    let list = fs::read_to_string(part.join("manifest-sha256.txt")).expect("reads");
    assert!(list.contains("  package/origin/signature001.p7s\n"), "{list}");

    // The index of a disclosure among the files of an original, and a list that fits.
    copy_folder(&part, &chain.bench.path("bare"));
    fs::remove_dir_all(chain.bench.path("bare/package")).expect("removes");
    let lines: String =
        list.lines().filter(|line| !line.contains("  package/")).map(|line| format!("{line}\n")).collect();
    fs::write(chain.bench.path("bare/manifest-sha256.txt"), lines).expect("writes");
    let found = failures(&check(&chain.bench.path("bare"), &chain.outside()));
    assert!(found.contains("the index of a disclosure is verified with the disclosure"), "{found}");
    // The index alone says the same.
    fs::copy(part.join("index.asice"), chain.bench.path("index.asice")).expect("copies");
    let found = failures(&check(&chain.bench.path("index.asice"), &chain.outside()));
    assert!(found.contains("the index of a disclosure is verified with the disclosure"), "{found}");
    // Beside the outer part of another disclosure.
    let other = chain.derive(&chain.original("B"), disclosure(&[1]), "E");
    let other = open(&other, Chain::identities(&chain.court_file), "other");
    fs::remove_dir_all(part.join("package")).expect("removes");
    copy_folder(&other.join("package"), &part.join("package"));
    let found = failures(&check(&part, &chain.outside()));
    assert!(found.contains("it belongs to another package"), "{found}");
    // That of an original is not kept.
    copy_folder(&original, &whole.join("package"));
    assert!(failures(&check(&whole, &chain.outside())).contains("`package`"));
}

//! Derived packages: good ones, and what whoever holds a valid certificate, and perhaps the keys, could make of them.

use super::bench::{Bench, DATA, M1, ORIGIN_FILES, S1, TRANSMITTAL, sign_again};
use super::{AT, OUTER, edit_transmittal, same};
use crate::vectors_made::raw_zip::{self, RawEntry, entry, find};
use crate::vectors_made::{Files, add, now};
use rogatory_container::cades;
use rogatory_container::manifest::AsicManifest;
use rogatory_core::Digest;
use rogatory_evidence::transmittal::TransmittalKind;
use rogatory_evidence::{Derived, ExhibitNumber, Transmittal};
use rogatory_pki::signing::Signer as _;

/// As the court verifies.
const COURT: &[(&str, &str)] = &[("trust", "anchors.pem"), ("identity", "court-identity.key"), AT];
const THIRD: &str = "data/EX-0003.age";
const DISCLOSED: (&str, &str) =
    ("says", "disclosed: EX-0003 of 3; the other 2 are known by number and digest only");
const ORIGIN_TRANSMITTAL: &str = ORIGIN_FILES[0];
const ORIGIN_M1: &str = ORIGIN_FILES[1];
const ORIGIN_S1: &str = ORIGIN_FILES[2];

fn number(number: u32) -> ExhibitNumber {
    ExhibitNumber::new(number).expect("a number")
}

fn disclosure(numbers: &[u32]) -> Derived {
    Derived::Disclosure(numbers.iter().copied().map(number).collect())
}

pub(super) fn derived(files: &mut Files, bench: &Bench, person: &[RawEntry], sealed: &[RawEntry]) {
    let rewrapped = bench.derive("rewrapped", person, &bench.identity, Derived::Rewrap);
    let third = bench.derive("third", sealed, &bench.identity, disclosure(&[3]));
    let two = bench.derive("two", person, &bench.identity, disclosure(&[1, 3]));
    let again = bench.derive("again", &rewrapped, &bench.court_identity, disclosure(&[1]));
    let mut good = |name: &str, about: &str, says: (&str, &str), list: &[RawEntry]| {
        add(files, name, about, None, &[COURT, &[says]].concat(), raw_zip::write(list, b""));
    };
    let all = ("says", "rewrapped: all 3 exhibits");
    good(
        "good-rewrap",
        "Section 12: all exhibits under new headers for a court, by another office.",
        all,
        &rewrapped,
    );
    let about = "Section 12: one exhibit of a package that carries an institution's seal.";
    good("good-disclosure", about, DISCLOSED, &third);
    let between = ("says", "its maker says that package");
    let about = "12.2: a disclosure made of a rewrapped package; origin/ is the original's, and made_from names the other.";
    good("good-disclosure-of-rewrap", about, between, &again);
    let about = "12.5: without identity, the disclosure's outer part and its origin are right.";
    same(
        files,
        "good-disclosure-without-identity",
        about,
        None,
        "good-disclosure",
        &[OUTER, &[DISCLOSED]].concat(),
    );
    let about = "Step 10: he for whom the original was sealed is no recipient of the disclosure.";
    let recipient = &[("trust", "anchors.pem"), ("identity", "identity.key"), AT];
    same(files, "disclosure-for-another", about, Some("index.age"), "good-disclosure", recipient);
    hybrid(files, bench);
    contents(files, bench, &two, person);
    index(files, bench, &two, &rewrapped);
    origin(files, bench, &two);
    standing(files, bench, person, &rewrapped, &third);
}

/// Original and derived package are encrypted to post-quantum keys.
fn hybrid(files: &mut Files, bench: &Bench) {
    files.insert("court-hybrid.key".to_owned(), bench.court_hybrid_identity.clone().into_bytes());
    let original = bench.seal_for(&bench.hybrid_recipient, "hybrid original", b"the content of the letter");
    let how = (bench.hybrid_identity.as_str(), disclosure(&[3]));
    let list = bench.derive_for(&bench.court_hybrid, "hybrid third", &original, how);
    let header = [("trust", "anchors.pem"), ("identity", "court-hybrid.key"), AT, DISCLOSED];
    let about = "Section 12: a disclosure to a post-quantum key of a package that is encrypted to another.";
    add(files, "good-disclosure-hybrid", about, None, &header, raw_zip::write(&list, b""));
}

fn resize(list: &mut [RawEntry]) {
    let sizes: Vec<(String, u64)> =
        list.iter().map(|entry| (entry.name.clone(), entry.bytes.len() as u64)).collect();
    let mut total = 0;
    let mut count = 0;
    edit_transmittal(list, |transmittal| {
        for exhibit in &mut transmittal.exhibits {
            let name = exhibit.name.object_name();
            exhibit.size_bytes = sizes.iter().find(|(found, _)| *found == name).expect("there").1;
        }
        (total, count) = (transmittal.total_bytes(), transmittal.exhibits.len());
    });
    let info = &mut find(list, "bag-info.txt").bytes;
    *info = format!("Bagging-Date: 2026-11-22\nPayload-Oxum: {total}.{count}\n").into_bytes();
}

/// Exhibits that do not belong, swapped, too many, too few; each time the maker signs what is there.
fn contents(files: &mut Files, bench: &Bench, two: &[RawEntry], person: &[RawEntry]) {
    let mut bad = |name: &str, about: &str, part: &str, change: &dyn Fn(&mut Vec<RawEntry>)| {
        let mut list = two.to_vec();
        change(&mut list);
        resize(&mut list);
        sign_again(&mut list, &bench.maker);
        add(files, name, about, Some(part), COURT, raw_zip::write(&list, b""));
    };
    let other = bench.seal("other", b"another letter, as long!!");
    let foreign = bench.derive("foreign", &other, &bench.identity, disclosure(&[1, 2]));
    let object = |list: &[RawEntry], name: &str| find(&mut list.to_vec(), name).bytes.clone();
    let about = "Step 12: the first exhibit is that of another package of the same sender.";
    bad("disclosure-exhibit-foreign", about, DATA, &|list| find(list, DATA).bytes = object(&foreign, DATA));
    let about = "Step 12: the disclosed exhibits stand under each other's number.";
    bad("disclosure-exhibits-swapped", about, DATA, &|list| {
        let (first, third) = (object(list, DATA), object(list, THIRD));
        find(list, DATA).bytes = third;
        find(list, THIRD).bytes = first;
    });
    let about = "12.5: an exhibit stands there whose record the index does not hold.";
    bad("disclosure-exhibit-more", about, "records/EX-0002.json", &|list| {
        list.insert(2, entry("data/EX-0002.age", &object(&foreign, "data/EX-0002.age")));
        edit_transmittal(list, |transmittal| {
            let second = rogatory_evidence::transmittal::ExhibitSize { name: number(2), size_bytes: 0 };
            transmittal.exhibits.insert(1, second);
        });
    });
    let about = "12.4: an exhibit that the original does not have.";
    bad("disclosure-exhibit-unknown", about, "data/EX-0004.age", &|list| {
        list.insert(3, entry("data/EX-0004.age", &object(list, THIRD)));
        edit_transmittal(list, |transmittal| {
            let fourth = rogatory_evidence::transmittal::ExhibitSize { name: number(4), size_bytes: 0 };
            transmittal.exhibits.push(fourth);
        });
    });
    let about = "12.4: kind is rewrap, and an exhibit of the original is missing.";
    let mut list = bench.derive("fewer", person, &bench.identity, Derived::Rewrap);
    list.retain(|entry| entry.name != THIRD);
    edit_transmittal(&mut list, |transmittal| {
        transmittal.exhibits.pop();
    });
    resize(&mut list);
    sign_again(&mut list, &bench.maker);
    add(files, "rewrap-exhibit-missing", about, Some(TRANSMITTAL), COURT, raw_zip::write(&list, b""));
}

/// The index of a disclosure with other files than it must hold.
fn index(files: &mut Files, bench: &Bench, two: &[RawEntry], rewrapped: &[RawEntry]) {
    let mut whole = Vec::new();
    bench.change_index(&mut rewrapped.to_vec(), |index| whole = index.clone());
    let mut bad = |name: &str, about: &str, part: &str, change: &dyn Fn(&mut Vec<RawEntry>)| {
        let mut list = two.to_vec();
        bench.change_index(&mut list, |index| change(index));
        add(files, name, about, Some(part), COURT, raw_zip::write(&list, b""));
    };
    let about = "12.5: the index holds the record of an exhibit that is not disclosed.";
    bad("disclosure-record-more", about, "records/EX-0002.json", &|index| {
        let place = index.iter().position(|entry| entry.name.starts_with("records/EX-0003")).expect("there");
        let second = whole.iter().find(|entry| entry.name == "records/EX-0002.json").expect("there");
        index.insert(place, second.clone());
    });
    let about = "12.5: the index does not hold the record of a disclosed exhibit.";
    bad("disclosure-record-missing", about, "records/EX-0001.json", &|index| {
        index.retain(|entry| entry.name != "records/EX-0001.json");
    });
    let about = "12.5: the index does not hold the list of files of a disclosed folder.";
    bad("disclosure-files-missing", about, "records-sha256.txt", &|index| {
        index.retain(|entry| entry.name != "records/EX-0003.files");
    });
    let about = "Step 11: the index was signed anew by who made the disclosure.";
    bad("disclosure-index-signed-by-maker", about, "the index was signed by somebody else", &|index| {
        let manifest = find(index, M1).bytes.clone();
        find(index, S1).bytes = cades::sign(&manifest, &bench.maker, now(), None).expect("signs");
    });
}

/// What stands in `origin/` is not the original's; each time the maker signs what is there.
fn origin(files: &mut Files, bench: &Bench, two: &[RawEntry]) {
    let mut bad = |name: &str, about: &str, part: &str, change: &dyn Fn(&mut Vec<RawEntry>)| {
        let mut list = two.to_vec();
        change(&mut list);
        sign_again(&mut list, &bench.maker);
        add(files, name, about, Some(part), COURT, raw_zip::write(&list, b""));
    };
    let named = |list: &mut Vec<RawEntry>| {
        let manifest = Digest::of(&find(list, ORIGIN_M1).bytes);
        edit_transmittal(list, |transmittal| {
            transmittal.origin.as_mut().expect("an origin").manifest_sha256 = manifest;
        });
    };
    let about = "12.4: origin/transmittal.json names another order than the original's.";
    bad("origin-transmittal-changed", about, ORIGIN_TRANSMITTAL, &|list| {
        let bytes = &mut find(list, ORIGIN_TRANSMITTAL).bytes;
        let mut origin = Transmittal::from_bytes(bytes).expect("a transmittal");
        origin.order = None;
        *bytes = origin.to_bytes().expect("canonical");
    });
    let about =
        "12.4: the signature in origin/ was made anew by another officer than origin/transmittal.json names.";
    bad("origin-signed-by-another", about, ORIGIN_S1, &|list| {
        let manifest = find(list, ORIGIN_M1).bytes.clone();
        find(list, ORIGIN_S1).bytes = cades::sign(&manifest, &bench.thief, now(), None).expect("signs");
    });
    let about =
        "Step 11: origin/ was made anew, transmittal and all, by another officer. Only the index can tell.";
    bad("origin-adopted-by-another", about, "the index was signed by somebody else", &|list| {
        let bytes = &mut find(list, ORIGIN_TRANSMITTAL).bytes;
        let mut origin = Transmittal::from_bytes(bytes).expect("a transmittal");
        origin.sender.certificate_sha256 = bench.thief.certificate().expect("a certificate").digest();
        *bytes = origin.to_bytes().expect("canonical");
        let digest = Digest::of(bytes);
        let manifest = AsicManifest::from_xml(&find(list, ORIGIN_M1).bytes).expect("a manifest");
        let references = manifest.references().iter().cloned().map(|mut reference| {
            if reference.uri == TRANSMITTAL {
                reference.digest = digest;
            }
            reference
        });
        let manifest = AsicManifest::new(S1, references.collect()).expect("a manifest").to_xml();
        find(list, ORIGIN_S1).bytes = cades::sign(&manifest, &bench.thief, now(), None).expect("signs");
        find(list, ORIGIN_M1).bytes = manifest;
        named(list);
    });
    let other = bench.seal("another", b"the letter of another one");
    let other = bench.derive("of another", &other, &bench.identity, disclosure(&[1, 3]));
    let about = "Step 11: origin/ is that of another package of the same sender. Only the index can tell.";
    bad("origin-of-another-package", about, "salt", &|list| {
        for name in ORIGIN_FILES.into_iter().take(3) {
            find(list, name).bytes = find(&mut other.clone(), name).bytes.clone();
        }
        named(list);
    });
    let about = "12.4: transmittal.json names another manifest than lies in origin/.";
    bad("origin-not-the-one-named", about, ORIGIN_M1, &|list| {
        edit_transmittal(list, |transmittal| {
            transmittal.origin.as_mut().expect("an origin").manifest_sha256 = Digest::of(b"another");
        });
    });
    let about = "12.2: origin/ holds the outer part of a package that is derived itself.";
    bad("origin-derived-itself", about, ORIGIN_TRANSMITTAL, &|list| {
        for (here, there) in ORIGIN_FILES.into_iter().zip([TRANSMITTAL, M1, S1]) {
            find(list, here).bytes = find(&mut two.to_vec(), there).bytes.clone();
        }
        named(list);
    });
    let about = "12.2: origin/ is not there.";
    bad("origin-missing", about, ORIGIN_S1, &|list| {
        list.retain(|entry| !entry.name.starts_with("origin/"));
    });
}

/// Packages that pass for what they are not.
fn standing(
    files: &mut Files,
    bench: &Bench,
    person: &[RawEntry],
    rewrapped: &[RawEntry],
    third: &[RawEntry],
) {
    let mut bad = |name: &str, about: &str, part: &str, list: &[RawEntry]| {
        add(files, name, about, Some(part), COURT, raw_zip::write(list, b""));
    };
    let mut list = rewrapped.to_vec();
    list.retain(|entry| !entry.name.starts_with("origin/"));
    edit_transmittal(&mut list, |transmittal| {
        transmittal.kind = TransmittalKind::Original;
        transmittal.origin = None;
    });
    sign_again(&mut list, &bench.maker);
    let about = "Step 11: a rewrapped package passes itself off as an original that its maker sealed.";
    bad("rewrap-as-original", about, "the index was signed by somebody else", &list);
    edit_transmittal(&mut list, |transmittal| {
        transmittal.sender.certificate_sha256 = bench.officer.certificate().expect("a certificate").digest();
        transmittal.sender.institution = Some("md/central-authority".parse().expect("a party"));
    });
    sign_again(&mut list, &bench.officer);
    let about = "Step 11: the same by the sender of the original: inside stand other recipients.";
    bad("rewrap-as-original-by-sender", about, "recipients", &list);

    let mut list = rewrapped.to_vec();
    sign_again(&mut list, &bench.thief);
    let about = "12.3: another than the transmittal names made it.";
    bad("rewrap-signed-by-another", about, S1, &list);

    let mut list = person.to_vec();
    let place = list.iter().position(|entry| entry.name == M1).expect("there");
    list.insert(place, entry(ORIGIN_TRANSMITTAL, b"{}"));
    let about = "3.1: an original carries no origin/.";
    bad("original-with-origin", about, ORIGIN_TRANSMITTAL, &list);

    let mut list = third.to_vec();
    list.retain(|entry| entry.name != "origin/signature002.p7s");
    sign_again(&mut list, &bench.maker);
    let about = "12.2: of the original's seal only the manifest was kept.";
    bad("origin-seal-halved", about, "origin/signature002.p7s", &list);

    let mut list = third.to_vec();
    let manifest = find(&mut list, "origin/ASiCManifest002.xml").bytes.clone();
    find(&mut list, "origin/signature002.p7s").bytes =
        cades::sign(&manifest, &bench.stranger, now(), None).expect("signs");
    sign_again(&mut list, &bench.maker);
    let about = "12.4: nobody vouches for the certificate of the original's seal.";
    bad("origin-seal-by-a-stranger", about, "origin/signature002.p7s", &list);
}

//! Containers of formal documents (`docs/spec/container.md`).

use crate::vectors_made::der::{Element, edit_signed_data, edit_signer, without_signed_attributes};
use crate::vectors_made::raw_zip::{self, RawEntry, entries, entry, find};
use crate::vectors_made::{
    Files, Vector, add, authority, check, issue_seal, now, officer, say, signer, validity,
};
use rogatory_container::asice::{self, Asice};
use rogatory_container::zip::ZipLimits;
use rogatory_core::chain;
use rogatory_pki::path::Anchors;
use rogatory_pki::signing::{FileSigner, Signer};

const AT: (&str, &str) = ("at", "2026-11-22T14:20:00Z");
const TRUSTED: &[(&str, &str)] = &[("trust", "anchors.pem"), AT];
/// What fails where the framing is wrong: no file of the container can be named.
const FRAMING: &str = "the document";

const M1: &str = "META-INF/ASiCManifest001.xml";
const S1: &str = "META-INF/signature001.p7s";
const S2: &str = "META-INF/signature002.p7s";

#[test]
fn containers_are_accepted_or_refused_as_they_say() {
    check("container", &made(), verify);
}

fn verify(vector: &Vector<'_>) -> Result<(), String> {
    let anchors = match vector.must("trust") {
        "none" => None,
        name => Some(Anchors::from_pem(vector.text(name), None).expect("anchors")),
    };
    let document = Asice::from_bytes(vector.bytes(), ZipLimits::DOCUMENT).map_err(|error| chain(&error))?;
    let verified = match &anchors {
        Some(anchors) => asice::verify(&document, anchors, vector.at()).map(|_| ()),
        None => asice::verify_integrity(&document).map(|_| ()),
    };
    verified.map_err(|error| chain(&error))
}

fn contents() -> Vec<(String, String, Vec<u8>)> {
    vec![
        ("document.json".into(), "application/json".into(), b"{\"profile\":1}".to_vec()),
        ("document.pdf".into(), "application/pdf".into(), b"%PDF-1.7".to_vec()),
    ]
}

/// Changes a signature over a manifest.
type Change<'a> = &'a dyn Fn(&[u8], &[u8]) -> Vec<u8>;

fn made() -> Files {
    let mut files = Files::new();
    let root = authority("md", "Root of the vectors");
    let issuing = root.intermediate("Issuing authority of the vectors", validity()).expect("an authority");
    let other = authority("md", "Root of the vectors");
    files.insert("anchors.pem".to_owned(), root.certificate_pem().into_bytes());
    files.insert("other-anchors.pem".to_owned(), other.certificate_pem().into_bytes());
    let party = "md/central-authority";
    let rusu = officer(&issuing, party, "rusu", "PNOMD-1");
    let popa = officer(&issuing, party, "popa", "PNOMD-2");
    let seal = signer(&issue_seal(&issuing, party));
    let drafted =
        asice::start(contents()).expect("starts").sign(&rusu, now(), Some("drafter")).expect("signs");
    let approved = drafted.clone().add_signature(&popa, now(), Some("approver")).expect("signs");
    let request =
        approved.add_seal(Some(b"{\"signers\":[]}".to_vec()), &seal, now()).expect("seals").to_bytes();
    let one = drafted.add_seal(None, &seal, now()).expect("seals").to_bytes();
    let plain = signer(&issue_seal(&root, party));
    let sealed =
        asice::start(contents()).expect("starts").sign(&plain, now(), None).expect("seals").to_bytes();
    assert_eq!(raw_zip::write(&entries(&request), b""), request, "the raw writer differs from ours");

    let mut good =
        |name: &str, about: &str, bytes: &[u8]| add(&mut files, name, about, None, TRUSTED, bytes.to_vec());
    good(
        "good-three-signatures",
        "Drafter, approver, seal, signers.json; an authority between them and the anchor.",
        &request,
    );
    good("good-two-signatures", "One officer and the seal, without signers.json.", &one);
    good("good-seal-alone", "The seal alone, issued by the anchor itself.", &sealed);
    let whole = "good-three-signatures.asice";
    say(
        &mut files,
        "good-integrity-only",
        "Without anchors: digests and signatures fit, nobody vouches for anybody.",
        None,
        &[("file", whole), ("trust", "none"), AT],
    );
    say(
        &mut files,
        "expired",
        "The certificates have expired by the instant of verification.",
        Some(S1),
        &[("file", whole), ("trust", "anchors.pem"), ("at", "2036-06-01T00:00:00Z")],
    );
    say(
        &mut files,
        "other-anchor",
        "The only anchor is another authority of the same name.",
        Some(S1),
        &[("file", whole), ("trust", "other-anchors.pem"), AT],
    );
    framing(&mut files, &request);
    layers(&mut files, &request);
    signatures(&mut files, &rusu, root.certificate().der());
    files
}

/// A copy of the request's entries, changed and written raw.
fn changed(request: &[u8], change: impl FnOnce(&mut Vec<RawEntry>)) -> Vec<u8> {
    let mut list = entries(request);
    change(&mut list);
    raw_zip::write(&list, b"")
}

fn framing(files: &mut Files, request: &[u8]) {
    let mut bad = |name: &str, about: &str, part: &str, bytes: Vec<u8>| {
        add(files, name, about, Some(part), TRUSTED, bytes);
    };
    let archive = |change: fn(&mut Vec<RawEntry>)| changed(request, change);
    bad(
        "mimetype-not-first",
        "Z2: document.json stands before mimetype.",
        FRAMING,
        archive(|list| list.swap(0, 1)),
    );
    bad(
        "extra-field",
        "Z4: document.json has an extra field in its local header.",
        FRAMING,
        archive(|list| {
            list[1].extra = b"UT\x05\x00\x01\x00\x00\x00\x00".to_vec();
        }),
    );
    bad(
        "data-descriptor",
        "Z4: sizes and CRC-32 of document.json follow its content.",
        FRAMING,
        archive(|list| {
            list[1].descriptor = true;
        }),
    );
    bad(
        "deflated",
        "Z4: document.json is deflated (as one stored block).",
        FRAMING,
        archive(|list| {
            let plain = &mut list[1];
            plain.plain = Some((plain.bytes.len(), crc32fast::hash(&plain.bytes)));
            let length = u16::try_from(plain.bytes.len()).expect("small");
            let block = [&[1][..], &length.to_le_bytes(), &(!length).to_le_bytes(), &plain.bytes].concat();
            (plain.bytes, plain.method) = (block, 8);
        }),
    );
    bad(
        "time-of-day",
        "Z4: document.json was put in at 12:00.",
        FRAMING,
        archive(|list| list[1].time = 0x6000),
    );
    bad(
        "crc-wrong",
        "The CRC-32 of document.json is that of other bytes.",
        FRAMING,
        archive(|list| {
            list[1].crc32 = Some(1);
        }),
    );
    bad(
        "name-twice",
        "Z3: two entries are named document.pdf.",
        FRAMING,
        archive(|list| {
            list.insert(3, entry("document.pdf", b"%PDF-1.4"));
        }),
    );
    bad(
        "name-upwards",
        "Z3: an entry's name leads out of the folder.",
        FRAMING,
        archive(|list| {
            list.insert(3, entry("../document.pdf", b"%PDF-1.4"));
        }),
    );
    bad("comment", "Z7: the archive has a comment.", FRAMING, raw_zip::write(&entries(request), b"signed"));
    bad("byte-after", "Z1: one byte follows the end record.", FRAMING, [request, b"\n"].concat());
}

fn layers(files: &mut Files, request: &[u8]) {
    let mut bad = |name: &str, about: &str, part: &str, change: fn(&mut Vec<RawEntry>)| {
        add(files, name, about, Some(part), TRUSTED, changed(request, change));
    };
    bad(
        "content-changed",
        "V7: one byte of document.json is another; its CRC-32 fits.",
        "document.json",
        |list| {
            find(list, "document.json").bytes[11] = b'2';
        },
    );
    bad("file-more", "D3: a file that no manifest covers.", "annex.pdf", |list| {
        list.insert(3, entry("annex.pdf", b"%PDF-1.7"));
    });
    bad("file-missing", "D3: document.pdf is gone; the manifests cover it.", "document.pdf", |list| {
        list.retain(|entry| entry.name != "document.pdf");
    });
    bad("layer-missing", "D2: layer 002 is gone.", "META-INF/ASiCManifest002.xml", |list| {
        list.retain(|entry| !entry.name.contains("002"));
    });
    bad("layers-swapped", "C8: signatures 001 and 002 changed places.", "META-INF/", |list| {
        let first = find(list, S1).bytes.clone();
        let second = std::mem::replace(&mut find(list, S2).bytes, first);
        find(list, S1).bytes = second;
    });
    bad("manifest-spaced", "M1: manifest 001 has one blank more.", M1, |list| {
        let text = String::from_utf8(find(list, M1).bytes.clone()).expect("text");
        find(list, M1).bytes = text.replacen("\"/>", "\" />", 1).into_bytes();
    });
    bad(
        "manifest-changed",
        "C8: manifest 001 names another media type; the signature is over the old one.",
        "META-INF/",
        |list| {
            let text = String::from_utf8(find(list, M1).bytes.clone()).expect("text");
            find(list, M1).bytes = text.replace("application/pdf", "application/pdx").into_bytes();
        },
    );
}

fn signatures(files: &mut Files, rusu: &FileSigner, root: &[u8]) {
    // Signature 003 covers 001, so a defect in 001 would be found by its digest alone: a draft has one layer.
    let drafted =
        asice::start(contents()).expect("starts").sign(rusu, now(), Some("drafter")).expect("signs");
    let drafted = drafted.to_bytes();
    let mut bad = |name: &str, about: &str, change: Change<'_>| {
        let bytes = changed(&drafted, |list| {
            let manifest = find(list, M1).bytes.clone();
            let signature = find(list, S1);
            signature.bytes = change(&signature.bytes, &manifest);
        });
        add(files, name, about, Some(S1), TRUSTED, bytes);
    };
    bad(
        "no-signed-attributes",
        "V8: a signature over the manifest itself, without signed attributes. openssl cms -verify -cades accepts it.",
        &|p7s, manifest| without_signed_attributes(p7s, manifest, rusu),
    );
    bad("unsigned-attribute", "C12: an unsigned attribute was added.", &|p7s, _| {
        edit_signer(p7s, |parts| {
            // 1.2.840.113549.1.9.16.2.14 with a set of one NULL.
            let attribute = b"\x30\x11\x06\x0b\x2a\x86\x48\x86\xf7\x0d\x01\x09\x10\x02\x0e\x31\x02\x05\x00";
            parts.push(Element(0xa1, attribute.to_vec()));
        })
    });
    bad("attribute-missing", "C6: signing-time is not among the signed attributes.", &|p7s, _| {
        edit_signer(p7s, |parts| {
            let kept = without(&parts[3].1, b"\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x09\x05");
            let mut signed = Vec::new();
            Element(0x31, kept.clone()).append_to(&mut signed);
            parts[3].1 = kept;
            parts.last_mut().expect("a signature").1 = rusu.sign(&signed).expect("signs");
        })
    });
    bad("anchor-embedded", "C5: the self-signed anchor is among the certificates.", &|p7s, _| {
        edit_signed_data(p7s, |parts| {
            let mut all = [parts[3].1.clone(), root.to_vec()];
            // A set in the order of DER is not what is wrong here.
            all.sort();
            parts[3].1 = all.concat();
        })
    });
    bad("signer-twice", "C2: two signers, one the copy of the other.", &|p7s, _| {
        edit_signed_data(p7s, |parts| parts[4].1 = [parts[4].1.clone(), parts[4].1.clone()].concat())
    });
}

/// The elements of a set but the one that begins with `start`.
fn without(set: &[u8], start: &[u8]) -> Vec<u8> {
    let all = crate::vectors_made::der::read(set);
    let kept: Vec<Element> = all.into_iter().filter(|element| !element.1.starts_with(start)).collect();
    crate::vectors_made::der::write(&kept)
}

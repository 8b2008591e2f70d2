//! Documents made, read, verified, and broken in every way a part can be.

use super::*;
use crate::cades::CadesError;
use crate::manifest::{AsicManifest, ManifestError};
use crate::testing::{anchors, now, officer, openssl_accepts, root, seal, two_levels};
use crate::zip::{ZipError, ZipLimits, ZipWriter};
use rogatory_pki::development::DevelopmentCa;
use std::io::Cursor;

fn contents() -> Vec<(String, String, Vec<u8>)> {
    vec![
        ("document.json".into(), "application/json".into(), b"{\"profile\":1}".to_vec()),
        ("document.pdf".into(), "application/pdf".into(), b"%PDF-1.7".to_vec()),
    ]
}

/// Drafter, approver, seal.
fn request(ca: &DevelopmentCa) -> Asice {
    let drafted = start(contents()).unwrap();
    let drafted = drafted.sign(&officer(ca, "rusu"), now(), Some("drafter")).unwrap();
    let approved = drafted.add_signature(&officer(ca, "popa"), now(), Some("approver"));
    let signers = Some(b"{\"signers\":[]}".to_vec());
    approved.unwrap().add_seal(signers, &seal(ca), now()).unwrap()
}

fn read(bytes: &[u8]) -> Result<Asice, AsiceError> {
    Asice::from_bytes(bytes, ZipLimits::DOCUMENT)
}

#[test]
fn a_request_is_drafted_approved_sealed_and_verified() {
    let (root, issuing) = two_levels();
    let made = request(&issuing);
    let asice = read(&made.to_bytes()).unwrap();
    assert_eq!(asice, made);
    let verified = verify(&asice, &anchors(&root), now()).unwrap();
    assert_eq!(verified.file("document.json"), Some(&b"{\"profile\":1}"[..]));
    assert_eq!(asice.media_type("document.pdf"), Some("application/pdf"));
    let functions: Vec<_> = verified.signatures().iter().map(|s| s.function()).collect();
    assert_eq!(functions, [Some("drafter"), Some("approver"), None]);
    let names: Vec<_> = asice.content_names().collect();
    assert_eq!(names, ["document.json", "document.pdf", "signers.json"]);
    assert!(asice.names_its_signers());
    for n in 1..=asice.signature_count() {
        let (signature, manifest) = (asice.signature(n).unwrap(), asice.manifest(n).unwrap());
        assert_ne!(openssl_accepts(signature, manifest, &anchors(&root)), Some(false));
    }
    assert!(verify_integrity(&asice).is_ok());
}

#[test]
fn a_receipt_carries_the_seal_alone() {
    let ca = root("Root");
    let receipt = start(contents()).unwrap().sign(&seal(&ca), now(), None).unwrap();
    let verified = verify(&read(&receipt.to_bytes()).unwrap(), &anchors(&ca), now()).unwrap();
    assert_eq!(verified.signatures().len(), 1);
}

#[test]
fn every_flipped_bit_of_a_document_is_detected() {
    let (root, issuing) = two_levels();
    let trusted = anchors(&root);
    let bytes = request(&issuing).to_bytes();
    for at in 0..bytes.len() {
        for bit in 0..8 {
            let mut other = bytes.clone();
            other[at] ^= 1 << bit;
            let verified = read(&other).and_then(|a| verify(&a, &trusted, now()));
            assert!(verified.is_err(), "byte {at} bit {bit}");
        }
    }
}

/// The document written anew, so that its checksums fit.
fn rewritten(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    zip.add_mimetype().unwrap();
    for (name, bytes) in files {
        zip.add(name, bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

fn files(asice: &Asice) -> Vec<(String, Vec<u8>)> {
    let pair = |f: &File| (f.name.clone(), f.bytes.to_vec());
    asice.files.iter().map(pair).collect()
}

#[test]
fn every_flipped_bit_of_a_part_is_detected_though_its_checksum_fits() {
    let (root, issuing) = two_levels();
    let trusted = anchors(&root);
    let asice = request(&issuing);
    for (place, (name, bytes)) in files(&asice).into_iter().enumerate() {
        for at in 0..bytes.len() {
            let mut changed = files(&asice);
            changed[place].1[at] ^= 1 << (at % 8);
            let verified = read(&rewritten(&changed)).and_then(|a| verify(&a, &trusted, now()));
            assert!(verified.is_err(), "{name} byte {at}");
        }
    }
}

#[test]
fn a_changed_content_is_named() {
    let ca = root("Root");
    let asice = request(&ca);
    let mut changed = files(&asice);
    changed[1].1.push(b'!');
    let asice = read(&rewritten(&changed)).unwrap();
    let error = verify(&asice, &anchors(&ca), now()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "`document.pdf` has another digest than `META-INF/ASiCManifest001.xml` says"
    );
    assert!(matches!(verify_integrity(&asice), Err(AsiceError::Digest { .. })));
}

#[test]
fn missing_added_and_renumbered_parts_are_refused() {
    let asice = request(&root("Root"));
    let all = files(&asice);
    for place in 0..all.len() {
        let mut without = all.clone();
        let (name, _) = without.remove(place);
        assert!(read(&rewritten(&without)).is_err(), "without {name}");
        for name in ["extra.txt", "META-INF/signature004.p7s", "META-INF/manifest.xml"] {
            let mut with = all.clone();
            with.insert(place, (name.into(), b"x".to_vec()));
            assert!(read(&rewritten(&with)).is_err(), "{name} at {place}");
        }
    }
    let mut renumbered = all.clone();
    for (name, _) in &mut renumbered {
        *name = name.replace("002.", "004.");
    }
    let error = read(&rewritten(&renumbered)).unwrap_err();
    assert!(matches!(error, AsiceError::Layout { .. }), "{error}");
    let mut swapped = all.clone();
    swapped.swap(2, 4); // the manifests 001 and 002, under their own names
    assert!(read(&rewritten(&swapped)).is_err());
    let mut swapped = all.clone();
    let (one, two) = (all[2].1.clone(), all[4].1.clone());
    (swapped[2].1, swapped[4].1) = (two, one);
    let error = read(&rewritten(&swapped)).unwrap_err();
    assert!(matches!(error, AsiceError::OtherSignature { .. }), "{error}");
    let mut swapped = all.clone();
    let (one, two) = (all[3].1.clone(), all[5].1.clone());
    (swapped[3].1, swapped[5].1) = (two, one);
    let error = verify_integrity(&read(&rewritten(&swapped)).unwrap()).unwrap_err();
    assert!(matches!(error, AsiceError::Signature { source: CadesError::MessageDigest, .. }));
}

#[test]
fn the_last_layer_can_be_taken_off_only_as_a_whole() {
    let ca = root("Root");
    let all = files(&request(&ca));
    let unsealed = read(&rewritten(&all[..6])).unwrap();
    assert_eq!(unsealed.signature_count(), 2);
    assert!(verify(&unsealed, &anchors(&ca), now()).is_ok());
    assert!(read(&rewritten(&all[..7])).is_err());
    assert!(read(&rewritten(&all[..2])).is_err());
    assert!(matches!(read(&rewritten(&[])), Err(AsiceError::Empty)));
}

/// The first layer's manifest with other references, and the same signature.
fn with_manifest(change: impl FnOnce(&mut Vec<DataReference>)) -> Result<Asice, AsiceError> {
    let asice = start(contents()).unwrap();
    let asice = asice.sign(&seal(&root("Root")), now(), None).unwrap();
    let mut all = files(&asice);
    let manifest = AsicManifest::from_xml(&all[2].1).unwrap();
    let mut references = manifest.references().to_vec();
    change(&mut references);
    let manifest = AsicManifest::new(signature_name(1), references).unwrap();
    all[2].1 = manifest.to_xml();
    read(&rewritten(&all))
}

#[test]
fn a_manifest_covers_exactly_what_is_before_it() {
    let error = with_manifest(|r| drop(r.remove(1))).unwrap_err();
    assert_eq!(error.to_string(), "`META-INF/ASiCManifest001.xml` does not cover `document.pdf`");
    let error = with_manifest(|r| {
        let mut more = r[0].clone();
        more.uri = "absent.txt".into();
        r.push(more);
    });
    assert!(matches!(error, Err(AsiceError::Unknown { file, .. }) if file == "absent.txt"));
    let error = with_manifest(|r| r.reverse());
    assert!(matches!(error, Err(AsiceError::Reference { .. })));
    let error = with_manifest(|r| r[0].mime = None);
    assert!(matches!(error, Err(AsiceError::Reference { .. })));
    assert!(with_manifest(|_| {}).is_ok());
}

#[test]
fn a_later_manifest_must_state_the_same_media_types() {
    let asice = request(&root("Root"));
    let mut all = files(&asice);
    let text = String::from_utf8(all[4].1.clone()).unwrap();
    all[4].1 = text.replace("application/pdf", "text/plain").into_bytes();
    let error = read(&rewritten(&all)).unwrap_err();
    assert!(matches!(error, AsiceError::Reference { file, .. } if file == "document.pdf"));
}

#[test]
fn a_signature_by_another_authority_is_named() {
    let (ca, other) = (root("Root"), root("Root"));
    let asice = start(contents()).unwrap();
    let asice = asice.sign(&officer(&ca, "rusu"), now(), None).unwrap();
    let asice = asice.add_seal(None, &seal(&other), now()).unwrap();
    let error = verify(&asice, &anchors(&ca), now()).unwrap_err();
    assert!(
        matches!(&error, AsiceError::Signature { part, source: CadesError::Path(_) }
            if part == "META-INF/signature002.p7s"),
        "{error}"
    );
}

#[test]
fn what_is_sealed_with_its_signers_stays_as_it_is() {
    let ca = root("Root");
    let sealed = request(&ca);
    let again = sealed.clone().add_signature(&seal(&ca), now(), None);
    assert!(matches!(again, Err(AsiceError::Sealed)));
    let again = sealed.clone().add_seal(None, &seal(&ca), now());
    assert!(matches!(again, Err(AsiceError::Sealed)));
    // Nor by hand: a fourth layer after signers.json.
    let mut all = files(&sealed);
    let fourth = AsicManifest::new(signature_name(4), references(&sealed.files)).unwrap();
    all.push((manifest_name(4), fourth.to_xml()));
    all.push((signature_name(4), b"anything".to_vec()));
    assert!(matches!(read(&rewritten(&all)), Err(AsiceError::Sealed)));
}

#[test]
fn names_media_types_and_sizes_that_cannot_stand_are_refused() {
    let signer = seal(&root("Root"));
    let one = |name: &str, mime: &str, bytes: Vec<u8>| {
        start(vec![(name.into(), mime.into(), bytes)])
            .and_then(|unsigned| unsigned.sign(&signer, now(), None))
    };
    for name in ["mimetype", "signers.json", "Signers.JSON", "META-INF/x", "meta-inf/x"] {
        let error = one(name, "text/plain", Vec::new()).unwrap_err();
        assert!(matches!(error, AsiceError::ReservedName(_)), "{name}");
    }
    let error = one("../x", "text/plain", Vec::new()).unwrap_err();
    assert!(matches!(error, AsiceError::Manifest { source: ManifestError::Name { .. }, .. }));
    let long = format!("{}.txt", "x".repeat(128));
    let error = one(&long, "text/plain", Vec::new()).unwrap_err();
    assert!(matches!(error, AsiceError::Zip(ZipError::Limit { .. })), "{error}");
    let error = one("x", "text", Vec::new()).unwrap_err();
    assert!(matches!(error, AsiceError::Manifest { source: ManifestError::Mime { .. }, .. }));
    for length in [1 << 20, (1 << 20) + 1] {
        let error = one("x", "text/plain", vec![0; length]).unwrap_err();
        assert!(matches!(error, AsiceError::TooLong { .. }), "{length}");
    }
    let upper = vec![
        ("a.txt".into(), "text/plain".into(), Vec::new()),
        ("A.TXT".into(), "text/plain".into(), Vec::new()),
    ];
    let error = start(upper).unwrap().sign(&signer, now(), None).unwrap_err();
    assert!(matches!(error, AsiceError::Zip(ZipError::Name { .. })), "{error}");
    assert!(matches!(start(Vec::new()), Err(AsiceError::Empty)));
}

#[test]
fn nine_signatures_are_enough() {
    let ca = root("Root");
    let signer = seal(&ca);
    let mut asice = start(contents()).unwrap().sign(&signer, now(), None).unwrap();
    for _ in 2..=MAX_SIGNATURES {
        asice = asice.add_signature(&signer, now(), None).unwrap();
    }
    assert!(verify(&read(&asice.to_bytes()).unwrap(), &anchors(&ca), now()).is_ok());
    let more = asice.add_signature(&signer, now(), None);
    assert!(matches!(more, Err(AsiceError::TooManySignatures { .. })));
}

//! The outer part of a sealed package: everything that can be checked without a key.
//!
//! Holds the strict set of objects, the bag's files, the transmittal, the manifests and the outer
//! signatures. May read objects through their source. Hashes each object once: the index and the
//! exhibits are left to the steps that read them, with the digests they must have.

use super::VerifyOptions;
use super::signature::{Examined, examine, judge_country, judge_person};
use super::verdict::{Findings, Part};
use crate::digest_list;
use crate::exhibit::ExhibitNumber;
use crate::known::{SealStanding, seal_standing};
use crate::layout;
use crate::source::{ObjectInfo, PackageSource};
use crate::streams::read_limited;
use crate::transmittal::{MAX_TRANSMITTAL_BYTES, Transmittal, TransmittalKind};
use rogatory_container::cades::{MAX_SIGNATURE_BYTES, VerifiedSignature};
use rogatory_container::manifest::{AsicManifest, MAX_MANIFEST_BYTES};
use rogatory_core::party::PartyId;
use rogatory_core::reference::PackageId;
use rogatory_core::{Digest, chain};
use rogatory_pki::certificate::Certificate;
use std::collections::{HashMap, HashSet};

const MAX_LIST_BYTES: usize = 16 * 1024 * 1024;
const MAX_TAG_BYTES: usize = 64 * 1024;

/// What the outer part told.
pub(crate) struct Outer {
    pub(super) transmittal: Option<Transmittal>,
    pub(super) transmittal_bytes: Vec<u8>,
    pub(crate) package: Option<PackageId>,
    /// The exhibits, by the transmittal, or as far as objects show them.
    pub(super) numbers: Vec<ExhibitNumber>,
    /// How many more there are that nobody looks at.
    pub(super) left_out: usize,
    /// The certificate behind the person's signature, even if nobody vouches for it.
    pub(super) signer: Option<Certificate>,
    pub(super) signature: Option<VerifiedSignature>,
    pub(super) seal: Option<VerifiedSignature>,
    /// The institution whose published seal that is.
    pub(super) sealed_by: Option<PartyId>,
    signed: HashMap<String, Digest>,
    bagged: HashMap<String, Digest>,
}

impl Outer {
    /// Leaves all other exhibits unread.
    pub(crate) fn select(&mut self, chosen: impl Fn(ExhibitNumber) -> bool) {
        let all = self.numbers.len();
        self.numbers.retain(|number| chosen(*number));
        self.left_out += all - self.numbers.len();
    }

    /// Compares the digest of an object with every list that should have it.
    pub(super) fn compare(&self, name: &str, digest: Digest, findings: &mut Findings) -> bool {
        let before = findings.failures();
        for (list, part, list_name) in [
            (&self.signed, Part::PersonManifest, layout::PERSON_MANIFEST),
            (&self.bagged, bag_part(name), bag_list(name)),
        ] {
            if name == layout::MIMETYPE_NAME && part == Part::PersonManifest {
                continue;
            }
            match list.get(name) {
                Some(expected) if *expected == digest => {}
                Some(_) => findings.failed(
                    part,
                    Some(name),
                    format!("it has another digest than `{list_name}` says"),
                ),
                None => findings.failed(part, Some(name), format!("`{list_name}` does not cover it")),
            }
        }
        findings.failures() == before
    }
}

fn bag_list(name: &str) -> &'static str {
    if name.starts_with("data/") { layout::MANIFEST_NAME } else { layout::TAGMANIFEST_NAME }
}

fn bag_part(name: &str) -> Part {
    if name.starts_with("data/") { Part::Manifest } else { Part::TagManifest }
}

/// Looks at everything but the index and the exhibits.
pub(super) fn examine_outer(
    source: &dyn PackageSource,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
) -> Outer {
    let objects = source.objects();
    let mut reader = Reader { source, findings };
    let transmittal_bytes = reader.read(Part::Transmittal, layout::TRANSMITTAL_NAME, MAX_TRANSMITTAL_BYTES);
    let transmittal = transmittal_bytes.as_deref().and_then(|bytes| read_transmittal(bytes, reader.findings));
    let numbers = numbers(transmittal.as_ref(), &objects);
    let is_sealed =
        |object: &ObjectInfo| object.name == layout::SEAL_MANIFEST || object.name == layout::SEAL_SIGNATURE;
    let sealed = objects.iter().any(is_sealed);
    check_set(&objects, &numbers, sealed, transmittal.as_ref(), reader.findings);

    let mut tags = vec![(layout::TRANSMITTAL_NAME, transmittal_bytes.clone())];
    for (name, limit) in [
        (layout::MIMETYPE_NAME, MAX_TAG_BYTES),
        (layout::BAGIT_NAME, MAX_TAG_BYTES),
        (layout::BAG_INFO_NAME, MAX_TAG_BYTES),
        (layout::MANIFEST_NAME, MAX_LIST_BYTES),
    ] {
        let part = if name == layout::MANIFEST_NAME { Part::Manifest } else { Part::BagFiles };
        let bytes = reader.read(part, name, limit);
        check_tag(name, bytes.as_deref(), transmittal.as_ref(), reader.findings);
        tags.push((name, bytes));
    }
    let tag_manifest = reader.read(Part::TagManifest, layout::TAGMANIFEST_NAME, MAX_TAG_BYTES);
    let mut bagged = HashMap::new();
    let manifest = tags.last().and_then(|(_, bytes)| bytes.as_deref());
    let exhibits: Vec<String> = numbers.iter().map(|number| number.object_name()).collect();
    let exhibits: Vec<&str> = exhibits.iter().map(String::as_str).collect();
    read_list(Part::Manifest, layout::MANIFEST_NAME, manifest, &exhibits, &mut bagged, reader.findings);
    let tag_list = tag_manifest.as_deref();
    read_list(
        Part::TagManifest,
        layout::TAGMANIFEST_NAME,
        tag_list,
        &layout::TAG_FILES,
        &mut bagged,
        reader.findings,
    );

    let person_manifest = reader.read(Part::PersonManifest, layout::PERSON_MANIFEST, MAX_MANIFEST_BYTES);
    let covered: Vec<&str> = exhibits.iter().copied().chain(layout::SIGNED_TAG_FILES).collect();
    let signed = read_manifest(
        Part::PersonManifest,
        layout::PERSON_MANIFEST,
        layout::PERSON_SIGNATURE,
        person_manifest.as_deref(),
        &covered,
        reader.findings,
    );
    let mut outer = Outer {
        transmittal,
        transmittal_bytes: transmittal_bytes.unwrap_or_default(),
        package: person_manifest.as_deref().map(|bytes| PackageId::of_manifest(&Digest::of(bytes))),
        numbers,
        left_out: 0,
        signer: None,
        signature: None,
        seal: None,
        sealed_by: None,
        signed,
        bagged,
    };
    let before = reader.findings.failures();
    for (name, bytes) in &tags {
        if let Some(bytes) = bytes {
            outer.compare(name, Digest::of(bytes), reader.findings);
        }
    }
    if let Some(bytes) = &tag_manifest {
        match outer.signed.get(layout::TAGMANIFEST_NAME) {
            Some(digest) if *digest == Digest::of(bytes) => {}
            _ => {
                let why = format!("it has another digest than `{}` says", layout::PERSON_MANIFEST);
                reader.findings.failed(Part::TagManifest, Some(layout::TAGMANIFEST_NAME), why);
            }
        }
    }
    if reader.findings.failures() == before && !reader.findings.any_failed() {
        reader.findings.checked(Part::Manifest, "every tag file has the digests that the manifests give");
    }
    let person_signature = reader.read(Part::PersonSignature, layout::PERSON_SIGNATURE, MAX_SIGNATURE_BYTES);
    if let (Some(manifest), Some(signature)) = (&person_manifest, &person_signature) {
        examine_person(manifest, signature, options, &mut outer, reader.findings);
        examine_seal(&mut reader, sealed, manifest, signature, options, &mut outer);
    }
    outer
}

/// Reads objects of bounded size, noting what can't be read.
struct Reader<'a> {
    source: &'a dyn PackageSource,
    findings: &'a mut Findings,
}

impl Reader<'_> {
    fn read(&mut self, part: Part, name: &str, limit: usize) -> Option<Vec<u8>> {
        let bytes = self.source.open(name).and_then(|mut reader| read_limited(&mut *reader, limit));
        match bytes {
            Ok(bytes) => Some(bytes),
            // A missing object is noted with the set of objects.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) => {
                self.findings.failed(part, Some(name), format!("it cannot be read: {error}"));
                None
            }
        }
    }
}

fn read_transmittal(bytes: &[u8], findings: &mut Findings) -> Option<Transmittal> {
    match Transmittal::from_bytes(bytes) {
        Ok(transmittal) => {
            if transmittal.kind == TransmittalKind::Original {
                findings.checked(Part::Transmittal, "transmittal.json is in its canonical form");
            } else {
                let why = "it belongs to a rewrapped or disclosed package, and this version reads original ones only";
                findings.failed(Part::Transmittal, Some(layout::TRANSMITTAL_NAME), why);
            }
            Some(transmittal)
        }
        Err(error) => {
            findings.failed(Part::Transmittal, Some(layout::TRANSMITTAL_NAME), chain(&error));
            None
        }
    }
}

fn numbers(transmittal: Option<&Transmittal>, objects: &[ObjectInfo]) -> Vec<ExhibitNumber> {
    if let Some(transmittal) = transmittal {
        return transmittal.exhibits.iter().map(|exhibit| exhibit.name).collect();
    }
    let mut numbers: Vec<_> =
        objects.iter().filter_map(|object| ExhibitNumber::from_object_name(&object.name)).collect();
    numbers.sort_unstable();
    numbers
}

/// Nothing missing, nothing more, and the sizes that the transmittal names.
fn check_set(
    objects: &[ObjectInfo],
    numbers: &[ExhibitNumber],
    sealed: bool,
    transmittal: Option<&Transmittal>,
    findings: &mut Findings,
) {
    let before = findings.failures();
    let expected = layout::package_objects(numbers.iter().copied(), sealed);
    let found: HashMap<&str, u64> =
        objects.iter().map(|object| (object.name.as_str(), object.size_bytes)).collect();
    let known: HashSet<&str> = expected.iter().map(String::as_str).collect();
    if found.len() != objects.len() {
        findings.failed(Part::Objects, None, "an object stands there twice");
    }
    for name in &expected {
        if !found.contains_key(name.as_str()) {
            findings.failed(Part::Objects, Some(name), "it is missing");
        }
    }
    for object in objects {
        if !known.contains(object.name.as_str()) {
            findings.failed(
                Part::Objects,
                Some(&object.name),
                "it does not belong to the package: no manifest covers it",
            );
        }
    }
    for exhibit in transmittal.iter().flat_map(|transmittal| &transmittal.exhibits) {
        let name = exhibit.name.object_name();
        if let Some(size) = found.get(name.as_str()).filter(|size| **size != exhibit.size_bytes) {
            let why = format!("it has {size} bytes, and transmittal.json says {}", exhibit.size_bytes);
            findings.failed(Part::Objects, Some(&name), why);
        }
    }
    if findings.failures() == before {
        findings.checked(Part::Objects, format!("the package holds exactly its {} objects", expected.len()));
    }
}

/// The tag files whose content is fixed.
fn check_tag(name: &str, bytes: Option<&[u8]>, transmittal: Option<&Transmittal>, findings: &mut Findings) {
    let (Some(bytes), Some(transmittal)) = (bytes, transmittal) else {
        return;
    };
    let expected = match name {
        layout::MIMETYPE_NAME => layout::MIMETYPE.to_owned(),
        layout::BAGIT_NAME => layout::BAGIT.to_owned(),
        layout::BAG_INFO_NAME => {
            let day = transmittal.created_time.to_string();
            layout::bag_info(
                day.get(..10).unwrap_or_default(),
                transmittal.total_bytes(),
                transmittal.exhibits.len(),
            )
        }
        _ => return,
    };
    if bytes != expected.as_bytes() {
        findings.failed(
            Part::BagFiles,
            Some(name),
            "it does not say what the format and transmittal.json demand",
        );
    }
}

/// Reads a list of digests that must name exactly `expected`, in that order.
fn read_list(
    part: Part,
    list_name: &str,
    bytes: Option<&[u8]>,
    expected: &[&str],
    into: &mut HashMap<String, Digest>,
    findings: &mut Findings,
) {
    let Some(bytes) = bytes else {
        return;
    };
    match digest_list::from_text(bytes) {
        Ok(lines) => {
            if !lines.iter().map(|(_, name)| *name).eq(expected.iter().copied()) {
                findings.failed(
                    part,
                    Some(list_name),
                    "it does not list exactly the files it must, in their order",
                );
            }
            into.extend(lines.into_iter().map(|(digest, name)| (name.to_owned(), digest)));
        }
        Err(error) => findings.failed(part, Some(list_name), chain(&error)),
    }
}

/// Reads a manifest that must name exactly `expected`, in that order.
pub(super) fn read_manifest(
    part: Part,
    name: &str,
    signature_name: &str,
    bytes: Option<&[u8]>,
    expected: &[&str],
    findings: &mut Findings,
) -> HashMap<String, Digest> {
    let Some(bytes) = bytes else {
        return HashMap::new();
    };
    match AsicManifest::from_xml(bytes) {
        Ok(manifest) => {
            let listed = manifest.references().iter().map(|reference| reference.uri.as_str());
            if manifest.sig_reference() != signature_name || !listed.eq(expected.iter().copied()) {
                findings.failed(
                    part,
                    Some(name),
                    "it does not list exactly the files it must, in their order",
                );
            }
            if manifest.references().iter().any(|reference| reference.mime.is_some()) {
                findings.failed(part, Some(name), "it names media types, and a package's manifest has none");
            }
            manifest.references().iter().map(|reference| (reference.uri.clone(), reference.digest)).collect()
        }
        Err(error) => {
            findings.failed(part, Some(name), chain(&error));
            HashMap::new()
        }
    }
}

fn examine_person(
    manifest: &[u8],
    signature: &[u8],
    options: &VerifyOptions<'_>,
    outer: &mut Outer,
    findings: &mut Findings,
) {
    let (part, object) = (Part::PersonSignature, layout::PERSON_SIGNATURE);
    let examined = examine(part, object, manifest, signature, options, findings);
    outer.signer = examined.certificate().cloned();
    if let Examined::Trusted(signature) = &examined {
        let institution =
            outer.transmittal.as_ref().and_then(|transmittal| transmittal.sender.institution.as_ref());
        judge_person(part, object, signature, institution, options, findings);
    }
    outer.signature = examined.trusted();
}

/// The institution's seal: reported as none if there is none, else everything must be right.
fn examine_seal(
    reader: &mut Reader<'_>,
    sealed: bool,
    person_manifest: &[u8],
    person_signature: &[u8],
    options: &VerifyOptions<'_>,
    outer: &mut Outer,
) {
    if !sealed {
        reader.findings.not_checked_as(Part::Seal, "none", "institution seal: none".to_owned());
        return;
    }
    let manifest = reader.read(Part::Seal, layout::SEAL_MANIFEST, MAX_MANIFEST_BYTES);
    let signature = reader.read(Part::Seal, layout::SEAL_SIGNATURE, MAX_SIGNATURE_BYTES);
    let (Some(manifest), Some(signature)) = (manifest, signature) else {
        return; // noted as missing already
    };
    let findings = &mut *reader.findings;
    let covered = [layout::PERSON_MANIFEST, layout::PERSON_SIGNATURE];
    let (name, signature_name) = (layout::SEAL_MANIFEST, layout::SEAL_SIGNATURE);
    let digests = read_manifest(Part::Seal, name, signature_name, Some(&manifest), &covered, findings);
    for (covered, bytes) in [(covered[0], person_manifest), (covered[1], person_signature)] {
        if digests.get(covered) != Some(&Digest::of(bytes)) {
            findings.failed(Part::Seal, Some(name), format!("it gives another digest of `{covered}`"));
        }
    }
    let before = findings.failures();
    let examined = examine(Part::Seal, signature_name, &manifest, &signature, options, findings);
    if let (Some(seal), Some(person)) = (examined.certificate(), &outer.signer)
        && (seal.digest() == person.digest() || seal.spki_der() == person.spki_der())
    {
        findings.failed(
            Part::Seal,
            Some(signature_name),
            "it was made by the person who signed, not by an institution",
        );
    }
    if let Examined::Trusted(seal) = &examined {
        let institution =
            outer.transmittal.as_ref().and_then(|transmittal| transmittal.sender.institution.as_ref());
        judge_country(Part::Seal, signature_name, seal, institution, findings);
        match (seal.certificate().identity(), institution) {
            (Ok(rogatory_pki::identity::Identity::Officer(officer)), _) => {
                findings.failed(
                    Part::Seal,
                    Some(signature_name),
                    format!("it is the signature of {officer}, no institution's seal"),
                );
            }
            (Ok(rogatory_pki::identity::Identity::Institution(party)), Some(institution))
                if party != *institution =>
            {
                findings.failed(
                    Part::Seal,
                    Some(signature_name),
                    format!("it is the seal of {party}, and the sender is {institution}"),
                );
            }
            _ => {}
        }
        outer.sealed_by = (findings.failures() == before)
            .then(|| judge_owner(seal, signature_name, institution, options, findings))
            .flatten();
    }
    outer.seal = examined.trusted();
}

/// Whose seal a sound signature is: only an entry of the sender, given from outside, can say.
fn judge_owner(
    seal: &VerifiedSignature,
    object: &str,
    institution: Option<&PartyId>,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
) -> Option<PartyId> {
    let subject = seal.certificate().subject();
    let standing =
        institution.map(|party| (party, seal_standing(options.institutions, party, seal.certificate())));
    let open = match standing {
        Some((party, SealStanding::Published)) => {
            let time = seal.claimed_time();
            findings.checked(
                Part::Seal,
                format!("institution seal: {subject}, as {party} publishes it; time claimed {time}"),
            );
            return Some(party.clone());
        }
        Some((party, SealStanding::Another)) => {
            let why = format!(
                "it was made by `{subject}`, which is not the seal that {party} publishes in its entry"
            );
            findings.failed(Part::Seal, Some(object), why);
            return None;
        }
        Some((party, SealStanding::NotCompared)) => {
            format!("not compared with a published seal of {party}, whose entry was not given")
        }
        None => "not compared, since the package names no institution as its sender".to_owned(),
    };
    let why = format!("valid signature by {subject}, whose certificate leads to an anchor; {open}");
    findings.not_checked_as(Part::Seal, &why, format!("institution seal: {why}"));
    None
}

/// The signer must be the one the transmittal names, and the one expected, if one is.
pub(super) fn judge_signer(
    transmittal: Option<&Transmittal>,
    signer: Option<&Certificate>,
    object: &str,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
) {
    let (Some(transmittal), Some(signer)) = (transmittal, signer) else {
        return; // a failure was noted where one of them could not be read
    };
    if signer.digest() != transmittal.sender.certificate_sha256 {
        let why = "it was made with another certificate than transmittal.json names as the sender's";
        findings.failed(Part::Signer, Some(object), why);
        return;
    }
    match options.expected_signer {
        Some(expected) if expected == signer.digest() => {
            findings.checked(Part::Signer, format!("signer: {} is the one expected", signer.subject()));
        }
        Some(expected) => {
            let found = signer.digest();
            findings.failed(
                Part::Signer,
                Some(object),
                format!("certificate {found} signed, and {expected} is expected"),
            );
        }
        None => {
            let text = format!("signer: {}, named by the package itself", signer.subject());
            findings.not_checked_as(Part::Signer, "named by the package itself", text);
        }
    }
}

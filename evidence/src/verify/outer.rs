//! The outer part of a sealed package: everything that can be checked without a key.
//!
//! Holds the strict set of objects, the bag's files, the transmittal, the manifests and the outer
//! signatures. May read objects through their source. Hashes each object once: the index and the
//! exhibits are left to the steps that read them, with the digests they must have.

use super::VerifyOptions;
use super::origin::{CarriedOrigin, examine_origin};
use super::signature::{Examined, examine, judge_country, judge_person};
use super::verdict::{Findings, Part};
use crate::digest_list::{self, Digests};
use crate::exhibit::ExhibitNumber;
use crate::known::{SealStanding, seal_standing};
use crate::layout::{self, Carried};
use crate::source::{ObjectInfo, PackageSource};
use crate::streams::read_limited;
use crate::transmittal::{MAX_TRANSMITTAL_BYTES, Transmittal};
use rogatory_container::cades::{MAX_SIGNATURE_BYTES, VerifiedSignature};
use rogatory_container::manifest::{AsicManifest, MAX_MANIFEST_BYTES};
use rogatory_core::party::PartyId;
use rogatory_core::reference::PackageId;
use rogatory_core::{Digest, chain};
use rogatory_pki::certificate::Certificate;
use rogatory_pki::identity::{Identity, IdentityError};
use std::collections::{HashMap, HashSet};

const MAX_LIST_BYTES: usize = 16 * 1024 * 1024;
const MAX_TAG_BYTES: usize = 64 * 1024;

/// What the outer part told.
pub(crate) struct Outer {
    pub(crate) transmittal: Option<Transmittal>,
    pub(super) transmittal_bytes: Vec<u8>,
    pub(crate) package: Option<PackageId>,
    /// SHA-256 of the signed manifest.
    pub(crate) manifest_sha256: Option<Digest>,
    /// The exhibits, by the transmittal, or as far as objects show them.
    pub(crate) numbers: Vec<ExhibitNumber>,
    /// How many more there are that nobody looks at.
    pub(super) left_out: usize,
    /// Who made this outer part.
    pub(super) signers: Signers,
    /// What it carries of an original.
    pub(crate) carried: Carried,
    pub(super) origin: Option<CarriedOrigin>,
    /// What was read whole, and judged: whoever reads it once more must find the same.
    pub(crate) read: HashMap<String, Digest>,
    signed: Digests,
    bagged: Digests,
}

/// An object that is no longer what was judged.
pub(crate) fn changed() -> std::io::Error {
    std::io::Error::other(
        "it was changed after it was verified; do it again, and let nobody write to the package",
    )
}

/// Whether exhibits and index lie where the outer part does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Payload {
    Here,
    /// They were opened, and lie elsewhere in the clear.
    Opened,
}

/// Who signed an outer part.
#[derive(Default)]
pub(super) struct Signers {
    /// The certificate behind the person's signature, even if nobody vouches for it.
    pub(super) signer: Option<Certificate>,
    pub(super) signature: Option<VerifiedSignature>,
    pub(super) seal: Option<VerifiedSignature>,
    /// The institution whose published seal that is.
    pub(super) sealed_by: Option<PartyId>,
}

impl Outer {
    /// Whether it was made from another package.
    pub(crate) fn is_derived(&self) -> bool {
        self.transmittal.as_ref().is_some_and(|transmittal| transmittal.origin.is_some())
    }

    /// The transmittal that the index must hold: the one at hand, or the original's.
    pub(super) fn inner_transmittal(&self) -> (Option<&Transmittal>, &[u8]) {
        match &self.origin {
            Some(origin) => (origin.transmittal.as_ref(), &origin.transmittal_bytes),
            None if self.is_derived() => (None, &[]),
            None => (self.transmittal.as_ref(), &self.transmittal_bytes),
        }
    }

    /// Who must have signed the index.
    pub(super) fn evidence_signers(&self) -> Option<&Signers> {
        match &self.origin {
            Some(origin) => Some(&origin.signers),
            None => (!self.is_derived()).then_some(&self.signers),
        }
    }

    /// The exhibits whose records the index must hold, if those are not all that its transmittal names.
    pub(super) fn disclosed(&self) -> Option<&[ExhibitNumber]> {
        self.is_derived().then_some(&self.numbers)
    }

    /// The signer must be the one that the transmittal names, and the one expected, if one is. In a derived package
    /// that is asked of the original; of the maker, that he is the one whom his transmittal names.
    pub(crate) fn judge_signers(&self, options: &VerifyOptions<'_>, findings: &mut Findings) {
        let Some(origin) = &self.origin else {
            let (transmittal, signer) = (self.transmittal.as_ref(), self.signers.signer.as_ref());
            judge_signer(transmittal, signer, layout::PERSON_SIGNATURE, options, findings);
            return;
        };
        if let (Some(transmittal), Some(maker)) = (&self.transmittal, &self.signers.signer)
            && maker.digest() != transmittal.sender.certificate_sha256
        {
            findings.failed(Part::MakerSignature, Some(layout::PERSON_SIGNATURE), OTHER_CERTIFICATE);
        }
        let (transmittal, signer) = (origin.transmittal.as_ref(), origin.signers.signer.as_ref());
        judge_signer(transmittal, signer, layout::ORIGIN_SIGNATURE, options, findings);
    }

    /// Leaves all other exhibits unread.
    pub(crate) fn select(&mut self, chosen: impl Fn(ExhibitNumber) -> bool) {
        let all = self.numbers.len();
        self.numbers.retain(|number| chosen(*number));
        self.left_out += all - self.numbers.len();
    }

    /// Compares the digest of an object with every list that should have it.
    pub(crate) fn compare(&self, name: &str, digest: Digest, findings: &mut Findings) -> bool {
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
pub(crate) fn examine_outer(
    source: &dyn PackageSource,
    payload: Payload,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
) -> Outer {
    let objects = source.objects();
    let mut reader = Reader { source, findings, read: HashMap::new() };
    let transmittal_bytes = reader.read(Part::Transmittal, layout::TRANSMITTAL_NAME, MAX_TRANSMITTAL_BYTES);
    let transmittal = transmittal_bytes.as_deref().and_then(|bytes| read_transmittal(bytes, reader.findings));
    let numbers = numbers(transmittal.as_ref(), &objects);
    let is_sealed =
        |object: &ObjectInfo| object.name == layout::SEAL_MANIFEST || object.name == layout::SEAL_SIGNATURE;
    let sealed = objects.iter().any(is_sealed);
    let carried = carried(transmittal.as_ref(), &objects);
    let expected = layout::package_objects(numbers.iter().copied(), carried, sealed);
    check_set(&objects, expected, payload, transmittal.as_ref(), reader.findings);
    drop(objects);

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
    let mut bagged = Digests::default();
    let manifest = tags.last().and_then(|(_, bytes)| bytes.as_deref());
    let exhibits: Vec<String> = numbers.iter().map(|number| number.object_name()).collect();
    let exhibits: Vec<&str> = exhibits.iter().map(String::as_str).collect();
    read_list(Part::Manifest, layout::MANIFEST_NAME, manifest, &exhibits, &mut bagged, reader.findings);
    let tag_list = tag_manifest.as_deref();
    read_list(
        Part::TagManifest,
        layout::TAGMANIFEST_NAME,
        tag_list,
        &layout::tag_files(carried),
        &mut bagged,
        reader.findings,
    );

    let person_manifest = reader.read(Part::PersonManifest, layout::PERSON_MANIFEST, MAX_MANIFEST_BYTES);
    let mut covered = exhibits;
    covered.extend(layout::signed_tag_files(carried));
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
        package: None,
        manifest_sha256: person_manifest.as_deref().map(Digest::of),
        numbers,
        left_out: 0,
        signers: Signers::default(),
        carried,
        origin: None,
        read: HashMap::new(),
        signed,
        bagged,
    };
    outer.package = outer.manifest_sha256.as_ref().map(PackageId::of_manifest);
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
    let place = if outer.is_derived() { &Place::MAKER } else { &Place::AT_HAND };
    let institution =
        outer.transmittal.as_ref().and_then(|transmittal| transmittal.sender.institution.as_ref());
    let signers =
        examine_signers(&mut reader, place, person_manifest.as_deref(), sealed, institution, options);
    outer.signers = signers;
    if outer.is_derived() {
        outer.origin = examine_origin(&mut reader, &outer, options);
    }
    outer.read = reader.read;
    outer
}

/// Where the signatures of an outer part lie, and what they are called in reports.
pub(super) struct Place {
    signature: &'static str,
    seal_manifest: &'static str,
    seal_signature: &'static str,
    person: Part,
    seal: Part,
}

impl Place {
    const AT_HAND: Self = Self {
        signature: layout::PERSON_SIGNATURE,
        seal_manifest: layout::SEAL_MANIFEST,
        seal_signature: layout::SEAL_SIGNATURE,
        person: Part::PersonSignature,
        seal: Part::Seal,
    };
    const MAKER: Self = Self { person: Part::MakerSignature, seal: Part::MakerSeal, ..Self::AT_HAND };
    pub(super) const ORIGIN: Self = Self {
        signature: layout::ORIGIN_SIGNATURE,
        seal_manifest: layout::ORIGIN_SEAL_MANIFEST,
        seal_signature: layout::ORIGIN_SEAL_SIGNATURE,
        ..Self::AT_HAND
    };
}

/// Reads objects of bounded size, noting what can't be read.
pub(super) struct Reader<'a> {
    source: &'a dyn PackageSource,
    pub(super) findings: &'a mut Findings,
    /// The digests of what it gave.
    read: HashMap<String, Digest>,
}

impl Reader<'_> {
    /// The whole object; none if it is missing or can't be read, which is noted.
    pub(super) fn read(&mut self, part: Part, name: &str, limit: usize) -> Option<Vec<u8>> {
        let bytes = self.source.open(name).and_then(|mut reader| read_limited(&mut *reader, limit));
        match bytes {
            Ok(bytes) => {
                self.read.insert(name.to_owned(), Digest::of(&bytes));
                Some(bytes)
            }
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
            findings.checked(Part::Transmittal, "transmittal.json is in its canonical form");
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

/// What a package must carry, by its transmittal, or as far as objects show it.
fn carried(transmittal: Option<&Transmittal>, objects: &[ObjectInfo]) -> Carried {
    let has = |name: &str| objects.iter().any(|object| object.name == name);
    let is_derived = match transmittal {
        Some(transmittal) => transmittal.origin.is_some(),
        None => layout::ORIGIN_OBJECTS.iter().any(|(name, _)| has(name)),
    };
    match is_derived {
        false => Carried::Nothing,
        true if has(layout::ORIGIN_SEAL_MANIFEST) || has(layout::ORIGIN_SEAL_SIGNATURE) => Carried::Sealed,
        true => Carried::Person,
    }
}

/// Nothing missing, nothing more, and the sizes that the transmittal names.
fn check_set(
    objects: &[ObjectInfo],
    mut expected: Vec<String>,
    payload: Payload,
    transmittal: Option<&Transmittal>,
    findings: &mut Findings,
) {
    let before = findings.failures();
    if payload == Payload::Opened {
        expected.retain(|name| !name.starts_with("data/") && name != layout::INDEX_NAME);
    }
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
    into: &mut Digests,
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
            into.extend(lines.into_iter().map(|(digest, name)| (name, digest)));
        }
        Err(error) => findings.failed(part, Some(list_name), chain(&error)),
    }
}

/// Reads a manifest that must name exactly `expected`, in that order.
pub(crate) fn read_manifest(
    part: Part,
    name: &str,
    signature_name: &str,
    bytes: Option<&[u8]>,
    expected: &[&str],
    findings: &mut Findings,
) -> Digests {
    let Some(bytes) = bytes else {
        return Digests::default();
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
            manifest.references().iter().map(|reference| (reference.uri.as_str(), reference.digest)).collect()
        }
        Err(error) => {
            findings.failed(part, Some(name), chain(&error));
            Digests::default()
        }
    }
}

/// The person's signature over `manifest`, and the institution's seal over both: reported as none if there is none,
/// else everything must be right.
pub(super) fn examine_signers(
    reader: &mut Reader<'_>,
    place: &Place,
    manifest: Option<&[u8]>,
    sealed: bool,
    institution: Option<&PartyId>,
    options: &VerifyOptions<'_>,
) -> Signers {
    let mut signers = Signers::default();
    let signature = reader.read(place.person, place.signature, MAX_SIGNATURE_BYTES);
    let (Some(manifest), Some(signature)) = (manifest, signature) else {
        return signers;
    };
    let findings = &mut *reader.findings;
    let examined = examine(place.person, place.signature, manifest, &signature, options, findings);
    signers.signer = examined.certificate().cloned();
    if let Examined::Trusted(signature) = &examined {
        judge_person(place.person, place.signature, signature, institution, options, findings);
    }
    signers.signature = examined.trusted();
    if sealed {
        examine_seal(reader, place, (manifest, &signature), institution, options, &mut signers);
    } else {
        findings.not_checked_as(place.seal, "none", format!("{}: none", place.seal));
    }
    signers
}

/// The institution's seal.
fn examine_seal(
    reader: &mut Reader<'_>,
    place: &Place,
    (person_manifest, person_signature): (&[u8], &[u8]),
    institution: Option<&PartyId>,
    options: &VerifyOptions<'_>,
    signers: &mut Signers,
) {
    let part = place.seal;
    let manifest = reader.read(part, place.seal_manifest, MAX_MANIFEST_BYTES);
    let signature = reader.read(part, place.seal_signature, MAX_SIGNATURE_BYTES);
    let (Some(manifest), Some(signature)) = (manifest, signature) else {
        return; // noted as missing already
    };
    let findings = &mut *reader.findings;
    let covered = [layout::PERSON_MANIFEST, layout::PERSON_SIGNATURE];
    let (name, signature_name) = (place.seal_manifest, place.seal_signature);
    let digests = read_manifest(part, name, layout::SEAL_SIGNATURE, Some(&manifest), &covered, findings);
    for (covered, bytes) in [(covered[0], person_manifest), (covered[1], person_signature)] {
        if digests.get(covered) != Some(&Digest::of(bytes)) {
            findings.failed(part, Some(name), format!("it gives another digest of `{covered}`"));
        }
    }
    let before = findings.failures();
    let examined = examine(part, signature_name, &manifest, &signature, options, findings);
    if let (Some(seal), Some(person)) = (examined.certificate(), &signers.signer)
        && (seal.digest() == person.digest() || seal.spki_der() == person.spki_der())
    {
        let why = "it was made by the person who signed, not by an institution";
        findings.failed(part, Some(signature_name), why);
    }
    if let Examined::Trusted(seal) = &examined {
        judge_country(part, signature_name, seal, institution, findings);
        match (seal.certificate().identity(), institution) {
            (Err(error @ (IdentityError::Several(_) | IdentityError::Damaged)), _) => {
                findings.failed(part, Some(signature_name), chain(&error));
            }
            (Ok(Identity::Officer(officer)), _) => {
                let why = format!("it is the signature of {officer}, no institution's seal");
                findings.failed(part, Some(signature_name), why);
            }
            (Ok(Identity::Institution(party)), Some(institution)) if party != *institution => {
                let why = format!("it is the seal of {party}, and the sender is {institution}");
                findings.failed(part, Some(signature_name), why);
            }
            _ => {}
        }
        signers.sealed_by = (findings.failures() == before)
            .then(|| judge_owner(seal, place, institution, options, findings))
            .flatten();
    }
    signers.seal = examined.trusted();
}

/// Whose seal a sound signature is: only an entry of the sender, given from outside, can say.
fn judge_owner(
    seal: &VerifiedSignature,
    place: &Place,
    institution: Option<&PartyId>,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
) -> Option<PartyId> {
    let part = place.seal;
    let subject = seal.certificate().subject();
    let standing =
        institution.map(|party| (party, seal_standing(options.institutions, party, seal.certificate())));
    let open = match standing {
        Some((party, SealStanding::Published)) => {
            let time = seal.claimed_time();
            let text = format!("{part}: {subject}, as {party} publishes it; time claimed {time}");
            findings.checked(part, text);
            return Some(party.clone());
        }
        Some((party, SealStanding::Another)) => {
            let why = format!(
                "it was made by `{subject}`, which is not the seal that {party} publishes in its entry"
            );
            findings.failed(part, Some(place.seal_signature), why);
            return None;
        }
        Some((party, SealStanding::NotCompared)) => {
            format!("not compared with a published seal of {party}, whose entry was not given")
        }
        None => "not compared, since the package names no institution as its sender".to_owned(),
    };
    let why = format!("valid signature by {subject}, whose certificate leads to an anchor; {open}");
    findings.not_checked_as(part, &why, format!("{part}: {why}"));
    None
}

const OTHER_CERTIFICATE: &str =
    "it was made with another certificate than transmittal.json names as the sender's";

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
        findings.failed(Part::Signer, Some(object), OTHER_CERTIFICATE);
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

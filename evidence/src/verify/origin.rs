//! What a derived package carries of the original: its outer part, exhibits and index aside.
//!
//! Holds the look at `origin/`: that it is the outer part of one original package, signed by whom that names, and
//! that what was derived is of it. May read objects through the reader of the outer part. That the index is the
//! original's too, only a key can tell.

use super::VerifyOptions;
use super::outer::{Outer, Place, Reader, Signers, examine_signers, read_manifest};
use super::verdict::{Findings, Part};
use crate::exhibit::ExhibitNumber;
use crate::layout::{self, Carried};
use crate::transmittal::{MAX_TRANSMITTAL_BYTES, Transmittal, TransmittalKind};
use rogatory_container::manifest::MAX_MANIFEST_BYTES;
use rogatory_core::reference::PackageId;
use rogatory_core::{Digest, chain};
use std::collections::BTreeSet;

/// The most exhibits that a line of the report names one by one.
const MAX_NAMED: usize = 20;

/// What `origin/` told.
pub(super) struct CarriedOrigin {
    pub(super) package: PackageId,
    pub(super) transmittal: Option<Transmittal>,
    pub(super) transmittal_bytes: Vec<u8>,
    pub(super) signers: Signers,
}

/// Looks at `origin/`; none if its manifest can't be read.
pub(super) fn examine_origin(
    reader: &mut Reader<'_>,
    outer: &Outer,
    options: &VerifyOptions<'_>,
) -> Option<CarriedOrigin> {
    let derived = outer.transmittal.as_ref()?;
    let named = derived.origin?.manifest_sha256;
    let before = reader.findings.failures();
    let bytes = reader.read(Part::Origin, layout::ORIGIN_TRANSMITTAL, MAX_TRANSMITTAL_BYTES)?;
    let transmittal = read_transmittal(&bytes, reader.findings);
    let manifest = reader.read(Part::Origin, layout::ORIGIN_MANIFEST, MAX_MANIFEST_BYTES)?;
    if Digest::of(&manifest) != named {
        let why = "it is not the manifest of the package that transmittal.json names as the origin";
        reader.findings.failed(Part::Origin, Some(layout::ORIGIN_MANIFEST), why);
    }
    if let Some(origin) = &transmittal {
        let exhibits: Vec<String> = origin.exhibits.iter().map(|one| one.name.object_name()).collect();
        let mut covered: Vec<&str> = exhibits.iter().map(String::as_str).collect();
        covered.extend(layout::signed_tag_files(Carried::Nothing));
        let (name, signature) = (layout::ORIGIN_MANIFEST, layout::PERSON_SIGNATURE);
        let digests =
            read_manifest(Part::Origin, name, signature, Some(&manifest), &covered, reader.findings);
        if digests.get(layout::TRANSMITTAL_NAME) != Some(&Digest::of(&bytes)) {
            let why = format!("it has another digest than `{name}` says");
            reader.findings.failed(Part::Origin, Some(layout::ORIGIN_TRANSMITTAL), why);
        }
        check_exhibits(derived, origin, reader.findings);
    }
    let sound = reader.findings.failures() == before;
    let institution = transmittal.as_ref().and_then(|origin| origin.sender.institution.as_ref());
    let sealed = outer.carried == Carried::Sealed;
    let signers = examine_signers(reader, &Place::ORIGIN, Some(&manifest), sealed, institution, options);
    let package = PackageId::of_manifest(&named);
    if let (Some(origin), true) = (&transmittal, sound) {
        say(derived, origin, &package, reader.findings);
    }
    Some(CarriedOrigin { package, transmittal, transmittal_bytes: bytes, signers })
}

fn read_transmittal(bytes: &[u8], findings: &mut Findings) -> Option<Transmittal> {
    match Transmittal::from_bytes(bytes) {
        Ok(origin) if origin.kind == TransmittalKind::Original => Some(origin),
        Ok(_) => {
            let why =
                "it belongs to a package that is derived itself: the original's outer part must stand here";
            findings.failed(Part::Origin, Some(layout::ORIGIN_TRANSMITTAL), why);
            None
        }
        Err(error) => {
            findings.failed(Part::Origin, Some(layout::ORIGIN_TRANSMITTAL), chain(&error));
            None
        }
    }
}

/// A rewrapped package has all exhibits of the original, a disclosed one has none that the original has not.
fn check_exhibits(derived: &Transmittal, origin: &Transmittal, findings: &mut Findings) {
    let of_origin: BTreeSet<ExhibitNumber> = origin.exhibits.iter().map(|one| one.name).collect();
    for exhibit in derived.exhibits.iter().filter(|exhibit| !of_origin.contains(&exhibit.name)) {
        let name = exhibit.name.object_name();
        findings.failed(Part::Origin, Some(&name), "the original has no such exhibit");
    }
    if derived.kind == TransmittalKind::Rewrap && derived.exhibits.len() != origin.exhibits.len() {
        let (here, all) = (derived.exhibits.len(), origin.exhibits.len());
        let why =
            format!("a rewrapped package holds all {all} exhibits of the original, and this one {here}");
        findings.failed(Part::Origin, Some(layout::TRANSMITTAL_NAME), why);
    }
}

/// What a court sees.
fn say(derived: &Transmittal, origin: &Transmittal, package: &PackageId, findings: &mut Findings) {
    let (here, all) = (derived.exhibits.len(), origin.exhibits.len());
    let time = origin.created_time;
    let answers = origin.order.as_ref().map(|order| format!(", in answer to {order}")).unwrap_or_default();
    let text = format!("origin: made from package {package}{answers}, sealed {time} as its sender claims");
    findings.checked(Part::Origin, text);
    if let Some(from) = derived.origin.and_then(|origin| origin.made_from) {
        let why = format!(
            "its maker says that package {} lay between; nothing of that one is kept",
            PackageId::of_manifest(&from)
        );
        findings.not_checked_as(Part::Origin, &why, format!("origin: {why}"));
    }
    let text = match derived.kind {
        TransmittalKind::Disclosure if here < all => {
            let others = all - here;
            let others =
                if others == 1 { "the other 1 is".to_owned() } else { format!("the other {others} are") };
            format!("disclosed: {} of {all}; {others} known by number and digest only", names(derived))
        }
        TransmittalKind::Disclosure => format!("disclosed: {} of {all}; nothing is left out", names(derived)),
        _ => format!("rewrapped: all {all} exhibits, for other recipients than the original names"),
    };
    findings.checked(Part::Origin, text);
}

fn names(derived: &Transmittal) -> String {
    let mut text = derived
        .exhibits
        .iter()
        .take(MAX_NAMED)
        .map(|one| one.name.to_string())
        .collect::<Vec<_>>()
        .join(", ");
    if let Some(more) = derived.exhibits.len().checked_sub(MAX_NAMED).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}

//! To which keys a package is encrypted: every age file of it to the one kind that its transmittal names, and to as
//! many as that names.
//!
//! Holds the look at the headers, for which no key is needed. May read the beginning of index and exhibits. A package
//! whose headers mix post-quantum keys with others would say more of its safety than is true, and one with a stanza
//! more than the transmittal has recipients would be readable by somebody of whom it says nothing.

use super::outer::Outer;
use super::verdict::{Findings, Part};
use crate::age_layer::{self, AgeError};
use crate::layout;
use crate::source::PackageSource;
use crate::transmittal::Transmittal;
use rogatory_core::chain;
use std::io::{self, BufReader};

/// Compares the header of the index with what the transmittal says.
pub(super) fn examine_index_header(source: &dyn PackageSource, outer: &Outer, findings: &mut Findings) {
    if let Some(transmittal) = &outer.transmittal {
        examine(source, layout::INDEX_NAME, transmittal, findings);
    }
}

/// The same for those exhibits that are looked at, after the index; tells how far that went.
pub(super) fn examine_exhibit_headers(source: &dyn PackageSource, outer: &Outer, findings: &mut Findings) {
    let Some(transmittal) = &outer.transmittal else { return };
    let encryption = transmittal.encryption;
    for number in &outer.numbers {
        examine(source, &number.object_name(), transmittal, findings);
    }
    if findings.any_failed_of(Part::Encryption) {
        return;
    }
    let (seen, all) = (outer.numbers.len(), outer.numbers.len() + outer.left_out);
    let far = if seen == all {
        "throughout".to_owned()
    } else {
        format!("in the index and {seen} of {all} exhibits")
    };
    let tools = encryption.tools();
    findings.checked(
        Part::Encryption,
        format!("encryption: {encryption} {far}; without rogatory it is opened with {tools}"),
    );
}

fn examine(source: &dyn PackageSource, name: &str, transmittal: &Transmittal, findings: &mut Findings) {
    let (said, recipients) = (transmittal.encryption, transmittal.all_recipients().count());
    let found = source
        .open(name)
        .map_err(AgeError::Io)
        .and_then(|reader| age_layer::encryption(&mut BufReader::new(reader)));
    match found {
        Ok((found, stanzas)) if found == said && stanzas == recipients => {}
        Ok((found, stanzas)) if found == said => {
            let why = format!(
                "its header has {stanzas} stanzas, and transmittal.json names {recipients} recipients: it is encrypted to all of them and to nobody else"
            );
            findings.failed(Part::Encryption, Some(name), why);
        }
        Ok((found, _)) => {
            let why = format!("it is encrypted to {found} keys, and transmittal.json says {said}");
            findings.failed(Part::Encryption, Some(name), why);
        }
        // A missing object is noted with the set of objects.
        Err(AgeError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => findings.failed(Part::Encryption, Some(name), chain(&error)),
    }
}

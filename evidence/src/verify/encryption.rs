//! To which kind of keys a package is encrypted: every age file of it to the one kind that its transmittal names.
//!
//! Holds the look at the headers, for which no key is needed. May read the beginning of index and exhibits. A package
//! whose headers mix post-quantum keys with others would say more of its safety than is true.

use super::outer::Outer;
use super::verdict::{Findings, Part};
use crate::age_layer::{self, AgeError};
use crate::layout;
use crate::source::PackageSource;
use rogatory_core::chain;
use std::io::{self, BufReader};

/// Compares the header of every age file with what the transmittal says.
pub(super) fn examine_headers(source: &dyn PackageSource, outer: &Outer, findings: &mut Findings) {
    let Some(transmittal) = &outer.transmittal else { return };
    let before = findings.failures();
    let exhibits = outer.numbers.iter().map(|number| number.object_name());
    for name in exhibits.chain([layout::INDEX_NAME.to_owned()]) {
        let found = source
            .open(&name)
            .map_err(AgeError::Io)
            .and_then(|reader| age_layer::encryption(&mut BufReader::new(reader)));
        match found {
            Ok(found) if found == transmittal.encryption => {}
            Ok(found) => {
                let said = transmittal.encryption;
                let why = format!("it is encrypted to {found} keys, and transmittal.json says {said}");
                findings.failed(Part::Encryption, Some(&name), why);
            }
            // A missing object is noted with the set of objects.
            Err(AgeError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => findings.failed(Part::Encryption, Some(&name), chain(&error)),
        }
    }
    if findings.failures() == before {
        let (encryption, tools) = (transmittal.encryption, transmittal.encryption.tools());
        findings.checked(
            Part::Encryption,
            format!("encryption: {encryption} throughout; without rogatory it is opened with {tools}"),
        );
    }
}

//! Numbers, ids, times, names: whatever is one short text. One input is tried as each of them.

use rogatory_core::custody_event::Stream;
use rogatory_core::document::DocumentKind;
use rogatory_core::ground::{PostponementGround, RefusalGround};
use rogatory_core::reference::{DocumentId, OfficeReference, QuestionId};
use rogatory_core::{
    CaseId, CivilDate, CountryCode, Digest, OfficerId, PackageId, PartyId, Role, SharedNumber, Timestamp,
};
use rogatory_evidence::{AgeRecipient, ExhibitNumber};
use rogatory_pki::identity::Identity;
use std::fmt::Display;
use std::str::FromStr;

/// What was read is written as the very text.
fn exact<T: FromStr + Display>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        assert_eq!(value.to_string(), text, "{} has two spellings", std::any::type_name::<T>());
    }
}

/// What was read is written as a text that is read as the same.
fn stable<T: FromStr + Display + PartialEq>(text: &str) {
    if let Ok(value) = text.parse::<T>() {
        let again = value.to_string().parse::<T>();
        assert!(again.is_ok_and(|again| again == value), "{} changes", std::any::type_name::<T>());
    }
}

pub(super) fn names(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    exact::<SharedNumber>(text);
    exact::<CaseId>(text);
    exact::<DocumentId>(text);
    exact::<PackageId>(text);
    exact::<QuestionId>(text);
    exact::<OfficeReference>(text);
    exact::<PartyId>(text);
    exact::<OfficerId>(text);
    exact::<Stream>(text);
    exact::<ExhibitNumber>(text);
    exact::<CivilDate>(text);
    exact::<DocumentKind>(text);
    exact::<Role>(text);
    stable::<CountryCode>(text);
    stable::<Digest>(text);
    stable::<Timestamp>(text);
    if let Ok(identity) = text.parse::<Identity>() {
        assert_eq!(identity.uri(), text, "an identity has two spellings");
    }
    if let Ok(recipient) = text.parse::<AgeRecipient>() {
        let again = recipient.to_string().parse::<AgeRecipient>().expect("reads what it wrote");
        assert_eq!(again.to_string(), recipient.to_string());
    }
    let _ = rogatory_container::zip::check_name(text);
    stable::<RefusalGround>(text);
    stable::<PostponementGround>(text);
    if let Some(number) = ExhibitNumber::from_object_name(text) {
        assert!(text.contains(&number.to_string()), "the number of another exhibit");
    }
}

pub(super) fn names_seeds() -> Vec<Vec<u8>> {
    [
        "MD-JF58-JXH4-09RC-SPTW-27",
        "C-7K2M9QXR4T1VC8ZE",
        "D-7K2M9QXR4T1VC8ZE",
        "PK-7K2M9QXR4T1VC8ZE",
        "Q1",
        "md/central-authority",
        "md/central-authority/officer/rusu",
        "rogatory://md/central-authority",
        "rogatory://md/central-authority/officer/rusu",
        "internal",
        "EX-0001",
        "EX-100000",
        "data/EX-0001.age",
        "2026-11-22T14:20:00Z",
        "2026-11-22T14:20:00.123456+02:00",
        "9999-12-30T22:00:00Z",
        "-000001-01-01T00:00:00Z",
        "2026-12-01",
        "request",
        "non-delivery",
        "MD",
        "tfKZRw5Xjj/ol/z7fCrrWf5KpycwQ5atUPLtOiTdugQ=",
        "b6094d49735a4a02b9258d37574e3af5f5f1d116210609af022e814954558da4",
        "age1ql3z7hjy54pw3hyww5ayyfg7zqgvc7w3j2elw8zmrj2kg5sfn9aqmcac8p",
        "META-INF/ASiCManifest001.xml",
    ]
    .into_iter()
    .map(|text| text.as_bytes().to_vec())
    .collect()
}

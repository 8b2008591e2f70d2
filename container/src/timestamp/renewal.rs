//! Renewals: what a later stamp stamps, so that an earlier one still proves something when its authority's certificate
//! has ended or its algorithm is broken. Pure.

use rogatory_core::Digest;
use std::fmt::Write as _;

/// A stamp that is renewed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Earlier {
    /// The SHA-256 of what it stamps: the subject, or the list of an earlier renewal.
    pub stamped: Digest,
    /// The SHA-256 of its token.
    pub token: Digest,
}

/// The list that a renewal stamps: the subject, then every earlier token, and every earlier list before its token, as
/// `sha256sum` writes it. Files are named as they lie beside the subject, with `subject` for its name.
///
/// # Source
/// `docs/spec/time-stamps.md`, 4.
#[must_use]
pub fn renewal_list(subject: &Digest, earlier: &[Earlier]) -> String {
    let mut list = format!("{subject}  subject\n");
    for (number, one) in earlier.iter().enumerate() {
        let stamped = file_name("subject", number);
        // Writing to a String never fails.
        if number > 0 {
            let _ = writeln!(list, "{}  {stamped}", one.stamped);
        }
        let _ = writeln!(list, "{}  {stamped}.{}", one.token, super::EXTENSION);
    }
    list
}

/// The name of what the stamp with this number stamps, beside a file called `subject`: 0 is the file itself, others
/// are the lists of renewals. The token's name has `.tst` behind it.
#[must_use]
pub fn file_name(subject: &str, number: usize) -> String {
    if number == 0 { subject.to_owned() } else { format!("{subject}.renewal{number}.txt") }
}

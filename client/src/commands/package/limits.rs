//! What a counterpart takes, compared before the first byte is sealed or sent.
//!
//! May ask the own server for the counterpart's confirmed entry. Never the last word: the counterpart's
//! own server refuses what is too large.

use crate::commands::party;
use crate::output::page::bytes;
use crate::problem::Problem;
use crate::session::Session;
use rogatory_core::PartyId;
use rogatory_core::party_entry::PartyEntry;
use rogatory_evidence::SizeLimit;

/// The limit that an entry publishes for packages, if it does.
pub(super) fn of_entry(entry: &PartyEntry) -> Option<SizeLimit> {
    entry.limits.package_bytes.map(|package_bytes| SizeLimit { of: entry.party.to_string(), package_bytes })
}

/// Refuses a package that is larger than the entry of its addressee allows. An addressee whose entry is
/// not confirmed published no limit.
///
/// # Errors
/// Refused, with both numbers; as the server, if it cannot be asked.
pub(super) async fn check_addressee(
    session: &Session,
    addressee: &PartyId,
    size_bytes: u64,
) -> Result<(), Problem> {
    let entry = match party::confirmed(session, addressee).await {
        Ok((_, sealed)) => sealed.entry,
        Err(problem) if problem.exit() == crate::Exit::NotYet => return Err(problem),
        Err(_) => return Ok(()),
    };
    judge(of_entry(&entry).as_ref(), size_bytes)
}

fn judge(limit: Option<&SizeLimit>, size_bytes: u64) -> Result<(), Problem> {
    match limit.filter(|limit| size_bytes > limit.package_bytes) {
        None => Ok(()),
        Some(limit) => Err(Problem::refused(format!(
            "the package has {size_bytes} bytes ({}), and {} takes packages of at most {} bytes ({})",
            bytes(size_bytes),
            limit.of,
            limit.package_bytes,
            bytes(limit.package_bytes)
        ))
        .with_hint("make several packages, or agree on another way; nothing was sent")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_larger_than_its_addressee_takes_is_refused_with_both_numbers() {
        let limit = SizeLimit { of: "gb/central-authority".to_owned(), package_bytes: 1_000_000 };
        assert_eq!(judge(Some(&limit), 1_000_000), Ok(()));
        assert_eq!(judge(None, u64::MAX), Ok(()));
        let problem = judge(Some(&limit), 1_000_001).expect_err("too large");
        assert_eq!(problem.exit(), crate::Exit::Refused);
        for says in ["1000001 bytes", "1000000 bytes", "gb/central-authority"] {
            assert!(problem.message().contains(says), "{problem}");
        }
    }
}

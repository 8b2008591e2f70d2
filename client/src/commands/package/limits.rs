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
use std::path::Path;

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
    judge(of_addressee(session, addressee).await?.as_ref(), size_bytes)
}

/// What an addressee takes. One whose entry is not confirmed published no limit.
///
/// # Errors
/// As the server, if it cannot be asked.
pub(super) async fn of_addressee(
    session: &Session,
    addressee: &PartyId,
) -> Result<Option<SizeLimit>, Problem> {
    match party::confirmed(session, addressee).await {
        Ok((_, sealed)) => Ok(of_entry(&sealed.entry)),
        Err(problem) if problem.exit() == crate::Exit::NotYet => Err(problem),
        Err(_) => Ok(None),
    }
}

/// Refuses to begin where the disk of `output` has not the room for so many bytes.
///
/// # Errors
/// Failed, with both numbers.
pub(super) fn check_room(output: &Path, needed_bytes: u64) -> Result<(), Problem> {
    match rogatory_evidence::limits::free_bytes(output).filter(|free| *free < needed_bytes) {
        None => Ok(()),
        Some(free) => Err(Problem::failed(format!(
            "`{}` needs {needed_bytes} bytes more ({}), and {free} bytes ({}) are free on its disk",
            output.display(),
            bytes(needed_bytes),
            bytes(free)
        ))
        .with_hint("free the rest, or write to another disk; nothing was begun")),
    }
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
    fn what_does_not_fit_on_the_disk_is_not_begun() {
        let directory = tempfile::tempdir().expect("a directory");
        let output = directory.path().join("p.asice");
        assert_eq!(check_room(&output, 1), Ok(()));
        let problem = check_room(&output, u64::MAX).expect_err("no disk is so large");
        assert!(problem.message().contains("18446744073709551615 bytes"), "{problem}");
    }

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

//! Stored packages are read again from time to time: every object against its digest, at a bounded rate.
//!
//! ```text
//! the package not read for the longest ── read whole, a little at a time ── result recorded in its case ── commit
//!                                       └ a stop here: the next start reads the same package from its beginning
//! ```
//! The entry stands in the log, which is signed. Changes nothing in the vault: damage is for people to deal with.

use crate::authority::Authority;
use crate::casework::send_package::blocking;
use crate::datastore::{Act, ObjectRow, StoreError, Transaction};
use crate::problem::Problem;
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::{Digest, PackageId, Timestamp};
use rogatory_evidence::passing::PassingFile;
use sha2::{Digest as _, Sha256};
use std::io::Read as _;
use std::time::Duration;

/// After how many days a package is read again if the configuration does not say.
const USUAL_DAYS: u16 = 30;
const DAY_SECONDS: i64 = 24 * 60 * 60;
/// So much is read at once; then the reader rests as long as the rate asks.
const PIECE_BYTES: usize = 4 * 1024 * 1024;

/// How fast packages are read again.
#[derive(Clone, Copy, Debug)]
pub struct Rate {
    /// Bytes a second at most; 0 means as fast as the disk gives them.
    pub bytes_a_second: u64,
}

impl Rate {
    /// What a server uses: evidence on its way has the disk to itself most of the time.
    pub const USUAL: Self = Self { bytes_a_second: 32 * 1024 * 1024 };

    fn rest(self, read: usize) -> Option<Duration> {
        let micros = (read as u64).saturating_mul(1_000_000).checked_div(self.bytes_a_second)?;
        Some(Duration::from_micros(micros))
    }
}

/// What a reading gave.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Rechecked {
    /// Which package.
    pub package: PackageId,
    /// How many objects are missing or have another digest.
    pub damaged: u64,
}

/// Reads the package again that was not read for the longest, if one is due; none if none is.
///
/// # Errors
/// [`Problem`] if the database fails; a package that cannot be read is damaged, which is no error.
pub async fn recheck_next(authority: &Authority, rate: Rate) -> Result<Option<Rechecked>, Problem> {
    let days = authority.institution.config().storage.recheck_days.unwrap_or(USUAL_DAYS);
    if days == 0 {
        return Ok(None);
    }
    let now = authority.clock.now();
    let before: Timestamp = now.plus_seconds(-i64::from(days) * DAY_SECONDS);
    let mut session = authority.datastore.read().await?;
    let Some(package) = session.due_check(before, now).await? else { return Ok(None) };
    let objects = session.package_objects(&package).await?;
    drop(session);
    let mut damaged = Vec::new();
    for object in &objects {
        let whole = match authority.vault.open_object(&package, &object.name) {
            Ok(file) => is_whole(file, object, rate).await?,
            Err(_) => false,
        };
        if !whole {
            damaged.push(object.name.clone());
        }
    }
    let objects = objects.len() as u64;
    if !damaged.is_empty() {
        tracing::error!(%package, objects = damaged.len(), "a stored package is damaged");
    }
    let rechecked = Rechecked { package: package.clone(), damaged: damaged.len() as u64 };
    let first = damaged.into_iter().next();
    let act = RecordCheck { package, objects, damaged: rechecked.damaged, first };
    authority.datastore.perform(act).await?;
    Ok(Some(rechecked))
}

/// Piece by piece, so that a server that ends need not wait for the end of an object.
async fn is_whole(file: PassingFile, object: &ObjectRow, rate: Rate) -> Result<bool, Problem> {
    let (mut file, mut hash, mut size) = (file, Sha256::new(), 0_u64);
    loop {
        let read = blocking(move || {
            let mut piece = Vec::with_capacity(PIECE_BYTES);
            let read = file.by_ref().take(PIECE_BYTES as u64).read_to_end(&mut piece);
            hash.update(&piece);
            Ok((file, hash, read))
        });
        let (back, hashed, read) = read.await?;
        (file, hash) = (back, hashed);
        let Ok(read) = read else { return Ok(false) };
        if read == 0 {
            break;
        }
        size += read as u64;
        if size > object.size_bytes {
            return Ok(false);
        }
        if let Some(rest) = rate.rest(read) {
            tokio::time::sleep(rest).await;
        }
    }
    let found: [u8; 32] = hash.finalize().into();
    Ok(size == object.size_bytes && Digest::from_slice(&found).is_ok_and(|found| found == object.sha256))
}

struct RecordCheck {
    package: PackageId,
    objects: u64,
    damaged: u64,
    first: Option<String>,
}

impl Act for RecordCheck {
    const NAME: &'static str = "record-recheck";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        // It may have been erased while it was read.
        let Some(row) = tx.package(&self.package).await? else { return Ok(()) };
        let (package, manifest_sha256) = (self.package.clone(), row.manifest_sha256);
        let event = match &self.first {
            None => Event::PackageRechecked {
                package,
                manifest_sha256,
                objects: self.objects,
                size_bytes: row.size_bytes,
            },
            Some(first) => Event::PackageDamaged {
                package,
                manifest_sha256,
                objects: self.damaged,
                first: first.clone(),
            },
        };
        tx.record(&row.case, &Actor::Server, CustodyEvent::internal(event)).await?;
        tx.keep_check(&self.package, self.first.is_none()).await
    }
}

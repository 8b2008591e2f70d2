//! The end of an epoch of the own log, and the beginning of the next one.
//!
//! ```text
//! restored ─ witnesses asked for the largest checkpoint they persisted ─ compared with the tree that is here
//!          └ one act: entry `epoch-begun`, the epoch, no checkpoint any more ─ `server.toml` ─ party entry
//! ```
//! The tree goes on: what was restored is the beginning of the new log too, under another origin, so that every entry that
//! was kept is proven there as well. What was signed under the closed origin stays that log's word and is never continued.

use crate::authority::Authority;
use crate::datastore::{Act, EpochRow, OFFICE, Session, StoreError, Transaction};
use crate::peers;
use crate::problem::{Problem, Reason};
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::{Digest, PartyId, Timestamp, chain};
use rogatory_custody::checkpoint::{Origin, VerifiedCheckpoint, verify_checkpoint};
use rogatory_custody::cosignature::{Cosignature, cosigned_note};
use rogatory_custody::note::{Note, Vkey};
use std::sync::Arc;

/// How many cosignatures the entry carries at most.
const COSIGNATURES: usize = 16;

/// Why the log of a folder may not go on as it is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Standing {
    /// It may.
    Current,
    /// It was restored from the backup of this instant.
    Restored(Timestamp),
    /// It is another log than the configuration says.
    OtherLog(Origin),
}

/// Judges whether the log in the database is the one that the configuration names, and goes on where it ended.
///
/// # Errors
/// [`Problem`] if the database fails or is damaged.
pub async fn standing(authority: &Authority) -> Result<Standing, Problem> {
    let mut session = authority.datastore.read().await?;
    if let Some(taken) = session.backup_taken().await? {
        return Ok(Standing::Restored(taken));
    }
    let own = authority.institution.log_origin();
    let signed = match session.epochs().await?.pop() {
        Some(epoch) => Some(epoch.origin),
        None => session.checkpoint().await?.and_then(|(_, note)| origin_of(&note)),
    };
    Ok(match signed {
        Some(origin) if origin != *own => Standing::OtherLog(origin),
        _ => Standing::Current,
    })
}

/// The epoch that began last; none in the first.
///
/// # Errors
/// [`Problem`] if the database fails or is damaged.
pub async fn last(authority: &Authority) -> Result<Option<EpochRow>, Problem> {
    Ok(authority.datastore.read().await?.epochs().await?.pop())
}

impl Standing {
    /// Refuses to serve what may not go on.
    ///
    /// # Errors
    /// [`Reason::WrongStage`], and what to do.
    pub fn demand_current(&self, own: &Origin) -> Result<(), Problem> {
        let what = match self {
            Self::Current => return Ok(()),
            Self::Restored(taken) => format!("this is a backup of {taken} that was restored"),
            Self::OtherLog(origin) => {
                format!("the database holds the log {origin}, and the configuration names {own}")
            }
        };
        Err(Problem::new(Reason::WrongStage, what + ": run `rogatory-server next-epoch` before it goes on"))
    }
}

/// The log that a note names, whoever signed it.
fn origin_of(note: &[u8]) -> Option<Origin> {
    Note::parse(note).ok()?.unverified_text().lines().next()?.parse().ok()
}

/// What one witness persisted last of this log.
struct Witnessed {
    checkpoint: VerifiedCheckpoint,
    cosignature: Cosignature,
}

/// What the witnesses say, against the tree that is here.
pub struct Comparison {
    witnessed: Vec<Witnessed>,
    silent: Vec<PartyId>,
    restored: (u64, Digest),
    common: u64,
    differs: bool,
    /// The log that ends: the latest that a witness saw.
    closed: Origin,
    /// The last epoch that was ever begun, as far as anybody knows.
    last_epoch: u32,
}

impl Comparison {
    /// Whether a witness has seen what is not in the tree that is here.
    #[must_use]
    pub const fn differs(&self) -> bool {
        self.differs
    }

    /// Who did not answer.
    #[must_use]
    pub fn silent(&self) -> &[PartyId] {
        &self.silent
    }

    /// The size of the largest checkpoint that a witness holds; none if nobody holds any.
    #[must_use]
    pub fn witnessed_size(&self) -> Option<u64> {
        self.witnessed.iter().map(|one| one.checkpoint.size()).max()
    }

    /// How many entries a witness has seen, and the tree here is not known to hold.
    #[must_use]
    pub fn lost(&self) -> u64 {
        self.witnessed_size().unwrap_or(0).saturating_sub(self.common)
    }
}

/// Asks every confirmed counterpart for the largest checkpoint of this log that it persisted, and compares.
///
/// # Errors
/// [`Problem`] if the log is empty, or the database fails. Who does not answer, or with what this office's log key did not
/// sign, is silent.
pub async fn compare(authority: &Arc<Authority>) -> Result<Comparison, Problem> {
    let (mut witnessed, mut silent): (Vec<Witnessed>, _) = (Vec::new(), Vec::new());
    for party in authority.directory().parties() {
        let party = &party.entry.party;
        match ask(authority, party).await {
            Ok(answer) => witnessed.extend(answer),
            Err(problem) => {
                tracing::warn!(witness = %party, problem = %chain(&problem), "a witness did not say what it saw last");
                silent.push(party.clone());
            }
        }
    }
    let mut session = authority.datastore.read().await?;
    let own = authority.institution.log_origin();
    let begun: Vec<Origin> = session.epochs().await?.into_iter().map(|row| row.origin).collect();
    if begun.last() == Some(own) {
        // What was seen of an epoch that ended is said in the entry that ended it.
        witnessed.retain(|one| one.checkpoint.origin().epoch() >= own.epoch());
    }
    let latest = |origins: &mut dyn Iterator<Item = &Origin>| {
        origins.filter(|origin| is_of(own, origin)).max_by_key(|origin| origin.epoch()).cloned()
    };
    let seen = latest(&mut witnessed.iter().map(|one| one.checkpoint.origin()));
    let used = latest(&mut begun.iter().chain([own]).chain(&seen)).unwrap_or_else(|| own.clone());
    let closed = seen.unwrap_or_else(|| used.clone());
    witnessed.retain(|one| *one.checkpoint.origin() == closed);
    let size = session.tree_size().await?;
    if size == 0 {
        return Err(Problem::new(Reason::WrongStage, "the log has no entry, and so nothing that could end"));
    }
    let restored = (size, session.root(size).await?);
    // A backup that was never served is the beginning of what it was taken from.
    let untouched = session.backup_taken().await?.is_some();
    let (mut behind, mut forked, mut common) =
        (false, false, known_common(authority, &mut session, size).await?);
    for one in &witnessed {
        let (seen, root) = (one.checkpoint.size(), *one.checkpoint.root());
        if seen > size {
            behind = true;
        } else if session.root(seen).await? == root {
            common = common.max(seen);
        } else {
            forked = true;
        }
    }
    let largest = witnessed.iter().map(|one| one.checkpoint.size()).max();
    if let Some(largest) = largest.filter(|_| untouched && !forked) {
        common = size.min(largest);
    }
    let differs = behind || forked;
    Ok(Comparison { witnessed, silent, restored, common, differs, closed, last_epoch: used.epoch() })
}

/// Whether `origin` names a log of the same institution under the same domain.
fn is_of(own: &Origin, origin: &Origin) -> bool {
    (own.domain(), own.party()) == (origin.domain(), origin.party())
}

async fn ask(authority: &Arc<Authority>, party: &PartyId) -> Result<Option<Witnessed>, Problem> {
    let answer = peers::last_checkpoint(authority, party).await?;
    if answer.checkpoint.is_empty() {
        return Ok(None);
    }
    let bad = |what: String| Problem::new(Reason::PeerRefused, format!("{party} answered with {what}"));
    let note = answer.checkpoint.to_vec();
    let own = authority.institution.log_origin();
    let origin = origin_of(&note).filter(|origin| is_of(own, origin));
    let origin = origin.ok_or_else(|| bad("no checkpoint of this office's log".to_owned()))?;
    let key = key_named(authority, &origin)?;
    let checkpoint = verify_checkpoint(&note, std::slice::from_ref(&key))
        .map_err(|error| bad(format!("what the present log key did not sign: {}", chain(&error))))?;
    let cosignature = || {
        let line = std::str::from_utf8(&answer.cosignature).ok()?;
        let cosignature: Cosignature = line.parse().ok()?;
        let witness = &authority.directory().confirmed(party).ok()?.log.witness;
        cosignature.verify(&checkpoint, witness).ok().map(|_| cosignature)
    };
    let cosignature = cosignature().ok_or_else(|| bad("no cosignature of its own".to_owned()))?;
    Ok(Some(Witnessed { checkpoint, cosignature }))
}

/// The office's log key under the name of an epoch.
fn key_named(authority: &Authority, origin: &Origin) -> Result<Vkey, Problem> {
    let public = *authority.institution.log_key().vkey().public_key();
    Vkey::new(&origin.to_string(), public).map_err(|error| Problem::internal("a log key has no name", error))
}

/// The largest size up to which this tree is what a witness cosigned, as far as this database knows.
async fn known_common(authority: &Authority, session: &mut Session, size: u64) -> Result<u64, Problem> {
    let mut common = 0;
    for witness in session.log_witnesses().await? {
        let Ok(origin) = witness.origin.parse::<Origin>() else { continue };
        let key = key_named(authority, &origin)?;
        let Ok(checkpoint) = verify_checkpoint(&witness.note, std::slice::from_ref(&key)) else { continue };
        let seen = checkpoint.size();
        if seen <= size && session.root(seen).await? == *checkpoint.root() {
            common = common.max(seen);
        }
    }
    Ok(common)
}

/// Ends the epoch and begins the next one, whose first entry says what was witnessed and what was restored; gives the new
/// origin.
///
/// # Errors
/// [`Problem`] if the log grew meanwhile, or the database fails.
pub async fn begin(authority: &Authority, comparison: Comparison, reason: String) -> Result<Origin, Problem> {
    let closed = comparison.closed;
    let unnamed = |error| Problem::internal("the next epoch has no name", error);
    let epoch = comparison.last_epoch.checked_add(1).ok_or_else(|| {
        Problem::new(Reason::LimitReached, "the log has had as many epochs as an origin can name")
    })?;
    let origin = Origin::new(closed.domain(), closed.party().clone(), epoch).map_err(unnamed)?;
    let largest = comparison.witnessed.iter().max_by_key(|one| one.checkpoint.size());
    let mut note = None;
    if let Some(largest) = largest {
        // Of several histories one is named; the others stand in the alarms of their witnesses.
        let same = |one: &&Witnessed| one.checkpoint.checkpoint() == largest.checkpoint.checkpoint();
        let lines =
            comparison.witnessed.iter().filter(same).take(COSIGNATURES).map(|one| one.cosignature.clone());
        let cosigned = cosigned_note(&largest.checkpoint, lines.collect());
        note = Some(
            cosigned
                .map_err(|error| Problem::internal("a checkpoint cannot carry its cosignatures", error))?,
        );
    }
    let closed_key = key_named(authority, &closed)?;
    let event = Event::EpochBegun {
        origin: origin.to_string(),
        closed_origin: closed.to_string(),
        closed_log_key: closed_key.to_string(),
        restored_size: comparison.restored.0,
        restored_root: comparison.restored.1,
        common_size: comparison.common,
        witnessed: note,
        silent: comparison.silent,
        reason,
    };
    let row = EpochRow {
        origin: origin.clone(),
        closed_origin: closed,
        closed_key,
        leaf_index: comparison.restored.0,
    };
    authority.datastore.perform(BeginEpoch { row, event }).await?;
    Ok(origin)
}

struct BeginEpoch {
    row: EpochRow,
    event: Event,
}

impl Act for BeginEpoch {
    const NAME: &'static str = "begin-epoch";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let event = CustodyEvent::internal(self.event.clone());
        let logged = tx.record(OFFICE, &Actor::Server, event).await?;
        if logged.leaf_index != self.row.leaf_index {
            return Err(Problem::new(Reason::Raced, "the log grew while its epoch ended").into());
        }
        tx.begin_epoch(&self.row).await
    }
}

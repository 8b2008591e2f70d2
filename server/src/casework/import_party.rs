//! An operator imports a counterpart's entry after a person compared its fingerprint.

use crate::access::Permit;
use crate::authority::{Authority, confirmed_entries};
use crate::datastore::{Act, OFFICE, PartyRow, StoreError, Transaction};
use crate::directory::{Directory, SoundEntry, check_anchors};
use crate::problem::{Problem, Reason};
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::document::DOCUMENT_LIMIT_BYTES;
use rogatory_core::{Digest, Role};

/// Takes a confirmed entry; connections made from now on know the party.
///
/// # Errors
/// [`Problem`]: not sound, another fingerprint, an anchor that contradicts the known one, an older version.
pub async fn import_party(
    authority: &Authority,
    permit: &Permit,
    container: &[u8],
    fingerprint: &Digest,
) -> Result<PartyRow, Problem> {
    let (_, actor) = permit.officer_as(&[Role::Operator])?;
    if container.len() > DOCUMENT_LIMIT_BYTES {
        return Err(Problem::new(
            Reason::LimitReached,
            "the party entry is larger than a formal document may be",
        ));
    }
    let now = authority.clock.now();
    let sound = SoundEntry::read(container, now)?;
    if sound.fingerprint() != fingerprint {
        let what = format!("the entry's fingerprint is {}, not {fingerprint}", sound.fingerprint());
        return Err(Problem::new(Reason::WrongFingerprint, what)
            .with_hint("compare it with the party by another way, for example by telephone"));
    }
    let party = sound.entry().party.clone();
    if party == *authority.institution.party() {
        return Err(Problem::argument("container", &"is this institution's own entry"));
    }
    let version = sound.entry().version;
    let _importing = authority.importing.lock().await;
    check_against_others(authority, sound).await?;
    let row = PartyRow {
        party,
        version,
        container_sha256: *fingerprint,
        container: container.to_vec(),
        confirmed_time: now,
    };
    let row = authority.datastore.perform(Confirm { row, actor }).await?;
    authority.reload_directory().await?;
    Ok(row)
}

/// Builds the directory as it would be, so that a contradiction is found before anything is stored.
async fn check_against_others(authority: &Authority, new: SoundEntry) -> Result<(), Problem> {
    let mut entries = confirmed_entries(&authority.datastore).await?;
    entries.retain(|entry| entry.entry().party != new.entry().party);
    check_anchors(&authority.institution, &entries, &new)?;
    entries.push(new);
    Directory::build(&authority.institution, entries).map(|_| ())
}

struct Confirm {
    row: PartyRow,
    actor: Actor,
}

impl Act for Confirm {
    const NAME: &'static str = "confirm-party";
    type Output = PartyRow;

    async fn perform(&self, tx: &mut Transaction) -> Result<PartyRow, StoreError> {
        let row = PartyRow { confirmed_time: tx.now(), ..self.row.clone() };
        // An old entry may name a seal that was retired since.
        if let Some(before) = tx.party(&row.party).await? {
            let same = before.container_sha256 == row.container_sha256;
            if !same && before.version >= row.version {
                let what =
                    format!("version {} of the entry of {} stands here already", before.version, row.party);
                return Err(Problem::new(Reason::Conflict, what)
                    .with_hint("ask the party for its newest entry")
                    .into());
            }
        }
        tx.confirm_party(&row).await?;
        let event = Event::PartyConfirmed {
            party: row.party.clone(),
            version: row.version,
            container_sha256: row.container_sha256,
        };
        tx.record(OFFICE, &self.actor, CustodyEvent::internal(event)).await?;
        Ok(row)
    }
}

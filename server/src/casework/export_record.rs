//! The custody record of a case: every entry, each with its proof under one checkpoint.

use crate::access::Permit;
use crate::authority::Authority;
use crate::casework::erase_case;
use crate::casework::export_patience::Patience;
use crate::casework::sign_checkpoint::sign_checkpoint;
use crate::casework::witness;
use crate::datastore::{Act, Erased, ErasureRow, HeadRow, OFFICE, Session, StoreError, Transaction, log_of};
use crate::directory::open_container;
use crate::problem::{Problem, Reason};
use rogatory_core::custody_event::{Actor, CustodyEvent, Event, Stream};
use rogatory_core::document::DATA_FILE;
use rogatory_core::receipt::Receipt;
use rogatory_core::reference::DocumentId;
use rogatory_core::{CaseId, PackageId, PartyId, SharedNumber};
use rogatory_custody::checkpoint::Origin;
use rogatory_custody::leaf::Leaf;
use rogatory_custody::record::{Content, Entry, EpochEntry, MAX_ENTRIES, ReceiptedHead, Record};
use rogatory_custody::tree::MAX_TREE_SIZE;
use std::time::Duration;
use tokio::sync::SemaphorePermit;

/// Exports the record of a case, after the export itself is recorded.
///
/// The record leads to the newest checkpoint that a witness cosigned, if that covers all there was before the
/// export, and then ends there; otherwise to the latest checkpoint, and holds the export too. For such a checkpoint, and then
/// for its time stamp, `wait` at most passes.
///
/// # Errors
/// [`Problem`] if there is no such case, or the record would be larger than one may be.
pub async fn export_record(
    authority: &Authority,
    permit: &Permit,
    name: &str,
    wait: Duration,
) -> Result<Vec<u8>, Problem> {
    let patience = Patience::of(wait);
    let erasure = authority.datastore.read().await?.erasure(name).await?;
    if let Some((row, erased)) = erasure.and_then(|row| row.erased.clone().map(|erased| (row, erased))) {
        return export_erased(authority, permit, &row, &erased, patience).await;
    }
    let (case, shared_number) = find(authority, name).await?;
    let before = authority.datastore.read().await?.covering_size(&case).await?;
    authority.datastore.perform(RecordExport { case: case.clone(), actor: permit.actor() }).await?;
    patience.for_witness(authority, before).await?;
    let (size, checkpoint) = checkpoint_over(authority, before).await?;
    patience.for_stamp(authority, &checkpoint).await?;
    let _turn = turn(authority).await?;
    let mut session = authority.datastore.read().await?;
    let limit = u32::try_from(MAX_ENTRIES).unwrap_or(u32::MAX);
    let recorded = session.entries(&case, 0, size, limit.saturating_add(1)).await?;
    if recorded.len() > MAX_ENTRIES {
        return Err(Problem::new(
            Reason::LimitReached,
            format!("the case has more than {MAX_ENTRIES} entries"),
        ));
    }
    let tag_key = session.tag_key(&case)?;
    let indices: Vec<u64> = recorded.iter().map(|entry| entry.leaf_index).collect();
    let proofs = session.inclusion_proofs(&indices, size).await?;
    let mut entries = Vec::with_capacity(recorded.len());
    for (entry, proof) in recorded.into_iter().zip(proofs) {
        let leaf = Leaf::new(&tag_key, &entry.stream, entry.n, &entry.salt, &entry.body);
        if leaf.hash() != entry.leaf_hash {
            return Err(Problem::internal(
                "a custody entry differs from its leaf",
                entry.leaf_index.to_string(),
            ));
        }
        entries.push(Entry {
            proof,
            stream: entry.stream,
            n: entry.n,
            index: entry.leaf_index,
            leaf: leaf.to_bytes(),
            content: Content::Body { salt: entry.salt, body: entry.body },
        });
    }
    let record = Record {
        origin: authority.institution.log_origin().clone(),
        shared_number,
        tag_key,
        checkpoint,
        heads: Vec::new(),
        receipted: acknowledged(&mut session, &case, &entries).await?,
        told: told(&mut session, &case, &entries).await?,
        epochs: epochs(&mut session, size).await?,
        entries,
    };
    let failed = |error| Problem::internal("the custody record could not be made", error);
    record.with_heads(authority.institution.log_key()).map_err(failed)?.to_bytes().map_err(failed)
}

/// Waits until it is this export's turn to read: a record takes a connection for as long as it is put together.
async fn turn(authority: &Authority) -> Result<SemaphorePermit<'_>, Problem> {
    let turn = authority.exporting.acquire().await;
    turn.map_err(|error| Problem::internal("no record can be exported any more", error))
}

/// The checkpoint to which proofs lead, and its size: the newest that a witness cosigned, if it has `size` leaves
/// or more, else the latest. A case without entries has nothing that was cosigned.
///
/// # Errors
/// [`Problem`] if a stored checkpoint is damaged or none can be signed.
pub(super) async fn checkpoint_over(authority: &Authority, size: u64) -> Result<(u64, String), Problem> {
    if size > 0 {
        let mut session = authority.datastore.read().await?;
        if let Some(cosigned) = witness::cosigned(authority, &mut session, size).await? {
            return Ok(cosigned);
        }
    }
    let (size, note) = sign_checkpoint(authority)
        .await?
        .ok_or_else(|| Problem::internal("the log is empty after an entry", "no checkpoint"))?;
    let note = String::from_utf8(note)
        .map_err(|error| Problem::internal("the stored checkpoint is damaged", error))?;
    Ok((size, note))
}

/// Exports what is left of an erased case: its leaves with their proofs, and what counterparts told of it.
async fn export_erased(
    authority: &Authority,
    permit: &Permit,
    row: &ErasureRow,
    erased: &Erased,
    patience: Patience,
) -> Result<Vec<u8>, Problem> {
    let act = RecordErasedExport { case: row.case.clone(), actor: permit.actor() };
    authority.datastore.perform(act).await?;
    let mut session = authority.datastore.read().await?;
    let limit = u32::try_from(MAX_ENTRIES).unwrap_or(u32::MAX);
    let events = session.erased_events(&row.case, MAX_TREE_SIZE, limit.saturating_add(1)).await?;
    if events.len() > MAX_ENTRIES {
        let what = format!("the case had more than {MAX_ENTRIES} entries");
        return Err(Problem::new(Reason::LimitReached, what));
    }
    let covering = events.last().map_or(0, |event| event.leaf_index.saturating_add(1));
    drop(session);
    patience.for_witness(authority, covering).await?;
    let (size, checkpoint) = checkpoint_over(authority, covering).await?;
    patience.for_stamp(authority, &checkpoint).await?;
    let _turn = turn(authority).await?;
    let mut session = authority.datastore.read().await?;
    let indices: Vec<u64> = events.iter().map(|event| event.leaf_index).collect();
    let proofs = session.inclusion_proofs(&indices, size).await?;
    let mut entries = Vec::with_capacity(events.len());
    for (event, proof) in events.into_iter().zip(proofs) {
        entries.push(Entry {
            proof,
            stream: event.stream,
            n: event.n,
            index: event.leaf_index,
            leaf: event.leaf,
            content: Content::Erased,
        });
    }
    let record = Record {
        origin: authority.institution.log_origin().clone(),
        shared_number: Some(row.shared_number.clone()),
        tag_key: erased.tag_key.clone(),
        checkpoint,
        heads: Vec::new(),
        // The receipts went with the case.
        receipted: Vec::new(),
        told: told(&mut session, row.case.as_str(), &entries).await?,
        epochs: epochs(&mut session, size).await?,
        entries,
    };
    let failed = |error| Problem::internal("the custody record could not be made", error);
    record.with_heads(authority.institution.log_key()).map_err(failed)?.to_bytes().map_err(failed)
}

/// The last number of a stream among the entries; what came later is not in the record.
fn last_of(entries: &[Entry], counterpart: &PartyId) -> Option<u64> {
    let stream = Stream::Shared(counterpart.clone());
    entries.iter().filter(|entry| entry.stream == stream).map(|entry| entry.n).max()
}

/// For each counterpart the latest head of an event of the entries that a receipt of its quotes, with that receipt.
async fn acknowledged(
    session: &mut Session,
    case: &str,
    entries: &[Entry],
) -> Result<Vec<ReceiptedHead>, Problem> {
    let mut acknowledged: Vec<ReceiptedHead> = Vec::new();
    let mut last: Option<PartyId> = None;
    for head in session.sent_heads(case).await? {
        if last.as_ref() == Some(&head.counterpart)
            || last_of(entries, &head.counterpart).is_none_or(|end| head.n > end)
        {
            continue;
        }
        let mut quoting = None;
        for receipt in receipts_for(session, &head.message).await? {
            if quotes(&receipt, &head)? {
                quoting = Some(receipt);
            }
        }
        let Some(receipt) = quoting else { continue };
        let note = String::from_utf8(head.note)
            .map_err(|error| Problem::internal("a stored case head is damaged", error))?;
        acknowledged.push(ReceiptedHead { head: note, receipt });
        last = Some(head.counterpart);
    }
    Ok(acknowledged)
}

/// The entries that began the epochs of the log behind its first, as far as the tree of `size` holds them.
async fn epochs(session: &mut Session, size: u64) -> Result<Vec<EpochEntry>, Problem> {
    let mut told = Vec::new();
    for row in session.epochs().await? {
        let index = row.leaf_index;
        let entry = session.entries(OFFICE, index, index.saturating_add(1), 1).await?.pop();
        let missing =
            || Problem::internal("the custody log is damaged", "the entry that began an epoch is missing");
        let entry = entry.ok_or_else(missing)?;
        let leaf = Leaf::new(&session.tag_key(OFFICE)?, &entry.stream, entry.n, &entry.salt, &entry.body);
        let proof = session.inclusion_proof(index, size).await?;
        told.push(EpochEntry { index, leaf: leaf.to_bytes(), salt: entry.salt, body: entry.body, proof });
    }
    Ok(told)
}

/// The epoch of the log that a head names; what names none comes last.
fn epoch_of(head: &HeadRow) -> u32 {
    log_of(&head.note).and_then(|log| log.parse::<Origin>().ok()).map_or(0, |origin| origin.epoch())
}

/// For each counterpart the latest head that came from its log, in the latest of its epochs.
async fn told(session: &mut Session, case: &str, entries: &[Entry]) -> Result<Vec<String>, Problem> {
    let (mut told, mut last) = (Vec::new(), None);
    let mut heads = session.received_heads(case).await?;
    heads.sort_by_key(|head| (head.counterpart.to_string(), std::cmp::Reverse((epoch_of(head), head.n))));
    for head in heads {
        if last.as_ref() == Some(&head.counterpart) || last_of(entries, &head.counterpart).is_none() {
            continue;
        }
        told.push(
            String::from_utf8(head.note)
                .map_err(|error| Problem::internal("a stored case head is damaged", error))?,
        );
        last = Some(head.counterpart);
    }
    Ok(told)
}

/// The receipts that stand with a document or package; with one that was passed on both, given and got.
async fn receipts_for(session: &mut Session, message: &str) -> Result<Vec<Vec<u8>>, Problem> {
    let receipts = if let Ok(package) = message.parse::<PackageId>() {
        session.package(&package).await?.map(|row| [row.receipt, row.relay_answer])
    } else {
        let document: DocumentId = message
            .parse()
            .map_err(|error| Problem::internal("a stored case head names no message", error))?;
        session.document(&document).await?.map(|row| [row.receipt, None])
    };
    Ok(receipts.into_iter().flatten().flatten().map(|receipt| receipt.container).collect())
}

fn quotes(receipt: &[u8], head: &HeadRow) -> Result<bool, Problem> {
    let container = open_container(receipt)?;
    let receipt = Receipt::from_json(container.file(DATA_FILE).unwrap_or_default())
        .map_err(|error| Problem::internal("a stored receipt is damaged", error))?;
    Ok(receipt.issuer.party == head.counterpart && receipt.case_head_sha256 == Some(head.digest()))
}

/// The case by its id or number, `office` for the office's own events.
pub(super) async fn find(
    authority: &Authority,
    name: &str,
) -> Result<(String, Option<SharedNumber>), Problem> {
    if name == OFFICE {
        return Ok((OFFICE.to_owned(), None));
    }
    let mut session = authority.datastore.read().await?;
    let case = session.case(name).await?;
    if case.is_none()
        && let Some(row) = session.erasure(name).await?
    {
        return Err(erase_case::was_erased(&row));
    }
    let case = case.ok_or_else(|| Problem::unknown("case", &name.chars().take(40).collect::<String>()))?;
    Ok((case.case().to_string(), Some(case.shared_number().clone())))
}

struct RecordErasedExport {
    case: CaseId,
    actor: Actor,
}

impl Act for RecordErasedExport {
    const NAME: &'static str = "record-export-of-an-erased-case";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let entries = tx.erased_event_count(&self.case).await?;
        let event = Event::ErasedRecordExported { erased_case: self.case.clone(), entries };
        tx.record(OFFICE, &self.actor, CustodyEvent::internal(event)).await?;
        Ok(())
    }
}

struct RecordExport {
    case: String,
    actor: Actor,
}

impl Act for RecordExport {
    const NAME: &'static str = "record-export";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let entries = tx.entry_count(&self.case).await?;
        let event = Event::CustodyExported { entries };
        tx.record(&self.case, &self.actor, CustodyEvent::internal(event)).await?;
        Ok(())
    }
}

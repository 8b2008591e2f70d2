//! The institution seals a complete document and transmits it; the counterpart's receipt settles it.
//!
//! ```text
//! sealed bytes and errand stored ── commit ── sent ── receipt checked ── receipt, stage, events ── commit
//!                                 └ a crash here: the outbox sends the same bytes again
//!                                                   └ here: the counterpart gives the same receipt again
//! ```

use crate::access::Permit;
use crate::authority::Authority;
use crate::casework::case_head::{self, OutgoingHead};
use crate::casework::delivery::{CheckedReceipt, check_receipt};
use crate::casework::dispatch::{Brought, FIRST_TRY_SECONDS, dispatch};
use crate::casework::matter::{Matter, check_references, data_of, opened_at_counterpart};
use crate::casework::signers::{list_signers, own_signer};
use crate::datastore::{
    Act, DocumentRow, DocumentStage, Errand, HeadRow, Line, NumberedDocument, StoreError, StoredReceipt,
    Transaction,
};
use crate::directory::{open_container, verify_container};
use crate::institution::Officer;
use crate::peers;
use crate::problem::{Problem, Reason};
use rogatory_container::asice::Asice;
use rogatory_container::cades::{self, Framing};
use rogatory_core::Digest;
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::document::{DATA_FILE, Document, DocumentKind, SignerRule};
use rogatory_core::receipt::{Receipt, Receipted};
use rogatory_core::reference::DocumentId;
use std::sync::Arc;

/// What came of a transmission.
pub struct Transmitted {
    /// The document as it stands now.
    pub row: DocumentRow,
    /// The counterpart's receipt, positive or negative.
    pub receipt: Receipt,
}

/// Seals and transmits a document.
///
/// # Errors
/// [`Problem`]: incomplete, wrong stage, counterpart out of reach. A negative receipt is no error.
pub async fn transmit_document(
    authority: &Arc<Authority>,
    permit: &Permit,
    id: &DocumentId,
) -> Result<Transmitted, Problem> {
    let mut session = authority.datastore.read().await?;
    let row = session.document(id).await?.ok_or_else(|| Problem::unknown("document", id))?;
    if row.sender != *authority.institution.party() {
        return Err(Problem::new(Reason::WrongStage, format!("document {id} is not this institution's own")));
    }
    let (_, actor) = permit.officer_as(transmitting_roles(row.kind))?;
    authority.directory().confirmed(&row.addressee)?;
    if row.receipt.is_some()
        && let Some(transmitted) = settled(row.clone())?
    {
        return Ok(transmitted);
    }
    let matter = Matter::find(&mut session, &row.shared_number)
        .await?
        .ok_or_else(|| Problem::unknown("request or order", &row.shared_number))?;
    if row.stage != DocumentStage::Sealed {
        matter.admits(row.kind, true)?;
        demand_counterpart(&row, &matter)?;
        if !row.kind.opens_a_matter() {
            let (document, _) = data_of(&row)?;
            if let Err(refused) = check_references(&mut session, &matter, &document, true).await? {
                return Err(Problem::new(Reason::WrongStage, format!("document {id}: {}", refused.reason)));
            }
        }
    }
    drop(session);
    let row = if row.stage == DocumentStage::Sealed { row } else { seal(authority, row, &actor).await? };
    let line = Line { case: row.case.clone(), addressee: row.addressee.clone() };
    let errand = Errand::Document(row.id.clone());
    if let Some(Brought::Document(transmitted)) = dispatch(authority, &line, Some(&errand), Some(row)).await?
    {
        return Ok(*transmitted);
    }
    // A worker brought it meanwhile.
    let row = authority.datastore.read().await?.document(id).await?;
    settled(row.ok_or_else(|| Problem::unknown("document", id))?)?
        .ok_or_else(|| Problem::internal("a document left the outbox without a receipt", id.to_string()))
}

/// What came of a document whose receipt is stored; none while there is no receipt.
fn settled(row: DocumentRow) -> Result<Option<Transmitted>, Problem> {
    let (DocumentStage::Transmitted | DocumentStage::NotDelivered, Some(stored)) = (row.stage, &row.receipt)
    else {
        return Ok(None);
    };
    // Checked before it was stored, and again by the officer's program.
    let damaged = || Problem::internal("a stored receipt is damaged", row.id.to_string());
    let container = open_container(&stored.container)?;
    let json = container.file(DATA_FILE).ok_or_else(damaged)?;
    let receipt = Receipt::from_json(json).map_err(|_| damaged())?;
    Ok(Some(Transmitted { row, receipt }))
}

/// Brings a sealed document to its addressee and settles it with the receipt.
///
/// # Errors
/// [`Problem`]: addressee out of reach, or its receipt does not verify. A negative receipt is no error.
pub(super) async fn deliver(
    authority: &Arc<Authority>,
    id: &DocumentId,
    actor: &Actor,
    at_hand: Option<DocumentRow>,
) -> Result<Transmitted, Problem> {
    let row = match at_hand.filter(|row| row.id == *id) {
        Some(row) => row,
        None => {
            let row = authority.datastore.read().await?.document(id).await?;
            row.ok_or_else(|| Problem::unknown("document", id))?
        }
    };
    let addressee = authority.directory().confirmed(&row.addressee)?;
    // What opens a matter changes it by its receipt alone.
    let document = if row.kind.opens_a_matter() { None } else { Some(data_of(&row)?.0) };
    let of = receipted(&row);
    let head = OutgoingHead::of(authority, &row.case, row.id.as_str()).await?;
    let (container, note) = (row.container.clone(), head.note().to_vec());
    let answer = peers::deliver_document(authority, &row.addressee, container, note).await?;
    let checked = check_receipt(authority, &addressee, &answer, &of)?;
    head.check_quoted(&checked.receipt)?;
    let receipt = checked.receipt.clone();
    let settle = Settle { row, document, receipt: checked, actor: actor.clone() };
    let row = authority.datastore.perform(settle).await?;
    Ok(Transmitted { row, receipt })
}

/// A matter that was handed over since the draft is another's to hear of; a forwarding goes to whom it names.
fn demand_counterpart(row: &DocumentRow, matter: &Matter) -> Result<(), Problem> {
    if row.kind == DocumentKind::Forwarding || row.addressee == *matter.counterpart() {
        return Ok(());
    }
    let (addressee, counterpart) = (&row.addressee, matter.counterpart());
    let what =
        format!("document {} is addressed to {addressee}, and the matter is with {counterpart} now", row.id);
    Err(Problem::new(Reason::WrongStage, what).with_hint("draft it again: it is addressed anew"))
}

/// Who may send a complete document on its way.
fn transmitting_roles(kind: DocumentKind) -> &'static [rogatory_core::Role] {
    use rogatory_core::Role;
    match kind.signer_rule() {
        SignerRule::TwoOfficersAndSeal => &[Role::Drafter, Role::Approver],
        SignerRule::OneOfficerAndSeal | SignerRule::SealAlone => kind.drafting_roles(),
    }
}

fn receipted(row: &DocumentRow) -> Receipted {
    Receipted::Document {
        sender: row.sender.clone(),
        shared_number: row.shared_number.clone(),
        message_number: row.message_number,
        container_sha256: row.container_sha256,
    }
}

/// Adds the institution's seal to a document that all its persons have signed, and stores it.
async fn seal(authority: &Authority, row: DocumentRow, actor: &Actor) -> Result<DocumentRow, Problem> {
    let needed = match row.kind.signer_rule() {
        SignerRule::TwoOfficersAndSeal => DocumentStage::Approved,
        SignerRule::OneOfficerAndSeal => DocumentStage::Drafted,
        SignerRule::SealAlone => {
            return Err(Problem::new(
                Reason::WrongStage,
                "receipts and party entries are not transmitted by officers",
            ));
        }
    };
    if row.stage != needed {
        let what = format!(
            "document {} is {} and cannot be transmitted: it must be {} first",
            row.id,
            row.stage.as_str(),
            needed.as_str()
        );
        return Err(Problem::new(Reason::WrongStage, what)
            .with_hint("a colleague with the role approver approves it with `rogatory request approve`"));
    }
    let now = authority.clock.now();
    let container = open_container(&row.container)?;
    let mut signers = Vec::new();
    for n in 1..=row.kind.signer_rule().officers() {
        let officer = unverified_signer(authority, &container, n)?;
        signers.push((&officer.id, officer.signing_certificate.digest()));
    }
    let listed = list_signers(&signers, row.kind).to_json();
    let sealed = container
        .add_seal(Some(listed), authority.institution.seal(), now)
        .map_err(|error| Problem::internal("the document could not be sealed", error))?
        .to_bytes();
    // What leaves the house is verified as the counterpart will verify it: each person's signature and the seal.
    let verified = verify_container(&open_container(&sealed)?, authority.institution.anchors(), now)?;
    for (n, (person, _)) in (1..).zip(&signers) {
        if own_signer(&authority.institution, &verified, n)?.id != **person {
            return Err(Problem::internal(
                "a signer changed while the document was sealed",
                row.id.to_string(),
            ));
        }
    }
    let (size, limit) = (sealed.len(), row.kind.limit_bytes());
    if size > limit {
        let what =
            format!("sealed, document {} has {size} bytes; a {} has at most {limit}", row.id, row.kind);
        return Err(Problem::new(Reason::LimitReached, what)
            .with_hint("draft it again, shorter; what is long travels as an evidence package"));
    }
    let number = &row.shared_number;
    let head = case_head::at_dispatch(authority, &row.case, row.id.as_str(), number, &row.addressee).await?;
    authority
        .datastore
        .perform(StoreSealed { row, sealed_sha256: Digest::of(&sealed), sealed, head, actor: actor.clone() })
        .await
}

/// The officer whose certificate signature `n` carries. Nothing is verified yet: the sealed bytes are.
fn unverified_signer<'a>(
    authority: &'a Authority,
    container: &Asice,
    n: usize,
) -> Result<&'a Officer, Problem> {
    let certificate = container
        .signature(n)
        .and_then(|der| cades::parse(der, Framing::Canonical).ok())
        .map(|signature| signature.signer_certificate().digest());
    certificate.and_then(|digest| authority.institution.officer_signing_with(&digest)).ok_or_else(|| {
        Problem::new(
            Reason::WrongSigner,
            format!("signature {n:03} is not that of an officer of this institution"),
        )
    })
}

struct StoreSealed {
    row: DocumentRow,
    sealed: Vec<u8>,
    sealed_sha256: Digest,
    head: Option<HeadRow>,
    actor: Actor,
}

impl Act for StoreSealed {
    const NAME: &'static str = "store-sealed-document";
    type Output = DocumentRow;

    async fn perform(&self, tx: &mut Transaction) -> Result<DocumentRow, StoreError> {
        let row = &self.row;
        let matter = Matter::find(tx, &row.shared_number)
            .await?
            .ok_or_else(|| Problem::unknown("request or order", &row.shared_number))?;
        demand_counterpart(row, &matter)?;
        let same = tx.documents_numbered(&row.sender, &row.shared_number, row.message_number).await?;
        let taken = |other: &&NumberedDocument| {
            other.id != row.id && !matches!(other.stage, DocumentStage::Drafted | DocumentStage::Approved)
        };
        if let Some(other) = same.iter().find(taken) {
            let what = format!("document {} was sealed under the same message number", other.id);
            return Err(Problem::new(Reason::Conflict, what).with_hint("draft this one again").into());
        }
        tx.advance_document(row, DocumentStage::Sealed, &self.sealed, &self.sealed_sha256).await?;
        if let Some(head) = &self.head {
            tx.keep_sent_head(head).await?;
        }
        let event = Event::DocumentSealed {
            document: row.id.clone(),
            kind: row.kind,
            container_sha256: self.sealed_sha256,
        };
        tx.record(&row.case, &self.actor, CustodyEvent::internal(event)).await?;
        let line = Line { case: row.case.clone(), addressee: row.addressee.clone() };
        let by_worker = tx.now().plus_seconds(FIRST_TRY_SECONDS);
        tx.queue(&Errand::Document(row.id.clone()), &line, &self.actor, by_worker).await?;
        Ok(DocumentRow {
            stage: DocumentStage::Sealed,
            stage_time: tx.now(),
            container_sha256: self.sealed_sha256,
            container: self.sealed.clone(),
            ..row.clone()
        })
    }
}

struct Settle {
    row: DocumentRow,
    /// The data of what does not open a matter.
    document: Option<Document>,
    receipt: CheckedReceipt,
    actor: Actor,
}

impl Act for Settle {
    const NAME: &'static str = "settle-document";
    type Output = DocumentRow;

    async fn perform(&self, tx: &mut Transaction) -> Result<DocumentRow, StoreError> {
        let row = &self.row;
        tx.unqueue(&Errand::Document(row.id.clone())).await?;
        let stage = tx.document_stage(&row.id).await?.ok_or_else(|| Problem::unknown("document", &row.id))?;
        if stage != DocumentStage::Sealed {
            // This act ran already and its commit was reported lost: the same receipt stands.
            return tx.document(&row.id).await?.ok_or_else(|| Problem::unknown("document", &row.id).into());
        }
        let delivered = self.receipt.is_positive();
        let receipt_sha256 = self.receipt.digest();
        let stage = if delivered { DocumentStage::Transmitted } else { DocumentStage::NotDelivered };
        let stored =
            StoredReceipt { container: self.receipt.container.clone(), leaf_hash: self.receipt.leaf_hash };
        tx.settle_document(row, stage, &stored).await?;
        tx.keep_promise(&row.addressee, &stored).await?;
        let (shared_number, message_number, kind) = (row.shared_number.clone(), row.message_number, row.kind);
        let container_sha256 = row.container_sha256;
        let event = if delivered {
            Event::DocumentTransmitted {
                shared_number,
                message_number,
                kind,
                container_sha256,
                receipt_sha256,
            }
        } else {
            Event::DocumentNotDelivered {
                shared_number,
                message_number,
                kind,
                container_sha256,
                receipt_sha256,
            }
        };
        tx.record(&row.case, &self.actor, CustodyEvent::shared(row.addressee.clone(), event)).await?;
        let at = tx.now();
        if kind == DocumentKind::ErasureNotice {
            // The matter is gone; the notice stands with the office.
            return Ok(DocumentRow { stage, stage_time: at, receipt: Some(stored), ..row.clone() });
        }
        let matter = Matter::find(tx, &row.shared_number)
            .await?
            .ok_or_else(|| Problem::unknown("request or order", &row.shared_number))?;
        let events = match &self.document {
            None => {
                let received_time = self.receipt.receipt.issued_time;
                opened_at_counterpart(tx, matter, receipt_sha256, delivered, received_time).await?
            }
            Some(document) if delivered => matter.advance(tx, document, true).await?,
            // The stage stays: what the counterpart did not accept did not happen.
            Some(_) => Vec::new(),
        };
        for event in events {
            tx.record(&row.case, &self.actor, event).await?;
        }
        if !delivered {
            let why = self.receipt.receipt.reason.as_deref().unwrap_or_default();
            tracing::info!(document = %row.id, ground = ?self.receipt.receipt.ground, words = why.len(), "not delivered");
        }
        Ok(DocumentRow { stage, stage_time: at, receipt: Some(stored), ..row.clone() })
    }
}

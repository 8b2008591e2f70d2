//! Formal documents, byte for byte, under the key of their case, with the receipts that belong to them.

use super::cases::touched_one;
use super::session::{Session, StoreError, digest, instant, parse};
use super::stamps::Stamped;
use super::transaction::Transaction;
use crate::problem::{Problem, Reason};
use rogatory_core::document::DocumentKind;
use rogatory_core::reference::DocumentId;
use rogatory_core::{Digest, MessageNumber, PartyId, SharedNumber, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::str::FromStr;

/// Where a document stands at this office.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DocumentStage {
    /// Signed by its drafter.
    Drafted,
    /// Signed by a second person.
    Approved,
    /// Sealed: from here on immutable.
    Sealed,
    /// The counterpart holds it and gave its receipt.
    Transmitted,
    /// The counterpart gave a negative receipt.
    NotDelivered,
    /// It arrived here and was receipted.
    Received,
    /// It arrived here and got a negative receipt.
    Refused,
    /// It came enclosed in another document, which was receipted: the request in a forwarding.
    Enclosed,
}

impl DocumentStage {
    const ALL: [Self; 8] = [
        Self::Drafted,
        Self::Approved,
        Self::Sealed,
        Self::Transmitted,
        Self::NotDelivered,
        Self::Received,
        Self::Refused,
        Self::Enclosed,
    ];

    /// The stage's name in storage and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Drafted => "drafted",
            Self::Approved => "approved",
            Self::Sealed => "sealed",
            Self::Transmitted => "transmitted",
            Self::NotDelivered => "not-delivered",
            Self::Received => "received",
            Self::Refused => "refused",
            Self::Enclosed => "enclosed",
        }
    }
}

/// Not the name of a stage of a document.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a stage of a document")]
pub struct UnknownStage(String);

impl FromStr for DocumentStage {
    type Err = UnknownStage;

    fn from_str(text: &str) -> Result<Self, UnknownStage> {
        Self::ALL
            .into_iter()
            .find(|stage| stage.as_str() == text)
            .ok_or_else(|| UnknownStage(text.to_owned()))
    }
}

/// A document as this office keeps it.
#[derive(Clone, Debug)]
pub struct DocumentRow {
    /// The office's id.
    pub id: DocumentId,
    /// The case, or `office` for what belongs to none.
    pub case: String,
    /// What it is.
    pub kind: DocumentKind,
    /// The number both sides use.
    pub shared_number: SharedNumber,
    /// The sender's count.
    pub message_number: MessageNumber,
    /// Who sends it.
    pub sender: PartyId,
    /// To whom.
    pub addressee: PartyId,
    /// Where it stands.
    pub stage: DocumentStage,
    /// Since when.
    pub stage_time: Timestamp,
    /// SHA-256 of the container.
    pub container_sha256: Digest,
    /// The container.
    pub container: Vec<u8>,
    /// The receipt given or got, with the leaf that holds its digest.
    pub receipt: Option<StoredReceipt>,
}

/// A document by its number, without its bytes.
#[derive(Clone, Debug)]
pub struct NumberedDocument {
    /// The office's id.
    pub id: DocumentId,
    /// Where it stands.
    pub stage: DocumentStage,
    /// SHA-256 of the container.
    pub container_sha256: Digest,
}

/// A receipt with the leaf that holds its digest in its issuer's log.
#[derive(Clone, Debug)]
pub struct StoredReceipt {
    /// The receipt's container.
    pub container: Vec<u8>,
    /// Leaf hash in the issuer's log.
    pub leaf_hash: Digest,
}

pub(super) fn container_place(id: impl std::fmt::Display) -> String {
    format!("document/{id}/container")
}

pub(super) fn receipt_place(id: impl std::fmt::Display) -> String {
    format!("document/{id}/receipt")
}

impl Transaction {
    /// Stores a document that was not here before.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn insert_document(&mut self, document: &DocumentRow) -> Result<(), StoreError> {
        let key = self.create_key(&document.case)?;
        let (receipt_sha256, receipt, leaf) = match &document.receipt {
            None => (None, None, None),
            Some(receipt) => (
                Some(Digest::of(&receipt.container).as_bytes().to_vec()),
                Some(key.encrypt(&receipt_place(&document.id), &receipt.container)?),
                Some(receipt.leaf_hash.as_bytes().to_vec()),
            ),
        };
        sqlx::query(
            "-- insert_document
             INSERT INTO document (document_id, position, case_id, kind, shared_number, message_number, sender,
                                   addressee, stage, stage_time, container_sha256, receipt_sha256, receipt,
                                   receipt_leaf)
             VALUES ($1, (SELECT COALESCE(MAX(position), 0) + 1 FROM document), $2, $3, $4, $5, $6, $7, $8, $9,
                     $10, $11, $12, $13)",
        )
        .bind(document.id.as_str())
        .bind(&document.case)
        .bind(document.kind.as_str())
        .bind(document.shared_number.as_str())
        .bind(i64::from(document.message_number.value()))
        .bind(document.sender.to_string())
        .bind(document.addressee.to_string())
        .bind(document.stage.as_str())
        .bind(document.stage_time.microseconds())
        .bind(document.container_sha256.as_bytes().as_slice())
        .bind(receipt_sha256)
        .bind(receipt)
        .bind(leaf)
        .execute(self.connection())
        .await?;
        sqlx::query(
            "-- insert_document_container
             INSERT INTO document_container (document_id, container) VALUES ($1, $2)",
        )
        .bind(document.id.as_str())
        .bind(key.encrypt(&container_place(&document.id), &document.container)?)
        .execute(self.connection())
        .await?;
        if let Some(receipt) = &document.receipt {
            self.await_receipt_stamp(&document.case, &receipt.container).await?;
        }
        self.await_document_stamp(&document.case, document.stage, &document.container_sha256).await
    }

    /// Replaces the bytes of a document that is not sealed yet by `container`, whose digest is handed in.
    ///
    /// # Errors
    /// [`Reason::Raced`] if its stage changed meanwhile, or a database error.
    pub async fn advance_document(
        &mut self,
        document: &DocumentRow,
        stage: DocumentStage,
        container: &[u8],
        container_sha256: &Digest,
    ) -> Result<(), StoreError> {
        let sealed = self.key(&document.case)?.encrypt(&container_place(&document.id), container)?;
        let done = sqlx::query(
            "-- advance_document
             UPDATE document SET stage = $3, stage_time = $4, container_sha256 = $5
             WHERE document_id = $1 AND stage = $2 AND stage IN ('drafted', 'approved')",
        )
        .bind(document.id.as_str())
        .bind(document.stage.as_str())
        .bind(stage.as_str())
        .bind(self.now().microseconds())
        .bind(container_sha256.as_bytes().as_slice())
        .execute(self.connection())
        .await?;
        if done.rows_affected() != 1 {
            return Err(raced(&document.id).into());
        }
        let done = sqlx::query(
            "-- replace_document_container
             UPDATE document_container SET container = $2 WHERE document_id = $1",
        )
        .bind(document.id.as_str())
        .bind(sealed)
        .execute(self.connection())
        .await?;
        touched_one(done.rows_affected(), "container of a document")?;
        self.await_document_stamp(&document.case, stage, container_sha256).await
    }

    /// What nobody will change any more is to be stamped; what came enclosed is covered by what it came in.
    async fn await_document_stamp(
        &mut self,
        case: &str,
        stage: DocumentStage,
        container_sha256: &Digest,
    ) -> Result<(), StoreError> {
        match stage {
            DocumentStage::Drafted | DocumentStage::Approved | DocumentStage::Enclosed => Ok(()),
            _ => self.await_stamp(Stamped::Document, case, container_sha256, None).await,
        }
    }

    pub(super) async fn await_receipt_stamp(&mut self, case: &str, receipt: &[u8]) -> Result<(), StoreError> {
        self.await_stamp(Stamped::Receipt, case, &Digest::of(receipt), None).await
    }

    /// Stores the counterpart's receipt for a sealed document.
    ///
    /// # Errors
    /// [`Reason::Raced`] if it is no longer sealed, or a database error.
    pub async fn settle_document(
        &mut self,
        document: &DocumentRow,
        stage: DocumentStage,
        receipt: &StoredReceipt,
    ) -> Result<(), StoreError> {
        let sealed = self.key(&document.case)?.encrypt(&receipt_place(&document.id), &receipt.container)?;
        let done = sqlx::query(
            "-- settle_document
             UPDATE document SET stage = $2, stage_time = $3, receipt_sha256 = $4, receipt = $5, receipt_leaf = $6
             WHERE document_id = $1 AND stage = 'sealed'",
        )
        .bind(document.id.as_str())
        .bind(stage.as_str())
        .bind(self.now().microseconds())
        .bind(Digest::of(&receipt.container).as_bytes().as_slice())
        .bind(sealed)
        .bind(receipt.leaf_hash.as_bytes().as_slice())
        .execute(self.connection())
        .await?;
        if done.rows_affected() != 1 {
            return Err(raced(&document.id).into());
        }
        self.await_receipt_stamp(&document.case, &receipt.container).await
    }

    /// Adds the leaf of a receipt that this office gave in the same transaction.
    ///
    /// # Errors
    /// [`StoreError`] if there is no such document or the database fails.
    pub async fn place_receipt(&mut self, id: &DocumentId, leaf_hash: &Digest) -> Result<(), StoreError> {
        let done = sqlx::query(
            "-- place_receipt
             UPDATE document SET receipt_leaf = $2 WHERE document_id = $1",
        )
        .bind(id.as_str())
        .bind(leaf_hash.as_bytes().as_slice())
        .execute(self.connection())
        .await?;
        touched_one(done.rows_affected(), "document")
    }
}

fn raced(id: &DocumentId) -> Problem {
    Problem::new(Reason::Raced, format!("document {id} changed while this was done"))
        .with_hint("look at it again and repeat")
}

impl Session {
    /// The document with this id.
    ///
    /// # Errors
    /// [`StoreError`] if it does not decrypt or the database fails.
    pub async fn document(&mut self, id: &DocumentId) -> Result<Option<DocumentRow>, StoreError> {
        let row = sqlx::query(
            "-- document
             SELECT document_id, case_id, kind, shared_number, message_number, sender, addressee, stage, stage_time,
                    container_sha256, container, receipt, receipt_leaf
             FROM document JOIN document_container USING (document_id) WHERE document_id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| self.document_of(&row)).transpose()
    }

    /// Where the document with this id stands.
    ///
    /// # Errors
    /// [`StoreError`] if the row is damaged or the database fails.
    pub async fn document_stage(&mut self, id: &DocumentId) -> Result<Option<DocumentStage>, StoreError> {
        let stage: Option<String> = sqlx::query_scalar(
            "-- document_stage
             SELECT stage FROM document WHERE document_id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(self.connection())
        .await?;
        Ok(stage.map(|stage| parse(&stage, "a stored stage is damaged")).transpose()?)
    }

    /// Every document that `sender` sent under this number, without its bytes: one, or several if other bytes
    /// came under it.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn documents_numbered(
        &mut self,
        sender: &PartyId,
        shared_number: &SharedNumber,
        message_number: MessageNumber,
    ) -> Result<Vec<NumberedDocument>, StoreError> {
        let rows = sqlx::query(
            "-- documents_numbered
             SELECT document_id, stage, container_sha256
             FROM document
             WHERE sender = $1 AND shared_number = $2 AND message_number = $3 AND stage <> 'enclosed'
             ORDER BY position",
        )
        .bind(sender.to_string())
        .bind(shared_number.as_str())
        .bind(i64::from(message_number.value()))
        .fetch_all(self.connection())
        .await?;
        rows.iter()
            .map(|row| {
                Ok(NumberedDocument {
                    id: parse(row.try_get(0)?, "a stored document id is damaged")?,
                    stage: parse(row.try_get(1)?, "a stored stage is damaged")?,
                    container_sha256: digest(row.try_get(2)?)?,
                })
            })
            .collect()
    }

    /// The request, order or preservation under this number that opened its matter: sent, received or
    /// enclosed, not refused.
    ///
    /// # Errors
    /// [`StoreError`] if it does not decrypt or the database fails.
    pub async fn opening_document(
        &mut self,
        case: &str,
        shared_number: &SharedNumber,
    ) -> Result<Option<DocumentRow>, StoreError> {
        let row = sqlx::query(
            "-- opening_document
             SELECT document_id, case_id, kind, shared_number, message_number, sender, addressee, stage, stage_time,
                    container_sha256, container, receipt, receipt_leaf
             FROM document JOIN document_container USING (document_id)
             WHERE case_id = $1 AND shared_number = $2 AND kind IN ('request', 'order', 'preservation')
                   AND stage <> 'refused'
             ORDER BY position LIMIT 1",
        )
        .bind(case)
        .bind(shared_number.as_str())
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| self.document_of(&row)).transpose()
    }

    /// The last message number that `sender` used under a shared number; 0 if none.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn last_message_number(
        &mut self,
        sender: &PartyId,
        shared_number: &SharedNumber,
    ) -> Result<i64, StoreError> {
        let last: Option<i64> = sqlx::query_scalar(
            "-- last_message_number
             SELECT MAX(message_number) FROM document WHERE sender = $1 AND shared_number = $2",
        )
        .bind(sender.to_string())
        .bind(shared_number.as_str())
        .fetch_one(self.connection())
        .await?;
        Ok(last.unwrap_or(0))
    }

    /// The documents of a case, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if one does not decrypt or the database fails.
    pub async fn documents(
        &mut self,
        case: &str,
        skip: u32,
        limit: u32,
    ) -> Result<Vec<DocumentRow>, StoreError> {
        let rows = sqlx::query(
            "-- documents
             SELECT document_id, case_id, kind, shared_number, message_number, sender, addressee, stage, stage_time,
                    container_sha256, container, receipt, receipt_leaf
             FROM document JOIN document_container USING (document_id) WHERE case_id = $1 ORDER BY position LIMIT $2 OFFSET $3",
        )
        .bind(case)
        .bind(i64::from(limit))
        .bind(i64::from(skip))
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(|row| self.document_of(row)).collect()
    }

    fn document_of(&self, row: &AnyRow) -> Result<DocumentRow, StoreError> {
        let id: DocumentId = parse(row.try_get(0)?, "a stored document id is damaged")?;
        let case: String = row.try_get(1)?;
        let key = self.key(&case)?;
        let number: i64 = row.try_get(4)?;
        let container: Vec<u8> = row.try_get(10)?;
        let receipt: Option<Vec<u8>> = row.try_get(11)?;
        let leaf: Option<Vec<u8>> = row.try_get(12)?;
        let receipt = match (receipt, leaf) {
            (Some(receipt), Some(leaf)) => Some(StoredReceipt {
                container: key.decrypt(&receipt_place(&id), &receipt)?,
                leaf_hash: digest(&leaf)?,
            }),
            _ => None,
        };
        Ok(DocumentRow {
            container: key.decrypt(&container_place(&id), &container)?,
            kind: parse(row.try_get(2)?, "a stored kind is damaged")?,
            shared_number: parse(row.try_get(3)?, "a stored shared number is damaged")?,
            message_number: u32::try_from(number)
                .ok()
                .and_then(MessageNumber::new)
                .ok_or_else(|| Problem::internal("a stored message number is damaged", number.to_string()))?,
            sender: parse(row.try_get(5)?, "a stored party is damaged")?,
            addressee: parse(row.try_get(6)?, "a stored party is damaged")?,
            stage: parse(row.try_get(7)?, "a stored stage is damaged")?,
            stage_time: instant(row.try_get(8)?)?,
            container_sha256: digest(row.try_get(9)?)?,
            receipt,
            id,
            case,
        })
    }
}

//! Rows as they are stored, with what is encrypted in them still encrypted.

use crate::datastore::cases::{order_place, request_place};
use crate::datastore::custody::body_place;
use crate::datastore::documents::{container_place, receipt_place as document_receipt_place};
use crate::datastore::packages::{receipt_place as package_receipt_place, relay_answer_place, relay_place};
use crate::datastore::preservations;
use crate::keystore::CaseKey;
use crate::problem::Problem;
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// A leaf as it is stored.
#[derive(Clone, Debug)]
pub struct RawLeaf {
    /// Its index.
    pub index: i64,
    /// Its bytes.
    pub leaf: Vec<u8>,
    /// The hash beside them.
    pub leaf_hash: Vec<u8>,
    /// Whether its body is here.
    pub has_body: bool,
    /// Which event of which case it was, if its body was erased: case, stream and number.
    pub erased: Option<(String, String, i64)>,
}

/// A body with the leaf it belongs to.
#[derive(Clone, Debug)]
pub struct RawBody {
    /// The index of its leaf.
    pub leaf_index: i64,
    /// The stream.
    pub stream: String,
    /// The number in it.
    pub n: i64,
    /// The salt.
    pub salt: Vec<u8>,
    /// The body, encrypted.
    pub body: Vec<u8>,
    /// The leaf, unless it is gone.
    pub leaf: Option<Vec<u8>>,
}

impl RawBody {
    /// The body in clear.
    ///
    /// # Errors
    /// [`Problem`] if it was changed or belongs elsewhere.
    pub fn decrypt(&self, key: &CaseKey) -> Result<Vec<u8>, Problem> {
        key.decrypt(&body_place(u64::try_from(self.leaf_index).unwrap_or(u64::MAX)), &self.body)
    }
}

/// A document's row.
#[derive(Clone, Debug)]
pub struct RawDocument {
    /// Its id.
    pub id: String,
    /// Its place among all documents.
    pub position: i64,
    /// Its columns in clear: kind, shared number, sender, addressee.
    pub kind: String,
    /// The shared number.
    pub shared_number: String,
    /// The message number.
    pub message_number: i64,
    /// The sender.
    pub sender: String,
    /// The addressee.
    pub addressee: String,
    /// The stage.
    pub stage: String,
    /// Since when.
    pub stage_time: i64,
    /// The digest of the container.
    pub container_sha256: Vec<u8>,
    pub(super) container: Vec<u8>,
    /// The receipt, if one stands here.
    pub receipt: RawReceipt,
}

impl RawDocument {
    /// The container in clear.
    ///
    /// # Errors
    /// [`Problem`] if it was changed or belongs elsewhere.
    pub fn container(&self, key: &CaseKey) -> Result<Vec<u8>, Problem> {
        key.decrypt(&container_place(&self.id), &self.container)
    }

    /// The receipt's container in clear.
    ///
    /// # Errors
    /// [`Problem`] if it was changed or belongs elsewhere.
    pub fn receipt(&self, key: &CaseKey) -> Result<Option<Vec<u8>>, Problem> {
        let sealed = self.receipt.sealed.as_ref();
        sealed.map(|sealed| key.decrypt(&document_receipt_place(&self.id), sealed)).transpose()
    }
}

/// The columns of a receipt, each of which may be missing.
#[derive(Clone, Debug)]
pub struct RawReceipt {
    /// The digest of its container.
    pub sha256: Option<Vec<u8>>,
    pub(super) sealed: Option<Vec<u8>>,
    /// The leaf in its issuer's log.
    pub leaf: Option<Vec<u8>>,
}

impl RawReceipt {
    /// Whether there is none, or all of one.
    #[must_use]
    pub const fn is_whole_or_absent(&self) -> bool {
        self.sha256.is_some() == self.sealed.is_some() && self.leaf.is_some() == self.sealed.is_some()
    }

    /// Whether there is one.
    #[must_use]
    pub const fn is_there(&self) -> bool {
        self.sealed.is_some()
    }
}

/// A package's row.
#[derive(Clone, Debug)]
pub struct RawPackage {
    /// Its id.
    pub id: String,
    /// The stage.
    pub stage: String,
    /// The digest of its manifest.
    pub manifest_sha256: Vec<u8>,
    /// The digest of the list of its objects.
    pub objects_sha256: Vec<u8>,
    /// The bytes of all objects.
    pub size_bytes: i64,
    /// How many objects.
    pub object_count: i64,
    pub(super) relay_receipt: Option<Vec<u8>>,
    pub(super) relay_answer: Option<Vec<u8>>,
    /// The receipt, if one stands here.
    pub receipt: RawReceipt,
}

impl RawPackage {
    /// The container of the receipt that answered the relay, in clear.
    ///
    /// # Errors
    /// [`Problem`] if it was changed or belongs elsewhere.
    pub fn relay_answer(&self, key: &CaseKey) -> Result<Option<Vec<u8>>, Problem> {
        let sealed = self.relay_answer.as_ref();
        sealed.map(|sealed| key.decrypt(&relay_answer_place(&self.id), sealed)).transpose()
    }

    /// The relay receipt's container in clear.
    ///
    /// # Errors
    /// [`Problem`] if it was changed or belongs elsewhere.
    pub fn relay_receipt(&self, key: &CaseKey) -> Result<Option<Vec<u8>>, Problem> {
        let sealed = self.relay_receipt.as_ref();
        sealed.map(|sealed| key.decrypt(&relay_place(&self.id), sealed)).transpose()
    }

    /// The receipt's container in clear.
    ///
    /// # Errors
    /// [`Problem`] if it was changed or belongs elsewhere.
    pub fn receipt(&self, key: &CaseKey) -> Result<Option<Vec<u8>>, Problem> {
        let sealed = self.receipt.sealed.as_ref();
        sealed.map(|sealed| key.decrypt(&package_receipt_place(&self.id), sealed)).transpose()
    }
}

/// An object's row.
#[derive(Clone, Debug)]
pub struct RawObject {
    /// Its place in the package.
    pub position: i64,
    /// Its name.
    pub name: String,
    /// Its length.
    pub size_bytes: i64,
    /// Its digest.
    pub sha256: Vec<u8>,
}

/// The row of a request, an order or a preservation.
#[derive(Clone, Debug)]
pub struct RawMatter {
    /// The case.
    pub case: String,
    /// The shared number.
    pub shared_number: String,
    /// This office's side.
    pub side: String,
    /// The other office.
    pub counterpart: String,
    /// The instrument of a request or preservation, the request's number of an order.
    pub about: String,
    /// The stage.
    pub stage: String,
    /// Since when.
    pub stage_time: i64,
    pub(super) body: Vec<u8>,
}

impl RawMatter {
    /// The body of a request in clear.
    ///
    /// # Errors
    /// [`Problem`] if it was changed or belongs elsewhere.
    pub fn request(&self, key: &CaseKey) -> Result<Vec<u8>, Problem> {
        key.decrypt(&request_place(&self.case), &self.body)
    }

    /// The body of a preservation in clear.
    ///
    /// # Errors
    /// [`Problem`] if it was changed or belongs elsewhere.
    pub fn preservation(&self, key: &CaseKey) -> Result<Vec<u8>, Problem> {
        key.decrypt(&preservations::place(&self.case), &self.body)
    }

    /// The body of an order in clear.
    ///
    /// # Errors
    /// [`Problem`] if it was changed or belongs elsewhere.
    pub fn order(&self, key: &CaseKey) -> Result<Vec<u8>, Problem> {
        key.decrypt(&order_place(&self.shared_number), &self.body)
    }
}

/// The columns that a preservation has besides.
#[derive(Clone, Debug)]
pub struct RawPreservation {
    /// What it has in common with requests.
    pub matter: RawMatter,
    /// The last instant at which the data are preserved.
    pub preserved_until: Option<i64>,
    /// The request that follows it up.
    pub followed_up_by: Option<String>,
}

/// An epoch of the log behind its first, as its row says.
#[derive(Clone, Debug)]
pub struct RawEpoch {
    /// Its number.
    pub epoch: i64,
    /// The log since then.
    pub origin: String,
    /// The log before.
    pub closed_origin: String,
    /// The verifier key of the log before.
    pub closed_key: String,
    /// The leaf that began it.
    pub leaf_index: i64,
}

/// The row of an erasure that was confirmed.
#[derive(Clone, Debug)]
pub struct RawErasure {
    /// The case.
    pub case: String,
    /// The leaf of the entry that says so.
    pub leaf_index: i64,
    /// The tag key of the case.
    pub tag_key: Vec<u8>,
    /// Why.
    pub reason: String,
    /// The provision.
    pub article: String,
    /// How many events it lists.
    pub events: i64,
    /// Whether key and folders are gone, as far as the row says.
    pub finished: bool,
}

/// The row of a case head.
#[derive(Clone, Debug)]
pub struct RawHead {
    /// `sent` or `received`.
    pub direction: String,
    /// The document or package it went or came with.
    pub message: String,
    /// To whom or from whom.
    pub counterpart: String,
    /// The number it names.
    pub n: i64,
    /// The leaf it names.
    pub leaf_hash: Vec<u8>,
    /// The digest of the note.
    pub head_sha256: Vec<u8>,
    /// The note.
    pub note: Vec<u8>,
}

/// A row of the outbox.
#[derive(Clone, Debug)]
pub struct RawErrand {
    /// Its place in the line.
    pub position: i64,
    /// `document`, `package` or `relay`.
    pub what: String,
    /// Which document or package.
    pub subject: String,
}

/// The row of a confirmed party.
#[derive(Clone, Debug)]
pub struct RawParty {
    /// Who.
    pub party: String,
    /// The version of the entry.
    pub version: i64,
    /// The digest of the entry.
    pub container_sha256: Vec<u8>,
    /// The entry.
    pub container: Vec<u8>,
    /// Since when it is believed.
    pub confirmed_time: i64,
}

pub(super) fn receipt_of(row: &AnyRow, at: usize) -> Result<RawReceipt, sqlx::Error> {
    Ok(RawReceipt { sha256: row.try_get(at)?, sealed: row.try_get(at + 1)?, leaf: row.try_get(at + 2)? })
}

pub(super) fn matter_of(row: &AnyRow) -> Result<RawMatter, sqlx::Error> {
    Ok(RawMatter {
        case: row.try_get(0)?,
        shared_number: row.try_get(1)?,
        side: row.try_get(2)?,
        counterpart: row.try_get(3)?,
        about: row.try_get(4)?,
        stage: row.try_get(5)?,
        stage_time: row.try_get(6)?,
        body: row.try_get(7)?,
    })
}

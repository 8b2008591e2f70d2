//! Packages and transfers: what the vault holds, and what is still arriving.

use super::cases::touched_one;
use super::documents::StoredReceipt;
use super::session::{Session, StoreError, digest, instant, parse, size, stored};
use super::stamps::Stamped;
use super::transaction::Transaction;
use rogatory_core::{Digest, PackageId, PartyId, SharedNumber, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;
use std::str::FromStr;

/// The signatures of an outer part, the last first: the seal covers the person's, and one of them is stamped.
const OUTER_SIGNATURES: [&str; 2] = ["META-INF/signature002.p7s", "META-INF/signature001.p7s"];

/// Where a package stands at this office.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PackageStage {
    /// An officer handed it in; sealed here, not sent yet.
    Submitted,
    /// The counterpart holds it.
    Sent,
    /// The counterpart gave a negative receipt.
    NotDelivered,
    /// It arrived here.
    Received,
    /// It arrived here and was passed on.
    Relayed,
}

impl PackageStage {
    const ALL: [Self; 5] = [Self::Submitted, Self::Sent, Self::NotDelivered, Self::Received, Self::Relayed];

    /// The stage's name in storage and on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Submitted => "submitted",
            Self::Sent => "sent",
            Self::NotDelivered => "not-delivered",
            Self::Received => "received",
            Self::Relayed => "relayed",
        }
    }
}

/// Not the name of a stage of a package.
#[derive(Debug, thiserror::Error)]
#[error("`{0}` is not a stage of a package")]
pub struct UnknownStage(String);

impl FromStr for PackageStage {
    type Err = UnknownStage;

    fn from_str(text: &str) -> Result<Self, UnknownStage> {
        Self::ALL
            .into_iter()
            .find(|stage| stage.as_str() == text)
            .ok_or_else(|| UnknownStage(text.to_owned()))
    }
}

/// One object of a package: what the sender announced and this office checked.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ObjectRow {
    /// Name inside the package: neutral, never a real file name.
    pub name: String,
    /// Its length.
    pub size_bytes: u64,
    /// Its digest.
    pub sha256: Digest,
}

/// A package as this office keeps it.
#[derive(Clone, Debug)]
pub struct PackageRow {
    /// Its id, the same at every office.
    pub id: PackageId,
    /// The case.
    pub case: String,
    /// The shared number it answers here.
    pub shared_number: SharedNumber,
    /// To whom it was sent, or from whom it came.
    pub counterpart: PartyId,
    /// Where it stands.
    pub stage: PackageStage,
    /// Since when.
    pub stage_time: Timestamp,
    /// SHA-256 of `ASiCManifest001.xml`.
    pub manifest_sha256: Digest,
    /// SHA-256 of the list of objects.
    pub objects_sha256: Digest,
    /// The bytes of all objects.
    pub size_bytes: u64,
    /// How many objects.
    pub object_count: u64,
    /// The relay receipt that came with it or went with it.
    pub relay_receipt: Option<Vec<u8>>,
    /// The receipt given or got.
    pub receipt: Option<StoredReceipt>,
    /// The receipt got when it was passed on, positive or negative.
    pub relay_answer: Option<StoredReceipt>,
}

/// A transfer that was announced.
#[derive(Clone, Debug)]
pub struct TransferRow {
    /// Its name.
    pub id: String,
    /// Who announced it: a party or an officer.
    pub caller: String,
    /// The shared number the package answers.
    pub shared_number: SharedNumber,
    /// The objects announced.
    pub objects: Vec<ObjectRow>,
}

pub(super) fn relay_place(id: impl std::fmt::Display) -> String {
    format!("package/{id}/relay-receipt")
}

pub(super) fn relay_answer_place(id: impl std::fmt::Display) -> String {
    format!("package/{id}/relay-answer")
}

pub(super) fn receipt_place(id: impl std::fmt::Display) -> String {
    format!("package/{id}/receipt")
}

fn object_of(row: &AnyRow) -> Result<ObjectRow, StoreError> {
    Ok(ObjectRow {
        name: row.try_get(0)?,
        size_bytes: size(row.try_get(1)?)?,
        sha256: digest(row.try_get(2)?)?,
    })
}

impl Transaction {
    /// Stores a package whose objects are durable in the vault, with the list of its objects.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn insert_package(
        &mut self,
        package: &PackageRow,
        objects: &[ObjectRow],
    ) -> Result<(), StoreError> {
        let key = self.key(&package.case)?;
        let relay = package
            .relay_receipt
            .as_ref()
            .map(|receipt| key.encrypt(&relay_place(&package.id), receipt))
            .transpose()?;
        sqlx::query(
            "-- insert_package
             INSERT INTO package (package_id, case_id, shared_number, counterpart, stage, stage_time,
                                  manifest_sha256, objects_sha256, size_bytes, object_count, relay_receipt)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        )
        .bind(package.id.as_str())
        .bind(&package.case)
        .bind(package.shared_number.as_str())
        .bind(package.counterpart.to_string())
        .bind(package.stage.as_str())
        .bind(self.now().microseconds())
        .bind(package.manifest_sha256.as_bytes().as_slice())
        .bind(package.objects_sha256.as_bytes().as_slice())
        .bind(stored(package.size_bytes)?)
        .bind(stored(package.object_count)?)
        .bind(relay)
        .execute(self.connection())
        .await?;
        for (position, object) in (0_i64..).zip(objects) {
            sqlx::query(
                "-- insert_package_object
                 INSERT INTO package_object (package_id, position, name, size_bytes, sha256)
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(package.id.as_str())
            .bind(position)
            .bind(&object.name)
            .bind(stored(object.size_bytes)?)
            .bind(object.sha256.as_bytes().as_slice())
            .execute(self.connection())
            .await?;
        }
        let signature = OUTER_SIGNATURES.iter().find_map(|name| objects.iter().find(|o| o.name == *name));
        if let Some(signature) = signature {
            self.await_stamp(Stamped::Package, &package.case, &signature.sha256, None).await?;
        }
        match &package.relay_receipt {
            Some(receipt) => self.await_receipt_stamp(&package.case, receipt).await,
            None => Ok(()),
        }
    }

    /// Stores where a package stands now, with the receipt given or got for it.
    ///
    /// # Errors
    /// [`StoreError`] if there is no such package or the database fails.
    pub async fn settle_package(
        &mut self,
        package: &PackageRow,
        stage: PackageStage,
        receipt: &StoredReceipt,
    ) -> Result<(), StoreError> {
        let key = self.key(&package.case)?;
        let done = sqlx::query(
            "-- settle_package
             UPDATE package SET stage = $2, stage_time = $3, receipt_sha256 = $4, receipt = $5, receipt_leaf = $6
             WHERE package_id = $1",
        )
        .bind(package.id.as_str())
        .bind(stage.as_str())
        .bind(self.now().microseconds())
.bind(Digest::of(&receipt.container).as_bytes().as_slice())
        .bind(key.encrypt(&receipt_place(&package.id), &receipt.container)?)
        .bind(receipt.leaf_hash.as_bytes().as_slice())
        .execute(self.connection())
        .await?;
        touched_one(done.rows_affected(), "package")?;
        self.await_receipt_stamp(&package.case, &receipt.container).await
    }

    /// Stores the relay receipt of a package that is about to be passed on.
    ///
    /// # Errors
    /// [`StoreError`] if there is no such package or the database fails.
    pub async fn keep_relay_receipt(
        &mut self,
        package: &PackageRow,
        receipt: &[u8],
    ) -> Result<(), StoreError> {
        let sealed = self.key(&package.case)?.encrypt(&relay_place(&package.id), receipt)?;
        let done = sqlx::query(
            "-- keep_relay_receipt
             UPDATE package SET relay_receipt = $2 WHERE package_id = $1 AND relay_receipt IS NULL",
        )
        .bind(package.id.as_str())
        .bind(sealed)
        .execute(self.connection())
        .await?;
        touched_one(done.rows_affected(), "package")?;
        self.await_receipt_stamp(&package.case, receipt).await
    }

    /// Stores what came of passing a package on: the receipt, and the stage that it means.
    ///
    /// # Errors
    /// [`StoreError`] if there is no such package or the database fails.
    pub async fn settle_relay(
        &mut self,
        package: &PackageRow,
        stage: PackageStage,
        receipt: &StoredReceipt,
    ) -> Result<(), StoreError> {
        let sealed =
            self.key(&package.case)?.encrypt(&relay_answer_place(&package.id), &receipt.container)?;
        let done = sqlx::query(
            "-- settle_relay
             UPDATE package SET stage = $2, stage_time = $3, relay_answer = $4, relay_answer_leaf = $5
             WHERE package_id = $1",
        )
        .bind(package.id.as_str())
        .bind(stage.as_str())
        .bind(self.now().microseconds())
        .bind(sealed)
        .bind(receipt.leaf_hash.as_bytes().as_slice())
        .execute(self.connection())
        .await?;
        touched_one(done.rows_affected(), "package")?;
        self.await_receipt_stamp(&package.case, &receipt.container).await
    }

    /// Remembers a transfer and when it was announced; the same announcement again is the same transfer.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn announce_transfer(&mut self, transfer: &TransferRow) -> Result<(), StoreError> {
        let is_new = !self.has_transfer(&transfer.id).await?;
        sqlx::query(
            "-- announce_transfer
             INSERT INTO transfer (transfer_id, caller, shared_number, announced_time)
             VALUES ($1, $2, $3, $4)
             ON CONFLICT (transfer_id) DO UPDATE SET announced_time = excluded.announced_time",
        )
        .bind(&transfer.id)
        .bind(&transfer.caller)
        .bind(transfer.shared_number.as_str())
        .bind(self.now().microseconds())
        .execute(self.connection())
        .await?;
        // The id follows from the list, so the list of a transfer never changes.
        for (position, object) in (0_i64..).zip(&transfer.objects).take_while(|_| is_new) {
            sqlx::query(
                "-- insert_transfer_object
                 INSERT INTO transfer_object (transfer_id, position, name, size_bytes, sha256)
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(&transfer.id)
            .bind(position)
            .bind(&object.name)
            .bind(stored(object.size_bytes)?)
            .bind(object.sha256.as_bytes().as_slice())
            .execute(self.connection())
            .await?;
        }
        Ok(())
    }
}

impl Transaction {
    /// Forgets a transfer that was completed or refused.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn delete_transfer(&mut self, id: &str) -> Result<(), StoreError> {
        sqlx::query(
            "-- delete_transfer
             DELETE FROM transfer WHERE transfer_id = $1",
        )
        .bind(id)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Forgets a transfer that nobody announced since `before`; says whether it was one.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn delete_stale_transfer(&mut self, id: &str, before: Timestamp) -> Result<bool, StoreError> {
        let done = sqlx::query(
            "-- delete_stale_transfer
             DELETE FROM transfer WHERE transfer_id = $1 AND announced_time < $2",
        )
        .bind(id)
        .bind(before.microseconds())
        .execute(self.connection())
        .await?;
        Ok(done.rows_affected() > 0)
    }
}

impl Session {
    /// The transfers that nobody announced since `before`, the longest forgotten first, at most `most`.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn stale_transfers(&mut self, before: Timestamp, most: u32) -> Result<Vec<String>, StoreError> {
        let ids = sqlx::query_scalar(
            "-- stale_transfers
             SELECT transfer_id FROM transfer WHERE announced_time < $1
             ORDER BY announced_time, transfer_id LIMIT $2",
        )
        .bind(before.microseconds())
        .bind(i64::from(most))
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }

    /// Whether there is a transfer of this name.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn has_transfer(&mut self, id: &str) -> Result<bool, StoreError> {
        let found: Option<i64> = sqlx::query_scalar(
            "-- has_transfer
             SELECT 1 FROM transfer WHERE transfer_id = $1",
        )
        .bind(id)
        .fetch_optional(self.connection())
        .await?;
        Ok(found.is_some())
    }

    /// The packages of a caller that are still being sealed, or were given up: the longest not
    /// announced first. A transfer without objects is one.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn open_sealings(&mut self, caller: &str) -> Result<Vec<String>, StoreError> {
        let ids = sqlx::query_scalar(
            "-- open_sealings
             SELECT transfer_id FROM transfer
             WHERE caller = $1
               AND NOT EXISTS (SELECT 1 FROM transfer_object WHERE transfer_object.transfer_id = transfer.transfer_id)
             ORDER BY announced_time, transfer_id",
        )
        .bind(caller)
        .fetch_all(self.connection())
        .await?;
        Ok(ids)
    }

    /// How many transfers a caller has begun and not completed, one left out.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn transfer_count(&mut self, caller: &str, but: &str) -> Result<i64, StoreError> {
        let count = sqlx::query_scalar(
            "-- transfer_count
             SELECT COUNT(*) FROM transfer WHERE caller = $1 AND transfer_id <> $2",
        )
        .bind(caller)
        .bind(but)
        .fetch_one(self.connection())
        .await?;
        Ok(count)
    }

    /// The transfer of this name, with all its objects.
    ///
    /// # Errors
    /// [`StoreError`] if it is damaged or the database fails.
    pub async fn transfer(&mut self, id: &str) -> Result<Option<TransferRow>, StoreError> {
        let row = sqlx::query(
            "-- transfer
             SELECT caller, shared_number FROM transfer WHERE transfer_id = $1",
        )
        .bind(id)
        .fetch_optional(self.connection())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let objects = sqlx::query(
            "-- transfer_objects
             SELECT name, size_bytes, sha256 FROM transfer_object WHERE transfer_id = $1 ORDER BY position",
        )
        .bind(id)
        .fetch_all(self.connection())
        .await?;
        Ok(Some(TransferRow {
            id: id.to_owned(),
            caller: row.try_get(0)?,
            shared_number: parse(row.try_get(1)?, "a stored shared number is damaged")?,
            objects: objects.iter().map(object_of).collect::<Result<_, _>>()?,
        }))
    }

    /// One object of a transfer by its name, if the transfer is the caller's.
    ///
    /// # Errors
    /// [`StoreError`] if it is damaged or the database fails.
    pub async fn transfer_object(
        &mut self,
        id: &str,
        caller: &str,
        name: &str,
    ) -> Result<Option<ObjectRow>, StoreError> {
        let row = sqlx::query(
            "-- transfer_object
             SELECT name, size_bytes, sha256 FROM transfer_object JOIN transfer USING (transfer_id)
             WHERE transfer_id = $1 AND caller = $2 AND name = $3",
        )
        .bind(id)
        .bind(caller)
        .bind(name)
        .fetch_optional(self.connection())
        .await?;
        row.as_ref().map(object_of).transpose()
    }

    /// The package with this id.
    ///
    /// # Errors
    /// [`StoreError`] if it is damaged or the database fails.
    pub async fn package(&mut self, id: &PackageId) -> Result<Option<PackageRow>, StoreError> {
        let row = sqlx::query(
            "-- package
             SELECT package_id, case_id, shared_number, counterpart, stage, stage_time, manifest_sha256,
                    objects_sha256, size_bytes, object_count, relay_receipt, receipt, receipt_leaf, relay_answer,
                    relay_answer_leaf
             FROM package WHERE package_id = $1",
        )
        .bind(id.as_str())
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| self.package_of(&row)).transpose()
    }

    /// The packages of a case, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn packages(&mut self, case: &str) -> Result<Vec<PackageRow>, StoreError> {
        let rows = sqlx::query(
            "-- packages
             SELECT package_id, case_id, shared_number, counterpart, stage, stage_time, manifest_sha256,
                    objects_sha256, size_bytes, object_count, relay_receipt, receipt, receipt_leaf, relay_answer,
                    relay_answer_leaf
             FROM package WHERE case_id = $1 ORDER BY stage_time, package_id",
        )
        .bind(case)
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(|row| self.package_of(row)).collect()
    }

    /// The objects of a package, in its order.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn package_objects(&mut self, id: &PackageId) -> Result<Vec<ObjectRow>, StoreError> {
        let rows = sqlx::query(
            "-- package_objects
             SELECT name, size_bytes, sha256 FROM package_object WHERE package_id = $1 ORDER BY position",
        )
        .bind(id.as_str())
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(object_of).collect()
    }

    /// One object of a package by its name.
    ///
    /// # Errors
    /// [`StoreError`] if it is damaged or the database fails.
    pub async fn package_object(
        &mut self,
        id: &PackageId,
        name: &str,
    ) -> Result<Option<ObjectRow>, StoreError> {
        let row = sqlx::query(
            "-- package_object
             SELECT name, size_bytes, sha256 FROM package_object WHERE package_id = $1 AND name = $2",
        )
        .bind(id.as_str())
        .bind(name)
        .fetch_optional(self.connection())
        .await?;
        row.as_ref().map(object_of).transpose()
    }

    fn package_of(&self, row: &AnyRow) -> Result<PackageRow, StoreError> {
        let id: PackageId = parse(row.try_get(0)?, "a stored package id is damaged")?;
        let case: String = row.try_get(1)?;
        let key = self.key(&case)?;
        let relay: Option<Vec<u8>> = row.try_get(10)?;
        let receipt: Option<Vec<u8>> = row.try_get(11)?;
        let leaf: Option<Vec<u8>> = row.try_get(12)?;
        let answer: Option<Vec<u8>> = row.try_get(13)?;
        let answer_leaf: Option<Vec<u8>> = row.try_get(14)?;
        Ok(PackageRow {
            shared_number: parse(row.try_get(2)?, "a stored shared number is damaged")?,
            counterpart: parse(row.try_get(3)?, "a stored party is damaged")?,
            stage: parse(row.try_get(4)?, "a stored stage is damaged")?,
            stage_time: instant(row.try_get(5)?)?,
            manifest_sha256: digest(row.try_get(6)?)?,
            objects_sha256: digest(row.try_get(7)?)?,
            size_bytes: size(row.try_get(8)?)?,
            object_count: size(row.try_get(9)?)?,
            relay_receipt: relay.map(|bytes| key.decrypt(&relay_place(&id), &bytes)).transpose()?,
            receipt: match (receipt, leaf) {
                (Some(receipt), Some(leaf)) => Some(StoredReceipt {
                    container: key.decrypt(&receipt_place(&id), &receipt)?,
                    leaf_hash: digest(&leaf)?,
                }),
                _ => None,
            },
            relay_answer: match (answer, answer_leaf) {
                (Some(answer), Some(leaf)) => Some(StoredReceipt {
                    container: key.decrypt(&relay_answer_place(&id), &answer)?,
                    leaf_hash: digest(&leaf)?,
                }),
                _ => None,
            },
            id,
            case,
        })
    }
}

//! Confirmed parties: their signed entries, byte for byte.

use super::custody::OFFICE;
use super::session::{Session, StoreError, digest, instant, parse};
use super::stamps::Stamped;
use super::transaction::Transaction;
use rogatory_core::{Digest, PartyId, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

/// A counterpart whose entry a person confirmed.
#[derive(Clone, Debug)]
pub struct PartyRow {
    /// Who.
    pub party: PartyId,
    /// The version of its entry.
    pub version: u32,
    /// SHA-256 of the container: the fingerprint that was compared.
    pub container_sha256: Digest,
    /// The entry, byte for byte.
    pub container: Vec<u8>,
    /// When it was confirmed.
    pub confirmed_time: Timestamp,
}

impl Transaction {
    /// Stores an entry, in place of an earlier one of the same party.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn confirm_party(&mut self, row: &PartyRow) -> Result<(), StoreError> {
        sqlx::query(
            "-- confirm_party
             INSERT INTO party (party_id, version, container_sha256, container, confirmed_time)
             VALUES ($1, $2, $3, $4, $5)
             ON CONFLICT (party_id) DO UPDATE SET version = $2, container_sha256 = $3, container = $4,
                                                  confirmed_time = $5",
        )
        .bind(row.party.to_string())
        .bind(i64::from(row.version))
        .bind(row.container_sha256.as_bytes().as_slice())
        .bind(&row.container)
        .bind(row.confirmed_time.microseconds())
        .execute(self.connection())
        .await?;
        self.await_stamp(Stamped::PartyEntry, OFFICE, &row.container_sha256, None).await
    }
}

impl Session {
    /// The confirmed entry of this party.
    ///
    /// # Errors
    /// [`StoreError`] if it is damaged or the database fails.
    pub async fn party(&mut self, party: &PartyId) -> Result<Option<PartyRow>, StoreError> {
        let row = sqlx::query(
            "-- party
             SELECT party_id, version, container_sha256, container, confirmed_time FROM party WHERE party_id = $1",
        )
        .bind(party.to_string())
        .fetch_optional(self.connection())
        .await?;
        row.as_ref().map(party_of).transpose()
    }

    /// The confirmed parties after `after`, by id, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn parties(&mut self, after: &str, limit: u32) -> Result<Vec<PartyRow>, StoreError> {
        let rows = sqlx::query(
            "-- parties
             SELECT party_id, version, container_sha256, container, confirmed_time FROM party
             WHERE party_id > $1 ORDER BY party_id LIMIT $2",
        )
        .bind(after)
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(party_of).collect()
    }
}

fn party_of(row: &AnyRow) -> Result<PartyRow, StoreError> {
    let version: i64 = row.try_get(1)?;
    Ok(PartyRow {
        party: parse(row.try_get(0)?, "a stored party is damaged")?,
        version: u32::try_from(version).unwrap_or(u32::MAX),
        container_sha256: digest(row.try_get(2)?)?,
        container: row.try_get(3)?,
        confirmed_time: instant(row.try_get(4)?)?,
    })
}

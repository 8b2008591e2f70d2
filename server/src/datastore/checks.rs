//! When stored packages were read again, and with what result.

use super::session::{Session, StoreError, parse};
use super::transaction::Transaction;
use rogatory_core::custody_event::EventBody;
use rogatory_core::{PackageId, Timestamp};

/// A package whose next reading is due.
pub type DueCheck = PackageId;

impl Transaction {
    /// Notes that a package was read now, and whether it was sound.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn keep_check(&mut self, package: &PackageId, sound: bool) -> Result<(), StoreError> {
        let now = self.now().microseconds();
        sqlx::query(
            "-- keep_check
             INSERT INTO package_check (package_id, checked_time, sound) VALUES ($1, $2, $3)
             ON CONFLICT (package_id) DO UPDATE SET checked_time = $2, sound = $3",
        )
        .bind(package.as_str())
        .bind(now)
        .bind(i64::from(sound))
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

impl Session {
    /// The package that was not read since `before` for the longest; none if there is none. A reading later than `now`,
    /// by a clock that was ahead, is none.
    ///
    /// # Errors
    /// [`StoreError`] if it is damaged or the database fails.
    pub async fn due_check(
        &mut self,
        before: Timestamp,
        now: Timestamp,
    ) -> Result<Option<DueCheck>, StoreError> {
        let id: Option<String> = sqlx::query_scalar(
            "-- due_check
             SELECT package.package_id FROM package
             LEFT JOIN package_check ON package_check.package_id = package.package_id
             WHERE COALESCE(package_check.checked_time, package.stage_time) < $1
                OR COALESCE(package_check.checked_time, package.stage_time) > $2
             ORDER BY COALESCE(package_check.checked_time, package.stage_time), package.package_id LIMIT 1",
        )
        .bind(before.microseconds())
        .bind(now.microseconds())
        .fetch_optional(self.connection())
        .await?;
        Ok(id.map(|id| parse(&id, "a stored package id is damaged")).transpose()?)
    }

    /// The packages that were damaged when they were read last, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] if one is damaged or the database fails.
    pub async fn damaged_packages(&mut self, limit: u32) -> Result<Vec<PackageId>, StoreError> {
        let ids: Vec<String> = sqlx::query_scalar(
            "-- damaged_packages
             SELECT package_id FROM package_check WHERE sound = 0 ORDER BY package_id LIMIT $1",
        )
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?;
        ids.iter().map(|id| Ok(parse(id, "a stored package id is damaged")?)).collect()
    }

    /// Since when the errand waits that was tried in vain for the longest, and to how many errands that happened.
    ///
    /// # Errors
    /// [`StoreError`] if it is damaged or the database fails.
    pub async fn errands_in_vain(&mut self) -> Result<Option<(Timestamp, u64)>, StoreError> {
        use sqlx::Row as _;
        let row = sqlx::query(
            "-- errands_in_vain
             SELECT MIN(queued_time), COUNT(*) FROM outbox WHERE attempts > 0",
        )
        .fetch_one(self.connection())
        .await?;
        let since: Option<i64> = row.try_get(0)?;
        let count = super::session::size(row.try_get(1)?)?;
        since.map(|since| Ok((super::session::instant(since)?, count))).transpose()
    }

    /// When the event at `leaf_index` was recorded; none if its body is gone.
    ///
    /// # Errors
    /// [`StoreError`] if it is damaged or the database fails.
    pub async fn recorded_time(&mut self, leaf_index: u64) -> Result<Option<Timestamp>, StoreError> {
        let Some(case) = self.case_of_leaf(leaf_index).await? else { return Ok(None) };
        let entries = self.entries(&case, leaf_index, leaf_index.saturating_add(1), 1).await?;
        let body = entries.first().and_then(|entry| serde_json::from_slice::<EventBody>(&entry.body).ok());
        Ok(body.map(|body| body.at))
    }

    /// The case of the event at `leaf_index`, unless its body is gone.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    async fn case_of_leaf(&mut self, leaf_index: u64) -> Result<Option<String>, StoreError> {
        let case = sqlx::query_scalar(
            "-- case_of_leaf
             SELECT case_id FROM custody_body WHERE leaf_index = $1",
        )
        .bind(super::session::stored(leaf_index)?)
        .fetch_optional(self.connection())
        .await?;
        Ok(case)
    }
}

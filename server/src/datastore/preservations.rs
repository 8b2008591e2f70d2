//! Preservations: stage, parties and the end in clear, everything else under the key of the case.

use super::cases::{damaged, touched_one};
use super::session::{Session, StoreError, parse};
use super::transaction::Transaction;
use rogatory_core::preservation::Preservation;
use rogatory_core::{CaseId, SharedNumber, Timestamp};
use sqlx::Row as _;
use sqlx::any::AnyRow;

pub(super) fn place(case: impl std::fmt::Display) -> String {
    format!("preservation/{case}")
}

impl Transaction {
    /// Opens the case of a preservation; its key is durable before anything is written.
    ///
    /// # Errors
    /// [`crate::problem::Reason::Conflict`] if the shared number is taken, or a database error.
    pub async fn open_preservation(&mut self, preservation: &Preservation) -> Result<(), StoreError> {
        self.demand_free(&preservation.shared_number).await?;
        let key = self.create_key(preservation.case.as_str())?;
        let body = serde_json::to_vec(preservation).map_err(damaged)?;
        sqlx::query(
            "-- open_preservation
             INSERT INTO preservation (case_id, shared_number, side, counterpart, instrument, stage, stage_time,
                                       opened_time, body)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(preservation.case.as_str())
        .bind(preservation.shared_number.as_str())
        .bind(preservation.side.as_str())
        .bind(preservation.counterpart.to_string())
        .bind(&preservation.instrument)
        .bind(preservation.stage.as_str())
        .bind(preservation.stage.since().microseconds())
        .bind(self.now().microseconds())
        .bind(key.encrypt(&place(&preservation.case), &body)?)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Stores what a preservation has become.
    ///
    /// # Errors
    /// [`crate::problem::Problem`] if there is no such case, or a database error.
    pub async fn update_preservation(&mut self, preservation: &Preservation) -> Result<(), StoreError> {
        let body = serde_json::to_vec(preservation).map_err(damaged)?;
        let body = self.key(preservation.case.as_str())?.encrypt(&place(&preservation.case), &body)?;
        let done = sqlx::query(
            "-- update_preservation
             UPDATE preservation SET stage = $2, stage_time = $3, preserved_until = $4, followed_up_by = $5, body = $6
             WHERE case_id = $1",
        )
        .bind(preservation.case.as_str())
        .bind(preservation.stage.as_str())
        .bind(preservation.stage.since().microseconds())
        .bind(preservation.stage.preserved_until().map(Timestamp::microseconds))
        .bind(preservation.followed_up_by.as_ref().map(SharedNumber::as_str))
        .bind(body)
        .execute(self.connection())
        .await?;
        touched_one(done.rows_affected(), "preservation")
    }
}

impl Session {
    /// The preservation with this shared number.
    ///
    /// # Errors
    /// [`StoreError`] if it does not decrypt or the database fails.
    pub async fn preservation_by_number(
        &mut self,
        number: &SharedNumber,
    ) -> Result<Option<Preservation>, StoreError> {
        let row = sqlx::query(
            "-- preservation_by_number
             SELECT case_id, body FROM preservation WHERE shared_number = $1",
        )
        .bind(number.as_str())
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| self.preservation_of(&row)).transpose()
    }

    /// The preservation of this case.
    ///
    /// # Errors
    /// [`StoreError`] if it does not decrypt or the database fails.
    pub async fn preservation(&mut self, case: &CaseId) -> Result<Option<Preservation>, StoreError> {
        let row = sqlx::query(
            "-- preservation
             SELECT case_id, body FROM preservation WHERE case_id = $1",
        )
        .bind(case.as_str())
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| self.preservation_of(&row)).transpose()
    }

    /// The cases whose last instant of preservation lies before `now` and which no undecided request holds,
    /// the longest overdue first, at most `limit`.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn preservations_over(
        &mut self,
        now: Timestamp,
        limit: u32,
    ) -> Result<Vec<CaseId>, StoreError> {
        let rows = sqlx::query(
            "-- preservations_over
             SELECT case_id FROM preservation
             WHERE stage IN ('confirmed', 'extended') AND preserved_until < $1
               AND (followed_up_by IS NULL
                    OR EXISTS (SELECT 1 FROM mla_request
                               WHERE mla_request.shared_number = preservation.followed_up_by
                                 AND mla_request.stage IN ('refused', 'withdrawn', 'closed')))
             ORDER BY preserved_until, case_id LIMIT $2",
        )
        .bind(now.microseconds())
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(|row| Ok(parse(row.try_get(0)?, "a stored case id is damaged")?)).collect()
    }

    fn preservation_of(&self, row: &AnyRow) -> Result<Preservation, StoreError> {
        let case: CaseId = parse(row.try_get(0)?, "a stored case id is damaged")?;
        let sealed: Vec<u8> = row.try_get(1)?;
        let body = self.key(case.as_str())?.decrypt(&place(&case), &sealed)?;
        Ok(serde_json::from_slice(&body).map_err(damaged)?)
    }
}

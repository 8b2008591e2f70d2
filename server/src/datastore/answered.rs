//! What was answered to which call: the same request id gets the same answer.

use super::session::StoreError;
use super::transaction::Transaction;
use crate::problem::{Problem, Reason};
use rogatory_core::Digest;
use sqlx::Row as _;

impl Transaction {
    /// The answer once given to `caller` under `request_id`, if the call was the same.
    ///
    /// # Errors
    /// [`Reason::Conflict`] if another call was made under that id, or a database error.
    pub async fn answered(
        &mut self,
        caller: &str,
        request_id: &str,
        request: &Digest,
    ) -> Result<Option<String>, StoreError> {
        let row = sqlx::query(
            "-- answered
             SELECT request_sha256, answer FROM answered_request WHERE caller = $1 AND request_id = $2",
        )
        .bind(caller)
        .bind(request_id)
        .fetch_optional(self.connection())
        .await?;
        let Some(row) = row else { return Ok(None) };
        let before: Vec<u8> = row.try_get(0)?;
        if before == request.as_bytes() {
            return Ok(Some(row.try_get(1)?));
        }
        Err(Problem::new(Reason::Conflict, "another call was made under this request id")
            .with_hint("choose a new `request_id` for a new call")
            .into())
    }

    /// Remembers the answer to a call, in the transaction of what it did.
    ///
    /// # Errors
    /// [`StoreError`] if the database fails.
    pub async fn remember_answer(
        &mut self,
        caller: &str,
        request_id: &str,
        request: &Digest,
        answer: &str,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "-- remember_answer
             INSERT INTO answered_request (caller, request_id, request_sha256, answer) VALUES ($1, $2, $3, $4)",
        )
        .bind(caller)
        .bind(request_id)
        .bind(request.as_bytes().as_slice())
        .bind(answer)
        .execute(self.connection())
        .await?;
        Ok(())
    }
}

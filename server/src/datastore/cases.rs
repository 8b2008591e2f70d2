//! Requests and orders, and cases of every kind: stage and parties in clear, everything else under the
//! key of the case.

use super::session::{Session, StoreError, instant, parse};
use super::transaction::Transaction;
use crate::problem::{Problem, Reason};
use rogatory_core::mla_request::MlaRequest;
use rogatory_core::order::ProductionOrder;
use rogatory_core::preservation::Preservation;
use rogatory_core::{CaseId, SharedNumber, Timestamp};
use sqlx::Row as _;

/// A case as lists show it: a request, a preservation, or an order at its provider.
#[derive(Clone, Debug)]
pub enum CaseSummary {
    /// A request, on either side.
    Request(MlaRequest),
    /// An order, at the provider.
    Order(ProductionOrder),
    /// A preservation, on either side.
    Preservation(Preservation),
}

impl CaseSummary {
    /// The case's id.
    #[must_use]
    pub const fn case(&self) -> &CaseId {
        match self {
            Self::Request(request) => &request.case,
            Self::Order(order) => &order.case,
            Self::Preservation(preservation) => &preservation.case,
        }
    }

    /// The number both sides use.
    #[must_use]
    pub const fn shared_number(&self) -> &SharedNumber {
        match self {
            Self::Request(request) => &request.shared_number,
            Self::Order(order) => &order.shared_number,
            Self::Preservation(preservation) => &preservation.shared_number,
        }
    }
}

pub(super) fn request_place(case: impl std::fmt::Display) -> String {
    format!("mla_request/{case}")
}

pub(super) fn order_place(number: impl std::fmt::Display) -> String {
    format!("production_order/{number}")
}

pub(super) fn damaged(error: serde_json::Error) -> Problem {
    Problem::internal("a stored case is damaged", error)
}

impl Transaction {
    /// Opens the case of a request; its key is durable before anything is written.
    ///
    /// # Errors
    /// [`Reason::Conflict`] if the shared number is taken, or a database error.
    pub async fn open_request(&mut self, request: &MlaRequest) -> Result<(), StoreError> {
        self.demand_free(&request.shared_number).await?;
        let key = self.create_key(request.case.as_str())?;
        let body = serde_json::to_vec(request).map_err(damaged)?;
        sqlx::query(
            "-- open_request
             INSERT INTO mla_request (case_id, shared_number, side, counterpart, instrument, stage, stage_time,
                                      opened_time, body)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(request.case.as_str())
        .bind(request.shared_number.as_str())
        .bind(request.side.as_str())
        .bind(request.counterpart.to_string())
        .bind(&request.instrument)
        .bind(request.stage.name().as_str())
        .bind(request.stage.since().microseconds())
        .bind(self.now().microseconds())
        .bind(key.encrypt(&request_place(&request.case), &body)?)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Refuses a shared number under which a matter stands.
    pub(super) async fn demand_free(&mut self, number: &SharedNumber) -> Result<(), StoreError> {
        let taken: Option<i64> = sqlx::query_scalar(
            "-- demand_free
             SELECT 1
             WHERE EXISTS (SELECT 1 FROM mla_request WHERE shared_number = $1)
                OR EXISTS (SELECT 1 FROM production_order WHERE shared_number = $1)
                OR EXISTS (SELECT 1 FROM preservation WHERE shared_number = $1)
                OR EXISTS (SELECT 1 FROM erased_number WHERE shared_number = $1)",
        )
        .bind(number.as_str())
        .fetch_optional(self.connection())
        .await?;
        if taken.is_some() { Err(number_taken(number).into()) } else { Ok(()) }
    }

    /// Stores the stage a request has reached, and who is its counterpart now.
    ///
    /// # Errors
    /// [`Problem`] if there is no such case, or a database error.
    pub async fn update_request(&mut self, request: &MlaRequest) -> Result<(), StoreError> {
        let body = serde_json::to_vec(request).map_err(damaged)?;
        let body = self.key(request.case.as_str())?.encrypt(&request_place(&request.case), &body)?;
        let done = sqlx::query(
            "-- update_request
             UPDATE mla_request SET stage = $2, stage_time = $3, body = $4, counterpart = $5 WHERE case_id = $1",
        )
        .bind(request.case.as_str())
        .bind(request.stage.name().as_str())
        .bind(request.stage.since().microseconds())
        .bind(body)
        .bind(request.counterpart.to_string())
        .execute(self.connection())
        .await?;
        touched_one(done.rows_affected(), "request")
    }

    /// Stores a new order, of a request at the authority or of its own case at the provider.
    ///
    /// # Errors
    /// [`Reason::Conflict`] if the shared number is taken, or a database error.
    pub async fn open_order(&mut self, order: &ProductionOrder) -> Result<(), StoreError> {
        self.demand_free(&order.shared_number).await?;
        let key = self.create_key(order.case.as_str())?;
        let body = serde_json::to_vec(order).map_err(damaged)?;
        sqlx::query(
            "-- open_order
             INSERT INTO production_order (shared_number, case_id, side, counterpart, request_number, stage,
                                           stage_time, opened_time, body)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(order.shared_number.as_str())
        .bind(order.case.as_str())
        .bind(order.side.as_str())
        .bind(order.counterpart.to_string())
        .bind(order.request_number.as_str())
        .bind(order.stage.as_str())
        .bind(order.stage.since().microseconds())
        .bind(self.now().microseconds())
        .bind(key.encrypt(&order_place(&order.shared_number), &body)?)
        .execute(self.connection())
        .await?;
        Ok(())
    }

    /// Stores the stage an order has reached.
    ///
    /// # Errors
    /// [`Problem`] if there is no such order, or a database error.
    pub async fn update_order(&mut self, order: &ProductionOrder) -> Result<(), StoreError> {
        let body = serde_json::to_vec(order).map_err(damaged)?;
        let body = self.key(order.case.as_str())?.encrypt(&order_place(&order.shared_number), &body)?;
        let done = sqlx::query(
            "-- update_order
             UPDATE production_order SET stage = $2, stage_time = $3, body = $4 WHERE shared_number = $1",
        )
        .bind(order.shared_number.as_str())
        .bind(order.stage.as_str())
        .bind(order.stage.since().microseconds())
        .bind(body)
        .execute(self.connection())
        .await?;
        touched_one(done.rows_affected(), "order")
    }
}

fn number_taken(number: &SharedNumber) -> Problem {
    Problem::new(Reason::Conflict, format!("shared number {number} already stands for another matter"))
        .with_hint("draft again: a new number is minted")
}

/// An update that touches no row, or several, is an error.
pub(super) fn touched_one(rows: u64, what: &'static str) -> Result<(), StoreError> {
    if rows == 1 {
        Ok(())
    } else {
        Err(Problem::internal("an update did not touch one row", format!("{what}: {rows} rows")).into())
    }
}

impl Session {
    /// The request with this shared number.
    ///
    /// # Errors
    /// [`StoreError`] if it does not decrypt or the database fails.
    pub async fn request_by_number(
        &mut self,
        number: &SharedNumber,
    ) -> Result<Option<MlaRequest>, StoreError> {
        let row = sqlx::query(
            "-- request_by_number
             SELECT case_id, body FROM mla_request WHERE shared_number = $1",
        )
        .bind(number.as_str())
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| self.request_of(&row)).transpose()
    }

    /// The request of this case.
    ///
    /// # Errors
    /// [`StoreError`] if it does not decrypt or the database fails.
    pub async fn request(&mut self, case: &CaseId) -> Result<Option<MlaRequest>, StoreError> {
        let row = sqlx::query(
            "-- request
             SELECT case_id, body FROM mla_request WHERE case_id = $1",
        )
        .bind(case.as_str())
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| self.request_of(&row)).transpose()
    }

    /// The order with this shared number.
    ///
    /// # Errors
    /// [`StoreError`] if it does not decrypt or the database fails.
    pub async fn order_by_number(
        &mut self,
        number: &SharedNumber,
    ) -> Result<Option<ProductionOrder>, StoreError> {
        let row = sqlx::query(
            "-- order_by_number
             SELECT case_id, shared_number, body FROM production_order WHERE shared_number = $1",
        )
        .bind(number.as_str())
        .fetch_optional(self.connection())
        .await?;
        row.map(|row| self.order_of(&row)).transpose()
    }

    /// The orders of a case, oldest first.
    ///
    /// # Errors
    /// [`StoreError`] if one does not decrypt or the database fails.
    pub async fn orders(&mut self, case: &CaseId) -> Result<Vec<ProductionOrder>, StoreError> {
        let rows = sqlx::query(
            "-- orders
             SELECT case_id, shared_number, body FROM production_order WHERE case_id = $1
             ORDER BY opened_time, shared_number",
        )
        .bind(case.as_str())
        .fetch_all(self.connection())
        .await?;
        rows.iter().map(|row| self.order_of(row)).collect()
    }

    /// The case with this id or shared number.
    ///
    /// # Errors
    /// [`StoreError`] if it does not decrypt or the database fails.
    pub async fn case(&mut self, name: &str) -> Result<Option<CaseSummary>, StoreError> {
        if let Ok(number) = name.parse::<SharedNumber>() {
            if let Some(request) = self.request_by_number(&number).await? {
                return Ok(Some(CaseSummary::Request(request)));
            }
            if let Some(preservation) = self.preservation_by_number(&number).await? {
                return Ok(Some(CaseSummary::Preservation(preservation)));
            }
            let Some(order) = self.order_by_number(&number).await? else { return Ok(None) };
            return match self.request(&order.case).await? {
                Some(request) => Ok(Some(CaseSummary::Request(request))),
                None => Ok(Some(CaseSummary::Order(order))),
            };
        }
        let Ok(case) = name.parse::<CaseId>() else { return Ok(None) };
        if let Some(request) = self.request(&case).await? {
            return Ok(Some(CaseSummary::Request(request)));
        }
        if let Some(preservation) = self.preservation(&case).await? {
            return Ok(Some(CaseSummary::Preservation(preservation)));
        }
        Ok(self.orders(&case).await?.into_iter().next().map(CaseSummary::Order))
    }

    /// The cases opened before `(time, case)`, newest first, at most `limit`, each with its opening.
    ///
    /// # Errors
    /// [`StoreError`] if one does not decrypt or the database fails.
    pub async fn cases_before(
        &mut self,
        before: Option<(Timestamp, String)>,
        limit: u32,
    ) -> Result<Vec<(Timestamp, CaseSummary)>, StoreError> {
        let (time, case) =
            before.map_or((i64::MAX, String::new()), |(time, case)| (time.microseconds(), case));
        let rows = sqlx::query(
            "-- cases_before
             SELECT case_id, opened_time FROM mla_request
             WHERE opened_time < $1 OR (opened_time = $1 AND case_id < $2)
             UNION ALL
             SELECT case_id, opened_time FROM preservation
             WHERE opened_time < $1 OR (opened_time = $1 AND case_id < $2)
             UNION ALL
             SELECT case_id, opened_time FROM production_order
             WHERE side = 'provider' AND (opened_time < $1 OR (opened_time = $1 AND case_id < $2))
             ORDER BY opened_time DESC, case_id DESC LIMIT $3",
        )
        .bind(time)
        .bind(case)
        .bind(i64::from(limit))
        .fetch_all(self.connection())
        .await?;
        let mut cases = Vec::with_capacity(rows.len());
        for row in rows {
            let case: String = row.try_get(0)?;
            if let Some(summary) = self.case(&case).await? {
                cases.push((instant(row.try_get(1)?)?, summary));
            }
        }
        Ok(cases)
    }

    fn request_of(&self, row: &sqlx::any::AnyRow) -> Result<MlaRequest, StoreError> {
        let case: CaseId = parse(row.try_get(0)?, "a stored case id is damaged")?;
        let sealed: Vec<u8> = row.try_get(1)?;
        let body = self.key(case.as_str())?.decrypt(&request_place(&case), &sealed)?;
        Ok(serde_json::from_slice(&body).map_err(damaged)?)
    }

    fn order_of(&self, row: &sqlx::any::AnyRow) -> Result<ProductionOrder, StoreError> {
        let case: String = row.try_get(0)?;
        let number: SharedNumber = parse(row.try_get(1)?, "a stored shared number is damaged")?;
        let sealed: Vec<u8> = row.try_get(2)?;
        let body = self.key(&case)?.decrypt(&order_place(&number), &sealed)?;
        Ok(serde_json::from_slice(&body).map_err(damaged)?)
    }
}

//! Listing and showing preservations, with the days left.

use super::CASE;
use crate::commands::documents::CaseFacts;
use crate::commands::request::{self, CaseShown};
use crate::output::Outcome;
use crate::output::page::Page;
use crate::output::table::Table;
use crate::problem::{Problem, clean};
use crate::session::Session;
use serde::Serialize;

/// The result of [`list`].
#[derive(Clone, Debug, Serialize)]
pub struct Preservations {
    /// Newest first.
    pub preservations: Vec<CaseFacts>,
}

impl Outcome for Preservations {
    fn show(&self, page: &mut Page) {
        let mut table = Table::new(&[
            "CASE",
            "SHARED NUMBER",
            "SIDE",
            "COUNTERPART",
            "STAGE",
            "PRESERVED UNTIL (UTC)",
            "LEFT",
        ]);
        for case in &self.preservations {
            table.row(
                [
                    &case.case_id,
                    &case.shared_number,
                    &case.side,
                    &case.counterpart,
                    &case.stage,
                    &case.preserved_until,
                    &case.left,
                ]
                .map(|cell| clean(cell)),
            );
        }
        page.table(&table, "There is no preservation.");
    }
}

/// Lists the preservations of this office.
///
/// # Errors
/// If the server cannot be reached or refuses.
pub async fn list(session: &Session) -> Result<Preservations, Problem> {
    let cases = request::list_where(session, |case| case.kind == CASE).await?;
    Ok(Preservations { preservations: cases.cases })
}

/// Shows a preservation and its documents.
///
/// # Errors
/// If the server does not know it or refuses; a usage problem if the case is about something else.
pub async fn show(session: &Session, case: &str) -> Result<CaseShown, Problem> {
    let shown = request::show(session, case).await?;
    shown.case.must_be(CASE)?;
    Ok(shown)
}

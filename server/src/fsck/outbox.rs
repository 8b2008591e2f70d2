//! Compares the outbox with what must leave the house: everything that waits is there to be sent, and
//! everything that was sealed and has no receipt waits.

use super::report::{Item, Report};
use crate::datastore::{Inspection, RawErrand};
use crate::problem::Problem;

const PAGE: i64 = 500;

/// Checks that every errand names something that is still to be sent.
///
/// # Errors
/// [`Problem`] if the database cannot be read.
pub(super) async fn check(database: &mut Inspection, report: &mut Report) -> Result<(), Problem> {
    let mut position = i64::MIN;
    loop {
        let page = database.errands(position, PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        position = last.position;
        for RawErrand { what, subject, .. } in page {
            let (stage, waits) = match what.as_str() {
                "document" => (database.document_stage(&subject).await?, "sealed"),
                "package" => (database.package_stage(&subject).await?, "submitted"),
                _ => (database.package_stage(&subject).await?, "received"),
            };
            let fault = match stage {
                None => vec!["what it is to bring is not here".to_owned()],
                Some(stage) if stage != waits => vec![format!("what it is to bring is {stage}, not {waits}")],
                Some(_) => Vec::new(),
            };
            report.judge(Item::Errand, format!("{what} {subject}"), fault);
        }
    }
}

/// Notes as missing the errand of something that waits to be sent.
///
/// # Errors
/// [`Problem`] if the database cannot be read.
pub(super) async fn demand(
    database: &mut Inspection,
    what: &str,
    subject: &str,
    report: &mut Report,
) -> Result<(), Problem> {
    if !database.has_errand(what, subject).await? {
        let why = "it has no receipt, and nothing in the outbox would send it";
        report.missing(Item::Errand, format!("{what} {subject}"), why);
    }
    Ok(())
}

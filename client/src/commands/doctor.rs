//! `rogatory doctor`: how the own server is.

use crate::connect::explain;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::problem::{Problem, clean};
use crate::session::Session;
use rogatory_proto::office::v1 as office;
use serde::Serialize;

/// One thing that was found.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct FindingFacts {
    /// What kind of thing.
    pub kind: String,
    /// `red` if a promise of the office is endangered, else `amber`.
    pub gravity: &'static str,
    /// What is the matter and what to do.
    pub what: String,
}

/// The result of [`doctor`].
#[derive(Clone, Debug, Serialize)]
pub struct Examined {
    /// The gravest first.
    pub findings: Vec<FindingFacts>,
}

impl Outcome for Examined {
    fn show(&self, page: &mut Page) {
        if self.findings.is_empty() {
            page.line("All is well.");
        }
        for finding in &self.findings {
            page.line(format!("{}  {}: {}", finding.gravity, clean(&finding.kind), clean(&finding.what)));
        }
    }

    fn complaint(&self) -> Option<Problem> {
        let red = self.findings.iter().filter(|finding| finding.gravity == "red").count();
        (red > 0).then(|| {
            Problem::failed(format!("{red} findings endanger what this office promised"))
                .with_hint("show them to the operator of your server")
        })
    }
}

/// Has the own server examine itself.
///
/// # Errors
/// If the server cannot be reached or refuses.
pub async fn doctor(session: &Session) -> Result<Examined, Problem> {
    let mut health = session.connection().await?.health();
    let answer = health.examine(office::ExamineRequest {}).await.map_err(explain)?.into_inner();
    let facts = |finding: office::Finding| FindingFacts {
        kind: finding.kind,
        gravity: if finding.red { "red" } else { "amber" },
        what: finding.what,
    };
    Ok(Examined { findings: answer.findings.into_iter().map(facts).collect() })
}

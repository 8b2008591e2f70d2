//! `rogatory case …`: the erasure of a case by two officers.

use crate::connect::explain;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::problem::Problem;
use crate::session::Session;
use rogatory_proto::office::v1 as office;
use serde::Serialize;

/// What to erase, and why.
#[derive(Clone, Debug)]
pub struct EraseArguments {
    /// The case id or the shared number.
    pub case: String,
    /// Why: a code or a few words without personal data.
    pub reason: String,
    /// The provision.
    pub article: String,
}

/// An erasure, proposed or done.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ErasureFacts {
    /// The office's id of the case.
    pub case_id: String,
    /// The number both sides use.
    pub shared_number: String,
    /// Why.
    pub reason: String,
    /// The provision.
    pub article: String,
    /// Who proposed it.
    pub proposed_by: String,
    /// When.
    pub proposed_time: String,
    /// When it was done; empty while it is proposed only.
    pub erased_time: String,
    /// The entry of the custody log that records it.
    pub leaf_index: Option<u64>,
    /// How many events were erased; their leaves stay.
    pub events: u64,
    /// Whether key and packages are destroyed as well.
    pub finished: bool,
}

impl ErasureFacts {
    fn of(erasure: office::Erasure) -> Self {
        let leaf_index = (!erasure.erased_time.is_empty()).then_some(erasure.leaf_index);
        Self {
            case_id: erasure.case_id,
            shared_number: erasure.shared_number,
            reason: erasure.reason,
            article: erasure.article,
            proposed_by: erasure.proposed_by,
            proposed_time: erasure.proposed_time,
            erased_time: erasure.erased_time,
            leaf_index,
            events: erasure.events,
            finished: erasure.finished,
        }
    }

    fn show(&self, page: &mut Page) {
        page.fact("case", &self.case_id);
        page.fact("shared number", &self.shared_number);
        page.fact("reason", &self.reason);
        page.fact("article", &self.article);
        page.fact("proposed by", &self.proposed_by);
        page.fact("proposed at", &self.proposed_time);
    }
}

/// The result of [`propose_erasure`].
#[derive(Clone, Debug, Serialize)]
pub struct ErasureProposed {
    /// What waits for a second officer.
    #[serde(flatten)]
    pub erasure: ErasureFacts,
}

impl Outcome for ErasureProposed {
    fn show(&self, page: &mut Page) {
        self.erasure.show(page);
        page.blank();
        page.line(format!(
            "A colleague with the role approver confirms it: rogatory case erase {} --confirm",
            self.erasure.shared_number
        ));
    }
}

/// What a confirmation would erase.
#[derive(Clone, Debug, Serialize)]
pub struct ErasurePlan {
    /// The proposal.
    #[serde(flatten)]
    pub erasure: ErasureFacts,
}

impl ErasurePlan {
    /// Whether it was done before.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.erasure.leaf_index.is_some()
    }
}

impl Outcome for ErasurePlan {
    fn show(&self, page: &mut Page) {
        self.erasure.show(page);
        page.blank();
        page.line(
            "Documents, receipts, packages and the bodies of all custody events of this case are destroyed,",
        );
        page.line(
            "with the key under which they are encrypted. Leaves, ids and numbers stay. The counterparts are",
        );
        page.line("told; what they hold stays with them. This cannot be undone.");
    }
}

/// The result of [`confirm_erasure`].
#[derive(Clone, Debug, Serialize)]
pub struct ErasureDone {
    /// What was done.
    #[serde(flatten)]
    pub erasure: ErasureFacts,
}

impl Outcome for ErasureDone {
    fn show(&self, page: &mut Page) {
        self.erasure.show(page);
        page.fact("erased at", &self.erasure.erased_time);
        page.fact_if("under entry", self.erasure.leaf_index);
        page.fact("events erased", self.erasure.events);
        if !self.erasure.finished {
            page.blank();
            page.line("The server still has to destroy the key or packages, and goes on with it by itself.");
        }
    }
}

/// Proposes the erasure of a closed case; a colleague confirms.
///
/// # Errors
/// Refused, while the case is not closed or something of it is under way.
pub async fn propose_erasure(
    session: &Session,
    arguments: EraseArguments,
) -> Result<ErasureProposed, Problem> {
    let mut cases = session.connection().await?.cases();
    let request = office::ProposeErasureRequest {
        request_id: session.call_id(),
        case_id: arguments.case,
        reason: arguments.reason,
        article: arguments.article,
    };
    let answer = cases.propose_erasure(request).await.map_err(explain)?.into_inner();
    Ok(ErasureProposed { erasure: named(answer.erasure)? })
}

/// Looks at what a colleague proposed to erase.
///
/// # Errors
/// Refused, if nobody proposed anything.
pub async fn plan_erasure(session: &Session, case: &str) -> Result<ErasurePlan, Problem> {
    let mut cases = session.connection().await?.cases();
    let request = office::GetCaseRequest { case_id: case.to_owned() };
    let answer = cases.get_case(request).await.map_err(explain)?.into_inner();
    let erasure = answer.case.and_then(|case| case.erasure).ok_or_else(|| {
        Problem::refused(format!("nobody proposed to erase case {}", crate::problem::clean(case)))
            .with_hint("propose it with --reason and --article; then a colleague confirms")
    })?;
    Ok(ErasurePlan { erasure: ErasureFacts::of(erasure) })
}

/// Confirms what was shown: the case is erased.
///
/// # Errors
/// Refused, for whoever proposed it, and if another proposal or another stage stands there by now.
pub async fn confirm_erasure(session: &Session, plan: ErasurePlan) -> Result<ErasureDone, Problem> {
    let mut cases = session.connection().await?.cases();
    let request = office::ConfirmErasureRequest {
        request_id: session.call_id(),
        case_id: plan.erasure.case_id,
        reason: plan.erasure.reason,
        article: plan.erasure.article,
    };
    let answer = cases.confirm_erasure(request).await.map_err(explain)?.into_inner();
    Ok(ErasureDone { erasure: named(answer.erasure)? })
}

fn named(erasure: Option<office::Erasure>) -> Result<ErasureFacts, Problem> {
    erasure.map(ErasureFacts::of).ok_or_else(|| Problem::failed("the server's answer names no erasure"))
}

//! A case as it is shown: where it stands, what is open in it, and what comes next.
//!
//! Takes what the server says of a case. Never calls it.

use crate::commands::preservation;
use crate::output::page::{Page, bytes};
use crate::output::table::Table;
use crate::problem::{Problem, clean};
use rogatory_core::Timestamp;
use rogatory_proto::office::v1 as office;
use serde::Serialize;

/// A case, as it is shown.
#[derive(Clone, Debug, Default, Serialize)]
pub struct CaseFacts {
    /// The office's id.
    pub case_id: String,
    /// `request`, `preservation` or `order`.
    pub kind: String,
    /// The number both sides use.
    pub shared_number: String,
    /// `requesting`, `requested` or `provider`.
    pub side: String,
    /// The other side.
    pub counterpart: String,
    /// The instrument relied on first.
    pub instrument: String,
    /// Where it stands.
    pub stage: String,
    /// Since when, in UTC.
    pub stage_time: String,
    /// The other side's file number, once known.
    pub their_reference: String,
    /// When the requested authority received it, from where periods run, in UTC; a forwarding keeps it.
    pub received_time: String,
    /// The grounds of refusals and of the postponement that holds, as whole codes.
    pub grounds: Vec<String>,
    /// Until which day execution is postponed, if the requested authority said so.
    pub postponed_until: String,
    /// The questions that wait for an answer.
    pub open_questions: Vec<QuestionFacts>,
    /// The competent authority to which the request was forwarded.
    pub forwarded_to: String,
    /// The authority that forwarded it.
    pub forwarded_by: String,
    /// The last instant at which the data are preserved, included, in UTC.
    pub preserved_until: String,
    /// The whole days left until then; negative once it passed.
    pub days_left: Option<i64>,
    /// The same in words.
    #[serde(skip)]
    pub left: String,
    /// Whether an extension of the preservation waits for its confirmation.
    pub extension_asked: bool,
    /// Until when that extension shall last, in UTC, if it was said.
    pub extension_until: String,
    /// The request that follows up on the preservation.
    pub followed_up_by: String,
    /// The orders that serve it.
    pub orders: Vec<OrderFacts>,
    /// Its packages.
    pub packages: Vec<PackageFacts>,
}

/// A question that waits for an answer, as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct QuestionFacts {
    /// Its id within the matter.
    pub question_id: String,
    /// Since when it stands, in UTC.
    pub asked_time: String,
    /// By which day an answer is wanted; empty if that was not said.
    pub answer_by: String,
}

/// An order, as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct OrderFacts {
    /// Its own number.
    pub shared_number: String,
    /// The provider, or at the provider the authority.
    pub counterpart: String,
    /// `ordering` or `provider`.
    pub side: String,
    /// Where it stands.
    pub stage: String,
    /// Since when, in UTC.
    pub stage_time: String,
}

/// A package, as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct PackageFacts {
    /// Its id.
    pub package_id: String,
    /// SHA-256 of its `ASiCManifest001.xml`.
    pub manifest_sha256: String,
    /// `submitted`, `sent`, `received` or `relayed`.
    pub stage: String,
    /// The bytes of all objects.
    pub size_bytes: u64,
    /// The number of objects.
    pub object_count: u64,
    /// The shared number it answers.
    pub shared_number: String,
}

impl CaseFacts {
    /// Takes what the server says of a case; what is left of a period is counted from `now`.
    #[must_use]
    pub fn of(case: office::Case, now: Timestamp) -> Self {
        let preserved_until: Option<Timestamp> = case.preserved_until.parse().ok();
        let (days_left, left) = preserved_until.map(|until| preservation::left(until, now)).unzip();
        Self {
            case_id: case.case_id,
            kind: case.kind,
            shared_number: case.shared_number,
            side: case.side,
            counterpart: case.counterpart,
            instrument: case.instrument,
            stage: case.stage,
            stage_time: case.stage_time,
            their_reference: case.their_reference,
            received_time: case.received_time,
            grounds: case.grounds,
            postponed_until: case.postponed_until,
            open_questions: case
                .open_questions
                .into_iter()
                .map(|question| QuestionFacts {
                    question_id: question.question_id,
                    asked_time: question.asked_time,
                    answer_by: question.answer_by,
                })
                .collect(),
            forwarded_to: case.forwarded_to,
            forwarded_by: case.forwarded_by,
            preserved_until: case.preserved_until,
            days_left,
            left: left.unwrap_or_default(),
            extension_asked: case.extension_asked,
            extension_until: case.extension_until,
            followed_up_by: case.followed_up_by,
            orders: case
                .orders
                .into_iter()
                .map(|order| OrderFacts {
                    shared_number: order.shared_number,
                    counterpart: order.counterpart,
                    side: order.side,
                    stage: order.stage,
                    stage_time: order.stage_time,
                })
                .collect(),
            packages: case
                .packages
                .into_iter()
                .map(|package| PackageFacts {
                    package_id: package.package_id,
                    manifest_sha256: package.manifest_sha256,
                    stage: package.stage,
                    size_bytes: package.size_bytes,
                    object_count: package.object_count,
                    shared_number: package.shared_number,
                })
                .collect(),
        }
    }

    /// The command that the stage asks for next, if one is plain.
    pub(crate) fn next_command(&self) -> Option<String> {
        let case = clean(&self.case_id);
        let question = self.open_questions.first().map(|question| clean(&question.question_id));
        match (self.kind.as_str(), self.side.as_str(), self.stage.as_str(), question) {
            (kind @ ("request" | "preservation"), "requesting", _, Some(question)) => {
                Some(format!("rogatory {kind} answer {case} --question {question} --text TEXT"))
            }
            ("preservation", "requested", "received", _) => {
                Some(format!("rogatory preservation confirm {case} --days N --reference TEXT"))
            }
            ("preservation", "requested", _, _) if self.extension_asked => {
                Some(format!("rogatory preservation confirm {case} --days N"))
            }
            ("request", "requested", "received", _) => {
                Some(format!("rogatory request acknowledge {case} --reference TEXT"))
            }
            ("request", "requesting", "executed" | "refused" | "withdrawn", _) => {
                Some(format!("rogatory request close {case}"))
            }
            ("order", "provider", "received", _) => {
                Some(format!("rogatory order acknowledge {case} --reference TEXT"))
            }
            _ => None,
        }
    }

    /// What is open in it: questions, and until when it is postponed.
    pub(crate) fn open(&self) -> String {
        let questions = self.open_questions.iter().map(|question| question.question_id.clone());
        let until = Some(&self.postponed_until).filter(|until| !until.is_empty());
        questions.chain(until.map(|until| format!("until {until}"))).collect::<Vec<_>>().join(", ")
    }

    /// Whether the case is what a command is about.
    ///
    /// # Errors
    /// A usage problem naming the noun that fits.
    pub(crate) fn must_be(&self, kind: &str) -> Result<(), Problem> {
        if self.kind == kind {
            return Ok(());
        }
        let (case, is) = (clean(&self.case_id), clean(&self.kind));
        Err(Problem::usage(format!("case {case} is no {kind}: it is about {is}"))
            .with_hint(format!("`rogatory {is} show {case}` shows it; the verbs of `rogatory {is}` fit it")))
    }

    pub(crate) fn show(&self, page: &mut Page) {
        page.fact("case", &self.case_id);
        page.fact("kind", &self.kind);
        page.fact("shared number", &self.shared_number);
        page.fact("side", &self.side);
        page.fact("counterpart", &self.counterpart);
        page.fact("instrument", &self.instrument);
        page.fact("stage", format!("{} since {}", self.stage, self.stage_time));
        if !self.their_reference.is_empty() {
            // On the side that acknowledged, the number is the office's own.
            let label = if self.side == "requesting" { "their reference" } else { "our reference" };
            page.fact(label, crate::problem::quoted(&self.their_reference));
        }
        let mut known = |label: &str, text: &str| {
            if !text.is_empty() {
                page.fact(label, text);
            }
        };
        known("received", &self.received_time);
        known("forwarded by", &self.forwarded_by);
        known("forwarded to", &self.forwarded_to);
        for ground in &self.grounds {
            known("ground", ground);
        }
        known("postponed until", &self.postponed_until);
        self.show_preserved(page);
        if !self.open_questions.is_empty() {
            page.blank();
            let mut table = Table::new(&["OPEN QUESTION", "ASKED (UTC)", "ANSWER BY"]);
            for question in &self.open_questions {
                table.row(
                    [&question.question_id, &question.asked_time, &question.answer_by]
                        .map(|cell| clean(cell)),
                );
            }
            page.table(&table, "");
        }
        if !self.orders.is_empty() {
            page.blank();
            let mut table = Table::new(&["ORDER", "COUNTERPART", "STAGE", "SINCE (UTC)"]);
            for order in &self.orders {
                table.row(
                    [&order.shared_number, &order.counterpart, &order.stage, &order.stage_time]
                        .map(|cell| clean(cell)),
                );
            }
            page.table(&table, "");
        }
        if !self.packages.is_empty() {
            page.blank();
            page.table(&package_table(&self.packages), "");
        }
    }
}

impl CaseFacts {
    fn show_preserved(&self, page: &mut Page) {
        if !self.preserved_until.is_empty() {
            page.fact("preserved until", format!("{} (UTC), {}", self.preserved_until, self.left));
        }
        if self.extension_asked {
            let until = if self.extension_until.is_empty() {
                "asked for, not answered".to_owned()
            } else {
                format!("asked for until {}, not answered", self.extension_until)
            };
            page.fact("extension", until);
        }
        if !self.followed_up_by.is_empty() {
            page.fact(
                "followed up by",
                format!("{}; it does not lapse before that is decided", self.followed_up_by),
            );
        }
    }
}

/// The packages of a case as a table.
pub(crate) fn package_table(packages: &[PackageFacts]) -> Table {
    let mut table = Table::new(&["PACKAGE", "STAGE", "ANSWERS", "OBJECTS", "SIZE"]);
    for package in packages {
        table.row([
            clean(&package.package_id),
            clean(&package.stage),
            clean(&package.shared_number),
            package.object_count.to_string(),
            bytes(package.size_bytes),
        ]);
    }
    table
}

//! Adapts `CaseService` to datastore and casework. Parses, takes the permit, reads or performs one act, renders.
//! Decides nothing.

use super::{field, page_size, status_of};
use crate::access::permit_of;
use crate::authority::Authority;
use crate::casework::erase_case::{Erasing, confirm_erasure, propose_erasure, was_erased};
use crate::casework::record_reading::{trace_case, trace_list};
use crate::datastore::{CaseSummary, ErasureRow, OFFICE, Session};
use crate::problem::Problem;
use rogatory_core::Timestamp;
use rogatory_core::custody_event::{Actor, EventBody};
use rogatory_core::mla_request::{MlaRequest, MlaStage};
use rogatory_core::order::ProductionOrder;
use rogatory_core::preservation::{Preservation, PreservationStage};
use rogatory_core::question::Questions;
use rogatory_proto::office::v1 as wire;
use rogatory_proto::office::v1::case_service_server::CaseService;
use std::fmt::Display;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The service.
pub struct Cases(pub Arc<Authority>);

async fn render(session: &mut Session, summary: CaseSummary) -> Result<wire::Case, Problem> {
    let case = summary.case().clone();
    let packages = session.packages(case.as_str()).await?.into_iter().map(|package| wire::Package {
        package_id: package.id.to_string(),
        manifest_sha256: package.manifest_sha256.to_hex(),
        stage: package.stage.as_str().to_owned(),
        size_bytes: package.size_bytes,
        object_count: package.object_count,
        shared_number: package.shared_number.to_string(),
    });
    let packages = packages.collect();
    let rendered = wire::Case { case_id: case.to_string(), packages, ..Default::default() };
    Ok(match summary {
        CaseSummary::Request(request) => {
            let orders = session.orders(&case).await?.iter().map(order).collect();
            wire::Case { orders, ..request_case(request, rendered) }
        }
        CaseSummary::Preservation(preservation) => preservation_case(preservation, rendered),
        CaseSummary::Order(own) => wire::Case {
            kind: "order".to_owned(),
            shared_number: own.shared_number.to_string(),
            side: own.side.as_str().to_owned(),
            counterpart: own.counterpart.to_string(),
            stage: own.stage.as_str().to_owned(),
            stage_time: own.stage.since().to_string(),
            their_reference: text_of(own.provider_reference.as_ref()),
            orders: vec![order(&own)],
            ..rendered
        },
    })
}

fn request_case(request: MlaRequest, rendered: wire::Case) -> wire::Case {
    let mut grounds: Vec<String> = request.refused_in_part.iter().map(ToString::to_string).collect();
    let mut postponed_until = String::new();
    match &request.stage {
        MlaStage::Refused { ground, .. } => grounds.push(ground.to_string()),
        MlaStage::Postponed { ground, until, .. } => {
            grounds.push(ground.to_string());
            postponed_until = text_of(*until);
        }
        _ => {}
    }
    wire::Case {
        kind: "request".to_owned(),
        shared_number: request.shared_number.to_string(),
        side: request.side.as_str().to_owned(),
        counterpart: request.counterpart.to_string(),
        stage: request.stage.name().as_str().to_owned(),
        stage_time: request.stage.since().to_string(),
        instrument: request.instrument,
        their_reference: text_of(request.requested_reference),
        received_time: text_of(request.received_time),
        open_questions: open_questions(&request.questions),
        grounds,
        postponed_until,
        forwarded_to: text_of(request.forwarded_to),
        forwarded_by: text_of(request.forwarded_by),
        ..rendered
    }
}

fn preservation_case(preservation: Preservation, rendered: wire::Case) -> wire::Case {
    let grounds = match &preservation.stage {
        PreservationStage::Refused { ground, .. } => vec![ground.to_string()],
        _ => Vec::new(),
    };
    wire::Case {
        kind: "preservation".to_owned(),
        shared_number: preservation.shared_number.to_string(),
        side: preservation.side.as_str().to_owned(),
        counterpart: preservation.counterpart.to_string(),
        stage: preservation.stage.as_str().to_owned(),
        stage_time: preservation.stage.since().to_string(),
        instrument: preservation.instrument,
        their_reference: text_of(preservation.requested_reference),
        received_time: text_of(preservation.received_time),
        open_questions: open_questions(&preservation.questions),
        grounds,
        preserved_until: text_of(preservation.stage.preserved_until()),
        extension_asked: preservation.extension_asked.is_some(),
        extension_until: text_of(preservation.extension_asked.and_then(|asked| asked.until)),
        followed_up_by: text_of(preservation.followed_up_by),
        ..rendered
    }
}

fn open_questions(questions: &Questions) -> Vec<wire::Question> {
    let open = questions.open().map(|question| wire::Question {
        question_id: question.id.to_string(),
        asked_time: question.asked_time.to_string(),
        answer_by: text_of(question.answer_by),
    });
    open.collect()
}

/// What there is as text; empty for what there is not.
fn text_of(value: Option<impl Display>) -> String {
    value.map(|value| value.to_string()).unwrap_or_default()
}

fn order(order: &ProductionOrder) -> wire::Order {
    wire::Order {
        shared_number: order.shared_number.to_string(),
        counterpart: order.counterpart.to_string(),
        side: order.side.as_str().to_owned(),
        stage: order.stage.as_str().to_owned(),
        stage_time: order.stage.since().to_string(),
    }
}

/// What is known of a case that was erased.
async fn erased_case(session: &mut Session, row: ErasureRow) -> Result<wire::Case, Problem> {
    let erasure = erasure(session, row).await?;
    Ok(wire::Case {
        case_id: erasure.case_id.clone(),
        shared_number: erasure.shared_number.clone(),
        stage: "erased".to_owned(),
        stage_time: erasure.erased_time.clone(),
        erasure: Some(erasure),
        ..Default::default()
    })
}

async fn erasure(session: &mut Session, row: ErasureRow) -> Result<wire::Erasure, Problem> {
    let events = session.erased_event_count(&row.case).await?;
    let erased = row.erased.as_ref();
    Ok(wire::Erasure {
        case_id: row.case.to_string(),
        shared_number: row.shared_number.to_string(),
        reason: row.reason,
        article: row.article,
        proposed_by: row.proposed_by.to_string(),
        proposed_time: row.proposed_time.to_string(),
        erased_time: text_of(erased.map(|erased| erased.time)),
        leaf_index: erased.map_or(0, |erased| erased.leaf_index),
        events,
        finished: erased.is_some_and(|erased| erased.finished),
    })
}

async fn find(session: &mut Session, name: &str) -> Result<CaseSummary, Problem> {
    match session.case(name).await? {
        Some(summary) => Ok(summary),
        None => Err(match session.erasure(name).await? {
            Some(row) => was_erased(&row),
            None => Problem::unknown("case", &name.chars().take(40).collect::<String>()),
        }),
    }
}

/// A page token of the list of cases: opening and id of the last one shown.
fn parse_token(token: &str) -> Result<Option<(Timestamp, String)>, Problem> {
    if token.is_empty() {
        return Ok(None);
    }
    let bad = || Problem::argument("page_token", &"is not one that this server gave");
    let (time, case) = token.split_once('/').ok_or_else(bad)?;
    let time: i64 = time.parse().map_err(|_| bad())?;
    let time = Timestamp::from_microseconds(time).map_err(|_| bad())?;
    Ok(Some((time, case.to_owned())))
}

#[tonic::async_trait]
impl CaseService for Cases {
    async fn get_case(
        &self,
        request: Request<wire::GetCaseRequest>,
    ) -> Result<Response<wire::GetCaseResponse>, Status> {
        let got = async {
            let permit = permit_of(&request)?;
            let mut session = self.0.datastore.read().await?;
            let name = &request.get_ref().case_id;
            let known = session.erasure(name).await?;
            if let Some(row) = known.as_ref().filter(|row| row.erased.is_some()) {
                let case = erased_case(&mut session, row.clone()).await?;
                return Ok(wire::GetCaseResponse { case: Some(case) });
            }
            let summary = find(&mut session, name).await?;
            let id = summary.case().clone();
            let mut case = render(&mut session, summary).await?;
            if let Some(row) = known {
                case.erasure = Some(erasure(&mut session, row).await?);
            }
            drop(session);
            trace_case(&self.0, &permit, id.as_str()).await?;
            Ok(wire::GetCaseResponse { case: Some(case) })
        };
        got.await.map(Response::new).map_err(|problem: Problem| status_of(&problem))
    }

    async fn list_cases(
        &self,
        request: Request<wire::ListCasesRequest>,
    ) -> Result<Response<wire::ListCasesResponse>, Status> {
        let listed = async {
            let permit = permit_of(&request)?;
            let message = request.into_inner();
            let size = page_size(message.page_size, 50, 500)?;
            let before = parse_token(&message.page_token)?;
            let mut session = self.0.datastore.read().await?;
            let mut found = session.cases_before(before, size + 1).await?;
            let more = found.len() > size as usize;
            found.truncate(size as usize);
            let next_page_token = match found.last() {
                Some((opened, last)) if more => format!("{}/{}", opened.microseconds(), last.case()),
                _ => String::new(),
            };
            let mut cases = Vec::with_capacity(found.len());
            for (_, summary) in found {
                cases.push(render(&mut session, summary).await?);
            }
            drop(session);
            trace_list(&self.0, &permit).await?;
            Ok(wire::ListCasesResponse { cases, next_page_token })
        };
        listed.await.map(Response::new).map_err(|problem: Problem| status_of(&problem))
    }

    async fn list_timeline(
        &self,
        request: Request<wire::ListTimelineRequest>,
    ) -> Result<Response<wire::ListTimelineResponse>, Status> {
        let listed = async {
            let permit = permit_of(&request)?;
            let message = request.into_inner();
            let size = page_size(message.page_size, 100, 1000)?;
            let start: u64 = match message.page_token.as_str() {
                "" => 0,
                token => field("page_token", token)?,
            };
            let mut session = self.0.datastore.read().await?;
            let case = match message.case_id.as_str() {
                OFFICE => OFFICE.to_owned(),
                name => find(&mut session, name).await?.case().to_string(),
            };
            // Leaf indices are stored as signed 64-bit numbers.
            let end = i64::MAX.unsigned_abs();
            let rows = session.entries(&case, start.min(end), end, size + 1).await?;
            drop(session);
            trace_case(&self.0, &permit, &case).await?;
            let more = rows.len() > size as usize;
            let mut entries = Vec::with_capacity(rows.len());
            for row in rows.into_iter().take(size as usize) {
                let body: EventBody = serde_json::from_slice(&row.body)
                    .map_err(|error| Problem::internal("a custody entry is damaged", error))?;
                entries.push(wire::TimelineEntry {
                    stream: row.stream.to_string(),
                    n: row.n,
                    time: body.at.to_string(),
                    event: body.event.name().to_owned(),
                    actor: match body.actor {
                        Actor::Officer { officer, .. } => officer.to_string(),
                        Actor::Peer { party } => party.to_string(),
                        Actor::Server => "server".to_owned(),
                    },
                    leaf_index: row.leaf_index,
                    body: row.body.into(),
                });
            }
            let next_page_token = match entries.last() {
                Some(last) if more => (last.leaf_index + 1).to_string(),
                _ => String::new(),
            };
            Ok(wire::ListTimelineResponse { entries, next_page_token })
        };
        listed.await.map(Response::new).map_err(|problem: Problem| status_of(&problem))
    }

    async fn propose_erasure(
        &self,
        request: Request<wire::ProposeErasureRequest>,
    ) -> Result<Response<wire::ProposeErasureResponse>, Status> {
        let proposed = async {
            let permit = permit_of(&request)?;
            let message = request.into_inner();
            let erasing = Erasing {
                request_id: &message.request_id,
                case: &message.case_id,
                reason: &message.reason,
                article: &message.article,
            };
            let row = propose_erasure(&self.0, &permit, &erasing).await?;
            let erasure = erasure(&mut self.0.datastore.read().await?, row).await?;
            Ok(wire::ProposeErasureResponse { erasure: Some(erasure) })
        };
        proposed.await.map(Response::new).map_err(|problem: Problem| status_of(&problem))
    }

    async fn confirm_erasure(
        &self,
        request: Request<wire::ConfirmErasureRequest>,
    ) -> Result<Response<wire::ConfirmErasureResponse>, Status> {
        let confirmed = async {
            let permit = permit_of(&request)?;
            let message = request.into_inner();
            let authority = Arc::clone(&self.0);
            // A started act ignores that the caller hung up.
            tokio::spawn(async move {
                let erasing = Erasing {
                    request_id: &message.request_id,
                    case: &message.case_id,
                    reason: &message.reason,
                    article: &message.article,
                };
                let row = confirm_erasure(&authority, &permit, &erasing).await?;
                let erasure = erasure(&mut authority.datastore.read().await?, row).await?;
                Ok(wire::ConfirmErasureResponse { erasure: Some(erasure) })
            })
            .await
            .map_err(|error| Problem::internal("an erasure broke off", error))?
        };
        confirmed.await.map(Response::new).map_err(|problem: Problem| status_of(&problem))
    }
}

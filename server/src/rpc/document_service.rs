//! Adapts `DocumentService` to casework. Parses, takes the permit, performs one act, renders the
//! answer. Decides nothing; a rule found here belongs in `core` or `casework`.

use super::{field, page_size, sealed, status_of};
use crate::access::permit_of;
use crate::authority::Authority;
use crate::casework::approve_document::approve_document;
use crate::casework::draft_document::{Handed, draft_document};
use crate::casework::record_reading::{read_document, trace_case};
use crate::casework::transmit_document::transmit_document;
use crate::datastore::{DocumentRow, StoredReceipt};
use crate::problem::Problem;
use rogatory_core::receipt::ReceiptKind;
use rogatory_proto::office::v1 as wire;
use rogatory_proto::office::v1::document_service_server::DocumentService;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The service.
pub struct Documents(pub Arc<Authority>);

/// A document as the wire shows it.
fn render(row: &DocumentRow) -> wire::Document {
    wire::Document {
        document_id: row.id.to_string(),
        case_id: row.case.clone(),
        kind: row.kind.to_string(),
        shared_number: row.shared_number.to_string(),
        message_number: row.message_number.value(),
        sender: row.sender.to_string(),
        addressee: row.addressee.to_string(),
        stage: row.stage.as_str().to_owned(),
        container_sha256: row.container_sha256.to_hex(),
        stage_time: row.stage_time.to_string(),
    }
}

#[tonic::async_trait]
impl DocumentService for Documents {
    async fn draft_document(
        &self,
        request: Request<wire::DraftDocumentRequest>,
    ) -> Result<Response<wire::DraftDocumentResponse>, Status> {
        let drafted = async {
            let permit = permit_of(&request)?;
            let message = request.into_inner();
            let case = match message.case_id.as_str() {
                "" => None,
                text => Some(field("case_id", text)?),
            };
            let handed = Handed { request_id: &message.request_id, container: &message.container, case };
            draft_document(&self.0, &permit, handed).await
        };
        let row = drafted.await.map_err(|problem| status_of(&problem))?;
        Ok(Response::new(wire::DraftDocumentResponse { document: Some(render(&row)) }))
    }

    async fn approve_document(
        &self,
        request: Request<wire::ApproveDocumentRequest>,
    ) -> Result<Response<wire::ApproveDocumentResponse>, Status> {
        let approved = async {
            let permit = permit_of(&request)?;
            let message = request.into_inner();
            let id = field("document_id", &message.document_id)?;
            approve_document(&self.0, &permit, &message.request_id, &id, &message.container).await
        };
        let row = approved.await.map_err(|problem| status_of(&problem))?;
        Ok(Response::new(wire::ApproveDocumentResponse { document: Some(render(&row)) }))
    }

    async fn transmit_document(
        &self,
        request: Request<wire::TransmitDocumentRequest>,
    ) -> Result<Response<wire::TransmitDocumentResponse>, Status> {
        let transmitted = async {
            let permit = permit_of(&request)?;
            let id = field("document_id", &request.get_ref().document_id)?;
            let authority = Arc::clone(&self.0);
            // The transmission goes on if the officer's connection breaks.
            tokio::spawn(async move { transmit_document(&authority, &permit, &id).await })
                .await
                .map_err(|error| Problem::internal("a transmission broke off", error))?
        };
        let done = transmitted.await.map_err(|problem| status_of(&problem))?;
        let StoredReceipt { container, leaf_hash } = done.row.receipt.clone().ok_or_else(|| {
            status_of(&Problem::internal("a settled document has no receipt", done.row.id.to_string()))
        })?;
        Ok(Response::new(wire::TransmitDocumentResponse {
            document: Some(render(&done.row)),
            receipt: Some(sealed(container, &leaf_hash)),
            delivered: done.receipt.receipt != ReceiptKind::NonDelivery,
            ground: done.receipt.ground.map(|ground| ground.to_string()).unwrap_or_default(),
            reason: done.receipt.reason.unwrap_or_default(),
        }))
    }

    async fn get_document(
        &self,
        request: Request<wire::GetDocumentRequest>,
    ) -> Result<Response<wire::GetDocumentResponse>, Status> {
        let read = async {
            let permit = permit_of(&request)?;
            let id = field("document_id", &request.get_ref().document_id)?;
            read_document(&self.0, &permit, &id).await
        };
        let row = read.await.map_err(|problem| status_of(&problem))?;
        Ok(Response::new(wire::GetDocumentResponse {
            document: Some(render(&row)),
            receipt: row.receipt.map(|receipt| receipt.container).unwrap_or_default().into(),
            container: row.container.into(),
        }))
    }

    async fn list_documents(
        &self,
        request: Request<wire::ListDocumentsRequest>,
    ) -> Result<Response<wire::ListDocumentsResponse>, Status> {
        let listed = async {
            let permit = permit_of(&request)?;
            let message = request.into_inner();
            let size = page_size(message.page_size, 50, 500)?;
            let skip: u32 = match message.page_token.as_str() {
                "" => 0,
                token => field("page_token", token)?,
            };
            let mut session = self.0.datastore.read().await?;
            let case = session.case(&message.case_id).await?.ok_or_else(|| {
                Problem::unknown("case", &message.case_id.chars().take(40).collect::<String>())
            })?;
            let rows = session.documents(case.case().as_str(), skip, size + 1).await?;
            drop(session);
            trace_case(&self.0, &permit, case.case().as_str()).await?;
            let more = rows.len() > size as usize;
            let documents = rows.iter().take(size as usize).map(render).collect();
            let next_page_token = if more { skip.saturating_add(size).to_string() } else { String::new() };
            Ok(wire::ListDocumentsResponse { documents, next_page_token })
        };
        listed.await.map(Response::new).map_err(|problem: Problem| status_of(&problem))
    }
}

//! Adapts `CustodyService` to casework. Parses, takes the permit, performs one act, renders the
//! answer. Decides nothing.

use super::status_of;
use crate::access::permit_of;
use crate::authority::Authority;
use crate::casework::export_record::export_record;
use crate::casework::sign_checkpoint::sign_checkpoint;
use crate::problem::Problem;
use rogatory_proto::custody::v1 as wire;
use rogatory_proto::custody::v1::custody_service_server::CustodyService;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The service.
pub struct Custody(pub Arc<Authority>);

#[tonic::async_trait]
impl CustodyService for Custody {
    async fn get_checkpoint(
        &self,
        _request: Request<wire::GetCheckpointRequest>,
    ) -> Result<Response<wire::GetCheckpointResponse>, Status> {
        let checkpoint = sign_checkpoint(&self.0).await.map_err(|problem| status_of(&problem))?;
        let note = checkpoint.map(|(_, note)| note).unwrap_or_default();
        Ok(Response::new(wire::GetCheckpointResponse { checkpoint: note.into() }))
    }

    async fn export_record(
        &self,
        request: Request<wire::ExportRecordRequest>,
    ) -> Result<Response<wire::ExportRecordResponse>, Status> {
        let exported = async {
            let permit = permit_of(&request)?;
            export_record(&self.0, &permit, &request.get_ref().case_id).await
        };
        let record = exported.await.map_err(|problem: Problem| status_of(&problem))?;
        Ok(Response::new(wire::ExportRecordResponse { record: record.into() }))
    }
}

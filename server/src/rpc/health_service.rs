//! Adapts `HealthService` to the examination. Decides nothing.

use crate::authority::Authority;
use crate::health::examine;
use rogatory_proto::office::v1 as wire;
use rogatory_proto::office::v1::health_service_server::HealthService;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The service.
pub struct Health(pub Arc<Authority>);

#[tonic::async_trait]
impl HealthService for Health {
    async fn examine(
        &self,
        _request: Request<wire::ExamineRequest>,
    ) -> Result<Response<wire::ExamineResponse>, Status> {
        let findings = examine(&self.0).await.into_iter().map(|finding| wire::Finding {
            kind: finding.kind.as_str().to_owned(),
            red: finding.is_red(),
            what: finding.what,
        });
        Ok(Response::new(wire::ExamineResponse { findings: findings.collect() }))
    }
}

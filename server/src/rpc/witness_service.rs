//! Adapts `WitnessService` to casework. Parses, takes the permit, performs one act, renders the
//! answer. Decides nothing.

use super::{field, status_of};
use crate::access::permit_of;
use crate::authority::Authority;
use crate::casework::witness::cosign::{Shown, add_checkpoint, last_checkpoint};
use crate::casework::witness::prove::{broken_promise_reported, prove_consistency, prove_inclusion};
use crate::casework::witness::{CHECKPOINTS_PASSED_ON, hashes};
use crate::problem::Problem;
use bytes::Bytes;
use rogatory_core::Digest;
use rogatory_proto::peer::v1 as wire;
use rogatory_proto::peer::v1::witness_service_server::WitnessService;
use std::sync::Arc;
use tonic::{Request, Response, Status};

/// The service.
pub struct Witness(pub Arc<Authority>);

fn on_wire(hashes: &[Digest]) -> Vec<Bytes> {
    hashes.iter().map(|hash| hash.as_bytes().to_vec().into()).collect()
}

#[tonic::async_trait]
impl WitnessService for Witness {
    async fn add_checkpoint(
        &self,
        request: Request<wire::AddCheckpointRequest>,
    ) -> Result<Response<wire::AddCheckpointResponse>, Status> {
        let cosigned = async {
            let permit = permit_of(&request)?;
            let message = request.into_inner();
            let shown = Shown {
                old_size: message.old_size,
                proof: hashes("consistency_proof", &message.consistency_proof)?,
                checkpoint: message.checkpoint.to_vec(),
                seen: message
                    .seen_checkpoints
                    .iter()
                    .take(CHECKPOINTS_PASSED_ON)
                    .map(|note| note.to_vec())
                    .collect(),
            };
            let authority = Arc::clone(&self.0);
            // A started act ignores that the caller hung up.
            tokio::spawn(async move { add_checkpoint(&authority, &permit, shown).await })
                .await
                .map_err(|error| Problem::internal("cosigning broke off", error))?
        };
        let cosigned = cosigned.await.map_err(|problem: Problem| status_of(&problem))?;
        Ok(Response::new(wire::AddCheckpointResponse {
            cosignature: cosigned.cosignature.unwrap_or_default().into(),
            known_size: cosigned.known_size,
            seen_checkpoints: cosigned.seen.into_iter().map(Into::into).collect(),
        }))
    }

    async fn last_checkpoint(
        &self,
        request: Request<wire::LastCheckpointRequest>,
    ) -> Result<Response<wire::LastCheckpointResponse>, Status> {
        let last = async {
            let permit = permit_of(&request)?;
            last_checkpoint(&self.0, &permit).await
        };
        let last = last.await.map_err(|problem: Problem| status_of(&problem))?;
        let (checkpoint, cosignature) = last.unwrap_or_default();
        let (checkpoint, cosignature) = (checkpoint.into(), cosignature.into());
        Ok(Response::new(wire::LastCheckpointResponse { checkpoint, cosignature }))
    }

    async fn prove_consistency(
        &self,
        request: Request<wire::ProveConsistencyRequest>,
    ) -> Result<Response<wire::ProveConsistencyResponse>, Status> {
        let proven = prove_consistency(&self.0, &request.get_ref().old_sizes).await;
        let proven = proven.map_err(|problem| status_of(&problem))?;
        let proofs =
            proven.proofs.iter().map(|proof| wire::ConsistencyProof { hashes: on_wire(proof) }).collect();
        Ok(Response::new(wire::ProveConsistencyResponse { checkpoint: proven.checkpoint.into(), proofs }))
    }

    async fn prove_inclusion(
        &self,
        request: Request<wire::ProveInclusionRequest>,
    ) -> Result<Response<wire::ProveInclusionResponse>, Status> {
        let proven = async {
            let permit = permit_of(&request)?;
            let message = request.get_ref();
            let leaf_hash = leaf_hash(&message.leaf_hash)?;
            prove_inclusion(&self.0, &permit, &leaf_hash, message.old_size).await
        };
        let proven = proven.await.map_err(|problem: Problem| status_of(&problem))?;
        Ok(Response::new(wire::ProveInclusionResponse {
            checkpoint: proven.checkpoint.into(),
            consistency_proof: on_wire(&proven.consistency),
            leaf_index: proven.leaf_index,
            inclusion_proof: on_wire(&proven.inclusion),
        }))
    }

    async fn report_broken_promise(
        &self,
        request: Request<wire::ReportBrokenPromiseRequest>,
    ) -> Result<Response<wire::ReportBrokenPromiseResponse>, Status> {
        let reported = async {
            let permit = permit_of(&request)?;
            let message = request.get_ref();
            let due_time = field("due_time", &message.due_time)?;
            broken_promise_reported(&self.0, &permit, leaf_hash(&message.leaf_hash)?, due_time).await
        };
        reported.await.map_err(|problem: Problem| status_of(&problem))?;
        Ok(Response::new(wire::ReportBrokenPromiseResponse {}))
    }
}

fn leaf_hash(bytes: &[u8]) -> Result<Digest, Problem> {
    Digest::from_slice(bytes).map_err(|error| Problem::argument("leaf_hash", &error))
}

//! Adapts the peers' `DeliveryService` to casework. Parses, takes the permit, performs one act,
//! renders the answer. Decides nothing.

use super::objects::{self, Announcement, ObjectMessage};
use super::{sealed, status_of};
use crate::access::permit_of;
use crate::authority::Authority;
use crate::casework::receive_document::receive_document;
use crate::casework::receive_package::receive_package;
use crate::casework::transfer;
use crate::problem::Problem;
use rogatory_proto::peer::v1 as wire;
use rogatory_proto::peer::v1::delivery_service_server::DeliveryService;
use std::sync::Arc;
use tonic::{Request, Response, Status, Streaming};

/// The service.
pub struct Delivery(pub Arc<Authority>);

impl From<wire::SendObjectRequest> for ObjectMessage {
    fn from(message: wire::SendObjectRequest) -> Self {
        Self {
            transfer_id: message.transfer_id,
            name: message.name,
            offset: message.offset,
            size_bytes: message.size_bytes,
            data: message.data,
        }
    }
}

impl From<wire::BeginPackageRequest> for Announcement {
    fn from(message: wire::BeginPackageRequest) -> Self {
        Self {
            shared_number: message.shared_number,
            objects: message.objects,
            sealing_id: message.sealing_id,
            unfinished: message.unfinished,
        }
    }
}

#[tonic::async_trait]
impl DeliveryService for Delivery {
    async fn deliver_document(
        &self,
        request: Request<wire::DeliverDocumentRequest>,
    ) -> Result<Response<wire::DeliverDocumentResponse>, Status> {
        let delivered = async {
            let permit = permit_of(&request)?;
            let message = request.into_inner();
            let authority = Arc::clone(&self.0);
            // A started act ignores that the caller hung up.
            tokio::spawn(async move {
                let receipt =
                    receive_document(&authority, &permit, &message.container, &message.case_head).await?;
                Ok(sealed(receipt.container, &receipt.leaf_hash))
            })
            .await
            .map_err(|error| Problem::internal("a delivery broke off", error))?
        };
        let receipt = delivered.await.map_err(|problem| status_of(&problem))?;
        Ok(Response::new(wire::DeliverDocumentResponse { receipt: Some(receipt) }))
    }

    async fn begin_package(
        &self,
        request: Request<wire::BeginPackageRequest>,
    ) -> Result<Response<wire::BeginPackageResponse>, Status> {
        let begun = async {
            let permit = permit_of(&request)?;
            let announcement = Announcement::from(request.into_inner());
            if announcement.unfinished {
                // Servers send what is whole; from a peer, objects without digests would have no bound.
                return Err(Problem::argument("unfinished", &"is not taken from another institution"));
            }
            objects::begin(&self.0, &permit, announcement).await
        };
        let (transfer_id, progress) = begun.await.map_err(|problem| status_of(&problem))?;
        Ok(Response::new(wire::BeginPackageResponse { transfer_id, progress }))
    }

    async fn send_object(
        &self,
        request: Request<Streaming<wire::SendObjectRequest>>,
    ) -> Result<Response<wire::SendObjectResponse>, Status> {
        let committed_bytes = objects::receive(&self.0, request).await?;
        Ok(Response::new(wire::SendObjectResponse { committed_bytes }))
    }

    async fn commit_package(
        &self,
        request: Request<wire::CommitPackageRequest>,
    ) -> Result<Response<wire::CommitPackageResponse>, Status> {
        let committed = async {
            let permit = permit_of(&request)?;
            let message = request.into_inner();
            let transfer = transfer::find(&self.0, &permit, &message.transfer_id).await?;
            let authority = Arc::clone(&self.0);
            tokio::spawn(async move {
                let (relay, head) = (&message.relay_receipt, &message.case_head);
                let receipt = receive_package(&authority, &permit, transfer, relay, head).await?;
                Ok(sealed(receipt.container, &receipt.leaf_hash))
            })
            .await
            .map_err(|error| Problem::internal("a delivery broke off", error))?
        };
        let receipt = committed.await.map_err(|problem| status_of(&problem))?;
        Ok(Response::new(wire::CommitPackageResponse { receipt: Some(receipt) }))
    }
}

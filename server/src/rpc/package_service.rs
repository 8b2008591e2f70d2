//! Adapts `PackageService` to casework. Parses, takes the permit, performs one act, renders the
//! answer. Decides nothing.

use super::objects::{self, ObjectMessage};
use super::{field, sealed, status_of};
use crate::access::permit_of;
use crate::authority::Authority;
use crate::casework::read_document::{retrieve_package, trace_retrieval};
use crate::casework::relay_package::relay_package;
use crate::casework::send_package::send_package;
use crate::casework::transfer;
use crate::file_stream::stream;
use crate::problem::Problem;
use rogatory_core::PackageId;
use rogatory_core::receipt::{Receipt, ReceiptKind};
use rogatory_proto::common::v1::PackageObject;
use rogatory_proto::office::v1 as wire;
use rogatory_proto::office::v1::package_service_server::PackageService;
use std::io::{Seek, SeekFrom};
use std::sync::Arc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// The service.
pub struct Packages(pub Arc<Authority>);

fn outcome(receipt: &Receipt) -> (bool, String, String) {
    (
        receipt.receipt != ReceiptKind::NonDelivery,
        receipt.ground.map(|ground| ground.to_string()).unwrap_or_default(),
        receipt.reason.clone().unwrap_or_default(),
    )
}

impl From<wire::UploadObjectRequest> for ObjectMessage {
    fn from(message: wire::UploadObjectRequest) -> Self {
        Self {
            transfer_id: message.transfer_id,
            name: message.name,
            offset: message.offset,
            data: message.data,
        }
    }
}

#[tonic::async_trait]
impl PackageService for Packages {
    async fn begin_upload(
        &self,
        request: Request<wire::BeginUploadRequest>,
    ) -> Result<Response<wire::BeginUploadResponse>, Status> {
        let begun = async {
            let permit = permit_of(&request)?;
            let message = request.into_inner();
            objects::begin(&self.0, &permit, &message.shared_number, message.objects).await
        };
        let (transfer, progress) = begun.await.map_err(|problem| status_of(&problem))?;
        Ok(Response::new(wire::BeginUploadResponse { transfer_id: transfer.id, progress }))
    }

    async fn upload_object(
        &self,
        request: Request<Streaming<wire::UploadObjectRequest>>,
    ) -> Result<Response<wire::UploadObjectResponse>, Status> {
        let committed_bytes = objects::receive(&self.0, request).await?;
        Ok(Response::new(wire::UploadObjectResponse { committed_bytes }))
    }

    async fn send_package(
        &self,
        request: Request<wire::SendPackageRequest>,
    ) -> Result<Response<wire::SendPackageResponse>, Status> {
        let sent = async {
            let permit = permit_of(&request)?;
            let transfer = transfer::find(&self.0, &permit, &request.get_ref().transfer_id).await?;
            let authority = Arc::clone(&self.0);
            // The transmission goes on if the officer's connection breaks.
            tokio::spawn(async move { send_package(&authority, &permit, transfer).await })
                .await
                .map_err(|error| Problem::internal("a transmission broke off", error))?
        };
        let done = sent.await.map_err(|problem| status_of(&problem))?;
        let stored = done.package.receipt.clone();
        let (delivered, ground, reason) = outcome(&done.receipt);
        Ok(Response::new(wire::SendPackageResponse {
            package_id: done.package.id.to_string(),
            receipt: stored.map(|receipt| sealed(receipt.container, &receipt.leaf_hash, Vec::new())),
            delivered,
            ground,
            reason,
        }))
    }

    async fn relay_package(
        &self,
        request: Request<wire::RelayPackageRequest>,
    ) -> Result<Response<wire::RelayPackageResponse>, Status> {
        let relayed = async {
            let permit = permit_of(&request)?;
            let id: PackageId = field("package_id", &request.get_ref().package_id)?;
            let authority = Arc::clone(&self.0);
            tokio::spawn(async move { relay_package(&authority, &permit, &id).await })
                .await
                .map_err(|error| Problem::internal("a transmission broke off", error))?
        };
        let done = relayed.await.map_err(|problem| status_of(&problem))?;
        let (delivered, ground, reason) = outcome(&done.receipt);
        Ok(Response::new(wire::RelayPackageResponse {
            relay_receipt: done.relay_receipt.into(),
            receipt: Some(sealed(done.sealed.container, &done.sealed.leaf_hash, Vec::new())),
            delivered,
            ground,
            reason,
        }))
    }

    async fn get_package(
        &self,
        request: Request<wire::GetPackageRequest>,
    ) -> Result<Response<wire::GetPackageResponse>, Status> {
        let got = async {
            let permit = permit_of(&request)?;
            let id: PackageId = field("package_id", &request.get_ref().package_id)?;
            retrieve_package(&self.0, &permit, &id).await
        };
        let (package, objects) = got.await.map_err(|problem| status_of(&problem))?;
        let objects = objects.into_iter().map(|object| PackageObject {
            name: object.name,
            size_bytes: object.size_bytes,
            sha256: object.sha256.as_bytes().to_vec().into(),
        });
        Ok(Response::new(wire::GetPackageResponse {
            objects: objects.collect(),
            manifest_sha256: package.manifest_sha256.to_hex(),
            relay_receipt: package.relay_receipt.unwrap_or_default().into(),
        }))
    }

    type DownloadObjectStream = ReceiverStream<Result<wire::DownloadObjectResponse, Status>>;

    async fn download_object(
        &self,
        request: Request<wire::DownloadObjectRequest>,
    ) -> Result<Response<Self::DownloadObjectStream>, Status> {
        let opened = async {
            let permit = permit_of(&request)?;
            let message = request.into_inner();
            let id: PackageId = field("package_id", &message.package_id)?;
            trace_retrieval(&self.0, &permit, &id).await?;
            let mut session = self.0.datastore.read().await?;
            let object = session.package_object(&id, &message.name).await?;
            let object = object.ok_or_else(|| Problem::unknown("object of package", &id))?;
            if message.offset > object.size_bytes {
                return Err(Problem::argument(
                    "offset",
                    &format!("the object has {} bytes", object.size_bytes),
                ));
            }
            let mut file = self.0.vault.open_object(&id, &object.name)?;
            file.seek(SeekFrom::Start(message.offset))
                .map_err(|error| Problem::internal("an object of a package cannot be read", error))?;
            Ok(file)
        };
        let file = opened.await.map_err(|problem| status_of(&problem))?;
        Ok(Response::new(stream(file, None, |bytes| {
            Some(match bytes {
                Ok(bytes) => Ok(wire::DownloadObjectResponse { data: bytes.into() }),
                Err(error) => {
                    Err(status_of(&Problem::internal("an object of a package cannot be read", error)))
                }
            })
        })))
    }
}

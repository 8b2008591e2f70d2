//! Adapts `PackageService` to casework. Parses, takes the permit, performs one act, renders the
//! answer. Decides nothing.

use super::objects::{self, Announcement, ObjectMessage};
use super::{field, sealed, status_of};
use crate::access::permit_of;
use crate::authority::Authority;
use crate::casework::record_reading::{retrieve_package, trace_retrieval};
use crate::casework::relay_package::relay_package;
use crate::casework::report_offline::{DerivedAct, OfflineAct, report_offline_act};
use crate::casework::send_package::send_package;
use crate::casework::transfer;
use crate::file_stream::stream;
use crate::problem::Problem;
use rogatory_core::receipt::{Receipt, ReceiptKind};
use rogatory_core::{Digest, PackageId};
use rogatory_proto::common::v1::PackageObject;
use rogatory_proto::objects::Buffers;
use rogatory_proto::office::v1 as wire;
use rogatory_proto::office::v1::package_service_server::PackageService;
use std::io::{self, Read, Seek, SeekFrom};
use std::sync::Arc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status, Streaming};

/// The most objects of one download.
const NAMES: usize = 1024;

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
            size_bytes: message.size_bytes,
            data: message.data,
        }
    }
}

impl From<wire::BeginUploadRequest> for Announcement {
    fn from(message: wire::BeginUploadRequest) -> Self {
        Self {
            shared_number: message.shared_number,
            objects: message.objects,
            sealing_id: message.sealing_id,
            unfinished: message.unfinished,
        }
    }
}

fn offline_act(act: Option<wire::report_offline_act_request::Act>) -> Result<OfflineAct, Problem> {
    use wire::report_offline_act_request::Act;
    let derived = |made: wire::DerivedPackage| {
        Ok(DerivedAct {
            derived: field("package_id", &made.package_id)?,
            recipients: made.recipients,
            count: made.count,
            exhibits: made.exhibits,
        })
    };
    match act {
        Some(Act::SensitiveOpened(opened)) => Ok(OfflineAct::SensitiveOpened {
            count: opened.count,
            exhibits: opened.exhibits,
            reason_sha256: Digest::from_slice(&opened.reason_sha256)
                .map_err(|error| Problem::argument("reason_sha256", &error))?,
        }),
        Some(Act::Rewrapped(made)) => derived(made).map(OfflineAct::Rewrapped),
        Some(Act::Disclosed(made)) => derived(made).map(OfflineAct::Disclosed),
        None => Err(Problem::argument("act", &"say what was done")),
    }
}

#[tonic::async_trait]
impl PackageService for Packages {
    async fn report_offline_act(
        &self,
        request: Request<wire::ReportOfflineActRequest>,
    ) -> Result<Response<wire::ReportOfflineActResponse>, Status> {
        let reported = async {
            let permit = permit_of(&request)?;
            let message = request.into_inner();
            let package = field("package_id", &message.package_id)?;
            let act = offline_act(message.act)?;
            report_offline_act(&self.0, &permit, &message.request_id, &package, act).await?;
            Ok(wire::ReportOfflineActResponse {})
        };
        reported.await.map(Response::new).map_err(|problem: Problem| status_of(&problem))
    }

    async fn begin_upload(
        &self,
        request: Request<wire::BeginUploadRequest>,
    ) -> Result<Response<wire::BeginUploadResponse>, Status> {
        let begun = async {
            let permit = permit_of(&request)?;
            objects::begin(&self.0, &permit, request.into_inner().into()).await
        };
        let (transfer_id, progress) = begun.await.map_err(|problem| status_of(&problem))?;
        Ok(Response::new(wire::BeginUploadResponse { transfer_id, progress }))
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
            receipt: stored.map(|receipt| sealed(receipt.container, &receipt.leaf_hash)),
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
            receipt: Some(sealed(done.sealed.container, &done.sealed.leaf_hash)),
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
            receipt: package.receipt.map(|receipt| receipt.container).unwrap_or_default().into(),
            relay_answer: package.relay_answer.map(|receipt| receipt.container).unwrap_or_default().into(),
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
            if message.names.is_empty() || message.names.len() > NAMES {
                let what = format!("has {} entries; 1 to {NAMES} are taken", message.names.len());
                return Err(Problem::argument("names", &what));
            }
            let mut objects = Vec::with_capacity(message.names.len());
            for name in &message.names {
                let object = session.package_object(&id, name).await?;
                objects.push(object.ok_or_else(|| Problem::unknown("object of package", &id))?);
            }
            let first = objects.first().map_or(0, |object| object.size_bytes);
            if message.offset > first {
                return Err(Problem::argument("offset", &format!("the object has {first} bytes")));
            }
            Ok((id, objects, message.offset))
        };
        let (id, objects, offset) = opened.await.map_err(|problem| status_of(&problem))?;
        let vault = self.0.vault.clone();
        Ok(Response::new(stream(move |send| {
            let mut buffers = Buffers::default();
            for (at, object) in objects.into_iter().enumerate() {
                let offset = if at == 0 { offset } else { 0 };
                let read = vault.open_object(&id, &object.name).and_then(|mut file| {
                    file.seek(SeekFrom::Start(offset))
                        .and_then(|_| pass_on(object.name, &mut file, &mut buffers, &mut *send))
                        .map_err(|error| Problem::internal("an object of a package cannot be read", error))
                });
                match read {
                    Ok(true) => {}
                    Ok(false) => return,
                    Err(problem) => {
                        send(Err(status_of(&problem)));
                        return;
                    }
                }
            }
        })))
    }
}

/// Passes an object on in messages, the first with its name. Tells whether everything was taken.
fn pass_on(
    mut name: String,
    file: &mut dyn Read,
    buffers: &mut Buffers,
    send: &mut dyn FnMut(Result<wire::DownloadObjectResponse, Status>) -> bool,
) -> io::Result<bool> {
    loop {
        let data = buffers.read(file)?;
        if data.is_empty() && name.is_empty() {
            return Ok(true);
        }
        if !send(Ok(wire::DownloadObjectResponse { data, name: std::mem::take(&mut name) })) {
            return Ok(false);
        }
    }
}

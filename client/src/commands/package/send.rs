//! Sending a sealed package: upload to the own server, which seals it as the institution and
//! delivers it to the authority that ordered it.
//!
//! The bytes that are sent are those on disk, announced with the digests that the package's manifest names: a file
//! that is another is refused where it arrives. An upload that broke continues where it stopped.

use super::objects::{self, Source};
use crate::commands::documents;
use crate::commands::receipts::{self, Expected, ReceiptFacts};
use crate::connect::explain;
use crate::output::Outcome;
use crate::output::page::{Page, bytes};
use crate::problem::{Problem, clean};
use crate::session::Session;
use rogatory_core::receipt::{ReceiptKind, Receipted};
use rogatory_core::{Digest, PackageId, PartyId, SharedNumber};
use rogatory_evidence::source::{ObjectDigest, ObjectList, PackageSource};
use rogatory_evidence::transmittal::{MAX_TRANSMITTAL_BYTES, Transmittal};
use rogatory_proto::common::v1::PackageObject;
use rogatory_proto::office::v1 as office;
use serde::Serialize;
use std::collections::HashMap;
use std::io::{self, Read};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

/// How many bytes one message carries.
const MESSAGE_BYTES: usize = 256 * 1024;
/// How many messages may be read ahead.
const MESSAGES_AHEAD: usize = 8;

/// What to send.
#[derive(Clone, Debug)]
pub struct SendArguments {
    /// The sealed package, a `.asice` file or a folder.
    pub path: PathBuf,
    /// The shared number of the order that is answered.
    pub order: String,
}

/// What will be sent, to be shown before it happens.
#[derive(Clone, Serialize)]
pub struct SendPlan {
    /// The package.
    pub package_id: PackageId,
    /// The order that is answered.
    pub order: SharedNumber,
    /// The case.
    pub case_id: String,
    /// The authority that ordered it.
    pub to: PartyId,
    /// Who can open it: age recipients with institution, if known.
    pub recipients: Vec<String>,
    /// The number of objects.
    pub object_count: usize,
    /// The bytes of all objects.
    pub size_bytes: u64,
    #[serde(skip)]
    manifest: Digest,
    #[serde(skip)]
    source: Arc<Source>,
    #[serde(skip)]
    objects: ObjectList,
}

impl Outcome for SendPlan {
    fn show(&self, page: &mut Page) {
        page.line("This will be sealed by the institution and sent, and cannot be taken back:");
        page.blank();
        page.fact("package", &self.package_id);
        page.fact("answers order", &self.order);
        page.fact("to", &self.to);
        page.fact("size", format!("{} objects, {}", self.object_count, bytes(self.size_bytes)));
        for recipient in &self.recipients {
            page.fact("can be opened by", recipient);
        }
    }
}

/// The result of sending.
#[derive(Clone, Debug, Serialize)]
pub struct Sent {
    /// The package.
    pub package_id: PackageId,
    /// The order that is answered.
    pub order: SharedNumber,
    /// The case.
    pub case_id: String,
    /// The authority that ordered it.
    pub to: PartyId,
    /// The number of objects sent by this machine.
    pub object_count: usize,
    /// Their bytes.
    pub size_bytes: u64,
    /// Whether the receipt is positive.
    pub delivered: bool,
    /// The receipt, verified.
    pub receipt: ReceiptFacts,
}

impl Outcome for Sent {
    fn show(&self, page: &mut Page) {
        page.fact("package", &self.package_id);
        page.fact("answers order", &self.order);
        page.fact("to", &self.to);
        page.fact("size", format!("{} objects, {}", self.object_count, bytes(self.size_bytes)));
        self.receipt.show(page);
    }

    fn complaint(&self) -> Option<Problem> {
        self.receipt.complaint()
    }
}

/// Reads what the package says of itself, and finds to whom it goes. The server hashes what it is sent.
///
/// # Errors
/// Unverified, if it cannot be read; a usage problem, if it answers another order.
pub async fn plan_send(session: &Session, arguments: SendArguments) -> Result<SendPlan, Problem> {
    let order: SharedNumber = arguments.order.parse().map_err(|error| {
        Problem::usage(clean(&rogatory_core::chain(&error as &rogatory_core::reference::ReferenceError)))
    })?;
    let case = documents::case(session, order.as_str()).await?;
    let progress = Arc::clone(&session.progress);
    let path = arguments.path;
    let (source, objects, transmittal) = tokio::task::spawn_blocking(move || {
        let source = Source::open(&path)?;
        let transmittal = transmittal(&source, &path)?;
        let objects = source.list(&path, &progress)?;
        objects::id_of(&objects, &path).map(|id| (source, (objects, id), transmittal))
    })
    .await
    .map_err(|error| Problem::failed("reading the package stopped").because(&error))??;
    let (objects, (package_id, manifest)) = objects;
    if transmittal.order.as_ref() != Some(&order) {
        let says =
            transmittal.order.as_ref().map_or_else(|| "no order".to_owned(), |said| format!("order {said}"));
        return Err(Problem::usage(format!("package {package_id} answers {says}, not order {order}"))
            .with_hint("seal it with --order, or with --order-document"));
    }
    let to = crate::commands::party_id(&case.counterpart)?;
    let size_bytes = objects.0.iter().fold(0, |sum: u64, object| sum.saturating_add(object.size_bytes));
    super::limits::check_addressee(session, &to, size_bytes).await?;
    Ok(SendPlan {
        package_id,
        order,
        case_id: case.case_id,
        to,
        recipients: super::recipient_lines(&transmittal),
        object_count: objects.0.len(),
        size_bytes,
        manifest,
        source: Arc::new(source),
        objects,
    })
}

fn transmittal(source: &Source, path: &std::path::Path) -> Result<Transmittal, Problem> {
    let bad = |error: &dyn std::error::Error| {
        Problem::unverified(format!("`transmittal.json` of package `{}` cannot be read", path.display()))
            .because(error)
    };
    let mut text = Vec::new();
    let reader = source.open("transmittal.json").map_err(|error| bad(&error))?;
    reader.take(MAX_TRANSMITTAL_BYTES as u64 + 1).read_to_end(&mut text).map_err(|error| bad(&error))?;
    Transmittal::from_bytes(&text).map_err(|error| bad(&error))
}

/// Uploads what the server does not hold yet, has it sealed and delivered, and verifies the receipt.
///
/// # Errors
/// Not yet, if server or authority cannot be reached: the same call continues. Unverified, if the
/// receipt does not hold.
pub async fn send(session: &Session, plan: SendPlan) -> Result<Sent, Problem> {
    let mut client = session.connection().await?.packages();
    let request = office::BeginUploadRequest {
        shared_number: plan.order.to_string(),
        objects: plan.objects.0.iter().map(announcement).collect(),
    };
    let begun = client.begin_upload(request).await.map_err(explain)?.into_inner();
    let committed: HashMap<String, u64> =
        begun.progress.into_iter().map(|object| (object.name, object.committed_bytes)).collect();
    session.progress.begin("sending", Some(plan.size_bytes));
    for object in &plan.objects.0 {
        let offset = committed.get(&object.name).copied().unwrap_or(0).min(object.size_bytes);
        session.progress.advance(offset);
        if offset < object.size_bytes {
            let uploaded = upload(session, &plan, &begun.transfer_id, object, offset).await;
            if uploaded.is_err() {
                session.progress.end();
            }
            uploaded?;
        }
    }
    session.progress.end();
    let request =
        office::SendPackageRequest { request_id: session.call_id(), transfer_id: begun.transfer_id };
    let answer = client.send_package(request).await.map_err(|status| {
        let problem = explain(status);
        let not_yet = problem.exit() == crate::Exit::NotYet;
        if not_yet { problem.with_hint("the package is kept; the same command continues") } else { problem }
    })?;
    let answer = answer.into_inner();
    if answer.package_id != plan.package_id.as_str() {
        return Err(Problem::unverified(format!("the server sent package {}", clean(&answer.package_id))));
    }
    // The institution's seal joined meanwhile: what was delivered is what the server now holds.
    let held = super::held(session, &plan.package_id).await?;
    let unchanged = plan.objects.0.iter().all(|sent| {
        held.objects.iter().any(|kept| {
            kept.name == sent.name && kept.sha256 == sent.sha256 && kept.size_bytes == sent.size_bytes
        })
    });
    if !unchanged {
        return Err(Problem::unverified(format!(
            "the server does not hold package {} as it was sent",
            plan.package_id
        )));
    }
    let own = &session.profile()?.party;
    let of = |of: &Receipted| match of {
        Receipted::Package { sender, shared_number, .. } => {
            sender == own && *shared_number == plan.order && held.is_meant_by(&plan.package_id, of)
        }
        Receipted::Document { .. } => false,
    };
    let expected = Expected {
        issuer: &plan.to,
        kind: ReceiptKind::Delivery,
        addressee: own,
        of: &of,
        sent: plan.manifest,
    };
    let receipt = receipts::verify(session, answer.receipt, expected).await?;
    Ok(Sent {
        package_id: plan.package_id,
        order: plan.order,
        case_id: plan.case_id,
        to: plan.to,
        object_count: plan.object_count,
        size_bytes: plan.size_bytes,
        delivered: receipt.ground.is_none(),
        receipt,
    })
}

fn announcement(object: &ObjectDigest) -> PackageObject {
    PackageObject {
        name: object.name.clone(),
        size_bytes: object.size_bytes,
        sha256: object.sha256.as_bytes().to_vec().into(),
    }
}

/// Sends one object from `offset` on.
async fn upload(
    session: &Session,
    plan: &SendPlan,
    transfer_id: &str,
    object: &ObjectDigest,
    offset: u64,
) -> Result<(), Problem> {
    let (messages, received) = mpsc::channel(MESSAGES_AHEAD);
    let header = office::UploadObjectRequest {
        transfer_id: transfer_id.to_owned(),
        name: object.name.clone(),
        offset,
        data: bytes::Bytes::new(),
    };
    let source = Arc::clone(&plan.source);
    let name = object.name.clone();
    let progress = Arc::clone(&session.progress);
    let reading = tokio::task::spawn_blocking(move || -> io::Result<()> {
        let mut reader = source.open_at(&name, offset)?;
        // A closed channel means that the call ended; its status says why.
        if messages.blocking_send(header).is_err() {
            return Ok(());
        }
        loop {
            let mut data = Vec::with_capacity(MESSAGE_BYTES);
            reader.by_ref().take(MESSAGE_BYTES as u64).read_to_end(&mut data)?;
            if data.is_empty() {
                return Ok(());
            }
            progress.advance(data.len() as u64);
            let message = office::UploadObjectRequest { data: data.into(), ..Default::default() };
            if messages.blocking_send(message).is_err() {
                return Ok(());
            }
        }
    });
    let mut client = session.connection().await?.packages();
    let answer = client.upload_object(ReceiverStream::new(received)).await;
    let read =
        reading.await.map_err(|error| Problem::failed("reading the package stopped").because(&error))?;
    read.map_err(|error| Problem::unverified(format!("`{}` cannot be read", object.name)).because(&error))?;
    let committed = answer.map_err(explain)?.into_inner().committed_bytes;
    if committed == object.size_bytes {
        return Ok(());
    }
    Err(Problem::not_yet(format!(
        "`{}` arrived with {committed} of {} bytes",
        object.name, object.size_bytes
    ))
    .with_hint("the same command continues where it stopped"))
}

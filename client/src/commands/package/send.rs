//! Sending a sealed package: upload to the own server, which seals it as the institution and
//! delivers it to the authority that ordered it.
//!
//! The bytes that are sent are those on disk, announced with the digests that the package's manifest names: a file
//! that is another is refused where it arrives. An upload that broke continues where it stopped.

use super::objects::{self, Source};
use super::upload::{Readable, answered, to_send, unless_raced, upload};
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
use rogatory_evidence::transmittal::{MAX_TRANSMITTAL_BYTES, Transmittal, TransmittalKind};
use rogatory_proto::common::v1::PackageObject;
use rogatory_proto::office::v1 as office;
use serde::Serialize;
use std::collections::HashMap;
use std::io::Read;
use std::path::PathBuf;
use std::sync::Arc;

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
    source: Readable,
    #[serde(skip)]
    objects: ObjectList,
    /// What its sealing is known by.
    #[serde(skip)]
    sealing_id: Digest,
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
    /// Those of them that this run sent; the others were there.
    pub sent_bytes: u64,
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
    if transmittal.kind != TransmittalKind::Original {
        return Err(Problem::usage(format!(
            "package {package_id} was made from another one, and only an original answers an order"
        ))
        .with_hint(
            "hand it over on a medium; what an order asks for is sealed for its recipients and sent",
        ));
    }
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
        sealing_id: super::upload::sealing_id(&transmittal),
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
    session.progress.begin("sending", Some(plan.size_bytes));
    let uploaded = unless_raced(async || {
        let request = office::BeginUploadRequest {
            shared_number: plan.order.to_string(),
            objects: plan.objects.0.iter().map(announcement).collect(),
            sealing_id: plan.sealing_id.as_bytes().to_vec().into(),
            unfinished: false,
        };
        let begun = answered(client.clone().begin_upload(request).await)?;
        let objects = plan.objects.0.iter().map(|object| (object.name.as_str(), object.size_bytes));
        let waiting = to_send(objects, &begun.progress);
        let left = waiting.iter().map(|object| object.size_bytes - object.offset).sum::<u64>();
        session.progress.done_before(plan.size_bytes.saturating_sub(left));
        upload(&client, &begun.transfer_id, &plan.source, waiting, &session.progress).await?;
        Ok((begun.transfer_id, left))
    })
    .await;
    session.progress.end();
    let (transfer_id, sent_bytes) = uploaded?;
    let request = office::SendPackageRequest { request_id: session.call_id(), transfer_id };
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
    let kept: HashMap<&str, &ObjectDigest> =
        held.objects.iter().map(|object| (object.name.as_str(), object)).collect();
    let is_kept = |sent: &ObjectDigest| {
        kept.get(sent.name.as_str())
            .is_some_and(|kept| kept.sha256 == sent.sha256 && kept.size_bytes == sent.size_bytes)
    };
    if !plan.objects.0.iter().all(is_kept) {
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
        sent_bytes,
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

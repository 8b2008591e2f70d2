//! An officer's desk under load: distinct requests drafted, approved and transmitted through the office's own RPCs.
//!
//! The paper is rendered once and goes into every container: no server reads papers, and rendering is not what is
//! measured here. Data, numbers and signatures are distinct.

use crate::office::Office;
use crate::time::{MachineClock, MachineEntropy};
use anyhow::{Context as _, ensure};
use rogatory_client::connect::explain;
use rogatory_client::papers::{self, Envelope};
use rogatory_client::{Session, containers};
use rogatory_core::document::{Document, DocumentKind, InReplyTo, SignerRule};
use rogatory_core::entropy::draw;
use rogatory_core::{Clock as _, Digest, MessageNumber, SharedNumber, Timestamp};
use rogatory_pki::signing::FileSigner;
use rogatory_proto::office::v1 as wire;
use rogatory_proto::office::v1::document_service_client::DocumentServiceClient;
use serde_json::{Value, json};
use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::task::JoinSet;
use tonic::transport::Channel;

/// The form of the requests.
const FORM: &str = "ets185/art31-trafficking";

/// The two officers of an authority who write.
pub(crate) const AUTHORITY: [&str; 2] = ["drafter", "approver"];
/// The one officer of a provider who writes; she approves nothing.
pub(crate) const AGENT: [&str; 2] = ["agent", "agent"];

/// Connections and keys of two officers of one office.
pub(crate) struct Desk {
    request: Document,
    paper: Vec<u8>,
    drafter: FileSigner,
    approver: FileSigner,
    drafting: Vec<DocumentServiceClient<Channel>>,
    approving: Vec<DocumentServiceClient<Channel>>,
    // A session holds its connection open.
    _sessions: Vec<Session>,
}

impl Desk {
    /// Opens `connections` connections to `from` for each of two officers, who will write to `to`: the one who drafts
    /// and transmits, and the one who approves.
    ///
    /// # Errors
    /// If the server refuses, or the paper cannot be rendered.
    pub(crate) async fn open(
        from: &Office,
        officers: [&str; 2],
        to: &Office,
        connections: usize,
    ) -> anyhow::Result<Self> {
        let form = papers::template(FORM, Some(DocumentKind::Request), &papers::Wording::default())?;
        let mut facts = form.example();
        facts["recipients"] = from.recipients()?;
        let envelope = Envelope {
            shared_number: SharedNumber::mint(from.party.country(), &MachineEntropy),
            message_number: MessageNumber::FIRST,
            sender: from.named(),
            addressee: to.named(),
            created_time: now(),
            in_reply_to: None,
        };
        let request = papers::document(form, envelope, facts);
        let paper = papers::render(&request.to_json())?;
        let [drafter, approver] = officers;
        let (mut drafting, mut approving, mut sessions) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..connections {
            for (officer, clients) in officers.into_iter().zip([&mut drafting, &mut approving]) {
                let session = from.session(officer)?;
                clients.push(session.connection().await?.documents());
                sessions.push(session);
            }
        }
        let signer =
            |officer| -> anyhow::Result<FileSigner> { Ok(from.session(officer)?.profile()?.signer()?) };
        Ok(Self {
            request,
            paper,
            drafter: signer(drafter)?,
            approver: signer(approver)?,
            drafting,
            approving,
            _sessions: sessions,
        })
    }

    /// The bytes of data and paper of a request.
    #[must_use]
    pub(crate) fn size_bytes(&self) -> usize {
        self.request.to_json().len() + self.paper.len()
    }

    /// A request like no other.
    #[must_use]
    pub(crate) fn request(&self) -> Document {
        let mut request = self.request.clone();
        request.shared_number = SharedNumber::mint(request.sender.party.country(), &MachineEntropy);
        request.created_time = now();
        request.body["our_reference"] = json!(format!("BENCH/{}", request.shared_number));
        request
    }

    /// Signs and hands in a document, and has it approved if its kind needs that; answers its id.
    ///
    /// # Errors
    /// As the server answers.
    pub(crate) async fn hand_in(
        &self,
        caller: usize,
        document: &Document,
        case_id: &str,
    ) -> anyhow::Result<String> {
        let two = document.kind.signer_rule() == SignerRule::TwoOfficersAndSeal;
        let function = if two { containers::DRAFTER } else { containers::OFFICER };
        let (json, paper) = (document.to_json(), self.paper.clone());
        let drafted = containers::begin(json, paper, &self.drafter, now(), function)?;
        let request = wire::DraftDocumentRequest {
            request_id: call_id(),
            container: drafted.clone().into(),
            case_id: case_id.to_owned(),
        };
        let answer = client(&self.drafting, caller)?.draft_document(request).await.map_err(explain)?;
        let document_id = answer.into_inner().document.context("the answer names no document")?.document_id;
        if two {
            let opened = containers::open(&drafted, "the draft")?;
            let container = containers::add_signature(opened, &self.approver, now(), containers::APPROVER)?;
            let request = wire::ApproveDocumentRequest {
                request_id: call_id(),
                document_id: document_id.clone(),
                container: container.into(),
            };
            client(&self.approving, caller)?.approve_document(request).await.map_err(explain)?;
        }
        Ok(document_id)
    }

    /// Has a document sealed and transmitted; insists on a positive receipt.
    ///
    /// # Errors
    /// As the server answers, or if the receipt is negative.
    pub(crate) async fn transmit(&self, caller: usize, document_id: &str) -> anyhow::Result<()> {
        let request =
            wire::TransmitDocumentRequest { request_id: call_id(), document_id: document_id.to_owned() };
        let answer = client(&self.drafting, caller)?.transmit_document(request).await.map_err(explain)?;
        let answer = answer.into_inner();
        ensure!(answer.delivered, "{document_id} was not delivered ({}): {}", answer.ground, answer.reason);
        ensure!(answer.receipt.is_some(), "{document_id} came back without a receipt");
        Ok(())
    }
}

/// The instant that documents hold.
#[must_use]
pub(crate) fn now() -> Timestamp {
    MachineClock.now().whole_seconds()
}

fn call_id() -> String {
    Digest::from_bytes(draw(&MachineEntropy)).to_hex().chars().take(32).collect()
}

fn client(
    clients: &[DocumentServiceClient<Channel>],
    caller: usize,
) -> anyhow::Result<DocumentServiceClient<Channel>> {
    let which = caller.checked_rem(clients.len()).context("the desk has no connection")?;
    Ok(clients.get(which).context("the desk has no connection")?.clone())
}

/// Message `number` of `from` about a matter that `opened` opened.
#[must_use]
pub(crate) fn answer(opened: &Document, kind: DocumentKind, number: MessageNumber, body: Value) -> Document {
    Document {
        kind,
        message_number: number,
        sender: opened.addressee.clone(),
        addressee: opened.sender.clone(),
        created_time: now(),
        in_reply_to: Some(InReplyTo {
            shared_number: opened.shared_number.clone(),
            message_number: opened.message_number,
            document_sha256: Digest::of(&opened.to_json()),
        }),
        body,
        ..opened.clone()
    }
}

/// Has `callers` callers do `work` for each of `0..count`, each going on to the next as soon as it is done; the first
/// error ends all.
///
/// # Errors
/// The first of the work's own.
pub(crate) async fn at_once<T, F, W>(callers: usize, count: usize, work: F) -> anyhow::Result<Vec<T>>
where
    T: Send + 'static,
    F: Fn(usize, usize) -> W + Clone + Send + 'static,
    W: Future<Output = anyhow::Result<T>> + Send,
{
    let next = Arc::new(AtomicUsize::new(0));
    let mut tasks = JoinSet::new();
    for caller in 0..callers {
        let (next, work) = (Arc::clone(&next), work.clone());
        tasks.spawn(async move {
            let mut done = Vec::new();
            loop {
                let which = next.fetch_add(1, Ordering::Relaxed);
                if which >= count {
                    return Ok::<_, anyhow::Error>(done);
                }
                done.push(work(caller, which).await?);
            }
        });
    }
    let mut all = Vec::with_capacity(count);
    while let Some(done) = tasks.join_next().await {
        all.extend(done.context("a caller broke off")??);
    }
    Ok(all)
}

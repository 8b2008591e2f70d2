//! Formal documents made by hand: sound data, a stub for a paper, whichever signatures a test wants;
//! and the calls that carry them.
//!
//! The client renders every paper and refuses most of what is tried here; a server must refuse it too.

use crate::caller;
use crate::office::Office;
use rogatory_client::commands::documents;
use rogatory_client::connect::explain;
use rogatory_client::{Problem, containers};
use rogatory_container::asice::{self, Asice};
use rogatory_container::zip::ZipLimits;
use rogatory_core::document::{
    DATA_FILE, Document, DocumentKind, ENCLOSED_REQUEST_FILE, FORMAT, InReplyTo, NamedPackage, NamedParty,
    PAPER_FILE, PROFILE, SignerEntry, SignerRule, Signers,
};
use rogatory_core::receipt::Receipt;
use rogatory_core::{Digest, MessageNumber, SharedNumber};
use rogatory_pki::signing::Signer;
use rogatory_proto::office::v1 as wire;
use rogatory_proto::peer::v1::delivery_service_client::DeliveryServiceClient;
use rogatory_proto::peer::v1::{DeliverDocumentRequest, DeliverDocumentResponse};
use serde_json::{Value, json};
use tonic::Status;

/// What stands where the paper would.
const PAPER: &[u8] = b"%PDF-1.7\n% a stub: servers never read papers\n";

/// An office as documents name it.
#[must_use]
pub fn named(office: &Office) -> NamedParty {
    NamedParty { party: office.party.clone(), name: office.name.clone() }
}

/// The digest by which other documents refer to this one.
#[must_use]
pub fn digest(document: &Document) -> Digest {
    Digest::of(&document.to_json())
}

/// The keys of the evidence officer and of the recovery of `office`, as a request lists them.
#[must_use]
pub fn recipients(office: &Office) -> Value {
    let officer = office.officer("evidence");
    let hers = office.recipients(Some("evidence"));
    let recovery = office.recipients(None);
    let hers =
        hers.iter().map(|key| json!({ "institution": office.party, "officer": officer, "recipient": key }));
    let recovery =
        recovery.iter().map(|key| json!({ "institution": office.party, "officer": null, "recipient": key }));
    hers.chain(recovery).collect()
}

/// A document of `kind` that opens a matter under a new number.
fn opening(from: &Office, to: &Office, kind: DocumentKind, body: Value) -> Document {
    Document {
        format: FORMAT,
        profile: PROFILE,
        kind,
        shared_number: SharedNumber::mint(from.party.country(), from.entropy()),
        message_number: MessageNumber::FIRST,
        sender: named(from),
        addressee: named(to),
        created_time: from.now(),
        in_reply_to: None,
        renderer: "by hand".to_owned(),
        template: "by-hand".to_owned(),
        pack_version: "0".to_owned(),
        language: "en".to_owned(),
        body,
    }
}

/// A request of `from` for evidence that `from` shall open.
#[must_use]
pub fn request(from: &Office, to: &Office) -> Document {
    request_for(from, to, from)
}

/// A request of `from` for evidence that `reader` shall open.
#[must_use]
pub fn request_for(from: &Office, to: &Office, reader: &Office) -> Document {
    let body = json!({
        "legal_basis": [{"instrument": "budapest-2001", "articles": "Art. 31"}],
        "our_reference": "A/1",
        "recipients": recipients(reader),
    });
    opening(from, to, DocumentKind::Request, body)
}

/// An order of `from` that serves `request`.
#[must_use]
pub fn order(from: &Office, to: &Office, request: &Document) -> Document {
    let body = json!({
        "recipients": request.body["recipients"],
        "request": {"shared_number": request.shared_number, "document_sha256": digest(request)},
    });
    opening(from, to, DocumentKind::Order, body)
}

/// Message `number` of `from` in answer to `opened`.
fn answer(from: &Office, opened: &Document, kind: DocumentKind, number: u32, body: Value) -> Document {
    let other = if opened.sender.party == from.party { &opened.addressee } else { &opened.sender };
    Document {
        kind,
        message_number: MessageNumber::new(number).expect("from 1"),
        sender: named(from),
        addressee: other.clone(),
        created_time: from.now(),
        in_reply_to: Some(InReplyTo {
            shared_number: opened.shared_number.clone(),
            message_number: opened.message_number,
            document_sha256: digest(opened),
        }),
        body,
        ..opened.clone()
    }
}

/// The acknowledgement of a request or order.
#[must_use]
pub fn acknowledgement(from: &Office, opened: &Document) -> Document {
    answer(from, opened, DocumentKind::Acknowledgement, 1, json!({"our_reference": "B/2"}))
}

/// The decision, as message `number`, that a request was executed with `packages`.
#[must_use]
pub fn execution(from: &Office, opened: &Document, number: u32, packages: &[NamedPackage]) -> Document {
    let body = json!({"outcome": "executed", "packages": packages});
    answer(from, opened, DocumentKind::Execution, number, body)
}

/// The decision, as message `number`, that a part of a request was executed with `packages`.
#[must_use]
pub fn partial_execution(
    from: &Office,
    opened: &Document,
    number: u32,
    packages: &[NamedPackage],
) -> Document {
    let body = json!({"outcome": "partly-executed", "packages": packages});
    answer(from, opened, DocumentKind::Execution, number, body)
}

/// The closing of a request, as message `number`.
#[must_use]
pub fn closing(from: &Office, opened: &Document, number: u32) -> Document {
    answer(from, opened, DocumentKind::Closing, number, json!({"remarks": "done"}))
}

/// Question `id`, as message `number`.
#[must_use]
pub fn question(from: &Office, opened: &Document, number: u32, id: &str) -> Document {
    let body = json!({"question_id": id, "question": "Which account?", "answer_by": "2026-12-01"});
    answer(from, opened, DocumentKind::Question, number, body)
}

/// The answer to question `id`, as message `number`.
#[must_use]
pub fn reply(from: &Office, opened: &Document, number: u32, id: &str) -> Document {
    let body = json!({"question_id": id, "answer": "The second."});
    answer(from, opened, DocumentKind::Answer, number, body)
}

/// The refusal on `ground`, whole or in part, as message `number`.
#[must_use]
pub fn refusal(from: &Office, opened: &Document, number: u32, ground: &str, scope: &str) -> Document {
    let body = json!({"ground": ground, "scope": scope, "reason": "the law says so"});
    answer(from, opened, DocumentKind::Refusal, number, body)
}

/// The postponement on `ground` until `until`, as message `number`.
#[must_use]
pub fn postponement(
    from: &Office,
    opened: &Document,
    number: u32,
    ground: &str,
    until: Option<&str>,
) -> Document {
    let body = json!({"ground": ground, "until": until, "reason": "later"});
    answer(from, opened, DocumentKind::Postponement, number, body)
}

/// The withdrawal of a request, as message `number`.
#[must_use]
pub fn withdrawal(from: &Office, opened: &Document, number: u32) -> Document {
    answer(from, opened, DocumentKind::Withdrawal, number, json!({"reason": "the case was dropped"}))
}

/// The forwarding of a request to the competent authority, as message `number`; `received_time` as the case
/// shows it.
#[must_use]
pub fn forwarding(
    from: &Office,
    to: &Office,
    request: &Document,
    number: u32,
    received_time: &str,
) -> Document {
    let body = json!({
        "request": {"shared_number": request.shared_number, "document_sha256": digest(request)},
        "received_time": received_time,
        "requesting_party": request.sender.party,
    });
    let document = answer(from, request, DocumentKind::Forwarding, number, body);
    Document { addressee: named(to), ..document }
}

/// The notice that a request was forwarded, as message `number`.
#[must_use]
pub fn forwarding_notice(
    from: &Office,
    to: &Office,
    request: &Document,
    number: u32,
    received_time: &str,
) -> Document {
    let body = json!({
        "forwarded_to": to.party,
        "forwarded_time": from.now(),
        "received_time": received_time,
    });
    answer(from, request, DocumentKind::ForwardingNotice, number, body)
}

/// A request of `from` to preserve data.
#[must_use]
pub fn preservation(from: &Office, to: &Office) -> Document {
    let body = json!({
        "legal_basis": {"instruments": [{"instrument": "budapest-2001", "article": "29"}]},
        "our_reference": "A/2",
    });
    opening(from, to, DocumentKind::Preservation, body)
}

/// The confirmation of a preservation (`of` `preservation` or `extension`), as message `number`.
#[must_use]
pub fn confirmation(from: &Office, opened: &Document, number: u32, of: &str, until: &str) -> Document {
    let body = json!({"our_reference": "B/9", "of": of, "preserved_until": until});
    answer(from, opened, DocumentKind::Confirmation, number, body)
}

/// The wish that a preservation be extended, as message `number`.
#[must_use]
pub fn extension(from: &Office, opened: &Document, number: u32, until: Option<&str>) -> Document {
    let body = json!({"extend_until": until, "reason": "the request is being translated"});
    answer(from, opened, DocumentKind::Extension, number, body)
}

/// The release of preserved data, as message `number`.
#[must_use]
pub fn release(from: &Office, opened: &Document, number: u32) -> Document {
    answer(from, opened, DocumentKind::Release, number, json!({"reason": "no longer needed"}))
}

/// A request that follows a preservation up.
#[must_use]
pub fn follow_up(from: &Office, to: &Office, preservation: &Document) -> Document {
    let mut request = request(from, to);
    request.body["preservation"] = json!({"shared_number": preservation.shared_number});
    request
}

fn first_function(kind: DocumentKind) -> &'static str {
    match kind.signer_rule() {
        SignerRule::TwoOfficersAndSeal => containers::DRAFTER,
        SignerRule::OneOfficerAndSeal | SignerRule::SealAlone => containers::OFFICER,
    }
}

/// The document with signature 001, by `officer`.
#[must_use]
pub fn drafted(office: &Office, officer: &str, document: &Document) -> Vec<u8> {
    let function = first_function(document.kind);
    containers::begin(document.to_json(), PAPER.to_vec(), &office.signer(officer), office.now(), function)
        .expect("a signed draft")
}

/// The document with `enclosed` as the file that its kind encloses, and signature 001 by `officer`.
#[must_use]
pub fn drafted_enclosing(office: &Office, officer: &str, document: &Document, enclosed: Vec<u8>) -> Vec<u8> {
    let contents = vec![
        (DATA_FILE.to_owned(), "application/json".to_owned(), document.to_json()),
        (PAPER_FILE.to_owned(), "application/pdf".to_owned(), PAPER.to_vec()),
        (ENCLOSED_REQUEST_FILE.to_owned(), "application/vnd.etsi.asic-e+zip".to_owned(), enclosed),
    ];
    let function = Some(first_function(document.kind));
    let unsigned = rogatory_container::asice::start(contents).expect("contents");
    unsigned.sign(&office.signer(officer), office.now(), function).expect("a signed draft").to_bytes()
}

/// The same with a further signature, by `officer`.
#[must_use]
pub fn approved(office: &Office, officer: &str, container: &[u8]) -> Vec<u8> {
    containers::add_signature(open(container), &office.signer(officer), office.now(), containers::APPROVER)
        .expect("a further signature")
}

/// The same with the seal `seal` over it; `signers` are the persons who signed, by their functions.
#[must_use]
pub fn sealed_with(
    office: &Office,
    container: &[u8],
    signers: &[(&str, &str)],
    seal: &dyn Signer,
) -> Vec<u8> {
    let entries = signers.iter().map(|(officer, function)| SignerEntry {
        certificate_sha256: office.signer(officer).certificate().expect("a certificate").digest(),
        person: office.officer(officer),
        function: (*function).to_owned(),
    });
    let listed = Signers::new(entries.collect()).to_json();
    open(container).add_seal(Some(listed), seal, office.now()).expect("a sealed document").to_bytes()
}

/// A document with the signatures that its kind demands and the office's own seal.
#[must_use]
pub fn complete(office: &Office, document: &Document) -> Vec<u8> {
    complete_draft(office, document.kind, &drafted(office, "drafter", document))
}

/// A draft of `drafter` with the further signatures that its kind demands and the office's own seal.
#[must_use]
pub fn complete_draft(office: &Office, kind: DocumentKind, draft: &[u8]) -> Vec<u8> {
    if kind.signer_rule() == SignerRule::TwoOfficersAndSeal {
        let container = approved(office, "approver", draft);
        let signers = [("drafter", containers::DRAFTER), ("approver", containers::APPROVER)];
        sealed_with(office, &container, &signers, &office.seal())
    } else {
        sealed_with(office, draft, &[("drafter", containers::OFFICER)], &office.seal())
    }
}

/// A container, opened.
#[must_use]
pub fn open(container: &[u8]) -> Asice {
    Asice::from_bytes(container, ZipLimits::DOCUMENT).expect("a sound container")
}

/// A receipt, read; its seal is not looked at.
#[must_use]
pub fn receipt(container: &[u8]) -> Receipt {
    Receipt::from_json(open(container).file(DATA_FILE).expect("data")).expect("a receipt")
}

/// A receipt under the seal of `office`, whatever it says.
#[must_use]
pub fn sealed_receipt(office: &Office, receipt: &Receipt) -> Vec<u8> {
    let contents = vec![(DATA_FILE.to_owned(), "application/json".to_owned(), receipt.to_json())];
    let sealed =
        asice::start(contents).and_then(|unsigned| unsigned.sign(&office.seal(), office.now(), None));
    sealed.expect("a sealed receipt").to_bytes()
}

/// Officer `id` hands in a draft.
///
/// # Errors
/// As the server answers.
pub async fn hand_in(
    office: &Office,
    id: &str,
    container: Vec<u8>,
    case_id: &str,
) -> Result<wire::Document, Problem> {
    let session = office.session(id);
    let request = wire::DraftDocumentRequest {
        request_id: session.call_id(),
        container: container.into(),
        case_id: case_id.to_owned(),
    };
    let answer = session.connection().await?.documents().draft_document(request).await.map_err(explain)?;
    Ok(answer.into_inner().document.expect("a document"))
}

/// Officer `id` hands in `container` as her approval of a document.
///
/// # Errors
/// As the server answers.
pub async fn hand_in_approval(
    office: &Office,
    id: &str,
    document_id: &str,
    container: Vec<u8>,
) -> Result<wire::Document, Problem> {
    let session = office.session(id);
    let request = wire::ApproveDocumentRequest {
        request_id: session.call_id(),
        document_id: document_id.to_owned(),
        container: container.into(),
    };
    let answer = session.connection().await?.documents().approve_document(request).await.map_err(explain)?;
    Ok(answer.into_inner().document.expect("a document"))
}

/// Officer `id` approves a document as it stands.
///
/// # Errors
/// As the server answers.
pub async fn approve(office: &Office, id: &str, document_id: &str) -> Result<wire::Document, Problem> {
    let stored = documents::fetch(&office.session(id), document_id).await?.container;
    hand_in_approval(office, id, document_id, approved(office, id, &stored)).await
}

/// Officer `id` has a document sealed and transmitted.
///
/// # Errors
/// As the server answers; a negative receipt is none.
pub async fn transmit(
    office: &Office,
    id: &str,
    document_id: &str,
) -> Result<wire::TransmitDocumentResponse, Problem> {
    let session = office.session(id);
    let request =
        wire::TransmitDocumentRequest { request_id: session.call_id(), document_id: document_id.to_owned() };
    let answer = session.connection().await?.documents().transmit_document(request).await.map_err(explain)?;
    Ok(answer.into_inner())
}

/// Delivers `container` to `to` as the institution `from`, past the server of `from`.
///
/// # Errors
/// The status of a refusal without receipt.
pub async fn deliver(
    from: &Office,
    to: &Office,
    container: Vec<u8>,
) -> Result<DeliverDocumentResponse, Status> {
    deliver_with_head(from, to, container, Vec::new()).await
}

/// The same, with a case head beside it.
///
/// # Errors
/// The status of a refusal without receipt.
pub async fn deliver_with_head(
    from: &Office,
    to: &Office,
    container: Vec<u8>,
    case_head: Vec<u8>,
) -> Result<DeliverDocumentResponse, Status> {
    let message = DeliverDocumentRequest { container: container.into(), case_head: case_head.into() };
    let answer = DeliveryServiceClient::new(from.channel_to(to)).deliver_document(message).await?;
    Ok(answer.into_inner())
}

/// The bytes of the receipt in an answer.
#[must_use]
pub fn receipt_bytes(answer: &DeliverDocumentResponse) -> &[u8] {
    &answer.receipt.as_ref().expect("a receipt").container
}

/// Panics unless `problem` is a refusal for `reason`.
pub fn assert_refused<T>(result: Result<T, Problem>, reason: &str) -> Problem {
    match result {
        Ok(_) => panic!("{reason} was expected, but it went through"),
        Err(problem) => {
            assert_eq!(problem.reason(), Some(reason), "{problem}");
            assert_eq!(problem.exit().code(), 3, "{problem}");
            problem
        }
    }
}

/// Panics unless `result` is a status with `reason`.
pub fn assert_status<T>(result: Result<T, Status>, reason: &str) {
    match result {
        Ok(_) => panic!("{reason} was expected, but it went through"),
        Err(status) => assert_eq!(caller::reason(&status), reason, "{status}"),
    }
}

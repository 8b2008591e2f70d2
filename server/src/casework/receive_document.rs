//! A counterpart's sealed document arrives: authentic bytes get a receipt in the same call, positive
//! or negative; anything else is refused without one.
//!
//! The receipt is sealed before the transaction and stored in it, with the leaf that holds its
//! digest. The same bytes get the same receipt again; other bytes under the same number get a
//! negative one, and both are kept.

use crate::access::Permit;
use crate::authority::Authority;
use crate::casework::case_head::{self, IncomingHead};
use crate::casework::delivery::{Refused, give_receipt};
use crate::casework::draft_document::instrument_of;
use crate::casework::enclosed::{EnclosedRequest, judge_enclosed};
use crate::casework::matter::{Matter, check_references, note_follow_up};
use crate::casework::signers::{judge_signers, sealed_by};
use crate::datastore::{
    Act, DocumentRow, DocumentStage, OFFICE, Session, StoreError, StoredReceipt, Transaction,
};
use crate::directory::{ConfirmedParty, open_container, refuse_revoked, verify_container};
use crate::problem::{Problem, Reason};
use rogatory_container::asice::VerifiedAsice;
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::document::{Competence, DATA_FILE, Document, DocumentKind, ENCLOSED_REQUEST_FILE};
use rogatory_core::ground::NonDeliveryGround;
use rogatory_core::mla_request::{MlaRequest, Side};
use rogatory_core::order::{OrderSide, OrderStage, ProductionOrder};
use rogatory_core::preservation::Preservation;
use rogatory_core::receipt::{ReceiptKind, Receipted};
use rogatory_core::reference::DocumentId;
use rogatory_core::{CaseId, Digest, MessageNumber, PartyId, Timestamp};
use std::sync::Arc;

/// How often a document is judged anew when the case moved while it was.
const TRIES: usize = 3;
/// How many different documents under one number are kept as proof of the conflict.
const KEPT_UNDER_ONE_NUMBER: usize = 8;

/// Takes a document from the calling peer and gives the receipt.
///
/// # Errors
/// [`Problem`], without receipt, for bytes that are not authentic.
pub async fn receive_document(
    authority: &Arc<Authority>,
    permit: &Permit,
    bytes: &[u8],
    case_head: &[u8],
) -> Result<StoredReceipt, Problem> {
    let peer = permit.peer()?;
    let party = authority.directory().confirmed(peer)?;
    let (verified, document) = authenticate(authority, &party, bytes)?;
    let number = &document.shared_number;
    let container_sha256 = Digest::of(bytes);
    let mut tried = 0;
    loop {
        tried += 1;
        let mut session = authority.datastore.read().await?;
        let earlier = session.documents_numbered(peer, number, document.message_number).await?;
        if let Some(same) = earlier.iter().find(|document| document.container_sha256 == container_sha256) {
            let row = session.document(&same.id).await?;
            return row
                .and_then(|row| row.receipt)
                .ok_or_else(|| Problem::internal("a received document has no receipt", same.id.to_string()));
        }
        drop(session);
        if earlier.len() >= KEPT_UNDER_ONE_NUMBER {
            let what = format!(
                "too many different documents came under {number}, message {}",
                document.message_number
            );
            return Err(
                Problem::new(Reason::LimitReached, what).with_hint("number messages without repeating")
            );
        }
        let head = case_head::check_incoming(authority, &party, number, case_head)?;
        let judged = if earlier.is_empty() {
            judge(authority, &party, &verified, &document).await?
        } else {
            Err(Refused::new(
                NonDeliveryGround::Conflict,
                format!("other bytes came earlier under {number}, message {}", document.message_number),
            ))
        };
        let of = Receipted::Document {
            sender: peer.clone(),
            shared_number: number.clone(),
            message_number: document.message_number,
            container_sha256,
        };
        let now = authority.clock.now();
        let receipt =
            give_receipt(authority, ReceiptKind::Delivery, peer, of, case_head, judged.as_ref().err(), now)?;
        let act = Receive {
            own: authority.institution.party().clone(),
            actor: permit.actor(),
            document: document.clone(),
            container: bytes.to_vec(),
            container_sha256,
            received_time: now,
            accepted: judged.is_ok(),
            enclosed: judged.ok().flatten(),
            known_before: earlier.len(),
            receipt,
            head,
        };
        match authority.datastore.perform(act).await {
            Err(problem)
                if tried < TRIES && matches!(problem.reason(), Reason::Raced | Reason::WrongStage) => {}
            other => return other,
        }
    }
}

/// Bytes are authentic if the container is sound, every signature verifies by the anchors of the
/// sender's country, and the last is a seal that the sender published.
fn authenticate(
    authority: &Authority,
    party: &ConfirmedParty,
    bytes: &[u8],
) -> Result<(VerifiedAsice, Document), Problem> {
    // Of the kinds the one that may be longest; its own limit follows when the kind is known.
    check_length(bytes, DocumentKind::Forwarding)?;
    let peer = &party.entry.party;
    let container = open_container(bytes)?;
    let anchors = authority.directory().anchors_of(peer);
    let now = authority.clock.now();
    let verified = verify_container(&container, &anchors, now)?;
    refuse_revoked(&verified, &authority.revocation_lists(), now)?;
    if !sealed_by(&verified, party) {
        return Err(Problem::new(
            Reason::UnknownSeal,
            format!("the document does not carry the seal of {peer}"),
        )
        .with_hint("if the seal was renewed, export the party entry again and have it imported here"));
    }
    let json = container.file(DATA_FILE).unwrap_or_default();
    let document = Document::from_json(json)
        .map_err(|error| Problem::new(Reason::MalformedContainer, rogatory_core::chain(&error)))?;
    if document.sender.party != *peer {
        let what = format!("the document names {} as its sender, not {peer}", document.sender.party);
        return Err(Problem::new(Reason::UnknownSeal, what));
    }
    check_length(bytes, document.kind)?;
    Ok((verified, document))
}

fn check_length(bytes: &[u8], kind: DocumentKind) -> Result<(), Problem> {
    let (size, limit) = (bytes.len(), kind.limit_bytes());
    if size <= limit {
        return Ok(());
    }
    let what = format!("the document has {size} bytes; at most {limit} are taken");
    Err(Problem::new(Reason::LimitReached, what))
}

/// Judges an authentic document that is new here; of a forwarding, gives the request that it encloses.
async fn judge(
    authority: &Authority,
    party: &ConfirmedParty,
    verified: &VerifiedAsice,
    document: &Document,
) -> Result<Result<Option<EnclosedRequest>, Refused>, Problem> {
    let kind = document.kind;
    let own = authority.institution.party();
    let refuse = |ground, reason: String| Ok(Err(Refused::new(ground, reason)));
    if let Err(gap) = judge_signers(verified, party) {
        return refuse(NonDeliveryGround::WrongSigners, gap);
    }
    if document.addressee.party != *own {
        let what = format!("it is addressed to {}, not to {own}", document.addressee.party);
        return refuse(NonDeliveryGround::WrongAddressee, what);
    }
    if kind.competence_to_send().is_some_and(|act| !party.entry.is_competent(act)) {
        let what = format!("{} has no competence to send a document of kind {kind}", party.entry.party);
        return refuse(NonDeliveryGround::WrongCompetence, what);
    }
    if kind.competence_to_receive().is_some_and(|act| !authority.institution.is_competent(act)) {
        let what = format!("{own} has no competence to receive a document of kind {kind}");
        return refuse(NonDeliveryGround::WrongCompetence, what);
    }
    if kind.enclosure().is_none() && verified.file(ENCLOSED_REQUEST_FILE).is_some() {
        let what = format!("a document of kind {kind} encloses no `{ENCLOSED_REQUEST_FILE}`");
        return refuse(NonDeliveryGround::Malformed, what);
    }
    // Only who holds the request that it encloses, addressed to itself, is told whether it stands here.
    let mut enclosed = None;
    if kind == DocumentKind::Forwarding {
        match judge_enclosed(authority, party, verified, document) {
            Ok(request) => enclosed = Some(request),
            Err(refused) => return Ok(Err(refused)),
        }
    }
    let mut session = authority.datastore.read().await?;
    let matter = Matter::find(&mut session, &document.shared_number).await?;
    let erased = match &matter {
        None => session.erased_number(&document.shared_number).await?,
        Some(_) => None,
    };
    match (kind, matter) {
        (DocumentKind::ErasureNotice, matter) => {
            if let Err(error) = document.erasure_told() {
                return refuse(NonDeliveryGround::Malformed, error.to_string());
            }
            let counterpart = matter.as_ref().map(Matter::counterpart).or(erased.as_ref());
            if counterpart == Some(&party.entry.party) {
                return Ok(Ok(None));
            }
            // What others have with us is not this peer's to know.
            let what = format!("nothing is known here under {}", document.shared_number);
            refuse(NonDeliveryGround::UnknownReference, what)
        }
        (_, None) if erased.as_ref() == Some(&party.entry.party) => {
            let what = format!("the matter under {} was erased here", document.shared_number);
            refuse(NonDeliveryGround::UnknownReference, what)
        }
        (kind, None) if erased.is_some() && (kind.opens_a_matter() || kind == DocumentKind::Forwarding) => {
            let what = format!("{} cannot be taken: mint another number", document.shared_number);
            refuse(NonDeliveryGround::Malformed, what)
        }
        (DocumentKind::Forwarding, None) => Ok(Ok(enclosed)),
        (DocumentKind::Forwarding, Some(_)) => {
            let what = format!("a matter stands here already under {}", document.shared_number);
            refuse(NonDeliveryGround::Conflict, what)
        }
        (kind, None) if kind.opens_a_matter() => {
            let opening = match judge_opening(document) {
                Ok(()) => judge_follow_up(&mut session, document).await?,
                refused => refused,
            };
            Ok(opening.map(|()| None))
        }
        (kind, Some(matter)) if kind.opens_a_matter() => {
            if *matter.counterpart() != party.entry.party {
                // What others have with us is not this peer's to know: a number is refused, no more is said.
                let what = format!("{} cannot be taken: mint another number", document.shared_number);
                return refuse(NonDeliveryGround::Malformed, what);
            }
            let what = format!("a matter stands here already under {}", document.shared_number);
            refuse(NonDeliveryGround::Conflict, what)
        }
        (DocumentKind::Receipt | DocumentKind::PartyEntry, _) => refuse(
            NonDeliveryGround::Malformed,
            format!("a document of kind {kind} is not delivered by itself"),
        ),
        (_, None) => {
            let what = format!("nothing is known here under {}", document.shared_number);
            refuse(NonDeliveryGround::UnknownReference, what)
        }
        (_, Some(matter)) => {
            if *matter.counterpart() != party.entry.party {
                // What others have with us is not this peer's to know.
                let what = format!("nothing is known here under {}", document.shared_number);
                return refuse(NonDeliveryGround::UnknownReference, what);
            }
            if awaits_its_receipt(&mut session, &matter).await? {
                // The peer answers what it holds; its receipt for it was lost on the way, and is fetched again.
                let what = format!("the receipt for {} is not here yet", document.shared_number);
                return Err(Problem::new(Reason::Raced, what).with_hint("deliver the same again in a while"));
            }
            if let Err(problem) = matter.admits(kind, false) {
                return refuse(NonDeliveryGround::WrongStage, problem.to_string());
            }
            // A notice hands the matter over: to an authority, if it is known here, and not to a provider.
            if let (DocumentKind::ForwardingNotice, Ok(said)) = (kind, document.forwarded_to()) {
                let known = authority.directory();
                let unfit = |known: &ConfirmedParty| !known.entry.is_competent(Competence::ExecuteRequests);
                if known.party(&said.party).is_some_and(|known| unfit(known)) {
                    let what = format!("{} has no competence to execute requests", said.party);
                    return refuse(NonDeliveryGround::WrongCompetence, what);
                }
            }
            Ok(check_references(&mut session, &matter, document, false).await?.map(|()| None))
        }
    }
}

/// Whether this office sent what opened the matter and the counterpart's receipt for it has not arrived.
async fn awaits_its_receipt(session: &mut Session, matter: &Matter) -> Result<bool, StoreError> {
    if !matter.is_approved() {
        return Ok(false);
    }
    let opening = session.opening_document(matter.case(), matter.number()).await?;
    Ok(opening.is_some_and(|opening| opening.stage == DocumentStage::Sealed))
}

/// A preservation that a request says it follows up must be one between these two parties; what others
/// asked here is not this peer's to know.
async fn judge_follow_up(session: &mut Session, document: &Document) -> Result<Result<(), Refused>, Problem> {
    let number = match document.followed_up() {
        Ok(None) => return Ok(Ok(())),
        Ok(Some(number)) => number,
        Err(error) => return Ok(Err(Refused::new(NonDeliveryGround::Malformed, error.to_string()))),
    };
    let peer = &document.sender.party;
    let here = session.preservation_by_number(&number).await?;
    if here.is_some_and(|here| here.side == Side::Requested && here.counterpart == *peer) {
        return Ok(Ok(()));
    }
    let what = format!("it follows up a preservation {number}, and none is known here under that number");
    Ok(Err(Refused::new(NonDeliveryGround::UnknownReference, what)))
}

/// Judges a request, order or preservation that would open a case.
fn judge_opening(document: &Document) -> Result<(), Refused> {
    let malformed = |what: String| Refused::new(NonDeliveryGround::Malformed, what);
    let country = document.sender.party.country().as_str().to_ascii_uppercase();
    if document.shared_number.country() != country {
        return Err(malformed(format!("its shared number was not minted for {country}")));
    }
    if document.message_number != MessageNumber::FIRST {
        return Err(malformed("the first message under a number must be message 1".to_owned()));
    }
    if document.in_reply_to.is_some() {
        return Err(malformed("it opens a matter and yet answers another document".to_owned()));
    }
    if document.kind != DocumentKind::Preservation {
        document.evidence_recipients().map_err(|error| malformed(error.to_string()))?;
    }
    if document.kind == DocumentKind::Order {
        document.request_quoted().map_err(|error| malformed(error.to_string()))?;
    }
    Ok(())
}

struct Receive {
    own: PartyId,
    actor: Actor,
    document: Document,
    container: Vec<u8>,
    container_sha256: Digest,
    /// When it was received, as the receipt says: periods run from there on both sides.
    received_time: Timestamp,
    accepted: bool,
    /// The request that a forwarding encloses.
    enclosed: Option<EnclosedRequest>,
    /// How many documents stood under this number when it was judged.
    known_before: usize,
    receipt: Vec<u8>,
    head: Option<IncomingHead>,
}

impl Act for Receive {
    const NAME: &'static str = "receive-document";
    type Output = StoredReceipt;

    async fn perform(&self, tx: &mut Transaction) -> Result<StoredReceipt, StoreError> {
        let document = &self.document;
        let peer = &document.sender.party;
        let number = &document.shared_number;
        let now_known = tx.documents_numbered(peer, number, document.message_number).await?.len();
        if now_known != self.known_before {
            return Err(Problem::new(Reason::Raced, "the same message arrived twice at once").into());
        }
        let (case, events) = self.open_or_advance(tx).await?;
        let receipt_sha256 = Digest::of(&self.receipt);
        let (shared_number, message_number, kind) = (number.clone(), document.message_number, document.kind);
        let container_sha256 = self.container_sha256;
        let event = if self.accepted {
            Event::DocumentReceived { shared_number, message_number, kind, container_sha256, receipt_sha256 }
        } else {
            Event::DocumentRefused { shared_number, message_number, kind, container_sha256, receipt_sha256 }
        };
        let logged = tx.record(&case, &self.actor, CustodyEvent::shared(peer.clone(), event)).await?;
        tx.give_promise(peer, &logged).await?;
        for event in events {
            tx.record(&case, &self.actor, event).await?;
        }
        if let Some(enclosed) = &self.enclosed {
            self.keep_enclosed(tx, &case, enclosed).await?;
        }
        let receipt = StoredReceipt { container: self.receipt.clone(), leaf_hash: logged.leaf_hash };
        // What was erased by law does not come back by being sent again: digest and receipt stay, the bytes go.
        let gone = !self.accepted && tx.erased_number(number).await?.as_ref() == Some(peer);
        let id = DocumentId::mint(tx.entropy());
        case_head::keep_received(tx, &case, id.as_str(), peer, self.head.as_ref()).await?;
        tx.insert_document(&DocumentRow {
            id,
            case,
            kind: document.kind,
            shared_number: number.clone(),
            message_number: document.message_number,
            sender: peer.clone(),
            addressee: self.own.clone(),
            stage: if self.accepted { DocumentStage::Received } else { DocumentStage::Refused },
            stage_time: tx.now(),
            container_sha256,
            container: if gone { Vec::new() } else { self.container.clone() },
            receipt: Some(receipt.clone()),
        })
        .await?;
        Ok(receipt)
    }
}

impl Receive {
    /// Keeps a forwarded request as a document of its own, so that it is answered and read like any other.
    async fn keep_enclosed(
        &self,
        tx: &mut Transaction,
        case: &str,
        enclosed: &EnclosedRequest,
    ) -> Result<(), StoreError> {
        let request = &enclosed.document;
        tx.insert_document(&DocumentRow {
            id: DocumentId::mint(tx.entropy()),
            case: case.to_owned(),
            kind: request.kind,
            shared_number: request.shared_number.clone(),
            message_number: request.message_number,
            sender: request.sender.party.clone(),
            addressee: request.addressee.party.clone(),
            stage: DocumentStage::Enclosed,
            stage_time: tx.now(),
            container_sha256: Digest::of(&enclosed.container),
            container: enclosed.container.clone(),
            receipt: None,
        })
        .await
    }

    /// The case of the document, with the events of the step it takes there.
    async fn open_or_advance(&self, tx: &mut Transaction) -> Result<(String, Vec<CustodyEvent>), StoreError> {
        let document = &self.document;
        let (peer, number) = (document.sender.party.clone(), document.shared_number.clone());
        let matter = Matter::find(tx, &number).await?;
        if !self.accepted {
            // It stands with the matter it names if that is this peer's, else with the office.
            let case = matter.filter(|matter| *matter.counterpart() == peer);
            return Ok((
                case.map_or_else(|| OFFICE.to_owned(), |matter| matter.case().to_owned()),
                Vec::new(),
            ));
        }
        match (document.kind, matter) {
            (DocumentKind::ErasureNotice, matter) => {
                let (case, counterpart) = match &matter {
                    Some(matter) => (matter.case().to_owned(), Some(matter.counterpart().clone())),
                    None => (OFFICE.to_owned(), tx.erased_number(&number).await?),
                };
                if counterpart.as_ref() != Some(&peer) {
                    return Err(raced().into());
                }
                let told = document.erasure_told().map_err(|error| Problem::argument("body", &error))?;
                let event = Event::CounterpartErased {
                    counterpart: peer.clone(),
                    shared_number: number,
                    article: told.article,
                    erased_time: told.erased_time,
                    container_sha256: self.container_sha256,
                };
                Ok((case, vec![CustodyEvent::shared(peer, event)]))
            }
            (DocumentKind::Request, None) => {
                let case = CaseId::mint(tx.entropy());
                let request = MlaRequest::receive(
                    case.clone(),
                    number,
                    peer,
                    instrument_of(document),
                    self.received_time,
                );
                let request =
                    MlaRequest { follows_up: document.followed_up().unwrap_or_default(), ..request };
                tx.open_request(&request).await?;
                note_follow_up(tx, &request).await?;
                Ok((case.to_string(), Vec::new()))
            }
            (DocumentKind::Preservation, None) => {
                let case = CaseId::mint(tx.entropy());
                let preservation = Preservation::receive(
                    case.clone(),
                    number,
                    peer,
                    instrument_of(document),
                    self.received_time,
                );
                tx.open_preservation(&preservation).await?;
                Ok((case.to_string(), Vec::new()))
            }
            (DocumentKind::Forwarding, None) => {
                let lost =
                    || Problem::internal("a forwarding was accepted without its request", number.to_string());
                let enclosed = self.enclosed.as_ref().ok_or_else(lost)?;
                let case = CaseId::mint(tx.entropy());
                let request = MlaRequest::receive(
                    case.clone(),
                    number,
                    enclosed.said.requesting_party.clone(),
                    instrument_of(&enclosed.document),
                    self.received_time,
                );
                let request = request.forwarded_by(peer.clone(), enclosed.said.received_time);
                tx.open_request(&request).await?;
                let event = request.forwarding_event(&peer, &self.own);
                Ok((case.to_string(), vec![CustodyEvent::shared(peer, event)]))
            }
            (DocumentKind::Order, None) => {
                let case = CaseId::mint(tx.entropy());
                let quoted =
                    document.request_quoted().map_err(|error| Problem::argument("body.request", &error))?;
                tx.open_order(&ProductionOrder {
                    case: case.clone(),
                    shared_number: number,
                    side: OrderSide::Provider,
                    counterpart: peer,
                    request_number: quoted.shared_number,
                    provider_reference: None,
                    stage: OrderStage::Received { at: tx.now() },
                })
                .await?;
                Ok((case.to_string(), Vec::new()))
            }
            (kind, Some(_)) if kind.opens_a_matter() || kind == DocumentKind::Forwarding => {
                Err(raced().into())
            }
            (_, None) => Err(raced().into()),
            // It may have been handed over to another authority since it was judged.
            (_, Some(matter)) if *matter.counterpart() != peer => Err(raced().into()),
            (_, Some(matter)) => {
                let case = matter.case().to_owned();
                Ok((case, matter.advance(tx, document, false).await?))
            }
        }
    }
}

fn raced() -> Problem {
    Problem::new(Reason::Raced, "the matter changed while the document was judged")
}

//! An officer hands in a document that she drafted and signed.

use crate::access::Permit;
use crate::authority::Authority;
use crate::casework::matter::{Matter, check_references, opening_document};
use crate::casework::signers::own_signer;
use crate::datastore::{Act, DocumentRow, DocumentStage, StoreError, Transaction};
use crate::directory::{open_container, refuse_revoked, verify_container};
use crate::problem::{Problem, Reason};
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::document::{DATA_FILE, Document, DocumentKind, ENCLOSED_REQUEST_FILE, PAPER_FILE};
use rogatory_core::ground::NonDeliveryGround;
use rogatory_core::mla_request::{MlaRequest, Side, Step};
use rogatory_core::order::{OrderSide, OrderStage, ProductionOrder};
use rogatory_core::preservation::{Preservation, PreservationStage};
use rogatory_core::reference::DocumentId;
use rogatory_core::{CaseId, Digest, MessageNumber, OfficerId, PartyId, SharedNumber};

/// What an officer hands in.
pub struct Handed<'a> {
    /// The client's name for the call.
    pub request_id: &'a str,
    /// The container with signature 001.
    pub container: &'a [u8],
    /// The case it joins; none for a request or preservation.
    pub case: Option<CaseId>,
}

/// Takes a drafted document.
///
/// # Errors
/// [`Problem`]: malformed, wrong signer, wrong role, wrong stage, missing competence.
pub async fn draft_document(
    authority: &Authority,
    permit: &Permit,
    handed: Handed<'_>,
) -> Result<DocumentRow, Problem> {
    check_request_id(handed.request_id)?;
    // Of the kinds the one that may be longest; its own limit follows when the kind is known.
    check_length(handed.container, DocumentKind::Forwarding)?;
    let container = open_container(handed.container)?;
    let now = authority.clock.now();
    let verified = verify_container(&container, authority.institution.anchors(), now)?;
    refuse_revoked(&verified, &authority.revocation_lists(), now)?;
    let malformed = |what: String| Problem::new(Reason::MalformedContainer, what);
    if verified.signatures().len() != 1 || container.names_its_signers() {
        return Err(malformed("a draft carries its drafter's signature and no other".to_owned()));
    }
    let json = container.file(DATA_FILE).unwrap_or_default();
    let document = Document::from_json(json).map_err(|error| malformed(rogatory_core::chain(&error)))?;
    let mut expected = vec![DATA_FILE, PAPER_FILE];
    expected.extend(document.kind.enclosure());
    let mut names: Vec<&str> = container.content_names().collect();
    names.sort_unstable();
    if names != expected {
        let listed: Vec<String> = expected.iter().map(|name| format!("`{name}`")).collect();
        let what = format!("a draft of kind {} holds {}, nothing else", document.kind, listed.join(" and "));
        return Err(malformed(what));
    }
    check_length(handed.container, document.kind)?;
    let enclosed = document.kind.enclosure().and_then(|name| container.file(name)).map(Digest::of);
    let (officer, actor) = permit.officer_as(document.kind.drafting_roles())?;
    let signer = own_signer(&authority.institution, &verified, 1)?;
    if signer.id != *officer {
        return Err(Problem::new(
            Reason::WrongSigner,
            format!("the draft was signed by {}, not by you", signer.id),
        ));
    }
    check_parties(authority, &document)?;
    let act = Draft {
        own: authority.institution.party().clone(),
        officer: officer.clone(),
        actor,
        request_id: handed.request_id.to_owned(),
        case: handed.case,
        document,
        enclosed,
        container: handed.container.to_vec(),
    };
    authority.datastore.perform(act).await
}

fn check_length(container: &[u8], kind: DocumentKind) -> Result<(), Problem> {
    let (size, limit) = (container.len(), kind.limit_bytes());
    if size <= limit {
        return Ok(());
    }
    let what = format!("the document has {size} bytes; at most {limit} are taken");
    Err(Problem::new(Reason::LimitReached, what).with_hint("send large attachments as an evidence package"))
}

/// Refuses names of calls that are too short to be chosen at random or too long to keep.
pub(crate) fn check_request_id(request_id: &str) -> Result<(), Problem> {
    if (8..=64).contains(&request_id.len()) && request_id.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(Problem::argument("request_id", &"8 to 64 printable ASCII characters are expected"))
    }
}

fn check_parties(authority: &Authority, document: &Document) -> Result<(), Problem> {
    let kind = document.kind;
    if document.sender.party != *authority.institution.party() {
        return Err(Problem::argument("sender", &format!("must be {}", authority.institution.party())));
    }
    if document.created_time > authority.clock.now().plus_seconds(300) {
        return Err(Problem::argument("created_time", &"lies in the future; set this machine's clock"));
    }
    let lacks = |party: &PartyId, what: &str| {
        Problem::new(
            Reason::WrongCompetence,
            format!("{party} has no competence to {what} a document of kind {kind}"),
        )
        .with_hint("competences stand in the party entry; `rogatory party show` prints them")
    };
    if kind.competence_to_send().is_some_and(|act| !authority.institution.is_competent(act)) {
        return Err(lacks(authority.institution.party(), "send"));
    }
    let addressee = authority.directory().confirmed(&document.addressee.party)?;
    if kind.competence_to_receive().is_some_and(|act| !addressee.entry.is_competent(act)) {
        return Err(lacks(&addressee.entry.party, "receive"));
    }
    Ok(())
}

struct Draft {
    own: PartyId,
    officer: OfficerId,
    actor: Actor,
    request_id: String,
    case: Option<CaseId>,
    document: Document,
    /// SHA-256 of the document that it encloses.
    enclosed: Option<Digest>,
    container: Vec<u8>,
}

impl Act for Draft {
    const NAME: &'static str = "draft-document";
    type Output = DocumentRow;

    async fn perform(&self, tx: &mut Transaction) -> Result<DocumentRow, StoreError> {
        let container_sha256 = Digest::of(&self.container);
        let caller = self.officer.to_string();
        if let Some(answer) = tx.answered(&caller, &self.request_id, &container_sha256).await? {
            let id: DocumentId =
                answer.parse().map_err(|error| Problem::internal("a remembered answer is damaged", error))?;
            return tx.document(&id).await?.ok_or_else(|| Problem::unknown("document", &id).into());
        }
        let case = self.open_or_join(tx).await?;
        self.check_message_number(tx).await?;
        let row = DocumentRow {
            id: DocumentId::mint(tx.entropy()),
            case,
            kind: self.document.kind,
            shared_number: self.document.shared_number.clone(),
            message_number: self.document.message_number,
            sender: self.own.clone(),
            addressee: self.document.addressee.party.clone(),
            stage: DocumentStage::Drafted,
            stage_time: tx.now(),
            container_sha256,
            container: self.container.clone(),
            receipt: None,
        };
        tx.insert_document(&row).await?;
        let event = Event::DocumentDrafted { document: row.id.clone(), kind: row.kind, container_sha256 };
        tx.record(&row.case, &self.actor, CustodyEvent::internal(event)).await?;
        tx.remember_answer(&caller, &self.request_id, &container_sha256, row.id.as_str()).await?;
        Ok(row)
    }
}

impl Draft {
    /// The case the document belongs to: a new one for a request or preservation, else the one it joins.
    async fn open_or_join(&self, tx: &mut Transaction) -> Result<String, StoreError> {
        match self.document.kind {
            DocumentKind::Request => self.open_request(tx).await,
            DocumentKind::Order => self.open_order(tx).await,
            DocumentKind::Preservation => self.open_preservation(tx).await,
            _ => self.join(tx).await,
        }
    }

    async fn open_request(&self, tx: &mut Transaction) -> Result<String, StoreError> {
        let document = &self.document;
        if self.case.is_some() {
            return Err(Problem::argument("case_id", &"a request opens its own case").into());
        }
        self.demand_own_number()?;
        document.evidence_recipients().map_err(|error| Problem::argument("body.recipients", &error))?;
        self.demand_no_answer()?;
        let follows_up = self.check_followed_up(tx).await?;
        let case = CaseId::mint(tx.entropy());
        let request = MlaRequest::draft(
            case.clone(),
            document.shared_number.clone(),
            document.addressee.party.clone(),
            instrument_of(document),
            self.officer.clone(),
            tx.now(),
        );
        let request = MlaRequest { follows_up, ..request };
        tx.open_request(&request).await?;
        Ok(case.to_string())
    }

    /// A preservation that a request follows up is this office's own with the same counterpart.
    async fn check_followed_up(&self, tx: &mut Transaction) -> Result<Option<SharedNumber>, StoreError> {
        let field = "body.preservation.shared_number";
        let followed = self.document.followed_up().map_err(|error| Problem::argument(field, &error))?;
        let Some(number) = followed else { return Ok(None) };
        let here = tx.preservation_by_number(&number).await?.filter(|here| {
            here.side == Side::Requesting && here.counterpart == self.document.addressee.party
        });
        match here.map(|here| here.stage) {
            None => {
                let what = format!(
                    "no preservation {number} was asked of {} from here",
                    self.document.addressee.party
                );
                Err(Problem::argument(field, &what).into())
            }
            Some(
                stage @ (PreservationStage::Drafted { .. }
                | PreservationStage::Approved { .. }
                | PreservationStage::NotDelivered { .. }),
            ) => {
                let what = format!("preservation {number} is {} and was never delivered", stage.as_str());
                Err(Problem::argument(field, &what).into())
            }
            Some(_) => Ok(Some(number)),
        }
    }

    async fn open_preservation(&self, tx: &mut Transaction) -> Result<String, StoreError> {
        let document = &self.document;
        if self.case.is_some() {
            return Err(Problem::argument("case_id", &"a preservation opens its own case").into());
        }
        self.demand_own_number()?;
        self.demand_no_answer()?;
        let case = CaseId::mint(tx.entropy());
        let preservation = Preservation::draft(
            case.clone(),
            document.shared_number.clone(),
            document.addressee.party.clone(),
            instrument_of(document),
            self.officer.clone(),
            tx.now(),
        );
        tx.open_preservation(&preservation).await?;
        Ok(case.to_string())
    }

    fn demand_no_answer(&self) -> Result<(), Problem> {
        if self.document.in_reply_to.is_none() {
            return Ok(());
        }
        Err(Problem::argument("in_reply_to", &format!("a {} answers nothing", self.document.kind)))
    }

    async fn open_order(&self, tx: &mut Transaction) -> Result<String, StoreError> {
        let document = &self.document;
        self.demand_own_number()?;
        let case =
            self.case.clone().ok_or_else(|| Problem::argument("case_id", &"an order serves a request"))?;
        let request = tx.request(&case).await?.ok_or_else(|| Problem::unknown("request", &case))?;
        if request.side != Side::Requested {
            return Err(
                Problem::new(Reason::WrongStage, "only the requested authority orders a provider").into()
            );
        }
        request.admits(Step::BeginExecution)?;
        let (asked, digest) = opening_document(tx, case.as_str(), &request.shared_number).await?;
        let quoted = document.request_quoted().map_err(|error| Problem::argument("body.request", &error))?;
        if quoted.shared_number != request.shared_number || quoted.document_sha256 != digest {
            return Err(Problem::argument("body.request", &"quotes another request than this case's").into());
        }
        let ordered =
            document.evidence_recipients().map_err(|error| Problem::argument("body.recipients", &error))?;
        let wanted = asked
            .evidence_recipients()
            .map_err(|error| Problem::internal("a stored request lists no recipients", error))?;
        if let Some(missing) = wanted.iter().find(|recipient| !ordered.contains(recipient)) {
            let what = format!("leaves out {}, whom the request names", missing.recipient);
            return Err(Problem::argument("body.recipients", &what).into());
        }
        let order = ProductionOrder {
            case: case.clone(),
            shared_number: document.shared_number.clone(),
            side: OrderSide::Ordering,
            counterpart: document.addressee.party.clone(),
            request_number: request.shared_number,
            provider_reference: None,
            stage: OrderStage::Drafted { at: tx.now(), drafter: self.officer.clone() },
        };
        tx.open_order(&order).await?;
        Ok(case.to_string())
    }

    async fn join(&self, tx: &mut Transaction) -> Result<String, StoreError> {
        let document = &self.document;
        let number = &document.shared_number;
        let matter = Matter::find(tx, number).await?.ok_or_else(|| Problem::unknown("matter", number))?;
        if self.case.as_ref().is_some_and(|case| case.as_str() != matter.case()) {
            return Err(Problem::argument("case_id", &format!("{number} belongs to another case")).into());
        }
        // A forwarding goes to another authority of this State: see what it must refer to.
        let to_counterpart = document.kind != DocumentKind::Forwarding;
        if to_counterpart && document.addressee.party != *matter.counterpart() {
            return Err(Problem::argument("addressee", &format!("must be {}", matter.counterpart())).into());
        }
        matter.admits(document.kind, true)?;
        if let Err(refused) = check_references(tx, &matter, document, true).await? {
            return Err(match refused.ground {
                NonDeliveryGround::WrongStage => Problem::new(Reason::WrongStage, refused.reason),
                _ => Problem::argument("document", &refused.reason),
            }
            .into());
        }
        if let Some(enclosed) = self.enclosed {
            let opening = tx.opening_document(matter.case(), number).await?;
            if opening.is_none_or(|opening| opening.container_sha256 != enclosed) {
                let what =
                    format!("`{ENCLOSED_REQUEST_FILE}` is not the request {number} as it was received");
                return Err(Problem::argument("document", &what).into());
            }
        }
        Ok(matter.case().to_owned())
    }

    fn demand_own_number(&self) -> Result<(), Problem> {
        let country = self.own.country().as_str().to_ascii_uppercase();
        if self.document.shared_number.country() != country {
            let what = format!("must be minted for {country}, the country of {}", self.own);
            return Err(Problem::argument("shared_number", &what));
        }
        if self.document.message_number == MessageNumber::FIRST {
            Ok(())
        } else {
            Err(Problem::argument("message_number", &"the first message under a number is 1"))
        }
    }

    /// Own messages under one shared number are counted without gaps.
    async fn check_message_number(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let last = tx.last_message_number(&self.own, &self.document.shared_number).await?;
        if i64::from(self.document.message_number.value()) == last + 1 {
            Ok(())
        } else {
            let what = format!("must be {}, the next under this number", last + 1);
            Err(Problem::argument("message_number", &what).into())
        }
    }
}

/// The instrument relied on first, by its id, for lists; empty if the body names none.
pub(super) fn instrument_of(document: &Document) -> String {
    document.instruments().first().copied().unwrap_or_default().to_owned()
}

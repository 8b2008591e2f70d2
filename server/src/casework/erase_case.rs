//! A case is erased by law: one officer proposes, another confirms.
//!
//! ```text
//! proposed ── confirmed: notices sealed ── rows and bodies deleted, entry `case-erased`, notices queued ── commit
//!          ── key destroyed ── packages removed ── write-ahead log cut off ── finished
//! ```
//! The commit comes first: from then on the log says under which entry the case was erased, and whatever a crash leaves
//! of the rest is taken up at the next start, before anybody is served, and by a worker until it is done. Leaves,
//! ids and numbers stay. Reads no content of the case.

use crate::access::Permit;
use crate::authority::Authority;
use crate::casework::draft_document::check_request_id;
use crate::casework::send_package::blocking;
use crate::casework::signers::demand_two_persons;
use crate::datastore::{
    Act, CaseSummary, DocumentRow, DocumentStage, Erased, ErasedFolder, ErasureRow, Errand, Line, OFFICE,
    Session, StoreError, Transaction,
};
use crate::problem::{Problem, Reason};
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::document::{Document, DocumentKind, FORMAT, NamedParty, PROFILE, is_short_text};
use rogatory_core::mla_request::StageName;
use rogatory_core::order::OrderStage;
use rogatory_core::reference::DocumentId;
use rogatory_core::{CaseId, Digest, MessageNumber, OfficerId, PartyId, Role, SharedNumber, chain};
use rogatory_custody::leaf::TagKey;
use serde_json::json;

/// Who may propose.
const PROPOSERS: &[Role] = &[Role::Drafter, Role::Approver, Role::ProviderAgent];
/// How often the confirmation is tried again while the case is being written to.
const TRIES: usize = 3;

/// What an officer asks to erase, and why.
pub struct Erasing<'a> {
    /// The client's name for the call.
    pub request_id: &'a str,
    /// The case id or shared number.
    pub case: &'a str,
    /// Why: a code or a short text without personal data.
    pub reason: &'a str,
    /// The provision.
    pub article: &'a str,
}

impl Erasing<'_> {
    fn check(&self) -> Result<(), Problem> {
        check_request_id(self.request_id)?;
        for (field, text) in [("reason", self.reason), ("article", self.article)] {
            if !is_short_text(text) {
                return Err(Problem::argument(field, &"1 to 120 printable characters are expected"));
            }
        }
        Ok(())
    }

    fn digest(&self) -> Digest {
        Digest::of(format!("{}\n{}\n{}", self.case, self.reason, self.article).as_bytes())
    }
}

/// What callers are told of a case that was erased.
#[must_use]
pub(crate) fn was_erased(row: &ErasureRow) -> Problem {
    let what = match &row.erased {
        Some(erased) => {
            format!("case {} was erased on {} under entry {}", row.case, erased.time, erased.leaf_index)
        }
        None => format!("case {} is gone", row.case),
    };
    Problem::new(Reason::WrongStage, what).with_hint(
        "its leaves stay in the custody log: `rogatory custody export` shows them with their proofs",
    )
}

/// Proposes the erasure of a closed case.
///
/// # Errors
/// [`Reason::WrongStage`] while it may not be erased; [`Problem`] for malformed words.
pub async fn propose_erasure(
    authority: &Authority,
    permit: &Permit,
    erasing: &Erasing<'_>,
) -> Result<ErasureRow, Problem> {
    erasing.check()?;
    let (officer, actor) = permit.officer_as(PROPOSERS)?;
    let mut session = authority.datastore.read().await?;
    let summary = find(&mut session, erasing.case).await?;
    let row = ErasureRow {
        case: summary.case().clone(),
        shared_number: summary.shared_number().clone(),
        counterpart: counterpart(&summary).clone(),
        reason: erasing.reason.to_owned(),
        article: erasing.article.to_owned(),
        proposed_by: officer.clone(),
        proposed_time: authority.clock.now(),
        erased: None,
    };
    let act = Propose { row, actor, request_id: erasing.request_id.to_owned(), digest: erasing.digest() };
    authority.datastore.perform(act).await
}

async fn find(session: &mut Session, name: &str) -> Result<CaseSummary, Problem> {
    match session.case(name).await? {
        Some(summary) => Ok(summary),
        None => Err(match session.erasure(name).await? {
            Some(row) => was_erased(&row),
            None => Problem::unknown("case", &name.chars().take(40).collect::<String>()),
        }),
    }
}

const fn counterpart(summary: &CaseSummary) -> &PartyId {
    match summary {
        CaseSummary::Request(request) => &request.counterpart,
        CaseSummary::Order(order) => &order.counterpart,
        CaseSummary::Preservation(preservation) => &preservation.counterpart,
    }
}

/// Refuses what is not over: only a closed case may go, with nothing of it under way.
async fn demand_erasable(session: &mut Session, case: &CaseId) -> Result<CaseSummary, StoreError> {
    let summary = session.case(case.as_str()).await?.ok_or_else(|| Problem::unknown("case", case))?;
    let refuse =
        |what: String, hint: &str| Err(Problem::new(Reason::WrongStage, what).with_hint(hint).into());
    let (closed, stage) = match &summary {
        CaseSummary::Request(request) => {
            let stage: StageName = request.stage.name();
            (stage.is_closed(), stage.as_str())
        }
        CaseSummary::Order(order) => (order.stage.is_closed(), order.stage.as_str()),
        CaseSummary::Preservation(preservation) => {
            (preservation.stage.is_closed(), preservation.stage.as_str())
        }
    };
    if !closed {
        let what = format!("case {case} is {stage}; only a closed case may be erased");
        return refuse(
            what,
            "bring it to its end first: close it, release the preservation, or wait until it lapsed",
        );
    }
    if let CaseSummary::Request(request) = &summary
        && let Some(number) = &request.follows_up
        && let Some(preservation) = session.preservation_by_number(number).await?
        && !preservation.stage.is_closed()
    {
        let what = format!("the preservation {number} that the request follows up still runs");
        return refuse(what, "release it, or wait until it has lapsed");
    }
    if session.has_errands(case.as_str()).await? {
        let what = format!("something of case {case} waits in the outbox for its counterpart");
        return refuse(what, "wait until it is delivered; the operator sees why it is not");
    }
    Ok(summary)
}

struct Propose {
    row: ErasureRow,
    actor: Actor,
    request_id: String,
    digest: Digest,
}

impl Act for Propose {
    const NAME: &'static str = "propose-erasure";
    type Output = ErasureRow;

    async fn perform(&self, tx: &mut Transaction) -> Result<ErasureRow, StoreError> {
        let (row, caller) = (&self.row, self.row.proposed_by.to_string());
        if tx.answered(&caller, &self.request_id, &self.digest).await?.is_none() {
            demand_erasable(tx, &row.case).await?;
            tx.propose_erasure(&ErasureRow { proposed_time: tx.now(), ..row.clone() }).await?;
            let event = Event::ErasureProposed {
                erased_case: row.case.clone(),
                shared_number: row.shared_number.clone(),
                reason: row.reason.clone(),
                article: row.article.clone(),
            };
            tx.record(OFFICE, &self.actor, CustodyEvent::internal(event)).await?;
            tx.remember_answer(&caller, &self.request_id, &self.digest, row.case.as_str()).await?;
        }
        let kept = tx.erasure(row.case.as_str()).await?;
        Ok(kept.ok_or_else(|| Problem::unknown("erasure", &row.case))?)
    }
}

/// Confirms a proposal as another person, and erases the case.
///
/// # Errors
/// [`Reason::SamePerson`]; [`Reason::ContentChanged`] if another proposal stands there by now;
/// [`Reason::WrongStage`] if the case may not be erased any more.
pub async fn confirm_erasure(
    authority: &Authority,
    permit: &Permit,
    erasing: &Erasing<'_>,
) -> Result<ErasureRow, Problem> {
    erasing.check()?;
    let (officer, actor) = permit.officer_as(&[Role::Approver])?;
    let mut tried = 0;
    loop {
        tried += 1;
        let mut session = authority.datastore.read().await?;
        let proposal = session.erasure(erasing.case).await?;
        let proposal = proposal.ok_or_else(|| {
            Problem::new(Reason::WrongStage, format!("nobody proposed to erase case {}", erasing.case))
                .with_hint(
                    "a colleague proposes it with `rogatory case erase` and its --reason and --article",
                )
        })?;
        if proposal.erased.is_some() {
            drop(session);
            finish_one(authority, &proposal).await?;
            let row = authority.datastore.read().await?.erasure(erasing.case).await?;
            return row.ok_or_else(|| Problem::unknown("erasure", &proposal.case));
        }
        demand_same(&proposal, erasing)?;
        demand_another(authority, &proposal.proposed_by, officer)?;
        let summary = demand_erasable(&mut session, &proposal.case).await?;
        let notices = notices(authority, &mut session, &summary, &proposal).await?;
        let tag_key = session.tag_key(proposal.case.as_str())?;
        drop(session);
        let case = proposal.case.clone();
        let act = Erase { proposal, actor: actor.clone(), tag_key, notices };
        match authority.datastore.perform(act).await {
            Ok(row) => {
                // The entry is committed: what fails now is done by the worker or at the next start.
                if let Err(problem) = finish_one(authority, &row).await {
                    tracing::error!(%case, problem = %chain(&problem), "an erasure is not finished yet");
                }
                let row = authority.datastore.read().await?.erasure(case.as_str()).await?;
                return row.ok_or_else(|| Problem::unknown("erasure", &case));
            }
            Err(problem) => {
                restore_unless_erased(authority, &case).await;
                if tried >= TRIES || problem.reason() != Reason::Raced {
                    return Err(problem);
                }
            }
        }
    }
}

/// The key was retired for an erasure that failed: unless it stands after all, the case goes on.
async fn restore_unless_erased(authority: &Authority, case: &CaseId) {
    let stands = async {
        let row = authority.datastore.read().await?.erasure(case.as_str()).await?;
        Ok::<bool, Problem>(row.is_some_and(|row| row.erased.is_some()))
    };
    match stands.await {
        Ok(false) => authority.datastore.keys().restore(case.as_str()),
        Ok(true) => {}
        // Not known: the next start reads the key again, or finishes the erasure.
        Err(problem) => {
            tracing::error!(%case, problem = %chain(&problem), "whether a case is erased is not known")
        }
    }
}

fn demand_same(proposal: &ErasureRow, erasing: &Erasing<'_>) -> Result<(), Problem> {
    if (proposal.reason.as_str(), proposal.article.as_str()) == (erasing.reason, erasing.article) {
        return Ok(());
    }
    let what = format!("another proposal to erase case {} stands here by now", proposal.case);
    Err(Problem::new(Reason::ContentChanged, what).with_hint("look at it again and confirm exactly that"))
}

fn demand_another(authority: &Authority, proposer: &OfficerId, confirmer: &OfficerId) -> Result<(), Problem> {
    let (first, second) = (authority.institution.officer(proposer), authority.institution.officer(confirmer));
    match (first, second) {
        (Some(first), Some(second)) => demand_two_persons(first, second).map_err(|_| {
            Problem::new(Reason::SamePerson, "who proposed an erasure cannot confirm it")
                .with_hint("a colleague with the role approver must confirm it")
        }),
        _ => Err(Problem::new(Reason::WrongStage, format!("{proposer} does not work here any more"))
            .with_hint("propose the erasure again")),
    }
}

/// The notices to those with whom something of the case was exchanged, sealed; to be stored and sent.
async fn notices(
    authority: &Authority,
    session: &mut Session,
    summary: &CaseSummary,
    proposal: &ErasureRow,
) -> Result<Vec<DocumentRow>, Problem> {
    let mut matters: Vec<(SharedNumber, PartyId)> = Vec::new();
    match summary {
        CaseSummary::Request(request) => {
            if request.stage.name() != StageName::NotDelivered {
                matters.push((request.shared_number.clone(), request.counterpart.clone()));
            }
            for order in session.orders(&request.case).await? {
                let left = !matches!(
                    order.stage,
                    OrderStage::Drafted { .. }
                        | OrderStage::Approved { .. }
                        | OrderStage::NotDelivered { .. }
                );
                if left {
                    matters.push((order.shared_number, order.counterpart));
                }
            }
        }
        CaseSummary::Order(order) => matters.push((order.shared_number.clone(), order.counterpart.clone())),
        CaseSummary::Preservation(preservation) => {
            if preservation.stage.as_str() != "not-delivered" {
                matters.push((preservation.shared_number.clone(), preservation.counterpart.clone()));
            }
        }
    }
    let (mut notices, directory) = (Vec::with_capacity(matters.len()), authority.directory());
    for (number, counterpart) in matters {
        let Some(party) = directory.party(&counterpart) else {
            tracing::warn!(%counterpart, "a counterpart is not confirmed any more and is not told of an erasure");
            continue;
        };
        let name = party.entry.name.clone();
        notices.push(
            notice(authority, session, number, NamedParty { party: counterpart, name }, proposal).await?,
        );
    }
    Ok(notices)
}

async fn notice(
    authority: &Authority,
    session: &mut Session,
    shared_number: SharedNumber,
    addressee: NamedParty,
    proposal: &ErasureRow,
) -> Result<DocumentRow, Problem> {
    let own = authority.institution.party();
    let now = authority.clock.now().whole_seconds();
    let last = session.last_message_number(own, &shared_number).await?;
    let message_number =
        u32::try_from(last + 1).ok().and_then(MessageNumber::new).unwrap_or(MessageNumber::FIRST);
    let document = Document {
        format: FORMAT,
        profile: PROFILE,
        kind: DocumentKind::ErasureNotice,
        shared_number: shared_number.clone(),
        message_number,
        sender: authority.institution.named(),
        addressee: addressee.clone(),
        created_time: now,
        in_reply_to: None,
        renderer: String::new(),
        template: String::new(),
        pack_version: String::new(),
        language: String::new(),
        body: json!({ "article": proposal.article, "erased_time": now }),
    };
    let container = authority
        .institution
        .seal_notice(&document, now)
        .map_err(|error| Problem::internal("an erasure notice could not be sealed", error))?;
    Ok(DocumentRow {
        id: DocumentId::mint(authority.entropy.as_ref()),
        case: OFFICE.to_owned(),
        kind: document.kind,
        shared_number,
        message_number,
        sender: own.clone(),
        addressee: addressee.party,
        stage: DocumentStage::Sealed,
        stage_time: now,
        container_sha256: Digest::of(&container),
        container,
        receipt: None,
    })
}

struct Erase {
    proposal: ErasureRow,
    actor: Actor,
    tag_key: TagKey,
    notices: Vec<DocumentRow>,
}

impl Act for Erase {
    const NAME: &'static str = "erase-case";
    type Output = ErasureRow;

    async fn perform(&self, tx: &mut Transaction) -> Result<ErasureRow, StoreError> {
        let (proposal, case) = (&self.proposal, &self.proposal.case);
        let now_there = tx.erasure(case.as_str()).await?.ok_or_else(|| Problem::unknown("erasure", case))?;
        if now_there.erased.is_some() {
            return Ok(now_there);
        }
        // An earlier run of this act may have come to nothing after it had retired the key.
        tx.restore_key(case);
        let same = (&now_there.reason, &now_there.article, &now_there.proposed_by)
            == (&proposal.reason, &proposal.article, &proposal.proposed_by);
        if !same {
            return Err(Problem::new(Reason::ContentChanged, "another proposal stands here by now").into());
        }
        demand_erasable(tx, case).await?;
        for notice in &self.notices {
            let last = tx.last_message_number(&notice.sender, &notice.shared_number).await?;
            if last >= i64::from(notice.message_number.value()) {
                return Err(Problem::new(Reason::Raced, "something was drafted in the case meanwhile").into());
            }
        }
        let counts = tx.erase_rows(case).await?;
        // Acts behind this one find no key, whether they were begun before or after.
        tx.retire_key(case);
        let event = Event::CaseErased {
            erased_case: case.clone(),
            shared_number: proposal.shared_number.clone(),
            reason: proposal.reason.clone(),
            article: proposal.article.clone(),
            proposed_by: proposal.proposed_by.clone(),
            entries: counts.entries,
            packages: counts.packages,
            tag_key_sha256: Digest::of(self.tag_key.as_bytes()),
        };
        let logged = tx.record(OFFICE, &self.actor, CustodyEvent::internal(event)).await?;
        tx.confirm_erasure(case, logged.leaf_index, &self.tag_key).await?;
        for notice in &self.notices {
            let notice = DocumentRow { stage_time: tx.now(), ..notice.clone() };
            tx.insert_document(&notice).await?;
            let event = Event::DocumentSealed {
                document: notice.id.clone(),
                kind: notice.kind,
                container_sha256: notice.container_sha256,
            };
            tx.record(OFFICE, &self.actor, CustodyEvent::internal(event)).await?;
            let line = Line { case: OFFICE.to_owned(), addressee: notice.addressee.clone() };
            tx.queue(&Errand::Document(notice.id.clone()), &line, &self.actor, tx.now()).await?;
        }
        let row = tx.erasure(case.as_str()).await?;
        Ok(row.ok_or_else(|| Problem::unknown("erasure", case))?)
    }
}

/// Finishes what a crash, a full disk or a long reader left of erasures that are committed; says how many are done now.
///
/// # Errors
/// [`Problem`] naming the first that cannot be finished; the others were tried.
pub async fn finish_erasures(authority: &Authority) -> Result<usize, Problem> {
    let (mut done, mut failed) = (0, None);
    for row in authority.datastore.read().await?.unfinished_erasures().await? {
        match finish_one(authority, &row).await {
            Ok(()) => done += 1,
            Err(problem) => failed = failed.or(Some(problem)),
        }
    }
    failed.map_or(Ok(done), Err)
}

/// Destroys the key, removes the packages and cuts off the write-ahead log. Doing it again changes nothing.
async fn finish_one(authority: &Authority, row: &ErasureRow) -> Result<(), Problem> {
    let Some(Erased { finished: false, .. }) = &row.erased else { return Ok(()) };
    let (keys, case) = (authority.datastore.keys().clone(), row.case.to_string());
    blocking(move || keys.erase(&case)).await?;
    let folders = authority.datastore.read().await?.erased_folders(&row.case).await?;
    let vault = authority.vault.clone();
    blocking(move || {
        folders.iter().try_for_each(|folder| match folder {
            ErasedFolder::Package(id) => vault.erase_package(id),
            ErasedFolder::Transfer(id) => vault.discard(&vault.close(id, None)?),
        })
    })
    .await?;
    authority.datastore.cut_wal().await?;
    authority.datastore.perform(Finish { case: row.case.clone() }).await?;
    tracing::info!(case = %row.case, "a case is erased: its key and packages are destroyed");
    Ok(())
}

struct Finish {
    case: CaseId,
}

impl Act for Finish {
    const NAME: &'static str = "finish-erasure";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        tx.finish_erasure(&self.case).await
    }
}

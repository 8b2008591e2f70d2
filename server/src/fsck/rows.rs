//! Compares the rows of a case with what the log says and with the signed bytes that they hold.

use super::case::CaseLog;
use super::report::{Item, Report};
use super::{Office, outbox};
use crate::datastore::{Inspection, RawDocument, RawHead, RawMatter, RawPreservation, RawReceipt, log_of};
use crate::directory::{open_container, verify_container};
use crate::keystore::CaseKey;
use crate::problem::Problem;
use rogatory_core::custody_event::Stream;
use rogatory_core::document::{DATA_FILE, Document};
use rogatory_core::mla_request::MlaRequest;
use rogatory_core::order::ProductionOrder;
use rogatory_core::preservation::Preservation;
use rogatory_core::receipt::{Receipt, Receipted};
use rogatory_core::{Digest, PartyId, Timestamp, chain};
use rogatory_custody::case_head::verify_case_head;
use rogatory_custody::note::Vkey;
use std::collections::BTreeSet;

/// How many documents, a quarter of a megabyte at most each, are read at once.
const PAGE: i64 = 32;
const HEADS: i64 = 500;

/// Compares the requests, orders and preservations of a case with their bodies and with the log; gives the counterparts.
///
/// # Errors
/// [`Problem`] if the database cannot be read.
pub(super) async fn check_matters(
    database: &mut Inspection,
    case: &str,
    key: Option<&CaseKey>,
    log: &CaseLog,
    report: &mut Report,
) -> Result<BTreeSet<String>, Problem> {
    let mut counterparts = BTreeSet::new();
    for row in database.requests(case).await? {
        match key {
            None => report.unreadable(Item::Request),
            Some(key) => report.judge(Item::Request, &row.shared_number, request_faults(&row, key, log)),
        }
        counterparts.insert(row.counterpart);
    }
    for row in database.orders(case).await? {
        match key {
            None => report.unreadable(Item::Order),
            Some(key) => report.judge(Item::Order, &row.shared_number, order_faults(&row, key, log)),
        }
        counterparts.insert(row.counterpart);
    }
    for row in database.preservations(case).await? {
        match key {
            None => report.unreadable(Item::Preservation),
            Some(key) => {
                let faults = preservation_faults(&row, key, log);
                report.judge(Item::Preservation, &row.matter.shared_number, faults);
            }
        }
        counterparts.insert(row.matter.counterpart);
    }
    Ok(counterparts)
}

fn differs(faults: &mut Vec<String>, what: &str, column: &str, truth: &str) {
    if column != truth {
        faults.push(format!("its {what} stands as `{column}`, and is `{truth}`"));
    }
}

fn request_faults(row: &RawMatter, key: &CaseKey, log: &CaseLog) -> Vec<String> {
    let mut faults = Vec::new();
    let read = row.request(key).map_err(|problem| chain(&problem));
    match read.and_then(|body| serde_json::from_slice::<MlaRequest>(&body).map_err(|error| error.to_string()))
    {
        Err(why) => faults.push(why),
        Ok(request) => {
            differs(&mut faults, "case", &row.case, request.case.as_str());
            differs(&mut faults, "number", &row.shared_number, request.shared_number.as_str());
            differs(&mut faults, "side", &row.side, request.side.as_str());
            differs(&mut faults, "counterpart", &row.counterpart, &request.counterpart.to_string());
            differs(&mut faults, "instrument", &row.about, &request.instrument);
            stage_faults(&mut faults, row, (request.stage.name().as_str(), request.stage.since()), log);
        }
    }
    faults
}

fn order_faults(row: &RawMatter, key: &CaseKey, log: &CaseLog) -> Vec<String> {
    let mut faults = Vec::new();
    let read = row.order(key).map_err(|problem| chain(&problem));
    match read
        .and_then(|body| serde_json::from_slice::<ProductionOrder>(&body).map_err(|error| error.to_string()))
    {
        Err(why) => faults.push(why),
        Ok(order) => {
            differs(&mut faults, "case", &row.case, order.case.as_str());
            differs(&mut faults, "number", &row.shared_number, order.shared_number.as_str());
            differs(&mut faults, "side", &row.side, order.side.as_str());
            differs(&mut faults, "counterpart", &row.counterpart, &order.counterpart.to_string());
            differs(&mut faults, "request", &row.about, order.request_number.as_str());
            stage_faults(&mut faults, row, (order.stage.as_str(), order.stage.since()), log);
        }
    }
    faults
}

fn preservation_faults(row: &RawPreservation, key: &CaseKey, log: &CaseLog) -> Vec<String> {
    let (matter, mut faults) = (&row.matter, Vec::new());
    let read = matter.preservation(key).map_err(|problem| chain(&problem));
    match read
        .and_then(|body| serde_json::from_slice::<Preservation>(&body).map_err(|error| error.to_string()))
    {
        Err(why) => faults.push(why),
        Ok(preservation) => {
            differs(&mut faults, "case", &matter.case, preservation.case.as_str());
            differs(&mut faults, "number", &matter.shared_number, preservation.shared_number.as_str());
            differs(&mut faults, "side", &matter.side, preservation.side.as_str());
            differs(&mut faults, "counterpart", &matter.counterpart, &preservation.counterpart.to_string());
            differs(&mut faults, "instrument", &matter.about, &preservation.instrument);
            let stage = (preservation.stage.as_str(), preservation.stage.since());
            stage_faults(&mut faults, matter, stage, log);
            let until = preservation.stage.preserved_until().map(Timestamp::microseconds);
            if row.preserved_until != until {
                faults.push("the instant until which it holds is another".to_owned());
            }
            let followed = preservation.followed_up_by.as_ref().map(|number| number.as_str());
            if row.followed_up_by.as_deref() != followed {
                faults.push("the request that follows it up is another".to_owned());
            }
        }
    }
    faults
}

fn stage_faults(faults: &mut Vec<String>, row: &RawMatter, (stage, since): (&str, Timestamp), log: &CaseLog) {
    differs(faults, "stage", &row.stage, stage);
    if row.stage_time != since.microseconds() {
        faults.push(format!("the instant of its stage is another than {since}"));
    }
    if let Some(reached) = log.stage(&row.shared_number)
        && reached != stage
    {
        faults.push(format!("the log says that it reached `{reached}` last, it stands as `{stage}`"));
    }
}

/// Compares the documents of a case with their containers, their receipts and the log.
///
/// # Errors
/// [`Problem`] if the database cannot be read.
pub(super) async fn check_documents(
    database: &mut Inspection,
    case: &str,
    key: Option<&CaseKey>,
    log: &mut CaseLog,
    office: &Office,
    report: &mut Report,
) -> Result<(), Problem> {
    let mut position = i64::MIN;
    loop {
        let page = database.documents(case, position, PAGE).await?;
        let Some(last) = page.last() else { break };
        position = last.position;
        for row in page {
            let Some(key) = key else {
                report.unreadable(Item::Document);
                continue;
            };
            let may_be_gone = row.stage == "refused" && database.was_erased(&row.shared_number).await?;
            let faults = document_faults(&row, key, may_be_gone, log, office, report);
            report.judge(Item::Document, &row.id, faults);
            if row.stage == "sealed" {
                outbox::demand(database, "document", &row.id, report).await?;
            }
            if row.receipt.is_there() || !row.receipt.is_whole_or_absent() {
                let faults = match row.receipt(key) {
                    Err(problem) => vec![chain(&problem)],
                    Ok(receipt) => document_receipt_faults(&row, receipt.as_deref(), log, office),
                };
                report.judge(Item::Receipt, format!("for document {}", row.id), faults);
            }
        }
    }
    for id in std::mem::take(&mut log.drafted).into_keys() {
        report.missing(Item::Document, id, format!("the log of case {case} says that it was drafted"));
    }
    for (sha256, stage) in std::mem::take(&mut log.exchanged) {
        let what = format!("the log of case {case} says that it was {stage}");
        report.missing(Item::Document, format!("with sha256 {sha256}"), what);
    }
    Ok(())
}

/// What is wrong with a document; takes what the log says of it out of `log`. What came again after its matter was
/// erased is kept without its bytes: `may_be_gone`.
fn document_faults(
    row: &RawDocument,
    key: &CaseKey,
    may_be_gone: bool,
    log: &mut CaseLog,
    office: &Office,
    report: &mut Report,
) -> Vec<String> {
    let mut faults = Vec::new();
    let named = Digest::from_slice(&row.container_sha256).map(|sha256| sha256.to_hex()).unwrap_or_default();
    let drafted = log.drafted.remove(&row.id);
    match (log.exchanged.remove(&named), &drafted) {
        (Some(stage), _) => differs(&mut faults, "stage", &row.stage, stage),
        (None, Some((stage, container))) => {
            differs(&mut faults, "stage", &row.stage, stage);
            differs(&mut faults, "digest", &named, container);
        }
        // What came enclosed in another document is bound by that one's signatures.
        (None, None) if row.stage == "enclosed" => {}
        (None, None) => faults.push("no entry of the log speaks of it".to_owned()),
    }
    let ended = ["transmitted", "not-delivered", "received", "refused"].contains(&row.stage.as_str());
    if ended != row.receipt.is_there() {
        let has = if row.receipt.is_there() { "has a receipt" } else { "has no receipt" };
        faults.push(format!("it is {} and {has}", row.stage));
    }
    let container = match row.container(key) {
        Ok(container) => container,
        Err(problem) => {
            faults.push(chain(&problem));
            return faults;
        }
    };
    if may_be_gone && container.is_empty() {
        return faults;
    }
    if Digest::of(&container).to_hex() != named {
        faults.push("its container has another digest than stands beside it".to_owned());
    }
    let opened = open_container(&container).map_err(|problem| chain(&problem));
    let parsed = opened.and_then(|container| {
        let document = Document::from_json(container.file(DATA_FILE).unwrap_or_default());
        document.map(|document| (container, document)).map_err(|error| chain(&error))
    });
    let (container, document) = match parsed {
        Ok(parsed) => parsed,
        Err(why) => {
            faults.push(why);
            return faults;
        }
    };
    differs(&mut faults, "kind", &row.kind, document.kind.as_str());
    differs(&mut faults, "number", &row.shared_number, document.shared_number.as_str());
    differs(&mut faults, "sender", &row.sender, &document.sender.party.to_string());
    if !["refused", "enclosed"].contains(&row.stage.as_str()) {
        // One that came to the wrong office is refused, and names the right one; an enclosed one went to another.
        differs(&mut faults, "addressee", &row.addressee, &document.addressee.party.to_string());
    }
    if i128::from(row.message_number) != i128::from(document.message_number.value()) {
        faults.push(format!("its message number is {}", document.message_number.value()));
    }
    match (office.anchors_of(&document.sender.party), Timestamp::from_microseconds(row.stage_time)) {
        (Some(anchors), Ok(at)) => {
            if let Err(problem) = verify_container(&container, &anchors, at) {
                faults.push(chain(&problem));
            }
        }
        (None, _) => {
            let sender = &document.sender.party;
            report.note(format!(
                "document {}: {sender} is not confirmed, its signatures are not checked",
                row.id
            ));
        }
        (_, Err(error)) => faults.push(chain(&error)),
    }
    faults
}

fn document_receipt_faults(
    row: &RawDocument,
    receipt: Option<&[u8]>,
    log: &CaseLog,
    office: &Office,
) -> Vec<String> {
    let given = ["received", "refused"].contains(&row.stage.as_str());
    let (mut faults, read) = receipt_faults(&row.receipt, receipt, given, log, office);
    let Some(receipt) = read else { return faults };
    let fits = match &receipt.of {
        Receipted::Document { container_sha256, .. } => {
            container_sha256.as_bytes().as_slice() == row.container_sha256
        }
        Receipted::Package { .. } => false,
    };
    if !fits {
        faults.push("it is for something else".to_owned());
    }
    faults
}

/// What is wrong with a receipt that stands in a row, and the receipt if it can be read. One that this
/// office gave must stand in its log under the leaf that the row names.
pub(super) fn receipt_faults(
    row: &RawReceipt,
    receipt: Option<&[u8]>,
    given: bool,
    log: &CaseLog,
    office: &Office,
) -> (Vec<String>, Option<Receipt>) {
    let mut faults = Vec::new();
    if !row.is_whole_or_absent() {
        faults.push("digest, container or leaf are missing".to_owned());
    }
    let Some(receipt) = receipt else { return (faults, None) };
    let sha256 = Digest::of(receipt);
    if row.sha256.as_deref().is_some_and(|stored| stored != sha256.as_bytes()) {
        faults.push("it has another digest than stands beside it".to_owned());
    }
    match log.receipts.get(&sha256.to_hex()) {
        None => faults.push("no entry of the log names it".to_owned()),
        Some(leaf) => {
            if given && row.leaf.as_deref().is_some_and(|stored| stored != leaf.as_bytes()) {
                faults.push("its leaf is another than the one that names it".to_owned());
            }
        }
    }
    let (more, read) = sealed_faults(receipt, office);
    faults.extend(more);
    (faults, read)
}

/// What is wrong with a receipt's container.
pub(super) fn sealed_faults(receipt: &[u8], office: &Office) -> (Vec<String>, Option<Receipt>) {
    let container = match open_container(receipt) {
        Ok(container) => container,
        Err(problem) => return (vec![chain(&problem)], None),
    };
    let read = match Receipt::from_json(container.file(DATA_FILE).unwrap_or_default()) {
        Ok(read) => read,
        Err(error) => return (vec![error.to_string()], None),
    };
    let mut faults = Vec::new();
    if let Some(anchors) = office.anchors_of(&read.issuer.party)
        && let Err(problem) = verify_container(&container, &anchors, read.issued_time)
    {
        faults.push(chain(&problem));
    }
    (faults, Some(read))
}

/// Compares the case heads of a case with the log they speak of, or with their sender's key.
///
/// # Errors
/// [`Problem`] if the database cannot be read.
pub(super) async fn check_heads(
    database: &mut Inspection,
    case: &str,
    office: &Office,
    report: &mut Report,
) -> Result<(), Problem> {
    let mut after = (String::new(), String::new());
    loop {
        let page = database.heads(case, (&after.0, &after.1), HEADS).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = (last.direction.clone(), last.message.clone());
        for row in page {
            let faults = head_faults(database, case, &row, office).await?;
            report.judge(Item::CaseHead, format!("{} with {}", row.direction, row.message), faults);
        }
    }
}

async fn head_faults(
    database: &mut Inspection,
    case: &str,
    row: &RawHead,
    office: &Office,
) -> Result<Vec<String>, Problem> {
    let mut faults = Vec::new();
    if Digest::of(&row.note).as_bytes().as_slice() != row.head_sha256 {
        faults.push("it has another digest than stands beside it".to_owned());
    }
    let sent = row.direction == "sent";
    let counterpart: Option<PartyId> = row.counterpart.parse().ok();
    let mut keys: Vec<Vkey> = if sent {
        office.log_keys().cloned().collect()
    } else {
        counterpart.as_ref().and_then(|party| office.log_key_of(party)).into_iter().collect()
    };
    if !sent {
        keys.retain(|key| log_of(&row.note) == Some(key.name()));
    }
    if keys.is_empty() {
        // Its sender is not confirmed any more, or its log was another one then; the digest was compared.
        return Ok(faults);
    }
    let head = match verify_case_head(&row.note, &keys) {
        Ok(head) => head.head().clone(),
        Err(error) => {
            faults.push(chain(&error));
            return Ok(faults);
        }
    };
    if i128::from(head.n) != i128::from(row.n) || head.leaf.as_bytes().as_slice() != row.leaf_hash {
        faults.push(format!("it says #{} with the leaf {}", head.n, head.leaf));
    }
    if sent {
        if Some(&head.stream) != counterpart.map(Stream::Shared).as_ref() {
            faults.push(format!("it is of the stream {}", head.stream));
        }
        let leaf = database.leaf_hash_of(case, &row.counterpart, row.n).await?;
        if leaf.is_some_and(|leaf| leaf != head.leaf.as_bytes()) {
            faults.push(format!("the log has another leaf as #{} of the stream", head.n));
        }
    }
    Ok(faults)
}

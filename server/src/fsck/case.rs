//! Walks through the events of one case: bodies against leaves, numbers, links; and what they say is here.
//!
//! Keeps of each event only what rows are compared with afterwards, so that memory follows the largest
//! case and not the log.

use super::report::{Item, Report};
use super::tree::Bodiless;
use crate::datastore::{Inspection, RawBody};
use crate::keystore::CaseKey;
use crate::problem::Problem;
use rogatory_core::custody_event::Stream;
use rogatory_core::{Digest, chain};
use rogatory_custody::leaf::{BodyHeader, Leaf, TagKey};
use rogatory_custody::tree::leaf_hash;
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// How many bodies are read at once.
const PAGE: i64 = 200;

/// What the log says of a case.
#[derive(Default)]
pub(super) struct CaseLog {
    /// The leaf that names a receipt, by the receipt's digest.
    pub receipts: HashMap<String, Digest>,
    /// Own documents before they left, by id: the latest stage and container.
    pub drafted: BTreeMap<String, (&'static str, String)>,
    /// Documents that were exchanged, by their container's digest: the stage that follows.
    pub exchanged: BTreeMap<String, &'static str>,
    /// Packages by id, with the events that speak of them.
    pub packages: BTreeMap<String, BTreeSet<String>>,
    /// The latest stage reached, by shared number, with the leaf that says so.
    stages: HashMap<String, (i64, String)>,
    /// The latest entry confirmed, by party, with the leaf that says so.
    parties: BTreeMap<String, (i64, String)>,
    /// The cases that were erased, by the office's log.
    pub erasures: BTreeMap<String, LoggedErasure>,
    /// The epochs that began, by the leaf that says so: the log since then, the log before, and its key.
    pub epochs: BTreeMap<i64, [String; 3]>,
    /// The streams with their last numbers.
    streams: BTreeMap<String, u64>,
}

/// What the log says of an erasure.
pub(super) struct LoggedErasure {
    /// The leaf that says so.
    pub leaf_index: i64,
    /// How many events went.
    pub entries: u64,
    /// How many packages.
    pub packages: u64,
    /// The digest of the tag key by which their leaves are told.
    pub tag_key_sha256: String,
}

impl CaseLog {
    /// The stage that a request or order reached last; none if it never moved.
    pub(super) fn stage(&self, shared_number: &str) -> Option<&str> {
        self.stages.get(shared_number).map(|(_, stage)| stage.as_str())
    }

    /// The entries that were confirmed, by party: the digest of the latest.
    pub(super) fn parties(&self) -> impl Iterator<Item = (&str, &str)> {
        self.parties.iter().map(|(party, (_, sha256))| (party.as_str(), sha256.as_str()))
    }

    fn learn(&mut self, body: &Value, index: i64, leaf: Digest) {
        let text = |field: &str| body[field].as_str().unwrap_or_default().to_owned();
        if let Some(receipt) = body["receipt_sha256"].as_str() {
            self.receipts.insert(receipt.to_owned(), leaf);
        }
        let event = text("event");
        match event.as_str() {
            "document-drafted" => self.draft(&text("document"), "drafted", text("container_sha256")),
            "document-approved" => self.draft(&text("document"), "approved", text("container_sha256")),
            "document-sealed" => self.draft(&text("document"), "sealed", text("container_sha256")),
            "document-transmitted" => self.exchange(text("container_sha256"), "transmitted"),
            "document-not-delivered" => self.exchange(text("container_sha256"), "not-delivered"),
            "document-received" => self.exchange(text("container_sha256"), "received"),
            "document-refused" => self.exchange(text("container_sha256"), "refused"),
            "package-submitted"
            | "package-sent"
            | "package-received"
            | "package-relayed"
            | "package-not-delivered" => {
                self.packages.entry(text("package")).or_default().insert(event);
            }
            "case-erased" => {
                let erasure = LoggedErasure {
                    leaf_index: index,
                    entries: body["entries"].as_u64().unwrap_or_default(),
                    packages: body["packages"].as_u64().unwrap_or_default(),
                    tag_key_sha256: text("tag_key_sha256"),
                };
                self.erasures.insert(text("erased_case"), erasure);
            }
            "epoch-begun" => {
                let said = [text("origin"), text("closed_origin"), text("closed_log_key")];
                self.epochs.insert(index, said);
            }
            "stage-reached" => later(&mut self.stages, text("shared_number"), index, text("to")),
            "party-confirmed" => {
                let (party, sha256) = (text("party"), text("container_sha256"));
                let known = self.parties.entry(party).or_insert_with(|| (index, sha256.clone()));
                if index > known.0 {
                    *known = (index, sha256);
                }
            }
            _ => {}
        }
    }

    fn draft(&mut self, id: &str, stage: &'static str, container: String) {
        self.drafted.insert(id.to_owned(), (stage, container));
    }

    fn exchange(&mut self, container: String, stage: &'static str) {
        self.exchanged.insert(container, stage);
    }
}

/// Streams are read one after another: what stands later in the log counts.
fn later(into: &mut HashMap<String, (i64, String)>, name: String, index: i64, value: String) {
    let known = into.entry(name).or_insert_with(|| (index, value.clone()));
    if index > known.0 {
        *known = (index, value);
    }
}

/// Checks every event of a case.
///
/// # Errors
/// [`Problem`] if the database cannot be read.
pub(super) async fn check_events(
    database: &mut Inspection,
    case: &str,
    key: Option<&CaseKey>,
    bodiless: &mut Bodiless,
    report: &mut Report,
) -> Result<CaseLog, Problem> {
    let mut log = CaseLog::default();
    let Some(key) = key else {
        unreadable(database, case, report).await?;
        return Ok(log);
    };
    let tag_key = TagKey::derive(key.as_bytes());
    let (mut after, mut previous) = ((String::new(), 0), None);
    loop {
        let page = database.bodies(case, (&after.0, after.1), PAGE).await?;
        if page.is_empty() {
            return Ok(log);
        }
        for row in page {
            if row.stream != after.0 {
                (after, previous) = ((row.stream.clone(), 0), None);
            }
            let expected = after.1 + 1;
            for n in expected..row.n.min(expected.saturating_add(1000)) {
                gap(&tag_key, case, &row.stream, n, bodiless, report);
                previous = None;
            }
            let name = format!("{} of case {case}, stream {}", row.n, row.stream);
            let link = if row.n == expected { Some(previous) } else { None };
            let (faults, leaf) = check_body(&row, case, key, &tag_key, link, &mut log);
            report.judge(Item::Body, format!("#{name}"), faults);
            if row.leaf.is_none() && u64::try_from(row.leaf_index).is_ok_and(|index| index >= report.leaves) {
                report.missing(Item::Leaf, row.leaf_index, format!("event #{name} belongs to it"));
            }
            after.1 = row.n;
            previous = leaf;
            log.streams.insert(row.stream, u64::try_from(row.n).unwrap_or_default());
        }
    }
}

/// A number that no body has: its leaf may still be there.
fn gap(tag_key: &TagKey, case: &str, stream: &str, n: i64, bodiless: &mut Bodiless, report: &mut Report) {
    let name = format!("#{n} of case {case}, stream {stream}");
    let index = stream
        .parse::<Stream>()
        .ok()
        .zip(u64::try_from(n).ok())
        .and_then(|(stream, n)| bodiless.take(&tag_key.tag(&stream, n)));
    match index {
        Some(index) => report.missing(
            Item::Body,
            name,
            format!("leaf {index} commits to it, and the case's key is still here: it was not erased"),
        ),
        None => report.missing(Item::Body, name, "the numbers of the stream go on behind it"),
    }
}

/// Looks for events at the end of a stream, and of streams without any, whose bodies are gone.
pub(super) fn check_ends<'a>(
    log: &'a CaseLog,
    case: &str,
    key: &CaseKey,
    counterparts: impl Iterator<Item = &'a str>,
    bodiless: &mut Bodiless,
    report: &mut Report,
) {
    if bodiless.is_empty() {
        return;
    }
    let tag_key = TagKey::derive(key.as_bytes());
    let mut streams: BTreeSet<&str> = log.streams.keys().map(String::as_str).collect();
    streams.insert("internal");
    streams.extend(counterparts);
    for name in streams {
        let Ok(stream) = name.parse::<Stream>() else { continue };
        let mut n = log.streams.get(name).copied().unwrap_or(0) + 1;
        while let Some(index) = bodiless.take(&tag_key.tag(&stream, n)) {
            let what =
                format!("leaf {index} commits to it, and the case's key is still here: it was not erased");
            report.missing(Item::Body, format!("#{n} of case {case}, stream {name}"), what);
            n += 1;
        }
    }
}

/// What is wrong with a body, and the hash of its leaf. `link` is the leaf it must name, if that is known.
fn check_body(
    row: &RawBody,
    case: &str,
    key: &CaseKey,
    tag_key: &TagKey,
    link: Option<Option<Digest>>,
    log: &mut CaseLog,
) -> (Vec<String>, Option<Digest>) {
    let mut faults = Vec::new();
    let stored = row.leaf.as_deref();
    let hash = stored.map(leaf_hash);
    if stored.is_none() {
        faults.push(format!("its leaf {} is missing", row.leaf_index));
    }
    let body = match row.decrypt(key) {
        Ok(body) => body,
        Err(problem) => {
            faults.push(chain(&problem));
            return (faults, hash);
        }
    };
    let salt: Result<[u8; 32], _> = row.salt.as_slice().try_into();
    let stream: Result<Stream, _> = row.stream.parse();
    match (stream, salt, u64::try_from(row.n)) {
        (Ok(stream), Ok(salt), Ok(n)) => {
            let leaf = Leaf::new(tag_key, &stream, n, &salt, &body);
            if stored.is_some_and(|stored| stored != leaf.to_bytes()) {
                faults.push(format!("its leaf {} commits to something else", row.leaf_index));
            }
        }
        _ => faults.push("stream, number or salt are none".to_owned()),
    }
    match BodyHeader::parse(&body) {
        Err(error) => faults.push(chain(&error)),
        Ok(header) => {
            let named = (header.case.as_str(), header.stream.as_str(), i128::from(header.n));
            if named != (case, row.stream.as_str(), i128::from(row.n)) {
                faults.push(format!(
                    "it names #{} of case {}, stream {}",
                    header.n, header.case, header.stream
                ));
            }
            if link.is_some_and(|link| link != header.previous) {
                faults.push("it names another previous leaf than its stream has".to_owned());
            }
        }
    }
    if let (Ok(value), Some(hash)) = (serde_json::from_slice(&body), hash) {
        log.learn(&value, row.leaf_index, hash);
    }
    (faults, hash)
}

async fn unreadable(database: &mut Inspection, case: &str, report: &mut Report) -> Result<(), Problem> {
    let mut after = (String::new(), 0);
    loop {
        let page = database.bodies(case, (&after.0, after.1), PAGE).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = (last.stream.clone(), last.n);
        page.iter().for_each(|_| report.unreadable(Item::Body));
    }
}

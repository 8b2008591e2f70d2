//! `rogatory-server fsck`: rebuilds tree, numbering and index from what was signed and committed, and compares.
//!
//! Reads the database in one read transaction, the vault and the key store as they are, and changes
//! nothing. So it may run beside the server: what is committed meanwhile is not seen, and whatever a row
//! names was durable before the row. It trusts the keys of the office's own folder and no column that
//! could be computed from signed bytes.
//!
//! | file | compares |
//! |---|---|
//! | `tree` | leaves, stored nodes, root and checkpoint |
//! | `case` | bodies with their leaves, numbers without gaps, links to the previous leaf |
//! | `rows` | requests, orders, preservations, documents, receipts, case heads with log and signed bytes |
//! | `packages` | packages with the log, objects with the vault |
//! | `mod` | parties and epochs with the log |
//! | `erased` | erasures with the log, the leaves, the key store and the vault |
//! | `outbox` | what waits to be sent with documents and packages |
//! | `folders` | vault and key store with the rows, the other way round |
//! | `report` | what was found |

mod case;
mod erased;
mod folders;
mod outbox;
mod packages;
mod report;
mod rows;
mod tree;

pub use report::{Count, ErasedCase, Fault, Finding, Item, Report};

use crate::config::ServerConfig;
use crate::datastore::{Inspection, OFFICE, RawEpoch, RawParty};
use crate::directory::{Directory, SoundEntry};
use crate::files::Disk;
use crate::institution::Institution;
use crate::keystore::KeyStore;
use crate::problem::Problem;
use anyhow::Context as _;
use case::{CaseLog, LoggedErasure};
use erased::Erasures;
use rogatory_core::PackageId;
use rogatory_core::{Digest, PartyId, Timestamp, chain};
use rogatory_custody::checkpoint::Origin;
use rogatory_custody::note::Vkey;
use rogatory_pki::path::Anchors;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// How many cases or parties are listed at once.
const PAGE: i64 = 500;

/// The office whose folder is checked: its keys, and the entries it believes.
struct Office {
    institution: Institution,
    directory: Directory,
    keys: KeyStore,
    vault_folder: PathBuf,
    epochs: Vec<RawEpoch>,
    /// The keys of the log in its epochs that ended.
    closed_keys: Vec<Vkey>,
}

impl Office {
    const fn log_key(&self) -> &Vkey {
        self.institution.log_key().vkey()
    }

    /// Its key, and those of the epochs that ended.
    fn log_keys(&self) -> impl Iterator<Item = &Vkey> {
        std::iter::once(self.log_key()).chain(&self.closed_keys)
    }

    fn log_key_of(&self, party: &PartyId) -> Option<Vkey> {
        self.directory.party(party)?.entry.log_key.parse().ok()
    }

    /// The anchors for what `party` signed; none if it is neither this office nor confirmed.
    fn anchors_of(&self, party: &PartyId) -> Option<Anchors> {
        if party == self.institution.party() {
            return Some(self.institution.anchors().clone());
        }
        self.directory.party(party).map(|_| self.directory.anchors_of(party))
    }

    /// The folder of a package in the vault.
    fn package(&self, id: &PackageId) -> PathBuf {
        self.vault_folder.join("packages").join(id.as_str())
    }

    /// The folders of packages, and of transfers: whole objects, and those that are arriving.
    fn folders(&self) -> (PathBuf, [PathBuf; 2]) {
        let below = |name| self.vault_folder.join(name);
        (below("packages"), [below("incoming"), below("arriving")])
    }
}

/// Checks the server's folder; with `deep` every byte of its packages too.
///
/// # Errors
/// If it cannot be read at all: no configuration, no database, no key-encryption key. Whatever is wrong
/// with what is in it stands in the report.
pub async fn check(folder: &Path, deep: bool) -> anyhow::Result<Report> {
    check_with(folder, ServerConfig::load(folder)?, deep).await
}

/// The same under a configuration that need not stand in the folder.
///
/// # Errors
/// As [`check`].
pub async fn check_with(folder: &Path, config: ServerConfig, deep: bool) -> anyhow::Result<Report> {
    let wrapping = config.key_encryption_key(folder)?;
    let vault_folder = folder.join(&config.storage.vault);
    let location = config.database.location(folder)?;
    let mut database = Inspection::open(&location)
        .await
        .with_context(|| format!("the database {} cannot be opened", location.name()))?;
    // After the snapshot of the database: a key is durable before the rows that need it.
    let keys_folder = folder.join(&config.storage.case_keys);
    let keys = KeyStore::open(&keys_folder, Arc::new(Disk::OwnerOnly), &wrapping)?;
    let institution = Institution::load(folder, config)?;

    let mut report = Report::new(deep);
    let (entries, parties) = read_parties(&mut database, &mut report).await?;
    let directory = Directory::build(&institution, entries)?;
    let epochs = database.epochs().await?;
    let closed_keys = epochs.iter().filter_map(|epoch| epoch.closed_key.parse().ok()).collect();
    let office = Office { institution, directory, keys, vault_folder, epochs, closed_keys };
    check_all(&mut database, &office, &parties, &mut report).await?;
    database.close().await?;
    Ok(report)
}

async fn check_all(
    database: &mut Inspection,
    office: &Office,
    parties: &BTreeMap<String, String>,
    report: &mut Report,
) -> Result<(), Problem> {
    let faults = database.page_faults().await?;
    report.judge(Item::Database, "file", faults);
    let (origin, key) = log_of_checkpoint(database, office).await?;
    let mut erasures = Erasures::read(database).await?;
    let mut bodiless = tree::check(database, &origin, &key, &mut erasures, report).await?;
    let mut logged = BTreeMap::new();
    let mut after = String::new();
    loop {
        let page = database.cases(&after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(last);
        for case in page {
            if erasures.has(&case) {
                // Of an erased case only the heads are left, which name events by number.
                rows::check_heads(database, &case, office, report).await?;
                continue;
            }
            let said = check_case(database, &case, office, parties, &mut bodiless, report).await?;
            logged.extend(said);
        }
    }
    let (unclaimed, beyond) = bodiless.unclaimed();
    for index in unclaimed {
        let what = "its body is gone, and no entry of the log says that its case was erased";
        report.missing(Item::Body, format!("of leaf {index}"), what);
    }
    report.missing_besides(Item::Body, beyond);
    erasures.check(database, logged, office, report).await?;
    outbox::check(database, report).await?;
    folders::check(database, office, report).await
}

/// The log whose checkpoint is expected, with its key: the configured one. A backup may be of an epoch that ended since.
async fn log_of_checkpoint(database: &mut Inspection, office: &Office) -> Result<(Origin, Vkey), Problem> {
    let configured = (office.institution.log_origin().clone(), office.log_key().clone());
    if !database.is_backup().await? {
        return Ok(configured);
    }
    let (own, key) = &configured;
    let note = database.checkpoint().await?.map(|(_, note)| note).unwrap_or_default();
    let named = std::str::from_utf8(&note).ok().and_then(|note| note.lines().next()?.parse::<Origin>().ok());
    let earlier = named.filter(|origin| {
        (origin.domain(), origin.party()) == (own.domain(), own.party()) && origin.epoch() < own.epoch()
    });
    let earlier = earlier.and_then(|origin| {
        let key = Vkey::new(&origin.to_string(), *key.public_key()).ok()?;
        Some((origin, key))
    });
    Ok(earlier.unwrap_or(configured))
}

async fn check_case(
    database: &mut Inspection,
    case: &str,
    office: &Office,
    parties: &BTreeMap<String, String>,
    bodiless: &mut tree::Bodiless,
    report: &mut Report,
) -> Result<BTreeMap<String, LoggedErasure>, Problem> {
    let key = office.keys.key(case);
    match &key {
        Ok(_) => report.present(Item::CaseKey),
        Err(_) if !office.keys.knows(case) => {
            report.missing(Item::CaseKey, case, "nothing of the case can be read, and it was not erased");
        }
        Err(problem) => report.damaged(Item::CaseKey, case, chain(problem)),
    }
    let key = key.ok();
    let key = key.as_ref();
    let mut log = case::check_events(database, case, key, bodiless, report).await?;
    let counterparts = rows::check_matters(database, case, key, &log, report).await?;
    if let Some(key) = key {
        let counterparts = counterparts.iter().map(String::as_str);
        case::check_ends(&log, case, key, counterparts, bodiless, report);
    }
    rows::check_documents(database, case, key, &mut log, office, report).await?;
    packages::check(database, case, key, &mut log, office, report).await?;
    rows::check_heads(database, case, office, report).await?;
    if case == OFFICE && key.is_some() {
        compare_parties(&log, parties, report);
        compare_epochs(&log, office, report);
    }
    // Only the office's own log says what was erased.
    Ok(if case == OFFICE { log.erasures } else { BTreeMap::new() })
}

/// The entries that are believed, and the digest of each.
async fn read_parties(
    database: &mut Inspection,
    report: &mut Report,
) -> Result<(Vec<SoundEntry>, BTreeMap<String, String>), Problem> {
    let (mut entries, mut digests, mut after) = (Vec::new(), BTreeMap::new(), String::new());
    loop {
        let page = database.parties(&after, PAGE).await?;
        let Some(last) = page.last() else { return Ok((entries, digests)) };
        after.clone_from(&last.party);
        for row in page {
            let (faults, entry) = party_faults(&row);
            report.judge(Item::Party, &row.party, faults);
            digests.insert(row.party, Digest::of(&row.container).to_hex());
            entries.extend(entry);
        }
    }
}

fn party_faults(row: &RawParty) -> (Vec<String>, Option<SoundEntry>) {
    let mut faults = Vec::new();
    if Digest::of(&row.container).as_bytes().as_slice() != row.container_sha256 {
        faults.push("its entry has another digest than stands beside it".to_owned());
    }
    let at = Timestamp::from_microseconds(row.confirmed_time).unwrap_or(Timestamp::MAX);
    match SoundEntry::read(&row.container, at) {
        Err(problem) => {
            faults.push(chain(&problem));
            (faults, None)
        }
        Ok(sound) => {
            let (party, version) = (sound.entry().party.to_string(), i64::from(sound.entry().version));
            if (party.as_str(), version) != (row.party.as_str(), row.version) {
                faults.push(format!("the entry is version {version} of {party}"));
            }
            (faults, Some(sound))
        }
    }
}

/// Every epoch that the log says began must be here as it says, and no other; the configuration names the last.
fn compare_epochs(log: &CaseLog, office: &Office, report: &mut Report) {
    let mut unexplained: BTreeMap<i64, &RawEpoch> =
        office.epochs.iter().map(|epoch| (epoch.leaf_index, epoch)).collect();
    for (leaf, said) in &log.epochs {
        let [origin, closed_origin, closed_key] = said;
        match unexplained.remove(leaf) {
            None => report.missing(Item::Epoch, origin, format!("leaf {leaf} says that it began")),
            Some(row) => {
                let same =
                    (&row.origin, &row.closed_origin, &row.closed_key) == (origin, closed_origin, closed_key);
                let ends = origin.rsplit('/').next() == Some(row.epoch.to_string().as_str());
                let faults = if same && ends {
                    Vec::new()
                } else {
                    vec![format!("leaf {leaf} says another thing of it")]
                };
                report.judge(Item::Epoch, origin, faults);
            }
        }
    }
    for (leaf, row) in unexplained {
        report.damaged(
            Item::Epoch,
            &row.origin,
            format!("leaf {leaf} of the log does not say that it began"),
        );
    }
    let own = office.institution.log_origin().to_string();
    // A backup may be of an epoch that ended since; then the mark in it keeps the server from going on.
    let ahead = |last: &&RawEpoch| {
        last.origin != own && last.epoch >= i64::from(office.institution.log_origin().epoch())
    };
    if let Some(last) = office.epochs.last().filter(ahead) {
        let what = format!("it began, and the configuration names {own}: run `rogatory-server next-epoch`");
        report.damaged(Item::Epoch, &last.origin, what);
    }
}

/// Every party whose entry was confirmed last must be here with that very entry, and no other.
fn compare_parties(log: &CaseLog, parties: &BTreeMap<String, String>, report: &mut Report) {
    let mut unexplained: BTreeMap<&str, &str> =
        parties.iter().map(|(party, sha256)| (party.as_str(), sha256.as_str())).collect();
    for (party, sha256) in log.parties() {
        match unexplained.remove(party) {
            None => report.missing(Item::Party, party, "the log says that its entry was confirmed"),
            Some(here) if here != sha256 => {
                report.damaged(
                    Item::Party,
                    party,
                    format!("the entry that was confirmed has sha256 {sha256}"),
                );
            }
            Some(_) => {}
        }
    }
    for party in unexplained.into_keys() {
        report.damaged(Item::Party, party, "no entry of the log says that it was confirmed");
    }
}

//! Compares the packages of a case with the log and with the objects in the vault.

use super::case::CaseLog;
use super::report::{Item, Report};
use super::rows::{receipt_faults, sealed_faults};
use super::{Office, outbox};
use crate::datastore::{Inspection, RawPackage};
use crate::keystore::CaseKey;
use crate::problem::Problem;
use rogatory_core::receipt::Receipted;
use rogatory_core::{Digest, PackageId, chain};
use rogatory_evidence::PERSON_MANIFEST;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeSet;
use std::io::{self, Read as _};
use std::path::Path;

const PAGE: i64 = 100;
const OBJECTS: i64 = 1000;
const BUFFER_BYTES: usize = 64 * 1024;

/// Checks the packages of a case; with `deep` reads every byte of them.
///
/// # Errors
/// [`Problem`] if the database cannot be read.
pub(super) async fn check(
    database: &mut Inspection,
    case: &str,
    key: Option<&CaseKey>,
    log: &mut CaseLog,
    office: &Office,
    report: &mut Report,
) -> Result<(), Problem> {
    let mut after = String::new();
    loop {
        let page = database.packages(case, &after, PAGE).await?;
        let Some(last) = page.last() else { break };
        after.clone_from(&last.id);
        for row in page {
            let events = log.packages.remove(&row.id).unwrap_or_default();
            let Some(key) = key else {
                report.unreadable(Item::Package);
                continue;
            };
            let mut faults = Vec::new();
            match stage_of(&events) {
                None => faults.push("no entry of the log speaks of it".to_owned()),
                Some(stage) if stage != row.stage => {
                    faults.push(format!("its stage stands as `{}`, and is `{stage}`", row.stage));
                }
                Some(_) => {}
            }
            check_receipts(&row, key, log, office, report);
            faults.extend(check_objects(database, &row, office, report).await?);
            report.judge(Item::Package, &row.id, faults);
            if row.stage == "submitted" {
                outbox::demand(database, "package", &row.id, report).await?;
            }
        }
    }
    for id in std::mem::take(&mut log.packages).into_keys() {
        report.missing(Item::Package, id, format!("the log of case {case} speaks of it"));
    }
    Ok(())
}

/// The stage that follows from the events of a package; one that was passed on in vain stays received.
fn stage_of(events: &BTreeSet<String>) -> Option<&'static str> {
    [
        ("package-relayed", "relayed"),
        ("package-received", "received"),
        ("package-sent", "sent"),
        ("package-not-delivered", "not-delivered"),
        ("package-submitted", "submitted"),
    ]
    .into_iter()
    .find(|(event, _)| events.contains(*event))
    .map(|(_, stage)| stage)
}

fn check_receipts(row: &RawPackage, key: &CaseKey, log: &CaseLog, office: &Office, report: &mut Report) {
    let fits = |of: &Receipted| match of {
        Receipted::Package { manifest_sha256, objects_sha256, .. } => {
            manifest_sha256.as_bytes().as_slice() == row.manifest_sha256
                && objects_sha256.as_bytes().as_slice() == row.objects_sha256
        }
        Receipted::Document { .. } => false,
    };
    let other = || "it is for something else".to_owned();
    if row.receipt.is_there() || !row.receipt.is_whole_or_absent() {
        let faults = match row.receipt(key) {
            Err(problem) => vec![chain(&problem)],
            Ok(receipt) => {
                let given = ["received", "relayed"].contains(&row.stage.as_str());
                let (mut faults, read) = receipt_faults(&row.receipt, receipt.as_deref(), given, log, office);
                if read.is_some_and(|read| !fits(&read.of)) {
                    faults.push(other());
                }
                faults
            }
        };
        report.judge(Item::Receipt, format!("for package {}", row.id), faults);
    }
    for (what, receipt, logged) in
        [("of the relay", row.relay_receipt(key), false), ("for the relay", row.relay_answer(key), true)]
    {
        let name = format!("{what} of package {}", row.id);
        match receipt {
            Ok(None) => {}
            Ok(Some(receipt)) => {
                let (mut faults, read) = sealed_faults(&receipt, office);
                if read.is_some_and(|read| !fits(&read.of)) {
                    faults.push(other());
                }
                if logged && !log.receipts.contains_key(&Digest::of(&receipt).to_hex()) {
                    faults.push("no entry of the log names it".to_owned());
                }
                report.judge(Item::Receipt, name, faults);
            }
            Err(problem) => report.damaged(Item::Receipt, name, chain(&problem)),
        }
    }
}

/// Checks the objects of a package in the vault; gives what is wrong with the package as a whole.
async fn check_objects(
    database: &mut Inspection,
    row: &RawPackage,
    office: &Office,
    report: &mut Report,
) -> Result<Vec<String>, Problem> {
    let mut faults = Vec::new();
    let Ok(id) = row.id.parse::<PackageId>() else {
        return Ok(vec!["its id is none".to_owned()]);
    };
    let manifest = Digest::from_slice(&row.manifest_sha256).ok();
    if manifest.map(|sha256| PackageId::of_manifest(&sha256)) != Some(id.clone()) {
        faults.push("its id does not follow from its manifest".to_owned());
    }
    let folder = office.package(&id);
    let (mut count, mut size, mut list, mut position) = (0_i64, 0_i128, Sha256::new(), i64::MIN);
    loop {
        let page = database.objects(&row.id, position, OBJECTS).await?;
        let Some(last) = page.last() else { break };
        position = last.position;
        for object in page {
            count += 1;
            size += i128::from(object.size_bytes);
            let sha256 = Digest::from_slice(&object.sha256).ok();
            list.update(format!(
                "{}  {}\n",
                sha256.map(|sha256| sha256.to_hex()).unwrap_or_default(),
                object.name
            ));
            if object.name == PERSON_MANIFEST && sha256 != manifest {
                faults.push("its manifest is listed with another digest".to_owned());
            }
            let name = format!("{} of package {}", object.name, row.id);
            match look_at(&folder.join(&object.name), report.deep) {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    report.missing(Item::Object, name, "the vault does not hold it");
                }
                Err(error) => report.damaged(Item::Object, name, error.to_string()),
                Ok((length, _)) if i128::from(length) != i128::from(object.size_bytes) => {
                    let what = format!("the vault holds {length} bytes of {}", object.size_bytes);
                    report.damaged(Item::Object, name, what);
                }
                Ok((_, Some(read))) if Some(read) != sha256 => {
                    report.damaged(Item::Object, name, "its bytes have another digest");
                }
                Ok(_) => report.present(Item::Object),
            }
        }
    }
    if count != row.object_count {
        faults.push(format!("{count} objects are listed, not {}", row.object_count));
    }
    if size != i128::from(row.size_bytes) {
        faults.push(format!("its objects have {size} bytes together, not {}", row.size_bytes));
    }
    if list.finalize().as_slice() != row.objects_sha256.as_slice() {
        faults.push("the list of its objects has another digest".to_owned());
    }
    Ok(faults)
}

/// The length of a file, and the digest of its bytes if they are read.
fn look_at(path: &Path, deep: bool) -> io::Result<(u64, Option<Digest>)> {
    let mut file = std::fs::File::open(path)?;
    let length = file.metadata()?.len();
    if !deep {
        return Ok((length, None));
    }
    let (mut hash, mut buffer) = (Sha256::new(), vec![0; BUFFER_BYTES]);
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok((length, Some(Digest::from_bytes(hash.finalize().into())))),
            read => hash.update(&buffer[..read]),
        }
    }
}

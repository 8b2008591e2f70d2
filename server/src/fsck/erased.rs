//! Compares erasures: what the log says was erased is gone, all of it and nothing else, and its leaves stand.
//!
//! Whether a leaf without a body was erased is told by its tag, under the tag key whose digest the entry
//! `case-erased` names: nobody can claim other leaves for it.

use super::Office;
use super::case::LoggedErasure;
use super::report::{ErasedCase, Item, Report};
use crate::datastore::{Inspection, RawErasure};
use crate::problem::Problem;
use rogatory_core::custody_event::Stream;
use rogatory_core::{Digest, PackageId};
use rogatory_custody::leaf::{Leaf, TagKey};
use std::collections::BTreeMap;

const PAGE: i64 = 500;

/// The erasures that stand in the database, with what was found of each.
#[derive(Default)]
pub(super) struct Erasures(BTreeMap<String, Known>);

struct Known {
    row: RawErasure,
    tag_key: Option<TagKey>,
    /// How many leaves were found that it explains.
    found: u64,
}

impl Erasures {
    /// Reads them.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub(super) async fn read(database: &mut Inspection) -> Result<Self, Problem> {
        let (mut known, mut after) = (BTreeMap::new(), String::new());
        loop {
            let page = database.erasures(&after, PAGE).await?;
            let Some(last) = page.last() else { return Ok(Self(known)) };
            after.clone_from(&last.case);
            for row in page {
                let tag_key = row.tag_key.as_slice().try_into().ok().map(TagKey::from_bytes);
                known.insert(row.case.clone(), Known { row, tag_key, found: 0 });
            }
        }
    }

    /// Whether a leaf without a body is this event of an erased case.
    pub(super) fn explains(&mut self, leaf: &Leaf, event: Option<&(String, String, i64)>) -> bool {
        let Some((case, stream, n)) = event else { return false };
        let Some(known) = self.0.get_mut(case) else { return false };
        let tag = match (&known.tag_key, stream.parse::<Stream>(), u64::try_from(*n)) {
            (Some(key), Ok(stream), Ok(n)) => key.tag(&stream, n),
            _ => return false,
        };
        let fits = tag == *leaf.tag();
        known.found += u64::from(fits);
        fits
    }

    pub(super) fn has(&self, case: &str) -> bool {
        self.0.contains_key(case)
    }

    /// Compares them with what the log says.
    ///
    /// # Errors
    /// [`Problem`] if the database cannot be read.
    pub(super) async fn check(
        mut self,
        database: &mut Inspection,
        logged: BTreeMap<String, LoggedErasure>,
        office: &Office,
        report: &mut Report,
    ) -> Result<(), Problem> {
        for (case, said) in logged {
            let Some(known) = self.0.remove(&case) else {
                let what =
                    format!("entry {} says that the case was erased, and nothing here does", said.leaf_index);
                report.missing(Item::Erasure, case, what);
                continue;
            };
            let faults = faults(database, &known, &said, office, report).await?;
            let sound = faults.is_empty();
            report.judge(Item::Erasure, &case, faults);
            if sound {
                report.erased(Item::Body, known.found);
                report.erased(Item::CaseKey, 1);
                report.erased(Item::Package, said.packages);
                report.erasures.push(ErasedCase {
                    case,
                    entry: said.leaf_index,
                    events: known.found,
                    packages: said.packages,
                    reason: known.row.reason,
                    article: known.row.article,
                });
            }
        }
        for (case, known) in self.0 {
            report.damaged(Item::Erasure, &case, "no entry of the log says that the case was erased");
            if known.found > 0 {
                let what = format!("{} events of it have no body, and were not erased", known.found);
                report.missing(Item::Body, format!("of case {case}"), what);
            }
        }
        Ok(())
    }
}

async fn faults(
    database: &mut Inspection,
    known: &Known,
    said: &LoggedErasure,
    office: &Office,
    report: &mut Report,
) -> Result<Vec<String>, Problem> {
    let (row, mut faults) = (&known.row, Vec::new());
    if row.leaf_index != said.leaf_index {
        faults.push(format!("the log says so in entry {}, not {}", said.leaf_index, row.leaf_index));
    }
    if Digest::of(&row.tag_key).to_hex() != said.tag_key_sha256 {
        faults.push("its tag key is another than the entry names".to_owned());
    }
    if said.entries != known.found || i128::from(row.events) != i128::from(said.entries) {
        faults.push(format!(
            "the entry says that {} events were erased; {} are listed, {} of them found among the leaves",
            said.entries, row.events, known.found
        ));
    }
    if database.has_rows(&row.case).await? {
        faults.push("something of the case is here again".to_owned());
    }
    let mut left = Vec::new();
    if office.keys.knows(&row.case) {
        left.push("its key is still in the key store".to_owned());
    }
    for package in database.erased_packages(&row.case).await? {
        let folder = package.parse::<PackageId>().map(|id| office.package(&id));
        if folder.is_ok_and(|folder| folder.exists()) {
            left.push(format!("its package {package} is still in the vault"));
        }
    }
    if row.finished {
        faults.extend(left);
    } else {
        for what in left {
            report.note(format!("the erasure of case {} is not finished: {what}", row.case));
        }
    }
    Ok(faults)
}

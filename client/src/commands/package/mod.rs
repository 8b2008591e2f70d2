//! `rogatory package …`: sealed evidence, offline and on its way.

mod derive;
mod export;
mod inspect;
mod limits;
mod objects;
mod offline_act;
mod open;
mod receive;
mod relay;
mod report;
mod seal;
mod seal_and_send;
mod send;
mod show;
mod upload;
pub mod words;

pub use derive::{DeriveArguments, DerivedOutcome, derive};
pub use export::{ExportArguments, ExportForm, Exported, Sending, export};
pub use inspect::{BundleFacts, ReportArguments, VerifyArguments, VerifyOutcome, verify};
pub use open::{OpenArguments, OpenedOutcome, open};
pub use receive::{Received, receive};
pub use relay::{RelayPlan, Relayed, plan_relay, relay};
pub use seal::{SealArguments, SealPlan, Sealed, plan_seal, seal, seal_planned};
pub use seal_and_send::{SealAndSendPlan, SealedAndSent, plan_seal_and_send, seal_and_send};
pub use send::{SendArguments, SendPlan, Sent, plan_send, send};
pub use show::{Shown, show};

pub(crate) use inspect::{identities, must_exist};
pub(crate) use objects::{Telling, known_as};
pub(crate) use open::{log as sensitive_log, unverified};
pub(crate) use seal::certificate_of;

use super::documents::{self, CaseFacts, PackageFacts, package_table};
use super::request::list_where;
use crate::connect::explain;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::problem::{Problem, clean};
use crate::session::Session;
use rogatory_core::receipt::Receipted;
use rogatory_core::{Digest, PackageId, PartyId};
use rogatory_evidence::transmittal::{IntendedRecipient, Recovery};
use rogatory_evidence::{Output, Transmittal};
use rogatory_proto::office::v1 as office;
use serde::Serialize;
use std::path::PathBuf;

/// The result of [`list`].
#[derive(Clone, Debug, Serialize)]
pub struct Packages {
    /// The case.
    pub case_id: String,
    /// The number both sides use.
    pub shared_number: String,
    /// Its packages.
    pub packages: Vec<PackageFacts>,
}

impl Outcome for Packages {
    fn show(&self, page: &mut Page) {
        page.table(&package_table(&self.packages), "The case has no package.");
    }
}

/// Lists the packages of a case.
///
/// # Errors
/// If the server does not know the case or refuses.
pub async fn list(session: &Session, case: &str) -> Result<Packages, Problem> {
    let case = documents::case(session, case).await?;
    Ok(Packages { case_id: case.case_id, shared_number: case.shared_number, packages: case.packages })
}

/// Everybody who can open a package, recovery included, as it says itself: one line each.
fn recipient_lines(transmittal: &Transmittal) -> Vec<String> {
    let recovery = match &transmittal.recovery {
        Recovery::Recipients(keys) => keys.as_slice(),
        Recovery::Waived { .. } | Recovery::NoOfficeConfigured => &[],
    };
    let line = |one: &IntendedRecipient, role: &str| {
        let whose = match (&one.officer, &one.institution) {
            (Some(officer), _) => format!("named as {officer}"),
            (None, Some(institution)) => format!("named as {institution}"),
            (None, None) => "nobody named".to_owned(),
        };
        format!("{} ({role}{whose})", short_key(&one.recipient))
    };
    let recipients = transmittal.recipients.iter().map(|one| line(one, ""));
    recipients.chain(recovery.iter().map(|one| line(one, "recovery key, "))).collect()
}

/// A folder, or a container file if it is called so.
fn package_output(path: PathBuf) -> Output {
    if path.extension().is_some_and(|extension| extension == "asice") {
        Output::AsiceFile(path)
    } else {
        Output::Folder(path)
    }
}

/// A recipient as it is shown: a post-quantum one has two thousand characters, so its ends and its fingerprint say which.
fn short_key(recipient: &str) -> String {
    match (recipient.get(..24), recipient.len().checked_sub(12).and_then(|tail| recipient.get(tail..))) {
        (Some(head), Some(tail)) if recipient.len() > 100 => {
            format!("{head}…{tail}, SHA-256 {}", Digest::of(recipient.as_bytes()))
        }
        _ => recipient.to_owned(),
    }
}

/// Parses the id of a package as it was typed.
///
/// # Errors
/// A usage problem.
pub fn package_id(text: &str) -> Result<PackageId, Problem> {
    text.parse().map_err(|error: rogatory_core::reference::ReferenceError| {
        Problem::usage(clean(&error.to_string()))
            .with_hint("`rogatory package list CASE` lists the packages of a case")
    })
}

/// What the server says of a package that is there.
#[derive(Clone, Debug)]
struct Held {
    objects: Vec<rogatory_evidence::ObjectDigest>,
    manifest: Digest,
    relay_receipt: bytes::Bytes,
}

impl Held {
    fn size_bytes(&self) -> u64 {
        self.objects.iter().fold(0, |sum, object| sum.saturating_add(object.size_bytes))
    }

    /// Whether `of` speaks of this very package: its manifest, every object, and their size.
    fn is_meant_by(&self, id: &PackageId, of: &Receipted) -> bool {
        match of {
            Receipted::Package { package, manifest_sha256, objects_sha256, size_bytes, .. } => {
                package == id
                    && *manifest_sha256 == self.manifest
                    && *objects_sha256 == objects::digest_of_list(&self.objects)
                    && *size_bytes == self.size_bytes()
            }
            Receipted::Document { .. } => false,
        }
    }
}

impl Held {
    /// Whether `of` speaks of this very package, as `sender` passed it on under `shared_number`.
    fn was_passed_on(&self, id: &PackageId, by: &PartyId, number: &str, of: &Receipted) -> bool {
        match of {
            Receipted::Package { sender, shared_number, .. } => {
                sender == by && shared_number.as_str() == number && self.is_meant_by(id, of)
            }
            Receipted::Document { .. } => false,
        }
    }
}

/// Asks for a package's objects; their names are safe as file names, and the id fits the manifest.
async fn held(session: &Session, package: &PackageId) -> Result<Held, Problem> {
    let mut client = session.connection().await?.packages();
    let request = office::GetPackageRequest { package_id: package.to_string() };
    let answer = client.get_package(request).await.map_err(explain)?.into_inner();
    let objects = objects::announced(answer.objects)?;
    let manifest = objects
        .iter()
        .find(|object| object.name == objects::PERSON_MANIFEST)
        .map(|object| object.sha256)
        .filter(|manifest| {
            PackageId::of_manifest(manifest) == *package && manifest.to_hex() == answer.manifest_sha256
        })
        .ok_or_else(|| {
            Problem::unverified(format!("what the server offers as {package} is another package"))
        })?;
    Ok(Held { objects, manifest, relay_receipt: answer.relay_receipt })
}

/// Finds the case to which a package belongs.
async fn case_of(session: &Session, package: &PackageId) -> Result<CaseFacts, Problem> {
    let holds = |case: &CaseFacts| case.packages.iter().any(|one| one.package_id == package.as_str());
    let found = list_where(session, holds).await?.cases.into_iter().next();
    // The list may leave out what only the case itself shows.
    found.ok_or_else(|| {
        Problem::refused(format!("no case of this office holds package {package}"))
            .with_hint("`rogatory request list` and `rogatory package list CASE` show what there is")
    })
}

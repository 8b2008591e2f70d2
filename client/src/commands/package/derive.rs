//! Making a package readable for others: the whole of it, or some exhibits for a court. Offline.
//!
//! The exhibits are not decrypted: their age headers are written anew. Whoever holds a recipient's identity, or the
//! office's recovery identity, can do it.

use super::inspect::check_lines;
use super::objects::Telling;
use super::offline_act::{Act, NAMED, tell};
use super::open::unverified;
use super::seal::{Keys, certificate_of, keys, parse_recipients, signer};
use super::{inspect, package_output};
use crate::containers;
use crate::output::Outcome;
use crate::output::page::{Page, bytes};
use crate::problem::{Problem, clean};
use crate::profile::KeyPair;
use crate::session::Session;
use crate::trust::Trust;
use rogatory_core::reference::OfficeReference;
use rogatory_core::{Digest, PackageId};
use rogatory_evidence::derive::{DeriveError, DeriveRequest, Derived};
use rogatory_evidence::transmittal::TransmittalKind;
use rogatory_evidence::verify::Check;
use rogatory_evidence::{ExhibitNumber, VerifyOptions};
use rogatory_proto::office::v1 as office;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use zeroize::Zeroizing;

/// What to derive, for whom, by whom.
#[derive(Clone, Default)]
pub struct DeriveArguments {
    /// The sealed package, a `.asice` file or a folder.
    pub path: PathBuf,
    /// The texts of age identity files; the profile's if there is none.
    pub identities: Vec<Zeroizing<String>>,
    /// Whom to believe; nobody: the signatures' integrity alone is checked, and that is said.
    pub trust: Trust,
    /// The exhibits to disclose, `EX-0001` …; none: all are wrapped anew.
    pub exhibits: Vec<String>,
    /// Whether exhibits are disclosed.
    pub is_disclosure: bool,
    /// Who may open the new package: age recipients.
    pub recipients: Vec<String>,
    /// The office's file number.
    pub reference: Option<String>,
    /// Another key than the profile's.
    pub signing: Option<KeyPair>,
    /// Why the office's recovery recipient is left out.
    pub no_recovery: Option<String>,
    /// Where it goes: a folder, or a file if it ends in `.asice`.
    pub output: PathBuf,
}

/// The result of [`derive`].
#[derive(Clone, Debug, Serialize)]
pub struct DerivedOutcome {
    /// The new package.
    pub package_id: PackageId,
    /// The original from which it comes.
    pub origin_package_id: PackageId,
    /// A rewrapped package, or a disclosure.
    pub kind: TransmittalKind,
    /// Where it is.
    pub output: PathBuf,
    /// SHA-256 of its `ASiCManifest001.xml`.
    pub manifest_sha256: Digest,
    /// Subject of the maker's certificate.
    pub signer: String,
    /// SHA-256 of the maker's certificate.
    pub signer_sha256: Digest,
    /// Who can open it, the recovery recipients last.
    pub recipients: Vec<String>,
    /// The exhibits that it holds.
    pub exhibits: Vec<ExhibitNumber>,
    /// How many exhibits the original has.
    pub origin_exhibits: usize,
    /// The bytes of all objects.
    pub size_bytes: u64,
    /// What was checked of the package at hand.
    pub checks: Vec<Check>,
    /// What the maker should know.
    pub notes: Vec<String>,
}

impl Outcome for DerivedOutcome {
    fn show(&self, page: &mut Page) {
        check_lines(&self.checks, page);
        page.blank();
        page.fact("package", &self.package_id);
        page.fact("made from", &self.origin_package_id);
        page.fact("written to", self.output.display());
        page.fact("size", bytes(self.size_bytes));
        page.fact("signed by", &self.signer);
        page.fact("certificate", self.signer_sha256);
        for recipient in &self.recipients {
            page.fact("can be opened by", recipient);
        }
        page.fact("manifest sha256", self.manifest_sha256);
        let (here, all) = (self.exhibits.len(), self.origin_exhibits);
        let what = if self.kind == TransmittalKind::Disclosure { "disclosed" } else { "rewrapped" };
        page.fact(what, format!("{here} of {all} exhibits"));
        for note in &self.notes {
            page.line(format!("note: {}", clean(note)));
        }
    }
}

/// Makes a package for others out of one that is at hand.
///
/// # Errors
/// Unverified, listing what fails, with nothing written; a usage problem for keys, recipients or exhibits that cannot
/// be used; failed, if the new package cannot be written.
pub async fn derive(session: &Session, arguments: DeriveArguments) -> Result<DerivedOutcome, Problem> {
    inspect::must_exist(&arguments.path)?;
    let profile = session.profile.as_ref();
    let signer = signer(profile, arguments.signing.as_ref())?;
    let certificate = certificate_of(&signer)?;
    let mut texts = arguments.identities;
    if texts.is_empty() {
        let own = profile.and_then(|profile| profile.identity.clone());
        texts.push(own.ok_or_else(|| {
            Problem::usage("an age identity is needed to make a package readable for others").with_hint(
                "give that of one of its recipients, or the office's recovery identity, with --identity FILE",
            )
        })?);
    }
    let identities = inspect::identities(&texts)?;
    let what = if arguments.is_disclosure {
        Derived::Disclosure(exhibits(&arguments.exhibits)?)
    } else {
        Derived::Rewrap
    };
    let Keys { recipients, recovery, .. } =
        keys(profile, arguments.no_recovery.as_deref(), parse_recipients(&arguments.recipients)?)?;
    let reference: Option<OfficeReference> =
        arguments.reference.as_deref().map(str::parse).transpose().map_err(
            |error: rogatory_core::reference::ReferenceError| Problem::usage(format!("--reference: {error}")),
        )?;
    let institution = profile.map(|profile| profile.party.clone());
    let function = profile.map(|_| containers::OFFICER.to_owned());
    let (now, entropy, progress) =
        (session.now(), Arc::clone(&session.entropy), Arc::clone(&session.progress));
    let (path, trust, output) = (arguments.path, arguments.trust, package_output(arguments.output));
    let report = tokio::task::spawn_blocking(move || {
        let mut telling = Telling(Arc::clone(&progress));
        let institutions = trust.institutions();
        let verify = VerifyOptions {
            identities,
            integrity_suffices: true,
            ..VerifyOptions::new(&trust.anchors, now).with_institutions(&institutions)
        };
        let derived = rogatory_evidence::derive(DeriveRequest {
            path,
            verify,
            what,
            recipients,
            recovery,
            reference,
            institution,
            signer: &signer,
            function,
            now,
            entropy: entropy.as_ref(),
            output,
            progress: &mut telling,
        });
        progress.end();
        derived.map_err(|error| problem(&error, now))
    })
    .await
    .map_err(|error| Problem::failed("making the package stopped").because(&error))??;
    let (_, manifest_sha256) = super::objects::id_of(&report.objects, &report.output)?;
    let exhibits: Vec<ExhibitNumber> =
        report.transmittal.exhibits.iter().map(|exhibit| exhibit.name).collect();
    let is_disclosure = report.transmittal.kind == TransmittalKind::Disclosure;
    let made = office::DerivedPackage {
        package_id: report.package.to_string(),
        recipients: super::recipient_lines(&report.transmittal).len() as u64,
        count: exhibits.len() as u64,
        exhibits: exhibits
            .iter()
            .take(if is_disclosure { NAMED } else { 0 })
            .map(ToString::to_string)
            .collect(),
    };
    let act = if is_disclosure { Act::Disclosed(made) } else { Act::Rewrapped(made) };
    let untold = tell(session, &report.origin, act).await;
    Ok(DerivedOutcome {
        package_id: report.package,
        origin_package_id: report.origin,
        kind: report.transmittal.kind,
        manifest_sha256,
        signer: certificate.subject(),
        signer_sha256: certificate.digest(),
        recipients: super::recipient_lines(&report.transmittal),
        exhibits,
        origin_exhibits: report.origin_exhibits,
        size_bytes: report.objects.0.iter().fold(0, |sum, object| sum.saturating_add(object.size_bytes)),
        output: report.output,
        checks: report.checks,
        notes: report.notes.into_iter().chain(untold).collect(),
    })
}

fn exhibits(texts: &[String]) -> Result<BTreeSet<ExhibitNumber>, Problem> {
    let parse = |text: &String| {
        text.trim().parse().map_err(|error: rogatory_evidence::exhibit::ExhibitNameError| {
            Problem::usage(format!("--exhibit: {}", clean(&error.to_string())))
                .with_hint("`rogatory package verify PATH --identity ID` lists the exhibits")
        })
    };
    texts.iter().map(parse).collect()
}

fn problem(error: &DeriveError, at: rogatory_core::Timestamp) -> Problem {
    if let Some(verdict) = error.verdict() {
        return unverified(&error.to_string(), verdict, at);
    }
    let what = "the package was not made";
    match error {
        DeriveError::Package { .. } => Problem::unverified(what).because(error),
        DeriveError::NoIdentity
        | DeriveError::NoSuchExhibit { .. }
        | DeriveError::NoExhibit
        | DeriveError::Encryption(_)
        | DeriveError::Format(_) => Problem::usage(what).because(error),
        _ => Problem::failed(what).because(error),
    }
}

//! Exporting what a package describes: CASE/UCO for forensic tools, the manifest for large evidence. Offline.
//!
//! Verified first, then written to a new file that nobody but its owner reads: it holds real names in
//! the clear.

use super::inspect::{VerifyArguments, VerifyOutcome, identities, must_exist};
use super::objects::Telling;
use crate::output::Outcome;
use crate::output::page::{Page, bytes};
use crate::problem::{Problem, clean};
use crate::session::Session;
use rogatory_core::Timestamp;
use rogatory_evidence::VerifyOptions;
use rogatory_evidence::acquisition::{Line, WordError, Words};
use rogatory_evidence::export::{
    CaseReport, EuManifest, ExportError, Moment, Transmission, case, eu_manifest, printed, to_new_file,
};
use serde::Serialize;
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::Arc;

/// The form to write.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ExportForm {
    /// CASE/UCO as JSON-LD.
    Case,
    /// The manifest of Regulation (EU) 2025/1550 as JSON.
    EuManifest(Sending),
    /// The same as Markdown, to be read and printed.
    EuManifestText(Sending),
}

/// What only the sender knows of a transmission, as typed.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Sending {
    /// When it was transmitted.
    pub sent: Option<Timestamp>,
    /// From when it can be fetched.
    pub available_from: Option<Timestamp>,
    /// Until when.
    pub available_until: Option<Timestamp>,
    /// Whether the issuing authority asked for longer than 45 days.
    pub extended: bool,
    /// By what means.
    pub means: Option<String>,
    /// A file number of the case.
    pub case_reference: Option<String>,
    /// Remarks.
    pub remarks: Option<String>,
}

/// What to export, where to.
#[derive(Clone)]
pub struct ExportArguments {
    /// The package, the identities, and whom to believe; without identities the profile's is taken.
    pub verify: VerifyArguments,
    /// In which form.
    pub form: ExportForm,
    /// The file to make.
    pub output: PathBuf,
}

/// The result of [`export`].
#[derive(Clone, Debug, Serialize)]
pub struct Exported {
    /// The file.
    pub output: PathBuf,
    /// The package's id, if the outer part was at hand.
    pub package_id: Option<String>,
    /// How many exhibits it describes.
    pub exhibits: u64,
    /// For a CASE graph: how many of them have acquisition facts.
    pub with_facts: Option<u64>,
    /// For a CASE graph: how many files, folders and links lie in folder exhibits.
    pub entries: Option<u64>,
    /// For a CASE graph: its nodes.
    pub nodes: Option<u64>,
    /// For a manifest: the bytes of all files as sent.
    pub size_bytes: Option<u64>,
    /// For a manifest: whether that is more than the Union's system carries.
    pub is_large: Option<bool>,
    /// For a manifest of one file: its SHA-512.
    pub sha512: Option<String>,
}

impl Exported {
    fn of_case(output: PathBuf, report: CaseReport) -> Self {
        Self {
            output,
            package_id: report.package.map(|package| package.to_string()),
            exhibits: report.exhibits,
            with_facts: Some(report.with_facts),
            entries: Some(report.entries),
            nodes: Some(report.nodes),
            size_bytes: None,
            is_large: None,
            sha512: None,
        }
    }

    fn of_manifest(output: PathBuf, manifest: &EuManifest) -> Self {
        let sha512 = match manifest.files.value.as_slice() {
            [file] => file.digests.get("SHA-512").cloned(),
            _ => None,
        };
        Self {
            output,
            package_id: manifest.link.value.package.clone(),
            exhibits: manifest.contains.value.len() as u64,
            with_facts: None,
            entries: None,
            nodes: None,
            size_bytes: Some(manifest.size.value.total_bytes),
            is_large: Some(manifest.size.value.is_large),
            sha512,
        }
    }
}

impl Outcome for Exported {
    fn show(&self, page: &mut Page) {
        page.fact("written to", self.output.display());
        page.fact_if("package", self.package_id.as_ref());
        page.fact("exhibits", self.exhibits);
        page.fact_if("with acquisition facts", self.with_facts);
        page.fact_if("entries in folders", self.entries);
        page.fact_if("nodes", self.nodes);
        page.fact_if("size as sent", self.size_bytes.map(bytes));
        let large = |large| if large { "yes" } else { "no: the system itself would carry it" };
        page.fact_if("larger than 25 MB", self.is_large.map(large));
        page.fact_if("SHA-512", self.sha512.as_ref());
        page.line("note: it holds real names in the clear; treat it like the evidence itself");
        page.line(
            "note: the contents of the exhibits were not read; `rogatory package verify` compares them",
        );
    }
}

/// Verifies a package but for its contents, and writes what it describes.
///
/// # Errors
/// Unverified, listing what fails, with nothing written; a usage problem without identity, or for a
/// transmission that contradicts the regulation.
pub async fn export(session: &Session, arguments: ExportArguments) -> Result<Exported, Problem> {
    let ExportArguments { mut verify, form, output } = arguments;
    must_exist(&verify.path)?;
    crate::files::must_be_new(&output)?;
    if verify.identities.is_empty() {
        verify.identities.extend(session.profile.as_ref().and_then(|profile| profile.identity.clone()));
    }
    let identities = identities(&verify.identities)?;
    let at = verify.at.unwrap_or_else(|| session.now());
    let work: Work = match form {
        ExportForm::Case => Work::Case,
        ExportForm::EuManifest(sending) => Work::Manifest { sending: transmission(sending)?, printed: false },
        ExportForm::EuManifestText(sending) => {
            Work::Manifest { sending: transmission(sending)?, printed: true }
        }
    };
    let progress = Arc::clone(&session.progress);
    let act = move || {
        let institutions = verify.trust.institutions();
        let options = VerifyOptions {
            identities,
            expected_signer: verify.signer,
            ..VerifyOptions::new(&verify.trust.anchors, at).with_institutions(&institutions)
        };
        let exported = match work {
            Work::Case => to_new_file(&output, |out| case(&verify.path, &options, out))
                .map(|report| Exported::of_case(output.clone(), report)),
            Work::Manifest { sending, printed: as_text } => to_new_file(&output, |out| {
                let mut telling = Telling(Arc::clone(&progress));
                let manifest = eu_manifest(&verify.path, &options, &sending, &mut telling);
                progress.end();
                let manifest = manifest?;
                if as_text {
                    out.write_all(printed(&manifest).as_bytes())?;
                } else {
                    serde_json::to_writer_pretty(&mut *out, &manifest).map_err(std::io::Error::from)?;
                    out.write_all(b"\n")?;
                }
                Ok(manifest)
            })
            .map(|manifest| Exported::of_manifest(output.clone(), &manifest)),
        };
        exported.map_err(|error| problem(&error, at))
    };
    tokio::task::spawn_blocking(act)
        .await
        .map_err(|error| Problem::failed("exporting stopped").because(&error))?
}

enum Work {
    Case,
    Manifest { sending: Transmission, printed: bool },
}

/// Checks what was typed of the transmission.
fn transmission(sending: Sending) -> Result<Transmission, Problem> {
    let moment = match (sending.sent, sending.available_from) {
        (Some(at), None) => Moment::Transmitted(at),
        (None, Some(at)) => Moment::AvailableFrom(at),
        _ => {
            return Err(Problem::usage("the manifest must say when the evidence left or became available")
                .with_hint("give --sent TIME, or --available-from TIME with --available-until TIME"));
        }
    };
    let means = sending.means.as_deref().ok_or_else(|| {
        Problem::usage("the manifest must say by what means the evidence was transmitted")
            .with_hint("give --means, for example --means \"registered post, receipt RR123456785MD\"")
    })?;
    Ok(Transmission {
        moment,
        means: word(Line::new(means), "--means")?,
        accessible_until: sending.available_until,
        extended: sending.extended,
        case_reference: sending
            .case_reference
            .map(|text| word(Line::new(&text), "--case-reference"))
            .transpose()?,
        remarks: sending.remarks.map(|text| word(Words::new(&text), "--remarks")).transpose()?,
    })
}

fn word<T>(checked: Result<T, WordError>, flag: &str) -> Result<T, Problem> {
    checked.map_err(|error| Problem::usage(format!("{flag}: {}", clean(&error.to_string()))))
}

fn problem(error: &ExportError, at: Timestamp) -> Problem {
    if let Some(failure) = error.verdict().and_then(|verdict| VerifyOutcome::of(verdict, at).failure()) {
        let problem = Problem::unverified(clean(&error.to_string())).with_details(failure.details().to_vec());
        return match failure.hint() {
            Some(hint) => problem.with_hint(hint),
            None => problem,
        };
    }
    let said = clean(&error.to_string());
    match error {
        ExportError::NoIdentity => Problem::usage(said).with_hint("give it with --identity FILE"),
        ExportError::NotSealed => {
            Problem::usage(said).with_hint("give the package as it was sent: the .asice file or the folder")
        }
        ExportError::Transmission(_) => Problem::usage(said).with_hint(
            "give --case-reference, --sent, --available-from and --available-until as the regulation wants them",
        ),
        _ => Problem::failed("nothing was exported").because(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_transmission_says_when_and_how() {
        let at = Some("2026-11-22T14:20:00Z".parse().expect("an instant"));
        let means = Some("courier".to_owned());
        for (sending, lacks) in [
            (Sending { means: means.clone(), ..Sending::default() }, "--sent"),
            (Sending { sent: at, available_from: at, means: means.clone(), ..Sending::default() }, "--sent"),
            (Sending { sent: at, ..Sending::default() }, "--means"),
        ] {
            let problem = transmission(sending).expect_err(lacks);
            assert!(problem.hint().is_some_and(|hint| hint.contains(lacks)), "{problem:?}");
            assert_eq!(problem.exit().code(), 2);
        }
        assert!(transmission(Sending { sent: at, means, ..Sending::default() }).is_ok());
    }
}

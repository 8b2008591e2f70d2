//! Opening a package: verified first, then written under real names. Offline.

use super::inspect::{VerifyArguments, VerifyOutcome, identities};
use super::objects::Telling;
use super::offline_act::{Act, NAMED, tell};
use crate::output::Outcome;
use crate::output::page::{Page, bytes};
use crate::problem::{Problem, clean};
use crate::session::Session;
use rogatory_core::Digest;
use rogatory_evidence::open::{OpenedExhibit, leftover_note};
use rogatory_evidence::{
    ExhibitNumber, OpenError, OpenOptions, OpenRequest, SensitiveAccess, Verdict, VerifyOptions, leftovers,
};
use rogatory_proto::office::v1 as office;
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The name of the log of openings of sensitive exhibits.
const SENSITIVE_LOG: &str = "sensitive-openings.log";

/// What to open, where to.
#[derive(Clone, Default)]
pub struct OpenArguments {
    /// The package, the identities, and whom to believe; without identities the profile's is taken.
    pub verify: VerifyArguments,
    /// The directory to make.
    pub output: PathBuf,
    /// Whether the tar of a folder exhibit is kept.
    pub keep_tar: bool,
    /// Whether names are written so that every system can hold them.
    pub portable_names: bool,
    /// Opens although it does not verify, for this reason.
    pub unverified: Option<String>,
    /// The exhibits to take out; none: all.
    pub exhibits: Vec<ExhibitNumber>,
    /// Opens sensitive exhibits too, for this reason, which is logged.
    pub sensitive_reason: Option<String>,
}

/// The result of [`open`].
#[derive(Clone, Debug, Serialize)]
pub struct OpenedOutcome {
    /// The directory.
    pub output: PathBuf,
    /// The exhibits under their real names.
    pub files: Vec<OpenedExhibit>,
    /// Exhibits that stayed sealed because they are sensitive.
    pub left_sealed: Vec<ExhibitNumber>,
    /// How many exhibits were not asked for.
    pub not_chosen: usize,
    /// Where the opening of sensitive exhibits was logged.
    pub logged_in: Option<PathBuf>,
    /// What differs from the original without being part of its content.
    pub notes: Vec<String>,
    /// The verification that went before.
    #[serde(flatten)]
    pub verification: VerifyOutcome,
}

impl Outcome for OpenedOutcome {
    fn show(&self, page: &mut Page) {
        Outcome::show(&self.verification, page);
        page.fact("opened into", self.output.display());
        page.blank();
        for file in &self.files {
            page.line(format!(
                "{}  {}  {}",
                file.number,
                bytes(file.size_bytes),
                clean(&file.path.display().to_string())
            ));
        }
        for number in &self.left_sealed {
            page.line(format!("{number}  left sealed: it is sensitive; --sensitive-reason REASON opens it"));
        }
        if self.not_chosen > 0 {
            page.line(format!("{} exhibits were not asked for and not read", self.not_chosen));
        }
        page.fact_if("logged in", self.logged_in.as_ref().map(|log| log.display()));
        for note in &self.notes {
            page.line(format!("note: {}", clean(note)));
        }
        if !self.verification.verified {
            page.line("Opened WITHOUT VERIFICATION; the directory is marked.");
        }
    }
}

/// Verifies a package and writes its exhibits under their real names.
///
/// # Errors
/// Unverified, listing what fails, with nothing written; a usage problem without identity.
pub async fn open(session: &Session, arguments: OpenArguments) -> Result<OpenedOutcome, Problem> {
    let mut verify = arguments.verify;
    if verify.identities.is_empty() {
        let own = session.profile.as_ref().and_then(|profile| profile.identity.clone());
        verify.identities.push(own.ok_or_else(|| {
            Problem::usage("an age identity is needed to open a package")
                .with_hint("give it with --identity FILE")
        })?);
    }
    let identities = identities(&verify.identities)?;
    let at = verify.at.unwrap_or_else(|| session.now());
    let progress = Arc::clone(&session.progress);
    let output = arguments.output.clone();
    let sensitive = arguments.sensitive_reason.map(|reason| SensitiveAccess {
        reason: reason.trim().to_owned(),
        actor: session.actor(),
        at: session.now(),
        log: log(session, &arguments.output),
    });
    let log = sensitive.as_ref().map(|access| access.log.clone());
    let reason = sensitive.as_ref().map(|access| Digest::of(access.reason.as_bytes()));
    let work = move || {
        let mut telling = Telling(Arc::clone(&progress));
        let institutions = verify.trust.institutions();
        let request = OpenRequest {
            path: verify.path,
            verify: VerifyOptions {
                identities,
                expected_signer: verify.signer,
                require: verify.require,
                ..VerifyOptions::new(&verify.trust.anchors, at).with_institutions(&institutions)
            },
            output: arguments.output,
            options: OpenOptions {
                keep_tar: arguments.keep_tar,
                unverified: arguments.unverified,
                exhibits: arguments.exhibits,
                sensitive,
                portable_names: arguments.portable_names,
            },
            progress: &mut telling,
        };
        let opened = rogatory_evidence::open(request);
        progress.end();
        opened
    };
    let opened = tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::failed("opening stopped").because(&error))?;
    let report = opened.map_err(|error| {
        let problem = problem(&error, at);
        let left = leftovers(&output).iter().map(|path| clean(&leftover_note(path))).collect::<Vec<_>>();
        let details = problem.details().iter().cloned().chain(left).collect();
        problem.with_details(details)
    })?;
    let verification = VerifyOutcome::of(&report.verdict, at);
    let opened_sensitive = report.exhibits.iter().any(|exhibit| exhibit.sensitive);
    let untold = match (reason, verification.package_id.as_deref().map(str::parse)) {
        (Some(reason), Some(Ok(package))) if opened_sensitive => {
            tell(session, &package, opening(&report.exhibits, &reason)).await
        }
        _ => None,
    };
    Ok(OpenedOutcome {
        output: report.output,
        left_sealed: report.left_sealed,
        not_chosen: report.not_chosen,
        logged_in: log.filter(|_| opened_sensitive),
        files: report.exhibits,
        notes: report.notes.into_iter().chain(untold).collect(),
        verification,
    })
}

/// What the server is told of an opening: which exhibits, and the digest of the reason.
fn opening(exhibits: &[OpenedExhibit], reason: &Digest) -> Act {
    let sensitive: Vec<String> = exhibits
        .iter()
        .filter(|exhibit| exhibit.sensitive)
        .map(|exhibit| exhibit.number.to_string())
        .collect();
    Act::SensitiveOpened(office::SensitiveOpening {
        count: sensitive.len() as u64,
        exhibits: sensitive.into_iter().take(NAMED).collect(),
        reason_sha256: reason.as_bytes().to_vec().into(),
    })
}

/// The log of openings: the profile's, or one beside the output.
pub(crate) fn log(session: &Session, output: &Path) -> PathBuf {
    match &session.directory {
        Some(directory) => directory.join(SENSITIVE_LOG),
        None => {
            let mut name = output.file_name().unwrap_or_default().to_os_string();
            name.push(".");
            name.push(SENSITIVE_LOG);
            output.with_file_name(name)
        }
    }
}

/// The problem of a package that does not verify, with what failed.
pub(crate) fn unverified(what: &str, verdict: &Verdict, at: rogatory_core::Timestamp) -> Problem {
    let failure = VerifyOutcome::of(verdict, at).failure();
    let details = failure.as_ref().map(|failure| failure.details().to_vec()).unwrap_or_default();
    let problem = Problem::unverified(clean(what)).with_details(details);
    match failure.as_ref().and_then(Problem::hint) {
        Some(hint) => problem.with_hint(hint),
        None => problem,
    }
}

fn problem(error: &OpenError, at: rogatory_core::Timestamp) -> Problem {
    if let Some(verdict) = error.verdict() {
        return unverified(&error.to_string(), verdict, at);
    }
    match error {
        OpenError::Package { .. } => Problem::unverified("the package was not opened").because(error),
        OpenError::NoIdentity | OpenError::Reason | OpenError::SensitiveReason => {
            Problem::usage(clean(&error.to_string()))
        }
        OpenError::NoSuchExhibit { .. } => {
            Problem::usage(clean(&error.to_string())).with_hint("`rogatory package show` lists the exhibits")
        }
        OpenError::Sensitive { .. } => Problem::usage(clean(&error.to_string())).with_hint(
            "open it with --sensitive-reason REASON if you may; the reason is logged before it is opened",
        ),
        _ => Problem::failed("the package was not opened").because(error),
    }
}

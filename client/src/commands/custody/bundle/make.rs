//! Makes a bundle that was planned: fetches or derives the package, and hands everything to the maker of bundles.

use super::gather::{Gathered, STAMP_LIMIT_BYTES, gather};
use super::{BundleArguments, BundleMade, BundlePlan, BundledExhibits, Work};
use crate::commands::package::{self, DeriveArguments};
use crate::files;
use crate::problem::{Problem, clean};
use crate::session::Session;
use crate::trust::Trust;
use rogatory_evidence::bundle::{
    BundleCase, BundleError, BundleOfficer, BundlePackage, BundleReport, BundleRequest,
};
use rogatory_evidence::{OpenError, SensitiveAccess, VerifyOptions};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Program and version as a bundle names them.
const PROGRAM: &str = concat!("rogatory ", env!("CARGO_PKG_VERSION"));

/// Makes what was planned.
///
/// # Errors
/// Unverified, if the package or a document does not verify; failed, if the file cannot be written. Nothing stands under
/// the output's name then.
pub async fn make_bundle(session: &Session, plan: BundlePlan) -> Result<BundleMade, Problem> {
    let BundlePlan { package_id, output, work, .. } = plan;
    let Work { mut arguments, case, number, path } = work;
    // What lies here is known to the own server by its manifest, whoever fetched it.
    let known_as = match &path {
        Some(path) => Some(package::known_as(path)?),
        None => package_id.clone(),
    };
    let gathered = gather(session, &arguments, &case, &number, known_as.as_ref()).await?;
    let Gathered { mut trust, case: contents, fingerprints, witnesses, knows_package } = gathered;
    let package_unknown = known_as.filter(|_| !knows_package);
    for entry in &arguments.trust.entries {
        trust.entries.push(entry.clone());
    }
    trust.anchors.extend(&arguments.trust.anchors).map_err(|error| {
        Problem::usage("--trust contradicts the entry of a confirmed party").because(&error)
    })?;
    let (documents, receipts) = (contents.documents.len(), contents.receipts.len());
    let mut time_stamps = contents.stamps.len();
    // What is fetched or derived for this lies beside the output, and goes when the bundle is there.
    let beside = Beside::new(&output)?;
    let path = match (&package_id, path) {
        (_, Some(path)) => Some(path),
        (Some(id), None) => {
            let folder = beside.folder.join("package");
            package::receive(session, id, &folder).await?;
            Some(folder)
        }
        (None, None) => None,
    };
    if arguments.identities.is_empty() {
        arguments.identities.extend(session.profile()?.identity.clone());
    }
    let sealed = match &path {
        Some(path) if !arguments.sealed_for.is_empty() => {
            let folder = beside.folder.join("disclosure");
            package::derive(session, disclosure(path, &arguments, &trust, &folder)?).await?;
            Some(folder)
        }
        _ => None,
    };
    let log = package::sensitive_log(session, &output);
    let stamp = path.as_deref().filter(|_| sealed.is_none()).map(stamp_beside).transpose()?.flatten();
    time_stamps += usize::from(stamp.is_some());
    let package = Lying { path, sealed, stamp };
    let made = write(session, arguments, package, trust, contents, log.clone()).await?;
    Ok(BundleMade {
        logged_in: made.1.then_some(log),
        file: made.0.output,
        form: made.0.form,
        shared_number: number.to_string(),
        package_id: made.0.package,
        exhibits: made.0.exhibits,
        left_out: made.0.left_out,
        manifest_sha256: made.0.manifest_sha256,
        signer: session.profile()?.signer().and_then(|signer| subject(&signer))?,
        documents,
        receipts,
        size_bytes: made.0.size_bytes,
        fingerprints,
        witnesses,
        time_stamps,
        package_unknown,
    })
}

fn subject(signer: &rogatory_pki::signing::FileSigner) -> Result<String, Problem> {
    package::certificate_of(signer).map(|certificate| certificate.subject())
}

fn disclosure(
    path: &Path,
    arguments: &BundleArguments,
    trust: &Trust,
    output: &Path,
) -> Result<DeriveArguments, Problem> {
    let BundledExhibits::These(numbers) = &arguments.exhibits else {
        return Err(Problem::usage("say which exhibits the court shall be able to read")
            .with_hint("give each with --exhibit EX-…"));
    };
    Ok(DeriveArguments {
        path: path.to_owned(),
        identities: arguments.identities.clone(),
        trust: trust.clone(),
        exhibits: numbers.iter().map(ToString::to_string).collect(),
        is_disclosure: true,
        recipients: arguments.sealed_for.clone(),
        output: output.to_owned(),
        ..DeriveArguments::default()
    })
}

/// Where the package lies, or the disclosure that was made of it, and the token over its last outer signature.
struct Lying {
    path: Option<PathBuf>,
    sealed: Option<PathBuf>,
    stamp: Option<Vec<u8>>,
}

/// The time stamp that lies beside a package, as `package receive` writes it.
fn stamp_beside(path: &Path) -> Result<Option<Vec<u8>>, Problem> {
    let place = rogatory_evidence::verify::beside(path, 0, true).filter(|place| place.exists());
    place.map(|place| files::read(&place, STAMP_LIMIT_BYTES, "the time stamp")).transpose()
}

/// Writes the bundle; says whether sensitive exhibits were opened for it.
async fn write(
    session: &Session,
    arguments: BundleArguments,
    package: Lying,
    trust: Trust,
    contents: BundleCase,
    log: PathBuf,
) -> Result<(BundleReport, bool), Problem> {
    let profile = session.profile()?;
    let signer = profile.signer()?;
    let (institution, officer, now) = (profile.party.clone(), profile.officer.clone(), session.now());
    let identities = package::identities(&arguments.identities)?;
    let exhibits = match arguments.exhibits {
        BundledExhibits::These(numbers) => numbers,
        BundledExhibits::Nothing | BundledExhibits::All => Vec::new(),
    };
    let logged = log.clone();
    let before = log_length(&logged);
    let sensitive = arguments.sensitive_reason.map(|reason| SensitiveAccess {
        reason: reason.trim().to_owned(),
        actor: session.actor(),
        at: now,
        log,
    });
    let progress = Arc::clone(&session.progress);
    let work = move || {
        let mut telling = package::Telling(Arc::clone(&progress));
        let institutions = trust.institutions();
        let verify = VerifyOptions {
            identities,
            ..VerifyOptions::new(&trust.anchors, now).with_institutions(&institutions)
        };
        let Lying { path, sealed, stamp } = package;
        let package = match (path, sealed) {
            (_, Some(path)) => BundlePackage::Sealed { path },
            (Some(path), None) => {
                BundlePackage::Clear { path, verify: Box::new(verify), exhibits, sensitive, stamp }
            }
            (None, None) => BundlePackage::Nothing,
        };
        let made = rogatory_evidence::bundle::make(BundleRequest {
            package,
            case: contents,
            officer: BundleOfficer {
                institution,
                officer,
                signer: &signer,
                function: Some(crate::containers::OFFICER.to_owned()),
            },
            now,
            program: PROGRAM.to_owned(),
            output: arguments.output,
            progress: &mut telling,
        });
        progress.end();
        made.map_err(|error| problem(&error, now))
    };
    let made = tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::failed("making the bundle stopped").because(&error))??;
    Ok((made, log_length(&logged) > before))
}

fn log_length(log: &Path) -> u64 {
    std::fs::metadata(log).map_or(0, |metadata| metadata.len())
}

fn problem(error: &BundleError, at: rogatory_core::Timestamp) -> Problem {
    if let Some(verdict) = error.verdict() {
        return package::unverified(&error.to_string(), verdict, at);
    }
    match error {
        BundleError::Package { .. } => Problem::unverified("the bundle was not made").because(error),
        BundleError::NoIdentity => Problem::usage(clean(&error.to_string())).with_hint(
            "give the identity of a recipient with --identity FILE, or keep the exhibits sealed: --sealed",
        ),
        BundleError::Reason => Problem::usage(clean(&error.to_string())),
        BundleError::Choice(cause @ OpenError::NoSuchExhibit { .. }) => {
            Problem::usage(clean(&cause.to_string())).with_hint("`rogatory package show` lists the exhibits")
        }
        BundleError::Choice(cause) => Problem::usage(clean(&cause.to_string())).with_hint(
            "put it in with --sensitive-reason REASON if you may; the reason is logged before it is opened",
        ),
        BundleError::Name { .. } => Problem::usage(clean(&error.to_string())),
        _ => Problem::failed("the bundle was not made").because(error),
    }
}

/// A private folder beside the output for what is fetched on the way; it goes with this value.
struct Beside {
    folder: PathBuf,
}

impl Beside {
    fn new(output: &Path) -> Result<Self, Problem> {
        let mut name = output.file_name().unwrap_or_default().to_os_string();
        name.push(".gathering");
        let folder = output.with_file_name(name);
        files::must_be_new(&folder)?;
        files::make_directory(&folder)?;
        Ok(Self { folder })
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Ciphertext alone; what can't be removed is named so that a person sees what it is.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

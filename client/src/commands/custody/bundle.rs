//! The court bundle: exhibits, documents, receipts, record and entries of a case in one file.
//!
//! Fetches from the own server what the case holds, and hands it to the maker of bundles. Exhibits are
//! decrypted on this machine, into the one file that the officer names, and nowhere else.

use crate::commands::documents::{self, CaseFacts};
use crate::commands::package::{self, DeriveArguments};
use crate::commands::party;
use crate::connect::explain;
use crate::files;
use crate::output::Outcome;
use crate::output::page::{Page, bytes};
use crate::problem::{Problem, clean};
use crate::session::Session;
use crate::trust::Trust;
use rogatory_core::document::Document;
use rogatory_core::{Digest, PackageId, PartyId, SharedNumber};
use rogatory_custody::record::Record;
use rogatory_evidence::bundle::{
    BundleCase, BundleError, BundleForm, BundleOfficer, BundlePackage, BundleRequest, Named, is_stamp_name,
};
use rogatory_evidence::{ExhibitNumber, OpenError, SensitiveAccess, VerifyOptions};
use rogatory_proto::custody::v1 as custody;
use rogatory_proto::office::v1 as office;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// Program and version as a bundle names them.
const PROGRAM: &str = concat!("rogatory ", env!("CARGO_PKG_VERSION"));
/// The largest revocation list that is put in.
const CRL_LIMIT_BYTES: u64 = 16 * 1024 * 1024;
/// The largest time stamp token that is put in.
const STAMP_LIMIT_BYTES: u64 = 1024 * 1024;

/// Which exhibits go into a bundle.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum BundledExhibits {
    /// None: documents and record alone.
    Nothing,
    /// All of the package.
    All,
    /// These.
    These(Vec<ExhibitNumber>),
}

/// What [`plan_bundle`] needs.
#[derive(Clone)]
pub struct BundleArguments {
    /// The case id or the shared number.
    pub case: String,
    /// The exhibits.
    pub exhibits: BundledExhibits,
    /// The package: its id, or where it lies; the only one of the case if absent.
    pub package: Option<String>,
    /// The texts of age identity files; the profile's if there is none.
    pub identities: Vec<Zeroizing<String>>,
    /// Whom to believe beyond the parties that the own server keeps as confirmed.
    pub trust: Trust,
    /// For whom the exhibits stay sealed; none: they go in in the clear.
    pub sealed_for: Vec<String>,
    /// Whether the office's internal events go along.
    pub internal: bool,
    /// Why sensitive exhibits go in in the clear; it is logged.
    pub sensitive_reason: Option<String>,
    /// Revocation lists to put in.
    pub revocation: Vec<PathBuf>,
    /// Time stamp tokens to put in, each named after the object that it is for.
    pub stamps: Vec<PathBuf>,
    /// The file to write.
    pub output: PathBuf,
}

/// What will be made, to be shown before it happens.
#[derive(Serialize)]
pub struct BundlePlan {
    /// The number of the case.
    pub shared_number: String,
    /// The package whose exhibits go along.
    pub package_id: Option<PackageId>,
    /// The file that will be written.
    pub output: PathBuf,
    /// Whether exhibits will be written in the clear.
    pub in_clear: bool,
    /// Which exhibits, in words.
    pub exhibits: String,
    /// Whether the office's internal events go along.
    pub internal: bool,
    #[serde(skip)]
    work: Work,
}

struct Work {
    arguments: BundleArguments,
    case: CaseFacts,
    number: SharedNumber,
    /// Where the package lies, if it was given so.
    path: Option<PathBuf>,
}

impl Outcome for BundlePlan {
    fn show(&self, page: &mut Page) {
        page.fact("case", &self.shared_number);
        page.fact_if("package", self.package_id.as_ref());
        page.fact("exhibits", &self.exhibits);
        page.fact("will be written to", self.output.display());
        if self.in_clear {
            page.line("The exhibits will be decrypted and written IN THE CLEAR into this file, and nowhere else: whoever has");
            page.line(
                "the file can read them. With --sealed --recipient they stay sealed for whom you name.",
            );
        }
        if self.internal {
            page.line("The office's internal events go along: their names and actors are shown to whoever has the file.");
        }
    }
}

/// The result of [`make_bundle`].
#[derive(Clone, Debug, Serialize)]
pub struct BundleMade {
    /// The file written.
    pub file: PathBuf,
    /// How the exhibits lie in it.
    pub form: BundleForm,
    /// The number of the case.
    pub shared_number: String,
    /// The package that `package/` is of.
    pub package_id: Option<PackageId>,
    /// The exhibits.
    pub exhibits: Vec<ExhibitNumber>,
    /// Exhibits that were left out because they are sensitive.
    pub left_out: Vec<ExhibitNumber>,
    /// SHA-256 of the signed manifest.
    pub manifest_sha256: Digest,
    /// Subject of the certificate of who signed.
    pub signer: String,
    /// Documents and receipts.
    pub documents: usize,
    /// Receipts.
    pub receipts: usize,
    /// The bytes of all objects.
    pub size_bytes: u64,
    /// The fingerprints that a reader compares with those that the parties tell him.
    pub fingerprints: BTreeMap<String, Digest>,
    /// Where the opening of sensitive exhibits was logged.
    pub logged_in: Option<PathBuf>,
}

impl Outcome for BundleMade {
    fn show(&self, page: &mut Page) {
        page.fact("written to", self.file.display());
        page.fact("case", &self.shared_number);
        page.fact_if("package", self.package_id.as_ref());
        let count = self.exhibits.len();
        page.fact(
            "exhibits",
            match self.form {
                BundleForm::Clear => format!("{count}, IN THE CLEAR"),
                BundleForm::Sealed => format!("{count}, sealed"),
                BundleForm::Documents => "none".to_owned(),
            },
        );
        page.fact("documents", format!("{}, receipts: {}", self.documents, self.receipts));
        page.fact("size", bytes(self.size_bytes));
        page.fact("signed by", &self.signer);
        page.fact("manifest sha256", self.manifest_sha256);
        for (party, print) in &self.fingerprints {
            page.fact(&format!("fingerprint of {party}"), print);
        }
        for number in &self.left_out {
            page.line(format!("{number}  left out: it is sensitive; --sensitive-reason REASON puts it in"));
        }
        page.fact_if("logged in", self.logged_in.as_ref().map(|log| log.display()));
        page.blank();
        page.line("Tell the fingerprints to the reader by another way than this file. HOW-TO-CHECK in it says what to do");
        page.line("with them; `rogatory package verify FILE --trust ENTRY` checks everything at once.");
    }
}

/// Says what a bundle will hold, before it is made.
///
/// # Errors
/// A usage problem; also if the server does not know the case or refuses.
pub async fn plan_bundle(session: &Session, arguments: BundleArguments) -> Result<BundlePlan, Problem> {
    if arguments.output.extension().is_none_or(|end| end != "asice") {
        return Err(Problem::usage("a court bundle is one file whose name ends in .asice")
            .with_hint("without --exhibit the custody record alone is written, as JSON"));
    }
    files::must_be_new(&arguments.output)?;
    let case = documents::case(session, &arguments.case).await?;
    let number: SharedNumber = case.shared_number.parse().map_err(|error| {
        Problem::failed("the server's answer names no case")
            .because(&error as &rogatory_core::reference::ReferenceError)
    })?;
    let (path, package_id) = match (&arguments.exhibits, &arguments.package) {
        (BundledExhibits::Nothing, _) => (None, None),
        (_, Some(named)) => match named.parse::<PackageId>() {
            Ok(id) => (None, Some(id)),
            Err(_) => (Some(PathBuf::from(named)), None),
        },
        (_, None) => (None, Some(only_package(&case)?)),
    };
    if let Some(path) = &path {
        package::must_exist(path)?;
    }
    let exhibits = match &arguments.exhibits {
        BundledExhibits::Nothing => "none".to_owned(),
        BundledExhibits::All => "all that are not sensitive".to_owned(),
        BundledExhibits::These(numbers) => {
            numbers.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }
    };
    let in_clear = arguments.exhibits != BundledExhibits::Nothing && arguments.sealed_for.is_empty();
    Ok(BundlePlan {
        shared_number: case.shared_number.clone(),
        package_id,
        output: arguments.output.clone(),
        in_clear,
        exhibits,
        internal: arguments.internal,
        work: Work { arguments, case, number, path },
    })
}

fn only_package(case: &CaseFacts) -> Result<PackageId, Problem> {
    let ids: Vec<&str> = case.packages.iter().map(|one| one.package_id.as_str()).collect();
    match ids.as_slice() {
        [only] => package::package_id(only),
        [] => Err(Problem::usage("the case has no package")
            .with_hint("`--exhibit none` makes a bundle of documents and custody record alone")),
        several => Err(Problem::usage(format!("the case has {} packages", several.len()))
            .with_details(several.iter().map(|id| clean(id)).collect())
            .with_hint("say of which with --package PK-…; a bundle holds the exhibits of one")),
    }
}

/// Makes what was planned.
///
/// # Errors
/// Unverified, if the package or a document does not verify; failed, if the file cannot be written. Nothing stands under
/// the output's name then.
pub async fn make_bundle(session: &Session, plan: BundlePlan) -> Result<BundleMade, Problem> {
    let BundlePlan { package_id, output, work, .. } = plan;
    let Work { mut arguments, case, number, path } = work;
    let gathered = gather(session, &arguments, &case, &number, package_id.as_ref()).await?;
    let Gathered { mut trust, case: contents, fingerprints } = gathered;
    for entry in &arguments.trust.entries {
        trust.entries.push(entry.clone());
    }
    trust.anchors.extend(&arguments.trust.anchors).map_err(|error| {
        Problem::usage("--trust contradicts the entry of a confirmed party").because(&error)
    })?;
    let (documents, receipts) = (contents.documents.len(), contents.receipts.len());
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
    let made = write(session, arguments, (path, sealed), trust, contents, log.clone()).await?;
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

/// Writes the bundle; says whether sensitive exhibits were opened for it.
async fn write(
    session: &Session,
    arguments: BundleArguments,
    (path, sealed): (Option<PathBuf>, Option<PathBuf>),
    trust: Trust,
    contents: BundleCase,
    log: PathBuf,
) -> Result<(rogatory_evidence::bundle::BundleReport, bool), Problem> {
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
        let package = match (path, sealed) {
            (_, Some(path)) => BundlePackage::Sealed { path },
            (Some(path), None) => {
                BundlePackage::Clear { path, verify: Box::new(verify), exhibits, sensitive }
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

/// What the own server gave.
struct Gathered {
    trust: Trust,
    case: BundleCase,
    fingerprints: BTreeMap<String, Digest>,
}

/// Fetches everything but the package.
async fn gather(
    session: &Session,
    arguments: &BundleArguments,
    case: &CaseFacts,
    number: &SharedNumber,
    package_id: Option<&PackageId>,
) -> Result<Gathered, Problem> {
    let mut receipts = Vec::new();
    let (documents, mut parties) = documents_of(session, case, &mut receipts).await?;
    if let Some(id) = package_id {
        receipts_of_package(session, id, &mut receipts).await?;
    }
    // Last, so that it holds the events that the fetching made.
    let record = record_of(session, case, arguments.internal, &mut parties).await?;
    let mut trust = Trust::default();
    let mut entries = Vec::new();
    let mut certificates = Vec::new();
    let mut fingerprints = BTreeMap::new();
    let own = session.profile()?.party.clone();
    parties.insert(own.clone());
    for party in parties {
        let Some(container) = entry_of(session, &own, &party).await? else { continue };
        let name = party.to_string().replace('/', "-");
        trust.add(container.clone(), session.now(), &format!("the entry of {party}"))?;
        if let Some(sealed) = trust.entries.last() {
            fingerprints.insert(party.to_string(), sealed.fingerprint);
            certificates.push(Named { name: format!("{name}.pem"), bytes: chains_of(sealed) });
        }
        entries.push(Named { name: format!("{name}.asice"), bytes: container });
    }
    let checkpoint = Record::parse(&record)
        .map(|record| record.checkpoint.into_bytes())
        .map_err(|error| Problem::unverified("the custody record cannot be read").because(&error))?;
    Ok(Gathered {
        trust,
        case: BundleCase {
            shared_number: number.clone(),
            documents,
            receipts,
            record,
            checkpoint,
            parties: entries,
            certificates,
            revocation: revocation(&arguments.revocation)?,
            stamps: stamps(&arguments.stamps)?,
        },
        fingerprints,
    })
}

/// Roots and seal certificates that an entry publishes, for tools that want them as files.
fn chains_of(sealed: &crate::trust::SealedEntry) -> Vec<u8> {
    let entry = &sealed.entry;
    format!("{}\n{}\n", entry.seal_certificates_pem.trim_end(), entry.anchors_pem.trim_end()).into_bytes()
}

/// The documents that left the house or came into it, and who sent them; their receipts are added.
async fn documents_of(
    session: &Session,
    case: &CaseFacts,
    receipts: &mut Vec<Named>,
) -> Result<(Vec<Named>, BTreeSet<PartyId>), Problem> {
    let all = documents::of_case(session, &case.case_id).await?;
    let (mut files, mut parties) = (Vec::new(), BTreeSet::new());
    let exchanged = ["transmitted", "not-delivered", "received", "refused"];
    let exchanged = all.iter().filter(|document| exchanged.contains(&document.stage.as_str()));
    for (index, document) in exchanged.enumerate() {
        let fetched = documents::fetch_bytes(session, &document.document_id).await?;
        let Document { kind, sender, addressee, .. } = &fetched.document;
        parties.extend([sender.party.clone(), addressee.party.clone()]);
        let stem = format!("{:03}-{kind}", index + 1);
        if !fetched.receipt.is_empty() {
            receipts.push(Named { name: format!("{stem}.asice"), bytes: fetched.receipt.to_vec() });
        }
        files.push(Named { name: format!("{stem}.asice"), bytes: fetched.container.to_vec() });
    }
    Ok((files, parties))
}

async fn receipts_of_package(
    session: &Session,
    id: &PackageId,
    receipts: &mut Vec<Named>,
) -> Result<(), Problem> {
    let mut client = session.connection().await?.packages();
    let request = office::GetPackageRequest { package_id: id.to_string() };
    let answer = client.get_package(request).await.map_err(explain)?.into_inner();
    for (what, receipt) in
        [("relay", answer.relay_receipt), ("delivery", answer.receipt), ("onward", answer.relay_answer)]
    {
        if !receipt.is_empty() {
            receipts.push(Named { name: format!("{id}-{what}.asice"), bytes: receipt.to_vec() });
        }
    }
    Ok(())
}

/// The custody record, without the internal stream unless it was asked for.
async fn record_of(
    session: &Session,
    case: &CaseFacts,
    internal: bool,
    parties: &mut BTreeSet<PartyId>,
) -> Result<Vec<u8>, Problem> {
    let mut client = session.connection().await?.custody();
    let request = custody::ExportRecordRequest { case_id: case.case_id.clone() };
    let bytes = client.export_record(request).await.map_err(explain)?.into_inner().record;
    let damaged = |error: rogatory_custody::record::RecordError| {
        Problem::unverified("the custody record that the server gave cannot be read").because(&error)
    };
    let mut record = Record::parse(&bytes).map_err(damaged)?;
    for entry in &record.entries {
        if let rogatory_core::custody_event::Stream::Shared(party) = &entry.stream {
            parties.insert(party.clone());
        }
    }
    if internal {
        return Ok(bytes.to_vec());
    }
    let is_internal = |stream: &rogatory_core::custody_event::Stream| {
        matches!(stream, rogatory_core::custody_event::Stream::Internal)
    };
    record.entries.retain(|entry| !is_internal(&entry.stream));
    // The fourth line of a case head names its stream.
    record.heads.retain(|head| head.lines().nth(3) != Some("internal"));
    if record.entries.is_empty() {
        return Err(Problem::usage(
            "nothing was exchanged in this case yet, so there is no shared record of it",
        )
        .with_hint("put the office's own events in with --internal, if the reader may see them"));
    }
    record.to_bytes().map_err(damaged)
}

/// The entry of a party; none if it is not confirmed here, as a provider's at the requesting authority.
async fn entry_of(session: &Session, own: &PartyId, party: &PartyId) -> Result<Option<Vec<u8>>, Problem> {
    if party == own {
        return Ok(Some(party::own(session).await?.0.to_vec()));
    }
    let known = party::list(session).await?.parties.iter().any(|one| one.party_id == party.to_string());
    if !known {
        return Ok(None);
    }
    let mut client = session.connection().await?.parties();
    let request = office::GetPartyRequest { party_id: party.to_string() };
    Ok(Some(client.get_party(request).await.map_err(explain)?.into_inner().container.to_vec()))
}

/// Revocation lists as PEM: `openssl` takes them so beside anchors.
fn revocation(paths: &[PathBuf]) -> Result<Vec<Named>, Problem> {
    let mut lists = Vec::new();
    for (index, path) in paths.iter().enumerate() {
        let bytes = files::read(path, CRL_LIMIT_BYTES, "the revocation list")?;
        let mut known = rogatory_pki::revocation::RevocationLists::none();
        known.add(&bytes).map_err(|error| {
            Problem::usage(format!("`{}` is no revocation list", path.display())).because(&error)
        })?;
        let bytes = if bytes.first() == Some(&0x30) { pem_of(&bytes) } else { bytes };
        lists.push(Named { name: format!("{:03}.crl", index + 1), bytes });
    }
    Ok(lists)
}

fn pem_of(der: &[u8]) -> Vec<u8> {
    let text = data_encoding::BASE64.encode(der);
    let mut pem = "-----BEGIN X509 CRL-----\n".to_owned();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    pem.push_str("-----END X509 CRL-----\n");
    pem.into_bytes()
}

fn stamps(paths: &[PathBuf]) -> Result<Vec<Named>, Problem> {
    let mut stamps = Vec::new();
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !is_stamp_name(name) {
            return Err(Problem::usage(format!(
                "`{}` is not named after an object of a bundle",
                path.display()
            ))
            .with_hint("name it like documents--001-request.asice.tst: the object's name, `--` for `/`"));
        }
        let bytes = files::read(path, STAMP_LIMIT_BYTES, "the time stamp")?;
        stamps.push(Named { name: name.to_owned(), bytes });
    }
    Ok(stamps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_written_in_lines_of_pem() {
        let pem = String::from_utf8(pem_of(&[7; 100])).expect("text");
        let lines: Vec<&str> = pem.lines().collect();
        assert_eq!(lines.first().copied(), Some("-----BEGIN X509 CRL-----"));
        assert!(lines.iter().all(|line| line.len() <= 64));
        assert_eq!(lines.last().copied(), Some("-----END X509 CRL-----"));
    }

    #[test]
    fn a_stamp_must_be_named_after_an_object() {
        let problem = stamps(&[PathBuf::from("other.tst")]).expect_err("refused");
        assert_eq!(problem.exit().code(), 2);
    }
}

//! Sealing files and folders into a package.
//!
//! Offline, but for the entry of whoever ordered it if none is given. Takes recipients from an
//! order only after its signatures, its signers and its seal were verified: whoever could write an
//! order could otherwise name himself.

use super::objects::Telling;
use super::short_key;
use crate::commands::{hash_list, party, receipts};
use crate::containers;
use crate::output::Outcome;
use crate::output::page::{Page, bytes};
use crate::problem::{Problem, clean};
use crate::profile::{KeyPair, PROFILE_FILE, Profile};
use crate::session::Session;
use crate::trust::{SealedEntry, Trust};
use rogatory_core::document::{Document, DocumentKind};
use rogatory_core::reference::OfficeReference;
use rogatory_core::{Digest, PackageId, SharedNumber};
use rogatory_evidence::acquisition::Facts;
use rogatory_evidence::age_layer::{AgeRecipient, Encryption};
use rogatory_evidence::seal::{
    Observer, SealOptions, SealRecipient, SealRecovery, SealRequest, SealedExhibit,
};
use rogatory_evidence::sensitive::ReasonCodeError;
use rogatory_evidence::transmittal::IntendedRecipient;
use rogatory_evidence::{ChosenKeys, SensitiveFlag, SizeLimit, choose_keys};
use rogatory_pki::certificate::Certificate;
use rogatory_pki::signing::{FileSigner, Signer};
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;

/// What to seal, for whom, by whom.
#[derive(Clone, Default)]
pub struct SealArguments {
    /// Files and folders; each is one exhibit.
    pub paths: Vec<PathBuf>,
    /// Whether every file below a folder is an exhibit of its own.
    pub each: bool,
    /// Whether the holes of a sparse file exhibit are stored as zeros.
    pub store_holes: bool,
    /// Who may open it: age recipients.
    pub recipients: Vec<String>,
    /// The order as a container: recipients and number are taken from it.
    pub order_document: Option<Vec<u8>>,
    /// The entry of the authority whose order that is; without it, the own server's confirmed one.
    pub trust: Trust,
    /// The order or request that is answered.
    pub order: Option<String>,
    /// The office's file number.
    pub reference: Option<String>,
    /// Another key than the profile's.
    pub signing: Option<KeyPair>,
    /// What is flagged as sensitive: `PATH=CODE`, as it was typed.
    pub sensitive: Vec<String>,
    /// Hash lists against which contents are compared.
    pub hash_lists: Vec<PathBuf>,
    /// Why the office's recovery recipient is left out.
    pub no_recovery: Option<String>,
    /// How the exhibits were acquired.
    pub facts: Option<Facts>,
    /// Where it goes: a folder, or a file if it ends in `.asice`.
    pub output: PathBuf,
}

/// What will be sealed, to be shown before it happens.
#[derive(Serialize)]
pub struct SealPlan {
    /// The order that it answers.
    pub order: Option<SharedNumber>,
    /// Who signs: the subject of the certificate.
    pub signer: String,
    /// Who will be able to open it, the recovery recipients last.
    pub recipients: Vec<String>,
    /// How the office can open it.
    pub recovery: String,
    /// To which kind of keys it will be encrypted.
    pub encryption: Encryption,
    /// Why to this kind.
    pub encryption_reason: String,
    /// How the order was verified.
    pub notes: Vec<String>,
    #[serde(skip)]
    work: Work,
}

/// The parts of a plan, checked.
struct Work {
    arguments: SealArguments,
    signer: FileSigner,
    recipients: Vec<SealRecipient>,
    recovery: SealRecovery,
    reference: Option<OfficeReference>,
    sensitive: Vec<SensitiveFlag>,
    takers: Vec<SizeLimit>,
}

impl Outcome for SealPlan {
    fn show(&self, page: &mut Page) {
        page.fact_if("answers", self.order.as_ref());
        page.fact("signed by", &self.signer);
        for recipient in &self.recipients {
            page.fact("will be opened by", recipient);
        }
        page.fact("recovery recipient", &self.recovery);
        page.fact("encryption", format!("{}: {}", self.encryption, self.encryption_reason));
        for note in &self.notes {
            page.line(format!("note: {}", clean(note)));
        }
    }
}

/// The result of [`seal`].
#[derive(Clone, Debug, Serialize)]
pub struct Sealed {
    /// The package.
    pub package_id: PackageId,
    /// Where it is.
    pub output: PathBuf,
    /// SHA-256 of its `ASiCManifest001.xml`.
    pub manifest_sha256: Digest,
    /// The order that it answers.
    pub order: Option<SharedNumber>,
    /// Subject of the signer's certificate.
    pub signer: String,
    /// SHA-256 of the signer's certificate.
    pub signer_sha256: Digest,
    /// Who may open it.
    pub recipients: Vec<IntendedRecipient>,
    /// How the office can open it.
    pub recovery: String,
    /// To which kind of keys it is encrypted.
    pub encryption: Encryption,
    /// Why to this kind.
    pub encryption_reason: String,
    /// What was sealed.
    pub exhibits: Vec<SealedExhibit>,
    /// The bytes of all objects.
    pub size_bytes: u64,
    /// What the person who sealed should know.
    pub notes: Vec<String>,
}

impl Outcome for Sealed {
    fn show(&self, page: &mut Page) {
        page.fact("package", &self.package_id);
        page.fact("written to", self.output.display());
        page.fact("size", bytes(self.size_bytes));
        page.fact_if("answers", self.order.as_ref());
        page.fact("signed by", &self.signer);
        page.fact("certificate", self.signer_sha256);
        for one in &self.recipients {
            let whose = match (&one.officer, &one.institution) {
                (Some(officer), _) => format!(" ({officer})"),
                (None, Some(institution)) => format!(" ({institution})"),
                (None, None) => String::new(),
            };
            page.fact("can be opened by", format!("{}{whose}", short_key(&one.recipient)));
        }
        page.fact("recovery recipient", &self.recovery);
        page.fact("encryption", format!("{}: {}", self.encryption, self.encryption_reason));
        page.fact("without rogatory", format!("opened with {}", self.encryption.tools()));
        page.fact("institution seal", "none yet: the server adds it when the package is sent");
        page.fact("manifest sha256", self.manifest_sha256);
        page.blank();
        for exhibit in &self.exhibits {
            page.line(format!(
                "{}  {}  {}",
                exhibit.number,
                exhibit.sha256,
                clean(&exhibit.path.display().to_string())
            ));
            if let Some(mark) = &exhibit.sensitive {
                page.line(format!("    SENSITIVE: {}", clean(&mark.why())));
            }
        }
        for note in &self.notes {
            page.line(format!("note: {}", clean(note)));
        }
    }
}

/// Seals files and folders for their recipients: [`plan_seal`], then [`seal_planned`].
///
/// # Errors
/// As these.
pub async fn seal(session: &Session, arguments: SealArguments) -> Result<Sealed, Problem> {
    let plan = plan_seal(session, arguments).await?;
    seal_planned(session, plan).await
}

/// Finds who will be able to open the package, and verifies the order that says so.
///
/// # Errors
/// A usage problem for keys or recipients that cannot be used; unverified, if the order does not
/// verify or nobody says whose seal it carries.
pub async fn plan_seal(session: &Session, arguments: SealArguments) -> Result<SealPlan, Problem> {
    let profile = session.profile.as_ref();
    let signer = signer(profile, arguments.signing.as_ref())?;
    let mut notes = Vec::new();
    let mut takers = Vec::new();
    let ordered = match &arguments.order_document {
        Some(bytes) => {
            let (document, note, entry) = verified_order(session, bytes, &arguments.trust).await?;
            notes.push(note);
            takers.extend(super::limits::of_entry(&entry.entry));
            Some(document)
        }
        None => None,
    };
    let recipients = recipients(&arguments, ordered.as_ref())?;
    let order = order(arguments.order.as_deref(), ordered.map(|document| document.shared_number))?;
    let Keys { encryption, recipients, recovery, why } =
        keys(profile, arguments.no_recovery.as_deref(), recipients)?;
    let reference: Option<OfficeReference> =
        arguments.reference.as_deref().map(str::parse).transpose().map_err(
            |error: rogatory_core::reference::ReferenceError| Problem::usage(format!("--reference: {error}")),
        )?;
    let recovery_text = match &recovery {
        SealRecovery::Recipients(keys) => {
            keys.iter().map(|key| short_key(key.recipient.as_str())).collect::<Vec<_>>().join(", ")
        }
        SealRecovery::Waived { reason } => format!("waived: {}", clean(reason)),
        SealRecovery::NoOfficeConfigured => "no office configured".to_owned(),
    };
    let key = |one: &SealRecipient, role: &str| {
        let whose = match (&one.officer, &one.institution) {
            (Some(officer), _) => officer.to_string(),
            (None, Some(institution)) => institution.to_string(),
            (None, None) => "given by its key alone".to_owned(),
        };
        format!("{} ({role}{whose})", short_key(one.recipient.as_str()))
    };
    let mut shown: Vec<String> = recipients.iter().map(|one| key(one, "")).collect();
    if let SealRecovery::Recipients(keys) = &recovery {
        shown.extend(keys.iter().map(|one| key(one, "recovery key of ")));
    }
    Ok(SealPlan {
        order,
        signer: certificate_of(&signer)?.subject(),
        recipients: shown,
        recovery: recovery_text,
        encryption,
        encryption_reason: why,
        notes,
        work: Work {
            sensitive: flags(&arguments.sensitive)?,
            arguments,
            signer,
            recipients,
            recovery,
            reference,
            takers,
        },
    })
}

pub(crate) fn certificate_of(signer: &FileSigner) -> Result<Certificate, Problem> {
    let certificate = signer.certificate();
    certificate.cloned().map_err(|error| Problem::usage("the signing key cannot be used").because(&error))
}

/// Seals what was planned.
///
/// # Errors
/// Failed, if a file cannot be read or the package not written. Nothing stands under the output's
/// name then.
pub async fn seal_planned(session: &Session, plan: SealPlan) -> Result<Sealed, Problem> {
    seal_observed(session, plan, None).await
}

impl SealPlan {
    /// Where the package will stand.
    pub(super) fn output(&self) -> &std::path::Path {
        &self.work.arguments.output
    }

    /// Adds what one takes who will get it, unless the order's document said so already.
    pub(super) fn taken_by(&mut self, limit: Option<SizeLimit>) {
        let takers = &mut self.work.takers;
        takers.extend(limit.filter(|limit| !takers.contains(limit)));
    }
}

/// The same, telling `observer` what is durable meanwhile.
pub(super) async fn seal_observed(
    session: &Session,
    plan: SealPlan,
    observer: Option<Observer>,
) -> Result<Sealed, Problem> {
    let SealPlan { order, recovery: recovery_text, encryption_reason, mut notes, work, .. } = plan;
    let Work { arguments, signer, recipients, recovery, reference, sensitive, takers } = work;
    let profile = session.profile.as_ref();
    let certificate = certificate_of(&signer)?;
    let output = super::package_output(arguments.output);
    let institution = profile.map(|profile| profile.party.clone());
    let function = profile.map(|_| containers::OFFICER.to_owned());
    let (now, entropy, progress) =
        (session.now(), Arc::clone(&session.entropy), Arc::clone(&session.progress));
    let (paths, each, store_holes) = (arguments.paths, arguments.each, arguments.store_holes);
    let (lists, facts) = (arguments.hash_lists, arguments.facts);
    let report = tokio::task::spawn_blocking(move || {
        let hash_lists = hash_list::open(&lists, output.path())?;
        let options = SealOptions { each, store_holes, facts, observer, sensitive, hash_lists, takers };
        let mut telling = Telling(Arc::clone(&progress));
        let request = SealRequest {
            paths,
            recipients,
            recovery,
            order,
            reference,
            institution,
            signer: &signer,
            function,
            now,
            entropy: entropy.as_ref(),
            output,
            options,
            progress: &mut telling,
        };
        let sealed = rogatory_evidence::seal::seal(request);
        progress.end();
        sealed.map_err(|error| Problem::failed("the package was not sealed").because(&error))
    })
    .await
    .map_err(|error| Problem::failed("sealing stopped").because(&error))??;
    let (_, manifest_sha256) = super::objects::id_of(&report.objects, &report.output)?;
    Ok(Sealed {
        package_id: report.package,
        manifest_sha256,
        order: report.transmittal.order.clone(),
        signer: certificate.subject(),
        signer_sha256: certificate.digest(),
        recipients: report.transmittal.recipients.clone(),
        recovery: recovery_text,
        encryption: report.transmittal.encryption,
        encryption_reason,
        size_bytes: report.objects.0.iter().fold(0, |sum, object| sum.saturating_add(object.size_bytes)),
        output: report.output,
        exhibits: report.exhibits,
        notes: {
            notes.extend(report.notes);
            notes
        },
    })
}

/// The flags as they were typed, each with its code.
fn flags(texts: &[String]) -> Result<Vec<SensitiveFlag>, Problem> {
    let flag = |text: &String| {
        let (path, code) = text.rsplit_once('=').ok_or_else(|| {
            Problem::usage(format!("--sensitive: `{}` names no reason code", clean(text)))
                .with_hint("write PATH=CODE, for example photos=abuse-material")
        })?;
        let reason = code.parse().map_err(|error: ReasonCodeError| {
            Problem::usage(format!("--sensitive: {}", clean(&error.to_string())))
        })?;
        Ok(SensitiveFlag { path: PathBuf::from(path), reason })
    };
    texts.iter().map(flag).collect()
}

pub(super) fn signer(profile: Option<&Profile>, given: Option<&KeyPair>) -> Result<FileSigner, Problem> {
    match (given, profile) {
        (Some(pair), _) => FileSigner::from_pem(&pair.key_pem, &pair.certificates_pem)
            .map_err(|error| Problem::usage("the signing key cannot be used").because(&error)),
        (None, Some(profile)) => profile.signer(),
        (None, None) => Err(Problem::usage("nobody would sign the package")
            .with_hint("give --key and --certificate, or an officer's profile with --profile")),
    }
}

/// Reads an order or request after verifying it against the entry of its sender: one that was
/// given, else the one that the own server keeps as confirmed. Tells which it was.
async fn verified_order(
    session: &Session,
    bytes: &[u8],
    trust: &Trust,
) -> Result<(Document, String, SealedEntry), Problem> {
    let what = "the order document";
    let asice = containers::open(bytes, what)?;
    let (document, _) = containers::document(&asice, what)?;
    if !matches!(document.kind, DocumentKind::Order | DocumentKind::Request) {
        return Err(Problem::usage(format!(
            "{what} is of kind {}, not an order or a request",
            document.kind
        )));
    }
    let sender = &document.sender.party;
    let hint = format!(
        "give the party entry of {sender} with --trust, or an officer's profile with --profile whose server has confirmed it"
    );
    let given: Vec<&SealedEntry> =
        trust.entries.iter().filter(|sealed| sealed.entry.party == *sender).collect();
    let (entry, source) = match (given.as_slice(), session.profile.as_ref()) {
        ([], _) if !trust.anchors.is_empty() => {
            return Err(Problem::unverified(format!("{what} is one of {sender}, whose entry was not given"))
                .with_hint(hint));
        }
        ([], None) => {
            return Err(Problem::unverified(format!(
                "nobody says whether {what} is really one of {sender}: nothing was sealed for those whom it names"
            ))
            .with_hint(hint));
        }
        ([], Some(profile)) if profile.party == *sender => {
            (receipts::own_entry(session).await?, "this institution's own entry")
        }
        ([], Some(_)) => {
            (party::confirmed(session, sender).await?.1, "the entry confirmed at this office's server")
        }
        ([entry], _) => ((*entry).clone(), "the entry given with --trust"),
        _ => return Err(Problem::usage(format!("--trust names several entries of {sender}"))),
    };
    containers::verify_sealed(&asice, &entry, session.now(), what)?;
    if let Some(profile) = session.profile.as_ref().filter(|own| own.party != document.addressee.party) {
        return Err(Problem::usage(format!(
            "{what} is addressed to {}, not to {}",
            document.addressee.party, profile.party
        )));
    }
    let note = format!(
        "{} {} of {sender} verified, its seal by {source} (fingerprint {})",
        document.kind, document.shared_number, entry.fingerprint
    );
    Ok((document, note, entry))
}

/// Those named, and those whom the order names.
fn recipients(arguments: &SealArguments, ordered: Option<&Document>) -> Result<Vec<SealRecipient>, Problem> {
    let mut recipients: Vec<SealRecipient> = Vec::new();
    if let Some(document) = ordered {
        let listed = document
            .evidence_recipients()
            .map_err(|error| Problem::unverified("the order document names no recipients").because(&error))?;
        for one in listed {
            let recipient = parse_recipient(&one.recipient)?;
            push(
                &mut recipients,
                SealRecipient { institution: Some(one.institution), officer: one.officer, recipient },
            );
        }
    }
    for one in parse_recipients(&arguments.recipients)? {
        push(&mut recipients, one);
    }
    Ok(recipients)
}

/// Who shall be able to open a package, by keys of one kind.
pub(super) struct Keys {
    pub(super) encryption: Encryption,
    pub(super) recipients: Vec<SealRecipient>,
    pub(super) recovery: SealRecovery,
    /// Why this kind, in one clause.
    why: String,
}

/// Adds the office's recovery keys, and takes those of one kind.
pub(super) fn keys(
    profile: Option<&Profile>,
    waived: Option<&str>,
    recipients: Vec<SealRecipient>,
) -> Result<Keys, Problem> {
    let recovery = recovery(profile, waived)?;
    let own = match &recovery {
        SealRecovery::Recipients(keys) => keys.clone(),
        SealRecovery::Waived { .. } | SealRecovery::NoOfficeConfigured => Vec::new(),
    };
    let chosen = choose_keys(recipients, own).map_err(|error| {
        Problem::usage("the recipients' keys are of different kinds").because(&error).with_hint(
            "name keys of one kind: post-quantum ones (age1pq1…) for everybody, or classical ones (age1…)",
        )
    })?;
    let ChosenKeys { encryption, mut recipients, recovery: own, why } = chosen;
    let recovery = match recovery {
        SealRecovery::Recipients(_) => SealRecovery::Recipients(own),
        none => none,
    };
    if let SealRecovery::Recipients(keys) = &recovery {
        // A key stands in a package once.
        recipients.retain(|known| !keys.iter().any(|key| key.recipient == known.recipient));
    }
    if recipients.is_empty() {
        return Err(Problem::usage("nobody could open the package")
            .with_hint("name recipients with --recipient age1…"));
    }
    Ok(Keys { encryption, recipients, recovery, why })
}

fn parse_recipient(text: &str) -> Result<AgeRecipient, Problem> {
    text.parse().map_err(|error| {
        Problem::usage(clean(&rogatory_core::chain(&error as &rogatory_evidence::age_layer::AgeError)))
    })
}

/// Those named by their bare keys, each once.
pub(super) fn parse_recipients(texts: &[String]) -> Result<Vec<SealRecipient>, Problem> {
    let mut recipients = Vec::new();
    for text in texts {
        push(&mut recipients, SealRecipient::bare(parse_recipient(text)?));
    }
    Ok(recipients)
}

fn push(recipients: &mut Vec<SealRecipient>, one: SealRecipient) {
    if !recipients.iter().any(|known| known.recipient == one.recipient) {
        recipients.push(one);
    }
}

fn order(given: Option<&str>, ordered: Option<SharedNumber>) -> Result<Option<SharedNumber>, Problem> {
    let given: Option<SharedNumber> =
        given.map(str::parse).transpose().map_err(|error: rogatory_core::reference::ReferenceError| {
            Problem::usage(format!("--order: {error}"))
        })?;
    match (given, ordered) {
        (Some(given), Some(ordered)) if given != ordered => {
            Err(Problem::usage(format!("--order says {given}, the order document is {ordered}")))
        }
        (given, ordered) => Ok(given.or(ordered)),
    }
}

fn recovery(profile: Option<&Profile>, waived: Option<&str>) -> Result<SealRecovery, Problem> {
    if let Some(reason) = waived {
        return Ok(SealRecovery::Waived { reason: reason.trim().to_owned() });
    }
    let Some(profile) = profile else {
        return Ok(SealRecovery::NoOfficeConfigured);
    };
    let texts = [&profile.recovery_recipient, &profile.recovery_recipient_hybrid];
    let keys: Vec<SealRecipient> = texts
        .into_iter()
        .flatten()
        .map(|text| {
            let recipient: AgeRecipient = text.parse().map_err(|error| {
                Problem::usage("the profile's recovery recipient cannot be used")
                    .because(&error as &rogatory_evidence::age_layer::AgeError)
            })?;
            Ok(SealRecipient { institution: Some(profile.party.clone()), officer: None, recipient })
        })
        .collect::<Result<_, Problem>>()?;
    if keys.is_empty() {
        let hint = format!(
            "set `recovery_recipient` in {PROFILE_FILE}, or give the reason for going without with --no-recovery REASON"
        );
        return Err(Problem::usage("the profile names no recovery recipient of the office").with_hint(hint));
    }
    Ok(SealRecovery::Recipients(keys))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_profile_and_keys_nobody_signs() {
        let problem = signer(None, None).err().expect("nobody");
        assert_eq!(problem.exit().code(), 2);
    }

    #[test]
    fn without_a_profile_no_office_is_configured() {
        assert_eq!(recovery(None, None), Ok(SealRecovery::NoOfficeConfigured));
        let waived = recovery(None, Some("test"));
        assert_eq!(waived, Ok(SealRecovery::Waived { reason: "test".to_owned() }));
    }

    #[test]
    fn a_flag_names_a_path_and_a_code() {
        let read = flags(&["a=b=abuse-material".to_owned()]).expect("a flag");
        assert_eq!(read[0].path, PathBuf::from("a=b"));
        assert_eq!(read[0].reason.as_str(), "abuse-material");
        for bad in ["a", "a=", "a=Abuse material"] {
            assert_eq!(flags(&[bad.to_owned()]).expect_err("no code").exit().code(), 2, "{bad}");
        }
    }

    #[test]
    fn two_different_orders_are_refused() {
        let number: SharedNumber = rogatory_core::SharedNumber::mint("gb".parse().expect("a country"), &Zero);
        let other: SharedNumber = rogatory_core::SharedNumber::mint("md".parse().expect("a country"), &Zero);
        assert!(order(Some(number.as_str()), Some(other)).is_err());
        assert_eq!(order(None, Some(number.clone())), Ok(Some(number)));
    }

    struct Zero;
    impl rogatory_core::Entropy for Zero {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(0);
        }
    }
}

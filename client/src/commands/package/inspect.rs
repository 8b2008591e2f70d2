//! Verifying a package, an opened package, an index, a court bundle or a formal document. Offline.

use super::objects::Telling;
use super::report;
use super::words::{self, Language, Standing};
use crate::files;
use crate::output::Outcome;
use crate::output::page::{Page, bytes};
use crate::problem::{Problem, clean};
use crate::session::Session;
use crate::trust::Trust;
use rogatory_core::{Digest, Timestamp};
use rogatory_evidence::bundle::{BundleForm, LogFacts, StampFacts, VerifiedBundle};
use rogatory_evidence::transmittal::TransmittalKind;
use rogatory_evidence::verify::{
    Check, ExhibitDescription, Form, Outcome as CheckOutcome, Part, UndisclosedExhibit, Verified,
    VerifiedPackage,
};
use rogatory_evidence::{Identities, Requirement, TimeProof, Verdict, VerifyOptions};
use rogatory_pki::path::Anchors;
use rogatory_pki::revocation::RevocationLists;
use serde::Serialize;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use zeroize::Zeroizing;

/// What to verify, with what.
#[derive(Clone, Default)]
pub struct VerifyArguments {
    /// The package, a `.asice` file or a folder.
    pub path: PathBuf,
    /// The texts of age identity files; none: contents are not checked.
    pub identities: Vec<Zeroizing<String>>,
    /// Whom to believe.
    pub trust: Trust,
    /// The instant at which certificates must be valid; if absent the proven time, or else now. [`verify`] demands proof
    /// that the signature existed then.
    pub at: Option<Timestamp>,
    /// The anchors of time-stamping authorities.
    pub tsa: Anchors,
    /// The revocation lists that somebody obtained.
    pub revocation: RevocationLists,
    /// The certificate that must have signed.
    pub signer: Option<Digest>,
    /// What must be checked beyond integrity, signature and chain.
    pub require: BTreeSet<Requirement>,
    /// The language of the report in plain words; none: every check by itself, a court bundle in English.
    pub language: Option<Language>,
    /// Where the report for a case file goes, and the files named as trust, with their digests.
    pub report: Option<ReportArguments>,
}

/// The report for a case file.
#[derive(Clone, Debug)]
pub struct ReportArguments {
    /// The PDF to write.
    pub output: PathBuf,
    /// The files of `--trust`.
    pub trust: Vec<PathBuf>,
}

/// What a court bundle says, verified.
#[derive(Clone, Debug, Serialize)]
pub struct BundleFacts {
    /// How the exhibits lie in it.
    pub form: BundleForm,
    /// The number of the case.
    pub shared_number: String,
    /// The institution whose officer made it.
    pub institution: String,
    /// The officer.
    pub officer: String,
    /// When, as its maker says, in UTC.
    pub made_time: String,
    /// Program and version that made it, as its maker says.
    pub program: String,
    /// SHA-256 of the signed manifest, which covers every object.
    pub manifest_sha256: Digest,
    /// Subject of the certificate of who made it.
    pub maker: String,
    /// SHA-256 of that certificate.
    pub maker_sha256: Digest,
    /// How many documents of the case it holds.
    pub documents: usize,
    /// How many receipts.
    pub receipts: usize,
    /// The exhibits' files.
    pub files: Vec<String>,
    /// The custody record, if it was verified, with who cosigned its checkpoint.
    pub custody: Option<LogFacts>,
    /// The time stamps in it that hold.
    pub time_stamps: Vec<StampFacts>,
}

impl BundleFacts {
    fn of(bundle: &VerifiedBundle) -> Self {
        let (documents, receipts) = bundle.counts();
        let exhibits = bundle.package().map(VerifiedPackage::exhibits).unwrap_or_default();
        Self {
            form: bundle.form(),
            shared_number: bundle.shared_number().to_string(),
            institution: bundle.institution().to_string(),
            officer: bundle.officer().to_string(),
            made_time: bundle.made_time().to_string(),
            program: bundle.program().to_owned(),
            manifest_sha256: bundle.manifest_sha256(),
            maker: bundle.signature().certificate().subject(),
            maker_sha256: bundle.signature().certificate().digest(),
            documents,
            receipts,
            files: exhibits
                .iter()
                .filter_map(|exhibit| bundle.file_of(exhibit.number).map(ToOwned::to_owned))
                .collect(),
            custody: bundle.log().cloned(),
            time_stamps: bundle.stamps().to_vec(),
        }
    }
}

/// How a package was made from another.
#[derive(Clone, Debug, Serialize)]
pub struct DerivedFacts {
    /// A rewrapped package, or a disclosure.
    pub kind: TransmittalKind,
    /// The original.
    pub origin_package_id: String,
    /// For whom the original was sealed: the recovery recipients last.
    pub origin_recipients: Vec<String>,
    /// Subject of the certificate of who made this one.
    pub maker: String,
    /// SHA-256 of that certificate.
    pub maker_sha256: Digest,
    /// The institution that published the seal over this one; none if there is no seal or nobody compared it.
    pub maker_seal_of: Option<String>,
}

/// The report of a verification.
#[derive(Clone, Debug, Serialize)]
pub struct VerifyOutcome {
    /// What was verified.
    pub form: Form,
    /// Whether all that was looked at is right and all that was required was looked at.
    pub verified: bool,
    /// Every check in its order.
    pub checks: Vec<Check>,
    /// The package's id, if it is one and verifies.
    pub package_id: Option<String>,
    /// Subject of the certificate behind the person's signature, if it verifies.
    pub signer: Option<String>,
    /// SHA-256 of that certificate.
    pub signer_sha256: Option<Digest>,
    /// Subject of the certificate behind the second signature, if there is one and it verifies.
    pub seal: Option<String>,
    /// The institution that published that seal, by an entry of `--trust`; none if nobody compared it.
    pub seal_of: Option<String>,
    /// Who can open it, as the package says itself: the recovery recipients last.
    pub recipients: Vec<String>,
    /// The order that it answers, if it says so and verifies.
    pub order: Option<String>,
    /// How it was made from another package, if it was: signer and seal above are those of the original.
    pub derived: Option<DerivedFacts>,
    /// The exhibits as the signed index describes them, if it could be read.
    pub exhibits: Vec<ExhibitDescription>,
    /// The exhibits that a disclosure does not hold, if the index could be read.
    pub undisclosed: Vec<UndisclosedExhibit>,
    /// What a court bundle says, if it is one and verifies.
    pub bundle: Option<BundleFacts>,
    /// The instant at which certificates were judged, in UTC.
    pub judged_at: String,
    /// The report for a case file, if one was written.
    pub report: Option<PathBuf>,
    /// The language of the report in plain words.
    #[serde(skip)]
    language: Option<Language>,
}

impl VerifyOutcome {
    pub(super) fn of(verdict: &Verdict, at: Timestamp) -> Self {
        let mut outcome = Self {
            form: verdict.form(),
            verified: verdict.is_verified(),
            checks: verdict.checks().to_vec(),
            package_id: None,
            signer: None,
            signer_sha256: None,
            seal: None,
            seal_of: None,
            recipients: Vec::new(),
            order: None,
            derived: None,
            exhibits: Vec::new(),
            undisclosed: Vec::new(),
            bundle: None,
            judged_at: at.to_string(),
            report: None,
            language: None,
        };
        match verdict.verified() {
            Some(Verified::Bundle(bundle)) => {
                if let Some(package) = bundle.package() {
                    outcome.describe(package);
                }
                outcome.bundle = Some(BundleFacts::of(bundle));
            }
            Some(Verified::Package(package)) => outcome.describe(package),
            Some(Verified::Document(document)) => {
                if let Some(last) = document.signatures().last() {
                    outcome.signer = Some(last.certificate().subject());
                    outcome.signer_sha256 = Some(last.certificate().digest());
                    // A document is verified only if its last signature is the sender's published seal.
                    outcome.seal = Some(last.certificate().subject());
                    let claim = rogatory_evidence::formal::claim(document.asice());
                    outcome.seal_of = claim.ok().map(|claim| claim.sender.to_string());
                }
            }
            Some(Verified::Foreign(container)) => {
                // Several may have signed; nothing says in which function.
                let first = container.signatures().first();
                outcome.signer = first.map(|signature| signature.certificate().subject());
                outcome.signer_sha256 = first.map(|signature| signature.certificate().digest());
            }
            None => {}
        }
        outcome
    }

    /// Takes over what a verified package says of itself.
    fn describe(&mut self, package: &VerifiedPackage) {
        self.package_id = package.package().map(ToString::to_string);
        self.signer = Some(package.signature().certificate().subject());
        self.signer_sha256 = Some(package.signature().certificate().digest());
        self.seal = package.seal().map(|seal| seal.certificate().subject());
        self.seal_of = package.sealed_by().map(ToString::to_string);
        self.recipients = super::recipient_lines(package.transmittal());
        self.order = package.transmittal().order.as_ref().map(ToString::to_string);
        self.exhibits = package.exhibits().to_vec();
        self.undisclosed = package.undisclosed().to_vec();
        if let Some(derivation) = package.derivation() {
            // Its own transmittal answers no order.
            let origin = derivation.origin_transmittal();
            self.order = origin.order.as_ref().map(ToString::to_string);
            self.derived = Some(DerivedFacts {
                kind: package.transmittal().kind,
                origin_package_id: derivation.origin().to_string(),
                origin_recipients: super::recipient_lines(origin),
                maker: derivation.maker().certificate().subject(),
                maker_sha256: derivation.maker().certificate().digest(),
                maker_seal_of: derivation.maker_sealed_by().map(ToString::to_string),
            });
        }
    }

    /// The problem of what does not verify.
    pub(super) fn failure(&self) -> Option<Problem> {
        if self.verified {
            return None;
        }
        let failed = |check: &&Check| matches!(check.outcome, CheckOutcome::Failed { .. });
        let failures: Vec<&Check> = self.checks.iter().filter(failed).collect();
        let hint = hint(&failures);
        let texts = failures.iter().map(|check| clean(&check.text)).collect();
        Some(Problem::unverified("it does not verify").with_details(texts).with_hint(hint))
    }
}

/// What is not there was not judged: a wrong name is no verdict.
///
/// # Errors
/// A usage problem.
pub(crate) fn must_exist(path: &Path) -> Result<(), Problem> {
    match std::fs::symlink_metadata(path) {
        Ok(_) => Ok(()),
        Err(error) => Err(Problem::usage(format!("`{}` cannot be opened", clean(&path.to_string_lossy())))
            .because(&error)
            .with_hint("check the name of the file")),
    }
}

/// What to do about the first thing that failed.
fn hint(failures: &[&Check]) -> &'static str {
    let said = |words: &str| failures.iter().any(|check| check.text.contains(words));
    let only =
        |parts: &[Part]| !failures.is_empty() && failures.iter().all(|check| parts.contains(&check.part));
    if said("no trust anchor") || said("no trusted anchor") {
        "give the party entry of the sender, or the anchors of its country, with --trust"
    } else if said("is a recipient of this package") {
        "use the identity of a recipient; without an identity the package is checked from outside"
    } else if only(&[Part::Time]) {
        "a time stamp lies beside as NAME.tst (`request export` and `package receive` write it); give its authority's anchors with --tsa"
    } else if only(&[Part::Revocation]) {
        "give the newest revocation list of every issuer with --crl; what was revoked before it was signed is worth nothing"
    } else if only(&[Part::Witness]) {
        "give the entry of each institution that must have cosigned with --trust; a bundle that was made before they did is to be made again"
    } else if only(&[Part::Contents, Part::Index]) && said("was required") {
        "contents are checked with the identity of a recipient: give it with --identity"
    } else if only(&[Part::Seal]) || only(&[Part::Custody]) {
        "give the party entry of the institution whose seal it should be with --trust"
    } else if only(&[Part::Signer]) {
        "compare the certificate of the signer with the one you expected"
    } else {
        "ask the sender for it again, and compare its digests by another way"
    }
}

impl VerifyOutcome {
    /// The report by topics, in the reader's language; what the verifier says in detail stands below each.
    fn show_plainly(&self, language: Language, page: &mut Page) {
        for standing in [Standing::Failed, Standing::NotChecked, Standing::Checked] {
            let found = words::topics(&self.checks, language);
            for topic in found.iter().filter(|topic| topic.standing == standing) {
                page.fact(words::word(standing, language), format!("{}: {}", topic.name, topic.meaning));
                for check in &topic.checks {
                    let word = words::word(words::standing(check), language);
                    page.line(format!("    {word}: {}", clean(&check.text)));
                }
            }
        }
    }

    fn show_bundle(bundle: &BundleFacts, page: &mut Page) {
        page.fact("case", &bundle.shared_number);
        page.fact("bundle made by", format!("{}, {}, {}", bundle.officer, bundle.maker, bundle.made_time));
        page.fact("bundle manifest sha256", bundle.manifest_sha256);
        page.fact("documents", format!("{}, receipts: {}", bundle.documents, bundle.receipts));
        if let Some(log) = &bundle.custody {
            page.fact("custody log", format!("{}, {} leaves", log.origin, log.checkpoint_size));
            for witness in log.witnesses.iter().filter(|witness| witness.checked) {
                page.fact("cosigned by", format!("{} at {}", witness.witness, witness.at));
            }
        }
        for stamp in &bundle.time_stamps {
            let by = clean(&stamp.time_stamping_authority);
            page.fact("time stamp", format!("{}: {} by {by}", stamp.object, stamp.proven));
        }
    }
}

impl Outcome for VerifyOutcome {
    fn show(&self, page: &mut Page) {
        let plainly = self.language.or((self.form == Form::Bundle).then_some(Language::English));
        match plainly {
            Some(language) => self.show_plainly(language, page),
            None => check_lines(&self.checks, page),
        }
        if self.exhibits.is_empty() {
            page.blank();
        } else {
            page.blank();
            let mut described: Option<&ExhibitDescription> = None;
            for exhibit in &self.exhibits {
                let name = exhibit.path.as_ref().unwrap_or(&exhibit.name).display();
                page.line(format!(
                    "{}  {}  {}  {}",
                    exhibit.number,
                    exhibit.sha256,
                    bytes(exhibit.size_bytes),
                    clean(name)
                ));
                // What an officer would read twice is said once.
                match (exhibit.acquisition.as_deref(), described) {
                    (Some(facts), Some(before)) if before.acquisition.as_deref() == Some(facts) => {
                        page.line(format!("    acquired as {}", before.number));
                    }
                    (Some(facts), _) => {
                        for (label, text) in facts.lines() {
                            page.line(format!("    {label}: {}", clean(&text)));
                        }
                        described = Some(exhibit);
                    }
                    (None, _) => {}
                }
                if let Some(mark) = &exhibit.sensitive {
                    page.line(format!("    SENSITIVE: {}", clean(&mark.why())));
                }
            }
            page.blank();
        }
        for exhibit in &self.undisclosed {
            page.line(format!("{}  {}  not disclosed", exhibit.number, exhibit.sha256));
        }
        if let Some(bundle) = &self.bundle {
            Self::show_bundle(bundle, page);
        }
        page.fact_if("package", self.package_id.as_ref());
        if let Some(derived) = &self.derived {
            page.fact("made from", &derived.origin_package_id);
            page.fact("made by", &derived.maker);
            page.fact("certificate of the maker", derived.maker_sha256);
            page.fact_if("seal of the maker", derived.maker_seal_of.as_ref());
            for recipient in &derived.origin_recipients {
                page.fact("the original was sealed for", recipient);
            }
        }
        page.fact_if("answers", self.order.as_ref());
        for recipient in &self.recipients {
            page.fact("can be opened by", recipient);
        }
        page.fact_if("signer", self.signer.as_ref());
        page.fact_if("certificate", self.signer_sha256.as_ref());
        page.fact_if("seal of", self.seal_of.as_ref());
        page.fact("judged as of", &self.judged_at);
        page.fact_if("report", self.report.as_ref().map(|report| report.display()));
        page.fact(
            "result",
            match (self.verified, plainly.unwrap_or_default()) {
                (true, Language::English) => "verified",
                (false, Language::English) => "not verified",
                (true, Language::French) => "verified: vérifié",
                (false, Language::French) => "not verified: NON VÉRIFIÉ",
                (true, Language::Spanish) => "verified: verificado",
                (false, Language::Spanish) => "not verified: NO VERIFICADO",
            },
        );
    }

    fn complaint(&self) -> Option<Problem> {
        self.failure()
    }
}

/// One line for every check.
pub(super) fn check_lines(checks: &[Check], page: &mut Page) {
    for check in checks {
        match &check.outcome {
            CheckOutcome::Checked => page.fact("checked", &check.text),
            CheckOutcome::NotChecked { why } => page.fact("not checked", format!("{}: {why}", check.part)),
            CheckOutcome::Failed { .. } => page.fact("FAILED", &check.text),
        }
    }
}

/// Parses the texts of identity files.
pub(crate) fn identities(texts: &[Zeroizing<String>]) -> Result<Identities, Problem> {
    if texts.is_empty() {
        return Ok(Identities::none());
    }
    let texts: Vec<&str> = texts.iter().map(|text| text.as_str()).collect();
    Identities::parse(&texts)
        .map_err(|error| Problem::usage("the age identity cannot be used").because(&error))
}

/// Verifies what lies at a path. What cannot be read is a failure in the report.
///
/// # Errors
/// A usage problem, if an identity cannot be used.
pub async fn verify(session: &Session, arguments: VerifyArguments) -> Result<VerifyOutcome, Problem> {
    must_exist(&arguments.path)?;
    if let Some(report) = &arguments.report {
        files::must_be_new(&report.output)?;
    }
    let identities = identities(&arguments.identities)?;
    let now = session.now();
    let progress = Arc::clone(&session.progress);
    let (language, report, path) = (arguments.language, arguments.report, arguments.path.clone());
    let (verdict, at) = tokio::task::spawn_blocking(move || {
        let institutions = arguments.trust.institutions();
        let log_keys = arguments.trust.log_keys();
        let witness_keys = arguments.trust.witness_keys();
        let time = TimeProof::beside(&arguments.path, &arguments.tsa, arguments.at);
        let at = time.judged_at(now);
        let options = VerifyOptions {
            identities,
            log_keys: &log_keys,
            witness_keys: &witness_keys,
            time,
            revocation: Some(&arguments.revocation),
            expected_signer: arguments.signer,
            require: arguments.require,
            ..VerifyOptions::new(&arguments.trust.anchors, at).with_institutions(&institutions)
        };
        let verdict =
            rogatory_evidence::verify(&arguments.path, &options, &mut Telling(Arc::clone(&progress)));
        progress.end();
        (verdict, at)
    })
    .await
    .map_err(|error| Problem::failed("verifying stopped").because(&error))?;
    let mut outcome = VerifyOutcome::of(&verdict, at);
    outcome.language = language;
    if let Some(report) = report {
        let paper = report::pdf(
            &outcome,
            &subject(&path, &report.trust, session.now())?,
            language.unwrap_or_default(),
        )?;
        files::write_new(&report.output, &paper)?;
        outcome.report = Some(report.output);
    }
    Ok(outcome)
}

/// What the report is about. The file is read once more, for the digest of the whole.
fn subject(path: &Path, trusted: &[PathBuf], at: Timestamp) -> Result<report::Subject, Problem> {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let (sha256, size_bytes) = if path.is_dir() {
        (None, 0)
    } else {
        let (sha256, size) = files::digest(path)?;
        (Some(sha256), size)
    };
    let trusted = trusted.iter().map(|path| Ok((name(path), files::digest(path)?.0)));
    let trusted = trusted.collect::<Result<_, Problem>>()?;
    Ok(report::Subject { name: name(path), sha256, size_bytes, trusted, at })
}

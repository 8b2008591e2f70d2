//! The court bundle: exhibits, documents, receipts, record and entries of a case in one file.
//!
//! Holds what is asked for, what will be made and what was made. `gather` fetches from the own server what the case holds, and
//! `make` hands it to the maker of bundles. Exhibits are decrypted on this machine, into the one file that the officer names, and
//! nowhere else.

mod gather;
mod make;

pub use make::make_bundle;

use super::record::not_witnessed;
use crate::commands::documents::{self, CaseFacts};
use crate::commands::package;
use crate::files;
use crate::output::Outcome;
use crate::output::page::{Page, bytes};
use crate::problem::{Problem, clean};
use crate::session::Session;
use crate::trust::Trust;
use rogatory_core::{Digest, PackageId, SharedNumber};
use rogatory_evidence::ExhibitNumber;
use rogatory_evidence::bundle::BundleForm;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::PathBuf;
use zeroize::Zeroizing;

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
    /// How many seconds at most the server waits for what is still to come: a witness's cosignature of the checkpoint, and
    /// its time stamp.
    pub wait_seconds: u32,
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
    /// How many seconds at most a witness's cosignature is waited for.
    pub wait_seconds: u32,
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
        if self.wait_seconds > 0 {
            page.line(format!(
                "If a counterpart has not cosigned the log that far yet, it is waited for, {} s at most (--wait).",
                self.wait_seconds
            ));
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
    /// Who cosigned the checkpoint of the record in it, by the lines that the own server keeps.
    pub witnesses: Vec<String>,
    /// How many time stamps went in.
    pub time_stamps: usize,
    /// The package, by the id under which receipts know it, if the own server does not: then none for it went in.
    pub package_unknown: Option<PackageId>,
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
        if let Some(id) = &self.package_unknown {
            page.fact("", format!("no receipt for the package: the own server does not know {id}"));
        }
        page.fact("time stamps", self.time_stamps);
        for witness in &self.witnesses {
            page.fact("log cosigned by", witness);
        }
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
        if self.witnesses.is_empty() {
            not_witnessed(page);
        }
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
        wait_seconds: arguments.wait_seconds,
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

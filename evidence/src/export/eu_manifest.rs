//! The manifest for evidence that is too large for the decentralised IT system of the Union.
//!
//! Holds its fields, each with its source in the law and how sure that source is, and the one more
//! pass over what was sent that SHA-512 needs. May read the package. Knows nothing of how it was
//! sent: whoever sent it says so.
//!
//! Source: Commission Implementing Regulation (EU) 2025/1550, Annex, points 3.2, 3.3.1 to 3.3.3.

use super::ExportError;
use super::case::described;
use crate::acquisition::{Line, Words};
use crate::record::display;
use crate::source::{FolderSource, PackageError, PackageSource, claimed_list, in_package_order};
use crate::streams::{NoProgress, Progress, Reporting, Step};
use crate::transmittal::IntendedRecipient;
use crate::verify::{Form, VerifiedPackage, VerifyOptions};
use crate::walk::shown;
use data_encoding::HEXLOWER;
use rogatory_core::{Digest, Timestamp};
use serde::Serialize;
use sha2::Digest as _;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// What the system itself carries at most: 25 MB, which the annex writes as 25 600 KB (point 3.2).
pub const LARGE_EVIDENCE_BYTES: u64 = 25_600 * 1024;
/// How long evidence that was made available stays accessible, in calendar days (point 3.3.3).
const ACCESSIBLE_DAYS: std::ops::RangeInclusive<i64> = 10..=45;
const REGULATION: &str = "Commission Implementing Regulation (EU) 2025/1550, Annex";
const NOTICE: &str =
    "SENSITIVE: this manifest names real files in the clear. Treat it like the evidence itself.";

/// When the evidence left, or was made available.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// It was transmitted at this instant.
    Transmitted(Timestamp),
    /// It can be fetched from this instant on.
    AvailableFrom(Timestamp),
}

impl Moment {
    /// The instant.
    #[must_use]
    pub const fn at(self) -> Timestamp {
        match self {
            Self::Transmitted(at) | Self::AvailableFrom(at) => at,
        }
    }
}

/// What only the sender knows.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Transmission {
    /// When.
    pub moment: Moment,
    /// By what means: a link's record, a postal receipt.
    pub means: Line,
    /// Until when it stays accessible.
    pub accessible_until: Option<Timestamp>,
    /// Whether the issuing authority asked for longer than 45 days.
    pub extended: bool,
    /// A file number of the case beside the order that the package names.
    pub case_reference: Option<Line>,
    /// Remarks.
    pub remarks: Option<Words>,
}

/// A field with its source.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Field<T> {
    /// Which of the seven items of point 3.3.3 it answers, as we number them; none for what stands beside them.
    pub items: &'static [u8],
    /// Where the law asks for it.
    pub source: String,
    /// How sure the source is: a key of [`EuManifest::marks`].
    pub mark: &'static str,
    /// How we read it where the text leaves a choice; design advice, not law.
    pub reading: Option<&'static str>,
    /// What is answered.
    pub value: T,
}

/// Sender and recipients.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Parties {
    /// The institution that sent, if the package names it.
    pub sender: Option<String>,
    /// The subject of the certificate that signed.
    pub signed_by: String,
    /// Everybody whom the package names as recipient.
    pub recipients: Vec<String>,
}

/// What links the evidence to the order.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Link {
    /// The shared number of the order or request.
    pub order: Option<String>,
    /// The sender's file number.
    pub sender_reference: Option<String>,
    /// The file number that was given for this manifest.
    pub case_reference: Option<String>,
    /// The package.
    pub package: Option<String>,
}

/// A file as it was sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct SentFile {
    /// Its full name.
    pub name: String,
    /// Its size in bytes.
    pub size_bytes: u64,
    /// Its digests by algorithm, in lower-case hexadecimal digits.
    pub digests: BTreeMap<&'static str, String>,
}

/// An exhibit inside what was sent.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ContainedFile {
    /// Its neutral name.
    pub exhibit: String,
    /// Its full real name, for human eyes.
    pub name: String,
    /// Its size in bytes, before encryption.
    pub size_bytes: u64,
    /// Its SHA-256, before encryption, as the signed index says.
    pub sha256: Digest,
}

/// How large it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
pub struct Size {
    /// All files that were sent, in bytes.
    pub total_bytes: u64,
    /// What the system carries at most.
    pub threshold_bytes: u64,
    /// Whether it is larger than that.
    pub is_large: bool,
}

/// An entry in the log of alternative transmission.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct LogEntry {
    /// The reference of the case or file.
    pub reference: String,
    /// Date and time.
    pub time: Timestamp,
    /// The sender.
    pub sender: String,
    /// The recipients.
    pub recipients: Vec<String>,
    /// The names of the files as sent.
    pub file_names: Vec<String>,
    /// Their size together.
    pub size_bytes: u64,
}

/// The manifest.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct EuManifest {
    /// 1.
    pub format: u32,
    /// `rogatory-eu-2025-1550-manifest`.
    pub schema: &'static str,
    /// That it is sensitive.
    pub notice: &'static str,
    /// What the marks mean.
    pub marks: BTreeMap<&'static str, &'static str>,
    /// Sender and recipient.
    pub parties: Field<Parties>,
    /// The link to the order.
    pub link: Field<Link>,
    /// When.
    pub moment: Field<Moment>,
    /// By what means.
    pub means: Field<String>,
    /// The files as sent: names, sizes, digests.
    pub files: Field<Vec<SentFile>>,
    /// What they hold.
    pub contains: Field<Vec<ContainedFile>>,
    /// How large it is, and whether too large for the system.
    pub size: Field<Size>,
    /// Until when it stays accessible.
    pub accessible_until: Field<Option<Timestamp>>,
    /// Remarks.
    pub remarks: Field<Option<String>>,
    /// What the log of alternative transmission needs.
    pub log: Field<LogEntry>,
}

/// Makes the manifest of the sealed package at `path`. Every byte of it is read once more.
///
/// # Errors
/// [`ExportError`], also if what is said of the transmission contradicts the regulation.
pub fn eu_manifest(
    path: &Path,
    options: &VerifyOptions<'_>,
    transmission: &Transmission,
    progress: &mut dyn Progress,
) -> Result<EuManifest, ExportError> {
    check(transmission)?;
    let package = described(path, options)?.package;
    if package.form() != Form::Sealed {
        return Err(ExportError::NotSealed);
    }
    let reference = reference(&package, transmission)?;
    let files = sent_files(path, progress)?;
    let total_bytes = files.iter().fold(0_u64, |sum, file| sum.saturating_add(file.size_bytes));
    let parties = parties(&package);
    let log = LogEntry {
        reference,
        time: transmission.moment.at(),
        sender: parties.sender.clone().unwrap_or_else(|| parties.signed_by.clone()),
        recipients: parties.recipients.clone(),
        file_names: files.iter().map(|file| file.name.clone()).collect(),
        size_bytes: total_bytes,
    };
    let transmittal = package.transmittal();
    let link = Link {
        order: transmittal.order.as_ref().map(ToString::to_string),
        sender_reference: transmittal.reference.as_ref().map(ToString::to_string),
        case_reference: transmission.case_reference.as_ref().map(ToString::to_string),
        package: package.package().map(ToString::to_string),
    };
    let contains = package
        .exhibits()
        .iter()
        .map(|exhibit| ContainedFile {
            exhibit: exhibit.number.to_string(),
            name: exhibit.path.as_ref().unwrap_or(&exhibit.name).display().to_owned(),
            size_bytes: exhibit.size_bytes,
            sha256: exhibit.sha256,
        })
        .collect();
    Ok(EuManifest {
        format: 1,
        schema: "rogatory-eu-2025-1550-manifest",
        notice: NOTICE,
        marks: marks(),
        parties: field(&[1], "3.3.3", None, parties),
        link: field(&[2], "3.3.3", None, link),
        moment: field(&[3], "3.3.3", Some("instants are UTC"), transmission.moment),
        means: field(&[4], "3.3.3", None, transmission.means.to_string()),
        files: field(&[5, 6, 7], "3.3.3", Some(FILES_READING), files),
        contains: field(&[5], "3.3.3", Some(CONTAINS_READING), contains),
        size: field(
            &[6],
            "3.2",
            Some("25 600 KB are taken as 26,214,400 bytes, and compared with all files as sent"),
            Size {
                total_bytes,
                threshold_bytes: LARGE_EVIDENCE_BYTES,
                is_large: total_bytes > LARGE_EVIDENCE_BYTES,
            },
        ),
        accessible_until: field(
            &[],
            "3.3.3",
            Some(
                "10 to 45 calendar days are counted between the UTC dates; longer only at the issuing authority's request",
            ),
            transmission.accessible_until,
        ),
        remarks: field(&[], "3.3.3", None, transmission.remarks.as_ref().map(ToString::to_string)),
        log: field(&[], "3.3.1 and 3.3.2", None, log),
    })
}

const FILES_READING: &str = "a file is what was sent: the container file, or each object of a package that is a folder; \
     it is encrypted, and the digests are of the encrypted bytes. SHA-512 is among the regulation's examples of a strong \
     algorithm; SHA-256 stands beside it because the signatures of the package use it";
const CONTAINS_READING: &str = "the full names of the exhibits inside, with their sizes and digests before encryption as the \
     signed index says; of a folder the name, not its files";

fn field<T>(items: &'static [u8], point: &str, reading: Option<&'static str>, value: T) -> Field<T> {
    Field { items, source: format!("{REGULATION}, point {point}"), mark: "S", reading, value }
}

fn marks() -> BTreeMap<&'static str, &'static str> {
    BTreeMap::from([
        ("S", "sourced: read in the annex of the regulation (points 1 to 8.2.1)"),
        ("M", "from memory: not checked against the text"),
        ("reading", "interpretation or design advice, not law"),
    ])
}

/// What is said of the transmission must fit the regulation.
fn check(transmission: &Transmission) -> Result<(), ExportError> {
    let bad = |text: String| Err(ExportError::Transmission(text));
    let from = match (transmission.moment, transmission.accessible_until) {
        (Moment::Transmitted(_), None) => return Ok(()),
        (Moment::Transmitted(_), Some(_)) => {
            return bad(
                "evidence that was transmitted has no end of access: say from when it is available instead"
                    .to_owned(),
            );
        }
        (Moment::AvailableFrom(_), None) => {
            return bad("evidence that is made available has an end of access, 10 to 45 calendar days later: say until when"
                .to_owned());
        }
        (Moment::AvailableFrom(from), Some(_)) => from,
    };
    let day = |at: Timestamp| at.seconds().div_euclid(86_400);
    let days = transmission.accessible_until.map_or(0, |until| day(until) - day(from));
    let (least, most) = (*ACCESSIBLE_DAYS.start(), *ACCESSIBLE_DAYS.end());
    if days < least {
        bad(format!(
            "it would stay accessible for {days} calendar days, and {least} are the least (point 3.3.3)"
        ))
    } else if days > most && !transmission.extended {
        bad(format!(
            "it would stay accessible for {days} calendar days, and {most} are the most unless the issuing authority asks for longer (point 3.3.3)"
        ))
    } else {
        Ok(())
    }
}

/// The reference of the case: item 2 and the log need one.
fn reference(package: &VerifiedPackage, transmission: &Transmission) -> Result<String, ExportError> {
    let order = package.transmittal().order.as_ref().map(ToString::to_string);
    let given = transmission.case_reference.as_ref().map(ToString::to_string);
    match (order, given) {
        (Some(order), Some(given)) => Ok(format!("{order}; {given}")),
        (Some(one), None) | (None, Some(one)) => Ok(one),
        (None, None) => Err(ExportError::Transmission(
            "the package names no order, and the manifest must link the evidence to one: give a reference of the case"
                .to_owned(),
        )),
    }
}

fn parties(package: &VerifiedPackage) -> Parties {
    let transmittal = package.transmittal();
    let name = |one: &IntendedRecipient| match (&one.officer, &one.institution) {
        (Some(officer), _) => officer.to_string(),
        (None, Some(institution)) => institution.to_string(),
        (None, None) => format!("holder of the key {}", one.recipient),
    };
    Parties {
        sender: transmittal.sender.institution.as_ref().map(ToString::to_string),
        signed_by: display(package.signature().certificate().subject().as_bytes()),
        recipients: transmittal.recipients.iter().map(name).collect(),
    }
}

/// Reads every byte of what was sent.
fn sent_files(path: &Path, progress: &mut dyn Progress) -> Result<Vec<SentFile>, ExportError> {
    if !path.is_dir() {
        let failed = |source| ExportError::Package(PackageError::Io { name: shown(path), source });
        let file = File::open(path).map_err(failed)?;
        progress.begin(Step::Verifying, file.metadata().ok().map(|metadata| metadata.len()));
        let name = path.file_name().map(|name| shown(Path::new(name))).unwrap_or_default();
        let (sent, _) = digests(name, file, progress).map_err(failed)?;
        return Ok(vec![sent]);
    }
    let source = FolderSource::open(path).map_err(ExportError::Package)?;
    let signed = claimed_list(&source, &mut NoProgress).map_err(ExportError::Package)?;
    let signed = signed.by_name();
    let objects = in_package_order(source.objects());
    let total = objects.iter().fold(0_u64, |sum, object| sum.saturating_add(object.size_bytes));
    progress.begin(Step::Verifying, Some(total));
    let mut files = Vec::with_capacity(objects.len());
    for object in objects {
        let failed = |source| ExportError::Package(PackageError::Io { name: object.name.clone(), source });
        let reader = source.open(&object.name).map_err(failed)?;
        let (sent, sha256) = digests(object.name.clone(), reader, progress).map_err(failed)?;
        if signed.get(object.name.as_str()).is_some_and(|signed| signed.sha256 != sha256) {
            let why = format!("`{}` has another digest than the signed manifest says", object.name);
            return Err(ExportError::Changed(why));
        }
        files.push(sent);
    }
    Ok(files)
}

fn digests(name: String, inner: impl Read, progress: &mut dyn Progress) -> io::Result<(SentFile, Digest)> {
    let mut reader = Reporting { inner, progress };
    let (mut sha256, mut sha512) = (sha2::Sha256::new(), sha2::Sha512::new());
    let mut buffer = vec![0; 128 * 1024];
    let mut size_bytes = 0;
    loop {
        let count = match reader.read(&mut buffer) {
            Ok(0) => break,
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        let bytes = buffer.get(..count).unwrap_or_default();
        sha256.update(bytes);
        sha512.update(bytes);
        size_bytes += count as u64;
    }
    let sha256 = Digest::from_bytes(sha256.finalize().into());
    let digests =
        BTreeMap::from([("SHA-256", sha256.to_hex()), ("SHA-512", HEXLOWER.encode(&sha512.finalize()))]);
    Ok((SentFile { name, size_bytes, digests }, sha256))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn transmission(until: Option<&str>) -> Transmission {
        let at = |text: &str| text.parse().expect("an instant");
        let from = at("2026-11-22T23:30:00Z");
        Transmission {
            moment: Moment::AvailableFrom(from),
            means: Line::new("a link").expect("a line"),
            accessible_until: until.map(at),
            extended: false,
            case_reference: None,
            remarks: None,
        }
    }

    #[test]
    fn access_ends_ten_to_forty_five_calendar_days_later() {
        for (until, fits) in [
            (Some("2026-12-01T23:59:59Z"), false),
            (Some("2026-12-02T00:00:00Z"), true),
            (Some("2027-01-06T23:59:59Z"), true),
            (Some("2027-01-07T00:00:00Z"), false),
            (Some("2026-11-20T00:00:00Z"), false),
            (None, false),
        ] {
            assert_eq!(check(&transmission(until)).is_ok(), fits, "{until:?}");
        }
        let extended = Transmission { extended: true, ..transmission(Some("2027-03-01T00:00:00Z")) };
        assert!(check(&extended).is_ok());
        let sent = Moment::Transmitted("2026-11-22T23:30:00Z".parse().expect("an instant"));
        assert!(check(&Transmission { moment: sent, ..transmission(None) }).is_ok());
        assert!(check(&Transmission { moment: sent, ..transmission(Some("2026-12-05T00:00:00Z")) }).is_err());
    }

    #[test]
    fn both_digests_are_of_the_same_bytes() {
        let (sent, sha256) = digests("a".to_owned(), &b"abc"[..], &mut NoProgress).expect("reads");
        assert_eq!(sha256, Digest::of(b"abc"));
        assert_eq!(sent.size_bytes, 3);
        assert_eq!(sent.digests["SHA-256"], Digest::of(b"abc").to_hex());
        // FIPS 180-4, example for "abc".
        assert!(sent.digests["SHA-512"].starts_with("ddaf35a193617abacc417349ae204131"));
    }
}

//! The index: what the exhibits are, signed inside.
//!
//! Holds the reading of a decrypted index: its framing, its lists, every record and its signature.
//! May read the index's stream only. Never looks at an exhibit.

use super::VerifyOptions;
use super::outer::read_manifest;
use super::signature::{Examined, examine, judge_person};
use super::verdict::{ExhibitDescription, Findings, Part, UndisclosedExhibit};
use crate::acquisition::shared::SharedFacts;
use crate::digest_list;
use crate::exhibit::ExhibitNumber;
use crate::layout;
use crate::record::{ExhibitType, MAX_RECORD_BYTES, Record};
use crate::streams::Hashing;
use crate::transmittal::{MAX_TRANSMITTAL_BYTES, Transmittal};
use rogatory_container::cades::{MAX_SIGNATURE_BYTES, VerifiedSignature};
use rogatory_container::manifest::MAX_MANIFEST_BYTES;
use rogatory_container::zip::{StrictZip, ZipError, ZipLimits};
use rogatory_core::{Digest, chain};
use rogatory_pki::certificate::Certificate;
use std::collections::HashSet;
use std::io::{BufReader, Read, Seek};

const MAX_LIST_BYTES: u64 = 32 * 1024 * 1024;
/// Two parts an exhibit and the index's own files.
const LIMITS: ZipLimits = ZipLimits { max_entries: 200_032, max_name_bytes: 255, max_total_bytes: 1 << 40 };

/// A stream that can be read at will.
pub(crate) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// What the index told.
pub(crate) struct Index {
    zip: StrictZip<BufReader<Box<dyn ReadSeek>>>,
    pub(super) transmittal: Option<Transmittal>,
    pub(super) transmittal_bytes: Vec<u8>,
    pub(super) signer: Option<Certificate>,
    pub(super) signature: Option<VerifiedSignature>,
    /// As many as the transmittal has exhibits or a disclosure discloses, or fewer if something failed.
    pub(crate) exhibits: Vec<ExhibitDescription>,
    /// The others, if it is the index of a disclosure.
    pub(super) undisclosed: Vec<UndisclosedExhibit>,
}

impl Index {
    /// Reads the list of a folder exhibit's files.
    pub(crate) fn files(&mut self, exhibit: &ExhibitDescription) -> Result<impl Read + '_, ZipError> {
        self.zip.entry_reader(&exhibit.number.files_name())
    }

    /// The whole record of an exhibit.
    pub(crate) fn record(&mut self, exhibit: &ExhibitDescription) -> Option<Record> {
        let bytes = self.zip.read(&exhibit.number.record_name(), MAX_RECORD_BYTES as u64).ok()?;
        Record::from_bytes(&bytes).ok()
    }

    /// The exhibits that it does not describe.
    pub(crate) fn undisclosed(&self) -> &[UndisclosedExhibit] {
        &self.undisclosed
    }

    /// The names of its files in their order.
    pub(crate) fn names(&self) -> Vec<String> {
        self.zip.entries().iter().map(|entry| entry.name.clone()).collect()
    }

    /// One of its files: size, CRC-32 and content.
    pub(crate) fn file(&mut self, name: &str) -> Result<(u64, u32, impl Read + '_), ZipError> {
        let reader = self.zip.entry_reader(name)?;
        let (size, crc32) = (reader.entry().size_bytes, reader.entry().crc32);
        Ok((size, crc32, reader))
    }

    /// Gives the stream back, at its beginning.
    pub(crate) fn into_stream(self) -> std::io::Result<Box<dyn ReadSeek>> {
        let mut stream = self.zip.into_inner().into_inner();
        stream.rewind()?;
        Ok(stream)
    }
}

/// Looks at a decrypted index; `None` if its framing can't be read. `disclosed` says whose records it must hold, if
/// it is that of a derived package; else it holds all.
pub(crate) fn examine_index(
    stream: Box<dyn ReadSeek>,
    disclosed: Option<&[ExhibitNumber]>,
    options: &VerifyOptions<'_>,
    findings: &mut Findings,
) -> Option<Index> {
    let before = findings.failures();
    let mut zip = match StrictZip::open(BufReader::new(stream), LIMITS) {
        Ok(zip) => zip,
        Err(error) => {
            findings.failed(Part::Index, Some("index"), chain(&error));
            return None;
        }
    };
    let transmittal_bytes = read(&mut zip, layout::TRANSMITTAL_NAME, MAX_TRANSMITTAL_BYTES as u64, findings);
    let transmittal = transmittal_bytes.as_deref().and_then(|bytes| {
        let read = Transmittal::from_bytes(bytes);
        read.map_err(|error| findings.failed(Part::Index, Some("index: transmittal.json"), chain(&error)))
            .ok()
    });
    let exhibits_list = read(&mut zip, layout::EXHIBITS_NAME, MAX_LIST_BYTES, findings);
    let records_list = read(&mut zip, layout::RECORDS_NAME, MAX_LIST_BYTES, findings);
    let all: Vec<ExhibitNumber> = transmittal
        .iter()
        .flat_map(|transmittal| &transmittal.exhibits)
        .map(|exhibit| exhibit.name)
        .collect();
    let disclosed: HashSet<ExhibitNumber> = disclosed.unwrap_or(&all).iter().copied().collect();
    if transmittal.is_some() {
        let here = all.iter().copied().filter(|number| disclosed.contains(number));
        check_order(&zip, here, disclosed.len() < all.len(), findings);
    }
    let manifest = read(&mut zip, layout::PERSON_MANIFEST, MAX_MANIFEST_BYTES as u64, findings);
    let signature = read(&mut zip, layout::PERSON_SIGNATURE, MAX_SIGNATURE_BYTES as u64, findings);
    let covered = [layout::TRANSMITTAL_NAME, layout::EXHIBITS_NAME, layout::RECORDS_NAME];
    let name = "index: META-INF/ASiCManifest001.xml";
    let digests =
        read_manifest(Part::Index, name, layout::PERSON_SIGNATURE, manifest.as_deref(), &covered, findings);
    for (file, bytes) in covered.iter().zip([&transmittal_bytes, &exhibits_list, &records_list]) {
        if let Some(bytes) = bytes
            && digests.get(file) != Some(&Digest::of(bytes))
        {
            findings.failed(
                Part::Index,
                Some(&format!("index: {file}")),
                "it has another digest than the signed manifest says",
            );
        }
    }
    let mut index = Index {
        zip,
        transmittal,
        transmittal_bytes: transmittal_bytes.unwrap_or_default(),
        signer: None,
        signature: None,
        exhibits: Vec::new(),
        undisclosed: Vec::new(),
    };
    index.examine_signature(manifest.as_deref(), signature.as_deref(), options, findings);
    index.examine_records(&disclosed, exhibits_list.as_deref(), records_list.as_deref(), findings);
    if findings.failures() == before {
        let count = index.exhibits.len();
        findings.checked(
            Part::Index,
            format!("the index describes {count} exhibits, and all of it is covered by its signature"),
        );
    }
    Some(index)
}

type IndexZip = StrictZip<BufReader<Box<dyn ReadSeek>>>;

fn read(zip: &mut IndexZip, name: &str, limit: u64, findings: &mut Findings) -> Option<Vec<u8>> {
    let bytes = zip.read(name, limit);
    bytes.map_err(|error| findings.failed(Part::Index, Some(&format!("index: {name}")), chain(&error))).ok()
}

/// The files of the index, exactly and in their order.
fn check_order(
    zip: &IndexZip,
    exhibits: impl Iterator<Item = ExhibitNumber>,
    is_disclosure: bool,
    findings: &mut Findings,
) {
    let mut found = zip.entries().iter().map(|entry| entry.name.as_str()).peekable();
    let head = [layout::MIMETYPE_NAME, layout::TRANSMITTAL_NAME, layout::EXHIBITS_NAME, layout::RECORDS_NAME];
    let mut expect = |name: &str, optional: bool| {
        if found.next_if_eq(&name).is_none() && !optional {
            let instead = found.next().unwrap_or("nothing").to_owned();
            let why = if is_disclosure || !name.starts_with("records/") {
                format!("`{instead}` stands where it must stand")
            } else {
                format!(
                    "`{instead}` stands where it must stand; the index of a disclosure is verified with the disclosure"
                )
            };
            findings.failed(Part::Index, Some(&format!("index: {name}")), why);
            return false;
        }
        true
    };
    let mut right = head.iter().all(|name| expect(name, false));
    for number in exhibits {
        right = right && expect(&number.files_name(), true) && expect(&number.record_name(), false);
    }
    right = right && expect(layout::PERSON_MANIFEST, false) && expect(layout::PERSON_SIGNATURE, false);
    if right && let Some(more) = found.next() {
        let more = format!("index: {more}");
        findings.failed(Part::Index, Some(&more), "it does not belong to the index");
    }
}

impl Index {
    fn examine_signature(
        &mut self,
        manifest: Option<&[u8]>,
        signature: Option<&[u8]>,
        options: &VerifyOptions<'_>,
        findings: &mut Findings,
    ) {
        let (Some(manifest), Some(signature)) = (manifest, signature) else {
            return;
        };
        let (part, object) = (Part::IndexSignature, "index: META-INF/signature001.p7s");
        let examined = examine(part, object, manifest, signature, options, findings);
        self.signer = examined.certificate().cloned();
        if let Examined::Trusted(signature) = &examined {
            let institution =
                self.transmittal.as_ref().and_then(|transmittal| transmittal.sender.institution.as_ref());
            judge_person(part, object, signature, institution, options, findings);
        }
        self.signature = examined.trusted();
    }

    /// Every record and list of files against its digest, every record against the list of exhibits.
    fn examine_records(
        &mut self,
        disclosed: &HashSet<ExhibitNumber>,
        exhibits: Option<&[u8]>,
        records: Option<&[u8]>,
        findings: &mut Findings,
    ) {
        let (Some(transmittal), Some(exhibits), Some(records)) = (&self.transmittal, exhibits, records)
        else {
            return;
        };
        let before = findings.failures();
        let Some(exhibits) = parse_list(layout::EXHIBITS_NAME, exhibits, findings) else {
            return;
        };
        let Some(records) = parse_list(layout::RECORDS_NAME, records, findings) else {
            return;
        };
        let numbers: Vec<_> = transmittal.exhibits.iter().map(|exhibit| exhibit.name).collect();
        if !exhibits.iter().map(|(_, name)| *name).eq(numbers.iter().map(ToString::to_string)) {
            let name = format!("index: {}", layout::EXHIBITS_NAME);
            findings.failed(
                Part::Index,
                Some(&name),
                "it does not list exactly the exhibits of transmittal.json",
            );
            return;
        }
        let in_zip = self.zip.entries().iter().map(|entry| entry.name.as_str());
        let in_zip = in_zip.filter(|name| name.starts_with("records/"));
        if listed_records(&records, &numbers, disclosed).is_none_or(|listed| !in_zip.eq(listed)) {
            let name = format!("index: {}", layout::RECORDS_NAME);
            findings.failed(
                Part::Index,
                Some(&name),
                "it does not list exactly the records of the index, in their order",
            );
            return;
        }
        // In the order of the exhibits, as was just seen.
        let mut records = records.into_iter().peekable();
        let mut facts = SharedFacts::default();
        self.exhibits.reserve_exact(disclosed.len());
        for (number, (sha256, _)) in numbers.into_iter().zip(&exhibits) {
            let (files_name, record_name) = (number.files_name(), number.record_name());
            let files = records.next_if(|(_, name)| *name == files_name).map(|(digest, _)| digest);
            let record = records.next_if(|(_, name)| *name == record_name).map(|(digest, _)| digest);
            if !disclosed.contains(&number) {
                self.undisclosed.push(UndisclosedExhibit { number, sha256: *sha256 });
                continue;
            }
            let record = read_record(&mut self.zip, &record_name, record, findings);
            if let Some(expected) = files {
                check_files(&mut self.zip, &files_name, expected, findings);
            }
            let Some(record) = record else {
                continue;
            };
            if record.exhibit != number || record.sha256 != *sha256 {
                let why = format!(
                    "it speaks of another exhibit or gives another digest than `{}`",
                    layout::EXHIBITS_NAME
                );
                findings.failed(Part::Records, Some(&record_name), why);
                continue;
            }
            if (record.exhibit_type == ExhibitType::Folder) != files.is_some() {
                findings.failed(
                    Part::Records,
                    Some(&record_name),
                    "a list of files stands exactly beside the record of a folder",
                );
                continue;
            }
            self.exhibits.push(ExhibitDescription {
                number,
                exhibit_type: record.exhibit_type,
                name: record.name,
                path: record.path,
                size_bytes: record.size_bytes,
                sha256: record.sha256,
                sensitive: record.sensitive,
                acquisition: facts.keep(record.acquisition),
            });
        }
        if facts.left_out() > 0 {
            let count = facts.left_out();
            let text = format!(
                "the acquisition facts of {count} exhibits are right and too long to be listed here; an export holds them"
            );
            findings.checked(Part::Records, text);
        }
        if findings.failures() == before {
            findings.checked(Part::Records, "every record is the one that was signed");
        }
    }
}

/// The names of the records and lists of files that belong to `disclosed`, if the list names exactly what belongs to
/// all `numbers`, in their order.
fn listed_records<'a>(
    records: &[(Digest, &'a str)],
    numbers: &[ExhibitNumber],
    disclosed: &HashSet<ExhibitNumber>,
) -> Option<Vec<&'a str>> {
    let mut listed = records.iter().map(|(_, name)| *name).peekable();
    let mut wanted = Vec::new();
    for number in numbers {
        let files = listed.next_if(|name| *name == number.files_name());
        let record = listed.next_if(|name| *name == number.record_name())?;
        if disclosed.contains(number) {
            wanted.extend(files);
            wanted.push(record);
        }
    }
    listed.next().is_none().then_some(wanted)
}

fn parse_list<'a>(name: &str, bytes: &'a [u8], findings: &mut Findings) -> Option<Vec<(Digest, &'a str)>> {
    let lines = digest_list::from_text(bytes);
    lines.map_err(|error| findings.failed(Part::Index, Some(&format!("index: {name}")), chain(&error))).ok()
}

fn read_record(
    zip: &mut IndexZip,
    name: &str,
    expected: Option<Digest>,
    findings: &mut Findings,
) -> Option<Record> {
    let bytes = match zip.read(name, MAX_RECORD_BYTES as u64) {
        Ok(bytes) => bytes,
        Err(error) => {
            findings.failed(Part::Records, Some(name), chain(&error));
            return None;
        }
    };
    if expected != Some(Digest::of(&bytes)) {
        findings.failed(
            Part::Records,
            Some(name),
            format!("it has another digest than `{}` says", layout::RECORDS_NAME),
        );
        return None;
    }
    let record = Record::from_bytes(&bytes);
    record.map_err(|error| findings.failed(Part::Records, Some(name), chain(&error))).ok()
}

fn check_files(zip: &mut IndexZip, name: &str, expected: Digest, findings: &mut Findings) {
    let digest = zip
        .entry_reader(name)
        .map_err(|error| chain(&error))
        .and_then(|reader| Hashing::new(reader).finish_after_the_rest().map_err(|error| error.to_string()));
    match digest {
        Ok((digest, _)) if digest == expected => {}
        Ok(_) => findings.failed(
            Part::Records,
            Some(name),
            format!("it has another digest than `{}` says", layout::RECORDS_NAME),
        ),
        Err(error) => findings.failed(Part::Records, Some(name), error),
    }
}

//! Court bundles (`docs/spec/court-bundle.md`): a letter and a folder of a package, with a receipt and a custody record.
//!
//! What a defect needs is signed anew by the officer who made the bundle, so that nothing but the defect is found. The pages are
//! left short: a bundle with other pages is none the worse.

use super::bench::{Bench, M1, PARTY, S1, S2};
use super::case_record::Log;
use crate::vectors_made::raw_zip::{self, RawEntry, entry, find};
use crate::vectors_made::{Files, Vector, add, check, issue_seal, now, say, signer};
use rogatory_container::asice;
use rogatory_container::cades;
use rogatory_container::manifest::{AsicManifest, DataReference};
use rogatory_container::zip::{StrictZip, ZipLimits};
use rogatory_core::document::NamedParty;
use rogatory_core::party::OfficerId;
use rogatory_core::receipt::{Receipt, ReceiptKind, Receipted};
use rogatory_core::{Digest, PackageId, PartyId, SharedNumber};
use rogatory_custody::checkpoint::verify_checkpoint;
use rogatory_custody::cosignature::{WitnessKey, WitnessVkey, cosigned_note};
use rogatory_custody::note::Vkey;
use rogatory_custody::record::Record;
use rogatory_evidence::bundle::{
    BundleCase, BundleOfficer, BundlePackage, BundleRequest, Named, log_part, make, pages,
};
use rogatory_evidence::verify::TimeProof;
use rogatory_evidence::{Derived, Identities, NoProgress, Requirement, VerifyOptions, verify};
use rogatory_pki::path::Anchors;
use rogatory_pki::signing::{FileSigner, Signer};
use std::collections::BTreeSet;
use std::fs;
use std::io::Cursor;
use std::sync::atomic::{AtomicUsize, Ordering};

const AT: (&str, &str) = ("at", "2026-11-22T14:20:00Z");
const NUMBER: &str = "MD-JF58-JXH4-09RC-SPTW-27";
const OTHER_NUMBER: &str = "GB-ZNHT-G7ZX-QZJA-7VXE-79";
const COUNTERPART: &str = "md/ministry";
const LIST: &str = "manifest-sha256.txt";
const STATEMENT: &str = "bundle.json";
const RECORD: &str = "custody/record.json";
const CHECKPOINT: &str = "custody/checkpoint.txt";
const RECEIPT: &str = "receipts/001-delivery.asice";
const LETTER: &str = "exhibits/EX-0001/letter.txt";

#[test]
fn bundles_are_accepted_or_refused_as_they_say() {
    check("bundle", &made(), judge);
}

fn judge(vector: &Vector<'_>) -> Result<(), String> {
    let folder = tempfile::tempdir().expect("a folder");
    let path = &folder.path().join("bundle.asice");
    fs::write(path, vector.bytes()).expect("writes");
    let anchors = Anchors::from_pem(vector.text(vector.must("trust")), None).expect("anchors");
    let logs: Vec<Vkey> = vector.field("log").map(|text| text.parse().expect("a key")).into_iter().collect();
    let logs: Vec<(PartyId, Vkey)> = logs.into_iter().map(|key| (party(PARTY), key)).collect();
    let witnesses = vector.field("witness").map(|text| text.parse::<WitnessVkey>().expect("a key"));
    let witnesses: Vec<(PartyId, WitnessVkey)> =
        witnesses.into_iter().map(|key| (key.name().party().clone(), key)).collect();
    let claimed = vector.field("claimed").map(|text| text.parse().expect("an instant"));
    let time = TimeProof::beside(path, &Anchors::new(), claimed);
    let identities = match vector.field("identity") {
        None => Identities::none(),
        Some(name) => Identities::parse(&[vector.text(name)]).expect("an identity"),
    };
    let require = vector.field("require").map(|name| name.parse::<Requirement>().expect("a requirement"));
    let options = VerifyOptions {
        log_keys: &logs,
        witness_keys: &witnesses,
        identities,
        require: require.into_iter().collect(),
        at: time.judged_at(vector.at()),
        time,
        ..VerifyOptions::new(&anchors, vector.at())
    };
    let verdict = verify(path, &options, &mut NoProgress);
    if let Some(text) = vector.field("says") {
        let says = verdict.checks().iter().any(|check| check.text.contains(text));
        assert!(says, "{text}: {verdict}");
    }
    if verdict.is_verified() {
        return Ok(());
    }
    let failures: Vec<&str> = verdict.failures().map(|check| check.text.as_str()).collect();
    Err(failures.join("\n"))
}

fn party(id: &str) -> PartyId {
    id.parse().expect("a party")
}

fn number(text: &str) -> SharedNumber {
    text.parse().expect("a shared number")
}

/// Everything of which bundles are made.
struct Case {
    bench: Bench,
    log: Log,
    witness: WitnessKey,
    /// The counterpart's seal.
    seal: FileSigner,
    /// The package, with an institution's seal.
    package: Vec<RawEntry>,
}

impl Case {
    fn new() -> Self {
        let bench = Bench::new();
        let person = bench.seal("bundled", b"the content of the letter");
        let name = format!("witness.example/rogatory/{COUNTERPART}/witness").parse().expect("a name");
        Self {
            package: bench.with_seal(&person, &bench.institution),
            seal: signer(&issue_seal(&bench.root, COUNTERPART)),
            witness: WitnessKey::generate(name).expect("a key").0,
            log: Log::of(PARTY),
            bench,
        }
    }

    fn manifest(&self) -> Digest {
        Digest::of(&find(&mut self.package.clone(), M1).bytes)
    }

    /// The counterpart's receipt for a package of this manifest, under this number.
    fn receipt(&self, manifest: Digest, number: &SharedNumber, by: &dyn Signer) -> Vec<u8> {
        let of = Receipted::Package {
            sender: party(PARTY),
            shared_number: number.clone(),
            package: PackageId::of_manifest(&manifest),
            manifest_sha256: manifest,
            objects_sha256: Digest::of(b"the list of objects"),
            size_bytes: 3_017,
        };
        let issuer = NamedParty { party: party(COUNTERPART), name: "Central Authority".to_owned() };
        let receipt = Receipt::new(ReceiptKind::Delivery, issuer, party(PARTY), now(), of, None);
        let contents = vec![("document.json".to_owned(), "application/json".to_owned(), receipt.to_json())];
        let sealed = asice::start(contents).expect("starts").sign(by, now(), None).expect("seals");
        sealed.to_bytes()
    }

    /// The record that names these digests.
    fn record(&self, number: &SharedNumber, named: &[(&str, Digest)]) -> Vec<u8> {
        self.log.record(number, COUNTERPART, named).to_bytes().expect("a record")
    }

    fn case(&self, receipts: &[Vec<u8>]) -> BundleCase {
        let mut named = vec![("package-sent", self.manifest())];
        named.extend(receipts.iter().map(|receipt| ("receipt-received", Digest::of(receipt))));
        let named_file = |(index, bytes): (usize, &Vec<u8>)| Named {
            name: format!("{:03}-delivery.asice", index + 1),
            bytes: bytes.clone(),
        };
        BundleCase {
            shared_number: number(NUMBER),
            documents: Vec::new(),
            receipts: receipts.iter().enumerate().map(named_file).collect(),
            record: self.record(&number(NUMBER), &named),
            parties: Vec::new(),
            certificates: Vec::new(),
            revocation: Vec::new(),
            stamps: Vec::new(),
        }
    }

    /// Makes a bundle, with short pages; gives its objects.
    fn bundle(&self, package: BundlePackage<'_>, case: BundleCase) -> Vec<RawEntry> {
        let folder = tempfile::tempdir().expect("a folder");
        let output = folder.path().join("bundle.asice");
        make(BundleRequest {
            package,
            case,
            officer: BundleOfficer {
                institution: party(PARTY),
                officer: OfficerId::new(party(PARTY), "rusu").expect("an officer"),
                signer: &self.bench.officer,
                function: Some("officer".to_owned()),
            },
            now: now(),
            program: "rogatory".to_owned(),
            output: output.clone(),
            progress: &mut NoProgress,
        })
        .expect("makes");
        let bytes = fs::read(&output).expect("reads");
        let mut zip = StrictZip::open(Cursor::new(&bytes), ZipLimits::PACKAGE).expect("a bundle");
        let names: Vec<String> = zip.entries().iter().map(|entry| entry.name.clone()).collect();
        let mut list: Vec<RawEntry> =
            names.iter().map(|name| entry(name, &zip.read(name, 1 << 20).expect("reads"))).collect();
        for (page, _) in pages() {
            find(&mut list, page).bytes = b"See the documentation.\n".to_vec();
        }
        self.signed(list, &self.bench.officer)
    }

    fn clear(&self, case: BundleCase) -> Vec<RawEntry> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("PK.asice");
        fs::write(&path, raw_zip::write(&self.package, b"")).expect("writes");
        let anchors = Anchors::from_pem(&self.bench.root.certificate_pem(), None).expect("anchors");
        let identities = Identities::parse(&[&self.bench.identity]).expect("an identity");
        let verify = Box::new(VerifyOptions { identities, ..VerifyOptions::new(&anchors, now()) });
        let exhibits = [1, 3].map(|number| rogatory_evidence::ExhibitNumber::new(number).expect("in range"));
        let package =
            BundlePackage::Clear { path, verify, exhibits: exhibits.to_vec(), sensitive: None, stamp: None };
        self.bundle(package, case)
    }

    /// List, manifest and signature made anew for what is there.
    fn signed(&self, mut list: Vec<RawEntry>, by: &dyn Signer) -> Vec<RawEntry> {
        list.retain(|one| ![LIST, M1, S1].contains(&one.name.as_str()));
        let covered = |list: &[RawEntry]| -> Vec<(Digest, String)> {
            let listed = list.iter().filter(|one| one.name != "mimetype");
            listed.map(|one| (Digest::of(&one.bytes), one.name.clone())).collect()
        };
        let lines: String =
            covered(&list).iter().map(|(digest, name)| format!("{digest}  {name}\n")).collect();
        list.push(entry(LIST, lines.as_bytes()));
        let references = covered(&list)
            .into_iter()
            .map(|(digest, uri)| DataReference { uri, mime: None, digest })
            .collect();
        let manifest = AsicManifest::new(S1, references).expect("a manifest").to_xml();
        let signature = cades::sign(&manifest, by, now(), Some("officer")).expect("signs");
        list.push(entry(M1, &manifest));
        list.push(entry(S1, &signature));
        list
    }

    /// The checkpoint of a record with the cosignature of the witness.
    fn cosigned(&self, record: &[u8]) -> Record {
        let mut record = Record::parse(record).expect("a record");
        let keys = [self.log.key.vkey().clone()];
        let checkpoint = verify_checkpoint(record.checkpoint.as_bytes(), &keys).expect("a checkpoint");
        let line = self.witness.cosign(&checkpoint, now()).expect("cosigns");
        record.checkpoint = cosigned_note(&checkpoint, vec![line]).expect("a note");
        record
    }
}

fn made() -> Files {
    let case = Case::new();
    let mut files = Files::new();
    files.insert("anchors.pem".to_owned(), case.bench.root.certificate_pem().into_bytes());
    files.insert("other-anchors.pem".to_owned(), case.bench.other.certificate_pem().into_bytes());
    files.insert("court-identity.key".to_owned(), case.bench.court_identity.clone().into_bytes());
    let log = case.log.key.vkey().to_string();
    let witness = case.witness.vkey().to_string();
    let receipt = case.receipt(case.manifest(), &number(NUMBER), &case.seal);
    let good = case.clear(case.case(&[receipt]));
    let mut maker = Maker { case: &case, files: &mut files, log, witness, good };
    maker.good();
    maker.objects();
    maker.signatures();
    maker.exhibits();
    maker.records();
    maker.relations();
    files
}

struct Maker<'a> {
    case: &'a Case,
    files: &'a mut Files,
    log: String,
    witness: String,
    good: Vec<RawEntry>,
}

impl Maker<'_> {
    fn write(
        &mut self,
        name: &str,
        about: &str,
        part: Option<&str>,
        more: &[(&str, &str)],
        list: &[RawEntry],
    ) {
        let log = self.log.clone();
        let trusted = [("trust", "anchors.pem"), AT, ("log", &*log)];
        let header: Vec<(&str, &str)> = trusted.into_iter().chain(more.iter().copied()).collect();
        add(self.files, name, about, part, &header, raw_zip::write(list, b""));
    }

    /// The same file, judged otherwise.
    fn same(&mut self, name: &str, about: &str, part: Option<&str>, header: &[(&str, &str)]) {
        say(self.files, name, about, part, header);
    }

    /// A change that the officer signed for.
    fn signed(&mut self, name: &str, about: &str, part: &str, change: impl FnOnce(&mut Vec<RawEntry>)) {
        let mut list = self.good.clone();
        change(&mut list);
        let list = self.case.signed(list, &self.case.bench.officer);
        self.write(name, about, Some(part), &[], &list);
    }

    /// A change behind the officer's back.
    fn changed(&mut self, name: &str, about: &str, part: &str, change: impl FnOnce(&mut Vec<RawEntry>)) {
        let mut list = self.good.clone();
        change(&mut list);
        self.write(name, about, Some(part), &[], &list);
    }

    fn good(&mut self) {
        let good = self.good.clone();
        let about =
            "Two exhibits in the clear, the receipt for their package, and the record that names both.";
        self.write("good-clear", about, None, &[("says", "2 entries of the log")], &good);
        let file = ("file", "good-clear.asice");
        let anchors = ("trust", "anchors.pem");
        let not_looked = ("says", "the key of the log is published in the entry of md/central-authority");
        let about = "4.7: without the log's key the record is not checked, which is no failure.";
        self.same("good-without-entry", about, None, &[file, anchors, AT, not_looked]);
        let about = "4: the record is required, and the log's key was not given.";
        let header = [file, anchors, AT, ("require", "custody")];
        self.same("custody-required", about, Some("custody was required"), &header);
        let about = "4.10: an instant was chosen, and nothing proves that the signatures existed then.";
        let header = [file, anchors, AT, ("claimed", "2026-11-23T00:00:00Z")];
        self.same("at-without-stamp", about, Some("nothing proves that the signature existed at"), &header);
        let about = "4.10: time is required, and nothing is stamped.";
        self.same(
            "time-required",
            about,
            Some("time was required"),
            &[file, anchors, AT, ("require", "time")],
        );
        let about = "4.2: the only anchor is another authority of the same name.";
        self.same("other-anchor", about, Some(S1), &[file, ("trust", "other-anchors.pem"), AT]);

        let log = self.log.clone();
        let witness = self.witness.clone();
        let witnessed = [("witness", &*witness), ("require", "witness")];
        let about = "4.11: the witness that must have cosigned did not.";
        let header = [&[file, anchors, AT, ("log", &*log)][..], &witnessed].concat();
        self.same("witness-required", about, Some("a witness was required"), &header);
        let record = self.case.cosigned(&find(&mut self.good, RECORD).bytes);
        let mut list = self.good.clone();
        find(&mut list, RECORD).bytes = record.to_bytes().expect("a record");
        let list = self.case.signed(list, &self.case.bench.officer);
        let about = "4.11: the witness whose key was given cosigned the checkpoint.";
        let says = ("says", "witness: md/ministry cosigned the checkpoint");
        self.write("good-witnessed", about, None, &[&witnessed[..], &[says]].concat(), &list);
        let about = "4.11: the key of the witness was not given, which is no failure.";
        let says = ("says", "a cosignature of md/ministry stands on the checkpoint; no entry");
        let header = [("file", "good-witnessed.asice"), anchors, AT, ("log", &*log), says];
        self.same("good-with-unknown-witness", about, None, &header);
        let mut other = record;
        // The last character of the line is padding or the signature's end; one before it is the signature.
        let at = other.checkpoint.len() - 12;
        let letter = if other.checkpoint.as_bytes().get(at) == Some(&b'A') { "B" } else { "A" };
        other.checkpoint.replace_range(at..=at, letter);
        let mut list = self.good.clone();
        find(&mut list, RECORD).bytes = other.to_bytes().expect("a record");
        let list = self.case.signed(list, &self.case.bench.officer);
        let about = "4.11: the cosignature is not the one that the witness made.";
        self.write("cosignature-wrong", about, Some("witness md/ministry"), &[("witness", &*witness)], &list);

        let documents = self.case.bundle(BundlePackage::Nothing, self.case.case(&[]));
        let about = "3.2: the form `documents`, with the record alone.";
        self.write("good-documents", about, None, &[("says", "the bundle holds no exhibits")], &documents);
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("PK.asice");
        let first = rogatory_evidence::ExhibitNumber::new(1).expect("in range");
        let disclosed = Derived::Disclosure(BTreeSet::from([first]));
        let bench = &self.case.bench;
        let disclosure = bench.derive("for-the-court", &self.case.package, &bench.identity, disclosed);
        fs::write(&path, raw_zip::write(&disclosure, b"")).expect("writes");
        let sealed = self.case.bundle(BundlePackage::Sealed { path }, self.case.case(&[]));
        let about = "3.2: the form `sealed`: a disclosure that the court's identity opens.";
        let header = [("identity", "court-identity.key"), ("require", "contents")];
        self.write("good-sealed", about, None, &header, &sealed);
    }

    fn objects(&mut self) {
        self.signed("object-more", "2.3: an object that no bundle has.", "notes.txt", |list| {
            list.insert(place(list, RECEIPT), entry("notes.txt", b"x"));
        });
        self.changed(
            "object-missing",
            "2.5: an object that the manifest references is not there.",
            LIST,
            |list| {
                list.retain(|one| one.name != RECEIPT);
            },
        );
        self.signed(
            "order-wrong",
            "2.2: the statement stands before the pages.",
            "HOW-TO-CHECK.en.md",
            |list| {
                let statement = list.remove(place(list, STATEMENT));
                let first = place(list, "HOW-TO-CHECK.en.md");
                list.insert(first, statement);
            },
        );
        self.changed(
            "object-changed",
            "4.3: a receipt was changed after it was signed for.",
            RECEIPT,
            |list| {
                find(list, RECEIPT).bytes[60] ^= 1;
            },
        );
        self.signed(
            "stamp-without-object",
            "4.10: a stamp is named after nothing.",
            "stamps/none.tst",
            |list| {
                let first = place(list, LIST);
                list.insert(first, entry("stamps/none.tst", b"x"));
            },
        );
        self.changed("list-wrong", "2.4: the list of digests names another digest.", LIST, |list| {
            let bytes = &mut find(list, LIST).bytes;
            bytes[0] = if bytes[0] == b'0' { b'1' } else { b'0' };
        });
        let statement = |from: &'static str, to: &'static str| {
            move |list: &mut Vec<RawEntry>| {
                let bytes = &mut find(list, STATEMENT).bytes;
                let text = String::from_utf8(bytes.clone()).expect("text");
                assert!(text.contains(from), "{text}");
                *bytes = text.replace(from, to).into_bytes();
            }
        };
        let about = "3.1: the statement is not written in its one way.";
        self.signed("statement-not-canonical", about, STATEMENT, statement("{\"format\"", "{ \"format\""));
        let about = "3.1: the officer is one of another institution than the bundle's.";
        let from = "md/central-authority/officer/rusu";
        self.signed(
            "officer-of-another",
            about,
            STATEMENT,
            statement(from, "gb/central-authority/officer/rusu"),
        );
        let about = "3.1: the statement names an exhibit that is not there.";
        self.signed("exhibit-not-there", about, STATEMENT, statement("EX-0003/", "EX-0004/"));
    }

    fn signatures(&mut self) {
        let list = self.case.signed(self.good.clone(), &self.case.bench.stranger);
        let about = "4.2: signed under an authority that nobody gave.";
        self.write("signed-by-a-stranger", about, Some(S1), &[], &list);
        self.changed("manifest-changed", "4.2: the signed list of the bundle was changed.", S1, |list| {
            let bytes = &mut find(list, M1).bytes;
            let at = bytes.windows(13).position(|window| window == b"<ds:DigestVal").expect("a digest") + 20;
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
        });
    }

    fn exhibits(&mut self) {
        let about = "4.4: the officer exchanged an exhibit before he signed.";
        self.signed("exhibit-exchanged", about, LETTER, |list| find(list, LETTER).bytes[0] ^= 1);
        let about = "4.4: an exhibit has another name than the index gives it.";
        self.signed("exhibit-renamed", about, "exhibits/EX-0001/other.txt", |list| {
            find(list, LETTER).name = "exhibits/EX-0001/other.txt".to_owned();
            let bytes = &mut find(list, STATEMENT).bytes;
            let text = String::from_utf8(bytes.clone()).expect("text");
            *bytes = text.replace("letter.txt", "other.txt").into_bytes();
        });
        let other = self.case.bench.seal("exchanged", b"another letter, of another package");
        let other = self.case.bench.with_seal(&other, &self.case.bench.institution);
        let about = "4.4: the outer part is of another package than the index.";
        self.signed("package-exchanged", about, "it belongs to another package", |list| {
            for one in list.iter_mut() {
                let Some(name) = one.name.strip_prefix("package/") else { continue };
                if let Some(from) = other.iter().find(|other| other.name == name) {
                    one.bytes = from.bytes.clone();
                }
            }
        });
        let about = "2.5: the seal of the package is not there.";
        self.changed("package-seal-missing", about, LIST, |list| {
            list.retain(|one| one.name != format!("package/{S2}"));
        });
    }

    fn records(&mut self) {
        let record = find(&mut self.good, RECORD).bytes.clone();
        let mut shortened = Record::parse(&record).expect("a record");
        shortened.entries.pop();
        let shortened = shortened.to_bytes().expect("a record");
        let about = "4.7: the last entry was left out; the head that the log signed names it.";
        self.signed("record-shortened", about, RECORD, |list| find(list, RECORD).bytes = shortened);
        let other = Log::of(PARTY);
        let named = [("package-sent", self.case.manifest())];
        let other = other.record(&number(NUMBER), COUNTERPART, &named);
        let checkpoint = log_part(&other.checkpoint).expect("a checkpoint").to_vec();
        let other = other.to_bytes().expect("a record");
        let about = "4.7: a record of a log under another key than the institution published.";
        self.signed("record-under-another-key", about, RECORD, |list| {
            find(list, RECORD).bytes = other;
            find(list, CHECKPOINT).bytes = checkpoint;
        });
        let strange = Log::of("fr/central-authority").record(&number(NUMBER), COUNTERPART, &named);
        let strange = strange.to_bytes().expect("a record");
        let about = "4.7: the record of another institution.";
        let part = "it is of fr/central-authority";
        self.signed("record-of-another", about, part, |list| find(list, RECORD).bytes = strange);
        let cosigned = self.case.cosigned(&record).checkpoint.into_bytes();
        let about = "2.6: the checkpoint by itself has a witness's line.";
        self.signed("checkpoint-with-more-lines", about, CHECKPOINT, |list| {
            find(list, CHECKPOINT).bytes = cosigned;
        });
    }

    fn relations(&mut self) {
        let (case, number_here) = (self.case, number(NUMBER));
        let mut make = |name: &str, about: &str, part: &str, contents: BundleCase| {
            let list = case.clear(contents);
            self.write(name, about, Some(part), &[], &list);
        };
        let receipt = case.receipt(case.manifest(), &number_here, &case.seal);
        let whole = case.case(std::slice::from_ref(&receipt));
        let record = case.record(&number(OTHER_NUMBER), &[("package-sent", case.manifest())]);
        let contents = BundleCase { record, receipts: Vec::new(), ..whole.clone() };
        make(
            "record-of-another-case",
            "4.8: the record is of another number.",
            "its number is GB-",
            contents,
        );
        let record = case.record(&number_here, &[("receipt-received", Digest::of(&receipt))]);
        let contents = BundleCase { record, ..whole };
        let about = "4.8: no entry of the record names the package.";
        make("package-not-in-record", about, "the package", contents);
        let unknown = case.record(&number_here, &[("package-sent", case.manifest())]);
        let contents = BundleCase { record: unknown, ..case.case(std::slice::from_ref(&receipt)) };
        make("receipt-not-in-record", "4.8: no entry of the record names the receipt.", RECEIPT, contents);
        let other = case.receipt(Digest::of(b"another manifest"), &number_here, &case.seal);
        let about = "4.8: the receipt is for another package.";
        make("receipt-for-another", about, "it is a receipt for another package", case.case(&[other]));
        let other = case.receipt(case.manifest(), &number(OTHER_NUMBER), &case.seal);
        let about = "4.8: the receipt is under a number of which the bundle holds no document.";
        make("receipt-under-another-number", about, "it is under number GB-", case.case(&[other]));
        let forged = case.receipt(case.manifest(), &number_here, &case.bench.stranger);
        let about = "4.5: the receipt is sealed under an authority that nobody gave.";
        make("receipt-forged", about, RECEIPT, case.case(&[forged]));
    }
}

fn place(list: &[RawEntry], name: &str) -> usize {
    list.iter().position(|one| one.name == name).unwrap_or_else(|| panic!("no `{name}`"))
}

#[test]
fn every_byte_of_a_bundle_counts() {
    let case = Case::new();
    let receipt = case.receipt(case.manifest(), &number(NUMBER), &case.seal);
    let bytes = raw_zip::write(&case.clear(case.case(&[receipt])), b"");
    let anchors = Anchors::from_pem(&case.bench.root.certificate_pem(), None).expect("anchors");
    let logs = [(party(PARTY), case.log.key.vkey().clone())];
    let options = VerifyOptions { log_keys: &logs, ..VerifyOptions::new(&anchors, now()) };
    let next = AtomicUsize::new(0);
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let folder = tempfile::tempdir().expect("a folder");
                let path = folder.path().join("bundle.asice");
                let judge = |bytes: &[u8]| {
                    fs::write(&path, bytes).expect("writes");
                    verify(&path, &options, &mut NoProgress)
                };
                let mut changed = bytes.clone();
                let sound = judge(&changed);
                assert!(sound.is_verified(), "{sound}");
                loop {
                    let at = next.fetch_add(1, Ordering::Relaxed);
                    // Another bit at every byte.
                    let bit = 1 << (at % 8);
                    match changed.get_mut(at) {
                        Some(byte) => *byte ^= bit,
                        None => return,
                    }
                    assert!(!judge(&changed).is_verified(), "bit {} of byte {at} is not noticed", at % 8);
                    changed[at] ^= bit;
                }
            });
        }
    });
}

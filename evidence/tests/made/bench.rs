//! The offices, keys and packages from which the vectors are made.

use crate::vectors_made::raw_zip::{self, RawEntry, entries, entry, find};
use crate::vectors_made::{authority, issue_seal, now, officer, signer};
use rogatory_container::cades;
use rogatory_container::manifest::{AsicManifest, DataReference};
use rogatory_container::zip::{StrictZip, ZipLimits};
use rogatory_core::reference::OfficeReference;
use rogatory_core::{Digest, Entropy};
use rogatory_evidence::age_layer::{generate_hybrid_identity, generate_identity};
use rogatory_evidence::{
    AgeRecipient, DeriveRequest, Derived, Identities, NoProgress, Output, SealOptions, SealRecipient,
    SealRecovery, SealRequest, VerifyOptions, derive, seal,
};
use rogatory_pki::development::DevelopmentCa;
use rogatory_pki::path::Anchors;
use rogatory_pki::signing::{FileSigner, Signer};
use std::fs;
use std::io::Cursor;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};

pub(super) const M1: &str = "META-INF/ASiCManifest001.xml";
pub(super) const S1: &str = "META-INF/signature001.p7s";
pub(super) const M2: &str = "META-INF/ASiCManifest002.xml";
pub(super) const S2: &str = "META-INF/signature002.p7s";
pub(super) const TRANSMITTAL: &str = "transmittal.json";
pub(super) const DATA: &str = "data/EX-0001.age";
const TAG_FILES: [&str; 6] =
    ["bag-info.txt", "bagit.txt", "index.age", "manifest-sha256.txt", "mimetype", TRANSMITTAL];
const SIGNED_FILES: [&str; 6] =
    ["index.age", TRANSMITTAL, "bag-info.txt", "bagit.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"];
pub(super) const PARTY: &str = "md/central-authority";
const MAKER: &str = "md/prosecution";
/// What a derived package carries of the original.
pub(super) const ORIGIN_FILES: [&str; 5] = [
    "origin/transmittal.json",
    "origin/ASiCManifest001.xml",
    "origin/signature001.p7s",
    "origin/ASiCManifest002.xml",
    "origin/signature002.p7s",
];

const FACTS: &str = r#"{"format":1,"all":{"category":"content","acquired_time":"2026-11-20T08:15:00Z",
    "acquired_by":{"name":"Ana Lupu","role":"administrator"},"method":"provider-export",
    "tools":[{"name":"Records Exporter","version":"4.2.1"}],"privileged":false,
    "original_digests":[{"of":"source","algorithm":"md5","value":"900150983cd24fb0d6963f7d28e17f72"}]}}"#;

/// Counts, so that every salt is another one.
#[derive(Default)]
struct Counting(AtomicU64);

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for byte in bytes {
            let count = self.0.fetch_add(1, Ordering::Relaxed);
            // The second part keeps it from beginning anew after 256 bytes.
            *byte = u8::try_from((count * 167 + count / 256 * 31) % 256).unwrap_or(0);
        }
    }
}

/// How a package is sealed.
pub(super) struct How<'a> {
    pub(super) signer: &'a dyn Signer,
    pub(super) recipient: &'a AgeRecipient,
    pub(super) recovery: SealRecovery,
    pub(super) reference: Option<OfficeReference>,
    pub(super) options: SealOptions,
}

/// An office with its officers, a recipient, and a folder to work in.
pub(super) struct Bench {
    pub(super) root: DevelopmentCa,
    /// Another authority of the same name.
    pub(super) other: DevelopmentCa,
    pub(super) officer: FileSigner,
    /// Another officer of the same office.
    pub(super) thief: FileSigner,
    pub(super) institution: FileSigner,
    /// A seal in the same name under the other authority.
    pub(super) stranger: FileSigner,
    pub(super) identity: String,
    pub(super) other_identity: String,
    /// Of another office: makes packages of those that were sealed for it.
    pub(super) maker: FileSigner,
    /// Who reads what the maker makes.
    pub(super) court_identity: String,
    pub(super) court: AgeRecipient,
    pub(super) hybrid_identity: String,
    pub(super) recipient: AgeRecipient,
    pub(super) hybrid_recipient: AgeRecipient,
    pub(super) court_hybrid_identity: String,
    pub(super) court_hybrid: AgeRecipient,
    /// The office's recovery.
    pub(super) recovery_identity: String,
    pub(super) recovery: AgeRecipient,
    pub(super) other_recipient: AgeRecipient,
    folder: tempfile::TempDir,
    entropy: Counting,
}

impl Bench {
    pub(super) fn new() -> Self {
        let (root, other) = (authority("md", "Root of the vectors"), authority("md", "Root of the vectors"));
        let (identity, recipient) = generate_identity();
        let (other_identity, other_recipient) = generate_identity();
        let (court_identity, court) = generate_identity();
        let (hybrid_identity, hybrid_recipient) = generate_hybrid_identity().expect("a hybrid identity");
        let (court_hybrid_identity, court_hybrid) = generate_hybrid_identity().expect("a hybrid identity");
        let (recovery_identity, recovery) = generate_identity();
        Self {
            officer: officer(&root, PARTY, "rusu", "PNOMD-1"),
            thief: officer(&root, PARTY, "popa", "PNOMD-2"),
            institution: signer(&issue_seal(&root, PARTY)),
            stranger: signer(&issue_seal(&other, PARTY)),
            maker: officer(&root, MAKER, "smith", "PNOMD-3"),
            court_identity: court_identity.to_string(),
            court,
            root,
            other,
            identity: identity.to_string(),
            other_identity: other_identity.to_string(),
            hybrid_identity: hybrid_identity.to_string(),
            recipient,
            hybrid_recipient,
            court_hybrid_identity: court_hybrid_identity.to_string(),
            court_hybrid,
            recovery_identity: recovery_identity.to_string(),
            recovery,
            other_recipient,
            folder: tempfile::tempdir().expect("a folder"),
            entropy: Counting::default(),
        }
    }

    /// Who can open what is sealed.
    pub(super) fn recipient_text(&self) -> &str {
        self.recipient.as_str()
    }

    /// Seals a letter, an empty file and a folder with one picture; gives the objects in their order.
    pub(super) fn seal(&self, name: &str, letter: &[u8]) -> Vec<RawEntry> {
        self.seal_for(&self.recipient, name, letter)
    }

    /// The same with facts on all of them.
    pub(super) fn seal_with_facts(&self, name: &str, letter: &[u8]) -> Vec<RawEntry> {
        let facts = serde_json::from_str(FACTS).expect("facts");
        let options = SealOptions { facts: Some(facts), ..SealOptions::default() };
        self.seal_as(name, letter, How { options, ..self.how() })
    }

    /// The same for somebody else.
    pub(super) fn seal_for(&self, recipient: &AgeRecipient, name: &str, letter: &[u8]) -> Vec<RawEntry> {
        self.seal_as(name, letter, How { recipient, ..self.how() })
    }

    /// Where the files lie that are sealed as `name`.
    pub(super) fn place(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// By the officer, for the recipient, with nothing more.
    pub(super) fn how(&self) -> How<'_> {
        How {
            signer: &self.officer,
            recipient: &self.recipient,
            recovery: SealRecovery::NoOfficeConfigured,
            reference: None,
            options: SealOptions::default(),
        }
    }

    /// Seals the three in another way.
    pub(super) fn seal_as(&self, name: &str, letter: &[u8], how: How<'_>) -> Vec<RawEntry> {
        let folder = self.place(name);
        fs::create_dir_all(folder.join("photos")).expect("makes");
        fs::write(folder.join("letter.txt"), letter).expect("writes");
        fs::write(folder.join("empty"), b"").expect("writes");
        fs::write(folder.join("photos/a.jpg"), [7; 300]).expect("writes");
        let output = folder.join("PK.asice");
        seal(SealRequest {
            paths: ["letter.txt", "empty", "photos"].map(|name| folder.join(name)).to_vec(),
            recipients: vec![SealRecipient::bare(how.recipient.clone())],
            recovery: how.recovery,
            order: Some("MD-JF58-JXH4-09RC-SPTW-27".parse().expect("a shared number")),
            reference: how.reference,
            institution: Some(PARTY.parse().expect("a party")),
            signer: how.signer,
            function: Some("prosecutor".to_owned()),
            now: now(),
            entropy: &self.entropy,
            output: Output::AsiceFile(output.clone()),
            options: how.options,
            progress: &mut NoProgress,
        })
        .expect("seals");
        read_entries(&output)
    }

    /// Makes another package of `list`, which `identity` opens, for the court; gives the objects in their order.
    pub(super) fn derive(
        &self,
        name: &str,
        list: &[RawEntry],
        identity: &str,
        what: Derived,
    ) -> Vec<RawEntry> {
        self.derive_for(&self.court, name, list, (identity, what))
    }

    /// The same for another key.
    pub(super) fn derive_for(
        &self,
        court: &AgeRecipient,
        name: &str,
        list: &[RawEntry],
        (identity, what): (&str, Derived),
    ) -> Vec<RawEntry> {
        let path = self.folder.path().join(format!("{name}.from.asice"));
        fs::write(&path, raw_zip::write(list, b"")).expect("writes");
        let anchors = Anchors::from_pem(&self.root.certificate_pem(), None).expect("anchors");
        let output = self.folder.path().join(format!("{name}.asice"));
        let identities = Identities::parse(&[identity]).expect("an identity");
        derive(DeriveRequest {
            path,
            verify: VerifyOptions { identities, ..VerifyOptions::new(&anchors, now()) },
            what,
            recipients: vec![SealRecipient::bare(court.clone())],
            recovery: SealRecovery::Waived { reason: "The original is kept.".to_owned() },
            reference: None,
            institution: Some(MAKER.parse().expect("a party")),
            signer: &self.maker,
            function: Some("prosecutor".to_owned()),
            now: now(),
            entropy: &self.entropy,
            output: Output::AsiceFile(output.clone()),
            progress: &mut NoProgress,
        })
        .expect("derives");
        read_entries(&output)
    }

    /// Changes the files of a derived package's index, without signing them anew; outside the maker does.
    pub(super) fn change_index(&self, list: &mut [RawEntry], change: impl FnOnce(&mut Vec<RawEntry>)) {
        let identity = key_of(&self.court_identity);
        let sealed = find(list, "index.age").bytes.clone();
        let mut index = entries(&age::decrypt(&identity, &sealed).expect("decrypts"));
        change(&mut index);
        let index = raw_zip::write(&index, b"");
        find(list, "index.age").bytes = age::encrypt(&identity.to_public(), &index).expect("encrypts");
        sign_again(list, &self.maker);
    }
}

fn key_of(file: &str) -> age::x25519::Identity {
    let key = file.lines().find(|line| line.starts_with("AGE-SECRET-KEY-1")).expect("a key");
    key.parse().expect("an identity")
}

fn read_entries(package: &std::path::Path) -> Vec<RawEntry> {
    let bytes = fs::read(package).expect("reads");
    let mut zip = StrictZip::open(Cursor::new(&bytes), ZipLimits::PACKAGE).expect("a package");
    let names: Vec<String> = zip.entries().iter().map(|entry| entry.name.clone()).collect();
    names.iter().map(|name| entry(name, &zip.read(name, 1 << 20).expect("reads"))).collect()
}

impl Bench {
    /// Changes one file of the index, and writes its lists and its signature anew by the same officer; likewise outside.
    pub(super) fn edit_index(&self, list: &mut [RawEntry], name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let identity = key_of(&self.identity);
        let sealed = find(list, "index.age").bytes.clone();
        let mut index = entries(&age::decrypt(&identity, &sealed).expect("decrypts"));
        change(&mut find(&mut index, name).bytes);
        let records: String = index
            .iter()
            .filter(|entry| entry.name.starts_with("records/"))
            .map(|entry| format!("{}  {}\n", Digest::of(&entry.bytes), entry.name))
            .collect();
        find(&mut index, "records-sha256.txt").bytes = records.into_bytes();
        let references = [TRANSMITTAL, "exhibits-sha256.txt", "records-sha256.txt"]
            .iter()
            .map(|name| DataReference {
                uri: (*name).to_owned(),
                mime: None,
                digest: Digest::of(&find(&mut index, name).bytes),
            })
            .collect();
        let manifest = AsicManifest::new(S1, references).expect("a manifest").to_xml();
        find(&mut index, S1).bytes = cades::sign(&manifest, &self.officer, now(), None).expect("signs");
        find(&mut index, M1).bytes = manifest;
        let index = raw_zip::write(&index, b"");
        find(list, "index.age").bytes = age::encrypt(&identity.to_public(), &index).expect("encrypts");
        sign_again(list, &self.officer);
    }
}

/// Writes the lists and the person's manifest anew for what is there now, signed by `signer`. What the
/// transmittal says of sizes is left as it is.
pub(super) fn sign_again(list: &mut [RawEntry], signer: &dyn Signer) {
    let data: Vec<String> =
        list.iter().map(|entry| entry.name.clone()).filter(|name| name.starts_with("data/")).collect();
    let data: Vec<&str> = data.iter().map(String::as_str).collect();
    let lines = |list: &mut [RawEntry], names: &[&str]| -> Vec<u8> {
        let line = |name: &&str| format!("{}  {name}\n", Digest::of(&find(list, name).bytes));
        names.iter().map(line).collect::<String>().into_bytes()
    };
    find(list, "manifest-sha256.txt").bytes = lines(list, &data);
    let has = |name: &&str| list.iter().any(|entry| entry.name == *name);
    let origin: Vec<&str> = ORIGIN_FILES.into_iter().filter(has).collect();
    let mut tags = [&TAG_FILES[..], &origin].concat();
    tags.sort_unstable();
    find(list, "tagmanifest-sha256.txt").bytes = lines(list, &tags);
    let covered = data.iter().copied().chain(SIGNED_FILES).chain(origin);
    let references = covered
        .map(|name| DataReference {
            uri: name.to_owned(),
            mime: None,
            digest: Digest::of(&find(list, name).bytes),
        })
        .collect();
    let manifest = AsicManifest::new(S1, references).expect("a manifest").to_xml();
    find(list, S1).bytes = cades::sign(&manifest, signer, now(), None).expect("signs");
    find(list, M1).bytes = manifest;
}

//! What the makers of vectors share: authorities, raw ZIP and DER, and the files with what they say
//! about themselves. Makes containers that our own writer refuses to write.

pub(crate) mod der;
pub(crate) mod raw_zip;

use rogatory_core::{CountryCode, OfficerId, PartyId, Timestamp};
use rogatory_pki::development::{DevelopmentCa, Issued, Validity};
use rogatory_pki::signing::FileSigner;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The files of a folder by name.
pub(crate) type Files = BTreeMap<String, Vec<u8>>;

pub(crate) fn now() -> Timestamp {
    "2026-11-22T14:20:00Z".parse().expect("an instant")
}

pub(crate) fn authority(country: &str, name: &str) -> DevelopmentCa {
    let country: CountryCode = country.parse().expect("a country");
    DevelopmentCa::new(country, name, validity()).expect("an authority")
}

pub(crate) fn validity() -> Validity {
    let instant = |text: &str| text.parse().expect("an instant");
    Validity::new(instant("2026-01-01T00:00:00Z"), instant("2036-01-01T00:00:00Z")).expect("a validity")
}

pub(crate) fn signer(issued: &Issued) -> FileSigner {
    FileSigner::from_pem(&issued.key_pem, &issued.certificate_pem).expect("a signer")
}

pub(crate) fn officer(ca: &DevelopmentCa, party: &str, id: &str, serial: &str) -> FileSigner {
    let party: PartyId = party.parse().expect("a party");
    let officer = OfficerId::new(party, id).expect("an officer");
    signer(&ca.issue_officer_signing(&officer, id, serial, validity()).expect("issues"))
}

pub(crate) fn issue_seal(ca: &DevelopmentCa, party: &str) -> Issued {
    let party: PartyId = party.parse().expect("a party");
    ca.issue_seal(&party, "Seal", validity()).expect("issues")
}

/// Adds a file that says of `subject` what must happen. `part` names what fails; none if all holds.
pub(crate) fn say(files: &mut Files, name: &str, about: &str, part: Option<&str>, header: &[(&str, &str)]) {
    let mut text = match part {
        None => "expect: accept\n".to_owned(),
        Some(part) => format!("expect: refuse\npart: {part}\n"),
    };
    for (field, value) in header {
        text.push_str(&format!("{field}: {value}\n"));
    }
    text.push_str(&format!("\n{about}\n"));
    let before = files.insert(format!("{name}.txt"), text.into_bytes());
    assert!(before.is_none(), "{name} is made twice");
}

/// Adds a container and what must happen.
pub(crate) fn add(
    files: &mut Files,
    name: &str,
    about: &str,
    part: Option<&str>,
    header: &[(&str, &str)],
    bytes: Vec<u8>,
) {
    files.insert(format!("{name}.asice"), bytes);
    say(files, name, about, part, header);
}

/// One vector as its text describes it.
pub(crate) struct Vector<'a> {
    files: &'a Files,
    name: &'a str,
    header: BTreeMap<&'a str, &'a str>,
}

impl<'a> Vector<'a> {
    fn all(files: &'a Files) -> Vec<Self> {
        let own = files.iter().filter(|(name, _)| !name.contains('/'));
        let texts = own.filter_map(|(name, text)| Some((name.strip_suffix(".txt")?, text)));
        texts
            .map(|(name, text)| {
                let text = std::str::from_utf8(text).expect("text");
                let (header, about) = text.split_once("\n\n").expect("a header and words");
                assert!(!about.trim().is_empty(), "{name} says nothing about itself");
                let header =
                    header.lines().map(|line| line.split_once(": ").expect("field and value")).collect();
                Self { files, name, header }
            })
            .collect()
    }

    pub(crate) fn field(&self, field: &str) -> Option<&'a str> {
        self.header.get(field).copied()
    }

    pub(crate) fn must(&self, field: &str) -> &'a str {
        self.field(field).unwrap_or_else(|| panic!("{} has no `{field}`", self.name))
    }

    /// The container: its own, or the one it names.
    pub(crate) fn bytes(&self) -> &'a [u8] {
        let own = format!("{}.asice", self.name);
        self.file(self.field("file").unwrap_or(&own))
    }

    /// Writes it as a folder, if it is one: the files under its name.
    #[allow(dead_code, reason = "formal documents are never folders, packages are")]
    pub(crate) fn write_folder(&self, to: &Path) -> bool {
        let prefix = format!("{}/", self.name);
        let files = self.files.iter().filter_map(|(name, bytes)| Some((name.strip_prefix(&prefix)?, bytes)));
        for (name, bytes) in files {
            write(&to.join(name), bytes);
        }
        to.exists()
    }

    pub(crate) fn file(&self, name: &str) -> &'a [u8] {
        self.files.get(name).unwrap_or_else(|| panic!("{} names `{name}`, which is not there", self.name))
    }

    pub(crate) fn text(&self, name: &str) -> &'a str {
        std::str::from_utf8(self.file(name)).expect("text")
    }

    pub(crate) fn at(&self) -> Timestamp {
        self.must("at").parse().expect("an instant")
    }

    fn judge(&self, found: &Result<(), String>) {
        let name = self.name;
        match (self.must("expect"), found) {
            ("accept", found) => assert_eq!(*found, Ok(()), "{name} must be accepted"),
            ("refuse", Err(why)) => {
                let part = self.must("part");
                assert!(why.contains(part), "{name} must be refused for {part}: {why}");
            }
            ("refuse", Ok(())) => panic!("{name} must be refused"),
            (other, _) => panic!("{name}: `{other}` can't be expected"),
        }
    }
}

/// Checks what is made now and what lies in `folder`; writes the folder anew if that is asked for.
pub(crate) fn check(folder: &str, made: &Files, verify: impl Fn(&Vector<'_>) -> Result<(), String>) {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../tests/vectors").join(folder);
    for vector in Vector::all(made) {
        vector.judge(&verify(&vector));
    }
    if std::env::var_os("ROGATORY_WRITE_VECTORS").is_some() {
        std::fs::create_dir_all(&folder).expect("can be made");
        for name in stored(&folder).keys() {
            std::fs::remove_file(folder.join(name)).expect("can be removed");
        }
        for (name, bytes) in made {
            write(&folder.join(name), bytes);
        }
    }
    let stored = stored(&folder);
    // Keys are drawn at random, so the bytes differ from run to run; what there is does not.
    assert_eq!(stored.keys().collect::<Vec<_>>(), made.keys().collect::<Vec<_>>());
    for (name, bytes) in &stored {
        assert!(bytes.len() < 160_000, "{name} has {} bytes", bytes.len());
    }
    for vector in Vector::all(&stored) {
        vector.judge(&verify(&vector));
    }
}

fn write(path: &Path, bytes: &[u8]) {
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("can be made");
    std::fs::write(path, bytes).expect("can be written");
}

/// The files of vectors in a folder, and all that lies in folders of it; a verifier that lies beside them is none.
fn stored(folder: &Path) -> Files {
    let mut files = Files::new();
    for file in std::fs::read_dir(folder).expect("the folder exists") {
        let path = file.expect("readable").path();
        let name = path.file_name().expect("a name").to_string_lossy().into_owned();
        if path.is_dir() {
            add_all(&mut files, &path, &name);
        } else if [".asice", ".txt", ".pem", ".key"].iter().any(|end| name.ends_with(end)) {
            files.insert(name, std::fs::read(&path).expect("readable"));
        }
    }
    files
}

fn add_all(files: &mut Files, folder: &Path, name: &str) {
    for file in std::fs::read_dir(folder).expect("readable") {
        let path = file.expect("readable").path();
        let name = format!("{name}/{}", path.file_name().expect("a name").to_string_lossy());
        if path.is_dir() {
            add_all(files, &path, &name);
        } else {
            files.insert(name, std::fs::read(&path).expect("readable"));
        }
    }
}

//! An office whose keys were made by others' tools alone: `openssl` and `age-keygen`.
//!
//! May start them, write into its own folder, and run `rogatory` there. Two offices have the same
//! names and serial numbers, and different keys.

use crate::programs::rogatory;
use crate::tools::{Ended, run, text};
use rogatory_pki::signing::FileSigner;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

const ROOT: &str = "root.cnf";
const ISSUING: &str = "issuing.cnf";
const SIGNER: &str = "signer.cnf";

const CONFIGURATION: [(&str, &str); 3] = [
    (
        ROOT,
        "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n",
    ),
    (
        ISSUING,
        "basicConstraints=critical,CA:TRUE,pathlen:0\nkeyUsage=critical,keyCertSign,cRLSign\n\
         subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n",
    ),
    (
        SIGNER,
        "basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature,nonRepudiation\n\
         subjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid\n",
    ),
];

/// A folder with a national root (`anchors.pem`), an issuing authority (`chain.pem`), a person who
/// signs (`signer.key`, `signer.pem`) and an officer who may open (`officer.id`).
pub struct Office {
    folder: TempDir,
    /// The officer's age recipient.
    pub recipient: String,
}

impl Default for Office {
    fn default() -> Self {
        Self::new()
    }
}

impl Office {
    /// Makes the folder and all keys.
    #[must_use]
    pub fn new() -> Self {
        let folder =
            TempDir::with_prefix("rogatory-stock-").unwrap_or_else(|error| panic!("no folder: {error}"));
        let at = folder.path();
        for (name, extensions) in CONFIGURATION {
            write(&at.join(name), extensions.as_bytes());
        }
        let root = "/C=MD/O=National certification authority/CN=Root of the Republic";
        let issuing = "/C=MD/O=National certification authority/CN=Issuing authority 3";
        let signer = "/C=MD/O=Nistru Chat SRL/CN=Дина Лунгу/serialNumber=IDMD-2001001002003";
        certify(at, "root", root, None, ROOT, "0x5a01");
        certify(at, "issuing", issuing, Some("root"), ISSUING, "0x5a02");
        certify(at, "signer", signer, Some("issuing"), SIGNER, "0x5a03");
        for (from, to) in [("root.pem", "anchors.pem"), ("issuing.pem", "chain.pem")] {
            fs::copy(at.join(from), at.join(to)).unwrap_or_else(|error| panic!("{from}: {error}"));
        }
        let recipient = keygen(at, "officer.id");
        Self { recipient, folder }
    }

    /// A path in its folder.
    #[must_use]
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Makes another identity; gives its recipient.
    #[must_use]
    pub fn identity(&self, name: &str) -> String {
        keygen(self.folder.path(), name)
    }

    /// Runs `rogatory` in the folder.
    #[track_caller]
    pub fn rogatory(&self, arguments: &[&str]) -> Ended {
        rogatory(arguments, self.folder.path())
    }

    /// Seals `paths` into `output` for the officer, with bare keys and no profile.
    #[track_caller]
    pub fn seal(&self, output: &str, paths: &[impl AsRef<OsStr>]) -> Ended {
        self.seal_for(&self.recipient, output, paths)
    }

    /// Seals for somebody else.
    #[track_caller]
    pub fn seal_for(&self, recipient: &str, output: &str, paths: &[impl AsRef<OsStr>]) -> Ended {
        let words =
            ["package", "seal", "--key", "signer.key", "--certificate", "signer.pem", "--chain", "chain.pem"];
        let mut arguments: Vec<OsString> = words.map(OsString::from).to_vec();
        arguments.extend(["--recipient", recipient, "-o", output].map(OsString::from));
        arguments.extend(paths.iter().map(|path| path.as_ref().to_owned()));
        rogatory(&arguments, self.folder.path())
    }

    /// Seals as an officer of the institution `party`, with a profile: the package then names its sender.
    #[track_caller]
    pub fn seal_as_officer_of(&self, party: &str, output: &str, paths: &[impl AsRef<OsStr>]) -> Ended {
        let recovery = self.identity("recovery.id");
        let read = |name: &str| {
            fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        write(
            &self.path("profile/signing.pem"),
            format!("{}{}", read("signer.pem"), read("chain.pem")).as_bytes(),
        );
        let profile = format!(
            "party = \"{party}\"\nname = \"Central Authority\"\nofficer = \"{party}/officer/lungu\"\n\
             officer_name = \"Дина Лунгу\"\nserver = \"127.0.0.1:1\"\nanchors = \"../anchors.pem\"\n\
             tls_certificate = \"signing.pem\"\ntls_key = \"../signer.key\"\nidentity = \"../officer.id\"\n\
             signing_certificate = \"signing.pem\"\nsigning_key = \"../signer.key\"\n\
             recovery_recipient = \"{recovery}\"\n"
        );
        write(&self.path("profile/profile.toml"), profile.as_bytes());
        let words = ["--profile", "profile", "package", "seal", "--recipient", &self.recipient, "-o", output];
        let mut arguments: Vec<OsString> = words.map(OsString::from).to_vec();
        arguments.extend(paths.iter().map(|path| path.as_ref().to_owned()));
        rogatory(&arguments, self.folder.path())
    }

    /// Writes a file, and seals it alone as the folder or container file `output`.
    #[track_caller]
    pub fn seal_text(&self, output: &str, name: &str, content: &str) {
        write(&self.path(name), content.as_bytes());
        self.seal(output, &[name]).succeeds();
    }

    /// Verifies `package` with the root as anchor; `more` may hold further arguments.
    #[track_caller]
    pub fn verify(&self, package: &str, more: &[&str]) -> Ended {
        let mut arguments = vec!["package", "verify", package, "--trust", "anchors.pem"];
        arguments.extend(more);
        self.rogatory(&arguments)
    }

    /// Verifies it with the officer's identity.
    #[track_caller]
    pub fn verify_contents(&self, package: &str) -> Ended {
        self.verify(package, &["--identity", "officer.id"])
    }

    /// The signer's key in this process, for forgeries.
    #[must_use]
    pub fn signer(&self) -> FileSigner {
        let read = |name: &str| {
            fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
        };
        let chain = format!("{}{}", read("signer.pem"), read("chain.pem"));
        FileSigner::from_pem(&read("signer.key"), &chain)
            .unwrap_or_else(|error| panic!("the signer: {error}"))
    }

    /// Writes `all.pem`: its own root and another one.
    pub fn trust_too(&self, pem: &str) {
        let own =
            fs::read_to_string(self.path("anchors.pem")).unwrap_or_else(|error| panic!("anchors: {error}"));
        write(&self.path("all.pem"), format!("{own}{pem}").as_bytes());
    }
}

/// Writes a file, its folder too if it isn't there.
///
/// # Panics
/// If it can't.
pub fn write(path: &Path, content: &[u8]) {
    let folder = path.parent().unwrap_or(path);
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, content));
    written.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
}

/// Makes key, request and certificate `name`, signed by `issuer` or by itself.
fn certify(at: &Path, name: &str, subject: &str, issuer: Option<&str>, extensions: &str, serial: &str) {
    let file = |name: &str, end: &str| format!("{name}.{end}");
    let (key, request, certificate) = (file(name, "key"), file(name, "csr"), file(name, "pem"));
    openssl(at, &["genpkey", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256", "-out", &key]);
    openssl(at, &["req", "-new", "-utf8", "-key", &key, "-subj", subject, "-out", &request]);
    let issuer_key = file(issuer.unwrap_or(name), "key");
    let issuer_certificate = issuer.map(|issuer| file(issuer, "pem"));
    let mut arguments = vec!["x509", "-req", "-in", &request, "-days", "365", "-set_serial", serial];
    match &issuer_certificate {
        Some(certificate) => arguments.extend(["-CA", certificate, "-CAkey", &issuer_key]),
        None => arguments.extend(["-signkey", &issuer_key]),
    }
    arguments.extend(["-extfile", extensions, "-out", &certificate]);
    openssl(at, &arguments);
}

fn openssl(at: &Path, arguments: &[&str]) {
    run("openssl", arguments, at).succeeds();
}

fn keygen(at: &Path, name: &str) -> String {
    run("age-keygen", &["-o", name], at).succeeds();
    let recipient =
        run("age-keygen", &["-y", text(&at.join(name))], at).succeeds().output().trim().to_owned();
    assert!(recipient.starts_with("age1"), "`age-keygen -y` prints `{recipient}`");
    recipient
}

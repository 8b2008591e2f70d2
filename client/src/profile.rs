//! The officer's profile: who she is, where her server is, and her keys.
//!
//! Reads `profile.toml` and the files it names, which lie beside it. Holds private keys, so nothing
//! here prints itself. Never writes.

use crate::files;
use crate::problem::Problem;
use rogatory_core::{OfficerId, PartyId};
use rogatory_pki::path::Anchors;
use rogatory_pki::signing::FileSigner;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// The name of the file in the profile's directory.
pub const PROFILE_FILE: &str = "profile.toml";

/// `profile.toml`: names as texts, files as paths relative to the profile's directory.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProfileFile {
    /// The institution.
    pub party: PartyId,
    /// The institution's name in words.
    pub name: String,
    /// The officer.
    pub officer: OfficerId,
    /// The officer's name.
    pub officer_name: String,
    /// `host:port` of the office listener of the own server.
    pub server: String,
    /// PEM of the TLS certificate and its chain.
    pub tls_certificate: PathBuf,
    /// PKCS#8 PEM of its key.
    pub tls_key: PathBuf,
    /// PEM of the signing certificate and its chain; absent for officers who sign nothing.
    pub signing_certificate: Option<PathBuf>,
    /// PKCS#8 PEM of its key.
    pub signing_key: Option<PathBuf>,
    /// The age identity; absent for officers who open nothing.
    pub identity: Option<PathBuf>,
    /// PEM of the own country's anchors.
    pub anchors: PathBuf,
    /// The age recipient of the office's recovery key, `age1…`.
    pub recovery_recipient: Option<String>,
    /// The same for post-quantum packages, `age1pq1…`.
    pub recovery_recipient_hybrid: Option<String>,
    /// How counterparts reach the officer; stands in her documents.
    pub contact: Option<Contact>,
}

/// How counterparts reach the officer.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contact {
    /// The person or desk; the officer's name if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Her function.
    pub function: String,
    /// Her e-mail address.
    pub email: String,
    /// Her telephone number.
    pub telephone: String,
    /// When she is there, with the time zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<String>,
}

/// A certificate chain and its private key, as PEM.
#[derive(Clone)]
pub struct KeyPair {
    /// The certificate and its chain.
    pub certificates_pem: String,
    /// The key, PKCS#8.
    pub key_pem: Zeroizing<String>,
}

/// A profile with its files read.
#[derive(Clone)]
pub struct Profile {
    /// The institution.
    pub party: PartyId,
    /// The institution's name in words.
    pub name: String,
    /// The officer.
    pub officer: OfficerId,
    /// The officer's name.
    pub officer_name: String,
    /// `host:port` of the office listener of the own server.
    pub server: String,
    /// What the officer shows to the server.
    pub tls: KeyPair,
    /// What the officer signs with, if she signs.
    pub signing: Option<KeyPair>,
    /// The text of her age identity file, if she opens packages.
    pub identity: Option<Zeroizing<String>>,
    /// The own country's anchors.
    pub anchors_pem: String,
    /// The age recipient of the office's recovery key, `age1…`.
    pub recovery_recipient: Option<String>,
    /// The same for post-quantum packages, `age1pq1…`.
    pub recovery_recipient_hybrid: Option<String>,
    /// How counterparts reach the officer.
    pub contact: Option<Contact>,
}

impl fmt::Debug for Profile {
    /// Names the officer only: the rest is keys.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Profile({})", self.officer)
    }
}

impl ProfileFile {
    /// Parses the text of `profile.toml`.
    ///
    /// # Errors
    /// A usage problem that says what is wrong and where; also if the officer belongs to another party.
    pub fn parse(text: &str) -> Result<Self, Problem> {
        let file: Self = toml::from_str(text).map_err(|error| {
            Problem::usage(format!(
                "`{PROFILE_FILE}` is malformed: {}",
                crate::problem::clean(error.message())
            ))
            .with_details(place(text, error.span()))
            .with_hint("the profile's keys are described in the guide to the command line")
        })?;
        if file.officer.party() != &file.party {
            return Err(Problem::usage(format!(
                "`{PROFILE_FILE}` names officer {} but party {}: an officer belongs to her own party",
                file.officer, file.party
            )));
        }
        if file.signing_certificate.is_some() != file.signing_key.is_some() {
            return Err(Problem::usage(format!(
                "`{PROFILE_FILE}` names only one of `signing_certificate` and `signing_key`"
            )));
        }
        Ok(file)
    }
}

/// The line of the text at which an error stands.
fn place(text: &str, span: Option<std::ops::Range<usize>>) -> Vec<String> {
    span.and_then(|span| text.get(..span.start))
        .map(|before| {
            let number = before.matches('\n').count();
            let line = text.lines().nth(number).unwrap_or_default();
            vec![format!("line {}: {}", number + 1, crate::problem::clean(line))]
        })
        .unwrap_or_default()
}

impl Profile {
    /// Reads the profile in `directory`, and the files it names.
    ///
    /// # Errors
    /// A usage problem naming the file that is missing or malformed.
    pub fn load(directory: &Path) -> Result<Self, Problem> {
        let text = files::read_text(&directory.join(PROFILE_FILE), "the profile").map_err(|problem| {
            problem.with_hint(format!(
                "give the directory that holds `{PROFILE_FILE}` with --profile or ROGATORY_PROFILE"
            ))
        })?;
        let file = ProfileFile::parse(&text)?;
        let read = |path: &Path, what| files::read_text(&directory.join(path), what);
        let secret = |path: &Path, what| read(path, what).map(Zeroizing::new);
        let signing = match (&file.signing_certificate, &file.signing_key) {
            (Some(certificate), Some(key)) => Some(KeyPair {
                certificates_pem: read(certificate, "the signing certificate")?,
                key_pem: secret(key, "the signing key")?,
            }),
            _ => None,
        };
        Ok(Self {
            tls: KeyPair {
                certificates_pem: read(&file.tls_certificate, "the TLS certificate")?,
                key_pem: secret(&file.tls_key, "the TLS key")?,
            },
            signing,
            identity: file.identity.as_deref().map(|path| secret(path, "the age identity")).transpose()?,
            anchors_pem: read(&file.anchors, "the file of anchors")?,
            party: file.party,
            name: file.name,
            officer: file.officer,
            officer_name: file.officer_name,
            server: file.server,
            recovery_recipient: file.recovery_recipient,
            recovery_recipient_hybrid: file.recovery_recipient_hybrid,
            contact: file.contact,
        })
    }

    /// The officer's signer.
    ///
    /// # Errors
    /// A usage problem if the profile has no signing key, or key and certificate do not belong together.
    pub fn signer(&self) -> Result<FileSigner, Problem> {
        let signing = self.signing.as_ref().ok_or_else(|| {
            Problem::usage(format!("the profile of {} has no signing key", self.officer))
                .with_hint(format!("name `signing_certificate` and `signing_key` in `{PROFILE_FILE}`"))
        })?;
        FileSigner::from_pem(&signing.key_pem, &signing.certificates_pem)
            .map_err(|error| Problem::usage("the profile's signing key cannot be used").because(&error))
    }

    /// The own country's anchors, by which the own server and the own entry are checked.
    ///
    /// # Errors
    /// A usage problem if they cannot be read.
    pub fn anchors(&self) -> Result<Anchors, Problem> {
        Anchors::from_pem(&self.anchors_pem, Some(self.party.country()))
            .map_err(|error| Problem::usage("the profile's anchors cannot be used").because(&error))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = r#"
party = "gb/central-authority"
name = "Central Authority"
officer = "gb/central-authority/officer/hale"
officer_name = "Jonathan Hale"
server = "127.0.0.1:7443"
tls_certificate = "tls.pem"
tls_key = "tls.key"
signing_certificate = "signing.pem"
signing_key = "signing.key"
identity = "identity.txt"
anchors = "anchors.pem"
recovery_recipient = "age1example"
"#;

    #[test]
    fn the_sample_profile_is_read() {
        let file = ProfileFile::parse(GOOD).expect("sound");
        assert_eq!(file.officer.to_string(), "gb/central-authority/officer/hale");
        assert!(file.contact.is_none());
    }

    #[test]
    fn an_unknown_key_is_refused_with_its_line() {
        let problem = ProfileFile::parse(&format!("{GOOD}tls_keys = \"x\"\n")).expect_err("unknown key");
        assert_eq!(problem.exit().code(), 2);
        assert!(problem.message().contains("tls_keys"), "{problem}");
        assert_eq!(problem.details(), ["line 14: tls_keys = \"x\""]);
    }

    #[test]
    fn an_officer_of_another_party_is_refused() {
        let text = GOOD.replace("gb/central-authority/officer", "md/central-authority/officer");
        assert!(ProfileFile::parse(&text).is_err());
    }

    #[test]
    fn a_signing_key_needs_its_certificate() {
        let text = GOOD.replace("signing_certificate = \"signing.pem\"\n", "");
        assert!(ProfileFile::parse(&text).expect_err("half").message().contains("signing_key"));
    }

    #[test]
    fn a_contact_may_stand_in_the_profile() {
        let text = format!(
            "{GOOD}[contact]\nfunction = \"Officer\"\nemail = \"a@b.example\"\ntelephone = \"+44\"\n"
        );
        let contact = ProfileFile::parse(&text).expect("sound").contact.expect("there");
        assert_eq!(contact.function, "Officer");
    }

    #[test]
    fn a_missing_profile_says_where_to_look() {
        let directory = tempfile::tempdir().expect("a directory");
        let problem = Profile::load(directory.path()).expect_err("nothing there");
        assert!(problem.hint().expect("a hint").contains("ROGATORY_PROFILE"));
    }

    #[test]
    fn a_profile_names_the_missing_key_file() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join(PROFILE_FILE), GOOD).expect("written");
        let problem = Profile::load(directory.path()).expect_err("no keys");
        assert!(problem.message().contains("signing.pem"), "{problem}");
    }
}

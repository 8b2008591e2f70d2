//! `rogatory package …`.

use clap::{Args, Subcommand, ValueEnum};
use std::path::PathBuf;

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum Package {
    /// Seal files and folders for their recipients, offline
    Seal(Seal),
    /// Verify a package or a court bundle, offline
    Verify(Verify),
    /// List the exhibits of a package without reading them, offline
    Show(Show),
    /// Verify and open a package or some of its exhibits, offline
    Open(Open),
    /// Make some exhibits of a package readable for a court, with proof that they belong to it, offline
    Disclose(Disclose),
    /// Make a whole package readable for other recipients, offline
    Rewrap(Rewrap),
    /// Write what a package describes for other tools and authorities, offline; holds real names
    Export(Export),
    /// Send a sealed package to the authority that ordered it
    Send(Send),
    /// Pass a received package on to the requesting authority, byte for byte
    Relay(Relay),
    /// Fetch a received package from the own server
    Receive(Receive),
    /// List the packages of a case
    List(List),
}

impl Package {
    /// The verb as typed.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Seal(_) => "seal",
            Self::Verify(_) => "verify",
            Self::Show(_) => "show",
            Self::Open(_) => "open",
            Self::Disclose(_) => "disclose",
            Self::Rewrap(_) => "rewrap",
            Self::Export(_) => "export",
            Self::Send(_) => "send",
            Self::Relay(_) => "relay",
            Self::Receive(_) => "receive",
            Self::List(_) => "list",
        }
    }
}

/// Who signs, if not the profile's officer.
#[derive(Args, Debug)]
pub struct Signing {
    /// The signing key, PKCS#8 PEM; the profile's if absent
    #[arg(long, value_name = "K", requires = "certificate")]
    pub key: Option<PathBuf>,
    /// The signing certificate, PEM; the profile's if absent
    #[arg(long, value_name = "C", requires = "key")]
    pub certificate: Option<PathBuf>,
    /// Further certificates of its chain, PEM
    #[arg(long, value_name = "F", requires = "certificate")]
    pub chain: Option<PathBuf>,
}

/// See [`Package::Seal`].
#[derive(Args, Debug)]
pub struct Seal {
    /// Who may open it, age1… or, post-quantum and for everybody then, age1pq1…; repeats
    #[arg(long, value_name = "age1…", required_unless_present = "order_document")]
    pub recipient: Vec<String>,
    /// The order as a container: recipients and number are taken from it
    #[arg(long, value_name = "FILE.asice")]
    pub order_document: Option<PathBuf>,
    /// The party entry (.asice) of the authority whose order that is; the own server's confirmed one if absent; repeats
    #[arg(long, value_name = "FILE", requires = "order_document")]
    pub trust: Vec<PathBuf>,
    /// The shared number of the order or request that is answered
    #[arg(long, value_name = "NUMBER")]
    pub order: Option<String>,
    /// This office's file number
    #[arg(long, value_name = "TEXT")]
    pub reference: Option<String>,
    /// Who signs it.
    #[command(flatten)]
    pub signing: Signing,
    /// Seal without the office's recovery recipient, and why
    #[arg(long, value_name = "REASON")]
    pub no_recovery: Option<String>,
    /// Make every file below a folder an exhibit of its own
    #[arg(long)]
    pub each: bool,
    /// Store the holes of a sparse file as zeros, where it is an exhibit of its own
    #[arg(long)]
    pub store_holes: bool,
    /// How the exhibits were acquired, TOML; docs/reference/acquisition-facts.md has an example
    #[arg(long, value_name = "FILE.toml")]
    pub facts: Option<PathBuf>,
    /// Send it as well, beginning while it is being sealed; needs the order that it answers
    #[arg(long)]
    pub send: bool,
    /// Do not ask before it is sent
    #[arg(long, requires = "send")]
    pub yes: bool,
    /// Flag an exhibit, or what lies inside one, as sensitive: PATH=CODE, for example photos=abuse-material; repeats
    #[arg(long, value_name = "PATH=CODE")]
    pub sensitive: Vec<String>,
    /// Mark exhibits that hold contents of this hash list, or of a file of `hash-list import`; repeats
    #[arg(long, value_name = "FILE")]
    pub hash_list: Vec<PathBuf>,
    /// The package to write: OUT.asice, or a folder
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
    /// Files and folders; each is one exhibit
    #[arg(value_name = "PATH", required = true)]
    pub paths: Vec<PathBuf>,
}

/// See [`Package::Verify`].
#[derive(Args, Debug)]
pub struct Verify {
    /// The package, a .asice file or a folder; or a court bundle
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// An age identity file, to check the contents too; repeats
    #[arg(long, value_name = "ID")]
    pub identity: Vec<PathBuf>,
    /// Trusted anchors (PEM) or a party entry (.asice); repeats
    #[arg(long, value_name = "FILE")]
    pub trust: Vec<PathBuf>,
    /// Judge certificates as of this instant, at which a time stamp must prove that the signature existed
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// Trusted anchors (PEM) of time-stamping authorities, to check NAME.tst beside NAME; repeats
    #[arg(long, value_name = "ANCHORS.pem")]
    pub tsa: Vec<PathBuf>,
    /// A revocation list (DER or PEM), to check whether who signed was revoked; repeats
    #[arg(long, value_name = "FILE")]
    pub crl: Vec<PathBuf>,
    /// The SHA-256 of the certificate that must have signed
    #[arg(long, value_name = "SHA256")]
    pub signer: Option<String>,
    /// What must have been checked: seal, contents, signer, time, revocation, witness, custody, relations
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub require: Vec<String>,
    /// Say what was checked, what was not, and what failed, in plain words of this language; details stay English
    #[arg(long, value_name = "en|fr|es")]
    pub lang: Option<String>,
    /// Write a report for a case file too, as PDF, to be signed by hand
    #[arg(long, value_name = "OUT.pdf")]
    pub report: Option<PathBuf>,
}

/// See [`Package::Show`].
#[derive(Args, Debug)]
pub struct Show {
    /// The package, a .asice file or a folder
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// An age identity file; repeats; the profile's if absent
    #[arg(long, value_name = "ID")]
    pub identity: Vec<PathBuf>,
    /// Trusted anchors (PEM) or a party entry (.asice); repeats
    #[arg(long, value_name = "FILE")]
    pub trust: Vec<PathBuf>,
}

/// See [`Package::Open`].
#[derive(Args, Debug)]
pub struct Open {
    /// The package, a .asice file or a folder
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// An age identity file; repeats; the profile's if absent
    #[arg(long, value_name = "ID")]
    pub identity: Vec<PathBuf>,
    /// Trusted anchors (PEM) or a party entry (.asice); repeats
    #[arg(long, value_name = "FILE")]
    pub trust: Vec<PathBuf>,
    /// The directory to write to
    #[arg(short, long, value_name = "DIR")]
    pub output: PathBuf,
    /// Keep the tar file of folder exhibits too
    #[arg(long)]
    pub keep_tar: bool,
    /// Take out this exhibit only, for example EX-0007; the others are not read; repeats
    #[arg(long, value_name = "EX-…")]
    pub exhibit: Vec<String>,
    /// Open sensitive exhibits too, and why; it is logged
    #[arg(long, value_name = "REASON")]
    pub sensitive_reason: Option<String>,
    /// Write names so that every system can hold them; real-names.txt says which were changed
    #[arg(long)]
    pub portable_names: bool,
    /// Open although it does not verify, and why; the directory is marked
    #[arg(long, value_name = "REASON")]
    pub unverified: Option<String>,
}

/// The forms of an export.
#[derive(ValueEnum, Clone, Copy, PartialEq, Eq, Debug)]
pub enum ExportFormat {
    /// CASE/UCO, JSON-LD
    Case,
    /// The manifest for large evidence of Regulation (EU) 2025/1550, JSON
    EuManifest,
    /// The same to be read and printed, Markdown
    EuManifestText,
}

/// See [`Package::Export`].
#[derive(Args, Debug)]
pub struct Export {
    /// The package, a .asice file or a folder; for CASE also an opened one or its index
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// An age identity file; repeats; the profile's if absent
    #[arg(long, value_name = "ID")]
    pub identity: Vec<PathBuf>,
    /// Trusted anchors (PEM) or a party entry (.asice); repeats
    #[arg(long, value_name = "FILE")]
    pub trust: Vec<PathBuf>,
    /// Judge certificates as of this instant instead of now
    #[arg(long, value_name = "TIME")]
    pub at: Option<String>,
    /// In which form
    #[arg(long, value_enum)]
    pub format: ExportFormat,
    /// Manifest: when it was transmitted
    #[arg(long, value_name = "TIME", conflicts_with = "available_from")]
    pub sent: Option<String>,
    /// Manifest: from when it can be fetched
    #[arg(long, value_name = "TIME", requires = "available_until")]
    pub available_from: Option<String>,
    /// Manifest: until when it can be fetched, 10 to 45 calendar days later
    #[arg(long, value_name = "TIME", requires = "available_from")]
    pub available_until: Option<String>,
    /// Manifest: the issuing authority asked that it stay available for longer than 45 days
    #[arg(long, requires = "available_until")]
    pub extended: bool,
    /// Manifest: by what means it was transmitted, for example the record of a link or a postal receipt
    #[arg(long, value_name = "TEXT")]
    pub means: Option<String>,
    /// Manifest: a file number of the case; needed if the package names no order
    #[arg(long, value_name = "TEXT")]
    pub case_reference: Option<String>,
    /// Manifest: remarks
    #[arg(long, value_name = "TEXT")]
    pub remarks: Option<String>,
    /// The file to write
    #[arg(short, long, value_name = "FILE")]
    pub output: PathBuf,
}

/// From what, for whom and by whom another package is made.
#[derive(Args, Debug)]
pub struct Derive {
    /// The package, a .asice file or a folder: an original or one that was made so
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// An age identity file of one of its recipients, or the office's recovery identity; repeats; the profile's if absent
    #[arg(long, value_name = "ID")]
    pub identity: Vec<PathBuf>,
    /// Who may open the new package, age1…; repeats
    #[arg(long, value_name = "age1…", required = true)]
    pub recipient: Vec<String>,
    /// Trusted anchors (PEM) or a party entry (.asice) of its signer; repeats. Without it nobody vouches for the signer, and only integrity is checked
    #[arg(long, value_name = "FILE")]
    pub trust: Vec<PathBuf>,
    /// This office's file number
    #[arg(long, value_name = "TEXT")]
    pub reference: Option<String>,
    /// Who signs it.
    #[command(flatten)]
    pub signing: Signing,
    /// Leave out the office's recovery recipient, and why
    #[arg(long, value_name = "REASON")]
    pub no_recovery: Option<String>,
    /// The package to write: OUT.asice, or a folder
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
}

/// See [`Package::Disclose`].
#[derive(Args, Debug)]
pub struct Disclose {
    /// From what, for whom, by whom.
    #[command(flatten)]
    pub derive: Derive,
    /// An exhibit to disclose, EX-0001 …; repeats
    #[arg(long, value_name = "EX", required = true)]
    pub exhibit: Vec<String>,
}

/// See [`Package::Rewrap`].
#[derive(Args, Debug)]
pub struct Rewrap {
    /// From what, for whom, by whom.
    #[command(flatten)]
    pub derive: Derive,
}

/// See [`Package::Send`].
#[derive(Args, Debug)]
pub struct Send {
    /// The sealed package, a .asice file or a folder
    #[arg(value_name = "PATH")]
    pub path: PathBuf,
    /// The shared number of the order that is answered
    #[arg(long, value_name = "NUMBER")]
    pub order: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// See [`Package::Relay`].
#[derive(Args, Debug)]
pub struct Relay {
    /// The package, for example PK-7K2M9QXR4T1VC8ZE
    #[arg(value_name = "PK")]
    pub package: String,
    /// Do not ask
    #[arg(long)]
    pub yes: bool,
}

/// See [`Package::Receive`].
#[derive(Args, Debug)]
pub struct Receive {
    /// The package, for example PK-7K2M9QXR4T1VC8ZE
    #[arg(value_name = "PK")]
    pub package: String,
    /// Where to put it: OUT.asice, or a folder
    #[arg(short, long, value_name = "OUT")]
    pub output: PathBuf,
}

/// See [`Package::List`].
#[derive(Args, Debug)]
pub struct List {
    /// The case id or the shared number
    #[arg(value_name = "CASE")]
    pub case: String,
}

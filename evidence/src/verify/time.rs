//! Whether it is proven when a package or document existed: the time stamp that lies beside it, and its renewals.
//!
//! May read those files and call the verifier of the container crate. Never takes an anchor from what is verified.

use super::verdict::{Findings, Part};
use crate::bundle::BUNDLE_STATEMENT;
use crate::layout;
use crate::source::{FolderSource, PackageSource, ZipSource};
use crate::streams::read_limited;
use rogatory_container::cades::MAX_SIGNATURE_BYTES;
use rogatory_container::timestamp::{
    self, EXTENSION, Earlier, Expected, MAX_TOKEN_BYTES, TimestampError, VerifiedTimestamp, file_name,
    renewal_list,
};
use rogatory_core::{Digest, Timestamp, chain};
use rogatory_pki::path::Anchors;
use sha2::{Digest as _, Sha256};
use std::fs::File;
use std::io::{self, BufReader, Read as _};
use std::path::{Path, PathBuf};

/// The longest list of a renewal, in bytes.
const MAX_LIST_BYTES: usize = 64 * 1024;
/// The most renewals that are looked for: one a year for a lifetime.
const MAX_RENEWALS: usize = 100;

/// What is known of the time at which something existed, and under whose anchors more of it is judged.
#[derive(Clone, Debug, Default)]
pub struct TimeProof {
    anchors: Anchors,
    /// The instant by somebody's word, at which certificates are judged.
    claimed: Option<Timestamp>,
    found: Found,
}

#[derive(Clone, Debug, Default)]
enum Found {
    /// Nobody looked for a time stamp.
    #[default]
    NotLookedFor,
    /// Nothing is proven; why not, and whether that is wrong rather than missing.
    Unproven { why: String, failed: bool },
    /// A time stamp proves it, and renewals stand over it, in order.
    Proven { stamp: Box<VerifiedTimestamp>, renewals: Vec<VerifiedTimestamp> },
}

impl TimeProof {
    /// Looks beside `path` for `NAME.tst` and the renewals, and judges them under `anchors`.
    ///
    /// `claimed` is the instant at which certificates are to be judged by somebody's word (`--at`): it must be proven
    /// that the signature existed then.
    #[must_use]
    pub fn beside(path: &Path, anchors: &Anchors, claimed: Option<Timestamp>) -> Self {
        let found = match look(path, anchors) {
            Ok(found) => found,
            Err(why) => Found::Unproven { why, failed: true },
        };
        let found = match (claimed, found) {
            (Some(at), Found::Unproven { why, .. }) => Found::Unproven {
                why: format!("nothing proves that the signature existed at {at}: {why}"),
                failed: true,
            },
            (Some(at), Found::Proven { stamp, .. }) if stamp.latest() > at => Found::Unproven {
                why: format!(
                    "the signature is proven to have existed at {}, and not at {at} already",
                    stamp.latest()
                ),
                failed: true,
            },
            (_, found) => found,
        };
        Self { anchors: anchors.clone(), claimed, found }
    }

    /// The instant at which it existed, if that is proven.
    #[must_use]
    pub fn instant(&self) -> Option<Timestamp> {
        match &self.found {
            Found::Proven { stamp, .. } => Some(stamp.latest()),
            _ => None,
        }
    }

    /// The instant at which certificates are judged: the claimed one, else the proven one, else the present.
    #[must_use]
    pub fn judged_at(&self, present: Timestamp) -> Timestamp {
        self.claimed.or_else(|| self.instant()).unwrap_or(present)
    }

    /// The same for one part of the whole, of which a token of its own proves that it existed at `own`.
    pub(crate) fn judged_at_of(&self, own: Timestamp, otherwise: Timestamp) -> Timestamp {
        self.claimed.unwrap_or_else(|| own.min(otherwise))
    }

    /// Judges a token over `stamped` that lies within the whole; none without anchors of an authority.
    pub(crate) fn judge(
        &self,
        token: &[u8],
        stamped: Digest,
    ) -> Option<Result<VerifiedTimestamp, TimestampError>> {
        if self.anchors.is_empty() {
            return None;
        }
        let judged = timestamp::parse(token)
            .and_then(|parsed| timestamp::verify(&parsed, stamped, Expected::default(), &self.anchors));
        Some(judged)
    }

    /// Whether an instant was claimed, or something beside the whole is wrong: then what lies within does not help.
    pub(crate) const fn must_be_beside(&self) -> bool {
        self.claimed.is_some() || matches!(self.found, Found::Unproven { failed: true, .. })
    }

    /// The stamp and its renewals.
    pub(crate) fn stamps(&self) -> impl Iterator<Item = &VerifiedTimestamp> {
        let (first, renewals) = match &self.found {
            Found::Proven { stamp, renewals } => (Some(stamp.as_ref()), renewals.as_slice()),
            _ => (None, &[][..]),
        };
        first.into_iter().chain(renewals)
    }

    /// The line of the report.
    pub(crate) fn report(&self, findings: &mut Findings) {
        match &self.found {
            Found::NotLookedFor => {
                findings.not_checked(Part::Time, "no time stamp; the signing time is the signer's claim");
            }
            Found::Unproven { why, failed: false } => findings.not_checked(Part::Time, why),
            Found::Unproven { why, failed: true } => findings.failed(Part::Time, None, why.clone()),
            Found::Proven { stamp, renewals } => {
                let renewed = match renewals.last() {
                    Some(last) => format!("; renewed: {}", in_words(last)),
                    None => "; nothing renews it".to_owned(),
                };
                findings.checked(Part::Time, format!("time: {}{renewed}", in_words(stamp)));
            }
        }
    }
}

/// What a stamp proves, and until when its authority vouches for its key.
pub(crate) fn in_words(stamp: &VerifiedTimestamp) -> String {
    let accuracy = match stamp.accuracy_microseconds() {
        Some(microseconds) => format!(", accurate to {} ms", microseconds.div_ceil(1_000)),
        None => String::new(),
    };
    let tsa = stamp.tsa();
    let ends = tsa.not_after();
    format!("proven {} by {}, whose certificate ends {ends}{accuracy}", stamp.time(), tsa.subject())
}

/// An error is a failure, in words.
fn look(path: &Path, anchors: &Anchors) -> Result<Found, String> {
    let unproven = |why: &str| Ok(Found::Unproven { why: why.to_owned(), failed: false });
    let Some(token) = read_beside(path, 0, true)? else {
        return unproven("no time stamp; the signing time is the signer's claim");
    };
    if anchors.is_empty() {
        return unproven("there is a time stamp, but no anchor of a time-stamping authority was given");
    }
    let Some(subject) = subject(path).map_err(|error| format!("what is stamped cannot be read: {error}"))?
    else {
        return unproven("there is a time stamp, but what it stamps is not kept in this form");
    };
    let verify = |token: &[u8], stamped: Digest, number: usize| {
        let name = format!("{}.{EXTENSION}", file_name("NAME", number));
        let parsed = timestamp::parse(token).map_err(|error| format!("`{name}`: {}", chain(&error)))?;
        timestamp::verify(&parsed, stamped, Expected::default(), anchors)
            .map_err(|error| format!("`{name}`: {}", chain(&error)))
    };
    let stamp = Box::new(verify(&token, subject, 0)?);
    let mut earlier = vec![Earlier { stamped: subject, token: Digest::of(&token) }];
    let mut renewals: Vec<VerifiedTimestamp> = Vec::new();
    for number in 1..=MAX_RENEWALS {
        let Some(list) = read_beside(path, number, false)? else { break };
        let name = file_name("NAME", number);
        if list != renewal_list(&subject, &earlier).as_bytes() {
            return Err(format!("`{name}` does not list the subject and every earlier time stamp"));
        }
        let Some(token) = read_beside(path, number, true)? else {
            return Err(format!("`{name}` lies there without its time stamp `{name}.{EXTENSION}`"));
        };
        let renewal = verify(&token, Digest::of(&list), number)?;
        let before = renewals.last().unwrap_or(&stamp);
        if before.tsa().not_after() < renewal.latest() {
            let why =
                "it is not proven to have been made before the certificate of the authority before had ended";
            return Err(format!("`{name}.{EXTENSION}`: {why}"));
        }
        earlier.push(Earlier { stamped: Digest::of(&list), token: Digest::of(&token) });
        renewals.push(renewal);
    }
    Ok(Found::Proven { stamp, renewals })
}

/// Reads a token, or the list of a renewal, that lies beside `path`; none if it isn't there.
fn read_beside(path: &Path, number: usize, token: bool) -> Result<Option<Vec<u8>>, String> {
    let Some(place) = beside(path, number, token) else { return Ok(None) };
    let limit = if token { MAX_TOKEN_BYTES } else { MAX_LIST_BYTES };
    match File::open(&place).and_then(|file| read_limited(&mut BufReader::new(file), limit)) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(format!("`{}` cannot be read: {error}", place.display())),
    }
}

/// Where the list of a renewal lies beside `path` (number 0: `path` itself), or the token over it.
#[must_use]
pub fn beside(path: &Path, number: usize, token: bool) -> Option<PathBuf> {
    // A name that is no text gets its ending all the same.
    let mut name = path.file_name()?.to_os_string();
    if number > 0 {
        name.push(format!(".renewal{number}.txt"));
    }
    if token {
        name.push(format!(".{EXTENSION}"));
    }
    Some(path.with_file_name(name))
}

/// The SHA-256 of what is stamped of what lies at `path`: the last outer signature of a package, be it a folder or a
/// file, and the whole file of everything else; none for what was opened and for folders that are no package.
fn subject(path: &Path) -> io::Result<Option<Digest>> {
    if path.is_dir() {
        // What an outer signature covers is not all that is judged here.
        if path.join(layout::OPENED_INDEX_NAME).exists() {
            return Ok(None);
        }
        return match FolderSource::open(path) {
            Ok(source) if is_package(&source) => outer_signature(&source),
            Ok(_) => Ok(None),
            Err(error) => Err(io::Error::other(chain(&error))),
        };
    }
    if let Ok(source) = ZipSource::open(path)
        && is_package(&source)
    {
        return outer_signature(&source);
    }
    let (mut file, mut hasher) = (File::open(path)?, Sha256::new());
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match file.read(&mut buffer)? {
            0 => return Ok(Some(Digest::from_bytes(hasher.finalize().into()))),
            read => hasher.update(buffer.get(..read).unwrap_or_default()),
        }
    }
}

/// Whether it is judged as a package, where the outer signatures cover every object.
fn is_package(source: &dyn PackageSource) -> bool {
    let objects = source.objects();
    let has = |wanted: &str| objects.iter().any(|object| object.name == wanted);
    !has(BUNDLE_STATEMENT) && (has(layout::INDEX_NAME) || has(layout::BAGIT_NAME))
}

fn outer_signature(source: &dyn PackageSource) -> io::Result<Option<Digest>> {
    for name in [layout::SEAL_SIGNATURE, layout::PERSON_SIGNATURE] {
        match source.open(name).and_then(|mut reader| read_limited(&mut *reader, MAX_SIGNATURE_BYTES)) {
            Ok(bytes) => return Ok(Some(Digest::of(&bytes))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(None)
}

//! Fetching a received package from the own server: every object's digest is checked, and nothing
//! stands under the final name before all are here.
//!
//! A download that broke continues: the partial folder keeps whole objects, and of the one that broke what is durable
//! with its digest's state. It is never taken for the package: that gets its name when it is whole.
//!
//! ```text
//! OUT.partial/lock                   held while a run writes here
//! OUT.partial/<objects>/whole/…      whole objects of the very package that is fetched
//! OUT.partial/<objects>/arriving/…   the one that is arriving
//! ```

use super::Held;
use super::objects::{Source, Telling, digest_of_list};
use crate::commands::party;
use crate::commands::receipts::{self, Expected, ReceiptFacts};
use crate::commands::stamps;
use crate::connect::explain;
use crate::files;
use crate::output::Outcome;
use crate::output::page::{Page, bytes};
use crate::problem::Problem;
use crate::session::Session;
use bytes::Bytes;
use rogatory_core::receipt::{ReceiptKind, Receipted};
use rogatory_core::{Digest, PackageId};
use rogatory_evidence::arrival::{ArrivalError, Arrivals, ArrivingObject, Ended, SETTLED_AT_ONCE};
use rogatory_evidence::durable::{Disk, DurableFiles as _};
use rogatory_evidence::verify::claimed_transmittal;
use rogatory_evidence::{ObjectDigest, PERSON_SIGNATURE, SEAL_SIGNATURE, save_asice};
use rogatory_proto::objects::{STREAMS_AT_ONCE, streams};
use rogatory_proto::office::v1 as office;
use rogatory_proto::office::v1::package_service_client::PackageServiceClient;
use serde::Serialize;
use std::collections::VecDeque;
use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tonic::transport::Channel;

/// How many messages of a stream may wait for the disk.
const MESSAGES_AHEAD: usize = 4;

/// The result of [`receive`].
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    /// The package.
    pub package_id: PackageId,
    /// The case.
    pub case_id: String,
    /// Where it is.
    pub output: PathBuf,
    /// SHA-256 of its `ASiCManifest001.xml`.
    pub manifest_sha256: Digest,
    /// The number of objects.
    pub object_count: usize,
    /// The bytes of all objects.
    pub size_bytes: u64,
    /// Those of them that this run fetched and hashed; the others were here.
    pub fetched_bytes: u64,
    /// Who can open it, as the package says itself: the recovery recipients last.
    pub recipients: Vec<String>,
    /// The relay receipt that came with it, if it was relayed; verified.
    pub relay_receipt: Option<ReceiptFacts>,
    /// The files of its time stamp and of the renewals, as far as the server got them.
    pub time_stamps: Vec<PathBuf>,
    /// Where the relay receipt is.
    pub relay_receipt_file: Option<PathBuf>,
}

impl Outcome for Received {
    fn show(&self, page: &mut Page) {
        page.fact("package", &self.package_id);
        page.fact("written to", self.output.display());
        page.fact("size", format!("{} objects, {}", self.object_count, bytes(self.size_bytes)));
        page.fact("manifest sha256", self.manifest_sha256);
        for recipient in &self.recipients {
            page.fact("says it can be opened by", recipient);
        }
        if let Some(relay) = &self.relay_receipt {
            page.fact("relay receipt", format!("by {} at {}", relay.issuer, relay.issued_time));
        }
        if let Some(file) = &self.relay_receipt_file {
            page.fact("written to", file.display());
        }
        for file in &self.time_stamps {
            page.fact("time stamp", file.display());
        }
        page.blank();
        page.line("Every digest fits what the server announced. Verify it: `rogatory package verify`.");
    }
}

/// Downloads a package and writes it as a folder or, if `output` ends in `.asice`, as one file.
///
/// # Errors
/// Unverified, if an object has another digest; a usage problem if the output is there already.
pub async fn receive(session: &Session, package: &PackageId, output: &Path) -> Result<Received, Problem> {
    files::must_be_new(output)?;
    let case = super::case_of(session, package).await?;
    let held = super::held(session, package).await?;
    let receipt_file = receipt_name(output);
    let relay_receipt = if held.relay_receipt.is_empty() {
        None
    } else {
        files::must_be_new(&receipt_file)?;
        // The requested authority relayed it: this office, or the one whose package arrived here.
        let (own, counterpart) =
            (session.profile()?.party.clone(), crate::commands::party_id(&case.counterpart)?);
        let (issuer, addressee, entry) = if case.side == "requested" {
            (own, counterpart, receipts::own_entry(session).await?)
        } else {
            let (_, entry) = party::confirmed(session, &counterpart).await?;
            (counterpart, own, entry)
        };
        let of = |of: &Receipted| held.was_passed_on(package, &issuer, &case.shared_number, of);
        let expected = Expected {
            issuer: &issuer,
            kind: ReceiptKind::Relay,
            addressee: &addressee,
            of: &of,
            sent: held.manifest,
        };
        Some(receipts::verify_bytes(session, &entry, &held.relay_receipt, &expected)?)
    };
    let partial = Arc::new(Partial::open(output, &held.objects)?);
    let here = held.objects.iter().map(|object| partial.arrivals.committed(object)).sum::<u64>();
    // A container file is written from the objects once they are all here.
    let container = if is_file(output) { held.size_bytes() } else { 0 };
    super::limits::check_room(output, held.size_bytes().saturating_sub(here).saturating_add(container))?;
    download_all(session, package, &held, &partial).await?;
    let fetched_bytes = partial.arrivals.hashed_bytes();
    place(session, partial, output.to_owned()).await?;
    if relay_receipt.is_some() {
        files::write_new(&receipt_file, &held.relay_receipt)?;
    }
    let signature = [SEAL_SIGNATURE, PERSON_SIGNATURE]
        .iter()
        .find_map(|name| held.objects.iter().find(|object| object.name == *name));
    let time_stamps = match signature {
        Some(signature) => {
            let stamps = stamps::fetch(session, &signature.sha256).await?;
            stamps::write_beside(output, &stamps)?.into_iter().map(|(file, _)| file).collect()
        }
        None => Vec::new(),
    };
    let transmittal = claimed_transmittal(output).map_err(|error| {
        Problem::unverified(format!("`{}` was received and cannot be read", output.display())).because(&error)
    })?;
    Ok(Received {
        recipients: super::recipient_lines(&transmittal),
        package_id: package.clone(),
        case_id: case.case_id,
        output: output.to_owned(),
        manifest_sha256: held.manifest,
        object_count: held.objects.len(),
        size_bytes: held.size_bytes(),
        fetched_bytes,
        time_stamps,
        relay_receipt_file: relay_receipt.is_some().then_some(receipt_file),
        relay_receipt,
    })
}

/// `p.asice` → `p.relay-receipt.asice`, beside the package.
fn receipt_name(output: &Path) -> PathBuf {
    let mut name = if is_file(output) { output.file_stem() } else { output.file_name() }
        .unwrap_or_default()
        .to_os_string();
    name.push(".relay-receipt.asice");
    output.with_file_name(name)
}

fn is_file(output: &Path) -> bool {
    output.extension().is_some_and(|extension| extension == "asice")
}

/// Where a download is before it is whole; while it lives, no other run writes there.
struct Partial {
    /// The folder beside the final name.
    folder: PathBuf,
    /// The part of it that is of this very package: another one's objects are never taken for this one's.
    own: PathBuf,
    arrivals: Arrivals,
    _lock: File,
}

impl Partial {
    /// Makes the folders, and removes what an earlier download of another package left under the same name.
    fn open(output: &Path, objects: &[ObjectDigest]) -> Result<Self, Problem> {
        let folder = files::partial_name(output);
        files::make_directory(&folder)?;
        let lock = lock(&folder)?;
        let own = folder.join(digest_of_list(objects).to_hex());
        let arrivals = Arrivals::new(Arc::new(Disk::AsUsual), own.join("arriving"), own.join("whole"));
        let cannot = |error| cannot_write(&folder, &error);
        arrivals.prepare().map_err(cannot)?;
        for entry in fs::read_dir(&folder).map_err(cannot)? {
            let path = entry.map_err(cannot)?.path();
            if path != own && is_digest(&path) {
                Disk::AsUsual.remove(&path).map_err(cannot)?;
            }
        }
        Ok(Self { folder, own, arrivals, _lock: lock })
    }
}

/// Keeps other runs away until the file is closed, be it by a crash.
fn lock(folder: &Path) -> Result<File, Problem> {
    let path = folder.join("lock");
    let file = File::create(&path).map_err(|error| cannot_write(&path, &error))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => {
            let what = format!("another run is receiving into `{}`", folder.display());
            Err(Problem::not_yet(what).with_hint("wait until it has ended, or give another name"))
        }
        Err(TryLockError::Error(error)) => Err(cannot_write(&path, &error)),
    }
}

fn is_digest(path: &Path) -> bool {
    let name = path.file_name().unwrap_or_default().as_encoded_bytes();
    name.len() == 64 && name.iter().all(u8::is_ascii_hexdigit)
}

fn cannot_write(path: &Path, error: &io::Error) -> Problem {
    Problem::failed(format!("`{}` cannot be written", path.display())).because(error)
}

/// An object that goes on at an offset.
type GoesOn = (ObjectDigest, u64);

/// Fetches what is not here, some streams at once on the one connection; the first that fails ends the others.
async fn download_all(
    session: &Session,
    package: &PackageId,
    held: &Held,
    partial: &Arc<Partial>,
) -> Result<(), Problem> {
    session.progress.begin("receiving", Some(held.size_bytes()));
    let mut waiting = Vec::new();
    for object in &held.objects {
        let offset = partial.arrivals.committed(object);
        session.progress.done_before(offset);
        if !partial.arrivals.has(object) {
            waiting.push(((object.clone(), offset), object.size_bytes - offset));
        }
    }
    let waiting = streams(waiting);
    let count = waiting.len().min(STREAMS_AT_ONCE);
    let waiting: Arc<Mutex<VecDeque<Vec<GoesOn>>>> = Arc::new(Mutex::new(waiting));
    let client = session.connection().await?.packages();
    let mut fetching = JoinSet::new();
    for _ in 0..count {
        let fetch = Fetch {
            client: client.clone(),
            package: package.clone(),
            partial: Arc::clone(partial),
            progress: Arc::clone(&session.progress),
        };
        let waiting = Arc::clone(&waiting);
        fetching.spawn(async move {
            loop {
                // The queue is whole whenever the lock is free, even after a panic elsewhere.
                let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some(objects) = next else { return Ok(()) };
                fetch.stream(objects).await?;
            }
        });
    }
    let mut outcome = Ok(());
    while let Some(done) = fetching.join_next().await {
        let done = done.unwrap_or_else(|error| Err(Problem::failed("receiving stopped").because(&error)));
        if done.is_err() && outcome.is_ok() {
            outcome = done;
            // The others keep what came.
            fetching.abort_all();
        }
    }
    session.progress.end();
    outcome
}

/// How objects are fetched.
struct Fetch {
    client: PackageServiceClient<Channel>,
    package: PackageId,
    partial: Arc<Partial>,
    progress: Arc<dyn crate::output::progress::Progress>,
}

/// What of a stream of objects the writer gets.
enum Piece {
    /// The next object begins.
    Begin(GoesOn),
    /// Its bytes.
    Bytes(Bytes),
}

impl Fetch {
    /// Fetches objects one after another, the first from where an earlier try stopped, and checks their digests.
    async fn stream(&self, objects: Vec<GoesOn>) -> Result<(), Problem> {
        let (pieces, waiting) = mpsc::channel::<Piece>(MESSAGES_AHEAD);
        let (whole, told) = oneshot::channel::<()>();
        let partial = Arc::clone(&self.partial);
        // Hashing and writing have a thread of their own. If this call ends early, what came is kept.
        let writing = tokio::task::spawn_blocking(move || write(&partial.arrivals, waiting, told));
        let come = self.pass_on(objects, pieces).await;
        if come.is_ok() {
            // If the writer has stopped it says why below.
            let _ = whole.send(());
        } else {
            drop(whole);
        }
        let written = writing.await.map_err(|error| Problem::failed("writing stopped").because(&error))?;
        written.map_err(|error| match error {
            ArrivalError::Io { source, name } => cannot_write(Path::new(&name), &source),
            other => Problem::unverified(rogatory_core::chain(&other)).with_hint(
                "try again; if it stays so, ask the operator to check the store with `rogatory-server fsck`",
            ),
        })?;
        come
    }

    /// Passes the bytes of objects on as they come.
    async fn pass_on(&self, objects: Vec<GoesOn>, pieces: mpsc::Sender<Piece>) -> Result<(), Problem> {
        let request = office::DownloadObjectRequest {
            package_id: self.package.to_string(),
            names: objects.iter().map(|(object, _)| object.name.clone()).collect(),
            offset: objects.first().map_or(0, |(_, offset)| *offset),
        };
        let mut stream = self.client.clone().download_object(request).await.map_err(explain)?.into_inner();
        let mut coming = objects.into_iter();
        let mut present: Option<(ObjectDigest, u64)> = None;
        while let Some(message) = stream.message().await.map_err(explain)? {
            if !message.name.is_empty() {
                ended(present.as_ref())?;
                let next = coming.next().filter(|(object, _)| object.name == message.name);
                let next = next.ok_or_else(|| {
                    Problem::unverified(format!(
                        "the server sends `{}`, which was not asked for",
                        crate::problem::clean(&message.name)
                    ))
                })?;
                self.progress.object(&message.name);
                present = Some(next.clone());
                if pieces.send(Piece::Begin(next)).await.is_err() {
                    return Ok(());
                }
            }
            let length = message.data.len() as u64;
            if let Some((_, have)) = &mut present {
                *have = have.saturating_add(length);
            }
            // The writer hangs up only with an error, which it tells itself: the object is too long, or the disk full.
            if length > 0 && pieces.send(Piece::Bytes(message.data)).await.is_err() {
                return Ok(());
            }
            self.progress.advance(length);
        }
        ended(present.as_ref())?;
        match coming.next() {
            None => Ok(()),
            Some((object, offset)) => ended(Some(&(object, offset))),
        }
    }
}

/// Whether all of an object has come.
fn ended(object: Option<&GoesOn>) -> Result<(), Problem> {
    match object {
        Some((object, have)) if *have < object.size_bytes => {
            let what = format!("`{}` ended after {have} of {} bytes", object.name, object.size_bytes);
            Err(Problem::not_yet(what).with_hint("the same command continues where it stopped"))
        }
        _ => Ok(()),
    }
}

/// Writes what comes through `waiting` until the channel ends: whole if somebody tells so, else broken off.
fn write(
    arrivals: &Arrivals,
    mut waiting: mpsc::Receiver<Piece>,
    told: oneshot::Receiver<()>,
) -> Result<(), ArrivalError> {
    let (mut whole, mut present): (Vec<Ended>, Option<ArrivingObject>) = (Vec::new(), None);
    while let Some(piece) = waiting.blocking_recv() {
        match piece {
            Piece::Begin((object, offset)) => {
                whole.extend(present.take().map(ArrivingObject::end).transpose()?);
                if whole.len() >= SETTLED_AT_ONCE {
                    arrivals.settle(std::mem::take(&mut whole))?;
                }
                present = Some(arrivals.write(&object, offset)?);
            }
            Piece::Bytes(bytes) => {
                if let Some(present) = &mut present {
                    present.write(&bytes)?;
                }
            }
        }
    }
    if told.blocking_recv().is_ok() {
        whole.extend(present.take().map(ArrivingObject::end).transpose()?);
    }
    let kept = present.map(ArrivingObject::suspend).transpose();
    arrivals.settle(whole)?;
    kept.map(drop)
}

/// Gives the complete folder its final name, or makes the container file of it.
async fn place(session: &Session, partial: Arc<Partial>, output: PathBuf) -> Result<(), Problem> {
    let progress = Arc::clone(&session.progress);
    let work = move || {
        let cannot = |error: io::Error| {
            Problem::failed(format!("`{}` cannot be put in its place", output.display())).because(&error)
        };
        if is_file(&output) {
            let source = Source::open(&partial.own.join("whole"))?;
            save_asice(&source, &output, &mut Telling(Arc::clone(&progress))).map_err(|error| {
                Problem::failed(format!("`{}` cannot be written", output.display())).because(&error)
            })?;
            progress.end();
        } else {
            partial.arrivals.place(&output).map_err(cannot)?;
        }
        // What stands under the final name is whole and durable; what is removed is only its parts.
        Disk::AsUsual.remove(&partial.folder).map_err(cannot)
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::failed("writing stopped").because(&error))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relay_receipt_lies_beside_the_package() {
        assert_eq!(receipt_name(Path::new("a/p.asice")), Path::new("a/p.relay-receipt.asice"));
        assert_eq!(receipt_name(Path::new("a/p")), Path::new("a/p.relay-receipt.asice"));
    }

    #[test]
    fn what_an_earlier_download_of_another_package_left_is_removed() {
        let directory = tempfile::tempdir().expect("a directory");
        let output = directory.path().join("p");
        let object = |content: &[u8]| ObjectDigest {
            name: "mimetype".to_owned(),
            size_bytes: content.len() as u64,
            sha256: Digest::of(content),
        };
        let (one, other) = ([object(b"1")], [object(b"2")]);
        let partial = Partial::open(&output, &one).expect("made");
        let mut arriving = partial.arrivals.write(&one[0], 0).expect("begun");
        arriving.write(b"1").expect("written");
        arriving.finish().expect("whole");
        fs::write(partial.folder.join("a note"), "not ours").expect("written");
        let busy = Partial::open(&output, &one).err().expect("another run is there");
        assert_eq!(busy.exit(), crate::Exit::NotYet);
        drop(partial);

        let again = Partial::open(&output, &one).expect("there already");
        assert!(again.arrivals.has(&one[0]));
        let left = again.own.clone();
        drop(again);
        let another = Partial::open(&output, &other).expect("made");
        assert!(!another.arrivals.has(&other[0]), "of the same name and size, but another's");
        assert!(!left.exists());
        assert!(another.folder.join("a note").exists());
    }
}

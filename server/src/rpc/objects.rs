//! Objects of packages between wire and vault, the same on both listeners.

use crate::access::{Permit, permit_of};
use crate::authority::Authority;
use crate::casework::transfer;
use crate::datastore::ObjectRow;
use crate::pace::Pace;
use crate::problem::{Problem, Reason};
use crate::rpc::{field, status_of};
use crate::vault::Vault;
use bytes::Bytes;
use rogatory_core::Digest;
use rogatory_evidence::arrival::Awaited;
use rogatory_proto::common::v1::{ObjectProgress, PackageObject};
use tokio::sync::{mpsc, oneshot};
use tokio_stream::{Stream, StreamExt as _};
use tonic::{Request, Status, Streaming};

/// The most bytes of one message.
const MESSAGE_LIMIT: usize = 1024 * 1024;
const MESSAGES_AHEAD: usize = 4;

/// A package as it is announced, on either listener.
pub(super) struct Announcement {
    pub shared_number: String,
    pub objects: Vec<PackageObject>,
    pub sealing_id: Bytes,
    pub unfinished: bool,
}

/// Announces a package and tells how much of it is here, under which name.
///
/// # Errors
/// As [`transfer::begin`].
pub(super) async fn begin(
    authority: &Authority,
    permit: &Permit,
    announced: Announcement,
) -> Result<(String, Vec<ObjectProgress>), Problem> {
    let number = field("shared_number", &announced.shared_number)?;
    let sealing = match announced.sealing_id.len() {
        0 => None,
        16..=64 => Some(announced.sealing_id.as_ref()),
        length => {
            let what = format!("has {length} bytes; 16 to 64 are taken");
            return Err(Problem::argument("sealing_id", &what));
        }
    };
    if announced.unfinished {
        let sealing = sealing.ok_or_else(|| {
            Problem::argument("sealing_id", &"is missing: a package that is still being sealed needs one")
        })?;
        let objects: Vec<Awaited> =
            announced.objects.into_iter().map(awaited).collect::<Result<_, Problem>>()?;
        let transfer = transfer::begin_sealing(authority, permit, number, sealing, &objects).await?;
        let committed = transfer::progress_of_sealing(authority, &transfer, objects.clone()).await?;
        let names = objects.into_iter().map(|object| object.name);
        return Ok((transfer.id, progress(names, committed)));
    }
    let objects = announced.objects.into_iter().map(awaited).map(|object| listed(object?));
    let objects = objects.collect::<Result<Vec<ObjectRow>, Problem>>()?;
    let transfer = transfer::begin(authority, permit, number, objects, sealing).await?;
    let committed = transfer::progress(authority, permit, &transfer).await?;
    let names = transfer.objects.into_iter().map(|object| object.name);
    Ok((transfer.id, progress(names, committed)))
}

fn awaited(object: PackageObject) -> Result<Awaited, Problem> {
    let sha256 = if object.sha256.is_empty() {
        None
    } else {
        let read = Digest::from_slice(&object.sha256);
        Some(read.map_err(|error| Problem::argument("objects.sha256", &error))?)
    };
    Ok(Awaited { name: object.name, size_bytes: object.size_bytes, sha256 })
}

fn listed(object: Awaited) -> Result<ObjectRow, Problem> {
    let Awaited { name, size_bytes, sha256 } = object;
    let missing = || Problem::argument("objects.sha256", &"is missing, and the package is not being sealed");
    Ok(ObjectRow { name, size_bytes, sha256: sha256.ok_or_else(missing)? })
}

fn progress(names: impl Iterator<Item = String>, committed: Vec<u64>) -> Vec<ObjectProgress> {
    names.zip(committed).map(|(name, committed_bytes)| ObjectProgress { name, committed_bytes }).collect()
}

/// A message of a stream of objects: the first of each object holds its header, all may hold bytes.
pub(super) struct ObjectMessage {
    pub transfer_id: String,
    pub name: String,
    pub offset: u64,
    pub size_bytes: u64,
    pub data: Bytes,
}

const fn data_bytes(message: &ObjectMessage) -> usize {
    message.data.len()
}

/// Takes objects as they stream in, on either listener; gives the committed length of the last.
///
/// # Errors
/// A status naming what is wrong: an object is not what was announced, or stream or disk broke.
pub(super) async fn receive<M>(authority: &Authority, request: Request<Streaming<M>>) -> Result<u64, Status>
where
    M: Into<ObjectMessage>,
{
    let permit = permit_of(&request).map_err(|problem| status_of(&problem))?;
    let stream = request.into_inner().map(|message| message.map(Into::into));
    write(authority, &permit, stream).await.map_err(|problem| status_of(&problem))
}

/// Writes objects as their messages arrive, hashing on the way; what came of one that breaks off is kept.
async fn write(
    authority: &Authority,
    permit: &Permit,
    mut stream: impl Stream<Item = Result<ObjectMessage, Status>> + Unpin,
) -> Result<u64, Problem> {
    // Who stops, or sends drop by drop, holds a thread and a place: not for ever.
    let mut pace = Pace::default();
    let Some(first) = pace.next(&mut stream, data_bytes).await? else {
        return Err(Problem::argument("transfer_id", &"the stream is empty"));
    };
    let (pieces, waiting) = mpsc::channel::<Piece>(MESSAGES_AHEAD);
    let (whole, told) = oneshot::channel::<()>();
    let (vault, caller) = (authority.vault.clone(), permit.caller_name());
    let transfer = first.transfer_id.clone();
    // Before a thread is taken for it.
    let mut begun = Begun::find(authority, permit, &transfer, &first).await?;
    let arriving = Arriving { transfer: transfer.clone(), caller };
    // Hashing and writing have a thread of their own, so that the network never waits for the disk alone.
    let writing = tokio::task::spawn_blocking(move || arriving.write(&vault, waiting, told));
    let mut message = Some(first);
    let mut is_first = true;
    while let Some(ObjectMessage { name, offset, size_bytes, data, .. }) = message {
        if data.len() > MESSAGE_LIMIT {
            return Err(Problem::argument("data", &format!("a message holds at most {MESSAGE_LIMIT} bytes")));
        }
        if !is_first && !name.is_empty() {
            let header =
                ObjectMessage { transfer_id: String::new(), name, offset, size_bytes, data: Bytes::new() };
            begun = Begun::find(authority, permit, &transfer, &header).await?;
            is_first = true;
        }
        // The writer hangs up only with an error, which it tells below.
        if is_first
            && !begun.is_here
            && pieces.send(Piece::Begin(begun.object.clone(), begun.offset)).await.is_err()
        {
            break;
        }
        is_first = false;
        if !begun.is_here && !data.is_empty() && pieces.send(Piece::Bytes(data)).await.is_err() {
            break;
        }
        message = pace.next(&mut stream, data_bytes).await?;
    }
    drop(pieces);
    // Likewise if it has stopped already.
    let _ = whole.send(());
    writing.await.map_err(|error| Problem::internal("writing an object broke off", error))??;
    Ok(begun.object.size_bytes)
}

/// An object that a message begins.
struct Begun {
    object: Awaited,
    offset: u64,
    /// It is here whole: what comes of it is not looked at.
    is_here: bool,
}

impl Begun {
    async fn find(
        authority: &Authority,
        permit: &Permit,
        transfer: &str,
        header: &ObjectMessage,
    ) -> Result<Self, Problem> {
        let object = transfer::object(authority, permit, transfer, &header.name, header.size_bytes).await?;
        let offset = header.offset;
        if offset > object.size_bytes {
            return Err(Problem::argument("offset", &format!("the object has {} bytes", object.size_bytes)));
        }
        let is_here = authority.vault.has_awaited(transfer, &object);
        Ok(Self { object, offset, is_here })
    }
}

/// What of a stream of objects the writer gets.
enum Piece {
    /// The next object begins at an offset.
    Begin(Awaited, u64),
    /// Its bytes.
    Bytes(Bytes),
}

/// Objects on their way into the vault.
struct Arriving {
    transfer: String,
    caller: String,
}

impl Arriving {
    /// Writes what comes through `waiting`, on a thread of its own, until the channel ends: whole if somebody tells
    /// so, else broken off.
    fn write(
        self,
        vault: &Vault,
        mut waiting: mpsc::Receiver<Piece>,
        told: oneshot::Receiver<()>,
    ) -> Result<(), Problem> {
        let Self { transfer, caller } = self;
        let mut stream = vault.stream(&transfer, &caller)?;
        let mut present = (String::new(), 0);
        while let Some(piece) = waiting.blocking_recv() {
            match piece {
                Piece::Begin(object, offset) => {
                    stream.end()?;
                    present = (object.name.clone(), offset);
                    stream.begin(object, offset)?;
                }
                Piece::Bytes(bytes) => stream.write(&bytes)?,
            }
        }
        let (object, offset) = present;
        let received = stream.written().saturating_sub(offset);
        if told.blocking_recv().is_ok() {
            stream.finish()?;
            tracing::debug!(transfer, object, offset, received, "objects are here, up to this one");
            return Ok(());
        }
        let committed = stream.suspend()?;
        tracing::info!(transfer, object, offset, received, committed, "an object broke off");
        Err(Problem::new(Reason::MalformedPackage, "the object broke off"))
    }
}

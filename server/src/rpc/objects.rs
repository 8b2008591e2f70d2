//! Objects of packages between wire and vault, the same on both listeners.

use crate::access::{Permit, permit_of};
use crate::authority::Authority;
use crate::casework::transfer;
use crate::datastore::{ObjectRow, TransferRow};
use crate::problem::{Problem, Reason};
use crate::rpc::{field, status_of};
use crate::vault::Vault;
use bytes::Bytes;
use rogatory_core::Digest;
use rogatory_proto::common::v1::{ObjectProgress, PackageObject};
use std::time::Duration;
use tokio::sync::{mpsc, oneshot};
use tonic::{Request, Status, Streaming};

/// The most bytes of one message.
const MESSAGE_LIMIT: usize = 1024 * 1024;
const MESSAGES_AHEAD: usize = 4;
/// How long the next message of an object is waited for.
const MESSAGE_PATIENCE: Duration = Duration::from_secs(60);

/// Reads the announced objects.
///
/// # Errors
/// A [`Problem`] naming the field.
pub(super) fn parse(objects: Vec<PackageObject>) -> Result<Vec<ObjectRow>, Problem> {
    objects
        .into_iter()
        .map(|object| {
            let sha256 = Digest::from_slice(&object.sha256)
                .map_err(|error| Problem::argument("objects.sha256", &error))?;
            Ok(ObjectRow { name: object.name, size_bytes: object.size_bytes, sha256 })
        })
        .collect()
}

/// Announces a package and tells how much of it is here.
///
/// # Errors
/// As [`transfer::begin`].
pub(super) async fn begin(
    authority: &Authority,
    permit: &Permit,
    shared_number: &str,
    objects: Vec<PackageObject>,
) -> Result<(TransferRow, Vec<ObjectProgress>), Problem> {
    let number = field("shared_number", shared_number)?;
    let transfer = transfer::begin(authority, permit, number, parse(objects)?).await?;
    let committed = transfer::progress(authority, permit, &transfer).await?;
    let progress = transfer
        .objects
        .iter()
        .zip(committed)
        .map(|(object, committed_bytes)| ObjectProgress { name: object.name.clone(), committed_bytes })
        .collect();
    Ok((transfer, progress))
}

/// A message of an object: the first holds the header, all hold bytes.
pub(super) struct ObjectMessage {
    pub transfer_id: String,
    pub name: String,
    pub offset: u64,
    pub data: Bytes,
}

/// Takes an object as it streams in, on either listener; gives the committed length.
///
/// # Errors
/// A status naming what is wrong: the object is not what was announced, or stream or disk broke.
pub(super) async fn receive<M>(authority: &Authority, request: Request<Streaming<M>>) -> Result<u64, Status>
where
    M: Into<ObjectMessage>,
{
    let permit = permit_of(&request).map_err(|problem| status_of(&problem))?;
    let mut stream = request.into_inner();
    let Some(header) = stream.message().await? else {
        return Err(status_of(&Problem::argument("transfer_id", &"the stream is empty")));
    };
    write(authority, &permit, header.into(), stream).await.map_err(|problem| status_of(&problem))
}

/// Writes an object as its messages arrive, hashing on the way; what came of one that breaks off is kept.
async fn write<M: Into<ObjectMessage>>(
    authority: &Authority,
    permit: &Permit,
    header: ObjectMessage,
    mut stream: Streaming<M>,
) -> Result<u64, Problem> {
    let object = transfer::object(authority, permit, &header.transfer_id, &header.name).await?;
    if header.offset > object.size_bytes {
        return Err(Problem::argument("offset", &format!("the object has {} bytes", object.size_bytes)));
    }
    if authority.vault.has(&header.transfer_id, &object) {
        return Ok(object.size_bytes);
    }
    let (chunks, waiting) = mpsc::channel::<Bytes>(MESSAGES_AHEAD);
    let (whole, told) = oneshot::channel::<()>();
    let (vault, caller) = (authority.vault.clone(), permit.caller_name());
    let (transfer, offset) = (header.transfer_id, header.offset);
    let size_bytes = object.size_bytes;
    let arriving = Arriving { transfer, object, offset, caller };
    // Hashing and writing have a thread of their own, so that the network never waits for the disk alone.
    let writing = tokio::task::spawn_blocking(move || arriving.write(&vault, waiting, told));
    let mut chunk = Some(header.data);
    while let Some(data) = chunk {
        if data.len() > MESSAGE_LIMIT {
            return Err(Problem::argument("data", &format!("a message holds at most {MESSAGE_LIMIT} bytes")));
        }
        // The writer hangs up only with an error, which it tells below.
        if !data.is_empty() && chunks.send(data).await.is_err() {
            break;
        }
        // Who stops in the middle holds a thread and a place: not for ever.
        let next = tokio::time::timeout(MESSAGE_PATIENCE, stream.message()).await.map_err(|_| {
            Problem::new(Reason::MalformedPackage, "the object broke off: nothing came for a minute")
        })?;
        let next = next.map_err(|status| Problem::argument("stream", &status.message()))?;
        chunk = next.map(|message| message.into().data);
    }
    drop(chunks);
    // Likewise if it has stopped already.
    let _ = whole.send(());
    writing.await.map_err(|error| Problem::internal("writing an object broke off", error))??;
    Ok(size_bytes)
}

/// An object on its way into the vault.
struct Arriving {
    transfer: String,
    object: ObjectRow,
    offset: u64,
    caller: String,
}

impl Arriving {
    /// Writes what comes through `waiting`, on a thread of its own, until the channel ends: whole if somebody tells
    /// so, else broken off.
    fn write(
        self,
        vault: &Vault,
        mut waiting: mpsc::Receiver<Bytes>,
        told: oneshot::Receiver<()>,
    ) -> Result<(), Problem> {
        let Self { transfer, object, offset, caller } = self;
        let mut writer = vault.write_object(&transfer, &object, offset, &caller)?;
        while let Some(chunk) = waiting.blocking_recv() {
            writer.write(&chunk)?;
        }
        let (name, received) = (&object.name, writer.written() - offset);
        if told.blocking_recv().is_ok() {
            writer.finish()?;
            tracing::debug!(transfer, object = name, offset, received, "an object is here");
            return Ok(());
        }
        let committed = writer.suspend()?;
        tracing::info!(transfer, object = name, offset, received, committed, "an object broke off");
        Err(Problem::new(Reason::MalformedPackage, "the object broke off"))
    }
}

//! Objects of a package on their way to the own server: several streams at once on the one connection.
//!
//! Sends what it is given from where it stands there, and says what the server says. Decides nothing.

use crate::connect::explain;
use crate::output::progress::Progress;
use crate::problem::Problem;
use rogatory_core::Digest;
use rogatory_evidence::{PackageSource, Transmittal};
use rogatory_proto::common::v1::ObjectProgress;
use rogatory_proto::objects::{Buffers, ObjectMessage as _, STREAMS_AT_ONCE, read_messages, streams};
use rogatory_proto::office::v1::UploadObjectRequest;
use rogatory_proto::office::v1::package_service_client::PackageServiceClient;
use std::collections::{HashMap, VecDeque};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Code;
use tonic::transport::Channel;

/// How many messages of a stream may be read ahead.
const MESSAGES_AHEAD: usize = 4;
/// How often the server is asked again, and after which pause, if it still holds what an earlier try left.
const RACES: u32 = 20;
const RACE_PAUSE: Duration = Duration::from_millis(100);

/// An object that goes on at an offset.
#[derive(Clone, Debug)]
pub(super) struct GoesOn {
    pub(super) name: String,
    pub(super) size_bytes: u64,
    pub(super) offset: u64,
}

/// Where objects are read.
pub(super) type Readable = Arc<dyn PackageSource + Send + Sync>;

/// Why objects were not sent.
pub(super) enum NotSent {
    /// The server says that another call has them: one that broke off a moment ago, most likely.
    Raced(Problem),
    Problem(Problem),
}

impl From<Problem> for NotSent {
    fn from(problem: Problem) -> Self {
        Self::Problem(problem)
    }
}

impl NotSent {
    fn of(status: tonic::Status) -> Self {
        if status.code() == Code::Aborted {
            Self::Raced(explain(status))
        } else {
            Self::Problem(explain(status))
        }
    }
}

/// Tries again, after a pause, what raced with a call that the server has not let go of.
pub(super) async fn unless_raced<T>(mut act: impl AsyncFnMut() -> Result<T, NotSent>) -> Result<T, Problem> {
    let mut races = 0;
    loop {
        match act().await {
            Ok(done) => return Ok(done),
            Err(NotSent::Raced(_)) if races < RACES => {
                races += 1;
                tokio::time::sleep(RACE_PAUSE).await;
            }
            Err(NotSent::Raced(problem) | NotSent::Problem(problem)) => return Err(problem),
        }
    }
}

/// What the sealing of a package is known by, from its beginning on.
pub(super) fn sealing_id(transmittal: &Transmittal) -> Digest {
    Digest::of(transmittal.salt.as_bytes())
}

/// The answer of a call, or why it has none.
pub(super) fn answered<T>(answer: Result<tonic::Response<T>, tonic::Status>) -> Result<T, NotSent> {
    answer.map(tonic::Response::into_inner).map_err(NotSent::of)
}

/// From where on each object is to be sent; those that are there whole are left out.
pub(super) fn to_send<'a>(
    objects: impl IntoIterator<Item = (&'a str, u64)>,
    progress: &[ObjectProgress],
) -> Vec<GoesOn> {
    let there: HashMap<&str, u64> =
        progress.iter().map(|object| (object.name.as_str(), object.committed_bytes)).collect();
    let goes_on = |(name, size_bytes): (&str, u64)| {
        let offset = there.get(name).copied().unwrap_or(0).min(size_bytes);
        // An empty object is there or not; a full one needs nothing more.
        let whole = offset == size_bytes && offset > 0;
        (!whole).then(|| GoesOn { name: name.to_owned(), size_bytes, offset })
    };
    objects.into_iter().filter_map(goes_on).collect()
}

/// Sends objects, some streams at once; the first that fails ends the others. What came stays there.
///
/// # Errors
/// [`NotSent`]: the file cannot be read, the server refuses, or the connection broke.
pub(super) async fn upload(
    client: &PackageServiceClient<Channel>,
    transfer_id: &str,
    source: &Readable,
    objects: Vec<GoesOn>,
    progress: &Arc<dyn Progress>,
) -> Result<(), NotSent> {
    let waiting = objects.into_iter().map(|object| {
        let left = object.size_bytes - object.offset;
        (object, left)
    });
    let waiting = streams(waiting);
    let count = waiting.len().min(STREAMS_AT_ONCE);
    let waiting: Arc<Mutex<VecDeque<Vec<GoesOn>>>> = Arc::new(Mutex::new(waiting));
    let mut sending: JoinSet<Result<(), NotSent>> = JoinSet::new();
    for _ in 0..count {
        let (mut client, transfer_id) = (client.clone(), transfer_id.to_owned());
        let (source, waiting, progress) = (Arc::clone(source), Arc::clone(&waiting), Arc::clone(progress));
        sending.spawn(async move {
            loop {
                // The queue is whole whenever the lock is free, even after a panic elsewhere.
                let next = waiting.lock().unwrap_or_else(PoisonError::into_inner).pop_front();
                let Some(objects) = next else { return Ok(()) };
                one_stream(&mut client, &transfer_id, Arc::clone(&source), objects, &progress).await?;
            }
        });
    }
    while let Some(done) = sending.join_next().await {
        done.map_err(|error| Problem::failed("sending stopped").because(&error))??;
    }
    Ok(())
}

/// Sends objects one after another in one call.
async fn one_stream(
    client: &mut PackageServiceClient<Channel>,
    transfer_id: &str,
    source: Readable,
    objects: Vec<GoesOn>,
    progress: &Arc<dyn Progress>,
) -> Result<(), NotSent> {
    let Some(last) = objects.last().cloned() else { return Ok(()) };
    let (messages, received) = mpsc::channel::<UploadObjectRequest>(MESSAGES_AHEAD);
    let (transfer_id, progress) = (transfer_id.to_owned(), Arc::clone(progress));
    let reading = tokio::task::spawn_blocking(move || -> Result<(), (String, io::Error)> {
        let mut buffers = Buffers::default();
        for GoesOn { name, size_bytes, offset } in objects {
            progress.object(&name);
            let header = UploadObjectRequest::header(&transfer_id, &name, offset, size_bytes);
            let read = source.open_at(&name, offset).and_then(|mut reader| {
                read_messages(header, &mut reader, &mut buffers, |message| {
                    progress.advance(message.data.len() as u64);
                    messages.blocking_send(message).is_ok()
                })
            });
            match read {
                Ok(true) => {}
                // A closed channel means that the call ended; its status says why.
                Ok(false) => return Ok(()),
                Err(error) => return Err((name, error)),
            }
        }
        Ok(())
    });
    let answer = client.upload_object(ReceiverStream::new(received)).await;
    let read =
        reading.await.map_err(|error| Problem::failed("reading the package stopped").because(&error))?;
    read.map_err(|(name, error)| Problem::unverified(format!("`{name}` cannot be read")).because(&error))?;
    let committed = answered(answer)?.committed_bytes;
    if committed == last.size_bytes {
        return Ok(());
    }
    let what = format!("`{}` arrived with {committed} of {} bytes", last.name, last.size_bytes);
    Err(Problem::not_yet(what).with_hint("the same command continues where it stopped").into())
}

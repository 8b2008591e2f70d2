//! Adapts `CustodyService` to casework. Parses, takes the permit, performs one act, renders the
//! answer. Decides nothing.

use super::status_of;
use crate::access::permit_of;
use crate::authority::Authority;
use crate::casework::export_record::export_record;
use crate::casework::export_tiles::{TileFile, export_tiles};
use crate::casework::prove_entry::{Wanted, prove_entry};
use crate::casework::sign_checkpoint::sign_checkpoint;
use crate::casework::stamp::time_stamps;
use crate::casework::witness::watch::{Watch, watch};
use crate::datastore::StampRow;
use crate::problem::{Problem, Reason};
use rogatory_core::{Digest, Timestamp};
use rogatory_proto::custody::v1 as wire;
use rogatory_proto::custody::v1::custody_service_server::CustodyService;
use rogatory_proto::custody::v1::prove_entry_request::Entry as WireEntry;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;
use tonic::{Request, Response, Status};

/// How many files are read ahead of the network.
const FILES_AHEAD: usize = 16;
/// How long an export may wait for a witness.
const MAX_WAIT_SECONDS: u32 = 120;
/// How long a receiver may take nothing.
const PATIENCE: Duration = Duration::from_secs(60);

/// The service.
pub struct Custody(pub Arc<Authority>);

#[tonic::async_trait]
impl CustodyService for Custody {
    async fn get_checkpoint(
        &self,
        _request: Request<wire::GetCheckpointRequest>,
    ) -> Result<Response<wire::GetCheckpointResponse>, Status> {
        let checkpoint = sign_checkpoint(&self.0).await.map_err(|problem| status_of(&problem))?;
        let note = checkpoint.map(|(_, note)| note).unwrap_or_default();
        Ok(Response::new(wire::GetCheckpointResponse { checkpoint: note.into() }))
    }

    async fn export_record(
        &self,
        request: Request<wire::ExportRecordRequest>,
    ) -> Result<Response<wire::ExportRecordResponse>, Status> {
        let exported = async {
            let permit = permit_of(&request)?;
            let message = request.get_ref();
            let wait = Duration::from_secs(message.wait_seconds.min(MAX_WAIT_SECONDS).into());
            export_record(&self.0, &permit, &message.case_id, wait).await
        };
        let record = exported.await.map_err(|problem: Problem| status_of(&problem))?;
        Ok(Response::new(wire::ExportRecordResponse { record: record.into() }))
    }

    async fn prove_entry(
        &self,
        request: Request<wire::ProveEntryRequest>,
    ) -> Result<Response<wire::ProveEntryResponse>, Status> {
        let proven = async {
            let permit = permit_of(&request)?;
            let message = request.get_ref();
            let wanted = wanted(message.entry.as_ref())?;
            prove_entry(&self.0, &permit, &message.case_id, &wanted, message.closed).await
        };
        let proven = proven.await.map_err(|problem: Problem| status_of(&problem))?;
        let entry = proven.entry;
        Ok(Response::new(wire::ProveEntryResponse {
            proof: proven.proof.into(),
            leaf_hash: entry.leaf_hash.as_bytes().to_vec().into(),
            leaf_index: entry.leaf_index,
            stream: entry.stream.to_string(),
            n: entry.n,
            body: entry.body.into(),
        }))
    }

    type ExportTilesStream = ReceiverStream<Result<wire::ExportTilesResponse, Status>>;

    async fn export_tiles(
        &self,
        request: Request<wire::ExportTilesRequest>,
    ) -> Result<Response<Self::ExportTilesStream>, Status> {
        let begun = async { export_tiles(&self.0, &permit_of(&request)?).await };
        let tiles = begun.await.map_err(|problem: Problem| status_of(&problem))?;
        let (messages, stream) = mpsc::channel(FILES_AHEAD);
        tokio::spawn(async move {
            let mut file = Ok(tiles.checkpoint());
            let mut left = tiles.tiles();
            loop {
                let is_last = file.is_err();
                let message = file
                    .map(|TileFile { path, content }| wire::ExportTilesResponse {
                        path,
                        content: content.into(),
                    })
                    .map_err(|problem: Problem| status_of(&problem));
                // Who hung up, or took nothing for too long, gets nothing more: the stream ends short.
                if messages.send_timeout(message, PATIENCE).await.is_err() || is_last {
                    return;
                }
                let Some(tile) = left.next() else { return };
                file = tiles.file(tile).await;
            }
        });
        Ok(Response::new(ReceiverStream::new(stream)))
    }

    async fn get_time_stamps(
        &self,
        request: Request<wire::GetTimeStampsRequest>,
    ) -> Result<Response<wire::GetTimeStampsResponse>, Status> {
        let found = async {
            let subject = Digest::from_slice(&request.get_ref().subject_sha256)
                .map_err(|error| Problem::argument("subject_sha256", &error))?;
            let stamps = time_stamps(&self.0, &subject).await?;
            if stamps.is_empty() {
                let what = format!("nothing with the SHA-256 {subject} is to be stamped here");
                return Err(Problem::new(Reason::Unknown, what));
            }
            Ok(stamps)
        };
        let stamps = found.await.map_err(|problem: Problem| status_of(&problem))?;
        let time_stamps = stamps.into_iter().map(stamp_on_the_wire).collect();
        Ok(Response::new(wire::GetTimeStampsResponse { time_stamps }))
    }

    async fn list_witnesses(
        &self,
        _request: Request<wire::ListWitnessesRequest>,
    ) -> Result<Response<wire::ListWitnessesResponse>, Status> {
        let watch = watch(&self.0).await.map_err(|problem| status_of(&problem))?;
        Ok(Response::new(watch_on_the_wire(watch)))
    }
}

fn watch_on_the_wire(watch: Watch) -> wire::ListWitnessesResponse {
    let time = |time: Option<Timestamp>| time.map(|time| time.to_string()).unwrap_or_default();
    let seen = watch.seen.into_iter().map(|seen| wire::SeenLog {
        party: seen.origin.party().to_string(),
        origin: seen.origin.to_string(),
        size: seen.checkpoint.tree_size,
        seen_time: seen.seen_time.to_string(),
        checkpoint: seen.checkpoint.note.into(),
    });
    let watchers = watch.watchers.into_iter().map(|watcher| {
        let cosigned = !watcher.witness.cosignature.is_empty();
        wire::LogWitness {
            party: watcher.witness.party.to_string(),
            size: watcher.witness.tree_size,
            cosigned_time: time(cosigned.then_some(watcher.witness.cosigned_time)),
            behind_since_time: time(watcher.witness.behind_since),
            silent: watcher.silent,
            checkpoint: watcher.cosigned.into(),
        }
    });
    let contradictions = watch.contradictions.into_iter().map(|one| wire::LogContradiction {
        party: one.origin.party().to_string(),
        origin: one.origin.to_string(),
        shown_by: one.shown_by.to_string(),
        found: one.found,
        found_time: one.found_time.to_string(),
        known_checkpoint: one.known_note.into(),
        shown_checkpoint: one.shown_note.into(),
    });
    let promises = watch.promises.into_iter().map(|promise| wire::InclusionPromise {
        party: promise.counterpart.to_string(),
        leaf_hash: promise.leaf_hash.as_bytes().to_vec().into(),
        due_time: promise.due_time.to_string(),
        broken_time: time(promise.broken_time),
        told_time: time(promise.told_time),
        proof: promise.proof.unwrap_or_default().into(),
    });
    wire::ListWitnessesResponse {
        seen_logs: seen.collect(),
        witnesses: watchers.collect(),
        contradictions: contradictions.collect(),
        promises: promises.collect(),
        promises_left_off: watch.promises_left_off,
    }
}

fn stamp_on_the_wire(row: StampRow) -> wire::TimeStamp {
    let (token, stamped_time, authority) = match row.token {
        None => Default::default(),
        Some(got) => (got.token, got.stamped_time.to_string(), got.tsa),
    };
    wire::TimeStamp {
        queued_time: row.queued_time.to_string(),
        token: token.into(),
        stamped_time,
        time_stamping_authority: authority,
        content: row.content.unwrap_or_default().into(),
    }
}

fn wanted(entry: Option<&WireEntry>) -> Result<Wanted, Problem> {
    Ok(match entry {
        None => {
            return Err(Problem::argument(
                "entry",
                &"say which entry: by stream and number, index or digest",
            ));
        }
        Some(WireEntry::Numbered(place)) => {
            let stream =
                place.stream.parse().map_err(|error| Problem::argument("numbered.stream", &error))?;
            Wanted::Numbered(stream, place.n)
        }
        Some(WireEntry::LeafIndex(index)) => Wanted::Index(*index),
        Some(WireEntry::Sha256(sha256)) => {
            Wanted::Naming(Digest::from_slice(sha256).map_err(|error| Problem::argument("sha256", &error))?)
        }
    })
}

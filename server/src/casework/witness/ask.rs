//! The own log before its witnesses: after it grew, each counterpart that shares a stream with it is asked to
//! cosign the latest checkpoint.
//!
//! Asked is beside every delivery, one call at a time for a witness, and with back-off while it does not answer.

use super::heard;
use crate::authority::Authority;
use crate::casework::sign_checkpoint::sign_checkpoint;
use crate::datastore::{Act, Found, LogWitness, OFFICE, StoreError, Transaction};
use crate::directory::ConfirmedParty;
use crate::peers;
use crate::problem::{Problem, Reason};
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::{Digest, PartyId, Timestamp, chain};
use rogatory_custody::checkpoint::{Origin, VerifiedCheckpoint, verify_checkpoint};
use rogatory_custody::cosignature::Cosignature;
use rogatory_proto::peer::v1::AddCheckpointRequest;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;

/// How often a witness is told another old size in one go, before it is left for later.
const TOLD_SIZES: u32 = 3;
/// How many witnesses are asked at once.
const AT_ONCE: usize = 8;
/// How long a round waits for those that it asked: who takes longer is left to answer, and the others are asked again.
const ROUND_LIMIT: Duration = Duration::from_secs(5);
/// The most rounds that a witness which fails is left alone.
const ROUNDS_AT_MOST: u32 = 300;

/// What is remembered between two rounds; all of it may be lost.
#[derive(Default)]
pub struct Rounds {
    /// Parties of which it is known that something was exchanged with them: that does not end.
    sharing: HashSet<PartyId>,
    /// Witnesses that failed: how often in a row, and for how many rounds they are still left alone.
    resting: HashMap<PartyId, (u32, u32)>,
    /// Who is being asked.
    out: HashSet<PartyId>,
    asking: JoinSet<(PartyId, Result<(), Problem>)>,
    /// In which round each was asked last: who waits for the longest comes first.
    asked: HashMap<PartyId, u64>,
    round: u64,
}

impl Rounds {
    /// Asks every witness that has not cosigned the latest checkpoint and is not resting; says whether any is
    /// left to be asked in a later round, or has not answered yet.
    ///
    /// # Errors
    /// [`Problem`] if the database fails.
    pub async fn go_round(&mut self, authority: &Arc<Authority>) -> Result<bool, Problem> {
        let behind = self.behind(authority).await?;
        self.round += 1;
        let mut waiting: Vec<PartyId> = Vec::new();
        let mut left = false;
        for party in behind {
            match self.resting.get_mut(&party) {
                _ if self.out.contains(&party) => left = true,
                Some((_, rounds)) if *rounds > 0 => {
                    *rounds -= 1;
                    left = true;
                }
                _ => waiting.push(party),
            }
        }
        waiting.sort_by_key(|party| std::cmp::Reverse(self.asked.get(party).copied().unwrap_or(0)));
        let over = tokio::time::sleep(ROUND_LIMIT);
        tokio::pin!(over);
        loop {
            while self.out.len() < AT_ONCE
                && let Some(party) = waiting.pop()
            {
                self.set_out(authority, party);
            }
            let done = tokio::select! {
                done = self.asking.join_next() => done,
                () = &mut over => break,
            };
            let Some(done) = done else { break };
            let (party, asked) = done.map_err(|error| {
                // Who it was is unknown: all are asked anew.
                self.asking = JoinSet::new();
                self.out.clear();
                Problem::internal("asking a witness broke off", error)
            })?;
            left |= self.back(authority, party, asked).await?;
        }
        Ok(left || !self.out.is_empty() || !waiting.is_empty())
    }

    fn set_out(&mut self, authority: &Arc<Authority>, party: PartyId) {
        self.asked.insert(party.clone(), self.round);
        self.out.insert(party.clone());
        let authority = Arc::clone(authority);
        self.asking.spawn(async move {
            let asked = ask(&authority, &party).await;
            (party, asked)
        });
    }

    /// Takes note of an answer; says whether the witness is to be asked again.
    async fn back(
        &mut self,
        authority: &Authority,
        party: PartyId,
        asked: Result<(), Problem>,
    ) -> Result<bool, Problem> {
        self.out.remove(&party);
        let Err(problem) = asked else {
            self.resting.remove(&party);
            return Ok(false);
        };
        let failed = self.resting.get(&party).map_or(0, |(failed, _)| *failed);
        let rounds = (1_u32 << failed.min(16)).min(ROUNDS_AT_MOST);
        self.resting.insert(party.clone(), (failed.saturating_add(1), rounds));
        tracing::info!(witness = %party, problem = %chain(&problem), "a witness did not cosign");
        let origin = authority.institution.log_origin().clone();
        authority.datastore.perform(MarkBehind { party, origin }).await?;
        Ok(true)
    }

    /// The confirmed counterparts that share a stream with this log and have not cosigned its latest checkpoint.
    async fn behind(&mut self, authority: &Authority) -> Result<Vec<PartyId>, Problem> {
        let mut session = authority.datastore.read().await?;
        let Some((size, _)) = session.checkpoint().await? else { return Ok(Vec::new()) };
        let origin = authority.institution.log_origin().to_string();
        let cosigned: HashMap<PartyId, u64> = session
            .log_witnesses()
            .await?
            .into_iter()
            .filter(|witness| witness.origin == origin)
            .map(|witness| (witness.party, witness.tree_size))
            .collect();
        let mut behind = Vec::new();
        for party in authority.directory().parties() {
            let party = &party.entry.party;
            if cosigned.get(party).is_some_and(|known| *known >= size) {
                continue;
            }
            if !self.sharing.contains(party) {
                if !session.shares_with(party).await? {
                    continue;
                }
                self.sharing.insert(party.clone());
            }
            behind.push(party.clone());
        }
        Ok(behind)
    }
}

/// Asks one witness to cosign the latest checkpoint, and keeps the cosignature.
///
/// # Errors
/// [`Problem`] if it cannot be reached, refuses, or answers with something else than its cosignature. If it says
/// that the log contradicts itself, that is recorded.
pub async fn ask(authority: &Arc<Authority>, party: &PartyId) -> Result<(), Problem> {
    let confirmed = authority.directory().confirmed(party)?;
    let own = authority.institution.log_origin();
    let witnesses = authority.datastore.read().await?.log_witnesses().await?;
    let known = witnesses.iter().find(|known| known.party == *party && known.origin == own.to_string());
    let mut old_size = known.map_or(0, |known| known.tree_size);
    for _ in 0..TOLD_SIZES {
        let (size, note) = sign_checkpoint(authority)
            .await?
            .ok_or_else(|| Problem::internal("a witness is asked about an empty log", "no checkpoint"))?;
        let mut session = authority.datastore.read().await?;
        let proof = if old_size > size {
            tracing::error!(witness = %party, size, known_size = old_size,
                "ALARM: a witness has seen more of this log than the log holds: was a backup restored without a new epoch?");
            Vec::new()
        } else {
            session.consistency_proof(old_size, size).await?
        };
        drop(session);
        let request = AddCheckpointRequest {
            old_size,
            consistency_proof: proof.iter().map(|hash| hash.as_bytes().to_vec().into()).collect(),
            checkpoint: note.clone().into(),
            seen_checkpoints: heard::seen_by_us(authority).await?.into_iter().map(Into::into).collect(),
        };
        let answer = match peers::add_checkpoint(authority, party, request).await {
            Ok(answer) => answer,
            Err(problem) => {
                if problem.reason() == Reason::LogContradicted {
                    tracing::error!(witness = %party, problem = %chain(&problem),
                        "ALARM: a witness refuses to cosign this log");
                    let refused = Refused { party: party.clone(), origin: own.clone(), size, note };
                    authority.datastore.perform(refused).await?;
                }
                return Err(problem);
            }
        };
        let seen: Vec<Vec<u8>> = answer.seen_checkpoints.iter().map(|note| note.to_vec()).collect();
        heard::hear(authority, party, &seen).await;
        if answer.cosignature.is_empty() {
            old_size = answer.known_size;
            continue;
        }
        return keep(authority, &confirmed, note, &answer.cosignature).await;
    }
    Err(Problem::new(Reason::Raced, format!("{party} was shown other checkpoints meanwhile")))
}

/// Verifies the answer of a witness and keeps it.
async fn keep(
    authority: &Authority,
    party: &ConfirmedParty,
    note: Vec<u8>,
    line: &[u8],
) -> Result<(), Problem> {
    let witness = &party.entry.party;
    let bad = |error: &dyn std::error::Error| {
        let what = format!("{witness} answered with no cosignature of its own: {}", chain(error));
        Problem::new(Reason::PeerRefused, what)
            .with_hint("if its witness key was renewed, have its party entry exported and import it again")
    };
    let key = std::slice::from_ref(authority.institution.log_key().vkey());
    let checkpoint = verify_checkpoint(&note, key)
        .map_err(|error| Problem::internal("the own checkpoint does not verify", error))?;
    let text = std::str::from_utf8(line).map_err(|error| bad(&error))?;
    let cosignature: Cosignature = text.parse().map_err(|error| bad(&error))?;
    let verified = cosignature.verify(&checkpoint, &party.log.witness).map_err(|error| bad(&error))?;
    let act =
        KeepCosignature { checkpoint, note, cosignature, party: witness.clone(), time: verified.time() };
    authority.datastore.perform(act).await
}

struct KeepCosignature {
    checkpoint: VerifiedCheckpoint,
    note: Vec<u8>,
    cosignature: Cosignature,
    party: PartyId,
    time: Timestamp,
}

impl Act for KeepCosignature {
    const NAME: &'static str = "keep-cosignature";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let witness = LogWitness {
            party: self.party.clone(),
            origin: self.checkpoint.origin().to_string(),
            tree_size: self.checkpoint.size(),
            note: self.note.clone(),
            cosignature: self.cosignature.to_string(),
            cosigned_time: self.time,
            behind_since: None,
        };
        tx.keep_cosignature(&witness).await
    }
}

struct MarkBehind {
    party: PartyId,
    origin: Origin,
}

impl Act for MarkBehind {
    const NAME: &'static str = "mark-witness-behind";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        tx.mark_behind(&self.party, &self.origin).await
    }
}

/// A witness says that the own log contradicts itself.
struct Refused {
    party: PartyId,
    origin: Origin,
    size: u64,
    note: Vec<u8>,
}

impl Act for Refused {
    const NAME: &'static str = "record-refused-checkpoint";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        if tx.keep_contradiction(&self.origin, &self.party, &[], &self.note, Found::Refused).await? {
            let event = Event::CheckpointRefused {
                witness: self.party.clone(),
                size: self.size,
                checkpoint_sha256: Digest::of(&self.note),
            };
            tx.record(OFFICE, &Actor::Server, CustodyEvent::internal(event)).await?;
        }
        Ok(())
    }
}

//! The proof of one entry: asked of the own server, and checked offline by whoever gets it.

use super::witnessed::{Witnessed, witnessed};
use crate::connect::explain;
use crate::files;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::problem::{Problem, clean};
use crate::session::Session;
use crate::trust::Trust;
use rogatory_core::{Digest, PartyId};
use rogatory_custody::checkpoint::Origin;
use rogatory_custody::cosignature::cosignatures_among;
use rogatory_custody::note::{Note, Vkey};
use rogatory_custody::proof::{InclusionError, InclusionProof, PROOF_LINE, VerifiedInclusion};
use rogatory_proto::custody::v1 as custody;
use rogatory_proto::custody::v1::prove_entry_request::Entry;
use serde::Serialize;
use serde_json::Value;
use std::path::PathBuf;

/// Which entry of a case is proven.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// By stream and number.
    Numbered {
        /// `internal`, or the counterpart that shares it.
        stream: String,
        /// From 1.
        n: u64,
    },
    /// By the index of its leaf.
    Index(u64),
    /// By a digest that it names.
    Naming(Digest),
}

/// What [`prove`] needs.
#[derive(Clone, Debug)]
pub struct ProveArguments {
    /// The case.
    pub case: String,
    /// The entry.
    pub wanted: Wanted,
    /// Leaves the body out.
    pub closed: bool,
    /// The file; named after the leaf if none.
    pub output: Option<PathBuf>,
}

/// The result of [`prove`].
#[derive(Clone, Debug, Serialize)]
pub struct Proven {
    /// The file written.
    pub file: PathBuf,
    /// The stream of the entry.
    pub stream: String,
    /// Its number there.
    pub n: u64,
    /// The index of its leaf.
    pub leaf_index: u64,
    /// The hash of its leaf.
    pub leaf_sha256: Digest,
    /// What happened.
    pub event: String,
    /// Whether the file holds the body.
    pub open: bool,
}

impl Outcome for Proven {
    fn show(&self, page: &mut Page) {
        page.fact("written to", self.file.display());
        page.fact("entry", format!("{} #{}: {}", self.stream, self.n, self.event));
        page.fact("leaf", format!("{}, sha256 {}", self.leaf_index, self.leaf_sha256));
        if !self.open {
            page.line("The proof is closed: whoever checks it needs the hash of the leaf, given above.");
        }
    }
}

/// Writes the proof of an entry to a new file, after verifying it against the own entry.
///
/// # Errors
/// If the server does not know the entry or refuses, the proof does not verify, or the file is there already.
pub async fn prove(session: &Session, arguments: ProveArguments) -> Result<Proven, Problem> {
    if let Some(file) = &arguments.output {
        files::must_be_new(file)?;
    }
    let entry = match arguments.wanted {
        Wanted::Numbered { stream, n } => Entry::Numbered(custody::StreamNumber { stream, n }),
        Wanted::Index(index) => Entry::LeafIndex(index),
        Wanted::Naming(sha256) => Entry::Sha256(sha256.as_bytes().to_vec().into()),
    };
    let request =
        custody::ProveEntryRequest { case_id: arguments.case, entry: Some(entry), closed: arguments.closed };
    let mut client = session.connection().await?.custody();
    let answer = client.prove_entry(request).await.map_err(explain)?.into_inner();
    let own = crate::commands::receipts::own_entry(session).await?;
    let leaf_sha256 = Digest::from_slice(&answer.leaf_hash)
        .map_err(|error| Problem::unverified("the server gave no leaf hash").because(&error))?;
    InclusionProof::parse(&answer.proof)
        .and_then(|proof| proof.verify(Some(&leaf_sha256), std::slice::from_ref(&own.log_key)))
        .map_err(|error| {
            Problem::unverified("the proof that the server gave does not verify")
                .because(&error)
                .with_hint("tell the operator: `rogatory-server fsck` looks for what is damaged")
        })?;
    let named = || PathBuf::from(format!("leaf-{}.tlog-proof", answer.leaf_index));
    let file = arguments.output.unwrap_or_else(named);
    files::write_new(&file, &answer.proof)?;
    Ok(Proven {
        file,
        stream: answer.stream,
        n: answer.n,
        leaf_index: answer.leaf_index,
        leaf_sha256,
        event: event_of(&answer.body),
        open: !arguments.closed,
    })
}

fn event_of(body: &[u8]) -> String {
    let body: Value = serde_json::from_slice(body).unwrap_or_default();
    body["event"].as_str().unwrap_or_default().to_owned()
}

/// Whether a file is the proof of an entry.
#[must_use]
pub fn is_proof(file: &[u8]) -> bool {
    file.starts_with(PROOF_LINE.as_bytes())
}

/// The result of [`verify_proof`].
#[derive(Clone, Debug, Serialize)]
pub struct ProofVerified {
    /// Always true; a proof that fails is a problem instead.
    pub verified: bool,
    /// The institution whose log it is.
    pub institution: PartyId,
    /// The log.
    pub origin: String,
    /// The number of leaves under the checkpoint.
    pub checkpoint_size: u64,
    /// Who cosigned the checkpoint.
    pub witnesses: Vec<Witnessed>,
    /// The index of the leaf.
    pub leaf_index: u64,
    /// The hash of the leaf.
    pub leaf_sha256: Digest,
    /// What the log committed to; none in a closed proof.
    pub body: Option<Value>,
}

impl Outcome for ProofVerified {
    fn show(&self, page: &mut Page) {
        page.fact("proof", "verified");
        page.fact("institution", &self.institution);
        page.fact("log", &self.origin);
        page.fact("checkpoint", format!("{} leaves", self.checkpoint_size));
        for witness in &self.witnesses {
            page.fact("", witness);
        }
        page.fact("leaf", format!("{}, sha256 {}", self.leaf_index, self.leaf_sha256));
        let Some(body) = &self.body else {
            page.blank();
            page.line("Shown: the log holds a leaf with this hash. The proof is closed and says no more.");
            return;
        };
        for (name, value) in body.as_object().into_iter().flatten() {
            let text = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            page.fact(name, text);
        }
        page.blank();
        page.line("Shown: the log holds this very entry.");
        page.line("Not shown: that the event happened, and that no other version of the log exists.");
    }
}

/// Verifies the proof of an entry against the log keys in the entries of `trust`. Offline.
///
/// # Errors
/// Unverified, naming what fails; also without an entry of the institution.
pub fn verify_proof(file: &[u8], leaf: Option<&Digest>, trust: &Trust) -> Result<ProofVerified, Problem> {
    let fails = |error: InclusionError| {
        let problem = Problem::unverified("the proof does not verify").because(&error);
        match error {
            InclusionError::Closed => problem.with_hint("give the hash of the leaf with --leaf"),
            InclusionError::OtherLeaf(_) => problem.with_hint("it is the proof of another entry"),
            _ => problem.with_hint("it was changed, or comes from another log than --trust names"),
        }
    };
    let proof = InclusionProof::parse(file).map_err(fails)?;
    let institution = institution_of(&proof)?;
    let trusted: Vec<Vkey> = trust.log_keys_of(&institution);
    if trusted.is_empty() {
        return Err(Problem::unverified(format!(
            "the proof is one of the log of {institution}, whose entry was not given"
        ))
        .with_hint("give the party entry of that institution with --trust"));
    }
    let verified = proof.verify(leaf, &trusted).map_err(fails)?;
    facts(institution, &verified, trust)
}

fn facts(
    institution: PartyId,
    verified: &VerifiedInclusion,
    trust: &Trust,
) -> Result<ProofVerified, Problem> {
    let checkpoint = verified.checkpoint();
    Ok(ProofVerified {
        verified: true,
        institution,
        origin: verified.checkpoint().origin().to_string(),
        checkpoint_size: checkpoint.size(),
        // Others may have added lines to the note: a proof is a file that many tools know.
        witnesses: witnessed(checkpoint, &cosignatures_among(checkpoint.note().note()), trust)?,
        leaf_index: verified.index(),
        leaf_sha256: *verified.leaf(),
        body: verified.entry().map(|(_, body)| serde_json::from_slice(body).unwrap_or_default()),
    })
}

/// Whose log the checkpoint names; what it says is believed only after its signature verified.
fn institution_of(proof: &InclusionProof) -> Result<PartyId, Problem> {
    let text = Note::parse(proof.checkpoint.as_bytes()).map(|note| note.unverified_text().to_owned());
    let text =
        text.map_err(|error| Problem::unverified("the proof's checkpoint cannot be read").because(&error))?;
    let line = text.lines().next().unwrap_or_default();
    let origin: Origin = line.parse().map_err(|_| {
        Problem::unverified(format!("the proof's checkpoint names no log: `{}`", clean(line)))
    })?;
    Ok(origin.party().clone())
}

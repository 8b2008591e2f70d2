//! Proves one entry of a case to somebody outside: an inclusion proof, open or closed.

use crate::access::Permit;
use crate::authority::Authority;
use crate::casework::export_record::{checkpoint_over, find};
use crate::datastore::{Act, RecordedEntry, StoreError, Transaction};
use crate::problem::{Problem, Reason};
use rogatory_core::Digest;
use rogatory_core::custody_event::{Actor, CustodyEvent, Event, Stream};
use rogatory_custody::leaf::Leaf;
use rogatory_custody::proof::{InclusionProof, OpenedEntry};

/// How many entries are read at once when one is looked for by a digest.
const ENTRIES_A_PAGE: u32 = 500;

/// Which entry of a case.
#[derive(Clone, Debug)]
pub enum Wanted {
    /// The event of this number in this stream.
    Numbered(Stream, u64),
    /// The leaf at this index of the log.
    Index(u64),
    /// The first event that names this document, manifest or receipt, a shared one before others.
    Naming(Digest),
}

/// A proof with the entry it is about.
pub struct Proven {
    /// The proof's file.
    pub proof: String,
    /// The entry.
    pub entry: RecordedEntry,
}

/// Proves an entry, after the proving itself is recorded. A closed proof leaves the body out.
///
/// # Errors
/// [`Reason::Unknown`] if the case has no such entry.
pub async fn prove_entry(
    authority: &Authority,
    permit: &Permit,
    name: &str,
    wanted: &Wanted,
    closed: bool,
) -> Result<Proven, Problem> {
    let (case, _) = find(authority, name).await?;
    let entry = look_up(authority, &case, wanted).await?.ok_or_else(|| no_entry(wanted))?;
    let act =
        RecordProof { case: case.clone(), actor: permit.actor(), index: entry.leaf_index, open: !closed };
    authority.datastore.perform(act).await?;
    let (size, checkpoint) = checkpoint_over(authority, entry.leaf_index + 1).await?;
    let mut session = authority.datastore.read().await?;
    let leaf = Leaf::new(&session.tag_key(&case)?, &entry.stream, entry.n, &entry.salt, &entry.body);
    if leaf.hash() != entry.leaf_hash {
        let index = entry.leaf_index.to_string();
        return Err(Problem::internal("a custody entry differs from its leaf", index));
    }
    let opened = OpenedEntry { tag: *leaf.tag(), salt: entry.salt, body: entry.body.clone() };
    let proof = InclusionProof {
        entry: if closed { None } else { Some(opened) },
        index: entry.leaf_index,
        hashes: session.inclusion_proof(entry.leaf_index, size).await?,
        checkpoint,
    };
    Ok(Proven { proof: proof.to_string(), entry })
}

async fn look_up(
    authority: &Authority,
    case: &str,
    wanted: &Wanted,
) -> Result<Option<RecordedEntry>, Problem> {
    let mut session = authority.datastore.read().await?;
    if let Wanted::Index(index) = wanted {
        let end = index.saturating_add(1);
        return Ok(session.entries(case, *index, end, 1).await?.pop());
    }
    let (mut start, mut first) = (0, None);
    loop {
        let page = session.entries(case, start, i64::MAX as u64, ENTRIES_A_PAGE).await?;
        let Some(last) = page.last() else { return Ok(first) };
        start = last.leaf_index + 1;
        for entry in page {
            let found = match wanted {
                Wanted::Numbered(stream, n) => entry.stream == *stream && entry.n == *n,
                Wanted::Index(index) => entry.leaf_index == *index,
                Wanted::Naming(digest) => names(&entry.body, digest),
            };
            match wanted {
                _ if !found => {}
                Wanted::Naming(_) if entry.stream == Stream::Internal => {
                    first.get_or_insert(entry);
                }
                _ => return Ok(Some(entry)),
            }
        }
    }
}

/// Whether one of the event's own fields is this digest; the link to the previous leaf is none.
fn names(body: &[u8], digest: &Digest) -> bool {
    let Ok(serde_json::Value::Object(fields)) = serde_json::from_slice(body) else { return false };
    let hex = digest.to_hex();
    fields.iter().any(|(name, value)| name != "previous" && value.as_str() == Some(&hex))
}

fn no_entry(wanted: &Wanted) -> Problem {
    let what = match wanted {
        Wanted::Numbered(stream, n) => format!("the case has no event #{n} in the stream {stream}"),
        Wanted::Index(index) => format!("leaf {index} of the log is none of this case"),
        Wanted::Naming(digest) => format!("no entry of the case names {digest}"),
    };
    Problem::new(Reason::Unknown, what).with_hint("`rogatory custody show` lists the entries of a case")
}

struct RecordProof {
    case: String,
    actor: Actor,
    index: u64,
    open: bool,
}

impl Act for RecordProof {
    const NAME: &'static str = "record-proof";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let event = Event::EntryProven { index: self.index, open: self.open };
        tx.record(&self.case, &self.actor, CustodyEvent::internal(event)).await?;
        Ok(())
    }
}

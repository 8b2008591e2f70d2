//! What officers are shown of witnesses: whose logs this office watches, who watches its own, what contradicts, and what
//! became of the promises in receipts. Reads; the checkpoints and proofs are handed out as they were signed.

use super::{CONTRADICTIONS_LISTED, silent_since};
use crate::authority::Authority;
use crate::datastore::{Contradiction, LogWitness, Promise, SeenLog};
use crate::problem::Problem;
use rogatory_custody::checkpoint::verify_checkpoint;
use rogatory_custody::cosignature::{Cosignature, cosigned_note};

/// How many logs, and how many promises, are listed.
pub const LISTED: u32 = 1000;

/// A witness of the own log.
pub struct Watcher {
    /// Who, how far, and when.
    pub witness: LogWitness,
    /// Whether it has not cosigned for long, although the log grew.
    pub silent: bool,
    /// The checkpoint that it cosigned, with its cosignature; empty if it never did.
    pub cosigned: Vec<u8>,
}

/// What there is to be seen.
pub struct Watch {
    /// The logs of others, as this office saw them last.
    pub seen: Vec<SeenLog>,
    /// Who witnesses the own log.
    pub watchers: Vec<Watcher>,
    /// What contradicts, oldest first.
    pub contradictions: Vec<Contradiction>,
    /// What counterparts promised, first what was broken, then the latest.
    pub promises: Vec<Promise>,
    /// How many more promises there are.
    pub promises_left_off: u64,
}

/// Looks at everything.
///
/// # Errors
/// [`Problem`] if something stored is damaged or the database fails.
pub async fn watch(authority: &Authority) -> Result<Watch, Problem> {
    let mut session = authority.datastore.read().await?;
    let origin = authority.institution.log_origin().to_string();
    let mut watchers = Vec::new();
    for witness in session.log_witnesses().await? {
        // Of an epoch that ended nobody is asked any more.
        if witness.origin == origin {
            let silent = silent_since(&witness, authority.clock.now()).is_some();
            watchers.push(Watcher { cosigned: cosigned(authority, &witness)?, silent, witness });
        }
    }
    let promises = session.promises(LISTED).await?;
    let listed = u64::try_from(promises.len()).unwrap_or(u64::MAX);
    Ok(Watch {
        seen: session.seen_logs(LISTED).await?,
        watchers,
        contradictions: session.contradictions(CONTRADICTIONS_LISTED).await?,
        promises_left_off: session.promise_count().await?.saturating_sub(listed),
        promises,
    })
}

/// What a witness cosigned, as a note; empty if it never did, or if the log's key was replaced since.
fn cosigned(authority: &Authority, witness: &LogWitness) -> Result<Vec<u8>, Problem> {
    let key = std::slice::from_ref(authority.institution.log_key().vkey());
    if witness.cosignature.is_empty() {
        return Ok(Vec::new());
    }
    let Ok(checkpoint) = verify_checkpoint(&witness.note, key) else { return Ok(Vec::new()) };
    let damaged = |error: String| Problem::internal("a stored cosignature is damaged", error);
    let line: Cosignature = witness.cosignature.parse().map_err(|error| damaged(format!("{error}")))?;
    let note = cosigned_note(&checkpoint, vec![line]).map_err(|error| damaged(error.to_string()))?;
    Ok(note.into_bytes())
}

//! What can be wrong with a record, naming the part that is.

use crate::case_head::CaseHeadError;
use crate::checkpoint::{CheckpointError, Origin};
use crate::cosignature::CosignatureError;
use crate::leaf::{BodyError, LeafError};
use crate::record::MAX_RECORD_BYTES;
use crate::tree::ProofError;
use rogatory_core::PartyId;
use rogatory_core::custody_event::Stream;
use std::fmt;

/// A record can't be read or doesn't hold.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// Larger than [`MAX_RECORD_BYTES`].
    #[error("the custody record has {0} bytes, more than {MAX_RECORD_BYTES}")]
    TooLarge(usize),
    /// No JSON, or other fields.
    #[error("the custody record can't be read")]
    Json(#[source] serde_json::Error),
    /// A later version.
    #[error("the custody record has format {format}, profile {profile}; only 1 and 1 are known")]
    Version {
        /// The version of its fields.
        format: u64,
        /// The version of its spelling.
        profile: u64,
    },
    /// Beyond what a record may hold.
    #[error("the custody record is out of bounds: {0}")]
    Limit(&'static str),
    /// Readable, and spelt in another than the one prescribed way.
    #[error("the custody record differs at byte {at} from the one way to write it")]
    NotCanonical {
        /// The offset of the first element that differs.
        at: usize,
    },
    /// The institution isn't the one whose log it is.
    #[error("the custody record names `{institution}`, its log `{origin}` belongs to another")]
    Institution {
        /// The institution that the record names.
        institution: PartyId,
        /// The log that it names.
        origin: Origin,
    },
    /// The checkpoint isn't valid.
    #[error("the checkpoint of the custody record is not valid")]
    Checkpoint(#[source] CheckpointError),
    /// The checkpoint is another log's.
    #[error("the checkpoint of the custody record is one of `{0}`, another log")]
    CheckpointOfOtherLog(Origin),
    /// Below the log's line stands something else than cosignatures, or they stand in another order.
    #[error(
        "the signature lines of the custody record's checkpoint are not the log's and those of witnesses"
    )]
    Cosignatures(#[source] CosignatureError),
    /// Not one head a stream.
    #[error("the custody record has {found} case heads for {expected} streams")]
    Heads {
        /// How many streams it has.
        expected: usize,
        /// How many heads it has.
        found: usize,
    },
    /// A head isn't valid or says something else than the entries.
    #[error("the case head of stream {stream} is not valid")]
    Head {
        /// The stream.
        stream: Stream,
        /// What is wrong.
        #[source]
        problem: HeadProblem,
    },
    /// A case head that a counterpart acknowledged isn't valid, or the record doesn't hold its event.
    #[error("receipted head {position} is not valid")]
    Receipted {
        /// Its place among the receipted heads, from 1.
        position: usize,
        /// What is wrong.
        #[source]
        problem: ReceiptedProblem,
    },
    /// An entry that is said to have begun an epoch doesn't hold.
    #[error("the entry that began epoch {position} of those told is not valid")]
    Epoch {
        /// Its place among the epochs, from 1.
        position: usize,
        /// What is wrong.
        #[source]
        problem: EpochProblem,
    },
    /// The log is not in its first epoch, and no entry says how the one before ended.
    #[error("the record does not hold the entry that began the log `{0}`")]
    EpochUntold(Origin),
    /// A case head that a counterpart told has not the form of one.
    #[error("told head {position} is not one that a counterpart told")]
    Told {
        /// Its place among the told heads, from 1.
        position: usize,
        /// What is wrong.
        #[source]
        problem: ToldProblem,
    },
    /// Some entries have their bodies, and others are said to be erased.
    #[error(
        "{erased} of the {entries} entries of the custody record are said to be erased, and the law erases whole cases"
    )]
    PartlyErased {
        /// How many are said to be erased.
        erased: usize,
        /// How many entries there are.
        entries: usize,
    },
    /// An entry doesn't hold.
    #[error("entry #{n} of stream {stream} is not valid: {}", .problem.part())]
    Entry {
        /// The stream.
        stream: Stream,
        /// The number within the stream.
        n: u64,
        /// What is wrong.
        #[source]
        problem: EntryProblem,
    },
}

impl RecordError {
    /// The failing part in words that don't change: `framing`, `checkpoint`, `erased`, `heads`,
    /// `head <stream>`, `epochs`, `epoch <position>`, `receipted <position>`, `told <position>` or `entry <stream> #<n> <part>`.
    #[must_use]
    pub fn part(&self) -> String {
        match self {
            Self::TooLarge(_)
            | Self::Json(_)
            | Self::Version { .. }
            | Self::Limit(_)
            | Self::NotCanonical { .. }
            | Self::Institution { .. } => "framing".to_owned(),
            Self::Checkpoint(_) | Self::CheckpointOfOtherLog(_) | Self::Cosignatures(_) => {
                "checkpoint".to_owned()
            }
            Self::PartlyErased { .. } => "erased".to_owned(),
            Self::Heads { .. } => "heads".to_owned(),
            Self::Head { stream, .. } => format!("head {stream}"),
            Self::Receipted { position, .. } => format!("receipted {position}"),
            Self::Epoch { position, .. } => format!("epoch {position}"),
            Self::EpochUntold(_) => "epochs".to_owned(),
            Self::Told { position, .. } => format!("told {position}"),
            Self::Entry { stream, n, problem } => format!("entry {stream} #{n} {}", problem.part()),
        }
    }
}

/// What is wrong with a case head of a record.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum HeadProblem {
    /// The note isn't a valid case head.
    #[error("its note is not valid")]
    Note(#[source] CaseHeadError),
    /// A note with signatures that profile 1 doesn't know.
    #[error("it has {0} signature lines, not one")]
    Signatures(usize),
    /// It speaks of another log, case, stream, number or leaf.
    #[error("it says something else than the record's entries")]
    Differs,
}

/// What is wrong with an entry that began an epoch.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EpochProblem {
    /// The leaf is none.
    #[error("its leaf is not valid")]
    Leaf(#[source] LeafError),
    /// The leaf doesn't commit to the body.
    #[error("its leaf doesn't commit to its body")]
    Commitment,
    /// The body is no `epoch-begun` of this log's office, or its numbers can't be.
    #[error("its body doesn't say how an epoch of this log ended")]
    Body,
    /// The checkpoint that was witnessed is not the closed log's.
    #[error("the checkpoint that was witnessed is not valid")]
    Witnessed(#[source] CheckpointError),
    /// It carries other signature lines than the log's and those of witnesses.
    #[error(
        "the signature lines of the checkpoint that was witnessed are not the log's and those of witnesses"
    )]
    Cosignatures(#[source] CosignatureError),
    /// The inclusion proof is not valid.
    #[error("its inclusion proof doesn't lead to the checkpoint")]
    Proof(#[source] ProofError),
    /// It doesn't follow the one before.
    #[error("it doesn't follow the one before")]
    Order,
}

/// What is wrong with a case head that a counterpart acknowledged.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReceiptedProblem {
    /// The note isn't a valid case head.
    #[error("its note is not valid")]
    Note(#[source] CaseHeadError),
    /// A note with signatures that profile 1 doesn't know.
    #[error("it has {0} signature lines, not one")]
    Signatures(usize),
    /// The heads are not in the order of their streams, or two are of one stream.
    #[error("it does not stand in the order of the streams")]
    Order,
    /// No counterpart gets heads of the office's own stream.
    #[error("it is of the stream `internal`, of which no counterpart knows")]
    Internal,
    /// The record doesn't hold the event that the head names.
    #[error("the record does not hold what the log said")]
    Differs(#[source] HeadMismatch),
}

/// What is wrong with a case head that a counterpart told.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ToldProblem {
    /// The note can't be read as a case head.
    #[error("its note is no case head")]
    Note(#[source] CaseHeadError),
    /// A note with signatures that profile 1 doesn't know.
    #[error("it has {0} signature lines, not one")]
    Signatures(usize),
    /// It was told to somebody else.
    #[error("it is of the stream {0}, not of the one shared with this institution")]
    ToAnother(Stream),
    /// The heads are not in the order of the counterparts, or two are of one.
    #[error("it does not stand in the order of the counterparts")]
    Order,
    /// The record has no stream of that counterpart.
    #[error("the record has no stream of {0}, whose log it names")]
    NoStream(PartyId),
}

/// A receipt doesn't show that the counterpart knew a case head.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum ReceiptMismatch {
    /// It is no answer to something that was sent.
    #[error("it attests {0}, not a delivery or its refusal")]
    Kind(&'static str),
    /// Somebody else gave it.
    #[error("{0} gave it, not the counterpart of the stream")]
    Issuer(PartyId),
    /// It was given to somebody else.
    #[error("it is addressed to {0}")]
    Addressee(PartyId),
    /// It quotes no head.
    #[error("it quotes no case head")]
    NoHead,
    /// It quotes another head.
    #[error("it quotes another case head, sha256 {0}")]
    OtherHead(rogatory_core::Digest),
    /// It is for something that travelled under another number, or that somebody else sent.
    #[error("it is for a message of another sender or number than the case head")]
    OtherMessage,
}

/// The parts of an entry.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum EntryPart {
    /// The 65 bytes of the leaf.
    Leaf,
    /// The body: its commitment and what it says about itself.
    Body,
    /// The tag, which binds the leaf to case, stream and number.
    Tag,
    /// The inclusion proof.
    Proof,
    /// The number within the stream, or the order of the entries.
    Numbering,
    /// The link to the stream's previous leaf.
    Previous,
}

impl fmt::Display for EntryPart {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Leaf => "leaf",
            Self::Body => "body",
            Self::Tag => "tag",
            Self::Proof => "proof",
            Self::Numbering => "numbering",
            Self::Previous => "previous",
        })
    }
}

/// What is wrong with an entry.
#[derive(Debug, thiserror::Error)]
pub enum EntryProblem {
    /// The leaf can't be read.
    #[error("its leaf can't be read")]
    Leaf(#[source] LeafError),
    /// A number is missing or stands twice.
    #[error("number {expected} of the stream is expected here")]
    Numbering {
        /// The number that should follow.
        expected: u64,
    },
    /// The entries are not in the order of the log.
    #[error("it stands behind an entry that the log has later")]
    Order,
    /// The tag is another case's, stream's or number's.
    #[error("its leaf's tag is not the one of this case, stream and number")]
    Tag,
    /// The leaf commits to another body or salt.
    #[error("its leaf commits to another body")]
    Commitment,
    /// The body can't be read.
    #[error("its body can't be read")]
    Body(#[source] BodyError),
    /// The body speaks of another event.
    #[error("its body names another case, stream or number")]
    BodyNamesOther,
    /// The body names another previous leaf.
    #[error("its body names another previous leaf than the stream has")]
    Previous,
    /// The leaf isn't in the log where the entry says.
    #[error("its inclusion proof doesn't lead to the checkpoint")]
    Proof(#[source] ProofError),
}

impl EntryProblem {
    /// The failing part.
    #[must_use]
    pub const fn part(&self) -> EntryPart {
        match self {
            Self::Leaf(_) => EntryPart::Leaf,
            Self::Numbering { .. } | Self::Order => EntryPart::Numbering,
            Self::Tag => EntryPart::Tag,
            Self::Commitment | Self::Body(_) | Self::BodyNamesOther => EntryPart::Body,
            Self::Previous => EntryPart::Previous,
            Self::Proof(_) => EntryPart::Proof,
        }
    }
}

/// A case head that somebody kept, and a record, say different things.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum HeadMismatch {
    /// They are of two logs.
    #[error("the case head is one of `{0}`, another log than the record's")]
    OtherLog(Origin),
    /// The record doesn't reach as far.
    #[error("stream {stream} of the record ends at #{complete_to}, the case head says #{n}")]
    Missing {
        /// The stream.
        stream: Stream,
        /// The number that the head names.
        n: u64,
        /// How far the record goes; 0 if it has nothing of the stream.
        complete_to: u64,
    },
    /// The head is of an epoch that ended, and its event is not among the entries that were restored.
    #[error(
        "event #{n} of stream {stream}, told by `{origin}`, is not in the record: {lost} entries that were witnessed are \
         lost since that epoch ended"
    )]
    Lost {
        /// The log that told it.
        origin: Origin,
        /// The stream.
        stream: Stream,
        /// The number.
        n: u64,
        /// How many entries were witnessed and are not known to be here.
        lost: u64,
    },
    /// The record has another event under the number.
    #[error("event #{n} of stream {stream} is another in the record than in the case head")]
    OtherLeaf {
        /// The stream.
        stream: Stream,
        /// The number.
        n: u64,
    },
}

//! The custody log: leaves, Merkle tree, signed notes, checkpoints, proofs and case records.
//!
//! Pure computation: bytes and hashes in, bytes and verdicts out. It never does I/O, reads a clock
//! or decides who may see what; the server stores what it returns, and the verifiers here need
//! nothing but the bytes and the keys that somebody trusts. `docs/spec/custody-log.md` describes
//! every format so that it can be built again from the text alone.
//!
//! | module | holds |
//! |---|---|
//! | [`tree`] | RFC 6962 hashes, appending, proofs and their verification |
//! | [`leaf`] | what a leaf commits to: tag, salted commitment, the body's header |
//! | [`note`] | signed notes (C2SP signed-note), verifier keys, the log's key |
//! | [`checkpoint`] | the log's origin and its signed tree head (C2SP tlog-checkpoint) |
//! | [`cosignature`] | a witness's word that a checkpoint goes on what it saw before (C2SP tlog-cosignature) |
//! | [`proof`] | an inclusion proof as a file (C2SP tlog-proof) |
//! | [`case_head`] | the signed word on how far one stream of a case has come |
//! | [`record`] | the exportable record of one case, and its verifier |
//! | [`tiles`] | the log as files (C2SP tlog-tiles) |
//! | [`audit`] | an auditor's scan of all leaves against the record of one case |

pub mod audit;
pub mod case_head;
pub mod checkpoint;
pub mod cosignature;
pub mod leaf;
pub mod note;
pub mod proof;
pub mod record;
pub mod tiles;
pub mod tree;

//! What the authority does, one act a file. No sockets, no SQL text.
//!
//! An act checks first, signs and seals outside the transaction, then performs: rows and custody
//! entries together. What leaves the house leaves after the commit that stored it.

pub mod approve_document;
pub mod dispatch;
pub mod draft_document;
pub mod epoch;
pub mod erase_case;
mod export_patience;
pub mod export_record;
pub mod export_tiles;
pub mod import_party;
pub mod lapse_preservations;
pub mod prove_entry;
pub mod receive_document;
pub mod receive_package;
pub mod recheck;
pub mod record_denial;
pub mod record_reading;
pub mod record_run;
pub mod relay_package;
pub mod remove_stale_transfers;
pub mod report_offline;
pub mod send_package;
pub mod sign_checkpoint;
pub mod stamp;
pub mod transfer;
pub mod transmit_document;
pub mod witness;

mod case_head;
pub(crate) mod delivery;
mod enclosed;
mod limits;
mod matter;
mod outer_check;
mod signers;

//! The one interface through which this server writes files: write, sync, rename.
//!
//! It lives in the room of evidence, because an officer's program downloads through it too. What this server
//! makes is for its own account only.

pub use rogatory_evidence::durable::{
    Disk, DurableFile, DurableFiles, make_folder, rename_durably, temporary_name, write_whole,
};

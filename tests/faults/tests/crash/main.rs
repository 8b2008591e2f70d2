//! Vault, key store and resume state on a disk that loses what was not synced: the machine stops, or the process is
//! killed, at every single write, sync, rename and removal; nothing acknowledged may be lost then, nothing half-done may
//! be taken for whole, and the job must complete afterwards.

mod another_sender;
mod campaign;
mod database;
mod download;
mod keys;
mod sealed_meanwhile;
mod take_in;

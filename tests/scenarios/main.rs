//! What happens between offices, told as stories. Each file is about one part of a case's life.

mod acts;
mod acts_by_client;
mod at_once;
mod attacks;
mod audit;
mod custody;
mod delivery;
mod drafting;
mod epochs;
mod erasure;
mod forwarding;
mod fsck;
mod health;
mod many_objects;
mod outbox;
mod packages;
mod parties;
mod preservations;
mod resume;
mod revocation;
mod sealing;
mod servers;
mod stages;
mod story;
mod time_stamps;
mod witness;

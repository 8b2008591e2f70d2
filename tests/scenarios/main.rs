//! What happens between offices, told as stories. Each file is about one part of a case's life.

mod at_once;
mod delivery;
mod drafting;
mod packages;
mod parties;
mod resume;
mod servers;
mod stages;
mod story;

//! Where a test breaks what a network or a disk may break, in pairs: it was lost; it was kept but
//! reported lost.
//!
//! A running server is handed [`NoFaults`]. Nothing here decides anything about a case.

/// How a message or a commit breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Broken {
    /// It never happened, and failure is reported.
    Lost,
    /// It happened, and failure is reported all the same.
    KeptButReportedLost,
}

/// What may break, asked each time before it happens.
pub trait Faults: Send + Sync {
    /// The commit of a group of acts, by their names.
    fn commit(&self, acts: &[&'static str]) -> Option<Broken>;

    /// A call to another institution, by the name of its RPC.
    fn call(&self, rpc: &'static str) -> Option<Broken>;
}

/// Nothing breaks on purpose.
#[derive(Clone, Copy, Debug, Default)]
pub struct NoFaults;

impl Faults for NoFaults {
    fn commit(&self, _: &[&'static str]) -> Option<Broken> {
        None
    }

    fn call(&self, _: &'static str) -> Option<Broken> {
        None
    }
}

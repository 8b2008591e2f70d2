//! One thing that breaks once, when a test says so.

use rogatory_server::faults::{Broken, Faults};
use std::sync::{Mutex, PoisonError};

/// Where something breaks.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Site {
    /// The commit of the group that holds an act of this name.
    Commit(&'static str),
    /// A call to a peer, by the name of its RPC.
    Call(&'static str),
}

#[derive(Default)]
struct State {
    armed: Option<(Site, Broken)>,
    /// What broke, and what passed while nothing was armed: names for a test's table.
    broke: Option<Site>,
    seen: Vec<Site>,
}

/// The faults of one office's server.
#[derive(Default)]
pub struct SwitchedFaults(Mutex<State>);

impl SwitchedFaults {
    /// The next time `site` is passed it breaks, once.
    pub fn arm(&self, site: Site, broken: Broken) {
        let mut state = self.state();
        state.armed = Some((site, broken));
        state.broke = None;
    }

    /// Whether what was armed broke.
    #[must_use]
    pub fn broke(&self) -> bool {
        self.state().broke.is_some()
    }

    /// Every site that was passed so far, each once.
    #[must_use]
    pub fn seen(&self) -> Vec<Site> {
        self.state().seen.clone()
    }

    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        // The state is whole whenever the lock is free, even after a panic elsewhere.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn pass(&self, site: Site) -> Option<Broken> {
        let mut state = self.state();
        if !state.seen.contains(&site) {
            state.seen.push(site);
        }
        match state.armed {
            Some((armed, broken)) if armed == site => {
                state.armed = None;
                state.broke = Some(site);
                Some(broken)
            }
            _ => None,
        }
    }
}

impl Faults for SwitchedFaults {
    fn commit(&self, acts: &[&'static str]) -> Option<Broken> {
        // Every act of the group is noted; the first that is armed breaks the commit of all.
        acts.iter().fold(None, |broken, act| broken.or(self.pass(Site::Commit(act))))
    }

    fn call(&self, rpc: &'static str) -> Option<Broken> {
        self.pass(Site::Call(rpc))
    }
}

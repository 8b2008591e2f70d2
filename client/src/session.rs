//! What a command works with: the profile, the clock, the source of ids, the connection, and
//! somewhere to tell progress.
//!
//! Made by the binary from the machine's clock and randomness, and by tests from their own.

use crate::connect::Connection;
use crate::output::progress::{Progress, Silent};
use crate::problem::Problem;
use crate::profile::Profile;
use data_encoding::HEXLOWER;
use rogatory_core::entropy::draw;
use rogatory_core::{Clock, Entropy, Timestamp};
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::OnceCell;

/// The context of every command.
pub struct Session {
    /// Who acts; none for what needs nobody, such as checking a package.
    pub profile: Option<Profile>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Where ids, numbers and salts come from. Never keys.
    pub entropy: Arc<dyn Entropy>,
    /// Is told how far a long step has come.
    pub progress: Arc<dyn Progress>,
    /// The directory of the profile, where what this machine remembers of the officer's acts is kept.
    pub directory: Option<PathBuf>,
    /// Who acts where there is no profile, for this machine's own logs.
    pub account: String,
    connection: OnceCell<Connection>,
}

impl Session {
    /// A session that has not yet called its server.
    #[must_use]
    pub fn new(profile: Option<Profile>, clock: Arc<dyn Clock>, entropy: Arc<dyn Entropy>) -> Self {
        let progress = Arc::new(Silent);
        let account = crate::account::UNNAMED.to_owned();
        Self { profile, clock, entropy, progress, directory: None, account, connection: OnceCell::new() }
    }

    /// The same session, under this account of the machine.
    #[must_use]
    pub fn with_account(mut self, account: String) -> Self {
        self.account = account;
        self
    }

    /// Who acts: the officer, or without a profile the account.
    #[must_use]
    pub fn actor(&self) -> String {
        let officer = self.profile.as_ref().map(|profile| profile.officer.to_string());
        officer.unwrap_or_else(|| self.account.clone())
    }

    /// The same session, telling its progress to `progress`.
    #[must_use]
    pub fn with_progress(mut self, progress: Arc<dyn Progress>) -> Self {
        self.progress = progress;
        self
    }

    /// The same session, with the directory of its profile.
    #[must_use]
    pub fn with_directory(mut self, directory: Option<PathBuf>) -> Self {
        self.directory = directory;
        self
    }

    /// The officer's profile.
    ///
    /// # Errors
    /// A usage problem if there is none.
    pub fn profile(&self) -> Result<&Profile, Problem> {
        self.profile.as_ref().ok_or_else(|| {
            Problem::usage("this command needs an officer's profile")
                .with_hint("give its directory with --profile DIR or in ROGATORY_PROFILE")
        })
    }

    /// The connection to the own server, opened at the first call.
    ///
    /// # Errors
    /// Not yet if the server cannot be reached; refused if either side does not accept the other.
    pub async fn connection(&self) -> Result<&Connection, Problem> {
        let profile = self.profile()?;
        self.connection.get_or_try_init(|| Connection::open(profile, self.clock.clone())).await
    }

    /// The present instant in whole seconds, as signatures and documents hold it.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.clock.now().whole_seconds()
    }

    /// An id for one call that changes something: the same id gets the same answer.
    #[must_use]
    pub fn call_id(&self) -> String {
        HEXLOWER.encode(&draw::<8>(self.entropy.as_ref()))
    }
}

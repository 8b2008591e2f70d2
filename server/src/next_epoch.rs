//! `rogatory-server next-epoch`: after a backup was restored, the log goes on under another origin.
//!
//! ```text
//! ports taken: the server is down ─ witnesses asked ─ entry and epoch, one commit ─ server.toml ─ party entry
//! ```
//! After a stop in between the same call goes on where it was: a server does not start as long as database and
//! configuration name two logs.

use crate::Sockets;
use crate::authority::Authority;
use crate::casework::epoch::{self, Standing};
use crate::config::{FILE_NAME, ServerConfig};
use crate::files::{Disk, write_whole};
use crate::init::seal_entry;
use crate::institution::Institution;
use anyhow::{Context as _, bail, ensure};
use rogatory_core::{Clock, Entropy, PartyId};
use rogatory_custody::checkpoint::Origin;
use std::fmt;
use std::path::Path;
use std::sync::Arc;

/// What the entry says why, unless somebody says it.
const REASON: &str = "a backup was restored";
/// The longest reason, in characters.
const REASON_CHARACTERS: usize = 200;

/// How an operator wants it.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    /// Why, for the entry: no names, no facts of a case.
    pub reason: Option<String>,
    /// Also if nothing shows that the log is behind, or a witness is silent; needs a reason.
    pub force: bool,
}

/// What was done.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Begun {
    /// The log as it is called from now on.
    pub origin: Origin,
    /// The size of the largest checkpoint that a witness holds; none if none does, or the epoch had begun before.
    pub witnessed: Option<u64>,
    /// How many entries a witness has seen and the tree is not known to hold.
    pub lost: u64,
    /// Who was not asked in vain, but did not answer.
    pub silent: Vec<PartyId>,
}

impl fmt::Display for Begun {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "the log is now {}", self.origin)?;
        match self.witnessed {
            Some(size) => writeln!(formatter, "a witness had seen {size} entries; lost: {}", self.lost)?,
            None => writeln!(formatter, "no witness said what it had seen")?,
        }
        for party in &self.silent {
            writeln!(formatter, "{party} did not answer")?;
        }
        write!(
            formatter,
            "start the server, and have every counterpart import the new party entry: until then they take no case heads \
             and cosign nothing"
        )
    }
}

/// Ends the epoch of the log in `folder` and begins the next one.
///
/// # Errors
/// If the server runs; unless forced, if nothing shows that the log was restored or is behind, or a witness is silent.
pub async fn next_epoch(
    folder: &Path,
    wanted: Wanted,
    clock: Arc<dyn Clock>,
    entropy: Arc<dyn Entropy>,
) -> anyhow::Result<Begun> {
    let reason = wanted.reason.as_deref().unwrap_or(REASON);
    ensure!(
        !wanted.force || wanted.reason.is_some(),
        "--force needs --reason: what stands in the log must say why"
    );
    ensure!(
        (1..=REASON_CHARACTERS).contains(&reason.chars().count()) && !reason.chars().any(char::is_control),
        "the reason must be one line of at most {REASON_CHARACTERS} characters"
    );
    let config = ServerConfig::load(folder)?;
    let _ports = Sockets::bind(&config).await.context("stop the server first")?;
    let authority = Authority::of_folder(folder, config.clone(), Arc::clone(&clock), entropy).await?;
    let authority = Arc::new(authority);
    let begun = begin(&authority, &config, wanted.force, reason).await;
    authority.datastore.close().await;
    let begun = begun?;
    write_epoch(folder, &config, begun.origin.epoch())?;
    let institution = Institution::load(folder, ServerConfig::load(folder)?)?;
    if institution.own_entry().is_err() {
        seal_entry(folder, clock.as_ref())?;
    }
    Ok(begun)
}

async fn begin(
    authority: &Arc<Authority>,
    config: &ServerConfig,
    force: bool,
    reason: &str,
) -> anyhow::Result<Begun> {
    let standing = epoch::standing(authority).await?;
    let own = authority.institution.log_origin();
    let last = epoch::last(authority).await?;
    if let (Standing::OtherLog(origin), Some(last)) = (&standing, last)
        && last.origin == *origin
        && origin.epoch() > config.institution.epoch
        && (origin.domain(), origin.party()) == (own.domain(), own.party())
    {
        // It broke off behind the commit.
        return Ok(Begun { origin: origin.clone(), witnessed: None, lost: 0, silent: Vec::new() });
    }
    if authority.institution.own_entry().is_err()
        && standing == Standing::Current
        && own.epoch() > 1
        && !force
    {
        // It broke off before the party entry.
        return Ok(Begun { origin: own.clone(), witnessed: None, lost: 0, silent: Vec::new() });
    }
    let compared = epoch::compare(authority).await?;
    if !force {
        if !compared.silent().is_empty() {
            let silent: Vec<String> = compared.silent().iter().map(ToString::to_string).collect();
            bail!(
                "{} did not say what it saw last: try again when it answers, or, if it never will, use --force with a \
                 reason; what it alone has seen is then not named in the log",
                silent.join(", ")
            );
        }
        if standing == Standing::Current && !compared.differs() {
            bail!(
                "nothing shows that this log was restored or is behind: its epoch goes on. --force with a reason ends it all the same"
            );
        }
    }
    let (witnessed, lost) = (compared.witnessed_size(), compared.lost());
    let silent = compared.silent().to_vec();
    let origin = epoch::begin(authority, compared, reason.to_owned()).await?;
    Ok(Begun { origin, witnessed, lost, silent })
}

/// Writes the epoch into `server.toml`: its line alone, so that comments stay.
fn write_epoch(folder: &Path, config: &ServerConfig, epoch: u32) -> anyhow::Result<()> {
    let before = config.institution.epoch;
    if before == epoch {
        return Ok(());
    }
    let path = folder.join(FILE_NAME);
    let text = std::fs::read_to_string(&path)?;
    let (line, new) = (format!("epoch = {before}"), format!("epoch = {epoch}"));
    ensure!(
        text.lines().filter(|one| one.trim() == line).count() == 1,
        "write `{new}` into `[institution]` of {}, and call this again",
        path.display()
    );
    let changed: Vec<String> =
        text.lines().map(|one| if one.trim() == line { new.clone() } else { one.to_owned() }).collect();
    let changed = changed.join("\n") + "\n";
    let read: ServerConfig = toml::from_str(&changed)?;
    ensure!(read.institution.epoch == epoch, "the epoch in {} cannot be written", path.display());
    write_whole(&Disk::OwnerOnly, &path, changed.as_bytes())
        .with_context(|| format!("{} cannot be written", path.display()))
}

//! Institutions for a benchmark: a folder each, the real server program, sessions of its officers.
//!
//! Everything is set up by the commands a person would type, with throw-away keys.

use crate::process::{self, Running, Syncs};
use crate::time::{MachineClock, MachineEntropy};
use anyhow::{Context as _, ensure};
use rogatory_client::{Profile, Session};
use rogatory_core::PartyId;
use rogatory_core::document::NamedParty;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

/// Where a benchmark works and what it runs.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The folder of the product's programs.
    pub(crate) programs: PathBuf,
    /// A folder of its own, on a disk.
    pub(crate) work: PathBuf,
    /// How large.
    pub(crate) scale: Scale,
    /// Whether it also says where the time goes.
    pub(crate) profile: bool,
}

/// How large a benchmark is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Scale {
    /// Tiny: shows that it runs, says nothing of speed.
    Smoke,
    /// Some minutes.
    Usual,
    /// Everything the design names; half an hour, and tens of gigabytes.
    Full,
}

impl Place {
    /// A program of the product.
    #[must_use]
    pub(crate) fn program(&self, name: &str) -> Command {
        let mut command = Command::new(self.programs.join(name));
        // What a person set for herself must not leak into the figures.
        command.current_dir(&self.work).env_remove("ROGATORY_PROFILE").env_remove("ROGATORY_LOG");
        command
    }

    /// One of three by scale.
    #[must_use]
    pub(crate) const fn pick<T: Copy>(&self, smoke: T, usual: T, full: T) -> T {
        match self.scale {
            Scale::Smoke => smoke,
            Scale::Usual => usual,
            Scale::Full => full,
        }
    }
}

/// Who an institution is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Who {
    party: &'static str,
    name: &'static str,
    kind: &'static str,
    country_ca: &'static str,
    officers: &'static [&'static str],
}

/// The requesting authority.
pub(crate) const REQUESTING: Who = Who {
    party: "gb/central-authority",
    name: "Requesting Authority (benchmark)",
    kind: "central-authority",
    country_ca: "ca-gb",
    officers: &[
        "drafter=Helen Ashdown:drafter",
        "approver=Jonathan Hale:approver",
        "evidence=Ngozi Okafor:evidence-officer",
        "operator=Gareth Pryce:operator,auditor",
    ],
};

/// The requested authority.
pub(crate) const REQUESTED: Who = Who {
    party: "md/central-authority",
    name: "Requested Authority (benchmark)",
    kind: "central-authority",
    country_ca: "ca-md",
    officers: &[
        "drafter=Ion Rusu:drafter",
        "approver=Elena Ceban:approver",
        "evidence=Mihai Munteanu:evidence-officer",
        "operator=Vera Istrati:operator,auditor",
    ],
};

/// The provider.
pub(crate) const PROVIDER: Who = Who {
    party: "md/provider",
    name: "Provider (benchmark)",
    kind: "provider",
    country_ca: "ca-md",
    officers: &["agent=Dina Lungu:provider-agent", "operator=Petru Bostan:operator,auditor"],
};

/// An institution with its server.
pub(crate) struct Office {
    place: Place,
    /// Its id.
    pub(crate) party: PartyId,
    /// Its name in words.
    pub(crate) name: String,
    /// The server's folder.
    pub(crate) folder: PathBuf,
    /// Where officers call.
    pub(crate) office_port: u16,
    /// Where peers call.
    pub(crate) peer_port: u16,
    /// What `party export` says of its entry.
    entry: Value,
    server: Option<Running>,
    syncs: Option<Syncs>,
}

impl Office {
    /// Sets up the folder of `who` and starts the server.
    ///
    /// # Errors
    /// Names the command that failed.
    pub(crate) fn found(place: &Place, who: &Who) -> anyhow::Result<Self> {
        let [office_port, peer_port] = free_ports()?;
        let folder = place.work.join(who.party.replace('/', "-"));
        let mut init = place.program("rogatory-server");
        init.args(["init", "--development", "--directory"]).arg(&folder);
        init.args(["--party", who.party, "--name", who.name, "--kind", who.kind]);
        init.args([
            "--office",
            &format!("127.0.0.1:{office_port}"),
            "--peer",
            &format!("127.0.0.1:{peer_port}"),
        ]);
        init.args(["--domain", &format!("{}.example", who.party.replace('/', "-"))]);
        init.arg("--country-ca").arg(place.work.join(who.country_ca));
        for officer in who.officers {
            init.args(["--officer", officer]);
        }
        process::output(&mut init)?;
        let mut office = Self {
            place: place.clone(),
            party: who.party.parse().context("a party")?,
            name: who.name.to_owned(),
            folder,
            office_port,
            peer_port,
            entry: Value::Null,
            server: None,
            syncs: None,
        };
        office.start()?;
        let file = office.entry_file();
        office.entry = office.command("operator", &["party", "export", "-o", &file])?;
        Ok(office)
    }

    /// Where its entry lies, in the work folder.
    #[must_use]
    pub(crate) fn entry_file(&self) -> String {
        format!("{}.party.asice", self.party.to_string().replace('/', "-"))
    }

    /// The command that runs its server.
    #[must_use]
    pub(crate) fn run_command(&self) -> Command {
        let mut command = self.place.program("rogatory-server");
        command.args(["run", "--directory"]).arg(&self.folder);
        command
    }

    /// Where its server's log goes.
    #[must_use]
    pub(crate) fn log(&self) -> PathBuf {
        self.folder.with_extension("log")
    }

    /// Starts the server and waits until it listens.
    ///
    /// # Errors
    /// If it does not.
    pub(crate) fn start(&mut self) -> anyhow::Result<()> {
        let mut server = Running::start(&mut self.run_command(), &self.log())?;
        server.wait_for("listening")?;
        self.server = Some(server);
        self.syncs = None;
        Ok(())
    }

    /// The same, with every sync noted.
    ///
    /// # Errors
    /// Likewise, or without `strace`.
    pub(crate) fn start_traced(&mut self) -> anyhow::Result<()> {
        ensure!(process::is_there("strace"), "`strace` is not installed: it counts the syncs");
        let (mut command, syncs) = Syncs::tracing(&self.run_command(), &self.folder.with_extension("trace"));
        command.env_remove("ROGATORY_LOG");
        let mut server = Running::start(&mut command, &self.log())?;
        server.wait_for("listening")?;
        server.look_behind_tracer()?;
        self.server = Some(server);
        self.syncs = Some(syncs);
        Ok(())
    }

    /// What counts its syncs, if it was started so.
    ///
    /// # Errors
    /// If it was not.
    pub(crate) fn syncs(&self) -> anyhow::Result<&Syncs> {
        self.syncs.as_ref().context("the server was not started with its syncs noted")
    }

    /// Stops the server; the folder stays.
    ///
    /// # Errors
    /// If it does not stop by itself.
    pub(crate) fn stop(&mut self) -> anyhow::Result<()> {
        self.server.take().map_or(Ok(()), Running::stop)
    }

    /// Kills the server at once; the folder stays as it was at that instant.
    ///
    /// # Errors
    /// If it does not run.
    pub(crate) fn kill(&mut self) -> anyhow::Result<()> {
        self.server.take().context("the server does not run")?.kill()
    }

    /// The server's process.
    ///
    /// # Errors
    /// If it does not run.
    pub(crate) fn process(&self) -> anyhow::Result<u32> {
        Ok(self.server.as_ref().context("the server does not run")?.id())
    }

    /// That the server still runs.
    ///
    /// # Errors
    /// If it ended.
    pub(crate) fn check(&mut self) -> anyhow::Result<()> {
        self.server.as_mut().context("the server does not run")?.check()
    }

    /// An officer's command, with what she answers when asked; the JSON it prints.
    ///
    /// # Errors
    /// Names the command and what it said if it failed.
    pub(crate) fn command(&self, officer: &str, words: &[&str]) -> anyhow::Result<Value> {
        let mut command = self.officer_command(officer);
        let said = process::output(command.arg("--json").args(words))?;
        serde_json::from_str(&said).with_context(|| format!("`{}` printed no JSON", words.join(" ")))
    }

    /// The beginning of an officer's command.
    #[must_use]
    pub(crate) fn officer_command(&self, officer: &str) -> Command {
        let mut command = self.place.program("rogatory");
        command.arg("--profile").arg(self.profile(officer));
        command
    }

    /// An officer's folder.
    #[must_use]
    pub(crate) fn profile(&self, officer: &str) -> PathBuf {
        self.folder.join("officers").join(officer)
    }

    /// Confirms the entry of `other` here.
    ///
    /// # Errors
    /// As the command.
    pub(crate) fn confirm(&self, other: &Self) -> anyhow::Result<()> {
        let fingerprint = other.entry["fingerprint"].as_str().context("an entry has a fingerprint")?;
        let file = other.entry_file();
        self.command("operator", &["party", "import", &file, "--fingerprint", fingerprint]).map(drop)
    }

    /// A session of an officer, with a connection of its own.
    ///
    /// # Errors
    /// If the profile cannot be read.
    pub(crate) fn session(&self, officer: &str) -> anyhow::Result<Session> {
        let profile = Profile::load(&self.profile(officer))?;
        Ok(Session::new(Some(profile), Arc::new(MachineClock), Arc::new(MachineEntropy)))
    }

    /// As documents name it.
    #[must_use]
    pub(crate) fn named(&self) -> NamedParty {
        NamedParty { party: self.party.clone(), name: self.name.clone() }
    }

    /// Who may open evidence for this office, as a request lists them.
    ///
    /// # Errors
    /// If the entry publishes nobody.
    pub(crate) fn recipients(&self) -> anyhow::Result<Value> {
        let published = self.entry["recipients"].as_array().context("an entry lists recipients")?;
        let listed: Vec<Value> = published
            .iter()
            .map(|one| {
                let officer = one["officer"].as_str().map(|id| format!("{}/officer/{id}", self.party));
                json!({ "institution": self.party, "officer": officer, "recipient": one["recipient"] })
            })
            .collect();
        ensure!(!listed.is_empty(), "the entry of {} publishes no recipient", self.party);
        Ok(Value::Array(listed))
    }
}

/// Two ports of this machine that nobody listens on now.
fn free_ports() -> anyhow::Result<[u16; 2]> {
    let held = [TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?, TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?];
    let [office, peer] = &held;
    Ok([office.local_addr()?.port(), peer.local_addr()?.port()])
}

/// Makes `folder` anew, for one benchmark.
///
/// # Errors
/// As the file system says.
pub(crate) fn fresh(folder: &Path) -> anyhow::Result<()> {
    if folder.exists() {
        std::fs::remove_dir_all(folder).with_context(|| format!("cannot remove `{}`", folder.display()))?;
    }
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make `{}`", folder.display()))
}

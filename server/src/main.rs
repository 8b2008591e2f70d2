//! `rogatory-server`: arguments → configuration → run; nothing else.

use anyhow::Context as _;
use clap::{Args, Parser, Subcommand};
use rogatory_core::{Clock, Entropy, PartyId, Timestamp};
use rogatory_server::config::{DatabaseConfig, InstitutionKind, ServerConfig};
use rogatory_server::faults::NoFaults;
use rogatory_server::init::{self, GivenKeys, NewOfficer, NewServer, OfficerFile, OfficerText};
use rogatory_server::{Server, Sockets, backup, fsck, health, migrate, next_epoch};
use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use tokio::signal::unix::{SignalKind, signal};

/// The server of one institution: central authority, contact point, provider or court.
#[derive(Parser)]
#[command(name = "rogatory-server", version)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Sets up the folder of a new server.
    Init(Box<InitArguments>),
    /// Seals the party entry anew after the configuration changed.
    Entry(FolderArguments),
    /// Runs the server until it is told to stop (SIGTERM or Ctrl-C).
    Run(FolderArguments),
    /// Checks that everything the server keeps is here and as it was signed; changes nothing, and may
    /// run beside the server. Ends with 0 if all is sound, else with 1.
    Fsck(FsckArguments),
    /// Moves the database from its SQLite file to an empty database of a PostgreSQL server, checks it there, and writes
    /// `server.toml` so. The server must be stopped.
    Migrate(MigrateArguments),
    /// Copies what the server keeps to a new folder, beside the running server, and the case keys to another one; checks the
    /// copy.
    Backup(BackupArguments),
    /// Puts a backup back into the folder of a server that has its configuration and keys, and no database. The server must
    /// be stopped. Ends with 0 if all is sound, else with 1.
    Restore(RestoreArguments),
    /// After a backup was restored: ends the epoch of the custody log and begins the next one. The server must be stopped.
    NextEpoch(NextEpochArguments),
    /// Says what endangers the promises of this office, and what soon may; may run beside the server. Ends with 1 if
    /// anything is red.
    Doctor(DoctorArguments),
}

#[derive(Args)]
struct MigrateArguments {
    /// The server's folder, with `server.toml` in it.
    #[arg(long)]
    directory: PathBuf,
    /// The new database: `postgres://USER@HOST:PORT/DATABASE`, without a password.
    #[arg(long)]
    database_url: String,
    /// The file that holds the password of that database's user, relative to the server's folder.
    #[arg(long)]
    database_password_file: Option<PathBuf>,
}

#[derive(Args)]
struct BackupArguments {
    /// The server's folder, with `server.toml` in it.
    #[arg(long)]
    directory: PathBuf,
    /// The new folder of the backup.
    #[arg(long)]
    to: PathBuf,
    /// The folder of the copy of the case keys: the same one each time, outside every backup.
    #[arg(long)]
    case_keys: PathBuf,
}

#[derive(Args)]
struct RestoreArguments {
    /// The server's folder, with `server.toml` and the office's keys in it.
    #[arg(long)]
    directory: PathBuf,
    /// The folder of the backup.
    #[arg(long)]
    from: PathBuf,
    /// The copy of the case keys, if the server's folder has none.
    #[arg(long)]
    case_keys: Option<PathBuf>,
}

#[derive(Args)]
struct NextEpochArguments {
    /// The server's folder, with `server.toml` in it.
    #[arg(long)]
    directory: PathBuf,
    /// Why, for the log: one line without names and facts of a case.
    #[arg(long)]
    reason: Option<String>,
    /// Also if nothing shows that the log was restored, or a witness does not answer.
    #[arg(long, requires = "reason")]
    force: bool,
}

#[derive(Args)]
struct DoctorArguments {
    /// The server's folder, with `server.toml` in it.
    #[arg(long)]
    directory: PathBuf,
    /// Writes the findings as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct FsckArguments {
    /// The server's folder, with `server.toml` in it.
    #[arg(long)]
    directory: PathBuf,
    /// Checks this backup of the server instead, with the office's keys.
    #[arg(long, requires = "case_keys")]
    backup: Option<PathBuf>,
    /// With --backup: the copy of the case keys.
    #[arg(long, requires = "backup")]
    case_keys: Option<PathBuf>,
    /// Reads every byte of every package and compares its digest.
    #[arg(long)]
    deep: bool,
    /// Writes the report as JSON.
    #[arg(long)]
    json: bool,
}

#[derive(Args)]
struct FolderArguments {
    /// The server's folder, with `server.toml` in it.
    #[arg(long)]
    directory: PathBuf,
}

#[derive(Args)]
struct InitArguments {
    /// The folder to set up; it must not hold a server yet.
    #[arg(long)]
    directory: PathBuf,
    /// Makes a throw-away PKI as well: for trying out, never for real cases.
    #[arg(long, requires = "country_ca")]
    development: bool,
    /// The institution: <country>/<institution>, for example `md/central-authority`.
    #[arg(long)]
    party: PartyId,
    /// The institution's name in words.
    #[arg(long)]
    name: String,
    /// A preset of competences.
    #[arg(long, value_enum)]
    kind: InstitutionKind,
    /// Where own officers call, for example `127.0.0.1:7443`.
    #[arg(long)]
    office: SocketAddr,
    /// Where other institutions call, for example `127.0.0.1:7444`.
    #[arg(long)]
    peer: SocketAddr,
    /// The domain under which the custody log is named.
    #[arg(long)]
    domain: String,
    /// A PostgreSQL database instead of a SQLite file: `postgres://USER@HOST:PORT/DATABASE`, without a password.
    #[arg(long)]
    database_url: Option<String>,
    /// The file that holds the password of that database's user.
    #[arg(long, requires = "database_url")]
    database_password_file: Option<PathBuf>,
    /// With --development: the folder of the country's throw-away authority; made if it is not there,
    /// shared by its institutions.
    #[arg(long, requires = "development")]
    country_ca: Option<PathBuf>,
    /// PEM of the institution's TLS certificate and its chain.
    #[arg(long, required_unless_present = "development", conflicts_with = "development")]
    tls_certificate: Option<PathBuf>,
    /// PKCS#8 PEM of its key.
    #[arg(long, required_unless_present = "development", conflicts_with = "development")]
    tls_key: Option<PathBuf>,
    /// PEM of the institution's seal certificate and its chain.
    #[arg(long, required_unless_present = "development", conflicts_with = "development")]
    seal_certificate: Option<PathBuf>,
    /// PKCS#8 PEM of its key.
    #[arg(long, required_unless_present = "development", conflicts_with = "development")]
    seal_key: Option<PathBuf>,
    /// PEM of the anchors of the own country.
    #[arg(long, required_unless_present = "development", conflicts_with = "development")]
    anchors: Option<PathBuf>,
    /// PEM of the certificate with which an officer signs: `id=FILE`; repeat for each officer.
    #[arg(long = "signing-certificate", conflicts_with = "development")]
    signing_certificates: Vec<OfficerFile>,
    /// The age recipient of an officer who opens evidence: `id=age1…`, or `id=age1pq1…` for post-quantum packages, or
    /// both; repeat for each.
    #[arg(long = "recipient", conflicts_with = "development")]
    recipients: Vec<OfficerText>,
    /// The age recipient whose identity lies offline with two persons; repeat it if there is one of each kind.
    #[arg(long = "recovery-recipient", conflicts_with = "development")]
    recovery_recipients: Vec<String>,
    /// An officer: `id=Full Name:role,role`; repeat for each.
    #[arg(long = "officer", required = true)]
    officers: Vec<NewOfficer>,
}

struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        #[expect(clippy::disallowed_methods, reason = "this is the one place where the wall clock enters")]
        let now = std::time::SystemTime::now();
        let since = now.duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        let microseconds = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
        // Only a clock set beyond the year 9999 has no instant; certificates have long expired then.
        Timestamp::from_microseconds(microseconds).unwrap_or(Timestamp::MAX)
    }
}

struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // The operating system's generator does not fail once it has started; ids of zeros would
        // collide at once and be refused by the database.
        let _ = aws_lc_rs::rand::fill(bytes);
    }
}

#[tokio::main]
async fn main() -> ExitCode {
    let arguments = Arguments::parse();
    tracing_subscriber::fmt()
        .with_env_filter(
            tracing_subscriber::EnvFilter::try_from_env("ROGATORY_LOG")
                .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info")),
        )
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
    match run(arguments.command).await {
        Ok(ended) => ended,
        Err(error) => {
            #[expect(clippy::print_stderr, reason = "the last word of the program")]
            {
                eprintln!("error: {error:#}");
            }
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> anyhow::Result<ExitCode> {
    let (clock, entropy) = (Arc::new(SystemClock), Arc::new(SystemEntropy));
    match command {
        Command::Init(arguments) => {
            let made = set_up(*arguments, clock, entropy).await?;
            #[expect(clippy::print_stdout, reason = "what was made is this command's output")]
            {
                println!("{made}");
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Entry(arguments) => {
            init::seal_entry(&arguments.directory, clock.as_ref())?;
            Ok(ExitCode::SUCCESS)
        }
        Command::Fsck(arguments) => check(&arguments).await,
        Command::Migrate(arguments) => {
            let to = DatabaseConfig {
                file: None,
                url: Some(arguments.database_url),
                password_file: arguments.database_password_file,
            };
            let migrated = migrate::migrate(&arguments.directory, to).await?;
            #[expect(clippy::print_stdout, reason = "what was moved is this command's output")]
            {
                println!("{migrated}");
            }
            Ok(ExitCode::SUCCESS)
        }
        Command::Backup(BackupArguments { directory, to, case_keys }) => {
            let copied = backup::back_up(&directory, &to, &case_keys, clock.now()).await?;
            say(&copied);
            Ok(ExitCode::SUCCESS)
        }
        Command::Restore(RestoreArguments { directory, from, case_keys }) => {
            let copied = backup::restore(&directory, &from, case_keys.as_deref()).await?;
            say(&copied);
            Ok(if copied.report.sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
        }
        Command::NextEpoch(NextEpochArguments { directory, reason, force }) => {
            let wanted = next_epoch::Wanted { reason, force };
            say(&next_epoch::next_epoch(&directory, wanted, clock, entropy).await?);
            Ok(ExitCode::SUCCESS)
        }
        Command::Doctor(arguments) => doctor(&arguments, clock, entropy).await,
        Command::Run(arguments) => {
            let config = ServerConfig::load(&arguments.directory)?;
            let sockets = Sockets::bind(&config).await?;
            let server =
                Server::start(&arguments.directory, config, sockets, clock, entropy, Arc::new(NoFaults))
                    .await?;
            wait_for_end().await?;
            tracing::info!("stopping: calls under way are finished first");
            server.stop().await?;
            Ok(ExitCode::SUCCESS)
        }
    }
}

#[expect(clippy::print_stdout, reason = "what was done is the command's output")]
fn say(what: &impl std::fmt::Display) {
    println!("{what}");
}

async fn check(arguments: &FsckArguments) -> anyhow::Result<ExitCode> {
    let folder = &arguments.directory;
    let mut config = ServerConfig::load(folder)?;
    if let (Some(copy), Some(case_keys)) = (&arguments.backup, &arguments.case_keys) {
        config = backup::configuration_of(&config, copy, case_keys)?;
    }
    let report = fsck::check_with(folder, config, arguments.deep).await?;
    let text = if arguments.json { serde_json::to_string_pretty(&report)? } else { report.to_string() };
    #[expect(clippy::print_stdout, reason = "the report is this command's output")]
    {
        println!("{text}");
    }
    Ok(if report.sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

async fn doctor(
    arguments: &DoctorArguments,
    clock: Arc<SystemClock>,
    entropy: Arc<SystemEntropy>,
) -> anyhow::Result<ExitCode> {
    let findings = health::examine_folder(&arguments.directory, clock, entropy).await?;
    let text = if arguments.json {
        serde_json::to_string_pretty(&serde_json::json!({ "format": 1, "findings": findings }))?
    } else if findings.is_empty() {
        "all is well".to_owned()
    } else {
        findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    #[expect(clippy::print_stdout, reason = "the findings are this command's output")]
    {
        println!("{text}");
    }
    Ok(if findings.iter().any(health::Finding::is_red) { ExitCode::FAILURE } else { ExitCode::SUCCESS })
}

async fn set_up(
    arguments: InitArguments,
    clock: Arc<SystemClock>,
    entropy: Arc<SystemEntropy>,
) -> anyhow::Result<init::Made> {
    let database = match arguments.database_url {
        None => DatabaseConfig::in_file("database.sqlite".into()),
        url => DatabaseConfig { file: None, url, password_file: arguments.database_password_file },
    };
    let new = NewServer {
        folder: arguments.directory,
        party: arguments.party,
        name: arguments.name,
        kind: arguments.kind,
        office: arguments.office,
        peer: arguments.peer,
        domain: arguments.domain,
        database,
        officers: arguments.officers,
    };
    if let Some(country_ca) = &arguments.country_ca {
        return init::development(&new, country_ca, clock, entropy).await;
    }
    // The parser demands each of them unless --development is given.
    let given = |file: Option<PathBuf>, what| file.with_context(|| format!("--{what} is missing"));
    let keys = GivenKeys {
        tls_certificate: given(arguments.tls_certificate, "tls-certificate")?,
        tls_key: given(arguments.tls_key, "tls-key")?,
        seal_certificate: given(arguments.seal_certificate, "seal-certificate")?,
        seal_key: given(arguments.seal_key, "seal-key")?,
        anchors: given(arguments.anchors, "anchors")?,
        signing_certificates: arguments.signing_certificates,
        recipients: arguments.recipients,
        recovery_recipients: arguments.recovery_recipients,
    };
    init::with_keys(&new, &keys, clock, entropy).await
}

async fn wait_for_end() -> anyhow::Result<()> {
    let mut terminated = signal(SignalKind::terminate()).context("signals cannot be heard")?;
    tokio::select! {
        _ = terminated.recv() => Ok(()),
        interrupted = tokio::signal::ctrl_c() => interrupted.context("signals cannot be heard"),
    }
}

//! The two databases that an institution may have, and every difference between them.
//!
//! One text of SQL serves both (`$1`, BIGINT and INTEGER, BYTEA and BLOB); what is not SQL stands here: where a
//! database lies, how a connection is prepared, what makes it durable, who may write.
//!
//! ```text
//! SQLite      a file        one process; `BEGIN IMMEDIATE`         WAL, synchronous=FULL
//! PostgreSQL  a server      the holder of a session advisory lock  synchronous_commit, fsync, full_page_writes
//! ```
//! What PostgreSQL is asked to hold is never shown: a location has no `Debug`, since a password may stand in it.

use crate::problem::Problem;
use sqlx::AnyConnection;
use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::{Row as _, SqlSafeStr as _};
use std::fmt::Write as _;
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Larger than usual: a sealed document fills twenty such pages rather than forty. From 32,768 pages on a commit
/// itself moves the write-ahead log into the database file; before that [`super::Datastore::settle_wal`] does so
/// beside the writer, and cuts it to 64 MiB.
const SQLITE: &str = "PRAGMA busy_timeout = 10000;
    PRAGMA page_size = 8192;
    PRAGMA journal_mode = WAL;
    PRAGMA synchronous = FULL;
    PRAGMA foreign_keys = ON;
    PRAGMA secure_delete = ON;
    PRAGMA wal_autocheckpoint = 32768;
    PRAGMA journal_size_limit = 67108864";
/// Page cache of the writer, 16 MiB: room for the pages of a full group.
const SQLITE_WRITER: &str = "PRAGMA cache_size = -16384";
/// A machine that is gone is noticed, and its lock released, within a minute rather than within two hours.
const POSTGRES: &str = "SET application_name = 'rogatory-server';
    SET tcp_keepalives_idle = 20;
    SET tcp_keepalives_interval = 10;
    SET tcp_keepalives_count = 3";
/// How many texts a connection keeps prepared.
const PREPARED_TEXTS: &str = "256";
/// The lock of the one writer of a database: "rogatory" in ASCII.
const WRITER_LOCK: i64 = 0x726f_6761_746f_7279;
/// How long a connection may take to be had.
const CONNECTED_WITHIN: Duration = Duration::from_secs(10);
/// How often a server that waits for another one asks for the lock.
const LOCK_PAUSE: Duration = Duration::from_secs(1);
/// What the address of a PostgreSQL server may say besides host, port, user and database.
const PARAMETERS: &[&str] =
    &["host", "port", "user", "dbname", "sslmode", "sslrootcert", "sslcert", "sslkey"];

/// Which of the two it is.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
}

/// What a connection is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Use {
    /// Reading what is committed.
    Reading,
    /// The writer's.
    Writing,
}

/// Where the database of an institution lies.
#[derive(Clone)]
pub struct Location(Lies);

#[derive(Clone)]
enum Lies {
    File(PathBuf),
    Server(Box<AnyConnectOptions>),
}

impl Location {
    /// In a SQLite file.
    #[must_use]
    pub const fn file(path: PathBuf) -> Self {
        Self(Lies::File(path))
    }

    /// With the PostgreSQL server at `url`; the password may also stand in `PGPASSWORD` or in the user's `.pgpass`.
    ///
    /// A server that is not on this machine is only called with TLS, certificate and name checked: `sslmode=verify-full`.
    /// The driver believes the public authorities of the web besides `sslrootcert`, so that a certificate without its
    /// name (`verify-ca`) would show nothing.
    ///
    /// # Errors
    /// What is wrong with the address, and what to write instead. Never a part of the address.
    pub fn server(url: &str, password: Option<&str>) -> Result<Self, String> {
        let malformed =
            "write postgres://USER@HOST:PORT/DATABASE, or postgres:///DATABASE?host=/FOLDER/OF/SOCKET";
        let mut options: AnyConnectOptions = url.parse().map_err(|_| malformed.to_owned())?;
        let url = &mut options.database_url;
        if !["postgres", "postgresql"].contains(&url.scheme()) {
            return Err(malformed.to_owned());
        }
        if url.password().is_some() {
            return Err(
                "a password does not stand in the address; put it into a file that `password_file` names"
                    .to_owned(),
            );
        }
        let mut host = url.host_str().map(str::to_owned).filter(|host| !host.is_empty());
        let mut mode = None;
        for (key, value) in url.query_pairs() {
            if !PARAMETERS.contains(&key.as_ref()) {
                return Err(format!(
                    "the address may not say `{}`; it may say {}",
                    key.escape_debug(),
                    PARAMETERS.join(", ")
                ));
            }
            match key.as_ref() {
                "host" => host = Some(value.into_owned()),
                "sslmode" => mode = Some(value.into_owned()),
                _ => {}
            }
        }
        let Some(host) = host else { return Err(format!("the address names no host; {malformed}")) };
        match mode.as_deref() {
            _ if is_here(&host) => {}
            Some("verify-full") => {}
            Some(_) => return Err("the server is not on this machine: write sslmode=verify-full".to_owned()),
            None => drop(url.query_pairs_mut().append_pair("sslmode", "verify-full")),
        }
        url.query_pairs_mut().append_pair("statement-cache-capacity", PREPARED_TEXTS);
        if let Some(password) = password {
            url.query_pairs_mut().append_pair("password", password);
        }
        Ok(Self(Lies::Server(Box::new(options))))
    }

    /// What it may be called in logs and reports.
    #[must_use]
    pub fn name(&self) -> String {
        match &self.0 {
            Lies::File(path) => path.display().to_string(),
            Lies::Server(_) => "on the PostgreSQL server".to_owned(),
        }
    }

    pub(super) const fn dialect(&self) -> Dialect {
        match self.0 {
            Lies::File(_) => Dialect::Sqlite,
            Lies::Server(_) => Dialect::Postgres,
        }
    }

    /// How to connect. `mode` is SQLite's: `ro`, `rw`, or `rwc`, which makes the file.
    pub(super) fn options(&self, mode: &'static str) -> Result<AnyConnectOptions, sqlx::Error> {
        sqlx::any::install_default_drivers();
        match &self.0 {
            Lies::File(path) => file_options(path, mode),
            Lies::Server(options) => Ok((**options).clone()),
        }
    }
}

/// A host that no other machine stands between.
fn is_here(host: &str) -> bool {
    let bare = host.trim_start_matches('[').trim_end_matches(']');
    let loopback = bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    loopback || host == "localhost" || host.starts_with('/') || host.to_ascii_lowercase().starts_with("%2f")
}

/// The path as an address, every byte of it that could mean something escaped.
fn file_options(path: &Path, mode: &str) -> Result<AnyConnectOptions, sqlx::Error> {
    let text = path.to_str().ok_or_else(|| {
        sqlx::Error::Configuration("the path of a database must be UTF-8; choose another folder".into())
    })?;
    let mut address = "sqlite:".to_owned();
    for byte in text.bytes() {
        // Writing to a string does not fail.
        let _ = match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' => write!(address, "{}", char::from(byte)),
            _ => write!(address, "%{byte:02X}"),
        };
    }
    format!("{address}?mode={mode}").parse()
}

impl Dialect {
    /// Begins a transaction that writes, with the mark to which the first act is taken back.
    pub(super) const fn begin_group(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN IMMEDIATE; SAVEPOINT act",
            Self::Postgres => "BEGIN; SAVEPOINT act",
        }
    }

    /// Begins a transaction that reads one instant.
    pub(super) const fn begin_reading(self) -> &'static str {
        match self {
            Self::Sqlite => "BEGIN",
            Self::Postgres => "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY",
        }
    }

    /// How often a connection that is lost is made anew before an act is told so, with pauses that double.
    pub(super) const fn connected_at_most(self) -> u32 {
        match self {
            Self::Sqlite => 1,
            Self::Postgres => 8,
        }
    }

    /// Connections that are prepared for their use.
    pub(super) fn pool(self, purpose: Use, size: u32) -> AnyPoolOptions {
        AnyPoolOptions::new()
            .max_connections(size)
            .acquire_timeout(CONNECTED_WITHIN)
            // A connection to a file does not go stale: asking it first would double the work of short readings.
            // The writer's is never asked: whatever became of it, its transaction tells.
            .test_before_acquire(self == Self::Postgres && purpose == Use::Reading)
            .idle_timeout(None)
            .max_lifetime(None)
            .after_connect(move |connection, _| Box::pin(self.prepare(connection, purpose)))
    }

    async fn prepare(self, connection: &mut AnyConnection, purpose: Use) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite => {
                sqlx::raw_sql(SQLITE).execute(&mut *connection).await?;
                if purpose == Use::Writing {
                    sqlx::raw_sql(SQLITE_WRITER).execute(connection).await?;
                }
            }
            Self::Postgres => {
                sqlx::raw_sql(POSTGRES).execute(connection).await?;
            }
        }
        Ok(())
    }

    /// Whether this connection is the one that may write. On PostgreSQL it holds the writer's lock from then on, until it
    /// ends: nobody can take the lock from it, and nobody else can have it.
    pub(super) async fn may_write(self, connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
        if self == Self::Sqlite {
            return Ok(true);
        }
        let got: i64 = sqlx::query_scalar(
            "-- may_write
             SELECT CASE WHEN pg_try_advisory_lock($1) THEN 1 ELSE 0 END",
        )
        .bind(WRITER_LOCK)
        .fetch_one(connection)
        .await?;
        Ok(got == 1)
    }

    /// Waits until no other server writes to the database.
    pub(super) async fn wait_until_it_may_write(
        self,
        connection: &mut AnyConnection,
    ) -> Result<(), sqlx::Error> {
        let mut told = false;
        while !self.may_write(connection).await? {
            if !told {
                tracing::warn!("another server writes to this database; waiting until it stops");
                told = true;
            }
            tokio::time::sleep(LOCK_PAUSE).await;
        }
        Ok(())
    }

    /// What keeps this connection from keeping what it acknowledges; none if nothing does.
    pub(super) async fn weakness(
        self,
        connection: &mut AnyConnection,
    ) -> Result<Option<String>, sqlx::Error> {
        match self {
            Self::Sqlite => {
                let journal: String =
                    sqlx::query_scalar("PRAGMA journal_mode").fetch_one(&mut *connection).await?;
                let synchronous: i64 = sqlx::query_scalar("PRAGMA synchronous").fetch_one(connection).await?;
                let weak = journal != "wal" || synchronous != 2;
                Ok(weak.then(|| {
                    format!(
                        "the database does not keep WAL with synchronous=FULL: \
                         journal_mode={journal}, synchronous={synchronous}"
                    )
                }))
            }
            Self::Postgres => {
                let rows = sqlx::query(
                    "-- weakness
                     SELECT CAST(name AS TEXT), setting FROM pg_settings
                     WHERE name IN ('synchronous_commit', 'fsync', 'full_page_writes', 'server_encoding')",
                )
                .fetch_all(connection)
                .await?;
                let mut weak = Vec::new();
                for row in rows {
                    let (name, setting): (String, String) = (row.try_get(0)?, row.try_get(1)?);
                    let demanded: &[&str] = match name.as_str() {
                        "synchronous_commit" => &["on", "remote_apply"],
                        "server_encoding" => &["UTF8"],
                        _ => &["on"],
                    };
                    if !demanded.contains(&setting.as_str()) {
                        weak.push(format!("{name}={setting}, and must be {}", demanded.join(" or ")));
                    }
                }
                weak.sort();
                Ok((!weak.is_empty()).then(|| format!("the database has {}", weak.join("; "))))
            }
        }
    }

    /// Whether the tables are there. A SQLite file is opened only if it is there, so that this asks PostgreSQL alone.
    pub(super) async fn has_tables(self, connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
        if self == Self::Sqlite {
            return Ok(true);
        }
        let there: i64 = sqlx::query_scalar(
            "-- has_tables
             SELECT CASE WHEN to_regclass('custody_leaf') IS NULL THEN 0 ELSE 1 END",
        )
        .fetch_one(connection)
        .await?;
        Ok(there == 1)
    }

    /// The schema's history, compiled in; a version that is not here stops the start.
    pub(super) fn migrations(self) -> Migrator {
        let text = match self {
            Self::Sqlite => include_str!("../../migrations/sqlite/0001_first.sql"),
            Self::Postgres => include_str!("../../migrations/postgres/0001_first.sql"),
        };
        let first = Migration::new(1, "first".into(), MigrationType::Simple, text.into_sql_str(), false);
        Migrator::with_migrations(vec![first])
    }

    /// What the database finds wrong with its own pages, at most a hundred lines; none if all is well. PostgreSQL looks
    /// at the checksums of its pages, where it has them, as it reads them.
    pub(super) async fn page_faults(
        self,
        connection: &mut AnyConnection,
    ) -> Result<Vec<String>, sqlx::Error> {
        match self {
            Self::Sqlite => {
                let rows: Vec<String> =
                    sqlx::query_scalar("PRAGMA quick_check").fetch_all(connection).await?;
                Ok(rows.into_iter().filter(|row| row != "ok").collect())
            }
            Self::Postgres => Ok(Vec::new()),
        }
    }

    /// Moves what was committed from SQLite's write-ahead log into its file, as far as nobody reads it; PostgreSQL does so
    /// by itself.
    pub(super) async fn settle_wal(self, connection: &mut AnyConnection) -> Result<(), sqlx::Error> {
        match self {
            Self::Sqlite => sqlx::query("PRAGMA wal_checkpoint(PASSIVE)").execute(connection).await.map(drop),
            Self::Postgres => Ok(()),
        }
    }

    /// Cuts off SQLite's write-ahead log after everything in it was moved; says whether it could be. PostgreSQL keeps what
    /// was deleted until it is vacuumed, under a key that is destroyed (`docs/reference/database.md`).
    pub(super) async fn cut_wal(self, connection: &mut AnyConnection) -> Result<bool, sqlx::Error> {
        match self {
            Self::Sqlite => {
                let busy: i64 =
                    sqlx::query_scalar("PRAGMA wal_checkpoint(TRUNCATE)").fetch_one(connection).await?;
                Ok(busy == 0)
            }
            Self::Postgres => Ok(true),
        }
    }
}

/// Refuses to run on a database that would not keep what it acknowledged.
pub(super) async fn assert_durable(dialect: Dialect, connection: &mut AnyConnection) -> Result<(), Problem> {
    let failed = |error| Problem::internal("the database's settings cannot be read", error);
    match dialect.weakness(connection).await.map_err(failed)? {
        None => Ok(()),
        Some(weakness) => {
            Err(Problem::internal("nothing acknowledged would be safe in this database", weakness))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The tables and indexes of a schema, a word each, types as SQLite names them.
    fn tables(schema: &str) -> Vec<String> {
        let mut text = String::new();
        let mut skipping = false;
        for line in schema.lines().filter(|line| !line.trim_start().starts_with("--")) {
            skipping |= line.starts_with("CREATE TRIGGER") || line.starts_with("CREATE FUNCTION");
            if !skipping {
                text.push_str(line);
                text.push('\n');
            }
            // The last line of a trigger or a function.
            skipping &= !["END;", "END $$;", "();"].iter().any(|end| line.ends_with(end));
        }
        for (one, other) in [
            (" COLLATE \"C\"", ""),
            ("BIGINT", "INTEGER"),
            ("BYTEA", "BLOB"),
            (") STRICT, WITHOUT ROWID;", ");"),
            (") STRICT;", ");"),
        ] {
            text = text.replace(one, other);
        }
        text.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn both_schemas_have_the_same_tables() {
        let sqlite = tables(include_str!("../../migrations/sqlite/0001_first.sql"));
        let postgres = tables(include_str!("../../migrations/postgres/0001_first.sql"));
        let differs = sqlite.iter().zip(&postgres).position(|(one, other)| one != other);
        let at = differs.unwrap_or(sqlite.len().min(postgres.len()));
        let around = |words: &[String]| {
            words.iter().skip(at.saturating_sub(8)).take(16).cloned().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(sqlite, postgres, "first: {}\n   but: {}", around(&sqlite), around(&postgres));
    }

    fn refused(url: &str) -> String {
        Location::server(url, None).err().unwrap_or_else(|| panic!("{url} is accepted"))
    }

    fn address(url: &str, password: Option<&str>) -> String {
        let location = Location::server(url, password).unwrap_or_else(|why| panic!("{url}: {why}"));
        location.options("rw").expect("options").database_url.to_string()
    }

    #[test]
    fn a_server_elsewhere_is_called_with_its_certificate_checked() {
        assert!(address("postgres://r@db.example/r", None).contains("sslmode=verify-full"));
        assert!(
            address("postgres://r@192.0.2.7/r?sslmode=verify-full", None).contains("sslmode=verify-full")
        );
        for mode in ["disable", "allow", "prefer", "require", "verify-ca"] {
            assert!(refused(&format!("postgres://r@db.example/r?sslmode={mode}")).contains("verify-full"));
        }
        // A host in the parameters wins over the one in front, as the driver has it.
        assert!(refused("postgres://r@localhost/r?host=db.example&sslmode=disable").contains("verify-full"));
        for here in [
            "postgres:///r?host=/run/pg",
            "postgres://%2Frun%2Fpg/r",
            "postgres://r@127.0.0.1/r",
            "postgres://[::1]/r",
        ] {
            assert!(!address(here, None).contains("sslmode"), "{here}");
        }
    }

    #[test]
    fn an_address_holds_no_password_and_nothing_unknown() {
        assert!(refused("postgres://r:secret@localhost/r").contains("password_file"));
        assert!(refused("postgres://r@localhost/r?password=secret").contains("may not say `password`"));
        assert!(
            refused("postgres://r@localhost/r?options=-csynchronous_commit%3Doff").contains("may not say")
        );
        assert!(refused("postgres:///r").contains("names no host"));
        assert!(refused("mysql://r@localhost/r").contains("postgres://"));
        assert!(refused("not an address").contains("postgres://"));
        for url in ["postgres://r:secret@localhost/r", "postgres://r@localhost/r?password=secret"] {
            assert!(!refused(url).contains("secret"));
        }
        assert!(address("postgres://r@localhost/r", Some("a%41&b=c")).contains("password=a%2541%26b%3Dc"));
    }

    #[test]
    fn a_path_is_escaped_as_a_whole() {
        let options = file_options(Path::new("/a b/../%41?#.sqlite"), "ro").expect("options");
        assert_eq!(options.database_url.as_str(), "sqlite:%2Fa%20b%2F%2E%2E%2F%2541%3F%23%2Esqlite?mode=ro");
    }
}

//! A PostgreSQL server of the tests' own: a fresh cluster in a folder of its own, reached by a socket there, and by
//! nothing else unless a test asks for a port on loopback.
//!
//! It is what `pg_config --bindir` names, started as user `postgres` when the tests run as root, which PostgreSQL
//! refuses to. A shell stands guard over it: when the program that started it is gone, however it went, it stops the
//! server and removes the folder.
//!
//! With `ROGATORY_DATABASE=postgres` in the environment every office that [`crate::World`] founds has a database here.

use rogatory_server::config::DatabaseConfig;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// `$1`: the programs; `$2`: the folder; `$3`: the port; `$4`: further options. Standard input ends when whoever started this is gone.
const GUARD: &str = r#"
    "$1/initdb" -D "$2/data" -U rogatory -A trust -E UTF8 --locale=C > "$2/log" 2>&1 || exit 1
    "$1/postgres" -D "$2/data" -k "$2" -p "$3" -c max_connections=400 $4 >> "$2/log" 2>&1 &
    server=$!
    cat > /dev/null
    kill -INT $server
    wait $server
    rm -rf "$2" 2> /dev/null
"#;

/// A running server.
pub struct Cluster {
    programs: PathBuf,
    folder: PathBuf,
    port: u16,
    databases: AtomicU64,
    guard: Child,
}

impl Cluster {
    /// The one of this program, started when it is first asked for.
    pub fn shared() -> &'static Self {
        static CLUSTER: OnceLock<Cluster> = OnceLock::new();
        CLUSTER.get_or_init(|| Self::start(&std::env::temp_dir()))
    }

    /// Starts one in a new folder below `parent`.
    ///
    /// # Panics
    /// If PostgreSQL is not installed or does not start.
    #[must_use]
    pub fn start(parent: &Path) -> Self {
        Self::launch(parent, 5432, &[], |_| "-c listen_addresses=".to_owned())
    }

    /// Starts one below `parent` that also listens on 127.0.0.1, with TLS and a password only: `password` of `rogatory`.
    ///
    /// # Panics
    /// As [`Cluster::start`].
    #[must_use]
    pub fn with_tls(parent: &Path, certificate: &str, key: &str, password: &str) -> Self {
        let free = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let port = free.local_addr().expect("an address").port();
        drop(free);
        let who = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
        let files = [("tls.pem", certificate), ("tls.key", key), ("hba", who)];
        let cluster = Self::launch(parent, port, &files, |folder| {
            let file = |name: &str| folder.join(name).display().to_string();
            let (certificate, key, who) = (file("tls.pem"), file("tls.key"), file("hba"));
            format!(
                "-c listen_addresses=127.0.0.1 -c ssl=on -c ssl_cert_file={certificate} -c ssl_key_file={key} \
                 -c hba_file={who}"
            )
        });
        cluster.sql("postgres", &format!("ALTER ROLE rogatory PASSWORD '{password}'")).expect("a password");
        cluster
    }

    /// The port on which it listens.
    #[must_use]
    pub const fn port(&self) -> u16 {
        self.port
    }

    fn launch(parent: &Path, port: u16, files: &[(&str, &str)], options: impl Fn(&Path) -> String) -> Self {
        let said = Command::new("pg_config").arg("--bindir").output();
        let said = said.expect("`pg_config` is needed: install `postgresql`");
        let programs = PathBuf::from(String::from_utf8(said.stdout).expect("text").trim());
        let folder = tempfile::Builder::new().prefix("pg-").tempdir_in(parent).expect("a folder").keep();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).expect("permissions");
        for (name, text) in files {
            fs::write(folder.join(name), text).expect("written");
            fs::set_permissions(folder.join(name), fs::Permissions::from_mode(0o600)).expect("permissions");
        }
        let root = fs::metadata("/proc/self").expect("this process").uid() == 0;
        let mut command = if root {
            let owned = Command::new("chown").args(["-R", "postgres:"]).arg(&folder).status();
            assert!(owned.expect("`chown` starts").success(), "there is no user `postgres`");
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups", "sh"]);
            command
        } else {
            Command::new("sh")
        };
        command.args(["-c", GUARD, "sh"]).arg(&programs).arg(&folder).arg(port.to_string());
        command.arg(options(&folder)).current_dir("/");
        let guard = command.stdin(Stdio::piped()).spawn().expect("`setpriv` and `sh` start");
        let mut cluster = Self { programs, folder, port, databases: AtomicU64::new(0), guard };
        for _ in 0..6000 {
            if cluster.run("pg_isready", &["-q"]).status.success() {
                return cluster;
            }
            let ended = cluster.guard.try_wait().expect("a process of ours");
            let log = || fs::read_to_string(cluster.folder.join("log")).unwrap_or_default();
            assert!(ended.is_none(), "PostgreSQL does not start: {}", log());
            std::thread::sleep(Duration::from_millis(10));
        }
        panic!("PostgreSQL is not ready; see {}", cluster.folder.join("log").display());
    }

    fn run(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(self.programs.join(program));
        let port = self.port.to_string();
        command.arg("-h").arg(&self.folder).args(["-p", port.as_str(), "-U", "rogatory"]).args(arguments);
        command.output().expect("a program of PostgreSQL")
    }

    /// Makes a new, empty database; gives its address.
    ///
    /// # Panics
    /// If the server refuses.
    #[must_use]
    pub fn database(&self) -> String {
        let name = format!("d{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let made = self.sql("postgres", &format!("CREATE DATABASE {name}"));
        assert!(made.is_ok(), "{made:?}");
        format!("postgres:///{name}?host={}&port={}&user=rogatory", self.folder.display(), self.port)
    }

    /// The configuration of a new database.
    #[must_use]
    pub fn configuration(&self) -> DatabaseConfig {
        DatabaseConfig { file: None, url: Some(self.database()), password_file: None }
    }

    /// Executes `statement` in the database of that name, as somebody with every right; gives what it says.
    ///
    /// # Errors
    /// What the server says instead.
    pub fn sql(&self, database: &str, statement: &str) -> Result<String, String> {
        let said = self
            .run("psql", &["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database, "-c", statement]);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).trim().to_owned();
        if said.status.success() { Ok(text(&said.stdout)) } else { Err(text(&said.stderr)) }
    }

    /// `kill -9` of every process that serves a connection of a server of ours: PostgreSQL then stops all others too, and
    /// recovers as after a crash. Says how many there were.
    ///
    /// # Panics
    /// If there is nothing to ask for them.
    pub fn kill_backends(&self, database: &str) -> usize {
        let asked = "SELECT pid FROM pg_stat_activity
                     WHERE application_name = 'rogatory-server' AND datname = current_database()";
        // Nobody answers while it recovers.
        let Ok(said) = self.sql(database, asked) else { return 0 };
        let killed = said.lines().filter(|pid| {
            Command::new("kill").args(["-9", pid]).status().is_ok_and(|status| status.success())
        });
        killed.count()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The guard hears the end of its input, and stops the server.
        drop(self.guard.stdin.take());
        let _ = self.guard.wait();
        // What user `postgres` may not remove where it may not write: the empty folder.
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// The name of the database in an address that [`Cluster::database`] gave.
///
/// # Panics
/// If it is none.
#[must_use]
pub fn name_of(url: &str) -> &str {
    let rest = url.strip_prefix("postgres:///").expect("an address");
    rest.split('?').next().expect("a name")
}

/// The database of an office to be: a file, unless the environment asks for PostgreSQL.
///
/// # Panics
/// If the environment asks for something else.
#[must_use]
pub fn configured() -> DatabaseConfig {
    match std::env::var("ROGATORY_DATABASE").as_deref() {
        Err(_) | Ok("sqlite") => DatabaseConfig::in_file("database.sqlite".into()),
        Ok("postgres") => Cluster::shared().configuration(),
        Ok(other) => panic!("ROGATORY_DATABASE is sqlite or postgres, not `{other}`"),
    }
}

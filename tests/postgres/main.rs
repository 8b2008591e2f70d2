//! What only PostgreSQL has: a lock that says who writes, connections that break, settings that would lose what was
//! acknowledged. What both databases must do alike, `pairs` and `scenarios` show (`ROGATORY_DATABASE=postgres`).
//!
//! Every act here is repeated under its id until it is acknowledged, as callers do; then it must stand exactly once.

use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::{Digest, Timestamp};
use rogatory_custody::leaf::LEAF_BYTES;
use rogatory_custody::tree::{self, Tree};
use rogatory_server::config::ServerConfig;
use rogatory_server::datastore::{
    Act, Datastore, Inspection, Location, OFFICE, Opening, StoreError, Transaction,
};
use rogatory_server::faults::NoFaults;
use rogatory_server::files::Disk;
use rogatory_server::fsck;
use rogatory_server::keystore::KeyStore;
use rogatory_server::migrate::migrate;
use rogatory_server::problem::Problem;
use rogatory_tests::postgres::{Cluster, name_of};
use rogatory_tests::{Federation, FixedClock, SeededEntropy, papers, road};
use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use tempfile::TempDir;

/// How often connections, and servers, are killed.
const KILLS: usize = 6;
const CALLERS: u64 = 16;

/// Makes one entry, once for each id.
struct Once(u64);

impl Act for Once {
    const NAME: &'static str = "once";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let (id, request) = (self.0.to_string(), Digest::of(b"the same call"));
        if tx.answered("caller", &id, &request).await?.is_none() {
            let event = CustodyEvent::internal(Event::CustodyExported { entries: self.0 });
            tx.record(OFFICE, &Actor::Server, event).await?;
            tx.remember_answer("caller", &id, &request, "done").await?;
        }
        Ok(())
    }
}

async fn open(url: &str, folder: &Path, seed: u64) -> Result<Datastore, Problem> {
    open_at(&Location::server(url, None).expect("an address"), folder, seed).await
}

async fn open_at(location: &Location, folder: &Path, seed: u64) -> Result<Datastore, Problem> {
    let keys = KeyStore::open(&folder.join("keys"), Arc::new(Disk::OwnerOnly), &[7; 32])?;
    let noon: Timestamp = "2026-11-22T14:20:00Z".parse().expect("an instant");
    let opening = Opening {
        location,
        create: true,
        keys: Arc::new(keys),
        clock: Arc::new(FixedClock::new(noon)),
        entropy: Arc::new(SeededEntropy::new(seed)),
        faults: Arc::new(NoFaults),
    };
    Datastore::open(opening).await
}

/// Demands that the log holds the acts of `ids`, each once, numbered without a gap, under a tree that is theirs.
async fn demand_once_each(url: &str, store: &Datastore, ids: &BTreeSet<u64>) {
    let mut session = store.read().await.expect("a session");
    let size = session.tree_size().await.expect("a size");
    let entries = session.entries(OFFICE, 0, size, u32::MAX).await.expect("entries");
    let mut found = Vec::new();
    for (at, entry) in entries.iter().enumerate() {
        assert_eq!((entry.leaf_index, entry.n), (at as u64, at as u64 + 1), "numbered without a gap");
        let body: serde_json::Value = serde_json::from_slice(&entry.body).expect("JSON");
        let number = find(&body, "entries").expect("the id of the act");
        found.push(number);
    }
    let once: BTreeSet<u64> = found.iter().copied().collect();
    assert_eq!(once.len(), found.len(), "an act stands twice");
    assert_eq!(&once, ids, "what was acknowledged, and nothing else");
    let root = session.root(size).await.expect("a root");
    let mut inspection =
        Inspection::open(&Location::server(url, None).expect("an address")).await.expect("opened");
    let mut computed = Tree::new();
    for leaf in inspection.leaves(0, i64::MAX).await.expect("leaves") {
        let bytes: [u8; LEAF_BYTES] = leaf.leaf.as_slice().try_into().expect("a leaf");
        computed.append(tree::leaf_hash(&bytes)).expect("room");
    }
    inspection.close().await.expect("closed");
    assert_eq!((computed.size(), computed.root()), (size, root));
}

fn find(value: &serde_json::Value, name: &str) -> Option<u64> {
    match value {
        serde_json::Value::Object(members) => members
            .get(name)
            .and_then(serde_json::Value::as_u64)
            .or_else(|| members.values().find_map(|member| find(member, name))),
        _ => None,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_though_connections_are_killed() {
    // Its own: killing one connection makes PostgreSQL recover, and stops those of all others.
    let cluster = Cluster::start(&std::env::temp_dir());
    let folder = TempDir::new().expect("a folder");
    let url = cluster.database();
    let store = open(&url, folder.path(), 1).await.expect("opened");
    let (next, enough) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicBool::new(false)));
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        let (store, next, enough) = (store.clone(), Arc::clone(&next), Arc::clone(&enough));
        callers.push(tokio::spawn(async move {
            let mut acknowledged = Vec::new();
            while !enough.load(Ordering::SeqCst) {
                let id = next.fetch_add(1, Ordering::SeqCst);
                while let Err(problem) = store.perform(Once(id)).await {
                    assert!(!enough.load(Ordering::SeqCst), "the database is back: {problem}");
                }
                acknowledged.push(id);
            }
            acknowledged
        }));
    }
    let mut killed = 0;
    while killed < KILLS {
        let before = next.load(Ordering::SeqCst);
        // Acts go on before, so that the kill meets some.
        while next.load(Ordering::SeqCst) < before + 4 * CALLERS {
            tokio::task::yield_now().await;
        }
        killed += usize::from(cluster.kill_backends(name_of(&url)) > 0);
    }
    let resumed = next.load(Ordering::SeqCst);
    while next.load(Ordering::SeqCst) < resumed + 2 * CALLERS {
        tokio::task::yield_now().await;
    }
    enough.store(true, Ordering::SeqCst);
    let mut ids = BTreeSet::new();
    for caller in callers {
        ids.extend(caller.await.expect("a caller"));
    }
    demand_once_each(&url, &store, &ids).await;
    store.close().await;
}

/// What [`a_server_is_killed`](nothing_is_lost_or_doubled_though_the_server_is_killed) starts as a process of its own.
const CHILD: &str = "writes_until_it_is_killed";

fn child(url: &str, folder: &Path, from: u64) -> Child {
    let mut command = Command::new(std::env::current_exe().expect("this program"));
    command.args(["--exact", CHILD, "--ignored", "--nocapture"]).stdout(Stdio::piped()).stderr(Stdio::null());
    command.env("URL", url).env("FOLDER", folder).env("FROM", from.to_string()).spawn().expect("it starts")
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "started by another test, as a process that is killed"]
async fn writes_until_it_is_killed() {
    let said = |name: &str| std::env::var(name).expect("set by the test that starts this");
    let store = open(&said("URL"), Path::new(&said("FOLDER")), 2).await.expect("opened");
    let next = Arc::new(AtomicU64::new(said("FROM").parse().expect("a number")));
    let mut callers = Vec::new();
    for _ in 0..CALLERS {
        let (store, next) = (store.clone(), Arc::clone(&next));
        callers.push(tokio::spawn(async move {
            loop {
                let id = next.fetch_add(1, Ordering::SeqCst);
                store.perform(Once(id)).await.expect("performed");
                // How the test that kills this hears of it.
                println!("acknowledged {id}");
            }
        }));
    }
    for caller in callers {
        let _: () = caller.await.expect("it goes on until it is killed");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_or_doubled_though_the_server_is_killed() {
    let folder = TempDir::new().expect("a folder");
    let url = Cluster::shared().database();
    let (mut acknowledged, mut from) = (BTreeSet::<u64>::new(), 0);
    for kill in 0..KILLS {
        let mut process = child(&url, folder.path(), from);
        let lines = BufReader::new(process.stdout.take().expect("its output")).lines();
        let mut heard = 0;
        for line in lines {
            let line = line.expect("text");
            // The harness's own words stand in front of the first.
            let Some((_, id)) = line.split_once("acknowledged ") else { continue };
            acknowledged.insert(id.parse().expect("a number"));
            heard += 1;
            if heard == 20 + 37 * kill {
                // Of no signal that it could answer; what it said before its end is read below.
                process.kill().expect("it runs");
            }
        }
        process.wait().expect("it ends");
        assert!(heard >= 20 + 37 * kill, "it ended by itself after {heard} acts");
        // Whatever was under way is repeated, as its callers would.
        from = acknowledged.last().copied().unwrap_or(0).saturating_sub(2 * CALLERS);
    }
    let store = open(&url, folder.path(), 3).await.expect("opened");
    let last = acknowledged.last().copied().expect("acts") + CALLERS;
    for id in 0..=last {
        store.perform(Once(id)).await.expect("performed");
    }
    let all: BTreeSet<u64> = (0..=last).collect();
    assert!(acknowledged.is_subset(&all));
    demand_once_each(&url, &store, &all).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_server_waits_until_the_first_stops() {
    let folder = TempDir::new().expect("a folder");
    let url = Cluster::shared().database();
    let first = open(&url, folder.path(), 4).await.expect("opened");
    let (address, path) = (url.clone(), folder.path().to_owned());
    let second = tokio::spawn(async move { open(&address, &path, 5).await });
    for id in 0..100 {
        first.perform(Once(id)).await.expect("performed");
    }
    assert!(!second.is_finished(), "nobody else may write");
    first.close().await;
    let second = second.await.expect("a task").expect("opened");
    second.perform(Once(100)).await.expect("performed");
    demand_once_each(&url, &second, &(0..=100).collect()).await;
    second.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_lost_the_lock_goes_on_behind_what_another_wrote() {
    let cluster = Cluster::shared();
    let folder = TempDir::new().expect("a folder");
    let url = cluster.database();
    let first = open(&url, folder.path(), 6).await.expect("opened");
    first.perform(Once(0)).await.expect("performed");
    // Another holds the lock from the moment at which the first one's connection ends.
    let (name, waits) = (name_of(&url).to_owned(), "SELECT pg_advisory_lock(8245923111001617017)");
    let held = format!("{waits}; SELECT pg_sleep(600)");
    let holder = std::thread::spawn(move || cluster.sql(&name, &held));
    let asked = |what: &str| cluster.sql(name_of(&url), what).expect("an answer");
    while asked(
        "SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND NOT granted AND database =
                 (SELECT oid FROM pg_database WHERE datname = current_database())",
    ) != "1"
    {}
    asked("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory' AND granted AND database =
           (SELECT oid FROM pg_database WHERE datname = current_database())");
    let (store, waiting) = (first.clone(), 1);
    let act = tokio::spawn(async move { store.perform(Once(waiting)).await });
    // It asks again and again, and writes nothing.
    let pid = "SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND database =
               (SELECT oid FROM pg_database WHERE datname = current_database())";
    while asked(&format!(
        "SELECT count(*) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(600)%' AND pid IN ({pid})"
    )) != "1"
    {}
    assert_eq!(asked("SELECT count(*) FROM custody_leaf"), "1");
    assert!(!act.is_finished(), "nobody writes without the lock");
    asked(&format!("SELECT pg_terminate_backend(pid) FROM ({pid}) AS holder"));
    assert!(holder.join().expect("a thread").is_err(), "it was ended");
    act.await.expect("a task").expect("performed");
    demand_once_each(&url, &first, &(0..=1).collect()).await;
    first.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_would_lose_what_it_acknowledged_is_refused() {
    let folder = TempDir::new().expect("a folder");
    let cluster = Cluster::start(&std::env::temp_dir());
    let url = cluster.database();
    let refusal = |why: Result<Datastore, Problem>| rogatory_core::chain(&why.err().expect("refused"));
    let name = name_of(&url);
    cluster.sql(name, &format!("ALTER DATABASE {name} SET synchronous_commit = off")).expect("set");
    let why = refusal(open(&url, folder.path(), 7).await);
    assert!(why.contains("synchronous_commit=off"), "{why}");
    cluster.sql(name, &format!("ALTER DATABASE {name} RESET synchronous_commit")).expect("set");
    for setting in ["fsync", "full_page_writes"] {
        cluster.sql(name, &format!("ALTER SYSTEM SET {setting} = off")).expect("set");
        cluster.sql(name, "SELECT pg_reload_conf()").expect("reloaded");
        while cluster.sql(name, &format!("SHOW {setting}")).expect("shown") != "off" {}
        let why = refusal(open(&url, folder.path(), 7).await);
        assert!(why.contains(&format!("{setting}=off")), "{why}");
        cluster.sql(name, &format!("ALTER SYSTEM RESET {setting}")).expect("set");
        cluster.sql(name, "SELECT pg_reload_conf()").expect("reloaded");
        while cluster.sql(name, &format!("SHOW {setting}")).expect("shown") != "on" {}
    }
    open(&url, folder.path(), 7).await.expect("opened").close().await;
}

/// An authority, and what it issued for 127.0.0.1: anchor, certificate and key as PEM.
fn issued() -> (String, String, String) {
    let key = rcgen::KeyPair::generate().expect("a key");
    let mut authority = rcgen::CertificateParams::new(Vec::<String>::new()).expect("a name");
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let anchor = authority.self_signed(&key).expect("signed").pem();
    let issuer = rcgen::Issuer::new(authority, key);
    let key = rcgen::KeyPair::generate().expect("a key");
    let here = rcgen::CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("a name");
    let certificate = here.signed_by(&key, &issuer).expect("signed").pem();
    (anchor, certificate, key.serialize_pem())
}

#[tokio::test(flavor = "multi_thread")]
async fn over_the_network_the_servers_certificate_is_checked_and_the_password_is_not_told() {
    const PASSWORD: &str = "a%41&b=c d/e?f";
    let folder = TempDir::new().expect("a folder");
    let (anchor, certificate, key) = issued();
    let cluster = Cluster::with_tls(&std::env::temp_dir(), &certificate, &key, PASSWORD);
    let url = cluster.database();
    let name = name_of(&url);
    let anchors = folder.path().join("anchors.pem");
    let address = format!(
        "postgres://rogatory@127.0.0.1:{}/{name}?sslmode=verify-full&sslrootcert={}",
        cluster.port(),
        anchors.display()
    );
    let at = |password: &str| Location::server(&address, Some(password)).expect("an address");
    std::fs::write(&anchors, &anchor).expect("written");
    let store = open_at(&at(PASSWORD), folder.path(), 11).await.expect("opened");
    store.perform(Once(0)).await.expect("performed");
    let open = "SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid)
                WHERE datname = current_database() AND application_name = 'rogatory-server' AND NOT ssl";
    assert_eq!(cluster.sql(name, open).as_deref(), Ok("0"), "every connection is encrypted");
    store.close().await;
    let why =
        rogatory_core::chain(&open_at(&at("another word"), folder.path(), 11).await.err().expect("refused"));
    assert!(why.contains("password authentication failed"), "{why}");
    assert!(!why.contains("another word"), "{why}");
    // Another authority says that this is 127.0.0.1.
    std::fs::write(&anchors, issued().0).expect("written");
    let why = rogatory_core::chain(&open_at(&at(PASSWORD), folder.path(), 11).await.err().expect("refused"));
    assert!(why.contains("certificate") && !why.contains(PASSWORD), "{why}");
}

#[tokio::test(flavor = "multi_thread")]
async fn leaves_never_change_and_never_go() {
    let cluster = Cluster::shared();
    let folder = TempDir::new().expect("a folder");
    let url = cluster.database();
    let store = open(&url, folder.path(), 8).await.expect("opened");
    store.perform(Once(0)).await.expect("performed");
    for statement in [
        "UPDATE custody_leaf SET leaf_index = 7",
        "DELETE FROM custody_leaf",
        "TRUNCATE custody_leaf",
        "TRUNCATE custody_leaf CASCADE",
    ] {
        let why = cluster.sql(name_of(&url), statement).expect_err("refused");
        assert!(why.contains("custody leaves never change and never go"), "{statement}: {why}");
    }
    demand_once_each(&url, &store, &BTreeSet::from([0])).await;
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_makes_no_tables_that_it_was_not_told_to_make() {
    let folder = TempDir::new().expect("a folder");
    let url = Cluster::shared().database();
    let keys =
        KeyStore::open(&folder.path().join("keys"), Arc::new(Disk::OwnerOnly), &[7; 32]).expect("keys");
    let opening = Opening {
        location: &Location::server(&url, None).expect("an address"),
        create: false,
        keys: Arc::new(keys),
        clock: Arc::new(FixedClock::new("2026-11-22T14:20:00Z".parse().expect("an instant"))),
        entropy: Arc::new(SeededEntropy::new(9)),
        faults: Arc::new(NoFaults),
    };
    let why = rogatory_core::chain(&Datastore::open(opening).await.err().expect("refused"));
    assert!(why.contains("it holds no tables"), "{why}");
    let tables =
        Cluster::shared().sql(name_of(&url), "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'");
    assert_eq!(tables.as_deref(), Ok("0"));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_office_moves_from_a_file_to_a_server() {
    let federation = Federation::new().await;
    let (ordered, package) = federation.evidence_relayed().await;
    let Federation { gb, mut md, nistru: _nistru, world: _world } = federation;
    let to = || Cluster::shared().configuration();
    let refused = migrate(&md.folder, to()).await.expect_err("it runs");
    assert!(format!("{refused:#}").contains("stop the server first"), "{refused:#}");
    md.stop().await;
    // A database with somebody's log in it stays as it is, and so does the office.
    let taken = to();
    let url = taken.url.clone().expect("an address");
    let others = TempDir::new().expect("a folder");
    let other = open(&url, others.path(), 10).await.expect("opened");
    other.perform(Once(0)).await.expect("performed");
    let refused = migrate(&md.folder, taken.clone()).await.expect_err("a server writes there");
    assert!(format!("{refused:#}").contains("another server writes"), "{refused:#}");
    other.close().await;
    let refused = migrate(&md.folder, taken).await.expect_err("it is not empty");
    assert!(format!("{refused:#}").contains("is not empty"), "{refused:#}");
    let before = fsck::check(&md.folder, true).await.expect("a report");
    let migrated = migrate(&md.folder, to()).await.expect("moved");
    let leaves = migrated.tables.iter().find(|table| table.name == "custody_leaf").expect("the log");
    assert_eq!(leaves.rows.cast_unsigned(), before.leaves);
    assert!(migrated.old.is_file());
    let config = ServerConfig::load(&md.folder).expect("a configuration");
    assert!(config.database.file.is_none() && config.database.url.is_some());
    assert_eq!(fsck::check(&md.folder, true).await.expect("a report"), before);
    // It goes on there: the case is executed and closed.
    md.start().await;
    let (request, named) = (&ordered.request, std::slice::from_ref(&package));
    road::send(&md, "drafter", &papers::execution(&md, request, 2, named), "").await;
    road::send(&gb, "drafter", &papers::closing(&gb, request, 2), "").await;
    for office in [&gb, &md] {
        office.demand_sound().await;
    }
}

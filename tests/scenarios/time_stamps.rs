//! Time stamps by a real authority, `openssl ts` over HTTP: got after the work, late, renewed, and checked by hand.

use rogatory_client::commands::documents::PickArguments;
use rogatory_client::commands::package::{self, VerifyArguments, VerifyOutcome};
use rogatory_client::commands::request;
use rogatory_container::timestamp::{Expected, Nonce, parse, verify};
use rogatory_core::{Clock as _, Digest, Timestamp};
use rogatory_evidence::Requirement;
use rogatory_evidence::verify::{Outcome as CheckOutcome, Part};
use rogatory_pki::certificate::Certificate;
use rogatory_pki::development::Validity;
use rogatory_pki::path::Anchors;
use rogatory_pki::revocation::RevocationLists;
use rogatory_pki::signing::{SignatureAlgorithm, Signer as _};
use rogatory_proto::office::v1 as wire;
use rogatory_server::casework::stamp::{
    Renewals, Run, renew_stamps, renew_unless, stamp_waiting, time_stamps,
};
use rogatory_server::config::{ServerConfig, TimeStampsConfig};
use rogatory_server::datastore::StampRow;
use rogatory_server::stamping::{StampingError, TimeStamping};
use rogatory_stock_tools::tsa::{Tsa, TsaServer, verify_by_openssl};
use rogatory_tests::{Federation, Office, World, papers, road};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// What the machine's clock shows, which `openssl ts` stamps with, in whole seconds.
#[expect(clippy::disallowed_methods, reason = "the stock tool reads no other clock")]
pub(crate) fn machine_now() -> Timestamp {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970");
    Timestamp::from_seconds(i64::try_from(since.as_secs()).expect("before 9999")).expect("an instant")
}

pub(crate) fn days(count: u32) -> Validity {
    Validity::days(machine_now().plus_seconds(-86_400), count).expect("a validity")
}

/// Has `office` use `tsa` from now on.
pub(crate) async fn configure(office: &mut Office, tsa: &TsaServer) {
    office.stop().await;
    fs::write(office.folder.join("keys/tsa.pem"), office.anchor_pem()).expect("writes");
    let path = office.folder.join("server.toml");
    let section = format!("\n[time_stamps]\nurls = [\"{}\"]\nanchors = \"keys/tsa.pem\"\n", tsa.url());
    let config = fs::read_to_string(&path).expect("reads");
    fs::write(path, config + &section).expect("writes");
    office.start().await;
}

/// Gets every stamp that waits.
pub(crate) async fn stamp_all(office: &Office) {
    loop {
        match stamp_waiting(office.served()).await.expect("works") {
            Run::Done => return,
            Run::More => {}
            Run::Interrupted => panic!("the authority answers"),
        }
    }
}

async fn stamps(office: &Office, subject: &Digest) -> Vec<StampRow> {
    time_stamps(office.served(), subject).await.expect("the database works")
}

/// The bytes of a document as they were sealed.
pub(crate) async fn container(office: &Office, id: &str) -> Vec<u8> {
    let session = office.session("drafter");
    let mut documents = session.connection().await.expect("a connection").documents();
    let request = wire::GetDocumentRequest { document_id: id.to_owned() };
    let answer = documents.get_document(request).await.expect("an answer");
    answer.into_inner().container.to_vec()
}

/// The names of the office's own events.
async fn office_events(office: &Office) -> Vec<String> {
    let events = Federation::timeline(office, "office").await;
    events.into_iter().map(|(_, event, _)| event).collect()
}

/// Checks every stamp of `data` here and by hand, as the specification says.
fn check(office: &Office, data: &[u8], rows: &[StampRow], folder: &Path) {
    let anchors = Anchors::from_pem(&office.anchor_pem(), None).expect("anchors");
    fs::write(folder.join("anchors.pem"), office.anchor_pem()).expect("writes");
    for row in rows {
        let token = &row.token.as_ref().expect("a token").token;
        let stamped = row.content.as_deref().unwrap_or(data);
        let parsed = parse(token).expect("a token");
        let verified = verify(&parsed, Digest::of(stamped), Expected::default(), &anchors).expect("verified");
        let (file, tst) = (folder.join("stamped"), folder.join("stamped.tst"));
        fs::write(&file, stamped).expect("writes");
        fs::write(&tst, token).expect("writes");
        let at = verified.time().seconds();
        verify_by_openssl(&file, &tst, &folder.join("anchors.pem"), at, folder).succeeds();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sealed_is_stamped_late_renewed_and_checked_by_hand() {
    let Federation { mut gb, md, world, .. } = Federation::new_in(World::at(machine_now())).await;
    let tsa = Tsa::issued_by(&gb.authority(), days(100)).serve();
    tsa.switch(false);
    configure(&mut gb, &tsa).await;
    // The authority is down: the request is sealed, sent and receipted all the same.
    let sent = road::send(&gb, "drafter", &papers::request(&gb, &md), "").await;
    let container = container(&gb, &sent.document_id).await;
    let subject = Digest::of(&container);
    assert_eq!(stamp_waiting(gb.served()).await.expect("works"), Run::Interrupted);
    let rows = stamps(&gb, &subject).await;
    assert!(matches!(&rows[..], [row] if row.token.is_none() && row.queued_time <= world.clock.now()));
    assert!(!office_events(&gb).await.contains(&"time-stamps-interrupted".to_owned()));
    // Hours pass: said once.
    world.clock.advance_seconds(3 * 3600);
    for _ in 0..2 {
        assert_eq!(stamp_waiting(gb.served()).await.expect("works"), Run::Interrupted);
    }
    let interrupted = |events: &[String]| events.iter().filter(|e| *e == "time-stamps-interrupted").count();
    assert_eq!(interrupted(&office_events(&gb).await), 1);
    // It answers again: everything that waited is stamped, in order, and said to be late.
    tsa.switch(true);
    stamp_all(&gb).await;
    let waiting = gb.served().datastore.read().await.expect("reads").stamp_summary().await.expect("reads");
    assert_eq!(waiting.waiting, 0);
    assert!(tsa.answered() >= 4, "document, receipt, two entries, checkpoint: {}", tsa.answered());
    let rows = stamps(&gb, &subject).await;
    let folder = tempfile::tempdir().expect("a directory");
    check(&gb, &container, &rows, folder.path());
    let events = office_events(&gb).await;
    assert!(events.contains(&"stamped-late".to_owned()), "{events:?}");
    assert_eq!(interrupted(&events), 1);
    // Nothing is renewed as long as no later certificate is known.
    assert_eq!(renew_stamps(gb.served()).await.expect("works"), 0);
    world.clock.advance_seconds(3600);
    assert_eq!(renew_stamps(gb.served()).await.expect("works"), 0);
    tsa.replace(Tsa::issued_by(&gb.authority(), days(390)));
    road::send(&gb, "drafter", &papers::request(&gb, &md), "").await;
    stamp_all(&gb).await;
    world.clock.advance_seconds(20 * 86_400);
    assert!(renew_stamps(gb.served()).await.expect("works") >= 4);
    stamp_all(&gb).await;
    assert_eq!(renew_stamps(gb.served()).await.expect("works"), 0, "what was renewed is not renewed again");
    let rows = stamps(&gb, &subject).await;
    assert_eq!(rows.len(), 2);
    check(&gb, &container, &rows, folder.path());
    let list = String::from_utf8(rows[1].content.clone().expect("a list")).expect("text");
    let token = Digest::of(&rows[0].token.as_ref().expect("a token").token);
    assert_eq!(list, format!("{subject}  subject\n{token}  subject.tst\n"));
    // An algorithm leaves the list: stamps by it are renewed too.
    let rest: Vec<String> = SignatureAlgorithm::ALL
        .iter()
        .filter(|algorithm| **algorithm != SignatureAlgorithm::EcdsaP256Sha256)
        .map(ToString::to_string)
        .collect();
    assert!(renew_unless(gb.served(), &rest).await.expect("works") >= 4);
    stamp_all(&gb).await;
    let rows = stamps(&gb, &subject).await;
    assert_eq!(rows.len(), 3);
    check(&gb, &container, &rows, folder.path());
    let list = String::from_utf8(rows[2].content.clone().expect("a list")).expect("text");
    assert_eq!(list.lines().count(), 4, "{list}");
    gb.demand_sound().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_an_authority_what_was_sealed_waits_and_is_found_later() {
    let Federation { mut gb, md, world, .. } = Federation::new_in(World::at(machine_now())).await;
    let sent = road::send(&gb, "drafter", &papers::request(&gb, &md), "").await;
    assert_eq!(stamp_waiting(gb.served()).await.expect("works"), Run::Done);
    let subject = Digest::of(&container(&gb, &sent.document_id).await);
    assert!(stamps(&gb, &subject).await[0].token.is_none());
    // A stranger's stamps are refused, and nothing of them is kept.
    let stranger = Tsa::issued_by(&md.authority(), days(100)).serve();
    configure(&mut gb, &stranger).await;
    assert_eq!(stamp_waiting(gb.served()).await.expect("works"), Run::Interrupted);
    assert!(stranger.answered() >= 1);
    assert!(stamps(&gb, &subject).await[0].token.is_none());
    stranger.replace(Tsa::issued_by(&gb.authority(), days(100)));
    world.clock.advance_seconds(60);
    stamp_all(&gb).await;
    let first = stamps(&gb, &subject).await.remove(0);
    assert!(first.token.is_some());
    // One minute is not late.
    assert!(!office_events(&gb).await.contains(&"stamped-late".to_owned()));
    assert!(
        gb.served().datastore.read().await.expect("reads").interruption().await.expect("reads").is_none()
    );
    // A checkpoint that was queued while the clock was ahead does not keep later ones from being stamped.
    let checkpoints = async |office: &Office| {
        let mut session = office.served().datastore.read().await.expect("reads");
        session.last_checkpoint_stamp().await.expect("reads").expect("one").position
    };
    let before = checkpoints(&gb).await;
    let options = SqliteConnectOptions::new().filename(gb.folder.join("database.sqlite"));
    let mut connection = SqliteConnection::connect_with(&options).await.expect("a database");
    let ahead = "UPDATE time_stamp SET queued_time = queued_time + 31536000000000 WHERE what = 'checkpoint'";
    sqlx::raw_sql(ahead).execute(&mut connection).await.expect("a statement");
    connection.close().await.expect("closed");
    road::send(&gb, "drafter", &papers::request(&gb, &md), "").await;
    stamp_waiting(gb.served()).await.expect("works");
    assert!(checkpoints(&gb).await > before);
}

/// So many documents at `office` with a stamp each, by a certificate that ends at `until`, behind all others.
async fn stamped(office: &Office, count: i64, until: Timestamp) {
    let options = SqliteConnectOptions::new().filename(office.folder.join("database.sqlite"));
    let mut connection = SqliteConnection::connect_with(&options).await.expect("a database");
    let text = "WITH RECURSIVE one (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM one WHERE n < $1)
         INSERT INTO time_stamp (position, what, case_id, subject_sha256, generation, imprint_sha256, queued_time, token,
                                 stamped_time, tsa, tsa_until, algorithm)
         SELECT (SELECT COALESCE(MAX(position), 0) FROM time_stamp) + n, 'document', 'office', randomblob(32), 0,
                zeroblob(32), 0, x'00', 0, 'CN=TSA', $2, $3 FROM one";
    sqlx::query(text)
        .bind(count)
        .bind(until.microseconds())
        .bind(SignatureAlgorithm::ALL[0].to_string())
        .execute(&mut connection)
        .await
        .expect("rows");
    connection.close().await.expect("closed");
}

/// How many renewals wait at `office`.
async fn renewals(office: &Office) -> i64 {
    let options = SqliteConnectOptions::new().filename(office.folder.join("database.sqlite"));
    let mut connection = SqliteConnection::connect_with(&options).await.expect("a database");
    let count = sqlx::query_scalar("SELECT COUNT(*) FROM time_stamp WHERE generation = 1");
    count.fetch_one(&mut connection).await.expect("a number")
}

#[tokio::test(flavor = "multi_thread")]
async fn all_that_ages_out_is_renewed_at_once_and_nothing_for_a_stamp_that_another_authority_gave() {
    let Federation { mut gb, world: _world, .. } = Federation::new().await;
    let tsa = Tsa::issued_by(&gb.authority(), days(100)).serve();
    tsa.switch(false);
    configure(&mut gb, &tsa).await;
    let (soon, later) = (gb.now().plus_seconds(10 * 86_400), gb.now().plus_seconds(400 * 86_400));
    // Another authority helped out once; since then the first gives what it gave before.
    stamped(&gb, 100, soon).await;
    stamped(&gb, 1, later).await;
    stamped(&gb, 100, soon).await;
    let mut all = Renewals::default();
    assert_eq!(all.go_on(gb.served()).await.expect("works"), 0, "it would be the same certificate");
    assert_eq!(renewals(&gb).await, 0);
    let summary = gb.served().datastore.read().await.expect("reads").stamp_summary().await.expect("reads");
    assert_eq!(summary.tsa_until, Some(soon));
    // Now the first has a later certificate: all 200 are renewed without an hour between the batches.
    stamped(&gb, 1, later).await;
    let mut all = Renewals::default();
    for _ in 0..4 {
        all.go_on(gb.served()).await.expect("works");
    }
    assert_eq!(renewals(&gb).await, 200);
    assert_eq!(all.go_on(gb.served()).await.expect("works"), 0);
}

/// What `rogatory package verify` says of one part: how it ended, and the line.
pub(crate) fn said(outcome: &VerifyOutcome, part: Part) -> (Ended, String) {
    let check = outcome.checks.iter().find(|check| check.part == part).expect("a line");
    let ended = match &check.outcome {
        CheckOutcome::Checked => Ended::Checked,
        CheckOutcome::NotChecked { .. } => Ended::NotChecked,
        CheckOutcome::Failed { .. } => Ended::Failed,
    };
    (ended, check.text.clone())
}

#[derive(PartialEq, Eq, Debug)]
pub(crate) enum Ended {
    Checked,
    NotChecked,
    Failed,
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exported_document_is_verified_with_its_time_stamp_and_revocation_lists() {
    let Federation { mut gb, md, world, .. } = Federation::new_in(World::at(machine_now())).await;
    let tsa = Tsa::issued_by(&gb.authority(), days(100)).serve();
    configure(&mut gb, &tsa).await;
    let request = papers::request(&gb, &md);
    road::send(&gb, "drafter", &request, "").await;
    stamp_all(&gb).await;
    let folder = world.directory().join("exported");
    let pick = PickArguments { case: request.shared_number.to_string(), document: None };
    let exported = request::export(&gb.session("drafter"), &pick, &folder).await.expect("files");
    let names: Vec<String> = exported.files.iter().map(|file| file.file.display().to_string()).collect();
    assert_eq!(exported.files.len(), 4, "{names:?}");
    assert!(names[2].ends_with(".asice.tst") && names[2].starts_with(&names[0]), "{names:?}");
    let tsa_anchors = Anchors::from_pem(&gb.anchor_pem(), None).expect("anchors");
    let verify = async |change: &dyn Fn(&mut VerifyArguments)| {
        let mut arguments = VerifyArguments {
            path: exported.files[0].file.clone(),
            trust: gb.trust(),
            tsa: tsa_anchors.clone(),
            ..VerifyArguments::default()
        };
        change(&mut arguments);
        package::verify(&gb.offline(), arguments).await.expect("a report")
    };
    let proven = verify(&|_| {}).await;
    assert!(proven.verified, "{:?}", proven.checks);
    let (ended, line) = said(&proven, Part::Time);
    assert_eq!(ended, Ended::Checked);
    assert!(line.starts_with("time: proven 20") && line.contains("CN=Time Stamping Authority"), "{line}");
    let required = verify(&|a| a.require = BTreeSet::from([Requirement::Time])).await;
    assert!(required.verified, "{:?}", required.checks);
    // Without anchors of the authority nothing is proven, which is no failure unless it was required.
    let unproven = verify(&|a| a.tsa = Anchors::new()).await;
    assert_eq!((unproven.verified, said(&unproven, Part::Time).0), (true, Ended::NotChecked));
    let required = verify(&|a| {
        a.tsa = Anchors::new();
        a.require.insert(Requirement::Time);
    })
    .await;
    assert!(!required.verified);
    // Under a stranger's anchors it is wrong.
    let strange = Anchors::from_pem(&md.anchor_pem(), None).expect("anchors");
    let strange = verify(&|a| a.tsa = strange.clone()).await;
    assert_eq!((strange.verified, said(&strange, Part::Time).0), (false, Ended::Failed));
    // An instant by somebody's word needs proof that the signature existed then.
    let later = gb.now().plus_seconds(7 * 86_400);
    assert!(verify(&|a| a.at = Some(later)).await.verified);
    let earlier = gb.now().plus_seconds(-3600);
    let claimed = verify(&|a| a.at = Some(earlier)).await;
    assert_eq!((claimed.verified, said(&claimed, Part::Time).0), (false, Ended::Failed));
    let claimed = verify(&|a| {
        a.at = Some(later);
        a.tsa = Anchors::new();
    })
    .await;
    assert!(!claimed.verified);
    // Revocation: nobody on the list; the seal revoked after the proven time; and before it.
    let list = |revoked: &[&Certificate], from: i64| {
        let (this, next) = (gb.now().plus_seconds(from), gb.now().plus_seconds(7 * 86_400));
        let mut lists = RevocationLists::none();
        lists.add(&gb.authority().revocation_list(revoked, this, next).expect("a list")).expect("a list");
        lists
    };
    let seal = gb.seal();
    let seal = seal.certificate().expect("a certificate");
    for (revoked, from, ended, words) in [
        (&[][..], -60, Ended::Checked, "no certificate was revoked"),
        (&[seal], 6 * 86_400, Ended::Checked, "which is after it"),
        (&[seal], -3600, Ended::Failed, "was revoked"),
    ] {
        let lists = list(revoked, from);
        let judged = verify(&|a| {
            a.revocation = lists.clone();
            a.require.insert(Requirement::Revocation);
        })
        .await;
        let (found, line) = said(&judged, Part::Revocation);
        assert_eq!(judged.verified, ended == Ended::Checked, "{line}");
        assert_eq!(found, ended, "{line}");
        assert!(line.contains(words), "{line}");
    }
    // Without a proven time the present counts, and what was revoked by now is worth nothing.
    let lists = list(&[seal], -60);
    let now = verify(&|a| {
        a.tsa = Anchors::new();
        a.revocation = lists.clone();
    })
    .await;
    assert_eq!(said(&now, Part::Revocation).0, Ended::Failed);
    // A stamp that was changed is wrong.
    let token = exported.files[2].file.clone();
    let mut bytes = fs::read(&token).expect("reads");
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&token, bytes).expect("writes");
    let changed = verify(&|_| {}).await;
    assert_eq!((changed.verified, said(&changed, Part::Time).0), (false, Ended::Failed));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_received_package_comes_with_its_time_stamp_as_a_folder_and_as_a_file() {
    let mut federation = Federation::new_in(World::at(machine_now())).await;
    let tsa = Tsa::issued_by(&federation.gb.authority(), days(100)).serve();
    configure(&mut federation.gb, &tsa).await;
    let (_, package) = federation.evidence_relayed().await;
    let Federation { gb, nistru, world, .. } = &federation;
    stamp_all(gb).await;
    for name in ["received", "again.asice"] {
        let output = world.directory().join(name);
        let received = package::receive(&gb.session("evidence"), &package.package, &output).await;
        let received = received.expect("a package");
        assert_eq!(received.time_stamps, [world.directory().join(format!("{name}.tst"))]);
        let verify = VerifyArguments {
            path: output,
            trust: nistru.trust(),
            tsa: Anchors::from_pem(&gb.anchor_pem(), None).expect("anchors"),
            require: BTreeSet::from([Requirement::Time]),
            ..VerifyArguments::default()
        };
        let report = package::verify(&gb.offline(), verify).await.expect("a report");
        assert!(report.verified, "{:?}", report.checks);
        assert_eq!(said(&report, Part::Time).0, Ended::Checked);
    }
}

/// An address that answers every caller with these bytes and hangs up.
async fn answering(bytes: Vec<u8>) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("a bound socket");
    tokio::spawn(async move {
        while let Ok((mut caller, _)) = listener.accept().await {
            let mut request = [0; 4096];
            // Who hangs up before is no concern here.
            let _ = caller.read(&mut request).await;
            let _ = caller.write_all(&bytes).await;
        }
    });
    format!("http://{address}/")
}

fn http(status: &str, media: &str, body: &[u8]) -> Vec<u8> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\nContent-Type: {media}\r\nContent-Length: {length}\r\n\r\n");
    [head.as_bytes(), body].concat()
}

/// The way to the authority at `plain`, through TLS with the office's own certificate.
async fn through_tls(office: &Office, plain: &str) -> String {
    let read = |name: &str| fs::read(office.folder.join("keys").join(name)).expect("reads");
    let chain = CertificateDer::pem_slice_iter(&read("tls.pem")).collect::<Result<Vec<_>, _>>().expect("PEM");
    let key = PrivateKeyDer::from_pem_slice(&read("tls.key")).expect("PEM");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .expect("a certificate");
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.expect("a free port");
    let address = listener.local_addr().expect("a bound socket");
    let behind = plain.trim_start_matches("http://").trim_end_matches('/').to_owned();
    tokio::spawn(async move {
        while let Ok((caller, _)) = listener.accept().await {
            // Whoever does not trust the certificate hangs up.
            let Ok(mut caller) = acceptor.accept(caller).await else { continue };
            let mut behind = TcpStream::connect(&behind).await.expect("the authority");
            let _ = tokio::io::copy_bidirectional(&mut caller, &mut behind).await;
        }
    });
    format!("https://{address}/")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_stamp_is_refused_by_name_and_the_next_authority_is_asked() {
    let Federation { gb, md, world: _world, .. } = Federation::new_in(World::at(machine_now())).await;
    let tsa = Tsa::issued_by(&gb.authority(), days(100)).serve();
    fs::write(gb.folder.join("keys/tsa.pem"), gb.anchor_pem()).expect("writes");
    fs::write(gb.folder.join("keys/other.pem"), md.anchor_pem()).expect("writes");
    let stamp = async |urls: Vec<String>, tls_anchors: &str, policy: Option<&str>| {
        let config = TimeStampsConfig {
            urls,
            anchors: "keys/tsa.pem".into(),
            tls_anchors: Some(tls_anchors.into()),
            policy: policy.map(ToOwned::to_owned),
            checkpoint_minutes: 5,
            late_minutes: 15,
            renew_days: 90,
        };
        let stamping = TimeStamping::load(&gb.folder, &config).expect("a configuration");
        stamping.stamp(Digest::of(b"bytes"), Nonce::from_random([3; 16])).await
    };
    let reply = "application/timestamp-reply";
    let too_much = http("200 OK", reply, &vec![0x30; 80 * 1024]);
    let cut = http("200 OK", reply, b"0123456789")[..90].to_vec();
    for (bytes, expected) in [
        (http("500 No", reply, b""), "Http"),
        (http("200 OK", "text/html", b"<p>"), "Http"),
        (http("200 OK", reply, b"no DER"), "Answer"),
        (too_much, "Unreachable"),
        (cut, "Unreachable"),
        (Vec::new(), "Unreachable"),
        (b"no HTTP at all\r\n\r\n".to_vec(), "Unreachable"),
    ] {
        let url = answering(bytes).await;
        let error = stamp(vec![url.clone()], "keys/tsa.pem", None).await.expect_err("no stamp");
        let name = match error {
            StampingError::Unreachable { .. } => "Unreachable",
            StampingError::Http { .. } => "Http",
            StampingError::Answer { .. } => "Answer",
            StampingError::NoAuthority => "NoAuthority",
        };
        assert_eq!(name, expected, "{error:?}");
        stamp(vec![url, tsa.url()], "keys/tsa.pem", None).await.expect("the second one");
    }
    let policy = stamp(vec![tsa.url()], "keys/tsa.pem", Some("1.2.3.4.5")).await.expect_err("refused");
    assert!(matches!(policy, StampingError::Answer { .. }), "{policy:?}");
    let secure = through_tls(&gb, &tsa.url()).await;
    stamp(vec![secure.clone()], "keys/tsa.pem", None).await.expect("a stamp through TLS");
    let stranger = stamp(vec![secure], "keys/other.pem", None).await.expect_err("another web server");
    assert!(matches!(stranger, StampingError::Unreachable { .. }), "{stranger:?}");
    // Whose configuration it is says what is wrong with it.
    for (urls, policy, what) in [
        (vec![], None, "`urls`"),
        (vec!["ftp://tsa.example/".to_owned()], None, "ftp://tsa.example/"),
        (vec!["https://tsa.example/".to_owned()], None, "tls_anchors"),
        (vec!["http://tsa.example/".to_owned()], Some("no number"), "`policy`"),
    ] {
        let mut config = ServerConfig::load(&gb.folder).expect("a configuration");
        config.time_stamps = Some(TimeStampsConfig {
            urls,
            anchors: "keys/tsa.pem".into(),
            tls_anchors: None,
            policy: policy.map(ToOwned::to_owned),
            checkpoint_minutes: 5,
            late_minutes: 15,
            renew_days: 90,
        });
        let error = config.validate().expect_err("refused").to_string();
        assert!(error.contains("time_stamps") && error.contains(what), "{error}");
    }
}

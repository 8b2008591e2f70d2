//! Each office is the witness of the other's log: cosignatures, forks and rollbacks that come to light on both
//! sides, split views that meet, and what receipts promise.

use rogatory_client::Exit;
use rogatory_client::commands::custody::{self, ProveArguments, Wanted, require_witnesses};
use rogatory_client::output::Outcome;
use rogatory_client::output::page::Page;
use rogatory_client::trust::Trust;
use rogatory_core::{Digest, PartyId, SharedNumber};
use rogatory_custody::checkpoint::{Checkpoint, Origin, verify_checkpoint};
use rogatory_custody::cosignature::cosignatures;
use rogatory_custody::proof::InclusionProof;
use rogatory_custody::record::Record;
use rogatory_proto::peer::v1::AddCheckpointRequest;
use rogatory_server::casework::sign_checkpoint::sign_checkpoint;
use rogatory_server::casework::witness::ask::{Rounds, ask};
use rogatory_server::casework::witness::heard::compare_heard;
use rogatory_server::casework::witness::promises::ask_for_proofs;
use rogatory_server::casework::witness::{findings, prove};
use rogatory_server::datastore::{
    Act, Contradiction, Found, LogWitness, StoreError, StoredReceipt, Transaction,
};
use rogatory_server::health::{Finding, FindingKind};
use rogatory_server::peers;
use rogatory_server::problem::{Problem, Reason};
use rogatory_tests::{Federation, Office, World};
use serde_json::Value;
use sqlx::Connection as _;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use std::time::Duration;

fn trust(offices: &[&Office]) -> Trust {
    let mut trust = Trust::default();
    for office in offices {
        trust.add(office.entry(), office.now(), "an entry").expect("a sound entry");
    }
    trust
}

async fn record(office: &Office, number: &SharedNumber) -> Vec<u8> {
    let file = office.folder.join("witnessed.json");
    let _ = std::fs::remove_file(&file);
    custody::export(&office.session("operator"), number.as_str(), 0, &file).await.expect("a record");
    std::fs::read(file).expect("a file")
}

/// The bodies of the office's own events of this name.
pub(crate) async fn office_events(office: &Office, name: &str) -> Vec<Value> {
    let timeline = Federation::timeline(office, "office").await;
    timeline.into_iter().filter(|(_, event, _)| event == name).map(|(.., body)| body).collect()
}

pub(crate) async fn told(office: &Office) -> String {
    let findings = findings(office.served()).await.expect("the database works");
    findings.into_iter().map(|finding| finding.what).collect::<Vec<_>>().join("\n")
}

/// The operator with full rights on the disk.
async fn sql(office: &Office, statement: &'static str) {
    let options = SqliteConnectOptions::new().filename(office.folder.join("database.sqlite"));
    let mut connection = SqliteConnection::connect_with(&options).await.expect("a database");
    sqlx::raw_sql(statement).execute(&mut connection).await.expect("a statement");
    connection.close().await.expect("closed");
}

/// The size that `witness` saw last of `office`'s log.
pub(crate) async fn seen(witness: &Office, office: &Office) -> u64 {
    let origin: Origin = office.served().institution.log_origin().clone();
    let mut session = witness.served().datastore.read().await.expect("a session");
    session.seen(&origin).await.expect("the database works").map_or(0, |seen| seen.tree_size)
}

/// A checkpoint that the office's key signs, whatever its log holds.
pub(crate) fn forged(office: &Office, size: u64, root: &[u8]) -> String {
    let institution = &office.served().institution;
    let checkpoint = Checkpoint { origin: institution.log_origin().clone(), size, root: Digest::of(root) };
    checkpoint.sign(institution.log_key()).expect("signed")
}

pub(crate) async fn show(
    from: &Office,
    to: &Office,
    old_size: u64,
    checkpoint: String,
) -> Result<u64, Problem> {
    let request = AddCheckpointRequest {
        old_size,
        checkpoint: checkpoint.into_bytes().into(),
        ..AddCheckpointRequest::default()
    };
    let answer = peers::add_checkpoint(from.served(), &to.party, request).await?;
    Ok(if answer.cosignature.is_empty() { answer.known_size } else { 0 })
}

/// Repeats what workers may do in between, until it holds.
pub(crate) async fn until(what: &str, holds: impl AsyncFn() -> bool) {
    for _ in 0..600 {
        if holds().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    panic!("never: {what}");
}

/// The same, while seconds go by: what the other office's own workers got ahead of is put off, and tried again. All of them
/// together are no year.
pub(crate) async fn until_later(what: &str, world: &World, holds: impl AsyncFn() -> bool) {
    until(what, async || {
        world.clock.advance_seconds(6);
        holds().await
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counterpart_cosigns_and_the_record_carries_its_word() {
    let federation = Federation::new().await;
    let request = federation.request_acknowledged().await;
    let Federation { gb, md, .. } = &federation;
    let number = &request.shared_number;
    ask(md.served(), &gb.party).await.expect("a cosignature");
    let exported = record(md, number).await;
    let verified = custody::verify(&exported, None, &trust(&[md, gb])).expect("verified");
    let [only] = verified.witnesses.as_slice() else { panic!("{:?}", verified.witnesses) };
    assert_eq!((&only.witness, only.checked), (&gb.party, true));
    assert_eq!(only.at, md.now().to_string());
    require_witnesses(&md.party, &verified.witnesses, &trust(&[md, gb])).expect("witnessed by whom we named");

    let unasked = custody::verify(&exported, None, &trust(&[md])).expect("verified");
    assert!(!unasked.witnesses[0].checked, "nobody gave the key of the witness");
    let problem = require_witnesses(&md.party, &unasked.witnesses, &trust(&[md])).expect_err("nobody named");
    assert_eq!(problem.exit(), Exit::VerificationFailed);
    let nistru = trust(&[md, gb, &federation.nistru]);
    let problem = require_witnesses(&md.party, &verified.witnesses, &nistru).expect_err("one is missing");
    assert_eq!(problem.exit(), Exit::VerificationFailed);

    // A changed time in the cosignature is noticed by whoever has the witness's key.
    let mut forged = Record::parse(&exported).expect("a record");
    let (log_part, line) = forged.checkpoint.trim_end().rsplit_once(' ').expect("a line");
    // Its four bytes of key id and eight of time are the first sixteen characters.
    let other = if line.as_bytes()[15] == b'A' { "B" } else { "A" };
    forged.checkpoint = format!("{log_part} {}{other}{}\n", &line[..15], &line[16..]);
    let forged = forged.to_bytes().expect("a record");
    custody::verify(&forged, None, &trust(&[md])).expect("nobody can tell without the key");
    let problem = custody::verify(&forged, None, &trust(&[md, gb])).expect_err("not what it signed");
    assert_eq!(problem.exit(), Exit::VerificationFailed);
    assert!(problem.details().contains(&format!("part: witness {}", gb.party)), "{:?}", problem.details());

    let file = md.folder.join("witnessed.tlog-proof");
    let wanted = Wanted::Numbered { stream: gb.party.to_string(), n: 1 };
    let arguments =
        ProveArguments { case: number.to_string(), wanted, closed: false, output: Some(file.clone()) };
    custody::prove(&md.session("operator"), arguments).await.expect("a proof");
    let proof = std::fs::read(file).expect("a file");
    let proven = custody::verify_proof(&proof, None, &trust(&[md, gb])).expect("verified");
    assert!(proven.witnesses.iter().any(|one| one.checked && one.witness == gb.party));
}

#[tokio::test(flavor = "multi_thread")]
async fn cosigning_does_not_make_logs_grow() {
    let federation = Federation::new().await;
    federation.request_acknowledged().await;
    let Federation { gb, md, .. } = &federation;
    let size = async |office: &Office| {
        sign_checkpoint(office.served()).await.expect("signed").expect("a log that has entries").0
    };
    let before = (size(gb).await, size(md).await);
    for _ in 0..3 {
        ask(gb.served(), &md.party).await.expect("a cosignature");
        ask(md.served(), &gb.party).await.expect("a cosignature");
    }
    assert_eq!((size(gb).await, size(md).await), before);
    let left = Rounds::default().go_round(gb.served()).await.expect("asked");
    assert!(!left, "all is cosigned");
    assert_eq!(told(gb).await, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_names_the_size_that_it_has_and_a_wrong_key_is_no_log() {
    let federation = Federation::new().await;
    federation.request_acknowledged().await;
    let Federation { gb, md, .. } = &federation;
    ask(md.served(), &gb.party).await.expect("a cosignature");
    let known = seen(gb, md).await;
    let (size, note) = sign_checkpoint(md.served()).await.expect("signed").expect("a checkpoint");
    let note = String::from_utf8(note).expect("text");
    assert!(known > 0 && known <= size);
    assert_eq!(show(md, gb, known + 7, note.clone()).await.expect("told"), seen(gb, md).await);
    // Another's checkpoint, or one under another key, is nobody's word.
    let problem = show(gb, md, 0, note.clone()).await.expect_err("not its log");
    assert_eq!(problem.reason(), Reason::PeerRefused, "{problem}");
    let problem = show(md, gb, known, note.replace('1', "2")).await.expect_err("not signed");
    assert_eq!(problem.reason(), Reason::PeerRefused, "{problem}");
    assert!(office_events(gb, "log-contradicted").await.is_empty(), "an unsigned word accuses nobody");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_honest_views_of_one_log_accuse_nobody() {
    let federation = Federation::new().await;
    let request = federation.request_transmitted().await;
    let Federation { gb, md, world, .. } = &federation;
    let ministry = federation.competent_authority().await;
    ask(md.served(), &ministry.party).await.expect("a cosignature");
    rogatory_tests::road::send(md, "drafter", &rogatory_tests::papers::acknowledgement(md, &request), "")
        .await;
    ask(md.served(), &gb.party).await.expect("a cosignature");
    let (older, newer) = (seen(&ministry, md).await, seen(gb, md).await);
    assert!(older <= newer);
    ask(ministry.served(), &gb.party).await.expect("a cosignature");
    until_later("both are compared", world, async || {
        compare_heard(gb.served()).await.expect("the database works");
        compare_heard(ministry.served()).await.expect("the database works");
        seen(&ministry, md).await >= newer
    })
    .await;
    for office in [gb, md, &ministry] {
        assert!(office_events(office, "log-contradicted").await.is_empty(), "{}", office.party);
        assert_eq!(told(office).await, "");
    }
}

/// The leaf that the receipt for the first message of `from` to `to` named.
async fn promised(from: &Office, to: &Office) -> Digest {
    let mut session = from.served().datastore.read().await.expect("a session");
    let promises = session.promises(10).await.expect("the database works");
    promises.iter().find(|promise| promise.counterpart == to.party).expect("a promise").leaf_hash
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_receipt_promises_is_asked_for_proven_and_kept() {
    let federation = Federation::new().await;
    federation.request_transmitted().await;
    let Federation { gb, md, world, .. } = &federation;
    let leaf = promised(gb, md).await;
    let proof = async || {
        let mut session = gb.served().datastore.read().await.expect("a session");
        session.promise_proof(&md.party, &leaf).await.expect("the database works")
    };
    until_later("the proof is here", world, async || {
        ask_for_proofs(gb.served()).await.expect("the database works");
        proof().await.is_some()
    })
    .await;
    let proof = proof().await.expect("a proof");
    let read = InclusionProof::parse(&proof).expect("a proof");
    read.verify(Some(&leaf), &trust(&[md]).log_keys_of(&md.party)).expect("md's log holds the leaf");
    assert!(seen(gb, md).await > read.index, "its checkpoint is taken up");
    assert_eq!(told(gb).await, "");
}

/// Takes calls where `office` took them, whose server is stopped, and never answers.
async fn never_answering(office: &Office) -> tokio::task::JoinHandle<()> {
    let listener =
        tokio::net::TcpListener::bind(office.peer_address()).await.expect("the port is free again");
    tokio::spawn(async move {
        let mut taken = Vec::new();
        while let Ok((stream, _)) = listener.accept().await {
            taken.push(stream);
        }
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counterpart_that_never_answers_holds_up_no_other() {
    let mut federation = Federation::new().await;
    federation.request_transmitted().await;
    let ministry = federation.competent_authority().await;
    let request = rogatory_tests::papers::request(&federation.gb, &ministry);
    rogatory_tests::road::send(&federation.gb, "drafter", &request, "").await;
    let leaf = promised(&federation.gb, &ministry).await;
    federation.md.stop().await;
    let silent = never_answering(&federation.md).await;
    let Federation { gb, world, .. } = &federation;
    // md's promise comes first.
    sql(gb, "UPDATE promise_got SET next_time = 0 WHERE counterpart = 'md/central-authority'").await;
    world.clock.advance_seconds(6);
    let authority = gb.served().clone();
    let asking = tokio::spawn(async move { ask_for_proofs(&authority).await });
    until("the ministry's proof is here", async || {
        let mut session = gb.served().datastore.read().await.expect("a session");
        session.promise_proof(&ministry.party, &leaf).await.expect("the database works").is_some()
    })
    .await;
    assert!(!asking.is_finished(), "md is still being asked");
    asking.abort();

    // The same while the server asks for cosignatures: md is being asked in vain, the ministry again and again.
    for _ in 0..3 {
        rogatory_tests::road::send(gb, "drafter", &rogatory_tests::papers::request(gb, &ministry), "").await;
        let (size, _) = sign_checkpoint(gb.served()).await.expect("signed").expect("a checkpoint");
        until("the ministry has cosigned all", async || seen(&ministry, gb).await >= size).await;
    }
    silent.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_clock_that_was_ahead_for_a_moment_puts_nothing_off() {
    let mut federation = Federation::new().await;
    federation.request_transmitted().await;
    let leaf = promised(&federation.gb, &federation.md).await;
    let ministry = federation.competent_authority().await;
    federation.md.stop().await;
    let year = 365 * 86_400;
    federation.world.clock.advance_seconds(year);
    // md is down, and what it promised and what the ministry shows of its log is put off until then.
    let (_, own) = sign_checkpoint(ministry.served()).await.expect("signed").expect("a checkpoint");
    ask_for_proofs(federation.gb.served()).await.expect("the database works");
    federation.world.clock.advance_seconds(-year);
    federation.md.start().await;
    let Federation { gb, md, world, .. } = &federation;
    let size = seen(gb, md).await;
    let request = AddCheckpointRequest {
        checkpoint: own.into(),
        seen_checkpoints: vec![forged(md, size + 1000, b"x").into_bytes().into()],
        ..AddCheckpointRequest::default()
    };
    peers::add_checkpoint(ministry.served(), &gb.party, request).await.expect("heard");
    sql(gb, "UPDATE heard_checkpoint SET heard_time = heard_time + 31536000000000, next_time = next_time + 31536000000000")
        .await;
    until_later("the proof is here", world, async || {
        ask_for_proofs(gb.served()).await.expect("the database works");
        let mut session = gb.served().datastore.read().await.expect("a session");
        session.promise_proof(&md.party, &leaf).await.expect("the database works").is_some()
    })
    .await;
    until_later("the views are compared", world, async || {
        compare_heard(gb.served()).await.expect("the database works");
        !office_events(gb, "log-contradicted").await.is_empty()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_witness_that_refused_falsely_and_cosigns_all_the_same_is_no_alarm_for_ever() {
    let federation = Federation::new().await;
    let request = federation.request_transmitted().await;
    let Federation { gb, md, world, .. } = &federation;
    ask(md.served(), &gb.party).await.expect("a cosignature");
    let red = async |office: &Office| {
        let findings = findings(office.served()).await.expect("the database works");
        let contradicted = findings.iter().filter(|finding| finding.kind == FindingKind::LogContradicted);
        contradicted.map(Finding::is_red).collect::<Vec<_>>()
    };
    // gb's database is damaged: it takes md's log for another one.
    sql(gb, "CREATE TABLE aside AS SELECT origin, root, note FROM seen_log").await;
    sql(gb, "UPDATE seen_log SET root = zeroblob(32)").await;
    rogatory_tests::road::send(md, "drafter", &rogatory_tests::papers::acknowledgement(md, &request), "")
        .await;
    world.clock.advance_seconds(1);
    let problem = ask(md.served(), &gb.party).await.expect_err("refused");
    assert_eq!(problem.reason(), Reason::LogContradicted, "{problem}");
    assert_eq!(red(md).await, [true], "{}", told(md).await);
    // And one that is not of md's log: somebody has md's key.
    let mut session = md.served().datastore.read().await.expect("a session");
    let known = session.contradictions(1).await.expect("the database works").remove(0);
    drop(session);
    let strange = Contradiction { shown_note: forged(md, 3, b"strange").into_bytes(), ..known };
    md.served().datastore.perform(Keep(strange)).await.expect("kept");
    // gb's database is mended, and it cosigns the very log that it had refused.
    sql(gb, "UPDATE seen_log SET root = (SELECT root FROM aside WHERE aside.origin = seen_log.origin)").await;
    world.clock.advance_seconds(1);
    ask(md.served(), &gb.party).await.expect("a cosignature");
    let mut both = red(md).await;
    both.sort_unstable();
    assert_eq!(both, [false, true], "{}", told(md).await);
    assert!(told(md).await.contains("it has cosigned that since"), "{}", told(md).await);
}

/// Keeps what a witness refused.
struct Keep(Contradiction);

impl Act for Keep {
    const NAME: &'static str = "keep-refused";
    type Output = bool;

    async fn perform(&self, tx: &mut Transaction) -> Result<bool, StoreError> {
        let Contradiction { origin, shown_by, known_note, shown_note, .. } = &self.0;
        tx.keep_contradiction(origin, shown_by, known_note, shown_note, Found::Refused).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaf_is_proven_only_to_whom_a_receipt_names_it() {
    let federation = Federation::new().await;
    federation.request_transmitted().await;
    let Federation { gb, md, nistru, .. } = &federation;
    let leaf = promised(gb, md).await;
    peers::prove_inclusion(gb.served(), &md.party, &leaf, 0).await.expect("it is gb's");
    let problem =
        peers::prove_inclusion(nistru.served(), &md.party, &leaf, 0).await.expect_err("not nistru's");
    assert_eq!(problem.reason(), Reason::PeerRefused);
    let at = nistru.now();
    peers::report_broken_promise(nistru.served(), &md.party, &leaf, at).await.expect_err("not nistru's");
    assert!(office_events(md, "promise-broken-reported").await.is_empty());
    let sizes = vec![0; prove::SIZES_AT_ONCE + 1];
    peers::prove_consistency(nistru.served(), &md.party, &sizes).await.expect_err("too many at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_reports_a_promise_as_broken_before_it_is_due() {
    let federation = Federation::new().await;
    federation.request_transmitted().await;
    let Federation { gb, md, world, .. } = &federation;
    let leaf = promised(gb, md).await;
    for passed in [0, 59] {
        world.clock.advance_seconds(passed);
        let long_ago = gb.now().plus_seconds(-1000);
        let reported = peers::report_broken_promise(gb.served(), &md.party, &leaf, long_ago).await;
        assert_eq!(reported.expect_err("it is not due").reason(), Reason::PeerRefused);
    }
    assert!(office_events(md, "promise-broken-reported").await.is_empty());
    world.clock.advance_seconds(1);
    peers::report_broken_promise(gb.served(), &md.party, &leaf, gb.now()).await.expect("it is due");
    assert_eq!(office_events(md, "promise-broken-reported").await.len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_promise_that_is_not_kept_in_time_is_an_alarm_on_both_sides() {
    let federation = Federation::new().await;
    federation.request_transmitted().await;
    let Federation { gb, md, world, .. } = &federation;
    // md's log shows another leaf in the place of the promised one.
    sql(md, "UPDATE promise_given SET leaf_index = 0").await;
    world.clock.advance_seconds(6);
    ask_for_proofs(gb.served()).await.expect("the database works");
    assert!(office_events(gb, "promise-broken").await.is_empty(), "it is not due yet");
    until("the promise is broken", async || {
        world.clock.advance_seconds(60);
        ask_for_proofs(gb.served()).await.expect("the database works");
        !office_events(gb, "promise-broken").await.is_empty()
            && !office_events(md, "promise-broken-reported").await.is_empty()
    })
    .await;
    world.clock.advance_seconds(4000);
    ask_for_proofs(gb.served()).await.expect("the database works");
    assert_eq!(office_events(gb, "promise-broken").await.len(), 1, "recorded once");
    assert_eq!(office_events(md, "promise-broken-reported").await.len(), 1, "recorded once");
    assert!(told(gb).await.contains("has not proven it"), "{}", told(gb).await);
    let listed = custody::witnesses(&gb.session("approver"), None).await.expect("a list");
    assert!(listed.promises.first().is_some_and(|promise| !promise.kept && promise.told_time.is_some()));
    let text = page(&listed);
    assert!(text.contains(&format!("BROKEN: {} gave a receipt", md.party)), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_counterpart_that_is_down_breaks_no_promise_but_is_a_silent_witness() {
    let mut federation = Federation::new().await;
    federation.request_transmitted().await;
    federation.md.stop().await;
    let Federation { gb, world, .. } = &federation;
    world.clock.advance_seconds(100);
    ask_for_proofs(gb.served()).await.expect("the database works");
    assert!(office_events(gb, "promise-broken").await.is_empty());
    until("the witness is behind", async || {
        Rounds::default().go_round(gb.served()).await.expect("the database works")
    })
    .await;
    assert_eq!(told(gb).await, "", "it is behind for a moment only");
    world.clock.advance_seconds(3700);
    let told = told(gb).await;
    assert!(told.contains("md/central-authority has not cosigned"), "{told}");
    let text = page(&custody::witnesses(&gb.session("operator"), None).await.expect("a list"));
    assert!(text.contains("SILENT since") && text.contains("never"), "{text}");
    // Nor has it answered this one question, as if it were down for that alone.
    assert!(
        told.contains("md/central-authority cannot be reached to prove that it logged 1 of our"),
        "{told}"
    );
    let findings = findings(gb.served()).await.expect("the database works");
    let overdue: Vec<bool> = findings
        .iter()
        .filter(|finding| finding.kind == FindingKind::PromiseOverdue)
        .map(Finding::is_red)
        .collect();
    assert_eq!(overdue, [false], "once, and it accuses nobody");
}

/// What a person sees of it.
pub(crate) fn page(outcome: &impl Outcome) -> String {
    let mut page = Page::new();
    outcome.show(&mut page);
    page.lines().collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn officers_see_who_watches_whom_and_hand_a_stranger_what_contradicts_and_what_was_proven() {
    let federation = Federation::new().await;
    federation.request_transmitted().await;
    let Federation { gb, md, world, .. } = &federation;
    let empty = custody::witnesses(&federation.nistru.session("operator"), None).await.expect("a list");
    assert!(page(&empty).contains("No log was seen with two histories."), "{}", page(&empty));
    ask(md.served(), &gb.party).await.expect("a cosignature");
    until_later("the proof is here", world, async || {
        ask_for_proofs(gb.served()).await.expect("the database works");
        let mut session = gb.served().datastore.read().await.expect("a session");
        session
            .open_promises(gb.now().plus_seconds(100_000), 10)
            .await
            .expect("the database works")
            .is_empty()
    })
    .await;
    let known = seen(gb, md).await;
    show(md, gb, known, forged(md, known, b"another history")).await.expect_err("a fork");

    let folder = world.directory().join("watched");
    let listed = custody::witnesses(&gb.session("operator"), Some(&folder)).await.expect("a list");
    let [watched] = listed.seen_logs.as_slice() else { panic!("{listed:?}") };
    assert_eq!((watched.party.clone(), watched.size), (md.party.to_string(), known));
    let text = page(&listed);
    assert!(
        text.contains("TWO HISTORIES: the log of md/central-authority signed two different contents"),
        "{text}"
    );
    // A stranger who has md's key, and nothing else, sees two roots at one size.
    let [only] = listed.contradictions.as_slice() else { panic!("{listed:?}") };
    let keys = trust(&[md]).log_keys_of(&md.party);
    let read = |file| std::fs::read(file).expect("a file");
    let both: Vec<_> =
        only.files.iter().map(|file| verify_checkpoint(&read(file), &keys).expect("signed by md")).collect();
    let [first, second] = both.as_slice() else { panic!("{only:?}") };
    assert_eq!((first.size(), second.size()), (known, known));
    assert_ne!(first.root(), second.root());
    // And whoever has the receipt sees that md's log holds its leaf.
    let promise = listed.promises.iter().find(|promise| promise.kept).expect("a promise that was kept");
    assert_eq!((promise.party.clone(), promise.leaf_sha256), (md.party.to_string(), promised(gb, md).await));
    let proof = read(promise.file.as_ref().expect("a file"));
    custody::verify_proof(&proof, Some(&promise.leaf_sha256), &trust(&[md])).expect("verified");
    let again = custody::witnesses(&gb.session("operator"), Some(&folder)).await.expect_err("it is there");
    assert_eq!(again.exit(), Exit::Usage);

    // md sees who witnesses it, and may show that to anybody who has gb's entry.
    let folder = world.directory().join("witnessed");
    let listed = custody::witnesses(&md.session("operator"), Some(&folder)).await.expect("a list");
    let [witness] = listed.witnesses.as_slice() else { panic!("{listed:?}") };
    assert!(witness.party == gb.party.to_string() && witness.size > 0 && !witness.silent, "{witness:?}");
    let note = read(witness.file.as_ref().expect("a file"));
    let checkpoint = verify_checkpoint(&note, &keys).expect("signed by md");
    let lines = cosignatures(&checkpoint).expect("cosignatures");
    let [line] = lines.as_slice() else { panic!("{lines:?}") };
    let key = gb.served().institution.witness_key().vkey().clone();
    line.verify(&checkpoint, &key).expect("cosigned by gb");
    assert!(page(&listed).contains("up to date"), "{}", page(&listed));
}

/// A receipt of `counterpart` is stored.
struct Promised {
    counterpart: PartyId,
    receipt: StoredReceipt,
}

impl Act for Promised {
    const NAME: &'static str = "store-a-receipt";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        tx.keep_promise(&self.counterpart, &self.receipt).await
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leaf_that_an_earlier_receipt_named_promises_nothing() {
    let Federation { gb, md, world: _world, .. } = &Federation::new().await;
    let store = async |counterpart: &Office, container: &[u8], leaf: &[u8]| {
        let receipt = StoredReceipt { container: container.to_vec(), leaf_hash: Digest::of(leaf) };
        let act = Promised { counterpart: counterpart.party.clone(), receipt };
        gb.served().datastore.perform(act).await.map_err(|problem| problem.reason())
    };
    assert_eq!(store(md, b"one receipt", b"a leaf").await, Ok(()));
    assert_eq!(store(md, b"one receipt", b"a leaf").await, Ok(()), "the same again is the same");
    assert_eq!(store(md, b"another receipt", b"a leaf").await, Err(Reason::BadReceipt));
    assert_eq!(store(md, b"another receipt", b"another leaf").await, Ok(()));
}

/// More institutions than a note may have lines cosigned the log of an office.
struct Cosigned(Vec<LogWitness>);

impl Act for Cosigned {
    const NAME: &'static str = "keep-many-cosignatures";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        for witness in &self.0 {
            tx.keep_cosignature(witness).await?;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn more_witnesses_than_a_note_has_room_for_hinder_no_export() {
    let federation = Federation::new().await;
    let request = federation.request_transmitted().await;
    let Federation { gb, md, .. } = &federation;
    let witnessed = async || {
        let mut session = gb.served().datastore.read().await.expect("a session");
        let witnesses = session.log_witnesses().await.expect("the database works");
        witnesses.into_iter().find(|one| one.party == md.party && !one.cosignature.is_empty())
    };
    until("md cosigned", async || {
        let _ = ask(gb.served(), &md.party).await;
        witnessed().await.is_some()
    })
    .await;
    let model = witnessed().await.expect("a cosignature");
    // The same size and note from forty others, each with a line of its own.
    let others = (0..40).map(|number| {
        let party: PartyId = format!("md/office-{number}").parse().expect("a party");
        let cosignature = model.cosignature.replacen(md.party.to_string().as_str(), &party.to_string(), 1);
        LogWitness { party, cosignature, ..model.clone() }
    });
    gb.served().datastore.perform(Cosigned(others.collect())).await.expect("kept");
    let bytes = record(gb, &request.shared_number).await;
    custody::verify(&bytes, None, &trust(&[gb])).expect("verified");
}

//! Another log, or an older one, shown to those who watch: forks before and after they looked, to one or to several.

use super::operator::Operator;
use super::{alarms, contradictions, rewrite};
use crate::witness::{forged, office_events, page, seen, show, told, until, until_later};
use rogatory_client::commands::custody;
use rogatory_core::Digest;
use rogatory_custody::checkpoint::verify_checkpoint;
use rogatory_proto::peer::v1::AddCheckpointRequest;
use rogatory_server::casework::sign_checkpoint::sign_checkpoint;
use rogatory_server::casework::witness::ask::ask;
use rogatory_server::casework::witness::heard::compare_heard;
use rogatory_server::casework::witness::promises::ask_for_proofs;
use rogatory_server::health::FindingKind;
use rogatory_server::peers;
use rogatory_server::problem::Reason;
use rogatory_tests::{Federation, papers, road};
use serde_json::Value;
use std::collections::BTreeSet;

const DAY: i64 = 86_400;

#[tokio::test(flavor = "multi_thread")]
async fn what_nobody_has_seen_yet_can_be_rewritten_unnoticed() {
    let mut federation = Federation::new().await;
    let request = federation.request_transmitted().await;
    ask(federation.md.served(), &federation.gb.party).await.expect("a cosignature");
    let known = seen(&federation.gb, &federation.md).await;
    // While gb is down md shows its log to nobody.
    federation.gb.stop().await;
    let md = &federation.md;
    let draft = papers::drafted(md, "drafter", &papers::acknowledgement(md, &request));
    papers::hand_in(md, "drafter", draft, "").await.expect("a draft");
    federation.md.stop().await;
    rewrite(&federation.md, "document-drafted").await;
    federation.md.start().await;
    federation.gb.start().await;
    let Federation { gb, md, .. } = &federation;
    ask(md.served(), &gb.party).await.expect("the log goes on from what was seen");
    assert!(seen(gb, md).await > known);
    for office in [gb, md] {
        assert!(
            contradictions(office).await.is_empty() && alarms(office).await.is_empty(),
            "{}",
            office.party
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forked_log_is_refused_and_both_offices_record_it() {
    let federation = Federation::new().await;
    federation.request_acknowledged().await;
    let Federation { gb, md, .. } = &federation;
    ask(md.served(), &gb.party).await.expect("a cosignature");
    let known = seen(gb, md).await;

    // Two roots at one size; and a longer log that does not go on from there. Each is recorded once.
    for (checkpoint, found) in [(forged(md, known, b"x"), "fork"), (forged(md, known + 3, b"y"), "no-proof")]
    {
        for _ in 0..2 {
            let problem = show(md, gb, known, checkpoint.clone()).await.expect_err("a fork");
            assert_eq!(problem.reason(), Reason::LogContradicted, "{problem}");
        }
        let events = office_events(gb, "log-contradicted").await;
        let this: Vec<&Value> = events.iter().filter(|body| body["found"] == found).collect();
        let [only] = this.as_slice() else { panic!("{events:?}") };
        assert_eq!(only["shown_sha256"], Digest::of(checkpoint.as_bytes()).to_hex().as_str());
        assert_eq!(only["counterpart"], md.party.to_string().as_str());
    }
    assert_eq!(seen(gb, md).await, known, "what was seen stays");
    assert!(told(gb).await.contains("contradicts itself (fork)"), "{}", told(gb).await);

    // The office itself, whose stored checkpoint somebody replaced, is told so, and records it.
    let (size, _) = sign_checkpoint(md.served()).await.expect("signed").expect("a checkpoint");
    assert_eq!(size, known);
    let mut operator = Operator::of(md).await;
    operator.replace_checkpoint(known, &forged(md, known, b"z")).await;
    operator.leave().await;
    let problem = ask(md.served(), &gb.party).await.expect_err("a fork");
    assert_eq!(problem.reason(), Reason::LogContradicted);
    assert!(problem.to_string().contains("contradicts an earlier one"), "{problem}");
    let events = office_events(md, "checkpoint-refused").await;
    assert_eq!(events.first().map(|body| body["witness"].clone()), Some(gb.party.to_string().into()));
    assert!(told(md).await.contains("refused to cosign this office's log"), "{}", told(md).await);
    let listed = custody::witnesses(&md.session("operator"), None).await.expect("a list");
    let text = page(&listed);
    assert!(text.contains(&format!("{} refused to cosign this office's log", gb.party)), "{text}");
    // The log goes on as it was, and so does the witness.
    ask(md.served(), &gb.party).await.expect("the true log is cosigned still");
}

#[tokio::test(flavor = "multi_thread")]
async fn different_forks_meet_when_b_and_c_talk() {
    let federation = Federation::new().await;
    federation.request_acknowledged().await;
    let Federation { gb, md, world, .. } = &federation;
    let ministry = federation.competent_authority().await;
    ask(md.served(), &gb.party).await.expect("a cosignature");
    let known = seen(gb, md).await;
    // md shows the ministry another log.
    show(md, &ministry, 0, forged(md, known + 5, b"for the ministry")).await.expect("it knows no better");
    assert_eq!(seen(&ministry, md).await, known + 5);
    // The ministry asks gb to cosign its own log, and passes on what it saw.
    ask(ministry.served(), &gb.party).await.expect("a cosignature");
    until_later("the views are compared", world, async || {
        compare_heard(gb.served()).await.expect("the database works");
        !contradictions(gb).await.is_empty()
    })
    .await;
    let events = office_events(gb, "log-contradicted").await;
    assert_eq!(events[0]["shown_by"], ministry.party.to_string().as_str());
    assert_eq!(events[0]["counterpart"], md.party.to_string().as_str());
    // And gb's answer brought the ministry gb's view.
    until_later("the ministry compares too", world, async || {
        compare_heard(ministry.served()).await.expect("the database works");
        !contradictions(&ministry).await.is_empty()
    })
    .await;
    for office in [gb, &ministry] {
        assert!(alarms(office).await.contains(&FindingKind::LogContradicted), "{}", office.party);
    }
    assert!(seen(gb, md).await >= known, "what the log proved stands");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_forked_log_that_proves_nothing_is_an_alarm() {
    let federation = Federation::new().await;
    federation.request_acknowledged().await;
    let Federation { gb, md, world, .. } = &federation;
    let ministry = federation.competent_authority().await;
    until_later("what md's receipts promised is proven", world, async || {
        ask_for_proofs(gb.served()).await.expect("the database works");
        let mut session = gb.served().datastore.read().await.expect("a session");
        let open = session.open_promises(gb.now().plus_seconds(DAY), 10).await;
        open.expect("the database works").is_empty()
    })
    .await;
    ask(md.served(), &gb.party).await.expect("a cosignature");
    let known = seen(gb, md).await;
    show(md, &ministry, 0, forged(md, known + 5, b"for the ministry")).await.expect("it knows no better");
    // Asked for proofs, md answers with a checkpoint that is none of its log.
    let (size, _) = sign_checkpoint(md.served()).await.expect("signed").expect("a checkpoint");
    let mut operator = Operator::of(md).await;
    operator.replace_checkpoint(size, &forged(gb, size, b"of another log")).await;
    operator.leave().await;
    let heard_at = gb.now();
    ask(ministry.served(), &gb.party).await.expect("a cosignature");
    for minutes in 1..60 {
        compare_heard(gb.served()).await.expect("the database works");
        assert!(alarms(gb).await.is_empty(), "after {minutes} minutes: {}", told(gb).await);
        world.clock.advance_seconds(60);
        if minutes % 20 == 0 {
            // What else the ministry shows of that log makes it no younger.
            let (_, own) = sign_checkpoint(ministry.served()).await.expect("signed").expect("a checkpoint");
            let seen = forged(md, known + 5 + minutes, b"for the ministry");
            let request = AddCheckpointRequest {
                checkpoint: own.into(),
                seen_checkpoints: vec![seen.into_bytes().into()],
                ..AddCheckpointRequest::default()
            };
            peers::add_checkpoint(ministry.served(), &gb.party, request).await.expect("heard");
        }
    }
    world.clock.advance_seconds(60);
    assert_eq!(alarms(gb).await, BTreeSet::from([FindingKind::LogNotProven]));
    let said = told(gb).await;
    assert!(said.contains(&heard_at.to_string()) && said.contains(&ministry.party.to_string()), "{said}");
    assert!(contradictions(gb).await.is_empty(), "nobody is accused by silence");
    // It answers at last, with what it has: now both notes are kept.
    let mut operator = Operator::of(md).await;
    operator.replace_checkpoint(size, &forged(md, size, b"another one")).await;
    operator.leave().await;
    until("the views are compared", async || {
        world.clock.advance_seconds(60);
        compare_heard(gb.served()).await.expect("the database works");
        !contradictions(gb).await.is_empty()
    })
    .await;
    assert!(!alarms(gb).await.contains(&FindingKind::LogNotProven), "{}", told(gb).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_old_checkpoint_shown_again_is_a_rollback() {
    let federation = Federation::new().await;
    let request = federation.request_transmitted().await;
    let Federation { gb, md, .. } = &federation;
    let (old, note) = sign_checkpoint(md.served()).await.expect("signed").expect("a checkpoint");
    let note = String::from_utf8(note).expect("text");
    let acknowledgement = papers::acknowledgement(md, &request);
    road::send(md, "drafter", &acknowledgement, "").await;
    ask(md.served(), &gb.party).await.expect("a cosignature");
    let known = seen(gb, md).await;
    assert!(old < known);
    // Shown as what follows on the latest: the log is to have no more than then.
    let problem = show(md, gb, known, note.clone()).await.expect_err("a rollback");
    assert_eq!(problem.reason(), Reason::LogContradicted, "{problem}");
    assert_eq!(contradictions(gb).await, ["rollback"]);
    assert_eq!(alarms(gb).await, BTreeSet::from([FindingKind::LogContradicted]));
    // Shown as if the witness had seen nothing since: it names the size that it has, and cosigns nothing.
    assert_eq!(show(md, gb, old, note.clone()).await.expect("told"), known);
    assert_eq!(seen(gb, md).await, known, "what was seen stays");
    // Kept are both, as they were signed: a stranger can compare them.
    let mut session = gb.served().datastore.read().await.expect("a session");
    let both = session.contradictions(10).await.expect("the database works");
    let key = std::slice::from_ref(md.served().institution.log_key().vkey());
    let sizes = both.iter().flat_map(|one| [&one.known_note, &one.shown_note]);
    let sizes: Vec<u64> = sizes.map(|note| verify_checkpoint(note, key).expect("signed").size()).collect();
    assert_eq!(sizes, [known, old]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_log_signed_by_a_thief_comes_back_to_its_office() {
    let federation = Federation::new().await;
    federation.request_acknowledged().await;
    let Federation { md, .. } = &federation;
    let ministry = federation.competent_authority().await;
    let (size, _) = sign_checkpoint(md.served()).await.expect("signed").expect("a checkpoint");
    // Somebody with md's keys, whom the ministry takes for md, shows it a log of his own; it has not seen the true one.
    show(md, &ministry, 0, forged(md, size + 5, b"a thief's log")).await.expect("it knows no better");
    // The ministry asks md to cosign its own log, and md hears of a log of its own that it never signed.
    ask(ministry.served(), &md.party).await.expect("a cosignature");
    let events = office_events(md, "log-contradicted").await;
    assert_eq!(events.first().map(|body| body["counterpart"].clone()), Some(md.party.to_string().into()));
    assert_eq!(contradictions(md).await, ["rollback"], "the thief's log is longer");
    assert!(told(md).await.contains("somebody else has the key"), "{}", told(md).await);
    assert!(alarms(md).await.contains(&FindingKind::LogContradicted));
    let text = page(&custody::witnesses(&md.session("operator"), None).await.expect("a list"));
    assert!(text.contains("that is none of this log. Somebody else has the key"), "{text}");
    // And md's true log, when it comes, is not cosigned on top of the thief's.
    let problem = ask(md.served(), &ministry.party).await.expect_err("it has seen another one");
    assert_eq!(problem.reason(), Reason::LogContradicted, "{problem}");
    assert!(!contradictions(&ministry).await.is_empty());
}

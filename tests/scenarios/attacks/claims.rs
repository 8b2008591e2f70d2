//! Claims that others can hold against whoever made them: a receipt for what was never logged, a state of last week as
//! the present one, a signature of then that was made now.

use super::operator::Operator;
use super::{alarms, assert_careful, contradictions, rewrite};
use crate::fsck::copy_folder;
use crate::time_stamps::{Ended, days, machine_now, said};
use crate::witness::{office_events, seen, told, until};
use rogatory_client::commands::package::{self, VerifyArguments, VerifyOutcome};
use rogatory_client::trust::Trust;
use rogatory_container::timestamp::Nonce;
use rogatory_core::{Clock as _, Digest, Timestamp};
use rogatory_evidence::verify::Part;
use rogatory_pki::development::DevelopmentCa;
use rogatory_pki::path::Anchors;
use rogatory_pki::revocation::RevocationLists;
use rogatory_pki::signing::Signer as _;
use rogatory_server::casework::witness::ask::ask;
use rogatory_server::casework::witness::findings;
use rogatory_server::casework::witness::promises::ask_for_proofs;
use rogatory_server::config::TimeStampsConfig;
use rogatory_server::datastore::OFFICE;
use rogatory_server::fsck;
use rogatory_server::health::FindingKind;
use rogatory_server::next_epoch::Wanted;
use rogatory_server::stamping::TimeStamping;
use rogatory_stock_tools::tsa::Tsa;
use rogatory_tests::{Federation, World, papers, road};
use std::fs;
use std::path::{Path, PathBuf};

const DAY: i64 = 86_400;

/// gb asks for what md's receipt promised until it is overdue: gb records that the promise is broken.
async fn assert_promise_broken(federation: &Federation) {
    let Federation { gb, md, world, .. } = federation;
    until("the promise is broken", async || {
        world.clock.advance_seconds(60);
        ask_for_proofs(gb.served()).await.expect("the database works");
        !office_events(gb, "promise-broken").await.is_empty()
    })
    .await;
    let events = office_events(gb, "promise-broken").await;
    assert_eq!(events[0]["counterpart"], md.party.to_string().as_str());
    assert!(alarms(gb).await.contains(&FindingKind::PromiseBroken), "{}", told(gb).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receipt_whose_entry_was_never_logged_is_a_broken_promise() {
    let mut federation = Federation::new().await;
    federation.request_transmitted().await;
    federation.md.stop().await;
    // The receipt is out. Of the case nothing is left, in the log or beside it.
    let mut operator = Operator::of(&federation.md).await;
    let mut entries = operator.entries().await;
    entries.retain(|entry| entry.case == OFFICE);
    operator
        .execute(
            "DELETE FROM mla_request; DELETE FROM document_container; DELETE FROM document; DELETE FROM case_head",
        )
        .await;
    operator.build(entries).await;
    operator.leave().await;
    assert_careful(&fsck::check(&federation.md.folder, true).await.expect("a report"));
    federation.md.start().await;
    assert_promise_broken(&federation).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_receipt_names_cannot_be_rewritten_unnoticed() {
    let mut federation = Federation::new().await;
    federation.request_transmitted().await;
    federation.md.stop().await;
    rewrite(&federation.md, "document-received").await;
    federation.md.start().await;
    assert_promise_broken(&federation).await;
}

fn put_back(backup: &Path, folder: &Path) {
    for name in ["database.sqlite", "database.sqlite-wal", "database.sqlite-shm"] {
        let _ = fs::remove_file(folder.join(name));
        let _ = fs::copy(backup.join(name), folder.join(name));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_restored_backup_without_a_new_epoch_is_a_rollback() {
    let mut federation = Federation::new().await;
    let request = federation.request_transmitted().await;
    federation.md.stop().await;
    let backup = federation.world.directory().join("backup");
    copy_folder(&federation.md.folder, &backup);
    federation.md.start().await;
    road::send(&federation.md, "drafter", &papers::acknowledgement(&federation.md, &request), "").await;
    ask(federation.md.served(), &federation.gb.party).await.expect("a cosignature");
    let known = seen(&federation.gb, &federation.md).await;

    federation.md.stop().await;
    put_back(&backup, &federation.md.folder);
    federation.md.start().await;
    let Federation { gb, md, .. } = &federation;
    // Without its keys an office cannot know better; the witness does.
    until("the witness refuses", async || {
        let _ = ask(md.served(), &gb.party).await;
        !contradictions(gb).await.is_empty()
    })
    .await;
    let events = office_events(gb, "log-contradicted").await;
    assert_eq!(events[0]["found"], "rollback", "{events:?}");
    assert_eq!(events[0]["known_size"], known);
    assert!(!office_events(md, "checkpoint-refused").await.is_empty());
    assert_eq!(seen(gb, md).await, known);
    assert!(told(gb).await.contains("contradicts itself"), "{}", told(gb).await);

    // What ran on has two histories; the epoch ends, and says how far the one that was witnessed is held here at least.
    federation.md.stop().await;
    let begun = federation.md.next_epoch(Wanted::default()).await.expect("the next epoch");
    assert_eq!(begun.witnessed, Some(known));
    assert!(begun.lost > 0, "{begun}");
    federation.md.start().await;
    let Federation { gb, md, .. } = &federation;
    gb.import("operator", md).await.expect("confirmed");
    ask(md.served(), &gb.party).await.expect("a cosignature");
    let events = office_events(md, "epoch-begun").await;
    assert_eq!(events[0]["common_size"], known - begun.lost, "{events:?}");
    for office in [gb, md] {
        let told = findings(office.served()).await.expect("the database works");
        assert!(told.iter().all(|finding| !finding.is_red()), "{told:?}");
        assert!(told.iter().any(|finding| finding.what.contains("has ended since")), "{told:?}");
    }
    md.demand_sound().await;

    // What the row says of the epoch, the log must say too.
    federation.md.stop().await;
    let mut operator = Operator::of(&federation.md).await;
    operator.execute("UPDATE log_epoch SET leaf_index = leaf_index - 1").await;
    operator.leave().await;
    let report = fsck::check(&federation.md.folder, false).await.expect("a report").to_string();
    for said in ["says that it began", "does not say that it began"] {
        assert!(report.contains(said), "{report}");
    }
}

/// A document that claims to have been sealed when the world was made, and a stamp that says when it was there.
struct Backdated {
    federation: Federation,
    claimed: Timestamp,
    file: PathBuf,
    /// gb's entry, read when its certificates were valid: a signature is judged at the instant that is proven.
    trust: Trust,
    tsa: DevelopmentCa,
}

impl Backdated {
    /// Who stole gb's keys sets his clock to `ago` seconds before the present, and seals a document.
    async fn seal(ago: i64) -> Self {
        let claimed = machine_now().plus_seconds(-ago);
        let federation = Federation::new_in(World::at(claimed)).await;
        let Federation { gb, md, world, .. } = &federation;
        let container = papers::complete(gb, &papers::request(gb, md));
        let file = world.directory().join("backdated.asice");
        fs::write(&file, container).expect("written");
        let trust = gb.trust();
        world.clock.advance_seconds(ago);
        let tsa =
            DevelopmentCa::new("FR".parse().expect("a country"), "Time", days(100)).expect("an authority");
        Self { federation, claimed, file, trust, tsa }
    }

    /// Gets a stamp, which can only be of the present.
    async fn stamp(&self) {
        let gb = &self.federation.gb;
        fs::write(gb.folder.join("keys/tsa.pem"), self.tsa.certificate_pem()).expect("written");
        let server = Tsa::issued_by(&self.tsa, days(90)).serve();
        let config = TimeStampsConfig {
            urls: vec![server.url()],
            anchors: "keys/tsa.pem".into(),
            tls_anchors: None,
            policy: None,
            checkpoint_minutes: 5,
            late_minutes: 15,
            renew_days: 90,
        };
        let stamping = TimeStamping::load(&gb.folder, &config).expect("a configuration");
        let container = fs::read(&self.file).expect("read");
        let got = stamping.stamp(Digest::of(&container), Nonce::from_random([3; 16])).await.expect("a stamp");
        fs::write(self.file.with_extension("asice.tst"), got.token).expect("written");
    }

    async fn verify(&self, at: Option<Timestamp>, revocation: RevocationLists) -> VerifyOutcome {
        let gb = &self.federation.gb;
        let arguments = VerifyArguments {
            path: self.file.clone(),
            trust: self.trust.clone(),
            at,
            tsa: Anchors::from_pem(&self.tsa.certificate_pem(), None).expect("anchors"),
            revocation,
            ..VerifyArguments::default()
        };
        package::verify(&gb.offline(), arguments).await.expect("a report")
    }
}

fn assert_failed(outcome: &VerifyOutcome, part: Part, words: &str) {
    let (ended, line) = said(outcome, part);
    assert!(!outcome.verified && ended == Ended::Failed && line.contains(words), "{:?}", outcome.checks);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_backdated_with_an_expired_key_has_no_proof_of_its_time() {
    // Certificates of these offices last 397 days: by now they are over.
    let forged = Backdated::seal(500 * DAY).await;
    let then = Some(forged.claimed.plus_seconds(3600));
    let none = RevocationLists::none;
    // Judged at the present the certificate is over; then is nobody's but the forger's word.
    assert_failed(&forged.verify(None, none()).await, Part::Document, "expired");
    assert_failed(&forged.verify(then, none()).await, Part::Time, "");
    // A stamp proves that it was there by now, not then.
    forged.stamp().await;
    assert_failed(&forged.verify(None, none()).await, Part::Document, "expired");
    assert_failed(&forged.verify(then, none()).await, Part::Time, "");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_signature_backdated_with_a_revoked_key_is_judged_by_its_proven_time() {
    let forged = Backdated::seal(4 * DAY).await;
    let then = Some(forged.claimed.plus_seconds(3600));
    let Federation { gb, world, .. } = &forged.federation;
    let seal = gb.seal();
    // The theft was noticed the day before yesterday.
    let (since, next) = (world.clock.now().plus_seconds(-2 * DAY), world.clock.now().plus_seconds(7 * DAY));
    let list = gb.authority().revocation_list(&[seal.certificate().expect("a certificate")], since, next);
    let mut revoked = RevocationLists::none();
    revoked.add(&list.expect("a list")).expect("a list");
    assert!(forged.verify(None, RevocationLists::none()).await.verified, "the list is what shows it");
    assert_failed(&forged.verify(None, revoked.clone()).await, Part::Revocation, "was revoked");
    assert_failed(&forged.verify(then, revoked.clone()).await, Part::Time, "");
    forged.stamp().await;
    assert_failed(&forged.verify(None, revoked.clone()).await, Part::Revocation, "was revoked");
    assert_failed(&forged.verify(then, revoked).await, Part::Time, "");
}

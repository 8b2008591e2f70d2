//! Every write of sequencing and cosigning, by name: the process is killed with SIGKILL right before the write takes
//! effect, and right after, before anybody is told. After a restart never a fork, never a lost or doubled entry; without
//! anybody's doing cosignatures arrive, promises are kept, and what was heard is compared.

use crate::processes::{MortalServer, present};
use rogatory_core::Digest;
use rogatory_custody::checkpoint::Checkpoint;
use rogatory_proto::peer::v1::AddCheckpointRequest;
use rogatory_server::casework::sign_checkpoint::sign_checkpoint;
use rogatory_server::peers;
use rogatory_tests::one_log::{Side, Story, assert_one_log, assert_seen, contradictions};
use rogatory_tests::{Federation, Office, World, papers};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

/// How many rows are played at once: most of the time each waits.
const AT_ONCE: usize = 4;

#[derive(Clone, Copy, Debug)]
enum When {
    Before,
    After,
}

const TABLE: &[(Side, &str, Story)] = &[
    (Side::Log, "receive-document", Story::Request),
    (Side::Log, "replace-checkpoint", Story::Request),
    (Side::Log, "keep-cosignature", Story::Request),
    (Side::Log, "mark-witness-behind", Story::WitnessDown),
    (Side::Log, "record-own-log-shown", Story::Stolen),
    (Side::Witness, "settle-document", Story::Request),
    (Side::Witness, "take-up-checkpoint", Story::Request),
    (Side::Witness, "put-off-promise", Story::Request),
    (Side::Witness, "keep-promised-proof", Story::Request),
    (Side::Witness, "hear-checkpoint", Story::PassedOn),
    (Side::Witness, "settle-heard-checkpoint", Story::PassedOn),
    (Side::Witness, "compare-heard-checkpoint", Story::PassedOn),
];

#[tokio::test(flavor = "multi_thread")]
async fn every_write_of_sequencing_and_cosigning_may_be_the_last_before_a_kill() {
    let room = Arc::new(Semaphore::new(AT_ONCE));
    let mut rows = JoinSet::new();
    for (side, act, story) in TABLE {
        for when in [When::Before, When::After] {
            let room = Arc::clone(&room);
            rows.spawn(async move {
                let _place = room.acquire().await.expect("open");
                let at = format!("{act} at the {side:?}, killed {when:?} it");
                Row::prepare(*story, at).await.play(*side, act, when).await;
            });
        }
    }
    while let Some(played) = rows.join_next().await {
        played.expect("a row holds");
    }
}

struct Row {
    federation: Federation,
    ministry: Option<Office>,
    /// What the ministry passes on of md's log.
    passed_on: Vec<u8>,
    story: Story,
    at: String,
}

impl Row {
    async fn prepare(story: Story, at: String) -> Self {
        let federation = Federation::new_in(World::at(present())).await;
        let told = matches!(story, Story::PassedOn | Story::Stolen);
        let ministry = if told { Some(federation.competent_authority().await) } else { None };
        let served = federation.md.served();
        let (size, honest) = sign_checkpoint(served).await.expect("signed").expect("a checkpoint");
        let institution = &served.institution;
        let (origin, root) = (institution.log_origin().clone(), Digest::of(b"a thief's log"));
        let stolen =
            Checkpoint { origin, size: size + 1000, root }.sign(institution.log_key()).expect("signed");
        let passed_on = if story == Story::Stolen { stolen.into_bytes() } else { honest };
        Self { federation, ministry, passed_on, story, at }
    }

    async fn play(mut self, side: Side, act: &str, when: When) {
        self.federation.gb.stop().await;
        self.federation.md.stop().await;
        let request = papers::request(&self.federation.gb, &self.federation.md);
        let Federation { gb, md, .. } = &self.federation;
        let mut processes = [MortalServer::start(&md.folder).await, MortalServer::start(&gb.folder).await];
        let [log, witness] = &mut processes;
        let draft = papers::drafted(gb, "drafter", &request);
        let handed = papers::hand_in(gb, "drafter", draft, "").await.expect("a draft");
        papers::approve(gb, "approver", &handed.document_id).await.expect("an approval");
        let victim = if side == Side::Log { &log } else { &witness };
        let order = victim.folder().join("dies-at");
        let when = match when {
            When::Before => "before",
            When::After => "after",
        };
        let say = || std::fs::write(&order, format!("{act} {when}")).expect("written");
        let told_by_others = self.ministry.is_some();
        if !told_by_others {
            say();
        }
        // Whoever dies meanwhile answers nothing; the outbox goes on.
        let sent = papers::transmit(gb, "drafter", &handed.document_id).await;
        if told_by_others {
            sent.expect("nobody dies yet");
            say();
            let _ = self.pass_on().await;
        } else if self.story == Story::WitnessDown {
            sent.expect("md does not die yet");
            witness.kill();
        }
        let victim = if side == Side::Log { log } else { witness };
        victim.assert_killed(&self.at).await;
        for process in &mut processes {
            process.kill();
        }
        std::fs::remove_file(order).expect("removed");
        self.heal(act, request.shared_number.as_str()).await;
        self.assert_whole(request.shared_number.as_str()).await;
    }

    /// The ministry shows its own log, and what it saw of md's.
    async fn pass_on(&self) -> bool {
        let ministry = self.ministry.as_ref().expect("a ministry");
        let Federation { gb, md, .. } = &self.federation;
        let to = if self.story == Story::Stolen { md } else { gb };
        let own = sign_checkpoint(ministry.served()).await.expect("signed").expect("a checkpoint").1;
        let request = AddCheckpointRequest {
            old_size: 0,
            checkpoint: own.into(),
            seen_checkpoints: vec![self.passed_on.clone().into()],
            ..AddCheckpointRequest::default()
        };
        peers::add_checkpoint(ministry.served(), &to.party, request).await.is_ok()
    }

    /// Both servers are started again, and do what they do.
    async fn heal(&mut self, act: &str, number: &str) {
        let clock = Arc::clone(&self.federation.world.clock);
        clock.advance_seconds(present().seconds() - self.federation.gb.now().seconds() + 1);
        self.federation.md.start().await;
        self.federation.gb.start().await;
        if ["hear-checkpoint", "record-own-log-shown"].contains(&act) {
            // Its call broke off, and is made again.
            assert!(self.pass_on().await, "{}", self.at);
        }
        let mut healed = Err(String::new());
        for _ in 0..400 {
            healed = self.healed(number).await;
            if healed.is_ok() {
                break;
            }
            clock.advance_seconds(1);
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
        assert_eq!(healed, Ok(()), "{}: it does not heal", self.at);
    }

    /// The request is delivered, md's log is cosigned as far as it goes, its promise is kept, and nothing heard is left to
    /// be compared; or what is not.
    async fn healed(&self, number: &str) -> Result<(), String> {
        let Federation { gb, md, .. } = &self.federation;
        let mut session = md.served().datastore.read().await.expect("a session");
        let size = session.tree_size().await.expect("the database works");
        let witnesses = session.log_witnesses().await.expect("the database works");
        let cosigned = witnesses.iter().find(|one| one.party == gb.party);
        if !cosigned.is_some_and(|one| one.tree_size == size && one.behind_since.is_none()) {
            return Err(format!("{size} entries are cosigned up to {cosigned:?}"));
        }
        let mut session = gb.served().datastore.read().await.expect("a session");
        let later = gb.now().plus_seconds(1_000_000);
        let open = session.open_promises(later, 10).await.expect("the database works");
        let due = session.heard_due(later, 10).await.expect("the database works");
        let mut heard = true;
        if let (Some(ministry), Story::PassedOn) = (&self.ministry, self.story) {
            let origin = md.served().institution.log_origin();
            heard = session.heard(origin, &ministry.party).await.expect("the database works").is_some();
        }
        if !open.is_empty() || !due.is_empty() || !heard {
            return Err(format!("promised {open:?}, to be compared {due:?}, heard {heard}"));
        }
        let told = Federation::timeline(gb, number).await;
        let sent = told.iter().any(|(_, event, _)| event == "document-transmitted");
        if sent { Ok(()) } else { Err("nothing is sent".to_owned()) }
    }

    async fn assert_whole(&self, number: &str) {
        let (Federation { gb, md, .. }, at) = (&self.federation, &self.at);
        for office in [gb, md] {
            let events = Federation::timeline(office, "office").await;
            let count = |name: &str| events.iter().filter(|(_, event, _)| event == name).count();
            let stolen = usize::from(self.story == Story::Stolen && office.party == md.party);
            assert_eq!(count("log-contradicted"), stolen, "{at}: {}", office.party);
            assert_eq!(contradictions(office).await, stolen, "{at}: {}", office.party);
            for name in ["promise-broken", "promise-broken-reported", "checkpoint-refused"] {
                assert_eq!(count(name), 0, "{at}: {name} at {}", office.party);
            }
        }
        for (office, event) in [(gb, "document-transmitted"), (md, "document-received")] {
            let timeline = Federation::timeline(office, number).await;
            let times = timeline.iter().filter(|(_, name, _)| name == event).count();
            assert_eq!(times, 1, "{at}: {event} at {}", office.party);
        }
        assert_one_log(gb, at).await;
        let tree = assert_one_log(md, at).await;
        assert_seen(gb, md, &tree, at).await;
    }
}

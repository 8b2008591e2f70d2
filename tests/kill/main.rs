//! `kill -9`. By name: the server's process at each write of sequencing and cosigning (`sequencing.rs`). By chance, here:
//! three servers and the officers' commands as processes of their own; each is killed at a seeded random moment of a
//! package's way from the provider to the requesting officer, and started again.
//!
//! The job must complete by repeating the commands, nothing may be lost or doubled, and the custody records must verify.
//! The case is brought up to the sealed package in this process, then the real programs take over its folders.

mod processes;
mod sequencing;

use processes::{Programs, Server, below, present, timed};
use rogatory_client::commands::package::{self, SealArguments};
use rogatory_evidence::{FolderSource, NoProgress, ObjectList, object_list};
use rogatory_tests::road::{self, Ordered};
use rogatory_tests::{Federation, Office, World};
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ExitStatus};
use std::time::Duration;

/// How often each process is killed, at least.
const KILLS: u64 = 10;
const EXHIBIT_BYTES: u64 = 96 * 1024 * 1024;
/// How often a command may be told to try again, after the last kill.
const TRIES: usize = 5;

/// A process that is killed.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
enum Victim {
    Command,
    Nistru,
    Md,
    Gb,
}

/// One command of an officer that is repeated until it is done.
struct Leg<'a> {
    office: &'a Office,
    officer: &'a str,
    arguments: Vec<String>,
    victims: &'a [Victim],
}

/// What is known of all rounds.
#[derive(Default)]
struct Road {
    /// Whether anybody is killed.
    kills: bool,
    /// How long each leg takes, undisturbed.
    legs: BTreeMap<u64, Duration>,
    /// How often each was killed while the command ran.
    killed: BTreeMap<Victim, u64>,
}

struct Case {
    federation: Federation,
    programs: Programs,
    ordered: Ordered,
    package: PathBuf,
    objects: ObjectList,
    /// The folders of all offices as they were before the package was sent.
    kept: tempfile::TempDir,
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_arrives_though_every_process_is_killed() {
    let case = Case::prepare().await;
    // Undisturbed at first: how long each leg takes.
    let mut road = Road::default();
    case.round(0, &mut road).await;
    road.kills = true;
    // A command may be done before the moment comes: that does not count.
    for round in 0.. {
        let often = |victim| road.killed.get(victim).is_some_and(|times| *times >= KILLS);
        if [Victim::Command, Victim::Nistru, Victim::Md, Victim::Gb].iter().all(often) {
            break;
        }
        assert!(round < 4 * KILLS, "the moments are badly chosen: {:?}", road.killed);
        case.round(round, &mut road).await;
    }
}

impl Case {
    async fn prepare() -> Self {
        let programs = Programs::build();
        let mut federation = Federation::new_in(World::at(present())).await;
        let ordered = federation.order_acknowledged().await;
        let directory = federation.world.directory().to_owned();
        let exhibit = directory.join("exhibit.bin");
        let mut file = File::create(&exhibit).expect("a file");
        let mut seed = 1;
        for _ in 0..EXHIBIT_BYTES / 8192 {
            let words = (0..1024).flat_map(|_| below(&mut seed, u64::MAX).to_le_bytes());
            file.write_all(&words.collect::<Vec<u8>>()).expect("written");
        }
        let arguments = SealArguments {
            paths: vec![exhibit],
            recipients: road::recipients(&ordered.order),
            order: Some(ordered.order.shared_number.to_string()),
            output: directory.join("package"),
            ..SealArguments::default()
        };
        let sealed = package::seal(&federation.nistru.session("agent"), arguments).await.expect("a package");
        for office in [&mut federation.gb, &mut federation.md, &mut federation.nistru] {
            office.stop().await;
        }
        let kept = tempfile::tempdir().expect("a folder");
        for office in [&federation.gb, &federation.md, &federation.nistru] {
            copy(&office.folder, &kept.path().join(office.folder.file_name().expect("a name")));
        }
        let objects = all_objects(&sealed.output);
        Self { federation, programs, ordered, package: sealed.output, objects, kept }
    }

    /// Once the whole way, every process killed on it.
    async fn round(&self, round: u64, road: &mut Road) {
        let Federation { gb, md, nistru, world } = &self.federation;
        let received = world.directory().join("received");
        for office in [gb, md, nistru] {
            fs::remove_dir_all(&office.folder).expect("removed");
            copy(&self.kept.path().join(office.folder.file_name().expect("a name")), &office.folder);
        }
        for left in ["received", "received.partial", "received.relay-receipt.asice"] {
            let path = world.directory().join(left);
            let _ = if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) };
        }
        let mut servers =
            Servers([nistru, md, gb].map(|office| Server::start(&self.programs, &office.folder)));
        let id = rogatory_core::PackageId::of_manifest(
            &self.objects.get(rogatory_evidence::PERSON_MANIFEST).expect("a manifest").sha256,
        );
        let order = self.ordered.order.shared_number.to_string();
        let text = |path: &Path| path.to_string_lossy().into_owned();
        let legs = [
            Leg {
                office: nistru,
                officer: "agent",
                arguments: words(&["package", "send", &text(&self.package), "--order", &order, "--yes"]),
                victims: &[Victim::Command, Victim::Nistru, Victim::Md],
            },
            Leg {
                office: md,
                officer: "evidence",
                arguments: words(&["package", "relay", id.as_str(), "--yes"]),
                victims: &[Victim::Md, Victim::Gb],
            },
            Leg {
                office: gb,
                officer: "evidence",
                arguments: words(&["package", "receive", id.as_str(), "-o", &text(&received)]),
                victims: &[Victim::Gb, Victim::Command],
            },
        ];
        for (number, leg) in (0_u64..).zip(&legs) {
            if road.kills {
                let mut seed = (round << 8) | number;
                self.travel(leg, road.legs[&number], &mut servers, &mut seed, &mut road.killed);
            } else {
                let (took, status) = timed(|| ended(&mut self.give(leg)));
                assert!(status.success(), "undisturbed: {}", servers.logs());
                road.legs.insert(number, took);
            }
        }
        self.compare(&received);
        self.count(&id.to_string()).await;
        drop(servers);
    }

    /// Gives the command, kills each victim once on its way, and repeats the command until it is done.
    fn travel(
        &self,
        leg: &Leg<'_>,
        takes: Duration,
        servers: &mut Servers,
        seed: &mut u64,
        killed: &mut BTreeMap<Victim, u64>,
    ) {
        let mut victims = leg.victims.to_vec();
        for at in (1..victims.len()).rev() {
            victims.swap(at, usize::try_from(below(seed, at as u64 + 1)).expect("small"));
        }
        // What came before one is killed is not sent again, so the later ones have less time.
        let each = u64::try_from(takes.as_millis()).expect("small") / victims.len() as u64;
        for victim in victims {
            let mut command = self.give(leg);
            std::thread::sleep(Duration::from_millis(below(seed, each)));
            if command.try_wait().expect("a process of ours").is_none() {
                *killed.entry(victim).or_default() += 1;
            }
            match victim {
                Victim::Command => {
                    // It may have ended already.
                    let _ = command.kill();
                }
                server => servers.kill(server, &self.programs),
            }
            ended(&mut command);
        }
        for _ in 0..TRIES {
            if ended(&mut self.give(leg)).success() || leg.is_done() {
                return;
            }
        }
        panic!("`rogatory {}` does not complete: {}", leg.arguments.join(" "), servers.logs());
    }

    fn give(&self, leg: &Leg<'_>) -> Child {
        self.programs.officer(&leg.office.officer_folder(leg.officer), &leg.arguments)
    }

    /// What was received is what was sealed, with the institution's seal.
    fn compare(&self, received: &Path) {
        let here = all_objects(received);
        for object in &self.objects.0 {
            assert_eq!(here.get(&object.name), Some(object), "{} arrived as something else", object.name);
        }
        assert_eq!(here.0.len(), self.objects.0.len() + 2, "and the institution's seal");
        assert!(!received.with_extension("partial").exists());
    }

    /// Every event once on every side, every record verifies, and every folder is sound to its last byte.
    async fn count(&self, package: &str) {
        let Federation { gb, md, nistru, world } = &self.federation;
        let (request, order) = (&self.ordered.request.shared_number, &self.ordered.order.shared_number);
        let once: [(&Office, &str, &[&str]); 3] = [
            (nistru, order.as_str(), &["package-submitted", "package-sealed", "package-sent"]),
            (md, request.as_str(), &["package-received", "package-relayed"]),
            (gb, request.as_str(), &["package-received"]),
        ];
        for (office, case, events) in once {
            let timeline = Federation::timeline(office, case).await;
            for event in events {
                let found = timeline
                    .iter()
                    .filter(|(_, name, body)| name == event && body.to_string().contains(package));
                assert_eq!(found.count(), 1, "{event} at {}", office.party);
            }
            let unwanted = ["package-refused", "package-not-delivered"];
            assert!(timeline.iter().all(|(_, name, _)| !unwanted.contains(&name.as_str())), "{timeline:?}");
            let record = world.directory().join("record.json");
            let _ = fs::remove_file(&record);
            let path = record.to_string_lossy().into_owned();
            let auditor = office.officer_folder("operator");
            let export = words(&["custody", "export", case, "-o", &path]);
            assert!(ended(&mut self.programs.officer(&auditor, &export)).success(), "{}", office.party);
            let entry = office.folder.join("party-entry.asice").to_string_lossy().into_owned();
            let verify = words(&["custody", "verify", &path, "--trust", &entry]);
            assert!(ended(&mut self.programs.officer(&auditor, &verify)).success(), "{}", office.party);
            office.demand_sound().await;
        }
    }
}

impl Leg<'_> {
    /// A package that was received stands there, also if the command was killed before it said so.
    fn is_done(&self) -> bool {
        self.arguments.iter().any(|word| word == "receive")
            && self.arguments.last().is_some_and(|output| Path::new(output).is_dir())
    }
}

/// The servers that run.
struct Servers([Server; 3]);

impl Servers {
    fn kill(&mut self, victim: Victim, programs: &Programs) {
        let [nistru, md, gb] = &mut self.0;
        match victim {
            Victim::Nistru => nistru.kill_and_restart(programs),
            Victim::Md => md.kill_and_restart(programs),
            Victim::Gb => gb.kill_and_restart(programs),
            Victim::Command => {}
        }
    }

    fn logs(&self) -> String {
        self.0.iter().map(|server| format!("\n{}", server.log())).collect()
    }
}

/// How a command ended, be it by being killed.
fn ended(command: &mut Child) -> ExitStatus {
    command.wait().expect("a process of ours")
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn all_objects(package: &Path) -> ObjectList {
    object_list(&FolderSource::open(package).expect("a package"), &mut NoProgress).expect("its objects")
}

/// Copies a folder with all that is in it.
fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).expect("a folder");
    for entry in fs::read_dir(from).expect("listable") {
        let path = entry.expect("an entry").path();
        let target = to.join(path.file_name().expect("a name"));
        if path.is_dir() {
            copy(&path, &target);
        } else {
            fs::copy(&path, &target).expect("copied");
        }
    }
}

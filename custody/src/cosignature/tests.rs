use super::*;
use crate::checkpoint::{Checkpoint, verify_checkpoint};
use crate::note::LogKey;
use crate::tree::{Tree, leaf_hash};

const ORIGIN: &str = "ca.example.md/rogatory/md/central-authority/1";

fn witness(party: &str) -> WitnessKey {
    let name = WitnessName::new("example.org", &party.parse().expect("a party")).expect("a name");
    WitnessKey::generate(name).expect("a key").0
}

fn checkpoint() -> (VerifiedCheckpoint, LogKey) {
    let (key, _) = LogKey::generate(ORIGIN).expect("a key");
    let mut tree = Tree::new();
    tree.append(leaf_hash(b"x")).expect("there is room");
    let note = Checkpoint::of(ORIGIN.parse().expect("an origin"), &tree).sign(&key).expect("signed");
    (verify_checkpoint(note.as_bytes(), &[key.vkey().clone()]).expect("valid"), key)
}

fn noon() -> Timestamp {
    "2026-11-22T12:00:00.25Z".parse().expect("an instant")
}

fn again(note: &str, key: &LogKey) -> VerifiedCheckpoint {
    verify_checkpoint(note.as_bytes(), &[key.vkey().clone()]).expect("valid")
}

#[test]
fn a_cosignature_survives_its_note_and_verifies() {
    let (checkpoint, log) = checkpoint();
    let (gb, fr) = (witness("gb/central-authority"), witness("fr/bepi"));
    let cosigned = [&gb, &fr].map(|witness| witness.cosign(&checkpoint, noon()).expect("cosigned")).to_vec();
    let note = cosigned_note(&checkpoint, cosigned).expect("room");
    let read = again(&note, &log);
    let lines = cosignatures(&read).expect("in order");
    let parties: Vec<String> = lines.iter().map(|line| line.witness().party().to_string()).collect();
    assert_eq!(parties, ["fr/bepi", "gb/central-authority"]);
    let verified = lines[1].verify(&read, gb.vkey()).expect("valid");
    assert_eq!((verified.party(), verified.time()), (gb.vkey().name().party(), noon().whole_seconds()));
    assert_eq!(lines[0].verify(&read, gb.vkey()), Err(CosignatureError::OtherKey(fr.vkey().name().clone())));
    assert_eq!(lines[1].to_string().parse(), Ok(lines[1].clone()));
}

#[test]
fn a_cosignature_is_for_one_time_and_one_checkpoint() {
    let (checkpoint, log) = checkpoint();
    let gb = witness("gb/central-authority");
    let good = gb.cosign(&checkpoint, noon()).expect("cosigned");
    let invalid = Err(CosignatureError::Invalid(gb.vkey().name().clone()));
    let later = Cosignature { seconds: good.seconds + 1, ..good.clone() };
    assert_eq!(later.verify(&checkpoint, gb.vkey()), invalid);
    let other = Checkpoint { size: 2, ..checkpoint.checkpoint().clone() }.sign(&log).expect("signed");
    assert_eq!(good.verify(&again(&other, &log), gb.vkey()), invalid);
}

#[test]
fn other_lines_and_other_orders_are_refused() {
    let (checkpoint, log) = checkpoint();
    let plain = checkpoint.note().note().to_string();
    let line = |party: &str| witness(party).cosign(&checkpoint, noon()).expect("cosigned").to_string();
    let (gb, fr) = (line("gb/central-authority"), line("fr/bepi"));
    let (text, log_line) = plain.rsplit_once("\n\n").expect("a note");
    let (other, _) = LogKey::generate("example.org/rogatory/fr/bepi/witness").expect("a key");
    let plain_line = other.sign(&format!("{text}\n")).expect("signed").to_string();
    let plain_line = plain_line.rsplit_once("\n\n").expect("a note").1.to_owned();
    let read = |note: String| cosignatures(&again(&note, &log));
    assert_eq!(read(format!("{plain}{fr}{gb}")).expect("in order").len(), 2);
    assert_eq!(read(format!("{plain}{gb}{fr}")), Err(CosignatureError::Order(3)));
    assert_eq!(read(format!("{plain}{gb}{gb}")), Err(CosignatureError::Order(3)));
    assert_eq!(read(format!("{text}\n\n{gb}{log_line}")), Err(CosignatureError::LogLine));
    assert_eq!(read(format!("{plain}{plain_line}")), Err(CosignatureError::Line(2)));
    assert_eq!(cosignatures_among(again(&format!("{plain}{plain_line}{gb}"), &log).note().note()).len(), 1);
}

#[test]
fn nobody_is_the_witness_of_his_own_log() {
    let (checkpoint, _) = checkpoint();
    let own = witness("md/central-authority");
    let refused = CosignatureError::OwnLog("md/central-authority".parse().expect("a party"));
    assert_eq!(own.cosign(&checkpoint, noon()), Err(refused));
}

#[test]
fn a_witness_key_is_no_log_key_and_the_other_way_round() {
    let gb = witness("gb/central-authority");
    let text = gb.vkey().to_string();
    assert_eq!(text.parse(), Ok(gb.vkey().clone()));
    assert!(text.parse::<crate::note::Vkey>().is_err());
    let (log, _) = LogKey::generate("example.org/rogatory/gb/central-authority/witness").expect("a key");
    assert!(log.vkey().to_string().parse::<WitnessVkey>().is_err());
    for name in
        ["example.org/rogatory/gb/central-authority/1", "example.org/witness", "/rogatory/gb/x/witness"]
    {
        assert!(name.parse::<WitnessName>().is_err(), "{name}");
    }
}

/// The example of C2SP tlog-cosignature.
#[test]
fn the_message_is_that_of_the_specification() {
    let body = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n";
    assert_eq!(message(1_679_315_147, body), format!("cosignature/v1\ntime 1679315147\n{body}"));
}

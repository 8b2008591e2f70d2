//! Party entries (`docs/spec/party-entry.md`).

use crate::vectors_made::{Files, Vector, add, authority, check, issue_seal, now, officer, say, signer};
use data_encoding::{BASE64, HEXLOWER};
use rogatory_container::asice::{self, Asice};
use rogatory_container::zip::ZipLimits;
use rogatory_core::document::{Competence, DocumentKind, FORMAT, PROFILE};
use rogatory_core::party_entry::{CompetenceEntry, Limits, PartyEntry, PublishedRecipient};
use rogatory_core::{Digest, chain};
use rogatory_pki::certificate::Certificate;
use rogatory_pki::development::{DevelopmentCa, Issued};
use rogatory_pki::path::Anchors;
use rogatory_pki::signing::Signer;

const PARTY: &str = "md/central-authority";
const LOG_KEY: &str =
    "md.example/rogatory/md/central-authority/1+e74c5f1e+AVsvMKyQydLSGSkibnfkpw9mtaSxxZloBvGSZtHijUmS";
const WITNESS_KEY: &str =
    "md.example/rogatory/md/central-authority/witness+4d1aecb3+BH7rcFsI3jAsKiYwilTxCUd3xQyDhwAh/qO8pPIgRu9y";

#[test]
fn entries_are_accepted_or_refused_as_they_say() {
    check("party-entry", &made(), verify);
}

/// Steps 1 to 9. `trust` is `the entry itself`, and `fingerprint` what the person was told.
fn verify(vector: &Vector<'_>) -> Result<(), String> {
    let bytes = vector.bytes();
    let fails = |part: &str| Err(part.to_owned());
    let container = Asice::from_bytes(bytes, ZipLimits::DOCUMENT).map_err(|error| chain(&error))?;
    let json = container.file("document.json").ok_or("document.json is missing")?;
    let entry = PartyEntry::from_json(json).map_err(|error| format!("document.json: {error}"))?;
    let anchors = Anchors::from_pem(&entry.anchors_pem, Some(entry.party.country()))
        .map_err(|error| format!("anchors_pem: {}", chain(&error)))?;
    let verified = asice::verify(&container, &anchors, vector.at()).map_err(|error| chain(&error))?;
    let seals = Certificate::pem_chain(&entry.seal_certificates_pem)
        .map_err(|error| format!("seal_certificates_pem: {}", chain(&error)))?;
    match verified.signatures() {
        [only] if only.certificate() == &seals[0] => {}
        _ => return fails("seal_certificates_pem"),
    }
    for (part, key, kind) in [("log_key", &entry.log_key, 1), ("witness_key", &entry.witness_key, 4)] {
        if !is_verifier_key(key, kind) {
            return fails(part);
        }
    }
    if vector.must("fingerprint") != Digest::of(bytes).to_hex() {
        return fails("fingerprint");
    }
    let Some(known) = vector.field("known") else {
        return Ok(());
    };
    let (country, file) = known.split_once(' ').expect("country and file");
    let country = country.parse().expect("a country");
    let mut known = Anchors::from_pem(vector.text(file), Some(country)).expect("anchors");
    if country != entry.party.country() {
        return known.extend(&anchors).map_err(|error| format!("known: {}", chain(&error)));
    }
    let is_known = |one: &Certificate| known.iter().any(|anchor| anchor.certificate() == one);
    if anchors.iter().all(|anchor| is_known(anchor.certificate())) { Ok(()) } else { fails("known") }
}

/// `<name>+<key hash>+<base64 of type and key>`: C2SP signed-note; type 4 is tlog-cosignature's.
fn is_verifier_key(text: &str, kind: u8) -> bool {
    let mut parts = text.splitn(3, '+');
    let (Some(name), Some(hash), Some(key)) = (parts.next(), parts.next(), parts.next()) else {
        return false;
    };
    let Ok(key) = BASE64.decode(key.as_bytes()) else { return false };
    let digest = Digest::of(&[name.as_bytes(), b"\n", &key].concat());
    key.len() == 33 && key[0] == kind && HEXLOWER.encode(&digest.as_bytes()[..4]) == hash
}

fn entry(anchors_pem: String, seal: &Issued) -> PartyEntry {
    let competence = |act| CompetenceEntry { act, instruments: Vec::new(), territory: "MD".to_owned() };
    PartyEntry {
        format: FORMAT,
        profile: PROFILE,
        kind: DocumentKind::PartyEntry,
        party: PARTY.parse().expect("a party"),
        name: "Office of the Prosecutor General (vectors)".to_owned(),
        institution_kind: "central-authority".to_owned(),
        version: 1,
        issued_time: now(),
        competences: vec![competence(Competence::RequestAssistance), competence(Competence::ExecuteRequests)],
        languages: vec!["ro".to_owned(), "en".to_owned()],
        urgent_route: String::new(),
        limits: Limits { document_bytes: 262_144, package_bytes: None },
        peer_endpoint: "rogatory.example.md:22444".to_owned(),
        anchors_pem,
        seal_certificates_pem: seal.certificate_pem.clone(),
        recipients: vec![PublishedRecipient {
            purpose: "recovery".to_owned(),
            officer: None,
            recipient: "age1e2fmm9n5x969yxmleas69a7yzayvt6lyv8vuf075d04va4u97p3s8sh5l3".to_owned(),
        }],
        log_key: LOG_KEY.to_owned(),
        witness_key: WITNESS_KEY.to_owned(),
        log_origin: "md.example/rogatory/md/central-authority/1".to_owned(),
    }
}

fn sealed(json: &[u8], signer: &dyn Signer) -> Asice {
    let contents = vec![("document.json".to_owned(), "application/json".to_owned(), json.to_vec())];
    asice::start(contents).expect("starts").sign(signer, now(), None).expect("seals")
}

/// Adds an entry that a person compared, and what must happen.
fn put(files: &mut Files, name: &str, about: &str, part: Option<&str>, known: Option<&str>, bytes: Vec<u8>) {
    let fingerprint = Digest::of(&bytes).to_hex();
    let mut header =
        vec![("trust", "the entry itself"), ("at", "2026-11-22T14:20:00Z"), ("fingerprint", &*fingerprint)];
    header.extend(known.map(|known| ("known", known)));
    add(files, name, about, part, &header, bytes);
}

fn made() -> Files {
    let mut files = Files::new();
    let root = authority("md", "Root of the vectors");
    let second = authority("md", "Second root of the vectors");
    let issued = issue_seal(&root, PARTY);
    let seal = signer(&issued);
    let pem = |authorities: &[&DevelopmentCa]| {
        authorities.iter().map(|one| one.certificate_pem()).collect::<String>()
    };
    files.insert("known.pem".to_owned(), pem(&[&root]).into_bytes());
    files.insert("known-two.pem".to_owned(), pem(&[&root, &second]).into_bytes());
    files.insert("known-other.pem".to_owned(), pem(&[&second]).into_bytes());
    let own = entry(pem(&[&root]), &issued);
    let bytes = sealed(&own.to_json(), &seal).to_bytes();
    let two = sealed(&entry(pem(&[&root, &second]), &issued).to_json(), &seal).to_bytes();
    let fingerprint = Digest::of(&bytes).to_hex();

    put(&mut files, "good", "Nobody of the country is known here yet.", None, None, bytes.clone());
    put(&mut files, "good-two-anchors", "The country has two anchors.", None, None, two);
    let mut same = |name: &str, about: &str, part: Option<&str>, more: &[(&str, &str)]| {
        let mut header = vec![("file", "good.asice"), ("trust", "the entry itself")];
        let has = |field: &str| more.iter().any(|(name, _)| *name == field);
        if !has("at") {
            header.push(("at", "2026-11-22T14:20:00Z"));
        }
        if !has("fingerprint") {
            header.push(("fingerprint", &fingerprint));
        }
        header.extend(more);
        say(&mut files, name, about, part, &header);
    };
    same(
        "good-known-country",
        "Rule 8: its anchor is the one known for md.",
        None,
        &[("known", "md known.pem")],
    );
    same(
        "good-fewer-anchors",
        "Rule 8: two anchors are known for md, it names one.",
        None,
        &[("known", "md known-two.pem")],
    );
    same(
        "other-anchor",
        "Rule 8: another anchor is known for md. This is the attack that the rule stops.",
        Some("known"),
        &[("known", "md known-other.pem")],
    );
    same(
        "anchor-of-another-country",
        "Rule 9: its anchor is known as one of gb.",
        Some("known"),
        &[("known", "gb known.pem")],
    );
    let told = Digest::of(b"another entry").to_hex();
    same(
        "other-fingerprint",
        "Step 7: the person was told another fingerprint.",
        Some("fingerprint"),
        &[("fingerprint", &told)],
    );
    same(
        "expired",
        "Step 4: the seal certificate has expired by the time of import.",
        Some("META-INF/signature001.p7s"),
        &[("at", "2036-06-01T00:00:00Z")],
    );

    let about = "Rule 8: besides the known anchor of md it names a new one.";
    let more = files["good-two-anchors.asice"].clone();
    put(&mut files, "one-anchor-more", about, Some("known"), Some("md known.pem"), more);
    let mut bad = |name: &str, about: &str, part: &str, bytes: Vec<u8>| {
        put(&mut files, name, about, Some(part), None, bytes);
    };
    let mut flipped = bytes.clone();
    let at = flipped.windows(7).position(|window| window == b"central").expect("the party");
    flipped[at] = b'C';
    bad("byte-changed", "One byte was changed in the file.", "the document", flipped);
    let other = signer(&issue_seal(&root, "md/nistru-chat"));
    bad(
        "other-seal",
        "Step 5: sealed by another institution of the country.",
        "seal_certificates_pem",
        sealed(&own.to_json(), &other).to_bytes(),
    );
    let rusu = officer(&root, PARTY, "rusu", "PNOMD-1");
    let twice = sealed(&own.to_json(), &rusu).add_seal(None, &seal, now()).expect("seals").to_bytes();
    bad("two-signatures", "Step 5: an officer signed before the seal.", "seal_certificates_pem", twice);
    let mut changed = |name: &str, about: &str, part: &str, change: &dyn Fn(&mut PartyEntry)| {
        let mut entry = own.clone();
        change(&mut entry);
        bad(name, about, part, sealed(&entry.to_json(), &seal).to_bytes());
    };
    changed("no-anchor", "Step 3: it names no anchor.", "anchors_pem", &|entry| entry.anchors_pem.clear());
    changed(
        "anchor-not-an-authority",
        "Step 3: its anchor is the certificate of its seal.",
        "anchors_pem",
        &|entry| {
            entry.anchors_pem.clone_from(&entry.seal_certificates_pem);
        },
    );
    changed(
        "anchor-not-of-the-seal",
        "Step 4: its seal was issued by another authority.",
        "META-INF/signature001.p7s",
        &|entry| {
            entry.anchors_pem = second.certificate_pem();
        },
    );
    changed("log-key-hash", "Step 6: the key hash of log_key is another.", "log_key", &|entry| {
        entry.log_key = entry.log_key.replace("+e74c5f1e+", "+e74c5f1f+");
    });
    changed(
        "witness-key-of-a-log",
        "Step 6: witness_key is of the type of a log's.",
        "witness_key",
        &|entry| {
            entry.witness_key = entry.log_key.clone();
        },
    );
    changed("format-two", "Step 2: a format that this text does not describe.", "document.json", &|entry| {
        entry.format = 2
    });
    changed("another-kind", "Step 2: the kind of a receipt.", "document.json", &|entry| {
        entry.kind = DocumentKind::Receipt
    });
    let json = String::from_utf8(own.to_json()).expect("text");
    let mut edited = |name: &str, about: &str, from: &str, to: &str| {
        assert!(json.contains(from), "{from}");
        bad(name, about, "document.json", sealed(json.replace(from, to).as_bytes(), &seal).to_bytes());
    };
    edited(
        "member-more",
        "2.2: a member that is not of this format.",
        "\"version\": 1,",
        "\"version\": 1,\n  \"note\": \"\",",
    );
    edited(
        "member-missing",
        "2.2: log_origin is missing.",
        ",\n  \"log_origin\": \"md.example/rogatory/md/central-authority/1\"",
        "",
    );
    edited(
        "party-in-capitals",
        "Conventions: a party in capital letters.",
        "\"md/central-authority\"",
        "\"MD/central-authority\"",
    );
    edited("competence-unknown", "2.3: no such act.", "execute-requests", "execute-everything");
    files
}

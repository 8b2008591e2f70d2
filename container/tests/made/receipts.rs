//! Receipts (`docs/spec/formal-document.md`, sections 8 and 10).

use crate::vectors_made::{Files, Vector, add, authority, check, issue_seal, now, officer, say, signer};
use rogatory_container::asice::{self, Asice};
use rogatory_container::zip::ZipLimits;
use rogatory_core::document::{DocumentKind, FORMAT, NamedParty, PROFILE};
use rogatory_core::ground::NonDeliveryGround;
use rogatory_core::receipt::{Receipt, ReceiptKind, Receipted};
use rogatory_core::{Digest, PackageId, PartyId, chain};
use rogatory_pki::certificate::Certificate;
use rogatory_pki::path::Anchors;
use rogatory_pki::signing::Signer;

const ISSUER: &str = "md/nistru-chat";
const ADDRESSEE: &str = "md/central-authority";

#[test]
fn receipts_are_accepted_or_refused_as_they_say() {
    check("receipt", &made(), verify);
}

/// Steps 1 to 3 and 11 to 13, for somebody who sent `of` and waits for a receipt of `kind`.
fn verify(vector: &Vector<'_>) -> Result<(), String> {
    let anchors = Anchors::from_pem(vector.text(vector.must("trust")), None).expect("anchors");
    let seal = &Certificate::pem_chain(vector.text(vector.must("seal"))).expect("a seal")[0];
    let container = Asice::from_bytes(vector.bytes(), ZipLimits::DOCUMENT).map_err(|error| chain(&error))?;
    let verified = asice::verify(&container, &anchors, vector.at()).map_err(|error| chain(&error))?;
    let fails = |part: &str| Err(part.to_owned());
    match verified.signatures() {
        [only] if only.certificate() == seal => {}
        _ => return fails("seal"),
    }
    let json = verified.file("document.json").ok_or("document.json is missing")?;
    let receipt = Receipt::from_json(json).map_err(|error| format!("document.json: {error}"))?;
    if (receipt.format, receipt.profile, receipt.kind) != (FORMAT, PROFILE, DocumentKind::Receipt) {
        return fails("format");
    }
    if receipt.issuer.party.to_string() != vector.must("issuer") {
        return fails("issuer");
    }
    if receipt.addressee.to_string() != vector.must("addressee") {
        return fails("addressee");
    }
    if receipt.of != sent(vector.must("of")) {
        return fails("of");
    }
    let negative = receipt.receipt == ReceiptKind::NonDelivery;
    if receipt.ground.is_some() != negative || receipt.reason.is_some() != negative {
        return fails("ground");
    }
    if !negative && receipt.receipt.as_str() != vector.must("kind") {
        return fails("receipt");
    }
    Ok(())
}

/// What was sent: the order of the examples, or the package.
fn sent(what: &str) -> Receipted {
    let shared_number = |text: &str| text.parse().expect("a shared number");
    let sender: PartyId = ADDRESSEE.parse().expect("a party");
    match what {
        "order" => Receipted::Document {
            sender,
            shared_number: shared_number("MD-JF58-JXH4-09RC-SPTW-27"),
            message_number: rogatory_core::MessageNumber::FIRST,
            container_sha256: Digest::of(b"the order"),
        },
        "package" => {
            let manifest_sha256 = Digest::of(b"the manifest");
            Receipted::Package {
                sender,
                shared_number: shared_number("GB-ZNHT-G7ZX-QZJA-7VXE-79"),
                package: PackageId::of_manifest(&manifest_sha256),
                manifest_sha256,
                objects_sha256: Digest::of(b"the list of objects"),
                size_bytes: 3_017_604,
            }
        }
        other => panic!("`{other}` was not sent"),
    }
}

fn receipt(kind: ReceiptKind, of: &str) -> Receipt {
    let issuer = NamedParty { party: ISSUER.parse().expect("a party"), name: "Nistru Chat SRL".to_owned() };
    Receipt::new(kind, issuer, ADDRESSEE.parse().expect("a party"), now(), sent(of), None)
}

fn sealed(json: &str, signer: &dyn Signer) -> Asice {
    let contents =
        vec![("document.json".to_owned(), "application/json".to_owned(), json.as_bytes().to_vec())];
    asice::start(contents).expect("starts").sign(signer, now(), None).expect("seals")
}

fn text(receipt: &Receipt) -> String {
    String::from_utf8(receipt.to_json()).expect("text")
}

fn header(kind: &'static str, of: &'static str) -> [(&'static str, &'static str); 7] {
    [
        ("trust", "anchors.pem"),
        ("at", "2026-11-22T14:20:00Z"),
        ("seal", "seal.pem"),
        ("issuer", ISSUER),
        ("addressee", ADDRESSEE),
        ("kind", kind),
        ("of", of),
    ]
}

fn made() -> Files {
    let mut files = Files::new();
    let root = authority("md", "Root of the vectors");
    let other = authority("md", "Root of the vectors");
    let issued = issue_seal(&root, ISSUER);
    files.insert("anchors.pem".to_owned(), root.certificate_pem().into_bytes());
    files.insert("other-anchors.pem".to_owned(), other.certificate_pem().into_bytes());
    files.insert("seal.pem".to_owned(), issued.certificate_pem.clone().into_bytes());
    let seal = signer(&issued);
    let delivery = receipt(ReceiptKind::Delivery, "order");
    let json = text(&delivery);
    let refusal = delivery.clone().refused(NonDeliveryGround::WrongStage, "the matter is closed".to_owned());
    let quoting = Receipt { case_head_sha256: Some(Digest::of(b"a case head")), ..delivery.clone() };
    let order = header("delivery", "order");

    let mut good = |name: &str, about: &str, receipt: &Receipt, header: &[(&str, &str)]| {
        add(&mut files, name, about, None, header, sealed(&text(receipt), &seal).to_bytes());
    };
    good("good-delivery", "A document was accepted.", &delivery, &order);
    good("good-case-head", "The receipt quotes a case head that came with the document.", &quoting, &order);
    good("good-non-delivery", "Authentic, and a receipt: the document was not accepted.", &refusal, &order);
    let package = receipt(ReceiptKind::Delivery, "package");
    good("good-package", "A package was accepted.", &package, &header("delivery", "package"));
    let relay = receipt(ReceiptKind::Relay, "package");
    good("good-relay", "A package is passed on.", &relay, &header("relay", "package"));

    let changed =
        order.map(|(field, value)| (field, if field == "trust" { "other-anchors.pem" } else { value }));
    let changed: Vec<(&str, &str)> =
        std::iter::once(("file", "good-delivery.asice")).chain(changed).collect();
    let about = "The only anchor is another authority of the same name.";
    say(&mut files, "other-anchor", about, Some("META-INF/signature001.p7s"), &changed);

    let other_seal = signer(&issue_seal(&root, "md/central-authority"));
    let rusu = officer(&root, ISSUER, "lupu", "PNOMD-1");
    let mut bad = |name: &str, about: &str, part: &str, bytes: Vec<u8>| {
        add(&mut files, name, about, Some(part), &order, bytes);
    };
    let about = "Step 3: sealed by another institution of the same country.";
    bad("other-seal", about, "seal", sealed(&json, &other_seal).to_bytes());
    let twice = sealed(&json, &rusu).add_seal(None, &seal, now()).expect("seals").to_bytes();
    bad("two-signatures", "4.1: an officer signed before the seal.", "seal", twice);
    let mut edited = |name: &str, about: &str, part: &str, from: &str, to: &str| {
        assert!(json.contains(from), "{from}");
        bad(name, about, part, sealed(&json.replace(from, to), &seal).to_bytes());
    };
    edited(
        "other-issuer",
        "Step 12: it says that somebody else gave it.",
        "issuer",
        "\"md/nistru-chat\"",
        "\"md/nistru-talk\"",
    );
    edited(
        "other-addressee",
        "Step 12: it is for somebody else.",
        "addressee",
        "\"addressee\": \"md/central-authority\"",
        "\"addressee\": \"gb/central-authority\"",
    );
    edited(
        "other-message",
        "Step 12: it is about message 2.",
        "of",
        "\"message_number\": 1",
        "\"message_number\": 2",
    );
    let digest = Digest::of(b"the order").to_hex();
    let others = Digest::of(b"another order").to_hex();
    edited("other-bytes", "Step 12: it is about other bytes.", "of", &digest, &others);
    edited(
        "other-sender",
        "Step 12: it is about somebody else's document.",
        "of",
        "\"sender\": \"md/",
        "\"sender\": \"gb/",
    );
    edited(
        "relay-instead",
        "Step 13: a relay was attested, not a delivery.",
        "receipt",
        "\"receipt\": \"delivery\"",
        "\"receipt\": \"relay\"",
    );
    edited(
        "negative-without-ground",
        "Step 13: non-delivery without a ground.",
        "ground",
        "\"delivery\"",
        "\"non-delivery\"",
    );
    edited(
        "positive-with-ground",
        "Step 13: delivered, and yet with a ground.",
        "ground",
        "\"ground\": null",
        "\"ground\": \"conflict\"",
    );
    edited(
        "ground-unknown",
        "8.4: no such ground.",
        "document.json",
        "\"ground\": null",
        "\"ground\": \"not-now\"",
    );
    edited("kind-unknown", "8.2: no such kind of receipt.", "document.json", "\"delivery\"", "\"reading\"");
    edited(
        "member-more",
        "8.1: a member that is not of this format.",
        "document.json",
        "\"ground\": null,",
        "\"ground\": null,\n  \"note\": \"\",",
    );
    edited(
        "member-twice",
        "Conventions: a member stands twice.",
        "document.json",
        "\"ground\": null,",
        "\"ground\": null,\n  \"ground\": null,",
    );
    edited(
        "format-two",
        "8.1: a format that this text does not describe.",
        "document.json",
        "\"format\": 1",
        "\"format\": 2",
    );
    edited(
        "another-document",
        "8.1: the kind of a closing.",
        "document.json",
        "\"kind\": \"receipt\"",
        "\"kind\": \"closing\"",
    );
    let mut check_digits = |from: &str, to: &str| {
        edited("number-misread", "6.2: the check digits do not fit.", "document.json", from, to);
    };
    check_digits("SPTW-27", "SPTX-27");
    files
}

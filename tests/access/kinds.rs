//! Every kind of formal document × every role, and × every side of every kind of matter: who may draft it,
//! and who may send it to whom. A kind without a row here fails the suite.

use rogatory_core::document::{Document, DocumentKind, SignerRule};
use rogatory_core::ground::NonDeliveryGround;
use rogatory_core::receipt::ReceiptKind;
use rogatory_core::{MessageNumber, Role, SharedNumber};
use rogatory_server::config::InstitutionKind;
use rogatory_tests::papers;
use rogatory_tests::{Federation, Office, Plan, World, road};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// A kind; the roles that may draft it, in the order of `Role::ALL`; and for each kind of matter the side
/// that sends it to the other, `both`, or `-`.
struct Row {
    kind: &'static str,
    roles: &'static str,
    request: &'static str,
    order: &'static str,
    preservation: &'static str,
}

const fn row(
    kind: &'static str,
    roles: &'static str,
    request: &'static str,
    order: &'static str,
    preservation: &'static str,
) -> Row {
    Row { kind, roles, request, order, preservation }
}

/// What opens a matter goes by competence: two authorities may ask one another, a provider is ordered.
const EXPECTED: &[Row] = &[
    row("request", "drafter", "both", "-", "both"),
    row("acknowledgement", "drafter provider-agent", "requested", "provider", "-"),
    row("question", "drafter", "requested", "-", "requested"),
    row("answer", "drafter", "requesting", "-", "requesting"),
    row("refusal", "drafter", "requested", "-", "requested"),
    row("postponement", "drafter", "requested", "-", "-"),
    row("forwarding", "drafter", "requested", "-", "-"),
    row("forwarding-notice", "drafter", "requested", "-", "-"),
    row("order", "drafter", "-", "ordering", "-"),
    row("execution", "drafter", "requested", "-", "-"),
    row("withdrawal", "drafter", "requesting", "-", "-"),
    row("closing", "drafter", "requesting", "-", "-"),
    row("preservation", "drafter", "both", "-", "both"),
    row("confirmation", "drafter", "-", "-", "requested"),
    row("extension", "drafter", "-", "-", "requesting"),
    row("release", "drafter", "-", "-", "requesting"),
    row("erasure-notice", "", "-", "-", "-"),
    row("receipt", "", "-", "-", "-"),
    row("party-entry", "", "-", "-", "-"),
];

fn expected(kind: DocumentKind) -> &'static Row {
    EXPECTED.iter().find(|row| row.kind == kind.as_str()).expect("every kind has a row")
}

/// A body that has whatever any kind demands.
fn any_body(request: &Document) -> Value {
    json!({
        "recipients": request.body["recipients"],
        "request": {
            "shared_number": request.shared_number,
            "document_sha256": papers::digest(request),
        },
        "received_time": "2026-11-22T14:20:00Z",
        "requesting_party": request.sender.party,
        "forwarded_to": "md/ministry-of-justice",
        "forwarded_time": "2026-11-22T14:20:00Z",
        "our_reference": "X/1",
        "question_id": "Q1",
        "ground": "R07-dual-criminality",
        "scope": "whole",
        "outcome": "executed",
        "packages": [],
        "reason": "a reason",
        "of": "preservation",
        "preserved_until": "2027-06-01T00:00:00Z",
        "legal_basis": [],
    })
}

/// A document of `kind` of `from`, in answer to `opened` or, if it opens a matter, under a new number.
fn document(
    kind: DocumentKind,
    from: &Office,
    to: &Office,
    opened: &Document,
    request: &Document,
) -> Document {
    let base = papers::question(from, opened, 100 + kind as u32, "Q1");
    let base = Document { kind, addressee: papers::named(to), body: any_body(request), ..base };
    if kind.opens_a_matter() {
        Document {
            shared_number: SharedNumber::mint(from.party.country(), from.entropy()),
            message_number: MessageNumber::FIRST,
            in_reply_to: None,
            ..base
        }
    } else {
        base
    }
}

/// The document with signature 001 of `officer`, with what its kind encloses.
fn draft(office: &Office, officer: &str, document: &Document) -> Vec<u8> {
    match document.kind.enclosure() {
        Some(_) => papers::drafted_enclosing(office, officer, document, b"a request".to_vec()),
        None => papers::drafted(office, officer, document),
    }
}

#[test]
fn every_kind_has_one_row() {
    let rows: Vec<&str> = EXPECTED.iter().map(|row| row.kind).collect();
    let unique: BTreeSet<&str> = rows.iter().copied().collect();
    let kinds: BTreeSet<&str> = DocumentKind::ALL.iter().map(|kind| kind.as_str()).collect();
    assert_eq!((rows.len(), unique), (kinds.len(), kinds));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_role_drafts_exactly_the_kinds_that_the_table_says() {
    let federation = Federation::new().await;
    let office = Plan {
        party: "md/one-role-each",
        name: "An office where everybody has one role",
        kind: InstitutionKind::CentralAuthority,
        country_ca: "ca-md",
        officers: &[
            "drafter=A:drafter",
            "approver=B:approver",
            "evidence-officer=C:evidence-officer",
            "provider-agent=D:provider-agent",
            "auditor=E:auditor",
            "operator=F:operator",
        ],
    };
    let world: &World = &federation.world;
    let office = world.found(office).await;
    let request = papers::request(&federation.gb, &office);
    let mut wrong = Vec::new();
    for kind in DocumentKind::ALL {
        let document = document(kind, &office, &federation.gb, &request, &request);
        for role in Role::ALL {
            let container = draft(&office, role.as_str(), &document);
            let answer = papers::hand_in(&office, role.as_str(), container, "").await;
            let denied = matches!(&answer, Err(problem) if problem.reason() == Some("ROLE_MISSING"));
            let may = expected(kind).roles.split(' ').any(|one| one == role.as_str());
            if denied == may {
                wrong
                    .push(format!("{role} drafts {kind}: {:?}", answer.err().map(|error| error.to_string())));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Tries every kind from `from` to `to`, at the own server and past it; `sides` picks the column and names
/// the side of `from`.
async fn try_all_kinds(
    from: &Office,
    to: &Office,
    opened: &Document,
    request: &Document,
    case: &str,
    side: (&str, fn(&Row) -> &'static str),
) -> Vec<String> {
    let mut wrong = Vec::new();
    for kind in DocumentKind::ALL {
        let (side, column) = side;
        let sender = column(expected(kind));
        let may = sender == side || sender == "both";
        let document = document(kind, from, to, opened, request);

        let case = if kind == DocumentKind::Order { case } else { "" };
        let handed = papers::hand_in(from, "drafter", draft(from, "drafter", &document), case).await;
        let denied = handed.as_ref().is_err_and(|problem| {
            matches!(problem.reason(), Some("WRONG_COMPETENCE" | "ROLE_MISSING"))
                || problem.to_string().contains("not for this side")
        });
        if denied == may {
            wrong.push(format!("{side} drafts {kind}: {:?}", handed.err().map(|error| error.to_string())));
        }

        // A forwarding goes to a third authority and never to the counterpart.
        let may = may && kind != DocumentKind::Forwarding;
        let document =
            if kind.opens_a_matter() { self::document(kind, from, to, opened, request) } else { document };
        let container = papers::complete_draft(from, kind, &draft(from, "drafter", &document));
        let answer = papers::deliver(from, to, container).await.expect("a receipt");
        let receipt = papers::receipt(papers::receipt_bytes(&answer));
        let words = receipt.reason.clone().unwrap_or_default();
        let denied = receipt.receipt == ReceiptKind::NonDelivery
            && (receipt.ground == Some(NonDeliveryGround::WrongCompetence)
                || words.contains("not for this side")
                || kind.signer_rule() == SignerRule::SealAlone);
        if denied == may {
            wrong.push(format!("{side} sends {kind}: {:?} {words}", receipt.ground));
        }
    }
    wrong
}

#[tokio::test(flavor = "multi_thread")]
async fn every_side_sends_exactly_the_kinds_that_the_table_says() {
    let federation = Federation::new().await;
    let Federation { gb, md, nistru, .. } = &federation;
    let ordered = federation.order_served().await;
    let preservation = federation.preservation_requested().await;
    let (request, order) = (&ordered.request, &ordered.order);
    let case = road::case_id(md, "drafter", &request.shared_number).await;
    let in_request: fn(&Row) -> &'static str = |row| row.request;
    let in_order: fn(&Row) -> &'static str = |row| row.order;
    let in_preservation: fn(&Row) -> &'static str = |row| row.preservation;
    let mut wrong = Vec::new();
    for (from, to, opened, side) in [
        (gb, md, request, ("requesting", in_request)),
        (md, gb, request, ("requested", in_request)),
        (md, nistru, order, ("ordering", in_order)),
        (nistru, md, order, ("provider", in_order)),
        (gb, md, &preservation, ("requesting", in_preservation)),
        (md, gb, &preservation, ("requested", in_preservation)),
    ] {
        wrong.extend(try_all_kinds(from, to, opened, request, &case, side).await);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! From draft to transmission within one office: who may, with what, in which order.

use rogatory_client::commands::documents::PickArguments;
use rogatory_client::commands::request::{self, DraftArguments};
use rogatory_core::document::DocumentKind;
use rogatory_templates::Template;
use rogatory_tests::papers::{self, assert_refused};
use rogatory_tests::{Federation, road};
use serde_json::json;

const FORM: &str = "ets185/art31-trafficking";

#[tokio::test(flavor = "multi_thread")]
async fn a_draft_that_lacks_an_essential_is_refused_by_name() {
    let federation = Federation::new().await;
    let mut facts = Template::find(FORM).expect("a form").example();
    facts.as_object_mut().expect("facts").remove("recipients");
    facts["identifiers"][2]["port"] = serde_json::Value::Null;
    let to = federation.md.party.clone();
    let arguments = DraftArguments { template: FORM.to_owned(), facts, to, wording: Default::default() };
    let drafter = federation.gb.session("drafter");
    let problem = request::draft(&drafter, arguments).await.expect_err("essentials are missing");
    assert_eq!(problem.exit().code(), 1);
    let names = |field: &str| problem.details().iter().any(|line| line.starts_with(field));
    assert!(names("recipients:") && names("identifiers[2].port:"), "{:?}", problem.details());
    assert!(request::list(&drafter).await.expect("a list").cases.is_empty(), "nothing was handed in");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_approves_what_she_drafted_herself() {
    let federation = Federation::new().await;
    let gb = &federation.gb;
    // The colleague may draft and may approve, but not the same document.
    let request = papers::request(gb, &federation.md);
    let draft = papers::drafted(gb, "colleague", &request);
    let handed = papers::hand_in(gb, "colleague", draft, "").await.expect("a draft");
    let pick = PickArguments { case: handed.case_id.clone(), document: None };
    assert_refused(request::approve(&gb.session("colleague"), &pick).await, "SAME_PERSON");
    // A program that does not look itself is stopped by the server.
    assert_refused(papers::approve(gb, "colleague", &handed.document_id).await, "SAME_PERSON");
    papers::approve(gb, "approver", &handed.document_id).await.expect("another person approves");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_changed_after_the_draft_is_not_approved() {
    let federation = Federation::new().await;
    let gb = &federation.gb;
    let (mut request, handed) = federation.request_drafted().await;
    request.body["our_reference"] = json!("another");
    let changed = papers::approved(gb, "approver", &papers::drafted(gb, "drafter", &request));
    let refused = papers::hand_in_approval(gb, "approver", &handed.document_id, changed).await;
    assert_refused(refused, "CONTENT_CHANGED");
    papers::approve(gb, "approver", &handed.document_id).await.expect("the draft itself is approved");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approval_under_another_officers_connection_is_refused() {
    let federation = Federation::new().await;
    let gb = &federation.gb;
    let (_, handed) = federation.request_drafted().await;
    let fetched =
        rogatory_client::commands::documents::fetch(&gb.session("drafter"), &handed.document_id).await;
    let signed_by_approver = papers::approved(gb, "approver", &fetched.expect("a draft").container);
    let refused = papers::hand_in_approval(gb, "colleague", &handed.document_id, signed_by_approver).await;
    assert_refused(refused, "WRONG_SIGNER");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_approved_is_not_transmitted() {
    let federation = Federation::new().await;
    let gb = &federation.gb;
    let (_, handed) = federation.request_drafted().await;
    let pick = PickArguments { case: handed.case_id.clone(), document: None };
    assert_refused(request::plan_transmission(&gb.session("drafter"), &pick).await, "WRONG_STAGE");
    assert_refused(papers::transmit(gb, "drafter", &handed.document_id).await, "WRONG_STAGE");
    let at_md = request::list(&federation.md.session("drafter")).await.expect("a list");
    assert!(at_md.cases.is_empty(), "nothing left the house");
}

#[tokio::test(flavor = "multi_thread")]
async fn who_lacks_the_role_is_refused_and_that_is_recorded() {
    let federation = Federation::new().await;
    let gb = &federation.gb;
    let container = papers::drafted(gb, "approver", &papers::request(gb, &federation.md));
    assert_refused(papers::hand_in(gb, "approver", container, "").await, "ROLE_MISSING");
    let (_, handed) = federation.request_drafted().await;
    assert_refused(papers::approve(gb, "drafter", &handed.document_id).await, "ROLE_MISSING");

    // Who is refused again leaves no other trace, so that nobody can fill the log.
    assert_refused(papers::approve(gb, "drafter", &handed.document_id).await, "ROLE_MISSING");
    let denials: Vec<_> = Federation::timeline(gb, "office")
        .await
        .into_iter()
        .filter(|(_, event, _)| event == "access-denied")
        .map(|(stream, _, body)| {
            assert_eq!(stream, "internal");
            (body["actor"]["officer"].clone(), body["rpc"].clone(), body["reason"].clone())
        })
        .collect();
    let denied = |who: &str, rpc: &str| {
        (
            json!(gb.officer(who)),
            json!(format!("/rogatory.office.v1.DocumentService/{rpc}")),
            json!("ROLE_MISSING"),
        )
    };
    assert_eq!(denials, [denied("approver", "DraftDocument"), denied("drafter", "ApproveDocument")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_drafted_to_a_party_that_nobody_confirmed() {
    let federation = Federation::new().await;
    let gb = &federation.gb;
    let arguments = DraftArguments {
        template: FORM.to_owned(),
        facts: Template::find(FORM).expect("a form").example(),
        to: "fr/central-authority".parse().expect("a party"),
        wording: Default::default(),
    };
    assert_refused(request::draft(&gb.session("drafter"), arguments).await, "UNKNOWN");
    let mut to_france = papers::request(gb, &federation.md);
    to_france.addressee.party = "fr/central-authority".parse().expect("a party");
    let container = papers::drafted(gb, "drafter", &to_france);
    assert_refused(papers::hand_in(gb, "drafter", container, "").await, "UNKNOWN_PARTY");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_neither_requests_nor_is_requested() {
    let federation = Federation::new().await;
    let Federation { md, nistru, .. } = &federation;
    let by_provider = papers::drafted(nistru, "drafter", &papers::request_for(nistru, md, md));
    assert_refused(papers::hand_in(nistru, "drafter", by_provider, "").await, "WRONG_COMPETENCE");
    let to_provider = papers::drafted(md, "drafter", &papers::request(md, nistru));
    assert_refused(papers::hand_in(md, "drafter", to_provider, "").await, "WRONG_COMPETENCE");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_call_twice_drafts_once() {
    use rogatory_proto::office::v1::DraftDocumentRequest;
    let federation = Federation::new().await;
    let gb = &federation.gb;
    let session = gb.session("drafter");
    let call = async |container: Vec<u8>| {
        let request = DraftDocumentRequest {
            request_id: "the-same-call".to_owned(),
            container: container.into(),
            case_id: String::new(),
        };
        let mut client = session.connection().await.expect("a connection").documents();
        client.draft_document(request).await.map(|answer| answer.into_inner().document.expect("a document"))
    };
    let request = papers::request(gb, &federation.md);
    let container = papers::drafted(gb, "drafter", &request);
    let first = call(container.clone()).await.expect("a draft");
    assert_eq!(call(container).await.expect("the same answer"), first);
    let other = papers::drafted(gb, "drafter", &papers::request(gb, &federation.md));
    papers::assert_status(call(other).await, "CONFLICT");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_leaves_out_a_recipient_of_the_request_is_refused() {
    let federation = Federation::new().await;
    let Federation { md, nistru, .. } = &federation;
    let request = federation.request_acknowledged().await;
    let case = road::case_id(md, "drafter", &request.shared_number).await;
    let mut order = papers::order(md, nistru, &request);
    assert_eq!(order.kind, DocumentKind::Order);
    order.body["recipients"].as_array_mut().expect("a list").pop();
    let refused = papers::hand_in(md, "drafter", papers::drafted(md, "drafter", &order), &case).await;
    let problem = assert_refused(refused, "MALFORMED_ARGUMENT");
    assert!(problem.message().contains("body.recipients"), "{problem}");
}

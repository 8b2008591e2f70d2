//! Steps out of turn: the stage forbids them, at the client and at the server.

use rogatory_client::commands::request::{self, ExecuteArguments, Form};
use rogatory_core::document::NamedPackage;
use rogatory_core::{Digest, PackageId};
use rogatory_tests::papers::{self, assert_refused};
use rogatory_tests::{Federation, road};

fn whole(number: &impl ToString) -> ExecuteArguments {
    ExecuteArguments {
        case: number.to_string(),
        partly: false,
        not_executed: None,
        remarks: None,
        form: Form::default(),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_acknowledged_once() {
    let federation = Federation::new().await;
    let request = federation.request_acknowledged().await;
    let mut again = papers::acknowledgement(&federation.md, &request);
    again.message_number = again.message_number.next();
    let container = papers::drafted(&federation.md, "drafter", &again);
    assert_refused(papers::hand_in(&federation.md, "drafter", container, "").await, "WRONG_STAGE");
}

#[tokio::test(flavor = "multi_thread")]
async fn no_provider_is_ordered_before_the_acknowledgement() {
    let federation = Federation::new().await;
    let Federation { md, nistru, .. } = &federation;
    let request = federation.request_transmitted().await;
    let case = road::case_id(md, "drafter", &request.shared_number).await;
    let container = papers::drafted(md, "drafter", &papers::order(md, nistru, &request));
    assert_refused(papers::hand_in(md, "drafter", container, &case).await, "WRONG_STAGE");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_not_executed_without_a_package() {
    let federation = Federation::new().await;
    let md = &federation.md;
    let request = federation.order_acknowledged().await.request;
    let number = &request.shared_number;
    assert_refused(request::execute(&md.session("drafter"), whole(number)).await, "WRONG_STAGE");
    let invented = NamedPackage {
        package: PackageId::of_manifest(&Digest::of(b"none")),
        manifest_sha256: Digest::of(b"none"),
    };
    for packages in [vec![], vec![invented]] {
        let execution = papers::execution(md, &request, 2, &packages);
        let container = papers::drafted(md, "drafter", &execution);
        assert_refused(papers::hand_in(md, "drafter", container, "").await, "MALFORMED_ARGUMENT");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_package_that_was_not_relayed_does_not_execute_a_request() {
    let federation = Federation::new().await;
    let md = &federation.md;
    let (ordered, sent) = federation.evidence_produced().await;
    let named = NamedPackage { package: sent.package_id, manifest_sha256: sent.receipt.of_sha256 };
    let execution = papers::execution(md, &ordered.request, 2, &[named]);
    let container = papers::drafted(md, "drafter", &execution);
    assert_refused(papers::hand_in(md, "drafter", container, "").await, "MALFORMED_ARGUMENT");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_not_closed_before_its_execution() {
    let federation = Federation::new().await;
    let gb = &federation.gb;
    let request = federation.request_acknowledged().await;
    let container = papers::drafted(gb, "drafter", &papers::closing(gb, &request, 2));
    assert_refused(papers::hand_in(gb, "drafter", container, "").await, "WRONG_STAGE");
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_requested_side_executes_and_only_the_requesting_side_closes() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let (ordered, package) = federation.evidence_relayed().await;
    let request = &ordered.request;
    let by_gb =
        papers::drafted(gb, "drafter", &papers::execution(gb, request, 2, std::slice::from_ref(&package)));
    assert_refused(papers::hand_in(gb, "drafter", by_gb, "").await, "WRONG_STAGE");
    road::send(md, "drafter", &papers::execution(md, request, 2, &[package]), "").await;
    let by_md = papers::drafted(md, "drafter", &papers::closing(md, request, 3));
    assert_refused(papers::hand_in(md, "drafter", by_md, "").await, "WRONG_STAGE");
    road::send(gb, "drafter", &papers::closing(gb, request, 2), "").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn evidence_does_not_come_after_the_closing() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    let (ordered, package) = federation.evidence_relayed().await;
    let request = &ordered.request;
    road::send(md, "drafter", &papers::execution(md, request, 2, std::slice::from_ref(&package)), "").await;
    let again = papers::drafted(md, "drafter", &papers::execution(md, request, 3, &[package]));
    assert_refused(papers::hand_in(md, "drafter", again, "").await, "WRONG_STAGE");
    road::send(gb, "drafter", &papers::closing(gb, request, 2), "").await;
    let closed_again = papers::drafted(gb, "drafter", &papers::closing(gb, request, 3));
    assert_refused(papers::hand_in(gb, "drafter", closed_again, "").await, "WRONG_STAGE");
}

//! The same thing asked for twice at the same moment: it happens once, and nobody gets half of it.

use rogatory_client::commands::request;
use rogatory_client::{Exit, Problem};
use rogatory_tests::{Federation, Office, papers, parcel, road};

/// Of two calls at once at least one goes through; the other does too, or is told that it came too late.
fn one_or_both<T>(first: Result<T, Problem>, second: Result<T, Problem>) -> Vec<T> {
    let mut through = Vec::new();
    for result in [first, second] {
        match result {
            Ok(done) => through.push(done),
            Err(problem) => {
                let late = problem.reason() == Some("WRONG_STAGE") || problem.exit() == Exit::NotYet;
                assert!(late, "{:?} {problem}", problem.reason());
            }
        }
    }
    assert!(!through.is_empty(), "both were turned away");
    through
}

async fn events(office: &Office, case: &str, name: &str) -> usize {
    Federation::timeline(office, case).await.iter().filter(|(_, event, _)| event == name).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn two_officers_transmit_one_request() {
    let federation = Federation::new().await;
    let Federation { gb, md, .. } = &federation;
    for _ in 0..4 {
        let (request, handed) = federation.request_approved().await;
        let id = &handed.document_id;
        let (first, second) =
            tokio::join!(papers::transmit(gb, "drafter", id), papers::transmit(gb, "approver", id));
        let receipts: Vec<_> = one_or_both(first, second)
            .into_iter()
            .map(|sent| {
                assert!(sent.delivered, "{}: {}", sent.ground, sent.reason);
                sent.receipt.expect("a receipt").container
            })
            .collect();
        assert!(receipts.windows(2).all(|pair| pair[0] == pair[1]), "one document, one receipt");
        let number = request.shared_number.as_str();
        let arrived = request::show(&md.session("drafter"), number).await.expect("a case").documents;
        assert_eq!(arrived.len(), 1, "{arrived:?}");
        let sent = request::show(&gb.session("drafter"), number).await.expect("a case").documents;
        assert_eq!(sent[0].container_sha256, arrived[0].container_sha256);
        assert_eq!((sent[0].stage.as_str(), arrived[0].stage.as_str()), ("transmitted", "received"));
        assert_eq!(events(gb, number, "document-sealed").await, 1);
        assert_eq!(events(gb, number, "document-transmitted").await, 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_approvals_are_one() {
    let federation = Federation::new().await;
    let gb = &federation.gb;
    let (request, handed) = federation.request_drafted().await;
    let id = &handed.document_id;
    let (first, second) =
        tokio::join!(papers::approve(gb, "approver", id), papers::approve(gb, "colleague", id));
    let through = match (first, second) {
        (Ok(document), Err(problem)) | (Err(problem), Ok(document)) => {
            let reason = problem.reason();
            assert!(
                matches!(reason, Some("WRONG_STAGE" | "CONTENT_CHANGED" | "RACED")),
                "{reason:?} {problem}"
            );
            document
        }
        (Ok(_), Ok(_)) => panic!("two people approved the same draft"),
        (Err(first), Err(second)) => panic!("both were turned away: {first}; {second}"),
    };
    assert_eq!(through.stage, "approved");
    assert_eq!(events(gb, request.shared_number.as_str(), "document-approved").await, 1);
    papers::transmit(gb, "drafter", id).await.expect("a receipt");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_package_sent_twice_at_once_arrives_once() {
    let federation = Federation::new().await;
    let (ordered, path) = federation.package_sealed().await;
    let order = &ordered.order.shared_number;
    let (first, second) =
        tokio::join!(federation.send_package(&path, order), federation.send_package(&path, order));
    let sent = one_or_both(first, second);
    assert!(sent.iter().all(|sent| sent.delivered), "{:?}", sent[0].receipt);
    assert!(sent.windows(2).all(|pair| pair[0].receipt.receipt_sha256 == pair[1].receipt.receipt_sha256));
    assert_eq!(events(&federation.nistru, order.as_str(), "package-sealed").await, 1);
    let request = ordered.request.shared_number.as_str();
    assert_eq!(events(&federation.md, request, "package-received").await, 1);

    // And relayed twice at once it is relayed once.
    let id = &sent[0].package_id;
    let (first, second) = tokio::join!(federation.relay_package(id), federation.relay_package(id));
    let relayed = one_or_both(first, second);
    assert!(relayed.iter().all(|relayed| relayed.delivered), "{:?}", relayed[0].receipt);
    assert_eq!(events(&federation.md, request, "package-relayed").await, 1);
    assert_eq!(events(&federation.gb, request, "package-received").await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn two_different_packages_in_answer_to_one_order_are_not_both_taken() {
    let federation = Federation::new().await;
    let Federation { nistru, world, .. } = &federation;
    let (ordered, one) = federation.package_sealed().await;
    let order = &ordered.order.shared_number;
    let output = world.directory().join("another");
    let wanted = road::recipients(&ordered.order);
    let other = parcel::seal(nistru, "agent", order, wanted, &output).await;
    let (first, second) =
        tokio::join!(federation.send_package(&one, order), federation.send_package(&other, order));
    // Whichever loses the race is refused by a rule or by a negative receipt, never half taken.
    let delivered = [first, second].into_iter().filter(|sent| sent.as_ref().is_ok_and(|sent| sent.delivered));
    assert_eq!(delivered.count(), 1);
    let request = ordered.request.shared_number.as_str();
    assert_eq!(events(&federation.md, request, "package-received").await, 1);
}

//! Whether two offices agree: the same documents and packages, the same receipts, the same stages;
//! two custody logs that verify and tell each transmission once, on both sides.

use crate::story::Told;
use rogatory_client::commands::{custody, documents};
use rogatory_core::SharedNumber;
use rogatory_tests::{Federation, Office};
use serde_json::Value;

/// A transmission as a custody log tells it: what was moved, and the digest of the receipt for it.
type Transmission = (String, String, String);

/// Asserts that all offices agree on the story.
pub(crate) async fn assert_agreed(federation: &Federation, told: &Told, at: &str) {
    let Federation { gb, md, nistru, .. } = federation;
    let (request, order) = (&told.request.shared_number, &told.order.shared_number);
    assert_transmissions_agree(gb, md, request, request, at).await;
    assert_transmissions_agree(md, nistru, request, order, at).await;
    assert_eq!(stage(gb, "drafter", request).await, "closed", "{at}");
    assert_eq!(stage(md, "drafter", request).await, "closed", "{at}");
    assert_eq!(stage(nistru, "agent", order).await, "produced", "{at}");
    for (office, number) in [(gb, request), (md, request), (nistru, order)] {
        let mut session = office.served().datastore.read().await.expect("a session");
        assert_eq!(session.errands().await.expect("a count"), 0, "{at}: something waits at {}", office.party);
        drop(session);
        let file = office.folder.join("record.json");
        custody::export(&office.session("operator"), number.as_str(), 0, &file).await.expect("a record");
        let record = std::fs::read(&file).expect("a file");
        custody::verify(&record, None, &office.trust()).unwrap_or_else(|problem| panic!("{at}: {problem}"));
    }
}

async fn stage(office: &Office, officer: &str, number: &SharedNumber) -> String {
    documents::case(&office.session(officer), number.as_str()).await.expect("a case").stage
}

/// What `here` says it sent must be what `there` says it received, and the other way round, each once.
async fn assert_transmissions_agree(
    here: &Office,
    there: &Office,
    number_here: &SharedNumber,
    number_there: &SharedNumber,
    at: &str,
) {
    let ours = shared_events(here, number_here, there).await;
    let theirs = shared_events(there, number_there, here).await;
    for (sender, receiver) in [(&ours, &theirs), (&theirs, &ours)] {
        let sent = transmissions(sender, &["document-transmitted", "package-sent", "package-relayed"]);
        let received = transmissions(receiver, &["document-received", "package-received"]);
        assert_eq!(sent, received, "{at}: between {} and {}", here.party, there.party);
        assert!(sent.windows(2).all(|pair| pair[0] != pair[1]), "{at}: told twice: {sent:?}");
        assert!(!sent.is_empty(), "{at}: nothing was sent");
    }
    for events in [&ours, &theirs] {
        let refused =
            ["document-refused", "document-not-delivered", "package-refused", "package-not-delivered"];
        assert!(transmissions(events, &refused).is_empty(), "{at}: something was refused");
    }
}

async fn shared_events(office: &Office, number: &SharedNumber, other: &Office) -> Vec<(String, Value)> {
    let timeline = Federation::timeline(office, number.as_str()).await;
    let shared = timeline.into_iter().filter(|(stream, ..)| *stream == other.party.to_string());
    shared.map(|(_, event, body)| (event, body)).collect()
}

fn transmissions(events: &[(String, Value)], names: &[&str]) -> Vec<Transmission> {
    let text = |body: &Value, field: &str| body[field].as_str().unwrap_or_default().to_owned();
    let mut found: Vec<Transmission> = events
        .iter()
        .filter(|(event, _)| names.contains(&event.as_str()))
        .map(|(_, body)| {
            let what = text(body, "container_sha256") + &text(body, "manifest_sha256");
            (what, body["message_number"].to_string(), text(body, "receipt_sha256"))
        })
        .collect();
    found.sort();
    found
}

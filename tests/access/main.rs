//! Every call × every kind of caller: the table that this suite expects, compared with the server's
//! and tried out on both listeners. A call without a row here fails the suite.

mod callers;
mod kinds;
mod table;

use callers::{House, Kind};
use prost::Message as _;
use rogatory_core::Role;
use rogatory_pki::tls::Listener;
use rogatory_server::access::{Callers, ROWS};
use rogatory_tests::caller;
use std::collections::BTreeSet;
use table::EXPECTED;

/// The paths of every RPC in `descriptors`.
fn paths(descriptors: &[u8]) -> BTreeSet<String> {
    let set = prost_types::FileDescriptorSet::decode(descriptors).expect("descriptors");
    let mut paths = BTreeSet::new();
    for file in &set.file {
        for service in &file.service {
            for method in &service.method {
                paths.insert(format!("/{}.{}/{}", file.package(), service.name(), method.name()));
            }
        }
    }
    assert!(!paths.is_empty());
    paths
}

/// Every RPC that a server can be asked for: its own, health and reflection.
fn all_paths() -> BTreeSet<String> {
    let mut all = paths(rogatory_proto::DESCRIPTORS);
    all.extend(paths(tonic_health::pb::FILE_DESCRIPTOR_SET));
    all.extend(paths(tonic_reflection::pb::v1::FILE_DESCRIPTOR_SET));
    all
}

#[test]
fn every_rpc_has_a_row_and_every_row_an_rpc() {
    let in_table: BTreeSet<String> = ROWS.iter().map(|row| row.rpc.to_owned()).collect();
    assert_eq!(in_table, all_paths());
    for (index, row) in ROWS.iter().enumerate() {
        let same =
            |other: &&rogatory_server::access::Row| other.rpc == row.rpc && other.listener == row.listener;
        assert!(!ROWS[index + 1..].iter().any(|other| same(&other)), "{} stands twice", row.rpc);
    }
}

#[test]
fn the_servers_table_is_the_one_that_is_expected_here() {
    let roles = |callers: Callers| match callers {
        Callers::Peers => "peers".to_owned(),
        Callers::Officers(roles) => Role::ALL
            .iter()
            .filter(|role| roles.contains(role))
            .map(|role| role.as_str())
            .collect::<Vec<_>>()
            .join(" "),
    };
    let name = |listener| if listener == Listener::Office { "office" } else { "peer" };
    let real: BTreeSet<(String, String, String)> = ROWS
        .iter()
        .map(|row| (name(row.listener).to_owned(), row.rpc.to_owned(), roles(row.callers)))
        .collect();
    let owned = |(listener, rpc, who): &(&str, &str, &str)| {
        ((*listener).to_owned(), (*rpc).to_owned(), (*who).to_owned())
    };
    assert_eq!(real, EXPECTED.iter().map(owned).collect());
}

/// The reason that `kind` must be given for `rpc` on `listener`; none if the call must get through.
fn expected(listener: &str, rpc: &str, kind: Kind) -> Option<&'static str> {
    match (listener, kind) {
        ("office", Kind::Peer | Kind::Unconfirmed) => return Some("NOT_ADMITTED"),
        ("peer", Kind::Officer(_) | Kind::WithoutRole | Kind::Unconfirmed) => return Some("NOT_ADMITTED"),
        _ => {}
    }
    let Some((_, _, who)) = EXPECTED.iter().find(|row| row.0 == listener && row.1 == rpc) else {
        return Some("CALLER_NOT_PERMITTED");
    };
    match kind {
        Kind::Peer => None,
        Kind::Officer(role) if who.split(' ').any(|one| one == role.as_str()) => None,
        _ => Some("ROLE_MISSING"),
    }
}

/// Tries every path as every kind of caller on one listener.
async fn try_all(listener: &str) {
    const GATE: [&str; 3] = ["ROLE_MISSING", "CALLER_NOT_PERMITTED", "NOT_ADMITTED"];
    let house = House::new().await;
    let mut wrong = Vec::new();
    for kind in Kind::all() {
        let channel = house.channel(listener, kind);
        for rpc in all_paths() {
            let answer = caller::call(&channel, &rpc).await;
            let reason = answer.as_ref().err().map(caller::reason).unwrap_or_default();
            let refused = GATE.into_iter().find(|gate| *gate == reason);
            let must = expected(listener, &rpc, kind);
            if refused != must {
                wrong.push(format!("{kind:?} at {rpc}: {refused:?}, not {must:?} ({answer:?})"));
            }
        }
    }
    assert!(wrong.is_empty(), "on the {listener} listener:\n{}", wrong.join("\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_office_listener_every_caller_may_exactly_what_the_table_says() {
    try_all("office").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_the_peer_listener_every_caller_may_exactly_what_the_table_says() {
    try_all("peer").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_path_that_nobody_serves_is_refused_like_any_other() {
    let house = House::new().await;
    for (listener, kind) in [("office", Kind::Officer(Role::Operator)), ("peer", Kind::Peer)] {
        let channel = house.channel(listener, kind);
        for path in [
            "/rogatory.office.v1.CaseService/EraseCase",
            "/",
            "/x",
            "//rogatory.office.v1.CaseService/GetCase",
        ] {
            let status = caller::call(&channel, path).await.expect_err("no such call");
            assert_eq!(caller::reason(&status), "CALLER_NOT_PERMITTED", "{path} on {listener}");
        }
    }
}

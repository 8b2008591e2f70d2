//! Revocation lists at a server: who stands on one is not admitted, and the files are read again.

use rogatory_pki::certificate::Certificate;
use rogatory_tests::{Federation, Office, papers, road};
use std::fs;

/// Writes the list that revokes these certificates where the configuration names it.
fn revoke(office: &Office, revoked: &[&Certificate]) {
    let next = office.now().plus_seconds(7 * 86_400);
    let list = office.authority().revocation_list(revoked, office.now(), next).expect("a list");
    fs::write(office.folder.join("keys/revoked.crl"), list).expect("writes");
}

async fn is_admitted(office: &Office, officer: &str) -> bool {
    rogatory_client::commands::party::list(&office.session(officer)).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn who_was_revoked_is_not_admitted_until_the_list_says_otherwise() {
    let Federation { mut md, gb, world: _world, .. } = Federation::new().await;
    let read = |path: std::path::PathBuf| {
        let pem = fs::read_to_string(path).expect("reads");
        Certificate::pem_chain(&pem).expect("a certificate").swap_remove(0)
    };
    let drafter = read(md.officer_folder("drafter").join("tls.pem"));
    assert!(is_admitted(&md, "drafter").await);
    md.stop().await;
    revoke(&md, &[&drafter]);
    let path = md.folder.join("server.toml");
    let config = fs::read_to_string(&path).expect("reads");
    let section = "[keys]\nrevocation_lists = [\"keys/revoked.crl\"]\n";
    assert!(config.contains("[keys]\n"), "{config}");
    fs::write(&path, config.replace("[keys]\n", section)).expect("writes");
    md.start().await;
    assert!(!is_admitted(&md, "drafter").await);
    assert!(is_admitted(&md, "operator").await);
    // Its file says otherwise; the server takes that up without a restart, and dials others as before.
    revoke(&md, &[]);
    md.served().reload_directory().await.expect("a directory");
    assert!(is_admitted(&md, "drafter").await);
    let preservation = papers::preservation(&gb, &md);
    road::send(&gb, "drafter", &preservation, "").await;
    // Who signs is looked up as well, not only who connects.
    let signing = read(md.officer_folder("drafter").join("signing.pem"));
    revoke(&md, &[&signing]);
    md.served().reload_directory().await.expect("a directory");
    let acknowledgement = papers::acknowledgement(&md, &preservation);
    let draft = papers::drafted(&md, "drafter", &acknowledgement);
    let refused = papers::hand_in(&md, "drafter", draft.clone(), "").await;
    papers::assert_refused(refused, "BROKEN_SIGNATURE");
    revoke(&md, &[]);
    md.served().reload_directory().await.expect("a directory");
    // Now it is judged by what it says: nobody acknowledges a preservation.
    papers::assert_refused(papers::hand_in(&md, "drafter", draft, "").await, "WRONG_STAGE");
    // A list that cannot be read changes nothing.
    fs::write(md.folder.join("keys/revoked.crl"), b"no list").expect("writes");
    md.served().reload_directory().await.expect_err("no list");
    assert!(is_admitted(&md, "drafter").await);
}

//! An auditor's scan of all leaves: what a record cannot leave out, even with the log's key in hand.

use crate::custody::{record, trust};
use crate::erasure::files;
use rogatory_client::Exit;
use rogatory_client::commands::custody::{self, LogAudited};
use rogatory_client::output::{Outcome as _, page::Page};
use rogatory_core::Digest;
use rogatory_tests::papers::assert_refused;
use rogatory_tests::{Federation, Office};
use std::fs;
use std::path::PathBuf;

/// The leaves of an office's log, as its auditor fetches them.
async fn leaves(office: &Office, name: &str) -> PathBuf {
    let folder = office.folder.join(name);
    custody::fetch(&office.session("operator"), &folder).await.expect("the log");
    folder
}

fn shown(audited: &LogAudited) -> String {
    let mut page = Page::new();
    audited.show(&mut page);
    page.lines().collect::<Vec<_>>().join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_auditor_finds_each_entry_of_a_case_once_and_what_came_later() {
    let federation = Federation::new().await;
    let Federation { md, gb, .. } = &federation;
    let number = federation.order_acknowledged().await.request.shared_number;
    let bytes = record(md, number.as_str()).await;
    let folder = leaves(md, "leaves").await;
    let audited = custody::audit(&folder, &bytes, &trust(&[md])).expect("an honest log");
    assert!(audited.leaves > audited.record_leaves, "fetching the leaves is an entry too");
    assert_eq!(audited.record_sha256, Digest::of(&bytes));
    assert!(audited.streams.iter().all(|stream| stream.next.is_none()), "{audited:?}");
    let text = shown(&audited);
    assert!(text.contains("gb/central-authority: #1 to #"), "{text}");

    // The next export of the record is an internal event of the case.
    record(md, number.as_str()).await;
    let later = custody::audit(&leaves(md, "later").await, &bytes, &trust(&[md])).expect("an honest log");
    let internal = later.streams.iter().find(|stream| stream.stream == "internal").expect("a stream");
    assert!(internal.next.is_some(), "{later:?}");
    assert!(shown(&later).contains("came later, at leaf"), "{}", shown(&later));

    // Neither the leaves of another log nor another's entry serve.
    let others = leaves(gb, "leaves").await;
    let refused = custody::audit(&others, &bytes, &trust(&[md, gb])).expect_err("another log");
    assert_eq!(refused.exit(), Exit::VerificationFailed, "{refused}");
    assert_eq!(
        custody::audit(&folder, &bytes, &trust(&[gb])).expect_err("no key").exit(),
        Exit::VerificationFailed
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_changed_file_of_a_log_is_noticed() {
    let federation = Federation::new().await;
    let Federation { md, .. } = &federation;
    let number = federation.order_acknowledged().await.request.shared_number;
    let bytes = record(md, number.as_str()).await;
    let folder = leaves(md, "leaves").await;
    let files = files(&folder);
    assert!(files.len() >= 3, "{files:?}");
    for file in &files {
        let good = fs::read(file).expect("a file");
        for at in [0, good.len() / 2, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= 1;
            fs::write(file, &bad).expect("written");
            let problem = custody::audit(&folder, &bytes, &trust(&[md])).expect_err("changed");
            assert_eq!(problem.exit(), Exit::VerificationFailed, "{} at {at}: {problem}", file.display());
        }
        fs::remove_file(file).expect("removed");
        let problem = custody::audit(&folder, &bytes, &trust(&[md])).expect_err("missing");
        assert_eq!(problem.exit(), Exit::VerificationFailed, "{}: {problem}", file.display());
        fs::write(file, &good).expect("written");
    }
    custody::audit(&folder, &bytes, &trust(&[md])).expect("as it was");
    // A folder that is there is not written over.
    let again = custody::fetch(&md.session("operator"), &folder).await.expect_err("it is there");
    assert_eq!(again.exit(), Exit::Usage);
}

#[tokio::test(flavor = "multi_thread")]
async fn leaves_are_for_auditors() {
    let federation = Federation::new().await;
    let md = &federation.md;
    let folder = md.folder.join("leaves");
    assert_refused(custody::fetch(&md.session("drafter"), &folder).await, "ROLE_MISSING");
    assert!(!folder.exists());
}

//! An officer fetches a package: what stands under the final name is whole, whatever happened on the way.

use crate::campaign::{Job, bytes, every_stop, files_below};
use rogatory_core::Digest;
use rogatory_evidence::ObjectDigest;
use rogatory_evidence::arrival::Arrivals;
use rogatory_evidence::durable::DurableFiles;
use std::path::Path;
use std::sync::Arc;

/// What the officer knows.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
enum Outcome {
    #[default]
    Open,
    /// The package stands there, and no command ever said that it is complete.
    Seen,
    /// The command ended well.
    Told,
}

struct Download(Vec<(ObjectDigest, Vec<u8>)>);

impl Download {
    fn new() -> Self {
        let object = |name: &str, seed: u64, length: usize| {
            let bytes = bytes(seed, length);
            let sha256 = Digest::of(&bytes);
            (ObjectDigest { name: name.to_owned(), size_bytes: length as u64, sha256 }, bytes)
        };
        Self(vec![
            object("mimetype", 1, 31),
            object("data/EX-0001.age", 2, 200),
            object("META-INF/ASiCManifest001.xml", 3, 20),
        ])
    }
}

impl Job for Download {
    type Ledger = Outcome;

    fn run(&self, files: Arc<dyn DurableFiles>, root: &Path, outcome: &mut Outcome) -> Result<(), String> {
        let text = |error: &dyn std::error::Error| rogatory_core::chain(error);
        let target = root.join("package");
        if target.exists() {
            // The command says that it is there already and overwrites nothing.
            *outcome = (*outcome).max(Outcome::Seen);
            return Ok(());
        }
        let own = root.join("package.partial/0123");
        let arrivals = Arrivals::new(files, own.join("arriving"), own.join("whole")).every(64);
        arrivals.prepare().map_err(|error| text(&error))?;
        for (object, bytes) in &self.0 {
            if arrivals.has(object) {
                continue;
            }
            let committed = arrivals.committed(object);
            let mut arriving = arrivals.write(object, committed).map_err(|error| text(&error))?;
            for message in bytes[usize::try_from(committed).expect("small")..].chunks(24) {
                arriving.write(message).map_err(|error| text(&error))?;
            }
            arriving.finish().map_err(|error| text(&error))?;
        }
        arrivals.place(&target).map_err(|error| text(&error))?;
        *outcome = Outcome::Told;
        Ok(())
    }

    fn check(&self, root: &Path, outcome: &Outcome) -> Result<(), String> {
        let target = root.join("package");
        if !target.exists() {
            let told = *outcome == Outcome::Told;
            return if told { Err("a package that was fetched is gone".to_owned()) } else { Ok(()) };
        }
        let mut right: Vec<(String, Vec<u8>)> =
            self.0.iter().map(|(object, bytes)| (object.name.clone(), bytes.clone())).collect();
        right.sort();
        if files_below(&target) == right { Ok(()) } else { Err("a package is not whole".to_owned()) }
    }

    fn is_done(&self, outcome: &Outcome) -> bool {
        *outcome != Outcome::Open
    }
}

#[test]
fn a_download_survives_every_stop() {
    let tried = every_stop(&Download::new());
    assert!(tried > 1000, "only {tried} outcomes were tried");
}

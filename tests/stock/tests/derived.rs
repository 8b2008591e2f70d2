//! A package that was made of another is checked and opened with other people's tools alone: the maker's signature,
//! the original's, the lists, and the exhibits under their new headers.

use rogatory_stock_tools::exhibits::make;
use rogatory_stock_tools::inspection as inspect;
use rogatory_stock_tools::office::Office;
use rogatory_stock_tools::tools::{run, text};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// An office with a package, and a court for which another is made of it.
struct Handed {
    office: Office,
    court: Office,
    exhibits: Vec<PathBuf>,
    unzipped: PathBuf,
}

fn handed(verb: &str, more: &[&str]) -> Handed {
    let (office, court) = (Office::new(), Office::new());
    let exhibits = make(&office.path("originals"));
    office.seal("PK.asice", &exhibits).succeeds();
    let mut words = vec!["package", verb, "PK.asice", "--identity", "officer.id", "--trust", "anchors.pem"];
    words.extend(["--recipient", &court.recipient, "--key", "signer.key", "--certificate", "signer.pem"]);
    words.extend(["--chain", "chain.pem", "-o", "handed.asice"]);
    words.extend(more);
    office.rogatory(&words).succeeds();
    let unzipped = inspect::zip_readers(&office.path("handed.asice"), &office.path("unzipped"));
    Handed { office, court, exhibits, unzipped }
}

impl Handed {
    /// What stands whatever was made.
    fn assert_outer_part_is_right(&self) {
        let anchors = self.office.path("anchors.pem");
        inspect::bag(&self.unzipped);
        inspect::signature(&self.unzipped, 1, &anchors);
        inspect::covers_everything(&self.unzipped);
        let mut arguments = vec!["cms", "-verify", "-cades", "-binary", "-inform", "DER", "-purpose", "any"];
        arguments.extend(["-in", "origin/signature001.p7s", "-content", "origin/ASiCManifest001.xml"]);
        arguments.extend(["-CAfile", text(&anchors), "-no-CApath", "-no-CAstore", "-out", "/dev/null"]);
        run("openssl", &arguments, &self.unzipped).succeeds().says("CAdES Verification successful");
        let original = inspect::zip_readers(&self.office.path("PK.asice"), &self.office.path("original"));
        for name in ["META-INF/ASiCManifest001.xml", "META-INF/signature001.p7s", "transmittal.json"] {
            let carried = Path::new("origin").join(Path::new(name).file_name().expect("a name"));
            let read = |path: &Path| fs::read(path).expect("reads");
            assert!(read(&self.unzipped.join(carried)) == read(&original.join(name)), "{name}");
        }
    }

    /// Decrypts exhibit `number` and the index as the court; gives the folder of the index.
    fn decrypt(&self, number: usize) -> (PathBuf, PathBuf) {
        let identity = self.court.path("officer.id");
        let work = self.office.path("contents");
        fs::create_dir(&work).expect("makes");
        inspect::decrypt(&self.unzipped, "index.age", &identity, &work.join("index.asice"));
        let index = inspect::zip_readers(&work.join("index.asice"), &work.join("index"));
        inspect::signature(&index, 1, &self.office.path("anchors.pem"));
        let name = format!("EX-{number:04}");
        inspect::decrypt(&self.unzipped, &format!("data/{name}.age"), &identity, &work.join(&name));
        let list = index.join("exhibits-sha256.txt");
        let arguments = ["--strict", "--quiet", "--ignore-missing", "-c", text(&list)];
        run("sha256sum", &arguments, &work).succeeds();
        (index, work.join(name))
    }
}

#[test]
fn a_disclosure_is_checked_and_opened_by_stock_tools() {
    let handed = handed("disclose", &["--exhibit", "EX-0002"]);
    handed.assert_outer_part_is_right();
    let data: BTreeSet<String> =
        inspect::digests(&handed.unzipped).into_keys().filter(|name| name.starts_with("data/")).collect();
    assert_eq!(data, BTreeSet::from(["data/EX-0002.age".to_owned()]));
    let (index, exhibit) = handed.decrypt(2);
    assert!(fs::read(exhibit).expect("reads") == fs::read(&handed.exhibits[1]).expect("reads"));
    let list = ["--strict", "--quiet", "--ignore-missing", "-c", "records-sha256.txt"];
    run("sha256sum", &list, &index).succeeds();
    let records: Vec<String> =
        inspect::digests(&index).into_keys().filter(|name| name.starts_with("records/")).collect();
    assert_eq!(records, ["records/EX-0002.json"]);
    let identity = handed.court.path("officer.id");
    handed
        .office
        .verify("unzipped", &["--identity", text(&identity)])
        .succeeds()
        .says("disclosed: EX-0002 of 5; the other 4 are known by number and digest only");
}

#[test]
fn a_rewrapped_package_is_checked_and_opened_by_stock_tools() {
    let handed = handed("rewrap", &[]);
    handed.assert_outer_part_is_right();
    let (index, tar) = handed.decrypt(1);
    run("tar", &["-tf", text(&tar)], &index).succeeds();
    run("sha256sum", &["--strict", "--quiet", "-c", "records-sha256.txt"], &index).succeeds();
    let identity = handed.court.path("officer.id");
    handed
        .office
        .verify("handed.asice", &["--identity", text(&identity)])
        .succeeds()
        .says("rewrapped: all 5 exhibits");
}

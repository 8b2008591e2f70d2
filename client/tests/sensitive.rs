//! The real binary: sensitive exhibits, one exhibit of many, progress for programs, a full disk.
#![cfg(unix)]

use rogatory_core::OfficerId;
use rogatory_evidence::age_layer::generate_identity;
use rogatory_pki::development::{DevelopmentCa, Validity};
use serde_json::Value;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Output};

const PROGRAM: &str = env!("CARGO_BIN_EXE_rogatory");

/// A directory with keys, where nothing else is needed.
struct Desk {
    directory: tempfile::TempDir,
    recipient: String,
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

impl Desk {
    fn new() -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let begin = "2026-01-01T00:00:00Z".parse().expect("an instant");
        let validity = Validity::days(begin, 20_000).expect("a validity");
        let country = "md".parse().expect("a country");
        let ca = DevelopmentCa::new(country, "Demonstration root", validity).expect("a root");
        let officer: OfficerId = "md/nistru-chat/officer/lupu".parse().expect("an officer");
        let issued = ca.issue_officer_signing(&officer, "Ana Lupu", "IDMD-1", validity).expect("issues");
        let (identity, recipient) = generate_identity();
        let write =
            |name: &str, bytes: &[u8]| fs::write(directory.path().join(name), bytes).expect("written");
        write("k.pem", issued.key_pem.as_bytes());
        write("c.pem", issued.certificate_pem.as_bytes());
        write("anchors.pem", ca.certificate_pem().as_bytes());
        write("id.txt", identity.as_bytes());
        Self { directory, recipient: recipient.to_string() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn file(&self, name: &str, bytes: &[u8]) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().expect("a parent")).expect("made");
        fs::write(path, bytes).expect("written");
    }

    fn run(&self, words: &[&str]) -> Output {
        let mut command = Command::new(PROGRAM);
        command.args(words).current_dir(self.directory.path()).env_clear().output().expect("it starts")
    }

    fn seal_words<'a>(&'a self, words: &[&'a str]) -> Vec<&'a str> {
        let keys =
            ["package", "seal", "--recipient", &self.recipient, "--key", "k.pem", "--certificate", "c.pem"];
        [&keys, words].concat()
    }

    fn done(&self, words: &[&str]) -> Output {
        let output = self.run(words);
        assert_eq!(output.status.code(), Some(0), "{words:?}: {}", text(&output.stderr));
        output
    }

    /// A flagged picture, a folder with a listed content, and a letter with a name nobody may read on the way.
    fn sensitive_package(&self) -> Output {
        self.file("Secret letter.txt", b"the content of the letter");
        self.file("picture.jpg", &[9; 5_000]);
        self.file("photos/Victim.jpg", &[8; 900_000]);
        let digest = rogatory_core::Digest::of(&[8; 900_000]);
        self.file("list.txt", format!("{digest}  x\n").as_bytes());
        self.done(&["hash-list", "import", "list.txt", "-o", "list.hashes"]);
        let words = [
            "--json",
            "--sensitive",
            "picture.jpg=abuse-material",
            "--hash-list",
            "list.hashes",
            "-o",
            "p.asice",
            "Secret letter.txt",
            "picture.jpg",
            "photos",
        ];
        self.done(&self.seal_words(&words))
    }

    fn opening<'a>(&self, words: &[&'a str]) -> Vec<&'a str> {
        [&["package", "open", "p.asice", "--identity", "id.txt", "--trust", "anchors.pem"], words].concat()
    }
}

fn json(output: &Output) -> Value {
    serde_json::from_slice(&output.stdout).expect("one JSON object")
}

#[test]
fn programs_read_progress_without_a_real_name_in_it() {
    let desk = Desk::new();
    let sealed = desk.sensitive_package();
    let told = text(&sealed.stderr);
    let lines: Vec<Value> = told
        .lines()
        .filter(|line| line.starts_with('{'))
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    let of_step = |step: &str| lines.iter().filter(|line| line["step"] == step).cloned().collect::<Vec<_>>();
    let sealing = of_step("sealing");
    let last = sealing.last().expect("the last line of a step");
    assert_eq!((&last["format"], &last["ended"]), (&1.into(), &true.into()));
    assert_eq!(last["object"], "EX-0003");
    assert_eq!(last["done_bytes"], last["total_bytes"]);
    assert!(last["done_bytes"].as_u64() > Some(900_000), "{last}");
    assert_eq!(of_step("making durable").len(), 1, "{told}");
    for line in &lines {
        let members: Vec<&str> = line.as_object().expect("an object").keys().map(String::as_str).collect();
        let mut expected = [
            "format",
            "step",
            "done_bytes",
            "total_bytes",
            "bytes_per_second",
            "seconds_left",
            "object",
            "ended",
        ];
        expected.sort_unstable();
        assert_eq!(members, expected);
    }
    let of_progress: Vec<&str> = told.lines().filter(|line| line.starts_with('{')).collect();
    for name in ["Secret", "picture", "photos", "Victim", "abuse", "list"] {
        assert!(!of_progress.iter().any(|line| line.contains(name)), "{name}: {told}");
    }
    let quiet = desk.done(&["--quiet", "--json", "package", "verify", "p.asice", "--trust", "anchors.pem"]);
    assert_eq!(text(&quiet.stderr), "");
    // What is said on the side stays out of the answer.
    assert_eq!(json(&sealed)["exhibits"][1]["sensitive"]["reason"], "abuse-material");
}

#[test]
fn sensitive_exhibits_are_listed_left_sealed_and_opened_with_a_logged_reason() {
    let desk = Desk::new();
    desk.sensitive_package();
    let show = ["--json", "package", "show", "p.asice", "--identity", "id.txt", "--trust", "anchors.pem"];
    let shown = json(&desk.done(&show));
    assert_eq!(shown["command"], "package show");
    let exhibits = shown["exhibits"].as_array().expect("exhibits");
    assert_eq!(exhibits.len(), 3);
    assert_eq!(exhibits[0]["sensitive"], Value::Null);
    assert_eq!(exhibits[2]["sensitive"]["lists"][0]["name"], "list.txt");
    assert_eq!(exhibits[2]["sensitive"]["entries"], serde_json::json!([1]));
    for verb in ["show", "verify"] {
        let words = ["package", verb, "p.asice", "--identity", "id.txt", "--trust", "anchors.pem"];
        let page = text(&desk.done(&words).stdout);
        assert!(page.contains("SENSITIVE: abuse-material"), "{page}");
        assert!(page.contains("SENSITIVE: in hash list list.txt; 1 of its entries"), "{page}");
        assert!(!page.contains("Victim"), "{page}");
    }

    let page = text(&desk.done(&desk.opening(&["-o", "safe"])).stdout);
    assert!(page.contains("EX-0002  left sealed") && page.contains("1 of 3 exhibits checked"), "{page}");
    assert!(desk.path("safe/EX-0001").exists() && !desk.path("safe/EX-0002").exists());
    let page = text(&desk.done(&["package", "verify", "safe", "--trust", "anchors.pem"]).stdout);
    assert!(page.contains("EX-0002 not opened: sensitive"), "{page}");

    let refused = desk.run(&desk.opening(&["-o", "one", "--exhibit", "EX-0002"]));
    assert_eq!(refused.status.code(), Some(2));
    assert!(text(&refused.stderr).contains("--sensitive-reason"), "{}", text(&refused.stderr));
    assert!(!desk.path("one").exists());
    let words = ["-o", "one", "--exhibit", "EX-0002", "--sensitive-reason", "order 7"];
    let page = text(&desk.done(&desk.opening(&words)).stdout);
    assert!(page.contains("one.sensitive-openings.log"), "{page}");
    assert!(desk.path("one/EX-0002/picture.jpg").exists() && !desk.path("one/EX-0003").exists());
    let log = fs::read_to_string(desk.path("one.sensitive-openings.log")).expect("a log");
    let line: Value = serde_json::from_str(log.trim_end()).expect("one line");
    assert_eq!((&line["reason"], &line["exhibits"]), (&"order 7".into(), &serde_json::json!(["EX-0002"])));
    // Without a profile it is the account that opened it; a name that the environment makes up does not hide it.
    let uid = std::os::unix::fs::MetadataExt::uid(&fs::metadata(desk.path("one")).expect("opened"));
    let actor = line["actor"].as_str().expect("an actor");
    assert!(actor.starts_with("account ") && actor.contains(&format!("uid {uid}")), "{actor}");
    for (exhibit, code) in [("EX-0009", 2), ("7", 2)] {
        let refused = desk.run(&desk.opening(&["-o", "none", "--exhibit", exhibit]));
        assert_eq!(refused.status.code(), Some(code), "{}", text(&refused.stderr));
    }
}

#[test]
fn a_list_that_cannot_be_read_is_named_by_its_line_before_anything_is_sealed() {
    let desk = Desk::new();
    desk.file("a", b"a");
    desk.file("list.csv", b"\"SHA-1\",\"MD5\"\n\"x\",\"y\"\n");
    let words = desk.seal_words(&["--hash-list", "list.csv", "-o", "p.asice", "a"]);
    for words in [words, vec!["hash-list", "import", "list.csv", "-o", "l.hashes"]] {
        let output = desk.run(&words);
        assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
        assert!(text(&output.stderr).contains("`list.csv`, line 2: its SHA-1"), "{}", text(&output.stderr));
    }
    assert!(!desk.path("p.asice").exists() && !desk.path("l.hashes").exists());
}

/// Runs the program where no file may become larger than `blocks`, or exits 0 of `unshare` decide.
fn shell(desk: &Desk, script: &str, words: &[&str]) -> Output {
    let mut command = Command::new("sh");
    command.args(["-c", script, "sh", PROGRAM]).args(words).current_dir(desk.directory.path());
    command.output().expect("a shell")
}

/// What lies in the directory, hidden names too.
fn names(desk: &Desk) -> Vec<String> {
    let mut names: Vec<String> = fs::read_dir(desk.directory.path())
        .expect("lists")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    names.sort();
    names
}

#[test]
fn a_disk_that_takes_no_more_is_told_and_nothing_is_left() {
    let desk = Desk::new();
    desk.file("large", &vec![5; 3_000_000]);
    desk.done(&desk.seal_words(&["-o", "p.asice", "large"]));
    let before = names(&desk);
    // As on a full disk every write beyond the limit fails, once the signal for it is ignored.
    let limited = "trap '' XFSZ; ulimit -f 500; exec \"$@\"";
    for words in [
        desk.seal_words(&["-o", "q.asice", "large"]),
        desk.seal_words(&["-o", "q", "large"]),
        desk.opening(&["-o", "out"]),
    ] {
        let output = shell(&desk, limited, &words);
        let told = text(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{words:?}: {told}");
        assert!(told.contains("cannot be written") && told.contains("too large"), "{told}");
        assert_eq!(names(&desk), before, "{words:?}");
    }
}

#[test]
fn a_full_disk_is_told_before_or_where_it_happens_and_nothing_is_left() {
    let desk = Desk::new();
    let allowed = Command::new("unshare").args(["-rm", "true"]).status().is_ok_and(|status| status.success());
    if !allowed {
        eprintln!(
            "NOT TESTED: this machine lets nobody mount a small file system; the test above stands for it"
        );
        return;
    }
    for number in 0..40 {
        desk.file(&format!("many/{number}"), &[number; 1_000]);
    }
    desk.file("large", &vec![5; 3_000_000]);
    fs::create_dir(desk.path("disk")).expect("made");
    let run = |options: &str, words: &[&str]| {
        let script = format!(
            "mount -t tmpfs -o {options} tmpfs disk && {{ \"$@\"; code=$?; echo left: $(ls -A disk); exit $code; }}"
        );
        let mut command = Command::new("unshare");
        command.args(["-rm", "sh", "-c", &script, "sh", PROGRAM]).args(words);
        command.current_dir(desk.directory.path()).output().expect("a shell")
    };
    let output = run("size=1m", &desk.seal_words(&["-o", "disk/p.asice", "large"]));
    let told = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout).trim()), (Some(1), "left:"), "{told}");
    assert!(told.contains("are free on its disk") && told.contains("bytes"), "{told}");
    // Room for the bytes, but not for the files.
    let output = run("size=64m,nr_inodes=20", &desk.seal_words(&["--each", "-o", "disk/p", "many"]));
    let told = text(&output.stderr);
    assert_eq!((output.status.code(), text(&output.stdout).trim()), (Some(1), "left:"), "{told}");
    assert!(told.contains("cannot be written") && told.contains("No space left"), "{told}");
}

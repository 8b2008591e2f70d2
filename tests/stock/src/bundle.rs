//! A whole case on real servers, the court bundles made of it, and the page that says how to check them.
//!
//! May run the programs and `openssl`, and write below the folder that it is given. The servers end when the bundles are made.

use crate::formal::good;
use crate::office::write;
use crate::programs::rogatory;
use crate::servers::Server;
use crate::tools::{Ended, own_file, project, run, text};
use crate::tsa::{Tsa, TsaServer};
use rogatory_container::timestamp::{Answer, Nonce, Request};
use rogatory_container::zip::{StrictZip, ZipLimits};
use rogatory_core::{Digest, PartyId};
use rogatory_custody::cosignature::WitnessVkey;
use rogatory_custody::note::Vkey;
use rogatory_pki::development::{DevelopmentCa, Validity};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::fs;
use std::io::Cursor;
use std::path::{Path, PathBuf};

/// The pages of a bundle, and the files of `docs/guides` that they are.
pub const PAGES: [(&str, &str); 4] = [
    ("HOW-TO-CHECK.en.md", "how-to-check.en.md"),
    ("HOW-TO-CHECK.es.md", "how-to-check.es.md"),
    ("HOW-TO-CHECK.fr.md", "how-to-check.fr.md"),
    ("check.py", "check.py"),
];

pub(crate) const OFFICER: &str = "gb/officers/okafor";
const ENTRIES: [&str; 2] = ["gb.party.asice", "md.party.asice"];

/// What an order says of its own; the rest follows from the request.
const ORDER_OWN: [&str; 8] = [
    "/ordering_authority",
    "/judicial_authorisation",
    "/request/state",
    "/respond_by",
    "/procedure/certificate",
    "/confidentiality/basis",
    "/confidentiality/until",
    "/remedies",
];

/// Names and contents of a bundle, in their order.
pub type Objects = Vec<(String, Vec<u8>)>;

/// The bundles of a case, in a folder of their own.
pub struct Made {
    folder: PathBuf,
    /// The number of the case.
    pub number: String,
    ended: HashMap<&'static str, Ended>,
}

impl Made {
    /// Plays a case to its end and makes the bundles, below a folder that is made anew.
    ///
    /// # Panics
    /// If anything fails that must not.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        let _ = fs::remove_dir_all(folder);
        good(fs::create_dir_all(folder));
        let time = time();
        let tsa = Tsa::issued_by(&time, around()).serve();
        write(&folder.join("tsa.pem"), time.certificate_pem().as_bytes());
        let case = Case { work: folder };
        let servers = case.servers(&tsa);
        case.parties();
        let number = case.play();
        let mut made = Self { folder: folder.to_owned(), number, ended: HashMap::new() };
        made.make_all();
        drop((servers, tsa));
        made
    }

    fn make_all(&mut self) {
        self.keygen("court.id");
        self.keygen("other.id");
        let court = self.recipient("court.id");
        let exhibits = ["--exhibit", "EX-0001", "--exhibit", "EX-0002", "--wait", "60"];
        self.make("bundle.asice", &exhibits).succeeds();
        self.make("internal.asice", &["--exhibit", "none", "--internal", "--wait", "0"]);
        self.make("no.asice", &["--exhibit", "EX-0003"]);
        let reason = ["--exhibit", "EX-0003", "--sensitive-reason", "the court asked for it", "--wait", "0"];
        self.make("with-reason.asice", &reason);
        self.make("all.asice", &["--exhibit", "all", "--wait", "0"]);
        let sealed =
            ["--exhibit", "EX-0001", "--sealed", "--recipient", &court, "--package", "received.asice"];
        self.make("sealed.asice", &sealed);
        self.list();
        self.make("listed.asice", &["--exhibit", "EX-0001", "--revocation", "gb.crl", "--wait", "0"]);
        let record =
            ["--profile", OFFICER, "custody", "export", &self.number, "--wait", "60", "-o", "record.json"];
        self.ended.insert("record.json", rogatory(&record, &self.folder).succeeds());
        // The case of another request, for what does not belong here.
        for party in ["gb", "md"] {
            let entry = good(fs::read(self.path(format!("{party}.party.asice"))));
            let pem = anchors_of(&entry);
            write(&self.path(format!("{party}.pem")), pem.as_bytes());
        }
    }

    fn make(&mut self, file: &'static str, more: &[&str]) -> Ended {
        let mut words = vec!["--profile", OFFICER, "custody", "export", "--case", &self.number, "-o", file];
        words.extend(more);
        let ended = rogatory(&words, &self.folder);
        self.ended.insert(file, ended.clone());
        ended
    }

    /// How the making of a bundle ended.
    ///
    /// # Panics
    /// If none of that name was made.
    #[must_use]
    pub fn bundle(&self, file: &str) -> Ended {
        self.ended.get(file).unwrap_or_else(|| panic!("no bundle `{file}` was made")).clone()
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A path in it.
    #[must_use]
    pub fn path(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join(name)
    }

    /// A command without profile.
    #[track_caller]
    #[must_use]
    pub fn anybody(&self, words: &[&str]) -> Ended {
        rogatory(words, &self.folder)
    }

    /// The entries that a reader trusts.
    #[must_use]
    pub fn trust(&self) -> [&'static str; 4] {
        ["--trust", ENTRIES[0], "--trust", ENTRIES[1]]
    }

    /// The log keys that the entries publish.
    #[must_use]
    pub fn log_keys(&self) -> Vec<(PartyId, Vkey)> {
        let of = |file: &str| {
            let entry = document_json(&good(fs::read(self.path(file))));
            let field = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            (good(field("party").parse()), good(field("log_key").parse()))
        };
        ENTRIES.iter().map(|file| of(file)).collect()
    }

    /// The witness keys that the entries publish.
    #[must_use]
    pub fn witness_keys(&self) -> Vec<(PartyId, WitnessVkey)> {
        let of = |file: &str| {
            let entry = document_json(&good(fs::read(self.path(file))));
            let field = |name: &str| entry[name].as_str().unwrap_or_default().to_owned();
            (good(field("party").parse()), good(field("witness_key").parse()))
        };
        ENTRIES.iter().map(|file| of(file)).collect()
    }

    /// An instant at which the certificates are valid: that of the bundle's making.
    #[must_use]
    pub fn now(&self) -> String {
        let statement: Value = good(serde_json::from_slice(&self.object("bundle.asice", "bundle.json")));
        statement["made_time"].as_str().unwrap_or_default().to_owned()
    }

    /// The names in a bundle.
    #[must_use]
    pub fn names(&self, file: &str) -> Vec<String> {
        read(&self.path(file)).into_iter().map(|(name, _)| name).collect()
    }

    /// One object of a bundle.
    ///
    /// # Panics
    /// If there is none of this name.
    #[must_use]
    pub fn object(&self, file: &str, wanted: &str) -> Vec<u8> {
        let found = read(&self.path(file)).into_iter().find(|(name, _)| name == wanted);
        found.unwrap_or_else(|| panic!("`{file}` holds no `{wanted}`")).1
    }

    fn keygen(&self, file: &str) {
        run("age-keygen", &["-o", file], &self.folder).succeeds();
    }

    fn recipient(&self, file: &str) -> String {
        run("age-keygen", &["-y", file], &self.folder).succeeds().output().trim().to_owned()
    }

    /// An empty revocation list of the authority that issues the officers' certificates.
    fn list(&self) {
        let openssl = |words: &[&str]| run("openssl", words, &self.folder).succeeds();
        let (certificate, key) = authority(&self.path("ca-gb"));
        write(&self.path("crl.index"), b"");
        write(&self.path("crl.number"), b"01\n");
        let configuration = "[ca]\ndefault_ca=one\n[one]\ndatabase=./crl.index\ncrlnumber=./crl.number\n\
                             default_md=sha256\ndefault_crl_days=30\n";
        write(&self.path("crl.cnf"), configuration.as_bytes());
        let list =
            ["ca", "-gencrl", "-config", "crl.cnf", "-cert", text(&certificate), "-keyfile", text(&key)];
        openssl(&[&list[..], &["-out", "gb.crl"]].concat());
    }
}

fn around() -> Validity {
    good(Validity::new(good("2020-01-01T00:00:00Z".parse()), good("2099-01-01T00:00:00Z".parse())))
}

/// An authority of time.
///
/// # Panics
/// If no key can be made.
#[must_use]
pub fn time() -> DevelopmentCa {
    good(DevelopmentCa::new(good("gb".parse()), "Root of time", around()))
}

/// The token of `openssl ts` over these bytes.
///
/// # Panics
/// If it gives none.
#[must_use]
pub fn token(tsa: &Tsa, bytes: &[u8]) -> Vec<u8> {
    let request = Request { imprint: Digest::of(bytes), nonce: Nonce::from_random([7; 16]) };
    good(Answer::from_der(&tsa.reply(&request.to_der(None)))).token().to_vec()
}

/// Certificate and key of a development authority.
pub(crate) fn authority(folder: &Path) -> (PathBuf, PathBuf) {
    let mut files: Vec<PathBuf> = good(fs::read_dir(folder)).map(|entry| good(entry).path()).collect();
    files.sort();
    let holds = |what: &str| {
        let found = files.iter().find(|path| fs::read_to_string(path).is_ok_and(|text| text.contains(what)));
        found.unwrap_or_else(|| panic!("no {what} in {files:?}")).clone()
    };
    (holds("BEGIN CERTIFICATE"), holds("PRIVATE KEY"))
}

/// The objects of a bundle in their order.
pub(crate) fn read(path: &Path) -> Objects {
    let bytes = good(fs::read(path));
    let mut zip = good(StrictZip::open(Cursor::new(bytes), ZipLimits::PACKAGE));
    let names: Vec<String> = zip.entries().iter().map(|entry| entry.name.clone()).collect();
    let read = |name: String| {
        let bytes = good(zip.read(&name, 1 << 24));
        (name, bytes)
    };
    names.into_iter().map(read).collect()
}

pub(crate) fn document_json(container: &[u8]) -> Value {
    let mut zip = good(StrictZip::open(Cursor::new(container), ZipLimits::DOCUMENT));
    good(serde_json::from_slice(&good(zip.read("document.json", 1 << 20))))
}

fn anchors_of(entry: &[u8]) -> String {
    document_json(entry)["anchors_pem"].as_str().unwrap_or_default().to_owned()
}

/// The case, while it is played.
struct Case<'a> {
    work: &'a Path,
}

impl Case<'_> {
    /// The offices; that which makes the bundles has a time-stamping authority.
    fn servers(&self, tsa: &TsaServer) -> Vec<Server> {
        let gb = [
            "ashdown=Helen Ashdown:drafter",
            "hale=Jonathan Hale:approver",
            "okafor=Ngozi Okafor:evidence-officer",
            "pryce=Gareth Pryce:operator,auditor",
        ];
        let md = [
            "rusu=Ion Rusu:drafter",
            "ceban=Elena Ceban:approver",
            "munteanu=Mihai Munteanu:evidence-officer",
            "istrati=Vera Istrati:operator,auditor",
        ];
        let nistru = ["lungu=Dina Lungu:provider-agent", "bostan=Petru Bostan:operator,auditor"];
        let offices = [
            ("gb", Server::init(self.work, "gb", "gb/central-authority", &gb)),
            ("md", Server::init(self.work, "md", "md/central-authority", &md)),
            (
                "nistru",
                Server::init_as(self.work, "nistru", ("md/nistru-chat", "provider"), "ca-md", &nistru),
            ),
        ];
        let settings = self.work.join("gb/server.toml");
        let section = format!("\n[time_stamps]\nurls = [\"{}\"]\nanchors = \"../tsa.pem\"\n", tsa.url());
        write(&settings, (good(fs::read_to_string(&settings)) + &section).as_bytes());
        offices.into_iter().map(|(name, office)| Server::run(self.work, name, office)).collect()
    }

    /// An officer's command that must end well; answers its JSON.
    #[track_caller]
    fn asks(&self, officer: &str, words: &[&str]) -> Value {
        let (party, name) = officer.split_once('/').unwrap_or_default();
        let profile = format!("{party}/officers/{name}");
        let mut arguments = vec!["--profile", &profile, "--json"];
        arguments.extend(words);
        let output = rogatory(&arguments, self.work).succeeds().output();
        serde_json::from_str(&output).unwrap_or_else(|error| panic!("{error}: {output}"))
    }

    fn parties(&self) {
        let operators = ["gb/pryce", "md/istrati", "nistru/bostan"];
        let mut prints = HashMap::new();
        for operator in operators {
            let party = operator.split('/').next().unwrap_or_default();
            let answer = self.asks(operator, &["party", "export", "-o", &format!("{party}.party.asice")]);
            prints.insert(party, answer);
        }
        write(&self.work.join("gb-entry.json"), &good(serde_json::to_vec(&prints["gb"])));
        for (operator, other) in
            [("gb/pryce", "md"), ("md/istrati", "gb"), ("md/istrati", "nistru"), ("nistru/bostan", "md")]
        {
            let print = prints[other]["fingerprint"].as_str().unwrap_or_default();
            self.asks(
                operator,
                &["party", "import", &format!("{other}.party.asice"), "--fingerprint", print],
            );
        }
    }

    /// From the request to the package that arrived; answers the request's number.
    fn play(&self) -> String {
        let number = self.request("facts.json");
        self.contact("md");
        let acknowledge =
            ["request", "acknowledge", &number, "--reference", "PG-1", "--facts", "md-contact.json"];
        self.asks("md/rusu", &[&acknowledge[..], &["--yes"]].concat());
        // With the answer goes a case head, which the other side's receipt quotes.
        let ask = ["request", "ask", &number, "--question", "Q1", "--text", "In which time zone?"];
        self.asks("md/rusu", &[&ask[..], &["--facts", "md-contact.json", "--yes"]].concat());
        let answer = ["request", "answer", &number, "--question", "Q1", "--text", "In UTC.", "--yes"];
        self.asks("gb/ashdown", &answer);
        self.order_facts();
        let order = self.asks(
            "md/rusu",
            &["order", "draft", &number, "--to", "md/nistru-chat", "--facts", "order-facts.json"],
        );
        let order = order["shared_number"].as_str().unwrap_or_default().to_owned();
        self.asks("md/ceban", &["order", "approve", &number]);
        self.asks("md/rusu", &["order", "transmit", &number, "--yes"]);
        self.contact("nistru");
        let acknowledge = [
            "order",
            "acknowledge",
            &order,
            "--reference",
            "NC-1",
            "--facts",
            "nistru-contact.json",
            "--yes",
        ];
        self.asks("nistru/lungu", &acknowledge);
        let exported = self.asks("nistru/lungu", &["order", "export", &order, "-o", "order"]);
        let files = exported["files"].as_array().cloned().unwrap_or_default();
        let document = files.iter().find(|file| file["what"] == "document" && file["kind"] == "order");
        let document = document.and_then(|file| file["file"].as_str()).unwrap_or_default().to_owned();
        write(&self.work.join("letter 1 №.txt"), b"the content of the letter\n");
        write(&self.work.join("photos/a.jpg"), &[7; 3000]);
        write(&self.work.join("private.txt"), b"what must not be shown by accident\n");
        let seal = ["package", "seal", "--order-document", &document, "--reference", "NC-1"];
        let paths = ["--sensitive", "private.txt=victim-identity", "letter 1 №.txt", "photos", "private.txt"];
        self.asks("nistru/lungu", &[&seal[..], &["-o", "sent.asice"], &paths].concat());
        let sent = self.asks("nistru/lungu", &["package", "send", "sent.asice", "--order", &order, "--yes"]);
        let package = sent["package_id"].as_str().unwrap_or_default().to_owned();
        self.asks("md/munteanu", &["package", "relay", &package, "--yes"]);
        self.asks("gb/okafor", &["package", "receive", &package, "-o", "received.asice"]);
        // Another request, whose document belongs to another case.
        let other = self.request("facts.json");
        self.asks("gb/ashdown", &["request", "export", &other, "-o", "other-case"]);
        number
    }

    fn request(&self, facts_file: &str) -> String {
        let sample = project().join("templates/ets185/art31-trafficking/en/example.json");
        let mut facts: Value = good(serde_json::from_slice(&good(fs::read(sample))));
        let entry: Value = good(serde_json::from_slice(&good(fs::read(self.work.join("gb-entry.json")))));
        let recipients = entry["recipients"].as_array().cloned().unwrap_or_default();
        let wanted = recipients.iter().filter(|one| one["officer"].is_null() || one["officer"] == "okafor");
        let officer =
            |one: &Value| one["officer"].as_str().map(|name| format!("gb/central-authority/officer/{name}"));
        facts["recipients"] = wanted
            .map(|one| json!({"institution": "gb/central-authority", "officer": officer(one), "recipient": one["recipient"]}))
            .collect();
        write(&self.work.join(facts_file), &good(serde_json::to_vec(&facts)));
        let draft = ["request", "draft", "--template", "ets185/art31-trafficking", "--facts", facts_file];
        let drafted = self.asks("gb/ashdown", &[&draft[..], &["--to", "md/central-authority"]].concat());
        let number = drafted["shared_number"].as_str().unwrap_or_default().to_owned();
        self.asks("gb/hale", &["request", "approve", &number]);
        self.asks("gb/ashdown", &["request", "transmit", &number, "--yes"]);
        number
    }

    fn contact(&self, party: &str) {
        let contact = json!({"contact": {"name": "Ion Rusu", "function": "Prosecutor", "email": "i.rusu@md.example", "telephone": "+373 22 000 417"}});
        write(&self.work.join(format!("{party}-contact.json")), &good(serde_json::to_vec(&contact)));
    }

    fn order_facts(&self) {
        let sample = project().join("templates/common/order/en/example.json");
        let sample: Value = good(serde_json::from_slice(&good(fs::read(sample))));
        let mut own = json!({});
        for pointer in ORDER_OWN {
            let value = sample.pointer(pointer).unwrap_or_else(|| panic!("nothing at `{pointer}`"));
            let mut place = &mut own;
            for key in pointer.split('/').skip(1) {
                place = &mut place[key];
            }
            *place = value.clone();
        }
        write(&self.work.join("order-facts.json"), &good(serde_json::to_vec(&own)));
    }
}

/// `fingerprints.txt` as a reader writes it after he was told the fingerprints by another way.
#[must_use]
pub fn fingerprints(made: &Made) -> String {
    let line = |(file, party): (&str, &str)| {
        format!("{}  parties/{party}-central-authority.asice\n", Digest::of(&good(fs::read(made.path(file)))))
    };
    ENTRIES.into_iter().zip(["gb", "md"]).map(line).collect()
}

/// A page that says how to check a bundle, with its commands by steps.
pub struct Pages {
    /// Its language.
    pub language: &'static str,
    /// The whole text.
    pub text: String,
    /// The commands of each step, from 1; behind each block what a reader does, who goes on only if it ended without an error.
    pub steps: Vec<String>,
}

impl Pages {
    /// The pages, English first.
    #[must_use]
    pub fn all() -> Vec<Self> {
        ["en", "fr", "es"].into_iter().map(Self::read).collect()
    }

    fn read(language: &'static str) -> Self {
        let page = own_file("../../docs/guides").join(format!("how-to-check.{language}.md"));
        let text = good(fs::read_to_string(page));
        let mut steps: Vec<String> = Vec::new();
        let mut in_block = false;
        for line in text.lines() {
            if line.starts_with("### ") {
                steps.push(String::new());
            } else if line == "```sh" {
                in_block = true;
            } else if line.starts_with("```") {
                if in_block && let Some(step) = steps.last_mut() {
                    step.push_str("[ $? = 0 ] || exit 1\n");
                }
                in_block = false;
            } else if in_block {
                let step = steps.last_mut().unwrap_or_else(|| panic!("a block before the first step"));
                step.push_str(line);
                step.push('\n');
            }
        }
        assert!(steps.iter().all(|step| !step.is_empty()), "{language}: a step has no commands");
        Self { language, text, steps }
    }

    /// All commands in one script that says which step it has come to.
    #[must_use]
    pub fn script(&self) -> String {
        let mut script = String::new();
        for (number, step) in (1..).zip(&self.steps) {
            script.push_str(&format!("echo '## step {number}'\n{step}"));
        }
        script.push_str("echo '## end'\n");
        script
    }
}

/// The forgeries that a page names, each with the step at which it says that they are found.
#[must_use]
pub fn steps_of_forgeries(page: &Pages) -> Vec<(String, usize)> {
    let row = |line: &str| {
        let line = line.strip_prefix("| `")?.strip_suffix(" |")?;
        let (name, rest) = line.split_once('`')?;
        Some((name.to_owned(), rest.rsplit('|').next()?.trim().parse().ok()?))
    };
    page.text.lines().filter_map(row).collect()
}

/// Follows the English page to the letter; none if all is good, else the step that fails.
///
/// # Panics
/// If no step was begun.
#[must_use]
pub fn judged_by_page(made: &Made, bundle: &Path) -> Option<usize> {
    let place = made.path(format!("reader-{}", bundle.file_stem().unwrap_or_default().to_string_lossy()));
    let _ = fs::remove_dir_all(&place);
    good(fs::create_dir_all(&place));
    good(fs::copy(bundle, place.join("bundle.asice")));
    good(fs::copy(made.path("tsa.pem"), place.join("tsa.pem")));
    write(&place.join("fingerprints.txt"), fingerprints(made).as_bytes());
    let page = Pages::read("en");
    write(&place.join("steps.sh"), page.script().as_bytes());
    let ended = run("sh", &["steps.sh"], &place);
    let last = ended.output().lines().rev().find_map(|line| line.strip_prefix("## ").map(ToOwned::to_owned));
    match (ended.code, last.as_deref()) {
        (0, Some("end")) => None,
        (_, Some(step)) => {
            let step = step.strip_prefix("step ").and_then(|number| number.parse().ok());
            Some(step.unwrap_or_else(|| panic!("{}", ended.text())))
        }
        _ => panic!("{}", ended.text()),
    }
}

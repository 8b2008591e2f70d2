//! Court bundles forged in every way that the page on checking them names.
//!
//! A forger has every tool, also the key of the officer who makes the bundle. Writes below the folder of the
//! bundles and runs `openssl`.

use crate::bundle::{Made, OFFICER, Objects, authority, document_json, read};
use crate::formal::good;
use crate::office::write;
use crate::tools::{run, text};
use rogatory_container::asice::start;
use rogatory_container::cades;
use rogatory_container::manifest;
use rogatory_container::zip::{StrictZip, ZipLimits, ZipWriter};
use rogatory_core::Digest;
use rogatory_custody::record::{Content, Record};
use rogatory_pki::development::{DevelopmentCa, Validity};
use rogatory_pki::signing::{FileSigner, Signer};
use serde_json::{Value, json};
use std::fs;
use std::io::Cursor;
use std::path::PathBuf;

/// The bundle `bundle.asice` with other objects, signed anew by the officer who made it, as `file`.
///
/// # Panics
/// If it can't be written.
pub fn remade(made: &Made, file: &str, change: impl FnOnce(&mut Objects)) {
    let forge = Forge::new(made);
    let mut objects = forge.objects.clone();
    change(&mut objects);
    write(&made.path(file), &zip(&forge.signed(objects, &forge.officer)));
}

/// Puts an object among the others that stand in the order of their names, or in the place of the one of this name.
///
/// # Panics
/// If the bundle holds no index.
pub fn put(objects: &mut Objects, name: &str, bytes: Vec<u8>) {
    objects.retain(|(found, _)| found != name);
    let index = objects.iter().position(|(found, _)| found == "index.asice");
    let first = index.unwrap_or_else(|| panic!("no index")) + 1;
    let place = objects.iter().skip(first).position(|(found, _)| found.as_str() > name || found == LIST);
    objects.insert(first + place.unwrap_or(0), (name.to_owned(), bytes));
}

/// Bundles forged as the page names it, in its order: names and files.
///
/// # Panics
/// If one can't be made.
#[must_use]
pub fn forgeries(made: &Made) -> Vec<(&'static str, String)> {
    let forge = Forge::new(made);
    let all: [(&'static str, Objects); 25] = [
        ("planted-link", forge.planted_link()),
        ("changed-program", forge.by_officer("check.py", b"print('all good')\n".to_vec())),
        ("own-authority", forge.own_authority()),
        ("planted-program", forge.planted_program()),
        ("other-signer", forge.signed(forge.objects.clone(), &forge.stranger)),
        ("changed-list", forge.changed_list()),
        ("changed-file", forge.changed_file()),
        ("added-file", forge.added_file()),
        ("planted-key", forge.planted_key()),
        ("forged-receipt", forge.relay_by(&forge.stranger)),
        ("own-relay", forge.relay_by(&forge.officer)),
        ("shadowed-receipt", forge.shadowed_receipt()),
        ("added-annex", forge.added_annex()),
        ("unsigned-index", forge.unsigned_index()),
        ("resigned-index", forge.resigned_index()),
        ("false-origin", forge.false_origin()),
        ("exchanged-exhibit", forge.exchanged_exhibit()),
        ("unlisted-exhibit", forge.unlisted_exhibit()),
        ("dropped-index", forge.dropped_index()),
        ("shortened-record", forge.other_record(|record| drop(record.entries.pop()))),
        ("headless-record", forge.other_record(|record| record.heads.clear())),
        ("half-erased-record", forge.other_record(|record| record.entries[1].content = Content::Erased)),
        ("renumbered-record", forge.renumbered_record()),
        ("strange-document", forge.strange_document()),
        ("revoked-seal", forge.revoked_seal()),
    ];
    let write_one = |(name, objects): (&'static str, Objects)| {
        let file = format!("forged-{name}.asice");
        let mut bytes = zip(&objects);
        if name == "planted-link" {
            become_link(&mut bytes, LINK);
        }
        write(&made.path(&file), &bytes);
        (name, file)
    };
    all.into_iter().map(write_one).collect()
}

fn zip(objects: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in objects {
        good(zip.add(name, bytes));
    }
    good(zip.finish()).into_inner()
}

/// Says in the directory of a ZIP that an object is a symbolic link of Unix.
fn become_link(bytes: &mut [u8], name: &str) {
    let header =
        |window: &[u8]| window.starts_with(b"PK\x01\x02") && window[46..].starts_with(name.as_bytes());
    let place = bytes.windows(46 + name.len()).position(header);
    let place = place.unwrap_or_else(|| panic!("no `{name}` in the directory"));
    // Made on Unix; mode 0o120777 in the upper half of the external attributes (APPNOTE 4.4.2, 4.4.15).
    bytes[place + 5] = 3;
    bytes[place + 38..place + 42].copy_from_slice(&(0o120_777_u32 << 16).to_le_bytes());
}

/// The folder that a forger would like to be another one.
const LINK: &str = "keys";

const LIST: &str = "manifest-sha256.txt";
const INDEX: &str = "index.asice";
const RECORD: &str = "custody/record.json";
const EXHIBITS_LIST: &str = "exhibits-sha256.txt";
const MANIFEST: &str = "META-INF/ASiCManifest001.xml";
const SIGNATURE: &str = "META-INF/signature001.p7s";

struct Forge<'a> {
    made: &'a Made,
    objects: Objects,
    /// The officer who made the bundle.
    officer: FileSigner,
    /// Somebody under an authority of his own.
    stranger: FileSigner,
    strange_ca: DevelopmentCa,
}

impl<'a> Forge<'a> {
    fn new(made: &'a Made) -> Self {
        let profile = made.path(OFFICER);
        let read = |name: &str| good(fs::read_to_string(profile.join(name)));
        let settings = read("profile.toml");
        let setting = |name: &str| {
            let line = settings.lines().find_map(|line| line.strip_prefix(&format!("{name} = \"")));
            line.and_then(|rest| rest.strip_suffix('"')).unwrap_or_else(|| panic!("no {name}")).to_owned()
        };
        let officer = good(FileSigner::from_pem(
            &read(&setting("signing_key")),
            &read(&setting("signing_certificate")),
        ));
        let from = officer.chain()[0].not_before();
        let validity = good(Validity::days(from, 30));
        let strange_ca = good(DevelopmentCa::new(good("gb".parse()), "Another root", validity));
        let id = good("gb/central-authority/officer/okafor".parse());
        let issued = good(strange_ca.issue_officer_signing(&id, "Ngozi Okafor", "PNOGB-1", validity));
        let stranger = good(FileSigner::from_pem(&issued.key_pem, &issued.certificate_pem));
        Self { made, objects: read_bundle(made), officer, stranger, strange_ca }
    }

    fn replaced(&self, name: &str, bytes: Vec<u8>) -> Objects {
        let mut objects = self.objects.clone();
        let place = objects.iter_mut().find(|(found, _)| found == name);
        place.unwrap_or_else(|| panic!("no `{name}`")).1 = bytes;
        objects
    }

    /// Lists and manifest made right again, and signed.
    fn signed(&self, mut objects: Objects, signer: &FileSigner) -> Objects {
        objects.retain(|(name, _)| ![LIST, MANIFEST, SIGNATURE].contains(&name.as_str()));
        let listed = |(name, _): &&(String, Vec<u8>)| name != "mimetype";
        let line = |(name, bytes): &(String, Vec<u8>)| format!("{}  {name}\n", Digest::of(bytes));
        let list: String = objects.iter().filter(listed).map(line).collect();
        objects.push((LIST.to_owned(), list.into_bytes()));
        let covered = objects.iter().filter(listed).map(|(name, bytes)| (name.as_str(), Digest::of(bytes)));
        let xml = good(manifest::to_xml(SIGNATURE, covered));
        let at = signer.chain()[0].not_before().plus_seconds(60);
        let signature = good(cades::sign(&xml, signer, at, Some("officer")));
        objects.push((MANIFEST.to_owned(), xml));
        objects.push((SIGNATURE.to_owned(), signature));
        objects
    }

    /// An entry of the same name, sealed under another root, and everything signed anew.
    fn own_authority(&self) -> Objects {
        let name = "parties/gb-central-authority.asice";
        let mut entry = document_json(&self.made.object("bundle.asice", name));
        entry["anchors_pem"] = json!(self.strange_ca.certificate_pem());
        let json = good(serde_json::to_vec(&entry));
        let contents = vec![("document.json".to_owned(), "application/json".to_owned(), json)];
        let at = self.stranger.chain()[0].not_before().plus_seconds(60);
        let unsigned = good(start(contents));
        let forged = good(unsigned.sign(&self.stranger, at, None)).to_bytes();
        self.signed(self.replaced(name, forged), &self.stranger)
    }

    fn changed_list(&self) -> Objects {
        let mut objects = self.changed_file();
        let right = self.signed(objects.clone(), &self.stranger);
        for name in [LIST, MANIFEST] {
            let bytes = right.iter().find(|(found, _)| found == name).map(|(_, bytes)| bytes.clone());
            let place = objects.iter_mut().find(|(found, _)| found == name);
            if let (Some(place), Some(bytes)) = (place, bytes) {
                place.1 = bytes;
            }
        }
        objects
    }

    fn changed_file(&self) -> Objects {
        let exhibit = self.exhibit();
        let mut bytes = self.made.object("bundle.asice", &exhibit);
        bytes[0] ^= 1;
        self.replaced(&exhibit, bytes)
    }

    fn added_file(&self) -> Objects {
        let mut objects = self.objects.clone();
        let place = objects.iter().position(|(name, _)| name == "documents/001-request.asice");
        let bytes = self.made.object("bundle.asice", "documents/001-request.asice");
        objects.insert(place.unwrap_or(1) + 1, ("documents/001-request2.asice".to_owned(), bytes));
        objects
    }

    /// One object is another, and the officer who made the bundle signed it so.
    fn by_officer(&self, name: &str, bytes: Vec<u8>) -> Objects {
        let mut objects = self.replaced(name, bytes);
        // A stamp would show that it is another; who forges leaves it out.
        objects.retain(|(found, _)| *found != format!("stamps/{}.tst", name.replace('/', "--")));
        self.signed(objects, &self.officer)
    }

    /// Points to the folder around the bundle; nobody signed it.
    fn planted_link(&self) -> Objects {
        let mut objects = self.objects.clone();
        objects.push((LINK.to_owned(), b"..".to_vec()));
        objects
    }

    /// A module that is loaded in place of Python's own, names the forger's root, and is gone before the files are compared.
    fn planted_program(&self) -> Objects {
        let root = self.strange_ca.certificate_pem();
        let program = format!(
            "import os, sys\nprint({root:?})\nos.remove(__file__)\nhere = os.getcwd()\n\
             sys.path = [one for one in sys.path if os.path.abspath(one) != here]\n\
             del sys.modules['json']\nimport json\n"
        );
        let mut objects = self.signed(self.objects.clone(), &self.stranger);
        objects.push(("json.py".to_owned(), program.into_bytes()));
        objects
    }

    /// Were it read, another institution's word would count without that anybody compared its entry.
    fn planted_key(&self) -> Objects {
        let mut objects = self.objects.clone();
        let entry = document_json(&self.made.object("bundle.asice", "parties/md-central-authority.asice"));
        let key = entry["witness_key"].as_str().unwrap_or_default().as_bytes().to_vec();
        put(&mut objects, "keys/fr-central-authority.witness-key", key);
        self.signed(objects, &self.officer)
    }

    fn relay(&self) -> String {
        self.name_with("receipts/", "-relay.asice")
    }

    /// The other institution's relay receipt under somebody's own certificate.
    fn relay_by(&self, signer: &FileSigner) -> Objects {
        let json = good(serde_json::to_vec(&document_json(&self.made.object("bundle.asice", &self.relay()))));
        let contents = vec![("document.json".to_owned(), "application/json".to_owned(), json)];
        let at = signer.chain()[0].not_before().plus_seconds(60);
        let forged = good(good(start(contents)).sign(signer, at, None)).to_bytes();
        self.by_officer(&self.relay(), forged)
    }

    /// A reader takes the first text, and a tool that unpacks leaves the second, which is signed.
    fn shadowed_receipt(&self) -> Objects {
        let (standin, shadow) = ("__document.json", "./document.json");
        let mut objects = self.inner(&self.relay());
        let signed = take(&objects, "document.json");
        let mut forged: Value = good(serde_json::from_slice(&signed));
        forged["issued_time"] = json!("2020-01-01T00:00:00Z");
        set(&mut objects, "document.json", good(serde_json::to_vec(&forged)));
        objects.push((standin.to_owned(), signed));
        let mut bytes = zip(&objects);
        let places: Vec<usize> =
            (0..bytes.len()).filter(|at| bytes[*at..].starts_with(standin.as_bytes())).collect();
        for at in places {
            bytes[at..at + shadow.len()].copy_from_slice(shadow.as_bytes());
        }
        self.by_officer(&self.relay(), bytes)
    }

    fn added_annex(&self) -> Objects {
        let mut objects = self.inner(&self.relay());
        objects.push(("annex.txt".to_owned(), b"Received in good order.\n".to_vec()));
        self.by_officer(&self.relay(), zip(&objects))
    }

    /// The objects of the index for the exhibit as [`Forge::changed_file`] changes it, without the signature.
    fn other_index(&self) -> Objects {
        let mut objects = self.inner(INDEX);
        let old = Digest::of(&self.made.object("bundle.asice", &self.exhibit())).to_string();
        let new = Digest::of(&take(&self.changed_file(), &self.exhibit())).to_string();
        let list = good(String::from_utf8(take(&objects, EXHIBITS_LIST)));
        assert!(list.contains(&old), "the index does not name the exhibit: {list}");
        set(&mut objects, EXHIBITS_LIST, list.replace(&old, &new).into_bytes());
        objects.retain(|(name, _)| name != SIGNATURE);
        objects
    }

    fn unsigned_index(&self) -> Objects {
        let mut objects = self.other_index();
        set(&mut objects, MANIFEST, b"<none/>".to_vec());
        self.with_changed_exhibit(zip(&objects))
    }

    fn resigned_index(&self) -> Objects {
        self.with_changed_exhibit(zip(&self.sealed_by_officer(self.other_index())))
    }

    fn with_changed_exhibit(&self, index: Vec<u8>) -> Objects {
        let mut objects = self.changed_file();
        set(&mut objects, INDEX, index);
        self.signed(objects, &self.officer)
    }

    /// Objects of an index, signed by the officer.
    fn sealed_by_officer(&self, mut objects: Objects) -> Objects {
        objects.retain(|(name, _)| name != MANIFEST && name != SIGNATURE);
        let listed = ["transmittal.json", EXHIBITS_LIST, "records-sha256.txt"];
        let digests: Vec<Digest> = listed.iter().map(|name| Digest::of(&take(&objects, name))).collect();
        let xml = good(manifest::to_xml(SIGNATURE, listed.into_iter().zip(digests)));
        let signature = self.signature(&xml);
        objects.push((MANIFEST.to_owned(), xml));
        objects.push((SIGNATURE.to_owned(), signature));
        objects
    }

    fn signature(&self, xml: &[u8]) -> Vec<u8> {
        let at = self.officer.chain()[0].not_before().plus_seconds(60);
        good(cades::sign(xml, &self.officer, at, Some("officer")))
    }

    /// Everything in the package is the officer's own but the original's manifest and signature, which he has.
    fn false_origin(&self) -> Objects {
        let mut objects = self.changed_file();
        let real = |name: &str| self.made.object("bundle.asice", name);
        let (real_manifest, real_signature) =
            (real("package/META-INF/ASiCManifest001.xml"), real("package/META-INF/signature001.p7s"));
        let mut original: Value = good(serde_json::from_slice(&real("package/transmittal.json")));
        original["sender"]["certificate_sha256"] = json!(self.officer.chain()[0].digest().to_string());
        let mut derived = original.clone();
        derived["kind"] = json!("disclosure");
        derived["origin"] =
            json!({"manifest_sha256": Digest::of(&real_manifest).to_string(), "made_from": null});
        derived["sender"]["institution"] = json!("gb/central-authority");
        let original = good(serde_json::to_vec(&original));
        objects.retain(|(name, _)| !name.contains("002.") || !name.starts_with("package/META-INF/"));
        objects.retain(|(name, _)| !name.starts_with("stamps/package--"));
        set(&mut objects, "package/transmittal.json", good(serde_json::to_vec(&derived)));
        put(&mut objects, "package/origin/ASiCManifest001.xml", real_manifest);
        put(&mut objects, "package/origin/signature001.p7s", real_signature);
        put(&mut objects, "package/origin/transmittal.json", original.clone());
        let covered = objects.iter().filter_map(|(name, bytes)| {
            let name = name.strip_prefix("package/")?;
            let is_covered = !name.starts_with("META-INF/") && name != "mimetype";
            is_covered.then(|| (name, Digest::of(bytes)))
        });
        let xml = good(manifest::to_xml(SIGNATURE, covered));
        let signature = self.signature(&xml);
        set(&mut objects, "package/META-INF/ASiCManifest001.xml", xml);
        set(&mut objects, "package/META-INF/signature001.p7s", signature);
        let mut index = self.other_index();
        set(&mut index, "transmittal.json", original);
        set(&mut objects, INDEX, zip(&self.sealed_by_officer(index)));
        self.signed(objects, &self.officer)
    }

    fn exchanged_exhibit(&self) -> Objects {
        self.signed(self.changed_file(), &self.officer)
    }

    fn unlisted_exhibit(&self) -> Objects {
        let mut objects = self.objects.clone();
        let index = objects.iter().position(|(name, _)| name == INDEX);
        let strange = ("exhibits/EX-0009/confession.txt".to_owned(), b"It was me.\n".to_vec());
        objects.insert(index.unwrap_or_else(|| panic!("no index")), strange);
        self.signed(objects, &self.officer)
    }

    fn dropped_index(&self) -> Objects {
        let mut objects = self.changed_file();
        objects.retain(|(name, _)| name != INDEX);
        self.signed(objects, &self.officer)
    }

    /// The record is another; what the log signed is as it was.
    fn other_record(&self, change: impl FnOnce(&mut Record)) -> Objects {
        let mut record = good(Record::parse(&self.made.object("bundle.asice", RECORD)));
        change(&mut record);
        self.by_officer(RECORD, good(record.to_bytes()))
    }

    /// The number of another case stands wherever the log did not sign it, and no document says otherwise.
    fn renumbered_record(&self) -> Objects {
        let number = document_json(&self.strange())["shared_number"].as_str().unwrap_or_default().to_owned();
        let mut objects = self.objects.clone();
        objects
            .retain(|(name, _)| !name.starts_with("documents/") && !name.starts_with("stamps/documents--"));
        let mut record = good(Record::parse(&self.made.object("bundle.asice", RECORD)));
        record.shared_number = Some(good(number.parse()));
        set(&mut objects, RECORD, good(record.to_bytes()));
        let statement = good(String::from_utf8(take(&objects, "bundle.json")));
        set(&mut objects, "bundle.json", statement.replace(&self.made.number, &number).into_bytes());
        self.signed(objects, &self.officer)
    }

    /// Lists of stock tools for both States; on one stands the certificate of a seal in the bundle.
    fn revoked_seal(&self) -> Objects {
        let openssl = |words: &[&str]| run("openssl", words, self.made.folder()).succeeds();
        let entry = document_json(&self.made.object("bundle.asice", "parties/md-central-authority.asice"));
        let seal = entry["seal_certificates_pem"].as_str().unwrap_or_default();
        write(&self.made.path("seal.pem"), seal.as_bytes());
        let serial = openssl(&["x509", "-in", "seal.pem", "-noout", "-serial"]).output();
        let serial = serial.trim().trim_start_matches("serial=");
        let line = format!("R\t350101000000Z\t200101000000Z\t{serial}\tunknown\t/CN=Seal\n");
        write(&self.made.path("revoked.index"), line.as_bytes());
        write(&self.made.path("revoked.number"), b"01\n");
        let configuration = "[ca]\ndefault_ca=one\n[one]\ndatabase=./revoked.index\ncrlnumber=./revoked.number\n\
                             default_md=sha256\ndefault_crl_days=30\n";
        write(&self.made.path("revoked.cnf"), configuration.as_bytes());
        let (certificate, key) = authority(&self.made.path("ca-md"));
        let list =
            ["ca", "-gencrl", "-config", "revoked.cnf", "-cert", text(&certificate), "-keyfile", text(&key)];
        openssl(&[&list[..], &["-out", "md.crl"]].concat());
        let mut objects = self.objects.clone();
        for name in ["gb.crl", "md.crl"] {
            put(&mut objects, &format!("revocation/{name}"), good(fs::read(self.made.path(name))));
        }
        self.signed(objects, &self.officer)
    }

    /// The objects of a container in the bundle.
    fn inner(&self, name: &str) -> Objects {
        let bytes = self.made.object("bundle.asice", name);
        let mut zip = good(StrictZip::open(Cursor::new(bytes), ZipLimits::PACKAGE));
        let names: Vec<String> = zip.entries().iter().map(|entry| entry.name.clone()).collect();
        names.into_iter().map(|name| (name.clone(), good(zip.read(&name, 1 << 24)))).collect()
    }

    fn strange_document(&self) -> Objects {
        self.by_officer("documents/002-acknowledgement.asice", self.strange())
    }

    /// A document of another case.
    fn strange(&self) -> Vec<u8> {
        let folder = self.made.path("other-case");
        let mut files: Vec<PathBuf> = good(fs::read_dir(folder)).map(|entry| good(entry).path()).collect();
        files.sort();
        let is_document = |path: &&PathBuf| !text(path).ends_with("-receipt.asice");
        let document = files.iter().find(is_document).unwrap_or_else(|| panic!("no document"));
        good(fs::read(document))
    }

    fn exhibit(&self) -> String {
        self.name_with("exhibits/EX-0001/", "")
    }

    fn name_with(&self, start: &str, end: &str) -> String {
        let fits = |name: &&String| name.starts_with(start) && name.ends_with(end);
        let found = self.objects.iter().map(|(name, _)| name).find(fits);
        found.unwrap_or_else(|| panic!("nothing is named `{start}…{end}`")).clone()
    }
}

fn take(objects: &Objects, name: &str) -> Vec<u8> {
    let found = objects.iter().find(|(found, _)| found == name);
    found.unwrap_or_else(|| panic!("no `{name}`")).1.clone()
}

fn set(objects: &mut Objects, name: &str, bytes: Vec<u8>) {
    let place = objects.iter_mut().find(|(found, _)| found == name);
    place.unwrap_or_else(|| panic!("no `{name}`")).1 = bytes;
}

fn read_bundle(made: &Made) -> Objects {
    read(&made.path("bundle.asice"))
}

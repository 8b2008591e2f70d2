//! Containers and packages put together by hand, with `openssl`, `zip`, `sha256sum` and `age` alone.
//!
//! May start these tools and write below the office's folder. Uses no code of ours.

use crate::office::{Office, write};
use crate::tools::{run, text};
use std::fs;
use std::path::{Path, PathBuf};

/// A folder that becomes a container.
pub struct ByHand {
    /// Where its files lie.
    pub folder: PathBuf,
}

impl ByHand {
    /// An empty folder in the office's own.
    ///
    /// # Panics
    /// If it can't be made.
    #[must_use]
    pub fn new(office: &Office, name: &str) -> Self {
        let folder = office.path(name);
        fs::create_dir_all(folder.join("META-INF")).unwrap_or_else(|error| panic!("{name}: {error}"));
        Self { folder }
    }

    /// Adds a file.
    #[track_caller]
    pub fn add(&self, name: &str, content: &[u8]) {
        write(&self.folder.join(name), content);
    }

    /// Encrypts `content` for `recipient` with `age` as `data/NAME.age`, and adds the line of its digest to
    /// `exhibits-sha256.txt` as `sha256sum` prints it.
    #[track_caller]
    pub fn add_exhibit(&self, office: &Office, recipient: &str, name: &str, content: &[u8]) {
        let plain = office.path("plain").join(name);
        write(&plain, content);
        fs::create_dir_all(self.folder.join("data")).unwrap_or_else(|error| panic!("data: {error}"));
        let sealed = self.folder.join(format!("data/{name}.age"));
        run("age", &["-r", recipient, "-o", text(&sealed), text(&plain)], &self.folder).succeeds();
        let line = run("sha256sum", &[name], &office.path("plain")).succeeds().output();
        let list = self.folder.join("exhibits-sha256.txt");
        let before = fs::read_to_string(&list).unwrap_or_default();
        write(&list, format!("{before}{line}").as_bytes());
    }

    /// Writes `META-INF/ASiCManifest.xml` over `names` and signs it with `openssl cms`, as CAdES.
    #[track_caller]
    pub fn sign(&self, office: &Office, names: &[&str]) {
        let reference = |name: &&str| {
            let arguments = ["dgst", "-sha256", "-binary", "-out", "../digest", *name];
            run("openssl", &arguments, &self.folder).succeeds();
            let digest = run("openssl", &["base64", "-in", "../digest"], &self.folder).succeeds().output();
            format!(
                "<asic:DataObjectReference URI=\"{name}\"><ds:DigestMethod \
                 Algorithm=\"http://www.w3.org/2001/04/xmlenc#sha256\"/><ds:DigestValue>{}</ds:DigestValue>\
                 </asic:DataObjectReference>",
                digest.trim()
            )
        };
        let references: String = names.iter().map(reference).collect();
        let manifest = format!(
            "<asic:ASiCManifest xmlns:ds=\"http://www.w3.org/2000/09/xmldsig#\" \
             xmlns:asic=\"http://uri.etsi.org/02918/v1.2.1#\"><asic:SigReference \
             URI=\"META-INF/signature.p7s\" MimeType=\"application/pkcs7-signature\"/>{references}</asic:ASiCManifest>"
        );
        self.add("META-INF/ASiCManifest.xml", manifest.as_bytes());
        self.sign_manifest(office, &["-cades", "-md", "sha256"]);
    }

    /// Signs the manifest that lies there.
    #[track_caller]
    pub fn sign_manifest(&self, office: &Office, options: &[&str]) {
        let (key, signer, chain) =
            (office.path("signer.key"), office.path("signer.pem"), office.path("chain.pem"));
        let mut arguments = vec!["cms", "-sign", "-binary", "-outform", "DER"];
        arguments.extend(["-in", "META-INF/ASiCManifest.xml", "-out", "META-INF/signature.p7s"]);
        arguments.extend(["-signer", text(&signer), "-inkey", text(&key), "-certfile", text(&chain)]);
        arguments.extend(options);
        run("openssl", &arguments, &self.folder).succeeds();
    }

    /// Zips the folder with `zip` and these options.
    #[track_caller]
    pub fn zip(&self, container: &Path, options: &[&str]) {
        if container.exists() {
            fs::remove_file(container).unwrap_or_else(|error| panic!("{}: {error}", container.display()));
        }
        let mut arguments = vec!["-q", "-r"];
        arguments.extend(options);
        arguments.extend([text(container), "."]);
        run("zip", &arguments, &self.folder).succeeds();
    }
}

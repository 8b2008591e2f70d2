//! Chapters 7 to 9: the provider seals and sends, the authority relays what it can't read, the requesting officer
//! receives, verifies and opens.

use super::answer::Order;
use super::request::Request;
use super::{Day, text};
use crate::demo::disk;
use crate::demo::process::{DONE, NOT_VERIFIED};
use crate::say;
use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

/// The package, as all three name it.
pub(super) struct Package {
    pub(super) id: String,
}

/// The package as the provider made it.
const SEALED: &str = "nistru-evidence.asice";
/// The package as it arrived.
pub(super) const RECEIVED: &str = "received.asice";
const OPENED: &str = "opened";
const ORDERS: &str = "nistru-order";

impl Day<'_> {
    pub(super) fn produce(&self, order: &Order) -> anyhow::Result<Package> {
        self.chapter(7, "The provider seals the evidence and sends it");
        let (provider, authority) = (&self.cast.provider, &self.cast.requested);
        let agent = (provider, provider.officer("provider-agent")?);
        say::paragraph(&format!(
            "{} takes order and recipients from the order itself, seals every exhibit on her own machine, and verifies \
             what she made. The provider's own recovery key is added, for the day it must show what it sent. The server \
             will see ciphertext only.",
            agent.1.name
        ));
        let number = order.shared_number.as_str();
        let exported = self.asks(agent, &["order", "export", number, "-o", ORDERS])?;
        let document = order_document(&exported)?;
        let exhibits: Vec<String> =
            self.evidence.paths.iter().map(|path| path.to_string_lossy().into_owned()).collect();
        let mut seal = vec!["package", "seal", "--order-document", document];
        seal.extend(["--reference", provider.reference, "-o", SEALED]);
        if self.evidence.each {
            seal.push("--each");
        }
        seal.extend(exhibits.iter().map(String::as_str));
        self.acts(agent, &seal, DONE)?;
        let anchors = format!("{}/anchors.pem", provider.profile(agent.1));
        self.anybody(&["package", "verify", SEALED, "--trust", &anchors], DONE)?;

        say::paragraph(&format!(
            "The officers of {} are no recipients: with their own key the contents stay closed.",
            authority.name
        ));
        let outsider = format!("{}/identity.txt", authority.profile(authority.officer("evidence-officer")?));
        self.anybody(
            &["package", "verify", SEALED, "--identity", &outsider, "--trust", &anchors],
            NOT_VERIFIED,
        )?;

        say::paragraph(
            "She sends it. Her server adds the institution's seal; the receipt comes back when every byte is safe there.",
        );
        let sent = self.asks(agent, &["package", "send", SEALED, "--order", number, "--yes"])?;
        // Receipted: it lies in both vaults.
        self.let_go(SEALED)?;
        Ok(Package { id: text(&sent, "package_id")?.to_owned() })
    }

    pub(super) fn relay_and_receive(&self, request: &Request, package: &Package) -> anyhow::Result<()> {
        self.chapter(8, "The evidence travels home");
        let (requested, requesting) = (&self.cast.requested, &self.cast.requesting);
        let relaying = (requested, requested.officer("evidence-officer")?);
        let receiving = (requesting, requesting.officer("evidence-officer")?);
        let number = request.shared_number.as_str();
        say::paragraph(&format!(
            "{} passes the package on, byte for byte, with a relay receipt; {} fetches it.",
            relaying.1.name, receiving.1.name
        ));
        self.acts(relaying, &["package", "list", number], DONE)?;
        self.acts(relaying, &["package", "relay", &package.id, "--yes"], DONE)?;
        let listed = self.acts(receiving, &["package", "list", number], DONE)?;
        ensure!(listed.text.contains(&package.id), "the package has another id at {}", requesting.party);
        self.acts(receiving, &["package", "receive", &package.id, "-o", RECEIVED], DONE)?;
        self.decide_in_part(request)
    }

    pub(super) fn open(&self) -> anyhow::Result<()> {
        self.chapter(9, "The evidence is verified and opened");
        let authority = &self.cast.requesting;
        let officer = authority.officer("evidence-officer")?;
        let identity = format!("{}/identity.txt", authority.profile(officer));
        say::paragraph(
            "Anybody can check signature, seal and every digest without a key, offline. What is trusted is what two \
             entries say: the other authority's, confirmed in chapter 1, and the provider's, whose fingerprint that \
             authority told; and nothing that comes with the package.",
        );
        let [one, other] = [self.cast.requested.entry_file(), self.cast.provider.entry_file()];
        let trust = ["--trust", one.as_str(), "--trust", other.as_str()];
        let verify = ["package", "verify", RECEIVED];
        self.anybody(&[&verify[..], &trust, &["--require", "seal"]].concat(), DONE)?;
        say::paragraph(&format!(
            "With her key, {} also has the contents checked, and opens them.",
            officer.name
        ));
        let with_key = ["--identity", identity.as_str()];
        self.anybody(&[&verify[..], &with_key, &trust, &["--require", "seal,contents"]].concat(), DONE)?;
        let open = ["package", "open", RECEIVED];
        self.anybody(&[&open[..], &with_key, &trust, &["-o", OPENED]].concat(), DONE)?;

        say::paragraph(
            "Beside the files lies a list of digests that everybody's tools read; and this program compares every file \
             opened with its original, byte by byte.",
        );
        self.shell
            .run(&["env", "-C", OPENED, "sha256sum", "--check", "--quiet", "manifest-sha256.txt"], DONE)?;
        if self.evidence.each {
            self.compare_each()?;
        } else {
            self.compare_exhibits()?;
        }
        self.let_go(OPENED)
    }

    /// Compares every exhibit with what it was opened to.
    fn compare_exhibits(&self) -> anyhow::Result<()> {
        let (mut files, mut bytes) = (0, 0);
        for (number, exhibit) in self.evidence.paths.iter().enumerate() {
            let original = self.shell.work.join(exhibit);
            let opened = self.opened(number + 1, exhibit)?;
            let (more_files, more_bytes) = disk::compare(&original, &opened)?;
            files += more_files;
            bytes += more_bytes;
        }
        let exhibits = self.evidence.paths.len();
        say::line(&format!(
            "    exhibits: {exhibits}, files: {files}, {} ({bytes} bytes): all the same",
            say::size(bytes)
        ));
        Ok(())
    }

    /// Compares every file below the exhibits' folders with the file of its name that was opened. Several may have
    /// one name; each original finds one that nobody else found.
    fn compare_each(&self) -> anyhow::Result<()> {
        let opened_root = self.shell.work.join(OPENED);
        let mut opened: BTreeMap<OsString, Vec<PathBuf>> = BTreeMap::new();
        for (path, kind) in disk::tree(&opened_root)? {
            let exhibit = path.components().next().map(|one| one.as_os_str().to_string_lossy().into_owned());
            if matches!(kind, disk::Kind::File { .. }) && exhibit.is_some_and(|name| name.starts_with("EX-"))
            {
                let name = path.file_name().context("a file has a name")?.to_owned();
                opened.entry(name).or_default().push(opened_root.join(path));
            }
        }
        let (mut files, mut bytes) = (0, 0);
        for exhibit in self.evidence.paths {
            let root = self.shell.work.join(exhibit);
            for (path, kind) in disk::tree(&root)? {
                if !matches!(kind, disk::Kind::File { .. }) {
                    continue;
                }
                let original = if path.as_os_str().is_empty() { root.clone() } else { root.join(path) };
                let name = original.file_name().context("a file has a name")?;
                let candidates = opened
                    .get_mut(name)
                    .with_context(|| format!("`{}` was not opened", original.display()))?;
                let same = candidates.iter().position(|one| disk::compare(&original, one).is_ok());
                let same = same.with_context(|| format!("nothing opened equals `{}`", original.display()))?;
                bytes += disk::compare(&original, &candidates.swap_remove(same))?.1;
                files += 1;
            }
        }
        let left: usize = opened.values().map(Vec::len).sum();
        ensure!(left == 0, "{left} files were opened that nobody sent");
        say::line(&format!(
            "    exhibits: {files}, each a file, {} ({bytes} bytes): all the same",
            say::size(bytes)
        ));
        Ok(())
    }

    /// Where an exhibit was opened to.
    fn opened(&self, number: usize, exhibit: &Path) -> anyhow::Result<PathBuf> {
        let name = exhibit.file_name().with_context(|| format!("`{}` has no name", exhibit.display()))?;
        let place = self.shell.work.join(OPENED).join(format!("EX-{number:04}")).join(name);
        if fs::symlink_metadata(&place).is_err() {
            bail!("`{}` was not opened to `{}`", exhibit.display(), place.display());
        }
        Ok(place)
    }
}

/// The order's container among the files exported.
fn order_document(exported: &Value) -> anyhow::Result<&str> {
    let files = exported["files"].as_array().context("`order export` names no files")?;
    let order = files.iter().find(|file| file["what"] == "document" && file["kind"] == "order");
    order.and_then(|file| file["file"].as_str()).context("`order export` wrote no order")
}

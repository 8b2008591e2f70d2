//! Chapters 12 to 15: what others' tools say, what the custody logs prove, what a court gets, what a flipped bit costs.

use super::Day;
use super::answer::Order;
use super::evidence::RECEIVED;
use super::preservation::Preserved;
use super::request::Request;
use crate::demo::cast::Institution;
use crate::demo::process::{DONE, NOT_VERIFIED, copy_with_flipped_bit};
use crate::say;
use anyhow::{Context as _, ensure};
use std::fs;

const DAMAGED: &str = "damaged.asice";
const UNZIPPED: &str = "unzipped";
const BUNDLE: &str = "court-bundle.asice";
const REPORT: &str = "court-report.pdf";

impl Day<'_> {
    pub(super) fn sceptic(&self) -> anyhow::Result<()> {
        self.chapter(12, "An expert who trusts none of our programs");
        if let Some(missing) = ["unzip", "openssl"].into_iter().find(|tool| !is_installed(tool)) {
            say::paragraph(&format!("`{missing}` is not installed here; this chapter is left out."));
            return Ok(());
        }
        say::paragraph(
            "The same package with everyday tools: it unzips to a folder, the digests are a list that `sha256sum` reads, \
             and both signatures are what `openssl` verifies against the State's own anchor. What was signed is a list \
             in XML; so he also makes sure that it names these very files.",
        );
        self.shell.run(&["unzip", "-q", "-d", UNZIPPED, RECEIVED], DONE)?;
        for list in ["manifest-sha256.txt", "tagmanifest-sha256.txt"] {
            self.shell.run(&["env", "-C", UNZIPPED, "sha256sum", "--check", "--quiet", list], DONE)?;
        }
        let anchor = format!("{}/anchor.pem", self.cast.provider.country_ca);
        for number in ["001", "002"] {
            let signature = format!("{UNZIPPED}/META-INF/signature{number}.p7s");
            let content = format!("{UNZIPPED}/META-INF/ASiCManifest{number}.xml");
            let mut command = vec!["openssl", "cms", "-verify", "-cades", "-binary", "-inform", "DER"];
            command.extend([
                "-in",
                &signature,
                "-content",
                &content,
                "-CAfile",
                &anchor,
                "-out",
                "/dev/null",
            ]);
            self.shell.run(&command, DONE)?;
        }
        // Without this link anybody could write new lists of digests beside the old signatures.
        for (file, signed_list) in [
            ("manifest-sha256.txt", "ASiCManifest001.xml"),
            ("tagmanifest-sha256.txt", "ASiCManifest001.xml"),
            ("META-INF/ASiCManifest001.xml", "ASiCManifest002.xml"),
            ("META-INF/signature001.p7s", "ASiCManifest002.xml"),
        ] {
            let found = format!(
                "grep -qF \"$(openssl dgst -sha256 -binary {UNZIPPED}/{file} | openssl base64)\" {UNZIPPED}/META-INF/{signed_list}"
            );
            self.shell.run(&["sh", "-c", &found], DONE)?;
        }
        self.let_go(UNZIPPED)?;
        Ok(())
    }

    pub(super) fn custody(
        &self,
        request: &Request,
        preserved: &Preserved,
        order: &Order,
    ) -> anyhow::Result<()> {
        self.chapter(13, "What the custody logs prove");
        say::paragraph(
            "Every step stands in the log of each institution that took part. A record of the case, with proofs, is \
             checked offline against the log key in the institution's entry: a missing, changed or inserted entry \
             would be named.",
        );
        let (requesting, requested, provider) =
            (&self.cast.requesting, &self.cast.requested, &self.cast.provider);
        let auditor = requesting.officer("auditor")?;
        self.acts((requesting, auditor), &["custody", "show", &request.shared_number], DONE)?;
        for institution in [requesting, requested] {
            self.record(institution, "preservation", &preserved.shared_number)?;
            self.record(institution, "request", &request.shared_number)?;
        }
        self.record(provider, "order", &order.shared_number)
    }

    fn record(&self, institution: &Institution, what: &str, case: &str) -> anyhow::Result<()> {
        let file = format!("{}-{what}-custody.json", institution.folder);
        self.acts(
            (institution, institution.officer("auditor")?),
            &["custody", "export", case, "-o", &file],
            DONE,
        )?;
        self.anybody(&["custody", "verify", &file, "--trust", &institution.entry_file()], DONE).map(drop)
    }

    pub(super) fn court(&self, request: &Request) -> anyhow::Result<()> {
        self.chapter(14, "For the court");
        say::paragraph(
            "The officer makes one file for the court: the first exhibit in the clear, the request, the receipts, the custody \
             record with its proofs, and pages that say how to check all of it without our software. Whoever verifies it trusts \
             nothing in it, but the entries that he was given by another way. The other exhibits are not in it.",
        );
        let (requesting, provider) = (&self.cast.requesting, &self.cast.provider);
        let seals = provider.entry_file();
        let mut export = vec!["custody", "export", &request.shared_number, "--exhibit", "EX-0001"];
        export.extend(["--package", RECEIVED, "--trust", &seals, "-o", BUNDLE]);
        self.acts((requesting, requesting.officer("evidence-officer")?), &export, DONE)?;
        let entries = [requesting.entry_file(), self.cast.requested.entry_file(), seals];
        let mut verify = vec!["package", "verify", BUNDLE, "--report", REPORT, "--require", "custody"];
        verify.extend(entries.iter().flat_map(|entry| ["--trust", entry]));
        self.anybody(&verify, DONE)?;
        self.let_go(BUNDLE)
    }

    pub(super) fn tampering(&self) -> anyhow::Result<()> {
        self.chapter(15, "One flipped bit");
        let original = self.shell.work.join(RECEIVED);
        let at = fs::metadata(&original).with_context(|| format!("cannot read `{RECEIVED}`"))?.len() / 2;
        say::paragraph(&format!(
            "In a copy of the package this program flips one bit, at byte {at}. The verdict must be 4, and name the part."
        ));
        copy_with_flipped_bit(&original, &self.shell.work.join(DAMAGED), at)?;
        let [one, other] = [self.cast.requested.entry_file(), self.cast.provider.entry_file()];
        let verify = ["package", "verify", DAMAGED, "--trust", &one, "--trust", &other];
        let verdict = self.anybody(&verify, NOT_VERIFIED)?;
        ensure!(
            verdict.code == 4 && verdict.text.contains("data/EX-"),
            "the verdict does not name the damaged part"
        );
        self.let_go(DAMAGED)
    }
}

/// Whether a program is on the path.
fn is_installed(program: &str) -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join(program).is_file())
}

//! Chapter 2: before anything is asked for, the data are preserved; with the extension and the release that later
//! chapters tell of.

use super::{Day, text};
use crate::demo::cast::{Institution, Officer};
use crate::demo::process::{DONE, REFUSED};
use crate::say;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

/// The preservation, as both sides name it.
pub(super) struct Preserved {
    pub(super) shared_number: String,
    /// What the request that follows it says of it.
    pub(super) facts: Value,
}

const FACTS: &str = "preservation-facts.json";
/// The requesting office's file number for it.
const REFERENCE: &str = "UKCA/24-7/2026-1188";
/// The requested office's.
const THEIR_REFERENCE: &str = "PG-MD/24-7/2026-0611";

impl Day<'_> {
    pub(super) fn preserve(&self) -> anyhow::Result<Preserved> {
        self.chapter(2, "First the data are preserved");
        let (requesting, requested) = (&self.cast.requesting, &self.cast.requested);
        let (drafter, approver) = (requesting.officer("drafter")?, self.second(requesting)?);
        say::paragraph(&format!(
            "A request for evidence takes days to write, and data can be gone in hours. So the 24/7 point of contact in \
             {} first asks that in {} to preserve them: Convention on Cybercrime, Art. 29. No dual criminality is \
             needed for it, and no evidence moves. The paper is in English with French beside it; {} drafts, {} approves.",
            requesting.state, requested.state, drafter.name, approver.name
        ));
        let mut facts = Self::sample(self.cast.preservation_facts)?;
        facts["our_reference"] = json!(REFERENCE);
        facts["contact"] = requesting.contact();
        self.write(FACTS, &facts)?;
        let mut draft = vec!["preservation", "request", "--template", self.cast.preservation_template];
        draft.extend(["--facts", FACTS, "--to", requested.party, "--beside", "fr"]);
        let drafted = self.asks((requesting, drafter), &draft)?;
        let shared_number = text(&drafted, "shared_number")?.to_owned();
        let number = shared_number.as_str();
        self.approved_and_transmitted(requesting, approver, ("preservation", number))?;

        let officer = requested.officer("drafter")?;
        say::paragraph(&format!(
            "In {}, {} sees to it that the provider keeps the data, and confirms: until when stands in a document with \
             the office's seal. Less than the sixty days of Art. 29(7) the program does not let him promise.",
            requested.state, officer.name
        ));
        let contact = self.contact(requested)?;
        let confirm = |days| {
            let mut words = vec!["preservation", "confirm", number, "--days", days, "--reference"];
            words.extend([THEIR_REFERENCE, "--facts", contact.as_str(), "--yes"]);
            words
        };
        let early = self.acts((requested, officer), &confirm("30"), REFUSED)?;
        ensure!(early.text.contains("29"), "the refusal of thirty days does not name the article");
        self.acts((requested, officer), &confirm("60"), DONE)?;
        self.preservation_is((requesting, drafter), number, "confirmed")?;
        let shown = self.asks((requesting, drafter), &["preservation", "show", number])?;
        let facts = json!({
            "requested": true,
            "reference": REFERENCE,
            "requested_time": text(&shown, "received_time")?,
            "authority": format!("{} to {}", requesting.name, requested.name),
        });
        Ok(Preserved { shared_number, facts })
    }

    /// The extension, told in the chapter on the postponement.
    pub(super) fn extend(&self, preserved: &Preserved) -> anyhow::Result<()> {
        let (requesting, requested) = (&self.cast.requesting, &self.cast.requested);
        let number = preserved.shared_number.as_str();
        let extend =
            ["preservation", "extend", number, "--days", "60", "--reason", "Execution is postponed."];
        self.two_officers(requesting, &extend, ("preservation", number))?;
        let officer = (requested, requested.officer("drafter")?);
        let contact = self.contact(requested)?;
        let confirm = ["preservation", "confirm", number, "--days", "60", "--facts", &contact, "--yes"];
        self.acts(officer, &confirm, DONE)?;
        self.preservation_is((requesting, requesting.officer("drafter")?), number, "extended")
    }

    /// The release, told in the chapter on the closing.
    pub(super) fn release(&self, preserved: &Preserved) -> anyhow::Result<()> {
        let (requesting, requested) = (&self.cast.requesting, &self.cast.requested);
        let number = preserved.shared_number.as_str();
        let release = ["preservation", "release", number, "--reason", "The data were produced and verified."];
        self.two_officers(requesting, &release, ("preservation", number))?;
        self.preservation_is((requested, requested.officer("drafter")?), number, "released")
    }

    /// Lists the preservations of an office and makes sure of the stage of one.
    fn preservation_is(
        &self,
        who: (&Institution, &Officer),
        number: &str,
        stage: &str,
    ) -> anyhow::Result<()> {
        let listed = self.acts(who, &["preservation", "list"], DONE)?;
        let row = listed.text.lines().find(|row| row.contains(number));
        let row = row.with_context(|| format!("{} does not list the preservation", who.0.party))?;
        ensure!(row.contains(stage), "{} does not show the preservation as {stage}", who.0.party);
        Ok(())
    }
}

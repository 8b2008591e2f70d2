//! Chapter 11: two small matters. One goes on to the competent authority, which refuses it; one is withdrawn.

use super::request::Request;
use super::{Day, text};
use crate::demo::process::DONE;
use crate::say;
use anyhow::ensure;
use serde_json::{Value, json};

/// An account that turns out to be a newspaper's.
const NEWSPAPER: &str = "gazeta.orhei (user id 55120094)";
/// A number that turns out to be misread.
const MISREAD: &str = "+373 600 00 471";
const REFUSAL_FACTS: &str = "refusal-facts.json";

impl Day<'_> {
    pub(super) fn small_matters(&self, first: &Request) -> anyhow::Result<()> {
        self.chapter(11, "A matter forwarded and refused, another withdrawn");
        self.forwarded_and_refused(first)?;
        self.withdrawn(first)
    }

    fn forwarded_and_refused(&self, first: &Request) -> anyhow::Result<()> {
        let (requesting, requested, competent) =
            (&self.cast.requesting, &self.cast.requested, &self.cast.competent);
        say::paragraph(&format!(
            "The evidence names a second account. The request about it reaches {}, which is not competent: it passes it \
             on, as it was signed, to {}, and tells the requesting authority. The day on which it first arrived is kept.",
            requested.name, competent.name
        ));
        let number = self.small_request(first, "account", NEWSPAPER, "UKCA/2026/TIP-0417-2")?;
        let number = number.as_str();
        let contact = self.contact(requested)?;
        let mut forward = vec!["request", "forward", number, "--to", competent.party];
        forward.extend(["--reason", "The account was opened and is used in the district of Orhei."]);
        forward.extend(["--reference", "PG-MD/24-2/2026-3402", "--facts", &contact, "--yes"]);
        self.acts((requested, requested.officer("drafter")?), &forward, DONE)?;

        say::paragraph(&format!(
            "The account is that of a newspaper. {} refuses, on a ground from a fixed list and with its reason; the \
             requesting authority notes it and closes.",
            competent.name
        ));
        let officer = (competent, competent.officer("drafter")?);
        self.acts(officer, &["request", "show", number], DONE)?;
        let facts = json!({ "contact": competent.contact(), "provisions": "ETS 030, Art. 5(1)(c)" });
        self.write(REFUSAL_FACTS, &facts)?;
        let mut refuse = vec!["request", "refuse", number, "--ground", "R03-domestic-prohibition"];
        refuse.extend([
            "--reason",
            "The account is a newspaper's; our law lets nobody search its messages with sources.",
        ]);
        refuse.extend(["--reference", competent.reference, "--facts", REFUSAL_FACTS, "--beside", "fr"]);
        self.two_officers(competent, &refuse, ("request", number))?;
        let asker = (requesting, requesting.officer("drafter")?);
        let shown = self.acts(asker, &["request", "show", number], DONE)?;
        for word in ["refused", "R03-domestic-prohibition", competent.party] {
            ensure!(shown.text.contains(word), "{} does not show `{word}`", requesting.party);
        }
        self.acts(asker, &["request", "close", number, "--yes"], DONE).map(drop)
    }

    fn withdrawn(&self, first: &Request) -> anyhow::Result<()> {
        let (requesting, requested) = (&self.cast.requesting, &self.cast.requested);
        say::paragraph(
            "A third request asks about a telephone number, which the police had misread. It is withdrawn, again by two \
             officers, before anybody acts on it.",
        );
        let number = self.small_request(first, "telephone", MISREAD, "UKCA/2026/TIP-0417-3")?;
        let number = number.as_str();
        let withdraw =
            ["request", "withdraw", number, "--reason", "The number was misread in the police report."];
        self.two_officers(requesting, &withdraw, ("request", number))?;
        for institution in [requesting, requested] {
            let shown = self.acts(
                (institution, institution.officer("drafter")?),
                &["request", "show", number],
                DONE,
            )?;
            ensure!(shown.text.contains("withdrawn"), "{} does not show the withdrawal", institution.party);
        }
        Ok(())
    }

    /// Drafts, approves and transmits a request about one identifier; answers its number.
    fn small_request(
        &self,
        first: &Request,
        kind: &str,
        identifier: &str,
        reference: &str,
    ) -> anyhow::Result<String> {
        let (requesting, requested) = (&self.cast.requesting, &self.cast.requested);
        let mut facts: Value = first.facts.clone();
        facts["our_reference"] = json!(reference);
        let mut one = facts["identifiers"][0].take();
        one["type"] = json!(kind);
        one["value"] = json!(identifier);
        facts["identifiers"] = json!([one]);
        if let Some(fields) = facts.as_object_mut() {
            fields.insert("preservation".to_owned(), json!({ "requested": false }));
        }
        let file = format!("facts-{kind}.json");
        self.write(&file, &facts)?;
        let mut draft = vec!["request", "draft", "--template", self.cast.template, "--facts", &file];
        draft.extend(["--to", requested.party]);
        let drafted = self.asks((requesting, requesting.officer("drafter")?), &draft)?;
        let number = text(&drafted, "shared_number")?.to_owned();
        self.approved_and_transmitted(requesting, self.second(requesting)?, ("request", &number))?;
        Ok(number)
    }
}

//! Chapter 3: the request is drafted, found wanting, drafted again, approved by a second person, transmitted.

use super::preservation::Preserved;
use super::set_up::Entries;
use super::{Day, text};
use crate::demo::process::{DONE, FAILED, REFUSED};
use crate::say;
use anyhow::{Context as _, bail, ensure};
use serde_json::{Value, json};

/// The request, as both sides name it.
pub(super) struct Request {
    pub(super) shared_number: String,
    /// The identifiers it asks about, as the facts write them.
    pub(super) identifiers: Vec<Value>,
    /// Its facts.
    pub(super) facts: Value,
}

const FACTS: &str = "facts.json";
const INCOMPLETE: &str = "facts-incomplete.json";

impl Day<'_> {
    pub(super) fn request(&self, entries: &Entries, preserved: &Preserved) -> anyhow::Result<Request> {
        self.chapter(3, "The request follows up on it");
        let authority = &self.cast.requesting;
        let (drafter, approver) = (authority.officer("drafter")?, self.second(authority)?);
        say::paragraph(&format!(
            "{}, in {}, needs chat content held by a provider in {}. Legal basis:",
            drafter.name, authority.state, self.cast.requested.state
        ));
        for sentence in self.cast.basis {
            say::paragraph(&format!("· {sentence}"));
        }
        let facts = self.write_facts(entries, preserved)?;

        let forgotten: Vec<&str> = self.cast.forgotten.iter().map(|(_, words)| *words).collect();
        say::paragraph(&format!(
            "The first draft lacks {}. The check names each gap, with the rule that asks for it, before anything \
             leaves the office; the draft is refused.",
            forgotten.join(", ")
        ));
        let template = self.cast.template;
        let check = ["request", "check", "--template", template, "--facts", INCOMPLETE];
        let named = self.anybody(&check, FAILED)?;
        for (pointer, _) in self.cast.forgotten {
            let field = pointer.rsplit('/').next().unwrap_or(pointer);
            ensure!(named.text.contains(field), "`request check` does not name the missing `{field}`");
        }
        let number = preserved.shared_number.as_str();
        let draft = |facts| {
            let follow_up = ["preservation", "follow-up", number, "--template", template, "--facts", facts];
            [&follow_up[..], &["--beside", "fr"]].concat()
        };
        self.acts((authority, drafter), &draft(INCOMPLETE), FAILED)?;

        say::paragraph(
            "With the gaps closed it is drafted: the data, the paper made from it, and her signature over both. It names \
             the preservation, which from now on does not lapse while the request is undecided.",
        );
        self.anybody(&["request", "check", "--template", template, "--facts", FACTS], DONE)?;
        let drafted = self.asks((authority, drafter), &draft(FACTS))?;
        let shared_number = text(&drafted, "shared_number")?.to_owned();

        say::paragraph(&format!(
            "Nobody approves her own draft, though she may approve her colleagues'; and nothing unapproved leaves. {} \
             approves: his program renders the paper again from the data and compares before he signs.",
            approver.name
        ));
        self.acts((authority, drafter), &["request", "approve", &shared_number], REFUSED)?;
        self.acts((authority, drafter), &["request", "transmit", &shared_number, "--yes"], REFUSED)?;
        self.acts((authority, approver), &["request", "approve", &shared_number], DONE)?;

        say::paragraph(&format!(
            "{} transmits. The server seals the request, notes it in the custody log, and delivers it; the receipt \
             sealed in {} is back in the same call.",
            drafter.name, self.cast.requested.state
        ));
        self.acts((authority, drafter), &["request", "transmit", &shared_number, "--yes"], DONE)?;
        let identifiers = facts["identifiers"].as_array().into_iter().flatten();
        let identifiers = identifiers.map(|one| one["value"].clone()).collect();
        Ok(Request { shared_number, identifiers, facts })
    }

    /// Writes the facts twice: whole, with the keys of this demonstration's officers, and with gaps. Answers the whole.
    fn write_facts(&self, entries: &Entries, preserved: &Preserved) -> anyhow::Result<Value> {
        let mut facts = Self::sample(self.cast.facts)?;
        let authority = &self.cast.requesting;
        let evidence_officer = authority.officer("evidence-officer")?;

        say::paragraph(&format!(
            "The evidence is to be sealed for {} and for the office's recovery key, which lies offline; their age \
             recipients, classical and post-quantum, as the office's entry publishes them, stand in the request.",
            evidence_officer.name
        ));
        let entry = entries.get(authority.party).context("the office's entry was not exported")?;
        let officer = format!("{}/officer/{}", authority.party, evidence_officer.id);
        let hers = recipients(entry, Some(evidence_officer.id))?.into_iter().map(|key| (Some(&officer), key));
        let recovery = recipients(entry, None)?.into_iter().map(|key| (None, key));
        facts["recipients"] = hers
            .chain(recovery)
            .map(|(officer, key)| json!({ "institution": authority.party, "officer": officer, "recipient": key }))
            .collect();
        facts["our_reference"] = json!(authority.reference);
        // Its number `follow-up` fills in.
        facts["preservation"] = preserved.facts.clone();
        self.write(FACTS, &facts)?;
        let whole = facts.clone();
        for (pointer, _) in self.cast.forgotten {
            remove(&mut facts, pointer)?;
        }
        self.write(INCOMPLETE, &facts)?;
        Ok(whole)
    }
}

/// The age recipients that an entry publishes for an officer, or for the office's recovery.
fn recipients<'a>(entry: &'a Value, officer: Option<&str>) -> anyhow::Result<Vec<&'a str>> {
    let purpose = if officer.is_some() { "officer" } else { "recovery" };
    let published: Vec<&str> = entry["recipients"]
        .as_array()
        .into_iter()
        .flatten()
        .filter(|one| one["purpose"] == purpose && one["officer"].as_str() == officer)
        .filter_map(|one| one["recipient"].as_str())
        .collect();
    ensure!(!published.is_empty(), "the entry publishes no recipient for {}", officer.unwrap_or("recovery"));
    Ok(published)
}

/// Removes what a JSON pointer names.
fn remove(facts: &mut Value, pointer: &str) -> anyhow::Result<()> {
    let (parent, key) = pointer.rsplit_once('/').context("a pointer begins with `/`")?;
    match facts.pointer_mut(parent).and_then(Value::as_object_mut).and_then(|object| object.remove(key)) {
        Some(_) => Ok(()),
        None => bail!("the sample of facts has nothing at `{pointer}`"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recipient_is_found_by_its_purpose() {
        let entry = json!({"recipients": [
            {"purpose": "officer", "officer": "a", "recipient": "age1a"},
            {"purpose": "officer", "officer": "a", "recipient": "age1pq1a"},
            {"purpose": "recovery", "officer": null, "recipient": "age1r"},
        ]});
        assert_eq!(recipients(&entry, Some("a")).expect("published"), ["age1a", "age1pq1a"]);
        assert_eq!(recipients(&entry, None).expect("published"), ["age1r"]);
        assert!(recipients(&entry, Some("b")).is_err());
        assert!(recipients(&json!({}), None).is_err());
    }

    #[test]
    fn what_is_forgotten_is_gone() {
        let mut facts = json!({"a": [{"b": 1, "c": 2}]});
        remove(&mut facts, "/a/0/b").expect("there");
        assert_eq!(facts, json!({"a": [{"c": 2}]}));
        assert!(remove(&mut facts, "/a/1/b").is_err());
    }
}

//! Chapters 3 and 7: the requested authority acknowledges, orders the provider, and decides; the requesting closes.

use super::evidence::RECEIVED;
use super::request::Request;
use super::{Day, text};
use crate::demo::cast::Institution;
use crate::demo::process::DONE;
use crate::say;
use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

const ORDER_FACTS: &str = "order-facts.json";
const EXECUTION_FACTS: &str = "execution-facts.json";
const EXECUTION_SAMPLE: &str = "templates/common/execution/en/example.json";
const CLOSING_FACTS: &str = "closing-facts.json";

/// The order, as authority and provider name it.
pub(super) struct Order {
    pub(super) shared_number: String,
}

impl Day<'_> {
    pub(super) fn order(&self, request: &Request) -> anyhow::Result<Order> {
        self.chapter(3, "Acknowledgement, and the order to the provider");
        let (authority, provider) = (&self.cast.requested, &self.cast.provider);
        let (drafter, approver) = (authority.officer("drafter")?, authority.officer("approver")?);
        let agent = provider.officer("provider-agent")?;
        let request = request.shared_number.as_str();

        say::paragraph(&format!(
            "In {}, {} finds the request and acknowledges it under the office's own file number.",
            authority.state, drafter.name
        ));
        self.acts((authority, drafter), &["request", "list"], DONE)?;
        self.acts((authority, drafter), &["request", "show", request], DONE)?;
        let contact = self.contact(authority)?;
        let acknowledge =
            ["request", "acknowledge", request, "--reference", authority.reference, "--facts", &contact];
        self.acts((authority, drafter), &acknowledge, DONE)?;

        say::paragraph(&format!(
            "{} may order a provider under its own law only: the order is its own document, drafted by {}, approved by \
             {}. It quotes the request by number and digest, and copies who may open the data, so that the provider \
             seals for them and nobody between can read it.",
            authority.name, drafter.name, approver.name
        ));
        self.write_order_facts()?;
        let draft = ["order", "draft", request, "--to", provider.party, "--facts", ORDER_FACTS];
        let drafted = self.asks((authority, drafter), &draft)?;
        let order = Order { shared_number: text(&drafted, "shared_number")?.to_owned() };
        let number = order.shared_number.as_str();
        ensure!(number != request, "the order has the number of the request");
        self.acts((authority, approver), &["order", "approve", request], DONE)?;
        self.acts((authority, drafter), &["order", "transmit", request, "--yes"], DONE)?;

        say::paragraph(&format!("At the provider, {} sees the order and acknowledges it.", agent.name));
        self.acts((provider, agent), &["order", "list"], DONE)?;
        let contact = self.contact(provider)?;
        let acknowledge =
            ["order", "acknowledge", number, "--reference", provider.reference, "--facts", &contact];
        self.acts((provider, agent), &acknowledge, DONE)?;
        Ok(order)
    }

    /// Writes whom counterparts may call; answers the file's name.
    fn contact(&self, institution: &Institution) -> anyhow::Result<String> {
        let name = format!("{}-contact.json", institution.folder);
        self.write(&name, &json!({ "contact": institution.contact() }))?;
        Ok(name)
    }

    /// Writes what the order says of its own: power, authorisation, period, remedies. The rest the program copies
    /// from the request.
    fn write_order_facts(&self) -> anyhow::Result<()> {
        let sample = Self::sample(self.cast.order_facts)?;
        let mut own = json!({});
        for pointer in self.cast.order_own {
            let value =
                sample.pointer(pointer).with_context(|| format!("the sample has nothing at `{pointer}`"))?;
            let mut place = &mut own;
            for key in pointer.split('/').skip(1) {
                place = &mut place[key];
            }
            *place = value.clone();
        }
        self.write(ORDER_FACTS, &own)
    }

    pub(super) fn finish(&self, request: &Request) -> anyhow::Result<()> {
        self.chapter(7, "Execution and closing");
        let (requested, requesting) = (&self.cast.requested, &self.cast.requesting);
        let (drafter, approver) = (requested.officer("drafter")?, requested.officer("approver")?);
        say::paragraph(&format!(
            "{} decides that the request is executed; the decision says what came of each identifier, names the \
             package by its digest, and two officers sign it. {} answers that nothing further is needed.",
            requested.name, requesting.name
        ));
        // What came of each identifier is for the officer to say, never for a program to assume.
        let provider = self.cast.provider.name;
        let outcomes = request
            .identifiers
            .iter()
            .map(|one| json!({ "identifier": one, "result": "provided", "answered_by": provider }));
        let measures = &Self::sample(EXECUTION_SAMPLE)?["measures"];
        let facts = json!({ "outcomes": outcomes.collect::<Vec<_>>(), "measures": measures });
        self.write(EXECUTION_FACTS, &facts)?;
        let request = request.shared_number.as_str();
        let execute = ["request", "execute", request, "--facts", EXECUTION_FACTS];
        self.acts((requested, drafter), &execute, DONE)?;
        self.acts((requested, approver), &["request", "approve", request], DONE)?;
        self.acts((requested, drafter), &["request", "transmit", request, "--yes"], DONE)?;

        say::paragraph(&format!(
            "The closing says when the evidence was verified, and with what result: {} verifies once more and notes it.",
            requesting.officer("evidence-officer")?.name
        ));
        let closer = (requesting, requesting.officer("drafter")?);
        self.write(CLOSING_FACTS, &json!({ "packages": [self.verified_package(request)?] }))?;
        let close =
            ["request", "close", request, "--facts", CLOSING_FACTS, "--remarks", "Received, with thanks."];
        self.acts(closer, &close, DONE)?;
        for side in [(requesting, requesting.officer("drafter")?), (requested, drafter)] {
            let shown = self.acts(side, &["request", "show", request], DONE)?;
            ensure!(shown.text.contains("closed"), "{} does not show the request as closed", side.0.party);
        }
        Ok(())
    }

    /// The package of the case, with the time at which it was verified.
    fn verified_package(&self, request: &str) -> anyhow::Result<Value> {
        let authority = &self.cast.requesting;
        let officer = authority.officer("evidence-officer")?;
        let shown = self.asks((authority, officer), &["package", "list", request])?;
        let package = shown.pointer("/packages/0").context("the case has no package")?;
        let identity = format!("{}/identity.txt", authority.profile(officer));
        let [one, other] = [self.cast.requested.entry_file(), self.cast.provider.entry_file()];
        let mut verify = vec!["rogatory", "--json", "package", "verify", RECEIVED, "--identity", &identity];
        verify.extend(["--trust", &one, "--trust", &other, "--require", "seal,contents"]);
        let verdict = self.shell.json(&verify)?;
        ensure!(verdict["package_id"] == package["package_id"], "another package was verified");
        Ok(json!({
            "package": package["package_id"],
            "manifest_sha256": package["manifest_sha256"],
            "verified_time": text(&verdict, "judged_at")?,
            "result": "Opened; every digest equal",
        }))
    }
}

//! Chapters 4 to 6, 8 and 10: the requested authority acknowledges, asks back, postpones, orders the provider, and
//! decides in part and in whole; the requesting answers, and closes.

use super::evidence::RECEIVED;
use super::preservation::Preserved;
use super::request::Request;
use super::{Day, text};
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
    pub(super) fn exchange(&self, request: &Request) -> anyhow::Result<()> {
        self.chapter(4, "Acknowledgement, a question and its answer");
        let (requested, requesting) = (&self.cast.requested, &self.cast.requesting);
        let officer = (requested, requested.officer("drafter")?);
        let asker = (requesting, requesting.officer("drafter")?);
        let request = request.shared_number.as_str();
        say::paragraph(&format!(
            "In {}, {} finds the request and acknowledges it under the office's own file number.",
            requested.state, officer.1.name
        ));
        self.acts(officer, &["request", "list"], DONE)?;
        self.acts(officer, &["request", "show", request], DONE)?;
        let contact = self.contact(requested)?;
        let acknowledge = ["request", "acknowledge", request, "--reference", requested.reference];
        self.acts(officer, &[&acknowledge[..], &["--facts", &contact, "--yes"]].concat(), DONE)?;

        say::paragraph(&format!(
            "One thing he must know before the investigating judge can be asked. The question goes as a document with \
             its own receipt; it stays open at both offices until {} answers it.",
            asker.1.name
        ));
        let ask = ["request", "ask", request, "--question", "Q1", "--text"];
        let text = "In which time zone are the times of the file with the bus tickets, exhibit EJM/4?";
        self.acts(officer, &[&ask[..], &[text, "--facts", &contact, "--yes"]].concat(), DONE)?;
        let shown = self.acts(asker, &["request", "show", request], DONE)?;
        ensure!(shown.text.contains("Q1"), "{} does not show the open question", requesting.party);
        let answer = ["request", "answer", request, "--question", "Q1", "--text"];
        let text = "In UTC: the header of the file was written by the provider's own server.";
        self.acts(asker, &[&answer[..], &[text, "--yes"]].concat(), DONE).map(drop)
    }

    pub(super) fn postpone(&self, request: &Request, preserved: &Preserved) -> anyhow::Result<()> {
        self.chapter(5, "Execution is postponed, the preservation extended");
        let (requested, requesting) = (&self.cast.requested, &self.cast.requesting);
        let drafter = requested.officer("drafter")?;
        let number = request.shared_number.as_str();
        say::paragraph(&format!(
            "An own investigation against the same group would be spoilt by an order to the provider now: {} postpones \
             on that ground, with two signatures. The stage and the ground stand at both offices.",
            requested.name
        ));
        let contact = self.contact(requested)?;
        let mut postpone = vec!["request", "postpone", number, "--ground", "P01-prejudice-own-case"];
        postpone.extend([
            "--reason",
            "Two searches of our own come first; the request is executed right after them.",
        ]);
        postpone.extend(["--facts", &contact, "--beside", "fr"]);
        self.two_officers(requested, &postpone, ("request", number))?;
        let asker = (requesting, requesting.officer("drafter")?);
        let shown = self.acts(asker, &["request", "show", number], DONE)?;
        ensure!(
            shown.text.contains("postponed") && shown.text.contains("P01-prejudice-own-case"),
            "{} does not show the postponement with its ground",
            requesting.party
        );
        say::paragraph(&format!(
            "Meanwhile the data must not go. {} asks that they stay preserved for longer, and {} confirms it.",
            asker.1.name, drafter.name
        ));
        self.extend(preserved)
    }

    pub(super) fn order(&self, request: &Request) -> anyhow::Result<Order> {
        self.chapter(6, "Execution goes on: the order to the provider");
        let (authority, provider) = (&self.cast.requested, &self.cast.provider);
        let (drafter, approver) = (authority.officer("drafter")?, authority.officer("approver")?);
        let agent = provider.officer("provider-agent")?;
        let request = request.shared_number.as_str();

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
            ["order", "acknowledge", number, "--reference", provider.reference, "--facts", &contact, "--yes"];
        self.acts((provider, agent), &acknowledge, DONE)?;
        Ok(order)
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

    /// The decision on what is there, told in the chapter on its journey.
    pub(super) fn decide_in_part(&self, request: &Request) -> anyhow::Result<()> {
        let requested = &self.cast.requested;
        say::paragraph(&format!(
            "The provider still searches an archive for one identifier. {} does not wait: it decides that the request is \
             executed in part, and says what is missing.",
            requested.name
        ));
        let searched = "The provider's archive of connection records is still being searched";
        self.write_decision(request, searched)?;
        let number = request.shared_number.as_str();
        let mut execute = vec!["request", "execute", number, "--partly", "--not-executed"];
        execute.extend(["The answer for the IP address; it follows.", "--facts", EXECUTION_FACTS]);
        self.two_officers(requested, &execute, ("request", number))
    }

    /// Writes what came of each identifier; that is for the officer to say, never for a program to assume.
    /// The last one gave nothing, for the reason given.
    fn write_decision(&self, request: &Request, why: &str) -> anyhow::Result<()> {
        let provider = self.cast.provider.name;
        let (last, others) = request.identifiers.split_last().context("the request names no identifier")?;
        let mut outcomes: Vec<Value> = others
            .iter()
            .map(|one| json!({ "identifier": one, "result": "provided", "answered_by": provider }))
            .collect();
        outcomes
            .push(json!({ "identifier": last, "result": "no-data", "answered_by": provider, "ground": why }));
        let measures = &Self::sample(EXECUTION_SAMPLE)?["measures"];
        self.write(EXECUTION_FACTS, &json!({ "outcomes": outcomes, "measures": measures }))
    }

    pub(super) fn finish(&self, request: &Request, preserved: &Preserved) -> anyhow::Result<()> {
        self.chapter(10, "Execution, release and closing");
        let (requested, requesting) = (&self.cast.requested, &self.cast.requesting);
        let drafter = requested.officer("drafter")?;
        say::paragraph(&format!(
            "The archive holds nothing more. {} decides that the request is executed; the decision says what came of \
             each identifier, names the package by its digest, and two officers sign it.",
            requested.name
        ));
        self.write_decision(request, "Connection records older than 180 days are not kept")?;
        let number = request.shared_number.as_str();
        let execute = ["request", "execute", number, "--facts", EXECUTION_FACTS];
        self.two_officers(requested, &execute, ("request", number))?;

        say::paragraph(&format!(
            "Nothing need be preserved any longer: {} releases the data, and closes the request. The closing says when \
             the evidence was verified, and with what result: {} verifies once more and notes it.",
            requesting.name,
            requesting.officer("evidence-officer")?.name
        ));
        self.release(preserved)?;
        let closer = (requesting, requesting.officer("drafter")?);
        self.write(CLOSING_FACTS, &json!({ "packages": [self.verified_package(number)?] }))?;
        let close = ["request", "close", number, "--facts", CLOSING_FACTS];
        self.acts(closer, &[&close[..], &["--remarks", "Received, with thanks.", "--yes"]].concat(), DONE)?;
        for side in [closer, (requested, drafter)] {
            let shown = self.acts(side, &["request", "show", number], DONE)?;
            ensure!(shown.text.contains("closed"), "{} does not show the request as closed", side.0.party);
        }
        say::paragraph("Whoever gives the same command twice is told so; nothing is sent again.");
        let again = self.acts(closer, &["request", "close", number, "--yes"], DONE)?;
        ensure!(again.text.contains("already transmitted"), "a second closing is not told from the first");
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

//! Three institutions, and orders to the provider that packages can answer.

use crate::desk::{AGENT, AUTHORITY, Desk, answer};
use crate::office::{Office, PROVIDER, Place, REQUESTED, REQUESTING};
use crate::process;
use crate::seal::settle;
use anyhow::Context as _;
use rogatory_client::commands::documents;
use rogatory_core::document::{Document, DocumentKind};
use rogatory_core::{Digest, MessageNumber};
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The offices, and who writes from where to where.
pub(crate) struct Road {
    place: Place,
    /// Asks for evidence.
    pub(crate) requesting: Office,
    /// Orders it.
    pub(crate) requested: Office,
    /// Has it.
    pub(crate) provider: Office,
}

/// An order that the provider has acknowledged.
pub(crate) struct Order {
    /// Its shared number.
    pub(crate) number: String,
    /// The shared number of the request that it serves.
    request: String,
    /// For whom its evidence is to be sealed.
    recipients: Vec<String>,
}

impl Road {
    /// Sets up the three and has them know one another.
    ///
    /// # Errors
    /// Names the command that failed.
    pub(crate) fn found(place: &Place) -> anyhow::Result<Self> {
        let [requesting, requested, provider] = [
            Office::found(place, &REQUESTING)?,
            Office::found(place, &REQUESTED)?,
            Office::found(place, &PROVIDER)?,
        ];
        for (one, other) in [(&requesting, &requested), (&requested, &provider)] {
            one.confirm(other)?;
            other.confirm(one)?;
        }
        Ok(Self { place: place.clone(), requesting, requested, provider })
    }

    /// A new request, and the order to the provider that serves it.
    ///
    /// # Errors
    /// If a step is refused.
    pub(crate) async fn order(&self) -> anyhow::Result<Order> {
        let (gb, md, provider) = (&self.requesting, &self.requested, &self.provider);
        let asking = Desk::open(gb, AUTHORITY, md, 1).await?;
        let request = asking.request();
        send(&asking, &request, "").await.context("the request")?;

        let answering = Desk::open(md, AUTHORITY, gb, 1).await?;
        let body = json!({ "our_reference": "B/1" });
        let acknowledgement = answer(&request, DocumentKind::Acknowledgement, MessageNumber::FIRST, body);
        send(&answering, &acknowledgement, "").await.context("the acknowledgement")?;

        let ordering = Desk::open(md, AUTHORITY, provider, 1).await?;
        let mut order = ordering.request();
        order.kind = DocumentKind::Order;
        order.body = json!({
            "recipients": request.body["recipients"],
            "request": {
                "shared_number": request.shared_number,
                "document_sha256": Digest::of(&request.to_json()),
            },
        });
        let session = md.session("drafter")?;
        let case = documents::case(&session, request.shared_number.as_str()).await?.case_id;
        send(&ordering, &order, &case).await.context("the order")?;

        let agent = Desk::open(provider, AGENT, md, 1).await?;
        let body = json!({ "our_reference": "C/1" });
        let acknowledgement = answer(&order, DocumentKind::Acknowledgement, MessageNumber::FIRST, body);
        send(&agent, &acknowledgement, "").await.context("the provider's acknowledgement")?;
        let recipients = order.body["recipients"].as_array().context("a request lists recipients")?;
        let recipients = recipients.iter().filter_map(|one| one["recipient"].as_str());
        // A package has keys of one kind; the tools it is compared with know the classical ones only.
        let recipients = recipients.filter(|key| !key.starts_with("age1pq1")).map(ToOwned::to_owned);
        Ok(Order {
            number: order.shared_number.to_string(),
            request: request.shared_number.to_string(),
            recipients: recipients.collect(),
        })
    }

    /// The command that seals `evidence` in answer to `order`.
    #[must_use]
    pub(crate) fn seal_command(&self, order: &Order, evidence: &Path, output: &Path) -> Command {
        let mut command = self.provider.officer_command("agent");
        command.args(["package", "seal", "--order", &order.number]);
        for recipient in &order.recipients {
            command.args(["--recipient", recipient]);
        }
        command.arg("-o").arg(output).arg(evidence);
        command
    }

    /// The command that seals `evidence` in answer to `order` and sends it meanwhile; it ends when the receipt is there.
    #[must_use]
    pub(crate) fn seal_and_send_command(&self, order: &Order, evidence: &Path, output: &Path) -> Command {
        let mut command = self.seal_command(order, evidence, output);
        command.args(["--send", "--yes"]);
        command
    }

    /// The command that sends a sealed package in answer to `order`; it ends when the receipt is there.
    #[must_use]
    pub(crate) fn send_command(&self, order: &Order, package: &Path) -> Command {
        let mut command = self.provider.officer_command("agent");
        command.args(["package", "send"]).arg(package).args(["--order", &order.number, "--yes"]);
        command
    }

    /// The command by which the authority passes the package that answered `order` on to the one that asked.
    ///
    /// # Errors
    /// If the authority holds no such package.
    pub(crate) fn relay_command(&self, order: &Order) -> anyhow::Result<Command> {
        let mut command = self.requested.officer_command("evidence");
        command.args(["package", "relay", &self.package(order)?, "--yes"]);
        Ok(command)
    }

    /// The command by which the office that asked makes a court bundle of the package that answered `order`.
    #[must_use]
    pub(crate) fn bundle_command(&self, order: &Order, output: &Path) -> Command {
        let mut command = self.requesting.officer_command("evidence");
        command.args([
            "custody",
            "export",
            "--case",
            &order.request,
            "--exhibit",
            "all",
            "--wait",
            "30",
            "-o",
        ]);
        command.arg(output);
        command
    }

    /// The command by which an officer of the authority fetches the package that answered `order`.
    ///
    /// # Errors
    /// If the authority holds no such package.
    pub(crate) fn receive_command(&self, order: &Order, output: &Path) -> anyhow::Result<Command> {
        let mut command = self.requested.officer_command("evidence");
        command.args(["package", "receive", &self.package(order)?, "-o"]).arg(output);
        Ok(command)
    }

    /// The package that the authority holds in answer to `order`.
    fn package(&self, order: &Order) -> anyhow::Result<String> {
        let listed = self.requested.command("evidence", &["package", "list", &order.number])?;
        Ok(package_id(&listed).context("the authority lists no package")?.to_owned())
    }

    /// Seals `evidence` in answer to a new order, into a folder.
    ///
    /// # Errors
    /// As the commands.
    pub(crate) async fn sealed(&self, evidence: &Path) -> anyhow::Result<(Order, PathBuf)> {
        let order = self.order().await?;
        let output = self.place.work.join("sealed");
        process::output(&mut self.seal_command(&order, evidence, &output))?;
        settle()?;
        Ok((order, output))
    }

    /// Frees what earlier packages take in the vaults, which are of no further use.
    ///
    /// # Errors
    /// If a server does not stop and start.
    pub(crate) fn restart(&mut self) -> anyhow::Result<()> {
        for office in [&mut self.requesting, &mut self.requested, &mut self.provider] {
            office.stop()?;
            let vault = office.folder.join("vault");
            if vault.is_dir() {
                std::fs::remove_dir_all(&vault)?;
            }
            office.start()?;
        }
        Ok(())
    }
}

/// The first package id in a list, wherever it stands.
fn package_id(listed: &serde_json::Value) -> Option<&str> {
    match listed {
        serde_json::Value::String(text) => text.starts_with("PK-").then_some(text),
        serde_json::Value::Array(items) => items.iter().find_map(package_id),
        serde_json::Value::Object(members) => members.values().find_map(package_id),
        _ => None,
    }
}

async fn send(desk: &Desk, document: &Document, case: &str) -> anyhow::Result<()> {
    let id = desk.hand_in(0, document, case).await?;
    desk.transmit(0, &id).await
}

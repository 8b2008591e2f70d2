//! `rogatory order …`.

use super::request::{Acknowledge, Export, Form, Pick, Show, Transmit};
use clap::{Args, Subcommand};

/// The verbs.
#[derive(Subcommand, Debug)]
pub enum Order {
    /// Draft an order to a provider that serves a request
    Draft(Draft),
    /// Approve a colleague's draft: render it again, compare, sign
    Approve(Pick),
    /// Seal an approved order and serve it on the provider
    Transmit(Transmit),
    /// Acknowledge an order that arrived (providers)
    Acknowledge(Acknowledge),
    /// List the orders of this office
    List,
    /// Show an order and what belongs to it
    Show(Show),
    /// Write orders and receipts to a directory, byte for byte
    Export(Export),
}

impl Order {
    /// The verb as typed.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Draft(_) => "draft",
            Self::Approve(_) => "approve",
            Self::Transmit(_) => "transmit",
            Self::Acknowledge(_) => "acknowledge",
            Self::List => "list",
            Self::Show(_) => "show",
            Self::Export(_) => "export",
        }
    }
}

/// See [`Order::Draft`].
#[derive(Args, Debug)]
pub struct Draft {
    /// The request that is executed: its case id or shared number
    #[arg(value_name = "CASE")]
    pub case: String,
    /// The provider, for example md/nistru-chat
    #[arg(long, value_name = "PARTY")]
    pub to: String,
    /// What the order says that the request does not give, and how
    #[command(flatten)]
    pub form: Form,
}

//! What a check found: how many items of each kind are present, erased, missing or damaged, and which.

use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt::{self, Display, Write as _};

/// How many findings and notes are listed; more are counted.
const LISTED: usize = 1000;

/// The kinds of items, in the order of the report.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Item {
    /// The database file itself.
    Database,
    /// A leaf of the custody log.
    Leaf,
    /// A stored node of its tree.
    Node,
    /// The signed checkpoint.
    Checkpoint,
    /// The body of an event.
    Body,
    /// The key of a case.
    CaseKey,
    /// A request.
    Request,
    /// An order.
    Order,
    /// A preservation.
    Preservation,
    /// A formal document.
    Document,
    /// A receipt given or got.
    Receipt,
    /// An evidence package.
    Package,
    /// An object of a package, in the vault.
    Object,
    /// A case head sent or received.
    CaseHead,
    /// What waits in the outbox.
    Errand,
    /// The entry of a confirmed party.
    Party,
    /// The erasure of a case.
    Erasure,
    /// An epoch of the log behind its first.
    Epoch,
}

impl Item {
    /// Every kind, in the order of the report.
    pub const ALL: [Self; 18] = [
        Self::Database,
        Self::Leaf,
        Self::Node,
        Self::Checkpoint,
        Self::Body,
        Self::CaseKey,
        Self::Request,
        Self::Order,
        Self::Preservation,
        Self::Document,
        Self::Receipt,
        Self::Package,
        Self::Object,
        Self::CaseHead,
        Self::Errand,
        Self::Party,
        Self::Erasure,
        Self::Epoch,
    ];

    /// The kind's name in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Database => "database",
            Self::Leaf => "leaf",
            Self::Node => "node",
            Self::Checkpoint => "checkpoint",
            Self::Body => "body",
            Self::CaseKey => "case-key",
            Self::Request => "request",
            Self::Order => "order",
            Self::Preservation => "preservation",
            Self::Document => "document",
            Self::Receipt => "receipt",
            Self::Package => "package",
            Self::Object => "object",
            Self::CaseHead => "case-head",
            Self::Errand => "errand",
            Self::Party => "party",
            Self::Erasure => "erasure",
            Self::Epoch => "epoch",
        }
    }
}

/// How many items of one kind there are.
#[derive(Clone, Copy, Default, PartialEq, Eq, Debug, Serialize)]
pub struct Count {
    /// Here, and as it should be.
    pub present: u64,
    /// Erased by law: only its leaf is left.
    pub erased: u64,
    /// Not here, though something says that it should be.
    pub missing: u64,
    /// Here, and not as it should be.
    pub damaged: u64,
}

/// What is wrong with an item.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fault {
    /// It is not here.
    Missing,
    /// It is not as it should be.
    Damaged,
}

/// A case that was erased by law.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct ErasedCase {
    /// Which.
    pub case: String,
    /// The entry of the custody log that says so: the index of its leaf.
    pub entry: i64,
    /// How many events were erased; their leaves are here.
    pub events: u64,
    /// How many packages.
    pub packages: u64,
    /// Why.
    pub reason: String,
    /// The provision.
    pub article: String,
}

/// One thing that is wrong.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Finding {
    /// What kind of fault.
    pub fault: Fault,
    /// The kind of item.
    pub item: Item,
    /// Which one.
    pub name: String,
    /// What is wrong with it, in words.
    pub what: String,
}

/// The result of a check.
#[derive(Clone, PartialEq, Eq, Debug, Serialize)]
pub struct Report {
    /// The version of this form: 1.
    pub format: u32,
    /// Whether nothing is missing and nothing damaged.
    pub sound: bool,
    /// Whether the bytes of packages were read as well.
    pub deep: bool,
    /// How many leaves the log has.
    pub leaves: u64,
    /// How many of them the checkpoint covers; none if there is no checkpoint.
    pub checkpoint_leaves: Option<u64>,
    /// How many items of each kind.
    pub items: BTreeMap<Item, Count>,
    /// What was erased, under which entry.
    pub erasures: Vec<ErasedCase>,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// How many more things are wrong than are listed.
    pub more_findings: u64,
    /// What is odd and no fault: left over from a crash, or not to be judged here.
    pub notes: Vec<String>,
    /// How many more notes there are than are listed.
    pub more_notes: u64,
}

impl Report {
    pub(super) fn new(deep: bool) -> Self {
        Self {
            format: 1,
            sound: true,
            deep,
            leaves: 0,
            checkpoint_leaves: None,
            items: BTreeMap::new(),
            erasures: Vec::new(),
            findings: Vec::new(),
            more_findings: 0,
            notes: Vec::new(),
            more_notes: 0,
        }
    }

    fn count(&mut self, item: Item) -> &mut Count {
        self.items.entry(item).or_default()
    }

    pub(super) fn present(&mut self, item: Item) {
        self.count(item).present += 1;
    }

    pub(super) fn erased(&mut self, item: Item, how_many: u64) {
        self.count(item).erased += how_many;
    }

    pub(super) fn missing(&mut self, item: Item, name: impl Display, what: impl Into<String>) {
        self.count(item).missing += 1;
        self.find(Fault::Missing, item, name, what.into());
    }

    /// Items that are missing and not listed one by one.
    pub(super) fn missing_besides(&mut self, item: Item, how_many: u64) {
        if how_many > 0 {
            self.count(item).missing += how_many;
            self.more_findings += how_many;
            self.sound = false;
        }
    }

    /// An item that cannot be looked into for a reason that was found elsewhere.
    pub(super) fn unreadable(&mut self, item: Item) {
        self.count(item).missing += 1;
        self.sound = false;
    }

    pub(super) fn damaged(&mut self, item: Item, name: impl Display, what: impl Into<String>) {
        self.judge(item, name, vec![what.into()]);
    }

    /// Counts an item: present if nothing is wrong with it, else damaged.
    pub(super) fn judge(&mut self, item: Item, name: impl Display, faults: Vec<String>) {
        if faults.is_empty() {
            return self.present(item);
        }
        self.count(item).damaged += 1;
        for what in faults {
            self.find(Fault::Damaged, item, &name, what);
        }
    }

    fn find(&mut self, fault: Fault, item: Item, name: impl Display, what: String) {
        self.sound = false;
        if self.findings.len() == LISTED {
            self.more_findings += 1;
        } else {
            self.findings.push(Finding { fault, item, name: name.to_string(), what });
        }
    }

    pub(super) fn note(&mut self, text: impl Into<String>) {
        if self.notes.len() == LISTED {
            self.more_notes += 1;
        } else {
            self.notes.push(text.into());
        }
    }
}

impl Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<14}{:>10}{:>10}{:>10}{:>10}", "item", "present", "erased", "missing", "damaged")?;
        for (item, count) in &self.items {
            let Count { present, erased, missing, damaged } = count;
            writeln!(f, "{:<14}{present:>10}{erased:>10}{missing:>10}{damaged:>10}", item.as_str())?;
        }
        let mut log = format!("the custody log has {} leaves", self.leaves);
        match self.checkpoint_leaves {
            Some(covered) => write!(log, ", the checkpoint covers {covered}")?,
            None => log.push_str(" and no checkpoint"),
        }
        writeln!(f, "{log}")?;
        if !self.deep {
            writeln!(f, "objects: sizes compared; their bytes are read with --deep")?;
        }
        for ErasedCase { case, entry, events, packages, reason, article } in &self.erasures {
            writeln!(
                f,
                "erased: case {case}: {events} events and {packages} packages, under entry {entry} ({reason}; {article})"
            )?;
        }
        for note in &self.notes {
            writeln!(f, "note: {note}")?;
        }
        more(f, self.more_notes, "notes")?;
        for finding in &self.findings {
            let fault = match finding.fault {
                Fault::Missing => "missing",
                Fault::Damaged => "damaged",
            };
            writeln!(f, "{fault}: {} {}: {}", finding.item.as_str(), finding.name, finding.what)?;
        }
        more(f, self.more_findings, "faults")?;
        f.write_str(if self.sound { "sound" } else { "not sound" })
    }
}

fn more(f: &mut fmt::Formatter<'_>, how_many: u64, of_what: &str) -> fmt::Result {
    if how_many > 0 { writeln!(f, "and {how_many} more {of_what}") } else { Ok(()) }
}

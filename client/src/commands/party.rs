//! `rogatory party …`: this institution's entry, and those of its counterparts.

use crate::connect::explain;
use crate::containers;
use crate::files;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::output::table::Table;
use crate::problem::{Problem, quoted};
use crate::session::Session;
use crate::trust::SealedEntry;
use bytes::Bytes;
use rogatory_core::{Digest, PartyId};
use rogatory_proto::office::v1 as office;
use serde::Serialize;
use std::path::{Path, PathBuf};

/// What an entry says, as it is shown.
#[derive(Clone, Debug, Serialize)]
pub struct EntryFacts {
    /// Who.
    pub party_id: PartyId,
    /// The name in words.
    pub name: String,
    /// The preset.
    pub institution_kind: String,
    /// The count of this party's entries.
    pub version: u32,
    /// From when it holds.
    pub issued_time: String,
    /// SHA-256 of the entry's container.
    pub fingerprint: Digest,
    /// What the party may do.
    pub competences: Vec<String>,
    /// The languages it accepts.
    pub languages: Vec<String>,
    /// `host:port` of its peer listener.
    pub peer_endpoint: String,
    /// Subject of its seal certificate.
    pub seal: String,
    /// Until when that is valid.
    pub seal_until: String,
    /// The subjects of the anchors it names.
    pub anchors: Vec<String>,
    /// The age recipients it publishes.
    pub recipients: Vec<RecipientFacts>,
    /// The origin of its custody log.
    pub log_origin: String,
}

/// An age recipient that a party publishes.
#[derive(Clone, Debug, Serialize)]
pub struct RecipientFacts {
    /// `officer` or `recovery`.
    pub purpose: String,
    /// The officer, if a person's.
    pub officer: Option<String>,
    /// `age1…`.
    pub recipient: String,
}

impl EntryFacts {
    fn of(sealed: &SealedEntry) -> Self {
        let entry = &sealed.entry;
        let competence = |of: &rogatory_core::party_entry::CompetenceEntry| {
            let act = serde_json::to_value(of.act).ok();
            let act = act.as_ref().and_then(serde_json::Value::as_str).unwrap_or_default().to_owned();
            let instruments = if of.instruments.is_empty() {
                "any instrument".to_owned()
            } else {
                of.instruments.join(", ")
            };
            format!("{act} ({instruments}; {})", of.territory)
        };
        Self {
            party_id: entry.party.clone(),
            name: entry.name.clone(),
            institution_kind: entry.institution_kind.clone(),
            version: entry.version,
            issued_time: entry.issued_time.to_string(),
            fingerprint: sealed.fingerprint,
            competences: entry.competences.iter().map(competence).collect(),
            languages: entry.languages.clone(),
            peer_endpoint: entry.peer_endpoint.clone(),
            seal: sealed.seal.subject(),
            seal_until: sealed.seal.not_after().to_string(),
            anchors: sealed.anchors.iter().map(|anchor| anchor.certificate().subject()).collect(),
            recipients: entry
                .recipients
                .iter()
                .map(|one| RecipientFacts {
                    purpose: one.purpose.clone(),
                    officer: one.officer.clone(),
                    recipient: one.recipient.clone(),
                })
                .collect(),
            log_origin: entry.log_origin.clone(),
        }
    }

    fn show(&self, page: &mut Page) {
        page.fact("party", &self.party_id);
        page.fact("name", quoted(&self.name));
        page.fact("kind", &self.institution_kind);
        page.fact("entry", format!("version {}, issued {}", self.version, self.issued_time));
        page.fact("fingerprint", self.fingerprint);
        for competence in &self.competences {
            page.fact("may", competence);
        }
        page.fact("languages", self.languages.join(", "));
        page.fact("peer endpoint", &self.peer_endpoint);
        page.fact("seal", format!("{}, valid until {}", self.seal, self.seal_until));
        for anchor in &self.anchors {
            page.fact("anchor", anchor);
        }
        for one in &self.recipients {
            let whose = one.officer.as_deref().unwrap_or("office");
            page.fact("recipient", format!("{} ({}, {whose})", one.recipient, one.purpose));
        }
        page.fact("custody log", &self.log_origin);
    }
}

/// The result of [`export`].
#[derive(Clone, Debug, Serialize)]
pub struct Exported {
    /// The file written.
    pub file: PathBuf,
    /// The entry.
    #[serde(flatten)]
    pub entry: EntryFacts,
}

impl Outcome for Exported {
    fn show(&self, page: &mut Page) {
        self.entry.show(page);
        page.fact("written to", self.file.display());
        page.blank();
        page.line("Tell the fingerprint to your counterpart by another way than the file.");
    }
}

/// Writes this institution's signed entry to a new file.
///
/// # Errors
/// If the server refuses, the entry does not verify, or the file is there already.
pub async fn export(session: &Session, file: &Path) -> Result<Exported, Problem> {
    files::must_be_new(file)?;
    let (container, sealed) = own(session).await?;
    files::write_new(file, &container)?;
    Ok(Exported { file: file.to_owned(), entry: EntryFacts::of(&sealed) })
}

/// Fetches this institution's own entry: its seal must lead to the profile's anchors, not only to
/// those that it names itself.
pub(crate) async fn own(session: &Session) -> Result<(Bytes, SealedEntry), Problem> {
    let mut parties = session.connection().await?.parties();
    let answer = parties.export_party(office::ExportPartyRequest {}).await.map_err(explain)?.into_inner();
    let (what, profile) = ("this institution's entry", session.profile()?);
    let sealed = SealedEntry::read(&answer.container, session.now(), what)?;
    let asice = containers::open(&answer.container, what)?;
    containers::verify(&asice, &profile.anchors()?, session.now(), what)?;
    if sealed.entry.party != profile.party {
        return Err(Problem::unverified(format!(
            "the server handed out the entry of {}",
            sealed.entry.party
        )));
    }
    Ok((answer.container, sealed))
}

/// An entry that was read and whose own seal fits, before anybody confirmed it.
#[derive(Clone, Debug, Serialize)]
pub struct ImportPlan {
    /// What it says.
    #[serde(flatten)]
    pub entry: EntryFacts,
    #[serde(skip)]
    container: Vec<u8>,
}

impl Outcome for ImportPlan {
    fn show(&self, page: &mut Page) {
        self.entry.show(page);
        page.blank();
        page.line("Compare the fingerprint with what this party told you by another way.");
    }
}

/// Reads a counterpart's entry, to show who it is before it is confirmed.
///
/// # Errors
/// Unverified, if its own seal does not fit.
pub fn plan_import(session: &Session, container: Vec<u8>) -> Result<ImportPlan, Problem> {
    let sealed = SealedEntry::read(&container, session.now(), "the entry")?;
    Ok(ImportPlan { entry: EntryFacts::of(&sealed), container })
}

/// The result of [`import`].
#[derive(Clone, Debug, Serialize)]
pub struct Imported {
    /// The confirmed party.
    #[serde(flatten)]
    pub party: PartyFacts,
}

impl Outcome for Imported {
    fn show(&self, page: &mut Page) {
        page.fact("confirmed", &self.party.party_id);
        page.fact("name", quoted(&self.party.name));
        page.fact("fingerprint", &self.party.fingerprint);
        page.fact("confirmed at", &self.party.confirmed_time);
    }
}

/// Confirms a counterpart's entry whose fingerprint a person compared.
///
/// # Errors
/// Unverified, if the entry has another fingerprint; refused, if the server does not take it.
pub async fn import(session: &Session, plan: ImportPlan, fingerprint: Digest) -> Result<Imported, Problem> {
    if fingerprint != plan.entry.fingerprint {
        return Err(Problem::unverified(format!(
            "the entry of {} has the fingerprint {}, not the one given",
            plan.entry.party_id, plan.entry.fingerprint
        ))
        .with_hint("ask that party for its entry and its fingerprint again; nothing was confirmed"));
    }
    let mut parties = session.connection().await?.parties();
    let request =
        office::ImportPartyRequest { container: plan.container.into(), fingerprint: fingerprint.to_hex() };
    let answer = parties.import_party(request).await.map_err(explain)?.into_inner();
    let party = answer.party.ok_or_else(|| Problem::failed("the server's answer names no party"))?;
    Ok(Imported { party: PartyFacts::of(party) })
}

/// A confirmed party, as lists show it.
#[derive(Clone, Debug, Serialize)]
pub struct PartyFacts {
    /// Who.
    pub party_id: String,
    /// The name in words.
    pub name: String,
    /// The preset.
    pub institution_kind: String,
    /// SHA-256 of its entry's container.
    pub fingerprint: String,
    /// `host:port` of its peer listener.
    pub peer_endpoint: String,
    /// When it was confirmed here.
    pub confirmed_time: String,
}

impl PartyFacts {
    fn of(party: office::Party) -> Self {
        Self {
            party_id: party.party_id,
            name: party.name,
            institution_kind: party.institution_kind,
            fingerprint: party.fingerprint,
            peer_endpoint: party.peer_endpoint,
            confirmed_time: party.confirmed_time,
        }
    }
}

/// The result of [`list`].
#[derive(Clone, Debug, Serialize)]
pub struct Parties {
    /// Ordered by id.
    pub parties: Vec<PartyFacts>,
}

impl Outcome for Parties {
    fn show(&self, page: &mut Page) {
        let mut table = Table::new(&["PARTY", "KIND", "NAME", "CONFIRMED", "FINGERPRINT"]);
        for party in &self.parties {
            let short: String = party.fingerprint.chars().take(16).collect();
            table.row([
                party.party_id.clone(),
                party.institution_kind.clone(),
                crate::problem::clean(&party.name),
                party.confirmed_time.clone(),
                format!("{short}…"),
            ]);
        }
        page.table(&table, "No party is confirmed yet.");
    }
}

/// Lists the confirmed parties.
///
/// # Errors
/// If the server cannot be reached or refuses.
pub async fn list(session: &Session) -> Result<Parties, Problem> {
    let mut client = session.connection().await?.parties();
    let mut parties = Vec::new();
    let mut page_token = String::new();
    loop {
        let request = office::ListPartiesRequest { page_size: 500, page_token };
        let answer = client.list_parties(request).await.map_err(explain)?.into_inner();
        parties.extend(answer.parties.into_iter().map(PartyFacts::of));
        page_token = answer.next_page_token;
        if page_token.is_empty() {
            return Ok(Parties { parties });
        }
    }
}

/// The result of [`show`].
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// When it was confirmed here.
    pub confirmed_time: String,
    /// Its entry.
    #[serde(flatten)]
    pub entry: EntryFacts,
}

impl Outcome for Shown {
    fn show(&self, page: &mut Page) {
        self.entry.show(page);
        page.fact("confirmed at", &self.confirmed_time);
    }
}

/// Shows one confirmed party with its whole entry.
///
/// # Errors
/// If the server does not know it, or its entry does not verify.
pub async fn show(session: &Session, party: &PartyId) -> Result<Shown, Problem> {
    let (party, sealed) = confirmed(session, party).await?;
    Ok(Shown { confirmed_time: party.confirmed_time, entry: EntryFacts::of(&sealed) })
}

/// Fetches the confirmed entry of a party and checks that it is the one its fingerprint names.
///
/// # Errors
/// If the server does not know it, or the entry does not verify.
pub async fn confirmed(session: &Session, party: &PartyId) -> Result<(PartyFacts, SealedEntry), Problem> {
    let mut client = session.connection().await?.parties();
    let request = office::GetPartyRequest { party_id: party.to_string() };
    let answer = client.get_party(request).await.map_err(explain)?.into_inner();
    let facts = answer.party.ok_or_else(|| Problem::failed("the server's answer names no party"))?;
    let what = format!("the entry of {party}");
    let sealed = SealedEntry::read(&answer.container, session.now(), &what)?;
    if sealed.entry.party != *party || sealed.fingerprint.to_hex() != facts.fingerprint {
        return Err(Problem::unverified(format!("{what} is not the one that was confirmed")));
    }
    Ok((PartyFacts::of(facts), sealed))
}

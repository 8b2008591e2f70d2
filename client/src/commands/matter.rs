//! A case with its documents, and what an answer in it takes from them.
//!
//! Shared by requests, orders and preservations. What follows from the case is filled in and named
//! in the result; the officer's own facts win. Never transmits: that is [`super::prepared`] and
//! [`super::transmission`].

use super::documents::{self, CaseFacts, DocumentFacts, Draft, Drafted, Fetched, WRONG_STAGE};
use crate::papers::{Facts, Wording};
use crate::problem::{Problem, clean};
use crate::session::Session;
use rogatory_core::Timestamp;
use rogatory_core::document::{DocumentKind, NamedParty};
use rogatory_templates::Template;
use serde_json::{Value, json};

/// What an answer says besides its own arguments, and in which language.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// Further facts of the form; they win over what the case gives.
    pub facts: Option<Value>,
    /// In which language.
    pub wording: Wording,
}

impl Form {
    /// Sets a fact that was typed; it wins over the file.
    pub fn set(&mut self, key: &str, text: String) {
        if let Value::Object(facts) = self.facts.get_or_insert_with(|| json!({})) {
            facts.insert(key.to_owned(), Value::String(text));
        }
    }
}

/// A case with its documents.
pub(crate) struct Matter {
    pub(crate) case: CaseFacts,
    pub(crate) documents: Vec<DocumentFacts>,
    own: String,
}

impl Matter {
    pub(crate) async fn open(session: &Session, name: &str) -> Result<Self, Problem> {
        let case = documents::case(session, name).await?;
        let documents = documents::of_case(session, &case.case_id).await?;
        Ok(Self { case, documents, own: session.profile()?.party.to_string() })
    }

    /// The same, for a case of one kind.
    pub(crate) async fn open_kind(session: &Session, name: &str, kind: &str) -> Result<Self, Problem> {
        let matter = Self::open(session, name).await?;
        matter.case.must_be(kind)?;
        Ok(matter)
    }

    /// The latest received document of `kind`.
    pub(crate) async fn received(
        &self,
        session: &Session,
        kind: DocumentKind,
    ) -> Result<Option<Fetched>, Problem> {
        let fits = |document: &DocumentFacts| document.kind == kind.as_str() && !self.is_own(document);
        documents::fetch_last(session, &self.documents, fits).await
    }

    /// The latest received document of any of `kinds`.
    pub(crate) async fn last_received(
        &self,
        session: &Session,
        kinds: &[DocumentKind],
    ) -> Result<Option<Fetched>, Problem> {
        let fits = |document: &DocumentFacts| {
            document.known_kind().is_some_and(|kind| kinds.contains(&kind)) && !self.is_own(document)
        };
        documents::fetch_last(session, &self.documents, fits).await
    }

    /// The latest own document of `kind`.
    pub(crate) async fn sent(
        &self,
        session: &Session,
        kind: DocumentKind,
    ) -> Result<Option<Fetched>, Problem> {
        let fits = |document: &DocumentFacts| document.kind == kind.as_str() && self.is_own(document);
        documents::fetch_last(session, &self.documents, fits).await
    }

    /// The document that the case is about, from the other side.
    pub(crate) async fn must_have_received(
        &self,
        session: &Session,
        kind: DocumentKind,
    ) -> Result<Fetched, Problem> {
        self.received(session, kind).await?.ok_or_else(|| self.nothing(kind, "received"))
    }

    /// The document that the case is about, made here.
    pub(crate) async fn must_have_sent(
        &self,
        session: &Session,
        kind: DocumentKind,
    ) -> Result<Fetched, Problem> {
        self.sent(session, kind).await?.ok_or_else(|| self.nothing(kind, "sent from"))
    }

    /// What kind of document opened the case.
    pub(crate) fn opening_kind(&self) -> DocumentKind {
        match self.case.kind.as_str() {
            "order" => DocumentKind::Order,
            "preservation" => DocumentKind::Preservation,
            _ => DocumentKind::Request,
        }
    }

    /// When the requested authority received what the case is about: the instant from which periods run,
    /// which a forwarding keeps. For an order, when it arrived at the provider.
    pub(crate) fn received_time(&self, opening: &Fetched) -> Result<Timestamp, Problem> {
        let held = &opening.facts.stage_time;
        let text = if self.case.received_time.is_empty() { held } else { &self.case.received_time };
        text.parse().map_err(|_| Problem::failed("the server does not say when the matter was received"))
    }

    fn nothing(&self, kind: DocumentKind, how: &str) -> Problem {
        Problem::refused(format!("case {} holds no {kind} that was {how} here", clean(&self.case.case_id)))
            .with_reason(WRONG_STAGE)
            .with_hint(format!("this office is the {} side of it", clean(&self.case.side)))
    }

    /// Own documents of `kind` under `number` that were handed in and not refused, latest first.
    pub(crate) fn own_of<'a>(
        &'a self,
        kind: DocumentKind,
        number: &'a str,
    ) -> impl Iterator<Item = &'a DocumentFacts> + 'a {
        self.documents.iter().rev().filter(move |document| {
            document.kind == kind.as_str()
                && self.is_own(document)
                && document.shared_number == number
                && document.stage != "not-delivered"
        })
    }

    pub(crate) fn is_own(&self, document: &DocumentFacts) -> bool {
        document.sender == self.own
    }

    /// An answer to `target`, addressed to its other side, ready to be handed in.
    pub(crate) async fn answer(
        &self,
        session: &Session,
        template: &'static Template,
        target: &Fetched,
        facts: Facts,
        function: &'static str,
    ) -> Result<Draft, Problem> {
        let profile = session.profile()?;
        let document = &target.document;
        let other =
            if document.sender.party == profile.party { &document.addressee } else { &document.sender };
        let mut addressee = other.clone();
        // Who executes a forwarded request is the counterpart from then on.
        if document.sender.party == profile.party
            && !self.case.forwarded_to.is_empty()
            && self.case.forwarded_to == self.case.counterpart
        {
            let party = super::party_id(&self.case.counterpart)?;
            let (competent, _) = super::party::confirmed(session, &party).await?;
            addressee = NamedParty { party, name: competent.name };
        }
        self.answer_to(session, template, target, addressee, facts, function)
    }

    /// An answer to `target`, addressed to somebody else, ready to be handed in.
    pub(crate) fn answer_to(
        &self,
        session: &Session,
        template: &'static Template,
        target: &Fetched,
        addressee: NamedParty,
        facts: Facts,
        function: &'static str,
    ) -> Result<Draft, Problem> {
        let own = &session.profile()?.party;
        let number = &target.document.shared_number;
        let (facts, filled_in) = facts.finish();
        Ok(Draft {
            template,
            shared_number: number.clone(),
            message_number: documents::next_message(&self.documents, own, number),
            addressee,
            in_reply_to: Some(target.as_reply_target()),
            facts,
            filled_in,
            enclosed: Vec::new(),
            case_id: self.case.case_id.clone(),
            function,
        })
    }
}

/// Hands in a draft of an answer.
pub(crate) async fn hand_in(session: &Session, draft: Draft) -> Result<Drafted, Problem> {
    documents::hand_in(session, draft).await.map_err(explain_contact)
}

/// The contact person: the profile's, else that of an earlier own document of the case.
pub(crate) fn contact(session: &Session, earlier: &[Option<&Fetched>]) -> Value {
    let profile = session.profile.as_ref();
    let configured = profile.and_then(|profile| {
        let contact = profile.contact.as_ref()?;
        let mut value = serde_json::to_value(contact).ok()?;
        if contact.name.is_none()
            && let Some(fields) = value.as_object_mut()
        {
            fields.insert("name".to_owned(), json!(profile.officer_name));
        }
        Some(value)
    });
    let written =
        || earlier.iter().flatten().find_map(|fetched| fetched.document.body.get("contact").cloned());
    configured.or_else(written).unwrap_or(Value::Null)
}

/// The reference under which this office keeps the matter, from an earlier own document.
pub(crate) fn own_reference(earlier: &[Option<&Fetched>]) -> Value {
    let mut references =
        earlier.iter().flatten().filter_map(|fetched| fetched.document.body.get("our_reference").cloned());
    references.next().unwrap_or(Value::Null)
}

/// Adds what to do if the contact is what lacks.
pub(crate) fn explain_contact(problem: Problem) -> Problem {
    if problem.details().iter().any(|line| line.starts_with("contact")) {
        problem.with_hint("add a table `[contact]` (function, email, telephone) to profile.toml, or give the missing facts with --facts FILE")
    } else {
        problem
    }
}

#[cfg(test)]
impl Matter {
    /// A case without documents.
    pub(crate) fn of(case: CaseFacts) -> Self {
        Self { case, documents: Vec::new(), own: "gb/central-authority".to_owned() }
    }
}

//! Drafting a request: the check before anything leaves, the number, the signature.

use crate::commands::documents::{self, Draft, Drafted};
use crate::commands::party;
use crate::commands::template::{self as forms, Checked};
use crate::containers::DRAFTER;
use crate::files;
use crate::output::Outcome;
use crate::output::page::{Page, bytes};
use crate::papers::{self, Envelope, Wording};
use crate::problem::Problem;
use crate::session::Session;
use rogatory_core::document::{DocumentKind, NamedParty};
use rogatory_core::{Digest, MessageNumber, PartyId, SharedNumber};
use serde::Serialize;
use serde_json::Value;
use std::path::{Path, PathBuf};

/// What to draft.
#[derive(Clone, Debug)]
pub struct DraftArguments {
    /// The form, for example `ets185/art31-trafficking`.
    pub template: String,
    /// The facts, as they will stand under `body`.
    pub facts: Value,
    /// The requested authority.
    pub to: PartyId,
    /// In which language.
    pub wording: Wording,
}

/// Says what a request still lacks. Offline.
///
/// # Errors
/// A usage problem if there is no such form; what is missing is in the result.
pub fn check(template: &str, facts: &Value, wording: &Wording) -> Result<Checked, Problem> {
    let template = papers::template(template, Some(DocumentKind::Request), wording)?;
    Ok(forms::check_one(template, facts))
}

/// Checks the facts, mints the shared number, makes data and paper, signs 001, hands it in.
///
/// # Errors
/// Failed, listing every essential that is missing; otherwise as the server answers.
pub async fn draft(session: &Session, arguments: DraftArguments) -> Result<Drafted, Problem> {
    open_matter(session, DocumentKind::Request, arguments, Vec::new()).await
}

/// Drafts a document that opens a case: a request, or a request to preserve.
pub(crate) async fn open_matter(
    session: &Session,
    kind: DocumentKind,
    arguments: DraftArguments,
    filled_in: Vec<String>,
) -> Result<Drafted, Problem> {
    let template = papers::template(&arguments.template, Some(kind), &arguments.wording)?;
    papers::require_complete(template, &arguments.facts)?;
    let own = &session.profile()?.party;
    if arguments.to == *own {
        return Err(Problem::usage(format!("{own} cannot send a request to itself")));
    }
    let (addressee, _) = party::confirmed(session, &arguments.to).await?;
    let draft = Draft {
        template,
        shared_number: SharedNumber::mint(own.country(), session.entropy.as_ref()),
        message_number: MessageNumber::FIRST,
        addressee: NamedParty { party: arguments.to, name: addressee.name },
        in_reply_to: None,
        facts: arguments.facts,
        filled_in,
        enclosed: Vec::new(),
        case_id: String::new(),
        function: DRAFTER,
    };
    documents::hand_in(session, draft).await
}

/// What to render.
#[derive(Clone, Debug)]
pub struct RenderArguments {
    /// The form.
    pub template: String,
    /// The facts, complete or not.
    pub facts: Value,
    /// The requested authority, if it shall stand in the paper.
    pub to: Option<PartyId>,
    /// In which language.
    pub wording: Wording,
}

/// The result of [`render`].
#[derive(Clone, Debug, Serialize)]
pub struct Rendered {
    /// The file written.
    pub file: PathBuf,
    /// Its size.
    pub size_bytes: u64,
    /// Its SHA-256.
    pub paper_sha256: Digest,
    /// The renderer.
    pub renderer: String,
}

impl Outcome for Rendered {
    fn show(&self, page: &mut Page) {
        page.fact("written to", self.file.display());
        page.fact("size", bytes(self.size_bytes));
        page.fact("sha256", self.paper_sha256);
        page.fact("renderer", &self.renderer);
        page.blank();
        page.line("A preview: its number is not kept, nothing was signed or sent.");
    }
}

/// Renders the paper of a request, complete or not, to a new file. Offline.
///
/// # Errors
/// Failed, if the data cannot be set; a usage problem if the file is there already.
pub fn render(session: &Session, arguments: RenderArguments, file: &Path) -> Result<Rendered, Problem> {
    files::must_be_new(file)?;
    let template = papers::template(&arguments.template, None, &arguments.wording)?;
    let unknown = || -> Result<PartyId, Problem> {
        "xx/preview".parse().map_err(|_| Problem::failed("the preview has no sender"))
    };
    let sender = match &session.profile {
        Some(profile) => NamedParty { party: profile.party.clone(), name: profile.name.clone() },
        None => NamedParty { party: unknown()?, name: "Preview".to_owned() },
    };
    let addressee = match arguments.to {
        Some(party) => NamedParty { name: party.to_string(), party },
        None => NamedParty { party: unknown()?, name: "Preview".to_owned() },
    };
    let envelope = Envelope {
        shared_number: SharedNumber::mint(sender.party.country(), session.entropy.as_ref()),
        message_number: MessageNumber::FIRST,
        sender,
        addressee,
        created_time: session.now(),
        in_reply_to: None,
    };
    let document = papers::document(template, envelope, arguments.facts);
    let pdf = papers::render(&document.to_json())?;
    files::write_new(file, &pdf)?;
    Ok(Rendered {
        file: file.to_owned(),
        size_bytes: pdf.len() as u64,
        paper_sha256: Digest::of(&pdf),
        renderer: document.renderer,
    })
}

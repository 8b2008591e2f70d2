//! Listing the exhibits of a package without reading them. Offline.

use super::inspect::{VerifyArguments, VerifyOutcome, identities, must_exist};
use super::objects::Telling;
use crate::output::Outcome;
use crate::output::page::Page;
use crate::problem::Problem;
use crate::session::Session;
use rogatory_evidence::VerifyOptions;
use serde::Serialize;
use std::sync::Arc;

/// The result of [`show`].
#[derive(Clone, Debug, Serialize)]
pub struct Shown {
    /// The outer part and the index, verified; the exhibits not.
    #[serde(flatten)]
    pub verification: VerifyOutcome,
}

impl Outcome for Shown {
    fn show(&self, page: &mut Page) {
        Outcome::show(&self.verification, page);
        if self.verification.verified {
            page.line("The exhibits themselves were not read: `rogatory package verify` checks them.");
        }
    }

    fn complaint(&self) -> Option<Problem> {
        self.verification.complaint()
    }
}

/// Lists the exhibits of a package after verifying everything but them. What cannot be read is a
/// failure in the report.
///
/// # Errors
/// A usage problem without an identity that can be used.
pub async fn show(session: &Session, arguments: VerifyArguments) -> Result<Shown, Problem> {
    must_exist(&arguments.path)?;
    let mut texts = arguments.identities;
    if texts.is_empty() {
        let own = session.profile.as_ref().and_then(|profile| profile.identity.clone());
        texts.push(own.ok_or_else(|| {
            Problem::usage("an age identity is needed to list the exhibits of a package")
                .with_hint("give it with --identity FILE")
        })?);
    }
    let identities = identities(&texts)?;
    let at = arguments.at.unwrap_or_else(|| session.now());
    let progress = Arc::clone(&session.progress);
    let verdict = tokio::task::spawn_blocking(move || {
        let institutions = arguments.trust.institutions();
        let options = VerifyOptions {
            identities,
            expected_signer: arguments.signer,
            require: arguments.require,
            ..VerifyOptions::new(&arguments.trust.anchors, at).with_institutions(&institutions)
        };
        let verdict =
            rogatory_evidence::verify::look(&arguments.path, &options, &mut Telling(Arc::clone(&progress)));
        progress.end();
        verdict
    })
    .await
    .map_err(|error| Problem::failed("reading the package stopped").because(&error))?;
    Ok(Shown { verification: VerifyOutcome::of(&verdict, at) })
}

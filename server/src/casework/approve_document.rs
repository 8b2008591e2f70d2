//! A second officer approves and signs what another drafted.

use crate::access::Permit;
use crate::authority::Authority;
use crate::casework::draft_document::check_request_id;
use crate::casework::matter::Matter;
use crate::casework::signers::{demand_two_persons, own_signer};
use crate::datastore::{Act, DocumentRow, DocumentStage, StoreError, Transaction};
use crate::directory::{open_container, refuse_revoked, verify_container};
use crate::problem::{Problem, Reason};
use rogatory_container::asice::Asice;
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::document::SignerRule;
use rogatory_core::reference::DocumentId;
use rogatory_core::{Digest, OfficerId, Role};

/// Takes the approver's signature.
///
/// # Errors
/// [`Problem`]: changed content, the drafter herself, wrong role, wrong stage.
pub async fn approve_document(
    authority: &Authority,
    permit: &Permit,
    request_id: &str,
    id: &DocumentId,
    container: &[u8],
) -> Result<DocumentRow, Problem> {
    check_request_id(request_id)?;
    let (officer, actor) = permit.officer_as(&[Role::Approver])?;
    let row = authority
        .datastore
        .read()
        .await?
        .document(id)
        .await?
        .ok_or_else(|| Problem::unknown("document", id))?;
    let stored = open_container(&row.container)?;
    let handed = open_container(container)?;
    let now = authority.clock.now();
    let verified = verify_container(&handed, authority.institution.anchors(), now)?;
    refuse_revoked(&verified, &authority.revocation_lists(), now)?;
    let approver = own_signer(&authority.institution, &verified, 2)?;
    let drafter = own_signer(&authority.institution, &verified, 1)?;
    if approver.id != *officer {
        return Err(Problem::new(
            Reason::WrongSigner,
            format!("signature 002 is that of {}, not yours", approver.id),
        ));
    }
    demand_two_persons(drafter, approver)?;
    let already_so = row.stage == DocumentStage::Approved && row.container == container;
    if !already_so {
        if row.stage != DocumentStage::Drafted || row.kind.signer_rule() != SignerRule::TwoOfficersAndSeal {
            let what = format!("document {id} is {} and takes no approval", row.stage.as_str());
            return Err(Problem::new(Reason::WrongStage, what));
        }
        if verified.signatures().len() != 2 || handed.names_its_signers() || !extends(&stored, &handed) {
            return Err(Problem::new(
                Reason::ContentChanged,
                format!("document {id} was changed since it was drafted"),
            )
            .with_hint("fetch it again and sign exactly that"));
        }
    }
    let act = Approve {
        officer: officer.clone(),
        actor,
        request_id: request_id.to_owned(),
        row,
        container: container.to_vec(),
    };
    authority.datastore.perform(act).await
}

/// Whether `handed` holds every file of `stored`, byte for byte, and exactly one layer more.
fn extends(stored: &Asice, handed: &Asice) -> bool {
    let same_content = stored.content_names().eq(handed.content_names())
        && stored.content_names().all(|name| stored.file(name) == handed.file(name));
    let same_layers = (1..=stored.signature_count())
        .all(|n| stored.manifest(n) == handed.manifest(n) && stored.signature(n) == handed.signature(n));
    same_content && same_layers && handed.signature_count() == stored.signature_count() + 1
}

struct Approve {
    officer: OfficerId,
    actor: Actor,
    request_id: String,
    row: DocumentRow,
    container: Vec<u8>,
}

impl Act for Approve {
    const NAME: &'static str = "approve-document";
    type Output = DocumentRow;

    async fn perform(&self, tx: &mut Transaction) -> Result<DocumentRow, StoreError> {
        let id = &self.row.id;
        let container_sha256 = Digest::of(&self.container);
        let caller = self.officer.to_string();
        if tx.answered(&caller, &self.request_id, &container_sha256).await?.is_none() {
            if self.row.kind.opens_a_matter() {
                let number = &self.row.shared_number;
                let matter =
                    Matter::find(tx, number).await?.ok_or_else(|| Problem::unknown("matter", number))?;
                for event in matter.approve(tx, &self.officer).await? {
                    tx.record(&self.row.case, &self.actor, event).await?;
                }
            }
            tx.advance_document(&self.row, DocumentStage::Approved, &self.container, &container_sha256)
                .await?;
            let event =
                Event::DocumentApproved { document: id.clone(), kind: self.row.kind, container_sha256 };
            tx.record(&self.row.case, &self.actor, CustodyEvent::internal(event)).await?;
            tx.remember_answer(&caller, &self.request_id, &container_sha256, id.as_str()).await?;
        }
        tx.document(id).await?.ok_or_else(|| Problem::unknown("document", id).into())
    }
}

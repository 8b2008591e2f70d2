//! The requested authority passes a provider's package on to the requesting authority, byte for byte.

use crate::access::Permit;
use crate::authority::Authority;
use crate::casework::case_head::{self, OutgoingHead};
use crate::casework::delivery::{CheckedReceipt, check_receipt, give_receipt};
use crate::casework::dispatch::{FIRST_TRY_SECONDS, dispatch};
use crate::casework::limits::demand_taken;
use crate::casework::send_package::{receipted, reread_receipt};
use crate::datastore::{
    Act, Errand, HeadRow, Line, PackageRow, PackageStage, StoreError, StoredReceipt, Transaction,
};
use crate::peers::{self, Outgoing};
use crate::problem::{Problem, Reason};
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::mla_request::{MlaRequest, Side, Step};
use rogatory_core::receipt::{Receipt, ReceiptKind};
use rogatory_core::{CaseId, Digest, PackageId, Role};
use std::sync::Arc;

/// What came of relaying a package.
pub struct Relayed {
    /// This office's relay receipt.
    pub relay_receipt: Vec<u8>,
    /// The addressee's receipt as its bytes.
    pub sealed: StoredReceipt,
    /// The same, read.
    pub receipt: Receipt,
}

/// Relays a received package.
///
/// # Errors
/// [`Problem`]: unknown, wrong stage, addressee out of reach. A negative receipt is no error.
pub async fn relay_package(
    authority: &Arc<Authority>,
    permit: &Permit,
    id: &PackageId,
) -> Result<Relayed, Problem> {
    let (_, actor) = permit.officer_as(&[Role::EvidenceOfficer])?;
    let mut session = authority.datastore.read().await?;
    let package = session.package(id).await?.ok_or_else(|| Problem::unknown("package", id))?;
    let case: CaseId = package.case.parse().map_err(|_| Problem::unknown("package", id))?;
    let request =
        session.request(&case).await?.filter(|request| request.side == Side::Requested).ok_or_else(|| {
            Problem::new(Reason::WrongStage, format!("package {id} serves no request of another State"))
        })?;
    if package.stage == PackageStage::Relayed {
        return relayed_before(authority, &request, package);
    }
    request.admits(Step::TransferEvidence)?;
    if package.stage != PackageStage::Received {
        return Err(Problem::new(Reason::WrongStage, format!("package {id} is not one to be relayed")));
    }
    drop(session);
    let relay_receipt = match &package.relay_receipt {
        // A try broke off after our word was given: the same bytes are sent again.
        Some(given) => given.clone(),
        None => {
            demand_taken(authority, &request.counterpart, package.size_bytes)?;
            let of = receipted(authority.institution.party(), &request.shared_number, &package);
            let (kind, now) = (ReceiptKind::Relay, authority.clock.now());
            give_receipt(authority, kind, &request.counterpart, of, &[], None, now)?
        }
    };
    let (number, peer) = (&request.shared_number, &request.counterpart);
    let head = case_head::at_dispatch(authority, &package.case, id.as_str(), number, peer).await?;
    let line = Line { case: package.case, addressee: peer.clone() };
    let queue = QueueRelay { id: id.clone(), receipt: relay_receipt, head, line: line.clone(), actor };
    let relay_receipt = authority.datastore.perform(queue).await?;
    dispatch(authority, &line, Some(&Errand::Relay(id.clone())), None).await?;
    let package = authority.datastore.read().await?.package(id).await?;
    let package = package.ok_or_else(|| Problem::unknown("package", id))?;
    // The receipt of a relay that was refused is kept as well; the package can be relayed again.
    let sealed = package
        .relay_answer
        .clone()
        .ok_or_else(|| Problem::internal("a package left the outbox without a receipt", id.to_string()))?;
    let receipt = reread_receipt(authority, &request.counterpart, &sealed.container)?;
    Ok(Relayed { relay_receipt, sealed, receipt })
}

fn relayed_before(
    authority: &Authority,
    request: &MlaRequest,
    package: PackageRow,
) -> Result<Relayed, Problem> {
    let damaged = || Problem::internal("a relayed package has lost its receipts", package.id.to_string());
    let sealed = package.relay_answer.clone().ok_or_else(damaged)?;
    let relay_receipt = package.relay_receipt.clone().ok_or_else(damaged)?;
    let receipt = reread_receipt(authority, &request.counterpart, &sealed.container)?;
    Ok(Relayed { relay_receipt, sealed, receipt })
}

/// Brings a package to the authority that asked for it and settles it with the receipt.
///
/// # Errors
/// [`Problem`]: addressee out of reach, or its receipt does not verify. A negative receipt is no error.
pub(super) async fn deliver(
    authority: &Arc<Authority>,
    id: &PackageId,
    actor: &Actor,
) -> Result<(), Problem> {
    let mut session = authority.datastore.read().await?;
    let package = session.package(id).await?.ok_or_else(|| Problem::unknown("package", id))?;
    let damaged = || Problem::internal("a package to be relayed serves no request", id.to_string());
    let case: CaseId = package.case.parse().map_err(|_| damaged())?;
    let request = session.request(&case).await?.ok_or_else(damaged)?;
    let relay_receipt = package.relay_receipt.clone().ok_or_else(damaged)?;
    let objects = session.package_objects(id).await?;
    drop(session);
    let head = OutgoingHead::of(authority, &package.case, id.as_str()).await?;
    let outgoing = Outgoing {
        id,
        shared_number: &request.shared_number,
        objects: &objects,
        relay_receipt: Some(&relay_receipt),
        case_head: head.note().to_vec(),
    };
    let answer = peers::send_package(authority, &request.counterpart, &outgoing).await?;
    let addressee = authority.directory().confirmed(&request.counterpart)?;
    let of = receipted(authority.institution.party(), &request.shared_number, &package);
    let receipt = check_receipt(authority, &addressee, &answer, &of)?;
    head.check_quoted(&receipt.receipt)?;
    let act = Settle { package, request, relay_receipt, receipt, actor: actor.clone() };
    authority.datastore.perform(act).await
}

/// Stores the relay receipt before it leaves the house, with the errand; gives back the one that counts.
struct QueueRelay {
    id: PackageId,
    receipt: Vec<u8>,
    head: Option<HeadRow>,
    line: Line,
    actor: Actor,
}

impl Act for QueueRelay {
    const NAME: &'static str = "queue-relay";
    type Output = Vec<u8>;

    async fn perform(&self, tx: &mut Transaction) -> Result<Vec<u8>, StoreError> {
        let package = tx.package(&self.id).await?.ok_or_else(|| Problem::unknown("package", &self.id))?;
        let receipt = match package.relay_receipt.clone() {
            Some(given) => given,
            None => {
                tx.keep_relay_receipt(&package, &self.receipt).await?;
                if let Some(head) = &self.head {
                    tx.keep_sent_head(head).await?;
                }
                self.receipt.clone()
            }
        };
        // A worker, or another call, may have brought it meanwhile.
        if package.stage == PackageStage::Received {
            let by_worker = tx.now().plus_seconds(FIRST_TRY_SECONDS);
            tx.queue(&Errand::Relay(self.id.clone()), &self.line, &self.actor, by_worker).await?;
        }
        Ok(receipt)
    }
}

struct Settle {
    package: PackageRow,
    request: MlaRequest,
    relay_receipt: Vec<u8>,
    receipt: CheckedReceipt,
    actor: Actor,
}

impl Act for Settle {
    const NAME: &'static str = "settle-relayed-package";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let package = &self.package;
        tx.unqueue(&Errand::Relay(package.id.clone())).await?;
        let current =
            tx.package(&package.id).await?.ok_or_else(|| Problem::unknown("package", &package.id))?;
        if current.stage == PackageStage::Relayed {
            // This act ran already and its commit was reported lost: the same receipt stands.
            return Ok(());
        }
        let stored =
            StoredReceipt { container: self.receipt.container.clone(), leaf_hash: self.receipt.leaf_hash };
        let (stage, event) = if self.receipt.is_positive() {
            let relayed = Event::PackageRelayed {
                package: package.id.clone(),
                manifest_sha256: package.manifest_sha256,
                objects_sha256: package.objects_sha256,
                relay_receipt_sha256: Digest::of(&self.relay_receipt),
                receipt_sha256: self.receipt.digest(),
            };
            (PackageStage::Relayed, relayed)
        } else {
            let refused = Event::PackageNotDelivered {
                package: package.id.clone(),
                manifest_sha256: package.manifest_sha256,
                receipt_sha256: self.receipt.digest(),
            };
            // It stays here, and can be relayed again.
            (PackageStage::Received, refused)
        };
        tx.settle_relay(package, stage, &stored).await?;
        tx.keep_promise(&self.request.counterpart, &stored).await?;
        let event = CustodyEvent::shared(self.request.counterpart.clone(), event);
        tx.record(&package.case, &self.actor, event).await?;
        Ok(())
    }
}

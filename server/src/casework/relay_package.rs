//! The requested authority passes a provider's package on to the requesting authority, byte for byte.

use crate::access::Permit;
use crate::authority::Authority;
use crate::casework::case_head::{self, OutgoingHead};
use crate::casework::delivery::{CheckedReceipt, check_receipt, give_receipt, own_checkpoint};
use crate::casework::send_package::{receipted, reread_receipt};
use crate::datastore::{Act, HeadRow, PackageRow, PackageStage, StoreError, StoredReceipt, Transaction};
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
    let objects = session.package_objects(id).await?;
    drop(session);
    let of = receipted(authority.institution.party(), &request.shared_number, &package);
    let now = authority.clock.now();
    let relay_receipt = match &package.relay_receipt {
        // A try broke off after our word was given: the same bytes are sent again.
        Some(given) => given.clone(),
        None => {
            let given = give_receipt(
                authority,
                ReceiptKind::Relay,
                &request.counterpart,
                of.clone(),
                &[],
                None,
                now,
            )?;
            let (number, peer) = (&request.shared_number, &request.counterpart);
            let head = case_head::at_dispatch(authority, &package.case, id.as_str(), number, peer).await?;
            let act = KeepRelayReceipt { id: id.clone(), receipt: given, head };
            authority.datastore.perform(act).await?
        }
    };
    let head = OutgoingHead::of(authority, &package.case, id.as_str()).await?;
    let outgoing = Outgoing {
        id,
        shared_number: &request.shared_number,
        objects: &objects,
        relay_receipt: Some(&relay_receipt),
        case_head: head.note().to_vec(),
        checkpoint: own_checkpoint(authority).await?,
    };
    let answer = peers::send_package(authority, &request.counterpart, &outgoing).await?;
    let addressee = authority.directory().confirmed(&request.counterpart)?;
    let checked = check_receipt(authority, &addressee, &answer, &of)?;
    head.check_quoted(&checked.receipt)?;
    let receipt = checked.receipt.clone();
    let sealed = StoredReceipt { container: checked.container.clone(), leaf_hash: checked.leaf_hash };
    if checked.is_positive() {
        let act = Settle { package, request, relay_receipt: relay_receipt.clone(), receipt: checked, actor };
        authority.datastore.perform(act).await?;
    } else {
        let act = SettleRefused { package, request, receipt: checked, actor };
        authority.datastore.perform(act).await?;
    }
    Ok(Relayed { relay_receipt, sealed, receipt })
}

fn relayed_before(
    authority: &Authority,
    request: &MlaRequest,
    package: PackageRow,
) -> Result<Relayed, Problem> {
    let damaged = || Problem::internal("a relayed package has lost its receipts", package.id.to_string());
    let sealed = package.receipt.clone().ok_or_else(damaged)?;
    let relay_receipt = package.relay_receipt.clone().ok_or_else(damaged)?;
    let receipt = reread_receipt(authority, &request.counterpart, &sealed.container)?;
    Ok(Relayed { relay_receipt, sealed, receipt })
}

/// Stores the relay receipt before it leaves the house; gives back the one that counts.
struct KeepRelayReceipt {
    id: PackageId,
    receipt: Vec<u8>,
    head: Option<HeadRow>,
}

impl Act for KeepRelayReceipt {
    const NAME: &'static str = "keep-relay-receipt";
    type Output = Vec<u8>;

    async fn perform(&self, tx: &mut Transaction) -> Result<Vec<u8>, StoreError> {
        let package = tx.package(&self.id).await?.ok_or_else(|| Problem::unknown("package", &self.id))?;
        if let Some(given) = package.relay_receipt {
            return Ok(given);
        }
        tx.keep_relay_receipt(&package, &self.receipt).await?;
        if let Some(head) = &self.head {
            tx.keep_sent_head(head).await?;
        }
        Ok(self.receipt.clone())
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
        let current =
            tx.package(&package.id).await?.ok_or_else(|| Problem::unknown("package", &package.id))?;
        if current.stage == PackageStage::Relayed {
            // Another call settled it meanwhile, with the same receipts.
            return Ok(());
        }
        let stored =
            StoredReceipt { container: self.receipt.container.clone(), leaf_hash: self.receipt.leaf_hash };
        tx.settle_package(package, PackageStage::Relayed, &stored).await?;
        let relayed = Event::PackageRelayed {
            package: package.id.clone(),
            manifest_sha256: package.manifest_sha256,
            objects_sha256: package.objects_sha256,
            relay_receipt_sha256: Digest::of(&self.relay_receipt),
            receipt_sha256: self.receipt.digest(),
        };
        let event = CustodyEvent::shared(self.request.counterpart.clone(), relayed);
        tx.record(&package.case, &self.actor, event).await?;
        Ok(())
    }
}

struct SettleRefused {
    package: PackageRow,
    request: MlaRequest,
    receipt: CheckedReceipt,
    actor: Actor,
}

impl Act for SettleRefused {
    const NAME: &'static str = "settle-refused-package";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let package = &self.package;
        let refused = Event::PackageNotDelivered {
            package: package.id.clone(),
            manifest_sha256: package.manifest_sha256,
            receipt_sha256: self.receipt.digest(),
        };
        let event = CustodyEvent::shared(self.request.counterpart.clone(), refused);
        tx.record(&package.case, &self.actor, event).await?;
        Ok(())
    }
}

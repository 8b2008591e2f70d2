//! A peer completes a package: checked against the order or request it answers, taken into the vault, receipted.

use crate::access::Permit;
use crate::authority::Authority;
use crate::casework::case_head::{self, IncomingHead};
use crate::casework::delivery::{Refused, check_sealed_receipt, give_receipt};
use crate::casework::limits::total;
use crate::casework::matter::opening_document;
use crate::casework::outer_check::check_outer;
use crate::casework::send_package::{blocking, check_recipients, manifest_digest, receipted};
use crate::casework::transfer::{demand_whole, forget, list_of};
use crate::datastore::{Act, PackageRow, PackageStage, StoreError, StoredReceipt, Transaction, TransferRow};
use crate::directory::ConfirmedParty;
use crate::problem::{Problem, Reason};
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::document::EvidenceRecipient;
use rogatory_core::ground::NonDeliveryGround;
use rogatory_core::mla_request::{Side, Step};
use rogatory_core::order::{OrderSide, OrderStep};
use rogatory_core::receipt::{Receipt, ReceiptKind, Receipted};
use rogatory_core::{Digest, PackageId, PartyId};
use rogatory_evidence::VerifiedPackage;
use std::sync::Arc;

/// Takes a package whose objects have all arrived and gives the receipt.
///
/// # Errors
/// [`Problem`], without receipt, for a package that is incomplete or does not verify.
pub async fn receive_package(
    authority: &Arc<Authority>,
    permit: &Permit,
    transfer: TransferRow,
    relay_receipt: &[u8],
    case_head: &[u8],
) -> Result<StoredReceipt, Problem> {
    let peer = permit.peer()?;
    let party = authority.directory().confirmed(peer)?;
    let manifest_sha256 = manifest_digest(&transfer.objects)?;
    let id = PackageId::of_manifest(&manifest_sha256);
    let objects_sha256 = Digest::of(list_of(&transfer.objects).as_bytes());
    let closing = authority.vault.close(&transfer.id, Some(&id))?;
    let there = authority.datastore.read().await?.package(&id).await?;
    if let Some(receipt) =
        there.as_ref().and_then(|there| given_before(there, peer, &transfer, objects_sha256))
    {
        drop(closing);
        forget(authority, &transfer.id).await?;
        return Ok(receipt);
    }
    let head = case_head::check_incoming(authority, &party, &transfer.shared_number, case_head)?;
    let closing = Arc::new(closing);
    let folder = authority.vault.incoming(&transfer.id);
    let (listed, anchors, now) =
        (transfer.clone(), authority.directory().anchors_of(peer), authority.clock.now());
    let (checker, held, package) = (Arc::clone(authority), Arc::clone(&closing), id.clone());
    // A folder that a row names is somebody's: what this peer sends is judged by what it sent.
    let unnamed = there.is_none();
    let verified = blocking(move || {
        if unnamed {
            checker.vault.reclaim(&held, &package, &listed.objects, &[])?;
        }
        demand_whole(&checker, &listed)?;
        check_outer(&folder, &listed.objects, &anchors, &checker.revocation_lists(), now)
    })
    .await?;
    let mut package = PackageRow {
        id,
        case: String::new(),
        shared_number: transfer.shared_number.clone(),
        counterpart: peer.clone(),
        stage: PackageStage::Received,
        stage_time: now,
        manifest_sha256,
        objects_sha256,
        size_bytes: total(&transfer.objects),
        object_count: transfer.objects.len() as u64,
        relay_receipt: if relay_receipt.is_empty() { None } else { Some(relay_receipt.to_vec()) },
        receipt: None,
        relay_answer: None,
    };
    let of = receipted(peer, &transfer.shared_number, &package);
    let judged = judge(authority, &party, &verified, &mut package, relay_receipt).await?;
    let refused = judged.as_ref().err();
    let receipt = give_receipt(authority, ReceiptKind::Delivery, peer, of, case_head, refused, now)?;
    let Ok(other_recipients) = judged else {
        let act = RefusePackage { package, transfer: transfer.id, receipt, head, actor: permit.actor() };
        let receipt = authority.datastore.perform(act).await?;
        authority.vault.discard(&closing)?;
        return Ok(receipt);
    };
    authority.vault.adopt(&closing, &package.id)?;
    let act = ReceivePackage { package, transfer, receipt, head, other_recipients, actor: permit.actor() };
    authority.datastore.perform(act).await
}

/// The receipt of the very same transmission, if it was given before.
fn given_before(
    there: &PackageRow,
    peer: &PartyId,
    transfer: &TransferRow,
    objects_sha256: Digest,
) -> Option<StoredReceipt> {
    let same = there.counterpart == *peer
        && there.shared_number == transfer.shared_number
        && there.objects_sha256 == objects_sha256;
    if same { there.receipt.clone() } else { None }
}

/// Judges an authentic package: who may have sent it, for what, and whether the right people can open it;
/// tells how many others can.
async fn judge(
    authority: &Authority,
    party: &ConfirmedParty,
    verified: &VerifiedPackage,
    package: &mut PackageRow,
    relay_receipt: &[u8],
) -> Result<Result<u64, Refused>, Problem> {
    let wrong = |what: String| Ok(Err(Refused::new(NonDeliveryGround::WrongPackage, what)));
    let number = package.shared_number.clone();
    let peer = &party.entry.party;
    let Some(seal) = verified.seal() else {
        return Ok(Err(Refused::new(NonDeliveryGround::WrongSigners, "it carries no institution's seal")));
    };
    let mut session = authority.datastore.read().await?;
    let (case, wanted): (String, Vec<EvidenceRecipient>);
    if let Some(order) = session.order_by_number(&number).await?.filter(|order| order.counterpart == *peer) {
        // From the provider that was ordered: made and sealed by itself, for this very order.
        case = order.case.to_string();
        package.case.clone_from(&case);
        if order.side != OrderSide::Ordering {
            return wrong(format!("{number} was not ordered here"));
        }
        if let Err(stage) = order.admits(OrderStep::Produce) {
            return Ok(Err(Refused::new(NonDeliveryGround::WrongStage, stage.to_string())));
        }
        if !party.known.seals_with(seal.certificate()) {
            return Ok(Err(Refused::new(
                NonDeliveryGround::WrongSigners,
                format!("its seal is not that of {peer}"),
            )));
        }
        let transmittal = verified.transmittal();
        if transmittal.order.as_ref() != Some(&number)
            || transmittal.sender.institution.as_ref() != Some(peer)
        {
            return wrong(format!("it was not made by {peer} in answer to {number}"));
        }
        let (document, _) = opening_document(&mut session, &case, &number).await?;
        wanted = recipients(&document)?;
    } else if let Some(request) =
        session.request_by_number(&number).await?.filter(|request| request.counterpart == *peer)
    {
        // From the requested authority: relayed, under its relay receipt.
        case = request.case.to_string();
        package.case.clone_from(&case);
        if request.side != Side::Requesting {
            return wrong(format!("{number} was not asked from {peer}"));
        }
        if let Err(stage) = request.admits(Step::TransferEvidence) {
            return Ok(Err(Refused::new(NonDeliveryGround::WrongStage, stage.to_string())));
        }
        if let Err(what) = check_relay(authority, party, package, relay_receipt) {
            return wrong(what);
        }
        let (document, _) = opening_document(&mut session, &case, &number).await?;
        wanted = recipients(&document)?;
    } else {
        package.case = crate::datastore::OFFICE.to_owned();
        return Ok(Err(Refused::new(
            NonDeliveryGround::UnknownReference,
            format!("nothing is known here under {number}"),
        )));
    }
    // Told only now: the sender has shown that it is the one who may send for this matter.
    if session.package(&package.id).await?.is_some() || session.package_was_erased(&package.id).await? {
        let what = "this package stands here already, sent otherwise";
        return Ok(Err(Refused::new(NonDeliveryGround::Conflict, what)));
    }
    let transmittal = verified.transmittal();
    match check_recipients(&wanted, transmittal) {
        Ok(()) => {
            // An authority may add recipients of its own, a maker its recovery key: said, not refused.
            let asked = |recipient: &str| wanted.iter().any(|want| want.recipient == recipient);
            let others = transmittal.all_recipients().filter(|listed| !asked(&listed.recipient)).count();
            Ok(Ok(others as u64))
        }
        Err(what) => wrong(what),
    }
}

fn recipients(document: &rogatory_core::document::Document) -> Result<Vec<EvidenceRecipient>, Problem> {
    document
        .evidence_recipients()
        .map_err(|error| Problem::internal("a stored document lists no recipients", error))
}

/// The relay receipt must be the peer's, for us, and speak of exactly this package.
fn check_relay(
    authority: &Authority,
    party: &ConfirmedParty,
    package: &PackageRow,
    relay_receipt: &[u8],
) -> Result<(), String> {
    if relay_receipt.is_empty() {
        return Err("it comes without a relay receipt".to_owned());
    }
    let receipt: Receipt =
        check_sealed_receipt(authority, party, relay_receipt).map_err(|problem| problem.to_string())?;
    let fits = match &receipt.of {
        Receipted::Package {
            sender,
            shared_number,
            package: id,
            manifest_sha256,
            objects_sha256,
            size_bytes,
        } => {
            *sender == party.entry.party
                && *shared_number == package.shared_number
                && *id == package.id
                && *manifest_sha256 == package.manifest_sha256
                && *objects_sha256 == package.objects_sha256
                && *size_bytes == package.size_bytes
        }
        Receipted::Document { .. } => false,
    };
    if receipt.receipt == ReceiptKind::Relay && receipt.addressee == *authority.institution.party() && fits {
        Ok(())
    } else {
        Err("its relay receipt speaks of another transmission".to_owned())
    }
}

struct ReceivePackage {
    package: PackageRow,
    transfer: TransferRow,
    receipt: Vec<u8>,
    head: Option<IncomingHead>,
    other_recipients: u64,
    actor: Actor,
}

impl Act for ReceivePackage {
    const NAME: &'static str = "receive-package";
    type Output = StoredReceipt;

    async fn perform(&self, tx: &mut Transaction) -> Result<StoredReceipt, StoreError> {
        let package = &self.package;
        if let Some(receipt) = tx.package(&package.id).await?.and_then(|there| there.receipt) {
            return Ok(receipt);
        }
        if tx.package_was_erased(&package.id).await? {
            return Err(Problem::new(Reason::Raced, "the package was erased meanwhile").into());
        }
        tx.insert_package(package, &self.transfer.objects).await?;
        tx.delete_transfer(&self.transfer.id).await?;
        let received = Event::PackageReceived {
            package: package.id.clone(),
            manifest_sha256: package.manifest_sha256,
            objects_sha256: package.objects_sha256,
            receipt_sha256: Digest::of(&self.receipt),
            other_recipients: self.other_recipients,
        };
        let event = CustodyEvent::shared(package.counterpart.clone(), received);
        let logged = tx.record(&package.case, &self.actor, event).await?;
        tx.give_promise(&package.counterpart, &logged).await?;
        let receipt = StoredReceipt { container: self.receipt.clone(), leaf_hash: logged.leaf_hash };
        tx.settle_package(package, PackageStage::Received, &receipt).await?;
        let (case, peer) = (&package.case, &package.counterpart);
        case_head::keep_received(tx, case, package.id.as_str(), peer, self.head.as_ref()).await?;
        if let Some(order) = tx.order_by_number(&package.shared_number).await? {
            let (order, event) = order.produce(package.id.clone(), tx.now())?;
            tx.update_order(&order).await?;
            tx.record(&package.case, &self.actor, event).await?;
        }
        Ok(receipt)
    }
}

struct RefusePackage {
    package: PackageRow,
    transfer: String,
    receipt: Vec<u8>,
    head: Option<IncomingHead>,
    actor: Actor,
}

impl Act for RefusePackage {
    const NAME: &'static str = "refuse-package";
    type Output = StoredReceipt;

    async fn perform(&self, tx: &mut Transaction) -> Result<StoredReceipt, StoreError> {
        let package = &self.package;
        tx.delete_transfer(&self.transfer).await?;
        let refused = Event::PackageRefused {
            package: package.id.clone(),
            manifest_sha256: package.manifest_sha256,
            receipt_sha256: Digest::of(&self.receipt),
        };
        let event = CustodyEvent::shared(package.counterpart.clone(), refused);
        let logged = tx.record(&package.case, &self.actor, event).await?;
        let (case, peer) = (&package.case, &package.counterpart);
        tx.give_promise(peer, &logged).await?;
        case_head::keep_received(tx, case, package.id.as_str(), peer, self.head.as_ref()).await?;
        Ok(StoredReceipt { container: self.receipt.clone(), leaf_hash: logged.leaf_hash })
    }
}

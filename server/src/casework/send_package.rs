//! An officer's sealed package: checked, sealed by the institution, delivered to the authority that ordered it.

use crate::access::Permit;
use crate::authority::Authority;
use crate::casework::case_head::{self, OutgoingHead};
use crate::casework::delivery::{CheckedReceipt, check_receipt};
use crate::casework::dispatch::{FIRST_TRY_SECONDS, dispatch};
use crate::casework::limits::{demand_taken, total};
use crate::casework::matter::opening_document;
use crate::casework::outer_check::check_outer;
use crate::casework::transfer::{demand_whole, forget, list_of};
use crate::datastore::{
    Act, Errand, HeadRow, Line, ObjectRow, PackageRow, PackageStage, StoreError, StoredReceipt, Transaction,
    TransferRow,
};
use crate::peers::{self, Outgoing};
use crate::problem::{Problem, Reason};
use crate::vault::{Closing, read_small};
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::document::EvidenceRecipient;
use rogatory_core::order::{OrderSide, OrderStep};
use rogatory_core::receipt::{Receipt, Receipted};
use rogatory_core::{Digest, OfficerId, PackageId, PartyId, Role, SharedNumber};
use rogatory_evidence::transmittal::Transmittal;
use rogatory_evidence::{
    Encryption, PERSON_MANIFEST, PERSON_SIGNATURE, SEAL_MANIFEST, SEAL_SIGNATURE, VerifiedPackage,
    institution_seal,
};
use std::sync::Arc;

const MANIFEST_LIMIT: u64 = 64 * 1024 * 1024;
const SIGNATURE_LIMIT: u64 = 64 * 1024;

/// What came of sending a package.
pub struct Sent {
    /// The package as it stands now.
    pub package: PackageRow,
    /// The addressee's receipt, positive or negative.
    pub receipt: Receipt,
}

/// Completes an upload and sends the package.
///
/// # Errors
/// [`Problem`]: incomplete, not verifying, other recipients than ordered, wrong stage, addressee out of reach.
pub async fn send_package(
    authority: &Arc<Authority>,
    permit: &Permit,
    transfer: TransferRow,
) -> Result<Sent, Problem> {
    let (_, actor) = permit.officer_as(&[Role::ProviderAgent, Role::EvidenceOfficer])?;
    let manifest_sha256 = manifest_digest(&transfer.objects)?;
    let id = PackageId::of_manifest(&manifest_sha256);
    let mut session = authority.datastore.read().await?;
    let package = match session.package(&id).await? {
        Some(package) if package.shared_number == transfer.shared_number => {
            drop(session);
            forget(authority, &transfer.id).await?;
            package
        }
        Some(_) => {
            return Err(Problem::new(
                Reason::Conflict,
                format!("package {id} answers another order here already"),
            ));
        }
        None => {
            drop(session);
            submit(authority, permit, &transfer, id.clone(), manifest_sha256, &actor).await?
        }
    };
    if let (PackageStage::Sent | PackageStage::NotDelivered, Some(stored)) = (package.stage, &package.receipt)
    {
        let receipt = reread_receipt(authority, &package.counterpart, &stored.container)?;
        return Ok(Sent { package, receipt });
    }
    if package.stage != PackageStage::Submitted {
        let what =
            format!("package {} is {} here and not one to be sent", package.id, package.stage.as_str());
        return Err(Problem::new(Reason::WrongStage, what));
    }
    let line = Line { case: package.case, addressee: package.counterpart };
    dispatch(authority, &line, Some(&Errand::Package(id.clone())), None).await?;
    let package = authority.datastore.read().await?.package(&id).await?;
    let package = package.ok_or_else(|| Problem::unknown("package", &id))?;
    let stored = package
        .receipt
        .as_ref()
        .ok_or_else(|| Problem::internal("a package left the outbox without a receipt", id.to_string()))?;
    let receipt = reread_receipt(authority, &package.counterpart, &stored.container)?;
    Ok(Sent { package, receipt })
}

/// The digest of the manifest that names the package.
pub(super) fn manifest_digest(objects: &[ObjectRow]) -> Result<Digest, Problem> {
    objects.iter().find(|object| object.name == PERSON_MANIFEST).map(|object| object.sha256).ok_or_else(
        || Problem::new(Reason::MalformedPackage, format!("the package has no `{PERSON_MANIFEST}`")),
    )
}

pub(super) fn reread_receipt(
    authority: &Authority,
    from: &PartyId,
    bytes: &[u8],
) -> Result<Receipt, Problem> {
    let party = authority.directory().confirmed(from)?;
    crate::casework::delivery::check_sealed_receipt(authority, &party, bytes)
}

/// Whether every wanted recipient can open the package: by each of their keys of its kind, and at least one.
///
/// # Errors
/// The first who cannot, in words.
pub(super) fn check_recipients(
    wanted: &[EvidenceRecipient],
    transmittal: &Transmittal,
) -> Result<(), String> {
    let is_of_kind =
        |want: &EvidenceRecipient| Encryption::of_text(&want.recipient) == transmittal.encryption;
    let is_listed = |key: &str| transmittal.recipients.iter().any(|have| have.recipient == key);
    let is_missing = |want: &&EvidenceRecipient| {
        let is_theirs = |other: &&EvidenceRecipient| {
            (&other.institution, &other.officer) == (&want.institution, &want.officer)
        };
        if is_of_kind(want) {
            !is_listed(&want.recipient)
        } else {
            !wanted.iter().filter(is_theirs).any(is_of_kind)
        }
    };
    match wanted.iter().find(is_missing) {
        None => Ok(()),
        Some(missing) => Err(format!("it is not encrypted to {}, who was asked for", missing.recipient)),
    }
}

/// Checks an uploaded package, adds the institution's seal, takes it into the vault and the books.
async fn submit(
    authority: &Arc<Authority>,
    permit: &Permit,
    transfer: &TransferRow,
    id: PackageId,
    manifest_sha256: Digest,
    actor: &Actor,
) -> Result<PackageRow, Problem> {
    let number = &transfer.shared_number;
    let mut session = authority.datastore.read().await?;
    let order = session
        .order_by_number(number)
        .await?
        .filter(|order| order.side == OrderSide::Provider)
        .ok_or_else(|| Problem::unknown("order", number))?;
    order.admits(OrderStep::Produce)?;
    let (document, _) = opening_document(&mut session, order.case.as_str(), number).await?;
    drop(session);
    let wanted = document
        .evidence_recipients()
        .map_err(|error| Problem::internal("a stored order lists no recipients", error))?;
    let (officer, _) = permit.officer_as(&[Role::ProviderAgent, Role::EvidenceOfficer])?;
    let closing = Arc::new(authority.vault.close(&transfer.id, Some(&id))?);
    if authority.datastore.read().await?.package(&id).await?.is_some() {
        let what = format!("package {id} was taken in by another call meanwhile");
        return Err(Problem::new(Reason::Raced, what).with_hint("repeat the command"));
    }
    let (checker, listed, officer) = (Arc::clone(authority), transfer.clone(), officer.clone());
    let (held, package) = (Arc::clone(&closing), id.clone());
    // Reads lists that may be long: off the threads that answer calls.
    let objects = blocking(move || {
        let own = [SEAL_MANIFEST, SEAL_SIGNATURE];
        checker.vault.reclaim(&held, &package, &listed.objects, &own)?;
        checker.vault.remove_objects(&held, &own)?;
        demand_whole(&checker, &listed)?;
        seal_upload(&checker, &held, &listed, &wanted, &officer)
    })
    .await?;
    let size_bytes = total(&objects);
    demand_taken(authority, &order.counterpart, size_bytes)?;
    authority.vault.adopt(&closing, &id)?;
    let package = PackageRow {
        id,
        case: order.case.to_string(),
        shared_number: number.clone(),
        counterpart: order.counterpart,
        stage: PackageStage::Submitted,
        stage_time: authority.clock.now(),
        manifest_sha256,
        objects_sha256: Digest::of(list_of(&objects).as_bytes()),
        size_bytes,
        object_count: objects.len() as u64,
        relay_receipt: None,
        receipt: None,
        relay_answer: None,
    };
    let (case, message, peer) = (&package.case, package.id.as_str(), &package.counterpart);
    let head = case_head::at_dispatch(authority, case, message, number, peer).await?;
    let act = Submit { package, objects, transfer: transfer.id.clone(), head, actor: actor.clone() };
    authority.datastore.perform(act).await
}

/// Checks the outer part of an upload and adds the institution's seal to it; gives all its objects.
fn seal_upload(
    authority: &Authority,
    closing: &Closing,
    transfer: &TransferRow,
    wanted: &[EvidenceRecipient],
    officer: &OfficerId,
) -> Result<Vec<ObjectRow>, Problem> {
    let folder = authority.vault.incoming(&transfer.id);
    let mut objects = transfer.objects.clone();
    if objects.iter().any(|object| [SEAL_MANIFEST, SEAL_SIGNATURE].contains(&object.name.as_str())) {
        return Err(Problem::new(
            Reason::MalformedPackage,
            "the package carries an institution's seal already",
        )
        .with_hint("send the package as you sealed it; this server adds the institution's seal"));
    }
    let now = authority.clock.now();
    let verified =
        check_outer(&folder, &objects, authority.institution.anchors(), &authority.revocation_lists(), now)?;
    let signer = verified.signature().certificate().digest();
    if authority.institution.officer_signing_with(&signer).is_none_or(|holder| holder.id != *officer) {
        return Err(Problem::new(
            Reason::WrongSigner,
            "the package was sealed by somebody else than its sender",
        )
        .with_hint("seal it with the certificate that the server's configuration names for you"));
    }
    check_sender(authority, &verified, wanted, &transfer.shared_number)?;
    let manifest = read_small(&folder, PERSON_MANIFEST, MANIFEST_LIMIT)?;
    let signature = read_small(&folder, PERSON_SIGNATURE, SIGNATURE_LIMIT)?;
    let seal = institution_seal(&manifest, &signature, authority.institution.seal(), now)
        .map_err(|error| Problem::internal("the package could not be sealed", error))?;
    for (name, bytes) in seal.into_objects() {
        objects.push(authority.vault.add_object(closing, &name, &bytes)?);
    }
    Ok(objects)
}

/// Runs work that blocks, apart from the threads that answer calls.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Problem> + Send + 'static,
) -> Result<T, Problem> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::internal("a piece of work broke off", error))?
}

/// What the transmittal says must be what the order asks.
fn check_sender(
    authority: &Authority,
    package: &VerifiedPackage,
    wanted: &[EvidenceRecipient],
    number: &SharedNumber,
) -> Result<(), Problem> {
    let transmittal = package.transmittal();
    let wrong = |what: String| {
        Problem::new(Reason::WrongPackage, format!("the package does not fit the order: {what}"))
    };
    if transmittal.order.as_ref() != Some(number) {
        return Err(wrong(format!("it does not say that it answers {number}"))
            .with_hint(format!("seal it with `--order {number}`")));
    }
    if transmittal.sender.institution.as_ref() != Some(authority.institution.party()) {
        return Err(wrong(format!("its sender is not {}", authority.institution.party()))
            .with_hint("seal it with your profile"));
    }
    check_recipients(wanted, transmittal)
        .map_err(|what| wrong(what).with_hint("take the recipients from the order"))
}

struct Submit {
    package: PackageRow,
    objects: Vec<ObjectRow>,
    transfer: String,
    head: Option<HeadRow>,
    actor: Actor,
}

impl Act for Submit {
    const NAME: &'static str = "submit-package";
    type Output = PackageRow;

    async fn perform(&self, tx: &mut Transaction) -> Result<PackageRow, StoreError> {
        let package = &self.package;
        if let Some(there) = tx.package(&package.id).await? {
            return Ok(there);
        }
        tx.insert_package(package, &self.objects).await?;
        if let Some(head) = &self.head {
            tx.keep_sent_head(head).await?;
        }
        tx.delete_transfer(&self.transfer).await?;
        let submitted = Event::PackageSubmitted {
            package: package.id.clone(),
            manifest_sha256: package.manifest_sha256,
            objects: package.object_count,
            size_bytes: package.size_bytes,
        };
        tx.record(&package.case, &self.actor, CustodyEvent::internal(submitted)).await?;
        let sealed =
            Event::PackageSealed { package: package.id.clone(), manifest_sha256: package.manifest_sha256 };
        tx.record(&package.case, &Actor::Server, CustodyEvent::internal(sealed)).await?;
        let line = Line { case: package.case.clone(), addressee: package.counterpart.clone() };
        let by_worker = tx.now().plus_seconds(FIRST_TRY_SECONDS);
        tx.queue(&Errand::Package(package.id.clone()), &line, &self.actor, by_worker).await?;
        Ok(package.clone())
    }
}

/// Brings a package that is in the vault to its addressee and settles it with the receipt.
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
    let objects = session.package_objects(id).await?;
    drop(session);
    let addressee = authority.directory().confirmed(&package.counterpart)?;
    let head = OutgoingHead::of(authority, &package.case, id.as_str()).await?;
    let outgoing = Outgoing {
        id,
        shared_number: &package.shared_number,
        objects: &objects,
        relay_receipt: None,
        case_head: head.note().to_vec(),
    };
    let answer = peers::send_package(authority, &package.counterpart, &outgoing).await?;
    let of = receipted(authority.institution.party(), &package.shared_number, &package);
    let receipt = check_receipt(authority, &addressee, &answer, &of)?;
    head.check_quoted(&receipt.receipt)?;
    authority.datastore.perform(Settle { package, receipt, actor: actor.clone() }).await
}

/// What a receipt for this package must speak of.
pub(super) fn receipted(sender: &PartyId, number: &SharedNumber, package: &PackageRow) -> Receipted {
    Receipted::Package {
        sender: sender.clone(),
        shared_number: number.clone(),
        package: package.id.clone(),
        manifest_sha256: package.manifest_sha256,
        objects_sha256: package.objects_sha256,
        size_bytes: package.size_bytes,
    }
}

struct Settle {
    package: PackageRow,
    receipt: CheckedReceipt,
    actor: Actor,
}

impl Act for Settle {
    const NAME: &'static str = "settle-package";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        let id = &self.package.id;
        tx.unqueue(&Errand::Package(id.clone())).await?;
        let package = tx.package(id).await?.ok_or_else(|| Problem::unknown("package", id))?;
        if package.stage != PackageStage::Submitted {
            // This act ran already and its commit was reported lost: the same receipt stands.
            return Ok(());
        }
        let delivered = self.receipt.is_positive();
        let stage = if delivered { PackageStage::Sent } else { PackageStage::NotDelivered };
        let stored =
            StoredReceipt { container: self.receipt.container.clone(), leaf_hash: self.receipt.leaf_hash };
        tx.settle_package(&package, stage, &stored).await?;
        tx.keep_promise(&package.counterpart, &stored).await?;
        if delivered {
            let sent = Event::PackageSent {
                package: id.clone(),
                manifest_sha256: package.manifest_sha256,
                objects_sha256: package.objects_sha256,
                receipt_sha256: self.receipt.digest(),
            };
            let event = CustodyEvent::shared(package.counterpart.clone(), sent);
            tx.record(&package.case, &self.actor, event).await?;
            let number = &package.shared_number;
            let order = tx.order_by_number(number).await?.ok_or_else(|| Problem::unknown("order", number))?;
            let (order, event) = order.produce(id.clone(), tx.now())?;
            tx.update_order(&order).await?;
            tx.record(&package.case, &self.actor, event).await?;
        } else {
            let refused = Event::PackageNotDelivered {
                package: id.clone(),
                manifest_sha256: package.manifest_sha256,
                receipt_sha256: self.receipt.digest(),
            };
            let event = CustodyEvent::shared(package.counterpart.clone(), refused);
            tx.record(&package.case, &self.actor, event).await?;
        }
        Ok(())
    }
}

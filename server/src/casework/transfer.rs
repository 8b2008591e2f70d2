//! A package arrives, from an officer or from a peer: announced, object by object, continued where it broke.

use crate::access::{Caller, Permit};
use crate::authority::Authority;
use crate::casework::limits::{demand_taken, demand_takes, total};
use crate::casework::send_package::blocking;
use crate::datastore::{Act, ObjectRow, StoreError, Transaction, TransferRow};
use crate::problem::{Problem, Reason};
use crate::vault::{MAX_OBJECTS, is_object_name};
use rogatory_core::mla_request::Side;
use rogatory_core::order::OrderSide;
use rogatory_core::{Digest, PackageId, PartyId, SharedNumber};
use rogatory_evidence::PERSON_MANIFEST;
use rogatory_evidence::arrival::Awaited;
use std::collections::{BTreeSet, HashMap};

/// How many transfers one caller may have begun and not completed.
const OPEN_TRANSFERS: i64 = 64;

/// Announces a package; the same announcement of the same caller is the same transfer. What came of it under
/// `sealing`, while it was being sealed, is taken over.
///
/// # Errors
/// [`Problem`] for names a package cannot have, too many objects, more bytes than are taken, or the database.
pub async fn begin(
    authority: &Authority,
    permit: &Permit,
    shared_number: SharedNumber,
    objects: Vec<ObjectRow>,
    sealing: Option<&[u8]>,
) -> Result<TransferRow, Problem> {
    if objects.is_empty() {
        return Err(Problem::new(Reason::LimitReached, "the package has no objects"));
    }
    check_objects(objects.iter().map(|object| (object.name.as_str(), object.size_bytes)))?;
    let caller = permit.caller_name();
    let id = id_of(&caller, &shared_number, &list_of(&objects));
    let sealing = sealing.map(|sealing| sealing_id_of(&caller, &shared_number, sealing));
    let transfer = TransferRow { id, caller, shared_number, objects };
    // Of what was taken in before no byte moves, whatever the limit is by now: its receipt is given again.
    let coming = match there(authority, permit, &transfer).await? {
        There::Held => 0,
        There::Otherwise | There::No => total(&transfer.objects),
    };
    demand_matter(authority, permit, &transfer.shared_number, coming).await?;
    open(authority, &transfer, sealing.as_deref()).await?;
    if let Some(sealing) = sealing {
        take_over(authority, &transfer, sealing).await?;
    }
    Ok(transfer)
}

/// Announces a package that is still being sealed: its objects may come before their digests are known. The same
/// sealing of the same caller is the same transfer.
///
/// # Errors
/// As [`begin`].
pub async fn begin_sealing(
    authority: &Authority,
    permit: &Permit,
    shared_number: SharedNumber,
    sealing: &[u8],
    objects: &[Awaited],
) -> Result<TransferRow, Problem> {
    check_objects(objects.iter().map(|object| (object.name.as_str(), object.size_bytes)))?;
    let size_bytes = objects.iter().fold(0, |sum: u64, object| sum.saturating_add(object.size_bytes));
    demand_matter(authority, permit, &shared_number, size_bytes).await?;
    let caller = permit.caller_name();
    let id = sealing_id_of(&caller, &shared_number, sealing);
    let transfer = TransferRow { id, caller, shared_number, objects: Vec::new() };
    open(authority, &transfer, None).await?;
    Ok(transfer)
}

/// How many bytes of these objects of a package that is still being sealed are durable here.
///
/// # Errors
/// [`Problem`] if the disk fails.
pub async fn progress_of_sealing(
    authority: &Authority,
    transfer: &TransferRow,
    objects: Vec<Awaited>,
) -> Result<Vec<u64>, Problem> {
    let (vault, id) = (authority.vault.clone(), transfer.id.clone());
    blocking(move || {
        vault.prepare(&id)?;
        let committed = vault.committed_late(&id, &objects)?;
        let left =
            objects.iter().zip(&committed).map(|(object, here)| object.size_bytes.saturating_sub(*here));
        vault.demand_room(left.fold(0, u64::saturating_add))?;
        Ok(committed)
    })
    .await
}

fn id_of(caller: &str, number: &SharedNumber, what: &str) -> String {
    let digest = Digest::of(format!("{caller}\n{number}\n{what}").as_bytes()).to_hex();
    format!("T-{}", &digest[..32])
}

/// The name of a sealing's transfer. No list of objects reads like its last line.
fn sealing_id_of(caller: &str, number: &SharedNumber, sealing: &[u8]) -> String {
    id_of(caller, number, &format!("sealing {}", Digest::of(sealing)))
}

/// Opens a transfer. Who has all places taken loses the sealing that was announced longest ago and that nothing is
/// coming of: most such were given up, for a new try is another sealing, and what came of any can be sent again.
/// `takes_over` is the sealing whose place this one gets.
async fn open(
    authority: &Authority,
    transfer: &TransferRow,
    takes_over: Option<&str>,
) -> Result<(), Problem> {
    let begin = Begin { transfer: transfer.clone(), takes_over: takes_over.unwrap_or_default().to_owned() };
    while !authority.datastore.perform(begin.clone()).await? {
        if !let_one_give_way(authority, transfer, &begin.takes_over).await? {
            let what = format!("{} has {OPEN_TRANSFERS} transfers open already", transfer.caller);
            return Err(Problem::new(Reason::LimitReached, what).with_hint("complete those first"));
        }
    }
    Ok(())
}

/// Lets go of one sealing of the caller; says whether there was any to let go.
async fn let_one_give_way(
    authority: &Authority,
    transfer: &TransferRow,
    takes_over: &str,
) -> Result<bool, Problem> {
    let sealings = authority.datastore.read().await?.open_sealings(&transfer.caller).await?;
    for id in sealings.into_iter().filter(|id| id != takes_over) {
        match forget(authority, &id).await {
            Ok(()) => {
                tracing::info!(
                    transfer = id,
                    caller = transfer.caller,
                    "a sealing gave way to a new transfer"
                );
                return Ok(true);
            }
            // Something is coming of it.
            Err(problem) if problem.reason() == Reason::Raced => {}
            Err(problem) => return Err(problem),
        }
    }
    Ok(false)
}

/// Takes over what came while the package was being sealed: what has the digest now announced, and the parts of what
/// was on its way. The rest is let go. After a crash it is done again.
async fn take_over(authority: &Authority, transfer: &TransferRow, sealing: String) -> Result<(), Problem> {
    if authority.vault.holds(&sealing) {
        let from = authority.vault.close(&sealing, None)?;
        let closing = authority.vault.close(&transfer.id, None)?;
        let (vault, objects) = (authority.vault.clone(), transfer.objects.clone());
        let from = blocking(move || vault.take_over(&from, &closing, &objects).map(|()| from)).await?;
        authority.datastore.perform(Forget(sealing)).await?;
        return authority.vault.discard(&from);
    }
    // Announced, and a crash came before its folder.
    if authority.datastore.read().await?.has_transfer(&sealing).await? {
        forget(authority, &sealing).await?;
    }
    Ok(())
}

/// Nothing is stored for a number under which the caller has nothing to send here, nor of a package that is larger
/// than the one takes it who gets it: this institution from a peer, from an officer the authority that ordered it.
async fn demand_matter(
    authority: &Authority,
    permit: &Permit,
    number: &SharedNumber,
    size_bytes: u64,
) -> Result<(), Problem> {
    let mut session = authority.datastore.read().await?;
    let order = session.order_by_number(number).await?;
    match permit.caller() {
        Caller::Officer { .. } => {
            if let Some(order) = order.filter(|order| order.side == OrderSide::Provider) {
                return demand_taken(authority, &order.counterpart, size_bytes);
            }
        }
        Caller::Peer(peer) => {
            let from = |counterpart: &PartyId| counterpart == peer;
            let ordered =
                order.is_some_and(|order| order.side == OrderSide::Ordering && from(&order.counterpart));
            let request = session.request_by_number(number).await?;
            if ordered
                || request
                    .is_some_and(|request| request.side == Side::Requesting && from(&request.counterpart))
            {
                return demand_takes(authority, size_bytes);
            }
        }
    }
    Err(Problem::new(Reason::Unknown, format!("no evidence is awaited under {number}"))
        .with_hint("`rogatory order list` shows the orders to answer"))
}

/// How many bytes of each announced object are durable here.
///
/// # Errors
/// [`Problem`] if database or disk fail.
pub async fn progress(
    authority: &Authority,
    permit: &Permit,
    transfer: &TransferRow,
) -> Result<Vec<u64>, Problem> {
    let there = there(authority, permit, transfer).await?;
    let (vault, transfer) = (authority.vault.clone(), transfer.clone());
    blocking(move || {
        // Only what is told from here on was made durable: a process before this one may have been killed.
        vault.prepare(&transfer.id)?;
        let unnamed = match there {
            There::Held => return Ok(transfer.objects.iter().map(|object| object.size_bytes).collect()),
            There::Otherwise => None,
            There::No => package_id(&transfer.objects),
        };
        let committed = vault.committed(&transfer.id, &transfer.objects, unnamed.as_ref());
        let here = committed.iter().fold(0, |sum: u64, bytes| sum.saturating_add(*bytes));
        vault.demand_room(total(&transfer.objects).saturating_sub(here))?;
        Ok(committed)
    })
    .await
}

/// The package that the objects make up, if a manifest is among them.
pub(super) fn package_id(objects: &[ObjectRow]) -> Option<PackageId> {
    let manifest = objects.iter().find(|object| object.name == PERSON_MANIFEST)?;
    Some(PackageId::of_manifest(&manifest.sha256))
}

/// How a package stands in the books.
enum There {
    /// Taken in before, from this very caller: its receipt may have been lost.
    Held,
    /// Here, and not by this transfer.
    Otherwise,
    /// Not here.
    No,
}

async fn there(authority: &Authority, permit: &Permit, transfer: &TransferRow) -> Result<There, Problem> {
    let Some(id) = package_id(&transfer.objects) else { return Ok(There::No) };
    let mut session = authority.datastore.read().await?;
    let Some(package) = session.package(&id).await? else { return Ok(There::No) };
    let same_matter = package.shared_number == transfer.shared_number;
    let same_caller = match permit.caller() {
        Caller::Peer(peer) => package.counterpart == *peer,
        Caller::Officer { .. } => true,
    };
    if !same_matter || !same_caller {
        return Ok(There::Otherwise);
    }
    let here = session.package_objects(&package.id).await?;
    let here: HashMap<&str, &ObjectRow> = here.iter().map(|object| (object.name.as_str(), object)).collect();
    let same = transfer.objects.iter().all(|object| here.get(object.name.as_str()) == Some(&object));
    Ok(if same { There::Held } else { There::Otherwise })
}

#[derive(Clone)]
struct Begin {
    transfer: TransferRow,
    /// The sealing whose place it gets, or nothing.
    takes_over: String,
}

impl Act for Begin {
    const NAME: &'static str = "begin-transfer";
    /// Whether there was a place for it.
    type Output = bool;

    async fn perform(&self, tx: &mut Transaction) -> Result<bool, StoreError> {
        let Self { transfer, takes_over } = self;
        if !tx.has_transfer(&transfer.id).await?
            && tx.transfer_count(&transfer.caller, takes_over).await? >= OPEN_TRANSFERS
        {
            return Ok(false);
        }
        tx.announce_transfer(transfer).await?;
        Ok(true)
    }
}

/// The caller's own transfer of this name.
///
/// # Errors
/// [`Reason::Unknown`] if there is none, or it is another's.
pub async fn find(authority: &Authority, permit: &Permit, id: &str) -> Result<TransferRow, Problem> {
    let found = authority.datastore.read().await?.transfer(id).await?;
    found.filter(|transfer| transfer.caller == permit.caller_name()).ok_or_else(|| {
        Problem::new(Reason::Unknown, "there is no such transfer").with_hint("announce the package first")
    })
}

/// The announced object of this name, without reading the rest of a list that may be long. While the package is still
/// being sealed it is announced by its first message: then it has `size_bytes`, and no digest yet.
///
/// # Errors
/// [`Reason::Unknown`] if the caller has no such transfer; a [`Problem`] if the object was not announced so.
pub async fn object(
    authority: &Authority,
    permit: &Permit,
    id: &str,
    name: &str,
    size_bytes: u64,
) -> Result<Awaited, Problem> {
    let found = authority.datastore.read().await?.transfer_object(id, &permit.caller_name(), name).await?;
    if let Some(object) = found {
        if size_bytes != 0 && size_bytes != object.size_bytes {
            let what = format!("is not the size announced, {} bytes", object.size_bytes);
            return Err(Problem::argument("size_bytes", &what));
        }
        return Ok((&object).into());
    }
    let transfer = find(authority, permit, id).await?;
    if !transfer.objects.is_empty() {
        return Err(Problem::argument("name", &"was not announced"));
    }
    check_objects([(name, size_bytes)])?;
    Ok(Awaited { name: name.to_owned(), size_bytes, sha256: None })
}

/// Refuses a transfer of which an object is missing.
///
/// # Errors
/// [`Reason::MalformedPackage`] naming the first.
pub fn demand_whole(authority: &Authority, transfer: &TransferRow) -> Result<(), Problem> {
    match transfer.objects.iter().find(|object| !authority.vault.has(&transfer.id, object)) {
        None => Ok(()),
        Some(missing) => {
            Err(Problem::new(Reason::MalformedPackage, format!("`{}` has not arrived", missing.name))
                .with_hint("send what is missing and complete the package again"))
        }
    }
}

/// Lets a transfer go that brought nothing new: the row first, so that a crash leaves at most a folder
/// that no row names, which a worker removes.
///
/// # Errors
/// [`Problem`] if it is still being sent, or database or disk fail.
pub(super) async fn forget(authority: &Authority, id: &str) -> Result<(), Problem> {
    let closing = authority.vault.close(id, None)?;
    authority.datastore.perform(Forget(id.to_owned())).await?;
    let vault = authority.vault.clone();
    blocking(move || vault.discard(&closing)).await
}

struct Forget(String);

impl Act for Forget {
    const NAME: &'static str = "forget-transfer";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        tx.delete_transfer(&self.0).await
    }
}

/// The list of objects in the form of `sha256sum`, whose digest stands in receipts.
#[must_use]
pub fn list_of(objects: &[ObjectRow]) -> String {
    objects.iter().map(|object| format!("{}  {}\n", object.sha256, object.name)).collect()
}

fn check_objects<'a>(objects: impl IntoIterator<Item = (&'a str, u64)>) -> Result<(), Problem> {
    let mut names = BTreeSet::new();
    let mut total: u64 = 0;
    for (name, size_bytes) in objects {
        if names.len() >= MAX_OBJECTS {
            let what = format!("the package has more than {MAX_OBJECTS} objects");
            return Err(Problem::new(Reason::LimitReached, what));
        }
        if !is_object_name(name) {
            return Err(Problem::argument("objects", &"an object has a name that a package does not have"));
        }
        if !names.insert(name) {
            return Err(Problem::argument("objects", &format!("`{name}` stands twice")));
        }
        total = total.saturating_add(size_bytes);
    }
    if i64::try_from(total).is_err() {
        return Err(Problem::new(Reason::LimitReached, "the sizes announced exceed any disk"));
    }
    Ok(())
}

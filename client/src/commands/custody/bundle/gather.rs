//! Gathers what a bundle holds beside exhibits: documents, receipts, record, entries, lists and time stamps.
//!
//! Asks the own server and reads the files that the officer named. Believes nothing: whoever reads the bundle judges it.

use super::BundleArguments;
use crate::commands::custody::record::{Fetched, fetch_record};
use crate::commands::documents::{self, CaseFacts};
use crate::commands::party;
use crate::connect::explain;
use crate::files;
use crate::problem::Problem;
use crate::session::Session;
use crate::trust::Trust;
use rogatory_core::document::Document;
use rogatory_core::{Digest, PackageId, PartyId, SharedNumber};
use rogatory_custody::record::Record;
use rogatory_evidence::bundle::{BundleCase, Named, is_stamp_name};
use rogatory_proto::custody::v1 as custody;
use rogatory_proto::office::v1 as office;
use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

/// The largest revocation list that is put in.
const CRL_LIMIT_BYTES: u64 = 16 * 1024 * 1024;
/// The largest time stamp token that is put in.
pub(super) const STAMP_LIMIT_BYTES: u64 = 64 * 1024;

/// What the own server gave.
pub(super) struct Gathered {
    pub(super) trust: Trust,
    pub(super) case: BundleCase,
    pub(super) fingerprints: BTreeMap<String, Digest>,
    /// Who cosigned the checkpoint.
    pub(super) witnesses: Vec<String>,
    /// Whether the own server knows the package, and so gave the receipts that it has for it.
    pub(super) knows_package: bool,
}

/// Fetches everything but the package; `package_id` is the one under which receipts know it.
pub(super) async fn gather(
    session: &Session,
    arguments: &BundleArguments,
    case: &CaseFacts,
    number: &SharedNumber,
    package_id: Option<&PackageId>,
) -> Result<Gathered, Problem> {
    let mut receipts = Vec::new();
    let (documents, mut parties) = documents_of(session, case, &mut receipts).await?;
    let knows_package = match package_id {
        Some(id) => receipts_of_package(session, id, &mut receipts).await?,
        None => false,
    };
    // Last, so that it holds the events that the fetching made.
    let Fetched { bytes: record, witnesses, stamps: of_checkpoint, .. } =
        fetch_record(session, &case.case_id, arguments.wait_seconds).await?;
    let record = shown_of(record, arguments.internal, &mut parties)?;
    let mut trust = Trust::default();
    let mut entries = Vec::new();
    let mut certificates = Vec::new();
    let mut fingerprints = BTreeMap::new();
    let own = session.profile()?.party.clone();
    parties.insert(own.clone());
    for party in parties {
        let Some(container) = entry_of(session, &own, &party).await? else { continue };
        let name = party.to_string().replace('/', "-");
        trust.add(container.clone(), session.now(), &format!("the entry of {party}"))?;
        if let Some(sealed) = trust.entries.last() {
            fingerprints.insert(party.to_string(), sealed.fingerprint);
            certificates.push(Named { name: format!("{name}.pem"), bytes: chains_of(sealed) });
        }
        entries.push(Named { name: format!("{name}.asice"), bytes: container });
    }
    let mut stamps = stamps(&arguments.stamps)?;
    let objects = [("documents", &documents), ("receipts", &receipts), ("parties", &entries)];
    for (folder, files) in objects {
        for file in files {
            let got = crate::commands::stamps::fetch(session, &Digest::of(&file.bytes)).await?;
            add_stamp(&mut stamps, &format!("{folder}--{}", file.name), got);
        }
    }
    add_stamp(&mut stamps, "custody--checkpoint.txt", of_checkpoint);
    Ok(Gathered {
        trust,
        case: BundleCase {
            shared_number: number.clone(),
            documents,
            receipts,
            record,
            parties: entries,
            certificates,
            revocation: revocation(&arguments.revocation)?,
            stamps,
        },
        fingerprints,
        witnesses,
        knows_package,
    })
}

/// Puts the first stamp of an object in, unless the officer gave one for it.
fn add_stamp(stamps: &mut Vec<Named>, object: &str, got: Vec<custody::TimeStamp>) {
    let name = format!("{object}.tst");
    if let Some(first) = got.into_iter().next().filter(|_| stamps.iter().all(|one| one.name != name)) {
        stamps.push(Named { name, bytes: first.token.to_vec() });
    }
}

/// Roots and seal certificates that an entry publishes, for tools that want them as files.
fn chains_of(sealed: &crate::trust::SealedEntry) -> Vec<u8> {
    let entry = &sealed.entry;
    format!("{}\n{}\n", entry.seal_certificates_pem.trim_end(), entry.anchors_pem.trim_end()).into_bytes()
}

/// The documents that left the house or came into it, and who sent them; their receipts are added.
async fn documents_of(
    session: &Session,
    case: &CaseFacts,
    receipts: &mut Vec<Named>,
) -> Result<(Vec<Named>, BTreeSet<PartyId>), Problem> {
    let all = documents::of_case(session, &case.case_id).await?;
    let (mut files, mut parties) = (Vec::new(), BTreeSet::new());
    let exchanged = ["transmitted", "not-delivered", "received", "refused"];
    let exchanged = all.iter().filter(|document| exchanged.contains(&document.stage.as_str()));
    for (index, document) in exchanged.enumerate() {
        let fetched = documents::fetch_bytes(session, &document.document_id).await?;
        let Document { kind, sender, addressee, .. } = &fetched.document;
        parties.extend([sender.party.clone(), addressee.party.clone()]);
        let stem = format!("{:03}-{kind}", index + 1);
        if !fetched.receipt.is_empty() {
            receipts.push(Named { name: format!("{stem}.asice"), bytes: fetched.receipt.to_vec() });
        }
        files.push(Named { name: format!("{stem}.asice"), bytes: fetched.container.to_vec() });
    }
    Ok((files, parties))
}

/// Adds what the own server has of receipts for a package; says whether it knows the package at all.
async fn receipts_of_package(
    session: &Session,
    id: &PackageId,
    receipts: &mut Vec<Named>,
) -> Result<bool, Problem> {
    let mut client = session.connection().await?.packages();
    let request = office::GetPackageRequest { package_id: id.to_string() };
    let answer = match client.get_package(request).await {
        Ok(answer) => answer.into_inner(),
        Err(status) if status.code() == tonic::Code::NotFound => return Ok(false),
        Err(status) => return Err(explain(status)),
    };
    for (what, receipt) in
        [("relay", answer.relay_receipt), ("delivery", answer.receipt), ("onward", answer.relay_answer)]
    {
        if !receipt.is_empty() {
            receipts.push(Named { name: format!("{id}-{what}.asice"), bytes: receipt.to_vec() });
        }
    }
    Ok(true)
}

/// The custody record, without the internal stream unless it was asked for; adds the parties that share streams.
fn shown_of(bytes: Vec<u8>, internal: bool, parties: &mut BTreeSet<PartyId>) -> Result<Vec<u8>, Problem> {
    let damaged = |error: rogatory_custody::record::RecordError| {
        Problem::unverified("the custody record that the server gave cannot be read").because(&error)
    };
    let mut record = Record::parse(&bytes).map_err(damaged)?;
    for entry in &record.entries {
        if let rogatory_core::custody_event::Stream::Shared(party) = &entry.stream {
            parties.insert(party.clone());
        }
    }
    if internal {
        return Ok(bytes);
    }
    let is_internal = |stream: &rogatory_core::custody_event::Stream| {
        matches!(stream, rogatory_core::custody_event::Stream::Internal)
    };
    record.entries.retain(|entry| !is_internal(&entry.stream));
    // The fourth line of a case head names its stream.
    record.heads.retain(|head| head.lines().nth(3) != Some("internal"));
    if record.entries.is_empty() {
        return Err(Problem::usage(
            "nothing was exchanged in this case yet, so there is no shared record of it",
        )
        .with_hint("put the office's own events in with --internal, if the reader may see them"));
    }
    record.to_bytes().map_err(damaged)
}

/// The entry of a party; none if it is not confirmed here, as a provider's at the requesting authority.
async fn entry_of(session: &Session, own: &PartyId, party: &PartyId) -> Result<Option<Vec<u8>>, Problem> {
    if party == own {
        return Ok(Some(party::own(session).await?.0.to_vec()));
    }
    let known = party::list(session).await?.parties.iter().any(|one| one.party_id == party.to_string());
    if !known {
        return Ok(None);
    }
    let mut client = session.connection().await?.parties();
    let request = office::GetPartyRequest { party_id: party.to_string() };
    Ok(Some(client.get_party(request).await.map_err(explain)?.into_inner().container.to_vec()))
}

/// Revocation lists as PEM: `openssl` takes them so beside anchors.
fn revocation(paths: &[PathBuf]) -> Result<Vec<Named>, Problem> {
    let mut lists = Vec::new();
    for (index, path) in paths.iter().enumerate() {
        let bytes = files::read(path, CRL_LIMIT_BYTES, "the revocation list")?;
        let mut known = rogatory_pki::revocation::RevocationLists::none();
        known.add(&bytes).map_err(|error| {
            Problem::usage(format!("`{}` is no revocation list", path.display())).because(&error)
        })?;
        let bytes = if bytes.first() == Some(&0x30) { pem_of(&bytes) } else { bytes };
        lists.push(Named { name: format!("{:03}.crl", index + 1), bytes });
    }
    Ok(lists)
}

fn pem_of(der: &[u8]) -> Vec<u8> {
    let text = data_encoding::BASE64.encode(der);
    let mut pem = "-----BEGIN X509 CRL-----\n".to_owned();
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, more) = rest.split_at(rest.len().min(64));
        pem.push_str(line);
        pem.push('\n');
        rest = more;
    }
    pem.push_str("-----END X509 CRL-----\n");
    pem.into_bytes()
}

fn stamps(paths: &[PathBuf]) -> Result<Vec<Named>, Problem> {
    let mut stamps = Vec::new();
    for path in paths {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        if !is_stamp_name(name) {
            return Err(Problem::usage(format!(
                "`{}` is not named after an object of a bundle",
                path.display()
            ))
            .with_hint("name it like documents--001-request.asice.tst: the object's name, `--` for `/`"));
        }
        let bytes = files::read(path, STAMP_LIMIT_BYTES, "the time stamp")?;
        stamps.push(Named { name: name.to_owned(), bytes });
    }
    Ok(stamps)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_written_in_lines_of_pem() {
        let pem = String::from_utf8(pem_of(&[7; 100])).expect("text");
        let lines: Vec<&str> = pem.lines().collect();
        assert_eq!(lines.first().copied(), Some("-----BEGIN X509 CRL-----"));
        assert!(lines.iter().all(|line| line.len() <= 64));
        assert_eq!(lines.last().copied(), Some("-----END X509 CRL-----"));
    }

    #[test]
    fn a_stamp_must_be_named_after_an_object() {
        let problem = stamps(&[PathBuf::from("other.tst")]).expect_err("refused");
        assert_eq!(problem.exit().code(), 2);
    }
}

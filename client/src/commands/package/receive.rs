//! Fetching a received package from the own server: every object's digest is checked, and nothing
//! stands under the final name before all are here.
//!
//! A download that broke continues: whole objects in the partial folder are kept.

use super::Held;
use super::objects::{Announced, Source, Telling};
use crate::commands::party;
use crate::commands::receipts::{self, Expected, ReceiptFacts};
use crate::connect::explain;
use crate::files;
use crate::output::Outcome;
use crate::output::page::{Page, bytes};
use crate::problem::Problem;
use crate::session::Session;
use rogatory_core::receipt::{ReceiptKind, Receipted};
use rogatory_core::{Digest, PackageId};
use rogatory_evidence::save_asice;
use rogatory_evidence::verify::claimed_transmittal;
use rogatory_proto::office::v1 as office;
use serde::Serialize;
use sha2::Digest as _;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// The result of [`receive`].
#[derive(Clone, Debug, Serialize)]
pub struct Received {
    /// The package.
    pub package_id: PackageId,
    /// The case.
    pub case_id: String,
    /// Where it is.
    pub output: PathBuf,
    /// SHA-256 of its `ASiCManifest001.xml`.
    pub manifest_sha256: Digest,
    /// The number of objects.
    pub object_count: usize,
    /// The bytes of all objects.
    pub size_bytes: u64,
    /// Who can open it, as the package says itself: the recovery recipients last.
    pub recipients: Vec<String>,
    /// The relay receipt that came with it, if it was relayed; verified.
    pub relay_receipt: Option<ReceiptFacts>,
    /// Where the relay receipt is.
    pub relay_receipt_file: Option<PathBuf>,
}

impl Outcome for Received {
    fn show(&self, page: &mut Page) {
        page.fact("package", &self.package_id);
        page.fact("written to", self.output.display());
        page.fact("size", format!("{} objects, {}", self.object_count, bytes(self.size_bytes)));
        page.fact("manifest sha256", self.manifest_sha256);
        for recipient in &self.recipients {
            page.fact("says it can be opened by", recipient);
        }
        if let Some(relay) = &self.relay_receipt {
            page.fact("relay receipt", format!("by {} at {}", relay.issuer, relay.issued_time));
        }
        if let Some(file) = &self.relay_receipt_file {
            page.fact("written to", file.display());
        }
        page.blank();
        page.line("Every digest fits what the server announced. Verify it: `rogatory package verify`.");
    }
}

/// Downloads a package and writes it as a folder or, if `output` ends in `.asice`, as one file.
///
/// # Errors
/// Unverified, if an object has another digest; a usage problem if the output is there already.
pub async fn receive(session: &Session, package: &PackageId, output: &Path) -> Result<Received, Problem> {
    files::must_be_new(output)?;
    let case = super::case_of(session, package).await?;
    let held = super::held(session, package).await?;
    let receipt_file = receipt_name(output);
    let relay_receipt = if held.relay_receipt.is_empty() {
        None
    } else {
        files::must_be_new(&receipt_file)?;
        // The requested authority relayed it: this office, or the one whose package arrived here.
        let (own, counterpart) =
            (session.profile()?.party.clone(), crate::commands::party_id(&case.counterpart)?);
        let (issuer, addressee, entry) = if case.side == "requested" {
            (own, counterpart, receipts::own_entry(session).await?)
        } else {
            let (_, entry) = party::confirmed(session, &counterpart).await?;
            (counterpart, own, entry)
        };
        let of = |of: &Receipted| held.was_passed_on(package, &issuer, &case.shared_number, of);
        let expected = Expected {
            issuer: &issuer,
            kind: ReceiptKind::Relay,
            addressee: &addressee,
            of: &of,
            sent: held.manifest,
        };
        Some(receipts::verify_bytes(session, &entry, &held.relay_receipt, &expected)?)
    };
    let folder = files::partial_name(output);
    download_all(session, package, &held, &folder).await?;
    place(session, folder, output.to_owned()).await?;
    if relay_receipt.is_some() {
        files::write_new(&receipt_file, &held.relay_receipt)?;
    }
    let transmittal = claimed_transmittal(output).map_err(|error| {
        Problem::unverified(format!("`{}` was received and cannot be read", output.display())).because(&error)
    })?;
    Ok(Received {
        recipients: super::recipient_lines(&transmittal),
        package_id: package.clone(),
        case_id: case.case_id,
        output: output.to_owned(),
        manifest_sha256: held.manifest,
        object_count: held.objects.len(),
        size_bytes: held.size_bytes(),
        relay_receipt_file: relay_receipt.is_some().then_some(receipt_file),
        relay_receipt,
    })
}

/// `p.asice` → `p.relay-receipt.asice`, beside the package.
fn receipt_name(output: &Path) -> PathBuf {
    let mut name = if is_file(output) { output.file_stem() } else { output.file_name() }
        .unwrap_or_default()
        .to_os_string();
    name.push(".relay-receipt.asice");
    output.with_file_name(name)
}

fn is_file(output: &Path) -> bool {
    output.extension().is_some_and(|extension| extension == "asice")
}

async fn download_all(
    session: &Session,
    package: &PackageId,
    held: &Held,
    folder: &Path,
) -> Result<(), Problem> {
    for inner in ["", "data", "META-INF"] {
        files::make_directory(&folder.join(inner))?;
    }
    session.progress.begin("receiving", Some(held.size_bytes()));
    for object in &held.objects {
        let done = download(session, package, object, &folder.join(&object.name)).await;
        if done.is_err() {
            session.progress.end();
        }
        done?;
    }
    session.progress.end();
    Ok(())
}

/// Fetches one object, from where an earlier try stopped, and checks its digest.
async fn download(
    session: &Session,
    package: &PackageId,
    object: &Announced,
    path: &Path,
) -> Result<(), Problem> {
    let cannot =
        |error: io::Error| Problem::failed(format!("`{}` cannot be written", path.display())).because(&error);
    let (mut hasher, mut file, mut have) = continue_file(path, object.size_bytes).map_err(cannot)?;
    session.progress.advance(have);
    if have < object.size_bytes {
        let mut client = session.connection().await?.packages();
        let request = office::DownloadObjectRequest {
            package_id: package.to_string(),
            name: object.name.clone(),
            offset: have,
        };
        let mut stream = client.download_object(request).await.map_err(explain)?.into_inner();
        while let Some(message) = stream.message().await.map_err(explain)? {
            have = have.saturating_add(message.data.len() as u64);
            if have > object.size_bytes {
                break;
            }
            hasher.update(&message.data);
            file.write_all(&message.data).map_err(cannot)?;
            session.progress.advance(message.data.len() as u64);
        }
    }
    if have < object.size_bytes {
        return Err(Problem::not_yet(format!(
            "`{}` ended after {have} of {} bytes",
            object.name, object.size_bytes
        ))
        .with_hint("the same command continues where it stopped"));
    }
    if have > object.size_bytes || Digest::from_bytes(hasher.finalize().into()) != object.sha256 {
        // What is wrong must not be continued.
        drop(file);
        fs::remove_file(path).map_err(cannot)?;
        return Err(Problem::unverified(format!(
            "`{}` has another digest than the server announced",
            object.name
        ))
        .with_hint(
            "try again; if it stays so, ask the operator to check the store with `rogatory-server fsck`",
        ));
    }
    file.sync_data().map_err(cannot)
}

/// What an earlier try left of an object, hashed again; nothing if there is none or too much.
fn continue_file(path: &Path, size_bytes: u64) -> io::Result<(sha2::Sha256, File, u64)> {
    let mut file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
    if file.metadata()?.len() > size_bytes {
        file.set_len(0)?;
    }
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 128 * 1024];
    let mut have = 0;
    loop {
        let count = file.read(&mut buffer)?;
        if count == 0 {
            return Ok((hasher, file, have));
        }
        hasher.update(buffer.get(..count).unwrap_or_default());
        have += count as u64;
    }
}

/// Gives the complete folder its final name, or makes the container file of it.
async fn place(session: &Session, folder: PathBuf, output: PathBuf) -> Result<(), Problem> {
    let progress = Arc::clone(&session.progress);
    let work = move || {
        if is_file(&output) {
            let source = Source::open(&folder)?;
            save_asice(&source, &output, &mut Telling(Arc::clone(&progress))).map_err(|error| {
                Problem::failed(format!("`{}` cannot be written", output.display())).because(&error)
            })?;
            progress.end();
            // The file is whole and durable; what is removed is only its parts.
            fs::remove_dir_all(&folder)
        } else {
            fs::rename(&folder, &output)
        }
        .map_err(|error| {
            Problem::failed(format!("`{}` cannot be put in its place", output.display())).because(&error)
        })
    };
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|error| Problem::failed("writing stopped").because(&error))?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_relay_receipt_lies_beside_the_package() {
        assert_eq!(receipt_name(Path::new("a/p.asice")), Path::new("a/p.relay-receipt.asice"));
        assert_eq!(receipt_name(Path::new("a/p")), Path::new("a/p.relay-receipt.asice"));
    }

    #[test]
    fn a_broken_download_goes_on_from_what_is_there() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("o");
        fs::write(&path, b"abc").expect("written");
        let (hasher, _, have) = continue_file(&path, 5).expect("readable");
        assert_eq!(have, 3);
        assert_eq!(Digest::from_bytes(hasher.finalize().into()), Digest::of(b"abc"));
        let (_, _, have) = continue_file(&path, 2).expect("readable");
        assert_eq!(have, 0);
    }
}

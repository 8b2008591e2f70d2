//! Doors to the parsers of this room for the fuzz targets in `tests/fuzz`; no product code is built with them.
//!
//! Each takes outside bytes and gives what the parser made of them, written again where there is one spelling.

use crate::acquisition::Acquisition;
use crate::age_layer::{self, AgeError, AgeRecipient, Identities};
use crate::files_list::ListedEntry;
use crate::source::ObjectDigest;
use crate::sparse::SparseMap;
use crate::streams::read_limited;
use crate::tar::reader::{TarVisitor, read_folder};
use crate::tar::{BLOCK_BYTES, END_BYTES, Entry, EntryKind, padding};
use crate::verify::VerifyOptions;
use std::io::{self, Cursor, Read};

/// Reads a list of digests and writes it again.
#[must_use]
pub fn digest_list_again(bytes: &[u8]) -> Option<Vec<u8>> {
    let lines = crate::digest_list::from_text(bytes).ok()?;
    Some(crate::digest_list::to_text(lines.into_iter()))
}

/// Reads the statement of a court bundle and writes it again.
#[must_use]
pub fn bundle_statement_again(bytes: &[u8]) -> Option<Vec<u8>> {
    crate::bundle::statement_again(bytes)
}

/// Reads the tar of a folder against its list and writes both again.
#[must_use]
pub fn tar_again(tar: &[u8], list: &[u8]) -> Option<(Vec<u8>, Vec<u8>)> {
    let mut found = Written::default();
    read_folder(&mut Cursor::new(tar), Cursor::new(list), &mut found).ok()?;
    found.tar.extend_from_slice(&[0; END_BYTES as usize]);
    Some((found.tar, found.list))
}

#[derive(Default)]
struct Written {
    tar: Vec<u8>,
    list: Vec<u8>,
}

impl TarVisitor for Written {
    fn entry(
        &mut self,
        entry: &Entry,
        map: Option<&SparseMap>,
        listed: &ListedEntry,
        content: &mut dyn Read,
    ) -> io::Result<()> {
        entry.push_header(&mut self.tar);
        if let (Some(map), EntryKind::Sparse { size_bytes, .. }) = (map, &entry.kind) {
            self.tar.extend_from_slice(&map.to_text(*size_bytes));
            self.tar.resize(self.tar.len().next_multiple_of(BLOCK_BYTES), 0);
        }
        let before = self.tar.len();
        content.read_to_end(&mut self.tar)?;
        let padding = padding((self.tar.len() - before) as u64);
        self.tar.resize(self.tar.len() + padding, 0);
        debug_assert!(self.tar.len().is_multiple_of(BLOCK_BYTES));
        listed.push_line(&mut self.list);
        Ok(())
    }
}

/// Opens an age file of at most a mebibyte.
///
/// # Errors
/// [`AgeError`] as in the product.
pub fn age_open(bytes: &[u8], identities: &Identities) -> Result<Vec<u8>, AgeError> {
    let mut reader = age_layer::Opening::new(bytes, identities, bytes.len() as u64, 2)
        .map_err(|locked| locked.finish().map_or_else(AgeError::Io, |(error, _)| error))?;
    read_limited(&mut reader, 1 << 20).map_err(AgeError::Io)
}

/// Makes an age file.
///
/// # Errors
/// [`AgeError`] as in the product.
pub fn age_seal(plaintext: &[u8], recipients: &[AgeRecipient]) -> Result<Vec<u8>, AgeError> {
    let mut sealed = Vec::new();
    let mut sealing = age_layer::Sealing::new(recipients, plaintext.len() as u64, plaintext, 2)?;
    sealing.read_to_end(&mut sealed).map_err(AgeError::Io)?;
    Ok(sealed)
}

/// Reads the resume state of `object` and writes it again; with the length it claims to be durable.
#[must_use]
pub fn arrival_state_again(object: &ObjectDigest, bytes: &[u8]) -> Option<(u64, Vec<u8>)> {
    crate::arrival::state_again(object, bytes)
}

/// The resume state of `object` after `start` of it came.
#[must_use]
pub fn arrival_state(object: &ObjectDigest, start: &[u8]) -> Vec<u8> {
    crate::arrival::state_after(object, start)
}

/// Looks at a decrypted index; how many failures were found, none only if it can be read at all.
#[must_use]
pub fn index_failures(bytes: Vec<u8>, options: &VerifyOptions<'_>) -> Option<usize> {
    crate::verify::index_failures(Box::new(Cursor::new(bytes)), options)
}

/// Reads a hash list; how many digests it holds.
#[must_use]
pub fn hash_list_digests(bytes: &[u8]) -> Option<u64> {
    crate::hash_list::digests_of(bytes)
}

/// Reads acquisition facts, checks and writes them, and reads and writes that again: both texts.
#[must_use]
pub fn acquisition_again(bytes: &[u8]) -> Option<(String, String)> {
    let facts: Acquisition = serde_json::from_slice(bytes).ok()?;
    let _ = facts.lines();
    facts.check().ok()?;
    let first = serde_json::to_string(&facts).ok()?;
    let again = serde_json::from_str::<Acquisition>(&first).and_then(|again| serde_json::to_string(&again));
    Some((first, again.unwrap_or_default()))
}

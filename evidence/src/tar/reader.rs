//! Reads the deterministic tar of a folder exhibit and compares it with the list of its files.
//!
//! Holds the strict reader: every header is encoded again and must be equal, paths rise, each
//! entry's parent is a folder that came before, links stay inside, and every entry agrees with
//! its line in the list. Reads streams only. Never touches the file system: what is found goes to
//! a visitor.

use super::{BLOCK_BYTES, Entry, EntryKind, padding};
use crate::files_list::{FilesList, FilesListError, ListedEntry, ListedType};
use crate::raw_path::link_stays_inside;
use crate::record::{FileTime, display, is_relative_path};
use crate::streams::{Hashing, read_full};
use rogatory_core::Digest;
use std::io::{self, BufRead, Read};

/// The largest pax header that is read: two paths and a few numbers.
const MAX_PAX_BYTES: u64 = 32 * 1024;

/// A tar is not the deterministic tar of the list of files.
#[derive(Debug, thiserror::Error)]
pub(crate) enum TarError {
    /// Reading failed; for an age file also if a part of it is not authentic.
    #[error("the tar cannot be read")]
    Io(#[source] io::Error),
    /// Writing what was found failed.
    #[error("`{path}` cannot be written")]
    Write {
        /// Which entry.
        path: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The tar ends early or goes on after its end.
    #[error("the tar is cut off or followed by other bytes")]
    End,
    /// A header that is not what the entry would be written as.
    #[error("the header after `{after}` is not in the one form it may have")]
    Header {
        /// The entry before.
        after: String,
    },
    /// A path out of order, outside, or below something that is no folder.
    #[error("`{path}` may not stand in the tar: {why}")]
    Path {
        /// Which entry.
        path: String,
        /// Why.
        why: &'static str,
    },
    /// Tar and list disagree.
    #[error("`{path}` in the tar is not what the list of files says")]
    Listed {
        /// Which entry.
        path: String,
    },
    /// The list goes on after the tar's end.
    #[error("`{path}` stands in the list of files but not in the tar")]
    Missing {
        /// Which entry.
        path: String,
    },
    /// The list can't be read.
    #[error("the list of files cannot be read")]
    List(#[source] FilesListError),
}

/// Is shown each entry of a tar, parents first.
pub(crate) trait TarVisitor {
    /// An entry; for a file `content` gives its bytes, else nothing. What is not read is skipped.
    fn entry(&mut self, entry: &Entry, listed: &ListedEntry, content: &mut dyn Read) -> io::Result<()>;
}

/// Looks at nothing: the reader's own checks are all that is wanted.
pub(crate) struct CheckOnly;

impl TarVisitor for CheckOnly {
    fn entry(&mut self, _: &Entry, _: &ListedEntry, _: &mut dyn Read) -> io::Result<()> {
        Ok(())
    }
}

/// Reads a whole tar; tells how many entries it had.
pub(crate) fn read_folder(
    tar: &mut dyn Read,
    list: impl BufRead,
    visitor: &mut dyn TarVisitor,
) -> Result<u64, TarError> {
    let mut list = FilesList::new(list);
    let mut last: Vec<u8> = Vec::new();
    // The folders that are open: paths with a slash at the end.
    let mut parents: Vec<Vec<u8>> = Vec::new();
    let mut entries = 0;
    while let Some(entry) = next_header(tar, &last)? {
        let stored = entry.stored_path();
        check_place(&entry, &stored, &last, &mut parents)?;
        let listed = list
            .next_entry()
            .map_err(TarError::List)?
            .filter(|listed| listed.path == entry.path)
            .ok_or_else(|| TarError::Listed { path: display(&entry.path) })?;
        read_content(tar, &entry, &listed, visitor)?;
        last = stored;
        entries += 1;
    }
    if let Some(listed) = list.next_entry().map_err(TarError::List)? {
        return Err(TarError::Missing { path: display(&listed.path) });
    }
    Ok(entries)
}

fn read_content(
    tar: &mut dyn Read,
    entry: &Entry,
    listed: &ListedEntry,
    visitor: &mut dyn TarVisitor,
) -> Result<(), TarError> {
    let wrong = || TarError::Listed { path: display(&entry.path) };
    let failed = |source| TarError::Write { path: display(&entry.path), source };
    let found = match &entry.kind {
        EntryKind::Folder => (ListedType::Folder, 0, None),
        EntryKind::Link { target } => (ListedType::Link, target.len() as u64, Some(Digest::of(target))),
        EntryKind::File { size_bytes } => (ListedType::File, *size_bytes, listed.sha256),
    };
    if found != (listed.listed_type, listed.size_bytes, listed.sha256) {
        return Err(wrong());
    }
    let size = entry.content_bytes();
    let mut content = Hashing::new((&mut *tar).take(size));
    visitor.entry(entry, listed, &mut content).map_err(failed)?;
    let (digest, count) = content.finish_after_the_rest().map_err(TarError::Io)?;
    if count != size {
        return Err(TarError::End);
    }
    if listed.listed_type == ListedType::File && listed.sha256 != Some(digest) {
        return Err(wrong());
    }
    let mut rest = [0; BLOCK_BYTES];
    let rest = rest.get_mut(..padding(size)).unwrap_or_default();
    tar.read_exact(rest).map_err(ended)?;
    if rest.iter().any(|byte| *byte != 0) {
        return Err(TarError::Header { after: display(&entry.path) });
    }
    Ok(())
}

/// Checks order, parent and link target.
fn check_place(
    entry: &Entry,
    stored: &[u8],
    last: &[u8],
    parents: &mut Vec<Vec<u8>>,
) -> Result<(), TarError> {
    let refuse = |why| Err(TarError::Path { path: display(&entry.path), why });
    if !is_relative_path(&entry.path) {
        return refuse("it is no path below the folder");
    }
    if stored <= last {
        return refuse("it is out of order or stands there twice");
    }
    while parents.last().is_some_and(|parent| !stored.starts_with(parent)) {
        parents.pop();
    }
    let parent_bytes = entry.path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    if parents.last().map_or(0, Vec::len) != parent_bytes {
        return refuse("its parent is no folder of the tar");
    }
    if let EntryKind::Link { target } = &entry.kind
        && !link_stays_inside(parents.len(), target)
    {
        return refuse("it is a link that leaves the folder");
    }
    if entry.kind == EntryKind::Folder {
        parents.push(stored.to_vec());
    }
    Ok(())
}

fn ended(error: io::Error) -> TarError {
    if error.kind() == io::ErrorKind::UnexpectedEof { TarError::End } else { TarError::Io(error) }
}

/// The next entry; `None` after the two empty blocks, with nothing behind them.
fn next_header(tar: &mut dyn Read, last: &[u8]) -> Result<Option<Entry>, TarError> {
    let bad = || TarError::Header { after: display(last) };
    let mut found = vec![0; BLOCK_BYTES];
    tar.read_exact(&mut found).map_err(ended)?;
    if found.iter().all(|byte| *byte == 0) {
        let mut end = [0; BLOCK_BYTES + 1];
        let count = read_full(tar, &mut end).map_err(TarError::Io)?;
        let proper = count == BLOCK_BYTES && end.iter().all(|byte| *byte == 0);
        return if proper { Ok(None) } else { Err(TarError::End) };
    }
    let mut pax = Vec::new();
    if found.get(156) == Some(&b'x') {
        let size = octal(&found, 124, 11).filter(|size| *size <= MAX_PAX_BYTES).ok_or_else(bad)?;
        let whole = usize::try_from(size).map_err(|_| bad())? + padding(size);
        pax.resize(whole, 0);
        tar.read_exact(&mut pax).map_err(ended)?;
        found.extend_from_slice(&pax);
        pax.truncate(whole - padding(size));
        let at = found.len();
        found.resize(at + BLOCK_BYTES, 0);
        tar.read_exact(found.get_mut(at..).unwrap_or_default()).map_err(ended)?;
    }
    let block = found.get(found.len() - BLOCK_BYTES..).unwrap_or_default();
    let entry = parse(block, &pax).ok_or_else(bad)?;
    // Everything that was not understood shows here.
    if entry.header() == found { Ok(Some(entry)) } else { Err(bad()) }
}

fn parse(block: &[u8], pax: &[u8]) -> Option<Entry> {
    let mut path = text(block, 0, 100)?;
    let mut target = text(block, 157, 100)?;
    let mut size = octal(block, 124, 11)?;
    let seconds = i64::try_from(octal(block, 136, 11)?).ok()?;
    let mut modified = FileTime { seconds, nanoseconds: 0 };
    let mut rest = pax;
    while !rest.is_empty() {
        let (key, value, after) = record(rest)?;
        match key {
            b"hdrcharset" => {}
            b"path" => path = value.to_vec(),
            b"linkpath" => target = value.to_vec(),
            b"size" => size = std::str::from_utf8(value).ok()?.parse().ok()?,
            b"mtime" => modified = time(std::str::from_utf8(value).ok()?)?,
            _ => return None,
        }
        rest = after;
    }
    let kind = match block.get(156)? {
        b'0' => EntryKind::File { size_bytes: size },
        b'5' => EntryKind::Folder,
        b'2' => EntryKind::Link { target },
        _ => return None,
    };
    if kind == EntryKind::Folder {
        path.pop_if(|byte| *byte == b'/');
    }
    let mode = u32::try_from(octal(block, 100, 7)?).ok()?;
    Some(Entry { path, kind, mode, modified })
}

/// One pax record and what follows it.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = bytes.iter().take(8).position(|byte| *byte == b' ')?;
    let length: usize = std::str::from_utf8(bytes.get(..blank)?).ok()?.parse().ok()?;
    let body = bytes.get(blank + 1..length)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|byte| *byte == b'=')?;
    Some((body.get(..equals)?, body.get(equals + 1..)?, bytes.get(length..)?))
}

fn time(text: &str) -> Option<FileTime> {
    let (sign, digits) = text.strip_prefix('-').map_or((1, text), |rest| (-1, rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if fraction.len() > 9 || !fraction.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let whole: i64 = whole.parse().ok()?;
    let nanoseconds: u32 = format!("{fraction:0<9}").parse().ok()?;
    Some(match (sign, nanoseconds) {
        (-1, 0) => FileTime { seconds: whole.checked_neg()?, nanoseconds: 0 },
        (-1, _) => FileTime {
            seconds: whole.checked_neg()?.checked_sub(1)?,
            nanoseconds: 1_000_000_000 - nanoseconds,
        },
        _ => FileTime { seconds: whole, nanoseconds },
    })
}

fn text(block: &[u8], at: usize, width: usize) -> Option<Vec<u8>> {
    let field = block.get(at..at + width)?;
    Some(field.split(|byte| *byte == 0).next().unwrap_or_default().to_vec())
}

fn octal(block: &[u8], at: usize, digits: usize) -> Option<u64> {
    let field = std::str::from_utf8(block.get(at..at + digits)?).ok()?;
    u64::from_str_radix(field, 8).ok()
}

/// The parser without the comparison, for tests of single headers.
#[cfg(test)]
pub(crate) fn parse_for_tests(block: &[u8], pax: &[u8]) -> Option<Entry> {
    parse(block, pax)
}

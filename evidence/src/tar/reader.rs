//! Reads the deterministic tar of a folder exhibit and compares it with the list of its files.
//!
//! Holds the strict reader: every header and map is encoded again and must be equal, paths rise,
//! each entry's parent is a folder that came before, links stay inside, a hard link names a file that
//! came before, and every entry agrees with its line in the list. Reads streams only. Never touches the file system: what is found goes to
//! a visitor.

use super::hard_links::{Awaited, Awaiting, FirstName};
use super::{
    ATTRIBUTE_KEY, BLOCK_BYTES, Entry, EntryKind, MAX_PAX_BYTES, SPARSE_NAME, attribute_name, padding,
};
use crate::attributes::ExtendedAttributes;
use crate::files_list::{FilesList, FilesListError, ListedEntry, ListedType};
use crate::limits::MAX_PACKAGE_BYTES;
use crate::raw_path::link_stays_inside;
use crate::record::{FileTime, display, is_relative_path};
use crate::sparse::{MAX_REGIONS, SparseDigest, SparseMap};
use crate::streams::{Hashing, read_full};
use rogatory_core::Digest;
use std::io::{self, BufRead, Read};

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
    /// The map of a file with holes is none.
    #[error("the map of `{path}` is not that of a file with holes, or not in the one form it may have")]
    Map {
        /// Which entry.
        path: String,
    },
    /// A file with holes that no package holds.
    #[error(
        "`{path}` has {size_bytes} bytes with its holes, and a file in a package has at most {MAX_PACKAGE_BYTES}"
    )]
    Size {
        /// Which entry.
        path: String,
        /// What it says.
        size_bytes: u64,
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
    /// An entry; for a file `content` gives its bytes, for one with holes those of the regions of
    /// `map`, else nothing. What is not read is skipped.
    fn entry(
        &mut self,
        entry: &Entry,
        map: Option<&SparseMap>,
        listed: &ListedEntry,
        content: &mut dyn Read,
    ) -> io::Result<()>;
}

/// Looks at nothing: the reader's own checks are all that is wanted.
pub(crate) struct CheckOnly;

impl TarVisitor for CheckOnly {
    fn entry(
        &mut self,
        _: &Entry,
        _: Option<&SparseMap>,
        _: &ListedEntry,
        _: &mut dyn Read,
    ) -> io::Result<()> {
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
    let mut headers = Headers::default();
    let mut last: Vec<u8> = Vec::new();
    // The folders that are open: how long their paths are, with a slash at the end. All begin the last path.
    let mut parents: Vec<usize> = Vec::new();
    // What is no folder and begins the path at hand: how long each of these paths is.
    let mut others: Vec<usize> = Vec::new();
    let mut awaiting = Awaiting::default();
    let mut entries = 0;
    while let Some(entry) = headers.next(tar, &last)? {
        let stored = entry.stored_path();
        check_place(&entry, &stored, &last, &mut parents)?;
        let common = stored.iter().zip(&last).take_while(|(a, b)| a == b).count();
        others.retain(|length| *length <= common);
        match entry.kind {
            EntryKind::Folder if others.contains(&entry.path.len()) => {
                let why = "a file or link has the same path";
                return Err(TarError::Path { path: display(&entry.path), why });
            }
            EntryKind::Folder => {}
            _ => others.push(stored.len()),
        }
        let listed = list
            .next_entry()
            .map_err(TarError::List)?
            .filter(|listed| listed.path == entry.path)
            .ok_or_else(|| TarError::Listed { path: display(&entry.path) })?;
        check_names(&entry, &listed, &mut awaiting)?;
        read_content(tar, &entry, &listed, visitor)?;
        last = stored;
        entries += 1;
    }
    if let Some(listed) = list.next_entry().map_err(TarError::List)? {
        return Err(TarError::Missing { path: display(&listed.path) });
    }
    match awaiting.left() {
        Some(path) => {
            Err(TarError::Path { path: display(path), why: "it has fewer names than it is said to" })
        }
        None => Ok(entries),
    }
}

/// A file with further names is remembered; a further name belongs to one that is.
fn check_names(entry: &Entry, listed: &ListedEntry, awaiting: &mut Awaiting) -> Result<(), TarError> {
    let refuse = |why| Err(TarError::Path { path: display(&entry.path), why });
    if let EntryKind::HardLink { target } = &entry.kind {
        let Some(file) = awaiting.take(target) else {
            return refuse("it is a further name of no file that came before and has one");
        };
        let listed_type =
            if file.content.is_sparse { ListedType::SparseAgain } else { ListedType::FileAgain };
        let same = (listed.listed_type, listed.sha256, listed.size_bytes)
            == (listed_type, Some(file.content.sha256), file.content.size_bytes);
        if !same || (entry.mode, entry.modified) != (file.mode, file.modified) {
            return Err(TarError::Listed { path: display(&entry.path) });
        }
    } else if let (true, Some(sha256)) = (listed.names > 1, listed.sha256) {
        let is_sparse = listed.listed_type == ListedType::Sparse;
        let content = FirstName { sha256, size_bytes: listed.size_bytes, is_sparse };
        let file = Awaited { content, mode: entry.mode, modified: entry.modified };
        if !awaiting.add(&entry.path, file, listed.names) {
            return refuse("too many files await further names");
        }
    }
    Ok(())
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
        EntryKind::Sparse { size_bytes, .. } => (ListedType::Sparse, *size_bytes, listed.sha256),
        // Compared with its first name before.
        EntryKind::HardLink { .. } => (listed.listed_type, listed.size_bytes, listed.sha256),
    };
    if found != (listed.listed_type, listed.size_bytes, listed.sha256) {
        return Err(wrong());
    }
    let stored = entry.content_bytes();
    if let EntryKind::Sparse { size_bytes, .. } = entry.kind {
        if size_bytes > MAX_PACKAGE_BYTES {
            return Err(TarError::Size { path: display(&entry.path), size_bytes });
        }
        let map = read_map(tar, entry, size_bytes, stored)?;
        let mut content = SparseContent {
            inner: (&mut *tar).take(map.data_bytes()),
            map: &map,
            digest: SparseDigest::new(size_bytes),
            region: 0,
            inside: 0,
        };
        visitor.entry(entry, Some(&map), listed, &mut content).map_err(failed)?;
        io::copy(&mut content, &mut io::sink()).map_err(TarError::Io)?;
        let SparseContent { inner, digest, .. } = content;
        if inner.limit() > 0 {
            return Err(TarError::End);
        }
        if listed.sha256 != Some(digest.finish()) {
            return Err(wrong());
        }
    } else {
        let mut content = Hashing::new((&mut *tar).take(stored));
        visitor.entry(entry, None, listed, &mut content).map_err(failed)?;
        let (digest, count) = content.finish_after_the_rest().map_err(TarError::Io)?;
        if count != stored {
            return Err(TarError::End);
        }
        if listed.listed_type == ListedType::File && listed.sha256 != Some(digest) {
            return Err(wrong());
        }
    }
    let mut rest = [0; BLOCK_BYTES];
    let rest = rest.get_mut(..padding(stored)).unwrap_or_default();
    tar.read_exact(rest).map_err(ended)?;
    if rest.iter().any(|byte| *byte != 0) {
        return Err(TarError::Header { after: display(&entry.path) });
    }
    Ok(())
}

/// The data of a file with holes, one region behind the other.
struct SparseContent<'a, R> {
    inner: io::Take<R>,
    map: &'a SparseMap,
    digest: SparseDigest,
    region: usize,
    inside: u64,
}

impl<R: Read> Read for SparseContent<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let Some(region) = self.map.regions().get(self.region) else {
            return Ok(0);
        };
        let most = usize::try_from(region.length - self.inside).unwrap_or(usize::MAX).min(buffer.len());
        let space = buffer.get_mut(..most).unwrap_or_default();
        let count = self.inner.read(space)?;
        self.digest.update(region.start + self.inside, space.get(..count).unwrap_or_default());
        self.inside += count as u64;
        if self.inside == region.length {
            (self.region, self.inside) = (self.region + 1, 0);
        }
        Ok(count)
    }
}

/// Reads the map before the data of a file with holes, which must be in its one form.
fn read_map(
    tar: &mut dyn Read,
    entry: &Entry,
    size_bytes: u64,
    stored_bytes: u64,
) -> Result<SparseMap, TarError> {
    let bad = || TarError::Map { path: display(&entry.path) };
    // Whoever seals writes a map only where that is shorter than the zeros.
    if stored_bytes >= size_bytes {
        return Err(bad());
    }
    // The number of pairs, and two numbers each, a line a number.
    let mut text: Vec<u8> = Vec::new();
    let mut lines = 0;
    let mut expected = 1;
    while lines < expected {
        if text.len() as u64 >= stored_bytes {
            return Err(bad());
        }
        let start = text.len();
        text.resize(start + BLOCK_BYTES, 0);
        let block = text.get_mut(start..).unwrap_or_default();
        tar.read_exact(block).map_err(ended)?;
        let found = block.iter().filter(|byte| **byte == b'\n').count();
        if lines == 0 {
            let first = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
            let pairs: usize = number(first).and_then(|pairs| pairs.try_into().ok()).ok_or_else(bad)?;
            if pairs > MAX_REGIONS + 1 {
                return Err(bad());
            }
            expected = 1 + 2 * pairs;
        }
        lines += found;
        if found == 0 {
            return Err(bad()); // no number fills a block
        }
    }
    let mut numbers = text.split(|byte| *byte == b'\n').skip(1).take(expected - 1).map(number);
    let mut pairs = Vec::with_capacity(expected / 2);
    while let Some(start) = numbers.next() {
        let pair = start.zip(numbers.next().flatten()).ok_or_else(bad)?;
        pairs.push(pair);
    }
    let map = SparseMap::from_pairs(&pairs, size_bytes).ok_or_else(bad)?;
    let mut again = map.to_text(size_bytes);
    again.resize(again.len().next_multiple_of(BLOCK_BYTES), 0);
    let stored = (again.len() as u64).checked_add(map.data_bytes());
    if again == text && stored == Some(stored_bytes) { Ok(map) } else { Err(bad()) }
}

fn number(digits: &[u8]) -> Option<u64> {
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// Checks order, parent and link target.
fn check_place(entry: &Entry, stored: &[u8], last: &[u8], parents: &mut Vec<usize>) -> Result<(), TarError> {
    let refuse = |why| Err(TarError::Path { path: display(&entry.path), why });
    if !is_relative_path(&entry.path) {
        return refuse("it is no path below the folder");
    }
    if stored <= last {
        return refuse("it is out of order or stands there twice");
    }
    while parents.last().is_some_and(|parent| stored.get(..*parent) != last.get(..*parent)) {
        parents.pop();
    }
    let parent_bytes = entry.path.iter().rposition(|byte| *byte == b'/').map_or(0, |at| at + 1);
    if parents.last().copied().unwrap_or(0) != parent_bytes {
        return refuse("its parent is no folder of the tar");
    }
    if let EntryKind::Link { target } = &entry.kind
        && !link_stays_inside(parents.len(), target)
    {
        return refuse("it is a link that leaves the folder");
    }
    if entry.kind == EntryKind::Folder {
        parents.push(stored.len());
    }
    Ok(())
}

fn ended(error: io::Error) -> TarError {
    if error.kind() == io::ErrorKind::UnexpectedEof { TarError::End } else { TarError::Io(error) }
}

/// Reads headers; its buffers are used again for each.
#[derive(Default)]
struct Headers {
    found: Vec<u8>,
    again: Vec<u8>,
}

impl Headers {
    /// The next entry; `None` after the two empty blocks, with nothing behind them.
    fn next(&mut self, tar: &mut dyn Read, last: &[u8]) -> Result<Option<Entry>, TarError> {
        let bad = || TarError::Header { after: display(last) };
        self.found.clear();
        self.read(tar, BLOCK_BYTES)?;
        if self.found.iter().all(|byte| *byte == 0) {
            let mut end = [0; BLOCK_BYTES + 1];
            let count = read_full(tar, &mut end).map_err(TarError::Io)?;
            let proper = count == BLOCK_BYTES && end.iter().all(|byte| *byte == 0);
            return if proper { Ok(None) } else { Err(TarError::End) };
        }
        let mut pax = BLOCK_BYTES..BLOCK_BYTES;
        if self.found.get(156) == Some(&b'x') {
            let size = octal(&self.found, 124, 11).filter(|size| *size <= MAX_PAX_BYTES);
            let size = size.and_then(|size| usize::try_from(size).ok()).ok_or_else(bad)?;
            pax.end += size;
            self.read(tar, size.next_multiple_of(BLOCK_BYTES) + BLOCK_BYTES)?;
        }
        let block = self.found.get(self.found.len() - BLOCK_BYTES..).unwrap_or_default();
        let entry = parse(block, self.found.get(pax).unwrap_or_default()).ok_or_else(bad)?;
        // Everything that was not understood shows here.
        self.again.clear();
        entry.push_header(&mut self.again);
        if self.again == self.found { Ok(Some(entry)) } else { Err(bad()) }
    }

    fn read(&mut self, tar: &mut dyn Read, count: usize) -> Result<(), TarError> {
        let start = self.found.len();
        self.found.resize(start + count, 0);
        tar.read_exact(self.found.get_mut(start..).unwrap_or_default()).map_err(ended)
    }
}

fn parse(block: &[u8], pax: &[u8]) -> Option<Entry> {
    let mut path = text(block, 0, 100)?;
    let mut target = text(block, 157, 100)?;
    let mut size = octal(block, 124, 11)?;
    let seconds = i64::try_from(octal(block, 136, 11)?).ok()?;
    let mut modified = FileTime { seconds, nanoseconds: 0 };
    let mut sparse_size = None;
    let mut attributes: ExtendedAttributes = Vec::new();
    let mut rest = pax;
    while !rest.is_empty() {
        let (key, value, after) = record(rest)?;
        match key {
            b"hdrcharset" | b"GNU.sparse.major" | b"GNU.sparse.minor" => {}
            b"path" | b"GNU.sparse.name" => path = value.to_vec(),
            b"GNU.sparse.realsize" => sparse_size = Some(number(value)?),
            b"linkpath" => target = value.to_vec(),
            b"size" => size = number(value)?,
            b"mtime" => modified = time(std::str::from_utf8(value).ok()?)?,
            _ => {
                let name = attribute_name(key.strip_prefix(ATTRIBUTE_KEY)?)?;
                if attributes.last().is_some_and(|(before, _)| *before >= name) {
                    return None;
                }
                attributes.push((name, value.to_vec()));
            }
        }
        rest = after;
    }
    let kind = match (block.get(156)?, sparse_size) {
        (b'0', Some(size_bytes)) if path != SPARSE_NAME => {
            EntryKind::Sparse { size_bytes, stored_bytes: size }
        }
        (b'0', None) => EntryKind::File { size_bytes: size },
        (b'5', None) => EntryKind::Folder,
        (b'2', None) => EntryKind::Link { target },
        (b'1', None) if attributes.is_empty() => EntryKind::HardLink { target },
        _ => return None,
    };
    if kind == EntryKind::Folder {
        path.pop_if(|byte| *byte == b'/');
    }
    let mode = u32::try_from(octal(block, 100, 7)?).ok()?;
    Some(Entry { path, kind, mode, modified, attributes })
}

/// One pax record and what follows it.
fn record(bytes: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let blank = bytes.iter().take(10).position(|byte| *byte == b' ')?;
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

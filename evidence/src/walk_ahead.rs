//! Looks at many entries of a folder at once, on several threads, before the walk comes to them.
//!
//! Holds what is learnt of a small file ahead: what the system says of it, its extended attributes and, if it was
//! asked for, its content and digest. May open and read files by their names in an open folder. Decides nothing: of
//! whatever is not a plain small file, or fails, or changed meanwhile, nothing is told, and the walk looks itself at its
//! turn.

use crate::attributes::{self, Found, Owner};
use crate::handle::{Facts, FileKind, Folder, facts_of};
use crate::raw_path::name_of;
use crate::threads::{all, threads};
use rogatory_core::Digest;
use std::cmp::Ordering;
use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

/// Files up to this size are read at once, at their turn.
pub(crate) const SMALL_BYTES: u64 = 64 * 1024;
/// Files up to this size are read ahead.
const AHEAD_BYTES: u64 = 16 * 1024;
/// Extended attributes up to this size are kept ahead.
const AHEAD_ATTRIBUTE_BYTES: usize = 4 * 1024;
/// How many entries are looked at together: what was read of them takes 10 MiB at most.
pub(crate) const AHEAD: usize = 512;
/// Fewer are not worth a thread.
const FEW: usize = 8;

/// What was learnt of a file before its turn.
pub(crate) struct Looked {
    pub(crate) facts: Facts,
    pub(crate) attributes: Found,
    /// Only if it was asked for.
    pub(crate) content: Option<SmallContent>,
}

/// A whole small file, which was the same before and after it was read.
pub(crate) struct SmallContent {
    pub(crate) bytes: Vec<u8>,
    pub(crate) sha256: Digest,
}

impl SmallContent {
    pub(crate) fn new(bytes: Vec<u8>) -> Self {
        Self { sha256: Digest::of(&bytes), bytes }
    }
}

/// Looks at `names` in `folder`, which lies at `path`; with their content, if it is asked for. Nothing, if there are few.
pub(crate) fn look_ahead(
    folder: &Folder,
    path: &Path,
    names: &[&[u8]],
    with_content: bool,
) -> Vec<Option<Looked>> {
    if names.len() < FEW {
        return Vec::new();
    }
    all(threads().min(names.len() / FEW), names, |buffer, name| {
        let looked = if with_content { read(folder, name, buffer) } else { look(folder, path, name, buffer) };
        looked.ok().flatten()
    })
}

fn look(folder: &Folder, path: &Path, name: &[u8], buffer: &mut Vec<u8>) -> io::Result<Option<Looked>> {
    let facts = folder.look(name)?;
    if facts.kind != FileKind::File {
        return Ok(None);
    }
    let attributes = attributes::read(Owner::At(&path.join(name_of(name))), buffer)?;
    if attributes.held_bytes() > AHEAD_ATTRIBUTE_BYTES {
        return Ok(None);
    }
    Ok(Some(Looked { facts, attributes, content: None }))
}

fn read(folder: &Folder, name: &[u8], buffer: &mut Vec<u8>) -> io::Result<Option<Looked>> {
    let mut file = folder.open_file(name)?;
    let facts = facts_of(&file)?;
    let is_plain = facts.kind == FileKind::File && facts.names == 1 && !facts.may_have_holes();
    if !is_plain || facts.size_bytes > AHEAD_BYTES {
        return Ok(None);
    }
    let attributes = attributes::read(Owner::Open(&file), buffer)?;
    if attributes.held_bytes() > AHEAD_ATTRIBUTE_BYTES {
        return Ok(None);
    }
    let Ok(bytes) = read_small(&mut file, facts.size_bytes)? else {
        return Ok(None);
    };
    if facts_of(&file)?.difference(&facts).is_some() {
        return Ok(None);
    }
    Ok(Some(Looked { facts, attributes, content: Some(SmallContent::new(bytes)) }))
}

/// The whole content, or what is wrong with its length: one read that also meets the end.
pub(crate) fn read_small(file: &mut File, size_bytes: u64) -> io::Result<Result<Vec<u8>, &'static str>> {
    let size = usize::try_from(size_bytes).unwrap_or(0);
    // One byte more, which must not be there.
    let mut bytes = vec![0; size + 1];
    let mut filled = 0;
    loop {
        match file.read(bytes.get_mut(filled..).unwrap_or_default()) {
            Ok(0) => break,
            Ok(count) => {
                filled += count;
                if filled == size {
                    break; // a read that gives less than was asked has met the end
                }
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(size);
    Ok(match filled.cmp(&size) {
        Ordering::Less => Err("it became shorter"),
        Ordering::Equal => Ok(bytes),
        Ordering::Greater => Err("it became longer"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_another_length_is_not_what_it_was() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("f");
        std::fs::write(&path, b"content").expect("writes");
        let read = |size| read_small(&mut File::open(&path).expect("opens"), size).expect("reads");
        assert_eq!(read(7), Ok(b"content".to_vec()));
        assert_eq!(read(6), Err("it became longer"));
        assert_eq!(read(8), Err("it became shorter"));
        std::fs::write(&path, b"").expect("writes");
        assert_eq!(read(0), Ok(Vec::new()));
    }

    #[test]
    fn what_is_no_plain_small_file_is_left_to_its_turn() {
        let folder = tempfile::tempdir().expect("a folder");
        for number in 0..10 {
            std::fs::write(folder.path().join(number.to_string()), b"small").expect("writes");
        }
        std::fs::write(folder.path().join("1"), vec![1; 100_000]).expect("writes");
        std::fs::remove_file(folder.path().join("2")).expect("removes");
        std::fs::create_dir(folder.path().join("2")).expect("makes");
        std::fs::remove_file(folder.path().join("3")).expect("removes");
        let names: Vec<String> = (0..10).map(|number| number.to_string()).collect();
        let names: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
        let open = Folder::open(folder.path()).expect("opens");
        for with_content in [true, false] {
            let looked = look_ahead(&open, folder.path(), &names, with_content);
            let found: Vec<bool> = looked.iter().map(Option::is_some).collect();
            let large_too = !with_content;
            assert_eq!(found, [true, large_too, false, false, true, true, true, true, true, true]);
            let read = looked.iter().flatten().filter(|looked| looked.content.is_some()).count();
            assert_eq!(read, if with_content { 7 } else { 0 });
        }
        assert!(look_ahead(&open, folder.path(), &names[..2], true).is_empty());
    }
}

//! Whether the disk takes what an opening will write.
//!
//! Holds the look at the lists of files for what the sizes of the tars do not say: names that become copies where no
//! hard links can be made, and holes. May read the index, and try out in the opening's own folder what its file
//! system can do. Leaves nothing there.

use super::tree::entry_of;
use crate::exhibit::ExhibitNumber;
use crate::files_list::{FilesList, ListedType};
use crate::handle::facts_of;
use crate::limits::{Limits, MAX_PACKAGE_BYTES};
use crate::partial::create_private_file;
use crate::record::{ExhibitType, display};
use crate::verify::ExhibitDescription;
use crate::verify::index::Index;
use std::collections::BTreeSet;
use std::fs;
use std::io::{self, BufReader};
use std::path::Path;

/// What is tried out to learn whether the file system keeps holes.
const HOLE_BYTES: u64 = 1024 * 1024;

/// What the disk of an opening can do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Disk {
    pub(crate) hard_links: bool,
    pub(crate) holes: bool,
    /// Whether it takes a file of the size that was asked for.
    pub(crate) takes_largest: bool,
    /// What is free; nothing where that can't be known.
    pub(crate) free_bytes: Option<u64>,
}

impl Disk {
    /// Tries it out in `folder`, with a file of `largest` bytes of which none is written.
    pub(crate) fn of(folder: &Path, largest: u64) -> io::Result<Self> {
        let (trial, again) = (folder.join(".trial"), folder.join(".trial-again"));
        let file = create_private_file(&trial)?;
        let hard_links = fs::hard_link(&trial, &again).is_ok();
        file.set_len(HOLE_BYTES)?;
        let holes = facts_of(&file)?.stored_bytes < HOLE_BYTES;
        // Where there are no holes this would write them all.
        let takes_largest = !holes || largest == 0 || file.set_len(largest).is_ok();
        drop(file);
        fs::remove_file(&trial)?;
        if hard_links {
            fs::remove_file(&again)?;
        }
        Ok(Self { hard_links, holes, takes_largest, free_bytes: crate::limits::free_bytes(folder) })
    }
}

/// What the exhibits that are opened will take.
#[derive(Default)]
pub(super) struct Demand {
    /// Files and tars as they are.
    stored: u64,
    /// The same where holes can't be kept.
    without_holes: u64,
    /// What further names take as copies; of files with holes what they hold is known only later.
    copies: u64,
    /// The same where holes can't be kept.
    copies_without_holes: u64,
    /// The largest file with holes, and whose it is.
    largest: Option<(u64, String)>,
    /// Whether there are further names or holes at all.
    is_odd: bool,
}

impl Demand {
    /// Adds up what `exhibits` take; with `keep_tar` the tars of folders on top.
    pub(super) fn of(exhibits: &BTreeSet<ExhibitNumber>, keep_tar: bool, index: &mut Index) -> Self {
        let mut demand = Self::default();
        for place in 0..index.exhibits.len() {
            // One at a time: there may be a hundred thousand.
            let exhibit = index.exhibits.get(place).filter(|exhibit| exhibits.contains(&exhibit.number));
            let Some(exhibit) = exhibit.cloned() else { continue };
            if exhibit.exhibit_type == ExhibitType::File {
                demand.add(exhibit.size_bytes, exhibit.size_bytes);
                continue;
            }
            if keep_tar {
                demand.add(exhibit.size_bytes, exhibit.size_bytes);
            }
            let whole = demand.add_list(&exhibit, index);
            demand.add(exhibit.size_bytes, exhibit.size_bytes.max(whole));
        }
        demand
    }

    fn add(&mut self, stored: u64, without_holes: u64) {
        self.stored = self.stored.saturating_add(stored);
        self.without_holes = self.without_holes.saturating_add(without_holes);
    }

    /// Adds what the list of a folder says; tells what its files take without holes.
    fn add_list(&mut self, exhibit: &ExhibitDescription, index: &mut Index) -> u64 {
        let mut whole = 0_u64;
        // A list that can't be read is told when the folder is opened.
        let Ok(files) = index.files(exhibit) else { return whole };
        let mut list = FilesList::new(BufReader::new(files));
        let mut number = 0;
        while let Ok(Some(entry)) = list.next_entry() {
            number += 1;
            let size = entry.size_bytes;
            match entry.listed_type {
                ListedType::File => whole = whole.saturating_add(size),
                ListedType::Sparse => {
                    whole = whole.saturating_add(size);
                    if self.largest.as_ref().is_none_or(|(largest, _)| *largest < size) {
                        self.largest = Some((size, name_of_entry(exhibit, number, &entry.path)));
                    }
                }
                ListedType::FileAgain => {
                    self.copies = self.copies.saturating_add(size);
                    self.copies_without_holes = self.copies_without_holes.saturating_add(size);
                }
                ListedType::SparseAgain => {
                    self.copies_without_holes = self.copies_without_holes.saturating_add(size);
                }
                ListedType::Folder | ListedType::Link => continue,
            }
            self.is_odd |= entry.listed_type != ListedType::File;
        }
        whole
    }

    /// Compares it with the disk at `output`, which `try_out` tries out, if there is anything to try.
    ///
    /// What comes back is the disk, and what is free on it for copies.
    pub(super) fn judge(
        &self,
        output: &Path,
        limits: &mut Limits,
        try_out: impl FnOnce(u64) -> io::Result<Disk>,
    ) -> io::Result<(Disk, u64)> {
        if let Some((size, whose)) = self.largest.as_ref().filter(|(size, _)| *size > MAX_PACKAGE_BYTES) {
            limits.file(whose, *size, MAX_PACKAGE_BYTES);
        }
        let disk = if self.is_odd {
            try_out(self.largest.as_ref().map_or(0, |(size, _)| *size).min(MAX_PACKAGE_BYTES))?
        } else {
            let free_bytes = crate::limits::free_bytes(output);
            Disk { hard_links: true, holes: true, takes_largest: true, free_bytes }
        };
        if let (false, Some((size, whose))) = (disk.takes_largest, &self.largest) {
            limits.file_on(output, whose, *size);
        }
        let (bytes, copies) = if disk.holes {
            (self.stored, self.copies)
        } else {
            (self.without_holes, self.copies_without_holes)
        };
        let copies = if disk.hard_links { 0 } else { copies };
        let holes = bytes.saturating_sub(self.stored);
        limits.room_for_tree(output, disk.free_bytes, bytes.saturating_add(copies), copies, holes);
        let for_copies = disk.free_bytes.map_or(u64::MAX, |free| free.saturating_sub(bytes));
        Ok((disk, for_copies))
    }
}

/// An entry for messages. What a sensitive folder holds is not told, so its entries go by their numbers.
fn name_of_entry(exhibit: &ExhibitDescription, number: u64, path: &[u8]) -> String {
    let entry = if exhibit.sensitive.is_some() { entry_of(number) } else { display(path) };
    format!("{}: {entry}", exhibit.number)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_larger_than_a_package_is_refused_by_name_before_the_disk_is_asked_for_it() {
        let output = Path::new("out");
        let demand = |size| Demand {
            largest: Some((size, "EX-0001: disk.img".to_owned())),
            is_odd: true,
            ..Demand::default()
        };
        let any = Disk { hard_links: true, holes: true, takes_largest: true, free_bytes: None };
        let mut limits = Limits::default();
        let judged = demand(MAX_PACKAGE_BYTES + 1).judge(output, &mut limits, |largest| {
            assert_eq!(largest, MAX_PACKAGE_BYTES);
            Ok(any)
        });
        assert!(judged.is_ok());
        let text = limits.judge().expect_err("refused").to_string();
        assert!(text.contains("`EX-0001: disk.img` has 70368744177665 bytes with its holes"), "{text}");
        let mut limits = Limits::default();
        let judged = demand(MAX_PACKAGE_BYTES).judge(output, &mut limits, |_| Ok(any));
        assert_eq!(judged.expect("judged"), (any, u64::MAX));
        assert_eq!(limits.judge(), Ok(()));
    }
}

//! The names under which something is written before it is whole.
//!
//! Holds the choice of such a name, the list of those that this process has open, and the search
//! for those that a broken run left. May list and remove them; never touches a final name.
//!
//! What is opened lies there in the clear, so a program that is told to stop calls
//! [`discard_partials`] before it goes. Only a crash then leaves one, under a name that begins with
//! a dot and ends in `.partial`.

use crate::raw_path::bytes_of;
use std::collections::BTreeSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

/// How often removing is tried while a thread still writes.
const REMOVAL_TRIES: usize = 100;

/// What this process has begun and not ended.
struct Begun {
    paths: BTreeSet<PathBuf>,
    stopping: bool,
}

static BEGUN: Mutex<Begun> = Mutex::new(Begun { paths: BTreeSet::new(), stopping: false });

fn begun() -> MutexGuard<'static, Begun> {
    // It is whole after every single step, also after one that panicked.
    BEGUN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes something under the temporary name `path`, and remembers it.
pub(crate) fn begin<T>(path: &Path, make: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    let mut begun = begun();
    if begun.stopping {
        return Err(io::Error::other("the program was told to stop"));
    }
    let made = make(path)?;
    begun.paths.insert(path.to_owned());
    Ok(made)
}

/// Forgets `path`: it has its final name, or was removed.
pub(crate) fn ended(path: &Path) {
    begun().paths.remove(path);
}

/// The name beside `name` under which this process writes, by a count.
pub(crate) fn hidden_name(name: &OsStr, count: u32) -> OsString {
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(format!(".{}-{count}.partial", std::process::id()));
    hidden
}

/// Removes everything that this process has begun and not ended. For a program that stops now: what
/// still writes fails, and nothing can be begun any more.
pub fn discard_partials() {
    let mut begun = begun();
    begun.stopping = true;
    for path in std::mem::take(&mut begun.paths) {
        for _ in 0..REMOVAL_TRIES {
            // A thread may add a file between the listing and the removal; then it is tried again.
            let _ = remove(&path);
            if path.symlink_metadata().is_err() {
                break;
            }
        }
    }
}

/// Removes a partial file or folder.
pub(crate) fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// What runs that broke off left beside `target`, as far as the folder can be listed. A run that is
/// still going on has its own there too.
#[must_use]
pub fn leftovers(target: &Path) -> Vec<PathBuf> {
    let target: PathBuf = target.components().collect();
    let Some(name) = target.file_name() else {
        return Vec::new();
    };
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let begin = [b".".as_slice(), &bytes_of(name), b"."].concat();
    let is_left = |found: &OsStr| {
        let found = bytes_of(found);
        let count = found.strip_prefix(begin.as_slice()).and_then(|rest| rest.strip_suffix(b".partial"));
        count.is_some_and(|count| count.iter().all(|byte| byte.is_ascii_digit() || *byte == b'-'))
    };
    let mut left: Vec<PathBuf> = fs::read_dir(parent)
        .map(|entries| entries.flatten().map(|entry| entry.file_name()).filter(|name| is_left(name)))
        .into_iter()
        .flatten()
        .map(|name| parent.join(name))
        .collect();
    left.sort();
    left
}

/// Makes a folder that nobody but its owner enters.
pub(crate) fn create_private_folder(path: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes a new file that nobody but its owner reads. New, so it can be no link that somebody put there.
pub(crate) fn create_private_file(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

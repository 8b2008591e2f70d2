//! A disk that keeps only what it was told to keep: the test double behind `DurableFiles`.
//!
//! The program under test writes into a real folder, which shows what it would see while the machine runs. Beside it
//! the double keeps a model of what is durable: bytes of files count from a sync of the file on, names from a sync of
//! their folder on. At an operation chosen beforehand the machine stops; [`CrashDisk::survivors`] then makes a new
//! folder of what a disk may hold after that, in one of many ways: what was not synced is there, lost, torn, or there
//! without what came before it. Instead of the machine, only the process may be killed ([`CrashDisk::kill_at`]):
//! then nothing is lost, yet nothing more is durable either.

mod model;

pub use model::{Chance, Loss};

use model::{Node, Tree};
use rogatory_evidence::durable::{Disk, DurableFile, DurableFiles};
use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// One step that the program asked for, told as text: which, and of what.
pub type Told = String;

/// The disk. Clones are the same disk.
#[derive(Clone)]
pub struct CrashDisk(Arc<Mutex<State>>);

struct State {
    root: PathBuf,
    tree: Tree,
    /// What was asked for so far.
    told: Vec<Told>,
    /// At which operation everything stops; operations count from 0.
    stop_at: Option<usize>,
    stopped: bool,
    /// Syncs that are not done although they are asked for, as if their line were deleted.
    ignored: Option<fn(&str) -> bool>,
}

impl CrashDisk {
    /// A disk that holds what lies in the folder `root`, all of it durable.
    ///
    /// # Panics
    /// If the folder cannot be read.
    #[must_use]
    pub fn new(root: &Path) -> Self {
        Self(Arc::new(Mutex::new(State {
            root: root.to_owned(),
            tree: Tree::of(root),
            told: Vec::new(),
            stop_at: None,
            stopped: false,
            ignored: None,
        })))
    }

    /// Stops everything before operation `at`, counted from now.
    pub fn kill_at(&self, at: usize) {
        let mut state = self.lock();
        state.stop_at = Some(state.told.len() + at);
    }

    /// Lets a killed process be started again: the machine ran on.
    pub fn revive(&self) {
        let mut state = self.lock();
        state.stop_at = None;
        state.stopped = false;
    }

    /// Does not do the syncs of which `is_it` says so.
    pub fn ignore(&self, is_it: fn(&str) -> bool) {
        self.lock().ignored = Some(is_it);
    }

    /// Whether it has stopped.
    #[must_use]
    pub fn has_stopped(&self) -> bool {
        self.lock().stopped
    }

    /// What was asked for so far.
    #[must_use]
    pub fn told(&self) -> Vec<Told> {
        self.lock().told.clone()
    }

    /// Makes in the empty folder `target` what the disk holds after the machine stopped, by `loss` and `chance`.
    ///
    /// # Panics
    /// If the folder cannot be written.
    pub fn survivors(&self, target: &Path, loss: Loss, chance: &mut Chance) {
        self.lock().tree.survivors(target, loss, chance);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    /// Counts an operation; it fails if everything has stopped.
    fn step(&mut self, what: &str, path: &Path) -> io::Result<()> {
        if self.stopped || self.stop_at == Some(self.told.len()) {
            self.stopped = true;
            return Err(io::Error::other("the machine has stopped"));
        }
        self.told.push(format!("{what} {}", self.within(path).display()));
        Ok(())
    }

    /// Whether the sync just asked for is ignored.
    fn is_ignored(&self) -> bool {
        self.ignored.is_some_and(|is_it| self.told.last().is_some_and(|told| is_it(told)))
    }

    fn within<'a>(&self, path: &'a Path) -> &'a Path {
        path.strip_prefix(&self.root).unwrap_or(path)
    }

    /// The folder of the model in which `path` stands, with its name there.
    fn place<'a>(&self, path: &'a Path) -> io::Result<(usize, &'a OsStr)> {
        let within = path.strip_prefix(&self.root).map_err(io::Error::other)?;
        let name = within.file_name().ok_or(io::ErrorKind::InvalidInput)?;
        let folder = self.tree.find(within.parent().unwrap_or(Path::new("")));
        Ok((folder.ok_or(io::ErrorKind::NotFound)?, name))
    }
}

impl DurableFiles for CrashDisk {
    fn open_at(&self, path: &Path, offset: u64) -> io::Result<Box<dyn DurableFile>> {
        let mut state = self.lock();
        state.step("open", path)?;
        let (folder, name) = state.place(path)?;
        let real = Disk::AsUsual.open_at(path, offset)?;
        let node = match state.tree.child(folder, name) {
            Some(node) => node,
            None => state.tree.link_new(folder, name, Node::file()),
        };
        state.tree.cut(node, offset);
        drop(state);
        Ok(Box::new(CrashFile { disk: self.clone(), path: path.to_owned(), node, real, position: offset }))
    }

    fn overwrite(&self, path: &Path, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.lock();
        state.step("overwrite", path)?;
        let (folder, name) = state.place(path)?;
        let node = state.tree.child(folder, name).ok_or(io::ErrorKind::NotFound)?;
        Disk::AsUsual.overwrite(path, offset, bytes)?;
        state.tree.write(node, offset, bytes);
        state.step("sync file", path)?;
        if !state.is_ignored() {
            state.tree.sync_file(node);
        }
        Ok(())
    }

    fn create_folder(&self, path: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.step("create folder", path)?;
        let (folder, name) = state.place(path)?;
        Disk::AsUsual.create_folder(path)?;
        if state.tree.child(folder, name).is_none() {
            state.tree.link_new(folder, name, Node::folder());
        }
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.step("rename to", to)?;
        let ((old, old_name), (new, new_name)) = (state.place(from)?, state.place(to)?);
        Disk::AsUsual.rename(from, to)?;
        state.tree.rename(old, old_name, new, new_name);
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        // A folder goes entry by entry, and the machine may stop between any two.
        if path.symlink_metadata().is_ok_and(|it| it.is_dir()) {
            let mut inner: Vec<PathBuf> = std::fs::read_dir(path)?
                .map(|entry| entry.map(|entry| entry.path()))
                .collect::<Result<_, _>>()?;
            inner.sort();
            for path in inner {
                self.remove(&path)?;
            }
        }
        let mut state = self.lock();
        state.step("remove", path)?;
        if path.symlink_metadata().is_err() {
            return Ok(());
        }
        let (folder, name) = state.place(path)?;
        Disk::AsUsual.remove(path)?;
        state.tree.unlink(folder, name);
        Ok(())
    }

    fn sync_folder(&self, folder: &Path) -> io::Result<()> {
        let mut state = self.lock();
        state.step("sync folder", folder)?;
        let node = state.tree.find(state.within(folder)).ok_or(io::ErrorKind::NotFound)?;
        if !state.is_ignored() {
            state.tree.sync_folder(node);
        }
        Ok(())
    }

    fn is_in_turn(&self) -> bool {
        true
    }
}

struct CrashFile {
    disk: CrashDisk,
    path: PathBuf,
    node: usize,
    real: Box<dyn DurableFile>,
    position: u64,
}

impl Write for CrashFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.lock();
        state.step("write", &self.path)?;
        self.real.write_all(bytes)?;
        state.tree.write(self.node, self.position, bytes);
        self.position += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl DurableFile for CrashFile {
    fn sync(&mut self) -> io::Result<()> {
        let mut state = self.disk.lock();
        state.step("sync file", &self.path)?;
        if !state.is_ignored() {
            state.tree.sync_file(self.node);
        }
        Ok(())
    }

    fn another(&self) -> io::Result<Box<dyn DurableFile>> {
        let (disk, path) = (self.disk.clone(), self.path.clone());
        Ok(Box::new(Self {
            disk,
            path,
            node: self.node,
            real: self.real.another()?,
            position: self.position,
        }))
    }
}

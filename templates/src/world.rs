//! What the typesetting engine may see: one layout, and one document's view with the fixed words.
//!
//! There is no file system, no network, no package and no clock behind it: any other path is refused.

use crate::fonts::fonts;
use std::sync::LazyLock;
use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Duration};
use typst::syntax::{FileId, RootedPath, Source, VirtualPath, VirtualRoot};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt, World};

/// Fixed names, interned once for the life of the program.
struct Names {
    letter: FileId,
    report: FileId,
    view: FileId,
    words: FileId,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let name = |path: &str| {
        // Each is a plain absolute path, the only thing that can be wrong with one.
        let path = VirtualPath::new(path).expect("a constant path is valid");
        FileId::new(RootedPath::new(VirtualRoot::Project, path))
    };
    Names {
        letter: name("/letter.typ"),
        report: name("/report.typ"),
        view: name("/view.json"),
        words: name("/words.json"),
    }
});

static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));
static LETTER: LazyLock<Source> =
    LazyLock::new(|| Source::new(NAMES.letter, include_str!("../common/letter.typ").to_owned()));
static REPORT: LazyLock<Source> =
    LazyLock::new(|| Source::new(NAMES.report, include_str!("../common/report.typ").to_owned()));

/// The world of one paper.
pub(crate) struct Paper {
    layout: &'static Source,
    view: Bytes,
    words: Bytes,
}

impl Paper {
    /// A world with the two JSON files that the letter reads.
    pub(crate) fn new(view: Vec<u8>, words: Vec<u8>) -> Self {
        Self { layout: &LETTER, view: Bytes::new(view), words: Bytes::new(words) }
    }

    /// A world with the one JSON file that the report reads.
    pub(crate) fn report(view: Vec<u8>) -> Self {
        Self { layout: &REPORT, view: Bytes::new(view), words: Bytes::new(Vec::new()) }
    }
}

impl World for Paper {
    fn library(&self) -> &LazyHash<Library> {
        &LIBRARY
    }

    fn book(&self) -> &LazyHash<FontBook> {
        &fonts().book
    }

    fn main(&self) -> FileId {
        self.layout.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.layout.id() { Ok(self.layout.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn file(&self, id: FileId) -> FileResult<Bytes> {
        if id == NAMES.view {
            Ok(self.view.clone())
        } else if id == NAMES.words {
            Ok(self.words.clone())
        } else {
            Err(FileError::AccessDenied)
        }
    }

    fn font(&self, index: usize) -> Option<Font> {
        fonts().fonts.get(index).cloned()
    }

    fn today(&self, _offset: Option<Duration>) -> Option<Datetime> {
        None
    }
}

//! What the typesetting engine may see: the letter, and one document's view with the fixed words.
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
    view: FileId,
    words: FileId,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| {
    let name = |path: &str| {
        // Each is a plain absolute path, the only thing that can be wrong with one.
        let path = VirtualPath::new(path).expect("a constant path is valid");
        FileId::new(RootedPath::new(VirtualRoot::Project, path))
    };
    Names { letter: name("/letter.typ"), view: name("/view.json"), words: name("/words.json") }
});

static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));
static LETTER: LazyLock<Source> =
    LazyLock::new(|| Source::new(NAMES.letter, include_str!("../common/letter.typ").to_owned()));

/// The world of one paper.
pub(crate) struct Paper {
    view: Bytes,
    words: Bytes,
}

impl Paper {
    /// A world with the two JSON files that the letter reads.
    pub(crate) fn new(view: Vec<u8>, words: Vec<u8>) -> Self {
        Self { view: Bytes::new(view), words: Bytes::new(words) }
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
        NAMES.letter
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == NAMES.letter { Ok(LETTER.clone()) } else { Err(FileError::AccessDenied) }
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

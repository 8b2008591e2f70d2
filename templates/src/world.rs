//! What the typesetting engine may see: one layout, the letter it builds on, and one document's view.
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
    main: FileId,
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
    Names {
        main: name("/layout.typ"),
        letter: name("/letter.typ"),
        view: name("/view.json"),
        words: name("/words.json"),
    }
});

static LIBRARY: LazyLock<LazyHash<Library>> = LazyLock::new(|| LazyHash::new(Library::default()));
static LETTER: LazyLock<Source> =
    LazyLock::new(|| Source::new(NAMES.letter, include_str!("../common/letter.typ").to_owned()));

/// The world of one paper.
pub(crate) struct Paper {
    layout: Source,
    view: Bytes,
    words: Bytes,
}

impl Paper {
    /// A world with `layout` as its main file and the two JSON files it reads.
    pub(crate) fn new(layout: &str, view: Vec<u8>, words: Vec<u8>) -> Self {
        Self {
            layout: Source::new(NAMES.main, layout.to_owned()),
            view: Bytes::new(view),
            words: Bytes::new(words),
        }
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
        NAMES.main
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == NAMES.main {
            Ok(self.layout.clone())
        } else if id == NAMES.letter {
            Ok(LETTER.clone())
        } else {
            Err(FileError::AccessDenied)
        }
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

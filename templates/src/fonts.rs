//! The fonts compiled into the program, parsed once, and which characters they can show.

use std::collections::BTreeSet;
use std::sync::LazyLock;
use typst::foundations::Bytes;
use typst::text::{Font, FontBook, FontInfo};
use typst::utils::LazyHash;

/// The families the layouts use; nothing else is offered to the engine.
const FAMILIES: [&str; 2] = ["Libertinus Serif", "DejaVu Sans Mono"];

/// The parsed fonts and the book by which the engine looks them up.
pub(crate) struct Fonts {
    pub(crate) book: LazyHash<FontBook>,
    pub(crate) fonts: Vec<Font>,
}

static FONTS: LazyLock<Fonts> = LazyLock::new(|| {
    let fonts: Vec<Font> = typst_assets::fonts()
        .flat_map(|data| Font::iter(Bytes::new(data)))
        .filter(|font| FAMILIES.contains(&font.info().family.as_str()))
        .collect();
    let mut book = FontBook::new();
    for font in &fonts {
        book.push(font.info().clone());
    }
    Fonts { book: LazyHash::new(book), fonts }
});

/// The fonts.
pub(crate) fn fonts() -> &'static Fonts {
    &FONTS
}

/// What every face in which text of documents is set can show.
static SHOWN: LazyLock<BTreeSet<u32>> = LazyLock::new(|| {
    fonts()
        .fonts
        .iter()
        .map(Font::info)
        .filter(|info| info.family == FAMILIES[0])
        .map(|info: &FontInfo| info.coverage.iter().collect::<BTreeSet<u32>>())
        .reduce(|common, more| &common & &more)
        .unwrap_or_default()
});

/// Whether every face in which text of documents is set has a glyph for `symbol`.
pub(crate) fn shows(symbol: char) -> bool {
    SHOWN.contains(&u32::from(symbol))
}

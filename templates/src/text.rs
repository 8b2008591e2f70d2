//! Text of documents made fit for paper: what cannot be seen is made visible.
//!
//! A signer must see what he signs. Controls, characters that turn the direction of writing, invisible
//! characters and those no compiled-in font can draw are shown as `[U+202E]`; the JSON keeps them.

use crate::fonts;

/// A run of non-blanks longer than this gets places where a line may break.
const UNBROKEN_LIMIT: usize = 40;
/// The distance of those places.
const BREAK_EVERY: usize = 16;

/// The lines of `text`; each is a list of pieces between which a line may break.
pub(crate) fn lines(text: &str, plain: bool) -> Vec<Vec<String>> {
    let text = text.replace("\r\n", "\n");
    text.split('\n').map(|line| pieces(&visible(line, plain))).collect()
}

/// `text` on one line, without places to break.
pub(crate) fn line(text: &str, plain: bool) -> String {
    visible(text, plain)
}

/// Sets the blanks of a fixed text as its language wants them: an article and its number, and in French
/// a sign and the word before it, stay on one line. The files are written with plain blanks.
pub(crate) fn set(text: &str, language: &str) -> String {
    let mut text = text.to_owned();
    for short in ["Art. ", "Arts ", "art. ", "no. ", "n° ", "par. ", "STE ", "STCE ", "ETS ", "CETS "] {
        text = text.replace(short, &format!("{}\u{a0}", short.trim_end()));
    }
    if language == "fr" {
        for (plain, set) in [
            (" :", "\u{a0}:"),
            (" ;", "\u{202f};"),
            (" ?", "\u{202f}?"),
            (" !", "\u{202f}!"),
            ("« ", "«\u{a0}"),
            (" »", "\u{a0}»"),
        ] {
            text = text.replace(plain, set);
        }
        for letter in 'a'..='h' {
            text = text.replace(&format!(" {letter})"), &format!("\u{a0}{letter})"));
        }
    }
    text
}

/// Replaces what cannot be seen by its number. `plain` leaves printable ASCII only: the last resort
/// when the engine could not set a text.
fn visible(text: &str, plain: bool) -> String {
    let mut shown = String::with_capacity(text.len());
    for symbol in text.chars() {
        match symbol {
            ' '..='~' => shown.push(symbol),
            '\t' => shown.push_str("    "),
            _ if !plain && !is_invisible(symbol) && fonts::shows(symbol) => shown.push(symbol),
            _ => shown.push_str(&format!("[U+{:04X}]", u32::from(symbol))),
        }
    }
    shown
}

/// Controls, direction marks, joiners, fillers and variation selectors: all that changes a text
/// without showing itself.
fn is_invisible(symbol: char) -> bool {
    symbol.is_control()
        || matches!(u32::from(symbol),
            0x00AD | 0x034F | 0x061C | 0x115F..=0x1160 | 0x17B4..=0x17B5 | 0x180B..=0x180F
            | 0x200B..=0x200F | 0x2028..=0x202E | 0x2060..=0x206F | 0x3164 | 0xFE00..=0xFE0F
            | 0xFEFF | 0xFFA0 | 0xFFF0..=0xFFFF | 0x1D173..=0x1D17A | 0xE0000..=0xE0FFF)
}

/// Cuts long runs of non-blanks, so that no line leaves the page.
fn pieces(line: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    for word in line.split_inclusive(' ') {
        let long = word.chars().count() > UNBROKEN_LIMIT;
        for (index, symbol) in word.chars().enumerate() {
            if long && index > 0 && index % BREAK_EVERY == 0 {
                pieces.push(String::new());
            }
            if let Some(last) = pieces.last_mut() {
                last.push(symbol);
            }
        }
    }
    pieces
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_turns_the_direction_of_writing_is_shown() {
        assert_eq!(line("a\u{202E}b\u{0}", false), "a[U+202E]b[U+0000]");
        assert_eq!(line("Chișinău, Тирасполь, Αθήνα “x” – é", false), "Chișinău, Тирасполь, Αθήνα “x” – é");
        assert_eq!(line("ქ", false), "[U+10E5]");
        assert_eq!(line("é", true), "[U+00E9]");
    }

    #[test]
    fn fixed_text_gets_the_blanks_of_its_language() {
        assert_eq!(set("ETS 185, Art. 29: why?", "en"), "ETS\u{a0}185, Art.\u{a0}29: why?");
        assert_eq!(
            set("« Pourquoi ? » : art. 27, par. 4 b) ; oui !", "fr"),
            "«\u{a0}Pourquoi\u{202f}?\u{a0}»\u{a0}: art.\u{a0}27, par.\u{a0}4\u{a0}b)\u{202f}; oui\u{202f}!"
        );
    }

    #[test]
    fn long_words_get_places_to_break_and_lose_nothing() {
        let word = "x".repeat(100);
        let lines = lines(&format!("a {word}\nb"), false);
        assert_eq!(lines.len(), 2);
        assert!(lines[0].len() > 4);
        assert_eq!(lines[0].concat(), format!("a {word}"));
        assert_eq!(super::lines("short words only", false), [["short words only"]]);
    }
}

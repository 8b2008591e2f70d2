//! The QR code on a paper: which document this is, and the digest of its data.
//!
//! Whoever holds only the print can point a telephone at it and compare. Pure.

use qrcodegen::{QrCode, QrCodeEcc};
use rogatory_core::Digest;
use rogatory_core::document::Document;
use std::fmt::Write as _;

/// Modules of white around the code; the standard asks for four.
const QUIET: i32 = 4;

/// What the code says: `rogatory:<shared number>?message=<n>&sha256=<digest of document.json>`.
pub(crate) fn content(document: &Document, digest: Digest) -> String {
    format!("rogatory:{}?message={}&sha256={digest}", document.shared_number, document.message_number)
}

/// The code as an SVG image; nothing if the content were too long, which it never is.
pub(crate) fn svg(content: &str) -> Option<String> {
    let code = QrCode::encode_text(content, QrCodeEcc::Medium).ok()?;
    let side = code.size() + 2 * QUIET;
    let mut path = String::new();
    for y in 0..code.size() {
        for x in (0..code.size()).filter(|x| code.get_module(*x, y)) {
            write!(path, "M{} {}h1v1h-1z", x + QUIET, y + QUIET).ok()?;
        }
    }
    Some(format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\"><path d=\"{path}\" fill=\"#000000\"/></svg>"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_drawn_and_always_the_same() {
        let text = format!("rogatory:GB-7K2M-9QXR-4T1V-C8ZE-56?message=1&sha256={}", Digest::of(b""));
        let drawn = svg(&text).expect("fits");
        assert!(drawn.starts_with("<svg") && drawn.len() > 1_000);
        assert_eq!(svg(&text), Some(drawn));
    }
}

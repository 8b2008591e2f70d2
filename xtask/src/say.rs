//! What a task tells the person who runs it.
//!
//! Holds the only places that write to the terminal. A terminal that went away is no reason to stop.

use std::io::Write as _;

/// Prints a line on standard output.
pub(crate) fn line(text: &str) {
    let mut out = std::io::stdout().lock();
    let _ = writeln!(out, "{text}");
    let _ = out.flush();
}

/// Prints a line on standard error.
pub(crate) fn error(text: &str) {
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

/// Prints an empty line, and a heading of its own.
pub(crate) fn heading(text: &str) {
    let rule = "─".repeat(96usize.saturating_sub(text.chars().count() + 4));
    line(&format!("\n── {text} {rule}"));
}

/// Prints a paragraph, broken into lines of at most a hundred characters.
pub(crate) fn paragraph(text: &str) {
    line("");
    let mut row = String::new();
    for word in text.split_whitespace() {
        if !row.is_empty() && row.chars().count() + 1 + word.chars().count() > 100 {
            line(&row);
            row.clear();
        }
        if !row.is_empty() {
            row.push(' ');
        }
        row.push_str(word);
    }
    line(&row);
}

/// A size as people read it.
pub(crate) fn size(bytes: u64) -> String {
    const STEPS: [(u64, &str); 3] = [(1 << 30, "GiB"), (1 << 20, "MiB"), (1 << 10, "KiB")];
    for (step, name) in STEPS {
        if bytes >= step {
            let tenths = u128::from(bytes) * 10 / u128::from(step);
            return format!("{}.{} {name}", tenths / 10, tenths % 10);
        }
    }
    format!("{bytes} B")
}

#[cfg(test)]
mod tests {
    #[test]
    fn sizes_read_well() {
        assert_eq!(super::size(999), "999 B");
        assert_eq!(super::size(1536), "1.5 KiB");
        assert_eq!(super::size(5 << 30), "5.0 GiB");
        assert_eq!(super::size(u64::MAX), "17179869183.9 GiB");
    }
}

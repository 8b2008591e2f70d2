//! The manifest for large evidence as a person reads and prints it.
//!
//! Holds its writing as Markdown. Calls nothing. Says the same as the JSON, in the same order.

use super::eu_manifest::{EuManifest, Field, Moment};

/// Writes `manifest` as Markdown.
#[must_use]
pub fn printed(manifest: &EuManifest) -> String {
    let mut page = Page(String::new());
    page.line("# Manifest of evidence sent outside the decentralised IT system");
    page.line("");
    page.line(&format!("**{}**", manifest.notice));
    let parties = &manifest.parties;
    page.head("Sender and recipient", parties);
    page.fact("sender", parties.value.sender.as_deref());
    page.fact("signed by", Some(&parties.value.signed_by));
    for recipient in &parties.value.recipients {
        page.fact("recipient", Some(recipient));
    }
    let link = &manifest.link;
    page.head("Link to the order", link);
    page.fact("order or request", link.value.order.as_deref());
    page.fact("sender's file number", link.value.sender_reference.as_deref());
    page.fact("reference of the case", link.value.case_reference.as_deref());
    page.fact("package", link.value.package.as_deref());
    let moment = &manifest.moment;
    page.head("Date and time", moment);
    match moment.value {
        Moment::Transmitted(at) => page.fact("transmitted on", Some(&at.to_string())),
        Moment::AvailableFrom(at) => page.fact("available from", Some(&at.to_string())),
    }
    let until = &manifest.accessible_until;
    page.head("Accessible until", until);
    page.fact("until", Some(&until.value.map_or("not applicable".to_owned(), |at| at.to_string())));
    page.head("Means of transmission", &manifest.means);
    page.fact("means", Some(&manifest.means.value));
    page.head("Files as sent: names, sizes, digests", &manifest.files);
    for file in &manifest.files.value {
        page.fact("file", Some(&file.name));
        page.line(&format!("  - size: {} bytes", file.size_bytes));
        for (algorithm, digest) in &file.digests {
            page.line(&format!("  - {algorithm}: `{digest}`"));
        }
    }
    page.head("Exhibits inside", &manifest.contains);
    for file in &manifest.contains.value {
        page.fact(&file.exhibit, Some(&file.name));
        page.line(&format!("  - size: {} bytes before encryption", file.size_bytes));
        page.line(&format!("  - SHA-256: `{}` before encryption", file.sha256));
    }
    let size = &manifest.size;
    page.head("Size", size);
    page.fact("all files", Some(&format!("{} bytes", size.value.total_bytes)));
    let large = if size.value.is_large { "yes" } else { "no" };
    page.fact(&format!("larger than {} bytes", size.value.threshold_bytes), Some(large));
    page.head("Remarks", &manifest.remarks);
    page.fact("remarks", Some(manifest.remarks.value.as_deref().unwrap_or("none")));
    let log = &manifest.log;
    page.head("Log of alternative transmission", log);
    page.fact("reference", Some(&log.value.reference));
    page.fact("date and time", Some(&log.value.time.to_string()));
    page.fact("sender", Some(&log.value.sender));
    for recipient in &log.value.recipients {
        page.fact("recipient", Some(recipient));
    }
    for name in &log.value.file_names {
        page.fact("file name", Some(name));
    }
    page.fact("size", Some(&format!("{} bytes", log.value.size_bytes)));
    page.line("\n## What the marks mean\n");
    for (mark, meaning) in &manifest.marks {
        page.fact(mark, Some(meaning));
    }
    page.0
}

struct Page(String);

impl Page {
    fn line(&mut self, text: &str) {
        self.0.push_str(text);
        self.0.push('\n');
    }

    fn head<T>(&mut self, title: &str, field: &Field<T>) {
        let items: Vec<String> = field.items.iter().map(ToString::to_string).collect();
        let items = if items.is_empty() { String::new() } else { format!("item {}, ", items.join(", ")) };
        self.line(&format!("\n## {title}\n\n*{items}{} [{}]*", field.source, field.mark));
        if let Some(reading) = field.reading {
            self.line(&format!("\n*Reading: {reading}.*"));
        }
        self.line("");
    }

    fn fact(&mut self, label: &str, text: Option<&str>) {
        if let Some(text) = text {
            self.line(&format!("- {label}: {}", plain(text)));
        }
    }
}

/// What others wrote, so that it is neither markup nor a new line.
fn plain(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for symbol in text.chars() {
        match symbol {
            '\n' => plain.push_str("<br>"),
            symbol if symbol.is_control() => plain.push('\u{FFFD}'),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '#' | '|' | '!' | '&' | '~' => {
                plain.push('\\');
                plain.push(symbol);
            }
            symbol => plain.push(symbol),
        }
    }
    plain
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_is_no_markup() {
        assert_eq!(plain("a\n# b"), "a<br>\\# b");
        assert_eq!(plain("<img src=x>`[x](y)"), "\\<img src=x\\>\\`\\[x\\](y)");
        assert_eq!(plain("\u{1b}[2J"), "\u{FFFD}\\[2J");
    }
}

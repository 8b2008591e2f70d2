//! The pages of `docs/` that tests compare with the code.

use std::path::Path;

/// The text of a page below `docs/`.
#[must_use]
pub fn page(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs").join(name);
    std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A section of a page: its title without marks, and its text.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Section {
    /// The title.
    pub title: String,
    /// What stands below it, up to the next title.
    pub text: String,
}

/// The sections of a page whose titles have `marks`, for example `###`, and are code.
#[must_use]
pub fn sections(page: &str, marks: &str) -> Vec<Section> {
    let mut sections: Vec<Section> = Vec::new();
    let mut inside = false;
    for line in page.lines() {
        if line.starts_with('#') {
            let title = line.strip_prefix(marks).and_then(|rest| rest.strip_prefix(" `"));
            inside = title.is_some();
            if let Some(title) = title.and_then(|rest| rest.strip_suffix('`')) {
                sections.push(Section { title: title.to_owned(), text: String::new() });
            }
        } else if let (true, Some(section)) = (inside, sections.last_mut()) {
            section.text.push_str(line);
            section.text.push('\n');
        }
    }
    sections
}

/// The part of a page below the title `## chapter`, with its sections.
///
/// # Panics
/// If there is no such title.
#[must_use]
pub fn chapter(page: &str, chapter: &str) -> String {
    let title = format!("## {chapter}");
    let below: Vec<&str> = page.lines().skip_while(|line| *line != title).skip(1).collect();
    assert!(!below.is_empty(), "no chapter `{title}`");
    below.into_iter().take_while(|line| !line.starts_with("## ")).map(|line| format!("{line}\n")).collect()
}

/// Where an event stands.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Place {
    /// In the office's own stream.
    Internal,
    /// In the stream of a counterpart.
    Shared,
    /// In the one or the other.
    Either,
}

/// A custody event as `docs/reference/custody-events.md` describes it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct DescribedEvent {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub place: Place,
    /// The names of its fields in their order.
    pub fields: Vec<String>,
}

/// The events that the page describes.
///
/// # Panics
/// If an event does not say where it stands.
#[must_use]
pub fn custody_events() -> Vec<DescribedEvent> {
    let described = sections(&page("reference/custody-events.md"), "###").into_iter().map(|section| {
        let first = section.text.trim_start().split('.').next().unwrap_or_default();
        let place = match first {
            "Internal" => Place::Internal,
            "Shared" => Place::Shared,
            "Either" => Place::Either,
            other => panic!("`{}` begins with `{other}`, not with where it stands", section.title),
        };
        let row = |line: &str| line.strip_prefix("| `")?.split_once('`').map(|(field, _)| field.to_owned());
        DescribedEvent { place, fields: section.text.lines().filter_map(row).collect(), name: section.title }
    });
    described.collect()
}

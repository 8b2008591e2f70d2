//! A document as its paper shows it: sections, labels and values, already as plain text.
//!
//! Built from the document and its template's schema; the layouts only place it on the page. Whatever
//! stands in the body is shown, if need be in a section of its own: nothing is signed unseen.

use crate::catalogue::Template;
use crate::check;
use crate::instrument::instrument;
use crate::key;
use crate::qr;
use crate::schema::{Demand, Field, Shape, Table};
use crate::text;
use crate::words::{Words, words};
use rogatory_core::Digest;
use rogatory_core::Timestamp;
use rogatory_core::document::{Document, SignerRule};
use serde::Serialize;
use serde_json::Value;

/// An age recipient longer than this is shown by its ends and its digest.
const RECIPIENT_LIMIT: usize = 80;

/// Everything a layout needs.
#[derive(Serialize)]
pub(crate) struct View {
    language: String,
    title: String,
    subtitle: Vec<Vec<String>>,
    legal_basis: String,
    sender: Party,
    addressee: Party,
    date: String,
    references: Vec<Row>,
    marks: Vec<String>,
    sections: Vec<Section>,
    signatures: Vec<[String; 2]>,
    shared_number: String,
    digest: String,
    made_with: String,
    qr: Qr,
}

/// The QR code, and what it says for those who cannot see it.
#[derive(Serialize)]
struct Qr {
    svg: Option<String>,
    content: String,
}

#[derive(Serialize)]
struct Party {
    name: String,
    id: String,
}

#[derive(Serialize)]
struct Section {
    title: String,
    blocks: Vec<Block>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Block {
    Rows { rows: Vec<Row> },
    Table { label: String, columns: Vec<String>, widths: Vec<u8>, rows: Vec<TableRow> },
    Entries { label: String, entries: Vec<Vec<Row>> },
}

#[derive(Serialize)]
struct TableRow {
    cells: Vec<Shown>,
    below: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    label: String,
    value: Shown,
}

/// A value: lines, each of pieces between which it may break.
#[derive(Serialize)]
struct Shown {
    lines: Vec<Vec<String>>,
    style: &'static str,
}

/// What is shared while a view is built.
struct Builder<'a> {
    body: &'a Value,
    template: &'static Template,
    words: &'static Words,
    plain: bool,
}

/// Builds the view of `document`, whose JSON has the digest `digest`. `plain` shows ASCII only.
pub(crate) fn view(document: &Document, template: &'static Template, digest: Digest, plain: bool) -> View {
    let words = words(template.language());
    let content = qr::content(document, digest);
    let schema = template.schema();
    let builder = Builder { body: &document.body, template, words, plain };
    let party = |named: &rogatory_core::document::NamedParty| Party {
        name: builder.line(&named.name),
        id: named.party.to_string(),
    };
    let mut sections: Vec<Section> = schema
        .sections
        .iter()
        .map(|section| Section { title: builder.line(&section.title), blocks: builder.blocks(&section.id) })
        .filter(|section| !section.blocks.is_empty())
        .collect();
    sections.extend(builder.further());
    View {
        language: schema.language.clone(),
        title: builder.line(&schema.title),
        subtitle: text::lines(&schema.subtitle, plain),
        // An article and its number stay on one line.
        legal_basis: builder.line(&schema.legal_basis.replace("Art. ", "Art.\u{a0}")),
        sender: party(&document.sender),
        addressee: party(&document.addressee),
        date: builder.date(document.created_time),
        references: builder.references(document),
        marks: builder.marks(),
        sections,
        signatures: builder.signatures(document),
        shared_number: document.shared_number.to_string(),
        digest: digest.to_hex(),
        made_with: format!(
            "{} {}; {} {} {} {}; {}",
            words.made_with,
            builder.line(&document.renderer),
            words.template,
            template.id(),
            words.version,
            template.pack_version(),
            builder.instant(document.created_time),
        ),
        qr: Qr { svg: qr::svg(&content), content },
    }
}

impl Builder<'_> {
    fn line(&self, text: &str) -> String {
        text::line(text, self.plain)
    }

    fn references(&self, document: &Document) -> Vec<Row> {
        let row = |label: &str, value: String, style| Row {
            label: label.to_owned(),
            value: Shown { lines: vec![vec![value]], style },
        };
        let mut rows: Vec<Row> = self
            .template
            .schema()
            .fields
            .iter()
            .filter(|field| field.letterhead)
            .filter_map(|field| self.row(field, &field.label, key::get(self.body, &field.key), None))
            .collect();
        rows.push(row(&self.words.shared_number, document.shared_number.to_string(), "text"));
        rows.push(row(&self.words.message, document.message_number.to_string(), "text"));
        if let Some(answered) = &document.in_reply_to {
            rows.push(row(
                &self.words.in_reply_to,
                format!("{}, {} {}", answered.shared_number, self.words.message, answered.message_number),
                "text",
            ));
            let mut digest = row(&self.words.document, String::new(), "mono");
            digest.value.lines = text::lines(&answered.document_sha256.to_hex(), self.plain);
            rows.push(digest);
        }
        rows
    }

    fn marks(&self) -> Vec<String> {
        let set = |field: &&Field| key::get(self.body, &field.key) == Some(&Value::Bool(true));
        self.template
            .schema()
            .fields
            .iter()
            .filter(set)
            .filter_map(|field| self.words.marks.get(field.mark.as_ref()?).cloned())
            .collect()
    }

    fn signatures(&self, document: &Document) -> Vec<[String; 2]> {
        let words = self.words;
        let lines: &[&String] = match document.kind.signer_rule() {
            SignerRule::TwoOfficersAndSeal => &[&words.drafter, &words.approver, &words.seal],
            SignerRule::OneOfficerAndSeal => &[&words.officer, &words.seal],
            SignerRule::SealAlone => &[&words.seal],
        };
        lines.iter().zip(1..).map(|(line, number)| [format!("{number:03}"), (*line).clone()]).collect()
    }

    fn blocks(&self, section: &str) -> Vec<Block> {
        let mut blocks = Vec::new();
        let mut rows = Vec::new();
        for field in &self.template.schema().fields {
            if field.section != section || field.letterhead || key::list_of(&field.key).is_some() {
                continue;
            }
            let value = key::get(self.body, &field.key);
            match (field.shape, value) {
                (Shape::List, Some(Value::Array(entries))) if !entries.is_empty() => {
                    if !rows.is_empty() {
                        blocks.push(Block::Rows { rows: std::mem::take(&mut rows) });
                    }
                    blocks.push(self.list(field, entries));
                }
                // A list of another form is shown among the further data.
                (Shape::List, Some(value)) if !value.is_array() => {}
                _ => rows.extend(self.row(field, &field.label, value, None)),
            }
        }
        if !rows.is_empty() {
            blocks.push(Block::Rows { rows });
        }
        blocks
    }

    fn list(&self, field: &Field, entries: &[Value]) -> Block {
        let label = field.label.clone();
        let indexed = || entries.iter().enumerate().filter(|(_, entry)| entry.is_object());
        match &field.table {
            Some(table) => Block::Table {
                label,
                columns: self.columns(field, table),
                widths: table.widths.clone(),
                rows: indexed().map(|(index, entry)| self.table_row(field, table, index, entry)).collect(),
            },
            None => Block::Entries {
                label,
                entries: indexed().map(|(index, entry)| self.entry(field, index, entry)).collect(),
            },
        }
    }

    fn columns(&self, list: &Field, table: &Table) -> Vec<String> {
        let label = |name: &str| self.member(list, name).map_or(String::new(), |field| field.label.clone());
        std::iter::once(self.words.number.clone())
            .chain(
                table
                    .columns
                    .iter()
                    .map(|column| column.split(' ').map(label).collect::<Vec<_>>().join(", ")),
            )
            .collect()
    }

    fn table_row(&self, list: &Field, table: &Table, index: usize, entry: &Value) -> TableRow {
        let number = Shown { lines: vec![vec![(index + 1).to_string()]], style: "text" };
        let cell = |column: &String| {
            let rows: Vec<Row> = column
                .split(' ')
                .filter_map(|name| self.member(list, name).map(|field| (name, field)))
                .filter_map(|(name, field)| self.row(field, &field.label, key::get(entry, name), Some(index)))
                .collect();
            join(rows, column.contains(' '))
        };
        TableRow {
            cells: std::iter::once(number).chain(table.columns.iter().map(cell)).collect(),
            below: table
                .below
                .iter()
                .filter_map(|name| self.member(list, name).map(|field| (name, field)))
                .filter_map(|(name, field)| self.row(field, &field.label, key::get(entry, name), Some(index)))
                .collect(),
        }
    }

    fn entry(&self, list: &Field, index: usize, entry: &Value) -> Vec<Row> {
        self.template
            .schema()
            .entry_fields(&list.key)
            .filter_map(|(name, field)| self.row(field, &field.label, key::get(entry, name), Some(index)))
            .collect()
    }

    fn member(&self, list: &Field, name: &str) -> Option<&'static Field> {
        self.template.schema().field(&format!("{}[].{name}", list.key))
    }

    /// A label with its value; "not stated" for what is owed and absent, nothing for the rest.
    fn row(&self, field: &Field, label: &str, value: Option<&Value>, entry: Option<usize>) -> Option<Row> {
        let label = label.to_owned();
        if let Some(value) = value.filter(|value| !key::is_blank(Some(value))) {
            return Some(Row { label, value: self.shown(field, value) });
        }
        let owed = match (field.demand, &field.condition) {
            (Demand::Required, _) => true,
            (Demand::Conditional, Some(condition)) => check::holds(condition, field, self.body, entry),
            _ => false,
        };
        let lines = vec![vec![self.words.not_stated.clone()]];
        owed.then_some(Row { label, value: Shown { lines, style: "absent" } })
    }

    fn shown(&self, field: &Field, value: &Value) -> Shown {
        let raw = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let translated = |text: &str| self.words.choices.get(text).cloned();
        let (text, style) = match field.shape {
            Shape::Choice if field.choices.contains(&raw) => (translated(&raw).unwrap_or(raw), "text"),
            Shape::Boolean if value.is_boolean() => (translated(&raw).unwrap_or(raw), "text"),
            Shape::Instant => match raw.parse::<Timestamp>() {
                Ok(instant) => (self.instant(instant), "text"),
                Err(_) => (raw, "text"),
            },
            Shape::Instrument => match instrument(&raw) {
                Some(known) => (format!("{} ({raw})", known.name), "text"),
                None => (raw, "text"),
            },
            Shape::Digest => (raw, "mono"),
            Shape::AgeRecipient => (shorten(&raw), "mono"),
            _ => (raw, "text"),
        };
        Shown { lines: text::lines(&text, self.plain), style }
    }

    /// What the form does not know, in a last section.
    fn further(&self) -> Option<Section> {
        let keys: Vec<&str> = self.template.schema().fields.iter().map(|field| field.key.as_str()).collect();
        let rows: Vec<Row> = key::unknown(self.body, &keys)
            .into_iter()
            .map(|(path, value)| Row {
                label: self.line(&path),
                value: Shown {
                    lines: text::lines(
                        &value.as_str().map_or_else(|| value.to_string(), str::to_owned),
                        self.plain,
                    ),
                    style: "text",
                },
            })
            .collect();
        (!rows.is_empty())
            .then(|| Section { title: self.words.further.clone(), blocks: vec![Block::Rows { rows }] })
    }

    /// An instant in UTC: `2026-11-22 14:20:00 UTC`.
    fn instant(&self, instant: Timestamp) -> String {
        instant.to_string().replacen('T', " ", 1).replacen('Z', &format!(" {}", self.words.utc), 1)
    }

    /// The civil date of an instant in UTC, in words.
    fn date(&self, instant: Timestamp) -> String {
        let text = instant.to_string();
        let mut parts = text.split(['-', 'T']);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(year), Some(month), Some(day)) => {
                let month = self.words.months.get(month).map_or(month, String::as_str);
                format!("{} {month} {year}", day.trim_start_matches('0'))
            }
            _ => text,
        }
    }
}

/// Puts several fields in one cell, one line each.
fn join(rows: Vec<Row>, labelled: bool) -> Shown {
    let absent = !rows.is_empty() && rows.iter().all(|row| row.value.style == "absent");
    let style = match rows.first() {
        _ if absent => "absent",
        Some(row) if !labelled => row.value.style,
        _ => "text",
    };
    let lines = rows
        .into_iter()
        .flat_map(|row| {
            let mut lines = row.value.lines;
            if labelled && let Some(first) = lines.first_mut() {
                first.insert(0, format!("{}: ", row.label));
            }
            lines
        })
        .collect();
    Shown { lines, style }
}

/// A post-quantum recipient is two thousand characters long: its ends and its digest say which.
fn shorten(recipient: &str) -> String {
    let count = recipient.chars().count();
    if count <= RECIPIENT_LIMIT {
        return recipient.to_owned();
    }
    let head: String = recipient.chars().take(24).collect();
    let tail: String = recipient.chars().skip(count - 12).collect();
    format!("{head} ... {tail} ({count} characters)\nSHA-256 {}", Digest::of(recipient.as_bytes()))
}

//! A document as its paper shows it: sections, labels and values, already as plain text.
//!
//! Built from the document and its template's schema; the layout only places it on the page. Whatever
//! stands in the body is shown, if need be in a section of its own: nothing is signed unseen. Where two
//! languages stand side by side, fixed text comes once in each, and what was written for the case once,
//! with the translation the body may carry.

use crate::catalogue::Template;
use crate::check;
use crate::instrument::instrument;
use crate::key;
use crate::qr;
use crate::schema::{Demand, Field, Schema, Shape, Table};
use crate::text;
use crate::translation;
use crate::words::{Words, words};
use rogatory_core::Digest;
use rogatory_core::Timestamp;
use rogatory_core::document::{Document, SignerRule};
use serde::Serialize;
use serde_json::Value;

/// An age recipient longer than this is shown by its ends and its digest.
const RECIPIENT_LIMIT: usize = 80;

/// Fixed text: once in each language of the paper; nothing where a form says nothing.
type Said = Vec<String>;

/// Everything the layout needs.
#[derive(Serialize)]
pub(crate) struct View {
    /// The language of the paper, and the one beside it.
    languages: Vec<String>,
    title: Said,
    subtitle: Said,
    legal_basis: Said,
    /// In which language the facts are, on a paper in two.
    note: Said,
    opening: Said,
    closing: Said,
    sender: Party,
    addressee: Party,
    date: Said,
    references: Vec<Row>,
    marks: Vec<String>,
    sections: Vec<Section>,
    signatures: Vec<Signature>,
    shared_number: String,
    digest: String,
    made_with: Said,
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
struct Signature {
    number: String,
    role: Said,
}

#[derive(Serialize)]
struct Section {
    title: Said,
    blocks: Vec<Block>,
}

#[derive(Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
enum Block {
    Rows { rows: Vec<Row> },
    Table { columns: Vec<Said>, widths: Vec<u8>, rows: Vec<TableRow> },
    Entries { label: Said, entries: Vec<Vec<Row>> },
}

#[derive(Serialize)]
struct TableRow {
    cells: Vec<Shown>,
    below: Vec<Row>,
}

#[derive(Serialize)]
struct Row {
    label: Said,
    value: Shown,
}

/// Lines, each of pieces between which it may break.
type Lines = Vec<Vec<String>>;

/// A value, and the same in the second language where that is known.
#[derive(Serialize)]
struct Shown {
    lines: Lines,
    beside: Lines,
    style: &'static str,
}

impl Shown {
    /// A short text of our own.
    fn plain(text: String) -> Self {
        Self { lines: vec![vec![text]], beside: Lines::new(), style: "text" }
    }
}

/// One language of the paper.
struct Tongue {
    schema: &'static Schema,
    words: &'static Words,
}

/// What is shared while a view is built.
struct Builder<'a> {
    body: &'a Value,
    template: &'static Template,
    /// One, or two side by side.
    tongues: Vec<Tongue>,
    plain: bool,
}

/// The words of the languages in which `template` is set, as the layout reads them.
pub(crate) fn words_of(template: &'static Template) -> Vec<&'static Words> {
    std::iter::once(template.schema())
        .chain(template.beside())
        .map(|schema| words(&schema.language))
        .collect()
}

/// Builds the view of `document`, whose JSON has the digest `digest`. `plain` shows ASCII only.
pub(crate) fn view(document: &Document, template: &'static Template, digest: Digest, plain: bool) -> View {
    let content = qr::content(document, digest);
    let tongues = std::iter::once(template.schema())
        .chain(template.beside())
        .map(|schema| Tongue { schema, words: words(&schema.language) })
        .collect();
    let builder = Builder { body: &document.body, template, tongues, plain };
    let party = |named: &rogatory_core::document::NamedParty| Party {
        name: builder.line(&named.name),
        id: named.party.to_string(),
    };
    let mut sections: Vec<Section> = template
        .schema()
        .sections
        .iter()
        .enumerate()
        .map(|(index, section)| Section {
            title: builder
                .said(|tongue| tongue.schema.sections.get(index).map_or("", |section| &section.title)),
            blocks: builder.blocks(&section.id),
        })
        .filter(|section| !section.blocks.is_empty())
        .collect();
    sections.extend(builder.further());
    View {
        languages: builder.said(|tongue| &tongue.schema.language),
        title: builder.said(|tongue| &tongue.schema.title),
        subtitle: builder.said(|tongue| &tongue.schema.subtitle),
        legal_basis: builder.said(|tongue| &tongue.schema.legal_basis),
        note: builder.note(),
        opening: builder.said(|tongue| &tongue.schema.opening),
        closing: builder.said(|tongue| &tongue.schema.closing),
        sender: party(&document.sender),
        addressee: party(&document.addressee),
        date: builder.tongues.iter().map(|tongue| date(document.created_time, tongue.words)).collect(),
        references: builder.references(document),
        marks: builder.marks(),
        sections,
        signatures: builder.signatures(document),
        shared_number: document.shared_number.to_string(),
        digest: digest.to_hex(),
        made_with: builder.made_with(document),
        qr: Qr { svg: qr::svg(&content), content },
    }
}

impl Builder<'_> {
    fn line(&self, text: &str) -> String {
        text::line(text, self.plain)
    }

    fn lines(&self, text: &str) -> Lines {
        text::lines(text, self.plain)
    }

    /// What `of` gives for each language; nothing if it is empty.
    fn said<'b>(&'b self, of: impl Fn(&'b Tongue) -> &'b str) -> Said {
        let said: Said = self.tongues.iter().map(|tongue| of(tongue).to_owned()).collect();
        if said.iter().all(String::is_empty) { Said::new() } else { said }
    }

    fn label(&self, field: &Field) -> Said {
        self.said(|tongue| tongue.schema.field(&field.key).map_or("", |field| &field.label))
    }

    /// On a paper in two languages: in which of them the facts are.
    fn note(&self) -> Said {
        let (Some(first), true) = (self.tongues.first(), self.tongues.len() > 1) else { return Said::new() };
        let written = &first.schema.language;
        self.tongues
            .iter()
            .map(|tongue| {
                let name = tongue.words.languages.get(written).unwrap_or(written);
                tongue.words.written_in.replace("{language}", name)
            })
            .collect()
    }

    fn made_with(&self, document: &Document) -> Said {
        self.tongues
            .iter()
            .map(|Tongue { words, .. }| {
                format!(
                    "{} {}; {} {} {} {}; {}",
                    words.made_with,
                    self.line(&document.renderer),
                    words.template,
                    self.template.id(),
                    words.version,
                    self.template.pack_version(),
                    instant(document.created_time, words),
                )
            })
            .collect()
    }

    fn references(&self, document: &Document) -> Vec<Row> {
        let row = |label: Said, value: Shown| Row { label, value };
        let mut rows: Vec<Row> = self
            .template
            .schema()
            .fields
            .iter()
            .filter(|field| field.letterhead)
            .filter_map(|field| self.row(field, &field.key, key::get(self.body, &field.key), None))
            .collect();
        rows.push(row(
            self.said(|tongue| &tongue.words.shared_number),
            Shown::plain(document.shared_number.to_string()),
        ));
        let message = || self.said(|tongue| &tongue.words.message);
        rows.push(row(message(), Shown::plain(document.message_number.to_string())));
        if let Some(answered) = &document.in_reply_to {
            rows.push(row(
                self.said(|tongue| &tongue.words.in_reply_to),
                Shown::plain(format!(
                    "{}, {} {}",
                    answered.shared_number,
                    distinct(message()).join(" / "),
                    answered.message_number
                )),
            ));
            let digest = Shown {
                lines: self.lines(&answered.document_sha256.to_hex()),
                beside: Lines::new(),
                style: "mono",
            };
            rows.push(row(self.said(|tongue| &tongue.words.document), digest));
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
            .filter_map(|field| field.mark.as_ref())
            .map(|mark| {
                distinct(self.said(|tongue| tongue.words.marks.get(mark).unwrap_or(mark))).join(" / ")
            })
            .collect()
    }

    fn signatures(&self, document: &Document) -> Vec<Signature> {
        type Word = fn(&Words) -> &String;
        let (drafter, approver, officer, seal): (Word, Word, Word, Word) =
            (|words| &words.drafter, |words| &words.approver, |words| &words.officer, |words| &words.seal);
        let roles: &[Word] = match document.kind.signer_rule() {
            SignerRule::TwoOfficersAndSeal => &[drafter, approver, seal],
            SignerRule::OneOfficerAndSeal => &[officer, seal],
            SignerRule::SealAlone => &[seal],
        };
        roles
            .iter()
            .zip(1..)
            .map(|(role, number)| Signature {
                number: format!("{number:03}"),
                role: self.said(|tongue| role(tongue.words)),
            })
            .collect()
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
                _ => rows.extend(self.row(field, &field.key, value, None)),
            }
        }
        if !rows.is_empty() {
            blocks.push(Block::Rows { rows });
        }
        blocks
    }

    fn list(&self, field: &Field, entries: &[Value]) -> Block {
        let indexed = || entries.iter().enumerate().filter(|(_, entry)| entry.is_object());
        match &field.table {
            Some(table) => Block::Table {
                columns: self.columns(field, table),
                widths: table.widths.clone(),
                rows: indexed().map(|(index, entry)| self.table_row(field, table, index, entry)).collect(),
            },
            None => Block::Entries {
                label: self.label(field),
                entries: indexed().map(|(index, entry)| self.entry(field, index, entry)).collect(),
            },
        }
    }

    fn columns(&self, list: &Field, table: &Table) -> Vec<Said> {
        let heading = |tongue: &Tongue, column: &str| {
            let label = |name: &str| {
                let field = tongue.schema.field(&format!("{}[].{name}", list.key));
                field.map_or(String::new(), |field| field.label.clone())
            };
            column.split(' ').map(label).collect::<Vec<_>>().join(", ")
        };
        std::iter::once(self.said(|tongue| &tongue.words.number))
            .chain(
                table.columns.iter().map(|column| {
                    self.tongues.iter().map(|tongue| heading(tongue, column)).collect::<Said>()
                }),
            )
            .collect()
    }

    fn table_row(&self, list: &Field, table: &Table, index: usize, entry: &Value) -> TableRow {
        let rows = |names: &str| -> Vec<Row> {
            names.split(' ').filter_map(|name| self.member_row(list, name, index, entry)).collect()
        };
        let cell = |column: &String| self.join(rows(column), column.contains(' '));
        TableRow {
            cells: std::iter::once(Shown::plain((index + 1).to_string()))
                .chain(table.columns.iter().map(cell))
                .collect(),
            below: table.below.iter().flat_map(|name| rows(name)).collect(),
        }
    }

    fn entry(&self, list: &Field, index: usize, entry: &Value) -> Vec<Row> {
        self.template
            .schema()
            .entry_fields(&list.key)
            .filter_map(|(name, _)| self.member_row(list, name, index, entry))
            .collect()
    }

    /// The row of the field `name` of one entry of a list.
    fn member_row(&self, list: &Field, name: &str, index: usize, entry: &Value) -> Option<Row> {
        let field = self.template.schema().field(&format!("{}[].{name}", list.key))?;
        self.row(field, &format!("{}[{index}].{name}", list.key), key::get(entry, name), Some(index))
    }

    /// A label with its value, which stands at `path`; "not stated" for what is owed and absent,
    /// nothing for the rest.
    fn row(&self, field: &Field, path: &str, value: Option<&Value>, entry: Option<usize>) -> Option<Row> {
        if let Some(value) = value.filter(|value| !key::is_blank(Some(value))) {
            return Some(Row { label: self.label(field), value: self.shown(field, path, value) });
        }
        let owed = match (field.demand, &field.condition) {
            (Demand::Required, _) => true,
            (Demand::Conditional, Some(condition)) => check::holds(condition, field, self.body, entry),
            _ => false,
        };
        owed.then(|| Row {
            label: self.label(field),
            value: self.fixed(|words| Some(words.not_stated.clone()), "absent"),
        })
    }

    /// A value whose words are ours, once in each language; what no language names is left empty.
    fn fixed(&self, of: impl Fn(&Words) -> Option<String>, style: &'static str) -> Shown {
        let mut said = self.tongues.iter().map(|tongue| self.lines(&of(tongue.words).unwrap_or_default()));
        let lines = said.next().unwrap_or_default();
        let beside = said.next().filter(|beside| *beside != lines).unwrap_or_default();
        Shown { lines, beside, style }
    }

    fn shown(&self, field: &Field, path: &str, value: &Value) -> Shown {
        let raw = match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        };
        let known = match field.shape {
            Shape::Choice => field.choices.contains(&raw),
            Shape::Boolean => value.is_boolean(),
            Shape::Instrument => instrument(&raw).is_some(),
            _ => false,
        };
        match field.shape {
            Shape::Choice | Shape::Boolean if known => self.fixed(|words| Some(choice(words, &raw)), "text"),
            Shape::Instrument if known => {
                self.fixed(|words| words.instruments.get(&raw).map(|name| format!("{name} ({raw})")), "text")
            }
            Shape::Instant => match raw.parse::<Timestamp>() {
                Ok(at) => self.fixed(|words| Some(instant(at, words)), "text"),
                Err(_) => self.written(&raw, None, "text"),
            },
            Shape::Digest => self.written(&raw, None, "mono"),
            Shape::AgeRecipient => self.fixed(|words| Some(shorten(&raw, words)), "mono"),
            Shape::Text | Shape::LongText if self.tongues.len() > 1 => {
                self.written(&raw, translation::of(self.body, path), "text")
            }
            _ => self.written(&raw, None, "text"),
        }
    }

    /// What was written for the case, and its translation if there is one.
    fn written(&self, text: &str, translation: Option<&str>, style: &'static str) -> Shown {
        Shown {
            lines: self.lines(text),
            beside: translation.map(|text| self.lines(text)).unwrap_or_default(),
            style,
        }
    }

    /// Puts several fields in one cell, one line each.
    fn join(&self, rows: Vec<Row>, labelled: bool) -> Shown {
        let absent = !rows.is_empty() && rows.iter().all(|row| row.value.style == "absent");
        let style = match rows.first() {
            _ if absent => "absent",
            Some(row) if !labelled => row.value.style,
            _ => "text",
        };
        let colon = self.tongues.first().map_or(": ", |tongue| &tongue.words.colon);
        let mut joined = Shown { lines: Lines::new(), beside: Lines::new(), style };
        for row in rows {
            let Shown { mut lines, beside, .. } = row.value;
            if labelled && let Some(first) = lines.first_mut() {
                first.insert(0, format!("{}{colon}", distinct(row.label).join(" / ")));
            }
            joined.lines.extend(lines);
            joined.beside.extend(beside);
        }
        joined
    }

    /// What the form does not know, in a last section.
    fn further(&self) -> Option<Section> {
        let schema = self.template.schema();
        let keys: Vec<&str> = schema.fields.iter().map(|field| field.key.as_str()).collect();
        let mut unknown = key::unknown(self.body, &keys);
        if self.tongues.len() > 1 {
            unknown.retain(|(path, _)| path != translation::MEMBER);
            unknown.extend(translation::stray(schema, self.body));
        }
        let rows: Vec<Row> = unknown
            .into_iter()
            .map(|(path, value)| Row {
                label: vec![self.line(&path)],
                value: self.written(
                    &value.as_str().map_or_else(|| value.to_string(), str::to_owned),
                    None,
                    "text",
                ),
            })
            .collect();
        (!rows.is_empty()).then(|| Section {
            title: self.said(|tongue| &tongue.words.further),
            blocks: vec![Block::Rows { rows }],
        })
    }
}

/// A choice in words; a ground with its code and the rules that give it.
fn choice(words: &Words, code: &str) -> String {
    match (words.choices.get(code), words.grounds.get(code)) {
        (Some(word), _) => word.clone(),
        (None, Some(ground)) => format!("{}\n{code}{}{}", ground.text, words.colon, ground.source),
        (None, None) => code.to_owned(),
    }
}

/// The same word in two languages is said once.
fn distinct(mut said: Said) -> Said {
    said.dedup();
    said
}

/// An instant in UTC: `2026-11-22 14:20:00 UTC`.
fn instant(instant: Timestamp, words: &Words) -> String {
    instant.to_string().replacen('T', " ", 1).replacen('Z', &format!(" {}", words.utc), 1)
}

/// The civil date of an instant in UTC, in words.
fn date(instant: Timestamp, words: &Words) -> String {
    let text = instant.to_string();
    let mut parts = text.split(['-', 'T']);
    match (parts.next(), parts.next(), parts.next()) {
        (Some(year), Some(month), Some(day)) => {
            let month = words.months.get(month).map_or(month, String::as_str);
            let day = if day == "01" { &words.first_of_month } else { day.trim_start_matches('0') };
            format!("{day} {month} {year}")
        }
        _ => text,
    }
}

/// A post-quantum recipient is two thousand characters long: its ends and its digest say which.
fn shorten(recipient: &str, words: &Words) -> String {
    let count = recipient.chars().count();
    if count <= RECIPIENT_LIMIT {
        return recipient.to_owned();
    }
    let head: String = recipient.chars().take(24).collect();
    let tail: String = recipient.chars().skip(count - 12).collect();
    format!("{head} ... {tail} ({count} {})\nSHA-256 {}", words.characters, Digest::of(recipient.as_bytes()))
}

//! What a command's result looks like on paper or screen: facts in two columns, lines and tables.

use super::table::Table;
use crate::problem::clean;
use std::collections::VecDeque;
use std::fmt::Display;

/// The text of one result, built from top to bottom.
#[derive(Debug, Default)]
pub struct Page {
    blocks: Vec<Block>,
}

#[derive(Debug)]
enum Block {
    Fact(String, String),
    Line(String),
}

impl Page {
    /// An empty page.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A fact: what, and its value. Facts in a row share their columns.
    pub fn fact(&mut self, label: &str, value: impl Display) {
        self.blocks.push(Block::Fact(label.to_owned(), clean(&value.to_string())));
    }

    /// A fact that may be absent.
    pub fn fact_if(&mut self, label: &str, value: Option<impl Display>) {
        if let Some(value) = value {
            self.fact(label, value);
        }
    }

    /// A line of text.
    pub fn line(&mut self, text: impl Into<String>) {
        self.blocks.push(Block::Line(text.into()));
    }

    /// Text as it is, line by line.
    pub fn text(&mut self, text: &str) {
        for line in text.lines() {
            self.line(line.trim_end());
        }
    }

    /// An empty line.
    pub fn blank(&mut self) {
        self.line("");
    }

    /// A table, or `otherwise` if it has no rows.
    pub fn table(&mut self, table: &Table, otherwise: &str) {
        if table.is_empty() {
            self.line(otherwise);
        } else {
            for line in table.lines() {
                self.line(line);
            }
        }
    }

    /// The page as lines. There may be a hundred thousand, so none is held twice.
    pub fn lines(self) -> impl Iterator<Item = String> {
        let label = |block: &Block| match block {
            Block::Fact(label, _) => Some(label.chars().count()),
            Block::Line(_) => None,
        };
        let facts = self.blocks.chunk_by(|a, b| label(a).is_some() == label(b).is_some());
        let mut widths: VecDeque<(usize, usize)> =
            facts.map(|run| (run.len(), run.iter().filter_map(label).max().unwrap_or(0))).collect();
        self.blocks.into_iter().map(move |block| {
            let mut width = 0;
            if let Some((left, run)) = widths.front_mut() {
                width = *run;
                *left -= 1;
                if *left == 0 {
                    widths.pop_front();
                }
            }
            match block {
                Block::Line(text) => text,
                Block::Fact(name, value) => {
                    let gap = " ".repeat(width.saturating_sub(name.chars().count()) + 2);
                    format!("{name}{gap}{value}").trim_end().to_owned()
                }
            }
        })
    }
}

/// A size for people: exact bytes, and rounded when large.
#[must_use]
pub fn bytes(size: u64) -> String {
    const UNITS: [(&str, u64); 4] = [("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10)];
    match UNITS.iter().find(|(_, unit)| size >= *unit) {
        Some((name, unit)) => {
            let tenths = size / (unit / 10).max(1);
            format!("{size} bytes ({}.{} {name})", tenths / 10, tenths % 10)
        }
        None => format!("{size} bytes"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn facts_in_a_row_share_their_columns() {
        let mut page = Page::new();
        page.fact("case", "C-1");
        page.fact("shared number", "GB-1\u{1b}");
        page.blank();
        page.fact("a", "b");
        assert_eq!(
            page.lines().collect::<Vec<_>>(),
            ["case           C-1", "shared number  GB-1", "", "a  b"]
        );
    }

    #[test]
    fn sizes_are_exact_first() {
        assert_eq!(bytes(12), "12 bytes");
        assert_eq!(bytes(3 << 29), "1610612736 bytes (1.5 GiB)");
    }
}

//! The table of what was measured, for people to read.

use crate::say;
use serde_json::Value;

/// Prints the lines of a benchmark's answer, and below them the notes that say how to read them.
pub(super) fn show(part: &Value) {
    let lines: Vec<&Value> = part["lines"].as_array().into_iter().flatten().collect();
    let mut rows =
        vec![["MEASURE", "VALUE", "UNIT", "REFERENCE", "RATIO", "PROMISE", ""].map(ToOwned::to_owned)];
    rows.extend(lines.iter().map(|line| row(line)));
    for row in laid_out(&rows) {
        say::line(&row);
    }
    say::line("");
    for line in lines {
        let measure = text(line, "measure");
        if let Some(what) = line["reference"]["what"].as_str() {
            say::line(&format!("  {}: reference: {what}", measure.trim()));
        }
        let note = text(line, "note");
        if !note.is_empty() {
            say::line(&format!("  {}: {note}", measure.trim()));
        }
    }
    for one in part["unmeasured"].as_array().into_iter().flatten() {
        say::line(&format!("  NOT MEASURED: {}: {}", text(one, "measure"), text(one, "why")));
    }
    say::line(&format!("  on {}", text(part, "machine")));
}

fn row(line: &Value) -> [String; 7] {
    let promise = &line["promise"];
    let verdict = match promise["met"].as_bool() {
        Some(true) => "met",
        Some(false) => "SHORT",
        None => "",
    };
    [
        text(line, "measure").to_owned(),
        number(&line["value"]),
        text(line, "unit").to_owned(),
        number(&line["reference"]["value"]),
        number(&line["reference"]["ratio"]),
        text(promise, "text").to_owned(),
        verdict.to_owned(),
    ]
}

fn text<'a>(value: &'a Value, key: &str) -> &'a str {
    value[key].as_str().unwrap_or_default()
}

/// A number with as many places as it deserves; nothing for none.
fn number(value: &Value) -> String {
    match value.as_f64() {
        None => String::new(),
        Some(value) if value.abs() >= 100.0 => format!("{value:.0}"),
        Some(value) if value.abs() >= 10.0 => format!("{value:.1}"),
        Some(value) if value.abs() >= 0.1 || value == 0.0 => format!("{value:.2}"),
        Some(value) => format!("{value:.4}"),
    }
}

/// Columns of one width each: words to the left, numbers to the right.
fn laid_out(rows: &[[String; 7]]) -> Vec<String> {
    const NUMBERS: [bool; 7] = [false, true, false, true, true, false, false];
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let lay = |row: &[String; 7]| {
        let cells = row.iter().enumerate().map(|(column, cell)| {
            let width = width(column);
            if NUMBERS.get(column) == Some(&true) {
                format!("{cell:>width$}")
            } else {
                format!("{cell:<width$}")
            }
        });
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    rows.iter().map(lay).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_line_becomes_a_row() {
        let line = json!({
            "measure": "exchanges", "value": 1234.4, "unit": "1/s",
            "reference": {"what": "syncs", "value": 4000.0, "ratio": 0.3086},
            "promise": {"text": "≥ 1000", "met": true},
        });
        assert_eq!(
            row(&line),
            ["exchanges", "1234", "1/s", "4000", "0.31", "≥ 1000", "met"].map(str::to_owned)
        );
        let alone =
            json!({"measure": "m", "value": 0.01, "unit": "ms", "promise": {"text": "< 1", "met": false}});
        assert_eq!(row(&alone), ["m", "0.0100", "ms", "", "", "< 1", "SHORT"].map(str::to_owned));
    }

    #[test]
    fn columns_stand_below_one_another() {
        let row = |measure: &str, value: &str| [measure, value, "1/s", "", "", "", ""].map(str::to_owned);
        assert_eq!(laid_out(&[row("a", "1"), row("bcd", "200")]), ["a      1  1/s", "bcd  200  1/s"]);
    }
}

//! Keys of fields and the places in a body that they name. Pure; never fails on any body.

use serde_json::Value;

/// One place that a key names in a body.
pub(crate) struct Place<'a> {
    /// The path with its index, for example `identifiers[2].port`.
    pub(crate) path: String,
    /// Which entry of the list, if the key goes through one.
    pub(crate) entry: Option<usize>,
    /// What stands there; `null` counts as nothing.
    pub(crate) value: Option<&'a Value>,
}

/// The list that a key goes through: `identifiers` for `identifiers[].port`.
pub(crate) fn list_of(key: &str) -> Option<&str> {
    key.split_once("[]").map(|(list, _)| list)
}

/// Follows a key without lists; `null` counts as absent.
pub(crate) fn get<'a>(value: &'a Value, key: &str) -> Option<&'a Value> {
    key.split('.').try_fold(value, |value, name| value.get(name)).filter(|value| !value.is_null())
}

/// Every place that `key` names: one, or one for each entry of its list.
pub(crate) fn places<'a>(body: &'a Value, key: &str) -> Vec<Place<'a>> {
    let Some((list, rest)) = key.split_once("[]") else {
        return vec![Place { path: key.to_owned(), entry: None, value: get(body, key) }];
    };
    let entries = get(body, list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    entries
        .iter()
        .enumerate()
        .map(|(index, entry)| Place {
            path: format!("{list}[{index}]{rest}"),
            entry: Some(index),
            value: get(entry, rest.trim_start_matches('.')),
        })
        .collect()
}

/// Whether nothing, or nothing but blanks, stands in a place.
pub(crate) fn is_blank(value: Option<&Value>) -> bool {
    match value {
        None | Some(Value::Null) => true,
        Some(Value::String(text)) => text.trim().is_empty(),
        Some(Value::Array(entries)) => entries.is_empty(),
        Some(Value::Object(fields)) => fields.is_empty(),
        Some(Value::Bool(_) | Value::Number(_)) => false,
    }
}

/// What stands in `body` outside the fields with `keys`: with its path, and whether a field is
/// there but of another form. The paper shows it apart, so that nothing is signed unseen.
pub(crate) fn unknown<'a>(body: &'a Value, keys: &[&str]) -> Vec<(String, &'a Value)> {
    let mut found = Vec::new();
    walk(body, "", "", keys, &mut found);
    found
}

fn walk<'a>(
    value: &'a Value,
    pattern: &str,
    path: &str,
    keys: &[&str],
    found: &mut Vec<(String, &'a Value)>,
) {
    let leads_on = |separator: &str| {
        keys.iter().any(|key| key.strip_prefix(pattern).is_some_and(|rest| rest.starts_with(separator)))
    };
    match value {
        Value::Null => {}
        Value::Array(entries) if !pattern.is_empty() && leads_on("[]") => {
            for (index, entry) in entries.iter().enumerate() {
                walk(entry, &format!("{pattern}[]"), &format!("{path}[{index}]"), keys, found);
            }
        }
        Value::Object(fields) if pattern.is_empty() || leads_on(".") => {
            for (name, field) in fields {
                let join = |base: &str| {
                    if base.is_empty() { name.clone() } else { format!("{base}.{name}") }
                };
                walk(field, &join(pattern), &join(path), keys, found);
            }
        }
        _ if keys.contains(&pattern) && !leads_on("[]") => {}
        _ => found.push((path.to_owned(), value)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_key_names_every_entry_of_its_list() {
        let body = json!({"a": {"b": [{"c": 1}, {}]}});
        let places = places(&body, "a.b[].c");
        let paths: Vec<&str> = places.iter().map(|place| place.path.as_str()).collect();
        assert_eq!(paths, ["a.b[0].c", "a.b[1].c"]);
        assert!(places[0].value.is_some() && places[1].value.is_none());
    }

    #[test]
    fn what_no_field_knows_is_found() {
        let body = json!({"a": "x", "l": [{"k": 1, "z": {"y": 2}}, 7], "o": {"p": 1, "q": 2}, "n.m": 1});
        let paths: Vec<String> =
            unknown(&body, &["a", "l", "l[].k", "o.p", "n.m"]).into_iter().map(|(path, _)| path).collect();
        assert_eq!(paths, ["l[0].z", "l[1]", "o.q"]);
    }
}

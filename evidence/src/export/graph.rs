//! A CASE/UCO graph, written node by node.
//!
//! Holds the frame of the JSON-LD, identifiers and typed literals. Writes to what it is given; keeps
//! no node, so a folder of a million files is written in little memory. An identifier is a name-based
//! UUID under the package's transmittal: the same package gives the same identifiers every time. A name is
//! made by [`named`] alone, so that no text from outside reads as the name of something else.

use crate::record::FileTime;
use rogatory_core::{Digest, Timestamp};
use serde_json::{Value, json};
use std::collections::HashSet;
use std::io::{self, Write};

/// The prefixes that are used, UCO and CASE as of CASE 1.5.0.
const CONTEXT: [(&str, &str); 9] = [
    ("case-investigation", "https://ontology.caseontology.org/case/investigation/"),
    ("uco-action", "https://ontology.unifiedcyberontology.org/uco/action/"),
    ("uco-core", "https://ontology.unifiedcyberontology.org/uco/core/"),
    ("uco-identity", "https://ontology.unifiedcyberontology.org/uco/identity/"),
    ("uco-observable", "https://ontology.unifiedcyberontology.org/uco/observable/"),
    ("uco-role", "https://ontology.unifiedcyberontology.org/uco/role/"),
    ("uco-tool", "https://ontology.unifiedcyberontology.org/uco/tool/"),
    ("uco-types", "https://ontology.unifiedcyberontology.org/uco/types/"),
    ("xsd", "http://www.w3.org/2001/XMLSchema#"),
];

/// The name of a thing of this kind: a JSON array, so that each list of parts has a name of its own, whatever the parts
/// hold. The kind is always a word of this room and never a text from outside.
pub(super) fn named(kind: &'static str, parts: &[&str]) -> String {
    let all: Vec<&str> = std::iter::once(kind).chain(parts.iter().copied()).collect();
    json!(all).to_string()
}

/// The graph under way.
pub(super) struct Graph<'a> {
    out: &'a mut dyn Write,
    namespace: [u8; 16],
    nodes: u64,
    /// Things that several exhibits share, by their names.
    shared: HashSet<[u8; 16]>,
}

impl<'a> Graph<'a> {
    /// Begins the graph of the package whose transmittal has these bytes.
    pub(super) fn begin(out: &'a mut dyn Write, transmittal: &[u8]) -> io::Result<Self> {
        let prefixes: serde_json::Map<String, Value> =
            CONTEXT.iter().map(|(prefix, address)| ((*prefix).to_owned(), json!(address))).collect();
        write!(out, "{{\"@context\":{},\"@graph\":[", Value::Object(prefixes))?;
        // Any fixed namespace does; this is the one that RFC 9562 reserves for object identifiers.
        let oids =
            [0x6b, 0xa7, 0xb8, 0x12, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0, 0xc0, 0x4f, 0xd4, 0x30, 0xc8];
        let namespace = uuid_of_name(&oids, &Digest::of(transmittal).to_hex());
        Ok(Self { out, namespace, nodes: 0, shared: HashSet::new() })
    }

    /// The identifier of what is called `name` within this package.
    pub(super) fn id(&self, name: &str) -> String {
        let hex = data_encoding::HEXLOWER.encode(&uuid_of_name(&self.namespace, name));
        let part = |range: std::ops::Range<usize>| hex.get(range).unwrap_or_default();
        format!("urn:uuid:{}-{}-{}-{}-{}", part(0..8), part(8..12), part(12..16), part(16..20), part(20..32))
    }

    /// A reference to it.
    pub(super) fn to(&self, name: &str) -> Value {
        json!({ "@id": self.id(name) })
    }

    /// Writes a node named `name`.
    pub(super) fn put(&mut self, name: &str, mut node: Value) -> io::Result<()> {
        if let Some(members) = node.as_object_mut() {
            members.insert("@id".to_owned(), self.id(name).into());
            // What is not known is left out.
            members
                .retain(|_, value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
        }
        self.out.write_all(if self.nodes == 0 { b"\n" } else { b",\n" })?;
        self.nodes += 1;
        serde_json::to_writer(&mut *self.out, &node).map_err(io::Error::from)
    }

    /// Writes a node that others may name too, once; gives the reference.
    pub(super) fn put_once(&mut self, name: &str, node: Value) -> io::Result<Value> {
        if self.shared.insert(uuid_of_name(&self.namespace, name)) {
            self.put(name, node)?;
        }
        Ok(self.to(name))
    }

    /// Whether [`Graph::put_once`] wrote it already.
    pub(super) fn is_there(&self, name: &str) -> bool {
        self.shared.contains(&uuid_of_name(&self.namespace, name))
    }

    /// Writes that `source` stands in a relation to `target`.
    pub(super) fn relate(&mut self, source: &str, kind: &str, target: &str) -> io::Result<()> {
        self.relation("uco-core:Relationship", source, kind, target)
    }

    /// The same between two observable things.
    pub(super) fn relate_observed(&mut self, source: &str, kind: &str, target: &str) -> io::Result<()> {
        self.relation("uco-observable:ObservableRelationship", source, kind, target)
    }

    fn relation(&mut self, class: &str, source: &str, kind: &str, target: &str) -> io::Result<()> {
        let node = json!({
            "@type": class,
            "uco-core:source": self.to(source),
            "uco-core:target": self.to(target),
            "uco-core:kindOfRelationship": kind,
            "uco-core:isDirectional": true,
        });
        self.put(&named("relation", &[kind, source, target]), node)
    }

    /// A facet of the thing named `name`.
    pub(super) fn facet(&self, name: &str, class: &str, mut members: Value) -> Value {
        if let Some(members) = members.as_object_mut() {
            members.insert("@id".to_owned(), self.id(&named("facet", &[class, name])).into());
            members.insert("@type".to_owned(), class.into());
            members
                .retain(|_, value| !value.is_null() && value.as_array().is_none_or(|list| !list.is_empty()));
        }
        members
    }

    /// A hash of the thing named `name`.
    pub(super) fn hash(&self, name: &str, method: &str, hex: &str) -> Value {
        json!({
            "@id": self.id(&named("hash", &[method, hex, name])),
            "@type": "uco-types:Hash",
            "uco-types:hashMethod": method,
            "uco-types:hashValue": { "@type": "xsd:hexBinary", "@value": hex.to_uppercase() },
        })
    }

    /// Ends the graph; gives the number of its nodes.
    pub(super) fn end(self) -> io::Result<u64> {
        self.out.write_all(b"\n]}\n")?;
        Ok(self.nodes)
    }
}

/// An instant as `xsd:dateTime`.
pub(super) fn instant(at: Timestamp) -> Value {
    json!({ "@type": "xsd:dateTime", "@value": at.to_string() })
}

/// An instant of a file system; null outside the years 1 to 9999.
pub(super) fn file_instant(at: Option<FileTime>) -> Value {
    let Some((at, whole)) = at.and_then(|at| Some((at, Timestamp::from_seconds(at.seconds).ok()?))) else {
        return Value::Null;
    };
    let whole = whole.to_string();
    let whole = whole.trim_end_matches('Z');
    let text = match at.nanoseconds {
        0 => format!("{whole}Z"),
        nanoseconds => format!("{whole}.{nanoseconds:09}Z"),
    };
    json!({ "@type": "xsd:dateTime", "@value": text })
}

/// A whole number as `xsd:integer`.
pub(super) fn integer(number: u64) -> Value {
    json!({ "@type": "xsd:integer", "@value": number.to_string() })
}

/// A UUID of version 5 after RFC 9562.
fn uuid_of_name(namespace: &[u8; 16], name: &str) -> [u8; 16] {
    use aws_lc_rs::digest::{Context, SHA1_FOR_LEGACY_USE_ONLY};
    // The standard names SHA-1 here. Nothing rests on it: an identifier is no digest that is checked.
    let mut context = Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
    context.update(namespace);
    context.update(name.as_bytes());
    let mut uuid = [0; 16];
    for (byte, hashed) in uuid.iter_mut().zip(context.finish().as_ref()) {
        *byte = *hashed;
    }
    uuid[6] = uuid[6] & 0x0f | 0x50;
    uuid[8] = uuid[8] & 0x3f | 0x80;
    uuid
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_are_name_based_uuids() {
        // RFC 9562, appendix A.4.
        let dns =
            [0x6b, 0xa7, 0xb8, 0x10, 0x9d, 0xad, 0x11, 0xd1, 0x80, 0xb4, 0, 0xc0, 0x4f, 0xd4, 0x30, 0xc8];
        let uuid = data_encoding::HEXLOWER.encode(&uuid_of_name(&dns, "www.example.com"));
        assert_eq!(uuid, "2ed6657de927568b95e12665a8aea6a2");
    }

    #[test]
    fn no_text_reads_as_the_name_of_something_else() {
        let plain = named("person", &["a", "b"]);
        for text in ["a\",\"b", "a, b", "a b", "\",\"a", "a\\", "[\"person\",\"a\",\"b\"]"] {
            assert_ne!(named("person", &[text]), plain, "{text}");
            assert_ne!(named("person", &[text, ""]), plain, "{text}");
        }
        assert_ne!(named("role", &["a", "b"]), plain);
    }

    #[test]
    fn file_times_keep_their_nanoseconds() {
        let text = |seconds, nanoseconds| {
            file_instant(Some(FileTime { seconds, nanoseconds }))["@value"].as_str().map(ToOwned::to_owned)
        };
        assert_eq!(text(0, 0).as_deref(), Some("1970-01-01T00:00:00Z"));
        assert_eq!(text(-1, 500_000_000).as_deref(), Some("1969-12-31T23:59:59.500000000Z"));
        assert_eq!(text(i64::MAX, 0), None);
        assert!(file_instant(None).is_null());
    }

    #[test]
    fn what_is_not_known_is_left_out() {
        let mut out = Vec::new();
        let mut graph = Graph::begin(&mut out, b"t").expect("begins");
        graph.put("x", json!({ "@type": "uco-core:UcoObject", "uco-core:name": null })).expect("puts");
        graph.put_once("y", json!({ "@type": "uco-core:UcoObject" })).expect("puts");
        graph.put_once("y", json!({ "@type": "uco-core:UcoObject" })).expect("puts");
        assert_eq!(graph.end().expect("ends"), 2);
        let value: Value = serde_json::from_slice(&out).expect("JSON");
        assert!(value["@graph"][0].get("uco-core:name").is_none());
        assert_eq!(value["@graph"].as_array().map(Vec::len), Some(2));
    }
}

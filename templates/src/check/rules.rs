//! Rules that look at more than one field: the known reasons why such requests come back.
//!
//! Each is named in a schema's `rules`. A rule skips what is missing; the schema has said so.

use crate::finding::{Finding, Severity};
use crate::instrument::instrument;
use crate::key;
use crate::schema::{Confidence, Schema};
use rogatory_core::document::DocumentKind;
use rogatory_core::{Digest, OfficerId, PackageId, PartyId, Timestamp};
use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// A longer period is allowed, but asked about.
const LONG_PERIOD_SECONDS: i64 = 366 * 86_400;

/// Phrases by which a request asks for everything.
const EVERYTHING: [&str; 18] = [
    "all data",
    "any data",
    "any and all",
    "all available",
    "everything",
    "all information",
    "all content",
    "entire account",
    "whole account",
    "full account",
    "complete account",
    "toutes les données",
    "toutes données",
    "l’ensemble des données",
    "l'ensemble des données",
    "toutes les informations",
    "tout le contenu",
    "l’intégralité du compte",
];

/// Applies the rule called `name`; an unknown name is a defect of the pack and found by its tests.
pub(super) fn apply(name: &str, body: &Value, schema: &Schema, findings: &mut Vec<Finding>) {
    let mut report = Report { findings };
    match name {
        "legal-basis" => legal_basis(body, schema, &mut report),
        "persons" => persons(body, &mut report),
        "identifiers" => identifiers(body, schema, &mut report),
        "data-categories" => data_categories(body, schema, &mut report),
        "period" => period(body, &mut report),
        "recipients" => recipients(body, &mut report),
        "packages" => packages(body, &mut report),
        "outcomes" => outcomes(body, &mut report),
        "intention" => intention(body, &mut report),
        "ground" => ground(body, &mut report),
        "preserved-until" => preserved_until(body, &mut report),
        _ => report.missing(
            "",
            "The form names a rule that this version does not know.",
            "",
            "template pack",
            Confidence::Derived,
        ),
    }
}

struct Report<'a> {
    findings: &'a mut Vec<Finding>,
}

impl Report<'_> {
    fn missing(&mut self, field: &str, message: &str, hint: &str, source: &str, confidence: Confidence) {
        self.add(Severity::Missing, field, message, hint, source, confidence);
    }

    fn warning(&mut self, field: &str, message: &str, hint: &str, source: &str, confidence: Confidence) {
        self.add(Severity::Warning, field, message, hint, source, confidence);
    }

    fn add(
        &mut self,
        severity: Severity,
        field: &str,
        message: &str,
        hint: &str,
        source: &str,
        confidence: Confidence,
    ) {
        self.findings.push(Finding {
            field: field.to_owned(),
            severity,
            message: message.to_owned(),
            hint: hint.to_owned(),
            source: source.to_owned(),
            confidence,
        });
    }
}

fn entries<'a>(body: &'a Value, list: &str) -> impl Iterator<Item = (usize, &'a Value)> {
    key::get(body, list).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default().iter().enumerate()
}

fn text<'a>(entry: &'a Value, field: &str) -> Option<&'a str> {
    key::get(entry, field).and_then(Value::as_str)
}

/// Source: ETS 185, Art. 27(1): its own procedure serves only where no mutual assistance treaty exists.
fn legal_basis(body: &Value, schema: &Schema, report: &mut Report<'_>) {
    let preservation = schema.kind == DocumentKind::Preservation;
    let articles = if preservation { "Art. 29" } else { "Arts 25 and 31" };
    let relied: Vec<&str> =
        entries(body, "legal_basis").filter_map(|(_, entry)| text(entry, "instrument")).collect();
    if relied.is_empty() {
        return;
    }
    if !relied.contains(&"budapest-2001") {
        report.missing(
            "legal_basis",
            "The Convention on Cybercrime is not relied on, but this form asks for its measure.",
            &format!("add an entry with instrument budapest-2001 and {articles}"),
            if preservation { "ETS 185, Art. 29" } else { "ETS 185, Art. 31" },
            Confidence::Sourced,
        );
    }
    // Preservation is asked for before assistance, and needs no treaty on assistance.
    if !preservation && !relied.iter().any(|id| instrument(id).is_some_and(|known| known.mutual_assistance)) {
        report.warning("legal_basis", "No treaty on mutual assistance between the two States is relied on.", "if there is one, name it first: content, language and refusal follow it; if there is none, ETS 185, Art. 27 applies and the request says so", "ETS 185, Art. 27(1)", Confidence::Sourced);
    }
    for (index, entry) in entries(body, "legal_basis") {
        if text(entry, "instrument").and_then(instrument).is_some_and(|known| !known.in_force) {
            report.warning(
                &format!("legal_basis[{index}].instrument"),
                "This instrument was not in force when the pack was made.",
                "rely on it only if it has entered into force for both States",
                "treaty lists",
                Confidence::Sourced,
            );
        }
    }
    for id in BTreeSet::from_iter(&relied) {
        if relied.iter().filter(|other| *other == id).count() > 1 {
            report.warning(
                "legal_basis",
                "An instrument is listed twice.",
                "join the articles in one entry",
                "practice",
                Confidence::Memory,
            );
        }
    }
}

/// Source: Trafficking Protocol, Art. 6(1): the privacy and identity of victims are protected.
fn persons(body: &Value, report: &mut Report<'_>) {
    let mut labels = BTreeSet::new();
    for (index, person) in entries(body, "persons") {
        let at = |field: &str| format!("persons[{index}].{field}");
        if let Some(label) = text(person, "label") {
            if !is_label(label) {
                report.missing(
                    &at("label"),
                    "The label is not a pseudonym.",
                    "write a letter and a number, for example V-1",
                    "Trafficking Protocol, Art. 6(1)",
                    Confidence::Sourced,
                );
            } else if !labels.insert(label) {
                report.missing(
                    &at("label"),
                    "Two persons have the same label.",
                    "number them: V-1, V-2",
                    "practice",
                    Confidence::Memory,
                );
            }
        }
        match (text(person, "role"), text(person, "identity")) {
            (Some("victim"), identity) => {
                if identity.is_some_and(|identity| identity != "withheld") {
                    report.missing(
                        &at("identity"),
                        "A victim's identity is to be withheld.",
                        "write withheld; if it is needed, send it in a sealed annex to named recipients",
                        "Trafficking Protocol, Art. 6(1)",
                        Confidence::Sourced,
                    );
                }
                for field in ["name", "born"] {
                    if key::get(person, field).is_some() {
                        report.missing(
                            &at(field),
                            "A victim is not to be identified in the request.",
                            "leave the field out",
                            "Trafficking Protocol, Art. 6(1)",
                            Confidence::Sourced,
                        );
                    }
                }
            }
            (_, Some("known")) if key::get(person, "nationality").is_none() => {
                report.warning(
                    &at("nationality"),
                    "The nationality of a known person is not given.",
                    "give it where possible",
                    "ETS 030, Art. 14(1)(c)",
                    Confidence::Sourced,
                );
            }
            (_, Some("unknown")) if key::get(person, "name").is_some() => {
                report.missing(
                    &at("name"),
                    "A person is called unknown and yet has a name.",
                    "choose one",
                    "ETS 030, Art. 14(1)(c)",
                    Confidence::Sourced,
                );
            }
            _ => {}
        }
    }
    let victims: Vec<&str> = entries(body, "persons")
        .filter(|(_, person)| text(person, "role") == Some("victim"))
        .filter_map(|(_, person)| text(person, "label"))
        .collect();
    for (index, entry) in entries(body, "data_categories") {
        let description = text(entry, "description").unwrap_or_default();
        if victims.iter().any(|label| description.contains(label)) {
            report.warning(
                &format!("data_categories[{index}].description"),
                "The description goes to the provider and speaks of a victim.",
                "name chats or accounts instead, and say under `necessity` whose they are",
                "Trafficking Protocol, Art. 6(1)",
                Confidence::Sourced,
            );
        }
    }
    for (index, identifier) in entries(body, "identifiers") {
        if let Some(label) = text(identifier, "concerns")
            && !labels.contains(label)
        {
            report.missing(
                &format!("identifiers[{index}].concerns"),
                "No person has this label.",
                "write the label of a person listed",
                "ETS 185, Art. 29(2)(c)",
                Confidence::Sourced,
            );
        }
    }
}

fn is_label(text: &str) -> bool {
    text.split_once('-').is_some_and(|(letters, digits)| {
        (1..=3).contains(&letters.len())
            && letters.bytes().all(|byte| byte.is_ascii_uppercase())
            && (1..=4).contains(&digits.len())
            && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

/// Source: practical guides: what is ambiguous or cannot be looked up is refused.
fn identifiers(body: &Value, schema: &Schema, report: &mut Report<'_>) {
    let mut seen = BTreeSet::new();
    for (index, identifier) in entries(body, "identifiers") {
        let at = |field: &str| format!("identifiers[{index}].{field}");
        let Some(value) = text(identifier, "value").map(str::trim) else { continue };
        let place = (value, text(identifier, "platform"), text(identifier, "time"));
        if !seen.insert(place) {
            report.missing(
                &at("value"),
                "An identifier stands twice.",
                "leave one out: answers are given for each identifier",
                "practice",
                Confidence::Memory,
            );
        }
        match text(identifier, "type") {
            Some("ip-address") => match value.parse::<IpAddr>() {
                Err(_) => report.missing(
                    &at("value"),
                    "This is not an IP address.",
                    "write one address, without port or range; the port has its own field",
                    "practice",
                    Confidence::Memory,
                ),
                Ok(address) if is_private(address) => report.warning(
                    &at("value"),
                    "A private address identifies nobody on the internet.",
                    "look for the public address in the record",
                    "practice",
                    Confidence::Memory,
                ),
                Ok(_) => {}
            },
            Some("telephone") if !value.starts_with('+') => report.warning(
                &at("value"),
                "The telephone number has no country code.",
                "begin with + and the country code",
                "practice",
                Confidence::Memory,
            ),
            Some("email") if !value.contains('@') => report.missing(
                &at("value"),
                "This is not an e-mail address.",
                "write name@domain",
                "practice",
                Confidence::Memory,
            ),
            Some("url") if !value.contains("://") => report.warning(
                &at("value"),
                "The URL has no scheme.",
                "copy the whole address with https://",
                "practice",
                Confidence::Memory,
            ),
            _ => {}
        }
    }
    // Where persons are listed, an identifier should say whom it concerns.
    if schema.field("persons").is_some() {
        for (index, identifier) in entries(body, "identifiers") {
            if key::get(identifier, "concerns").is_none() {
                report.warning(
                    &format!("identifiers[{index}].concerns"),
                    "It is not said whom the identifier concerns.",
                    "write the label of the person",
                    "ETS 185, Art. 29(2)(c)",
                    Confidence::Sourced,
                );
            }
        }
    }
}

fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, ..] = v4.octets();
            let shared = first == 100 && (64..128).contains(&second);
            v4.is_private() || v4.is_loopback() || v4.is_link_local() || v4.is_unspecified() || shared
        }
        IpAddr::V6(v6) => {
            v6.is_loopback() || v6.is_unspecified() || v6.is_unique_local() || v6.is_unicast_link_local()
        }
    }
}

/// Source: ETS 185, Art. 15(1) and (3): proportionality, limits of scope, interests of third parties.
fn data_categories(body: &Value, schema: &Schema, report: &mut Report<'_>) {
    let excludes = schema.field("exclusions").is_some();
    let mut seen = BTreeSet::new();
    for (index, entry) in entries(body, "data_categories") {
        if let Some(description) = text(entry, "description") {
            let lower = description.to_lowercase();
            if let Some(phrase) = EVERYTHING.iter().find(|phrase| lower.contains(*phrase)) {
                report.missing(
                    &format!("data_categories[{index}].description"),
                    &format!("The description asks for “{phrase}”: such requests are refused as too broad."),
                    "say which data, of which accounts, about what",
                    "ETS 185, Art. 15(1)",
                    Confidence::Derived,
                );
            }
        }
        if let Some(category) = text(entry, "category") {
            if !seen.insert(category) {
                report.warning(
                    &format!("data_categories[{index}].category"),
                    "A category stands twice.",
                    "join the descriptions",
                    "practice",
                    Confidence::Memory,
                );
            }
            if category == "content" && excludes && key::is_blank(key::get(body, "exclusions")) {
                report.warning(
                    "exclusions",
                    "Content is asked for, and nothing is said of privileged material.",
                    "say what is to be set aside, and how",
                    "ETS 185, Art. 15(3)",
                    Confidence::Sourced,
                );
            }
        }
    }
}

fn period(body: &Value, report: &mut Report<'_>) {
    let instant = |field| text(body, field).and_then(|value| value.parse::<Timestamp>().ok());
    let (Some(start), Some(end)) = (instant("period.start"), instant("period.end")) else { return };
    if start >= end {
        report.missing(
            "period.end",
            "The period ends before it begins.",
            "the end is exclusive and later than the start",
            "ETS 185, Art. 15(1)",
            Confidence::Derived,
        );
    } else if end.seconds() - start.seconds() > LONG_PERIOD_SECONDS {
        report.warning(
            "period.end",
            "The period is longer than a year.",
            "shorten it, or say in the reason why each month is needed",
            "ETS 185, Art. 15(1)",
            Confidence::Derived,
        );
    }
}

/// Source: package format: evidence is encrypted to persons who can open it, and to a recovery key.
fn recipients(body: &Value, report: &mut Report<'_>) {
    const CLASSICAL: usize = 0;
    const POST_QUANTUM: usize = 1;
    // Of whom, keys of which kind: somebody may give one of each.
    let (mut officers, mut keys, mut kinds) = (0, BTreeSet::new(), BTreeMap::new());
    let mut listed = 0_usize;
    for (index, entry) in entries(body, "recipients") {
        listed += 1;
        if let Some(officer) = text(entry, "officer").and_then(|text| text.parse::<OfficerId>().ok()) {
            officers += 1;
            let institution = text(entry, "institution").and_then(|text| text.parse::<PartyId>().ok());
            if institution.is_some_and(|institution| institution != *officer.party()) {
                report.missing(
                    &format!("recipients[{index}].officer"),
                    "The officer belongs to another institution.",
                    "write the officer's own institution",
                    "package format",
                    Confidence::Derived,
                );
            }
        }
        if let Some(recipient) = text(entry, "recipient") {
            let kind = if recipient.starts_with("age1pq1") { POST_QUANTUM } else { CLASSICAL };
            let addressee = (text(entry, "institution"), text(entry, "officer"));
            kinds.entry(addressee).or_insert([false; 2])[kind] = true;
            if !keys.insert(recipient) {
                report.missing(
                    &format!("recipients[{index}].recipient"),
                    "Two recipients have the same key.",
                    "each person and the recovery key have their own",
                    "package format",
                    Confidence::Derived,
                );
            }
        }
    }
    if listed == 0 {
        return;
    }
    if officers == 0 {
        report.missing(
            "recipients",
            "No officer is among the recipients.",
            "name the person who will open the evidence",
            "package format",
            Confidence::Derived,
        );
    }
    if officers == listed {
        report.warning("recipients", "No recovery key is among the recipients.", "add the office's recovery recipient with officer null: a lost key would make the evidence unreadable", "package format", Confidence::Derived);
    }
    let lacks = |kind: usize| kinds.values().any(|has: &[bool; 2]| !has[kind]);
    if lacks(CLASSICAL) && lacks(POST_QUANTUM) {
        report.missing(
            "recipients",
            "Some have a post-quantum key only, others none: no package could be encrypted for both.",
            "give everybody a recipient of the same kind, age1pq1… or age1…",
            "package format",
            Confidence::Derived,
        );
    } else if lacks(POST_QUANTUM) && kinds.values().any(|has| has[POST_QUANTUM]) {
        report.warning(
            "recipients",
            "Only some of the recipients are post-quantum; the package will be classical for all.",
            "give a post-quantum recipient for each, or for none",
            "package format",
            Confidence::Derived,
        );
    }
}

fn packages(body: &Value, report: &mut Report<'_>) {
    let mut seen = BTreeSet::new();
    for (index, entry) in entries(body, "packages") {
        let package = text(entry, "package").and_then(|text| text.parse::<PackageId>().ok());
        let manifest = text(entry, "manifest_sha256").and_then(|text| text.parse::<Digest>().ok());
        if let (Some(package), Some(manifest)) = (&package, &manifest)
            && *package != PackageId::of_manifest(manifest)
        {
            report.missing(
                &format!("packages[{index}].package"),
                "The package id does not belong to this manifest.",
                "copy both from `rogatory package verify`",
                "package format",
                Confidence::Derived,
            );
        }
        if package.is_some_and(|package| !seen.insert(package)) {
            report.missing(
                &format!("packages[{index}].package"),
                "A package stands twice.",
                "leave one out",
                "package format",
                Confidence::Derived,
            );
        }
    }
}

/// Source: ETS 030, Art. 19: reasons are owed for any refusal, so a part refused must be visible.
fn outcomes(body: &Value, report: &mut Report<'_>) {
    if text(body, "outcome") != Some("executed") {
        return;
    }
    let refused = |entry: &Value| matches!(text(entry, "result"), Some("refused" | "partly-provided"));
    if entries(body, "outcomes").any(|(_, entry)| refused(entry)) {
        report.missing(
            "outcome",
            "Part was refused, but the decision says that the whole was executed.",
            "write partly-executed and say what was not executed, and why",
            "ETS 030, Art. 19",
            Confidence::Sourced,
        );
    }
}

/// Source: ETS 185, Art. 29(2)(f): without the intention to ask for assistance there is no preservation.
fn intention(body: &Value, report: &mut Report<'_>) {
    if key::get(body, "intention.stated") == Some(&Value::Bool(false)) {
        report.missing(
            "intention.stated",
            "Data are preserved only for a request for assistance that is intended.",
            "write true, or do not ask for preservation",
            "ETS 185, Art. 29(2)(f)",
            Confidence::Sourced,
        );
    }
}

/// Sources: ETS 185, Art. 29(3) to (5), for preservation; UNTOC, Art. 18(22), for fiscal offences.
fn ground(body: &Value, report: &mut Report<'_>) {
    let Some(ground) = text(body, "ground") else { return };
    let number = ground.split('-').next().unwrap_or_default();
    match (text(body, "refused"), number) {
        (Some("preservation" | "extension"), "R02" | "R05") => {}
        (Some("preservation" | "extension"), "R07") => report.warning(
            "ground",
            "Dual criminality is no condition of preservation.",
            "refuse on it only if your State made the reservation of Art. 29(4) and it could not be met when the data are disclosed",
            "ETS 185, Art. 29(3) and (4)",
            Confidence::Sourced,
        ),
        (Some("preservation"), _) => report.warning(
            "ground",
            "Preservation may be refused only for a political offence or for essential interests.",
            "take R05-political or R02-essential-interests, or ask back if something is missing",
            "ETS 185, Art. 29(5)",
            Confidence::Sourced,
        ),
        (_, "R06") => report.warning(
            "ground",
            "Most treaties forbid a refusal for the sole reason that fiscal matters are involved.",
            "rely on ETS 030, Art. 2(a) only where its Additional Protocol does not bind both States",
            "UNTOC, Art. 18(22); UNCAC, Art. 46(22)",
            Confidence::Sourced,
        ),
        _ => {}
    }
}

/// Source: ETS 185, Art. 29(7). How long at least is a rule of the law data, not of this form.
fn preserved_until(body: &Value, report: &mut Report<'_>) {
    let instant = |field| text(body, field).and_then(|value| value.parse::<Timestamp>().ok());
    for earlier in ["received_time", "preserved_until"] {
        for later in ["preserved_until", "extend_until"] {
            if earlier != later
                && let (Some(start), Some(end)) = (instant(earlier), instant(later))
                && start >= end
            {
                report.missing(
                    later,
                    &format!("This is not later than `{earlier}`."),
                    "write the last instant at which the data are still preserved",
                    "ETS 185, Art. 29(7)",
                    Confidence::Sourced,
                );
            }
        }
    }
}

/// A secret key pasted instead of a recipient would be signed, sent and printed.
pub(super) fn no_secret_keys(body: &Value, findings: &mut Vec<Finding>) {
    fn walk(value: &Value, path: &str, found: &mut Vec<String>) {
        match value {
            Value::String(text) => {
                let upper = text.to_ascii_uppercase();
                if upper.contains("AGE-SECRET-KEY-") || upper.contains("PRIVATE KEY-----") {
                    found.push(path.to_owned());
                }
            }
            Value::Array(entries) => {
                for (index, entry) in entries.iter().enumerate() {
                    walk(entry, &format!("{path}[{index}]"), found);
                }
            }
            Value::Object(fields) => {
                for (name, field) in fields {
                    let path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
                    walk(field, &path, found);
                }
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(body, "", &mut found);
    let mut report = Report { findings };
    for path in found {
        report.missing(
            &path,
            "A secret key stands in the facts.",
            "take it out, and replace that key: it has been written down",
            "package format",
            Confidence::Derived,
        );
    }
}

//! Every template rendered with its example, strictly, and with what an enemy might write in it.

use rogatory_core::Digest;
use rogatory_core::document::Document;
use rogatory_templates::{RENDERER, RenderError, Template, bilingual, catalogue, render_pdf};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Stdio};

fn document(template: &Template, body: Value) -> Value {
    json!({
        "format": 1, "profile": 1, "kind": template.kind(),
        "shared_number": "GB-7K2M-9QXR-4T1V-C8ZE-56", "message_number": 1,
        "sender": {"party": "gb/central-authority", "name": "United Kingdom Central Authority"},
        "addressee": {"party": "md/central-authority", "name": "Office of the Prosecutor General"},
        "created_time": "2026-11-22T14:20:00Z", "in_reply_to": null,
        "renderer": RENDERER, "template": template.id(), "pack_version": template.pack_version(),
        "language": template.language(), "body": body,
    })
}

/// The one spelling of a document; what is none is spelled anyhow.
fn bytes(document: &Value) -> Vec<u8> {
    match serde_json::from_value::<Document>(document.clone()) {
        Ok(document) => document.to_json(),
        Err(_) => serde_json::to_vec_pretty(document).expect("JSON"),
    }
}

fn render(template: &Template, body: Value) -> Vec<u8> {
    render_pdf(&bytes(&document(template, body))).expect("the paper is rendered")
}

/// Every form in every language, and with two side by side.
fn every() -> impl Iterator<Item = &'static Template> {
    catalogue().iter().chain(bilingual())
}

fn name(template: &Template) -> String {
    format!("{} in {}", template.id(), template.language())
}

/// The text of a PDF with its blanks taken out, or nothing where `pdftotext` is not installed.
fn text_of(pdf: &[u8]) -> Option<String> {
    let mut child = Command::new("pdftotext")
        .args(["-raw", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .ok()?;
    let mut input = child.stdin.take()?;
    let pdf = pdf.to_vec();
    let writer = std::thread::spawn(move || input.write_all(&pdf));
    let output = child.wait_with_output().ok()?;
    writer.join().expect("the writer ends").ok()?;
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    Some(text.chars().filter(|symbol| !symbol.is_whitespace()).collect())
}

fn request() -> &'static Template {
    Template::find("ets185/art31-trafficking").expect("the template")
}

#[test]
fn every_example_is_complete_and_its_values_stand_on_its_paper() {
    for template in every() {
        let body = template.example();
        assert_eq!(template.check(&body), [], "{}", name(template));
        let pdf = render(template, body.clone());
        assert!(pdf.starts_with(b"%PDF-1.7"), "{}", name(template));
        let marks = String::from_utf8_lossy(&pdf);
        for mark in [
            "<pdfaid:part>2</pdfaid:part>",
            "<pdfaid:conformance>A</pdfaid:conformance>",
            "<pdfuaid:part>1</pdfuaid:part>",
        ] {
            assert!(marks.contains(mark), "{}: {mark}", name(template));
        }
        shows_its_values(template, &body, &pdf);
    }
}

fn shows_its_values(template: &Template, body: &Value, pdf: &[u8]) {
    fn strings(value: &Value, found: &mut Vec<String>) {
        match value {
            Value::String(text) => found.push(text.clone()),
            Value::Array(entries) => entries.iter().for_each(|entry| strings(entry, found)),
            Value::Object(fields) => fields.values().for_each(|field| strings(field, found)),
            _ => {}
        }
    }
    let Some(text) = text_of(pdf) else { return };
    let choices: Vec<&String> = template.schema().fields.iter().flat_map(|field| &field.choices).collect();
    let mut values = Vec::new();
    strings(body, &mut values);
    for value in values.iter().filter(|value| !choices.contains(value)) {
        let is_instant = value.len() == 20 && value.ends_with('Z');
        let shown = if is_instant { value.replace('T', " ").replace('Z', " UTC") } else { value.clone() };
        // A page may end within a long text; its sentences are looked for one by one.
        for part in shown.split(['.', ';', ',', ' ']).filter(|part| part.chars().count() > 3) {
            assert!(text.contains(&packed(part)), "{}: {part}", name(template));
        }
    }
}

#[test]
fn the_same_json_gives_the_same_paper() {
    let some = catalogue().iter().filter(|template| template.language() == "en");
    for template in some.chain([
        Template::find_in("ets185/art29", "fr").expect("the template"),
        beside("ets185/art29", "en-x-beside-fr"),
        beside("common/refusal", "fr-x-beside-en"),
    ]) {
        assert!(
            render(template, template.example()) == render(template, template.example()),
            "{}",
            name(template)
        );
    }
    let one = render(request(), request().example());
    let mut later = document(request(), request().example());
    later["created_time"] = json!("2026-11-22T14:20:01Z");
    assert!(one != render_pdf(&bytes(&later)).expect("rendered"));
}

#[test]
fn the_footer_carries_the_digest_of_the_json() {
    let json = bytes(&document(request(), request().example()));
    let pdf = render_pdf(&json).expect("rendered");
    if let Some(text) = text_of(&pdf) {
        assert!(text.contains(&Digest::of(&json).to_hex()));
        assert!(text.contains("SharednumberGB-7K2M-9QXR-4T1V-C8ZE-56"));
        assert!(text.contains("Page1of"));
        assert!(text.contains("signature003.p7s"));
    }
}

#[test]
fn markup_in_a_value_is_shown_and_never_run() {
    let hostile = [
        "#import \"/view.json\": *",
        "#panic(\"x\")",
        "#read(\"/etc/passwd\")",
        "$x^2 + y$",
        "\\ \\u{41} \\*",
        "<script>alert(1)</script>",
        "*bold* _italic_ `raw` = Heading",
        "@label <label> ~ -- --- ...",
        "// comment /* comment */",
        "{{ body }} ${HOME} %s %n",
        "]] ) } #",
        "\"; }",
    ];
    for hostile in hostile {
        let mut body = request().example();
        body["facts"]["summary"] = json!(hostile);
        body["identifiers"][0]["value"] = json!(hostile);
        body["our_reference"] = json!(hostile);
        let mut document = document(request(), body);
        document["sender"]["name"] = json!(hostile);
        let pdf = render_pdf(&bytes(&document)).expect("rendered");
        if let Some(text) = text_of(&pdf) {
            let wanted: String = hostile.chars().filter(|symbol| !symbol.is_whitespace()).collect();
            assert!(text.matches(&wanted).count() >= 4, "{hostile}");
        }
    }
}

#[test]
fn what_cannot_be_seen_is_shown_by_its_number() {
    for (hidden, shown) in [
        ("a\u{202E}b", "a[U+202E]b"),
        ("a\u{0}b", "a[U+0000]b"),
        ("a\u{200B}b", "a[U+200B]b"),
        ("ქართული", "[U+10E5]"),
        ("a\u{FFFF}b😀", "a[U+FFFF]b[U+1F600]"),
        ("e\u{301}\u{334}\u{35C}x", "x"),
        ("שלום", ""),
    ] {
        let mut body = request().example();
        body["facts"]["summary"] = json!(hidden);
        let pdf = render(request(), body);
        if let Some(text) = text_of(&pdf) {
            assert!(text.contains(shown), "{shown}");
        }
    }
}

#[test]
fn what_the_form_does_not_know_is_shown_all_the_same() {
    let mut body = request().example();
    body["codicil"] = json!({"deep": ["unforeseen-7731"]});
    body["urgency"] = json!("not-an-object-7732");
    body["identifiers"] = json!({"of_another_form": 7733});
    body["offences"] = json!(["bare-7734", 7735]);
    let pdf = render(request(), body.clone());
    if let Some(text) = text_of(&pdf) {
        for wanted in ["unforeseen-7731", "not-an-object-7732", "7733", "bare-7734", "7735", "notstated"] {
            assert!(text.contains(wanted), "{wanted}");
        }
    }
    assert!(rogatory_templates::blocks(&request().check(&body)));
}

#[test]
fn any_body_is_rendered_or_refused_and_never_a_panic() {
    for body in [json!(null), json!([]), json!({}), json!("text"), json!(1e300), json!({"": {"": []}})] {
        for template in every() {
            let _ = template.check(&body);
            // The layout is the same in every language and for every form: two stand for the others.
            let stands = template.id() == "common/order" || template.id() == "ets185/art29";
            if stands || (template.language() == "en" && body == json!({})) {
                render_pdf(&bytes(&document(template, body.clone()))).expect("an empty form is rendered");
            }
        }
    }
}

#[test]
fn a_document_beyond_the_limits_is_refused() {
    let refused = |document: &Value| render_pdf(&bytes(document)).expect_err("refused");
    let with = |name: &str, value: Value| {
        let mut document = document(request(), request().example());
        document[name] = value;
        document
    };
    assert!(matches!(
        refused(&with("body", json!({"facts": {"summary": "x".repeat(300_000)}}))),
        RenderError::TooLarge { .. }
    ));
    assert!(matches!(
        refused(&with("body", json!({"facts": {"summary": "\n".repeat(4_001)}}))),
        RenderError::TooMany { .. }
    ));
    assert!(matches!(
        refused(&with("body", json!({"identifiers": vec![json!({}); 6_000]}))),
        RenderError::TooMany { .. }
    ));
    assert!(matches!(refused(&with("template", json!("common/none"))), RenderError::UnknownTemplate { .. }));
    assert!(matches!(refused(&with("language", json!("xx"))), RenderError::UnknownTemplate { .. }));
    assert!(matches!(refused(&with("pack_version", json!("0"))), RenderError::PackVersion { .. }));
    assert!(matches!(refused(&with("kind", json!("order"))), RenderError::WrongKind { .. }));
    assert!(matches!(refused(&with("format", json!(2))), RenderError::Document(_)));
    assert!(matches!(refused(&with("added", json!(1))), RenderError::Document(_)));
    assert!(matches!(render_pdf(b"{"), Err(RenderError::Document(_))));
    assert!(matches!(render_pdf(&"[".repeat(1_000).into_bytes()), Err(RenderError::Document(_))));
}

#[test]
fn a_word_longer_than_the_page_stays_on_it() {
    let mut body = request().example();
    body["facts"]["summary"] = json!("x".repeat(5_000));
    body["identifiers"][0]["value"] = json!("y".repeat(1_500));
    let pdf = render(request(), body);
    if let Some(text) = text_of(&pdf) {
        assert!(text.matches('x').count() >= 5_000, "{}", text.matches('x').count());
    }
}

#[test]
fn a_post_quantum_recipient_is_shown_by_its_ends_and_its_digest() {
    let recipient = format!("age1pq1{}", "q".repeat(1_950));
    let mut body = request().example();
    body["recipients"][0]["recipient"] = json!(recipient);
    if let Some(text) = text_of(&render(request(), body)) {
        assert!(text.contains(&Digest::of(recipient.as_bytes()).to_hex()));
        assert!(!text.contains(&recipient));
    }
}

#[test]
fn the_largest_document_is_laid_out_within_the_page_limit_or_refused() {
    let mut body = request().example();
    body["facts"]["summary"] = json!("Слово и дело. ".repeat(9_000));
    let json = bytes(&document(request(), body));
    assert!(json.len() < rogatory_templates::DOCUMENT_LIMIT_BYTES);
    match render_pdf(&json) {
        Ok(pdf) => assert!(pdf.len() < 4 << 20),
        Err(error) => assert!(matches!(error, RenderError::TooManyPages { .. }), "{error}"),
    }
}

/// A form with English beside French or the other way round, and the English one.
fn beside(id: &str, language: &str) -> &'static Template {
    Template::find_in(id, language).expect("the template")
}

/// A text as `text_of` gives it.
fn packed(text: &str) -> String {
    text.chars().filter(|symbol| !symbol.is_whitespace()).collect()
}

#[test]
fn fixed_text_stands_in_both_languages_and_facts_once() {
    let template = beside("ets185/art29", "en-x-beside-fr");
    let Some(text) = text_of(&render(template, template.example())) else { return };
    let other = template.beside().expect("two languages");
    for schema in [template.schema(), other] {
        for said in [&schema.title, &schema.legal_basis] {
            for word in said.split_whitespace() {
                assert!(text.contains(&packed(word)), "{word}");
            }
        }
        for section in &schema.sections {
            assert!(
                section.title.split_whitespace().all(|word| text.contains(&packed(word))),
                "{}",
                section.title
            );
        }
        for field in schema.fields.iter().filter(|field| field.key.starts_with("intention.")) {
            assert!(
                field.label.split_whitespace().all(|word| text.contains(&packed(word))),
                "{}",
                field.label
            );
        }
    }
    for word in [
        "Yes/Oui",
        "Trafficdata",
        "Donnéesrelativesautrafic",
        "22November2026",
        "22novembre2026",
        "URGENT",
        "CONFIDENTIAL/CONFIDENTIEL",
    ] {
        assert!(text.contains(word), "{word}");
    }
    assert!(!text.contains("URGENT/URGENT"));
    assert_eq!(text.matches("whoheldtheaccount").count(), 1);
}

#[test]
fn a_translation_stands_beside_what_it_translates() {
    let template = beside("ets185/art29", "fr-x-beside-en");
    let mut body = template.example();
    body["translations"] = json!({
        "facts.summary": "The facts, translated-8801.",
        "identifiers[1].link": "The tie, translated-8802.",
        "offences[0].name": "Human trafficking 8803",
    });
    assert_eq!(template.check(&body), []);
    if let Some(text) = text_of(&render(template, body.clone())) {
        for wanted in ["8801", "8802", "8803", "Enfévrier2026"] {
            assert!(text.contains(wanted), "{wanted}");
        }
        assert!(!text.contains("translations"));
    }
    // On a paper in one language, or of what is no text of the form, it is shown apart and found.
    let french = beside("ets185/art29", "fr");
    assert!(rogatory_templates::blocks(&french.check(&body)));
    if let Some(text) = text_of(&render(french, body.clone())) {
        assert!(text.contains("translations") && text.contains("8801"));
    }
    for (path, value) in [
        ("facts.sumary", json!("astray-8804")),
        ("status", json!("astray-8804")),
        ("facts.summary", json!({"deep": "astray-8804"})),
    ] {
        let mut body = template.example();
        body["translations"] = json!({ path: value });
        let findings = template.check(&body);
        assert!(
            findings.iter().any(|finding| finding.field == format!("translations.{path}")),
            "{findings:?}"
        );
        if let Some(text) = text_of(&render(template, body)) {
            assert!(text.contains("astray-8804"), "{path}");
        }
    }
}

#[test]
fn a_refusal_shows_its_ground_with_text_and_source() {
    for (id, field) in [("common/refusal", "ground"), ("common/postponement", "ground")] {
        let template = beside(id, "en-x-beside-fr");
        let choices = &template.schema().field(field).expect("the field").choices;
        assert_eq!(choices.len(), if id == "common/refusal" { 24 } else { 3 });
        for code in choices {
            let ground = rogatory_templates::ground(code).expect("a ground");
            let mut body = template.example();
            body[field] = json!(code);
            let Some(text) = text_of(&render(template, body)) else { return };
            assert!(text.contains(code), "{code}");
            for part in [&ground.text, &ground.source] {
                assert!(part.split_whitespace().all(|word| text.contains(&packed(word))), "{code}: {part}");
            }
        }
    }
    assert!(rogatory_templates::ground("R25-none").is_none());
}

//! Renders the example of every template into a folder, to be looked at: `-- FOLDER`.

use rogatory_core::document::{Competence, Document, DocumentKind};
use rogatory_templates::{RENDERER, bilingual, catalogue, render_pdf};
use serde_json::json;
use std::error::Error;
use std::path::PathBuf;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(std::env::args().nth(1).ok_or("name a folder")?);
    std::fs::create_dir_all(&folder)?;
    for template in catalogue().iter().chain(bilingual()) {
        let (gb, md, provider) = (
            json!({"party": "gb/central-authority", "name": "United Kingdom Central Authority (demonstration)"}),
            json!({"party": "md/central-authority", "name": "Office of the Prosecutor General, Republic of Moldova (demonstration)"}),
            json!({"party": "md/nistru-chat", "name": "Nistru Chat SRL (fictional)"}),
        );
        let (sender, addressee) = match template.kind() {
            DocumentKind::Order => (md, provider),
            DocumentKind::Forwarding => (
                md,
                json!({"party": "md/ministry-of-justice", "name": "Ministry of Justice, Republic of Moldova (demonstration)"}),
            ),
            kind if kind.competence_to_send() == Some(Competence::RequestAssistance) => (gb, md),
            _ => (md, gb),
        };
        let answered = json!({
            "shared_number": "GB-7K2M-9QXR-4T1V-C8ZE-56", "message_number": 1,
            "document_sha256": "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        });
        let opens = matches!(
            template.kind(),
            DocumentKind::Request
                | DocumentKind::Order
                | DocumentKind::Preservation
                | DocumentKind::Forwarding
        );
        let document = json!({
            "format": 1, "profile": 1, "kind": template.kind(),
            "shared_number": if template.id() == "common/order" { "MD-7K2M-9QXR-4T1V-C8ZE-65" } else { "GB-7K2M-9QXR-4T1V-C8ZE-56" },
            "message_number": 1, "sender": sender, "addressee": addressee,
            "created_time": "2026-11-22T14:20:00Z",
            "in_reply_to": if opens { json!(null) } else { answered },
            "renderer": RENDERER, "template": template.id(), "pack_version": template.pack_version(),
            "language": template.language(), "body": template.example(),
        });
        let json = serde_json::from_value::<Document>(document)?.to_json();
        let name = format!("{}.{}", template.id().replace('/', "-"), template.language());
        std::fs::write(folder.join(format!("{name}.pdf")), render_pdf(&json)?)?;
    }
    Ok(())
}

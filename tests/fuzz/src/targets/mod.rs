//! The targets, by the room whose parsers they try.

mod container;
mod custody;
mod documents;
mod evidence;
mod names;
mod wire;

use crate::Target;

const fn target(name: &'static str, longest: usize, parse: fn(&[u8]), seeds: fn() -> Vec<Vec<u8>>) -> Target {
    Target { name, longest, parse, seeds }
}

/// All targets.
pub const TARGETS: &[Target] = &[
    target("zip", 64 << 10, container::zip, container::zip_seeds),
    target("zip-parts", 8 << 10, container::zip_parts, container::zip_parts_seeds),
    target("manifest", 16 << 10, container::manifest, container::manifest_seeds),
    target("cades", 8 << 10, container::cades, container::cades_seeds),
    target("timestamp", 8 << 10, container::timestamp, container::timestamp_seeds),
    target("certificate", 4 << 10, container::certificate, container::certificate_seeds),
    target("anchors", 16 << 10, container::anchors, container::anchors_seeds),
    target("asice", 64 << 10, container::asice, container::asice_seeds),
    target("asice-parts", 32 << 10, container::asice_parts, container::asice_parts_seeds),
    target("foreign-zip", 16 << 10, container::foreign_zip, container::foreign_zip_seeds),
    target("foreign-manifest", 8 << 10, container::foreign_manifest, container::foreign_manifest_seeds),
    target("document", 16 << 10, documents::document, documents::document_seeds),
    target("receipt", 8 << 10, documents::receipt, documents::receipt_seeds),
    target("party-entry", 8 << 10, documents::party_entry, documents::party_entry_seeds),
    target("signers", 4 << 10, documents::signers, documents::signers_seeds),
    target("bundle-statement", 8 << 10, evidence::bundle_statement, evidence::bundle_statement_seeds),
    target("transmittal", 8 << 10, evidence::transmittal, evidence::transmittal_seeds),
    target("record", 4 << 10, evidence::record, evidence::record_seeds),
    target("files-list", 8 << 10, evidence::files_list, evidence::files_list_seeds),
    target("digest-list", 8 << 10, evidence::digest_list, evidence::digest_list_seeds),
    target("hash-list", 8 << 10, evidence::hash_list, evidence::hash_list_seeds),
    target("acquisition", 8 << 10, evidence::acquisition, evidence::acquisition_seeds),
    target("tar", 16 << 10, evidence::tar, evidence::tar_seeds),
    target("age-header", 8 << 10, evidence::age_header, evidence::age_header_seeds),
    target("age-payload", 4 << 10, evidence::age_payload, evidence::age_payload_seeds),
    target("recipient", 4 << 10, evidence::recipient, evidence::recipient_seeds),
    target("identities", 4 << 10, evidence::identities, evidence::identities_seeds),
    target("arrival-state", 1 << 10, evidence::arrival_state, evidence::arrival_state_seeds),
    target("index", 32 << 10, evidence::index, evidence::index_seeds),
    target("package", 32 << 10, evidence::package, evidence::package_seeds),
    target("custody-record", 64 << 10, custody::record, custody::record_seeds),
    target("custody-note", 8 << 10, custody::note, custody::note_seeds),
    target("custody-proof", 16 << 10, custody::proof, custody::proof_seeds),
    target("custody-leaf", 8 << 10, custody::leaf, custody::leaf_seeds),
    target("custody-bundle", 8 << 10, custody::bundle, custody::bundle_seeds),
    target("names", 512, names::names, names::names_seeds),
    target("wire", 16 << 10, wire::wire, wire::wire_seeds),
];

//! The names of a bundle's objects, and their order.
//!
//! Holds which objects a bundle consists of, the pages that it brings along, and the safe writing of
//! an exhibit's real name. Calls nothing. The one place where these names stand.

use crate::exhibit::ExhibitNumber;
use crate::record::{ExhibitType, RawName};

/// What the bundle says of itself; by it a bundle is told from other containers.
pub const BUNDLE_STATEMENT: &str = "bundle.json";
/// The digests of all objects in the form of `sha256sum`.
pub(crate) const LIST: &str = "manifest-sha256.txt";
/// The signed index, if the exhibits lie in the clear.
pub(crate) const INDEX: &str = "index.asice";
/// The record of the case, and the checkpoint to which its proofs lead.
pub(crate) const RECORD: &str = "custody/record.json";
pub(crate) const CHECKPOINT: &str = "custody/checkpoint.txt";

pub(crate) const EXHIBITS: &str = "exhibits/";
pub(crate) const PACKAGE: &str = "package/";
pub(crate) const SEALED_EXHIBITS: &str = "package/data/";
/// The encrypted index of a sealed bundle.
pub(crate) const SEALED_INDEX: &str = "package/index.age";
pub(crate) const DOCUMENTS: &str = "documents/";
pub(crate) const RECEIPTS: &str = "receipts/";
pub(crate) const PARTIES: &str = "parties/";
pub(crate) const CERTIFICATES: &str = "certificates/";
pub(crate) const REVOCATION: &str = "revocation/";
pub(crate) const STAMPS: &str = "stamps/";

/// The folders whose files are named freely, each with the end of its names.
const FREE: [(&str, &str); 6] = [
    (DOCUMENTS, ".asice"),
    (RECEIPTS, ".asice"),
    (PARTIES, ".asice"),
    (CERTIFICATES, ".pem"),
    (REVOCATION, ".crl"),
    (STAMPS, ".tst"),
];

/// The program that needs nothing but Python and `openssl`.
pub(crate) const SCRIPT: &str = "check.py";

/// The pages that say how to check the bundle, and the program they use: names and contents.
///
/// They are those of `docs/guides`.
#[must_use]
pub const fn pages() -> [(&'static str, &'static str); 4] {
    [
        ("HOW-TO-CHECK.en.md", include_str!("../../../docs/guides/how-to-check.en.md")),
        ("HOW-TO-CHECK.es.md", include_str!("../../../docs/guides/how-to-check.es.md")),
        ("HOW-TO-CHECK.fr.md", include_str!("../../../docs/guides/how-to-check.fr.md")),
        (SCRIPT, include_str!("../../../docs/guides/check.py")),
    ]
}

/// The longest safe name of an exhibit.
const MAX_SAFE_NAME: usize = 100;
/// What is kept of the end of a longer one.
const KEPT_END: usize = 12;

/// Whether an object of this name may stand in a bundle, signatures aside.
pub(crate) fn is_known(name: &str) -> bool {
    let fixed = [crate::layout::MIMETYPE_NAME, BUNDLE_STATEMENT, LIST, INDEX, RECORD, CHECKPOINT];
    let free = |(folder, end): &(&str, &str)| {
        let rest = name.strip_prefix(folder).and_then(|rest| rest.strip_suffix(end));
        rest.is_some_and(|rest| !rest.is_empty() && !rest.contains('/'))
    };
    fixed.contains(&name)
        || pages().iter().any(|(page, _)| *page == name)
        || name.starts_with(EXHIBITS)
        || name.starts_with(PACKAGE)
        || FREE.iter().any(free)
}

/// The object of the last outer signature of the package, by which it is stamped; none without a package.
pub(crate) fn package_signature<'a>(names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let outer = |name: &&str| {
        let rest = name.strip_prefix(PACKAGE);
        rest == Some(crate::layout::PERSON_SIGNATURE) || rest == Some(crate::layout::SEAL_SIGNATURE)
    };
    names.filter(outer).max()
}

/// Where an object stands: exhibits by their numbers, the index, then the others by the bytes of their names, then the
/// list, then the manifest and the signature.
pub(crate) fn place(name: &str) -> (u8, u32, &str) {
    let sealed = name.strip_prefix(PACKAGE).and_then(ExhibitNumber::from_object_name);
    let exhibit = sealed.or_else(|| exhibit_of(name));
    match (exhibit, name) {
        (_, crate::layout::MIMETYPE_NAME) => (0, 0, name),
        (Some(number), _) => (1, number.value(), name),
        (_, INDEX | SEALED_INDEX) => (1, u32::MAX, name),
        (_, LIST) => (3, 0, name),
        (_, crate::layout::PERSON_MANIFEST) => (4, 0, name),
        (_, crate::layout::PERSON_SIGNATURE) => (5, 0, name),
        _ => (2, 0, name),
    }
}

/// The exhibit whose file has this name: `exhibits/EX-0001/letter.txt`.
pub(crate) fn exhibit_of(name: &str) -> Option<ExhibitNumber> {
    let (number, file) = name.strip_prefix(EXHIBITS)?.split_once('/')?;
    number.parse().ok().filter(|_| !file.is_empty() && !file.contains('/'))
}

/// The name of an exhibit's file in the bundle.
pub(crate) fn exhibit_name(number: ExhibitNumber, name: &RawName, exhibit_type: ExhibitType) -> String {
    let end = if exhibit_type == ExhibitType::Folder { ".tar" } else { "" };
    format!("{EXHIBITS}{number}/{}{end}", safe_name(name.display()))
}

/// A real name so that every system and every tool can hold it: letters and digits of ASCII, `.`, `_` and `-`.
fn safe_name(shown: &str) -> String {
    let plain = |symbol: char| symbol.is_ascii_alphanumeric() || matches!(symbol, '.' | '_' | '-');
    let mut safe: String = shown.chars().map(|symbol| if plain(symbol) { symbol } else { '_' }).collect();
    if safe.len() > MAX_SAFE_NAME {
        // All ASCII by now, so bytes are characters.
        let end = safe.split_off(safe.len() - KEPT_END);
        safe.truncate(MAX_SAFE_NAME - KEPT_END);
        safe.push_str(&end);
    }
    while safe.ends_with('.') {
        safe.pop();
    }
    let begins_well = safe.starts_with(|symbol: char| symbol.is_ascii_alphanumeric() || symbol == '_');
    if !begins_well || rogatory_container::zip::check_name(&safe).is_err() {
        safe.insert(0, '_');
    }
    safe
}

/// The object that a time stamp file is for: `stamps/documents--01-request.asice.tst` is one for
/// `documents/01-request.asice`.
pub(crate) fn stamped_object(name: &str) -> Option<String> {
    Some(name.strip_prefix(STAMPS)?.strip_suffix(".tst")?.replace("--", "/"))
}

/// The file of a time stamp for an object.
pub(crate) fn stamp_of(object: &str) -> String {
    format!("{STAMPS}{}.tst", object.replace('/', "--"))
}

/// Whether a file of this name can lie in `stamps/` of a bundle.
#[must_use]
pub fn is_stamp_name(name: &str) -> bool {
    let name = format!("{STAMPS}{name}");
    is_known(&name) && stamped_object(&name).is_some_and(|object| is_known(&object))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_real_name_is_made_safe() {
        for (real, safe) in [
            ("letter.txt", "letter.txt"),
            ("дело №5.txt", "____\u{5f}_5.txt"),
            ("-rf", "_-rf"),
            (".hidden", "_.hidden"),
            ("con.txt", "_con.txt"),
            ("a...", "a"),
            ("...", "_"),
            ("x/y", "x_y"),
        ] {
            let found = safe_name(real);
            assert_eq!(found, safe, "{real}");
            assert!(rogatory_container::zip::check_name(&found).is_ok(), "{found}");
        }
        let long = safe_name(&format!("{}.backup.jpg", "n".repeat(300)));
        assert_eq!(long.len(), MAX_SAFE_NAME);
        assert!(long.ends_with(".backup.jpg"));
    }

    #[test]
    fn every_object_has_its_place() {
        let mut names = [
            "META-INF/signature001.p7s",
            "META-INF/ASiCManifest001.xml",
            "manifest-sha256.txt",
            "package/META-INF/signature001.p7s",
            "bundle.json",
            "exhibits/EX-10000/b",
            "exhibits/EX-9999/a",
            "index.asice",
            "HOW-TO-CHECK.en.md",
            "mimetype",
        ];
        names.sort_by_key(|name| place(name));
        assert_eq!(
            names,
            [
                "mimetype",
                "exhibits/EX-9999/a",
                "exhibits/EX-10000/b",
                "index.asice",
                "HOW-TO-CHECK.en.md",
                "bundle.json",
                "package/META-INF/signature001.p7s",
                "manifest-sha256.txt",
                "META-INF/ASiCManifest001.xml",
                "META-INF/signature001.p7s",
            ]
        );
    }

    #[test]
    fn what_does_not_belong_there_is_told() {
        for name in
            ["documents/a.asice", "stamps/x.tst", "revocation/md.crl", "exhibits/EX-0001/a", "check.py"]
        {
            assert!(is_known(name), "{name}");
        }
        for name in ["documents/a.pdf", "documents/.asice", "documents/a/b.asice", "other.txt", "custody/x"] {
            assert!(!is_known(name), "{name}");
        }
        assert!(is_stamp_name("documents--01-request.asice.tst"));
        assert!(!is_stamp_name("other.txt.tst"));
    }
}

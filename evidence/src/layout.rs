//! The names of a package's objects, and their order.
//!
//! Holds which objects a package and an index consist of. Calls nothing. The one place where
//! these names stand.

use crate::exhibit::ExhibitNumber;

/// The media type that `mimetype` holds.
pub(crate) const MIMETYPE: &str = rogatory_container::zip::MIMETYPE;
pub(crate) const MIMETYPE_NAME: &str = "mimetype";
/// What `bagit.txt` holds.
pub(crate) const BAGIT: &str = "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n";
pub(crate) const BAGIT_NAME: &str = "bagit.txt";
pub(crate) const BAG_INFO_NAME: &str = "bag-info.txt";
pub(crate) const MANIFEST_NAME: &str = "manifest-sha256.txt";
pub(crate) const TAGMANIFEST_NAME: &str = "tagmanifest-sha256.txt";
pub(crate) const TRANSMITTAL_NAME: &str = "transmittal.json";
pub(crate) const INDEX_NAME: &str = "index.age";
/// The first manifest: of the person who sealed.
pub const PERSON_MANIFEST: &str = "META-INF/ASiCManifest001.xml";
/// The signature over the first manifest.
pub const PERSON_SIGNATURE: &str = "META-INF/signature001.p7s";
/// The second manifest: of the institution's seal.
pub const SEAL_MANIFEST: &str = "META-INF/ASiCManifest002.xml";
/// The signature over the second manifest.
pub const SEAL_SIGNATURE: &str = "META-INF/signature002.p7s";

/// In a derived package: what the original's outer part says, byte for byte.
pub(crate) const ORIGIN_FOLDER: &str = "origin";
pub(crate) const ORIGIN_TRANSMITTAL: &str = "origin/transmittal.json";
pub(crate) const ORIGIN_MANIFEST: &str = "origin/ASiCManifest001.xml";
pub(crate) const ORIGIN_SIGNATURE: &str = "origin/signature001.p7s";
pub(crate) const ORIGIN_SEAL_MANIFEST: &str = "origin/ASiCManifest002.xml";
pub(crate) const ORIGIN_SEAL_SIGNATURE: &str = "origin/signature002.p7s";

/// The folders in which a package's objects lie, besides its own.
pub(crate) const FOLDERS: [&str; 3] = ["data", "META-INF", ORIGIN_FOLDER];

/// The objects of a derived package's `origin/` in their order, each with its name in the original.
/// The last two are there if the original carries an institution's seal.
pub(crate) const ORIGIN_OBJECTS: [(&str, &str); 5] = [
    (ORIGIN_TRANSMITTAL, TRANSMITTAL_NAME),
    (ORIGIN_MANIFEST, PERSON_MANIFEST),
    (ORIGIN_SIGNATURE, PERSON_SIGNATURE),
    (ORIGIN_SEAL_MANIFEST, SEAL_MANIFEST),
    (ORIGIN_SEAL_SIGNATURE, SEAL_SIGNATURE),
];

/// What a package carries of an original.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Carried {
    /// Nothing: it is one.
    Nothing,
    /// The outer part with the person's signature.
    Person,
    /// The same with the institution's seal.
    Sealed,
}

impl Carried {
    /// The names in `origin/`, in their order.
    pub(crate) fn names(self) -> impl Iterator<Item = &'static str> {
        let count = match self {
            Self::Nothing => 0,
            Self::Person => 3,
            Self::Sealed => ORIGIN_OBJECTS.len(),
        };
        ORIGIN_OBJECTS.into_iter().map(|(name, _)| name).take(count)
    }
}

/// In the index.
pub(crate) const EXHIBITS_NAME: &str = "exhibits-sha256.txt";
pub(crate) const RECORDS_NAME: &str = "records-sha256.txt";

/// In an opened folder.
pub(crate) const OPENED_INDEX_NAME: &str = "index.asice";
/// The folder that holds the outer part of a derived package, exhibits and index aside.
pub(crate) const OPENED_PACKAGE_FOLDER: &str = "package";
pub(crate) const UNVERIFIED_NAME: &str = "UNVERIFIED.txt";
pub(crate) const NOT_OPENED_NAME: &str = "not-opened.txt";

/// The tag files that the tag manifest lists, in its order.
pub(crate) const TAG_FILES: [&str; 6] =
    [BAG_INFO_NAME, BAGIT_NAME, INDEX_NAME, MANIFEST_NAME, MIMETYPE_NAME, TRANSMITTAL_NAME];

/// What the person's manifest lists after the exhibits, in its order.
pub(crate) const SIGNED_TAG_FILES: [&str; 6] =
    [INDEX_NAME, TRANSMITTAL_NAME, BAG_INFO_NAME, BAGIT_NAME, MANIFEST_NAME, TAGMANIFEST_NAME];

/// The same of any package: what it carries of an original stands among them, in the order of the names' bytes.
pub(crate) fn tag_files(carried: Carried) -> Vec<&'static str> {
    let mut names: Vec<&str> = TAG_FILES.into_iter().chain(carried.names()).collect();
    names.sort_unstable();
    names
}

/// What the person's manifest of any package lists after the exhibits, in its order.
pub(crate) fn signed_tag_files(carried: Carried) -> Vec<&'static str> {
    SIGNED_TAG_FILES.into_iter().chain(carried.names()).collect()
}

/// All objects of a package in the order in which a container file holds them.
pub(crate) fn package_objects(
    exhibits: impl Iterator<Item = ExhibitNumber>,
    carried: Carried,
    sealed: bool,
) -> Vec<String> {
    let mut names = vec![MIMETYPE_NAME.to_owned()];
    names.extend(exhibits.map(ExhibitNumber::object_name));
    names.extend(signed_tag_files(carried).into_iter().map(ToOwned::to_owned));
    names.extend([PERSON_MANIFEST.to_owned(), PERSON_SIGNATURE.to_owned()]);
    if sealed {
        names.extend([SEAL_MANIFEST.to_owned(), SEAL_SIGNATURE.to_owned()]);
    }
    names
}

/// The most objects that a package has beside its exhibits: `mimetype`, tag files, `origin/`, manifests and signatures.
pub(crate) const MOST_OTHER_OBJECTS: usize = 1 + SIGNED_TAG_FILES.len() + ORIGIN_OBJECTS.len() + 4;

/// The content of `bag-info.txt`: the day of sealing, and size and number of the payload files.
pub(crate) fn bag_info(day: &str, payload_bytes: u64, payload_files: usize) -> String {
    format!("Bagging-Date: {day}\nPayload-Oxum: {payload_bytes}.{payload_files}\n")
}

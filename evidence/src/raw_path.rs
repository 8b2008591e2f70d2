//! Paths and their raw bytes.
//!
//! Holds the conversion between the file system's names and bytes, and the rule for links inside
//! a folder. Calls nothing. Never looks at the file system.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

/// The raw bytes of a name. Outside Unix, names that are no Unicode lose the characters concerned.
pub(crate) fn bytes_of(name: &OsStr) -> Vec<u8> {
    #[cfg(unix)]
    {
        std::os::unix::ffi::OsStrExt::as_bytes(name).to_vec()
    }
    #[cfg(not(unix))]
    {
        name.to_string_lossy().into_owned().into_bytes()
    }
}

/// The name that has these bytes.
pub(crate) fn name_of(bytes: &[u8]) -> OsString {
    #[cfg(unix)]
    {
        std::os::unix::ffi::OsStringExt::from_vec(bytes.to_vec())
    }
    #[cfg(not(unix))]
    {
        String::from_utf8_lossy(bytes).into_owned().into()
    }
}

/// `folder` with a relative path of raw bytes below it.
pub(crate) fn below(folder: &Path, path: &[u8]) -> PathBuf {
    let mut result = folder.to_owned();
    for segment in path.split(|byte| *byte == b'/') {
        result.push(name_of(segment));
    }
    result
}

/// Whether a link `depth` folders below the top stays inside, whatever other links it passes.
///
/// The target must be relative, with `..` only at its beginning and at most `depth` times: then
/// the climb goes through real folders and what follows descends, and since every other link
/// obeys the same rule, no chain of them leads out.
pub(crate) fn link_stays_inside(depth: usize, target: &[u8]) -> bool {
    if target.is_empty() || target.starts_with(b"/") || target.contains(&0) {
        return false;
    }
    let mut climbed = 0;
    let mut descends = false;
    for segment in target.split(|byte| *byte == b'/') {
        match segment {
            b"" | b"." => {}
            b".." if descends => return false,
            b".." => climbed += 1,
            _ => descends = true,
        }
    }
    climbed <= depth
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_that_could_leave_the_folder_are_noticed() {
        for (depth, target) in [(0, "a"), (0, "a/b/./c"), (1, "../a"), (2, "../../x"), (0, "."), (1, "..")] {
            assert!(link_stays_inside(depth, target.as_bytes()), "{depth} {target}");
        }
        for (depth, target) in [(0, ".."), (0, "/etc"), (1, "../../a"), (5, "a/../b"), (0, ""), (3, "./a/..")]
        {
            assert!(!link_stays_inside(depth, target.as_bytes()), "{depth} {target}");
        }
    }
}

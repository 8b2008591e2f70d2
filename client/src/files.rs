//! Reading and writing the officer's files: bounded reads, and writes that are whole or absent.
//!
//! May call the file system. Never replaces a file that is there.

use crate::problem::{Problem, clean};
use rogatory_core::Digest;
use rogatory_evidence::acquisition::Facts;
use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::path::{Path, PathBuf};

/// The largest text with facts, anchors or configuration, in bytes.
pub const TEXT_LIMIT_BYTES: u64 = 8 * 1024 * 1024;
/// The largest formal document on disk, in bytes.
pub const CONTAINER_LIMIT_BYTES: u64 = 1024 * 1024;
/// The largest custody record, in bytes.
pub const RECORD_LIMIT_BYTES: u64 = 64 * 1024 * 1024;

/// Reads a file of at most `limit` bytes.
///
/// # Errors
/// A usage problem naming `what` and the file if it is missing, unreadable or larger.
pub fn read(path: &Path, limit: u64, what: &str) -> Result<Vec<u8>, Problem> {
    let cannot = |error: std::io::Error| {
        let problem = Problem::usage(format!("{what} `{}` cannot be read", path.display())).because(&error);
        if error.kind() == ErrorKind::NotFound {
            problem.with_hint("check the name of the file")
        } else {
            problem
        }
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(cannot)?;
    file.take(limit.saturating_add(1)).read_to_end(&mut bytes).map_err(cannot)?;
    if bytes.len() as u64 > limit {
        return Err(Problem::usage(format!("{what} `{}` is larger than {limit} bytes", path.display())));
    }
    Ok(bytes)
}

/// Reads a text file.
///
/// # Errors
/// As [`read`], and if it is not UTF-8.
pub fn read_text(path: &Path, what: &str) -> Result<String, Problem> {
    String::from_utf8(read(path, TEXT_LIMIT_BYTES, what)?)
        .map_err(|_| Problem::usage(format!("{what} `{}` is not UTF-8 text", path.display())))
}

/// Reads a JSON file of facts.
///
/// # Errors
/// As [`read`], and if it is not a JSON object.
pub fn read_facts(path: &Path) -> Result<serde_json::Value, Problem> {
    let bytes = read(path, TEXT_LIMIT_BYTES, "the file of facts")?;
    let facts: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| {
        Problem::usage(format!("the file of facts `{}` is not JSON", path.display())).because(&error)
    })?;
    if facts.is_object() {
        Ok(facts)
    } else {
        Err(Problem::usage(format!("the file of facts `{}` is not a JSON object", path.display()))
            .with_hint("`rogatory template show ID` shows the fields"))
    }
}

/// Reads a TOML file of acquisition facts.
///
/// # Errors
/// A usage problem naming the line that cannot be read.
pub fn read_acquisition_facts(path: &Path) -> Result<Facts, Problem> {
    let text = read_text(path, "the file of acquisition facts")?;
    acquisition_facts(&text).map_err(|error| {
        let at = error.span().map(|span| {
            let before = text.get(..span.start).unwrap_or_default();
            let line = before.matches('\n').count() + 1;
            format!("line {line}: {}", clean(text.lines().nth(line - 1).unwrap_or_default().trim()))
        });
        Problem::usage(format!("the file of acquisition facts `{}` cannot be used", path.display()))
            .with_details(at.into_iter().chain([clean(error.message())]).collect())
            .with_hint("docs/reference/acquisition-facts.md explains every field and has a whole example")
    })
}

/// Reads acquisition facts from TOML.
///
/// # Errors
/// What cannot be read, with its place.
pub fn acquisition_facts(text: &str) -> Result<Facts, toml::de::Error> {
    toml::from_str(text)
}

/// The SHA-256 of a file of any size, and the size.
///
/// # Errors
/// Failed, if it cannot be read.
pub fn digest(path: &Path) -> Result<(Digest, u64), Problem> {
    let cannot = |error: std::io::Error| {
        Problem::failed(format!("`{}` cannot be read", path.display())).because(&error)
    };
    let mut file = File::open(path).map_err(cannot)?;
    let mut context = aws_lc_rs::digest::Context::new(&aws_lc_rs::digest::SHA256);
    let (mut buffer, mut size_bytes) = (vec![0; 128 * 1024], 0_u64);
    loop {
        let count = file.read(&mut buffer).map_err(cannot)?;
        if count == 0 {
            break;
        }
        context.update(buffer.get(..count).unwrap_or_default());
        size_bytes += count as u64;
    }
    let sha256 = Digest::from_slice(context.finish().as_ref())
        .map_err(|error| Problem::failed("a digest cannot be computed").because(&error))?;
    Ok((sha256, size_bytes))
}

/// Refuses a target that is there already.
///
/// # Errors
/// A usage problem naming it.
pub fn must_be_new(path: &Path) -> Result<(), Problem> {
    if path.symlink_metadata().is_ok() {
        return Err(Problem::usage(format!("`{}` is there already", path.display()))
            .with_hint("give another name, or move it away: nothing is overwritten"));
    }
    Ok(())
}

/// The name beside `path` under which it is prepared.
#[must_use]
pub fn partial_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_os_string();
    name.push(".partial");
    path.with_file_name(name)
}

/// Writes a new file: prepared beside its place, synced, renamed.
///
/// # Errors
/// If the target is there already or cannot be written.
pub fn write_new(path: &Path, bytes: &[u8]) -> Result<(), Problem> {
    must_be_new(path)?;
    let cannot = |error: std::io::Error| {
        Problem::failed(format!("`{}` cannot be written", path.display())).because(&error)
    };
    let partial = partial_name(path);
    let mut file = File::create(&partial).map_err(cannot)?;
    file.write_all(bytes).and_then(|()| file.sync_all()).map_err(cannot)?;
    // A crash before this line leaves a `.partial` file only, never half a document.
    fs::rename(&partial, path).map_err(cannot)
}

/// Makes a directory and its parents.
///
/// # Errors
/// If it cannot be made.
pub fn make_directory(path: &Path) -> Result<(), Problem> {
    fs::create_dir_all(path).map_err(|error| {
        Problem::failed(format!("the directory `{}` cannot be made", path.display())).because(&error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_overwritten() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("a.asice");
        write_new(&path, b"one").expect("new");
        let problem = write_new(&path, b"two").expect_err("there already");
        assert_eq!(problem.exit().code(), 2);
        assert_eq!(fs::read(&path).expect("readable"), b"one");
        assert_eq!(fs::read_dir(directory.path()).expect("listable").count(), 1);
    }

    #[test]
    fn a_file_larger_than_its_limit_is_refused() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("large");
        fs::write(&path, [0; 11]).expect("written");
        assert!(read(&path, 10, "the file").is_err());
        assert_eq!(read(&path, 11, "the file").expect("fits").len(), 11);
    }

    #[test]
    fn facts_are_an_object() {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("facts.json");
        fs::write(&path, "[1]").expect("written");
        assert!(read_facts(&path).is_err());
        fs::write(&path, "{\"a\":1}").expect("written");
        assert_eq!(read_facts(&path).expect("an object")["a"], 1);
    }
}

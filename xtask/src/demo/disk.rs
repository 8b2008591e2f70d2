//! How much disk a demonstration needs, how much there is, and whether two trees hold the same.

use anyhow::{Context as _, bail, ensure};
use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// How often the evidence stands on the disk at the end if all is kept: the sealed package, the vaults of the provider
/// and the two authorities, the package received, unzipped, its copy with a flipped bit, the files opened, and the court's
/// bundle.
const COPIES_KEPT: u64 = 9;
/// How often at most if each stage is let go when the next one is done: three vaults, the package received, and while it
/// is received, opened, unzipped, bundled or damaged one more.
const COPIES: u64 = 5;
/// Programs, databases, papers and logs.
const MARGIN_BYTES: u64 = 256 << 20;
/// What a first build leaves in the target folder.
pub(crate) const BUILD_BYTES: u64 = 5 << 30;

/// How many copies of the evidence stand on the disk at once.
pub(crate) const fn copies(keep: bool) -> u64 {
    if keep { COPIES_KEPT } else { COPIES }
}

/// What a demonstration needs for evidence of this size, without the build.
pub(crate) const fn needed(evidence_bytes: u64, keep: bool) -> u64 {
    evidence_bytes.saturating_mul(copies(keep)).saturating_add(MARGIN_BYTES)
}

/// The space left for this user on the file system of `folder`, which need not exist yet.
///
/// # Errors
/// If `df` fails or answers in another form.
pub(crate) fn free(folder: &Path) -> anyhow::Result<u64> {
    let existing = folder.ancestors().find(|path| path.exists()).unwrap_or_else(|| Path::new("/"));
    let output = Command::new("df").arg("-Pk").arg(existing).output().context("`df` did not start")?;
    ensure!(output.status.success(), "`df -Pk {}` failed", existing.display());
    let text = String::from_utf8_lossy(&output.stdout);
    // The mount point may hold blanks, the device too: the numbers are what stands before the column that ends in `%`.
    let row: Vec<&str> = text.lines().nth(1).unwrap_or_default().split_whitespace().collect();
    let percent =
        row.iter().position(|column| column.ends_with('%')).context("`df -Pk` has no column of per cents")?;
    let kilobytes =
        percent.checked_sub(1).and_then(|at| row.get(at)).and_then(|column| column.parse::<u64>().ok());
    Ok(kilobytes.context("`df -Pk` does not say how much is available")?.saturating_mul(1024))
}

/// What stands at a place in a tree.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Kind {
    File { size_bytes: u64 },
    Folder,
    Link,
}

/// Everything below `root`, which may be a file itself, by its path relative to it; links are not followed.
///
/// # Errors
/// If something can't be read, or is neither file, folder nor link.
pub(crate) fn tree(root: &Path) -> anyhow::Result<BTreeMap<PathBuf, Kind>> {
    let mut found = BTreeMap::new();
    let mut open = vec![PathBuf::new()];
    while let Some(relative) = open.pop() {
        let path = if relative.as_os_str().is_empty() { root.to_owned() } else { root.join(&relative) };
        let facts =
            fs::symlink_metadata(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        let kind = if facts.is_dir() {
            for entry in fs::read_dir(&path).with_context(|| format!("cannot list `{}`", path.display()))? {
                open.push(relative.join(entry?.file_name()));
            }
            Kind::Folder
        } else if facts.is_symlink() {
            Kind::Link
        } else if facts.is_file() {
            Kind::File { size_bytes: facts.len() }
        } else {
            bail!("`{}` is neither file, folder nor link", path.display());
        };
        found.insert(relative, kind);
    }
    Ok(found)
}

/// The bytes of all files in a tree.
pub(crate) fn size(tree: &BTreeMap<PathBuf, Kind>) -> u64 {
    tree.values().map(|kind| if let Kind::File { size_bytes } = kind { *size_bytes } else { 0 }).sum()
}

/// Copies a small tree of files and folders.
///
/// # Errors
/// If something can't be read or written.
pub(crate) fn copy(from: &Path, to: &Path) -> anyhow::Result<()> {
    for (relative, kind) in tree(from)? {
        let target = to.join(&relative);
        match kind {
            Kind::Folder => {
                fs::create_dir_all(&target).with_context(|| format!("cannot make `{}`", target.display()))?
            }
            Kind::File { .. } => {
                copy_file(&from.join(&relative), &target)?;
            }
            Kind::Link => bail!("`{}` is a link", from.join(&relative).display()),
        }
    }
    Ok(())
}

/// Copies a file.
///
/// # Errors
/// If one can't be read or the other not written.
pub(crate) fn copy_file(from: &Path, to: &Path) -> anyhow::Result<()> {
    fs::copy(from, to).with_context(|| format!("cannot copy `{}` to `{}`", from.display(), to.display()))?;
    Ok(())
}

/// Compares two trees byte by byte; answers the number of files and of bytes compared.
///
/// # Errors
/// Names the first difference.
pub(crate) fn compare(original: &Path, opened: &Path) -> anyhow::Result<(u64, u64)> {
    let (left, right) = (tree(original)?, tree(opened)?);
    if let Some(path) = right.keys().find(|path| !left.contains_key(*path)) {
        bail!("`{}` was not among the originals", opened.join(path).display());
    }
    let (mut files, mut bytes) = (0, 0);
    for (relative, kind) in &left {
        let (a, b) = if relative.as_os_str().is_empty() {
            (original.to_owned(), opened.to_owned())
        } else {
            (original.join(relative), opened.join(relative))
        };
        match right.get(relative) {
            None => bail!("`{}` did not come back", a.display()),
            Some(other) if other != kind => bail!("`{}` came back as {other:?}, not {kind:?}", a.display()),
            Some(_) => {}
        }
        match kind {
            Kind::Folder => {}
            Kind::Link => {
                ensure!(fs::read_link(&a)? == fs::read_link(&b)?, "`{}` points elsewhere", b.display())
            }
            Kind::File { size_bytes } => {
                same_bytes(&a, &b)?;
                files += 1;
                bytes += size_bytes;
            }
        }
    }
    Ok((files, bytes))
}

fn same_bytes(a: &Path, b: &Path) -> anyhow::Result<()> {
    let open =
        |path: &Path| fs::File::open(path).with_context(|| format!("cannot read `{}`", path.display()));
    let (mut left, mut right) = (open(a)?, open(b)?);
    let (mut first, mut second) = (vec![0; 256 * 1024], vec![0; 256 * 1024]);
    let mut offset = 0u64;
    loop {
        let n = fill(&mut left, &mut first)?;
        let m = fill(&mut right, &mut second)?;
        let (x, y) = (first.get(..n).unwrap_or_default(), second.get(..m).unwrap_or_default());
        if x != y {
            let at = x.iter().zip(y).take_while(|(p, q)| p == q).count();
            bail!("`{}` differs from its original at byte {}", b.display(), offset + at as u64);
        }
        if n == 0 {
            return Ok(());
        }
        offset += n as u64;
    }
}

fn fill(file: &mut fs::File, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while let Some(rest) = buffer.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read(rest)? {
            0 => break,
            n => filled += n,
        }
    }
    Ok(filled)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_named_and_placed() {
        let folder = std::env::temp_dir().join(format!("rogatory-xtask-compare-{}", std::process::id()));
        for side in ["a", "b"] {
            fs::create_dir_all(folder.join(side).join("sub")).expect("a folder");
            fs::write(folder.join(side).join("sub/file"), b"same bytes").expect("a file");
        }
        let (a, b) = (folder.join("a"), folder.join("b"));
        assert_eq!(compare(&a, &b).expect("the same"), (1, 10));
        fs::write(b.join("sub/file"), b"same byteZ").expect("a file");
        assert!(compare(&a, &b).expect_err("different").to_string().ends_with("at byte 9"));
        fs::write(b.join("sub/file"), b"same bytes").expect("a file");
        fs::write(b.join("more"), b"").expect("a file");
        assert!(compare(&a, &b).expect_err("one more").to_string().contains("not among the originals"));
        fs::remove_dir_all(folder).expect("removable");
    }

    #[test]
    fn there_is_room_somewhere() {
        assert!(free(Path::new("/tmp/not/there")).expect("df answers") > 0);
    }
}

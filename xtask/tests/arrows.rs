//! Compares the picture of the arrows in `docs/architecture.md` with the real dependencies.

use anyhow::{Context as _, bail, ensure};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

type Arrows = BTreeMap<String, BTreeSet<String>>;

/// What begins and ends the picture, as rows of the document.
const OPENS: &str = "```arrows";
const CLOSES: &str = "```";

#[test]
fn the_picture_shows_the_real_dependencies() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let document = std::fs::read_to_string(root.join("docs/architecture.md")).expect("docs/architecture.md");
    let drawn = drawn(&document).expect("a picture");
    let real = real(&root).expect("`cargo metadata`");
    let problems = compare(&drawn, &real);
    assert!(problems.is_empty(), "the picture and Cargo.toml disagree:\n{}", problems.join("\n"));
}

#[test]
fn a_wrong_arrow_is_found() {
    let picture = "```arrows\ncore ◄── law · pki\npki ◄── container\nall ◄── client\nxtask\n```\n";
    let drawn = drawn(picture).expect("a picture");
    let mut real = drawn.clone();
    assert_eq!(compare(&drawn, &real), Vec::<String>::new());
    // Through pki, container may use core as well; law may not use pki, which it does not know.
    add(&mut real, "container", "core");
    assert_eq!(compare(&drawn, &real), Vec::<String>::new());
    add(&mut real, "law", "pki");
    assert_eq!(compare(&drawn, &real), ["law depends on pki: the picture has no such arrow"]);
    real.remove("law");
    real.insert("xtask".to_owned(), BTreeSet::from(["core".to_owned()]));
    assert_eq!(compare(&drawn, &real).len(), 2, "law is gone, xtask has an arrow");
}

/// Who depends on whom by the picture. `a · b ◄── c` says that c uses a and b; `all` is every room named above it.
fn drawn(document: &str) -> anyhow::Result<Arrows> {
    let mut rows =
        document.lines().skip_while(|row| *row != OPENS).skip(1).take_while(|row| *row != CLOSES).peekable();
    ensure!(rows.peek().is_some(), "no block that begins with `{OPENS}`");
    let mut arrows = Arrows::new();
    for row in rows {
        let mut sides = row.split("◄──").map(|side| side.split('·').map(str::trim).collect::<Vec<_>>());
        let mut left = sides.next().unwrap_or_default();
        ensure!(left.iter().all(|room| !room.is_empty()), "`{row}` leaves a room unnamed");
        let known: Vec<String> = arrows.keys().cloned().collect();
        if left == ["all"] {
            left = known.iter().map(String::as_str).collect();
        }
        for room in &left {
            arrows.entry((*room).to_owned()).or_default();
        }
        // A row may go on: `all ◄── server · client ◄── tests`.
        let mut targets = left.iter().map(|room| (*room).to_owned()).collect::<Vec<_>>();
        for side in sides {
            for room in &side {
                ensure!(!room.is_empty(), "`{row}` leaves a room unnamed");
                for target in &targets {
                    add(&mut arrows, room, target);
                }
            }
            targets = side.iter().map(|room| (*room).to_owned()).collect();
        }
    }
    Ok(arrows)
}

/// Who depends on whom by the manifests: normal, build and test dependencies between the rooms.
fn real(root: &Path) -> anyhow::Result<Arrows> {
    let output = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .args(["metadata", "--no-deps", "--offline", "--format-version", "1"])
        .current_dir(root)
        .output()
        .context("`cargo metadata` did not start")?;
    if !output.status.success() {
        bail!("`cargo metadata` failed: {}", String::from_utf8_lossy(&output.stderr));
    }
    let metadata: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let root = Path::new(metadata["workspace_root"].as_str().context("no root")?);
    let mut arrows = Arrows::new();
    for package in metadata["packages"].as_array().context("no packages")? {
        let from = room(root, &package["manifest_path"])?;
        arrows.entry(from.clone()).or_default();
        for dependency in package["dependencies"].as_array().context("no dependencies")? {
            if dependency["path"].is_string() {
                let to = room(root, &dependency["path"])?;
                if to != from {
                    add(&mut arrows, &from, &to);
                }
            }
        }
    }
    Ok(arrows)
}

/// The room a path lies in: the first folder below the root. A crate in a folder of a room is part of that room.
fn room(root: &Path, path: &serde_json::Value) -> anyhow::Result<String> {
    let path = Path::new(path.as_str().context("a package without a path")?);
    let within = path.strip_prefix(root).with_context(|| format!("`{}` lies elsewhere", path.display()))?;
    let first = within.components().next().context("a package at the root")?;
    Ok(first.as_os_str().to_string_lossy().into_owned())
}

fn add(arrows: &mut Arrows, from: &str, to: &str) {
    arrows.entry(from.to_owned()).or_default().insert(to.to_owned());
}

fn compare(drawn: &Arrows, real: &Arrows) -> Vec<String> {
    let mut problems = Vec::new();
    for room in drawn.keys().filter(|room| !real.contains_key(*room)) {
        problems.push(format!("{room} is drawn but does not exist"));
    }
    for room in real.keys().filter(|room| !drawn.contains_key(*room)) {
        problems.push(format!("{room} exists but is not drawn"));
    }
    for (room, uses) in real {
        let reach = reach(drawn, room);
        for used in uses.iter().filter(|used| !reach.contains(*used)) {
            problems.push(format!("{room} depends on {used}: the picture has no such arrow"));
        }
    }
    problems
}

/// Every room that can be reached from one by arrows of the picture.
fn reach(drawn: &Arrows, from: &str) -> BTreeSet<String> {
    let (mut found, mut open) = (BTreeSet::new(), vec![from.to_owned()]);
    while let Some(room) = open.pop() {
        for next in drawn.get(&room).into_iter().flatten() {
            if found.insert(next.clone()) {
                open.push(next.clone());
            }
        }
    }
    found
}

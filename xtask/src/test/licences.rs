//! The licences of what is built, against an allow-list; and crates that must not come in.
//!
//! Reads `cargo tree`, offline: unlike `cargo metadata` it leaves out optional dependencies that nobody enables.
//! Never asks a registry; advisories are another matter.

use crate::say;
use crate::workspace::cargo;
use anyhow::{Context as _, bail, ensure};
use std::collections::BTreeMap;

/// Permissive licences: none asks more of whoever passes Rogatory on than to keep a notice.
const ALLOWED: &[&str] = &[
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "CC0-1.0",
    // The list of public authorities that comes with the database's driver: data, passed on with its notice.
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "Unicode-3.0",
    "Zlib",
];

/// Crates that must not be in the graph, and why.
const BANNED: &[(&str, &str)] = &[
    ("ring", "one cryptographic library is enough: aws-lc-rs"),
    ("native-tls", "TLS is rustls"),
    ("openssl-sys", "no C library of the system's; OpenSSL is the tests' oracle, as a program"),
    ("rsa", "its private operations leak time (RUSTSEC-2023-0071); age's `ssh` feature would bring it"),
    ("rust-crypto", "unmaintained"),
];

/// Checks every crate that is built for this machine.
///
/// # Errors
/// Names each crate with a licence that is not allowed, or that is banned.
pub(crate) fn run() -> anyhow::Result<()> {
    let crates = built()?;
    let mut wrong = Vec::new();
    for (name, licence) in &crates {
        if licence.is_empty() {
            wrong.push(format!("{name} names no licence"));
        } else if !allowed(licence).with_context(|| format!("the licence of {name}, `{licence}`"))? {
            wrong.push(format!("{name} is under `{licence}`"));
        }
        let bare = name.split(' ').next().unwrap_or(name);
        if let Some((_, reason)) = BANNED.iter().find(|(banned, _)| *banned == bare) {
            wrong.push(format!("{name} is banned: {reason}"));
        }
    }
    ensure!(wrong.is_empty(), "{}", wrong.join("; "));
    say::line(&format!("{} crates, all under permissive licences, none banned.", crates.len()));
    Ok(())
}

/// `name version` and licence of every crate that is built, for programs, tests and build scripts.
fn built() -> anyhow::Result<BTreeMap<String, String>> {
    let output = cargo()
        .args(["tree", "--workspace", "--locked", "--offline", "--prefix", "none"])
        .args(["--edges", "normal,build,dev", "--no-dedupe", "--format", "{p}|{l}"])
        .output()
        .context("`cargo tree` did not start")?;
    if !output.status.success() {
        bail!("`cargo tree` failed: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    let text = String::from_utf8(output.stdout).context("`cargo tree` did not answer in UTF-8")?;
    let mut crates = BTreeMap::new();
    for row in text.lines().filter(|row| !row.is_empty()) {
        let (package, licence) =
            row.rsplit_once('|').with_context(|| format!("`cargo tree` printed `{row}`"))?;
        // `name vX.Y.Z (folder)`: the rest of the row says where it comes from.
        let name: Vec<&str> = package.split(' ').take(2).collect();
        crates.insert(name.join(" "), licence.to_owned());
    }
    Ok(crates)
}

/// Whether an SPDX expression can be met with allowed licences only.
fn allowed(expression: &str) -> anyhow::Result<bool> {
    // Before SPDX expressions, `/` meant OR.
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let words: Vec<&str> = spaced.split_whitespace().collect();
    let mut rest = words.as_slice();
    let verdict = any(&mut rest)?;
    ensure!(rest.is_empty(), "`{}` stands where nothing may", rest.join(" "));
    Ok(verdict)
}

fn any(rest: &mut &[&str]) -> anyhow::Result<bool> {
    let mut verdict = all(rest)?;
    while let [word, tail @ ..] = rest
        && *word == "OR"
    {
        *rest = tail;
        verdict |= all(rest)?;
    }
    Ok(verdict)
}

fn all(rest: &mut &[&str]) -> anyhow::Result<bool> {
    let mut verdict = one(rest)?;
    while let [word, tail @ ..] = rest
        && *word == "AND"
    {
        *rest = tail;
        verdict &= one(rest)?;
    }
    Ok(verdict)
}

fn one(rest: &mut &[&str]) -> anyhow::Result<bool> {
    match *rest {
        ["(", tail @ ..] => {
            *rest = tail;
            let verdict = any(rest)?;
            let [")", tail @ ..] = *rest else { bail!("a parenthesis is not closed") };
            *rest = tail;
            Ok(verdict)
        }
        [licence, "WITH", exception, tail @ ..] => {
            *rest = tail;
            Ok(ALLOWED.contains(&format!("{licence} WITH {exception}").as_str()))
        }
        [licence, tail @ ..] if !matches!(*licence, "OR" | "AND" | "WITH" | ")") => {
            *rest = tail;
            Ok(ALLOWED.contains(licence))
        }
        _ => bail!("a licence is missing"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expressions_mean_what_they_say() {
        for good in [
            "MIT",
            "MIT/Apache-2.0",
            "Unlicense OR MIT",
            "(MIT OR GPL-2.0-only) AND Unicode-3.0",
            "Apache-2.0 WITH LLVM-exception",
            "ISC AND (Apache-2.0 OR ISC) AND MIT AND (Apache-2.0 OR ISC OR MIT-0)",
        ] {
            assert!(allowed(good).expect("readable"), "{good}");
        }
        for bad in ["MPL-2.0", "MIT AND GPL-3.0-only", "GPL-2.0-only WITH Classpath-exception-2.0", "OpenSSL"]
        {
            assert!(!allowed(bad).expect("readable"), "{bad}");
        }
        for broken in ["", "MIT OR", "(MIT", "MIT)", "AND MIT", "MIT ISC"] {
            assert!(allowed(broken).is_err(), "{broken}");
        }
    }

    #[test]
    fn what_is_built_may_be_passed_on() {
        run().expect("licences and bans");
    }
}

//! The story of the demonstration: who acts, where, why, and with which command.
//!
//! Each chapter is a file. A chapter calls commands and draws from their answers what the next one needs; it never
//! looks into a database or at a server's files.

mod answer;
mod evidence;
mod preservation;
mod proof;
mod request;
mod set_up;
mod small;

use super::cast::{Cast, Institution, Officer};
use super::process::{self, Answer, DONE, Servers, Shell};
use crate::{say, workspace};
use anyhow::{Context as _, bail};
use serde_json::{Value, json};
use std::fs;
use std::path::PathBuf;

/// What is sent, and what becomes of its copies.
pub(super) struct Evidence<'a> {
    /// As commands name it.
    pub(super) paths: &'a [PathBuf],
    /// Every file is an exhibit of its own.
    pub(super) each: bool,
    /// Every copy stays.
    pub(super) keep: bool,
}

/// What the chapters share.
struct Day<'a> {
    shell: &'a Shell,
    cast: &'a Cast,
    evidence: &'a Evidence<'a>,
}

/// Plays every chapter.
///
/// # Errors
/// Names the step that ended otherwise than it must.
pub(super) fn play(
    shell: &Shell,
    servers: &mut Servers,
    cast: &Cast,
    evidence: &Evidence<'_>,
) -> anyhow::Result<()> {
    let day = Day { shell, cast, evidence };
    say::paragraph(
        "Every command below is exactly what a person types; to repeat one, begin with these two lines (what talks to a \
         server needs `--keep`). Files of facts are written by this program from the samples in `templates/`. JSON \
         answers are shown a field a line, and shortened.",
    );
    say::line(&format!("\n$ cd {}", process::line_of(&[&shell.work.to_string_lossy()])));
    say::line(&format!("$ export PATH={}:$PATH", process::line_of(&[&shell.programs.to_string_lossy()])));

    let entries = day.set_up(servers).context("in chapter 1, set-up")?;
    let preserved = day.preserve().context("in chapter 2, the data are preserved")?;
    let request = day.request(&entries, &preserved).context("in chapter 3, the request")?;
    servers.check()?;
    day.exchange(&request).context("in chapter 4, question and answer")?;
    day.postpone(&request, &preserved).context("in chapter 5, postponement and extension")?;
    let order = day.order(&request).context("in chapter 6, the order")?;
    servers.check()?;
    let package = day.produce(&order).context("in chapter 7, the evidence is sealed and sent")?;
    servers.check()?;
    day.relay_and_receive(&request, &package).context("in chapter 8, the evidence travels home")?;
    day.open().context("in chapter 9, the evidence is opened")?;
    servers.check()?;
    day.finish(&request, &preserved).context("in chapter 10, execution, release and closing")?;
    day.small_matters(&request).context("in chapter 11, a matter forwarded and refused, one withdrawn")?;
    day.sceptic().context("in chapter 12, an expert's tools")?;
    day.custody(&request, &preserved, &order).context("in chapter 13, what the logs prove")?;
    day.court(&request).context("in chapter 14, for the court")?;
    day.tampering().context("in chapter 15, one flipped bit")?;
    servers.check()
}

impl Day<'_> {
    /// Begins a chapter.
    fn chapter(&self, number: u32, title: &str) {
        say::heading(&format!("{number}. {title}"));
    }

    /// Lets a copy of the evidence go that nobody needs any more, unless all is kept.
    fn let_go(&self, what: &str) -> anyhow::Result<()> {
        if self.evidence.keep {
            return Ok(());
        }
        self.shell.run(&["rm", "-r", what], DONE).map(drop)
    }

    /// An officer's command; answers its output if it ended as wanted.
    fn acts(&self, who: (&Institution, &Officer), words: &[&str], wanted: &[i32]) -> anyhow::Result<Answer> {
        let profile = who.0.profile(who.1);
        let mut command = vec!["rogatory", "--profile", &profile];
        command.extend(words);
        self.shell.run(&command, wanted)
    }

    /// The three steps of a document of two officers: drafted, approved by another, transmitted.
    ///
    /// `draft` is the command that drafts; the others follow from `noun` and `case`.
    fn two_officers(
        &self,
        institution: &Institution,
        draft: &[&str],
        (noun, case): (&str, &str),
    ) -> anyhow::Result<()> {
        let (drafter, approver) = (institution.officer("drafter")?, self.second(institution)?);
        self.acts((institution, drafter), draft, DONE)?;
        self.approved_and_transmitted(institution, approver, (noun, case))
    }

    /// The last two of them.
    fn approved_and_transmitted(
        &self,
        institution: &Institution,
        approver: &Officer,
        (noun, case): (&str, &str),
    ) -> anyhow::Result<()> {
        self.acts((institution, approver), &[noun, "approve", case], DONE)?;
        let drafter = (institution, institution.officer("drafter")?);
        self.acts(drafter, &[noun, "transmit", case, "--yes"], DONE).map(drop)
    }

    /// The officer who approves what the drafter drafted.
    fn second<'a>(&self, institution: &'a Institution) -> anyhow::Result<&'a Officer> {
        let drafter = institution.officer("drafter")?;
        institution
            .officers
            .iter()
            .find(|officer| {
                officer.id != drafter.id && officer.roles.split(',').any(|role| role == "approver")
            })
            .with_context(|| format!("{} has no second officer", institution.party))
    }

    /// Writes whom counterparts may call; answers the file's name.
    fn contact(&self, institution: &Institution) -> anyhow::Result<String> {
        let name = format!("{}-contact.json", institution.folder);
        self.write(&name, &json!({ "contact": institution.contact() }))?;
        Ok(name)
    }

    /// An officer's command with `--json`; answers the object.
    fn asks(&self, who: (&Institution, &Officer), words: &[&str]) -> anyhow::Result<Value> {
        let profile = who.0.profile(who.1);
        let mut command = vec!["rogatory", "--profile", &profile, "--json"];
        command.extend(words);
        self.shell.json(&command)
    }

    /// Writes a file of facts into the work folder.
    fn write(&self, name: &str, facts: &Value) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(facts)?;
        fs::write(self.shell.work.join(name), text).with_context(|| format!("cannot write `{name}`"))
    }

    /// Reads a sample of facts, below the root of the project.
    fn sample(path: &str) -> anyhow::Result<Value> {
        let path = workspace::root().join(path);
        let text = fs::read_to_string(&path).with_context(|| format!("cannot read `{}`", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("`{}` is not JSON", path.display()))
    }

    /// A command that needs no profile: offline, anybody's.
    fn anybody(&self, words: &[&str], wanted: &[i32]) -> anyhow::Result<Answer> {
        let mut command = vec!["rogatory"];
        command.extend(words);
        self.shell.run(&command, wanted)
    }
}

/// The text under `key` in the answer of a command.
fn text<'a>(answer: &'a Value, key: &str) -> anyhow::Result<&'a str> {
    match answer.get(key).and_then(Value::as_str) {
        Some(text) if !text.is_empty() => Ok(text),
        _ => bail!("the answer has no text `{key}`: {answer}"),
    }
}

//! The file of facts that the producer gives to sealing, and which exhibit each statement means.
//!
//! Holds its shape and the finding of the statement that speaks of an exhibit: the one whose path is
//! the longest. Reads no file; who reads it (TOML, JSON) reports the line of what can't be read. A
//! statement that means no exhibit is refused, lest a slip of the pen leave evidence undescribed.

use super::Acquisition;
use crate::raw_path::bytes_of;
use crate::walk::shown;
use rogatory_core::Digest;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// The most statements in a file of facts.
const MAX_STATEMENTS: usize = 100_000;

/// What the producer states of the exhibits to be sealed.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// 1.
    pub format: u32,
    /// Holds for every exhibit where its own statement says nothing.
    pub all: Option<Acquisition>,
    /// What holds for some exhibits.
    #[serde(default, rename = "exhibit")]
    pub exhibits: Vec<Statement>,
}

/// What holds for some exhibits.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Statement {
    /// Their paths as named for sealing; with `--each` also below a folder that was named. The path
    /// of a folder means every exhibit below it that has no nearer statement.
    pub paths: Vec<PathBuf>,
    /// What holds for them.
    pub facts: Acquisition,
}

/// The facts can't be those of these exhibits.
#[derive(Debug, thiserror::Error)]
pub enum FactsError {
    /// Another format.
    #[error("the file of facts says format {0}, and 1 is the one that is known here")]
    Format(u32),
    /// It says nothing.
    #[error("the file of facts says nothing: neither `all` nor an `exhibit` stands in it")]
    Empty,
    /// Too much.
    #[error("the file of facts has more than {MAX_STATEMENTS} paths")]
    TooMany,
    /// A rule is broken.
    #[error("the facts on {whom} break a rule: {why}")]
    Rule {
        /// On which exhibits.
        whom: String,
        /// What is wrong.
        why: String,
    },
    /// Two statements on one path.
    #[error("the file of facts speaks twice of `{path}`")]
    Twice {
        /// The path.
        path: String,
    },
    /// A statement on nothing.
    #[error("the file of facts speaks of `{path}`, and no exhibit to be sealed is that or lies below it")]
    NoExhibit {
        /// The path.
        path: String,
    },
    /// A digest of a folder.
    #[error(
        "the facts on `{path}` give a digest of the exhibit, and a folder has none: say `of = \"source\"`, or make every file an exhibit"
    )]
    FolderDigest {
        /// The folder.
        path: String,
    },
    /// The producer had other bytes.
    #[error("`{path}` is not what the facts describe: {why}")]
    OtherDigest {
        /// The exhibit.
        path: String,
        /// Both digests.
        why: String,
    },
}

/// An exhibit as far as finding its statement needs.
pub(crate) struct Named<'a> {
    /// The path that is read.
    pub(crate) path: &'a Path,
    /// With `--each`: the path from the named folder's name on.
    pub(crate) relative: Option<&'a [u8]>,
    /// Whether a whole folder is the exhibit.
    pub(crate) is_folder: bool,
}

/// The facts of each exhibit, in the order of the exhibits.
#[derive(Default)]
pub(crate) struct Assigned {
    different: Vec<Acquisition>,
    of_exhibit: Vec<Option<usize>>,
}

impl Facts {
    /// Finds for each exhibit what holds for it.
    ///
    /// # Errors
    /// [`FactsError`] before anything is sealed.
    pub(crate) fn assign<'a>(
        &self,
        exhibits: impl Iterator<Item = Named<'a>>,
    ) -> Result<Assigned, FactsError> {
        if self.format != 1 {
            return Err(FactsError::Format(self.format));
        }
        let mut assigned = Assigned::default();
        let mut paths = std::collections::BTreeMap::new();
        let general = self.all.as_ref().map(|all| assigned.add(all.clone(), "all exhibits")).transpose()?;
        for statement in &self.exhibits {
            let facts = match &self.all {
                Some(all) => statement.facts.over(all),
                None => statement.facts.clone(),
            };
            let whom = statement.paths.first().map(|path| shown(path)).unwrap_or_default();
            if statement.facts.is_empty() || statement.paths.is_empty() {
                let why = "a statement has `paths` and says something of them".to_owned();
                return Err(FactsError::Rule { whom: format!("`{whom}`"), why });
            }
            let which = assigned.add(facts, &format!("`{whom}`"))?;
            for path in &statement.paths {
                let key = segments(&bytes_of(path.as_os_str()));
                if paths.insert(key, (which, false)).is_some() {
                    return Err(FactsError::Twice { path: shown(path) });
                }
            }
        }
        if paths.len() > MAX_STATEMENTS {
            return Err(FactsError::TooMany);
        }
        if general.is_none() && paths.is_empty() {
            return Err(FactsError::Empty);
        }
        for exhibit in exhibits {
            let own = bytes_of(exhibit.path.as_os_str());
            let mut nearest: Option<(usize, usize)> = None;
            for name in std::iter::once(own.as_slice()).chain(exhibit.relative) {
                let name = segments(name);
                for length in (1..=name.len()).rev() {
                    if let Some((which, used)) = paths.get_mut(&name[..length]) {
                        *used = true;
                        // The same file under both names: what is left below the path decides.
                        let below = name.len() - length;
                        if nearest.is_none_or(|(_, than)| below < than) {
                            nearest = Some((*which, below));
                        }
                    }
                }
            }
            let which = nearest.map(|(which, _)| which).or(general);
            let facts = which.and_then(|which| assigned.different.get(which));
            if exhibit.is_folder && facts.is_some_and(Acquisition::states_digest_of_exhibit) {
                return Err(FactsError::FolderDigest { path: shown(exhibit.path) });
            }
            assigned.of_exhibit.push(which);
        }
        match paths.into_iter().find(|(_, (_, used))| !used) {
            Some((path, _)) => {
                let path = path.join(&b'/');
                Err(FactsError::NoExhibit { path: crate::record::display(&path) })
            }
            None => Ok(assigned),
        }
    }
}

impl Assigned {
    fn add(&mut self, facts: Acquisition, whom: &str) -> Result<usize, FactsError> {
        facts.check().map_err(|why| FactsError::Rule { whom: whom.to_owned(), why })?;
        self.different.push(facts);
        Ok(self.different.len() - 1)
    }

    /// The facts of the exhibit at `position`, once its digest is known.
    ///
    /// # Errors
    /// [`FactsError::OtherDigest`] if they give another SHA-256.
    pub(crate) fn of(
        &self,
        position: usize,
        path: &Path,
        sha256: &Digest,
    ) -> Result<Option<Acquisition>, FactsError> {
        let which = self.of_exhibit.get(position).copied().flatten();
        let Some(facts) = which.and_then(|which| self.different.get(which)) else {
            return Ok(None);
        };
        // That no folder has a digest of its own was seen before sealing began.
        facts
            .check_against(sha256, false)
            .map_err(|why| FactsError::OtherDigest { path: shown(path), why })?;
        Ok(Some(facts.clone()))
    }

    /// How many exhibits have no facts, if any has.
    pub(crate) fn undescribed(&self) -> usize {
        self.of_exhibit.iter().filter(|which| which.is_none()).count()
    }
}

/// The segments of a path, without `.` and needless slashes; an absolute path begins with an empty one.
fn segments(path: &[u8]) -> Vec<Vec<u8>> {
    let mut segments = Vec::new();
    if path.starts_with(b"/") {
        segments.push(Vec::new());
    }
    let parts = path.split(|byte| *byte == b'/').filter(|part| !part.is_empty() && *part != b".");
    segments.extend(parts.map(<[u8]>::to_vec));
    segments
}

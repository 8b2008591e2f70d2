//! What went wrong, as the person at the keyboard sees it: one clause, a hint apart from it, and
//! the exit code.
//!
//! Holds the one place where a refusal by the server becomes words and an exit code. Never prints;
//! never shows text from outside without cleaning it first.

use std::error::Error;
use std::fmt;

/// The metadata key under which the server puts a stable reason.
pub const REASON_KEY: &str = "rogatory-reason";
/// The metadata key under which the server says what to do.
pub const HINT_KEY: &str = "rogatory-hint";
/// How much of a text from outside is shown.
const SHOWN_CHARACTERS: usize = 600;

/// How a command ends.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// The command line or the profile is wrong.
    Usage = 2,
    /// The other side refused.
    Refused = 3,
    /// Something does not verify.
    VerificationFailed = 4,
    /// Not yet: the same command may succeed later.
    NotYet = 75,
}

impl Exit {
    /// The process's exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        self as u8
    }
}

/// Why a command did not do what it was asked to.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Problem {
    exit: Exit,
    message: String,
    details: Vec<String>,
    hint: Option<String>,
    reason: Option<String>,
}

impl Problem {
    fn new(exit: Exit, message: impl Into<String>) -> Self {
        Self { exit, message: message.into(), details: Vec::new(), hint: None, reason: None }
    }

    /// Something failed.
    #[must_use]
    pub fn failed(message: impl Into<String>) -> Self {
        Self::new(Exit::Failed, message)
    }

    /// The command line or the profile is wrong.
    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Self::new(Exit::Usage, message)
    }

    /// The other side refused.
    #[must_use]
    pub fn refused(message: impl Into<String>) -> Self {
        Self::new(Exit::Refused, message)
    }

    /// Something does not verify.
    #[must_use]
    pub fn unverified(message: impl Into<String>) -> Self {
        Self::new(Exit::VerificationFailed, message)
    }

    /// Not yet.
    #[must_use]
    pub fn not_yet(message: impl Into<String>) -> Self {
        Self::new(Exit::NotYet, message)
    }

    /// Appends `error` and all its sources to the message.
    #[must_use]
    pub fn because(mut self, error: &dyn Error) -> Self {
        self.message = format!("{}: {}", self.message, clean(&rogatory_core::chain(error)));
        self
    }

    /// Says what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Lists what the message sums up, one line each.
    #[must_use]
    pub fn with_details(mut self, details: Vec<String>) -> Self {
        self.details = details;
        self
    }

    /// Gives the stable reason, for scripts.
    #[must_use]
    pub fn with_reason(mut self, reason: impl Into<String>) -> Self {
        self.reason = Some(reason.into());
        self
    }

    /// How the command ends.
    #[must_use]
    pub const fn exit(&self) -> Exit {
        self.exit
    }

    /// The clause.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What the clause sums up, one line each.
    #[must_use]
    pub fn details(&self) -> &[String] {
        &self.details
    }

    /// What to do.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }

    /// The stable reason, if the other side gave one.
    #[must_use]
    pub fn reason(&self) -> Option<&str> {
        self.reason.as_deref()
    }

    /// What the own server's refusal of a call means here.
    #[must_use]
    pub fn from_status(status: &tonic::Status) -> Self {
        use tonic::Code;
        let text = |key: &str| status.metadata().get(key).and_then(|value| value.to_str().ok()).map(clean);
        let message = clean(status.message());
        let message =
            if message.is_empty() { format!("the server answered {:?}", status.code()) } else { message };
        let exit = match status.code() {
            Code::Unavailable | Code::DeadlineExceeded | Code::Aborted => Exit::NotYet,
            Code::FailedPrecondition
            | Code::PermissionDenied
            | Code::Unauthenticated
            | Code::NotFound
            | Code::InvalidArgument
            | Code::AlreadyExists
            | Code::ResourceExhausted => Exit::Refused,
            _ => Exit::Failed,
        };
        let hint = text(HINT_KEY).map(|hint| decode_percent(&hint)).or_else(|| {
            let hint = match status.code() {
                Code::Unavailable => "try again; the same command continues where it stopped",
                Code::Aborted => "something changed meanwhile; try again",
                Code::DeadlineExceeded => "the server took too long; try again",
                Code::Internal => "ask the operator of your server: its log has the cause",
                Code::Unimplemented => "client and server are of different versions",
                _ => return None,
            };
            Some(hint.to_owned())
        });
        Self { exit, message, details: Vec::new(), hint, reason: text(REASON_KEY) }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Problem {}

/// Removes what a terminal would act on from a text that came from outside, and shortens it.
#[must_use]
pub fn clean(text: &str) -> String {
    let kept = text.trim().chars().map(|letter| if letter.is_whitespace() { ' ' } else { letter });
    let mut cleaned: String =
        kept.filter(|letter| !letter.is_control() && !is_direction(*letter)).take(SHOWN_CHARACTERS).collect();
    if text.chars().count() > SHOWN_CHARACTERS {
        cleaned.push('…');
    }
    cleaned
}

/// Shows a text of another institution as theirs.
#[must_use]
pub fn quoted(text: &str) -> String {
    format!("“{}”", clean(text).replace(['“', '”'], "'"))
}

/// Characters that change the direction of writing or cannot be seen.
const fn is_direction(letter: char) -> bool {
    matches!(letter, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}')
}

/// Metadata is ASCII; a hint with other letters may come percent-encoded, as gRPC messages do.
fn decode_percent(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let code = after.get(..2).filter(|_| *first == b'%').and_then(|digits| {
            std::str::from_utf8(digits).ok().and_then(|digits| u8::from_str_radix(digits, 16).ok())
        });
        match code {
            Some(byte) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    clean(&String::from_utf8_lossy(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use tonic::{Code, Status};

    #[test]
    fn a_refusal_by_the_server_keeps_its_reason_and_hint() {
        let mut status =
            Status::new(Code::FailedPrecondition, "request GB-1 is drafted and cannot be transmitted");
        status.metadata_mut().insert(REASON_KEY, "WRONG_STAGE".parse().expect("ascii"));
        status.metadata_mut().insert(HINT_KEY, "approve it first %E2%80%94 see show".parse().expect("ascii"));
        let problem = Problem::from_status(&status);
        assert_eq!(problem.exit(), Exit::Refused);
        assert_eq!(problem.reason(), Some("WRONG_STAGE"));
        assert_eq!(problem.hint(), Some("approve it first — see show"));
    }

    #[test]
    fn every_code_has_its_exit() {
        let exit = |code| Problem::from_status(&Status::new(code, "x")).exit().code();
        for code in [
            Code::PermissionDenied,
            Code::NotFound,
            Code::InvalidArgument,
            Code::AlreadyExists,
            Code::Unauthenticated,
            Code::ResourceExhausted,
        ] {
            assert_eq!(exit(code), 3, "{code:?}");
        }
        assert_eq!(exit(Code::Unavailable), 75);
        assert_eq!(exit(Code::DeadlineExceeded), 75);
        assert_eq!(exit(Code::Internal), 1);
        assert_eq!(exit(Code::Unknown), 1);
    }

    #[test]
    fn text_from_outside_cannot_drive_the_terminal() {
        assert_eq!(clean("a\u{1b}[2Jb\nc\u{202e}d"), "a[2Jb cd");
        assert_eq!(quoted("no ”way“ "), "“no 'way'”");
        assert_eq!(clean(&"x".repeat(2000)).chars().count(), SHOWN_CHARACTERS + 1);
    }

    #[test]
    fn a_source_is_shown_once_behind_its_subject() {
        let error = "x".parse::<u8>().expect_err("no number");
        let problem = Problem::failed("the count cannot be read").because(&error);
        assert_eq!(problem.to_string(), "the count cannot be read: invalid digit found in string");
    }
}

//! Our errors at the border: a kind, a stable reason, a message, and a hint apart from it.
//!
//! `docs/reference/problems.md` has a paragraph for every [`Reason`]; a test compares them.

use rogatory_core::mla_request::WrongStage;
use rogatory_core::order::WrongOrderStage;
use rogatory_core::preservation::WrongPreservationStage;
use std::error::Error;
use std::fmt;

/// Whose fault it is and whether trying again helps; maps to a canonical gRPC code.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Kind {
    /// The input is malformed.
    InvalidArgument,
    /// It does not exist, or the caller may not know that it does.
    NotFound,
    /// The caller is known and may not.
    PermissionDenied,
    /// The caller is not who may call at all.
    Unauthenticated,
    /// Wrong stage, wrong moment.
    FailedPrecondition,
    /// Something else stands under that number.
    AlreadyExists,
    /// Lost a race; the same call may succeed.
    Aborted,
    /// The counterpart cannot be reached; the same call may succeed later.
    Unavailable,
    /// The call took too long; the same call may succeed.
    DeadlineExceeded,
    /// A limit is reached.
    ResourceExhausted,
    /// Anything unforeseen: nothing of ours leaks.
    Internal,
}

macro_rules! reasons {
    ($( $(#[$doc:meta])* $name:ident = $text:literal, $kind:ident; )*) => {
        /// Why, by a stable name.
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
        pub enum Reason { $( $(#[$doc])* $name ),* }

        impl Reason {
            /// Every reason.
            pub const ALL: &'static [Self] = &[ $( Self::$name ),* ];

            /// The stable name.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$name => $text ),* }
            }

            /// The kind of problem.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $( Self::$name => Kind::$kind ),* }
            }
        }
    };
}

reasons! {
    /// An argument is malformed.
    MalformedArgument = "MALFORMED_ARGUMENT", InvalidArgument;
    /// The container is not a sound formal document.
    MalformedContainer = "MALFORMED_CONTAINER", InvalidArgument;
    /// A signature or digest does not verify.
    BrokenSignature = "BROKEN_SIGNATURE", InvalidArgument;
    /// The package is not sound.
    MalformedPackage = "MALFORMED_PACKAGE", InvalidArgument;
    /// Unknown here, or not for the caller to know.
    Unknown = "UNKNOWN", NotFound;
    /// The officer lacks the role.
    RoleMissing = "ROLE_MISSING", PermissionDenied;
    /// This certificate may not make this call on this listener.
    CallerNotPermitted = "CALLER_NOT_PERMITTED", PermissionDenied;
    /// The connection's certificate was not admitted.
    NotAdmitted = "NOT_ADMITTED", Unauthenticated;
    /// The document was signed by somebody other than the caller.
    WrongSigner = "WRONG_SIGNER", PermissionDenied;
    /// Drafter and approver are one person.
    SamePerson = "SAME_PERSON", FailedPrecondition;
    /// The seal is not that of the peer's confirmed entry.
    UnknownSeal = "UNKNOWN_SEAL", PermissionDenied;
    /// This institution or the counterpart lacks the competence.
    WrongCompetence = "WRONG_COMPETENCE", FailedPrecondition;
    /// The stage forbids it.
    WrongStage = "WRONG_STAGE", FailedPrecondition;
    /// The counterpart is not a confirmed party.
    UnknownParty = "UNKNOWN_PARTY", FailedPrecondition;
    /// The content differs from what was signed before.
    ContentChanged = "CONTENT_CHANGED", FailedPrecondition;
    /// The package does not answer what it is sent for.
    WrongPackage = "WRONG_PACKAGE", FailedPrecondition;
    /// Other bytes stand under the same number or request id.
    Conflict = "CONFLICT", AlreadyExists;
    /// The fingerprint is not that of the entry.
    WrongFingerprint = "WRONG_FINGERPRINT", InvalidArgument;
    /// Something changed meanwhile.
    Raced = "RACED", Aborted;
    /// The caller sends too slowly.
    TooSlow = "TOO_SLOW", DeadlineExceeded;
    /// The counterpart cannot be reached.
    PeerUnreachable = "PEER_UNREACHABLE", Unavailable;
    /// The counterpart refused the call without a receipt.
    PeerRefused = "PEER_REFUSED", FailedPrecondition;
    /// The counterpart's answer does not verify.
    BadReceipt = "BAD_RECEIPT", FailedPrecondition;
    /// A custody log does not go on what its witness saw before.
    LogContradicted = "LOG_CONTRADICTED", FailedPrecondition;
    /// Too large, too many, or no room left.
    LimitReached = "LIMIT_REACHED", ResourceExhausted;
    /// Unforeseen.
    Internal = "INTERNAL", Internal;
}

/// What went wrong, for the caller and for the log.
#[derive(Debug)]
pub struct Problem {
    reason: Reason,
    message: String,
    hint: Option<String>,
    source: Option<Box<dyn Error + Send + Sync>>,
}

impl Problem {
    /// A problem with its message: one clause, lower case, the subject in it.
    #[must_use]
    pub fn new(reason: Reason, message: impl Into<String>) -> Self {
        Self { reason, message: message.into(), hint: None, source: None }
    }

    /// Says what to do.
    #[must_use]
    pub fn with_hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Keeps what it came from; shown to the caller only where the caller handed it in.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Something the caller named does not exist, or is not for her to know.
    #[must_use]
    pub fn unknown(what: &str, name: &dyn fmt::Display) -> Self {
        let list = if what == "party" {
            "`rogatory party list`"
        } else {
            "`rogatory request list`, at a provider `rogatory order list`,"
        };
        Self::new(Reason::Unknown, format!("there is no {what} {name}"))
            .with_hint(format!("{list} lists what there is; numbers are written in capitals"))
    }

    /// An argument of a call is malformed.
    #[must_use]
    pub fn argument(field: &str, error: &dyn fmt::Display) -> Self {
        Self::new(Reason::MalformedArgument, format!("`{field}`: {error}"))
    }

    /// Anything unforeseen.
    #[must_use]
    pub fn internal(what: &'static str, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self::new(Reason::Internal, what).with_source(source)
    }

    /// The stable reason.
    #[must_use]
    pub const fn reason(&self) -> Reason {
        self.reason
    }

    /// The message without its sources.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.message
    }

    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> Option<&str> {
        self.hint.as_deref()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Error for Problem {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|source| source as &(dyn Error + 'static))
    }
}

impl From<WrongStage> for Problem {
    fn from(wrong: WrongStage) -> Self {
        Self::new(Reason::WrongStage, wrong.to_string())
            .with_hint(format!("`rogatory request show {}` shows where it stands", wrong.shared_number))
    }
}

impl From<WrongOrderStage> for Problem {
    fn from(wrong: WrongOrderStage) -> Self {
        Self::new(Reason::WrongStage, wrong.to_string())
            .with_hint(format!("`rogatory order show {}` shows where it stands", wrong.shared_number))
    }
}

impl From<WrongPreservationStage> for Problem {
    fn from(wrong: WrongPreservationStage) -> Self {
        Self::new(Reason::WrongStage, wrong.to_string())
            .with_hint(format!("`rogatory preservation show {}` shows where it stands", wrong.shared_number))
    }
}

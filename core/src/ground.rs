//! Why the other side's authentic bytes could not be accepted, as a negative receipt says it.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Why a document that is authentic was not delivered.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NonDeliveryGround {
    /// The signatures are not those its kind demands: two persons and a seal, or one and a seal.
    WrongSigners,
    /// The stage of the case does not admit this document.
    WrongStage,
    /// The document answers nothing that is known here.
    UnknownReference,
    /// The sender has no competence for this act.
    WrongCompetence,
    /// The document is addressed to somebody else.
    WrongAddressee,
    /// The data of the document is incomplete or malformed.
    Malformed,
    /// Other bytes came earlier under the same number.
    Conflict,
    /// The package answers no order or request known here, or has other recipients than asked for.
    WrongPackage,
}

impl NonDeliveryGround {
    /// The ground's name as documents and output write it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::WrongSigners => "wrong-signers",
            Self::WrongStage => "wrong-stage",
            Self::UnknownReference => "unknown-reference",
            Self::WrongCompetence => "wrong-competence",
            Self::WrongAddressee => "wrong-addressee",
            Self::Malformed => "malformed",
            Self::Conflict => "conflict",
            Self::WrongPackage => "wrong-package",
        }
    }
}

impl fmt::Display for NonDeliveryGround {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

//! Grounds by stable names: why a request is refused or postponed, and why the other side's authentic
//! bytes could not be accepted.

use crate::party::serde_as_text;
use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// The text names no ground.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{text}` is not a ground of {what}: write the whole code, for example `{example}`")]
pub struct GroundError {
    text: String,
    what: &'static str,
    example: &'static str,
}

/// Defines grounds with their codes, of which the first is the example.
macro_rules! grounds {
    ($(#[$outer:meta])* $name:ident, $what:literal, $example:literal;
     $( $(#[$doc:meta])* $variant:ident = $text:literal )*) => {
        $(#[$outer])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Debug)]
        pub enum $name { $( $(#[$doc])* $variant ),* }

        impl $name {
            /// Every ground, by its code.
            pub const ALL: &'static [Self] = &[ $( Self::$variant ),* ];

            /// The ground's code in documents, output and arguments.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $( Self::$variant => $text ),* }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = GroundError;

            fn from_str(text: &str) -> Result<Self, GroundError> {
                Self::ALL.iter().copied().find(|ground| ground.as_str() == text).ok_or_else(|| GroundError {
                    text: text.chars().take(60).collect(),
                    what: $what,
                    example: $example,
                })
            }
        }

        serde_as_text!($name);
    };
}

grounds! {
    /// Why a request is refused, in whole or in part. What a ground means under an instrument stands
    /// in that instrument; the code only names it, the same in every language.
    RefusalGround, "refusal", "R07-dual-criminality";
    /// It does not conform to the instrument.
    NotConform = "R01-not-conform"
    /// Sovereignty, security, public order or other essential interests.
    EssentialInterests = "R02-essential-interests"
    /// The law of the requested State prohibits the measure.
    DomesticProhibition = "R03-domestic-prohibition"
    /// It would be contrary to the legal system of the requested State.
    LegalSystem = "R04-legal-system"
    /// A political offence.
    Political = "R05-political"
    /// A fiscal offence.
    Fiscal = "R06-fiscal"
    /// The act is no offence in the requested State.
    DualCriminality = "R07-dual-criminality"
    /// Immunity, privilege, or freedom of the press.
    ImmunityPrivilegePress = "R08-immunity-privilege-press"
    /// Fundamental rights.
    FundamentalRights = "R09-fundamental-rights"
    /// The person was tried for the same act.
    NeBisInIdem = "R10-ne-bis-in-idem"
    /// National security, or danger to a source.
    NationalSecuritySource = "R11-national-security-source"
    /// The act was committed elsewhere.
    Extraterritorial = "R12-extraterritorial"
    /// Prosecution for race, sex, religion, nationality, opinion and the like.
    Discrimination = "R13-discrimination"
    /// Not issued or validated by an authority competent to.
    NotIssuedByCompetent = "R14-not-issued-by-competent"
    /// The offence is below the threshold for the measure.
    OffenceThreshold = "R15-offence-threshold"
    /// It cannot be done, or contains a manifest error.
    ImpossibilityOrManifestError = "R16-impossibility-or-manifest-error"
    /// The data were not stored when the request was received.
    NotStoredAtReceipt = "R17-not-stored-at-receipt"
    /// The service is not covered.
    ServiceNotCovered = "R18-service-not-covered"
    /// The person concerned does not consent.
    PersonDoesNotConsent = "R19-person-does-not-consent"
    /// Excessive cost.
    Cost = "R20-cost"
    /// It conflicts with the law of a third State.
    ThirdCountryConflict = "R21-third-country-conflict"
    /// No reciprocity, or an assurance is missing.
    NoReciprocityOrAssurance = "R22-no-reciprocity-or-assurance"
    /// Capital punishment.
    CapitalPunishment = "R23-capital-punishment"
    /// A court set up for the one case.
    AdHocTribunal = "R24-ad-hoc-tribunal"
}

grounds! {
    /// Why action on a request is postponed.
    PostponementGround, "postponement", "P01-prejudice-own-case";
    /// It would prejudice investigations or proceedings of the requested State.
    PrejudiceOwnCase = "P01-prejudice-own-case"
    /// What is asked for is needed in proceedings there.
    ObjectsInUse = "P02-objects-in-use"
    /// A legal remedy is pending.
    RemedyPending = "P03-remedy-pending"
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ground_survives_its_code_and_codes_differ() {
        for ground in RefusalGround::ALL {
            assert_eq!(ground.as_str().parse(), Ok(*ground));
        }
        for ground in PostponementGround::ALL {
            assert_eq!(ground.as_str().parse(), Ok(*ground));
        }
        assert_eq!((RefusalGround::ALL.len(), PostponementGround::ALL.len()), (24, 3));
    }

    #[test]
    fn a_number_alone_or_a_ground_of_the_other_list_names_nothing() {
        for text in ["R07", "r07-dual-criminality", "P01-prejudice-own-case", "R25-x", ""] {
            assert!(text.parse::<RefusalGround>().is_err(), "{text}");
        }
        assert!("R07-dual-criminality".parse::<PostponementGround>().is_err());
    }
}

//! To which keys a package is encrypted when those who shall open it may have keys of both kinds.
//!
//! Pure. A package is all post-quantum or all classical; it is post-quantum exactly if everybody who shall open it can
//! be reached that way, whoever looks after its recovery included.

use crate::age_layer::Encryption;
use crate::seal::SealRecipient;

/// The keys of one kind, and why that kind.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ChosenKeys {
    /// The kind of them all.
    pub encryption: Encryption,
    /// Those of the recipients.
    pub recipients: Vec<SealRecipient>,
    /// Those of the office's recovery.
    pub recovery: Vec<SealRecipient>,
    /// Why this kind, in one clause.
    pub why: String,
}

/// There is no kind of which everybody has a key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error(
    "{post_quantum} has a post-quantum key only and {classical} none: nothing can be encrypted to both without being \
     no safer than the classical key"
)]
pub struct NoCommonKind {
    /// Somebody without a classical key.
    post_quantum: String,
    /// Somebody without a post-quantum one.
    classical: String,
}

/// Chooses the kind, and leaves out the keys of the other.
///
/// Keys of one officer, or of one institution without an officer, are keys of one addressee. A bare key is an
/// addressee of its own. The recovery is one more addressee.
///
/// # Errors
/// [`NoCommonKind`] names two addressees whom no kind serves both.
pub fn choose_keys(
    recipients: Vec<SealRecipient>,
    recovery: Vec<SealRecipient>,
) -> Result<ChosenKeys, NoCommonKind> {
    let without = |kind: Encryption| {
        let lacks = |group: &[SealRecipient], one: &SealRecipient| {
            !group.iter().any(|key| same_addressee(key, one) && key.recipient.encryption() == kind)
        };
        let among = recipients.iter().find(|one| lacks(&recipients, one)).map(name);
        let reachable = recovery.is_empty() || recovery.iter().any(|key| key.recipient.encryption() == kind);
        among.or_else(|| if reachable { None } else { Some("the office's recovery".to_owned()) })
    };
    let (encryption, why) = match (without(Encryption::Mlkem768X25519), without(Encryption::X25519)) {
        (None, _) => {
            (Encryption::Mlkem768X25519, "everybody who can open it has a post-quantum key".to_owned())
        }
        (Some(somebody), None) => (Encryption::X25519, format!("{somebody} has no post-quantum key")),
        (Some(classical), Some(post_quantum)) => return Err(NoCommonKind { post_quantum, classical }),
    };
    let of_kind = |keys: Vec<SealRecipient>| -> Vec<SealRecipient> {
        keys.into_iter().filter(|key| key.recipient.encryption() == encryption).collect()
    };
    Ok(ChosenKeys { encryption, recipients: of_kind(recipients), recovery: of_kind(recovery), why })
}

fn same_addressee(one: &SealRecipient, other: &SealRecipient) -> bool {
    match (&one.institution, &other.institution) {
        (None, None) => one.recipient == other.recipient,
        (one_at, other_at) => one_at == other_at && one.officer == other.officer,
    }
}

fn name(one: &SealRecipient) -> String {
    match (&one.officer, &one.institution) {
        (Some(officer), _) => officer.to_string(),
        (None, Some(institution)) => institution.to_string(),
        (None, None) => {
            let text = one.recipient.as_str();
            let start = text.get(..16).unwrap_or(text);
            format!("the key {start}…")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::age_layer::{generate_hybrid_identity, generate_identity};

    fn classical() -> SealRecipient {
        SealRecipient::bare(generate_identity().1)
    }

    fn hybrid() -> SealRecipient {
        SealRecipient::bare(generate_hybrid_identity().expect("generates").1)
    }

    fn of(officer: Option<&str>, key: SealRecipient) -> SealRecipient {
        let institution: rogatory_core::party::PartyId = "gb/central-authority".parse().expect("a party");
        let officer = officer
            .map(|id| rogatory_core::party::OfficerId::new(institution.clone(), id).expect("an officer"));
        SealRecipient { institution: Some(institution), officer, ..key }
    }

    #[test]
    fn it_is_hybrid_exactly_if_everybody_can_be_reached_so() {
        let (one, other) = (of(Some("hale"), classical()), of(Some("hale"), hybrid()));
        let (desk, desk_too) = (of(None, classical()), of(None, hybrid()));
        let (own, own_too) = (classical(), hybrid());

        let all = vec![one.clone(), other.clone(), desk.clone(), desk_too.clone()];
        let chosen = choose_keys(all.clone(), vec![own.clone(), own_too.clone()]).expect("a kind");
        assert_eq!(chosen.encryption, Encryption::Mlkem768X25519);
        assert_eq!((chosen.recipients, chosen.recovery), (vec![other.clone(), desk_too], vec![own_too]));

        let chosen = choose_keys(all.clone(), vec![own.clone()]).expect("a kind");
        assert_eq!(chosen.encryption, Encryption::X25519);
        assert_eq!(chosen.why, "the office's recovery has no post-quantum key");
        assert_eq!((chosen.recipients, chosen.recovery), (vec![one.clone(), desk.clone()], vec![own]));

        // An office's key is not its officer's.
        let chosen = choose_keys(vec![one, other, desk.clone()], Vec::new()).expect("a kind");
        assert_eq!(chosen.encryption, Encryption::X25519);
        assert_eq!(chosen.why, "gb/central-authority has no post-quantum key");
        assert_eq!(choose_keys(all, Vec::new()).expect("a kind").encryption, Encryption::Mlkem768X25519);
    }

    #[test]
    fn bare_keys_of_both_kinds_have_nothing_in_common() {
        let error = choose_keys(vec![classical(), hybrid()], Vec::new()).expect_err("both kinds");
        assert!(error.to_string().contains("the key age1pq1"), "{error}");
        assert_eq!(
            choose_keys(vec![hybrid()], Vec::new()).expect("one kind").encryption.as_str(),
            "mlkem768x25519"
        );
        assert_eq!(
            choose_keys(vec![classical()], Vec::new()).expect("one kind").encryption.as_str(),
            "x25519"
        );
        assert!(choose_keys(vec![hybrid()], vec![classical()]).is_err());
    }
}

use super::*;
use crate::testing::{authority, certificate, leaf, officer, party, two_years};
use rcgen::SanType;

fn with_uris(uris: &[&str]) -> Result<Identity, IdentityError> {
    let issued = leaf(&authority("md"), |params| {
        for uri in uris {
            params.subject_alt_names.push(SanType::URI((*uri).try_into().expect("ASCII")));
        }
    });
    certificate(&issued).identity()
}

#[test]
fn one_uri_is_an_identity() {
    let institution = party("md/central-authority");
    assert_eq!(
        with_uris(&["rogatory://md/central-authority"]),
        Ok(Identity::Institution(institution.clone()))
    );
    let rusu = officer("md/central-authority/officer/rusu");
    let identity = with_uris(&["rogatory://md/central-authority/officer/rusu"]).expect("an identity");
    assert_eq!(identity, Identity::Officer(rusu.clone()));
    assert_eq!((identity.party(), identity.officer()), (&institution, Some(&rusu)));
    assert_eq!(identity.uri(), "rogatory://md/central-authority/officer/rusu");
    assert_eq!(identity.country().as_str(), "md");
}

#[test]
fn names_of_other_kinds_stand_beside_it() {
    let address = "127.0.0.1".parse().expect("an address");
    let issued = authority("md")
        .issue_institution_tls(&party("md/central-authority"), "A", &["a.example"], &[address], two_years())
        .expect("a certificate");
    assert_eq!(certificate(&issued).identity(), Ok(Identity::Institution(party("md/central-authority"))));
}

#[test]
fn no_uri_is_nobody() {
    assert_eq!(with_uris(&[]), Err(IdentityError::None));
    let issued = leaf(&authority("md"), |params| {
        params.subject_alt_names.push(SanType::DnsName("a.example".try_into().expect("ASCII")));
    });
    assert_eq!(certificate(&issued).identity(), Err(IdentityError::None));
}

#[test]
fn two_uris_are_nobody() {
    let uri = "rogatory://md/central-authority";
    assert_eq!(with_uris(&[uri, uri]), Err(IdentityError::Several(2)));
    assert_eq!(with_uris(&[uri, "https://a.example"]), Err(IdentityError::Several(2)));
}

#[test]
fn other_spellings_are_nobody() {
    for uri in [
        "rogatory://MD/central-authority",
        "ROGATORY://md/central-authority",
        "rogatory:md/central-authority",
        "rogatory://md/central-authority/",
        "rogatory://md",
        "rogatory:///central-authority",
        "rogatory://md/central-authority?x",
        "rogatory://md/central-authority#x",
        "rogatory://md/central%2dauthority",
        "rogatory://user@md/central-authority",
        "rogatory://md/../fr",
        "rogatory://md/central-authority/officer/",
        "rogatory://md/central-authority/officer/a/officer/b",
        "rogatory://md/central-authority/official/a",
        " rogatory://md/central-authority",
        "https://md/central-authority",
        "",
    ] {
        assert!(matches!(with_uris(&[uri]), Err(IdentityError::Unreadable(_))), "{uri}");
    }
}

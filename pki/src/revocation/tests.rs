use super::*;
use crate::development::DevelopmentCa;
use crate::testing::{at, authority, certificate, noon, party, two_years};

fn path_of(authority: &DevelopmentCa, name: &str) -> ValidatedPath {
    let issued = authority.issue_seal(&party("md/central-authority"), name, two_years()).expect("a seal");
    let anchors = Anchors::from_pem(&authority.certificate_pem(), None).expect("anchors");
    anchors.validate_signing(&certificate(&issued), &[], noon()).expect("a path")
}

fn lists(ders: &[Vec<u8>]) -> RevocationLists {
    let mut lists = RevocationLists::none();
    for der in ders {
        lists.add(der).expect("a list");
    }
    lists
}

#[test]
fn the_revoked_is_told_from_the_others() {
    let authority = authority("md");
    let (good, bad) = (path_of(&authority, "Good"), path_of(&authority, "Bad"));
    let der = authority
        .revocation_list(&[bad.leaf()], at("2026-11-22T00:00:00Z"), at("2026-11-29T00:00:00Z"))
        .expect("a list");
    let lists = lists(&[der]);
    assert_eq!(lists.check(&good, noon()), Ok(Revocation::Good));
    assert!(matches!(lists.check(&bad, noon()), Err(PathError::Revoked { .. })));
    let later = at("2026-11-30T00:00:00Z");
    assert!(matches!(lists.check(&good, later), Err(PathError::RevocationListExpired { .. })));
}

#[test]
fn an_authority_without_a_list_is_not_checked() {
    let authority = authority("md");
    let path = path_of(&authority, "Seal");
    assert_eq!(RevocationLists::none().check(&path, noon()), Ok(Revocation::NotChecked));
    let foreign = crate::testing::authority("fr")
        .revocation_list(&[], at("2026-11-22T00:00:00Z"), at("2026-11-29T00:00:00Z"))
        .expect("a list");
    assert_eq!(lists(&[foreign]).check(&path, noon()), Ok(Revocation::NotChecked));
}

#[test]
fn a_list_under_a_borrowed_name_is_refused() {
    let authority = authority("md");
    let path = path_of(&authority, "Seal");
    let forged = crate::testing::authority("md")
        .revocation_list(&[], at("2026-11-22T00:00:00Z"), at("2026-11-29T00:00:00Z"))
        .expect("a list");
    assert!(lists(&[forged]).check(&path, noon()).is_err());
}

#[test]
fn lists_are_read_as_der_and_pem_and_nothing_else() {
    let der = authority("md")
        .revocation_list(&[], at("2026-11-22T00:00:00Z"), at("2026-11-29T00:00:00Z"))
        .expect("a list");
    let pem =
        format!("-----BEGIN X509 CRL-----\n{}\n-----END X509 CRL-----\n", data_encoding::BASE64.encode(&der));
    let mut lists = RevocationLists::none();
    lists.add(pem.repeat(2).as_bytes()).expect("lists");
    assert_eq!(lists.len(), 2);
    assert_eq!(lists.add(b""), Err(RevocationListError::NoList));
    assert_eq!(lists.add(b"hello"), Err(RevocationListError::NoList));
    assert!(matches!(lists.add(&der[..der.len() - 1]), Err(RevocationListError::Malformed { .. })));
}

#[test]
fn what_was_revoked_after_the_proven_time_is_told_from_what_was_revoked_before() {
    let authority = authority("md");
    let (good, bad) = (path_of(&authority, "Good"), path_of(&authority, "Bad"));
    // The development authority dates a revocation as its list.
    let revoked = at("2026-11-22T00:00:00Z");
    let der = authority.revocation_list(&[bad.leaf()], revoked, at("2026-11-29T00:00:00Z"));
    let lists = lists(&[der.expect("a list")]);
    let before = at("2026-11-21T23:59:59Z");
    assert_eq!(lists.check_proven(&bad, before), Ok(Revocation::RevokedLater { revoked }));
    assert!(matches!(lists.check_proven(&bad, revoked), Err(PathError::Revoked { .. })));
    assert!(matches!(lists.check_proven(&bad, noon()), Err(PathError::Revoked { .. })));
    assert_eq!(lists.check_proven(&good, before), Ok(Revocation::Good));
    let later = at("2026-11-30T00:00:00Z");
    assert!(matches!(lists.check_proven(&good, later), Err(PathError::RevocationListExpired { .. })));
}

use super::*;
use crate::development::{self, DevelopmentCa};
use crate::testing::{at, authority, certificate, leaf, noon, party, two_years};
use rcgen::{CrlDistributionPoint, CrlIssuingDistributionPoint, CrlScope};

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

/// A list of `authority` that is in force around noon.
fn list(authority: &DevelopmentCa, revoked: &[&Certificate]) -> Vec<u8> {
    list_from(authority, revoked, "2026-11-22T00:00:00Z", "2026-11-29T00:00:00Z")
}

fn list_from(authority: &DevelopmentCa, revoked: &[&Certificate], from: &str, until: &str) -> Vec<u8> {
    authority.revocation_list(revoked, at(from), at(until)).expect("a list")
}

/// A list with an issuing distribution point.
fn scoped(authority: &DevelopmentCa, scope: Option<CrlScope>, place: &str) -> Vec<u8> {
    let mut list = development::list(&[], at("2026-11-22T00:00:00Z"), at("2026-11-29T00:00:00Z"));
    let distribution_point = CrlDistributionPoint { uris: vec![place.to_owned()] };
    list.issuing_distribution_point = Some(CrlIssuingDistributionPoint { distribution_point, scope });
    authority.issue_list(list).expect("a list")
}

/// A path by way of an intermediate authority.
fn path_below(root: &DevelopmentCa, sub: &DevelopmentCa) -> ValidatedPath {
    let issued = sub.issue_seal(&party("md/central-authority"), "Seal", two_years()).expect("a seal");
    let chain = Certificate::pem_chain(&issued.certificate_pem).expect("certificates");
    let anchors = Anchors::from_pem(&root.certificate_pem(), None).expect("anchors");
    anchors.validate_signing(&chain[0], &chain[1..], noon()).expect("a path")
}

#[test]
fn a_list_of_other_certificates_tells_nothing() {
    let authority = authority("md");
    let path = path_of(&authority, "Seal");
    let asked = |der: Vec<u8>| lists(&[der]).check(&path, noon());
    assert_eq!(
        asked(scoped(&authority, Some(CrlScope::CaCertsOnly), "http://a/")),
        Ok(Revocation::NotChecked)
    );
    assert_eq!(asked(scoped(&authority, Some(CrlScope::UserCertsOnly), "http://a/")), Ok(Revocation::Good));
    // A certificate that names where its list is.
    let named = leaf(&authority, |params| {
        params.crl_distribution_points = vec![CrlDistributionPoint { uris: vec!["http://a/".to_owned()] }];
    });
    let anchors = Anchors::from_pem(&authority.certificate_pem(), None).expect("anchors");
    let path = anchors.validate_signing(&certificate(&named), &[], noon()).expect("a path");
    let asked = |place| lists(&[scoped(&authority, None, place)]).check(&path, noon());
    assert_eq!(asked("http://b/"), Ok(Revocation::NotChecked));
    assert_eq!(asked("http://a/"), Ok(Revocation::Good));
}

#[test]
fn every_issuer_below_the_anchor_needs_a_list_too() {
    let root = authority("md");
    let sub = root.intermediate("Sub", two_years()).expect("an authority");
    let path = path_below(&root, &sub);
    let (of_root, of_sub) = (list(&root, &[]), list(&sub, &[]));
    let asked = |ders: &[Vec<u8>]| lists(ders).check(&path, noon());
    assert_eq!(asked(std::slice::from_ref(&of_sub)), Ok(Revocation::NotChecked));
    assert_eq!(asked(std::slice::from_ref(&of_root)), Ok(Revocation::NotChecked));
    assert_eq!(asked(&[of_sub.clone(), of_root.clone()]), Ok(Revocation::Good));
    let revoked = list(&root, &[sub.certificate()]);
    assert!(matches!(asked(&[of_sub.clone(), revoked]), Err(PathError::Revoked { .. })));
    let over = list_from(&root, &[], "2026-11-01T00:00:00Z", "2026-11-08T00:00:00Z");
    assert!(matches!(asked(&[of_sub, over]), Err(PathError::RevocationListExpired { .. })));
}

#[test]
fn every_list_of_an_issuer_is_read() {
    let authority = authority("md");
    let (good, bad) = (path_of(&authority, "Good"), path_of(&authority, "Bad"));
    let old = list_from(&authority, &[], "2026-11-20T00:00:00Z", "2026-11-27T00:00:00Z");
    let new = list(&authority, &[bad.leaf()]);
    let over = list_from(&authority, &[], "2026-11-01T00:00:00Z", "2026-11-08T00:00:00Z");
    let forged = list(&crate::testing::authority("md"), &[good.leaf()]);
    for ders in [[old.clone(), new.clone()], [new.clone(), old]] {
        assert!(matches!(lists(&ders).check(&bad, noon()), Err(PathError::Revoked { .. })));
        assert_eq!(lists(&ders).check(&good, noon()), Ok(Revocation::Good));
    }
    // What cannot be used does not matter beside one that can.
    for useless in [over, forged] {
        assert!(lists(std::slice::from_ref(&useless)).check(&good, noon()).is_err());
        for ders in [[useless.clone(), new.clone()], [new.clone(), useless]] {
            assert!(matches!(lists(&ders).check(&bad, noon()), Err(PathError::Revoked { .. })));
            assert_eq!(lists(&ders).check(&good, noon()), Ok(Revocation::Good));
        }
    }
}

#[test]
fn a_list_from_after_the_end_of_a_certificate_tells_nothing_of_it() {
    let authority = authority("md");
    let path = path_of(&authority, "Seal");
    let asked =
        |from| lists(&[list_from(&authority, &[], from, "2028-12-01T00:00:00Z")]).check_proven(&path, noon());
    // The certificate's last instant is 2027-11-22T00:00:00Z.
    assert_eq!(asked("2027-11-22T00:00:00Z"), Ok(Revocation::Good));
    assert_eq!(asked("2027-11-22T00:00:01Z"), Ok(Revocation::NotChecked));
    let named = list_from(&authority, &[path.leaf()], "2026-11-01T00:00:00Z", "2028-12-01T00:00:00Z");
    let late = list_from(&authority, &[], "2027-12-01T00:00:00Z", "2028-12-01T00:00:00Z");
    let asked = lists(&[late, named]).check_proven(&path, noon());
    assert!(matches!(asked, Err(PathError::Revoked { .. })), "{asked:?}");
}

#[test]
fn what_was_revoked_later_leaves_the_others_to_be_asked_about() {
    let root = authority("md");
    let sub = root.intermediate("Sub", two_years()).expect("an authority");
    let path = path_below(&root, &sub);
    let revoked = at("2026-11-22T00:00:00Z");
    let before = at("2026-11-21T00:00:00Z");
    let asked = |ders: &[Vec<u8>]| lists(ders).check_proven(&path, before);
    let later = Ok(Revocation::RevokedLater { revoked });
    for (naming, other) in
        [(list(&sub, &[path.leaf()]), list(&root, &[])), (list(&root, &[sub.certificate()]), list(&sub, &[]))]
    {
        assert_eq!(asked(std::slice::from_ref(&naming)), Ok(Revocation::NotChecked));
        assert_eq!(asked(&[naming, other]), later);
    }
}

#[test]
fn all_lists_together_have_a_limit() {
    let der = list(&authority("md"), &[]);
    let mut lists = RevocationLists { size_bytes: MAX_LIST_BYTES - der.len(), ..RevocationLists::none() };
    assert_eq!(lists.add(&der), Ok(()));
    assert_eq!(lists.add(&der), Err(RevocationListError::TooMany));
}

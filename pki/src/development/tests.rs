use super::*;
use crate::identity::Identity;
use crate::path::Anchors;
use crate::signing::{FileSigner, Signer};
use crate::testing::{at, authority, certificate, noon, officer, party, two_years};
use crate::tls::TlsIdentity;

#[test]
fn everything_that_is_issued_can_be_used() {
    let authority = authority("md");
    let institution = party("md/central-authority");
    let rusu = officer("md/central-authority/officer/rusu");
    let address = "127.0.0.1".parse().expect("an address");
    let server = authority
        .issue_institution_tls(&institution, "A", &["localhost"], &[address], two_years())
        .expect("a certificate");
    let caller = authority.issue_officer_tls(&rusu, "Ana Rusu", two_years()).expect("a certificate");
    for (issued, identity) in
        [(&server, Identity::Institution(institution.clone())), (&caller, Identity::Officer(rusu.clone()))]
    {
        let tls = TlsIdentity::from_pem(&issued.key_pem, &issued.certificate_pem).expect("an identity");
        assert_eq!(tls.identity(), &identity);
    }
    let seal = authority.issue_seal(&institution, "Seal", two_years()).expect("a seal");
    let person =
        authority.issue_officer_signing(&rusu, "Ana Rusu", "PNOMD-1", two_years()).expect("a certificate");
    let anchors =
        Anchors::from_pem(&authority.certificate_pem(), Some(authority.country())).expect("anchors");
    for issued in [seal, person] {
        let signer = FileSigner::from_pem(&issued.key_pem, &issued.certificate_pem).expect("a signer");
        let path =
            anchors.validate_signing(signer.certificate().expect("its own"), &[], noon()).expect("a path");
        assert_eq!(path.country(), Some(authority.country()));
    }
}

#[test]
fn a_kept_authority_goes_on_issuing() {
    let first = authority("md");
    let again = DevelopmentCa::from_pem(&first.certificate_pem(), &first.key_pem()).expect("an authority");
    assert_eq!((again.country(), again.certificate()), (first.country(), first.certificate()));
    let issued = again.issue_seal(&party("md/second"), "Seal", two_years()).expect("a seal");
    let anchors = Anchors::from_pem(&first.certificate_pem(), None).expect("anchors");
    assert!(anchors.validate_signing(&certificate(&issued), &[], noon()).is_ok());
}

#[test]
fn files_that_are_no_authority_are_refused() {
    let (one, other) = (authority("md"), authority("fr"));
    assert!(DevelopmentCa::from_pem(&one.certificate_pem(), &other.key_pem()).is_err());
    let seal = one.issue_seal(&party("md/a"), "Seal", two_years()).expect("a seal");
    assert!(DevelopmentCa::from_pem(&seal.certificate_pem, &seal.key_pem).is_err());
    assert!(DevelopmentCa::from_pem("", &one.key_pem()).is_err());
    assert!(DevelopmentCa::from_pem(&one.certificate_pem(), "").is_err());
}

#[test]
fn an_authority_issues_for_its_own_country_and_sound_names_only() {
    let authority = authority("md");
    assert!(matches!(
        authority.issue_seal(&party("fr/a"), "Seal", two_years()),
        Err(DevelopmentError::OtherCountry { .. })
    ));
    for name in ["", "a\nb", &"x".repeat(65)] {
        assert!(matches!(
            authority.issue_seal(&party("md/a"), name, two_years()),
            Err(DevelopmentError::Name(_))
        ));
    }
    let rusu = officer("md/a/officer/rusu");
    assert!(authority.issue_officer_signing(&rusu, "Ana Rusu", "#*", two_years()).is_err());
    assert!(Validity::new(noon(), noon()).is_err());
}

#[test]
fn names_in_other_scripts_survive() {
    let authority = authority("md");
    let name = "Андрей Șerban, O=x";
    let issued = authority.issue_seal(&party("md/a"), name, two_years()).expect("a seal");
    assert_eq!(certificate(&issued).subject_common_name().as_deref(), Some(name));
}

#[test]
fn serial_numbers_and_keys_differ() {
    let authority = authority("md");
    let issue = || certificate(&authority.issue_seal(&party("md/a"), "A", two_years()).expect("a seal"));
    let (one, other) = (issue(), issue());
    assert_ne!(one.serial(), other.serial());
    assert_ne!(one.spki_der(), other.spki_der());
}

#[test]
fn validity_is_kept_to_the_second_from_1900_to_9999() {
    let country = "md".parse().expect("a country");
    for (from, until) in
        [("1900-01-01T00:00:01Z", "2049-12-31T23:59:59Z"), ("2050-01-01T00:00:00Z", "9999-12-30T21:59:59Z")]
    {
        let validity = Validity::new(at(from), at(until)).expect("a validity");
        let authority = DevelopmentCa::new(country, "Root", validity).expect("an authority");
        assert_eq!(
            (authority.certificate().not_before(), authority.certificate().not_after()),
            (at(from), at(until))
        );
    }
}

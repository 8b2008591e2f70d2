use super::*;
use crate::testing::{authority, certificate, leaf, officer, party, two_years};
use rcgen::{DnType, DnValue};

#[test]
fn a_certificate_tells_what_is_in_it() {
    let authority = authority("md");
    let issued = authority
        .issue_officer_signing(
            &officer("md/central-authority/officer/rusu"),
            "Ana Rusu",
            "PNOMD-1234",
            two_years(),
        )
        .expect("a certificate");
    let one = certificate(&issued);
    assert_eq!(one.subject(), "C=MD, O=central-authority, CN=Ana Rusu, serialNumber=PNOMD-1234");
    assert_eq!(one.issuer(), "C=MD, CN=National Authority MD");
    assert_eq!(one.subject_common_name().as_deref(), Some("Ana Rusu"));
    assert_eq!(one.serial_number_attribute().as_deref(), Some("PNOMD-1234"));
    assert_eq!((one.not_before(), one.not_after()), (two_years().not_before(), two_years().not_after()));
    assert_eq!(one.digest(), Digest::of(one.der()));
    assert_eq!(one.serial().len(), 16);
    assert!(matches!(one.public_key(), PublicKey::P256 { point } if point.len() == 65));
    assert!(one.may_sign_documents() && !one.is_authority() && !one.may_issue() && !one.is_self_signed());
    assert!(one.names_as_issuer(authority.certificate()));
    assert!(authority.certificate().is_self_signed() && authority.certificate().may_issue());
    assert!(one.identity().is_err(), "a signing certificate names no party");
}

#[test]
fn pem_and_der_are_two_spellings_of_one_certificate() {
    let one = authority("md").certificate().clone();
    assert_eq!(Certificate::pem_chain(&one.to_pem()), Ok(vec![one.clone()]));
    assert_eq!(Certificate::from_der(one.der().to_vec()), Ok(one.clone()));
    let amid_text = format!("Subject: me\n\n{}\ntrailing words\n{}", one.to_pem(), one.to_pem());
    assert_eq!(Certificate::pem_chain(&amid_text).map(|all| all.len()), Ok(2));
}

#[test]
fn what_is_cut_short_or_followed_by_something_is_refused() {
    let der = authority("md").certificate().der().to_vec();
    for length in 0..der.len() {
        assert!(Certificate::from_der(der[..length].to_vec()).is_err(), "{length} bytes");
    }
    let mut longer = der;
    longer.push(0);
    assert_eq!(
        Certificate::from_der(longer),
        Err(CertificateError::Malformed { what: "other bytes follow it" })
    );
}

#[test]
fn no_changed_byte_brings_the_parser_down() {
    let issued = authority("md")
        .issue_institution_tls(&party("md/central-authority"), "A", &["a.example"], &[], two_years())
        .expect("a certificate");
    let der = certificate(&issued).der().to_vec();
    for position in 0..der.len() {
        for value in [0x00, 0x7f, 0x80, 0xff, der[position] ^ 0x20] {
            let mut changed = der.clone();
            changed[position] = value;
            if let Ok(changed) = Certificate::from_der(changed) {
                let _ = (changed.subject(), changed.identity(), changed.is_self_signed());
            }
        }
    }
}

#[test]
fn what_is_too_large_is_not_parsed() {
    assert_eq!(
        Certificate::from_der(vec![0x30; MAX_CERTIFICATE_BYTES + 1]),
        Err(CertificateError::TooLarge { size_bytes: MAX_CERTIFICATE_BYTES + 1 })
    );
    let pem = authority("md").certificate_pem();
    assert!(Certificate::pem_chain(&pem.repeat(MAX_CHAIN)).is_ok());
    assert_eq!(
        Certificate::pem_chain(&pem.repeat(MAX_CHAIN + 1)),
        Err(CertificateError::TooMany { limit: MAX_CHAIN })
    );
    assert!(matches!(
        Certificate::pem_chain(&" ".repeat(MAX_CHAIN_TEXT_BYTES + 1)),
        Err(CertificateError::TooMany { .. })
    ));
}

#[test]
fn a_text_without_certificate_is_refused() {
    assert_eq!(Certificate::pem_chain(""), Err(CertificateError::NoCertificate));
    let key = authority("md").key_pem();
    assert_eq!(Certificate::pem_chain(&key), Err(CertificateError::NoCertificate));
    let damaged = authority("md").certificate_pem().replacen("MII", "M*I", 1);
    assert!(matches!(Certificate::pem_chain(&damaged), Err(CertificateError::Pem { .. })));
}

#[test]
fn names_from_outside_can_not_move_the_cursor() {
    let issued = leaf(&authority("md"), |params| {
        params.distinguished_name.push(
            DnType::OrganizationalUnitName,
            DnValue::Utf8String("a\u{1b}[2J\nCN=Minister\u{202e}, O=x".to_owned()),
        );
    });
    let subject = certificate(&issued).subject();
    assert!(subject.contains("OU=a\u{fffd}[2J\u{fffd}CN=Minister\u{fffd}\\, O=x"), "{subject}");
}

#[test]
fn the_length_of_a_key_is_counted_from_its_first_bit() {
    assert_eq!(bit_length(&[]), 0);
    assert_eq!(bit_length(&[0, 0]), 0);
    assert_eq!(bit_length(&[0, 0x80, 0]), 16);
    assert_eq!(bit_length(&[0x01, 0xff]), 9);
}

#[test]
fn a_certificate_for_ever_is_read() {
    let issued = leaf(&authority("md"), |params| {
        params.not_after = rcgen::date_time_ymd(9999, 12, 31) + std::time::Duration::from_secs(86_399);
    });
    assert_eq!(certificate(&issued).not_after().to_string(), "9999-12-30T22:00:00Z");
}

use super::*;
use crate::development::{DevelopmentCa, Validity};
use crate::testing::{at, authority, certificate, leaf, long_past, noon, openssl, party, two_years};
use rcgen::{
    BasicConstraints, CustomExtension, ExtendedKeyUsagePurpose, GeneralSubtree, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, NameConstraints,
};
use std::fs;

fn anchors(authorities: &[&DevelopmentCa]) -> Anchors {
    let mut anchors = Anchors::new();
    for authority in authorities {
        anchors.add(authority.certificate().clone(), Some(authority.country())).expect("an anchor");
    }
    anchors
}

fn seal(authority: &DevelopmentCa, validity: Validity) -> Certificate {
    let party = party(&format!("{}/central-authority", authority.country()));
    certificate(&authority.issue_seal(&party, "Seal", validity).expect("a seal"))
}

#[test]
fn a_good_path_is_told_from_leaf_to_anchor() {
    let root = authority("md");
    let one = seal(&root, two_years());
    let path = anchors(&[&authority("fr"), &root]).validate_signing(&one, &[], noon()).expect("a path");
    assert_eq!((path.leaf(), path.anchor()), (&one, root.certificate()));
    assert_eq!(path.country(), Some(root.country()));
    assert_eq!(path.at(), noon());
    assert_eq!(path.below_anchor().collect::<Vec<_>>(), [&one]);
}

#[test]
fn intermediates_are_found_in_any_order_and_strangers_left_out() {
    let root = authority("md");
    let below = root.intermediate("Issuing Authority MD", two_years()).expect("an authority");
    let stranger = authority("fr").intermediate("Issuing Authority FR", two_years()).expect("an authority");
    let one = seal(&below, two_years());
    let others = [
        stranger.certificate().clone(),
        root.certificate().clone(),
        one.clone(),
        below.certificate().clone(),
    ];
    let path = anchors(&[&root]).validate_signing(&one, &others, noon()).expect("a path");
    assert_eq!(path.intermediates(), [below.certificate().clone()]);
    let error = anchors(&[&root]).validate_signing(&one, &[], noon());
    assert!(matches!(error, Err(PathError::UnknownIssuer { .. })));
    let many = vec![below.certificate().clone(); MAX_CHAIN + 1];
    let error = anchors(&[&root]).validate_signing(&one, &many, noon());
    assert!(matches!(error, Err(PathError::TooManyCertificates { .. })));
}

#[test]
fn validity_is_judged_at_the_instant_handed_in() {
    let root = authority("md");
    let anchors = anchors(&[&root]);
    let one = seal(&root, two_years());
    let ask = |instant: &str| anchors.validate_signing(&one, &[], at(instant));
    assert!(ask("2025-11-22T00:00:00Z").is_ok());
    assert!(ask("2027-11-22T00:00:00.999Z").is_ok(), "the last second counts whole");
    assert!(matches!(ask("2025-11-21T23:59:59Z"), Err(PathError::NotYetValid { .. })));
    assert!(matches!(ask("2027-11-22T00:00:01Z"), Err(PathError::Expired { .. })));
    assert!(matches!(ask("1969-01-01T00:00:00Z"), Err(PathError::NotYetValid { .. })));

    let old = seal(&root, long_past());
    let error = anchors.validate_signing(&old, &[], noon()).expect_err("expired");
    assert_eq!(
        error,
        PathError::Expired { subject: old.subject(), not_after: at("2025-01-01T00:00:00Z"), at: noon() }
    );
}

#[test]
fn a_path_found_before_is_good_for_the_same_certificates_while_all_are_valid() {
    let root = authority("md");
    let short = Validity::new(at("2026-01-01T00:00:00Z"), at("2026-12-31T00:00:00Z")).expect("a validity");
    let below = root.intermediate("Issuing Authority MD", short).expect("an authority");
    let one = seal(&below, two_years());
    let mut known = anchors(&[&root]);
    let with = [below.certificate().clone()];
    let first = known.validate_signing(&one, &with, noon()).expect("a path");
    let later = at("2026-12-30T00:00:00Z");
    let again = known.validate_signing(&one, &with, later).expect("the same path");
    assert_eq!((again.at(), again.intermediates()), (later, first.intermediates()));
    let expired = known.validate_signing(&one, &with, at("2027-01-01T00:00:00Z"));
    assert!(matches!(expired, Err(PathError::Expired { .. })), "{expired:?}");
    let early = known.validate_signing(&one, &with, at("2025-12-01T00:00:00Z"));
    assert!(matches!(early, Err(PathError::NotYetValid { .. })), "{early:?}");
    assert!(known.validate_signing(&one, &[], noon()).is_err(), "without its issuer there is no path");
    let clone = known.clone();
    known.add(authority("fr").certificate().clone(), None).expect("an anchor");
    assert!(known.verdicts.find(&one, &with, noon()).is_none(), "other anchors, no verdict yet");
    assert!(clone.verdicts.find(&one, &with, noon()).is_some());
}

#[test]
fn an_expired_issuer_or_anchor_spoils_the_path() {
    let root = authority("md");
    let below = root.intermediate("Issuing Authority MD", long_past()).expect("an authority");
    let one = seal(&below, two_years());
    let error = anchors(&[&root]).validate_signing(&one, &[below.certificate().clone()], noon());
    assert!(
        matches!(error, Err(PathError::Expired { subject, .. }) if subject == below.certificate().subject())
    );

    let old = DevelopmentCa::new("md".parse().expect("a country"), "Old", long_past()).expect("an authority");
    let one = seal(&old, two_years());
    let error = anchors(&[&old]).validate_signing(&one, &[], noon());
    assert!(
        matches!(error, Err(PathError::Expired { subject, .. }) if subject == old.certificate().subject())
    );
}

#[test]
fn another_authority_is_refused() {
    let one = seal(&authority("md"), two_years());
    let error = anchors(&[&authority("fr")]).validate_signing(&one, &[], noon());
    assert!(matches!(error, Err(PathError::UnknownIssuer { .. })));
    // The name of the known authority with a key of his own.
    let error = anchors(&[&authority("md")]).validate_signing(&one, &[], noon());
    assert!(matches!(error, Err(PathError::BadSignature { .. })));
    assert_eq!(Anchors::new().validate_signing(&one, &[], noon()), Err(PathError::NoAnchors));
}

#[test]
fn another_name_over_the_same_key_is_refused() {
    let root = authority("md");
    let other = crate::testing::authority("fr");
    // An issuer with the known authority's key and a name that isn't its own.
    let key = KeyPair::from_pem(&root.key_pem()).expect("a key");
    let named = Certificate::pem_chain(&other.certificate_pem()).expect("a certificate");
    let mut name = rcgen::CertificateParams::default();
    name.distinguished_name.push(rcgen::DnType::CommonName, named[0].subject());
    let issuer = Issuer::new(name, key);
    let params = root.leaf(&party("md/a"), "Leaf", None, two_years()).expect("parameters");
    let der = params.signed_by(&KeyPair::generate().expect("a key"), &issuer).expect("a certificate");
    let one = Certificate::from_der(der.der().to_vec()).expect("a certificate");
    let error = anchors(&[&root]).validate_signing(&one, &[], noon());
    assert!(matches!(error, Err(PathError::UnknownIssuer { .. })));
}

#[test]
fn authorities_do_not_sign_documents_and_signers_do_not_issue() {
    let root = authority("md");
    let below = root.intermediate("Issuing Authority MD", two_years()).expect("an authority");
    let error = anchors(&[&root]).validate_signing(below.certificate(), &[], noon());
    assert!(matches!(error, Err(PathError::KeyUsage { .. })), "{error:?}");
    let both = leaf(&root, |params| params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained));
    let error = anchors(&[&root]).validate_signing(&certificate(&both), &[], noon());
    assert!(matches!(error, Err(PathError::Authority { .. })), "{error:?}");

    // A signer's certificate as an issuer.
    let signer = leaf(&root, |_| {});
    let issuer = Issuer::new(
        root.leaf(&party("md/central-authority"), "Leaf", None, two_years()).expect("parameters"),
        KeyPair::from_pem(&signer.key_pem).expect("a key"),
    );
    let params = root.leaf(&party("md/a"), "Below", None, two_years()).expect("parameters");
    let der = params.signed_by(&KeyPair::generate().expect("a key"), &issuer).expect("a certificate");
    let one = Certificate::from_der(der.der().to_vec()).expect("a certificate");
    let error = anchors(&[&root]).validate_signing(&one, &[certificate(&signer)], noon());
    assert!(matches!(error, Err(PathError::UnknownIssuer { .. })), "{error:?}");
    assert!(matches!(
        Anchors::new().add(certificate(&signer), None),
        Err(AnchorError::NotAnAuthority { .. })
    ));

    // An authority that may not certify authorities below it, and one without keyCertSign.
    let third = below.intermediate("Third", two_years()).expect("an authority");
    let one = seal(&third, two_years());
    let others = [third.certificate().clone(), below.certificate().clone()];
    assert!(anchors(&[&root]).validate_signing(&one, &others, noon()).is_err());
}

#[test]
fn key_usage_must_allow_signatures() {
    let root = authority("md");
    let ask = |usages: &[KeyUsagePurpose]| {
        let issued = leaf(&root, |params| params.key_usages = usages.to_vec());
        anchors(&[&root]).validate_signing(&certificate(&issued), &[], noon())
    };
    assert!(ask(&[]).is_ok());
    assert!(ask(&[KeyUsagePurpose::DigitalSignature]).is_ok());
    assert!(ask(&[KeyUsagePurpose::ContentCommitment]).is_ok());
    assert!(matches!(ask(&[KeyUsagePurpose::KeyEncipherment]), Err(PathError::KeyUsage { .. })));
    assert!(matches!(
        ask(&[KeyUsagePurpose::KeyAgreement, KeyUsagePurpose::CrlSign]),
        Err(PathError::KeyUsage { .. })
    ));
}

#[test]
fn extended_key_usage_must_not_be_a_machines() {
    use ExtendedKeyUsagePurpose as P;
    let root = authority("md");
    let ask = |purposes: &[P]| {
        let issued = leaf(&root, |params| params.extended_key_usages = purposes.to_vec());
        anchors(&[&root]).validate_signing(&certificate(&issued), &[], noon())
    };
    let document_signing = P::Other(vec![1, 3, 6, 1, 5, 5, 7, 3, 36]);
    for accepted in [
        vec![],
        vec![P::EmailProtection],
        vec![P::ClientAuth],
        vec![document_signing],
        vec![P::Other(vec![1, 3, 6, 1, 4, 1, 311, 10, 3, 12])],
        vec![P::Any],
        vec![P::ServerAuth, P::ClientAuth],
        vec![P::CodeSigning, P::EmailProtection],
    ] {
        assert!(ask(&accepted).is_ok(), "{accepted:?}");
    }
    for refused in [
        vec![P::CodeSigning],
        vec![P::TimeStamping],
        vec![P::OcspSigning],
        vec![P::ServerAuth, P::CodeSigning],
    ] {
        assert!(matches!(ask(&refused), Err(PathError::Purpose { .. })), "{refused:?}");
    }
}

#[test]
fn what_is_critical_and_not_understood_closes_the_path() {
    let root = authority("md");
    let issued = leaf(&root, |params| {
        let mut extension = CustomExtension::from_oid_content(&[1, 2, 3, 4], vec![5, 0]);
        extension.set_criticality(true);
        params.custom_extensions.push(extension);
    });
    let error = anchors(&[&root]).validate_signing(&certificate(&issued), &[], noon());
    assert!(matches!(error, Err(PathError::CriticalExtension { .. })), "{error:?}");
}

#[test]
fn an_issuers_name_constraints_hold() {
    let root = authority("md");
    let key = KeyPair::generate().expect("a key");
    let mut params = root.leaf(&party("md/a"), "Constrained", None, two_years()).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.name_constraints = Some(NameConstraints {
        permitted_subtrees: vec![GeneralSubtree::DnsName("example.md".to_owned())],
        excluded_subtrees: vec![],
    });
    let issued = root.issue_for(&params, &key).expect("an authority");
    let issuer = Issuer::new(params, key);
    let ask = |dns: &str| {
        let mut params = root.leaf(&party("md/a"), "Below", None, two_years()).expect("parameters");
        params.subject_alt_names.push(rcgen::SanType::DnsName(dns.try_into().expect("ASCII")));
        let der = params.signed_by(&KeyPair::generate().expect("a key"), &issuer).expect("a certificate");
        let one = Certificate::from_der(der.der().to_vec()).expect("a certificate");
        anchors(&[&root]).validate_signing(&one, &[certificate(&issued)], noon())
    };
    assert!(ask("a.example.md").is_ok());
    assert!(matches!(ask("a.example.fr"), Err(PathError::NameConstraint { .. })));
}

#[test]
fn an_authority_speaks_for_one_country() {
    let root = authority("md");
    let mut anchors = anchors(&[&root]);
    let fr = "fr".parse().expect("a country");
    assert!(matches!(
        anchors.add(root.certificate().clone(), Some(fr)),
        Err(AnchorError::OtherCountry { .. })
    ));
    anchors.add(root.certificate().clone(), None).expect("known already");
    assert_eq!(anchors.len(), 1);
    assert!(anchors.of_country(fr).is_empty());
    assert_eq!(anchors.of_country(root.country()).len(), 1);

    // Named without a country first, with one later.
    let mut anchors = Anchors::from_pem(&root.certificate_pem(), None).expect("anchors");
    anchors.add(root.certificate().clone(), Some(root.country())).expect("an anchor");
    assert_eq!(anchors.iter().map(Anchor::country).collect::<Vec<_>>(), [Some(root.country())]);
    assert_eq!(anchors.of_country(root.country()).len(), 1);
}

#[test]
fn a_renewed_root_takes_the_expired_ones_place() {
    let old =
        DevelopmentCa::new("md".parse().expect("a country"), "Root", long_past()).expect("an authority");
    let one = seal(&old, two_years());
    // The same name and key, with a new validity.
    let key = KeyPair::from_pem(&old.key_pem()).expect("a key");
    let mut params = rcgen::CertificateParams::default();
    params.distinguished_name = rcgen::DistinguishedName::new();
    params.distinguished_name.push(
        rcgen::DnType::CountryName,
        rcgen::DnValue::PrintableString("MD".try_into().expect("printable")),
    );
    params.distinguished_name.push(rcgen::DnType::CommonName, "Root");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let renewed = Certificate::from_der(params.self_signed(&key).expect("a certificate").der().to_vec());
    let renewed = renewed.expect("a certificate");
    let mut anchors = anchors(&[&old]);
    anchors.add(renewed.clone(), Some(old.country())).expect("an anchor");
    let path = anchors.validate_signing(&one, &[], noon()).expect("a path");
    assert_eq!(path.anchor(), &renewed);
}

#[test]
fn openssl_says_the_same() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    let root = authority("md");
    let below = root.intermediate("Issuing Authority MD", two_years()).expect("an authority");
    let others = [below.certificate().clone()];
    fs::write(folder.join("untrusted"), below.certificate_pem()).expect("written");
    let cases = [
        (seal(&root, two_years()), &root, true),
        (seal(&below, two_years()), &root, true),
        (seal(&root, long_past()), &root, false),
        (seal(&authority("fr"), two_years()), &root, false),
        (seal(&authority("md"), two_years()), &root, false),
    ];
    for (position, (one, anchor, good)) in cases.into_iter().enumerate() {
        fs::write(folder.join("anchor"), anchor.certificate_pem()).expect("written");
        fs::write(folder.join("leaf"), one.to_pem()).expect("written");
        let noon_seconds = noon().seconds().to_string();
        let arguments = [
            "verify",
            "-attime",
            &noon_seconds,
            "-CAfile",
            "anchor",
            "-untrusted",
            "untrusted",
            "-x509_strict",
            "leaf",
        ];
        let Some(output) = openssl(folder, &arguments) else { return };
        let ours = anchors(&[anchor]).validate_signing(&one, &others, noon());
        assert_eq!(output.status.success(), good, "openssl, case {position}");
        assert_eq!(ours.is_ok(), good, "ours, case {position}: {ours:?}");
    }
}

#[test]
fn only_a_certificate_for_time_stamps_alone_stamps_time() {
    let root = authority("md");
    let trusted = anchors(&[&root]);
    let good = certificate(&root.issue_time_stamping("Clock", two_years()).expect("a certificate"));
    assert!(good.may_stamp_time());
    trusted.validate_time_stamping(&good, &[], noon()).expect("a path");
    assert!(matches!(trusted.validate_signing(&good, &[], noon()), Err(PathError::Purpose { .. })));
    let usage = |critical: bool, purposes: &'static [u8]| {
        let issued = leaf(&root, |params| {
            let mut usage = CustomExtension::from_oid_content(&[2, 5, 29, 37], purposes.to_vec());
            usage.set_criticality(critical);
            params.custom_extensions.push(usage);
        });
        certificate(&issued)
    };
    const ALONE: &[u8] = &[0x30, 10, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 8];
    const WITH_MAIL: &[u8] = &[0x30, 20, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 8, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 4];
    trusted.validate_time_stamping(&usage(true, ALONE), &[], noon()).expect("a path");
    for other in [usage(false, ALONE), usage(true, WITH_MAIL), seal(&root, two_years())] {
        let error = trusted.validate_time_stamping(&other, &[], noon());
        assert!(matches!(error, Err(PathError::TimeStamping { .. })), "{error:?}");
    }
    let stranger = certificate(&authority("fr").issue_time_stamping("Clock", two_years()).expect("one"));
    let error = trusted.validate_time_stamping(&stranger, &[], noon());
    assert!(matches!(error, Err(PathError::UnknownIssuer { .. })));
    let error = trusted.validate_time_stamping(&good, &[], at("2028-01-01T00:00:00Z"));
    assert!(matches!(error, Err(PathError::Expired { .. })));
}

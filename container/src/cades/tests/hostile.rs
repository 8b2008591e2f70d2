//! One attack after another on the reader of signatures, in both framings: each is refused by its name.

use super::*;
use rogatory_pki::path::Anchors;

const FRAMINGS: [Framing; 2] = [Framing::Canonical, Framing::Foreign];

fn good() -> Vec<u8> {
    Craft::with(|_| ())
}

#[track_caller]
fn assert_malformed(der: &[u8], what: &str) {
    for framing in FRAMINGS {
        match parse(der, framing) {
            Err(CadesError::Malformed { .. }) => {}
            other => panic!("{what} in {framing:?}: {other:?}"),
        }
    }
}

#[test]
fn indefinite_lengths_are_no_der() {
    let good = good();
    // The outermost length is two bytes long: 30 82 xx xx.
    assert_eq!(good[..2], [0x30, 0x82]);
    let indefinite = [&[0x30, 0x80][..], &good[4..], &[0, 0]].concat();
    assert_malformed(&indefinite, "an indefinite outer length");
    let inner = good.windows(2).skip(4).position(|pair| pair == [0xa0, 0x82]).unwrap() + 4;
    let mut nested = good.clone();
    nested.splice(inner..inner + 4, [0xa0, 0x80]);
    nested.extend_from_slice(&[0, 0]);
    assert_malformed(&nested, "an indefinite inner length");
}

#[test]
fn lengths_that_lie_allocate_nothing() {
    let good = good();
    for length in [
        &[0x82, 0xff, 0xff][..],
        &[0x83, 0xff, 0xff, 0xff],
        &[0x84, 0xff, 0xff, 0xff, 0xff],
        &[0x84, 0x0f, 0xff, 0xff, 0xff],
        &[0x88, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff],
        &[0xff],
        &[0x84, 0, 0, 5, 0x89],
        &[0],
    ] {
        let lying = [&[0x30][..], length, &good[4..]].concat();
        assert_malformed(&lying, "an outer length that lies");
    }
    // Every length byte inside, made as large as one byte can say.
    for at in 4..good.len() {
        let mut lying = good.clone();
        lying[at] = 0x84;
        let mut large = good.clone();
        large[at] = 0xff;
        for bytes in [&lying, &large] {
            let intact = read(bytes).and_then(|read| verify_integrity(&read, CONTENT));
            assert!(intact.is_err() || *bytes == good, "byte {at}");
            // The lenient framing passes over what nothing covers; it never fails in another way than by an error.
            let _ = parse(bytes, Framing::Foreign).and_then(|read| verify_integrity(&read, CONTENT));
        }
    }
}

#[test]
fn a_cut_at_every_byte_and_every_byte_more_is_refused_by_name() {
    let good = good();
    for end in 0..good.len() {
        assert_malformed(&good[..end], &format!("cut at {end}"));
    }
    for more in [&[0][..], &[0, 0], &[0x30, 0], &good] {
        assert_malformed(&[good.as_slice(), more].concat(), "bytes after the end");
    }
}

#[test]
fn deep_nesting_and_long_identifiers_are_refused() {
    let mut deep = Vec::new();
    for _ in 0..10_000 {
        deep = if deep.len() < 60_000 { element(0x30, &[&deep]) } else { deep };
    }
    assert_malformed(&deep, "ten thousand sequences in one another");
    let endless = [vec![0x30, 0x82, 0xea, 0x60, 0x06, 0x82, 0xea, 0x5c], vec![0xff; 59_996]].concat();
    assert_malformed(&endless, "an object identifier of 60,000 bytes");
    let long = element(0x06, &[&[0x81; 100]]);
    let named =
        Craft::with(|craft| craft.attributes.push(sequence(&[&long, &element(SET, &[&element(NULL, &[])])])));
    assert_malformed(&named, "an attribute with a long identifier");
    for framing in FRAMINGS {
        let much = vec![0x30; 65 * 1024];
        assert!(matches!(parse(&much, framing), Err(CadesError::TooLong(66_560))));
    }
}

#[test]
fn a_bag_of_certificates_is_bounded() {
    let ca = root("Root");
    let more = |count: usize| {
        Craft::with(|craft| {
            for n in 0..count {
                craft.certificates.push(officer(&ca, &format!("o{n}")).chain()[0].der().to_vec());
            }
        })
    };
    for framing in FRAMINGS {
        assert!(matches!(parse(&more(8), framing), Err(CadesError::TooManyCertificates(9))), "{framing:?}");
        assert!(matches!(parse(&more(300), framing), Err(CadesError::TooLong(_))), "{framing:?}");
    }
    // One of no use: the canonical form refuses it, the foreign one vouches for nothing by it.
    let read = parse(&more(1), Framing::Canonical).unwrap();
    assert!(verify(&read, CONTENT, &anchors(&ca), now()).is_err());
}

#[test]
fn a_signature_that_carries_its_own_authority_is_trusted_by_nobody() {
    let ca = root("Root");
    let signer = seal(&ca);
    let mut craft = Craft::new(signer);
    craft.certificates.push(Anchors::iter(&anchors(&ca)).next().unwrap().certificate().der().to_vec());
    let der = craft.build(|signature| signature);
    assert!(matches!(parse(&der, Framing::Canonical), Err(CadesError::SelfSigned { .. })));
    let read = parse(&der, Framing::Foreign).unwrap();
    for trusted in [Anchors::new(), anchors(&root("Root"))] {
        assert!(matches!(verify(&read, CONTENT, &trusted, now()), Err(CadesError::Path(_))));
    }
    verify(&read, CONTENT, &anchors(&ca), now()).unwrap();
}

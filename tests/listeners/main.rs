//! Who does not get in, on each listener: refused on a call, for the reason that the server logs,
//! beside somebody who differs in one thing and does get in.

mod visitors;

use rogatory_core::{OfficerId, PartyId};
use rogatory_pki::development::{DevelopmentCa, Validity};
use rogatory_tests::logged::{self, Listening};
use rogatory_tests::{Caller, caller};
use visitors::{Door, House};

/// A call that every admitted caller may make.
const HEALTH: &str = "/grpc.health.v1.Health/Check";

/// Makes a call and demands that it is refused, and for the reason logged.
async fn refused(house: &House, heard: &mut Listening, door: Door, visitor: &Caller, reason: &str) {
    heard.forget();
    let answer = caller::call(&house.channel(door, visitor), HEALTH).await;
    assert!(answer.is_err(), "{reason} on the {} listener: the call went through", door.name());
    let logged = heard.next().await;
    assert_eq!((logged.listener.as_str(), logged.reason.as_str()), (door.name(), reason), "{answer:?}");
}

/// Makes a call and demands that it is answered, and nothing refused.
async fn admitted(house: &House, heard: &mut Listening, door: Door, visitor: &Caller) {
    heard.forget();
    let answer = caller::call(&house.channel(door, visitor), HEALTH).await;
    assert!(answer.is_ok(), "on the {} listener: {answer:?}", door.name());
    assert!(heard.nothing());
}

/// Both, on both listeners: `differs` makes of the right visitor of a door the one who is refused.
async fn each_door(reason: &str, differs: impl Fn(&House, Door, Caller) -> Caller) {
    let mut heard = logged::listen().await;
    let house = House::new().await;
    for door in Door::BOTH {
        let right = house.right_visitor(door);
        admitted(&house, &mut heard, door, &right).await;
        refused(&house, &mut heard, door, &differs(&house, door, right), reason).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_certificate() {
    each_door("NO_CLIENT_CERTIFICATE", |_, _, right| right.showing_nothing()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_tls_1_2() {
    each_door("TLS_VERSION", |_, _, right| right.over_tls_1_2()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_same_names_from_an_authority_that_nobody_knows() {
    each_door("UNKNOWN_ISSUER", |house, door, right| {
        let real = house.authority_of(door);
        let name = real.certificate().subject_common_name().expect("a name");
        let validity = Validity::new(real.certificate().not_before(), real.certificate().not_after());
        let forged = DevelopmentCa::new(real.country(), &name, validity.expect("a validity"));
        house.issued_by(&forged.expect("an authority"), door, house.current(), right)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_another_countrys_identity_under_a_known_anchor() {
    // The anchor of the one country vouches for an identity of the other: for an officer of the called
    // office that of the peer, for the peer that of the called office.
    each_door("OTHER_COUNTRY", |house, door, right| {
        let elsewhere = match door {
            Door::Office => house.authority_of(Door::Peer),
            Door::Peer => house.authority_of(Door::Office),
        };
        right.showing_issued(visitors::issue_any(&elsewhere, &house.uri_at(door), house.current()))
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_hand_made_certificate_is_refused_for_its_country_alone() {
    // The control of the test above: made by the same hand, under the right anchor.
    let mut heard = logged::listen().await;
    let house = House::new().await;
    for door in Door::BOTH {
        let issued = visitors::issue_any(&house.authority_of(door), &house.uri_at(door), house.current());
        let visitor = house.right_visitor(door).showing_issued(issued);
        admitted(&house, &mut heard, door, &visitor).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_certificate_that_has_expired() {
    each_door("CERTIFICATE_EXPIRED", |house, door, right| {
        let now = house.now();
        let past = Validity::new(now.plus_seconds(-600), now.plus_seconds(-1)).expect("a validity");
        house.issued_by(&house.authority_of(door), door, past, right)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_certificate_that_is_not_valid_yet() {
    each_door("CERTIFICATE_NOT_YET_VALID", |house, door, right| {
        let later = Validity::days(house.now().plus_seconds(60), 30).expect("a validity");
        house.issued_by(&house.authority_of(door), door, later, right)
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_connection_that_outlives_its_certificate() {
    let mut heard = logged::listen().await;
    let house = House::new().await;
    for door in Door::BOTH {
        let thirty_days = house.current();
        let right = house.right_visitor(door);
        let visitor = house.issued_by(&house.authority_of(door), door, thirty_days, right);
        let channel = house.channel(door, &visitor);
        heard.forget();
        caller::call(&channel, HEALTH).await.expect("while it is valid");
        house.wait_days(29);
        caller::call(&channel, HEALTH).await.expect("on its last day but one");
        assert!(heard.nothing());
        house.wait_days(2);
        let status =
            caller::call(&channel, HEALTH).await.expect_err("the connection lives, the certificate does not");
        assert_eq!(caller::reason(&status), "NOT_ADMITTED", "{status}");
        let logged = heard.next().await;
        assert_eq!((logged.listener.as_str(), logged.reason.as_str()), (door.name(), "CERTIFICATE_EXPIRED"));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn at_the_other_door() {
    let mut heard = logged::listen().await;
    let house = House::new().await;
    let (officer, institution) = (house.right_visitor(Door::Office), house.right_visitor(Door::Peer));
    admitted(&house, &mut heard, Door::Office, &officer).await;
    refused(&house, &mut heard, Door::Peer, &officer, "OFFICER_ON_PEER_LISTENER").await;
    admitted(&house, &mut heard, Door::Peer, &institution).await;
    refused(&house, &mut heard, Door::Office, &institution, "INSTITUTION_ON_OFFICE_LISTENER").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn from_an_institution_that_is_not_meant() {
    let mut heard = logged::listen().await;
    let house = House::new().await;
    let authority = house.authority_of(Door::Office);
    // Another institution's officer, under the very anchor of the called office.
    let other: OfficerId = "md/other-office/officer/rusu".parse().expect("an officer");
    let issued = authority.issue_officer_tls(&other, "Rusu", house.current()).expect("issued");
    let officer = house.right_visitor(Door::Office).showing_issued(issued);
    refused(&house, &mut heard, Door::Office, &officer, "OTHER_INSTITUTION").await;
    // An institution that no person confirmed, under the same anchor.
    let other: PartyId = "md/other-office".parse().expect("a party");
    let issued = authority.issue_institution_tls(&other, "Other", &[], &[], house.current()).expect("issued");
    let institution = house.right_visitor(Door::Peer).showing_issued(issued);
    refused(&house, &mut heard, Door::Peer, &institution, "UNKNOWN_PARTY").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_certificate_for_signing() {
    // A seal names nobody: it is good for documents, not for connections.
    let mut heard = logged::listen().await;
    let house = House::new().await;
    for door in Door::BOTH {
        let seal = house.authority_of(door).issue_seal(&house.party_at(door), "Seal", house.current());
        let visitor = house.right_visitor(door).showing_issued(seal.expect("a seal"));
        heard.forget();
        assert!(caller::call(&house.channel(door, &visitor), HEALTH).await.is_err());
        let logged = heard.next().await;
        assert_eq!(logged.listener, door.name());
        assert!(["WRONG_PURPOSE", "NO_IDENTITY"].contains(&logged.reason.as_str()), "{logged:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_tls_at_all() {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let mut heard = logged::listen().await;
    let house = House::new().await;
    for door in Door::BOTH {
        heard.forget();
        let mut tcp = tokio::net::TcpStream::connect(house.address(door)).await.expect("a connection");
        tcp.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n").await.expect("written");
        let mut answer = Vec::new();
        // The server ends the connection, by an alert or at once; nothing of HTTP/2 comes back.
        let _ = tcp.read_to_end(&mut answer).await;
        assert!(answer.len() < 16, "{answer:?}");
        let logged = heard.next().await;
        assert_eq!((logged.listener.as_str(), logged.reason.as_str()), (door.name(), "NOT_TLS"));
    }
}

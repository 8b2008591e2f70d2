use super::*;
use crate::development::{DevelopmentCa, Issued};
use crate::testing::{Fixed, at, authority, certificate, leaf, long_past, noon, officer, party, two_years};
use rogatory_core::Timestamp;
use rustls::{CipherSuite, ClientConnection, NamedGroup, ProtocolVersion, ServerConnection};
use std::io;

/// Two countries, as the servers of `md/central-authority` know them.
struct World {
    md: DevelopmentCa,
    fr: DevelopmentCa,
    registry: Registry,
}

fn world() -> World {
    let (md, fr) = (authority("md"), authority("fr"));
    let mut anchors = Anchors::new();
    for authority in [&md, &fr] {
        anchors.add(authority.certificate().clone(), Some(authority.country())).expect("an anchor");
    }
    let confirmed = [party("fr/bepi"), party("md/provider")];
    let registry = Registry::new(anchors, confirmed).expect("a registry");
    World { md, fr, registry }
}

fn institution(authority: &DevelopmentCa, name: &str) -> Issued {
    let address = "127.0.0.1".parse().expect("an address");
    authority
        .issue_institution_tls(&party(name), "Server", &["localhost"], &[address], two_years())
        .expect("issued")
}

fn person(authority: &DevelopmentCa, name: &str) -> Issued {
    authority.issue_officer_tls(&officer(name), "Officer", two_years()).expect("issued")
}

fn chain(issued: &Issued) -> Vec<CertificateDer<'static>> {
    let chain = Certificate::pem_chain(&issued.certificate_pem).expect("a chain");
    chain.iter().map(|one| CertificateDer::from(one.der().to_vec())).collect()
}

fn reason(result: Result<Admitted, Refusal>) -> &'static str {
    match result {
        Ok(_) => "",
        Err(refusal) => {
            assert!(Refusal::REASONS.contains(&refusal.reason()));
            refusal.reason()
        }
    }
}

#[test]
fn who_is_admitted_where() {
    let World { md, fr, registry } = world();
    let own = party("md/central-authority");
    // An authority of one country that issues in another's name: by its own rules it won't, so the name is forged.
    let forged = |authority: &DevelopmentCa, uri: &str| {
        let params = {
            let home = party(&format!("{}/a", authority.country()));
            let mut params = authority.leaf(&home, "Forged", None, two_years()).expect("parameters");
            params.subject_alt_names.push(rcgen::SanType::URI(uri.try_into().expect("ASCII")));
            params
        };
        authority.issue(&params).expect("issued")
    };
    let expired = md
        .issue_officer_tls(&officer("md/central-authority/officer/old"), "Old", long_past())
        .expect("issued");
    let serving_only = leaf(&md, |params| {
        params.subject_alt_names.push(rcgen::SanType::URI(
            "rogatory://md/central-authority/officer/x".try_into().expect("ASCII"),
        ));
        params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ServerAuth];
    });
    let rows: Vec<(&str, Issued, &str, &str)> = vec![
        // who                       certificate                                        office listener                   peer listener
        ("own officer", person(&md, "md/central-authority/officer/rusu"), "", "OFFICER_ON_PEER_LISTENER"),
        (
            "officer of another here",
            person(&md, "md/provider/officer/x"),
            "OTHER_INSTITUTION",
            "OFFICER_ON_PEER_LISTENER",
        ),
        (
            "officer of another country",
            person(&fr, "fr/bepi/officer/y"),
            "OTHER_INSTITUTION",
            "OFFICER_ON_PEER_LISTENER",
        ),
        ("confirmed peer abroad", institution(&fr, "fr/bepi"), "INSTITUTION_ON_OFFICE_LISTENER", ""),
        ("confirmed peer at home", institution(&md, "md/provider"), "INSTITUTION_ON_OFFICE_LISTENER", ""),
        ("unconfirmed peer", institution(&fr, "fr/other"), "INSTITUTION_ON_OFFICE_LISTENER", "UNKNOWN_PARTY"),
        (
            "itself",
            institution(&md, "md/central-authority"),
            "INSTITUTION_ON_OFFICE_LISTENER",
            "UNKNOWN_PARTY",
        ),
        ("peer by a foreign authority", forged(&md, "rogatory://fr/bepi"), "OTHER_COUNTRY", "OTHER_COUNTRY"),
        (
            "own officer by a foreign authority",
            forged(&fr, "rogatory://md/central-authority/officer/rusu"),
            "OTHER_COUNTRY",
            "OTHER_COUNTRY",
        ),
        ("country without anchor", forged(&md, "rogatory://it/a"), "OTHER_COUNTRY", "OTHER_COUNTRY"),
        ("unknown authority", institution(&authority("it"), "it/a"), "UNKNOWN_ISSUER", "UNKNOWN_ISSUER"),
        (
            "authority of a known name",
            institution(&authority("fr"), "fr/bepi"),
            "UNKNOWN_ISSUER",
            "UNKNOWN_ISSUER",
        ),
        ("expired", expired, "CERTIFICATE_EXPIRED", "CERTIFICATE_EXPIRED"),
        ("for serving only", serving_only, "WRONG_PURPOSE", "WRONG_PURPOSE"),
        (
            "seal, names nobody",
            md.issue_seal(&own, "Seal", two_years()).expect("issued"),
            "NO_IDENTITY",
            "NO_IDENTITY",
        ),
    ];
    for (who, issued, office, peer) in rows {
        let chain = chain(&issued);
        assert_eq!(
            reason(admit(Listener::Office, &own, Some(&chain), &registry, noon())),
            office,
            "{who}, office"
        );
        assert_eq!(reason(admit(Listener::Peer, &own, Some(&chain), &registry, noon())), peer, "{who}, peer");
    }
    for none in [None, Some([].as_slice())] {
        assert_eq!(reason(admit(Listener::Peer, &own, none, &registry, noon())), "NO_CLIENT_CERTIFICATE");
    }
    let garbage = [CertificateDer::from(vec![0x30, 0x00])];
    assert_eq!(reason(admit(Listener::Peer, &own, Some(&garbage), &registry, noon())), "BAD_CERTIFICATE");
}

#[test]
fn the_admitted_carries_who_he_is() {
    let World { md, registry, .. } = world();
    let issued = person(&md, "md/central-authority/officer/rusu");
    let own = party("md/central-authority");
    let admitted = admit(Listener::Office, &own, Some(&chain(&issued)), &registry, noon()).expect("admitted");
    assert_eq!(admitted.officer(), Some(&officer("md/central-authority/officer/rusu")));
    assert_eq!(admitted.party(), &own);
    assert_eq!(admitted.certificate_digest(), certificate(&issued).digest());
    assert_eq!(admitted.path().country(), Some(md.country()));
}

#[test]
fn the_server_must_be_the_party_that_was_meant() {
    let World { md, fr, registry } = world();
    let ask =
        |issued: &Issued| reason(admit_server(&party("fr/bepi"), Some(&chain(issued)), &registry, noon()));
    assert_eq!(ask(&institution(&fr, "fr/bepi")), "");
    assert_eq!(ask(&institution(&fr, "fr/other")), "OTHER_PARTY");
    assert_eq!(ask(&institution(&md, "md/provider")), "OTHER_PARTY");
    assert_eq!(ask(&person(&fr, "fr/bepi/officer/x")), "WRONG_PURPOSE");
    assert_eq!(ask(&institution(&authority("fr"), "fr/bepi")), "UNKNOWN_ISSUER");
    assert_eq!(reason(admit_server(&party("fr/bepi"), None, &registry, noon())), "NO_CLIENT_CERTIFICATE");
}

#[test]
fn a_registry_wants_every_anchor_bound() {
    let anchors = Anchors::from_pem(&authority("md").certificate_pem(), None).expect("anchors");
    assert!(matches!(Registry::new(anchors, []), Err(RegistryError::NoCountry { .. })));
}

#[test]
fn a_revoked_peer_is_refused_at_a_second_look() {
    let World { md, fr, registry } = world();
    let issued = institution(&fr, "fr/bepi");
    let list = fr
        .revocation_list(&[&certificate(&issued)], at("2026-11-22T00:00:00Z"), at("2026-11-29T00:00:00Z"))
        .expect("a list");
    let mut lists = RevocationLists::none();
    lists.add(&list).expect("a list");
    let registry = registry.with_revocation(lists);
    let own = party("md/central-authority");
    let ask = |issued: &Issued, at| reason(admit(Listener::Peer, &own, Some(&chain(issued)), &registry, at));
    assert_eq!(ask(&issued, noon()), "CERTIFICATE_REVOKED");
    let later = at("2026-12-24T00:00:00Z");
    assert_eq!(ask(&institution(&fr, "fr/bepi"), later), "REVOCATION_LIST_EXPIRED");
    assert_eq!(ask(&institution(&md, "md/provider"), later), "", "an authority without a list");
}

// Handshakes in memory.

fn identity(issued: &Issued) -> TlsIdentity {
    match TlsIdentity::from_pem(&issued.key_pem, &issued.certificate_pem) {
        Ok(identity) => identity,
        Err(error) => panic!("{error}"),
    }
}

fn clock(at: Timestamp) -> Arc<dyn Clock> {
    Arc::new(Fixed(at))
}

/// How a handshake ended on both sides.
struct Outcome {
    client: ClientConnection,
    server: ServerConnection,
    client_error: Option<io::Error>,
    server_error: Option<io::Error>,
}

/// Carries messages between the two until they are done; errors as an acceptor or connector would wrap them.
fn handshake(client: ClientConfig, server: ServerConfig, name: &str) -> Outcome {
    let name = name.to_owned().try_into().expect("a server name");
    let mut client = ClientConnection::new(Arc::new(client), name).expect("a client");
    let mut server = ServerConnection::new(Arc::new(server)).expect("a server");
    let (mut client_error, mut server_error) = (None, None);
    for _ in 0..6 {
        let mut wire = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut wire).expect("memory");
        }
        if server_error.is_none() {
            server.read_tls(&mut wire.as_slice()).expect("memory");
            server_error = server.process_new_packets().err();
        }
        let mut wire = Vec::new();
        while server.wants_write() {
            server.write_tls(&mut wire).expect("memory");
        }
        if client_error.is_none() {
            client.read_tls(&mut wire.as_slice()).expect("memory");
            client_error = client.process_new_packets().err();
        }
    }
    let wrap = |error| io::Error::new(io::ErrorKind::InvalidData, error);
    Outcome { client, server, client_error: client_error.map(wrap), server_error: server_error.map(wrap) }
}

impl Outcome {
    /// The server's reason and the sentence the client shows.
    fn refused(&self) -> (&'static str, String) {
        let refusal = refusal_of_handshake(self.server_error.as_ref().expect("the server refuses"));
        let words = explain_tls_error(self.client_error.as_ref().expect("the client hears of it"));
        (refusal.reason(), words.expect("an explanation"))
    }
}

/// A server of `md/central-authority` that knows both countries, at `now`.
fn server(world: &World, lists: &RevocationLists, now: Timestamp) -> ServerConfig {
    let identity = identity(&institution(&world.md, "md/central-authority"));
    server_config(&identity, world.registry.anchors(), lists, clock(now)).expect("a configuration")
}

fn client(world: &World, issued: &Issued, now: Timestamp) -> ClientConfig {
    client_config(&identity(issued), world.registry.anchors(), &RevocationLists::none(), clock(now))
        .expect("a configuration")
}

#[test]
fn two_sides_meet_with_the_strongest_they_have() {
    let world = world();
    let caller = institution(&world.fr, "fr/bepi");
    for name in ["localhost", "127.0.0.1"] {
        let outcome = handshake(
            client(&world, &caller, noon()),
            server(&world, &RevocationLists::none(), noon()),
            name,
        );
        assert!(outcome.client_error.is_none() && outcome.server_error.is_none());
        let (client, server) = (outcome.client, outcome.server);
        assert!(!client.is_handshaking() && !server.is_handshaking());
        assert_eq!(server.protocol_version(), Some(ProtocolVersion::TLSv1_3));
        assert_eq!(server.alpn_protocol(), Some(ALPN));
        let suite = server.negotiated_cipher_suite().map(|suite| suite.suite());
        assert_eq!(suite, Some(CipherSuite::TLS13_AES_256_GCM_SHA384));
        let group = server.negotiated_key_exchange_group().map(|group| group.name());
        assert_eq!(group, Some(NamedGroup::X25519MLKEM768));
        assert_eq!(client.tls13_tickets_received(), 0, "nothing to resume with");

        let own = party("md/central-authority");
        let registry = &world.registry;
        let caller =
            admit(Listener::Peer, &own, server.peer_certificates(), registry, noon()).expect("admitted");
        assert_eq!(caller.party(), &party("fr/bepi"));
        let answering = admit_server(&own, client.peer_certificates(), registry, noon()).expect("admitted");
        assert_eq!(answering.party(), &own);
    }
}

#[test]
fn an_intermediate_authority_is_sent_along() {
    let world = world();
    let below = world.fr.intermediate("Issuing Authority FR", two_years()).expect("an authority");
    let caller = institution(&below, "fr/bepi");
    assert_eq!(identity(&caller).chain().len(), 2);
    let outcome = handshake(
        client(&world, &caller, noon()),
        server(&world, &RevocationLists::none(), noon()),
        "localhost",
    );
    assert!(outcome.server_error.is_none());
    let own = party("md/central-authority");
    let chain = outcome.server.peer_certificates();
    assert_eq!(reason(admit(Listener::Peer, &own, chain, &world.registry, noon())), "");
}

#[test]
fn the_door_stays_shut_and_says_why() {
    let world = world();
    let lists = RevocationLists::none();
    let ask = |caller: &Issued| {
        handshake(client(&world, caller, noon()), server(&world, &lists, noon()), "localhost").refused()
    };
    let address = "127.0.0.1".parse().expect("an address");
    let expired = world
        .fr
        .issue_institution_tls(&party("fr/bepi"), "Server", &["localhost"], &[address], long_past())
        .expect("issued");
    let (reason, words) = ask(&expired);
    assert_eq!(reason, "CERTIFICATE_EXPIRED");
    assert!(words.contains("our certificate has expired"), "{words}");
    let (reason, words) = ask(&institution(&authority("it"), "it/a"));
    assert_eq!(reason, "UNKNOWN_ISSUER");
    assert!(words.contains("does not know the authority"), "{words}");
    assert_eq!(ask(&institution(&authority("fr"), "fr/bepi")).0, "UNKNOWN_ISSUER");
}

#[test]
fn without_a_certificate_nobody_gets_in() {
    let world = world();
    let provider = Arc::new(super::provider());
    let nobody = ClientConfig::builder_with_details(provider, Arc::new(HandedInTime(clock(noon()))))
        .with_protocol_versions(&[&TLS13])
        .expect("a version")
        .with_root_certificates(roots(world.registry.anchors()).expect("roots"))
        .with_no_client_auth();
    let mut nobody = nobody;
    nobody.alpn_protocols = vec![ALPN.to_vec()];
    let (reason, words) =
        handshake(nobody, server(&world, &RevocationLists::none(), noon()), "localhost").refused();
    assert_eq!(reason, "NO_CLIENT_CERTIFICATE");
    assert!(words.contains("asks for a client certificate"), "{words}");
}

#[test]
fn nothing_older_than_tls_1_3_is_spoken() {
    let world = world();
    let caller = identity(&institution(&world.fr, "fr/bepi"));
    let older = ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
        .with_protocol_versions(&[&rustls::version::TLS12])
        .expect("a version")
        .with_root_certificates(roots(world.registry.anchors()).expect("roots"))
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(caller.key)));
    let (reason, words) =
        handshake(older, server(&world, &RevocationLists::none(), noon()), "localhost").refused();
    assert_eq!(reason, "TLS_VERSION");
    assert!(words.contains("TLS 1.3"), "{words}");
}

#[test]
fn what_is_not_tls_is_named_so() {
    let world = world();
    let config = server(&world, &RevocationLists::none(), noon());
    let mut server = ServerConnection::new(Arc::new(config)).expect("a server");
    server.read_tls(&mut b"GET / HTTP/1.1\r\n\r\n".as_slice()).expect("memory");
    let error = server.process_new_packets().expect_err("not TLS");
    assert_eq!(refusal_of_handshake(&error).reason(), "NOT_TLS");
}

#[test]
fn the_revoked_are_refused_at_the_door() {
    let world = world();
    let caller = institution(&world.fr, "fr/bepi");
    let list = world
        .fr
        .revocation_list(&[&certificate(&caller)], at("2026-11-22T00:00:00Z"), at("2026-11-29T00:00:00Z"))
        .expect("a list");
    let mut lists = RevocationLists::none();
    lists.add(&list).expect("a list");
    let refused =
        |now| handshake(client(&world, &caller, now), server(&world, &lists, now), "localhost").refused();
    let (reason, words) = refused(noon());
    assert_eq!(reason, "CERTIFICATE_REVOKED");
    assert!(words.contains("revoked"), "{words}");
    assert_eq!(refused(at("2026-12-24T00:00:00Z")).0, "REVOCATION_LIST_EXPIRED");
    // An older list beside it, in whatever order, does not help him; a newer one beside one that ran out lets others in.
    let older = world.fr.revocation_list(&[], at("2026-11-21T00:00:00Z"), at("2026-12-29T00:00:00Z"));
    let mut both = RevocationLists::none();
    both.add(&older.expect("a list")).expect("a list");
    both.add(&list).expect("a list");
    let handshake_with = |caller: &Issued, now| {
        handshake(client(&world, caller, now), server(&world, &both, now), "localhost")
    };
    assert_eq!(handshake_with(&caller, noon()).refused().0, "CERTIFICATE_REVOKED");
    assert!(handshake_with(&institution(&world.fr, "fr/other"), noon()).server_error.is_none());
    // The authority that has no list is not asked about.
    let other = institution(&world.md, "md/provider");
    let outcome = handshake(client(&world, &other, noon()), server(&world, &lists, noon()), "localhost");
    assert!(outcome.server_error.is_none());
}

#[test]
fn a_client_refuses_a_server_by_another_name_or_authority() {
    let world = world();
    let caller = institution(&world.fr, "fr/bepi");
    let outcome = handshake(
        client(&world, &caller, noon()),
        server(&world, &RevocationLists::none(), noon()),
        "other.example",
    );
    let error = outcome.client_error.as_ref().expect("refused");
    assert_eq!(refusal_of_handshake(error).reason(), "WRONG_NAME");

    let only_fr = world.registry.anchors().of_country(world.fr.country());
    let config = client_config(&identity(&caller), &only_fr, &RevocationLists::none(), clock(noon()));
    let outcome = handshake(
        config.expect("a configuration"),
        server(&world, &RevocationLists::none(), noon()),
        "localhost",
    );
    let words = explain_tls_error(outcome.client_error.as_ref().expect("refused")).expect("an explanation");
    assert!(words.contains("not among the trusted ones"), "{words}");
    let refusal = refusal_of_handshake(outcome.server_error.as_ref().expect("told by an alert"));
    assert_eq!(refusal.reason(), "REFUSED_BY_OTHER_SIDE");
}

#[test]
fn an_alert_is_understood_from_its_text_too() {
    // As the HTTP/2 layer keeps it: the kind and the text of the I/O error.
    let kept = io::Error::other("connection error: received fatal alert: CertificateRevoked");
    assert_eq!(
        explain_tls_error(&kept).as_deref(),
        Some("the other side refused the connection: our certificate was revoked")
    );
    assert_eq!(explain_tls_error(&io::Error::other("disk full")), None);
    let cut = io::Error::from(io::ErrorKind::UnexpectedEof);
    assert_eq!(refusal_of_handshake(&cut), Refusal::Interrupted);
}

#[test]
fn files_that_do_not_make_an_identity_are_refused() {
    let world = world();
    let (one, other) = (institution(&world.md, "md/a"), institution(&world.md, "md/b"));
    let refused = |key: &str, certificate: &str| match TlsIdentity::from_pem(key, certificate) {
        Ok(_) => panic!("an identity came about"),
        Err(error) => error,
    };
    assert!(matches!(refused(&other.key_pem, &one.certificate_pem), TlsError::OtherKey { .. }));
    assert!(matches!(refused("", &one.certificate_pem), TlsError::Key(_)));
    assert!(matches!(refused(&one.key_pem, ""), TlsError::Certificate(_)));
    let seal = world.md.issue_seal(&party("md/a"), "Seal", two_years()).expect("a seal");
    assert!(matches!(refused(&seal.key_pem, &seal.certificate_pem), TlsError::Identity { .. }));

    let officer = identity(&person(&world.md, "md/a/officer/x"));
    let anchors = world.registry.anchors();
    let none = RevocationLists::none();
    assert!(matches!(
        server_config(&officer, anchors, &none, clock(noon())),
        Err(TlsError::NotAnInstitution(_))
    ));
    let institution = identity(&one);
    assert!(matches!(
        server_config(&institution, &Anchors::new(), &none, clock(noon())),
        Err(TlsError::NoAnchors)
    ));
    assert!(matches!(
        client_config(&institution, &Anchors::new(), &none, clock(noon())),
        Err(TlsError::NoAnchors)
    ));
}

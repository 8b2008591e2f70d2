//! The connection to the own server over real TLS on loopback: who is believed, who is refused, and
//! what the officer is told.

use rogatory_client::commands::party;
use rogatory_client::profile::{KeyPair, Profile};
use rogatory_client::{Exit, Session};
use rogatory_core::{Clock, Entropy, OfficerId, PartyId, Timestamp};
use rogatory_pki::development::{DevelopmentCa, Issued, Validity};
use rogatory_pki::path::Anchors;
use rogatory_pki::revocation::RevocationLists;
use rogatory_pki::tls::{TlsIdentity, server_config};
use rogatory_proto::office::v1 as office;
use rogatory_proto::office::v1::party_service_server::{PartyService, PartyServiceServer};
use std::net::IpAddr;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tonic::{Request, Response, Status};

struct Fixed(Timestamp);

impl Clock for Fixed {
    fn now(&self) -> Timestamp {
        self.0
    }
}

struct Counting;

impl Entropy for Counting {
    fn fill(&self, bytes: &mut [u8]) {
        for (index, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::try_from(index % 251).unwrap_or(0);
        }
    }
}

fn now() -> Timestamp {
    "2026-11-22T14:20:00Z".parse().expect("an instant")
}

struct Stub;

#[tonic::async_trait]
impl PartyService for Stub {
    async fn export_party(
        &self,
        _: Request<office::ExportPartyRequest>,
    ) -> Result<Response<office::ExportPartyResponse>, Status> {
        let mut status = Status::permission_denied("officer has no role for it");
        status.metadata_mut().insert("rogatory-reason", "ROLE_MISSING".parse().expect("ascii"));
        status.metadata_mut().insert("rogatory-hint", "ask the operator".parse().expect("ascii"));
        Err(status)
    }

    async fn import_party(
        &self,
        _: Request<office::ImportPartyRequest>,
    ) -> Result<Response<office::ImportPartyResponse>, Status> {
        Err(Status::unavailable("not now"))
    }

    async fn get_party(
        &self,
        _: Request<office::GetPartyRequest>,
    ) -> Result<Response<office::GetPartyResponse>, Status> {
        Err(Status::not_found("there is no party"))
    }

    async fn list_parties(
        &self,
        _: Request<office::ListPartiesRequest>,
    ) -> Result<Response<office::ListPartiesResponse>, Status> {
        let party = office::Party { party_id: "gb/central-authority".to_owned(), ..Default::default() };
        Ok(Response::new(office::ListPartiesResponse {
            parties: vec![party],
            next_page_token: String::new(),
        }))
    }
}

fn validity() -> Validity {
    Validity::days("2026-11-01T00:00:00Z".parse().expect("an instant"), 90).expect("a validity")
}

fn party_id() -> PartyId {
    "md/central-authority".parse().expect("a party")
}

struct Country {
    ca: DevelopmentCa,
}

impl Country {
    fn new() -> Self {
        Self {
            ca: DevelopmentCa::new(party_id().country(), "Demonstration root", validity()).expect("a root"),
        }
    }

    fn anchors(&self) -> Anchors {
        Anchors::from_pem(&self.ca.certificate_pem(), Some(party_id().country())).expect("anchors")
    }

    fn institution(&self, party: &str) -> Issued {
        let party: PartyId = party.parse().expect("a party");
        let localhost = [IpAddr::from([127, 0, 0, 1])];
        self.ca
            .issue_institution_tls(&party, "Institution", &["localhost"], &localhost, validity())
            .expect("a certificate")
    }

    fn officer(&self, validity: Validity) -> Issued {
        let officer = OfficerId::new(party_id(), "rusu").expect("an officer");
        self.ca.issue_officer_tls(&officer, "Ion Rusu", validity).expect("a certificate")
    }

    fn profile(&self, server: &str, tls: &Issued) -> Profile {
        Profile {
            party: party_id(),
            name: "Central Authority".to_owned(),
            officer: OfficerId::new(party_id(), "rusu").expect("an officer"),
            officer_name: "Ion Rusu".to_owned(),
            server: server.to_owned(),
            tls: KeyPair {
                certificates_pem: tls.certificate_pem.clone(),
                key_pem: tls.key_pem.clone().into(),
            },
            signing: None,
            identity: None,
            anchors_pem: self.ca.certificate_pem(),
            recovery_recipient: None,
            recovery_recipient_hybrid: None,
            contact: None,
        }
    }
}

/// Serves the stub with `shown` as the server's certificate; gives the address.
async fn serve(shown: &Issued, callers: &Anchors) -> String {
    let identity = TlsIdentity::from_pem(&shown.key_pem, &shown.certificate_pem).expect("an identity");
    let config = server_config(&identity, callers, &RevocationLists::none(), Arc::new(Fixed(now())))
        .expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let (streams, accepted) = tokio::sync::mpsc::channel(8);
    tokio::spawn(async move {
        while let Ok((socket, _)) = listener.accept().await {
            let (acceptor, streams) = (acceptor.clone(), streams.clone());
            tokio::spawn(async move {
                if let Ok(stream) = acceptor.accept(socket).await {
                    let _ = streams.send(Ok::<_, std::io::Error>(stream)).await;
                }
            });
        }
    });
    let incoming = tokio_stream::wrappers::ReceiverStream::new(accepted);
    tokio::spawn(
        tonic::transport::Server::builder()
            .add_service(PartyServiceServer::new(Stub))
            .serve_with_incoming(incoming),
    );
    address
}

fn session(profile: Profile) -> Session {
    Session::new(Some(profile), Arc::new(Fixed(now())), Arc::new(Counting))
}

#[tokio::test]
async fn the_own_server_is_believed_and_answers() {
    let country = Country::new();
    let server = serve(&country.institution("md/central-authority"), &country.anchors()).await;
    let session = session(country.profile(&server, &country.officer(validity())));
    let parties = party::list(&session).await.expect("answered");
    assert_eq!(parties.parties[0].party_id, "gb/central-authority");
}

#[tokio::test]
async fn a_refusal_keeps_reason_and_hint() {
    let country = Country::new();
    let server = serve(&country.institution("md/central-authority"), &country.anchors()).await;
    let session = session(country.profile(&server, &country.officer(validity())));
    let directory = tempfile::tempdir().expect("a directory");
    let problem = party::export(&session, &directory.path().join("entry.asice")).await.expect_err("refused");
    assert_eq!(problem.exit(), Exit::Refused);
    assert_eq!(problem.reason(), Some("ROLE_MISSING"));
    assert_eq!(problem.hint(), Some("ask the operator"));
}

#[tokio::test]
async fn the_server_of_another_institution_gets_nothing() {
    let country = Country::new();
    let server = serve(&country.institution("md/provider"), &country.anchors()).await;
    let problem = party::list(&session(country.profile(&server, &country.officer(validity()))))
        .await
        .expect_err("another");
    assert_eq!(problem.exit(), Exit::VerificationFailed);
    assert_eq!(problem.reason(), Some("OTHER_PARTY"));
}

#[tokio::test]
async fn a_server_of_an_unknown_authority_is_refused_in_plain_words() {
    let (country, stranger) = (Country::new(), Country::new());
    let server = serve(&stranger.institution("md/central-authority"), &country.anchors()).await;
    let problem = party::list(&session(country.profile(&server, &country.officer(validity()))))
        .await
        .expect_err("unknown");
    assert_eq!(problem.exit(), Exit::VerificationFailed);
    assert_eq!(problem.reason(), Some("UNKNOWN_ISSUER"));
    assert!(problem.message().contains("not among the trusted ones"), "{problem}");
}

#[tokio::test]
async fn an_expired_officer_is_told_so() {
    let country = Country::new();
    let server = serve(&country.institution("md/central-authority"), &country.anchors()).await;
    let past = Validity::days("2025-01-01T00:00:00Z".parse().expect("an instant"), 30).expect("a validity");
    let problem =
        party::list(&session(country.profile(&server, &country.officer(past)))).await.expect_err("expired");
    assert_eq!(problem.exit(), Exit::Refused, "{problem:?}");
    assert!(problem.message().contains("expired"), "{problem}");
}

#[tokio::test]
async fn a_server_that_is_not_there_is_not_yet() {
    let country = Country::new();
    let problem = party::list(&session(country.profile("127.0.0.1:1", &country.officer(validity()))))
        .await
        .expect_err("nobody");
    assert_eq!(problem.exit(), Exit::NotYet);
    assert!(problem.hint().is_some());
}

//! TLS between officers, servers and peers: configuration, and who is let in.
//!
//! Holds the making of `rustls` configurations: TLS 1.3 only, HTTP/2 only, certificates on both
//! sides, post-quantum key agreement preferred, neither early data nor resumption (so that every
//! connection shows its certificate anew). [`admission`] says who is let in after the handshake,
//! [`explanation`] why a handshake failed. Never opens a socket; the clock is handed in.

pub mod admission;
pub mod explanation;

pub use admission::{Admitted, Listener, Refusal, Registry, RegistryError, admit, admit_server};
pub use explanation::{explain_tls_error, refusal_of_handshake};

use crate::certificate::{Certificate, CertificateError};
use crate::identity::{Identity, IdentityError};
use crate::path::{Anchors, unix_time};
use crate::revocation::RevocationLists;
use crate::signing::{SignError, private_key, upwards};
use rogatory_core::Clock;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::server::{NoServerSessionStorage, VerifierBuilderError, WebPkiClientVerifier};
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use rustls::time_provider::TimeProvider;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use rustls_pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer, UnixTime};
use std::fmt;
use std::sync::Arc;

/// The only application protocol that is spoken: HTTP/2.
pub const ALPN: &[u8] = b"h2";

/// A TLS configuration can't be made.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificate file can't be read.
    #[error("the TLS certificate can't be read")]
    Certificate(#[source] CertificateError),
    /// The key file can't be read.
    #[error("the TLS key can't be read")]
    Key(#[source] SignError),
    /// The certificate names no party or officer.
    #[error("the TLS certificate of `{subject}` can't be used")]
    Identity {
        /// The certificate's subject.
        subject: String,
        /// What its names lack.
        #[source]
        source: IdentityError,
    },
    /// Key and certificate don't fit.
    #[error(
        "the TLS key does not belong to the certificate of `{subject}`, or is of a kind that TLS does not use"
    )]
    OtherKey {
        /// The certificate's subject.
        subject: String,
        /// What the TLS library says.
        #[source]
        source: rustls::Error,
    },
    /// A server with an officer's certificate.
    #[error("a server needs an institution's certificate, but this one is {0}'s")]
    NotAnInstitution(Identity),
    /// Nobody could be let in.
    #[error("no trust anchor is known, so no other side could be believed")]
    NoAnchors,
    /// The verifier of the other side's certificate can't be made.
    #[error("the check of the other side's certificates can't be set up")]
    Verifier(#[source] VerifierBuilderError),
    /// The TLS library refuses the configuration.
    #[error("the TLS library refuses the configuration")]
    Configuration(#[source] rustls::Error),
}

/// A certificate chain with its key, to show to the other side.
#[derive(Clone)]
pub struct TlsIdentity {
    identity: Identity,
    chain: Vec<Certificate>,
    key: Arc<CertifiedKey>,
}

impl TlsIdentity {
    /// Takes a PKCS#8 key and the certificates, its own first; further ones in any order, self-signed ones are dropped.
    ///
    /// # Errors
    /// [`TlsError`] if a file can't be read, they don't belong together, or the certificate names nobody.
    pub fn from_pem(key_pem: &str, certificates_pem: &str) -> Result<Self, TlsError> {
        let certificates = Certificate::pem_chain(certificates_pem).map_err(TlsError::Certificate)?;
        let leaf = certificates.first().ok_or(TlsError::Certificate(CertificateError::NoCertificate))?;
        let identity =
            leaf.identity().map_err(|source| TlsError::Identity { subject: leaf.subject(), source })?;
        let der = private_key(key_pem).map_err(TlsError::Key)?;
        let chain = upwards(leaf, &certificates);
        let key = CertifiedKey::from_der(
            chain.iter().map(|one| CertificateDer::from(one.der().to_vec())).collect(),
            PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(der.to_vec())),
            &provider(),
        )
        .map_err(|source| TlsError::OtherKey { subject: leaf.subject(), source })?;
        Ok(Self { identity, chain, key: Arc::new(key) })
    }

    /// Whom the certificate speaks for.
    #[must_use]
    pub const fn identity(&self) -> &Identity {
        &self.identity
    }

    /// The certificates that are shown, its own first; never empty.
    #[must_use]
    pub fn chain(&self) -> &[Certificate] {
        &self.chain
    }
}

/// Makes a server's configuration: callers must show a certificate that leads to one of `callers`.
///
/// That is only the door: who the caller is and whether he may use this listener is [`admit`]'s to say. To rotate
/// keys, anchors or lists, make a new configuration and put it in the old one's place.
///
/// # Errors
/// [`TlsError`] for an identity that is no institution's, or without anchors.
pub fn server_config(
    identity: &TlsIdentity,
    callers: &Anchors,
    revocation: &RevocationLists,
    clock: Arc<dyn Clock>,
) -> Result<ServerConfig, TlsError> {
    if identity.identity.officer().is_some() {
        return Err(TlsError::NotAnInstitution(identity.identity.clone()));
    }
    let provider = Arc::new(provider());
    let mut verifier = WebPkiClientVerifier::builder_with_provider(roots(callers)?, Arc::clone(&provider))
        // Which authorities we know is nobody's business before he has shown who he is.
        .clear_root_hint_subjects();
    if !revocation.is_empty() {
        verifier = verifier
            .with_crls(revocation.ders())
            .allow_unknown_revocation_status()
            .enforce_revocation_expiration();
    }
    let verifier = verifier.build().map_err(TlsError::Verifier)?;
    let mut config = ServerConfig::builder_with_details(provider, Arc::new(HandedInTime(clock)))
        .with_protocol_versions(&[&TLS13])
        .map_err(TlsError::Configuration)?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&identity.key))));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.ignore_client_order = true;
    config.max_early_data_size = 0;
    config.send_tls13_tickets = 0;
    config.session_storage = Arc::new(NoServerSessionStorage {});
    Ok(config)
}

/// Makes a caller's configuration: the server must show a certificate that leads to one of `servers` and carries
/// the dialled DNS name or IP address.
///
/// After the handshake, [`admit_server`] says whether it is the party that was meant.
///
/// # Errors
/// [`TlsError`] without anchors.
pub fn client_config(
    identity: &TlsIdentity,
    servers: &Anchors,
    revocation: &RevocationLists,
    clock: Arc<dyn Clock>,
) -> Result<ClientConfig, TlsError> {
    let provider = Arc::new(provider());
    let mut verifier =
        rustls::client::WebPkiServerVerifier::builder_with_provider(roots(servers)?, Arc::clone(&provider));
    if !revocation.is_empty() {
        verifier = verifier
            .with_crls(revocation.ders())
            .allow_unknown_revocation_status()
            .enforce_revocation_expiration();
    }
    let verifier = verifier.build().map_err(TlsError::Verifier)?;
    let mut config = ClientConfig::builder_with_details(provider, Arc::new(HandedInTime(clock)))
        .with_protocol_versions(&[&TLS13])
        .map_err(TlsError::Configuration)?
        .with_webpki_verifier(verifier)
        .with_client_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&identity.key))));
    config.alpn_protocols = vec![ALPN.to_vec()];
    config.enable_early_data = false;
    config.resumption = rustls::client::Resumption::disabled();
    Ok(config)
}

/// The cryptography of every connection, in order of preference.
fn provider() -> CryptoProvider {
    use aws_lc_rs::{cipher_suite, kx_group};
    CryptoProvider {
        cipher_suites: vec![
            cipher_suite::TLS13_AES_256_GCM_SHA384,
            cipher_suite::TLS13_CHACHA20_POLY1305_SHA256,
        ],
        kx_groups: vec![kx_group::X25519MLKEM768, kx_group::X25519, kx_group::SECP256R1],
        ..aws_lc_rs::default_provider()
    }
}

fn roots(anchors: &Anchors) -> Result<Arc<RootCertStore>, TlsError> {
    if anchors.is_empty() {
        return Err(TlsError::NoAnchors);
    }
    Ok(Arc::new(RootCertStore { roots: anchors.roots().to_vec() }))
}

/// The clock that was handed in, in the shape the TLS library wants.
struct HandedInTime(Arc<dyn Clock>);

impl fmt::Debug for HandedInTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HandedInTime")
    }
}

impl TimeProvider for HandedInTime {
    fn current_time(&self) -> Option<UnixTime> {
        unix_time(self.0.now())
    }
}

#[cfg(test)]
mod tests;

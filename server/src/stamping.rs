//! Asks time-stamping authorities for stamps: RFC 3161 over HTTP or HTTPS.
//!
//! Sends a digest and a nonce, takes a bounded answer in bounded time, and gives only what the verifier of the
//! container crate accepts. Stores nothing and decides nothing about when to ask.

use crate::config::{ConfigError, TimeStampsConfig};
use crate::datastore::GotToken;
use bytes::Bytes;
use http::{Request as HttpRequest, Uri, header};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rogatory_container::timestamp::{
    self, Answer, Expected, MAX_ANSWER_BYTES, Nonce, PolicyId, QUERY_TYPE, REPLY_TYPE, Request,
    TimestampError,
};
use rogatory_core::{Digest, chain};
use rogatory_pki::path::Anchors;
use rustls::pki_types::{CertificateDer, ServerName};
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

/// How long one authority may take, from dialling to the last byte.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);
const SECTION: &str = "time_stamps";

/// The configured authorities and whom to believe.
pub struct TimeStamping {
    urls: Vec<Uri>,
    anchors: Anchors,
    tls: Option<Arc<rustls::ClientConfig>>,
    policy: Option<PolicyId>,
    config: TimeStampsConfig,
}

/// No stamp was got from an authority.
#[derive(Debug, thiserror::Error)]
pub enum StampingError {
    /// It isn't reached, or breaks off.
    #[error("the time-stamping authority {url} is not reachable")]
    Unreachable {
        /// Which.
        url: Uri,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It answers with something else than a stamp.
    #[error("the time-stamping authority {url} answered with HTTP status {status} or another media type")]
    Http {
        /// Which.
        url: Uri,
        /// Its status.
        status: u16,
    },
    /// Its answer is refused.
    #[error("the answer of the time-stamping authority {url} is refused")]
    Answer {
        /// Which.
        url: Uri,
        /// Why.
        #[source]
        source: TimestampError,
    },
    /// The configuration names none.
    #[error("no time-stamping authority is configured")]
    NoAuthority,
}

impl TimeStamping {
    /// Reads the anchors that the configuration names, relative to `folder`.
    ///
    /// # Errors
    /// [`ConfigError`] naming the file or what is wrong with it.
    pub fn load(folder: &Path, config: &TimeStampsConfig) -> Result<Self, ConfigError> {
        let wrong = |what: String| ConfigError::Section { section: SECTION, what };
        let anchors = |file: &Path, field: &str| {
            let path = folder.join(file);
            let text = std::fs::read_to_string(&path)
                .map_err(|source| ConfigError::Read { path: path.clone(), source })?;
            Anchors::from_pem(&text, None).map_err(|error| wrong(format!("`{field}`: {}", chain(&error))))
        };
        let tls = match &config.tls_anchors {
            None => None,
            Some(file) => Some(Arc::new(tls(&anchors(file, "tls_anchors")?).map_err(wrong)?)),
        };
        let parse = |url: &String| url.parse().map_err(|_| wrong(format!("`urls`: `{url}` is no address")));
        Ok(Self {
            urls: config.urls.iter().map(parse).collect::<Result<_, _>>()?,
            anchors: anchors(&config.anchors, "anchors")?,
            tls,
            policy: config.policy.as_ref().and_then(|policy| policy.parse().ok()),
            config: config.clone(),
        })
    }

    /// The section it was loaded from.
    #[must_use]
    pub const fn config(&self) -> &TimeStampsConfig {
        &self.config
    }

    /// Gets a stamp over bytes with the SHA-256 `imprint`, verified, from the first authority that gives one.
    ///
    /// # Errors
    /// [`StampingError`] of the last one asked; the others are logged.
    pub async fn stamp(&self, imprint: Digest, nonce: Nonce) -> Result<GotToken, StampingError> {
        let mut last = StampingError::NoAuthority;
        for url in &self.urls {
            match self.ask(url, Request { imprint, nonce }).await {
                Ok(token) => return Ok(token),
                Err(error) => {
                    tracing::warn!(error = %chain(&error), "no time stamp was got");
                    last = error;
                }
            }
        }
        Err(last)
    }

    async fn ask(&self, url: &Uri, request: Request) -> Result<GotToken, StampingError> {
        let exchange = self.exchange(url, request.to_der(self.policy));
        let late = || io::Error::new(io::ErrorKind::TimedOut, "it took longer than 30 seconds");
        let answered =
            tokio::time::timeout(ANSWER_LIMIT, exchange).await.unwrap_or_else(|_| Err(late().into()));
        let answer = answered.map_err(|failed| match failed {
            Failed::Io(source) => StampingError::Unreachable { url: url.clone(), source },
            Failed::Http(status) => StampingError::Http { url: url.clone(), status },
        })?;
        self.check(request, &answer).map_err(|source| StampingError::Answer { url: url.clone(), source })
    }

    fn check(&self, request: Request, answer: &[u8]) -> Result<GotToken, TimestampError> {
        let answer = Answer::from_der(answer)?;
        let parsed = timestamp::parse(answer.token())?;
        let expected = Expected { nonce: Some(request.nonce), policy: self.policy };
        let verified = timestamp::verify(&parsed, request.imprint, expected, &self.anchors)?;
        Ok(GotToken {
            token: answer.token().to_vec(),
            stamped_time: verified.time(),
            tsa: verified.tsa().subject(),
            tsa_until: verified.tsa().not_after(),
            algorithm: parsed.algorithm().to_string(),
        })
    }

    async fn exchange(&self, url: &Uri, query: Vec<u8>) -> Result<Bytes, Failed> {
        let invalid = |what: &str| Failed::Io(io::Error::new(io::ErrorKind::InvalidInput, what.to_owned()));
        let host = url.host().ok_or_else(|| invalid("the address names no host"))?;
        // An address of IPv6 stands in brackets in a URL, and without them everywhere else.
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let secure = url.scheme_str() == Some("https");
        let port = url.port_u16().unwrap_or(if secure { 443 } else { 80 });
        let stream = TcpStream::connect((host, port)).await?;
        if !secure {
            return post(stream, url, query).await;
        }
        let tls = self.tls.as_ref().ok_or_else(|| invalid("https without `tls_anchors`"))?;
        let name = ServerName::try_from(host.to_owned()).map_err(|_| invalid("no name of a web server"))?;
        post(TlsConnector::from(Arc::clone(tls)).connect(name, stream).await?, url, query).await
    }
}

enum Failed {
    Io(io::Error),
    Http(u16),
}

impl From<io::Error> for Failed {
    fn from(error: io::Error) -> Self {
        Self::Io(error)
    }
}

/// One request and its answer; the connection is not used again.
async fn post(
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    url: &Uri,
    query: Vec<u8>,
) -> Result<Bytes, Failed> {
    let broken = |error: hyper::Error| Failed::Io(io::Error::other(error));
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
    let path = url.path_and_query().map_or("/", http::uri::PathAndQuery::as_str);
    let request = HttpRequest::post(path)
        .header(header::HOST, url.authority().map_or("", http::uri::Authority::as_str))
        .header(header::CONTENT_TYPE, QUERY_TYPE)
        .header(header::ACCEPT, REPLY_TYPE)
        .body(Full::new(Bytes::from(query)))
        .map_err(|error| Failed::Io(io::Error::other(error)))?;
    let answer = async {
        let response = sender.send_request(request).await.map_err(broken)?;
        let status = response.status();
        let media = response.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
        let fits = media.is_some_and(|media| media.split(';').next().unwrap_or(media).trim() == REPLY_TYPE);
        if !status.is_success() || !fits {
            return Err(Failed::Http(status.as_u16()));
        }
        let body = Limited::new(response.into_body(), MAX_ANSWER_BYTES).collect().await;
        Ok(body.map_err(|error| Failed::Io(io::Error::other(error)))?.to_bytes())
    };
    // The connection moves only while it is looked at; it may end before the answer was read whole.
    let driven = async {
        let _ = connection.await;
        std::future::pending::<()>().await;
    };
    tokio::select! {
        answer = answer => answer,
        () = driven => Err(Failed::Io(io::Error::from(io::ErrorKind::ConnectionAborted))),
    }
}

fn tls(anchors: &Anchors) -> Result<rustls::ClientConfig, String> {
    let mut roots = rustls::RootCertStore::empty();
    for anchor in anchors.iter() {
        let der = CertificateDer::from(anchor.certificate().der().to_vec());
        roots.add(der).map_err(|error| format!("`tls_anchors`: {error}"))?;
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let versions =
        rustls::ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let versions = versions.map_err(|error| format!("TLS cannot be configured: {error}"))?;
    Ok(versions.with_root_certificates(roots).with_no_client_auth())
}

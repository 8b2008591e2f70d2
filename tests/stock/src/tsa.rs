//! A real small time-stamping authority: `openssl ts -reply`, called directly or over HTTP.
//!
//! Stamps with the machine's clock. May start `openssl` and listen on loopback. Answers one request after another, as
//! long as it is switched on.

use crate::tools::{run, text};
use rogatory_pki::certificate::Certificate;
use rogatory_pki::development::{DevelopmentCa, Validity};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tempfile::TempDir;

/// The policy under which it stamps.
pub const POLICY: &str = "1.3.6.1.4.1.99999.3.1";
/// No request of ours is longer.
const MAX_REQUEST_BYTES: usize = 64 * 1024;

/// An authority whose key and certificate lie in a folder, for `openssl ts`.
pub struct Tsa {
    folder: TempDir,
    certificate: Certificate,
}

impl Tsa {
    /// Has `ca` issue its certificate.
    ///
    /// # Panics
    /// If a file can't be written.
    #[must_use]
    pub fn issued_by(ca: &DevelopmentCa, validity: Validity) -> Self {
        let issued = ca.issue_time_stamping("Time Stamping Authority", validity).expect("a certificate");
        Self::with(&issued.certificate_pem, &issued.key_pem)
    }

    /// Takes a certificate (the issuers below the anchor may follow it) and its key.
    ///
    /// # Panics
    /// If a file can't be written.
    #[must_use]
    pub fn with(certificate_pem: &str, key_pem: &str) -> Self {
        let folder = tempfile::tempdir().expect("a directory");
        let chain = Certificate::pem_chain(certificate_pem).expect("a certificate");
        let (leaf, issuers) = chain.split_first().expect("a certificate");
        let mut config = format!(
            "[tsa]\ndefault_tsa = here\n[here]\nserial = serial\ncrypto_device = builtin\n\
             signer_cert = tsa.pem\nsigner_key = tsa.key\nsigner_digest = sha256\ndefault_policy = {POLICY}\n\
             digests = sha256, sha512\naccuracy = secs:1, millisecs:500\nclock_precision_digits = 3\n\
             ordering = no\ntsa_name = yes\ness_cert_id_chain = no\ness_cert_id_alg = sha256\n"
        );
        let write = |name: &str, bytes: &str| fs::write(folder.path().join(name), bytes).expect("writes");
        if !issuers.is_empty() {
            write("issuers.pem", &issuers.iter().map(Certificate::to_pem).collect::<String>());
            let _ = writeln!(config, "certs = issuers.pem");
        }
        for (name, bytes) in [
            ("tsa.cnf", config.as_str()),
            ("tsa.pem", &leaf.to_pem()),
            ("tsa.key", key_pem),
            ("serial", "01\n"),
        ] {
            write(name, bytes);
        }
        Self { certificate: leaf.clone(), folder }
    }

    /// Its certificate.
    #[must_use]
    pub const fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// Changes a line of its configuration, for authorities that do things differently.
    ///
    /// # Panics
    /// If there is no such line.
    pub fn reconfigure(&self, before: &str, after: &str) {
        let path = self.folder.path().join("tsa.cnf");
        let config = fs::read_to_string(&path).expect("reads");
        assert!(config.contains(before), "no `{before}` in {config}");
        fs::write(path, config.replace(before, after)).expect("writes");
    }

    /// The DER of its answer to a request in DER.
    ///
    /// # Panics
    /// If there is no `openssl`.
    #[must_use]
    pub fn reply(&self, query: &[u8]) -> Vec<u8> {
        let folder = self.folder.path();
        fs::write(folder.join("query.tsq"), query).expect("writes");
        let words = ["ts", "-reply", "-config", "tsa.cnf", "-queryfile", "query.tsq", "-out", "reply.tsr"];
        // It ends with 1 where it refuses, and writes an answer that says why.
        let ended = run("openssl", &words, folder);
        fs::read(folder.join("reply.tsr")).unwrap_or_else(|error| panic!("{error}: {}", ended.text()))
    }

    /// Serves it over HTTP on a port of loopback until the value is dropped.
    ///
    /// # Panics
    /// If there is no free port.
    #[must_use]
    pub fn serve(self) -> TsaServer {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
        let address = listener.local_addr().expect("a bound socket");
        let state = Arc::new(State {
            tsa: Mutex::new(self),
            on: AtomicBool::new(true),
            answered: AtomicUsize::new(0),
            over: AtomicBool::new(false),
        });
        let served = Arc::clone(&state);
        let thread = std::thread::spawn(move || {
            for caller in listener.incoming() {
                if served.over.load(Ordering::SeqCst) {
                    return;
                }
                if let Ok(mut caller) = caller {
                    // Who hangs up, or says what is no request, gets no answer.
                    let _ = served.answer(&mut caller);
                }
            }
        });
        TsaServer { address, state, thread: Some(thread) }
    }
}

struct State {
    tsa: Mutex<Tsa>,
    on: AtomicBool,
    answered: AtomicUsize,
    over: AtomicBool,
}

impl State {
    fn answer(&self, caller: &mut TcpStream) -> io::Result<()> {
        caller.set_read_timeout(Some(Duration::from_secs(10)))?;
        let query = read_request(caller)?;
        if !self.on.load(Ordering::SeqCst) {
            return caller.write_all(
                b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
            );
        }
        let reply = self.tsa.lock().unwrap_or_else(PoisonError::into_inner).reply(&query);
        self.answered.fetch_add(1, Ordering::SeqCst);
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length: {}\r\n\
             Connection: close\r\n\r\n",
            reply.len()
        );
        caller.write_all(&[head.as_bytes(), &reply].concat())
    }
}

/// The body of a POST of the right media type.
fn read_request(caller: &TcpStream) -> io::Result<Vec<u8>> {
    let invalid = |what: &str| io::Error::new(io::ErrorKind::InvalidData, what.to_owned());
    let mut reader = BufReader::new(caller.take(2 * MAX_REQUEST_BYTES as u64));
    let mut line = String::new();
    reader.read_line(&mut line)?;
    if !line.starts_with("POST / HTTP/1.1") {
        return Err(invalid("no POST"));
    }
    let (mut length, mut fits) = (0, false);
    loop {
        line.clear();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { break };
        match name.to_ascii_lowercase().as_str() {
            "content-length" => length = value.trim().parse().map_err(|_| invalid("no length"))?,
            "content-type" => fits = value.trim() == "application/timestamp-query",
            _ => {}
        }
    }
    if !fits || length > MAX_REQUEST_BYTES {
        return Err(invalid("no request for a time stamp"));
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body)?;
    Ok(body)
}

/// An authority that answers over HTTP.
pub struct TsaServer {
    address: SocketAddr,
    state: Arc<State>,
    thread: Option<JoinHandle<()>>,
}

impl TsaServer {
    /// Where it answers.
    #[must_use]
    pub fn url(&self) -> String {
        format!("http://{}/", self.address)
    }

    /// Has it answer, or say 503.
    pub fn switch(&self, on: bool) {
        self.state.on.store(on, Ordering::SeqCst);
    }

    /// How many requests it answered.
    #[must_use]
    pub fn answered(&self) -> usize {
        self.state.answered.load(Ordering::SeqCst)
    }

    /// Puts another authority in its place.
    pub fn replace(&self, tsa: Tsa) {
        *self.state.tsa.lock().unwrap_or_else(PoisonError::into_inner) = tsa;
    }
}

impl Drop for TsaServer {
    fn drop(&mut self) {
        self.state.over.store(true, Ordering::SeqCst);
        // Wakes the listener; if nobody listens any more, there is nobody to wake.
        let _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// What `openssl ts -verify` says of the token in `token` over the file `data`, both by path, at `at` (seconds since 1970).
#[track_caller]
pub fn verify_by_openssl(
    data: &Path,
    token: &Path,
    anchors: &Path,
    at: i64,
    folder: &Path,
) -> crate::tools::Ended {
    let at = at.to_string();
    let words =
        ["ts", "-verify", "-data", text(data), "-in", text(token), "-token_in", "-CAfile", text(anchors)];
    run("openssl", &[&words[..], &["-attime", &at]].concat(), folder)
}

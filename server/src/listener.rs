//! The two listeners: TCP → TLS 1.3 with a client certificate → admission.
//!
//! A handshake runs in a task of its own, with a time limit and a cap on handshakes in flight. A
//! caller whose certificate is sound but who may not be here is let through to the gate, which
//! refuses each call with a plain reason. Configuration is taken anew for every connection, so
//! keys, anchors and parties change without a restart.

use crate::authority::Authority;
use rogatory_pki::tls::{self, Admitted, Listener, Refusal, refusal_of_handshake};
use rogatory_proto::objects::WIRE_BYTES;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, BufReader, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use tokio_stream::wrappers::ReceiverStream;

const HANDSHAKE_LIMIT: Duration = Duration::from_secs(10);
const HANDSHAKES_IN_FLIGHT: usize = 256;
const WAITING_CONNECTIONS: usize = 64;

/// Who is at the other end, for every call on the connection.
#[derive(Clone, Debug)]
pub struct Connected {
    /// Admitted, or why not.
    pub admission: Result<Arc<Admitted>, Arc<Refusal>>,
}

/// A connection after its handshake.
pub struct Connection {
    stream: TlsStream<BufReader<TcpStream>>,
    connected: Connected,
}

impl tonic::transport::server::Connected for Connection {
    type ConnectInfo = Connected;

    fn connect_info(&self) -> Connected {
        self.connected.clone()
    }
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bytes)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// The name of a listener in logs.
#[must_use]
pub const fn name(listener: Listener) -> &'static str {
    match listener {
        Listener::Office => "office",
        Listener::Peer => "peer",
    }
}

/// Accepts connections on `socket` until `shutdown` turns true.
pub fn connections(
    authority: Arc<Authority>,
    listener: Listener,
    socket: TcpListener,
    mut shutdown: watch::Receiver<bool>,
) -> ReceiverStream<io::Result<Connection>> {
    let (ready, stream) = mpsc::channel(WAITING_CONNECTIONS);
    let in_flight = Arc::new(Semaphore::new(HANDSHAKES_IN_FLIGHT));
    tokio::spawn(async move {
        loop {
            let accepted = tokio::select! {
                accepted = socket.accept() => accepted,
                _ = shutdown.wait_for(|down| *down) => return,
            };
            let tcp = match accepted {
                Ok((tcp, _)) => tcp,
                Err(error) => {
                    tracing::warn!(listener = name(listener), %error, "a connection could not be accepted");
                    // Out of descriptors, most likely: give others time to close theirs.
                    tokio::time::sleep(Duration::from_millis(50)).await;
                    continue;
                }
            };
            // The semaphore is never closed, so a permit always comes.
            let Ok(slot) = Arc::clone(&in_flight).acquire_owned().await else { return };
            let (authority, ready) = (Arc::clone(&authority), ready.clone());
            tokio::spawn(async move {
                let shaken = shake(&authority, listener, tcp).await;
                drop(slot);
                if let Some(connection) = shaken {
                    // The receiver is gone when the server stops.
                    let _ = ready.send(Ok(connection)).await;
                }
            });
        }
    });
    ReceiverStream::new(stream)
}

async fn shake(authority: &Authority, listener: Listener, tcp: TcpStream) -> Option<Connection> {
    if let Err(error) = tcp.set_nodelay(true) {
        tracing::debug!(%error, "a connection keeps delaying small messages");
    }
    let config = authority.tls_config(listener);
    let handshake = TlsAcceptor::from(config).accept(BufReader::with_capacity(WIRE_BYTES, tcp));
    let stream = match tokio::time::timeout(HANDSHAKE_LIMIT, handshake).await {
        Ok(Ok(stream)) => stream,
        Ok(Err(error)) => {
            let refusal = refusal_of_handshake(&error);
            tracing::warn!(listener = name(listener), reason = refusal.reason(), %refusal, "connection refused");
            return None;
        }
        Err(_) => {
            tracing::warn!(listener = name(listener), reason = "HANDSHAKE_TOO_SLOW", "connection refused");
            return None;
        }
    };
    let chain = stream.get_ref().1.peer_certificates();
    let directory = authority.directory();
    let now = authority.clock.now();
    let admission = tls::admit(listener, authority.institution.party(), chain, directory.registry(), now);
    if let Err(refusal) = &admission {
        tracing::warn!(listener = name(listener), reason = refusal.reason(), %refusal, "connection not admitted");
    }
    let admission = admission.map(Arc::new).map_err(Arc::new);
    Some(Connection { stream, connected: Connected { admission } })
}

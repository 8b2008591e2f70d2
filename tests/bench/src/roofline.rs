//! The roofline: how fast these bytes could go on this machine if every core did nothing but the necessary.
//!
//! Bytes times the sum of what a byte costs one thread, in buffers of 64 KiB, divided by the cores; or what the disk
//! makes durable, if that takes longer. All measured in the same run.

use crate::machine::{self, Costs};
use crate::office::{Office, Place};
use crate::report::{Line, Report, count, mib_per_second};
use crate::time::{MachineClock, Stopwatch};
use anyhow::{Context as _, ensure};
use bytes::Bytes;
use prost::Message as _;
use rogatory_core::Clock;
use rogatory_pki::path::Anchors;
use rogatory_pki::revocation::RevocationLists;
use rogatory_pki::tls::{self, TlsIdentity};
use rogatory_proto::peer::v1::SendObjectRequest;
use rustls::pki_types::ServerName;
use rustls::{ClientConnection, Connection, ServerConnection};
use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::sync::Arc;

/// How often each step must happen to a byte.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Passes {
    /// Read from a file.
    pub(crate) read: f64,
    /// Hashed.
    pub(crate) hash: f64,
    /// Encrypted or decrypted.
    pub(crate) encrypt: f64,
    /// Sent and received: TLS, gRPC, the kernel.
    pub(crate) wire: f64,
    /// Written to a file.
    pub(crate) write: f64,
}

/// Sealing: read, hash, encrypt, hash, write.
pub(crate) const SEAL: Passes = Passes { read: 1.0, hash: 2.0, encrypt: 1.0, wire: 0.0, write: 1.0 };
/// Opening: read, hash, decrypt, hash, write.
pub(crate) const OPEN: Passes = Passes { read: 1.0, hash: 2.0, encrypt: 1.0, wire: 0.0, write: 1.0 };
/// From one machine to the next: read, send, hash at the other end, write.
pub(crate) const HOP: Passes = Passes { read: 1.0, hash: 1.0, encrypt: 0.0, wire: 1.0, write: 1.0 };
/// From the officer by way of the own server to the other institution's.
pub(crate) const TWO_HOPS: Passes = Passes { read: 2.0, hash: 2.0, encrypt: 0.0, wire: 2.0, write: 2.0 };

impl Passes {
    /// Both, one after the other.
    pub(crate) const fn and(self, other: Self) -> Self {
        Self {
            read: self.read + other.read,
            hash: self.hash + other.hash,
            encrypt: self.encrypt + other.encrypt,
            wire: self.wire + other.wire,
            write: self.write + other.write,
        }
    }
}

/// The costs of a byte on this machine.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Roofline {
    costs: Costs,
    /// Seconds a MiB for TLS, gRPC and the kernel's loopback, both ends.
    wire: f64,
}

impl Roofline {
    /// Measures them in `place`, the wire with the keys of `office`.
    ///
    /// # Errors
    /// If a part cannot be measured.
    pub(crate) fn measure(place: &Place, office: Option<&Office>) -> anyhow::Result<Self> {
        let bytes = place.pick(1 << 20, 256 << 20, 512 << 20);
        let costs = machine::costs(&place.work, bytes)?;
        let wire = office.map_or(Ok(0.0), |office| wire(office, bytes))?;
        Ok(Self { costs, wire })
    }

    /// What is possible, in MiB/s.
    pub(crate) fn of(&self, passes: Passes) -> f64 {
        let work = passes.read * self.costs.read
            + passes.hash * self.costs.hash
            + passes.encrypt * self.costs.encrypt
            + passes.wire * self.wire
            + passes.write * self.costs.write;
        1.0 / (work / count(machine::cores())).max(passes.write * self.costs.sync)
    }

    /// Adds its parts to a report.
    pub(crate) fn explain(&self, report: &mut Report) {
        let mut parts = vec![
            ("read, page cache", self.costs.read),
            ("SHA-256", self.costs.hash),
            ("ChaCha20-Poly1305", self.costs.encrypt),
            ("write, page cache", self.costs.write),
            ("written and synced, the disk's time", self.costs.sync),
        ];
        if self.wire > 0.0 {
            parts.push(("TLS + gRPC + loopback, both ends", self.wire));
        }
        for (what, cost) in parts {
            report.add(Line::once(format!("one thread, 64 KiB: {what}"), "MiB/s", 1.0 / cost));
        }
    }
}

/// What sending and receiving cost a MiB on one thread: messages made and read, records sealed and opened, the kernel.
fn wire(office: &Office, bytes: u64) -> anyhow::Result<f64> {
    Ok(messages(bytes)? + records(office, bytes)? + loopback(bytes)?)
}

/// Messages of 256 KiB, as packages travel in.
fn messages(bytes: u64) -> anyhow::Result<f64> {
    let data = Bytes::from(vec![0x5a; 256 * 1024]);
    let rounds = bytes.div_ceil(data.len() as u64);
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        let message = SendObjectRequest { data: data.clone(), ..SendObjectRequest::default() };
        let read = SendObjectRequest::decode(Bytes::from(message.encode_to_vec()))?;
        ensure!(std::hint::black_box(read).data.len() == data.len(), "a message lost bytes");
    }
    Ok(1.0 / mib_per_second(rounds * data.len() as u64, watch.seconds()))
}

/// TLS records between two ends in memory, as the product configures them.
fn records(office: &Office, bytes: u64) -> anyhow::Result<f64> {
    let (mut client, mut server) = ends(office)?;
    let mut on_the_wire = Vec::with_capacity(1 << 20);
    while client.is_handshaking() || server.is_handshaking() {
        pass(&mut client, &mut server, &mut on_the_wire)?;
        pass(&mut server, &mut client, &mut on_the_wire)?;
    }
    // The tickets that the server sends afterwards.
    pass(&mut server, &mut client, &mut on_the_wire)?;
    let clear = vec![0x5a; 16 * 1024];
    let mut read = vec![0; clear.len()];
    let rounds = bytes.div_ceil(clear.len() as u64);
    let watch = Stopwatch::start();
    for _ in 0..rounds {
        client.writer().write_all(&clear)?;
        pass(&mut client, &mut server, &mut on_the_wire)?;
        server.reader().read_exact(&mut read)?;
    }
    let seconds = watch.seconds();
    ensure!(read == clear, "TLS changed bytes");
    Ok(1.0 / mib_per_second(rounds * clear.len() as u64, seconds))
}

fn ends(office: &Office) -> anyhow::Result<(Connection, Connection)> {
    let (identity, anchors) = (office.tls_identity()?, office.anchors()?);
    let clock: Arc<dyn Clock> = Arc::new(MachineClock);
    let none = RevocationLists::none();
    let client = tls::client_config(&identity, &anchors, &none, Arc::clone(&clock))?;
    let server = tls::server_config(&identity, &anchors, &none, clock)?;
    let name = ServerName::IpAddress(Ipv4Addr::LOCALHOST.into());
    Ok((
        ClientConnection::new(Arc::new(client), name)?.into(),
        ServerConnection::new(Arc::new(server))?.into(),
    ))
}

fn pass(from: &mut Connection, to: &mut Connection, buffer: &mut Vec<u8>) -> anyhow::Result<()> {
    buffer.clear();
    while from.wants_write() {
        from.write_tls(buffer)?;
    }
    let mut rest = buffer.as_slice();
    while !rest.is_empty() {
        to.read_tls(&mut rest)?;
        to.process_new_packets()?;
    }
    Ok(())
}

/// The kernel's loopback, written and read by one thread.
fn loopback(bytes: u64) -> anyhow::Result<f64> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let mut out = TcpStream::connect(listener.local_addr()?)?;
    let (mut into, _) = listener.accept()?;
    out.set_nonblocking(true)?;
    into.set_nonblocking(true)?;
    let block = vec![0x5a; machine::BUFFER_BYTES];
    let mut read = vec![0; machine::BUFFER_BYTES];
    let (mut written, mut arrived) = (0, 0);
    let watch = Stopwatch::start();
    while arrived < bytes {
        match out.write(&block) {
            Ok(some) => written += some as u64,
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error).context("loopback"),
        }
        while arrived < written {
            match into.read(&mut read) {
                Ok(some) => arrived += some as u64,
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(error).context("loopback"),
            }
        }
    }
    Ok(1.0 / mib_per_second(arrived, watch.seconds()))
}

impl Office {
    /// What the institution shows to others.
    ///
    /// # Errors
    /// If its files cannot be read.
    pub(crate) fn tls_identity(&self) -> anyhow::Result<TlsIdentity> {
        let read = |name| std::fs::read_to_string(self.folder.join("keys").join(name));
        Ok(TlsIdentity::from_pem(&read("tls.key")?, &read("tls.pem")?)?)
    }

    /// The anchors of its country.
    ///
    /// # Errors
    /// If its files cannot be read.
    pub(crate) fn anchors(&self) -> anyhow::Result<Anchors> {
        let file = self.profile("operator").join("anchors.pem");
        Ok(Anchors::from_pem(&std::fs::read_to_string(file)?, Some(self.party.country()))?)
    }
}

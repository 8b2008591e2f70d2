//! How soon a server answers after its start, and what memory it holds when nobody calls.
//!
//! "Answers" is a whole mutual TLS handshake on both listeners: the sockets are bound long before.

use crate::office::{Office, Place, REQUESTING};
use crate::process::{self, Running};
use crate::report::{Line, Report, amount};
use crate::time::{MachineClock, Stopwatch};
use anyhow::{Context as _, ensure};
use rogatory_core::Clock;
use rogatory_pki::revocation::RevocationLists;
use rogatory_pki::tls;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

/// Measures it.
///
/// # Errors
/// If the server does not start.
pub(crate) fn measure(place: &Place) -> anyhow::Result<Report> {
    let mut report = Report::default();
    let mut office = Office::found(place, &REQUESTING)?;
    office.stop()?;
    let clock: Arc<dyn Clock> = Arc::new(MachineClock);
    let config =
        tls::client_config(&office.tls_identity()?, &office.anchors()?, &RevocationLists::none(), clock)?;
    let config = Arc::new(config);
    let (mut starts, mut idles) = (Vec::new(), Vec::new());
    for _ in 0..place.pick(2, 7, 21) {
        let watch = Stopwatch::start();
        let server = Running::start(&mut office.run_command(), &office.log())?;
        answer(&config, office.office_port)?;
        answer(&config, office.peer_port)?;
        starts.push(watch.seconds() * 1000.0);
        server.stop()?;
    }
    for _ in 0..place.pick(1, 3, 3) {
        let server = Running::start(&mut office.run_command(), &office.log())?;
        answer(&config, office.office_port)?;
        answer(&config, office.peer_port)?;
        std::thread::sleep(place.pick(
            Duration::from_millis(200),
            Duration::from_secs(10),
            Duration::from_secs(10),
        ));
        idles.push(amount(process::resident_bytes(server.id())?) / 1_048_576.0);
        server.stop()?;
    }
    report.add(
        Line::of("from start until both listeners answer", "ms", starts)
            .below(200.0)
            .noting("the program's start and a whole TLS handshake on each"),
    );
    report.add(
        Line::of("memory held when idle", "MiB", idles)
            .below(40.0)
            .noting("resident, ten seconds after one handshake on each listener"),
    );
    Ok(report)
}

/// Waits until the listener at `port` completes a handshake.
fn answer(config: &Arc<ClientConfig>, port: u16) -> anyhow::Result<()> {
    let watch = Stopwatch::start();
    loop {
        ensure!(watch.seconds() < 60.0, "the server did not answer within a minute");
        let mut socket = match TcpStream::connect((Ipv4Addr::LOCALHOST, port)) {
            Ok(socket) => socket,
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => {
                std::thread::sleep(Duration::from_micros(500));
                continue;
            }
            Err(error) => return Err(error).context("loopback"),
        };
        let name = ServerName::IpAddress(Ipv4Addr::LOCALHOST.into());
        let mut connection = ClientConnection::new(Arc::clone(config), name)?;
        while connection.is_handshaking() {
            connection.complete_io(&mut socket).context("the handshake failed")?;
        }
        return Ok(());
    }
}

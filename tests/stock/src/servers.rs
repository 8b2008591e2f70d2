//! Real servers of real institutions on free ports of this machine.
//!
//! May start `rogatory-server`; ends those it started, by their own ids.

use crate::programs::server;
use crate::tools::run;
use std::fs::{self, File};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A server that runs until this value goes.
pub struct Server {
    child: Child,
    /// The address of its office listener.
    pub office: String,
}

impl Server {
    /// Sets up the institution `party` in `work/name` with the `officers` given as `init` takes them.
    #[track_caller]
    pub fn init(work: &Path, name: &str, party: &str, officers: &[&str]) -> String {
        Self::init_as(work, name, (party, "central-authority"), &format!("ca-{name}"), officers)
    }

    /// The same of a kind, under the certification authority in `work/country_ca`, which others may share.
    #[track_caller]
    pub fn init_as(
        work: &Path,
        name: &str,
        (party, kind): (&str, &str),
        country_ca: &str,
        officers: &[&str],
    ) -> String {
        let ports: Vec<String> = free_ports().iter().map(|port| format!("127.0.0.1:{port}")).collect();
        let [office, peer] = ports.as_slice() else { panic!("two ports are needed") };
        let domain = format!("{name}.example");
        let long_name = format!("Institution {name}");
        let mut arguments = vec!["init", "--development", "--directory", name, "--party", party];
        arguments.extend(["--name", &long_name, "--kind", kind, "--office", office, "--peer", peer]);
        arguments.extend(["--domain", &domain, "--country-ca", country_ca]);
        arguments.extend(officers.iter().flat_map(|officer| ["--officer", officer]));
        run(server(), &arguments, work).succeeds();
        office.clone()
    }

    /// Runs what [`Server::init`] set up, and waits until it listens.
    ///
    /// # Panics
    /// If it ends, or isn't ready within a minute.
    #[must_use]
    pub fn run(work: &Path, name: &str, office: String) -> Self {
        let log = work.join(format!("{name}.log"));
        let file = File::create(&log).unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let mut command = Command::new(server());
        command.args(["run", "--directory", name]).current_dir(work).stdin(Stdio::null());
        let out = file.try_clone().unwrap_or_else(|error| panic!("{}: {error}", log.display()));
        let child = command.stdout(out).stderr(file).spawn();
        let mut running = Self {
            child: child.unwrap_or_else(|error| panic!("the server does not start: {error}")),
            office,
        };
        for _ in 0..1200 {
            let words = fs::read_to_string(&log).unwrap_or_default();
            if words.contains("listening") {
                return running;
            }
            if let Ok(Some(status)) = running.child.try_wait() {
                panic!("the server of {name} ended, {status}:\n{words}");
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("the server of {name} is not ready after a minute; its log is {}", log.display());
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free_ports() -> [u16; 2] {
    // Both are held until both are known, so none is given twice.
    let held = [0, 0].map(|port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)));
    held.map(|listener| {
        let address = listener.and_then(|listener| listener.local_addr());
        address.unwrap_or_else(|error| panic!("no free port: {error}")).port()
    })
}

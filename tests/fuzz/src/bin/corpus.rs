//! Moves inputs between `corpus/` and the folders that libFuzzer works in.

use rogatory_fuzz::{TARGETS, corpus, target};
use std::io::{self, Write as _};
use std::path::Path;
use std::process::ExitCode;

const USAGE: &str = "usage: corpus list | corpus unpack TARGET FOLDER | corpus pack TARGET FOLDER";

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let answer = match arguments.as_slice() {
        ["list"] => {
            Ok(TARGETS.iter().map(|target| format!("{} {}\n", target.name, target.longest)).collect())
        }
        ["unpack", name, folder] => unpack(name, Path::new(folder)),
        ["pack", name, folder] => pack(name, Path::new(folder)),
        _ => Err(io::Error::other(USAGE)),
    };
    match answer {
        Ok(text) => {
            let _ = io::stdout().write_all(text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            let _ = writeln!(io::stderr(), "error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn unpack(name: &str, folder: &Path) -> io::Result<String> {
    let known = target(name).ok_or_else(|| io::Error::other(format!("there is no target `{name}`")))?;
    let seeds = known.seeds();
    let found = corpus::read(name)?;
    let count = corpus::unpack(seeds.iter().chain(&found), folder)?;
    Ok(format!("{count} inputs\n"))
}

/// Takes what libFuzzer kept; the seeds are made anew each time and are not stored.
fn pack(name: &str, folder: &Path) -> io::Result<String> {
    let known = target(name).ok_or_else(|| io::Error::other(format!("there is no target `{name}`")))?;
    let mut inputs = corpus::pack(folder)?;
    for seed in known.seeds() {
        inputs.remove(&seed);
    }
    corpus::write(name, &inputs)?;
    Ok(format!("{} inputs\n", inputs.len()))
}

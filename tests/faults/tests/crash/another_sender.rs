//! A sender begins an object, begins it anew with other bytes, and goes on with the right ones: whatever the machine
//! does in between, the state of one beginning must never be believed of the bytes of another.

use crate::campaign::{Job, bytes, every_stop};
use rogatory_core::Digest;
use rogatory_evidence::ObjectDigest;
use rogatory_evidence::arrival::{ArrivalError, Arrivals};
use rogatory_evidence::durable::DurableFiles;
use std::path::Path;
use std::sync::Arc;

const SIZE: usize = 300;

struct AnotherSender;

#[derive(Clone, Copy, PartialEq, Eq, Default)]
enum Next {
    #[default]
    Right,
    Wrong,
    GoOn,
    Done,
}

fn object() -> ObjectDigest {
    ObjectDigest {
        name: "data/EX-0001.age".to_owned(),
        size_bytes: SIZE as u64,
        sha256: Digest::of(&bytes(1, SIZE)),
    }
}

fn send(arrivals: &Arrivals, content: &[u8], from: u64, to: usize) -> Result<u64, ArrivalError> {
    let mut arriving = arrivals.write(&object(), from)?;
    for message in content[usize::try_from(from).expect("small")..to].chunks(16) {
        arriving.write(message)?;
    }
    if to == SIZE { arriving.finish().map(|()| SIZE as u64) } else { arriving.suspend() }
}

impl Job for AnotherSender {
    type Ledger = Next;

    fn run(&self, files: Arc<dyn DurableFiles>, root: &Path, next: &mut Next) -> Result<(), String> {
        let text = |error: ArrivalError| rogatory_core::chain(&error);
        let arrivals = Arrivals::new(files, root.join("arriving"), root.join("whole")).every(64);
        arrivals.prepare().map_err(|error| error.to_string())?;
        let (right, wrong) = (bytes(1, SIZE), bytes(2, SIZE));
        if *next == Next::Right {
            let committed = arrivals.committed(&object());
            if committed < 200 {
                send(&arrivals, &right, committed, 200).map_err(text)?;
            }
            *next = Next::Wrong;
        }
        if *next == Next::Wrong {
            send(&arrivals, &wrong, 0, 210).map_err(text)?;
            *next = Next::GoOn;
        }
        while *next == Next::GoOn {
            let committed = arrivals.committed(&object());
            match send(&arrivals, &right, if committed == SIZE as u64 { 0 } else { committed }, SIZE) {
                // Some of what stood here was the wrong sender's: it is found, and begun anew.
                Err(ArrivalError::OtherDigest { .. }) if committed > 0 => {}
                sent => {
                    sent.map_err(text)?;
                    *next = Next::Done;
                }
            }
        }
        Ok(())
    }

    fn check(&self, root: &Path, next: &Next) -> Result<(), String> {
        match std::fs::read(root.join("whole/data/EX-0001.age")) {
            Ok(found) if found == bytes(1, SIZE) => Ok(()),
            Ok(_) => Err("an object has its final name and another's bytes".to_owned()),
            Err(_) if *next == Next::Done => Err("an object that was acknowledged is gone".to_owned()),
            Err(_) => Ok(()),
        }
    }

    fn is_done(&self, next: &Next) -> bool {
        *next == Next::Done
    }
}

#[test]
fn a_state_is_never_believed_of_other_bytes() {
    let tried = every_stop(&AnotherSender);
    assert!(tried > 1000, "only {tried} outcomes were tried");
}

//! Telling how far a long step has come: bytes, rate, time left, and what is under way.
//!
//! Commands speak to [`Progress`]; what shows it is the binary's business: a bar on a terminal, which
//! appears when a step has taken longer than a second, or lines of JSON for a program. Neither shows a
//! real name: what is under way is named as the package names it, `EX-0003`.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use rogatory_core::{Clock, Timestamp};
use serde::Serialize;
use std::io::Write;
use std::sync::{Arc, Mutex, PoisonError};

/// Is told how far a step has come.
pub trait Progress: Send + Sync {
    /// A step begins; `total_bytes` if known.
    fn begin(&self, what: &str, total_bytes: Option<u64>);
    /// So many more bytes are done.
    fn advance(&self, bytes: u64);
    /// So many bytes were done by an earlier run: they count as done and not for the rate.
    fn done_before(&self, bytes: u64) {
        self.advance(bytes);
    }
    /// The object that is under way now, by its name in the package.
    fn object(&self, _name: &str) {}
    /// The step is over.
    fn end(&self);
}

/// Tells nobody.
#[derive(Clone, Copy, Debug)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _what: &str, _total_bytes: Option<u64>) {}
    fn advance(&self, _bytes: u64) {}
    fn end(&self) {}
}

/// A bar on the terminal's error stream.
#[derive(Debug, Default)]
pub struct Bar {
    bar: Mutex<Option<(String, ProgressBar)>>,
}

impl Bar {
    fn with(&self, act: impl FnOnce(&mut Option<(String, ProgressBar)>)) {
        // A bar that a panicking thread left behind is still a bar.
        act(&mut self.bar.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Progress for Bar {
    fn begin(&self, what: &str, total_bytes: Option<u64>) {
        let bar = match total_bytes {
            Some(total) => ProgressBar::with_draw_target(Some(total), ProgressDrawTarget::hidden())
                .with_style(style("{msg}  {bar:24}  {binary_bytes} of {binary_total_bytes}  {binary_bytes_per_sec}  {eta} left")),
            None => ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden())
                .with_style(style("{msg}  {binary_bytes}  {binary_bytes_per_sec}")),
        };
        bar.set_message(what.to_owned());
        self.with(|slot| *slot = Some((what.to_owned(), bar)));
    }

    fn advance(&self, bytes: u64) {
        self.with(|slot| {
            if let Some((_, bar)) = slot {
                bar.inc(bytes);
                if bar.is_hidden() && bar.elapsed().as_secs() >= 1 {
                    bar.set_draw_target(ProgressDrawTarget::stderr_with_hz(5));
                }
            }
        });
    }

    fn done_before(&self, bytes: u64) {
        self.with(|slot| {
            if let Some((_, bar)) = slot {
                bar.inc(bytes);
                bar.reset_eta();
            }
        });
    }

    fn object(&self, name: &str) {
        self.with(|slot| {
            if let Some((what, bar)) = slot {
                bar.set_message(format!("{what} {name}"));
            }
        });
    }

    fn end(&self) {
        self.with(|slot| {
            if let Some((_, bar)) = slot.take() {
                bar.finish_and_clear();
            }
        });
    }
}

fn style(template: &str) -> ProgressStyle {
    ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
}

/// The version of the lines' shape.
const FORMAT: u32 = 1;
/// The time between two lines of a step, but the last one: five a second.
const BETWEEN_MICROSECONDS: i64 = 200_000;

/// Lines of JSON for programs, at most five a second and the last one of each step.
pub struct Lines {
    clock: Arc<dyn Clock>,
    state: Mutex<State>,
}

struct State {
    output: Box<dyn Write + Send>,
    step: Option<Under>,
}

/// The step under way.
struct Under {
    what: String,
    total_bytes: Option<u64>,
    done_bytes: u64,
    /// Of those, what an earlier run did.
    before_bytes: u64,
    object: Option<String>,
    began: Timestamp,
    told: Timestamp,
}

/// One line.
#[derive(Serialize)]
struct Line<'a> {
    format: u32,
    step: &'a str,
    done_bytes: u64,
    total_bytes: Option<u64>,
    bytes_per_second: Option<u64>,
    seconds_left: Option<u64>,
    object: Option<&'a str>,
    ended: bool,
}

impl Lines {
    /// Writes to `output`, with the time of `clock`.
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, output: Box<dyn Write + Send>) -> Self {
        Self { clock, state: Mutex::new(State { output, step: None }) }
    }

    fn with(&self, act: impl FnOnce(&mut State, Timestamp)) {
        let now = self.clock.now();
        // It is whole after every step, also after one that panicked.
        act(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner), now);
    }
}

impl State {
    fn tell(&mut self, now: Timestamp, ended: bool) {
        let Some(step) = &mut self.step else {
            return;
        };
        let elapsed = now.microseconds().saturating_sub(step.began.microseconds());
        let elapsed = u64::try_from(elapsed).ok().filter(|elapsed| *elapsed > 0);
        let rate = elapsed.map(|elapsed| {
            let rate = u128::from(step.done_bytes.saturating_sub(step.before_bytes)) * 1_000_000
                / u128::from(elapsed);
            u64::try_from(rate).unwrap_or(u64::MAX)
        });
        let left = step.total_bytes.map(|total| total.saturating_sub(step.done_bytes));
        let line = Line {
            format: FORMAT,
            step: &step.what,
            done_bytes: step.done_bytes,
            total_bytes: step.total_bytes,
            bytes_per_second: rate,
            seconds_left: left.zip(rate.filter(|rate| *rate > 0)).map(|(left, rate)| left.div_ceil(rate)),
            object: step.object.as_deref(),
            ended,
        };
        if let Ok(mut text) = serde_json::to_vec(&line) {
            text.push(b'\n');
            // Progress that cannot be written is lost; the data decides.
            let _ = self.output.write_all(&text).and_then(|()| self.output.flush());
        }
        step.told = now;
    }

    fn tell_in_time(&mut self, now: Timestamp) {
        let due = self.step.as_ref().is_some_and(|step| {
            now.microseconds().saturating_sub(step.told.microseconds()) >= BETWEEN_MICROSECONDS
        });
        if due {
            self.tell(now, false);
        }
    }
}

impl Progress for Lines {
    fn begin(&self, what: &str, total_bytes: Option<u64>) {
        self.with(|state, now| {
            state.tell(now, true);
            state.step = Some(Under {
                what: what.to_owned(),
                total_bytes,
                done_bytes: 0,
                before_bytes: 0,
                object: None,
                began: now,
                told: now,
            });
        });
    }

    fn advance(&self, bytes: u64) {
        self.with(|state, now| {
            if let Some(step) = &mut state.step {
                step.done_bytes = step.done_bytes.saturating_add(bytes);
            }
            state.tell_in_time(now);
        });
    }

    fn done_before(&self, bytes: u64) {
        self.with(|state, _| {
            if let Some(step) = &mut state.step {
                step.done_bytes = step.done_bytes.saturating_add(bytes);
                step.before_bytes = step.before_bytes.saturating_add(bytes);
            }
        });
    }

    fn object(&self, name: &str) {
        self.with(|state, now| {
            if let Some(step) = &mut state.step {
                step.object = Some(name.to_owned());
            }
            state.tell_in_time(now);
        });
    }

    fn end(&self) {
        self.with(|state, now| {
            state.tell(now, true);
            state.step = None;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicI64, Ordering};

    struct Hand(AtomicI64);

    impl Clock for Hand {
        fn now(&self) -> Timestamp {
            Timestamp::from_microseconds(self.0.load(Ordering::Relaxed)).expect("an instant")
        }
    }

    #[derive(Clone, Default)]
    struct Paper(Arc<Mutex<Vec<u8>>>);

    impl Write for Paper {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("sound").extend_from_slice(bytes);
            Ok(bytes.len())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn lines_come_five_a_second_and_the_last_one_always() {
        let clock = Arc::new(Hand(AtomicI64::new(0)));
        let paper = Paper::default();
        let lines = Lines::new(Arc::clone(&clock) as Arc<dyn Clock>, Box::new(paper.clone()));
        lines.begin("sealing", Some(1_000_000));
        lines.object("EX-0003");
        for _ in 0..100 {
            clock.0.fetch_add(10_000, Ordering::Relaxed);
            lines.advance(5_000);
        }
        lines.end();
        lines.end();
        lines.begin("making durable", None);
        lines.begin("sending", Some(900));
        lines.done_before(600);
        clock.0.fetch_add(100_000, Ordering::Relaxed);
        lines.advance(100);
        lines.end();
        let text = String::from_utf8(paper.0.lock().expect("sound").clone()).expect("text");
        let told: Vec<&str> = text.lines().collect();
        assert_eq!(told.len(), 5 + 3, "{text}");
        assert_eq!(
            told[1],
            r#"{"format":1,"step":"sealing","done_bytes":200000,"total_bytes":1000000,"bytes_per_second":500000,"seconds_left":2,"object":"EX-0003","ended":false}"#
        );
        assert_eq!(
            told[5],
            r#"{"format":1,"step":"sealing","done_bytes":500000,"total_bytes":1000000,"bytes_per_second":500000,"seconds_left":1,"object":"EX-0003","ended":true}"#
        );
        assert_eq!(
            told[6],
            r#"{"format":1,"step":"making durable","done_bytes":0,"total_bytes":null,"bytes_per_second":null,"seconds_left":null,"object":null,"ended":true}"#
        );
        assert_eq!(
            told[7],
            r#"{"format":1,"step":"sending","done_bytes":700,"total_bytes":900,"bytes_per_second":1000,"seconds_left":1,"object":null,"ended":true}"#
        );
    }
}

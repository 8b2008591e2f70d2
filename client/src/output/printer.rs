//! The one place that writes to the terminal and asks it.
//!
//! Data goes to standard output, talk to standard error. With `--json` the data is one JSON object;
//! with `--quiet` there is no talk except errors.

use super::page::Page;
use super::{Outcome, json};
use crate::problem::{Exit, Problem};
use std::io::{self, BufRead, BufWriter, Write};
use std::sync::{Arc, Mutex, PoisonError};

/// Where a printer reads and writes.
pub struct Streams {
    /// Answers to questions.
    pub input: Box<dyn BufRead + Send>,
    /// Data.
    pub output: Box<dyn Write + Send>,
    /// Talk.
    pub errors: Box<dyn Write + Send>,
    /// Whether a person sits at `input`.
    pub input_is_terminal: bool,
    /// Whether `errors` is a terminal, where progress can be shown.
    pub errors_are_terminal: bool,
}

/// A stream that the printer and the progress write to in turns.
#[derive(Clone)]
pub struct Shared(Arc<Mutex<Box<dyn Write + Send>>>);

impl Shared {
    /// Shares `stream`.
    #[must_use]
    pub fn new(stream: Box<dyn Write + Send>) -> Self {
        Self(Arc::new(Mutex::new(stream)))
    }

    fn with<T>(&self, act: impl FnOnce(&mut dyn Write) -> io::Result<T>) -> io::Result<T> {
        // A stream that a panicking thread wrote to is still a stream.
        act(&mut **self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.with(|stream| stream.write(bytes))
    }

    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.with(|stream| stream.write_all(bytes))
    }

    fn flush(&mut self) -> io::Result<()> {
        self.with(|stream| stream.flush())
    }
}

/// Prints results, problems and questions.
pub struct Printer {
    streams: Streams,
    json: bool,
    quiet: bool,
    command: String,
}

impl Printer {
    /// A printer for `command`, for example `request draft`.
    #[must_use]
    pub fn new(streams: Streams, command: &str, json: bool, quiet: bool) -> Self {
        Self { streams, json, quiet, command: command.to_owned() }
    }

    /// Whether progress may be shown.
    #[must_use]
    pub const fn shows_progress(&self) -> bool {
        self.streams.errors_are_terminal && !self.quiet
    }

    /// Prints a result and says how the command ends.
    pub fn outcome(&mut self, outcome: &dyn ErasedOutcome) -> Exit {
        let complaint = outcome.complaint();
        let printed = if self.json {
            match outcome.json(&self.command) {
                Ok(line) => self.data([line]),
                Err(error) => {
                    return self
                        .problem(&Problem::failed("the result cannot be written as JSON").because(&error));
                }
            }
        } else {
            let mut page = Page::new();
            outcome.show(&mut page);
            self.data(page.lines())
        };
        if !printed {
            return Exit::Failed;
        }
        match complaint {
            Some(problem) => {
                self.explain(&problem);
                problem.exit()
            }
            None => Exit::Done,
        }
    }

    /// Prints a problem and says how the command ends.
    pub fn problem(&mut self, problem: &Problem) -> Exit {
        if self.json
            && let Ok(line) = json::failure(&self.command, problem)
        {
            self.data([line]);
        }
        self.explain(problem);
        problem.exit()
    }

    /// Says something on the side.
    pub fn talk(&mut self, line: &str) {
        if !self.quiet {
            // Talk that cannot be written is lost; the data decides.
            let _ = writeln!(self.streams.errors, "{line}");
        }
    }

    /// Shows on the side what will happen.
    pub fn announce(&mut self, plan: &dyn ErasedOutcome) {
        let mut page = Page::new();
        plan.show(&mut page);
        for line in page.lines() {
            self.talk(&line);
        }
        self.talk("");
    }

    /// Shows what will happen and asks whether it shall.
    ///
    /// # Errors
    /// A usage problem if nobody can be asked; a failure if the answer is no.
    pub fn confirm(&mut self, plan: &dyn ErasedOutcome, question: &str, yes: bool) -> Result<(), Problem> {
        if yes {
            return Ok(());
        }
        if !self.streams.input_is_terminal {
            return Err(Problem::usage(format!(
                "`{}` cannot be undone and nobody can be asked",
                self.command
            ))
            .with_hint("add --yes to do it without asking"));
        }
        let mut page = Page::new();
        plan.show(&mut page);
        let mut text: String = page.lines().map(|line| line + "\n").collect();
        text.push_str(&format!("\n{question} [y/N] "));
        let asked = self.streams.errors.write_all(text.as_bytes()).and_then(|()| self.streams.errors.flush());
        let mut answer = String::new();
        let read = asked.and_then(|()| self.streams.input.read_line(&mut answer));
        match (read, answer.trim().to_ascii_lowercase().as_str()) {
            (Ok(_), "y" | "yes") => Ok(()),
            _ => Err(Problem::failed("nothing was done: the answer was not yes")),
        }
    }

    fn explain(&mut self, problem: &Problem) {
        let mut text = format!("error: {}\n", problem.message());
        for detail in problem.details() {
            text.push_str(&format!("  {detail}\n"));
        }
        if let Some(hint) = problem.hint() {
            text.push_str(&format!("\nhint: {hint}\n"));
        }
        // If even the error stream is gone, the exit code still tells.
        let _ = self.streams.errors.write_all(text.as_bytes());
    }

    fn data(&mut self, lines: impl IntoIterator<Item = String>) -> bool {
        let mut output = BufWriter::new(&mut self.streams.output);
        let written = lines.into_iter().try_for_each(|line| writeln!(output, "{line}"));
        let written = written.and_then(|()| output.flush());
        drop(output);
        match written {
            Ok(()) => true,
            Err(error) => {
                self.explain(&Problem::failed("the result cannot be written").because(&error));
                false
            }
        }
    }
}

/// An [`Outcome`] behind a reference: the printer need not know which.
pub trait ErasedOutcome {
    /// See [`Outcome::show`].
    fn show(&self, page: &mut Page);
    /// See [`Outcome::complaint`].
    fn complaint(&self) -> Option<Problem>;
    /// The JSON of the answer.
    ///
    /// # Errors
    /// The serializer's error.
    fn json(&self, command: &str) -> Result<String, serde_json::Error>;
}

impl<T: Outcome> ErasedOutcome for T {
    fn show(&self, page: &mut Page) {
        Outcome::show(self, page);
    }

    fn complaint(&self) -> Option<Problem> {
        Outcome::complaint(self)
    }

    fn json(&self, command: &str) -> Result<String, serde_json::Error> {
        json::answer(command, self)
    }
}

#[cfg(test)]
mod tests;

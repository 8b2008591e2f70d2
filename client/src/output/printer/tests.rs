use super::*;
use serde::Serialize;
use std::io::Cursor;
use std::sync::{Arc, Mutex};

#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Shared {
    fn text(&self) -> String {
        String::from_utf8(self.0.lock().expect("unpoisoned").clone()).expect("text")
    }
}

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("unpoisoned").write(bytes)
    }
    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[derive(Serialize)]
struct Sample {
    case_id: &'static str,
    delivered: bool,
}

impl Outcome for Sample {
    fn show(&self, page: &mut Page) {
        page.fact("case", self.case_id);
    }
    fn complaint(&self) -> Option<Problem> {
        (!self.delivered)
            .then(|| Problem::refused("md/central-authority refused it").with_reason("wrong-stage"))
    }
}

fn printer(json: bool, quiet: bool, input: Option<&'static str>) -> (Printer, Shared, Shared) {
    let (output, errors) = (Shared::default(), Shared::default());
    let streams = Streams {
        input: Box::new(Cursor::new(input.unwrap_or_default())),
        output: Box::new(output.clone()),
        errors: Box::new(errors.clone()),
        input_is_terminal: input.is_some(),
        errors_are_terminal: false,
    };
    (Printer::new(streams, "request transmit", json, quiet), output, errors)
}

#[test]
fn data_goes_to_output_and_nothing_to_errors() {
    let (mut printer, output, errors) = printer(false, false, None);
    assert_eq!(printer.outcome(&Sample { case_id: "C-1", delivered: true }), Exit::Done);
    assert_eq!(output.text(), "case  C-1\n");
    assert_eq!(errors.text(), "");
}

#[test]
fn json_is_one_versioned_object() {
    let (mut printer, output, _) = printer(true, false, None);
    printer.outcome(&Sample { case_id: "C-1", delivered: true });
    assert_eq!(
        output.text(),
        "{\"format\":1,\"command\":\"request transmit\",\"case_id\":\"C-1\",\"delivered\":true}\n"
    );
}

#[test]
fn a_complaint_follows_the_data_and_decides_the_exit() {
    let (mut printer, output, errors) = printer(true, false, None);
    assert_eq!(printer.outcome(&Sample { case_id: "C-1", delivered: false }), Exit::Refused);
    assert!(output.text().contains("\"delivered\":false"));
    assert_eq!(errors.text(), "error: md/central-authority refused it\n");
}

#[test]
fn a_problem_has_its_details_and_its_hint_apart() {
    let (mut printer, output, errors) = printer(false, true, None);
    let problem = Problem::failed("2 facts are missing")
        .with_details(vec!["a".into(), "b".into()])
        .with_hint("add them");
    assert_eq!(printer.problem(&problem), Exit::Failed);
    assert_eq!(errors.text(), "error: 2 facts are missing\n  a\n  b\n\nhint: add them\n");
    assert_eq!(output.text(), "");
}

#[test]
fn a_problem_in_json_names_its_exit() {
    let (mut printer, output, _) = printer(true, false, None);
    printer.problem(&Problem::not_yet("the server cannot be reached"));
    assert_eq!(
        output.text(),
        "{\"format\":1,\"command\":\"request transmit\",\"error\":{\"exit\":75,\"message\":\"the server cannot be reached\"}}\n"
    );
}

#[test]
fn without_a_terminal_only_yes_goes_on() {
    let plan = Sample { case_id: "C-1", delivered: true };
    let (mut silent, _, errors) = printer(false, false, None);
    assert_eq!(silent.confirm(&plan, "Transmit?", false).expect_err("nobody to ask").exit(), Exit::Usage);
    assert_eq!(errors.text(), "");
    assert!(silent.confirm(&plan, "Transmit?", true).is_ok());
}

#[test]
fn on_a_terminal_the_plan_is_shown_and_only_yes_goes_on() {
    let plan = Sample { case_id: "C-1", delivered: true };
    let (mut willing, output, errors) = printer(false, false, Some("Yes\n"));
    assert!(willing.confirm(&plan, "Transmit?", false).is_ok());
    assert_eq!(errors.text(), "case  C-1\n\nTransmit? [y/N] ");
    assert_eq!(output.text(), "");
    let (mut unwilling, _, _) = printer(false, false, Some("\n"));
    assert_eq!(unwilling.confirm(&plan, "Transmit?", false).expect_err("no").exit(), Exit::Failed);
}

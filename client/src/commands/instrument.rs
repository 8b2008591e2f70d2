//! `rogatory instrument …`: the catalogue of treaties and acts, each fact with its mark. Offline.

use crate::output::Outcome;
use crate::output::page::Page;
use crate::output::table::Table;
use crate::problem::{Problem, clean};
use rogatory_law::{Catalogue, Instrument, catalogue};
use serde::Serialize;

fn loaded() -> Result<&'static Catalogue, Problem> {
    catalogue()
        .map_err(|error| Problem::failed("the catalogue of instruments cannot be read").because(&error))
}

/// The result of [`list`].
#[derive(Clone, Debug, Serialize)]
pub struct Instruments {
    /// Up to when the law in it was looked after.
    pub as_of: String,
    /// In the order of the catalogue.
    pub instruments: &'static [Instrument],
}

impl Outcome for Instruments {
    fn show(&self, page: &mut Page) {
        let mut table = Table::new(&[
            "INSTRUMENT",
            "CITATION",
            "TITLE",
            "TITLE KNOWN FROM",
            "IN FORCE",
            "STATUS KNOWN FROM",
        ]);
        for instrument in self.instruments {
            table.row([
                instrument.id.to_string(),
                instrument.citation.clone().unwrap_or_default(),
                instrument.short_title.clone(),
                instrument.basis.to_string(),
                (if instrument.in_force() { "yes" } else { "no" }).to_owned(),
                instrument.status.basis.to_string(),
            ]);
        }
        page.table(&table, "There is no instrument.");
        page.blank();
        page.line(format!("As known in {}. `memory` was not checked against a text.", self.as_of));
    }
}

/// Lists the instruments.
///
/// # Errors
/// Failed, if the catalogue inside the program is damaged.
pub fn list() -> Result<Instruments, Problem> {
    let catalogue = loaded()?;
    Ok(Instruments { as_of: catalogue.as_of().to_string(), instruments: catalogue.instruments() })
}

/// The result of [`show`].
#[derive(Clone, Debug, Serialize)]
pub struct InstrumentShown {
    /// The instrument.
    #[serde(flatten)]
    pub instrument: &'static Instrument,
}

impl Outcome for InstrumentShown {
    fn show(&self, page: &mut Page) {
        let instrument = self.instrument;
        page.fact("instrument", &instrument.id);
        page.fact("title", format!("{} [{}]", instrument.title, instrument.basis));
        page.fact_if("citation", instrument.citation.as_ref());
        page.fact(
            "in force",
            format!("{} [{}]", if instrument.in_force() { "yes" } else { "no" }, instrument.status.basis),
        );
        page.fact("region", format!("{} [{}]", instrument.region.text, instrument.region.basis));
        page.blank();
        let mut table = Table::new(&["MEASURE", "ARTICLE", "KNOWN FROM"]);
        for rule in &instrument.measures {
            table.row([rule.measure.to_string(), rule.to_string(), rule.confidence().to_string()]);
        }
        page.table(&table, "No measure is recorded.");
        for note in &instrument.notes {
            page.line(format!("note: {} [{}]", note.text, note.basis));
        }
    }
}

/// Shows an instrument.
///
/// # Errors
/// A usage problem if there is no such instrument.
pub fn show(id: &str) -> Result<InstrumentShown, Problem> {
    let instrument = loaded()?.instrument(id).ok_or_else(|| {
        Problem::usage(format!("there is no instrument `{}`", clean(id)))
            .with_hint("`rogatory instrument list` lists them")
    })?;
    Ok(InstrumentShown { instrument })
}

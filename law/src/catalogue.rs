//! The catalogue of instruments that comes with the program.
//!
//! Holds the data files of `data/` and their index, read once. May call the data-file reader. Never reads a file
//! while running, and never falls back to a part of itself: one wrong file makes the whole catalogue unusable.

use crate::confidence::{Source, SourceKey};
use crate::data_file::{DataError, DataFile};
use crate::instrument::Instrument;
use crate::instrument_file::{InstrumentForm, KnownSources, SourceForm, sources};
use crate::known_date::KnownDate;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use toml::Spanned;

/// The format of the index that this version reads.
const FORMAT: u32 = 1;

const INDEX: (&str, &str) = ("catalogue.toml", include_str!("../data/catalogue.toml"));

/// Names the data files once; each is called like the instrument in it.
macro_rules! files {
    ($($id:literal),+ $(,)?) => {
        [$((
            concat!("instruments/", $id, ".toml"),
            include_str!(concat!("../data/instruments/", $id, ".toml")),
        )),+]
    };
}

/// Global first, then Europe, the Union, other regions, agreements, national law.
static FILES: [(&str, &str); 38] = files![
    "untoc-2000",
    "tip-protocol-2000",
    "uncac-2003",
    "un-cybercrime-2024",
    "un-model-mla-1990",
    "budapest-2001",
    "budapest-2ap-2022",
    "coe-mla-1959",
    "coe-mla-1ap-1978",
    "coe-mla-2ap-2001",
    "coe-lanzarote-2007",
    "coe-thb-2005",
    "eu-eio-2014",
    "eu-epoc-2023",
    "eu-rep-directive-2023",
    "eu-it-eevidence-2025",
    "eu-digital-justice-2023",
    "eu-it-batch1-2026",
    "eu-mla-2000",
    "eu-freezing-2018",
    "eu-police-info-2023",
    "eu-tco-2021",
    "eu-dsa-2022",
    "eu-us-mla-2003",
    "eu-uk-tca-2020",
    "oas-nassau-1992",
    "medellin-2019",
    "asean-mlat-2004",
    "arab-ito-2010",
    "commonwealth-harare",
    "reciprocity-comity",
    "uk-us-daa-2019",
    "au-us-cloud-2021",
    "us-sca",
    "us-cloud-act",
    "uk-copo-2019",
    "gh-mla-2010",
    "nz-macma-3a",
];

/// The catalogue cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CatalogueError {
    /// One of its files is wrong.
    #[error("the catalogue of instruments cannot be read")]
    File(#[source] DataError),
    /// Two files describe one instrument.
    #[error("the instrument `{id}` is described twice, in `{first}` and in `{second}`")]
    Twice {
        /// The instrument.
        id: String,
        /// The file read first.
        first: String,
        /// The other file.
        second: String,
    },
}

/// The instruments, and the documents their statements name.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Catalogue {
    as_of: KnownDate,
    instruments: Vec<Instrument>,
    sources: Vec<Source>,
}

/// The catalogue that comes with the program, read on first use.
///
/// # Errors
/// [`CatalogueError`] if a data file of this build is wrong; the same at every call.
pub fn catalogue() -> Result<&'static Catalogue, CatalogueError> {
    static CATALOGUE: LazyLock<Result<Catalogue, CatalogueError>> =
        LazyLock::new(|| Catalogue::read(INDEX, &FILES));
    CATALOGUE.as_ref().map_err(Clone::clone)
}

impl Catalogue {
    /// The date to which the official texts were known; an instrument's status may be known to an earlier one.
    #[must_use]
    pub const fn as_of(&self) -> KnownDate {
        self.as_of
    }

    /// The instrument with this id.
    #[must_use]
    pub fn instrument(&self, id: &str) -> Option<&Instrument> {
        self.instruments.iter().find(|instrument| instrument.id.as_str() == id)
    }

    /// Every instrument: global ones first, then by region, national law last.
    #[must_use]
    pub fn instruments(&self) -> &[Instrument] {
        &self.instruments
    }

    /// The document under a key.
    #[must_use]
    pub fn source(&self, key: &SourceKey) -> Option<&Source> {
        self.sources.iter().find(|source| source.key == *key)
    }

    /// Every document that statements name.
    #[must_use]
    pub fn sources(&self) -> &[Source] {
        &self.sources
    }

    fn read(index: (&str, &str), files: &[(&str, &str)]) -> Result<Self, CatalogueError> {
        let file = DataFile::new(index.0, index.1);
        let form: IndexForm = file.parse().map_err(CatalogueError::File)?;
        if *form.format.get_ref() != FORMAT {
            let problem =
                format!("format {} is not known; this version reads {FORMAT}", form.format.get_ref());
            return Err(CatalogueError::File(file.wrong(form.format.span(), "format", problem)));
        }
        let sources = sources(&file, form.sources).map_err(CatalogueError::File)?;
        let known: KnownSources = sources.iter().map(|source| source.key.clone()).collect();
        let mut instruments = Vec::with_capacity(files.len());
        let mut described = BTreeMap::new();
        for (name, text) in files {
            let instrument =
                read_instrument(&DataFile::new(name, text), &known).map_err(CatalogueError::File)?;
            if let Some(first) = described.insert(instrument.id.clone(), *name) {
                return Err(CatalogueError::Twice {
                    id: instrument.id.to_string(),
                    first: first.to_owned(),
                    second: (*name).to_owned(),
                });
            }
            instruments.push(instrument);
        }
        Ok(Self { as_of: form.as_of, instruments, sources })
    }
}

fn read_instrument(file: &DataFile<'_>, known: &KnownSources) -> Result<Instrument, DataError> {
    let form: InstrumentForm = file.parse()?;
    form.check(file, "", known)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct IndexForm {
    format: Spanned<u32>,
    as_of: KnownDate,
    sources: Vec<SourceForm>,
}

#[cfg(test)]
mod tests;

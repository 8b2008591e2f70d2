//! When what a bundle holds is proven to have existed: by the tokens in `stamps/`, and by one beside the whole.
//!
//! May read the stamped objects and have the tokens judged. Takes no anchor of an authority from the bundle.

use super::framing::Bundle;
use super::layout;
use super::verified::StampFacts;
use crate::source::{PackageSource as _, ZipSource};
use crate::streams::{Hashing, read_limited};
use crate::verify::time::in_words;
use crate::verify::verdict::{Findings, Part, Requirement};
use crate::verify::{VerifyOptions, revocation::Used};
use rogatory_container::timestamp::{MAX_TOKEN_BYTES, VerifiedTimestamp};
use rogatory_core::{Timestamp, chain};
use rogatory_pki::path::ValidatedPath;
use std::collections::BTreeMap;

/// The most objects without a stamp that are named one by one.
const MOST_NAMED: usize = 3;

/// The stamps in a bundle that hold, by the objects that they are for.
pub(super) struct Times<'a> {
    options: &'a VerifyOptions<'a>,
    stamps: BTreeMap<String, VerifiedTimestamp>,
    /// How many lie there.
    count: usize,
}

impl<'a> Times<'a> {
    /// Judges every token under the anchors that were given for authorities of time.
    pub(super) fn read(source: &ZipSource, options: &'a VerifyOptions<'a>, findings: &mut Findings) -> Self {
        let mut times = Self { options, stamps: BTreeMap::new(), count: 0 };
        for name in source.names().filter(|name| name.starts_with(layout::STAMPS)) {
            times.count += 1;
            let object = layout::stamped_object(name);
            let Some(object) = object.filter(|object| source.names().any(|other| other == object)) else {
                findings.failed(Part::Time, Some(name), "it is no time stamp for an object of the bundle");
                continue;
            };
            match times.judge(source, name, &object) {
                Ok(Some(stamp)) => {
                    findings.checked(Part::Time, format!("time: `{object}` is {}", in_words(&stamp)));
                    times.stamps.insert(object, stamp);
                }
                Ok(None) => {}
                Err(why) => findings.failed(Part::Time, Some(name), why),
            }
        }
        times
    }

    fn judge(
        &self,
        source: &ZipSource,
        name: &str,
        object: &str,
    ) -> Result<Option<VerifiedTimestamp>, String> {
        let unreadable = |error: std::io::Error| format!("it cannot be read: {error}");
        let token = source.open(name).and_then(|mut reader| read_limited(&mut *reader, MAX_TOKEN_BYTES));
        let token = token.map_err(unreadable)?;
        let stamped = source.open(object).and_then(|inner| Hashing::new(inner).finish_after_the_rest());
        let (stamped, _) = stamped.map_err(|error| format!("`{object}` cannot be read: {error}"))?;
        let judged = self.options.time.judge(&token, stamped).transpose();
        judged.map_err(|error| chain(&error))
    }

    /// The instant at which an object is proven to have existed.
    pub(super) fn proven(&self, object: Option<&str>) -> Option<Timestamp> {
        let whole = self.options.time.instant();
        let own = object.and_then(|object| self.stamps.get(object)).map(VerifiedTimestamp::latest);
        match (own, whole) {
            // Where somebody's word names the instant, only the whole is proven to fit it.
            (_, whole) if self.options.time.must_be_beside() => whole,
            (Some(own), Some(whole)) => Some(own.min(whole)),
            (own, whole) => own.or(whole),
        }
    }

    /// How the signatures in an object are judged: at the instant at which they are proven to have existed.
    pub(super) fn options_for(&self, object: Option<&str>) -> VerifyOptions<'a> {
        let options = self.options;
        let at = match object.and_then(|object| self.stamps.get(object)) {
            Some(stamp) => options.time.judged_at_of(stamp.latest(), options.at),
            None => options.at,
        };
        VerifyOptions { at, ..options.clone() }
    }

    /// A path that was used in an object, with the instant that is proven of it.
    pub(super) fn used<'p>(&self, path: &'p ValidatedPath, object: Option<&str>) -> Used<'p> {
        Used { path, proven: self.proven(object) }
    }

    /// All stamps that hold, that beside the whole among them.
    pub(super) fn stamps(&self) -> impl Iterator<Item = &VerifiedTimestamp> {
        self.stamps.values().chain(self.options.time.stamps())
    }

    /// The stamps within the bundle, as the report names them.
    pub(super) fn facts(&self) -> Vec<StampFacts> {
        let fact = |(object, stamp): (&String, &VerifiedTimestamp)| StampFacts {
            object: object.clone(),
            proven: stamp.latest(),
            time_stamping_authority: stamp.tsa().subject(),
        };
        self.stamps.iter().map(fact).collect()
    }

    /// Says what is proven of the whole: by a token beside it, or by one for everything in it that an institution signed
    /// and for the checkpoint.
    pub(super) fn report(&self, bundle: &Bundle<'_>, findings: &mut Findings) {
        let time = &self.options.time;
        if time.must_be_beside() || time.instant().is_some() {
            return time.report(findings);
        }
        let package = layout::package_signature(bundle.source.names());
        let is_signed = |name: &&str| {
            name.starts_with(layout::DOCUMENTS)
                || name.starts_with(layout::RECEIPTS)
                || [layout::INDEX, layout::CHECKPOINT].contains(name)
                || Some(*name) == package
        };
        let signed: Vec<&str> = bundle.source.names().filter(is_signed).collect();
        let open: Vec<&str> =
            signed.iter().copied().filter(|name| !self.stamps.contains_key(*name)).collect();
        if self.count > self.stamps.len() && !findings.any_failed_of(Part::Time) {
            let count = self.count;
            let why = format!(
                "{count} time stamps lie in `stamps/`, and no anchor of a time-stamping authority was given"
            );
            findings.not_checked(Part::Time, why);
        } else if !open.is_empty() {
            let named = open.iter().take(MOST_NAMED).map(|name| format!("`{name}`"));
            let named = named.collect::<Vec<_>>().join(", ");
            let more = open.len().saturating_sub(MOST_NAMED);
            let more = if more > 0 { format!(" and {more} more") } else { String::new() };
            let why = format!(
                "no time stamp beside the bundle, and none in it for {named}{more}: of these the time is the signers' claim"
            );
            findings.not_checked(Part::Time, why);
        } else if signed.is_empty() {
            findings.not_checked(
                Part::Time,
                "nothing lies in the bundle of which a time stamp could prove the time",
            );
        } else {
            let text =
                "time: everything in the bundle that an institution signed is proven by a stamp of its own";
            return findings.checked(Part::Time, text);
        }
        // A single stamp that holds is not what was asked for.
        if self.options.require.contains(&Requirement::Time) {
            findings.failed(
                Part::Time,
                None,
                "time was required and is not checked for everything that is signed",
            );
        }
    }
}

//! The test vectors of evidence packages: `tests/vectors/package/`, good ones and one defect a file,
//! each beside a text that says what must happen.
//!
//! Keys are drawn at random, so the files are kept; run with `ROGATORY_WRITE_VECTORS=1` to make them
//! anew. Every run makes them once more in memory too, and judges both by what they say of themselves.

mod made;
#[path = "../../container/tests/vectors_made/mod.rs"]
#[allow(dead_code, reason = "shared with the vectors of containers, which use another part of it")]
mod vectors_made;

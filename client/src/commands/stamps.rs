//! Time stamps that the own server got: fetched by the digest of what they stamp, and written beside it.
//!
//! Nothing is believed here: `rogatory package verify --tsa` judges them.

use crate::connect::explain;
use crate::files;
use crate::problem::Problem;
use crate::session::Session;
use rogatory_core::Digest;
use rogatory_evidence::verify::beside;
use rogatory_proto::custody::v1 as custody;
use std::path::{Path, PathBuf};

/// The stamps of what has the SHA-256 `subject`: the first, then its renewals, as far as they were got; none if the
/// server knows of nothing to stamp.
///
/// # Errors
/// If the server refuses.
pub(crate) async fn fetch(session: &Session, subject: &Digest) -> Result<Vec<custody::TimeStamp>, Problem> {
    let request = custody::GetTimeStampsRequest { subject_sha256: subject.as_bytes().to_vec().into() };
    let stamps = match session.connection().await?.custody().get_time_stamps(request).await {
        Ok(answer) => answer.into_inner().time_stamps,
        Err(status) if status.code() == tonic::Code::NotFound => Vec::new(),
        Err(status) => return Err(explain(status)),
    };
    Ok(stamps.into_iter().take_while(|stamp| !stamp.token.is_empty()).collect())
}

/// Writes stamps beside `file`, which they stamp: `NAME.tst`, and of each renewal its list and its token. Gives the
/// files written.
///
/// # Errors
/// If a file is there already or cannot be written.
pub(crate) fn write_beside(
    file: &Path,
    stamps: &[custody::TimeStamp],
) -> Result<Vec<(PathBuf, Digest)>, Problem> {
    let mut written = Vec::new();
    for (number, stamp) in stamps.iter().enumerate() {
        let list = (number > 0).then_some((false, &stamp.content));
        for (token, bytes) in list.into_iter().chain([(true, &stamp.token)]) {
            let place = beside(file, number, token)
                .ok_or_else(|| Problem::usage(format!("`{}` names no file", file.display())))?;
            files::write_new(&place, bytes)?;
            written.push((place, Digest::of(bytes)));
        }
    }
    Ok(written)
}

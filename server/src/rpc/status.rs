//! Problems as gRPC statuses: code, message, and the stable reason and hint in the metadata.

use crate::problem::{Kind, Problem};
use rogatory_core::chain;
use rogatory_core::entropy::Entropy;
use tonic::metadata::MetadataValue;
use tonic::{Code, Status};

/// The metadata key of the stable reason.
pub(crate) const REASON_KEY: &str = "rogatory-reason";
/// The metadata key of the hint.
pub(crate) const HINT_KEY: &str = "rogatory-hint";

/// Renders a problem for the caller. What is internal is logged under a reference, and the caller
/// gets the reference alone.
#[must_use]
pub fn status_of(problem: &Problem) -> Status {
    let kind = problem.reason().kind();
    let mut status = if kind == Kind::Internal {
        let mut bits = [0; 6];
        SystemEntropy.fill(&mut bits);
        let reference: String = bits.iter().map(|byte| format!("{byte:02x}")).collect();
        tracing::error!(%reference, problem = %chain(problem), "internal error");
        Status::internal(format!("internal error; its reference in the server's log is {reference}"))
    } else {
        Status::new(code(kind), problem.to_string())
    };
    if let Ok(reason) = MetadataValue::try_from(problem.reason().as_str()) {
        status.metadata_mut().insert(REASON_KEY, reason);
    }
    // Metadata is ASCII; a hint that is not is left out.
    if let Some(Ok(hint)) = problem.hint().map(MetadataValue::try_from) {
        status.metadata_mut().insert(HINT_KEY, hint);
    }
    status
}

const fn code(kind: Kind) -> Code {
    match kind {
        Kind::InvalidArgument => Code::InvalidArgument,
        Kind::NotFound => Code::NotFound,
        Kind::PermissionDenied => Code::PermissionDenied,
        Kind::Unauthenticated => Code::Unauthenticated,
        Kind::FailedPrecondition => Code::FailedPrecondition,
        Kind::AlreadyExists => Code::AlreadyExists,
        Kind::Aborted => Code::Aborted,
        Kind::Unavailable => Code::Unavailable,
        Kind::DeadlineExceeded => Code::DeadlineExceeded,
        Kind::ResourceExhausted => Code::ResourceExhausted,
        Kind::Internal => Code::Internal,
    }
}

/// References of internal errors name nothing; they need not be seeded.
struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) {
        // Without randomness the reference is all zeros, which is still found in the log.
        let _ = aws_lc_rs::rand::fill(bytes);
    }
}

//! Tells the own server what was done with a package on this machine, so that the custody log has it.
//!
//! The act is done already and nothing undoes it: a server that cannot be told is a note, not a failure. What is logged
//! on this machine stays logged here.

use crate::connect::explain;
use crate::problem::{Problem, clean};
use crate::session::Session;
use rogatory_core::PackageId;
use rogatory_proto::office::v1 as office;
pub(super) use rogatory_proto::office::v1::report_offline_act_request::Act;

/// How many exhibits are named to the server; it is told how many there were.
pub(super) const NAMED: usize = 1000;

/// Tells the server; gives the note if it could not be told. Without a profile there is no server to tell.
pub(super) async fn tell(session: &Session, package: &PackageId, act: Act) -> Option<String> {
    session.profile.as_ref()?;
    let told: Result<(), Problem> = async {
        let mut packages = session.connection().await?.packages();
        let request = office::ReportOfflineActRequest {
            request_id: session.call_id(),
            package_id: package.to_string(),
            act: Some(act),
        };
        packages.report_offline_act(request).await.map_err(explain)?;
        Ok(())
    }
    .await;
    let problem = told.err()?;
    Some(format!("the custody log of the office was not told of this: {}", clean(problem.message())))
}

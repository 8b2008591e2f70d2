//! What an officer did with a package on her own machine reaches the log: she opened sensitive exhibits, or made
//! another package from it for other recipients. Her word, under her certificate; nothing here can check it.

use crate::access::Permit;
use crate::authority::Authority;
use crate::casework::draft_document::check_request_id;
use crate::datastore::{Act, OFFICE, StoreError, Transaction};
use crate::problem::Problem;
use rogatory_core::custody_event::{Actor, CustodyEvent, Event};
use rogatory_core::{Digest, PackageId};
use rogatory_evidence::ExhibitNumber;

/// How many exhibits are named; the number says how many there were.
const NAMED: usize = 1000;

/// What was done.
#[derive(Clone, Debug)]
pub enum OfflineAct {
    /// Sensitive exhibits were opened.
    SensitiveOpened {
        /// How many.
        count: u64,
        /// Which, at most the first thousand.
        exhibits: Vec<String>,
        /// The digest of the reason.
        reason_sha256: Digest,
    },
    /// A package with all exhibits was made.
    Rewrapped(DerivedAct),
    /// A package with some exhibits was made.
    Disclosed(DerivedAct),
}

/// A package that was made from another.
#[derive(Clone, Debug)]
pub struct DerivedAct {
    /// Its id.
    pub derived: PackageId,
    /// How many can open it.
    pub recipients: u64,
    /// How many exhibits it holds.
    pub count: u64,
    /// Which, at most the first thousand.
    pub exhibits: Vec<String>,
}

/// Records what an officer says that she did with `package`.
///
/// # Errors
/// [`Problem`] for malformed numbers of exhibits, or if another act was told under the same id.
pub async fn report_offline_act(
    authority: &Authority,
    permit: &Permit,
    request_id: &str,
    package: &PackageId,
    act: OfflineAct,
) -> Result<(), Problem> {
    check_request_id(request_id)?;
    let package = package.clone();
    let event = match act {
        OfflineAct::SensitiveOpened { count, exhibits, reason_sha256 } => Event::SensitiveOpened {
            package: package.clone(),
            count,
            exhibits: checked(exhibits)?,
            reason_sha256,
        },
        OfflineAct::Rewrapped(made) => Event::PackageRewrapped {
            package: package.clone(),
            derived: made.derived,
            recipients: made.recipients,
        },
        OfflineAct::Disclosed(made) => Event::PackageDisclosed {
            package: package.clone(),
            derived: made.derived,
            recipients: made.recipients,
            count: made.count,
            exhibits: checked(made.exhibits)?,
        },
    };
    let told = serde_json::to_vec(&event)
        .map_err(|error| Problem::internal("an offline act cannot be recorded", error))?;
    let act = Report {
        package,
        actor: permit.actor(),
        caller: permit.caller_name(),
        request_id: request_id.to_owned(),
        digest: Digest::of(&told),
        event,
    };
    authority.datastore.perform(act).await
}

fn checked(exhibits: Vec<String>) -> Result<Vec<String>, Problem> {
    if exhibits.len() > NAMED {
        return Err(Problem::argument("exhibits", &format!("at most {NAMED} are named")));
    }
    let number = |text: String| {
        let number: ExhibitNumber = text.parse().map_err(|error| Problem::argument("exhibits", &error))?;
        Ok(number.to_string())
    };
    exhibits.into_iter().map(number).collect()
}

struct Report {
    package: PackageId,
    actor: Actor,
    caller: String,
    request_id: String,
    digest: Digest,
    event: Event,
}

impl Act for Report {
    const NAME: &'static str = "report-offline-act";
    type Output = ();

    async fn perform(&self, tx: &mut Transaction) -> Result<(), StoreError> {
        if tx.answered(&self.caller, &self.request_id, &self.digest).await?.is_some() {
            return Ok(());
        }
        let case = tx.package(&self.package).await?.map_or_else(|| OFFICE.to_owned(), |row| row.case);
        tx.record(&case, &self.actor, CustodyEvent::internal(self.event.clone())).await?;
        tx.remember_answer(&self.caller, &self.request_id, &self.digest, self.package.as_str()).await
    }
}

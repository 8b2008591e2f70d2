//! The gate before every service: connection → row → permit.

use super::table::{Callers, ROWS, row};
use super::{Caller, Permit, role_missing};
use crate::authority::Authority;
use crate::casework::record_denial::RecordDenial;
use crate::listener::Connected;
use crate::problem::{Problem, Reason};
use crate::rpc::status_of;
use http::{Request, Response};
use rogatory_pki::tls::{Listener, Refusal};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use tonic::body::Body;
use tower::{Layer, Service};

/// Puts the gate before the services of one listener.
#[derive(Clone)]
pub struct AccessLayer {
    authority: Arc<Authority>,
    listener: Listener,
}

impl AccessLayer {
    /// The gate of `listener`.
    #[must_use]
    pub const fn new(authority: Arc<Authority>, listener: Listener) -> Self {
        Self { authority, listener }
    }
}

impl<S> Layer<S> for AccessLayer {
    type Service = Gate<S>;

    fn layer(&self, inner: S) -> Gate<S> {
        Gate { inner, layer: self.clone() }
    }
}

/// A service behind the gate.
#[derive(Clone)]
pub struct Gate<S> {
    inner: S,
    layer: AccessLayer,
}

impl<S> Service<Request<Body>> for Gate<S>
where
    S: Service<Request<Body>, Response = Response<Body>> + Clone + Send + 'static,
    S::Future: Send,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<S::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, context: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(context)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        // The service that was polled ready takes the call; its clone waits for the next.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        let layer = self.layer.clone();
        Box::pin(async move {
            match layer.decide(&request) {
                Ok(permit) => {
                    request.extensions_mut().insert(permit);
                    inner.call(request).await
                }
                Err(denial) => {
                    layer.note(&denial).await;
                    Ok(status_of(&denial.problem).into_http())
                }
            }
        })
    }
}

/// A refused call.
struct Denial {
    problem: Problem,
    rpc: &'static str,
    reason: &'static str,
    /// The caller, if the connection was admitted: only then is the custody log troubled.
    caller: Option<Permit>,
}

impl AccessLayer {
    fn decide(&self, request: &Request<Body>) -> Result<Permit, Box<Denial>> {
        let path = request.uri().path();
        let denial = |problem: Problem, reason, caller| {
            Box::new(Denial { problem, rpc: known_path(path), reason, caller })
        };
        let admitted = match request.extensions().get::<Connected>() {
            Some(Connected { admission: Ok(admitted) }) => admitted,
            Some(Connected { admission: Err(refusal) }) => {
                return Err(denial(not_admitted(refusal), refusal.reason(), None));
            }
            None => {
                let problem = Problem::new(Reason::NotAdmitted, "this connection has no identity");
                return Err(denial(problem, "NO_IDENTITY", None));
            }
        };
        // A connection lives on when its certificate does not.
        let now = self.authority.clock.now();
        if admitted.path().below_anchor().any(|certificate| certificate.not_after() < now) {
            let refusal = Refusal::CertificateExpired;
            return Err(denial(not_admitted(&refusal), refusal.reason(), None));
        }
        let caller = match admitted.officer() {
            None => Caller::Peer(admitted.party().clone()),
            Some(id) => {
                // An officer that the configuration does not name has no roles, and so no row.
                let roles = self.authority.institution.officer(id).map(|officer| officer.roles.clone());
                Caller::Officer { id: id.clone(), roles: roles.unwrap_or_default() }
            }
        };
        let Some(row) = row(self.listener, path) else {
            let permit = Permit { caller, role: None };
            let problem =
                Problem::new(Reason::CallerNotPermitted, "this call is not served on this listener");
            return Err(denial(problem, "NO_ROW", Some(permit)));
        };
        let permit = Permit { caller, role: None };
        match (row.callers, &permit.caller) {
            (Callers::Peers, Caller::Peer(_)) => Ok(permit),
            (Callers::Officers(roles), Caller::Officer { roles: held, .. }) => {
                match roles.iter().find(|role| held.contains(role)) {
                    Some(role) => Ok(Permit { role: Some(*role), ..permit }),
                    None => Err(denial(role_missing(roles), "ROLE_MISSING", Some(permit))),
                }
            }
            _ => {
                let problem = Problem::new(Reason::CallerNotPermitted, "this caller may not make this call");
                Err(denial(problem, "CALLER_NOT_PERMITTED", Some(permit)))
            }
        }
    }

    async fn note(&self, denial: &Denial) {
        let listener = match self.listener {
            Listener::Office => "office",
            Listener::Peer => "peer",
        };
        tracing::warn!(listener, rpc = %denial.rpc, reason = denial.reason, "call refused");
        if let Some(permit) = &denial.caller {
            // Whoever repeats it leaves one trace, so that nobody fills the log by being refused.
            let (who, now) = (permit.caller_name(), self.authority.clock.now());
            let what = format!("{} {} {}", denial.rpc, denial.reason, listener);
            if !self.authority.readings.claim(&who, &what, now) {
                return;
            }
            let act = RecordDenial {
                actor: permit.actor(),
                rpc: denial.rpc.to_owned(),
                reason: denial.reason.to_owned(),
            };
            if let Err(problem) = self.authority.datastore.perform(act).await {
                tracing::error!(problem = %rogatory_core::chain(&problem), "a refused call could not be recorded");
            }
        }
    }
}

/// The path if it is one of ours: what a caller invents has no place in logs.
fn known_path(path: &str) -> &'static str {
    ROWS.iter().find(|row| row.rpc == path).map_or("unknown", |row| row.rpc)
}

fn not_admitted(refusal: &Refusal) -> Problem {
    Problem::new(Reason::NotAdmitted, format!("this connection is refused: {refusal}"))
        .with_hint("the operator of that server finds the reason in its log")
}

/// The permit the gate gave this call.
///
/// # Errors
/// An internal [`Problem`] if the call did not pass the gate.
pub fn permit_of<T>(request: &tonic::Request<T>) -> Result<Permit, Problem> {
    request
        .extensions()
        .get::<Permit>()
        .cloned()
        .ok_or_else(|| Problem::internal("a call did not pass the gate", "no permit"))
}

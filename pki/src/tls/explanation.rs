//! Why a TLS handshake failed, in plain words.
//!
//! Holds the two readings of one error: a [`Refusal`] with its stable reason for the log of the
//! side that refused, and a sentence for the person whose connection was refused. Never changes
//! what happens.
//!
//! In TLS 1.3 a caller learns of his rejection with the first read, when the HTTP layers above have
//! already wrapped the error, or kept its text only; so the whole chain of sources is walked, and
//! as a last resort the texts are read.

use super::admission::Refusal;
use crate::distinguished_name::clean;
use rustls::{AlertDescription, CertificateError, PeerIncompatible};
use std::error::Error;
use std::io;

/// No chain of sources is followed further than this.
const MAX_DEPTH: usize = 32;
/// How the TLS library's text for a received alert begins.
const ALERT_TEXT: &str = "received fatal alert: ";

/// Says why a handshake failed, for the log of the side whose handshake it was.
///
/// Takes the `std::io::Error` of an acceptor or connector, a `rustls::Error`, or whatever wraps one.
#[must_use]
pub fn refusal_of_handshake(error: &(dyn Error + 'static)) -> Refusal {
    if let Some(refusal) = find(error, &mut |error| error.downcast_ref::<rustls::Error>().map(refusal)) {
        return refusal;
    }
    match find(error, &mut |error| error.downcast_ref::<io::Error>().map(io::Error::kind)) {
        Some(
            io::ErrorKind::UnexpectedEof
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::BrokenPipe
            | io::ErrorKind::TimedOut,
        ) => Refusal::Interrupted,
        _ => Refusal::Handshake { what: clean(&error.to_string()) },
    }
}

/// Says in plain words why TLS refused, for the person who tried; `None` if TLS is not the cause.
#[must_use]
pub fn explain_tls_error(error: &(dyn Error + 'static)) -> Option<String> {
    if let Some(words) = find(error, &mut |error| error.downcast_ref::<rustls::Error>().map(words)) {
        return Some(words);
    }
    // The layers above keep only the text of an error that ends a connection.
    find(error, &mut |error| {
        let text = error.to_string();
        let (_, alert) = text.split_once(ALERT_TEXT)?;
        let name: String = alert.chars().take_while(char::is_ascii_alphanumeric).collect();
        Some(alert_sentence(&name))
    })
}

/// Walks `error` and its sources until `look` finds something.
fn find<T>(
    error: &(dyn Error + 'static),
    look: &mut dyn FnMut(&(dyn Error + 'static)) -> Option<T>,
) -> Option<T> {
    let mut next = Some(error);
    for _ in 0..MAX_DEPTH {
        let error = next?;
        if let Some(found) = look(error) {
            return Some(found);
        }
        // An I/O error's `source` skips the error it wraps, so the wrapped one is taken by itself.
        next = match error.downcast_ref::<io::Error>().and_then(io::Error::get_ref) {
            Some(inner) => Some(inner),
            None => error.source(),
        };
    }
    None
}

fn refusal(error: &rustls::Error) -> Refusal {
    use rustls::Error as E;
    match error {
        E::NoCertificatesPresented => Refusal::NoClientCertificate,
        E::InvalidCertificate(error) => certificate_refusal(error),
        E::PeerIncompatible(
            PeerIncompatible::SupportedVersionsExtensionRequired
            | PeerIncompatible::Tls12NotOffered
            | PeerIncompatible::Tls12NotOfferedOrEnabled
            | PeerIncompatible::Tls13RequiredForQuic
            | PeerIncompatible::ServerDoesNotSupportTls12Or13
            | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig,
        )
        | E::AlertReceived(AlertDescription::ProtocolVersion) => Refusal::TlsVersion,
        E::PeerIncompatible(_) | E::NoApplicationProtocol => Refusal::NoCommonAlgorithm,
        E::InvalidMessage(_) => Refusal::NotTls,
        E::AlertReceived(alert) => Refusal::RefusedByOtherSide { what: alert_words(&format!("{alert:?}")) },
        other => Refusal::Handshake { what: clean(&other.to_string()) },
    }
}

fn certificate_refusal(error: &CertificateError) -> Refusal {
    use CertificateError as C;
    match error {
        C::Expired | C::ExpiredContext { .. } => Refusal::CertificateExpired,
        C::NotValidYet | C::NotValidYetContext { .. } => Refusal::CertificateNotYetValid,
        C::Revoked => Refusal::CertificateRevoked,
        C::UnknownRevocationStatus | C::ExpiredRevocationList | C::ExpiredRevocationListContext { .. } => {
            Refusal::RevocationListExpired
        }
        C::UnknownIssuer | C::BadSignature => Refusal::UnknownIssuer,
        C::NotValidForName | C::NotValidForNameContext { .. } => Refusal::WrongName,
        C::InvalidPurpose | C::InvalidPurposeContext { .. } => Refusal::WrongPurpose,
        other => Refusal::BadCertificate { what: clean(&other.to_string()) },
    }
}

/// The sentence for an error of the TLS library: what we objected to, or what the other side did.
fn words(error: &rustls::Error) -> String {
    if let rustls::Error::AlertReceived(alert) = error {
        return alert_sentence(&format!("{alert:?}"));
    }
    match refusal(error) {
        Refusal::NoClientCertificate => "the other side showed no certificate".to_owned(),
        Refusal::BadCertificate { what } => format!("the other side's certificate is not acceptable: {what}"),
        Refusal::UnknownIssuer => {
            "the other side's certificate was issued by an authority that is not among the trusted ones".to_owned()
        }
        Refusal::CertificateExpired => "the other side's certificate, or one of its issuers, has expired".to_owned(),
        Refusal::CertificateNotYetValid => {
            "the other side's certificate is not valid yet; is this machine's clock right?".to_owned()
        }
        Refusal::CertificateRevoked => "the other side's certificate was revoked".to_owned(),
        Refusal::RevocationListExpired => {
            "the revocation list for the other side's certificate has run out; fetch the authority's newest one".to_owned()
        }
        Refusal::WrongPurpose => "the other side's certificate was issued for another purpose".to_owned(),
        other => other.to_string(),
    }
}

fn alert_sentence(name: &str) -> String {
    format!("the other side refused the connection: {}", alert_words(name))
}

/// What an alert means, by the name the TLS library gives it.
fn alert_words(name: &str) -> String {
    let words = match name {
        "CertificateRequired" => "it asks for a client certificate and got none",
        "CertificateExpired" => "our certificate has expired, or is not valid yet by its clock",
        "CertificateRevoked" => "our certificate was revoked",
        "UnknownCA" => {
            "it does not know the authority that issued our certificate, or lacks its current revocation list"
        }
        "BadCertificate" => "it does not accept our certificate",
        "UnsupportedCertificate" => "our certificate is of a kind, or for a purpose, that it does not accept",
        "CertificateUnknown" => "it has an objection to our certificate that it does not name",
        "AccessDenied" => "our certificate is in order, but we are not admitted there",
        "DecryptError" => "our signature did not fit our certificate",
        "ProtocolVersion" => "it does not speak TLS 1.3",
        "HandshakeFailure" | "InsufficientSecurity" => "the two sides have no algorithm in common",
        "NoApplicationProtocol" => "it does not speak HTTP/2 there",
        "UnrecognisedName" => "it does not answer to the name that was dialled",
        other => return format!("alert {}", clean(other)),
    };
    words.to_owned()
}

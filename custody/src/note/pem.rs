//! PKCS#8 PEM of one private key, as far as a log key needs it.

use data_encoding::BASE64;

const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// The longest file that can hold one Ed25519 key and a few lines of remarks.
const MAX_BYTES: usize = 8 * 1024;

/// Writes a DER document as `PRIVATE KEY`.
pub(super) fn encode(der: &[u8]) -> String {
    let text = BASE64.encode(der);
    let mut pem = format!("{BEGIN}\n");
    for line in text.as_bytes().chunks(64) {
        pem.extend(line.iter().map(|byte| char::from(*byte)));
        pem.push('\n');
    }
    pem.push_str(END);
    pem.push('\n');
    pem
}

/// Reads the one `PRIVATE KEY` of a file; text around it is allowed, a second one isn't.
pub(super) fn decode(pem: &str) -> Option<Vec<u8>> {
    if pem.len() > MAX_BYTES {
        return None;
    }
    let (_, rest) = pem.split_once(BEGIN)?;
    let (body, rest) = rest.split_once(END)?;
    if rest.contains(BEGIN) {
        return None;
    }
    let text: String = body.split_ascii_whitespace().collect();
    BASE64.decode(text.as_bytes()).ok()
}

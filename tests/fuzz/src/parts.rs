//! Named parts in one input, so that a search can change what lies behind checksums.
//!
//! An input is a row of parts: one byte that says which name, two that give the length, the content. Whatever is cut
//! off is left out.

/// The parts of an input: which name, and the content.
pub(crate) fn split(mut data: &[u8]) -> Vec<(u8, &[u8])> {
    let mut parts = Vec::new();
    while let Some((head, rest)) = data.split_first_chunk::<3>() {
        let length = usize::from(u16::from_be_bytes([head[1], head[2]])).min(rest.len());
        let (content, after) = rest.split_at(length);
        parts.push((head[0], content));
        data = after;
    }
    parts
}

/// Writes parts as an input; a content that is too long is left out.
pub(crate) fn join<'a>(parts: impl IntoIterator<Item = (u8, &'a [u8])>) -> Vec<u8> {
    let mut data = Vec::new();
    for (name, content) in parts {
        if let Ok(length) = u16::try_from(content.len()) {
            data.push(name);
            data.extend_from_slice(&length.to_be_bytes());
            data.extend_from_slice(content);
        }
    }
    data
}

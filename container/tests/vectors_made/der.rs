//! DER taken apart and put together again, to make signatures that no writer makes.

use rogatory_pki::signing::Signer;

/// One element: tag and contents.
#[derive(Clone, Debug)]
pub(crate) struct Element(pub(crate) u8, pub(crate) Vec<u8>);

impl Element {
    pub(crate) fn append_to(&self, out: &mut Vec<u8>) {
        out.push(self.0);
        let length = self.1.len();
        match length {
            0..=127 => out.push(u8::try_from(length).expect("short")),
            128..=255 => out.extend([0x81, u8::try_from(length).expect("short")]),
            _ => {
                out.push(0x82);
                out.extend(u16::try_from(length).expect("small").to_be_bytes());
            }
        }
        out.extend(&self.1);
    }
}

pub(crate) fn read(mut bytes: &[u8]) -> Vec<Element> {
    let mut elements = Vec::new();
    while let [tag, first, rest @ ..] = bytes {
        let (length, rest) = match first {
            0x81 => (usize::from(rest[0]), &rest[1..]),
            0x82 => (usize::from(u16::from_be_bytes([rest[0], rest[1]])), &rest[2..]),
            short => (usize::from(*short), rest),
        };
        elements.push(Element(*tag, rest[..length].to_vec()));
        bytes = &rest[length..];
    }
    elements
}

pub(crate) fn write(elements: &[Element]) -> Vec<u8> {
    let mut out = Vec::new();
    for element in elements {
        element.append_to(&mut out);
    }
    out
}

/// Changes the parts of the element that is reached by taking child after child.
fn edit(bytes: &[u8], path: &[usize], change: impl FnOnce(&mut Vec<Element>)) -> Vec<u8> {
    let mut elements = read(bytes);
    match path.split_first() {
        None => change(&mut elements),
        Some((first, rest)) => elements[*first].1 = edit(&elements[*first].1, rest, change),
    }
    write(&elements)
}

/// The parts of the SignedData: version, digest algorithms, content, certificates, signers.
pub(crate) fn edit_signed_data(p7s: &[u8], change: impl FnOnce(&mut Vec<Element>)) -> Vec<u8> {
    edit(p7s, &[0, 1, 0], change)
}

/// The parts of the signer: version, id, digest algorithm, signed attributes, algorithm, signature.
pub(crate) fn edit_signer(p7s: &[u8], change: impl FnOnce(&mut Vec<Element>)) -> Vec<u8> {
    edit(p7s, &[0, 1, 0, 4, 0], change)
}

/// The same signature without signed attributes: made over the content itself. `openssl cms -verify
/// -cades` accepts it.
pub(crate) fn without_signed_attributes(p7s: &[u8], content: &[u8], signer: &dyn Signer) -> Vec<u8> {
    edit_signer(p7s, |parts| {
        parts.remove(3);
        parts.last_mut().expect("a signature").1 = signer.sign(content).expect("signs");
    })
}

//! A tar writer that writes what it is told, right or wrong (`docs/spec/evidence-package.md`, 7), and
//! the lines of the list beside it.

use rogatory_core::Digest;

/// One entry, as it shall stand in the tar.
#[derive(Clone, Debug)]
pub(super) struct Raw {
    /// Records of the pax header, in this order; no header if there are none.
    pub(super) pax: Vec<(String, Vec<u8>)>,
    pub(super) name: String,
    pub(super) mode: u32,
    pub(super) kind: u8,
    pub(super) link: String,
    pub(super) content: Vec<u8>,
    /// Its line in the list.
    pub(super) line: String,
}

impl Raw {
    fn of(name: &str, kind: u8, line: String) -> Self {
        let (name, link) = (name.to_owned(), String::new());
        Self { pax: Vec::new(), name, mode: 0o644, kind, link, content: Vec::new(), line }
    }

    pub(super) fn file(name: &str, content: &[u8]) -> Self {
        let line = format!("{} {} f {name}\n", Digest::of(content), content.len());
        Self { content: content.to_vec(), ..Self::of(name, b'0', line) }
    }

    pub(super) fn folder(name: &str) -> Self {
        Self { mode: 0o755, ..Self::of(&format!("{name}/"), b'5', format!("- 0 d {name}\n")) }
    }

    pub(super) fn link(name: &str, target: &str) -> Self {
        let line = format!("{} {} l {name}\n", Digest::of(target.as_bytes()), target.len());
        Self { mode: 0o777, link: target.to_owned(), ..Self::of(name, b'2', line) }
    }

    /// A further name of `first`, which is a file or one with holes.
    pub(super) fn hard_link(name: &str, first: &Self) -> Self {
        let mut fields = first.line.trim_end().split(' ');
        let (digest, size) = (fields.next().expect("a digest"), fields.next().expect("a size"));
        let letter = &fields.next().expect("a type")[..1];
        let path = first.path().to_owned();
        Self { link: path, ..Self::of(name, b'1', format!("{digest} {size} h{letter} {name}\n")) }
    }

    /// A file with holes; `pairs` is the map, `data` what follows it, `digest` what the list says.
    pub(super) fn sparse(name: &str, size: u64, pairs: &[(u64, u64)], data: &[u8], digest: Digest) -> Self {
        let mut map = format!("{}\n", pairs.len());
        for (start, length) in pairs {
            map.push_str(&format!("{start}\n{length}\n"));
        }
        let mut content = map.into_bytes();
        content.resize(content.len().next_multiple_of(512), 0);
        content.extend_from_slice(data);
        let mut entry = Self::of("GNUSparseFile.0/entry", b'0', format!("{digest} {size} s {name}\n"));
        for (key, value) in
            [("major", "1"), ("minor", "0"), ("name", name), ("realsize", size.to_string().as_str())]
        {
            entry.pax.push((format!("GNU.sparse.{key}"), value.into()));
        }
        Self { content, ..entry }
    }

    pub(super) fn with(mut self, key: &str, value: &[u8]) -> Self {
        self.pax.push((key.to_owned(), value.to_vec()));
        self
    }

    /// Says in the list that the file has so many names.
    pub(super) fn names(mut self, count: u32) -> Self {
        for letter in ["f", "s"] {
            self.line = self.line.replacen(&format!(" {letter} "), &format!(" {letter}{count} "), 1);
        }
        self
    }

    fn path(&self) -> &str {
        self.line.trim_end().rsplit(' ').next().expect("a path")
    }
}

/// The digest of a file with holes (6.9), from its whole content.
pub(super) fn sparse_digest(content: &[u8]) -> Digest {
    let mut text = format!("rogatory sparse file\n{}\n", content.len()).into_bytes();
    for (number, block) in (0_u64..).zip(content.chunks(4096)) {
        if block.iter().any(|byte| *byte != 0) {
            text.extend_from_slice(&number.to_be_bytes());
            text.extend_from_slice(block);
        }
    }
    Digest::of(&text)
}

/// The tar and the list.
pub(super) fn write(entries: &[Raw]) -> (Vec<u8>, Vec<u8>) {
    let (mut tar, mut list) = (Vec::new(), Vec::new());
    for entry in entries {
        if !entry.pax.is_empty() {
            let records: Vec<u8> = entry.pax.iter().flat_map(|(key, value)| record(key, value)).collect();
            header(&mut tar, "PaxHeaders/entry", 0o644, records.len(), b'x', "");
            push(&mut tar, &records);
        }
        header(&mut tar, &entry.name, entry.mode, entry.content.len(), entry.kind, &entry.link);
        push(&mut tar, &entry.content);
        list.extend_from_slice(entry.line.as_bytes());
    }
    tar.resize(tar.len() + 1024, 0);
    (tar, list)
}

fn record(key: &str, value: &[u8]) -> Vec<u8> {
    let rest = key.len() + value.len() + 3;
    let length = (1..).find(|digits| (rest + digits).to_string().len() == *digits).expect("a length");
    [format!("{} {key}=", rest + length).as_bytes(), value, b"\n"].concat()
}

fn push(tar: &mut Vec<u8>, content: &[u8]) {
    tar.extend_from_slice(content);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

fn header(tar: &mut Vec<u8>, name: &str, mode: u32, size: usize, kind: u8, link: &str) {
    let text = |sum: &str| {
        let zero = "0000000\0";
        let (name, link) = (format!("{name:\0<100}"), format!("{link:\0<100}"));
        let (begin, end) = (format!("{name}{mode:07o}\0{zero}{zero}{size:011o}\0"), char::from(kind));
        let time = format!("{:011o}\0", 1_700_000_000);
        let time = if kind == b'x' { format!("{:011o}\0", 0) } else { time };
        format!("{begin}{time}{sum}{end}{link}ustar\u{0}00{:\0<64}{zero}{zero}{:\0<167}", "", "")
    };
    let sum: u32 = text("        ").bytes().map(u32::from).sum();
    let block = text(&format!("{sum:06o}\0 "));
    assert_eq!(block.len(), 512);
    tar.extend_from_slice(block.as_bytes());
}

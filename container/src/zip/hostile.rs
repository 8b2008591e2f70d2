//! One attack after another on the strict reader: each is refused by its name, with no more work than the file is long.

use super::crafted::{Counting, Crafted, archive, deflated, end, end64, extra64, stored};
use super::{MIMETYPE, MIMETYPE_NAME, NameError, StrictZip, ZipError, ZipLimits, ZipWriter};
use std::io::{Cursor, Read as _};

fn mimetype() -> Crafted {
    stored(MIMETYPE_NAME, MIMETYPE.as_bytes())
}

/// The good archive with one entry after `mimetype` changed.
fn with(change: impl FnOnce(&mut Crafted)) -> Vec<u8> {
    let mut entry = stored("data/a", b"the content");
    change(&mut entry);
    archive(&[mimetype(), entry, stored("data/b", b"another")])
}

/// Opens and reads everything; the work is bounded by the length of the file.
fn read(bytes: &[u8]) -> Result<(), ZipError> {
    read_within(bytes, ZipLimits::DOCUMENT)
}

fn read_within(bytes: &[u8], limits: ZipLimits) -> Result<(), ZipError> {
    let mut counting = Counting::new(Cursor::new(bytes));
    let opened = StrictZip::open(&mut counting, limits).map(|zip| {
        let names = zip.entries().iter().map(|entry| entry.name.clone());
        names.collect::<Vec<_>>()
    });
    let length = bytes.len() as u64;
    // Directory, end records and headers once each; a buffered directory may be read to the end of the file.
    assert!(counting.bytes <= 2 * length + 200, "{} bytes read of {length}", counting.bytes);
    assert!(counting.calls <= 4 * length / 30 + 20, "{} calls for {length} bytes", counting.calls);
    let names = opened?;
    let mut zip = StrictZip::open(Cursor::new(bytes), limits)?;
    for name in names {
        zip.read(&name, 1 << 20)?;
    }
    Ok(())
}

fn reason(bytes: &[u8]) -> String {
    read(bytes).expect_err("is refused").to_string()
}

#[test]
fn the_crafted_archive_is_good_before_it_lies() {
    let bytes = with(|_| ());
    read(&bytes).unwrap();
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_mimetype().unwrap();
    writer.add("data/a", b"the content").unwrap();
    writer.add("data/b", b"another").unwrap();
    assert_eq!(writer.finish().unwrap().into_inner(), bytes);
}

#[test]
fn a_bomb_is_no_entry() {
    let bomb = deflated("data/a", &vec![0; 1 << 20]);
    assert!(bomb.stored.len() < 2_000);
    assert_eq!(
        reason(&archive(&[mimetype(), bomb])),
        "the central header of `data/a` is not canonical: method other than stored"
    );
}

#[test]
fn sizes_that_lie_are_refused_before_anything_is_allocated() {
    // Four tebibytes in a file of 200 bytes.
    let lie = |values: &[u64]| {
        with(|entry| {
            (entry.size, entry.stored_size) = (u32::MAX, u32::MAX);
            entry.made_by = 0x032d;
            entry.central_extra = extra64(values);
        })
    };
    let header = "the central header of `data/a` is not canonical";
    assert!(reason(&lie(&[1 << 42, 1 << 42])).starts_with(header));
    assert!(reason(&lie(&[u64::MAX, u64::MAX])).starts_with(header));
    assert!(reason(&lie(&[11, 11])).starts_with(header), "a needless ZIP64 field");
    let half = with(|entry| (entry.size, entry.stored_size) = (5, 5));
    assert_eq!(reason(&half), "`data/b` does not begin where the entry before it ends");
    let more = with(|entry| (entry.size, entry.stored_size) = (900_000, 900_000));
    assert_eq!(reason(&more), "`data/b` does not begin where the entry before it ends");
    let much = with(|entry| (entry.size, entry.stored_size) = (3 << 20, 3 << 20));
    assert!(matches!(read(&much), Err(ZipError::Limit { what: "bytes of content", .. })));
}

#[test]
fn counts_and_places_in_the_end_records_that_lie_are_refused() {
    let good = with(|_| ());
    let directory = good.len() - 22;
    let short = |count: u16, size: u32, at: u32| {
        let mut bytes = good[..directory].to_vec();
        end(&mut bytes, count, size, at);
        bytes
    };
    let size = u32::from_le_bytes(*good[good.len() - 10..].first_chunk().unwrap());
    let at = u32::from_le_bytes(*good[good.len() - 6..].first_chunk().unwrap());
    read(&short(3, size, at)).unwrap();
    assert!(matches!(read(&short(65_000, size, at)), Err(ZipError::Limit { what: "entries", .. })));
    assert!(read_within(&short(4, size, at), ZipLimits::PACKAGE).is_err(), "more than there are");
    assert_eq!(
        reason(&short(2, size, at)),
        "the archive's directory does not end where its end record begins"
    );
    assert!(matches!(read(&short(3, size, at - 1)), Err(ZipError::Directory)));
    assert!(matches!(read(&short(3, size + 1, at - 1)), Err(ZipError::Directory | ZipError::Header { .. })));
    assert!(matches!(read(&short(3, u32::MAX - 1, at)), Err(ZipError::Limit { .. } | ZipError::Directory)));
    let wide = |count: u64, size: u64, at: u64| {
        let mut bytes = good[..directory].to_vec();
        end64(&mut bytes, count, size, at);
        end(&mut bytes, u16::MAX, u32::MAX, u32::MAX);
        bytes
    };
    for (count, size, at) in [
        (3, u64::from(size), u64::from(at)),
        (u64::MAX, u64::from(size), u64::from(at)),
        (3, u64::MAX, u64::from(at)),
        (3, u64::from(size), u64::MAX),
        (400_000, 1 << 40, 0),
    ] {
        for limits in [ZipLimits::DOCUMENT, ZipLimits::PACKAGE] {
            let found = read_within(&wide(count, size, at), limits).expect_err("is refused");
            let named =
                matches!(found, ZipError::Limit { .. } | ZipError::Header { .. } | ZipError::Directory);
            assert!(named, "{count} {size} {at}: {found}");
        }
    }
}

#[test]
fn entries_that_overlap_leave_gaps_or_change_places_are_refused() {
    let place = |offset: u32| with(|entry| entry.offset = Some(offset));
    for offset in [0, 1, 60, 200, u32::MAX - 1] {
        assert_eq!(
            reason(&place(offset)),
            "`data/a` does not begin where the entry before it ends",
            "{offset}"
        );
    }
    // Both directory entries name the same bytes.
    let twice = archive(&[mimetype(), stored("a", b"x"), Crafted { offset: Some(61), ..stored("b", b"x") }]);
    assert_eq!(reason(&twice), "`b` does not begin where the entry before it ends");
    let gap = with(|entry| entry.after = vec![0; 7]);
    assert_eq!(reason(&gap), "`data/b` does not begin where the entry before it ends");
    // A whole hidden entry between two others.
    let hidden = archive(&[stored("hidden", b"x")]);
    let smuggled = with(|entry| entry.after = hidden[..hidden.len() - 22 - 52].to_vec());
    assert_eq!(reason(&smuggled), "`data/b` does not begin where the entry before it ends");
}

#[test]
fn names_that_lead_out_or_collide_are_refused() {
    let named = |name: &str| with(|entry| entry.name = name.as_bytes().to_vec());
    for (name, why) in [
        ("../etc/passwd", "part"),
        ("data/../../x", "part"),
        ("/etc/passwd", "part"),
        ("data//x", "part"),
        ("data/", "part"),
        ("./x", "part"),
        ("", "length"),
        ("C:\\x", "character"),
        ("data\\x", "character"),
        ("data/\0x", "character"),
        ("data/\u{202e}x", "character"),
        ("data/a%2fb", "character"),
        ("data/NUL", "device"),
        ("com1.txt", "device"),
        ("data/b", "twice"),
        ("DATA/B", "twice"),
        ("Mimetype", "twice"),
        ("mimetype/x", "folder"),
        ("data", "folder"),
    ] {
        let found = match read(&named(name)) {
            Err(ZipError::Name { source }) => source,
            other => panic!("{name}: {other:?}"),
        };
        let expected = match why {
            "part" => matches!(found, NameError::Part(_)),
            "length" => matches!(found, NameError::Length(0)),
            "character" => matches!(found, NameError::Character(_)),
            "device" => matches!(found, NameError::Device(_)),
            "twice" => matches!(found, NameError::Duplicate(_)),
            _ => matches!(found, NameError::FileAndFolder(_)),
        };
        assert!(expected, "{name}: {found}");
    }
    assert!(matches!(read(&named(&"x".repeat(129))), Err(ZipError::Limit { what: "bytes in a name", .. })));
    let latin = with(|entry| entry.name = b"caf\xe9".to_vec());
    assert!(matches!(read(&latin), Err(ZipError::Name { source: NameError::Character(_) })));
}

#[test]
fn every_field_that_other_readers_might_follow_is_named() {
    let central = |field: &str| format!("the central header of `data/a` is not canonical: {field}");
    let local = |field: &str| format!("the local header of `data/a` is not canonical: {field}");
    let cases: Vec<(Vec<u8>, String)> = vec![
        (with(|e| e.flags = 1), central("flags")),
        (with(|e| e.flags = 8), central("flags")),
        (with(|e| e.flags = 0x0800), central("flags")),
        (with(|e| e.method = 8), central("method")),
        (with(|e| e.method = 99), central("method")),
        (with(|e| e.time = 1), central("time")),
        (with(|e| e.made_by = 0x0014), central("version made by")),
        (with(|e| e.stored_size = 10), central("compressed size")),
        (with(|e| e.comment = b"hi".to_vec()), central("comment length")),
        (with(|e| e.attributes = 0o120_777 << 16), central("external attributes")),
        (with(|e| e.local_name = Some(b"data/x".to_vec())), local("name")),
        (with(|e| e.local_crc = Some(1)), local("CRC-32")),
        (with(|e| e.local_size = Some(5)), local("compressed size")),
    ];
    for (bytes, expected) in cases {
        let found = reason(&bytes);
        let (place, _) = expected.split_once(": ").unwrap();
        assert!(found.starts_with(place), "{found} / {expected}");
    }
    let extra = with(|e| e.central_extra = vec![0x75, 0x70, 1, 0, 1]);
    assert!(reason(&extra).contains("central header of `data/a`"), "{}", reason(&extra));
    let extra = with(|e| e.local_extra = vec![0x75, 0x70, 1, 0, 1]);
    assert!(read(&extra).is_err());
    let wrong = with(|e| (e.crc32, e.local_crc) = (7, Some(7)));
    assert_eq!(reason(&wrong), "the content of `data/a` has another CRC-32 than its header says");
}

#[test]
fn bytes_before_after_and_in_comments_are_refused() {
    let good = with(|_| ());
    let before = [b"#!/bin/sh\n".as_slice(), &good].concat();
    assert_eq!(reason(&before), "the archive's directory does not end where its end record begins");
    let after = [good.as_slice(), b"more"].concat();
    assert_eq!(reason(&after), "the archive does not end with an end record without comment");
    let mut comment = good.clone();
    let at = comment.len() - 2;
    comment[at] = 4;
    comment.extend_from_slice(b"more");
    assert_eq!(reason(&comment), "the archive does not end with an end record without comment");
    // Two archives in one file: the second is at the end, the first before it.
    let two = [good.as_slice(), &with(|entry| entry.stored = b"another one".to_vec())].concat();
    assert_eq!(reason(&two), "the archive's directory does not end where its end record begins");
}

#[test]
fn a_cut_anywhere_is_refused_by_name() {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    writer.add_mimetype().unwrap();
    for n in 1..=6 {
        writer.add(&format!("data/EX-000{n}.age"), &vec![n; 40_000]).unwrap();
    }
    let large = writer.finish().unwrap().into_inner();
    let small = with(|_| ());
    let cuts = (0..small.len()).map(|at| &small[..at]);
    let cuts = cuts.chain((0..large.len()).step_by(4096).map(|at| &large[..at]));
    for cut in cuts {
        match read(cut) {
            Err(ZipError::NoEndRecord | ZipError::Directory) => {}
            other => panic!("cut at {}: {other:?}", cut.len()),
        }
    }
}

#[test]
fn many_entries_cost_what_they_weigh() {
    let mut entries = vec![mimetype()];
    entries.extend((0..5_000).map(|n| stored(&format!("a{n}/b/c"), b"")));
    let bytes = archive(&entries);
    read_within(&bytes, ZipLimits::PACKAGE).unwrap();
    assert!(matches!(read(&bytes), Err(ZipError::Limit { what: "entries", limit: 64, found: 5_001 })));
    let mut empty = StrictZip::open(Cursor::new(&bytes), ZipLimits::PACKAGE).unwrap();
    let mut content = Vec::new();
    empty.entry_reader("a7/b/c").unwrap().read_to_end(&mut content).unwrap();
    assert!(content.is_empty());
}

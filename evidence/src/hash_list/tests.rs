use super::*;
use sha2::Digest as _;
use std::sync::Arc;

/// The three digests of a content, in hexadecimal digits.
fn digests(content: &[u8]) -> (String, String, String) {
    let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
    (hex(&sha2::Sha256::digest(content)), hex(&sha1::Sha1::digest(content)), hex(&md5::Md5::digest(content)))
}

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    fn list(&self, name: &str, text: impl AsRef<[u8]>) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("writes");
        path
    }

    fn open(&self, paths: &[PathBuf]) -> Result<HashLists, HashListError> {
        HashLists::open(paths, self.folder.path())
    }

    fn problem(&self, text: impl AsRef<[u8]>) -> String {
        let path = self.list("bad.txt", text);
        rogatory_core::chain(&self.open(&[path]).expect_err("refused"))
    }
}

/// The names of the lists that hold `content`, found as an exhibit would be.
fn marks(lists: &Arc<HashLists>, content: &[u8]) -> Vec<String> {
    let mut watch = Watch::new(Some(lists), None, Vec::new());
    for part in content.chunks(100_000) {
        watch.content(part);
    }
    watch.file(&Digest::of(content), content.len() as u64);
    let mark = watch.finish().expect("compares");
    mark.map(|mark| mark.lists.into_iter().map(|list| list.name).collect()).unwrap_or_default()
}

#[test]
fn every_format_of_list_is_read() {
    let desk = Desk::new();
    let large = vec![7; 1_000_000];
    let (sha256, sha1, md5) = digests(b"content");
    let (large256, large1, large5) = digests(&large);
    let lists = [
        ("plain", format!("# a remark\n\n{sha256}\n{}\n", large256.to_uppercase())),
        ("sha256sum", format!("{sha256}  a name\n\\{large256}  odd\\nname\n")),
        ("md5sum", format!("{md5} *a.jpg\r\n{large5}  b.jpg")),
        (
            "tagged",
            format!("SHA1 (a (b) = c) = {sha1}\nMD5 (b) = {large5}\nSHA256 (x) = {}\n", "0".repeat(64)),
        ),
        ("mixed", format!("{md5}\n{large1}\n")),
        (
            "nsrl.csv",
            format!(
                "\"SHA-1\",\"MD5\",\"CRC32\",\"FileName\",\"FileSize\"\r\n\
                 \"{}\",\"{md5}\",\"AB\",\"a \"\"b\"\", c\",7\r\n\"{large1}\",\"\",\"\",\"d\",1\r\n",
                sha1.to_uppercase()
            ),
        ),
        ("semicolon.csv", format!("\u{feff}name;sha256\na;{sha256}\nb;{large256}\n")),
        ("tabs.tsv", format!("md5\tname\n{md5}\tx,y\n{large5}\t\n")),
        (
            "vic.json",
            format!(
                "{{\"odata.metadata\":\"x\",\"value\":[{{\"MediaID\":1,\"MD5\":\"{}\",\"SHA1\":null,\"Category\":1,\
                 \"Exifs\":[{{\"a\":[1.5e3,\"\\u00e4\\\"\"]}}]}},\n{{\"SHA1\":\"{large1}\",\"MD5\":\"\"}}]}}",
                md5.to_uppercase()
            ),
        ),
        ("array.json", format!(" [{{\"SHA256\":\"{sha256}\"}},{{\"sha-256\":\"{large256}\"}}]\n")),
    ];
    for (name, text) in lists {
        let path = desk.list(name, &text);
        let lists = Arc::new(desk.open(&[path]).unwrap_or_else(|error| panic!("{name}: {error}")));
        assert_eq!(marks(&lists, b"content"), [name], "{name}");
        assert_eq!(marks(&lists, &large), [name], "{name}");
        assert!(marks(&lists, b"another").is_empty(), "{name}");
    }
}

#[test]
fn of_several_digests_of_an_entry_the_strongest_counts() {
    let desk = Desk::new();
    let (sha256, sha1, md5) = digests(b"content");
    let path = desk.list("l.csv", format!("md5,sha1,sha256\n{md5},{sha1},{sha256}\n{md5},,\n"));
    let lists = desk.open(&[path]).expect("opens");
    let counts = Algorithm::ALL.map(|algorithm| lists.digests(algorithm));
    assert_eq!(counts, [1, 0, 1]);
}

#[test]
fn what_cannot_be_read_is_named_by_its_line() {
    let desk = Desk::new();
    let (sha256, sha1, md5) = digests(b"content");
    for (text, says) in [
        (format!("{sha256}\nhello\n"), "line 2: a digest is expected"),
        (format!("{sha256}\n\n{}\n", &sha256[..63]), "line 3: a digest is expected"),
        ("name,size\na,1\n".to_owned(), "line 1: it is neither a digest"),
        ("# nothing\n\n".to_owned(), "holds no digest"),
        (String::new(), "holds no digest"),
        (format!("\"SHA-1\",\"MD5\"\n\"{sha1}\",\"{md5}\"\n\"{sha1}\",\"{md5}\n"), "line 3: a quoted column"),
        (format!("\"SHA-1\",\"MD5\"\n\"{sha1}\"x,\"{md5}\"\n"), "line 2: something stands"),
        (format!("\"SHA-1\",\"MD5\"\n\"{md5}\",\"{md5}\"\n"), "line 2: its SHA-1 is not 40"),
        (format!("SHA-1,MD5\n{sha1}\n"), "line 2: it has 1 columns, and the header has 2"),
        (
            format!("{{\"value\":[{{\"MD5\":\"{md5}\"}},\n{{\"MD5\":\"{sha1}\"}}]}}"),
            "line 2: its MD5 is not 32",
        ),
        (format!("{{\"value\":[{{\"MD5\":\"{md5}\"}}]\n"), "line 2: EOF"),
        ("{\"value\":7}".to_owned(), "line 1: invalid type"),
        ("[7]".to_owned(), "line 1: invalid type"),
        (format!("[{}", "[".repeat(100_000)), "line 1: "),
        (format!("{}\n", "a".repeat(70_000)), "line 1: it is longer than"),
        (format!("[\n{{\"x\":\"{}", "a".repeat(70_000)), "line 2: a text in it is longer than"),
    ] {
        let problem = desk.problem(&text);
        assert!(problem.contains(says) && problem.contains("bad.txt"), "{says}: {problem}");
    }
    assert!(desk.problem([0xff, 0xfe, b'a', 0]).contains("UTF-16"));
    assert!(desk.problem([0x80, 0x81, 0xff]).contains("line 1"));
}

#[test]
fn an_imported_file_finds_exactly_what_its_lists_hold() {
    let desk = Desk::new();
    let name = |number: u32| Digest::of(&number.to_be_bytes());
    let mut text = String::new();
    for number in 0..100_000 {
        text.push_str(&format!("{}\n", name(number * 2)));
    }
    let one = desk.list("one.txt", &text);
    let other = desk.list("other.txt", format!("{}\n{}\n", name(4), name(1_000_001)));
    let output = desk.folder.path().join("both.hashes");
    let report = import(&[one.clone(), other], &output).expect("imports");
    assert_eq!(report.digests, [100_002, 0, 0]);
    assert_eq!(report.lists[0].list.sha256, Digest::of(text.as_bytes()));
    assert_eq!(report.size_bytes, std::fs::metadata(&output).expect("there").len());
    let lists = desk.open(std::slice::from_ref(&output)).expect("opens");
    let found = |number: u32| {
        let mut found = BTreeSet::new();
        lists.find(Algorithm::Sha256, name(number).as_bytes(), &mut found).expect("reads");
        found.into_iter().map(|list| list.name).collect::<Vec<_>>()
    };
    for number in 0..100_000 {
        let expected: &[&str] = match number {
            4 => &["one.txt", "other.txt"],
            even if even % 2 == 0 => &["one.txt"],
            _ => &[],
        };
        assert_eq!(found(number), expected, "{number}");
    }
    assert_eq!(found(1_000_001), ["other.txt"]);
    assert!(matches!(import(&[one], &output), Err(HashListError::Write(_))), "nothing is overwritten");
    // Without room for the filter every look goes to the disk, and finds the same.
    let store = Store::open(File::open(&output).expect("opens"), &output, 0).expect("opens");
    assert_eq!(store.filter_bytes(), 0);
    let mut names = Vec::new();
    store.find(Algorithm::Sha256, name(4).as_bytes(), |list| names.push(list.name.clone())).expect("reads");
    assert_eq!(names, ["one.txt", "other.txt"]);
}

#[test]
fn equal_digests_of_many_lists_fill_more_than_a_block() {
    let desk = Desk::new();
    let digest = Digest::of(b"content");
    let paths: Vec<PathBuf> =
        (0..600).map(|number| desk.list(&format!("{number:03}"), format!("{digest}\n"))).collect();
    let lists = desk.open(&paths).expect("opens");
    let mut found = BTreeSet::new();
    lists.find(Algorithm::Sha256, digest.as_bytes(), &mut found).expect("reads");
    assert_eq!(found.len(), 600);
    let mark = marks(&Arc::new(lists), b"content");
    assert_eq!(mark.len(), crate::sensitive::MAX_LISTED_LISTS);
}

#[test]
fn a_damaged_file_is_an_error_and_never_a_miss() {
    let desk = Desk::new();
    let text: String =
        (0..2_000_u32).map(|number| format!("{}\n", Digest::of(&number.to_be_bytes()))).collect();
    let list = desk.list("list", text);
    let output = desk.folder.path().join("l.hashes");
    import(&[list], &output).expect("imports");
    let sound = std::fs::read(&output).expect("reads");
    let compare_all = |path: PathBuf| -> Result<(), HashListError> {
        let lists = desk.open(&[path])?;
        for number in 0..2_000_u32 {
            let mut found = BTreeSet::new();
            lists.find(Algorithm::Sha256, Digest::of(&number.to_be_bytes()).as_bytes(), &mut found)?;
            assert_eq!(found.len(), 1, "a digest was missed");
        }
        Ok(())
    };
    compare_all(output.clone()).expect("sound");
    for place in (8..sound.len()).step_by(997).chain(sound.len() - 200..sound.len()) {
        let mut changed = sound.clone();
        changed[place] ^= 1;
        let error = compare_all(desk.list("changed.hashes", &changed)).expect_err("damaged");
        assert!(matches!(error, HashListError::Damaged { .. }), "byte {place}: {error}");
    }
    for length in (8..sound.len()).step_by(1_009) {
        let error = compare_all(desk.list("cut.hashes", &sound[..length])).expect_err("cut off");
        assert!(matches!(error, HashListError::Damaged { .. }), "{length} bytes: {error}");
    }
}

#[test]
fn entries_of_a_folder_are_counted_and_their_first_lines_named() {
    let desk = Desk::new();
    let (_, sha1, md5) = digests(b"content");
    let lists = Arc::new(desk.open(&[desk.list("l", format!("{sha1}\n{md5}\n"))]).expect("opens"));
    let mut watch = Watch::new(Some(&lists), None, vec![b"flagged".to_vec()]);
    let mut add = |path: &[u8], content: &[u8]| {
        watch.content(content);
        watch.entry(Some(&Digest::of(content)), content.len() as u64, path);
    };
    add(b"a", b"other");
    for number in 0..1_500 {
        add(format!("b{number}").as_bytes(), b"content");
    }
    add(b"empty", b"");
    add(b"flagged/x", b"other");
    add(b"flaggedx", b"other");
    watch.entry(None, 0, b"folder");
    let mark = watch.finish().expect("compares").expect("a mark");
    assert_eq!((mark.matches, mark.entries.len()), (1_501, 1_000));
    assert_eq!((mark.entries[0], mark.entries[999]), (2, 1_001));
    assert_eq!(mark.lists.len(), 1);
}

#[test]
fn a_file_with_holes_is_compared_as_it_would_be_read() {
    let desk = Desk::new();
    let mut content = vec![0; 300_000];
    content[100_000..100_005].copy_from_slice(b"hello");
    let (sha256, sha1, _) = digests(&content);
    for digest in [sha256, sha1] {
        let lists = Arc::new(desk.open(&[desk.list("l", format!("{digest}\n"))]).expect("opens"));
        let mut watch = Watch::new(Some(&lists), None, Vec::new());
        watch.data(99_000, &content[99_000..101_000]);
        watch.sparse_entry(300_000, b"sparse");
        watch.data(0, b"another");
        watch.sparse_entry(300_000, b"other");
        watch.sparse_entry(300_000, b"nothing but a hole");
        watch.data(8 << 40, b"far away");
        watch.sparse_entry(9 << 40, b"huge");
        watch.content(&content);
        watch.entry(Some(&Digest::of(&content)), 300_000, b"whole");
        assert_eq!(watch.uncompared(), 1);
        let mark = watch.finish().expect("compares").expect("a mark");
        assert_eq!((mark.matches, mark.entries.as_slice()), (2, &[1, 5][..]));
    }
}

#[test]
fn an_empty_content_is_never_marked() {
    let desk = Desk::new();
    let (sha256, sha1, md5) = digests(b"");
    let list = desk.list("l", format!("{sha256}\n{sha1}\n{md5}\n"));
    let lists = Arc::new(desk.open(&[list]).expect("opens"));
    assert!(marks(&lists, b"").is_empty());
}

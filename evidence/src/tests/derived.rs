//! Re-wrapping and disclosure: what was sealed for one is made readable for another, and what it came from shows.

use super::*;
use crate::derive::{DeriveError, DeriveReport, DeriveRequest, Derived, derive};
use crate::exhibit::ExhibitNumber;
use crate::institution_seal::add_seal;
use crate::known::KnownInstitution;
use crate::open::{OpenError, OpenOptions, OpenReport, OpenRequest, open};
use crate::streams::{Progress, Step};
use crate::transmittal::{Transmittal, TransmittalKind};
use crate::verify::{Part, Requirement};
use rogatory_pki::signing::Signer;
use std::fs;

/// An office that seals, an office of another country that hands on, and a court that reads.
pub(super) struct Chain {
    pub(super) bench: Bench,
    pub(super) maker: Office,
    pub(super) court: AgeRecipient,
    pub(super) court_file: String,
    /// Anchors of both countries.
    pub(super) anchors: Anchors,
}

pub(super) fn chain() -> Chain {
    let (bench, maker) = (bench(), office("gb"));
    let (file, court) = generate_identity();
    let pem = format!("{}{}", bench.office.ca.certificate_pem(), maker.ca.certificate_pem());
    let anchors = Anchors::from_pem(&pem, None).expect("anchors");
    Chain { bench, maker, court, court_file: file.to_string(), anchors }
}

pub(super) fn exhibit(number: u32) -> ExhibitNumber {
    ExhibitNumber::new(number).expect("a number")
}

pub(super) fn disclosure(numbers: &[u32]) -> Derived {
    Derived::Disclosure(numbers.iter().copied().map(exhibit).collect())
}

impl Chain {
    pub(super) fn identities(file: &str) -> Identities {
        Identities::parse(&[file]).expect("an identity")
    }

    /// Without identity.
    pub(super) fn outside(&self) -> VerifyOptions<'_> {
        VerifyOptions::new(&self.anchors, now())
    }

    /// As the court verifies.
    pub(super) fn as_court(&self) -> VerifyOptions<'_> {
        VerifyOptions { identities: Self::identities(&self.court_file), ..self.outside() }
    }

    /// As the recipient of the original verifies.
    pub(super) fn as_recipient(&self) -> VerifyOptions<'_> {
        VerifyOptions { identities: self.bench.identities(), ..self.outside() }
    }

    /// Makes `what` of `from` for the court.
    pub(super) fn derive_with(
        &self,
        from: &Path,
        what: Derived,
        output: Output,
        change: impl FnOnce(&mut DeriveRequest<'_>),
    ) -> Result<DeriveReport, DeriveError> {
        let mut request = self.request(from, what, output);
        change(&mut request);
        derive(request)
    }

    /// What [`Chain::derive_with`] begins with.
    fn request(&self, from: &Path, what: Derived, output: Output) -> DeriveRequest<'_> {
        DeriveRequest {
            path: from.to_owned(),
            verify: self.as_recipient(),
            what,
            recipients: vec![SealRecipient::bare(self.court.clone())],
            recovery: SealRecovery::NoOfficeConfigured,
            reference: None,
            institution: Some(self.maker.party.clone()),
            signer: &self.maker.officer,
            function: None,
            now: now(),
            entropy: &self.bench.entropy,
            output,
            // Of no size.
            progress: Box::leak(Box::new(NoProgress)),
        }
    }

    pub(super) fn derive(&self, from: &Path, what: Derived, output: &str) -> PathBuf {
        let path = self.bench.path(output);
        let output = if output.ends_with(".asice") {
            Output::AsiceFile(path.clone())
        } else {
            Output::Folder(path.clone())
        };
        self.derive_with(from, what, output, |_| ()).expect("derives");
        path
    }

    fn open(&self, package: &Path, output: &str) -> Result<OpenReport, OpenError> {
        open(OpenRequest {
            path: package.to_owned(),
            verify: self.as_court(),
            output: self.bench.path(output),
            options: OpenOptions { keep_tar: true, ..OpenOptions::default() },
            progress: &mut NoProgress,
        })
    }
}

fn transmittal(package: &Path) -> Transmittal {
    crate::verify::claimed_transmittal(package).expect("a transmittal")
}

fn says(verdict: &Verdict, text: &str) -> bool {
    verdict.checks().iter().any(|check| check.text.contains(text))
}

#[test]
fn the_whole_package_is_wrapped_for_another() {
    let chain = chain();
    let original = chain.bench.small_package("PK.asice");
    let package = chain.derive(&original, Derived::Rewrap, "RW.asice");
    let outside = check(&package, &chain.outside());
    assert_verified(&outside);
    assert!(says(&outside, "rewrapped: all 3 exhibits"), "{outside}");
    let verdict = check(&package, &chain.as_court());
    assert_verified(&verdict);
    assert!(says(&verdict, "all 3 exhibits decrypt to what was signed inside"), "{verdict}");
    let verified = verdict.into_package().expect("a package");
    let officer = chain.bench.office.officer.certificate().expect("a certificate").digest();
    let maker = chain.maker.officer.certificate().expect("a certificate").digest();
    assert_eq!(verified.signature().certificate().digest(), officer);
    let derivation = verified.derivation().expect("derived");
    assert_eq!(derivation.maker().certificate().digest(), maker);
    assert_eq!(derivation.origin_transmittal(), &transmittal(&original));
    assert_eq!((verified.exhibits().len(), verified.undisclosed().len()), (3, 0));
    // He to whom the original was sealed is no recipient of this one.
    assert!(failures(&check(&package, &chain.as_recipient())).contains("none of the identities given"));

    let report = chain.open(&package, "opened").expect("opens");
    assert_eq!(report.exhibits.len(), 3);
    let opened = chain.bench.path("opened");
    assert_eq!(fs::read(opened.join("EX-0001/letter.txt")).expect("reads"), b"the content of the letter");
    let again = check(&opened, &chain.outside());
    assert_verified(&again);
    assert!(again.into_package().expect("a package").derivation().is_some());
}

#[test]
fn the_payloads_stay_byte_for_byte() {
    let chain = chain();
    let big: Vec<u8> = (0..300_000_u32).map(|at| u8::try_from(at * 7 % 251).unwrap_or(0)).collect();
    let file = chain.bench.file("big", &big);
    chain.bench.seal(&[file], Output::Folder(chain.bench.path("PK"))).expect("seals");
    let package = chain.derive(&chain.bench.path("PK"), Derived::Rewrap, "RW");
    let payload = |folder: &Path, name: &str| {
        let bytes = fs::read(folder.join(name)).expect("reads");
        let mac = bytes.windows(4).position(|four| four == b"\n---").expect("a header");
        let end = mac + 1 + bytes[mac + 1..].iter().position(|byte| *byte == b'\n').expect("a header") + 1;
        (bytes[..end].to_vec(), bytes[end..].to_vec())
    };
    for name in ["data/EX-0001.age", "index.age"] {
        let (old_header, old) = payload(&chain.bench.path("PK"), name);
        let (new_header, new) = payload(&package, name);
        assert_ne!(old_header, new_header, "{name}");
        assert!(old == new, "{name}");
    }
    assert_verified(&check(&package, &chain.as_court()));
}

#[test]
fn a_disclosure_shows_the_others_as_number_and_digest_only() {
    let chain = chain();
    let original = chain.bench.small_package("PK.asice");
    let package = chain.derive(&original, disclosure(&[3]), "DI.asice");
    let names: Vec<String> = ZipNames::of(&package);
    assert!(names.iter().filter(|name| name.starts_with("data/")).eq(["data/EX-0003.age"]), "{names:?}");
    let line = "disclosed: EX-0003 of 3; the other 2 are known by number and digest only";
    for options in [chain.outside(), chain.as_court()] {
        let verdict = check(&package, &options);
        assert_verified(&verdict);
        assert!(says(&verdict, line), "{verdict}");
    }
    let verified = check(&package, &chain.as_court()).into_package().expect("a package");
    assert_eq!(verified.exhibits().iter().map(|one| one.number).collect::<Vec<_>>(), [exhibit(3)]);
    let whole = check(&original, &chain.as_recipient()).into_package().expect("a package");
    let others: Vec<_> = verified.undisclosed().iter().map(|one| (one.number, one.sha256)).collect();
    let expected: Vec<_> = whole.exhibits().iter().take(2).map(|one| (one.number, one.sha256)).collect();
    assert_eq!(others, expected);

    // Nothing that describes the others travels along.
    let mut index = Vec::new();
    let sealed = read(&package, "index.age");
    let identities = Chain::identities(&chain.court_file);
    let plain = crate::age_layer::Opening::new(sealed.as_slice(), &identities, 0, 1);
    std::io::Read::read_to_end(&mut plain.ok().expect("opens"), &mut index).expect("reads");
    let holds = |text: &[u8]| index.windows(text.len()).any(|window| window == text);
    assert!(holds(b"records/EX-0003.json") && holds(b"photos"));
    assert!(!holds(b"letter.txt") && !holds(b"records/EX-0001.json\x00"));

    chain.open(&package, "opened").expect("opens");
    let opened = chain.bench.path("opened");
    assert_eq!(fs::read(opened.join("EX-0003/photos/a.jpg")).expect("reads"), [7; 700]);
    assert!(!opened.join("EX-0001").exists());
    let verdict = check(&opened, &chain.outside());
    assert_verified(&verdict);
    assert!(says(&verdict, line), "{verdict}");
    assert_eq!(verdict.into_package().expect("a package").undisclosed().len(), 2);
}

/// The names in a container file, and one object's bytes.
struct ZipNames;

impl ZipNames {
    fn of(package: &Path) -> Vec<String> {
        let source = crate::source::ZipSource::open(package).expect("opens");
        source.names().map(ToOwned::to_owned).collect()
    }
}

fn read(package: &Path, name: &str) -> Vec<u8> {
    use crate::source::PackageSource as _;
    let source = crate::source::ZipSource::open(package).expect("opens");
    let mut bytes = Vec::new();
    std::io::Read::read_to_end(&mut source.open(name).expect("opens"), &mut bytes).expect("reads");
    bytes
}

#[test]
fn the_original_seal_goes_along_and_counts() {
    let chain = chain();
    let office = &chain.bench.office;
    let file = chain.bench.file("x", b"abc");
    let original = chain.bench.path("PK.asice");
    let profile = |request: &mut SealRequest<'_>| request.institution = Some(office.party.clone());
    chain
        .bench
        .seal_with(&office.officer, &[file], Output::AsiceFile(original.clone()), profile)
        .expect("seals");
    add_seal(&original, &office.seal, now(), &mut NoProgress).expect("seals");
    let package = chain.derive(&original, disclosure(&[1]), "DI.asice");
    let names = ZipNames::of(&package);
    assert!(names.contains(&"origin/signature002.p7s".to_owned()), "{names:?}");
    let certificate = |signer: &FileSigner| signer.certificate().expect("a certificate").clone();
    let known = [KnownInstitution::new(office.party.clone(), vec![certificate(&office.seal)])];
    let mut options = chain.as_court().with_institutions(&known);
    options.require = [Requirement::Seal].into();
    options.expected_signer = Some(certificate(&office.officer).digest());
    let verdict = check(&package, &options);
    assert_verified(&verdict);
    assert!(says(&verdict, "maker's institution seal: none"), "{verdict}");
    assert_eq!(verdict.into_package().expect("a package").sealed_by(), Some(&office.party));
    // Another seal than the one published, and the maker where the signer of the evidence is expected.
    let other = super::office("md");
    let wrong = [KnownInstitution::new(office.party.clone(), vec![certificate(&other.seal)])];
    let found = failures(&check(&package, &chain.as_court().with_institutions(&wrong)));
    assert!(found.contains("not the seal that md/central-authority publishes"), "{found}");
    options.expected_signer = Some(certificate(&chain.maker.officer).digest());
    assert!(failures(&check(&package, &options)).contains("is expected"));
    // Anybody can copy the original's outer part: without a key it vouches for nothing.
    let mut keyless = chain.outside().with_institutions(&known);
    let verdict = check(&package, &keyless);
    assert_verified(&verdict);
    let verified = verdict.into_package().expect("a package");
    assert_eq!(verified.signature().certificate(), &certificate(&chain.maker.officer));
    assert!(verified.sealed_by().is_none());
    keyless.expected_signer = Some(certificate(&office.officer).digest());
    keyless.require = [Requirement::Seal, Requirement::Signer].into();
    let found = failures(&check(&package, &keyless));
    assert!(
        found.contains("seal was required") && found.contains("only the identity of a recipient"),
        "{found}"
    );

    // The maker's office seals it too.
    add_seal(&package, &chain.maker.seal, now(), &mut NoProgress).expect("seals");
    let both = [
        KnownInstitution::new(office.party.clone(), vec![certificate(&office.seal)]),
        KnownInstitution::new(chain.maker.party.clone(), vec![certificate(&chain.maker.seal)]),
    ];
    let verdict = check(&package, &chain.as_court().with_institutions(&both));
    assert_verified(&verdict);
    let verified = verdict.into_package().expect("a package");
    assert_eq!(verified.derivation().and_then(|one| one.maker_sealed_by()), Some(&chain.maker.party));
    chain.open(&package, "opened").expect("opens");
    assert_verified(&check(&chain.bench.path("opened"), &chain.outside().with_institutions(&both)));
}

#[test]
fn what_was_derived_is_derived_again_and_the_original_stays_the_origin() {
    let chain = chain();
    let original = chain.bench.small_package("PK.asice");
    let own = |request: &mut DeriveRequest<'_>| {
        request.recipients = vec![SealRecipient::bare(chain.bench.recipient.clone())];
    };
    let make = |from: &Path, what: Derived, name: &str| {
        let path = chain.bench.path(name);
        chain.derive_with(from, what, Output::Folder(path.clone()), own).expect("derives");
        path
    };
    let rewrapped = make(&original, Derived::Rewrap, "1");
    let again = make(&rewrapped, Derived::Rewrap, "2");
    let disclosed = make(&again, disclosure(&[1, 3]), "3");
    let fewer = make(&disclosed, disclosure(&[3]), "4");
    let wrapped = make(&fewer, Derived::Rewrap, "5");
    let origin = fs::read(rewrapped.join("origin/ASiCManifest001.xml")).expect("reads");
    let mut before = None;
    for (package, kind, count) in [
        (&rewrapped, TransmittalKind::Rewrap, 3),
        (&again, TransmittalKind::Rewrap, 3),
        (&disclosed, TransmittalKind::Disclosure, 2),
        (&fewer, TransmittalKind::Disclosure, 1),
        (&wrapped, TransmittalKind::Disclosure, 1),
    ] {
        let said = transmittal(package);
        assert_eq!((said.kind, said.exhibits.len()), (kind, count), "{}", package.display());
        assert_eq!(fs::read(package.join("origin/ASiCManifest001.xml")).expect("reads"), origin);
        let named = said.origin.expect("an origin");
        assert_eq!(named.manifest_sha256, rogatory_core::Digest::of(&origin));
        assert_eq!(named.made_from, before);
        let manifest = fs::read(package.join("META-INF/ASiCManifest001.xml")).expect("reads");
        before = Some(rogatory_core::Digest::of(&manifest));
        let verdict = check(package, &chain.as_recipient());
        assert_verified(&verdict);
        assert_eq!(says(&verdict, "its maker says that package"), named.made_from.is_some(), "{verdict}");
        let verified = verdict.into_package().expect("a package");
        assert_eq!(verified.exhibits().len() + verified.undisclosed().len(), 3);
    }
    // What was left out once cannot be disclosed from there.
    let output = Output::Folder(chain.bench.path("6"));
    let error = chain.derive_with(&fewer, disclosure(&[1]), output, own).expect_err("not there");
    assert!(error.to_string().contains("does not hold EX-0001; it holds EX-0003"), "{error}");
    assert!(!chain.bench.path("6").exists());
}

#[test]
fn the_offices_recovery_key_wraps_for_a_new_recipient() {
    let chain = chain();
    let (recovery_file, recovery) = generate_identity();
    let file = chain.bench.file("x", b"abc");
    let original = chain.bench.path("PK.asice");
    let change = |request: &mut SealRequest<'_>| {
        request.recovery = SealRecovery::Recipients(vec![SealRecipient::bare(recovery)]);
    };
    chain
        .bench
        .seal_with(&chain.bench.office.officer, &[file], Output::AsiceFile(original.clone()), change)
        .expect("seals");
    // The recipient lost the key; the office, with its own, wraps it for the court.
    let output = chain.bench.path("RW.asice");
    let request = DeriveRequest {
        signer: &chain.bench.office.officer,
        institution: Some(chain.bench.office.party.clone()),
        ..chain.request(&original, Derived::Rewrap, Output::AsiceFile(output.clone()))
    };
    let verify = VerifyOptions { identities: Chain::identities(&recovery_file), ..chain.outside() };
    let report = derive(DeriveRequest { verify, ..request }).expect("derives");
    assert_eq!(report.transmittal.recipients.len(), 1);
    assert_verified(&check(&output, &chain.as_court()));
}

#[test]
fn nothing_is_made_of_what_does_not_verify() {
    let chain = chain();
    let original = chain.bench.small_package("PK.asice");
    let refused = |from: &Path, what: Derived, change: &dyn Fn(&mut DeriveRequest<'_>)| {
        let output = Output::Folder(chain.bench.path("out"));
        let error = chain.derive_with(from, what, output, |request| change(request)).expect_err("refused");
        assert!(!chain.bench.path("out").exists());
        assert_eq!(crate::partial::leftovers(&chain.bench.path("out")), Vec::<PathBuf>::new());
        match error.verdict() {
            Some(verdict) => failures(verdict),
            None => rogatory_core::chain(&error),
        }
    };
    let court = |request: &mut DeriveRequest<'_>| {
        request.verify.identities = Chain::identities(&chain.court_file);
    };
    assert!(refused(&original, Derived::Rewrap, &court).contains("is a recipient of this package"));
    let nobody = |request: &mut DeriveRequest<'_>| request.verify.identities = Identities::none();
    assert!(refused(&original, Derived::Rewrap, &nobody).contains("an identity of a recipient is needed"));
    let stranger = VerifyOptions {
        identities: chain.bench.identities(),
        ..VerifyOptions::new(&chain.maker.anchors, now())
    };
    let request = chain.request(&original, Derived::Rewrap, Output::Folder(chain.bench.path("out")));
    let error = derive(DeriveRequest { verify: stranger, ..request }).expect_err("refused");
    assert!(failures(error.verdict().expect("a report")).contains("signature001.p7s"));
    let twice = |request: &mut DeriveRequest<'_>| request.recipients.push(request.recipients[0].clone());
    assert!(refused(&original, Derived::Rewrap, &twice).contains("stands there twice"));
    assert!(
        refused(&original, disclosure(&[4]), &|_| ()).contains("it holds 3 exhibits, EX-0001 to EX-0003")
    );
    assert!(refused(&original, disclosure(&[]), &|_| ()).contains("at least one exhibit"));

    // One bit of a ciphertext: found when that exhibit goes along, not looked at when it does not.
    let folder = chain.bench.path("PK");
    chain
        .bench
        .seal(&[chain.bench.path("letter.txt"), chain.bench.path("empty")], Output::Folder(folder.clone()))
        .expect("seals");
    let path = folder.join("data/EX-0002.age");
    let mut bytes = fs::read(&path).expect("reads");
    *bytes.last_mut().expect("a byte") ^= 1;
    fs::write(&path, bytes).expect("writes");
    for what in [Derived::Rewrap, disclosure(&[2])] {
        assert!(refused(&folder, what, &|_| ()).contains("data/EX-0002.age"));
    }
    let report = chain
        .derive_with(&folder, disclosure(&[1]), Output::Folder(chain.bench.path("one")), |_| ())
        .expect("derives");
    let said: Vec<&str> = report.checks.iter().map(|check| check.text.as_str()).collect();
    assert!(
        said.iter().any(|text| text.contains("the 1 exhibits that do not go along were not read")),
        "{said:?}"
    );
    assert!(said.iter().any(|text| text.contains("no exhibit was decrypted")), "{said:?}");
    assert_verified(&check(&chain.bench.path("one"), &chain.as_court()));
}

#[test]
fn without_anchors_only_integrity_is_checked_and_that_is_said() {
    let chain = chain();
    let original = chain.bench.small_package("PK.asice");
    let none = Anchors::new();
    let output = chain.bench.path("RW.asice");
    let make = |integrity_suffices| {
        let identities = chain.bench.identities();
        let verify = VerifyOptions { identities, integrity_suffices, ..VerifyOptions::new(&none, now()) };
        let request = chain.request(&original, Derived::Rewrap, Output::AsiceFile(output.clone()));
        derive(DeriveRequest { verify, ..request })
    };
    assert!(matches!(make(false), Err(DeriveError::NotVerified(_))));
    let report = make(true).expect("derives");
    let is_said = |check: &crate::verify::Check| {
        check.part == Part::PersonSignature && check.text.contains("nobody vouches for the signer")
    };
    assert!(report.checks.iter().any(is_said));
    // Who verifies needs anchors as ever, also with that option.
    let options = VerifyOptions { integrity_suffices: true, ..VerifyOptions::new(&none, now()) };
    assert!(!check(&output, &options).is_verified());
    assert_verified(&check(&output, &chain.as_court()));
}

/// Changes a file once a step begins.
struct Changing {
    at: Step,
    path: PathBuf,
}

impl Progress for Changing {
    fn begin(&mut self, step: Step, _: Option<u64>) {
        if step == self.at {
            let mut bytes = fs::read(&self.path).expect("reads");
            *bytes.last_mut().expect("a byte") ^= 1;
            fs::write(&self.path, bytes).expect("writes");
        }
    }

    fn advance(&mut self, _: u64) {}
}

#[test]
fn what_changes_between_being_verified_and_being_taken_along_is_noticed() {
    let chain = chain();
    let original = chain.bench.path("PK");
    let letter = chain.bench.file("letter.txt", b"the content of the letter");
    chain.bench.seal(&[letter], Output::Folder(original.clone())).expect("seals");
    let derived = chain.derive(&original, Derived::Rewrap, "RW");
    for name in ["transmittal.json", "META-INF/ASiCManifest001.xml", "META-INF/signature001.p7s", "index.age"]
    {
        let package = chain.bench.path("changing");
        copy_folder(&original, &package);
        let mut progress = Changing { at: Step::Writing, path: package.join(name) };
        let output = chain.bench.path("of-changing");
        let request = chain.request(&package, Derived::Rewrap, Output::Folder(output.clone()));
        let error = derive(DeriveRequest { progress: &mut progress, ..request }).expect_err("it changed");
        let text = error.verdict().map_or_else(|| rogatory_core::chain(&error), failures);
        let why = if name == "index.age" { "another digest" } else { "changed after it was verified" };
        assert!(text.contains(name) && text.contains(why), "{name}: {text}");
        assert!(!output.exists());
        fs::remove_dir_all(package).expect("removes");
    }
    for name in ["bag-info.txt", "origin/signature001.p7s"] {
        let package = chain.bench.path("changing");
        copy_folder(&derived, &package);
        let mut progress = Changing { at: Step::Opening, path: package.join(name) };
        let output = chain.bench.path("opened");
        let error = open(OpenRequest {
            path: package.clone(),
            verify: chain.as_court(),
            output: output.clone(),
            options: OpenOptions::default(),
            progress: &mut progress,
        })
        .expect_err("it changed");
        let text = rogatory_core::chain(&error);
        assert!(text.contains(name) && text.contains("changed after it was verified"), "{name}: {text}");
        assert!(!output.exists());
        fs::remove_dir_all(package).expect("removes");
    }
}

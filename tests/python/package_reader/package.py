"""Verification of a package: sections 8 and 12. Step by step; what fails is kept with its part, and what depends on it is not tried."""

import base64
import datetime
import hashlib
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509

import age_file
import lists
import records
import signature
import transmittal
from archive import MIMETYPE, Archive
from folder_tar import FolderTar
from objects import Folder, Objects, Stream, digest, read_whole
from refusal import NotRead, Refused, demand
from signature import Signed
from transmittal import Transmittal

MANIFEST_LIMIT = 64 << 20
TAG_LIMIT = 64 << 10
DIGESTS_LIMIT = 16 << 20
INDEX_DIGESTS_LIMIT = 32 << 20
HELD_INDEX = 8 << 20
MOST_NAMED = 20
MANIFEST_1, SIGNATURE_1 = "META-INF/ASiCManifest001.xml", "META-INF/signature001.p7s"
MANIFEST_2, SIGNATURE_2 = "META-INF/ASiCManifest002.xml", "META-INF/signature002.p7s"
SEALED = {MANIFEST_2, SIGNATURE_2}
ORIGIN_TRANSMITTAL = "origin/transmittal.json"
ORIGIN_SEALED = ["origin/ASiCManifest002.xml", "origin/signature002.p7s"]
ORIGIN = [ORIGIN_TRANSMITTAL, "origin/ASiCManifest001.xml", "origin/signature001.p7s"]
TAGGED = ["bag-info.txt", "bagit.txt", "index.age", "manifest-sha256.txt", "mimetype", "transmittal.json"]
BEFORE_ORIGIN = ["index.age", "transmittal.json", "bag-info.txt", "bagit.txt", "manifest-sha256.txt", "tagmanifest-sha256.txt"]
CROCKFORD = str.maketrans("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", "0123456789ABCDEFGHJKMNPQRSTVWXYZ")


@dataclass
class Given:
    """What a verification is given from outside."""

    anchors: list[x509.Certificate] | None
    at: datetime.datetime
    identity: object | None = None
    require: frozenset[str] = frozenset()


@dataclass
class Verdict:
    failures: list[Refused] = field(default_factory=list)
    not_read: list[str] = field(default_factory=list)
    report: list[str] = field(default_factory=list)

    def accepted(self) -> bool:
        return not self.failures and not self.not_read

    def fail(self, part: str, reason: str) -> None:
        self.failures.append(Refused(part, reason))


def verify(path: Path, given: Given) -> Verdict:
    verdict = Verdict()
    with ExitStack() as stack:
        try:
            if path.is_dir():
                objects: Objects = Folder(path)
            else:
                objects = Archive(stack.enter_context(path.open("rb")), "container")
            Package(objects, given, verdict, stack).verify()
        except Refused as refusal:
            verdict.failures.append(refusal)
        except NotRead as reason:
            verdict.not_read.append(str(reason))
    return verdict


class Package:
    def __init__(self, objects: Objects, given: Given, verdict: Verdict, stack: ExitStack):
        self.objects, self.given, self.verdict, self.stack = objects, given, verdict, stack
        self.present = set(objects.names())

    def verify(self) -> None:
        """The order of section 8. A step raises where nothing behind it can be judged."""
        report = self.verdict.report
        demand("transmittal.json" in self.present, "transmittal.json", "it is not there")
        self.outside = transmittal.read(self.read("transmittal.json", transmittal.LIMIT), "transmittal.json")
        self.derived = self.outside.kind() != "original"
        self.framing()
        if not self.complete():
            return
        self.encryption()
        self.tag_files()
        self.digests = {name: digest(self.objects.chunks(name)) for name in self.objects.names()}
        signer, seal = self.outer()
        sealed_by = self.outside
        if self.derived:
            self.original, original_signer, seal = self.origin()
            report.append(f"made by: {describe(signer)}")
            signer, sealed_by = original_signer, self.original
        else:
            self.original = self.outside
        report.append(f"signed by: {describe(signer)}")
        report.append(f"encryption: {self.outside.value['encryption']} throughout")
        report.append(f"institution seal: {describe(seal) + ', not compared with a published seal' if seal else 'none'}")
        if "seal" in self.given.require:
            named = sealed_by.value["sender"]["institution"] is not None
            reason = "it is not compared with a published seal" if seal and named else "there is none that could be compared"
            self.verdict.fail("seal", f"an institution's seal is required: {reason}")
        if self.derived:
            self.report_derivation()
        report.append("proven time, revocation, witnesses: not checked")
        if self.given.identity is None:
            report.append("contents: not checked")
            if "contents" in self.given.require:
                self.verdict.fail("contents", "they are required, and no identity is given")
            return
        if self.verdict.failures:
            report.append("index and contents: not looked at, since the outer part is wrong")
            return
        Inside(self, signer).verify()

    def read(self, name: str, limit: int) -> bytes:
        return read_whole(self.objects, name, limit, name)

    def framing(self) -> None:
        """8.1: the order of section 1; where something is missing or strange, 8.2 says so."""
        if isinstance(self.objects, Archive):
            places = {name: place for place, name in enumerate(self.wanted())}
            found = [places[name] for name in self.objects.names() if name in places]
            demand(found == sorted(found), "container", "the objects do not stand in the order of section 1 (3.3)")

    def wanted(self) -> list[str]:
        """The objects of the package in order, with a seal if half of one is there."""
        names = ["mimetype", *self.data_names(), *BEFORE_ORIGIN, *self.origin_names(), MANIFEST_1, SIGNATURE_1]
        return names + (sorted(SEALED) if SEALED & self.present else [])

    def data_names(self) -> list[str]:
        return [f"data/{name}.age" for name in self.outside.exhibits]

    def origin_names(self) -> list[str]:
        if not self.derived:
            return []
        return ORIGIN + (ORIGIN_SEALED if set(ORIGIN_SEALED) & self.present else [])

    def complete(self) -> bool:
        """8.2: exactly these objects, with the sizes of the transmittal."""
        wanted = self.wanted()
        known = set(wanted)
        for name in wanted:
            if name not in self.present:
                self.verdict.fail(name, "it is not there (3.1)")
        for name in self.objects.names():
            if name not in known:
                self.verdict.fail(name, "it is no object of such a package (3.1)")
        for name, size in self.outside.exhibits.items():
            object_name = f"data/{name}.age"
            if object_name in self.present and self.objects.size(object_name) != size:
                self.verdict.fail(object_name, "it has another size than the transmittal says")
        return not self.verdict.failures

    def encryption(self) -> None:
        """8.3 of the age files: which kind of keys they are for, and for how many."""
        wanted = self.outside.value["encryption"]
        for name in ["index.age", *self.data_names()]:
            try:
                header = age_file.read_header(Stream(self.objects.chunks(name)), name)
                demand(header.kind == wanted, name, f"it is encrypted to {header.kind} keys, and the transmittal says {wanted}")
                count = sum(not stanza.arguments[0].endswith(b"-grease") for stanza in header.stanzas)
                demand(
                    count == len(self.outside.recipients),
                    name,
                    "it is encrypted to another number of keys than the transmittal names (5.1)",
                )
            except Refused as refusal:
                self.verdict.failures.append(refusal)

    def tag_files(self) -> None:
        """8.4: tag files, lists and manifests."""
        day = self.outside.value["created_time"][:10]
        sizes = self.outside.exhibits
        expected = {
            "mimetype": MIMETYPE,
            "bagit.txt": b"BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n",
            "bag-info.txt": f"Bagging-Date: {day}\nPayload-Oxum: {sum(sizes.values())}.{len(sizes)}\n".encode(),
        }
        for name, text in expected.items():
            if self.read(name, TAG_LIMIT) != text:
                self.verdict.fail(name, "it says something else than 3.4 demands")
        self.payload = lists.read_list(
            self.read("manifest-sha256.txt", DIGESTS_LIMIT), self.data_names(), "manifest-sha256.txt"
        )
        tagged = sorted(TAGGED + self.origin_names())
        self.tags = lists.read_list(self.read("tagmanifest-sha256.txt", TAG_LIMIT), tagged, "tagmanifest-sha256.txt")
        covered = self.data_names() + BEFORE_ORIGIN + self.origin_names()
        self.manifest = self.read(MANIFEST_1, MANIFEST_LIMIT)
        self.covered = lists.read_manifest(self.manifest, SIGNATURE_1, covered, MANIFEST_1)
        name = base64.b32encode(hashlib.sha256(self.manifest).digest()[:10]).decode().translate(CROCKFORD)
        self.verdict.report.append(f"package: PK-{name}")

    def outer(self) -> tuple[Signed, Signed | None]:
        """8.5 to 8.9 of the outer part."""
        for claimed in (self.payload, self.tags, self.covered):
            for name, value in claimed.items():
                if self.digests[name] != value:
                    self.verdict.fail(name, "its digest is another than the one listed")
        signer = self.person(SIGNATURE_1, self.read(SIGNATURE_1, signature.LIMIT), self.manifest, self.outside)
        seal = None
        if SEALED <= self.present:
            names = {MANIFEST_1: self.digests[MANIFEST_1], SIGNATURE_1: self.digests[SIGNATURE_1]}
            seal = self.seal(
                MANIFEST_2,
                SIGNATURE_2,
                self.read(MANIFEST_2, MANIFEST_LIMIT),
                self.read(SIGNATURE_2, signature.LIMIT),
                names,
                signer,
                self.outside,
            )
        return signer, seal

    def person(self, part: str, data: bytes, manifest: bytes, said: Transmittal) -> Signed:
        """8.6 and 8.9."""
        signed = signature.read_signature(data, manifest, part)
        self.vouched(signed)
        party, institution = signed.party(), said.value["sender"]["institution"]
        if party is not None:
            demand("/officer/" in party, part, "it was made with an institution's certificate")
            demand(
                institution is None or party.startswith(institution + "/officer/"),
                part,
                "its officer is none of the institution",
            )
        if signed.fingerprint() != said.value["sender"]["certificate_sha256"]:
            self.verdict.fail(part, "its certificate is not the one that the transmittal names")
        return signed

    def seal(
        self,
        part: str,
        signature_part: str,
        manifest: bytes,
        data: bytes,
        names: dict[str, str],
        signer: Signed,
        said: Transmittal,
    ) -> Signed:
        """8.7."""
        covered = lists.read_manifest(manifest, SIGNATURE_2, list(names), part)
        for name, value in covered.items():
            demand(names[name] == value, part, f"it gives another digest of {name}")
        signed = signature.read_signature(data, manifest, signature_part)
        self.vouched(signed)
        other = signed.fingerprint() != signer.fingerprint() and signed.key() != signer.key()
        demand(other, signature_part, "it was made with the certificate or key of signature 001")
        party, institution = signed.party(), said.value["sender"]["institution"]
        if party is not None:
            demand("/officer/" not in party, signature_part, "it was made with an officer's certificate")
            demand(institution is None or party == institution, signature_part, "it was made by another institution")
        return signed

    def vouched(self, signed: Signed) -> None:
        """V10; without anchors, integrity is all there is."""
        if self.given.anchors is None:
            self.verdict.fail(signed.part, "integrity only: nobody vouches for the signer")
            return
        signature.path(signed, self.given.anchors, self.given.at)

    def origin(self) -> tuple[Transmittal, Signed, Signed | None]:
        """12.4."""
        original = transmittal.read(self.read(ORIGIN_TRANSMITTAL, transmittal.LIMIT), ORIGIN_TRANSMITTAL)
        demand(original.kind() == "original", ORIGIN_TRANSMITTAL, "it is not that of an original")
        manifest_name, signature_name = ORIGIN[1:]
        manifest = self.read(manifest_name, MANIFEST_LIMIT)
        named = self.outside.value["origin"]["manifest_sha256"]
        demand(self.digests[manifest_name] == named, manifest_name, "it is not the one that the transmittal names")
        names = [f"data/{name}.age" for name in original.exhibits] + BEFORE_ORIGIN
        covered = lists.read_manifest(manifest, SIGNATURE_1, names, manifest_name)
        demand(
            covered["transmittal.json"] == self.digests[ORIGIN_TRANSMITTAL],
            ORIGIN_TRANSMITTAL,
            "its digest is another than its manifest says",
        )
        signer = self.person(signature_name, self.read(signature_name, signature.LIMIT), manifest, original)
        seal = None
        if set(ORIGIN_SEALED) <= self.present:
            part, signature_part = ORIGIN_SEALED
            digests = {MANIFEST_1: self.digests[manifest_name], SIGNATURE_1: self.digests[signature_name]}
            seal = self.seal(
                part,
                signature_part,
                self.read(part, MANIFEST_LIMIT),
                self.read(signature_part, signature.LIMIT),
                digests,
                signer,
                original,
            )
        if self.outside.kind() == "rewrap":
            demand(
                list(self.outside.exhibits) == list(original.exhibits),
                "transmittal.json",
                "a rewrap has not exactly the exhibits of the original",
            )
        for name in self.outside.exhibits:
            demand(name in original.exhibits, f"data/{name}.age", "the original has no such exhibit")
        return original, signer, seal

    def report_derivation(self) -> None:
        total, names = len(self.original.exhibits), list(self.outside.exhibits)
        if self.outside.kind() == "rewrap":
            self.verdict.report.append(f"rewrapped: all {total} exhibits")
        else:
            self.verdict.report.append(f"disclosed: {shown(names)} of {total}; {left_out(total - len(names))}")
        made_from = self.outside.value["origin"]["made_from"]
        if made_from is not None:
            self.verdict.report.append(f"its maker says that package {made_from} was at hand; nothing shows it")


def shown(names: list[str]) -> str:
    more = f" and {len(names) - MOST_NAMED} more" if len(names) > MOST_NAMED else ""
    return ", ".join(names[:MOST_NAMED]) + more


def left_out(count: int) -> str:
    """8.14."""
    if count == 0:
        return "nothing is left out"
    return f"the other {count} {'is' if count == 1 else 'are'} known by number and digest only"


class Inside:
    """The index and the contents: 8.10 to 8.12, and 12.5."""

    def __init__(self, package: Package, signer: Signed):
        self.package, self.signer = package, signer
        self.identity, self.verdict = package.given.identity, package.verdict

    def verify(self) -> None:
        file = self.package.stack.enter_context(tempfile.SpooledTemporaryFile(HELD_INDEX))
        for piece in age_file.decrypt(Stream(self.package.objects.chunks("index.age")), self.identity, "index.age"):
            file.write(piece)
        self.index = Archive(file, "index.age")
        self.present = set(self.index.names())
        self.agreement()
        if self.verdict.failures:
            self.verdict.report.append("contents: not looked at, since the index is wrong")
            return
        self.judge_records()
        if self.verdict.failures:
            return
        for name, record in self.records.items():
            try:
                self.contents(name, record)
            except Refused as refusal:
                self.verdict.failures.append(refusal)
        if not self.verdict.failures:
            self.verdict.report.append("contents: checked")

    def read(self, name: str, limit: int) -> bytes:
        demand(name in self.present, name, "it is not in the index")
        return read_whole(self.index, name, limit, name)

    def agreement(self) -> None:
        """8.11, and 6.4."""
        package, fail = self.package, self.verdict.fail
        inner = self.read("transmittal.json", transmittal.LIMIT)
        if inner != package.original.text:
            try:
                different = ", ".join(transmittal.read(inner, "transmittal.json").differences(package.original))
            except Refused as refusal:
                different = refusal.reason
            fail("transmittal.json", f"the one in the index is another than the one outside: {different}")
        if self.identity.recipient not in package.outside.recipients:
            fail("transmittal.json", "it does not name the identity's recipient")
        names = ["transmittal.json", "exhibits-sha256.txt", "records-sha256.txt"]
        part = "index.age"
        manifest = self.read(MANIFEST_1, MANIFEST_LIMIT)
        for name, value in lists.read_manifest(manifest, SIGNATURE_1, names, part).items():
            demand(name in self.present, name, "it is not in the index")
            demand(digest(self.index.chunks(name)) == value, name, "its digest is another than the index's manifest says")
        signed = signature.read_signature(self.read(SIGNATURE_1, signature.LIMIT), manifest, part)
        package.vouched(signed)
        if signed.fingerprint() != self.signer.fingerprint():
            fail(part, "the index was signed by somebody else than the package")

    def judge_records(self) -> None:
        """8.10: what the index holds."""
        package, fail = self.package, self.verdict.fail
        exhibits = list(package.original.exhibits)
        given = set(package.outside.exhibits)
        self.plaintexts = lists.read_list(
            self.read("exhibits-sha256.txt", INDEX_DIGESTS_LIMIT), exhibits, "exhibits-sha256.txt"
        )
        part = "records-sha256.txt"
        listed = lists.read_list(self.read(part, INDEX_DIGESTS_LIMIT), None, part)
        names = iter(listed)
        name = next(names, None)
        for exhibit in exhibits:
            if name == f"records/{exhibit}.files":
                name = next(names, None)
            demand(name == f"records/{exhibit}.json", part, f"it does not name the record of {exhibit} where it must")
            name = next(names, None)
        demand(name is None, part, "it names more than records")

        order = ["mimetype", "transmittal.json", "exhibits-sha256.txt", part]
        for exhibit in exhibits:
            if exhibit in given:
                list_name = f"records/{exhibit}.files"
                if (list_name in listed) != (list_name in self.present):
                    fail(part, f"{list_name} stands there, or in the index, and not in both")
                order += [list_name] if list_name in self.present else []
                order.append(f"records/{exhibit}.json")
        order += [MANIFEST_1, SIGNATURE_1]
        wanted = set(order)
        for name in order:
            if name not in self.present:
                fail(name, "it is not in the index")
        for name in self.index.names():
            if name not in wanted:
                fail(name, "the index must not hold it")
        if self.verdict.failures:
            return
        demand(self.index.names() == order, "index.age", "its files do not stand in the order of section 6")
        for name in order:
            if name.startswith("records/") and digest(self.index.chunks(name)) != listed[name]:
                fail(name, "its digest is another than records-sha256.txt says")
        self.records = {}
        for exhibit in package.outside.exhibits:
            try:
                self.records[exhibit] = self.record(exhibit)
            except Refused as refusal:
                self.verdict.failures.append(refusal)

    def record(self, exhibit: str) -> records.Record:
        part = f"records/{exhibit}.json"
        record = records.read(self.read(part, records.LIMIT), exhibit, part)
        demand(record.sha256 == self.plaintexts[exhibit], part, "its sha256 is another than exhibits-sha256.txt says")
        has_list = f"records/{exhibit}.files" in self.present
        demand(has_list == record.is_folder, part, "a list of files stands exactly beside the record of a folder")
        return record

    def contents(self, exhibit: str, record: records.Record) -> None:
        """8.12."""
        part = f"data/{exhibit}.age"
        plain = Counted(age_file.decrypt(Stream(self.package.objects.chunks(part)), self.identity, part))
        if record.is_folder:
            listed = records.FilesList(Stream(self.index.chunks(f"records/{exhibit}.files")), f"records/{exhibit}.files")
            FolderTar(Stream(plain), listed, part).check()
            demand(
                listed.count == record.entries,
                part,
                "its list has another number of lines than its record says",
            )
        else:
            for _ in plain:
                pass
        demand(plain.size == record.size, part, "its plaintext has another size than its record says")
        demand(plain.sha.hexdigest() == record.sha256, part, "its plaintext has another digest than its record says")


class Counted:
    """Passes pieces on and keeps their digest and size."""

    def __init__(self, pieces):
        self.pieces = iter(pieces)
        self.sha = hashlib.sha256()
        self.size = 0

    def __iter__(self):
        return self

    def __next__(self) -> bytes:
        piece = next(self.pieces)
        self.sha.update(piece)
        self.size += len(piece)
        return piece


def describe(signed: Signed) -> str:
    title = f" ({signed.title})" if signed.title else ""
    return f"{signed.certificate.subject.rfc4514_string()}{title}, who claims {signed.time:%Y-%m-%dT%H:%M:%SZ}"

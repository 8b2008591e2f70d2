"""CAdES signatures (container.md section 5) and the path from the signer's certificate to an anchor (V8 to V10)."""

import datetime
import hashlib
import re
import unicodedata
from dataclasses import dataclass

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

import der
from der import Cursor, Malformed
from refusal import Refused, demand
from transmittal import INSTITUTION, OFFICER

LIMIT = 64 * 1024
PARTY_URI = re.compile(f"rogatory://({OFFICER.pattern}|{INSTITUTION.pattern})", re.ASCII)
CERTIFICATES = 8
SIGNED_DATA, DATA = der.oid("1.2.840.113549.1.7.2"), der.oid("1.2.840.113549.1.7.1")
CONTENT_TYPE, MESSAGE_DIGEST = der.oid("1.2.840.113549.1.9.3"), der.oid("1.2.840.113549.1.9.4")
SIGNING_TIME, SIGNING_CERTIFICATE = der.oid("1.2.840.113549.1.9.5"), der.oid("1.2.840.113549.1.9.16.2.47")
SIGNER_ATTRIBUTES, TITLE = der.oid("0.4.0.19122.1.1"), der.oid("2.5.4.12")
NULL = bytes([der.NULL, 0])
ECDSA = {
    name: der.sequence(der.oid(f"1.2.840.10045.4.3.{number}")) for number, name in ((2, "sha256"), (3, "sha384"), (4, "sha512"))
}
RSA = {
    name: der.sequence(der.oid(f"1.2.840.113549.1.1.{number}"), NULL)
    for number, name in ((11, "sha256"), (12, "sha384"), (13, "sha512"))
}
DIGESTS = {
    name: der.sequence(der.oid(f"2.16.840.1.101.3.4.2.{number}"))
    for number, name in ((1, "sha256"), (2, "sha384"), (3, "sha512"))
}
HASHES = {"sha256": hashes.SHA256, "sha384": hashes.SHA384, "sha512": hashes.SHA512}
UNREADABLE = (
    ValueError,
    TypeError,
    KeyError,
    UnsupportedAlgorithm,
    x509.InvalidVersion,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
UNDERSTOOD = (x509.BasicConstraints, x509.KeyUsage, x509.ExtendedKeyUsage, x509.SubjectAlternativeName)


@dataclass(frozen=True)
class Signed:
    """A signature whose value is right. Who vouches for the certificate is another question: `path`."""

    certificate: x509.Certificate
    others: list[x509.Certificate]
    time: datetime.datetime
    title: str | None
    part: str

    def fingerprint(self) -> str:
        return hashlib.sha256(self.certificate.public_bytes(Encoding.DER)).hexdigest()

    def key(self) -> bytes:
        return self.certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

    def party(self) -> str | None:
        """What the certificate's URI says, `<country>/<name>` or `<country>/<name>/officer/<id>`; None if it says nothing of the kind."""
        try:
            names = self.certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            return None
        found = names.get_values_for_type(x509.UniformResourceIdentifier)
        demand(len(found) < 2, self.part, "its certificate has several URIs")
        match = PARTY_URI.fullmatch(found[0]) if found else None
        return match[1] if match else None


def read_signature(data: bytes, manifest: bytes, part: str) -> Signed:
    """Reads strictly, writes again, compares, and verifies the value over the signed attributes."""
    demand(len(data) <= LIMIT, part, "it is larger than 64 KiB")
    try:
        return parse(data, manifest, part)
    except (Malformed, *UNREADABLE) as error:
        raise Refused(part, f"it is no signature after container.md section 5: {error}") from error


def parse(data: bytes, manifest: bytes, part: str) -> Signed:
    outer = Cursor(data)
    content_info = outer.inside(der.SEQUENCE)
    outer.end()
    demand(content_info.take(der.OID).whole == SIGNED_DATA, part, "it is no SignedData")
    signed_data = content_info.inside(0xA0).inside(der.SEQUENCE)
    signed_data.take(der.INTEGER)
    signed_data.take(der.SET)
    signed_data.take(der.SEQUENCE)
    embedded = signed_data.inside(0xA0)
    raw_certificates = []
    while embedded.more():
        raw_certificates.append(embedded.take(der.SEQUENCE).whole)
    demand(1 <= len(raw_certificates) <= CERTIFICATES, part, "it has no certificate, or too many")
    demand(len(set(raw_certificates)) == len(raw_certificates), part, "a certificate stands there twice (C5)")
    signers = signed_data.inside(der.SET)
    signer = signers.inside(der.SEQUENCE)
    demand(not signers.more(), part, "it has several signers (C2)")
    signer.take(der.INTEGER)
    name_and_number = signer.take(der.SEQUENCE).whole
    digest_algorithm = signer.take(der.SEQUENCE).whole
    attributes = signer.take()
    demand(attributes.tag == 0xA0, part, "it has no signed attributes (V8)")
    signature_algorithm = signer.take(der.SEQUENCE).whole
    value = signer.take(der.OCTETS).content
    demand(not signer.more(), part, "it has unsigned attributes (C12)")

    names = [name for name, identifier in DIGESTS.items() if identifier == digest_algorithm]
    demand(len(names) == 1, part, "its digest algorithm is none of the list (C3)")
    digest_name = names[0]
    time, time_value, title = read_attributes(attributes.content, part)
    certificates = {raw: x509.load_der_x509_certificate(raw) for raw in raw_certificates}
    own = [raw for raw in raw_certificates if der.sequence(*issuer_and_serial(raw)) == name_and_number]
    demand(len(own) == 1, part, "the signer's certificate is not there (V8)")
    certificate = certificates[own[0]]
    demand(certificate.version == x509.Version.v3, part, "the signer's certificate is not of version 3")
    algorithm = algorithm_for(certificate, digest_name, part)
    demand(signature_algorithm == algorithm, part, "its signature algorithm is none of the list for this key and digest (C3)")

    parts = write_attributes(own[0], hashlib.new(digest_name, manifest).digest(), time_value, title)
    expected = der.sequence(
        SIGNED_DATA,
        der.encode(0xA0, der.sequence(
            der.integer(1),
            der.set_of([digest_algorithm]),
            der.sequence(DATA),
            der.set_of(raw_certificates, 0xA0),
            der.set_of([der.sequence(
                der.integer(1), name_and_number, digest_algorithm, der.set_of(parts, 0xA0), algorithm, der.encode(der.OCTETS, value),
            )]),
        )),
    )  # fmt: skip
    demand(
        attributes.whole == der.set_of(parts, 0xA0),
        part,
        "its signed attributes are not those of this manifest and certificate, in the one form (C6 to C11)",
    )
    demand(data == expected, part, "it is not in the one form (C1)")
    verify_value(certificate, digest_name, value, der.set_of(parts), part)
    for other in certificates.values():
        demand(other.subject != other.issuer, part, "it holds a self-signed certificate (C5)")
    return Signed(certificate, [other for raw, other in certificates.items() if raw != own[0]], time, title, part)


def read_attributes(content: bytes, part: str) -> tuple[datetime.datetime, bytes, str | None]:
    """Time, its encoding, and title. Everything else is written anew from what is known, and compared."""
    cursor, values = Cursor(content), {}
    while cursor.more():
        attribute = cursor.inside(der.SEQUENCE)
        name = attribute.take(der.OID).whole
        held = attribute.inside(der.SET)
        demand(name not in values, part, "a signed attribute stands there twice (C6)")
        values[name] = held.take().whole
        held.end()
        attribute.end()
    wanted = {CONTENT_TYPE, MESSAGE_DIGEST, SIGNING_TIME, SIGNING_CERTIFICATE}
    demand(values.keys() in (wanted, wanted | {SIGNER_ATTRIBUTES}), part, "a signed attribute is missing or unknown (C6)")
    encoded = values[SIGNING_TIME]
    found = Cursor(encoded).take()
    form = {der.UTC_TIME: "%y%m%d%H%M%SZ", der.GENERALIZED_TIME: "%Y%m%d%H%M%SZ"}.get(found.tag)
    demand(form is not None, part, "signing-time is no time (C9)")
    stated = found.content.decode("ascii")
    demand(stated[:-1].isdigit(), part, "signing-time is no time in whole seconds (C9)")
    if found.tag == der.UTC_TIME:  # two digits: 50 to 99 are of the last century, whatever strptime thinks
        stated, form = ("19" if stated[:2] >= "50" else "20") + stated, "%Y%m%d%H%M%SZ"
    time = datetime.datetime.strptime(stated, form).replace(tzinfo=datetime.timezone.utc)
    demand(len(stated) == 15 and time.year >= 1970, part, "signing-time is not in the one form (C9)")
    demand((found.tag == der.GENERALIZED_TIME) == (time.year >= 2050), part, "signing-time is of the wrong type (C9)")
    title = None
    if SIGNER_ATTRIBUTES in values:
        attribute = (
            Cursor(values[SIGNER_ATTRIBUTES]).inside(der.SEQUENCE).inside(0xA0).inside(der.SEQUENCE).inside(der.SEQUENCE)
        )
        demand(attribute.take(der.OID).whole == TITLE, part, "the claimed attribute is no title (C11)")
        title = attribute.inside(der.SET).take(der.UTF8).content.decode("utf-8")
        clean = title == title.strip() and not any(unicodedata.category(letter) == "Cc" for letter in title)
        demand(clean and 1 <= len(title.encode()) <= 200, part, "the claimed function is not formed as it must be (C11)")
    return time, encoded, title


def write_attributes(raw: bytes, digest: bytes, time_value: bytes, title: str | None) -> list[bytes]:
    issuer, serial = issuer_and_serial(raw)
    issuer_serial = der.sequence(der.sequence(der.encode(0xA4, issuer)), serial)
    identifier = der.sequence(der.encode(der.OCTETS, hashlib.sha256(raw).digest()), issuer_serial)
    attributes = [
        der.sequence(CONTENT_TYPE, der.set_of([DATA])),
        der.sequence(MESSAGE_DIGEST, der.set_of([der.encode(der.OCTETS, digest)])),
        der.sequence(SIGNING_TIME, der.set_of([time_value])),
        der.sequence(SIGNING_CERTIFICATE, der.set_of([der.sequence(der.sequence(identifier))])),
    ]
    if title is not None:
        claimed = der.sequence(TITLE, der.set_of([der.encode(der.UTF8, title.encode())]))
        attributes.append(der.sequence(SIGNER_ATTRIBUTES, der.set_of([der.sequence(der.encode(0xA0, der.sequence(claimed)))])))
    return attributes


def issuer_and_serial(raw: bytes) -> tuple[bytes, bytes]:
    """The very bytes of a certificate's issuer and serial number."""
    certificate = Cursor(raw).inside(der.SEQUENCE).inside(der.SEQUENCE)
    certificate.inside(0xA0)
    serial = certificate.take(der.INTEGER).whole
    certificate.take(der.SEQUENCE)
    return certificate.take(der.SEQUENCE).whole, serial


def algorithm_for(certificate: x509.Certificate, digest_name: str, part: str) -> bytes:
    key = certificate.public_key()
    if isinstance(key, ec.EllipticCurvePublicKey):
        demand(isinstance(key.curve, (ec.SECP256R1, ec.SECP384R1)), part, "the key's curve is none of the list (C3)")
        return ECDSA[digest_name]
    demand(isinstance(key, rsa.RSAPublicKey) and 2048 <= key.key_size <= 8192, part, "the key is none of the list (C3)")
    return RSA[digest_name]


def verify_value(certificate: x509.Certificate, digest_name: str, value: bytes, signed: bytes, part: str) -> None:
    key, algorithm = certificate.public_key(), HASHES[digest_name]()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            outer = Cursor(value)
            pair = outer.inside(der.SEQUENCE)
            numbers = [int.from_bytes(pair.take(der.INTEGER).content, "big", signed=True) for _ in range(2)]
            demand(
                min(numbers) > 0 and value == der.sequence(*(der.integer(number) for number in numbers)),
                part,
                "its value is not in the one form (C4)",
            )
            key.verify(value, signed, ec.ECDSA(algorithm))
        else:
            key.verify(value, signed, padding.PKCS1v15(), algorithm)
    except InvalidSignature as error:
        raise Refused(part, "its value does not fit its signed attributes") from error


def path(signed: Signed, anchors: list[x509.Certificate], at: datetime.datetime) -> None:
    """Demands a path from the signer's certificate over the embedded ones to an anchor, and no certificate beside it (V10)."""
    try:
        walk(signed, anchors, at)
    except UNREADABLE as error:
        raise Refused(signed.part, f"a certificate of its path can't be judged: {error}") from error


def walk(signed: Signed, anchors: list[x509.Certificate], at: datetime.datetime) -> None:
    part = signed.part
    judge_end(signed.certificate, part)
    current, left, below = signed.certificate, list(signed.others), 0
    while True:
        judge_certificate(current, at, part)
        anchor = next((anchor for anchor in anchors if vouches(anchor, current, below)), None)
        if anchor is not None and (not left or left == [anchor]):
            judge_certificate(anchor, at, part)
            return
        following = [candidate for candidate in left if vouches(candidate, current, below)]
        demand(bool(following), part, "its certificate leads to none of the anchors, or a certificate beside the path is there")
        current = following[0]
        left.remove(current)
        below += 1


def judge_end(certificate: x509.Certificate, part: str) -> None:
    extensions = {type(extension.value): extension.value for extension in certificate.extensions}
    constraints = extensions.get(x509.BasicConstraints)
    demand(constraints is None or not constraints.ca, part, "it was made with an authority's certificate")
    usage = extensions.get(x509.KeyUsage)
    demand(
        usage is None or usage.digital_signature or usage.content_commitment,
        part,
        "its certificate's key is not for signatures",
    )


def judge_certificate(certificate: x509.Certificate, at: datetime.datetime, part: str) -> None:
    demand(
        certificate.not_valid_before_utc <= at <= certificate.not_valid_after_utc,
        part,
        "a certificate of its path is not valid at the instant",
    )
    for extension in certificate.extensions:
        unknown = extension.critical and not isinstance(extension.value, UNDERSTOOD)
        demand(not unknown, part, "a certificate of its path has a critical extension unknown here")
        constrained = isinstance(extension.value, x509.NameConstraints)
        demand(not constrained, part, "a certificate of its path constrains names, which is not judged here")


def vouches(authority: x509.Certificate, certificate: x509.Certificate, below: int) -> bool:
    """Whether this authority issued that certificate, with `below` authorities beneath it on the path."""
    extensions = {type(extension.value): extension.value for extension in authority.extensions}
    constraints, usage = extensions.get(x509.BasicConstraints), extensions.get(x509.KeyUsage)
    if constraints is None or not constraints.ca or (usage is not None and not usage.key_cert_sign):
        return False
    if constraints.path_length is not None and constraints.path_length < below:
        return False
    try:
        certificate.verify_directly_issued_by(authority)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True

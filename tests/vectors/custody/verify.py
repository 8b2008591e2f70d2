#!/usr/bin/env python3
"""A second verifier of the custody log, written from docs/spec/custody-log.md alone.

    python3 verify.py                              every vector beside this file
    python3 verify.py --vkey KEY RECORD.json       one custody record; --vkey repeats; the keys of witnesses
                                                   whose cosignatures are wanted go with --witness KEY

What counterparts acknowledged is checked as far as the text of custody-log.md goes: that a receipt
quotes the head. Who sealed the receipt is a question of formal-document.md and not asked here.

Needs Python 3.9 and, for Ed25519, either the `cryptography` package or the `openssl` command.
Exit codes: 0 all as expected, 4 something is not, 2 usage, 75 no Ed25519 at hand.
"""

import base64
import binascii
import datetime
import glob
import hashlib
import hmac
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

MAX_SIZE = 2**63 - 1
SEGMENT = r"[a-z0-9][a-z0-9-]{0,62}"
PARTY = re.compile(r"[a-z]{2}/" + SEGMENT)
DOMAIN = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?(\.[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?)*")
NUMBER = re.compile(r"0|[1-9][0-9]*")
SHARED = re.compile(r"[A-Z]{2}(-[0-9A-HJKMNP-TV-Z]{4}){4}-[0-9]{2}")
INSTANT = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2})(\.[0-9]{0,5}[1-9])?Z")


class Refused(Exception):
    """What is checked does not hold; the text names the part."""


class NoEd25519(Exception):
    """Nothing on this machine verifies Ed25519."""


def require(condition, part):
    if not condition:
        raise Refused(part)


# Section 2: conventions


def unhex(text, length, part):
    require(isinstance(text, str) and re.fullmatch("[0-9a-f]{%d}" % (2 * length), text), part)
    return bytes.fromhex(text)


def unbase64(text, part):
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (ValueError, AttributeError, binascii.Error):
        raise Refused(part)
    require(base64.b64encode(data).decode() == text, part)
    return data


def number(text, part):
    require(NUMBER.fullmatch(text) and len(text) <= 20, part)
    return int(text)


def is_party(text):
    return isinstance(text, str) and PARTY.fullmatch(text) is not None


def is_stream(text):
    return text == "internal" or is_party(text)


def is_shared_number(text):
    if not isinstance(text, str) or not SHARED.fullmatch(text):
        return False
    rest = 0
    for symbol in text[:-3].replace("-", ""):
        rest = (rest * 36 + int(symbol, 36)) % 97
    return rest == int(text[-2:])


def is_instant(text):
    found = INSTANT.fullmatch(text) if isinstance(text, str) else None
    if not found:
        return False
    try:
        datetime.datetime.strptime(found.group(1), "%Y-%m-%dT%H:%M:%S")
    except ValueError:
        return False
    return not found.group(1).endswith(":60") and not found.group(1).endswith(":61")


# Sections 3 and 4: leaf and tree


def sha256(data):
    return hashlib.sha256(data).digest()


def mac(key, data):
    return hmac.new(key, data, hashlib.sha256).digest()


def derive_tag_key(case_key):
    return mac(mac(bytes(32), case_key), b"rogatory/tag/1\x01")


def make_tag(tag_key, stream, n):
    stream = stream.encode()
    return mac(tag_key, len(stream).to_bytes(2, "big") + stream + n.to_bytes(8, "big"))


def make_commitment(salt, body):
    return sha256(b"rogatory/body/1\x00" + salt + body)


def leaf_hash(leaf):
    return sha256(b"\x00" + leaf)


def node(left, right):
    return sha256(b"\x01" + left + right)


def included(leaf, index, size, proof, root):
    """RFC 9162, 2.1.3.2."""
    if index >= size or size > MAX_SIZE or len(proof) > 64:
        return False
    fn, sn, r = index, size - 1, leaf
    for p in proof:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            r = node(p, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node(r, p)
        fn, sn = fn >> 1, sn >> 1
    return sn == 0 and r == root


def consistent(old, old_root, new, new_root, proof):
    """RFC 9162, 2.1.4.2."""
    if old > new or new > MAX_SIZE or len(proof) > 64:
        return False
    if old == 0:
        return not proof and old_root == sha256(b"") and (new or new_root == old_root)
    if old == new:
        return not proof and old_root == new_root
    proof = list(proof)
    if old & (old - 1) == 0:
        proof.insert(0, old_root)
    if not proof:
        return False
    fn, sn = old - 1, new - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = proof[0]
    for c in proof[1:]:
        if sn == 0:
            return False
        if fn & 1 or fn == sn:
            fr, sr = node(c, fr), node(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node(sr, c)
        fn, sn = fn >> 1, sn >> 1
    return fr == old_root and sr == new_root and sn == 0


# Section 5: keys and notes


def ed25519(public_key, message, signature):
    if len(signature) != 64:
        return False
    try:
        from cryptography.exceptions import InvalidSignature
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
    except ImportError:
        return ed25519_openssl(public_key, message, signature)
    try:
        Ed25519PublicKey.from_public_bytes(public_key).verify(signature, message)
        return True
    except InvalidSignature:
        return False


def ed25519_openssl(public_key, message, signature):
    if shutil.which("openssl") is None:
        raise NoEd25519()
    with tempfile.TemporaryDirectory() as folder:
        paths = {}
        der = bytes.fromhex("302a300506032b6570032100") + public_key
        for name, data in (("key", der), ("message", message), ("signature", signature)):
            paths[name] = os.path.join(folder, name)
            with open(paths[name], "wb") as file:
                file.write(data)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin"]
        command += ["-inkey", paths["key"], "-in", paths["message"], "-sigfile", paths["signature"]]
        return subprocess.run(command, capture_output=True, check=False).returncode == 0


def is_name(text):
    return (
        0 < len(text.encode()) <= 255
        and "+" not in text
        and not any(c.isspace() or c < " " for c in text)
    )


class Vkey:
    """`kind` 1 is the key of a log, 4 that of a witness."""

    def __init__(self, text, kind=1, part="vkey"):
        require(text.count("+") >= 2, part)
        self.name, key_id, key = text.split("+", 2)
        key = unbase64(key, part)
        require(is_name(self.name) and len(key) == 33 and key[0] == kind, part)
        self.public_key = key[1:]
        self.key_id = sha256(self.name.encode() + b"\n" + key)[:4]
        require(key_id == self.key_id.hex(), part)


def read_note(data, trusted, part):
    """The text, the names of the trusted keys that signed, and the number of signature lines."""
    require(len(data) <= 131072, part)
    try:
        note = data.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(part)
    require(not any(c < " " and c != "\n" for c in note), part)
    text, divider, lines = note.rpartition("\n\n")
    require(divider and lines.endswith("\n"), part)
    text += "\n"
    lines = lines[:-1].split("\n")
    require(len(lines) <= 32, part)
    parsed = []
    for line in lines:
        require(line.startswith("\u2014 "), part)
        name, space, signature = line[2:].partition(" ")
        signature = unbase64(signature, part)
        require(space and is_name(name) and len(signature) > 4, part)
        parsed.append((name, signature[:4], signature[4:]))
    signed_by = []
    if trusted is None:
        return text, signed_by, len(lines)
    for name, key_id, signature in parsed:
        keys = {k.public_key for k in trusted if (k.name, k.key_id) == (name, key_id)}
        if not keys:
            continue
        require(len(keys) == 1 and (name, key_id) not in signed_by, part)
        require(ed25519(keys.pop(), text.encode(), signature), part)
        signed_by.append((name, key_id))
    require(signed_by, part)
    return text, [name for name, _ in signed_by], len(lines)


def origin_party(origin, part):
    require(isinstance(origin, str), part)
    domain, divider, rest = origin.partition("/rogatory/")
    party, slash, epoch = rest.rpartition("/")
    require(divider and slash and len(domain) <= 120 and DOMAIN.fullmatch(domain), part)
    require(is_party(party) and 1 <= number(epoch, part) < 2**32, part)
    return party


# Sections 6 to 8: checkpoint, case head, proof file


def checkpoint(data, trusted, part):
    text, signed_by, lines = read_note(data, trusted, part)
    fields = text.split("\n")
    require(len(fields) == 4 and fields[3] == "", part)
    origin_party(fields[0], part)
    size = number(fields[1], part)
    root = unbase64(fields[2], part)
    require(size <= MAX_SIZE and len(root) == 32 and fields[0] in signed_by, part)
    require(size > 0 or root == sha256(b""), part)
    return fields[0], size, root, lines


def witness_party(name, part):
    require(name.endswith("/witness"), part)
    return origin_party(name[: -len("/witness")] + "/1", part)


def cosigned_checkpoint(data, trusted, witnesses, part):
    """Section 13: the log's line first, then cosignatures. Also [(party, time)] of the keys in `witnesses`,
    which must all have cosigned."""
    origin, size, root, lines = checkpoint(data, trusted, part)
    text, _, below = data.decode("utf-8").rpartition("\n\n")
    parsed = []
    for line in below[:-1].split("\n"):
        name, _, signature = line[2:].partition(" ")
        signature = unbase64(signature, part)
        parsed.append((name, signature[:4], signature[4:]))
    name, key_id, _ = parsed.pop(0)
    require(any((k.name, k.key_id) == (name, key_id) for k in trusted) and name == origin, part)
    last, times = None, {}
    for name, key_id, signature in parsed:
        require(witness_party(name, part) != origin_party(origin, part) and len(signature) == 72, part)
        time = int.from_bytes(signature[:8], "big")
        # The last second of the year 9999.
        require(time <= 253402300799, part)
        require(last is None or last < (name.encode(), key_id), part)
        last = (name.encode(), key_id)
        times[name, key_id] = (time, signature[8:])
    cosigned = []
    for key in witnesses:
        require((key.name, key.key_id) in times, part)
        time, signature = times[key.name, key.key_id]
        message = "cosignature/v1\ntime %d\n%s\n" % (time, text)
        require(ed25519(key.public_key, message.encode(), signature), part)
        cosigned.append((witness_party(key.name, part), time))
    return origin, size, root, cosigned


def case_head(data, trusted, part):
    """`trusted` None reads what the head says, whoever signed it."""
    text, signed_by, lines = read_note(data, trusted, part)
    fields = text.split("\n")
    require(len(fields) == 7 and fields[6] == "" and fields[0] == "rogatory/case-head/1", part)
    _, origin, shared, stream, n, leaf, _ = fields
    origin_party(origin, part)
    require(shared == "-" or is_shared_number(shared), part)
    require(is_stream(stream) and 1 <= number(n, part) <= MAX_SIZE, part)
    require(trusted is None or origin in signed_by, part)
    return origin, None if shared == "-" else shared, stream, int(n), unhex(leaf, 32, part), lines


def proof_file(data, leaf, trusted):
    """`leaf` is the leaf hash that the reader has, or None for an open proof."""
    part = ""
    require(len(data) <= 131072 + 106496, part)
    head, divider, note = data.partition(b"\n\n")
    require(divider, part)
    try:
        lines = head.decode("ascii").split("\n")
    except UnicodeDecodeError:
        raise Refused(part)
    require(lines.pop(0) == "c2sp.org/tlog-proof@v1" and lines, part)
    if lines[0].startswith("extra "):
        entry = unbase64(lines.pop(0)[6:], part)
        require(64 <= len(entry) <= 64 + 65536 and lines, part)
        tag, salt, body = entry[:32], entry[32:64], entry[64:]
        check_body(body, part)
        opened = leaf_hash(b"\x01" + tag + make_commitment(salt, body))
        require(leaf in (None, opened), part)
        leaf = opened
    require(leaf is not None, part)
    require(lines[0].startswith("index ") and len(lines) <= 1 + 64, part)
    index = number(lines[0][6:], part)
    hashes = [unbase64(line, part) for line in lines[1:]]
    require(all(len(h) == 32 for h in hashes), part)
    _, size, root, _ = checkpoint(note, trusted, part)
    require(included(leaf, index, size, hashes, root), part)


# Sections 9 and 10: the record


class Pairs(list):
    """A JSON object with its fields as they stand, so that none can hide behind another."""


def read_json(text, part):
    def no_constant(_):
        raise ValueError("not JSON")

    try:
        return json.loads(text, object_pairs_hook=Pairs, parse_constant=no_constant)
    except (ValueError, RecursionError):
        raise Refused(part)


def check_form(record):
    part = "framing"
    names = ["format", "profile", "institution", "origin", "shared_number", "tag_key"]
    names += ["checkpoint", "heads", "receipted", "told", "entries"]
    require(isinstance(record, Pairs) and [name for name, _ in record] == names, part)
    record = dict(record)
    for name in ("format", "profile"):
        require(type(record[name]) is int and record[name] == 1, part)
    require(record["shared_number"] is None or is_shared_number(record["shared_number"]), part)
    record["tag_key"] = unhex(record["tag_key"], 32, part)
    require(isinstance(record["checkpoint"], str), part)
    require(isinstance(record["heads"], list) and not isinstance(record["heads"], Pairs), part)
    require(all(isinstance(head, str) for head in record["heads"]), part)
    entries = record["entries"]
    require(isinstance(entries, list) and not isinstance(entries, Pairs), part)
    require(0 < len(entries) <= 100000 and len(record["heads"]) <= len(entries), part)
    receipted = record["receipted"]
    require(isinstance(receipted, list) and not isinstance(receipted, Pairs), part)
    require(len(receipted) <= len(entries), part)
    record["receipted"] = [check_receipted_form(one, part) for one in receipted]
    told = record["told"]
    require(isinstance(told, list) and not isinstance(told, Pairs) and len(told) <= len(entries), part)
    require(all(isinstance(head, str) for head in told), part)
    record["entries"] = [check_entry_form(entry, part) for entry in entries]
    require(origin_party(record["origin"], part) == record["institution"], part)
    return record


def check_receipted_form(one, part):
    require(isinstance(one, Pairs) and [name for name, _ in one] == ["head", "receipt"], part)
    one = dict(one)
    require(isinstance(one["head"], str), part)
    one["receipt"] = unbase64(one["receipt"], part)
    require(len(one["receipt"]) <= 65536, part)
    return one


def check_entry_form(entry, part):
    require(isinstance(entry, Pairs), part)
    names = [name for name, _ in entry]
    whole = ["stream", "n", "index", "leaf", "salt", "body", "proof"]
    erased = ["stream", "n", "index", "leaf", "erased", "proof"]
    require(names in (whole, erased), part)
    entry = dict(entry)
    require(is_stream(entry["stream"]), part)
    require(type(entry["n"]) is int and 1 <= entry["n"] <= MAX_SIZE, part)
    require(type(entry["index"]) is int and 0 <= entry["index"] < MAX_SIZE, part)
    entry["leaf"] = unhex(entry["leaf"], 65, part)
    if names == whole:
        entry["salt"] = unhex(entry["salt"], 32, part)
        entry["body"] = unbase64(entry["body"], part)
        require(len(entry["body"]) <= 65536, part)
    else:
        require(entry["erased"] is True, part)
    proof = entry["proof"]
    require(isinstance(proof, list) and not isinstance(proof, Pairs) and len(proof) <= 64, part)
    entry["proof"] = [unhex(h, 32, part) for h in proof]
    return entry


def plain(value):
    if isinstance(value, Pairs):
        return {name: plain(v) for name, v in value}
    return [plain(v) for v in value] if isinstance(value, list) else value


def check_body(body, part):
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise Refused(part)
    require(text.startswith("{"), part)
    pairs = read_json(text, part)
    header = {}
    for name in ("case", "stream", "n", "previous", "at"):
        values = [v for k, v in pairs if k == name]
        require(len(values) == 1, part)
        header[name] = values[0]
    require(isinstance(header["case"], str) and isinstance(header["stream"], str), part)
    require(type(header["n"]) is int and is_instant(header["at"]), part)
    if header["previous"] is not None:
        header["previous"] = unhex(header["previous"], 32, part)
    return header


def verify_record(data, trusted, witnesses=()):
    """Returns {stream: (n, leaf hash, erased numbers)}, {stream: (n, when known to its counterpart)} and
    [(party, time)] of `witnesses`, or raises Refused with the part."""
    part = "framing"
    require(len(data) <= 67108864, part)
    try:
        parsed = read_json(data.decode("utf-8"), part)
    except UnicodeDecodeError:
        raise Refused(part)
    record = check_form(parsed)
    again = json.dumps(plain(parsed), indent=2, ensure_ascii=False) + "\n"
    require(again.encode("utf-8") == data, part)

    part = "checkpoint"
    note = record["checkpoint"].encode()
    origin, size, root, cosigned = cosigned_checkpoint(note, trusted, witnesses, part)
    require(origin == record["origin"], part)

    streams, leaves, last_index, case = {}, {}, -1, None
    for entry in record["entries"]:
        stream, n = entry["stream"], entry["n"]
        part = "entry %s #%d " % (stream, n)
        last_n, previous, erased = streams.get(stream, (0, None, []))
        require(entry["index"] > last_index and n == last_n + 1, part + "numbering")
        leaf = entry["leaf"]
        require(leaf[0] == 1, part + "leaf")
        require(leaf[1:33] == make_tag(record["tag_key"], stream, n), part + "tag")
        if "erased" in entry:
            erased = erased + [n]
        else:
            require(leaf[33:] == make_commitment(entry["salt"], entry["body"]), part + "body")
            header = check_body(entry["body"], part + "body")
            case = header["case"] if case is None else case
            require(header["case"] == case, part + "body")
            require((header["stream"], header["n"]) == (stream, n), part + "body")
            require(header["previous"] == previous, part + "previous")
        hashed = leaf_hash(leaf)
        require(included(hashed, entry["index"], size, entry["proof"], root), part + "proof")
        streams[stream] = (n, hashed, erased)
        leaves[stream, n] = hashed
        last_index = entry["index"]

    require(len(record["heads"]) == len(streams), "heads")
    for stream, note in zip(sorted(streams), record["heads"]):
        part = "head " + stream
        n, hashed, _ = streams[stream]
        *says, lines = case_head(note.encode(), trusted, part)
        require(says == [origin, record["shared_number"], stream, n, hashed] and lines == 1, part)

    known, last = [], ""
    for position, one in enumerate(record["receipted"], 1):
        part = "receipted %d" % position
        says, shared, stream, n, hashed, lines = case_head(one["head"].encode(), trusted, part)
        require(lines == 1 and says == origin and stream != "internal" and stream > last, part)
        require(leaves.get((stream, n)) == hashed, part)
        known.append((stream, n, shared, one))
        last = stream
    last = ""
    for position, note in enumerate(record["told"], 1):
        part = "told %d" % position
        says, _, stream, _, _, lines = case_head(note.encode(), None, part)
        counterpart = origin_party(says, part)
        require(lines == 1 and stream == record["institution"] and counterpart > last, part)
        require(counterpart in streams, part)
        last = counterpart
    told = {}
    for stream, n, shared, one in known:
        at = check_receipt(one, record["institution"], stream, shared, "receipt " + stream)
        told[stream] = (n, at)
    return streams, told, cosigned


def check_receipt(one, institution, counterpart, shared, part):
    """Section 10, step 13. The receipt's seal is not verified."""
    try:
        container = zipfile.ZipFile(io.BytesIO(one["receipt"]))
        receipt = json.loads(container.read("document.json"))
        require(receipt["kind"] == "receipt", part)
        require(receipt["receipt"] in ("delivery", "non-delivery"), part)
        require(receipt["issuer"]["party"] == counterpart, part)
        require(receipt["addressee"] == institution, part)
        require(receipt["case_head_sha256"] == sha256(one["head"].encode()).hex(), part)
        require(receipt["of"]["sender"] == institution, part)
        require(shared is not None and receipt["of"]["shared_number"] == shared, part)
        return receipt["issued_time"]
    except (zipfile.BadZipFile, KeyError, TypeError, ValueError, NotImplementedError):
        raise Refused(part)


# Section 14: the vectors


def run_vector(path):
    """What the file says must happen, and what happens."""
    with open(path, "rb") as file:
        header, _, payload = file.read().partition(b"\n---\n")
    fields, trusted, witnesses = {}, [], []
    for line in header.decode("utf-8").split("\n"):
        name, colon, value = line[2:].partition(": ")
        if colon and name == "vkey":
            trusted.append(Vkey(value))
        elif colon and name == "witness":
            witnesses.append(value)
        elif colon:
            fields[name] = value
    expected = "good" if fields["expect"] == "good" else "refused " + fields.get("part", "")
    try:
        check_vector(fields, trusted, [Vkey(text, 4, "") for text in witnesses], payload)
        return expected, "good"
    except Refused as refused:
        return expected, "refused " + str(refused)


def check_vector(fields, trusted, witnesses, payload):
    kind = fields["kind"]
    if kind == "record":
        verify_record(payload, trusted)
    elif kind == "checkpoint":
        checkpoint(payload, trusted, "")
    elif kind == "cosigned checkpoint":
        cosigned_checkpoint(payload, trusted, witnesses, "")
    elif kind == "case head":
        case_head(payload, trusted, "")
    elif kind == "proof":
        proof_file(payload, bytes.fromhex(fields["leaf"]), trusted)
    elif kind == "consistency":
        lines = payload.decode().splitlines()
        old, old_root = lines[0].split()
        new, new_root = lines[1].split()
        hashes = [bytes.fromhex(line) for line in lines[2:]]
        roots = bytes.fromhex(old_root), bytes.fromhex(new_root)
        require(consistent(int(old), roots[0], int(new), roots[1], hashes), "")
    elif kind == "leaf":
        given = dict(line.split(": ", 1) for line in payload.decode().splitlines())
        tag_key = derive_tag_key(bytes.fromhex(given["case key"]))
        tag = make_tag(tag_key, given["stream"], int(given["n"]))
        commitment = make_commitment(bytes.fromhex(given["salt"]), bytes.fromhex(given["body"]))
        leaf = b"\x01" + tag + commitment
        require(tag_key.hex() == given["tag key"], "")
        require(leaf.hex() == given["leaf"], "")
        require(leaf_hash(leaf).hex() == given["leaf hash"], "")
    else:
        raise SystemExit("unknown kind of vector: " + kind)


def run_vectors():
    folder = os.path.dirname(os.path.abspath(__file__))
    paths = sorted(glob.glob(os.path.join(folder, "*.txt")))
    wrong = 0
    for path in paths:
        expected, found = run_vector(path)
        if expected != found:
            wrong += 1
            print("%s: expected %s, found %s" % (os.path.basename(path), expected, found))
    print("%d vectors, %d not as expected" % (len(paths), wrong))
    return 4 if wrong or not paths else 0


def run_record(keys, witnesses, path):
    with open(path, "rb") as file:
        data = file.read()
    try:
        trusted = [Vkey(key) for key in keys]
        keys = [Vkey(key, 4, "witness") for key in witnesses]
        streams, told, cosigned = verify_record(data, trusted, keys)
    except Refused as refused:
        print("failed: " + str(refused))
        return 4
    for stream in sorted(streams):
        n, _, erased = streams[stream]
        line = "%s: complete from #1 to #%d of what this log says" % (stream, n)
        print(line + ("; erased: " + ", ".join("#%d" % e for e in erased) if erased else ""))
        if stream in told:
            print("  up to #%d as known to %s on %s, says a receipt whose seal was not verified"
                  % (told[stream][0], stream, told[stream][1]))
    for party, time in cosigned:
        at = datetime.datetime.fromtimestamp(time, datetime.timezone.utc)
        print("witnessed by %s at %s" % (party, at.strftime("%Y-%m-%dT%H:%M:%SZ")))
    return 0


def main(arguments):
    keys, witnesses, paths = [], [], []
    while arguments:
        argument = arguments.pop(0)
        if argument == "--vkey" and arguments:
            keys.append(arguments.pop(0))
        elif argument == "--witness" and arguments:
            witnesses.append(arguments.pop(0))
        elif argument.startswith("-"):
            print(__doc__, file=sys.stderr)
            return 2
        else:
            paths.append(argument)
    try:
        if not paths and not keys:
            return run_vectors()
        if len(paths) == 1 and keys:
            return run_record(keys, witnesses, paths[0])
    except NoEd25519:
        print("neither the package `cryptography` nor the command `openssl` is here", file=sys.stderr)
        return 75
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

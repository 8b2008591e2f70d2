#!/usr/bin/env python3
"""A second verifier of the custody log, written from docs/spec/custody-log.md alone.

    python3 verify.py                                        every vector beside this file
    python3 verify.py --vkey KEY RECORD.json                 one custody record
    python3 verify.py --vkey KEY --tiles FOLDER RECORD.json  the same, and an audit of the whole log
    python3 verify.py --vkey KEY --proof PROOF               one inclusion proof; a closed one needs --leaf HASH,
                                                             a promise is shown kept with --receipt RECEIPT.asice

--vkey is the key of the record's log and repeats. --witness KEY is the key of a witness that must have cosigned,
--counterpart KEY that of a counterpart's log, whose word in `told` is verified with it; both repeat.

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
MAX_DEPTH = 127
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
        if kind == 4:
            witness_party(self.name, part)


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


def cosigned_checkpoint(data, trusted, part):
    """Section 13.4: the log's line first, then cosignatures: {(name, key id): (time, signature)}."""
    origin, size, root, _ = checkpoint(data, trusted, part)
    text, _, below = data.decode("utf-8").rpartition("\n\n")
    parsed = []
    for line in below[:-1].split("\n"):
        name, _, signature = line[2:].partition(" ")
        signature = unbase64(signature, part)
        parsed.append((name, signature[:4], signature[4:]))
    name, key_id, _ = parsed.pop(0)
    require(any((k.name, k.key_id) == (name, key_id) for k in trusted) and name == origin, part)
    last, cosignatures = None, {}
    for name, key_id, signature in parsed:
        require(witness_party(name, part) != origin_party(origin, part) and len(signature) == 72, part)
        time = int.from_bytes(signature[:8], "big")
        # The last second of the year 9999.
        require(time <= 253402300799, part)
        require(last is None or last < (name.encode(), key_id), part)
        last = (name.encode(), key_id)
        cosignatures[name, key_id] = (time, signature[8:])
    return origin, size, root, text + "\n", cosignatures


def cosigned_by(key, text, cosignatures, part):
    """Section 13.5: the time at which the holder of `key` cosigned; None if there is no line of it."""
    if (key.name, key.key_id) not in cosignatures:
        return None
    time, signature = cosignatures[key.name, key.key_id]
    message = "cosignature/v1\ntime %d\n%s" % (time, text)
    require(ed25519(key.public_key, message.encode(), signature), part)
    return time


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
    """`leaf` is the leaf hash that the reader has, or None for an open proof. Returns the log's origin and the body."""
    part, body = "", None
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
    origin, size, root, _ = checkpoint(note, trusted, part)
    require(included(leaf, index, size, hashes, root), part)
    return origin, body


def promise_kept(container, proof, trusted):
    """formal-document.md, 8.5: an open proof shows the entry that a receipt promised. Neither seal nor the minute is
    looked at."""
    part = ""
    origin, body = proof_file(proof, None, trusted)
    receipt = receipt_in(container, part)
    try:
        require(receipt["kind"] == "receipt" and receipt["inclusion_within_seconds"] == 60, part)
        require(receipt["issuer"]["party"] == origin_party(origin, part), part)
    except (KeyError, TypeError):
        raise Refused(part)
    named = [value for name, value in read_json(body.decode("utf-8"), part) if name == "receipt_sha256"]
    require(named == [sha256(container).hex()], part)


# Sections 9 and 10: the record


class Pairs(list):
    """A JSON object with its fields as they stand, so that none can hide behind another."""


def read_json(text, part):
    def no_constant(_):
        raise ValueError("not JSON")

    def in_range(digits, number):
        if float(digits) in (float("inf"), float("-inf")):
            raise ValueError("beyond binary64")
        return number(digits)

    require(depth(text) <= MAX_DEPTH, part)
    try:
        value = json.loads(
            text,
            object_pairs_hook=Pairs,
            parse_constant=no_constant,
            parse_int=lambda digits: in_range(digits, int),
            parse_float=lambda digits: in_range(digits, float),
        )
        # An escape may name half a character, which no UTF-8 holds.
        json.dumps(value, ensure_ascii=False).encode("utf-8")
        return value
    except (ValueError, RecursionError):
        raise Refused(part)


def depth(text):
    """How deep the brackets of a JSON text nest, those in strings left out."""
    deepest = level = 0
    for bracket in re.findall(r'[\[{]|[\]}]', re.sub(r'"(\\.|[^"\\])*"', "", text, flags=re.DOTALL)):
        level += 1 if bracket in "[{" else -1
        deepest = max(deepest, level)
    return deepest


def check_form(record):
    part = "framing"
    names = ["format", "profile", "institution", "origin", "shared_number", "tag_key"]
    names += ["checkpoint", "heads", "receipted", "told", "entries"]
    require(isinstance(record, Pairs), part)
    found = [name for name, _ in record]
    require(found in (names, names[:-1] + ["epochs", "entries"]), part)
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
    epochs = record.setdefault("epochs", None)
    if epochs is not None or "epochs" in found:
        require(isinstance(epochs, list) and not isinstance(epochs, Pairs), part)
        require(0 < len(epochs) <= 1000, part)
    record["epochs"] = [check_epoch_form(one, part) for one in epochs or []]
    require(origin_party(record["origin"], part) == record["institution"], part)
    return record


def check_receipted_form(one, part):
    require(isinstance(one, Pairs) and [name for name, _ in one] == ["head", "receipt"], part)
    one = dict(one)
    require(isinstance(one["head"], str), part)
    one["receipt"] = unbase64(one["receipt"], part)
    require(len(one["receipt"]) <= 65536, part)
    return one


def check_epoch_form(one, part):
    require(isinstance(one, Pairs), part)
    require([name for name, _ in one] == ["index", "leaf", "salt", "body", "proof"], part)
    return check_placed_form(dict(one), part)


def check_placed_form(entry, part):
    require(type(entry["index"]) is int and 0 <= entry["index"] < MAX_SIZE, part)
    entry["leaf"] = unhex(entry["leaf"], 65, part)
    if "erased" not in entry:
        entry["salt"] = unhex(entry["salt"], 32, part)
        entry["body"] = unbase64(entry["body"], part)
        require(len(entry["body"]) <= 65536, part)
    else:
        require(entry["erased"] is True, part)
    proof = entry["proof"]
    require(isinstance(proof, list) and not isinstance(proof, Pairs) and len(proof) <= 64, part)
    entry["proof"] = [unhex(h, 32, part) for h in proof]
    return entry


def check_entry_form(entry, part):
    require(isinstance(entry, Pairs), part)
    names = [name for name, _ in entry]
    whole = ["stream", "n", "index", "leaf", "salt", "body", "proof"]
    erased = ["stream", "n", "index", "leaf", "erased", "proof"]
    require(names in (whole, erased), part)
    entry = dict(entry)
    require(is_stream(entry["stream"]), part)
    require(type(entry["n"]) is int and 1 <= entry["n"] <= MAX_SIZE, part)
    return check_placed_form(entry, part)


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
    require(isinstance(header["case"], str) and is_stream(header["stream"]), part)
    require(type(header["n"]) is int and 1 <= header["n"] <= MAX_SIZE, part)
    require(is_instant(header["at"]), part)
    if header["previous"] is not None:
        header["previous"] = unhex(header["previous"], 32, part)
    return header


class Verified:
    """What a record says, verified: the log, the checkpoint's size and root, the tag key; `streams`
    {stream: (n, leaf hash, erased numbers)}, `known` {stream: (n, when known to its counterpart)}, `told`
    {counterpart: (n, whether its log's key verified it)}, `witnessed` [(party, time)]."""

    def __init__(self, **facts):
        self.__dict__.update(facts)


def verify_record(data, trusted, witnesses=(), counterparts=()):
    """`witnesses` and `counterparts` are keys that the reader has; lines by others are left unchecked. Raises Refused
    with the part."""
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
    origin, size, root, text, cosignatures = cosigned_checkpoint(note, trusted, part)
    require(origin == record["origin"], part)
    epochs = check_epochs(record, size, root)

    streams, leaves, places, last_index, case = {}, {}, {}, -1, None
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
        places[stream, n] = entry["index"]
        last_index = entry["index"]
    erased = sum(len(erased) for _, _, erased in streams.values())
    require(erased in (0, len(record["entries"])), "erased")

    require(len(record["heads"]) == len(streams), "heads")
    for stream, note in zip(sorted(streams), record["heads"]):
        part = "head " + stream
        n, hashed, _ = streams[stream]
        *says, lines = case_head(note.encode(), trusted, part)
        require(says == [origin, record["shared_number"], stream, n, hashed] and lines == 1, part)

    receipted, last = [], ""
    for position, one in enumerate(record["receipted"], 1):
        part = "receipted %d" % position
        closed = [epoch["key"] for epoch in epochs]
        says, shared, stream, n, hashed, lines = case_head(one["head"].encode(), trusted + closed, part)
        require(lines == 1 and stream != "internal" and stream > last, part)
        require(leaves.get((stream, n)) == hashed, part)
        ended = [epoch["index"] for epoch in epochs if epoch["closed_origin"] == says]
        require(says == origin or any(places[stream, n] < index for index in ended), part)
        receipted.append((stream, n, shared, one))
        last = stream
    told, last = [], ""
    for position, note in enumerate(record["told"], 1):
        part = "told %d" % position
        says, _, stream, n, _, lines = case_head(note.encode(), None, part)
        counterpart = origin_party(says, part)
        require(lines == 1 and stream == record["institution"] and counterpart > last, part)
        require(counterpart in streams, part)
        told.append((counterpart, says, n, note))
        last = counterpart
    known = {}
    for stream, n, shared, one in receipted:
        at = check_receipt(one, record["institution"], stream, shared, "receipt " + stream)
        known[stream] = (n, at)
    heard = {}
    for counterpart, says, n, note in told:
        keys = [key for key in counterparts if key.name == says]
        if keys:
            case_head(note.encode(), keys, "told " + counterpart)
        heard[counterpart] = (n, bool(keys))
    for epoch in epochs:
        epoch["by"] = [
            (witness_party(key.name, "witness"), cosigned_by(key, *epoch["seen"], "witness " + witness_party(key.name, "")))
            for key in witnesses
            if epoch["seen"] and (key.name, key.key_id) in epoch["seen"][1]
        ]
    witnessed = []
    for key in sorted(witnesses, key=lambda key: (key.name.encode(), key.key_id)):
        party = witness_party(key.name, "witness")
        time = cosigned_by(key, text, cosignatures, "witness " + party)
        if time is not None:
            witnessed.append((party, time))
    facts = {"origin": origin, "size": size, "root": root, "tag_key": record["tag_key"]}
    return Verified(streams=streams, known=known, told=heard, witnessed=witnessed, epochs=epochs, **facts)


EPOCH_BEGUN = [
    *("case", "stream", "n", "previous", "at", "actor", "event", "origin", "closed_origin", "closed_log_key"),
    *("restored_size", "restored_root", "common_size", "witnessed", "silent", "reason"),
]


def check_epochs(record, size, root):
    """Section 16.5: what began the epochs of the log behind its first."""
    domain, _, rest = record["origin"].partition("/rogatory/")
    party, _, _ = rest.rpartition("/")
    last_index, last_epoch, epochs = -1, 0, []

    def epoch_of(origin, part):
        origin_party(origin, part)
        before, _, number_of = origin.rpartition("/")
        require(before == "%s/rogatory/%s" % (domain, party), part)
        return int(number_of)

    for position, one in enumerate(record["epochs"], 1):
        part = "epoch %d" % position
        require(one["leaf"][0] == 1 and one["leaf"][33:] == make_commitment(one["salt"], one["body"]), part)
        header = check_body(one["body"], part)
        require((header["case"], header["stream"]) == ("office", "internal"), part)
        body = dict_of(read_json(one["body"].decode("utf-8"), part), part)
        require(body.get("event") == "epoch-begun", part)
        require(sorted(body) == sorted(EPOCH_BEGUN), part)
        require(isinstance(body["actor"], dict) and isinstance(body["actor"].get("kind"), str), part)
        begun, closed = epoch_of(body["origin"], part), epoch_of(body["closed_origin"], part)
        require(begun > closed >= last_epoch and isinstance(body["closed_log_key"], str), part)
        key = Vkey(body["closed_log_key"], 1, part)
        require(key.name == body["closed_origin"], part)
        require(type(body["restored_size"]) is int and body["restored_size"] == one["index"], part)
        require(type(body["common_size"]) is int and 0 <= body["common_size"] <= one["index"], part)
        unhex(body["restored_root"], 32, part)
        require(isinstance(body["silent"], list) and all(is_party(silent) for silent in body["silent"]), part)
        require(isinstance(body["reason"], str), part)
        seen, seen_size = None, None
        if body["witnessed"] is not None:
            require(isinstance(body["witnessed"], str), part)
            says, seen_size, _, *seen = cosigned_checkpoint(body["witnessed"].encode(), [key], part)
            require(says == body["closed_origin"], part)
        require(one["index"] > last_index, part)
        require(included(leaf_hash(one["leaf"]), one["index"], size, one["proof"], root), part)
        last_index, last_epoch = one["index"], begun
        facts = {"key": key, "index": one["index"], "closed_origin": body["closed_origin"], "at": header["at"]}
        lost = max(0, (seen_size or 0) - body["common_size"])
        facts.update(common=body["common_size"], lost=lost, seen=seen, reason=body["reason"], silent=body["silent"])
        epochs.append(facts)
    _, _, own = record["origin"].rpartition("/")
    require(int(own) == (last_epoch or 1), "epochs")
    return epochs


def fully_witnessed(verified, witnesses):
    """Section 13.6: each of `witnesses` cosigned; which of them is a question of the reader's."""
    cosigned = {party for party, _ in verified.witnessed}
    for key in witnesses:
        party = witness_party(key.name, "witness")
        require(party in cosigned, "witness " + party)


def receipt_in(container, part):
    """A receipt's data. The seal is not verified."""
    try:
        data = zipfile.ZipFile(io.BytesIO(container)).read("document.json")
        return dict_of(read_json(data.decode("utf-8"), part), part)
    except (zipfile.BadZipFile, KeyError, ValueError, NotImplementedError):
        raise Refused(part)


def dict_of(value, part):
    """Objects as dictionaries, each name once."""
    if not isinstance(value, Pairs):
        return value
    require(len({name for name, _ in value}) == len(value), part)
    return {name: dict_of(v, part) for name, v in value}


def check_receipt(one, institution, counterpart, shared, part):
    """Section 10, step 13."""
    receipt = receipt_in(one["receipt"], part)
    try:
        require(receipt["kind"] == "receipt", part)
        require(receipt["receipt"] in ("delivery", "non-delivery"), part)
        require(receipt["issuer"]["party"] == counterpart, part)
        require(receipt["addressee"] == institution, part)
        require(receipt["case_head_sha256"] == sha256(one["head"].encode()).hex(), part)
        require(receipt["of"]["sender"] == institution, part)
        require(shared is not None and receipt["of"]["shared_number"] == shared, part)
        return receipt["issued_time"]
    except (KeyError, TypeError):
        raise Refused(part)


# Section 15: the log as files, and an audit of it


WIDTH = 256


def tile_name(number):
    """`x001/x234/067`."""
    groups = ["%03d" % (number % 1000)]
    while number >= 1000:
        number //= 1000
        groups.insert(0, "x%03d" % (number % 1000))
    return "/".join(groups)


def tiles_of(kind, count):
    """The tiles that `count` nodes or leaves fill: (path, first, width)."""
    for number in range(0, count // WIDTH):
        yield "tile/%s/%s" % (kind, tile_name(number)), WIDTH * number, WIDTH
    if count % WIDTH:
        number, width = divmod(count, WIDTH)
        yield "tile/%s/%s.p/%d" % (kind, tile_name(number), width), WIDTH * number, width


def root_of(hashes):
    """Section 4.1, from the leaf hashes."""
    if not hashes:
        return sha256(b"")
    # The perfect trees of the sizes of the binary digits, largest first.
    peaks = []
    for position, hashed in enumerate(hashes):
        while position & 1:
            hashed, position = node(peaks.pop(), hashed), position >> 1
        peaks.append(hashed)
    root = peaks.pop()
    while peaks:
        root = node(peaks.pop(), root)
    return root


def audit(record, read, trusted):
    """`record` is a verified one; `read` gives the bytes of a file of the folder, or None. Returns {stream: (n, index
    of a later #n + 1 or None)}. Raises Refused with the number of the check in section 15."""
    part = "check 1"
    note = read("checkpoint")
    require(note is not None, part)
    origin, size, root, _ = checkpoint(note, trusted, part)
    require(origin == record.origin and size >= record.size, part)

    part = "check 2"
    leaves = []
    for path, _, width in tiles_of("entries", size):
        bundle = read(path)
        require(bundle is not None and len(bundle) == width * 67, part)
        for at in range(0, len(bundle), 67):
            require(bundle[at : at + 3] == b"\x00\x41\x01", part)
            leaves.append(bundle[at + 2 : at + 67])

    part = "check 3"
    hashes = [leaf_hash(leaf) for leaf in leaves]
    require(root_of(hashes) == root and root_of(hashes[: record.size]) == record.root, part)

    part, level = "check 4", 0
    while hashes:
        for path, first, width in tiles_of(level, len(hashes)):
            require(read(path) == b"".join(hashes[first : first + width]), part)
        whole = len(hashes) // WIDTH
        hashes = [root_of(hashes[WIDTH * n : WIDTH * (n + 1)]) for n in range(whole)]
        level += 1

    part = "check 5"
    places = {}
    for index, leaf in enumerate(leaves):
        places.setdefault(leaf[1:33], []).append(index)
    later = {}
    ahead = min(max(100000 // len(record.streams), 1), 1000)
    for stream, (last, _, _) in record.streams.items():
        before, indexes = -1, []
        for n in range(1, last + ahead + 1):
            found = places.get(make_tag(record.tag_key, stream, n), [])
            require(len(found) <= 1, part)
            if n > last and found:
                require(found[0] >= record.size and before is not None and found[0] > before, part)
                indexes.append(found[0])
            before = found[0] if found else None
        later[stream] = (last, indexes[0] if indexes else None)
    return later


def folder_reader(folder):
    def read(path):
        try:
            with open(os.path.join(folder, *path.split("/")), "rb") as file:
                return file.read(131073)
        except OSError:
            return None

    return read


# Section 14: the vectors


def run_vector(path):
    """What the file says must happen, and what happens."""
    with open(path, "rb") as file:
        header, _, payload = file.read().partition(b"\n---\n")
    fields, keys = {}, {"vkey": [], "witness": [], "counterpart": []}
    for line in header.decode("utf-8").split("\n"):
        name, colon, value = line[2:].partition(": ")
        if colon and name in keys:
            keys[name].append(value)
        elif colon:
            fields[name] = value
    expected = "good" if fields["expect"] == "good" else "refused " + fields.get("part", "")
    try:
        check_vector(fields, keys, payload)
        return expected, "good"
    except Refused as refused:
        return expected, "refused " + str(refused)


def check_vector(fields, keys, payload):
    kind = fields["kind"]
    trusted = [Vkey(key) for key in keys["vkey"]]
    witnesses = [Vkey(key, 4, "") for key in keys["witness"]]
    if kind == "record":
        counterparts = [Vkey(key) for key in keys["counterpart"]]
        fully_witnessed(verify_record(payload, trusted, witnesses, counterparts), witnesses)
    elif kind == "audit":
        files = {}
        for line in payload.decode("ascii").splitlines():
            path, data = line.split(" ")
            files[path] = base64.b64decode(data)
        audit(verify_record(files.pop("record.json"), trusted), files.get, trusted)
    elif kind == "checkpoint":
        checkpoint(payload, trusted, "")
    elif kind == "cosigned checkpoint":
        *_, text, cosignatures = cosigned_checkpoint(payload, trusted, "")
        for key in witnesses:
            require(cosigned_by(key, text, cosignatures, "") is not None, "")
    elif kind == "case head":
        case_head(payload, trusted, "")
    elif kind == "proof":
        leaf = fields.get("leaf")
        proof_file(payload, bytes.fromhex(leaf) if leaf else None, trusted)
    elif kind == "promise":
        receipt, _, proof = payload.partition(b"\n")
        promise_kept(base64.b64decode(receipt), proof, trusted)
    elif kind == "verifier key":
        Vkey(payload.decode("utf-8"), int(fields["type"]), "")
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


# The command line


def contents(path):
    with open(path, "rb") as file:
        return file.read()


def run_record(keys, path):
    trusted = [Vkey(key) for key in keys["--vkey"]]
    witnesses = [Vkey(key, 4, "witness") for key in keys["--witness"]]
    counterparts = [Vkey(key, 1, "counterpart") for key in keys["--counterpart"]]
    verified = verify_record(contents(path), trusted, witnesses, counterparts)
    later = None
    if keys["--tiles"]:
        later = audit(verified, folder_reader(keys["--tiles"][-1]), trusted)
    for stream in sorted(verified.streams):
        n, _, erased = verified.streams[stream]
        line = "%s: complete from #1 to #%d of what this log says" % (stream, n)
        print(line + ("; no body is shown (erased, the record says)" if erased else ""))
        if stream in verified.known:
            print("  up to #%d as known to %s on %s, says a receipt whose seal was not verified"
                  % (verified.known[stream][0], stream, verified.known[stream][1]))
        if later is not None:
            text = "  each stands once in the whole log"
            if later[stream][1] is None:
                print(text + ", and there is no #%d" % (n + 1))
            else:
                print(text + "; #%d came later, at leaf %d" % (n + 1, later[stream][1]))
    for counterpart, (n, checked) in verified.told.items():
        print("told by the log of %s up to #%d%s" % (counterpart, n, "" if checked else ", not checked: no key of it"))
    for epoch in verified.epochs:
        print("%s ended on %s (%s): %d entries were restored, %d behind the first %d are lost"
              % (epoch["closed_origin"], epoch["at"], epoch["reason"], epoch["index"], epoch["lost"], epoch["common"]))
        print_witnessed(epoch["by"], "  ")
        for silent in epoch["silent"]:
            print("  %s did not say what it had seen" % silent)
    print_witnessed(verified.witnessed)
    fully_witnessed(verified, witnesses)
    return 0


def print_witnessed(witnessed, indent=""):
    for party, time in witnessed:
        # Not by a library's calendar, which ends where the machine's does.
        at = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=time)
        print("%switnessed by %s at %sZ" % (indent, party, at.isoformat()))


def run_proof(keys, path):
    trusted = [Vkey(key) for key in keys["--vkey"]]
    proof = contents(path)
    leaf = unhex(keys["--leaf"][-1], 32, "leaf") if keys["--leaf"] else None
    origin, body = proof_file(proof, leaf, trusted)
    for receipt in keys["--receipt"]:
        require(body is not None, "the proof is closed: compare the leaf hash")
        promise_kept(contents(receipt), proof, trusted)
    print("the entry is in the log " + origin)
    if body is not None:
        print(body.decode("utf-8"))
    return 0


def main(arguments):
    names = ("--vkey", "--witness", "--counterpart", "--tiles", "--proof", "--leaf", "--receipt")
    given, paths = {name: [] for name in names}, []
    while arguments:
        argument = arguments.pop(0)
        if argument in given and arguments:
            given[argument].append(arguments.pop(0))
        elif argument.startswith("-"):
            print(__doc__, file=sys.stderr)
            return 2
        else:
            paths.append(argument)
    try:
        if not paths and not any(given.values()):
            return run_vectors()
        if given["--vkey"] and given["--proof"] and not paths:
            return run_proof(given, given["--proof"][-1])
        if given["--vkey"] and len(paths) == 1:
            return run_record(given, paths[0])
    except Refused as refused:
        print("failed: " + str(refused))
        return 4
    except NoEd25519:
        print("neither the package `cryptography` nor the command `openssl` is here", file=sys.stderr)
        return 75
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

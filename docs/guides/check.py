#!/usr/bin/env python3
"""Checks a court bundle step by step. HOW-TO-CHECK says when to run which step.

It needs Python 3.9 or later with nothing but its standard library, and the `openssl` command (3.0 or
later). Run it in the folder into which the bundle was unpacked. It writes below `keys/` and `opened/` only.

    python3 check.py files        every file has the digest that the bundle's signed manifest gives
    python3 check.py keys FILE    takes root certificates and log keys out of the party entries that FILE names
    python3 check.py signatures   runs openssl on every signature, and compares what each covers
    python3 check.py exhibits     every exhibit is the one whose digest was signed when it was sealed
    python3 check.py custody      the custody record: signatures, cosignatures, numbering, links and inclusion proofs
    python3 check.py relations    package, documents, receipts and record speak of one another

A step that finds something wrong prints a line that begins with FAILED and ends with exit code 1.
"""

import base64
import hashlib
import hmac
import json
import os
import re
import subprocess
import sys
import tempfile
import zipfile

failures = 0


def say(good, what):
    """One line for each check; the last line of a step and its exit code count the failures."""
    global failures
    if not good:
        failures += 1
    print(("ok      " if good else "FAILED  ") + what)
    return good


def read(path):
    with open(path, "rb") as file:
        return file.read()


def sha256(data):
    return hashlib.sha256(data).digest()


def digest_of(path):
    digest = hashlib.sha256()
    with open(path, "rb") as file:
        for block in iter(lambda: file.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def run(*command):
    """Runs openssl; nothing it says is hidden when it fails."""
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        print(done.stderr.strip())
    return done.returncode == 0


def below(*names):
    """All files below these folders, with `/` on every system."""
    for name in names:
        for folder, _, files in os.walk(name):
            for file in sorted(files):
                yield os.path.join(folder, file).replace(os.sep, "/")


def references(manifest):
    """What a signed manifest lists: names and SHA-256 digests in hexadecimal digits."""
    pattern = rb'<asic:DataObjectReference URI="([^"]+)".*?<ds:DigestValue>([^<]+)</ds:DigestValue>'
    found = re.findall(pattern, manifest, re.DOTALL)
    return [(name.decode(), base64.b64decode(value).hex()) for name, value in found]


def unpack(container, folder):
    """Unpacks a small signed container; names that lead out of the folder are refused."""
    with zipfile.ZipFile(container) as archive:
        for name in archive.namelist():
            if name.startswith("/") or ".." in name.split("/") or "\\" in name or ":" in name:
                raise SystemExit("FAILED  %s holds the name %r" % (container, name))
        archive.extractall(folder)


# python3 check.py files


def files():
    signed = references(read("META-INF/ASiCManifest001.xml"))
    named = {name for name, _ in signed}
    for name, digest in signed:
        if not os.path.isfile(name):
            say(False, name + " is missing")
        else:
            say(digest_of(name) == digest, name)
    made_here = ("keys/", "opened/", "META-INF/")
    for path in below("."):
        name = path[2:]
        if name != "mimetype" and name not in named and not name.startswith(made_here):
            say(False, name + " is not in the signed manifest")


# python3 check.py keys


def keys(fingerprints):
    """Only entries count whose fingerprint you were told by another way, and wrote into the file."""
    os.makedirs("keys", exist_ok=True)
    everything = ""
    for line in read(fingerprints).decode("utf-8").splitlines():
        told, path = line[:64], line[66:]
        if not say(digest_of(path) == told, path + " has the fingerprint that you were told"):
            continue
        party = os.path.basename(path)[: -len(".asice")]
        with zipfile.ZipFile(path) as archive:
            entry = json.loads(archive.read("document.json"))
        say(entry["party"].replace("/", "-") == party, "%s is the entry of %s" % (path, entry["party"]))
        everything += entry["anchors_pem"].rstrip("\n") + "\n"
        texts = {"pem": entry["anchors_pem"], "log-key": entry["log_key"], "witness-key": entry["witness_key"]}
        for name, text in texts.items():
            with open("keys/%s.%s" % (party, name), "w", encoding="utf-8", newline="\n") as file:
                file.write(text.rstrip("\n") + "\n")
    with open("keys/all.pem", "w", encoding="utf-8", newline="\n") as file:
        file.write(everything)


# python3 check.py signatures


def verify_layers(folder, title, options):
    """Every signature of an unpacked container, and every digest that its manifests give."""
    meta = os.path.join(folder, "META-INF")
    signatures = sorted(name for name in os.listdir(meta) if name.endswith(".p7s"))
    good = bool(signatures)
    for name in signatures:
        manifest = os.path.join(meta, "ASiCManifest" + name[len("signature") : -len(".p7s")] + ".xml")
        command = ["openssl", "cms", "-verify", "-cades", "-binary", "-purpose", "any", "-inform", "DER"]
        command += ["-in", os.path.join(meta, name), "-content", manifest, "-out", os.devnull] + options
        good &= say(run(*command), "%s, META-INF/%s" % (title, name))
        for covered, digest in references(read(manifest)):
            path = os.path.join(folder, *covered.split("/"))
            # Exhibits and index of a package lie elsewhere in a bundle whose exhibits are in the clear.
            elsewhere = title == "package" and (covered.startswith("data/") or covered == "index.age")
            if elsewhere and not os.path.exists(path):
                continue
            if not os.path.isfile(path) or digest_of(path) != digest:
                good = say(False, "%s: %s is not what META-INF/%s covers" % (title, covered, name))
    return good


def signatures(*options):
    options = ["-CAfile", "keys/all.pem"] + list(options)
    containers = sorted(below("documents", "receipts", "parties"))
    # An entry that you could not compare proves nothing, and nothing is taken from it.
    known = lambda path: os.path.exists("keys/%s.pem" % os.path.basename(path)[: -len(".asice")])
    containers = [path for path in containers if not path.startswith("parties/") or known(path)]
    if os.path.exists("index.asice"):
        containers.append("index.asice")
    verify_layers(".", "bundle", options)
    if os.path.isdir("package"):
        verify_layers("package", "package", options)
    for container in containers:
        folder = os.path.join("opened", container.replace("/", "-"))
        unpack(container, folder)
        verify_layers(folder, container, options)


# python3 check.py exhibits


def digest_list(data):
    lines = data.decode("utf-8").splitlines()
    return {line[66:]: line[:64] for line in lines}


def exhibits():
    if not os.path.exists("index.asice"):
        print("        the exhibits are sealed, or there are none: open package/data/… with age, see HOW-TO-CHECK")
        return
    unpack("index.asice", "opened/index.asice")
    signed = digest_list(read("opened/index.asice/exhibits-sha256.txt"))
    outside = read("package/transmittal.json")
    if os.path.exists("package/origin/transmittal.json"):
        outside = read("package/origin/transmittal.json")
    same = read("opened/index.asice/transmittal.json") == outside
    say(same, "the index and the package are of one sealing")
    for exhibit in json.loads(read("bundle.json"))["exhibits"]:
        found = digest_of(exhibit["file"])
        say(signed.get(exhibit["number"]) == found, exhibit["file"])


# python3 check.py custody


def leaf_hash(leaf):
    return sha256(b"\x00" + leaf)


def root_of(leaf, index, size, proof):
    """The root to which an inclusion proof leads: RFC 9162, 2.1.3.2; None if the proof has another length."""
    if index >= size:
        return None
    fn, sn, r = index, size - 1, leaf
    for p in proof:
        if sn == 0:
            return None
        if fn & 1 or fn == sn:
            r = sha256(b"\x01" + p + r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = sha256(b"\x01" + r + p)
        fn, sn = fn >> 1, sn >> 1
    return r if sn == 0 else None


def ed25519(public_key, message, signature):
    with tempfile.TemporaryDirectory() as folder:
        key = bytes.fromhex("302a300506032b6570032100") + public_key
        paths = [os.path.join(folder, name) for name in ("key", "message", "signature")]
        for path, data in zip(paths, (key, message, signature)):
            with open(path, "wb") as file:
                file.write(data)
        command = ["openssl", "pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin"]
        return run(*command, "-inkey", paths[0], "-in", paths[1], "-sigfile", paths[2])


def note(text, vkey):
    """The text of a signed note and the number of its signatures; None unless the key signed it."""
    body, _, lines = text.rpartition("\n\n")
    body += "\n"
    name, key_id, key = vkey.strip().split("+", 2)
    key = base64.b64decode(key)
    if key[0] != 1 or sha256(name.encode() + b"\n" + key)[:4].hex() != key_id:
        return None, 0
    lines = lines.splitlines()
    for line in lines:
        signer, signature = line[2:].rsplit(" ", 1)
        signature = base64.b64decode(signature)
        if line[:2] == "\u2014 " and signer == name and signature[:4].hex() == key_id:
            return (body if ed25519(key[1:], body.encode(), signature[4:]) else None), len(lines)
    return None, len(lines)


def witnesses(checkpoint, text):
    """The cosignatures below the log's own line, as far as you have the witness's key (C2SP tlog-cosignature)."""
    _, _, lines = checkpoint.rpartition("\n\n")
    for line in lines.splitlines()[1:]:
        name, signature = line[2:].rsplit(" ", 1)
        party = name[: -len("/witness")].split("/rogatory/")[1]
        path = "keys/%s.witness-key" % party.replace("/", "-")
        if not os.path.exists(path):
            print("        a cosignature of %s: not checked, its entry was not compared" % party)
            continue
        key_name, key_id, key = read(path).decode().strip().split("+", 2)
        key, signature = base64.b64decode(key), base64.b64decode(signature)
        good = key_name == name and key[0] == 4 and signature[:4].hex() == key_id
        good = good and sha256(name.encode() + b"\n" + key)[:4].hex() == key_id
        seconds = int.from_bytes(signature[4:12], "big")
        message = "cosignature/v1\ntime %d\n%s" % (seconds, text)
        good = good and ed25519(key[1:], message.encode(), signature[12:])
        say(good, "%s cosigned the checkpoint, %d seconds after 1970: it saw this one log" % (party, seconds))


def custody():
    record = json.loads(read("custody/record.json").decode("utf-8"))
    party = record["institution"].replace("/", "-")
    vkey = read("keys/%s.log-key" % party).decode()
    text, _ = note(record["checkpoint"], vkey)
    if not say(text is not None, "the checkpoint in the record is signed by the log key of " + party):
        return
    alone = read("custody/checkpoint.txt").decode("utf-8")
    same = record["checkpoint"].startswith(alone) and note(alone, vkey) == (text, 1)
    say(same, "custody/checkpoint.txt is that checkpoint, with the log's signature alone")
    witnesses(record["checkpoint"], text)
    origin, size, root = text.splitlines()
    size, root = int(size), base64.b64decode(root)
    say(origin == record["origin"], "the log is " + origin)
    tag_key = bytes.fromhex(record["tag_key"])
    last = {}
    before = failures
    for entry in record["entries"]:
        stream, n = entry["stream"], entry["n"]
        title = "%s #%d" % (stream, n)
        leaf = bytes.fromhex(entry["leaf"])
        previous = last.get(stream, (0, None))
        if n != previous[0] + 1:
            say(False, title + ": a number is missing before it")
        place = stream.encode()
        place = len(place).to_bytes(2, "big") + place + n.to_bytes(8, "big")
        if leaf[:33] != b"\x01" + hmac.new(tag_key, place, hashlib.sha256).digest():
            say(False, title + ": the leaf is of another case, stream or number")
        if "erased" in entry:
            print("        %s was erased; its place in the log is still proven" % title)
        else:
            data = base64.b64decode(entry["body"])
            salt = bytes.fromhex(entry["salt"])
            if leaf[33:] != sha256(b"rogatory/body/1\x00" + salt + data):
                say(False, title + ": the leaf does not commit to what the entry says")
            body = json.loads(data)
            if (body["stream"], body["n"], body["previous"]) != (stream, n, previous[1]):
                say(False, title + ": it does not follow the entry before it")
        proof = [bytes.fromhex(one) for one in entry["proof"]]
        if root_of(leaf_hash(leaf), entry["index"], size, proof) != root:
            say(False, title + ": the log does not hold it")
        last[stream] = (n, leaf_hash(leaf).hex())
    if failures == before:
        say(True, "%d entries are in the log, unchanged and without a gap" % len(record["entries"]))
    for head in record["heads"]:
        text, _ = note(head, vkey)
        fields = (text or "\n" * 6).splitlines()
        wanted = last.get(fields[3], (0, None))
        good = fields[1] == origin and (int(fields[4] or 0), fields[5]) == wanted
        say(good, "stream %s: complete from #1 to #%d of what this log says" % (fields[3], wanted[0]))


# python3 check.py relations


def of_container(path):
    with zipfile.ZipFile(path) as archive:
        return json.loads(archive.read("document.json"))


def relations():
    statement = json.loads(read("bundle.json"))
    record = json.loads(read("custody/record.json").decode("utf-8"))
    number = statement["shared_number"]
    say(record["shared_number"] == number, "the custody record is of case " + number)
    say(record["institution"] == statement["institution"], "it is of " + statement["institution"])
    events = {}
    for entry in record["entries"]:
        body = json.loads(base64.b64decode(entry["body"])) if "body" in entry else {}
        for field, value in body.items():
            if field.endswith("_sha256"):
                events.setdefault(value, "%s #%d %s" % (entry["stream"], entry["n"], body["event"]))
    documents = [(path, of_container(path)) for path in sorted(below("documents"))]
    if documents:
        found = any(one["shared_number"] == number for _, one in documents)
        say(found, "a document has the number " + number)
    for path, _ in documents:
        digest = digest_of(path)
        say(digest in events, "%s: %s" % (path, events.get(digest, "no entry of the record names it")))
    manifest = None
    if os.path.isdir("package"):
        origin = json.loads(read("package/transmittal.json"))["origin"]
        manifest = digest_of("package/META-INF/ASiCManifest001.xml")
        manifest = origin["manifest_sha256"] if origin else manifest
        say(manifest in events, "package: " + events.get(manifest, "no entry of the record names it"))
    for path in sorted(below("receipts")):
        receipt = of_container(path)
        digest, of = digest_of(path), receipt["of"]
        if receipt["receipt"] != "relay":
            say(digest in events, "%s: %s" % (path, events.get(digest, "no entry of the record names it")))
        if of["what"] == "package":
            title = "%s: %s by %s at %s" % (
                path,
                receipt["receipt"],
                receipt["issuer"]["party"],
                receipt["issued_time"],
            )
            say(of["manifest_sha256"] == manifest, title + " is for this very package")


STEPS = {
    "files": files,
    "keys": keys,
    "signatures": signatures,
    "exhibits": exhibits,
    "custody": custody,
    "relations": relations,
}


def main():
    wanted = {"keys": (1, 1), "signatures": (0, 9)}
    fewest, most = wanted.get((sys.argv + [""])[1], (0, 0))
    if len(sys.argv) < 2 or sys.argv[1] not in STEPS or not fewest <= len(sys.argv) - 2 <= most:
        print(__doc__)
        return 2
    try:
        STEPS[sys.argv[1]](*sys.argv[2:])
    except (OSError, ValueError, KeyError, IndexError, TypeError, zipfile.BadZipFile) as error:
        say(False, "it cannot be read: %s: %s" % (type(error).__name__, error))
    print("%s: %s" % (sys.argv[1], "all good" if failures == 0 else "%d FAILED" % failures))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

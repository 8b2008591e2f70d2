#!/usr/bin/env python3
"""Checks a court bundle step by step. HOW-TO-CHECK says when to run which step.

It needs Python 3.9 or later with nothing but its standard library, and the `openssl` command (3.0 or
later). Take it from the documentation, or compare its SHA-256 with the page there before it runs: whoever
forges a bundle can forge the program in it. Run it with `-I`, which keeps Python from loading what lies
in the bundle, in the folder into which the bundle was unpacked. It writes to `../keys` and `../opened` only.

    python3 -I ../check.py keys FILE    takes roots, seals and log keys out of the party entries that FILE names
    python3 -I ../check.py files        every file has the digest that the bundle's signed manifest gives
    python3 -I ../check.py signatures   runs openssl on every signature, and compares what each covers and whose it is
    python3 -I ../check.py exhibits     every exhibit is the one whose digest was signed when it was sealed
    python3 -I ../check.py custody      the custody record: signatures, cosignatures, numbering, links and proofs
    python3 -I ../check.py relations    package, documents, receipts and record speak of one another
    python3 -I ../check.py revocation   no certificate stands on a list in `revocation/`

`signatures` and `revocation` hand further words on to `openssl cms -verify`. Each line begins with `ok`, `FAILED` or
blanks. Blanks are no failure: the line tells something, or what was not checked. A step that finds something wrong ends
with exit code 1.
"""

import base64
import datetime
import hashlib
import hmac
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

# Made by the reader beside the unpacked bundle, so that nothing in a bundle can lie there.
KEYS = "../keys"
OPENED = "../opened"

# Names that mean the same file on every system, and lead nowhere else.
PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*(/[A-Za-z0-9_][A-Za-z0-9._-]*)*")
# What a bundle consists of; META-INF/ aside.
KNOWN = re.compile(
    r"mimetype|bundle\.json|index\.asice|check\.py|manifest-sha256\.txt|HOW-TO-CHECK\.(en|es|fr)\.md"
    r"|custody/(record\.json|checkpoint\.txt)|exhibits/EX-[0-9]+/[^/]+|package/.+"
    r"|(documents|receipts|parties)/[^/]+\.asice|certificates/[^/]+\.pem|revocation/[^/]+\.crl|stamps/[^/]+\.tst"
)

successes = 0
failures = 0
unchecked = 0


def tell(what):
    """Prints a line; what a forger could hide in it is shown as its number."""
    print("".join(one if " " <= one <= "~" else "\\u{%x}" % ord(one) for one in what))


def say(good, what):
    """One line for each check; the last line of a step and its exit code count the failures."""
    global failures, successes
    if good:
        successes += 1
    else:
        failures += 1
    tell(("ok      " if good else "FAILED  ") + what)
    return good


def not_checked(what):
    """What could not be checked is no failure, and is counted: a step without failures is not a step that checked all."""
    global unchecked
    unchecked += 1
    tell("        " + what)


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


def openssl_path():
    """Where `openssl` is installed; never one that lies beside the bundle, where Windows looks first."""
    around = os.path.realpath("..")
    name = "openssl.exe" if os.name == "nt" else "openssl"
    for folder in os.environ.get("PATH", "").split(os.pathsep):
        path = os.path.realpath(os.path.join(folder, name))
        inside = path.startswith(os.path.join(around, "")) and around != os.path.dirname(around)
        if os.path.isabs(folder) and not inside and os.access(path, os.X_OK):
            return path
    raise FileNotFoundError("the command `openssl` is not installed")


def ask(*words):
    """Runs openssl; answers whether all is well, and what it says."""
    done = subprocess.run((openssl_path(),) + words, capture_output=True, text=True, check=False)
    return done.returncode == 0, done.stderr


def run(*words):
    """Runs openssl; nothing it says is hidden when it fails."""
    good, said = ask(*words)
    if not good:
        for line in said.splitlines():
            tell("        " + line)
    return good


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
    found = [(name.decode(), base64.b64decode(value).hex()) for name, value in found]
    if len({name.lower() for name, _ in found}) != len(found):
        raise ValueError("a manifest lists a name twice")
    return found


def digest_list(data):
    lines = data.decode("utf-8").splitlines()
    return {line[66:]: line[:64] for line in lines}


def open_container(path):
    """A small signed container, in which every name means one file and leads nowhere else."""
    archive = zipfile.ZipFile(path)
    names = archive.namelist()
    bad = [name for name in names if not PLAIN.fullmatch(name)]
    if bad or len({name.lower() for name in names}) != len(names):
        archive.close()
        raise ValueError("%s holds the name %r, or a name twice" % (path, (bad + names)[0]))
    return archive


def unpack(container):
    """Unpacks a container below OPENED; answers the folder."""
    folder = os.path.join(OPENED, container.replace("/", "-"))
    if os.path.isdir(folder):
        shutil.rmtree(folder)
    with open_container(container) as archive:
        archive.extractall(folder)
    return folder


def of_container(path):
    with open_container(path) as archive:
        return json.loads(archive.read("document.json"))


def key_file(party, kind):
    """Where `keys` wrote a key of this institution, whether it is there or not."""
    if not re.fullmatch("[a-z]{2}/[a-z0-9-]{1,63}", party):
        raise ValueError("%r is no institution" % party)
    return "%s/%s.%s" % (KEYS, party.replace("/", "-"), kind)


def certificates(pem):
    """The SHA-256 of each certificate in a PEM text."""
    found = re.findall("-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", pem, re.DOTALL)
    return [sha256(base64.b64decode(one)).hex() for one in found]


# python3 check.py keys


def keys(fingerprints):
    """Only entries count whose fingerprint you were told by another way, and wrote into the file."""
    os.makedirs(KEYS, exist_ok=True)
    everything = ""
    for line in read(fingerprints).decode("utf-8").splitlines():
        told, path = line[:64], line[66:]
        if not re.fullmatch(r"parties/[a-z0-9-]+\.asice", path):
            say(False, "%s names %r, which is no file of parties/" % (fingerprints, path))
            continue
        if not say(digest_of(path) == told, path + " has the fingerprint that you were told"):
            continue
        entry = of_container(path)
        party = entry["party"]
        fits = os.path.basename(path) == party.replace("/", "-") + ".asice"
        if not say(fits, "%s is the entry of %s" % (path, party)):
            continue
        everything += entry["anchors_pem"].rstrip("\n") + "\n"
        texts = {"pem": entry["anchors_pem"], "log-key": entry["log_key"], "witness-key": entry["witness_key"]}
        texts["seal"] = certificates(entry["seal_certificates_pem"])[0]
        for kind, text in texts.items():
            with open(key_file(party, kind), "w", encoding="utf-8", newline="\n") as file:
                file.write(text.rstrip("\n") + "\n")
    with open(KEYS + "/all.pem", "w", encoding="utf-8", newline="\n") as file:
        file.write(everything)


# python3 check.py files


def files():
    signed = references(read("META-INF/ASiCManifest001.xml"))
    for name, digest in signed:
        if not KNOWN.fullmatch(name) or not PLAIN.fullmatch(name):
            say(False, name + " is no file of a bundle")
        elif not os.path.isfile(name):
            say(False, name + " is missing")
        else:
            say(digest_of(name) == digest, name)
    around = {"mimetype", "META-INF/ASiCManifest001.xml", "META-INF/signature001.p7s"}
    named = around | {name for name, _ in signed}
    for path in below("."):
        if path[2:] not in named:
            say(False, path[2:] + " is not in the signed manifest")


# python3 check.py signatures


def names_in(pem):
    """Whose certificate it is, and who issued it, as `openssl x509` says."""
    names = [openssl_path(), "x509", "-in", pem, "-noout", "-subject", "-issuer"]
    return subprocess.run(names, capture_output=True, text=True, errors="replace", check=False).stdout.splitlines()


def signer_of(signature, content, title, options):
    """Verifies one signature; answers the SHA-256 of its certificate, nothing if it is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        found = os.path.join(folder, "signer.pem")
        command = ["cms", "-verify", "-cades", "-binary", "-purpose", "any", "-inform", "DER", "-in", signature]
        command += ["-content", content, "-out", os.devnull, "-signer", found]
        if "-crl_check_all" in options:
            _, said = ask(*command, *options)
            if "unable to get certificate CRL" in said:
                not_checked("%s: not checked, for no list covers all certificates" % title)
                options = [one for one in options if one != "-crl_check_all"]
        if not say(run(*command, *options), title):
            return None
        signers = certificates(read(found).decode())
        for line in names_in(found):
            tell("        " + line)
    if len(signers) != 1:
        say(False, title + " is by more than one")
        return None
    return signers[0]


def verify_layers(folder, title, options, elsewhere=()):
    """Every layer of an unpacked container, and that nothing in it is without a signature.

    Answers the SHA-256 of each layer's certificate, nothing if anything is wrong. The last layer covers all
    before it. What `elsewhere` names may be missing.
    """
    meta = os.path.join(folder, "META-INF")
    found = set(os.listdir(meta)) if os.path.isdir(meta) else set()
    count = sum(name.endswith(".p7s") for name in found)
    if not count:
        say(False, title + " carries no signature")
        return []
    before, signers = failures, []
    covered = {"mimetype"}
    for number in range(1, count + 1):
        layer = {"META-INF/ASiCManifest%03d.xml" % number, "META-INF/signature%03d.p7s" % number}
        manifest, signature = (os.path.join(folder, *name.split("/")) for name in sorted(layer))
        if not os.path.isfile(manifest) or not os.path.isfile(signature):
            say(False, "%s: layer %d is missing" % (title, number))
            break
        signers.append(signer_of(signature, manifest, "%s, META-INF/signature%03d.p7s" % (title, number), options))
        listed = dict(references(read(manifest)))
        if number > 1 and not last <= set(listed):
            say(False, "%s: layer %d does not cover the one before it" % (title, number))
        for name, digest in listed.items():
            path = os.path.join(folder, *name.split("/"))
            if name.startswith(elsewhere) and not os.path.exists(path):
                continue
            if not PLAIN.fullmatch(name) or not os.path.isfile(path) or digest_of(path) != digest:
                say(False, "%s: %s is not what layer %d covers" % (title, name, number))
        covered |= layer | set(listed)
        last = layer
    # Of an index, this list covers the records; those of exhibits that were not disclosed are not there.
    if title == "index.asice" and "records-sha256.txt" in covered:
        for name, digest in digest_list(read(os.path.join(folder, "records-sha256.txt"))).items():
            path = os.path.join(folder, *name.split("/"))
            if PLAIN.fullmatch(name) and os.path.isfile(path) and digest_of(path) == digest:
                covered.add(name)
    for path in below(folder):
        name = os.path.relpath(path, folder).replace(os.sep, "/")
        if name not in covered:
            say(False, "%s: %s is covered by no signature" % (title, name))
    return signers if failures == before else []


def compare_seal(title, signer, party):
    """An authority vouches for many; whose word something is shows the very seal that its entry publishes."""
    path = key_file(party, "seal")
    if not os.path.exists(path):
        not_checked("%s: not compared with the seal of %s, whose fingerprint you have not" % (title, party))
        return
    say(signer == read(path).decode().strip(), "%s carries the seal that %s publishes" % (title, party))


def sealer_of(folder, signer):
    """Who sealed a package: its first signature is by the certificate that its transmittal names."""
    wanted = json.loads(read(folder + "/transmittal.json"))["sender"]["certificate_sha256"]
    good = say(signer == wanted, folder + " was signed by the certificate that its transmittal.json names")
    return signer if good else None


def verify_package(options):
    """All signatures of the package; answers the certificate with which the evidence was sealed."""
    sealed = json.loads(read("bundle.json"))["form"] == "sealed"
    # Exhibits and index lie elsewhere in a bundle whose exhibits are in the clear.
    signers = verify_layers("package", "package", options, () if sealed else ("data/", "index.age"))
    transmittal = json.loads(read("package/transmittal.json"))
    party = transmittal["sender"]["institution"]
    if len(signers) > 1 and party is not None:
        compare_seal("package", signers[-1], party)
    sealer = sealer_of("package", signers[0] if signers else None)
    if transmittal["origin"] is None:
        say(not os.path.exists("package/origin"), "the package is an original")
        return sealer
    origin = "package/origin"
    same = digest_of(origin + "/ASiCManifest001.xml") == transmittal["origin"]["manifest_sha256"]
    say(same, "the package was made of the one whose manifest lies in " + origin)
    covered = dict(references(read(origin + "/ASiCManifest001.xml")))
    same = covered.get("transmittal.json") == digest_of(origin + "/transmittal.json")
    say(same, origin + "/transmittal.json is that of the original")
    if os.path.exists(origin + "/signature002.p7s"):
        title = origin + "/signature002.p7s"
        seal = signer_of(title, origin + "/ASiCManifest002.xml", title, options)
        covered = dict(references(read(origin + "/ASiCManifest002.xml")))
        for name in ("ASiCManifest001.xml", "signature001.p7s"):
            good = covered.get("META-INF/" + name) == digest_of(origin + "/" + name)
            say(good, "%s covers %s" % (title, name))
        party = json.loads(read(origin + "/transmittal.json"))["sender"]["institution"]
        if party is not None:
            compare_seal(origin, seal, party)
    title = origin + "/signature001.p7s"
    return sealer_of(origin, signer_of(title, origin + "/ASiCManifest001.xml", title, options))


def signatures(*options):
    verify_all(["-CAfile", KEYS + "/all.pem"] + list(options))


def verify_all(options):
    verify_layers(".", "bundle", options)
    sealer = verify_package(options) if os.path.isdir("package") else None
    if os.path.exists("index.asice"):
        signers = verify_layers(unpack("index.asice"), "index.asice", options)
        same = sealer is not None and signers == [sealer]
        say(same, "index.asice is signed by the certificate that sealed the evidence")
    for path in sorted(below("documents", "receipts", "parties")):
        document = of_container(path)
        # Party entries speak for themselves, receipts for who gave them, documents for who sent them.
        who = document if "party" in document else document.get("issuer") or document["sender"]
        # An entry that you could not compare proves nothing, and nothing is taken from it.
        if path.startswith("parties/") and not os.path.exists(key_file(who["party"], "seal")):
            continue
        signers = verify_layers(unpack(path), path, options)
        if signers:
            compare_seal(path, signers[-1], who["party"])


# python3 check.py revocation


def revocation(*options):
    """Every signature once more, with the lists; only lists are taken out of the files, and no certificates."""
    lists = "".join(read(path).decode() for path in below("revocation"))
    lists = re.findall("-----BEGIN X509 CRL-----.*?-----END X509 CRL-----", lists, re.DOTALL)
    if not lists:
        not_checked("there are no lists: not checked; ask the authorities")
        return
    everything = KEYS + "/all-with-lists.pem"
    with open(everything, "w", encoding="utf-8", newline="\n") as file:
        file.write(read(KEYS + "/all.pem").decode() + "\n".join(lists) + "\n")
    verify_all(["-CAfile", everything, "-crl_check_all"] + list(options))


# python3 check.py exhibits


def exhibits():
    statement = json.loads(read("bundle.json"))
    form, listed = statement["form"], statement["exhibits"]
    there = {"clear": (True, True, False), "sealed": (True, False, True), "documents": (False, False, False)}
    found = tuple(os.path.exists(name) for name in ("package", "index.asice", "package/index.age"))
    say(found == there[form], "the bundle has what its form demands: " + form)
    lying = set(below("exhibits"))
    say(lying == ({one["file"] for one in listed} if form == "clear" else set()), "exhibits/ holds what bundle.json lists")
    if form != "clear":
        not_checked("the exhibits are sealed, or there are none: open package/data/ with age, see HOW-TO-CHECK")
        return
    folder = unpack("index.asice")
    signed = digest_list(read(folder + "/exhibits-sha256.txt"))
    outside = read("package/transmittal.json")
    if os.path.exists("package/origin/transmittal.json"):
        outside = read("package/origin/transmittal.json")
    same = read(folder + "/transmittal.json") == outside
    say(same, "the index and the package are of one sealing")
    for exhibit in listed:
        number, file = exhibit["number"], exhibit["file"]
        good = file.split("/")[:2] == ["exhibits", number] and signed.get(number) == digest_of(file)
        say(good, file)
    for number in sorted(set(signed) - {one["number"] for one in listed}):
        not_checked("%s was sealed, and is not in this bundle" % number)


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
        command = ["pkeyutl", "-verify", "-pubin", "-keyform", "DER", "-rawin"]
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
        path = key_file(party, "witness-key")
        if not os.path.exists(path):
            not_checked("a cosignature of %s: not checked, its entry was not compared" % party)
            continue
        key_name, key_id, key = read(path).decode().strip().split("+", 2)
        key, signature = base64.b64decode(key), base64.b64decode(signature)
        good = key_name == name and key[0] == 4 and signature[:4].hex() == key_id
        good = good and sha256(name.encode() + b"\n" + key)[:4].hex() == key_id
        seconds = int.from_bytes(signature[4:12], "big")
        message = "cosignature/v1\ntime %d\n%s" % (seconds, text)
        good = good and ed25519(key[1:], message.encode(), signature[12:])
        at = datetime.datetime(1970, 1, 1) + datetime.timedelta(seconds=seconds)
        say(good, "%s cosigned the checkpoint at %sZ: it saw this one log" % (party, at.isoformat()))


def custody():
    record = json.loads(read("custody/record.json").decode("utf-8"))
    party = record["institution"]
    if not os.path.exists(key_file(party, "log-key")):
        say(False, "the entry of %s was not compared in step 2: its log cannot be checked" % party)
        return
    vkey = read(key_file(party, "log-key")).decode()
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
    erased = sum("erased" in entry for entry in record["entries"])
    if erased not in (0, len(record["entries"])):
        say(False, "some entries were erased and others not; an office erases a whole case")
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
            tell("        %s was erased; its place in the log is still proven" % title)
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
    if not last or len(record["heads"]) != len(last):
        say(False, "there are %d streams, and %d heads that say where they end" % (len(last), len(record["heads"])))
    number = record["shared_number"] or "-"
    for head, stream in zip(record["heads"], sorted(last, key=str.encode)):
        n, leaf = last[stream]
        wanted = ("rogatory/case-head/1", origin, number, stream, str(n), leaf)
        good = note(head, vkey) == ("\n".join(wanted) + "\n", 1)
        say(good, "%s, stream %s: complete from #1 to #%d of what this log says" % (number, stream, n))


# python3 check.py relations


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

    def named(digest, what):
        """Erased entries name nothing; then what only they could name is not checked."""
        if digest not in events and any("erased" in entry for entry in record["entries"]):
            not_checked("%s: not checked, the entries of the record were erased" % what)
        else:
            say(digest in events, "%s: %s" % (what, events.get(digest, "no entry of the record names it")))

    documents = [(path, of_container(path)) for path in sorted(below("documents"))]
    numbers = {number} | {one["shared_number"] for _, one in documents}
    if documents:
        found = any(one["shared_number"] == number for _, one in documents)
        say(found, "a document has the number " + number)
    for path, _ in documents:
        named(digest_of(path), path)
    manifest = None
    if os.path.isdir("package"):
        origin = json.loads(read("package/transmittal.json"))["origin"]
        manifest = digest_of("package/META-INF/ASiCManifest001.xml")
        manifest = origin["manifest_sha256"] if origin else manifest
        named(manifest, "package")
    for path in sorted(below("receipts")):
        receipt = of_container(path)
        of = receipt["of"]
        if receipt["receipt"] != "relay":
            named(digest_of(path), path)
        if of["what"] == "package":
            title = "%s: %s by %s at %s" % (
                path,
                receipt["receipt"],
                receipt["issuer"]["party"],
                receipt["issued_time"],
            )
            same = of["manifest_sha256"] == manifest and of["shared_number"] in numbers
            say(same, title + " is for this very package, in this case")


STEPS = {
    "keys": keys,
    "files": files,
    "signatures": signatures,
    "exhibits": exhibits,
    "custody": custody,
    "relations": relations,
    "revocation": revocation,
}


def main():
    wanted = {"keys": (1, 1), "signatures": (0, 9), "revocation": (0, 9)}
    fewest, most = wanted.get((sys.argv + [""])[1], (0, 0))
    if len(sys.argv) < 2 or sys.argv[1] not in STEPS or not fewest <= len(sys.argv) - 2 <= most:
        print(__doc__)
        return 2
    try:
        STEPS[sys.argv[1]](*sys.argv[2:])
    except (OSError, ArithmeticError, ValueError, LookupError, TypeError, zipfile.BadZipFile) as error:
        say(False, "it cannot be read: %s: %s" % (type(error).__name__, error))
    found = "%d FAILED" % failures if failures else "all good" if successes or not unchecked else "nothing checked"
    found += "; %d not checked, see above" % unchecked if unchecked else ""
    tell("%s: %s" % (sys.argv[1], found))
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

"""Reads a custody log as files with PyPI's tlog-scales: read_tiles.py FOLDER LOG_KEY WITNESS_KEY...

Verifies the log's signature and each witness's cosignature, the root over the tiles, and for every entry an inclusion
proof made from the tiles. Prints root, number and digest of the entries, the times of the cosignatures, and proofs for
another verifier, as JSON. Whatever does not hold ends it with a traceback.
"""

import hashlib
import json
import pathlib
import sys

from tlog_scales.backend import LocalBackend
from tlog_scales.reader import TilesReader
from tlog_scales.signing import Ed25519CosignatureVerifier, Vkey
from tlog_scales.tiles import leaf_hash

folder, log_key, *witness_keys = sys.argv[1:]
reader = TilesReader(LocalBackend(pathlib.Path(folder)))
checkpoint = reader.get_checkpoint()
checkpoint.verify(Vkey.from_string(log_key))
times = {}
for text in witness_keys:
    key = Vkey.from_string(text)
    # It composes the message of cosignature/v1 itself.
    assert isinstance(key.get_verifier(), Ed25519CosignatureVerifier)
    checkpoint.verify(key)
    (line,) = [line for line in checkpoint.signatures if key.match(line)]
    times[key.name] = Ed25519CosignatureVerifier.get_timestamp(line.payload)

size, root = checkpoint.size, checkpoint.root_hash
assert reader.calculate_root_hash() == root, "the tiles have another root"
entries, inclusion = hashlib.sha256(), []
for index in range(size):
    entry = reader.get_entry(index)
    entries.update(entry)
    proof = reader.get_inclusion_proof(index, size)
    proof.check(leaf_hash(entry), root)
    inclusion.append([node.hex() for node in proof.node_hashes])
consistency = []
for old in range(1, size):
    old_root = reader.mth(0, old)
    proof = reader.get_consistency_proof(old, size)
    proof.check(old_root, root)
    consistency.append([old_root.hex(), [node.hex() for node in proof.node_hashes]])
print(json.dumps({
    "origin": checkpoint.origin,
    "size": size,
    "root": root.hex(),
    "entries": entries.hexdigest(),
    "times": times,
    "inclusion": inclusion,
    "consistency": consistency,
}))

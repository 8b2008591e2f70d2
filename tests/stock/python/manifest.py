"""Compares an ASiCManifest with the files of the unzipped container; prints each name that it covers.

    python3 manifest.py FOLDER META-INF/ASiCManifest001.xml
"""

import base64
import hashlib
import pathlib
import sys
import xml.etree.ElementTree as ElementTree

ASIC = "{http://uri.etsi.org/02918/v1.2.1#}"
DSIG = "{http://www.w3.org/2000/09/xmldsig#}"
SHA256 = "http://www.w3.org/2001/04/xmlenc#sha256"

folder, name = pathlib.Path(sys.argv[1]), sys.argv[2]
root = ElementTree.parse(folder / name).getroot()
if root.tag != f"{ASIC}ASiCManifest":
    sys.exit(f"the root is {root.tag}")
signature = root.find(f"{ASIC}SigReference").get("URI")
if not (folder / signature).is_file():
    sys.exit(f"{name} names the signature {signature}, which is not there")
covered = root.findall(f"{ASIC}DataObjectReference")
if not covered:
    sys.exit(f"{name} covers nothing")
for reference in covered:
    uri = reference.get("URI")
    if reference.find(f"{DSIG}DigestMethod").get("Algorithm") != SHA256:
        sys.exit(f"{uri}: not SHA-256")
    stated = base64.b64decode(reference.find(f"{DSIG}DigestValue").text, validate=True)
    if stated != hashlib.sha256((folder / uri).read_bytes()).digest():
        sys.exit(f"{uri}: {name} gives another digest")
    print(uri)

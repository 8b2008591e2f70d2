"""Reads every entry of a container with Python's own zipfile; prints digest and name of each."""

import hashlib
import sys
import zipfile

with zipfile.ZipFile(sys.argv[1]) as container:
    broken = container.testzip()
    if broken is not None:
        sys.exit(f"{broken} is broken")
    first = container.infolist()[0]
    if first.filename != "mimetype" or first.compress_type != zipfile.ZIP_STORED or first.extra or first.header_offset:
        sys.exit("the first entry is not a stored `mimetype` without extra field")
    if container.read(first) != b"application/vnd.etsi.asic-e+zip":
        sys.exit("`mimetype` holds something else")
    for entry in container.infolist():
        print(f"{hashlib.sha256(container.read(entry)).hexdigest()}  {entry.filename}")

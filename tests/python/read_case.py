#!/usr/bin/env python3
"""Reads a case with nothing of Rogatory's but its .proto files.

Generates a client from `proto/` into a folder that goes away again, connects to the office listener with mutual TLS, lists
the cases, and prints the timeline of one: what another State's engineer can do with the interface alone.

    python3 tests/python/read_case.py --address 127.0.0.1:7443 \\
        --certificate tls.pem --key tls.key --anchors anchors.pem [--case NUMBER] [--json]

The files are those of an officer's profile. Needs `grpcio` and `grpcio-tools` (`cargo xtask test` installs them and names the
interpreter in ROGATORY_PYTHON). Without `--case` the newest is taken. Exit codes: 0 done, 1 failed or refused, 2 usage,
75 the server can't be reached.
"""

import argparse
import importlib
import json
import sys
import tempfile
from pathlib import Path

import grpc
from grpc_tools import protoc

PROTO = Path(__file__).resolve().parents[2] / "proto"
PAGE_SIZE = 2  # small on purpose: paging is part of what is tried


def main() -> int:
    parser = argparse.ArgumentParser(description="Lists the cases of an office and prints the timeline of one.")
    parser.add_argument("--address", required=True, help="host:port of the office listener")
    parser.add_argument("--certificate", required=True, type=Path, help="the officer's TLS certificate and chain, PEM")
    parser.add_argument("--key", required=True, type=Path, help="its private key, PKCS#8 PEM")
    parser.add_argument("--anchors", required=True, type=Path, help="anchors the server's certificate must lead to, PEM")
    parser.add_argument("--case", help="case id or shared number; the newest case if absent")
    parser.add_argument("--proto", type=Path, default=PROTO, help="folder of the .proto files")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    arguments = parser.parse_args()

    with tempfile.TemporaryDirectory() as generated:
        wire, stub = generate(arguments.proto, Path(generated))
        credentials = grpc.ssl_channel_credentials(
            root_certificates=arguments.anchors.read_bytes(),
            private_key=arguments.key.read_bytes(),
            certificate_chain=arguments.certificate.read_bytes(),
        )
        with grpc.secure_channel(arguments.address, credentials) as channel:
            return read(wire, stub(channel), arguments)


def generate(proto: Path, out: Path):
    """Generates the client; answers the module of messages and the class that calls."""
    files = sorted(str(file.relative_to(proto)) for file in proto.rglob("*.proto"))
    if not files:
        raise SystemExit(f"error: no .proto file below `{proto}`")
    code = protoc.main(["protoc", f"--proto_path={proto}", f"--python_out={out}", f"--grpc_python_out={out}", *files])
    if code != 0:
        raise SystemExit("error: the .proto files do not compile")
    sys.path.insert(0, str(out))
    wire = importlib.import_module("rogatory.office.v1.case_service_pb2")
    calls = importlib.import_module("rogatory.office.v1.case_service_pb2_grpc")
    return wire, calls.CaseServiceStub


def read(wire, service, arguments) -> int:
    try:
        cases = pages(lambda token: service.ListCases(
            wire.ListCasesRequest(page_size=PAGE_SIZE, page_token=token), timeout=30), "cases")
        wanted = arguments.case or (cases[0].case_id if cases else None)
        case, entries = None, []
        if wanted:
            case = service.GetCase(wire.GetCaseRequest(case_id=wanted), timeout=30).case
            entries = pages(lambda token: service.ListTimeline(
                wire.ListTimelineRequest(case_id=wanted, page_size=PAGE_SIZE, page_token=token), timeout=30), "entries")
    except grpc.RpcError as error:
        print(f"error: {error.code().name}: {error.details()}", file=sys.stderr)
        return 75 if error.code() == grpc.StatusCode.UNAVAILABLE else 1
    show = as_json if arguments.json else as_text
    show(cases, case, entries)
    return 0


def pages(call, field: str) -> list:
    """Everything, page by page."""
    found, token = [], ""
    while True:
        answer = call(token)
        found.extend(getattr(answer, field))
        token = answer.next_page_token
        if not token:
            return found


def as_text(cases, case, entries) -> None:
    for known in cases:
        print(f"{known.case_id}  {known.kind}  {known.shared_number}  {known.side}  {known.counterpart}  {known.stage}")
    if case is None:
        print("no case")
        return
    print(f"\n{case.case_id} ({case.shared_number}), {case.side}: {case.stage} since {case.stage_time}")
    for entry in entries:
        print(f"{entry.time}  {entry.stream} #{entry.n}  {entry.event}  {entry.actor}")


def as_json(cases, case, entries) -> None:
    plain = {
        "format": 1,
        "cases": [{"case_id": known.case_id, "shared_number": known.shared_number, "stage": known.stage} for known in cases],
        "case": case and {"case_id": case.case_id, "shared_number": case.shared_number, "stage": case.stage},
        "timeline": [
            {"time": entry.time, "stream": entry.stream, "n": entry.n, "event": entry.event, "actor": entry.actor,
             "leaf_index": entry.leaf_index, "body": json.loads(entry.body or b"null")}
            for entry in entries
        ],
    }
    print(json.dumps(plain, ensure_ascii=False))


if __name__ == "__main__":
    sys.exit(main())

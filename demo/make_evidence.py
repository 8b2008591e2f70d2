#!/usr/bin/env python3
"""Makes the evidence of the demonstration: `python3 demo/make_evidence.py`.

Writes `demo/evidence/` anew. Everything in it is invented. The output is committed and depends on nothing but this
file: no clock, no random numbers, no compressor, no place. Python's standard library only.
"""

import base64
import math
import shutil
import sqlite3
import struct
import zlib
from datetime import datetime, timedelta, timezone
from pathlib import Path

OUT = Path(__file__).resolve().parent / "evidence"

README = """\
This folder was made for the demonstration of Rogatory by demo/make_evidence.py.
Every person, account, number, message, picture and packet in it is invented.
Addresses are from the ranges reserved for documentation (RFC 5737, RFC 2606).

The formats are real: an mbox mailbox with MIME attachments, an SQLite chat
database, PNG and JPEG pictures, a packet capture, CSV tables, an empty file,
names with blanks and with letters beyond ASCII.
"""

NOTE = """\
NOTĂ DE ÎNSOȚIRE (document fictiv)

Nistru Chat SRL, echipa de răspuns. Export al contului „lumina.casting”, utilizatorul 70418832.
Perioada: 2026-02-01T00:00:00Z – 2026-09-19T00:00:00Z. Toate orele sunt UTC.

| fișier                        | sistem                         | preluat de         |
|-------------------------------|--------------------------------|--------------------|
| chat/lumina.casting.sqlite    | depozitul de mesaje, shard 4   | D. Lungu, 20 nov.  |
| mailbox.mbox                  | sistemul de asistență          | D. Lungu, 20 nov.  |
| log-ins.csv, subscriber.json  | registrul de conturi           | D. Lungu, 20 nov.  |

Pentru +373 600 00 417: același cont. Pentru 203.0.113.47: o singură sesiune, vezi log-ins.csv.
Mesaje cu avocați puse deoparte fără a fi citite: 0.
"""


def main() -> None:
    if OUT.exists():
        shutil.rmtree(OUT)
    for folder in ("", "chat", "images", "images/от V-2"):
        (OUT / folder).mkdir(parents=True, exist_ok=True)
    write("README.txt", README.encode())
    write("Notă de însoțire.txt", NOTE.encode())
    write("empty.log", b"")
    write("subscriber.json", subscriber())
    write("log-ins.csv", log_ins())
    write("call records 2026-03.csv", call_records())
    write("mailbox.mbox", mailbox())
    write("capture 2026-03-14.pcap", packet_capture())
    write("images/bus ticket.png", png(300, 180, ticket_pixel))
    write("images/от V-2/фото 14 марта.jpg", jpeg(240, 160, street_pixel))
    chat_database(OUT / "chat" / "lumina.casting.sqlite")


def write(name: str, content: bytes) -> None:
    (OUT / name).write_bytes(content)


class Numbers:
    """A linear congruential generator: the same numbers wherever it runs."""

    def __init__(self, seed: int) -> None:
        self.state = seed

    def below(self, limit: int) -> int:
        self.state = (self.state * 6364136223846793005 + 1442695040888963407) % (1 << 64)
        return (self.state >> 33) % limit


# Tables ---------------------------------------------------------------------------------------------------------


def subscriber() -> bytes:
    return b"""{
  "fictional": true,
  "account": "lumina.casting",
  "user_id": 70418832,
  "registered_time": "2026-01-29T16:02:11Z",
  "registered_from": "198.51.100.23:40112",
  "telephone": "+373 600 00 417",
  "telephone_confirmed_time": "2026-01-29T16:03:40Z",
  "display_names": ["Lumina Casting", "Lumina \xe2\x80\x93 angaj\xc4\x83ri", "\xd0\x9b\xd1\x83\xd0\xbc\xd0\xb8\xd0\xbd\xd0\xb0"],
  "payment": null,
  "closed_time": "2026-09-18T21:44:03Z"
}
"""


def log_ins() -> bytes:
    numbers = Numbers(2)
    rows = ["login_time,logout_time,ip,source_port,client"]
    start = datetime(2026, 2, 1, 6, 30, tzinfo=timezone.utc)
    for day in range(0, 230):
        for _ in range(1 + numbers.below(3)):
            begin = start + timedelta(days=day, seconds=numbers.below(50_000))
            end = begin + timedelta(seconds=60 + numbers.below(7_000))
            address = f"198.51.100.{20 + numbers.below(6)}"
            rows.append(f"{instant(begin)},{instant(end)},{address},{1024 + numbers.below(60_000)},android/5.2")
    rows.append("2026-03-14T18:21:50Z,2026-03-14T18:40:12Z,203.0.113.47,51514,web")
    return ("\r\n".join([rows[0], *sorted(rows[1:])]) + "\r\n").encode()


def call_records() -> bytes:
    numbers = Numbers(3)
    rows = ["record,start_time,duration_seconds,direction,caller,called,result"]
    start = datetime(2026, 3, 1, tzinfo=timezone.utc)
    people = ["V-1", "V-2", "S-1", "+373 600 00 101", "+373 600 00 102"]
    moment = start
    for record in range(1, 641):
        moment += timedelta(seconds=900 + numbers.below(6_000))
        other = people[numbers.below(len(people))]
        outgoing = numbers.below(2) == 0
        pair = ("lumina.casting", other) if outgoing else (other, "lumina.casting")
        duration = numbers.below(900) if numbers.below(5) else 0
        result = "answered" if duration else "missed"
        direction = "outgoing" if outgoing else "incoming"
        rows.append(f"{record},{instant(moment)},{duration},{direction},{pair[0]},{pair[1]},{result}")
    return ("\n".join(rows) + "\n").encode()


def instant(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


# Mailbox --------------------------------------------------------------------------------------------------------


def mailbox() -> bytes:
    letters = [
        ("Mon, 09 Mar 2026 08:14:22 +0000", "lumina@casting.example", "help@nistru-chat.example",
         "Cont blocat / account blocked", "Bună ziua,\n\nContul „lumina.casting” nu primește fotografii. Mulțumesc.\n", []),
        ("Mon, 09 Mar 2026 09:02:51 +0000", "help@nistru-chat.example", "lumina@casting.example",
         "Re: Cont blocat / account blocked", "Problema a fost rezolvată.\n\nFrom now on pictures up to 20 MB work.\n", []),
        ("Sat, 14 Mar 2026 18:22:07 +0000", "lumina@casting.example", "v1@post.example",
         "Билеты на автобус", "Билеты во вложении. Паспорт возьми с собой!\n",
         [("bilete.pdf", "application/pdf", ticket_pdf()), ("ticket.png", "image/png", png(64, 40, ticket_pixel))]),
        ("Tue, 17 Mar 2026 07:55:00 +0000", "lumina@casting.example", "v2@post.example",
         "Detalii despre cazare", "Cazarea este gratuită. Plata: 1.900 lire pe lună.\n",
         [("contract – proiect.txt", "text/plain", "Contract de muncă (fictiv), 3 luni.\n".encode())]),
    ]
    out = []
    for number, (date, sender, to, subject, text, attachments) in enumerate(letters, start=1):
        boundary = f"=-demonstration-{number}"
        out.append(f"From {sender} {mbox_date(date)}")
        out += [
            f"Message-ID: <{number}.2026@casting.example>",
            f"Date: {date}",
            f"From: {sender}",
            f"To: {to}",
            f"Subject: =?utf-8?b?{base64.b64encode(subject.encode()).decode()}?=",
            "MIME-Version: 1.0",
            f'Content-Type: multipart/mixed; boundary="{boundary}"',
            "",
            f"--{boundary}",
            "Content-Type: text/plain; charset=utf-8",
            "Content-Transfer-Encoding: base64",
            "",
            *lines_of_base64(text.encode()),
        ]
        for name, kind, content in attachments:
            encoded = "".join(f"%{byte:02X}" if byte > 126 or byte == 32 else chr(byte) for byte in name.encode())
            out += [
                f"--{boundary}",
                f"Content-Type: {kind}",
                "Content-Transfer-Encoding: base64",
                f"Content-Disposition: attachment; filename*=utf-8''{encoded}",
                "",
                *lines_of_base64(content),
            ]
        out += [f"--{boundary}--", ""]
    return ("\n".join(out) + "\n").encode()


def mbox_date(date: str) -> str:
    moment = datetime.strptime(date, "%a, %d %b %Y %H:%M:%S %z")
    return moment.strftime("%a %b %d %H:%M:%S %Y")


def lines_of_base64(content: bytes) -> list[str]:
    text = base64.b64encode(content).decode()
    return [text[at : at + 76] for at in range(0, len(text), 76)]


def ticket_pdf() -> bytes:
    text = b"BT /F1 18 Tf 40 120 Td (Chisinau - London Victoria, 16 March 2026 (fictional)) Tj ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 560 200] /Contents 4 0 R"
        b" /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(text), text),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    out, offsets = b"%PDF-1.4\n", []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    tail = b"xref\n0 %d\n0000000000 65535 f \n%strailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n"
    return out + tail % (len(objects) + 1, table, len(objects) + 1, len(out))


# Chat database --------------------------------------------------------------------------------------------------

OPENINGS = [
    "Bună! Căutăm fete pentru un hotel în Eastshire. Cazare gratuită.",
    "Здравствуйте, работа в отеле, оплата каждую неделю 💷",
    "How much is it a month?",
    "1.900 lire, plus bacșiș. Biletul îl plătim noi.",
    "Паспорт отдашь при регистрации, это обычное дело.",
    "Is it really a hotel? My sister asks.",
    "Da, desigur. S-1 vă așteaptă la autogară.",
    "ok",
]


def chat_database(path: Path) -> None:
    numbers = Numbers(5)
    connection = sqlite3.connect(path)
    connection.executescript(
        """
        PRAGMA page_size = 4096;
        PRAGMA encoding = 'UTF-8';
        CREATE TABLE account (id INTEGER PRIMARY KEY, name TEXT NOT NULL, telephone TEXT);
        CREATE TABLE message (
            id INTEGER PRIMARY KEY, sent_us INTEGER NOT NULL, sender INTEGER NOT NULL REFERENCES account(id),
            recipient INTEGER NOT NULL REFERENCES account(id), kind TEXT NOT NULL, body TEXT, attachment BLOB
        );
        CREATE INDEX message_by_time ON message(sent_us);
        """
    )
    accounts = [(70418832, "lumina.casting", "+373 600 00 417"), (70500001, "V-1", None), (70500002, "V-2", None),
                (70500003, "S-1", "+44 7700 900417")]
    connection.executemany("INSERT INTO account VALUES (?, ?, ?)", accounts)
    moment = datetime(2026, 3, 2, 9, 0, tzinfo=timezone.utc)
    for number in range(1, 1201):
        moment += timedelta(seconds=30 + numbers.below(20_000))
        other = 70500001 + numbers.below(3)
        sender, recipient = (70418832, other) if numbers.below(2) else (other, 70418832)
        picture = numbers.below(60) == 0
        row = (number, int(moment.timestamp()) * 1_000_000, sender, recipient, "picture" if picture else "text",
               None if picture else OPENINGS[numbers.below(len(OPENINGS))],
               png(24, 24, ticket_pixel) if picture else None)
        connection.execute("INSERT INTO message VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    connection.commit()
    connection.close()
    # The header names the library that wrote the file (bytes 96 to 99); that would differ from machine to machine.
    content = bytearray(path.read_bytes())
    content[96:100] = struct.pack(">I", 3_040_001)
    path.write_bytes(bytes(content))


# Packet capture -------------------------------------------------------------------------------------------------


def packet_capture() -> bytes:
    out = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)
    moment = int(datetime(2026, 3, 14, 18, 22, 7, tzinfo=timezone.utc).timestamp()) * 1_000_000
    client, server, resolver = (203, 0, 113, 47), (192, 0, 2, 10), (192, 0, 2, 53)
    frames = [udp(client, resolver, 53531, 53, dns_query("web.nistru-chat.example"))]
    sequence, answer = 1000, 9000
    frames.append(tcp(client, server, 51514, 443, sequence, 0, 0x02, b""))
    frames.append(tcp(server, client, 443, 51514, answer, sequence + 1, 0x12, b""))
    sequence, answer = sequence + 1, answer + 1
    frames.append(tcp(client, server, 51514, 443, sequence, answer, 0x10, b""))
    numbers = Numbers(7)
    for _ in range(120):
        payload = bytes(numbers.below(256) for _ in range(40 + numbers.below(900)))
        record = b"\x17\x03\x03" + struct.pack(">H", len(payload)) + payload
        if numbers.below(2):
            frames.append(tcp(client, server, 51514, 443, sequence, answer, 0x18, record))
            sequence += len(record)
        else:
            frames.append(tcp(server, client, 443, 51514, answer, sequence, 0x18, record))
            answer += len(record)
    frames.append(tcp(client, server, 51514, 443, sequence, answer, 0x11, b""))
    for frame in frames:
        moment += 1_000 + numbers.below(90_000)
        out += struct.pack("<IIII", moment // 1_000_000, moment % 1_000_000, len(frame), len(frame)) + frame
    return out


def dns_query(name: str) -> bytes:
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack(">HHHHHH", 0x4E43, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack(">HH", 1, 1)


def udp(source: tuple, target: tuple, source_port: int, target_port: int, payload: bytes) -> bytes:
    header = struct.pack(">HHHH", source_port, target_port, 8 + len(payload), 0)
    check = checksum(pseudo(source, target, 17, 8 + len(payload)) + header + payload)
    return frame(source, target, 17, header[:6] + struct.pack(">H", check) + payload)


def tcp(source: tuple, target: tuple, source_port: int, target_port: int, sequence: int, answer: int, flags: int,
        payload: bytes) -> bytes:
    header = struct.pack(">HHIIBBHHH", source_port, target_port, sequence, answer, 5 << 4, flags, 64_000, 0, 0)
    check = checksum(pseudo(source, target, 6, len(header) + len(payload)) + header + payload)
    return frame(source, target, 6, header[:16] + struct.pack(">H", check) + header[18:] + payload)


def frame(source: tuple, target: tuple, protocol: int, content: bytes) -> bytes:
    header = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(content), 1, 0x4000, 60, protocol, 0, bytes(source),
                         bytes(target))
    header = header[:10] + struct.pack(">H", checksum(header)) + header[12:]
    return b"\x02\0\0\0\0\x01\x02\0\0\0\0\x02\x08\x00" + header + content


def pseudo(source: tuple, target: tuple, protocol: int, length: int) -> bytes:
    return bytes(source) + bytes(target) + struct.pack(">BBH", 0, protocol, length)


def checksum(data: bytes) -> int:
    padded = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f">{len(padded) // 2}H", padded))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


# Pictures -------------------------------------------------------------------------------------------------------


def ticket_pixel(x: float, y: float) -> tuple:
    """A ticket: a paper with a border, a stripe and a bar code; `x` and `y` from 0 to 1."""
    if not (0.03 < x < 0.97 and 0.05 < y < 0.95):
        return (196, 186, 160)
    if y < 0.25:
        return (30, 70, 140)
    if 0.6 < y < 0.85 and 0.1 < x < 0.9:
        return (20, 20, 20) if int(x * 90) * 7 % 5 < 2 else (250, 248, 240)
    return (250, 248, 240)


def street_pixel(x: float, y: float) -> tuple:
    """A street at night: sky, a row of houses with windows, a lamp."""
    lamp = math.exp(-((x - 0.7) ** 2 + (y - 0.35) ** 2) * 60)
    shade = 30 + 40 * y
    if y > 0.4 + 0.1 * (int(x * 5) % 2):
        shade = 60
        if int(x * 25) % 3 == 1 and int(y * 16) % 3 == 1:
            shade = 190
    if y > 0.85:
        shade = 90
    value = min(255, int(shade + 200 * lamp))
    return (value, value, value)


def png(width: int, height: int, pixel) -> bytes:
    rows = b"".join(
        b"\0" + b"".join(bytes(pixel((x + 0.5) / width, (y + 0.5) / height)) for x in range(width))
        for y in range(height)
    )
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    note = b"Comment\0made for a demonstration; fictional"
    chunks = [(b"IHDR", header), (b"tEXt", note), (b"IDAT", stored_zlib(rows)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body)) for kind, body in chunks
    )


def stored_zlib(data: bytes) -> bytes:
    """A zlib stream of stored blocks: no compressor, so no difference between versions of it."""
    blocks = [data[at : at + 65535] for at in range(0, len(data), 65535)] or [b""]
    out = b"\x78\x01"
    for number, block in enumerate(blocks, start=1):
        out += struct.pack("<BHH", number == len(blocks), len(block), len(block) ^ 0xFFFF) + block
    return out + struct.pack(">I", zlib.adler32(data))


ZIGZAG = [0, 1, 8, 16, 9, 2, 3, 10, 17, 24, 32, 25, 18, 11, 4, 5, 12, 19, 26, 33, 40, 48, 41, 34, 27, 20, 13, 6, 7, 14,
          21, 28, 35, 42, 49, 56, 57, 50, 43, 36, 29, 22, 15, 23, 30, 37, 44, 51, 58, 59, 52, 45, 38, 31, 39, 46, 53, 60,
          61, 54, 47, 55, 62, 63]
DC_LENGTHS = [0, 0, 0, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]
DC_VALUES = list(range(12))
# Every pair of run and size has a code of eight bits: simple rather than small.
AC_VALUES = [0x00, 0xF0] + [run << 4 | size for size in range(1, 11) for run in range(16)]
AC_LENGTHS = [0, 0, 0, 0, 0, 0, 0, len(AC_VALUES), 0, 0, 0, 0, 0, 0, 0, 0]
QUANTUM = 12


def jpeg(width: int, height: int, pixel) -> bytes:
    """A baseline JPEG in shades of grey; sides must be multiples of eight."""
    dc = {value: (code, 4) for code, value in enumerate(DC_VALUES)}
    ac = {value: (code, 8) for code, value in enumerate(AC_VALUES)}
    wave = [[math.cos((2 * x + 1) * u * math.pi / 16) * (0.5 if u else math.sqrt(0.125)) for x in range(8)]
            for u in range(8)]
    bits, previous = [], 0

    def put(code: int, length: int) -> None:
        bits.extend(code >> at & 1 for at in range(length - 1, -1, -1))

    def put_value(value: int, size: int) -> None:
        put(value if value > 0 else value + (1 << size) - 1, size)

    for top in range(0, height, 8):
        for left in range(0, width, 8):
            block = [[pixel((left + x + 0.5) / width, (top + y + 0.5) / height)[0] - 128 for x in range(8)]
                     for y in range(8)]
            rows = [[sum(line[x] * wave[u][x] for x in range(8)) for u in range(8)] for line in block]
            plane = [[sum(rows[y][u] * wave[v][y] for y in range(8)) for u in range(8)] for v in range(8)]
            values = [round(plane[at // 8][at % 8] / QUANTUM) for at in ZIGZAG]
            step, previous = values[0] - previous, values[0]
            put(*dc[abs(step).bit_length()])
            if step:
                put_value(step, abs(step).bit_length())
            run = 0
            for value in values[1:]:
                if value == 0:
                    run += 1
                    continue
                while run > 15:
                    put(*ac[0xF0])
                    run -= 16
                size = abs(value).bit_length()
                put(*ac[run << 4 | size])
                put_value(value, size)
                run = 0
            if run:
                put(*ac[0x00])
    bits.extend([1] * (-len(bits) % 8))
    scan = bytes(int("".join(map(str, bits[at : at + 8])), 2) for at in range(0, len(bits), 8))
    segments = [
        (0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
        (0xFE, b"made for a demonstration; fictional"),
        (0xDB, b"\0" + bytes([QUANTUM]) * 64),
        (0xC0, struct.pack(">BHHBBBB", 8, height, width, 1, 1, 0x11, 0)),
        (0xC4, b"\x00" + bytes(DC_LENGTHS) + bytes(DC_VALUES)),
        (0xC4, b"\x10" + bytes(AC_LENGTHS) + bytes(AC_VALUES)),
        (0xDA, b"\x01\x01\x00\x00\x3f\x00"),
    ]
    out = b"\xff\xd8" + b"".join(
        struct.pack(">BBH", 0xFF, marker, len(body) + 2) + body for marker, body in segments
    )
    return out + scan.replace(b"\xff", b"\xff\0") + b"\xff\xd9"


if __name__ == "__main__":
    main()

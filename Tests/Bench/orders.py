"""Writes a ledger with many orders, each a copy of the first order of another ledger with a key of its own.

usage: orders.py LEDGER NUMBER NEW     LEDGER: its first order is finished, with a new P-256 key

The certificates are not signed again: no command that is measured checks the signature of a certificate that is not on the token.
"""
import base64
import hashlib
import json
import re
import sqlite3
import struct
import sys

POINT = bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d030107034200")
SERIAL = bytes.fromhex("a003020102")


def pem(kind, der):
    text = base64.b64encode(der).decode()
    lines = "\n".join(text[start:start + 64] for start in range(0, len(text), 64))
    return f"-----BEGIN {kind}-----\n{lines}\n-----END {kind}-----\n"


def der(text):
    return base64.b64decode("".join(text.splitlines()[1:-1]))


def uri(key_id):
    return "".join("%" + key_id[start:start + 2].upper() for start in range(0, len(key_id), 2))


class Template:
    """The first order of a ledger: its row, its events, and the parts of them that differ between orders."""

    def __init__(self, ledger):
        self.row = ledger.execute("SELECT * FROM orders ORDER BY number LIMIT 1").fetchone()
        self.events = ledger.execute(
            "SELECT time, kind, content FROM events WHERE orderNumber = ? ORDER BY sequence", self.row[:1]).fetchall()
        self.first, = ledger.execute("SELECT min(sequence) FROM events WHERE orderNumber = ?", self.row[:1]).fetchone()
        contents = {kind: json.loads(content) for _, kind, content in self.events}
        self.request = contents["signed"]["request"]
        # The other events refer to this text.
        answer = contents["answered"]["body"]["text"]
        self.certificate = re.search("-----BEGIN CERTIFICATE-----\n.*?-----END CERTIFICATE-----\n", answer, re.S).group()
        self.certificate_der, self.request_der = der(self.certificate), der(self.request)
        start = self.certificate_der.index(POINT)
        self.key = self.certificate_der[start:start + 91]
        serial = self.certificate_der.index(SERIAL) + len(SERIAL)
        length = self.certificate_der[serial + 1]
        self.serial = self.certificate_der[serial:serial + 2 + length]
        assert self.row[4] == hashlib.sha256(self.key).hexdigest()

    def copy(self, number, first):
        """The row of an order, and its events, the first of which has a sequence number. All texts keep their lengths."""
        key = self.key[:-32] + hashlib.sha256(b"key %d" % number).digest()
        serial = self.serial[:2] + (number + (1 << 8 * (len(self.serial) - 2) - 2)).to_bytes(len(self.serial) - 2, "big")
        certificate = self.certificate_der.replace(self.serial, serial, 1).replace(self.key, key)
        new_pem = pem("CERTIFICATE", certificate)
        key_id = hashlib.sha256(b"id %d" % number).hexdigest()[:len(self.row[3])]
        changes = [
            (json.dumps(self.certificate)[1:-1], json.dumps(new_pem)[1:-1]),
            (json.dumps(self.request)[1:-1], json.dumps(
                pem("CERTIFICATE REQUEST", self.request_der.replace(self.key, key)))[1:-1]),
            (self.row[4], hashlib.sha256(key).hexdigest()),
            (hashlib.sha256(self.certificate_der).hexdigest(), hashlib.sha256(certificate).hexdigest()),
            (uri(self.row[3]), uri(key_id)), (self.row[3], key_id),
        ]
        events = []
        for time, kind, content in self.events:
            for old, new in changes:
                content = content.replace(old, new)
            content = re.sub(
                r'(?<=:\{"count":)(\d+,"event":)(\d+)',
                lambda match: match[1] + str(int(match[2]) - self.first + first), content)
            events.append((time, kind, content))
        row = (number, *self.row[1:3], key_id, hashlib.sha256(key).hexdigest(), *self.row[5:])
        return row, events


def digest(previous, sequence, number, time, kind, content):
    kind, content = kind.encode(), content.encode()
    message = previous.encode() + struct.pack(">qqqq", sequence, number, time, len(kind)) + kind
    return hashlib.sha256(message + struct.pack(">q", len(content)) + content).hexdigest()


def main():
    source, count, target = sqlite3.connect(sys.argv[1]), int(sys.argv[2]), sqlite3.connect(sys.argv[3])
    template = Template(source)
    schema = source.execute("SELECT type, sql FROM sqlite_schema WHERE sql IS NOT NULL AND name NOT LIKE 'sqlite%'").fetchall()
    target.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF")
    for name in ("application_id", "user_version"):
        target.execute(f"PRAGMA {name} = {source.execute(f'PRAGMA {name}').fetchone()[0]}")
    for kind, sql in schema:
        if kind != "trigger":
            target.execute(sql)
    previous, sequence = "0" * 64, 0
    for number in range(1, count + 1):
        row, events = template.copy(number, sequence + 1)
        target.execute(f"INSERT INTO orders VALUES ({', '.join('?' * len(row))})", row)
        for time, kind, content in events:
            sequence += 1
            previous = digest(previous, sequence, number, time, kind, content)
            target.execute("INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", (sequence, number, time, kind, content, previous))
    for kind, sql in schema:
        if kind == "trigger":
            target.execute(sql)
    target.commit()


main()

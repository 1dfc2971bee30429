"""Edits in a results file, with the checksum of the edited row made anew or left as it was."""
import hashlib
import sqlite3
import struct


def varint(value):
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def zigzag(value):
    return (value << 1) ^ (value >> 63) & (1 << 64) - 1 if value < 0 else value << 1


def encoded(value):
    """A value as inferometer/record/sql_column.cpp hashes it: its type, then its bytes."""
    if value is None:
        return b"0"
    if isinstance(value, int):
        return b"1" + varint(zigzag(value) & (1 << 64) - 1)
    if isinstance(value, float):
        return b"2" + varint(struct.unpack("<Q", struct.pack("<d", value))[0])
    raw = value.encode() if isinstance(value, str) else bytes(value)
    return (b"3" if isinstance(value, str) else b"4") + varint(len(raw)) + raw


def checksum(values):
    return hashlib.sha256(b"".join(map(encoded, values))).hexdigest()


def stamps(events):
    """Token events [(ns after the start, tokens)] as the column holds them."""
    out, last = b"", 0
    for offset, tokens in events:
        out += varint(zigzag(offset - last) & (1 << 64) - 1) + varint(tokens & (1 << 64) - 1)
        last = offset
    return out


def edit(file, table, row, changes, sealed):
    """Sets columns of a row (by id) to other values; `sealed`: with the checksum that belongs to them."""
    with sqlite3.connect(file) as database:
        names = [c[1] for c in database.execute(f"PRAGMA table_info({table})")]
        columns = [n for n in names if n not in ("id", "session", "finished_utc", "checksum", "level_checksum")]
        read = lambda: list(database.execute(f"SELECT {', '.join(columns)}, checksum FROM {table} WHERE id = ?", [row]).fetchone())
        *values, stored = read()
        # Columns of later schemas count only when one of them holds something: as many as the stored checksum was made of.
        count = next((n for n in range(len(values), 0, -1) if checksum(values[:n]) == stored), None)
        assert count is not None, "the checksum is made in another way than it is here"
        for column, value in changes.items():
            database.execute(f"UPDATE {table} SET {column} = ? WHERE id = ?", [value, row])
        if sealed:
            database.execute(f"UPDATE {table} SET checksum = ? WHERE id = ?", [checksum(read()[:count]), row])
    database.close()

"""Reading the bytes of copies again: what was right once may have rotted or been exchanged since."""

from __future__ import annotations

import base64
import zlib

import google_crc32c

from blocks.errors import NotFound, OutsideError
from blocks.storage import PipelineStorage
from blocks.storage_bulk import Entry
from tasks.backup.findings import Findings

CHUNK = 8 << 20
"""Bytes in memory for each object that is read."""


def slot_of(key: str, cycle: int) -> int:
    """In which of `cycle` verifications a copy's bytes are read: by its name, so that each has its turn."""
    return zlib.crc32(key.encode()) % cycle


def checksum_of(storage: PipelineStorage, bucket: str, entry: Entry) -> str:
    """CRC32C of the bytes, computed here from what is read, in base64. Raises `NotFound`, `OutsideError`."""
    value = 0
    for start in range(0, entry.size, CHUNK):
        end = min(start + CHUNK, entry.size)
        value = google_crc32c.extend(
            value, storage.read(bucket, entry.name, generation=entry.generation, start=start, end=end)
        )
    return base64.b64encode(value.to_bytes(4, "big")).decode()


def read_again(storage: PipelineStorage, bucket: str, entry: Entry, findings: Findings) -> int:
    """Compare a copy's bytes with its checksum; the bytes that were read."""
    uri = f"gs://{bucket}/{entry.name}"
    try:
        found = checksum_of(storage, bucket, entry)
    except NotFound:
        findings.add(
            "missing", uri, "It went away while it was verified; a backup's copies are only removed by expiry."
        )
        return 0
    except OutsideError as error:
        findings.add("unreadable", uri, str(error))
        return 0
    if found != entry.crc32c:
        findings.add(
            "content", uri, f"Its bytes have CRC32C {found}, not {entry.crc32c}: delete it, then back up again."
        )
    return entry.size

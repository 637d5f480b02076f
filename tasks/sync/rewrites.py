"""How far a large copy has come, kept in the ops bucket, so that the next process goes on where the last one ended.

    remediation/rewrites/<hash of source and target>.json

Cloud Storage copies a large object by several calls, each with the token of the one before (Google: "Objects: rewrite").
A token that is not accepted any more is dropped, and the copy begins anew. Keeping one is no condition of copying.
"""

from __future__ import annotations

import hashlib
from contextlib import suppress
from threading import Lock

import orjson

from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from blocks.storage_bulk import BulkStorage, Copy

ROOT = "remediation/rewrites/"


class Rewrites:
    """The tokens of unfinished copies. One listing for all of them; safe from many threads."""

    def __init__(self, environment: PipelineEnvironment) -> None:
        self._storage, self._bucket = environment.storage, environment.ops_bucket
        self._lock = Lock()
        self._known: dict[str, int] | None = None
        """Generation of each token's object."""

    def token(self, copy: Copy) -> str:
        """Where to go on with this copy; empty: at its beginning."""
        name = name_of(copy)
        try:
            generation = self._listed().get(name)
            if generation is None:
                return ""
            return str(orjson.loads(self._storage.read(self._bucket, name, generation=generation))["token"])
        except (OutsideError, orjson.JSONDecodeError, KeyError, TypeError):
            return ""

    def keep(self, copy: Copy, token: str) -> None:
        """Remember where to go on."""
        name = name_of(copy)
        body = orjson.dumps({"token": token, "source": f"gs://{copy.source_bucket}/{copy.source}", "to": copy.name})
        with suppress(OutsideError):  # then an interrupted copy begins anew, as it would without this
            known = self._listed()
            known[name] = self._storage.replace(self._bucket, name, body, generation=known.get(name, 0)).generation

    def drop(self, copy: Copy) -> None:
        """The copy has ended, well or not."""
        name = name_of(copy)
        with suppress(OutsideError):  # expiry removes it
            if (generation := self._listed().pop(name, None)) is not None:
                self._storage.delete(self._bucket, name, generation=generation)

    def _listed(self) -> dict[str, int]:
        with self._lock:
            if self._known is None:
                pages = BulkStorage(self._storage).pages(self._bucket, ROOT)
                self._known = {entry.name: entry.generation for page in pages for entry in page}
            return self._known


def name_of(copy: Copy) -> str:
    """The object with the token of this copy: of exactly this source, over exactly that target."""
    return f"{ROOT}{hashlib.sha256(orjson.dumps(tuple(copy))).hexdigest()}.json"

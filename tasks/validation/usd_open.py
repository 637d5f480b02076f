"""Really opens a scene's USD files with OpenUSD (usd-core), on a copy in a temporary folder and in another process."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path, PurePosixPath
from tempfile import TemporaryDirectory

from tasks.validation.places import Places
from tasks.validation.source import Vanished
from tasks.validation.usd_check import ADAPTER_ROOT, UsdFacts
from tasks.validation.usd_text import USD_ENDINGS
from tasks.validation.values import mapping, sequence, text
from tasks.validation.view import SceneView

MAX_FILES = 5_000
MAX_BYTES = 512 * 1024 * 1024
"""USD files of one scene that are copied and opened; a scene with more is checked as text only."""
TIMEOUT_SECONDS = 120
NOT_STARTED = "usd-core is installed but does not work, so USD files were only checked as text."
DAMAGE_CODES = ("usd-bad-header", "usd-truncated", "usdz-damaged", "document-not-utf8")

_INTRODUCED_BY = re.compile(r"introduced by @([^@]+)@")


def open_usd(view: SceneView, places: Places, facts: UsdFacts) -> None:
    """Open every USD file that is not known to be damaged or to lead out of the scene."""
    damaged = {finding.object for finding in view.findings.kept if finding.code in DAMAGE_CODES}
    paths = [path for path in _openable(view) if path not in facts.unsafe | damaged]
    if not paths:
        return
    if find_spec("pxr") is None:
        message = "usd-core is not installed, so USD files were only checked as text."
        view.add("usd-not-opened", places.scene_usd, message)
        return
    if len(paths) > MAX_FILES or sum(view.files[path].size for path in paths) > MAX_BYTES:
        view.add("usd-not-opened", places.scene_usd, "The scene has too many USD files to open them all.")
        return
    with TemporaryDirectory(prefix="scene-usd-") as folder:
        _copy(view, paths, Path(folder))
        stages = [] if facts.unsafe else [path for path in paths if path == places.scene_usd]
        answer = _probe(Path(folder), paths, stages)
    if isinstance(answer, str):
        code = "usd-not-opened" if answer == NOT_STARTED else "usd-does-not-open"
        view.add(code, places.scene_usd, answer)
    else:
        _report(view, answer, facts)


def _openable(view: SceneView) -> Iterable[str]:
    """USD files whose paths are safe to use on a disk."""
    for path in view.files:
        parts = PurePosixPath(path).parts
        tidy = str(PurePosixPath(path)) == path and ".." not in parts and not path.startswith("/")
        if path.lower().endswith(USD_ENDINGS) and tidy and view.has(path):
            yield path


def _copy(view: SceneView, paths: list[str], folder: Path) -> None:
    for path in paths:
        target = folder / path
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(view.source.read(path))
        except Vanished as problem:
            view.add("object-unreadable", path, f"{problem}.")
        except (OSError, ValueError):
            message = f"{path} cannot be opened with the rest: its name does not fit on a disk."
            view.add("usd-not-opened", path, message)


def _probe(folder: Path, layers: list[str], stages: list[str]) -> dict[str, object] | str:
    """OpenUSD's answers, or why there are none."""
    try:
        done = subprocess.run(
            [sys.executable, "-m", "tasks.validation.usd_probe", str(folder)],
            input=json.dumps({"layers": layers, "stages": stages}),
            capture_output=True,
            text=True,
            timeout=TIMEOUT_SECONDS,
            check=False,
            cwd=Path(__file__).parents[2],
        )
        return mapping(json.loads(done.stdout.splitlines()[-1]))
    except subprocess.TimeoutExpired:
        return f"OpenUSD did not finish on the scene's USD files within {TIMEOUT_SECONDS} s."
    except (ValueError, IndexError):
        return NOT_STARTED if done.returncode > 0 else "OpenUSD crashed on the scene's USD files."


def _report(view: SceneView, answer: dict[str, object], facts: UsdFacts) -> None:
    for path, problem in mapping(answer.get("layers")).items():
        if problem is not None:
            view.add("usd-does-not-open", path, f"{path}: OpenUSD cannot open it: {problem}.")
    for pair in sequence(answer.get("outside")):
        path, reference = (str(part) for part in sequence(pair))
        view.add("path-leaves-scene", path, f"{path}: the reference {reference} leads out of the scene.")
    for path, problems in mapping(answer.get("stages")).items():
        for problem in sequence(problems):
            sentence = text(problem) or ""
            if not _told(sentence, facts):
                view.add("usd-does-not-compose", path, f"{path}: OpenUSD cannot put it together: {sentence}.")


def _told(problem: str, facts: UsdFacts) -> bool:
    """Whether the layer's text has told this already: where a reference leads, and the prim the adapter asks for."""
    found = _INTRODUCED_BY.search(problem)
    if found is None or found.group(1) not in facts.texts:
        return False
    return "Could not open asset" in problem or f"<{ADAPTER_ROOT}>" in problem

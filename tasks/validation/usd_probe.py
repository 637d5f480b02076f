"""Opens USD files with OpenUSD, in a process of its own: a damaged or hostile file may take the process down with it.

Run as `python -m tasks.validation.usd_probe FOLDER`, with JSON on standard input; answers with JSON on standard
output. Nothing in here is called by the other modules.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

MAX_MEMORY_BYTES = 4 * 1024**3
MAX_ANSWERS = 200


def main() -> None:
    """Open what standard input lists: `{"layers": [...], "stages": [...]}`, paths relative to the folder."""
    root = Path(sys.argv[1]).resolve()
    if sys.platform != "win32":
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MAX_MEMORY_BYTES, MAX_MEMORY_BYTES))
    wanted = json.loads(sys.stdin.read())
    answer: dict[str, Any] = {"layers": {}, "outside": [], "stages": {}}
    for path in wanted["layers"]:
        answer["layers"][path] = _layer(root, path, answer["outside"])
    if not answer["outside"]:
        for path in wanted["stages"]:
            answer["stages"][path] = _stage(root, path)
    print(json.dumps(answer))  # noqa: T201


def _layer(root: Path, path: str, outside: Any) -> str | None:
    """Why the layer cannot be opened, None when it can. Notes references that leave the folder."""
    from pxr import Sdf, Tf

    try:
        layer = Sdf.Layer.FindOrOpen(str(root / path))
    except Tf.ErrorException as error:
        return _short(error, root)
    if layer is None:
        return "OpenUSD cannot open it"
    for reference in layer.GetCompositionAssetDependencies():
        target = os.path.normpath(root / Path(path).parent / reference)
        if "[" not in reference and not Path(target).is_relative_to(root):
            outside.append([path, reference])
    return None


def _stage(root: Path, path: str) -> list[str]:
    """What OpenUSD cannot put together in the stage."""
    from pxr import Tf, Usd

    try:
        stage = Usd.Stage.Open(str(root / path))
        return sorted({_short(error, root) for error in stage.GetCompositionErrors()})[:MAX_ANSWERS]
    except Tf.ErrorException as error:
        return [_short(error, root)]


def _short(error: object, root: Path) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return (lines[-1] if lines else "unknown").replace(f"{root}/", "")[-300:]


if __name__ == "__main__":
    main()

"""`remediate validate`: look at scenes in folders or buckets and say what is wrong and what to do next.

Exit code 0: every scene is healthy; 1: some scene has an error; 2: something could not be looked at, or not
all that a scene is judged by could be read. Nothing is changed.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from itertools import islice
from pathlib import Path

from blocks.catalogue import SCENE_ID, Catalogue
from blocks.catalogue_load import CatalogueError, load_catalogue
from blocks.environment import PipelineEnvironment
from blocks.errors import OutsideError
from blocks.storage import PipelineStorage
from deployments.validation_table import print_report
from tasks.pipeline.scene_view import SceneView
from tasks.validation.findings import SceneReport
from tasks.validation.scene import validate_scene
from tasks.validation.source import BucketSource, FolderSource, SceneSource
from tasks.validation.stages.attribution import Attribution

HEALTHY, ERRORS, COULD_NOT_LOOK = 0, 1, 2
WORKERS = 4
"""Scenes that are looked at together; twice as many are held in memory at most."""

Work = Callable[[], SceneReport]
Answer = SceneReport | Exception


class CannotLook(Exception):
    """A target cannot be looked at. The message is one sentence for whoever typed it."""


class NothingThere(CannotLook):
    """One of many folders is empty, as the console leaves them. That is no fault of the others."""


def validate(
    targets: list[str], as_json: bool, environment: PipelineEnvironment | None = None, overlay: Path | None = None
) -> int:
    """Validate scenes and print a table, or one JSON object a scene and line.

    Args:
        targets: Folders of a scene, folders that hold `scenes/<id>/`, `gs://BUCKET/scenes/ID` or `gs://BUCKET/scenes/`.
        as_json: Print JSON lines instead of tables.
        environment: Whose catalogue and storage are used; by default the pipeline as shipped, with
            `STORAGE_EMULATOR_HOST` if that is set, else the application default credentials.
        overlay: A file to lay over the shipped catalogue, instead of the environment's.

    Returns:
        The exit code; the worst of all targets counts, 2 being worse than 1.
    """
    try:
        catalogue = environment.catalogue if environment and not overlay else load_catalogue(overlay)
    except CatalogueError as error:
        return _complain(str(error))
    worst = HEALTHY
    for target in targets:
        for answer in _stream(_work(target, catalogue, environment)):
            worst = max(worst, _tell(answer, as_json))
    return worst


def loaded(name: str) -> PipelineEnvironment | None:
    """The environment block of that name, None for no name. Raises ValueError, in one sentence, when there is none."""
    if not name:
        return None
    try:
        return PipelineEnvironment.named(name)
    except ValueError as error:
        raise ValueError(
            f"There is no environment block {name!r}: save one (docs/blocks.md), or see `prefect block ls`."
        ) from error
    except Exception as error:  # Prefect's clients raise many kinds
        raise ValueError(
            f"The environment block {name!r} cannot be loaded: {type(error).__name__}: {error}."
        ) from error


def _complain(sentence: str) -> int:
    print(" ".join(sentence.split()), file=sys.stderr)
    return COULD_NOT_LOOK


def _tell(answer: Answer, as_json: bool) -> int:
    if isinstance(answer, NothingThere):
        _complain(str(answer))
        return HEALTHY
    if isinstance(answer, Exception):
        return _complain(str(answer))
    if as_json:
        print(json.dumps(answer.to_json(), allow_nan=False), flush=True)
    else:
        print_report(answer)
    if answer.healthy is None:
        return _complain(
            f"{answer.scene_id}: {answer.undecided[0]} was not read, so nobody knows whether it is healthy."
        )
    return HEALTHY if answer.healthy else ERRORS


def _stream(work: Iterable[Work]) -> Iterator[Answer]:
    """Answers in the order of the work, a few ahead of the one that is asked for."""
    todo = iter(work)
    with ThreadPoolExecutor(WORKERS) as pool:
        running: list[Future[Answer]] = [pool.submit(_answer, task) for task in islice(todo, WORKERS * 2)]
        while running:
            done = running.pop(0).result()
            running += [pool.submit(_answer, task) for task in islice(todo, 1)]
            yield done


def _answer(task: Work) -> Answer:
    try:
        return task()
    except (CannotLook, OutsideError, OSError) as error:
        return error
    except Exception as error:  # one scene that nobody foresaw must not hide the others
        return CannotLook(f"A check stopped on something nobody foresaw: {type(error).__name__}: {error}.")


def _work(target: str, catalogue: Catalogue, environment: PipelineEnvironment | None) -> Iterator[Work]:
    """One piece of work for each scene of a target; what cannot be looked at is one that says so."""
    try:
        for source, alone in _bucket(target, catalogue, environment) if "://" in target else _folder(target, catalogue):
            yield partial(_validated, source, catalogue, alone)
    except (CannotLook, OutsideError, OSError) as error:
        yield partial(_refuse, error)


def _refuse(error: Exception) -> SceneReport:
    raise error


def _validated(source: SceneSource, catalogue: Catalogue, alone: bool) -> SceneReport:
    if not alone and not source.files():
        raise NothingThere(f"{source.where} is an empty folder; it was passed over.")
    if not SCENE_ID.fullmatch(source.scene_id):
        rule = "use 1 to 128 letters, digits, '_' or '-'"
        raise CannotLook(f"{source.where}: {source.scene_id!r} is not a scene id; {rule}.")
    known = Attribution.of(catalogue)
    if not any(known.stage_of(path) or known.class_of(path) != "data" for path in source.files()):
        raise CannotLook(f"{source.where} holds nothing that a stage of the pipeline reads or writes; is it a scene?")
    return validate_scene(source, catalogue)


def _folder(target: str, catalogue: Catalogue) -> Iterator[tuple[SceneSource, bool]]:
    path = Path(target)
    if not path.is_dir():
        kind = "is a file" if path.is_file() else "does not exist"
        raise CannotLook(f"{target} {kind}; name the folder of a scene, or one that holds scenes/<id>/ folders.")
    below = catalogue.scene_root.partition("{")[0].strip("/")
    root = path / below if (path / below).is_dir() else path if path.resolve().name == below else None
    scenes = (
        [path]
        if root is None
        else sorted(child for child in root.iterdir() if child.is_dir() and child.name[:1] != ".")
    )
    if not scenes:
        raise CannotLook(f"{root} holds no scene; name the folder of a scene, or one that holds scenes/<id>/ folders.")
    for scene in scenes:
        if not os.access(scene, os.R_OK | os.X_OK):
            raise CannotLook(f"{scene} may not be read; ask for the permission, or run as somebody who has it.")
        yield FolderSource(scene), root is None


def _bucket(
    target: str, catalogue: Catalogue, environment: PipelineEnvironment | None
) -> Iterator[tuple[SceneSource, bool]]:
    scheme, _, rest = target.partition("://")
    bucket, _, prefix = rest.partition("/")
    above = catalogue.scene_root.partition("{")[0]
    if scheme != "gs" or not bucket or not f"{prefix.rstrip('/')}/".startswith(above):
        raise CannotLook(
            f"{target} is no scene's address; write gs://BUCKET/{above}ID, or gs://BUCKET/{above} for all."
        )
    scene_id = prefix.removeprefix(above.rstrip("/")).strip("/")
    client = environment.storage if environment else _default_storage()
    records = environment if environment and environment.data_bucket == bucket else None
    if scene_id:
        source = _scene(client, bucket, scene_id, f"{above}{scene_id}/", records)
        if SCENE_ID.fullmatch(scene_id) and not source.files():
            raise CannotLook(
                f"There is no scene {scene_id} in bucket {bucket}; see gs://{bucket}/{above} for those there are."
            )
        yield source, True
        return
    yield from _all_scenes(client, bucket, above, records)


def _scene(
    client: PipelineStorage, bucket: str, scene_id: str, prefix: str, records: PipelineEnvironment | None
) -> BucketSource:
    """A scene in a bucket; `records`: whose records tell what retention has removed of it."""
    view = SceneView(client, bucket, scene_id, prefix)
    view.environment = records
    return view


def _all_scenes(
    client: PipelineStorage, bucket: str, above: str, records: PipelineEnvironment | None
) -> Iterator[tuple[SceneSource, bool]]:
    found = False
    for prefix in client.prefixes(bucket, above):
        found = True
        yield _scene(client, bucket, prefix.removeprefix(above).rstrip("/"), prefix, records), False
    if not found:
        raise CannotLook(f"There is no scene in gs://{bucket}/{above}.")


def _default_storage() -> PipelineStorage:
    endpoint = os.environ.get("STORAGE_EMULATOR_HOST", "")
    if endpoint and "://" not in endpoint:
        endpoint = f"http://{endpoint}"
    return PipelineStorage(endpoint=endpoint)

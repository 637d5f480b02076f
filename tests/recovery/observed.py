"""Anything that might be observed of a scene, for the properties of plans."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import strategies as st

from blocks.catalogue_load import load_catalogue
from blocks.catalogue_query import class_of
from blocks.genie_sim import GenieSimHealth
from blocks.stored_object import Protection
from deployments.sandbox.pipeline.scenes import make_scene
from deployments.sandbox.storage.store import ObjectStore
from tasks.pipeline.locks import LockFact
from tasks.recovery.candidates import Candidate
from tasks.recovery.observe import SceneFacts
from tasks.recovery.rerun import stages_to_make, units
from tasks.validation.findings import Finding, SceneReport, StageState
from tasks.validation.source import SceneFile

CATALOGUE = load_catalogue()
SCENE, PREFIX, BUCKET = "kitchen_001", "scenes/kitchen_001/", "sandbox-scenes"
STATES: list[StageState] = ["complete", "missing", "corrupt", "stale", "failed", "blocked", "never_ran"]
LOCK = "locks/usd-assembly.lock"
NOW = datetime(2026, 1, 18, tzinfo=UTC)
ODD = (
    LOCK,
    "geniesim/idempotency/key.json",
    "assets/.failed",
    "geniesim/.failed",
    "geniesim/.geniesim_failed",
    "regen3d-job/.failed.summary",
    "config.json",
    "images/room.png",
    "layout/metric_metadata.json",
    "usd/by_hand.usda",
    "somewhere/else.bin",
    "episodes/geniesim_local-2/recordings/0.h5",
)


def paths_of_a_scene() -> list[str]:
    """Every path of a scene that has been through the whole line, and some that stand about."""
    store = ObjectStore()
    store.create_bucket(BUCKET)
    make_scene(store, BUCKET, SCENE, "kitchen", objects=1, upto="dream2flow")
    return sorted({found.name.removeprefix(PREFIX) for found in store.list(BUCKET)} | set(ODD))


PATHS = paths_of_a_scene()


@st.composite
def facts(draw: st.DrawFn) -> SceneFacts:
    """Anything that might be observed of a scene, likely or not."""
    states = {stage: draw(st.sampled_from(STATES)) for stage in CATALOGUE.stages}
    absent = draw(st.sets(st.sampled_from(PATHS), max_size=40))
    files = {
        p: SceneFile(p, draw(st.integers(0, 9)), NOW, n + 1, "AAAAAA==") for n, p in enumerate(PATHS) if p not in absent
    }
    promised = tuple(draw(st.sets(st.sampled_from(list(CATALOGUE.stages)), max_size=3)))
    alive = draw(st.sampled_from([True, False, None]))
    bad = draw(
        st.lists(
            st.sampled_from(sorted(p for p in PATHS if class_of(CATALOGUE, p) == "input")), max_size=3, unique=True
        )
    )
    findings = tuple(Finding("glb-damaged", "error", path, "", "It is bad.", "Mend it.", "regen3d") for path in bad)
    offered = [path for path in bad if draw(st.booleans())]
    return SceneFacts(
        scene_id=SCENE,
        report=SceneReport(SCENE, not findings, states, findings),
        files=files,
        protection=Protection(True, draw(st.booleans()), draw(st.sampled_from([0, 604800]))),
        locks=(LockFact(LOCK, files[LOCK].generation or 0, 10, "e-1", alive),) if LOCK in files else (),
        promised=promised,
        job_id=draw(st.sampled_from([None, "local-1"])),
        genie_sim=draw(st.sampled_from([None, GenieSimHealth("serving", "."), GenieSimHealth("down", "No answer.")])),
        triggers=tuple(draw(st.sets(st.sampled_from(list(CATALOGUE.triggers)), max_size=4))),
        bad_inputs=findings,
        candidates=tuple(
            Candidate(
                object=PREFIX + p, source="version", bucket=BUCKET, name=PREFIX + p, generation=7, size=1, crc32c="x"
            )
            for p in offered
        ),
        units=tuple(units(stages_to_make(states, CATALOGUE, promised), CATALOGUE)),
    )

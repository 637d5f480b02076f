"""An overlay changes what it names and nothing else, and whatever is wrong is said with file, line and key."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from blocks.catalogue_load import SHIPPED, CatalogueError, load_catalogue
from blocks.catalogue_query import class_of, closure, fan_out, workflow_argument
from blocks.catalogue_yaml import CatalogueError as SameError
from blocks.catalogue_yaml import Place, merge, read, wrap

DOCS = Path(__file__).parent.parent / "docs" / "catalogue.md"


def problems(overlay: str) -> tuple[str, ...]:
    with pytest.raises(CatalogueError) as caught:
        load_catalogue(overlay)
    return caught.value.problems


def fenced(kind: str) -> list[str]:
    return re.findall(rf"```{kind}\n(.*?)```", DOCS.read_text(encoding="utf-8"), re.DOTALL)


# Overlay; the line to look at; what the sentence says. Exactly one problem each.
WRONG = [
    ("stages:\n  usd:\n    needs: [regen3d, simredy]\n", 3, "stages.usd.needs names the stage 'simredy'"),
    ("stages:\n  usd:\n    needs:\n      - regen3d\n      - x\n", 5, "stages.usd.needs names the stage 'x'"),
    ("stages:\n  usd:\n    downstream: [nope]\n", 3, "stages.usd.downstream names the stage 'nope'"),
    ("stages:\n  usd:\n    markers: [nope]\n", 3, "stages.usd.markers names the marker 'nope'"),
    ("stages:\n  usd:\n    needs_markers: [nope]\n", 3, "stages.usd.needs_markers names the marker 'nope'"),
    ("stages:\n  usd:\n    rerun:\n      workflow: nope\n", 4, "stages.usd.rerun.workflow names the workflow 'nope'"),
    ("stages:\n  simready:\n    rerun:\n      job: nope\n", 4, "stages.simready.rerun.job names the job 'nope'"),
    ("workflows:\n  retention-cleanup:\n    stages: [nope]\n", 3, "retention-cleanup.stages names the stage 'nope'"),
    ("workflows:\n  retention-cleanup:\n    jobs: [nope]\n", 3, "retention-cleanup.jobs names the job 'nope'"),
    ("workflows:\n  retention-cleanup:\n    skip_if: [nope]\n", 3, "retention-cleanup.skip_if names the marker 'nope'"),
    ("jobs:\n  scale-job:\n    stage: nope\n", 3, "jobs.scale-job.stage names the stage 'nope'"),
    ("triggers:\n  mine:\n    workflow: nope\n", 3, "triggers.mine.workflow names the workflow 'nope'"),
    ("schedulers:\n  mine:\n    cron: '* * * * *'\n    target: nope\n", 4, "schedulers.mine.target names the workflow"),
    (
        "\nlocks:\n  - path: locks/a\n    stage: usd\n    workflow: nope\n",
        5,
        "locks.workflow names the workflow 'nope'",
    ),
    (
        "locks:\n  - path: locks/a\n    stage: nope\n    workflow: scale-pipeline\n",
        3,
        "locks.stage names the stage 'nope'",
    ),
    ("gke_jobs:\n  - name: 'a-{scene_id}-'\n    stage: nope\n", 3, "gke_jobs.stage names the stage 'nope'"),
    ("jobs:\n  training-job: null\n", 2, "workflows.training-pipeline.jobs names the job 'training-job'"),
    ("stages:\n  usd:\n    need: [regen3d]\n", 3, "stages.usd.need is not a key the catalogue knows"),
    ("colour: red\n", 1, "colour is not a key the catalogue knows"),
    ("stages:\n  usd:\n    title: null\n", 3, "stages.usd lacks the key 'title'"),
    ("stages:\n  usd:\n    fatal: perhaps\n", 3, "stages.usd.fatal is 'perhaps', but it should be a valid boolean"),
    (
        "stages:\n  usd:\n    timeout_seconds: 0\n",
        3,
        "stages.usd.timeout_seconds is 0, but it should be greater than 0",
    ),
    ("workflows:\n  scale-pipeline:\n    event_regex: '('\n", 3, "event_regex is not a regular expression"),
    ("triggers:\n  objects-trigger:\n    name_regex: '['\n", 3, "name_regex is not a regular expression"),
    ("stages:\n  scale:\n    downstream: [regen3d, objects]\n", 3, "stages go round in a circle"),
    ("stages:\n  usd:\n    needs: [regen3d, simready, dwm]\n", 3, "stages go round in a circle"),
    (
        "stages:\n  dwm:\n    needs: [dream2flow]\n",
        3,
        "'dream2flow' comes before 'dwm' in the line, but stands after it",
    ),
    ("stages:\n  regen3d:\n    clear:\n      outputs: ['**']\n", 4, "'**', which reaches objects of class input"),
    ("stages:\n  usd:\n    clear:\n      outputs: ['assets/*.json']\n", 4, "reaches objects of class trigger_object"),
    ("stages:\n  usd:\n    clear:\n      outputs: ['locks/*']\n", 4, "reaches objects of class lock"),
    ("stages:\n  usd:\n    clear:\n      outputs: ['assets/obj_*/**']\n", 4, "reaches an output of stage regen3d"),
    (
        "object_classes:\n  - object_class: failure_marker\n"
        "    patterns: ['**/.failed', '**/.*_failed', '**/*.summary']\n"
        "  - object_class: lock\n    patterns: ['locks/**']\n"
        "  - object_class: completion_marker\n    patterns: ['**/*_complete', '**/*_COMPLETE', '**/.assets_ready',\n"
        "      '**/.geniesim_submitted', layout/scene_layout_scaled.done]\n"
        "  - object_class: trigger_object\n    patterns: ['layout/scene_layout.json', 'assets/scene_assets.json']\n"
        "  - object_class: input\n"
        "    patterns: ['regen3d/**', 'da3/**', 'seg/dataset/**', 'layout/metric_metadata.json']\n",
        1,
        "'multiview/**' is of class data by object_classes, but a stage's input must be input or trigger_object",
    ),
    ("stages:\n  usd:\n    failure_markers: [usd/broken]\n", 3, "'usd/broken' is of class data by object_classes"),
    ("locks:\n  - {path: a, stage: usd, workflow: scale-pipeline}\n", 2, "'a' is of class data by object_classes"),
    (
        "stages:\n  arena:\n    failure_markers: [arena/.failed]\n",
        3,
        "stages.arena.clear.markers leaves 'arena/.failed'",
    ),
    (
        "workflows:\n  arena-export-pipeline:\n    skip_if: [usd_complete]\n",
        3,
        "leaves 'usd/.usd_complete', and then arena-export-pipeline would only skip",
    ),
    ("stages:\n  usd:\n    rerun:\n      job: scale-job\n", 3, "stages.usd.rerun must name either a workflow or a job"),
    ("stages:\n  simready:\n    rerun:\n      job: null\n", 3, "must name either a workflow or a job"),
    (
        "stages:\n  training:\n    rerun:\n      workflow: genie-sim-import-poller\n",
        4,
        "names workflow genie-sim-import-poller, whose stages do not include training",
    ),
    (
        "stages:\n  arena:\n    rerun:\n      event_name: usd/scene.usda\n",
        4,
        "stages.arena.rerun.event_name is 'usd/scene.usda', which workflow arena-export-pipeline does not accept",
    ),
    ("workflows:\n  retention-cleanup:\n    argument:\n      b: '{buckett}'\n", 4, "argument.b asks for '{buckett}'"),
    ("stages:\n  simready:\n    rerun:\n      env:\n        A: '{job_id}'\n", 5, "rerun.env.A asks for '{job_id}'"),
    ("gke_jobs:\n  - name: no-scene-\n    stage: usd\n", 2, "gke_jobs[0].name is 'no-scene-'"),
    ("stages:\n  usd: {}\n  usd: {}\n", 3, "the key 'usd' stands here for the second time"),
    ("stages:\n  usd: [\n", 3, "this is not YAML"),
    ("- 1\n", 1, "the top must be a mapping"),
]


@pytest.mark.parametrize(("overlay", "line", "says"), WRONG)
def test_a_wrong_overlay_is_answered_with_its_line_and_key(overlay: str, line: int, says: str) -> None:
    (problem,) = [found for found in problems(overlay) if says in found]
    assert problem.startswith(f"overlay line {line}: ")
    assert problem.endswith(".") and "\n" not in problem


def test_every_problem_of_a_kind_is_named_at_once() -> None:
    found = problems("triggers:\n  a: {workflow: x}\n  b: {workflow: y}\n")
    assert [problem.partition(":")[0] for problem in found] == ["overlay line 2", "overlay line 3"]


def test_an_error_of_an_overlay_file_names_the_file(tmp_path: Path) -> None:
    path = tmp_path / "bucket-line.yaml"
    path.write_text("stages:\n  usd:\n    need: []\n", encoding="utf-8")
    with pytest.raises(SameError, match=r"^bucket-line\.yaml line 3: stages\.usd\.need "):
        load_catalogue(path)
    with pytest.raises(CatalogueError, match=r"missing\.yaml: the overlay cannot be read"):
        load_catalogue(tmp_path / "missing.yaml")


def test_an_error_of_the_shipped_file_names_its_line() -> None:
    lines = SHIPPED.read_text(encoding="utf-8").splitlines()
    node = read("\n".join(lines), SHIPPED.name)
    at = next(number for number, line in enumerate(lines, 1) if line.startswith("  usd-assembly-pipeline:"))
    assert node.find(("workflows", "usd-assembly-pipeline")) == (Place(SHIPPED.name, at), True)
    assert str(node.find(("workflows", "usd-assembly-pipeline"))[0]) == f"catalogue.yaml line {at}"


def test_without_an_overlay_the_shipped_catalogue_is_read_once() -> None:
    assert load_catalogue() is load_catalogue(None) is load_catalogue("")
    assert load_catalogue("namespace: mine") is not load_catalogue()


def test_an_overlay_may_come_as_text_as_a_file_or_as_a_mapping(tmp_path: Path) -> None:
    path = tmp_path / "overlay.yaml"
    path.write_text("namespace: mine\n", encoding="utf-8")
    for overlay in ("namespace: mine", path, {"namespace": "mine"}):
        catalogue = load_catalogue(overlay)
        assert catalogue == load_catalogue().model_copy(update={"namespace": "mine"})
    with pytest.raises(CatalogueError, match=r"^overlay: stages\.usd\.need is not a key"):
        load_catalogue({"stages": {"usd": {"need": []}}})


def test_mappings_are_merged_lists_replaced_and_null_removes() -> None:
    overlay = """
stages: {usd: {downstream: [replicator], timeout_seconds: 99}}
triggers: {genie-sim-export-trigger: null}
"""
    catalogue, shipped = load_catalogue(overlay), load_catalogue()
    assert catalogue.stages["usd"] == shipped.stages["usd"].model_copy(
        update={"downstream": ("replicator",), "timeout_seconds": 99}
    )
    assert "genie-sim-export-trigger" not in fan_out(catalogue, "usd/scene.usda")
    assert catalogue.stages["regen3d"] == shipped.stages["regen3d"]


def test_null_for_a_key_that_is_new_stays_a_value() -> None:
    catalogue = load_catalogue("workflows: {retention-cleanup: {argument: {owner: null}}}")
    assert workflow_argument(catalogue, "retention-cleanup", bucket="B", scene_id="S")["owner"] is None


def test_a_new_stage_goes_before_the_known_stage_named_after_it() -> None:
    overlay = "stages:\n  convert: {title: Convert, needs: [regen3d], downstream: [simready]}\n  simready: {}\n"
    names = list(load_catalogue(overlay).stages)
    assert names[names.index("convert") + 1] == "simready"
    assert closure(load_catalogue(overlay), ["convert"])[:2] == ("convert", "simready")


@given(st.recursive(st.integers() | st.text(), lambda inner: st.dictionaries(st.text(), inner), max_leaves=8))
def test_laying_a_document_over_itself_changes_nothing(value: object) -> None:
    node = wrap({"top": value}, Place("x"))
    assert merge(node, node).plain() == node.plain() == {"top": value}


def test_the_overlay_of_the_documentation_does_what_it_says() -> None:
    catalogue = load_catalogue(fenced("yaml")[0])
    argument = workflow_argument(catalogue, "usd-assembly-v2", bucket="B", scene_id="S")
    assert argument == {"data": {"bucket": "B", "name": "scenes/S/assets/.stage1_complete"}}
    assert "usd-assembly-pipeline" not in catalogue.workflows
    assert "usd-assembly-trigger" in fan_out(catalogue, "assets/.stage1_complete")
    assert "usd-assembly-trigger" not in fan_out(catalogue, "assets/.regen3d_complete")
    assert class_of(catalogue, "assets/.stage1_complete") == "completion_marker"


def test_the_errors_of_the_documentation_are_the_real_ones() -> None:
    broken, told = yaml.safe_load(fenced("yaml")[1]), fenced("text")[0].splitlines()
    text = fenced("yaml")[1]
    assert problems(text) == (told[0],)
    text = text.replace("    timeout: 60\n", "    timeout_seconds: 60\n")
    assert problems(text) == (told[1],)
    assert problems(text.replace("regen3,", "regen3d,")) == (told[2],)
    assert set(broken) == {"stages"}


def test_a_pool_that_stands_in_for_an_unknown_one_is_a_problem() -> None:
    overlay = {"gpu": {"pools": {"gpu-pool": {"stands_in_for": ["gpu-pol"]}}}}
    with pytest.raises(CatalogueError, match="names the pool 'gpu-pol', which is not in the catalogue"):
        load_catalogue(overlay)

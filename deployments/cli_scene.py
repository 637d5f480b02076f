"""`remediate scene generate`: a synthetic scene for trials, into a folder or into the data bucket."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from deployments.cli_backup import ApplyOption, EnvironmentOption
from deployments.cli_flows import outcome, use_running_stack

app = typer.Typer(no_args_is_help=True, help="Scenes for trials.")


@app.callback()
def main() -> None:
    """Scenes for trials."""


@app.command()
def generate(
    target: Annotated[
        str, typer.Argument(help="A trial's id, as in test_kitchen; or a folder that does not exist yet.")
    ],
    kind: Annotated[str, typer.Option(help="kitchen, office or warehouse.")] = "kitchen",
    objects: Annotated[int, typer.Option(min=1, max=200, help="How many objects.")] = 8,
    seed: Annotated[int, typer.Option(help="Which of the possible rooms.")] = 0,
    apply: ApplyOption = False,
    plan_digest: Annotated[str, typer.Option("--plan-digest", help="Apply only the plan with this digest.")] = "",
    environment: EnvironmentOption = "default",
) -> None:
    """Write a synthetic reconstruction, from which the pipeline (or `recover --make STAGE`) makes a scene.

    With a slash in it (`./scenes/test_kitchen`) the target is a folder of this machine and is written at once. Otherwise
    it is a scene of the data bucket, whose id must be a trial's; without --apply nothing is changed.
    """
    if "/" in target and not target.startswith("gs:"):
        raise typer.Exit(into_folder(Path(target), kind, objects, seed))
    use_running_stack()
    from flows.generate_scene import generate_scene

    mode, options = "apply" if apply else "plan", {"plan_digest": plan_digest, "environment": environment}
    raise typer.Exit(
        outcome(generate_scene, scene_id=target, kind=kind, objects=objects, seed=seed, mode=mode, **options)
    )


def e2e(
    scene_id: Annotated[str, typer.Argument(help="A new trial's id, as in test_2026_11_27.")],
    make: Annotated[str, typer.Option(help="The last stage to make.")] = "genie-sim-import",
    kind: Annotated[str, typer.Option(help="kitchen, office or warehouse.")] = "kitchen",
    objects: Annotated[int, typer.Option(min=1, max=200, help="How many objects.")] = 3,
    apply: ApplyOption = False,
    environment: EnvironmentOption = "default",
) -> None:
    """Show (or with --apply carry out) a trial of the whole line: generate a scene, make every stage, prove them."""
    use_running_stack()
    from flows.end_to_end import end_to_end

    options = {"make": make, "kind": kind, "objects": objects, "environment": environment}
    raise typer.Exit(outcome(end_to_end, scene_id=scene_id, mode="apply" if apply else "plan", **options))


def into_folder(folder: Path, kind: str, objects: int, seed: int) -> int:
    """Write it into a new folder, whose name is the scene's id. Exit code 0, or 3 when it is refused."""
    from blocks.trial_mesh import timestamp
    from blocks.trial_scene import Reconstruction
    from tasks.remediation.outcome import EXIT

    try:
        files = Reconstruction(folder.name, kind, objects, seed).files(timestamp(datetime.now(UTC)))  # type: ignore[arg-type]
        folder.mkdir(parents=True)
        for path, data in files.items():
            (folder / path).parent.mkdir(parents=True, exist_ok=True)
            (folder / path).write_bytes(data)
    except FileExistsError:
        print(f"{folder} is there already: name a new folder.", file=sys.stderr)
        return EXIT["refused"]
    except (OSError, ValueError) as error:
        print(f"{folder} was not written: {error}", file=sys.stderr)
        return EXIT["refused"]
    print(f"{len(files)} files of a {kind} with {objects} objects are in {folder}.")
    return EXIT["done"]

"""Where the catalogue puts the documents whose insides the validator knows, found by what they are, not by folder."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from functools import cached_property

from blocks.catalogue import Catalogue
from tasks.validation.stages.attribution import located

_JOB_ID = re.compile(r"[A-Za-z0-9_.-]{1,128}")


@dataclass(frozen=True)
class Places:
    """Paths within a scene. Empty when this installation's catalogue does not know such a thing."""

    catalogue: Catalogue

    @cached_property
    def manifest(self) -> str:
        """The scene manifest."""
        return located(self.catalogue, "manifest")

    @cached_property
    def layout(self) -> str:
        """The metric layout."""
        return located(self.catalogue, "layout")

    @cached_property
    def inventory(self) -> str:
        """The semantic inventory."""
        return located(self.catalogue, "inventory")

    @cached_property
    def scene_usd(self) -> str:
        """The assembled stage."""
        return self._named(r"scene\.usd[ac]?")

    @cached_property
    def simready(self) -> str:
        """The template of an object's physics wrapper."""
        return self._named(r"simready\.usd[ac]?")

    @cached_property
    def export(self) -> str:
        """The folder of the Genie Sim export."""
        return posixpath.dirname(self._named(r"export_manifest\.json"))

    @cached_property
    def job(self) -> str:
        """The record of the Genie Sim job."""
        return self._named(r"job\.json")

    @cached_property
    def import_manifest(self) -> str:
        """The template of the import manifest, with `{job_id}`."""
        return self._named(r"import_manifest\.json")

    @cached_property
    def variation(self) -> str:
        """The list of variation assets."""
        return self._named(r"variation_assets\.json")

    @cached_property
    def scene_info(self) -> str:
        """The head of the 3D reconstruction."""
        return next(
            (
                output.path
                for stage in self.catalogue.stages.values()
                for output in stage.inputs
                if posixpath.basename(output.path) == "scene_info.json"
            ),
            "",
        )

    def _named(self, pattern: str) -> str:
        for stage in self.catalogue.stages.values():
            for output in stage.outputs:
                if re.fullmatch(pattern, posixpath.basename(output.path)):
                    return output.path
        return ""


def usable_job_id(value: object) -> str | None:
    """A job id that may stand in a path, else None."""
    if isinstance(value, str) and _JOB_ID.fullmatch(value) and value.strip("."):
        return value
    return None

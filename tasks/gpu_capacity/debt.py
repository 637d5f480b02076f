"""What a relief that was given back still owes: the scenes that failed for want of GPUs.

remediation/gpu/<run of the relief>/000001.json
"""

from __future__ import annotations

from tasks.gpu_capacity.failed import says_no_gpu
from tasks.remediation.context import Context
from tasks.remediation.debt import Debt, debt_of
from tasks.remediation.run import Run

ROOT = "remediation/gpu/"


def read_debt(context: Context, run: str) -> Debt:
    """The list of a relief; it is empty while nobody has written one. Raises `LedgerDamaged`.

    A scene that again got no GPU stays owed: its own guard says when that is too often.
    """

    def no_gpu_again(one: Run) -> bool:
        return one.outcome == "failed" and says_no_gpu(context.environment.catalogue, one.sentence())

    return debt_of(context, ROOT, run, no_gpu_again)

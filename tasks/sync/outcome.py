"""How a backup, a verification or a restore can end."""

from __future__ import annotations

from typing import Literal

Outcome = Literal["clean", "nothing to do", "partial", "refused", "failed"]
"""`clean`: all of it is done and proved. `nothing to do`: it was so already. `partial`: some of it is done, what is not
is named. `refused`: nothing was begun, for the reasons given. `failed`: it ended with an error."""

GOOD: tuple[Outcome, ...] = ("clean", "nothing to do")

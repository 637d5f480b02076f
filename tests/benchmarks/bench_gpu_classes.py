"""How well shortages of GPUs are told apart: each class injected into 20 varied worlds, and 100 worlds without any."""

from __future__ import annotations

from tasks.gpu_capacity.classes import SHORTAGES
from tasks.gpu_capacity.classify import classify, exhausted
from tests.gpu_capacity.injected import INJECTED
from tests.gpu_capacity.made_up import healthy, noise

WORLDS, HEALTHY = 20, 100


def main() -> None:
    """Print one line a class."""
    print(f"{'class':<18} told first  told in noise")
    for kind in SHORTAGES:
        first = noisy = 0
        for seed in range(WORLDS):
            made = healthy(seed)
            INJECTED[kind](made)
            first += classify(made.facts())[0].kind == kind
            made = healthy(WORLDS + seed)
            INJECTED[kind](made)
            noise(made)
            noisy += kind in {one.kind for one in classify(made.facts())}
        said = f"{noisy:>3} of {WORLDS}" if kind != "scaled_to_zero" else "  -"  # noise has nodes and pods
        print(f"{kind:<18} {first:>4} of {WORLDS}  {said}")
    false = idle = 0
    for seed in range(HEALTHY):
        made = healthy(1000 + seed)
        noise(made)
        found = classify(made.facts())
        false += bool(exhausted(found))
        idle += any(one.kind == "scaled_to_zero" for one in found)
    print(f"called short without being so: {false} of {HEALTHY} worlds, {idle} of them idle")


if __name__ == "__main__":
    main()

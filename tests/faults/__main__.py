"""A campaign as long as you like: `python -m tests.faults --seconds 1800 --seed 7`, or `make chaos SECONDS=1800`."""

from __future__ import annotations

import argparse
import random
import tempfile
from pathlib import Path

from tests.faults import campaign, ground, kinds


def main() -> int:
    """Status 0 if nothing was lost and nothing doubled."""
    parser = argparse.ArgumentParser(prog="chaos", description=__doc__)
    parser.add_argument("--seconds", type=float, default=120)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="draws the faults and the load")
    parser.add_argument("--rate", type=float, default=110, help="submissions a second")
    parser.add_argument("--only", default="", help="kinds with this in their name")
    parser.add_argument("--folder", type=Path, help="where data and logs are kept; a temporary one otherwise")
    asked = parser.parse_args()
    known = [kind for kind in kinds.everything() if asked.only in kind.name]
    plan = campaign.Plan(
        seconds=asked.seconds,
        rounds=1000,
        seed=asked.seed,
        rate=asked.rate,
        span=1,
        scheduled=100,
        victims=20,
        kinds=known,
    )
    print(f"seed {plan.seed}", flush=True)
    with tempfile.TemporaryDirectory(prefix="chaos-") as temporary:
        folder = asked.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        with ground.standing(folder) as standing:
            report = campaign.run(standing, plan)
    print("\n".join(report.lines()))
    return 1 if report.tally.faults else 0


if __name__ == "__main__":
    raise SystemExit(main())

"""Every kind of fault once, under load: nothing is lost, nothing takes effect twice, nobody has to come and look."""

from pathlib import Path

import pytest

from tests.faults import campaign, ground, kinds
from tests.faults.account import Promise, Promises, Tally

SEED = 20
WELL_WITHIN_S = 60.0


@pytest.mark.servers
@pytest.mark.long
@pytest.mark.timeout(1200)
def test_every_kind_of_fault_under_load(tmp_path: Path) -> None:
    # Death at each point of the path has stories of its own.
    plan = campaign.Plan(seconds=900, rounds=1, seed=SEED, rate=5, span=0.3, scheduled=10, victims=3, kinds=kinds.KINDS)
    with ground.standing(tmp_path) as standing:
        report = campaign.run(standing, plan)
    print("\n".join(report.lines()))
    assert report.tally.faults == []
    assert {struck.kind for struck in report.struck} == {kind.name for kind in plan.kinds}
    assert report.percentile(100) < WELL_WITHIN_S


def test_the_account_tells_what_is_lost_and_what_is_doubled() -> None:
    tally = Tally()
    tally.count("things", {"kept": 1, "lost": 2, "doubled": 1}, {"kept": 1, "lost": 1, "doubled": 3, "unasked": 1})
    assert (tally.accepted, tally.recorded, tally.lost, tally.duplicated) == (4, 6, 1, 3)
    assert [words.split(":")[0] for words in tally.faults] == ["lost", "duplicated"]


def test_promises_are_kept_from_many_threads() -> None:
    promises = Promises()
    promises.add(Promise("job", "link", 1, at=5.0, took_s=0.1))
    assert promises.between(4, 6) == promises.made
    assert promises.between(6, 7) == []

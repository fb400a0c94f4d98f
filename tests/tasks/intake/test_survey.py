import uuid

from tasks.intake.reading import Line
from tasks.intake.submissions import Caller
from tasks.intake.survey import CHUNK, survey

CALLER = Caller(uuid.uuid4(), "key:admin")


def test_a_batch_is_surveyed_many_links_at_a_time() -> None:
    asked: list[int] = []

    def count_known(ids: object) -> int:
        asked.append(len(ids))  # type: ignore[arg-type]  # a sequence
        return 1

    urls = [f"https://example.org/{number}" for number in range(CHUNK + 1)]
    lines = (Line(number, url) for number, url in enumerate([*urls, urls[0], "nonsense"], 1))
    found = survey(CALLER, lines, count_known)
    assert asked == [CHUNK, 1]
    assert (found.new, found.known, found.duplicates, found.rejected_count) == (CHUNK - 1, 2, 1, 1)
    assert found.rejected[0].line == CHUNK + 3

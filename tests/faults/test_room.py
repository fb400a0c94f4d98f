"""The running product without room: a broker that takes nothing for a minute, and a database that may grow no further.

Clients are told to come again, nothing that was accepted is lost, and nobody has to do anything.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.faults import campaign
from tests.faults.account import Tally, settle
from tests.faults.ground import Ground, standing
from tests.faults.load import Load
from tests.journeys.system import wait_for

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(900)]

ALARM_S = 60.0
RATE = 40.0
MIB = 2**20
# Links of a batch that fills the database: their URLs have nothing in common that could be shortened.
FILLING = 4_000


def refused(ground: Ground) -> dict[str, Any] | None:
    """What a client is told of one more link, and after how many seconds to come again; None where it is accepted."""
    answer = ground.system.call("POST", "/links", json={"url": ground.page(uuid.uuid4().hex)})
    return {**answer.json(), "again_s": int(answer.headers["Retry-After"])} if answer.status_code == 503 else None


def is_clear(told: dict[str, Any], words: str) -> bool:
    """Whether a refusal says what is lacking, and when to come again."""
    return bool(told["type"] == "/problems/no-room" and words in told["detail"] and told["again_s"] > 0)


def account(ground: Ground, load: Load, already: set[str]) -> Tally:
    """What has come of all that the load was promised, once everything is at rest."""
    tally = Tally()
    campaign.come_to_rest(ground, tally)
    told = [each for receiver in (ground.plain, ground.secure) for each in campaign.told(receiver)]
    settle(ground.books, load.promises, told, already, tally)
    return tally


def under_load(ground: Ground, story: Callable[[Load], None]) -> None:
    """Tell a story under load; at its end everything that was accepted must be there, once."""
    already = ground.books.jobs()
    with Load(ground.product.url, ground.system.key, RATE, ground.page, ground.channels) as load:
        story(load)
        load.stop(within_s=120)
    # What the story itself submitted was promised as well.
    mine = ground.books.jobs() - already - {each.job_id for each in load.promises.made}
    tally = account(ground, load, already | mine)
    print(f"{len(load.promises.made)} accepted, refused and made again: {dict(load.promises.refusals)}")
    assert tally.faults == []


def test_a_broker_in_alarm_for_a_minute_refuses_clearly_and_loses_nothing(tmp_path: Path) -> None:
    with standing(tmp_path, settings={"PRANALA_OUTBOX_OLDEST_S": "5", "PRANALA_OUTBOX_MOST": "2000"}) as ground:

        def story(load: Load) -> None:
            time.sleep(5)
            ground.backing.rabbitmq.ctl("set_disk_free_limit", "1000GB")
            until = time.monotonic() + ALARM_S
            try:
                answer = wait_for(lambda: refused(ground), ALARM_S, "a refusal")
                assert is_clear(answer, "wait")
                time.sleep(max(0.0, until - time.monotonic()))
                assert refused(ground)
            finally:
                ground.backing.rabbitmq.ctl("set_disk_free_limit", "50MB")
            lifted = time.monotonic()
            wait_for(lambda: refused(ground) is None or None, 60, "room")
            print(f"accepted again {time.monotonic() - lifted:.1f} s after the alarm was lifted")
            time.sleep(3)
            assert load.promises.refusals["503"] > 0

        under_load(ground, story)


def test_a_database_at_its_quota_refuses_clearly_and_makes_room_by_itself(tmp_path: Path) -> None:
    with standing(tmp_path) as ground:
        [(size,)] = ground.books.ask("intake", "SELECT pg_database_size(current_database())")
        ground.product.stop()
        ground.product.env |= {"PRANALA_INTAKE_QUOTA_MB": str(int(size) // MIB + 5)}
        ground.product.launch()
        ground.product.wait_ready()

        def story(load: Load) -> None:
            ground.product.stop("links", "links-2", "links-3")
            deadline = time.monotonic() + 120
            while not (answer := refused(ground)):
                urls = [ground.page(uuid.uuid4().hex * 4) for _ in range(FILLING)]
                ground.system.call("POST", "/batches", json={"urls": urls})
                assert time.monotonic() < deadline, "the database is not full"
            assert is_clear(answer, "MiB")
            time.sleep(5)
            assert refused(ground)
            ground.product.start("links", "links-2", "links-3")
            began = time.monotonic()
            wait_for(lambda: refused(ground) is None or None, 180, "room")
            print(f"accepted again {time.monotonic() - began:.1f} s after there were workers again")
            time.sleep(3)

        under_load(ground, story)

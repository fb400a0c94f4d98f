"""What may happen to a running product, and the account of the work that was under way: nothing may be missing."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable
from typing import Any

import psutil

from config.broker import JOBS
from tests.faults.account import Tally
from tests.faults.stage import Stage, Work
from tests.journeys.system import wait_for

# Tells a story and gives its account; it waits so many seconds at most for what is missing.
Story = Callable[[Stage, float], Tally]

# The relay looks into its outboxes at least every second.
LOOKED_S = 2.5


def dies_at(*points: str) -> Story:
    """Whoever reaches these points is killed there."""

    def story(stage: Stage, within_s: float) -> Tally:
        for point in points:
            stage.arm(point)
        work = Work(stage)
        work.submit()
        stage.wait_taken(*points)
        return work.settled(within_s)

    return story


def the_broker_forgets_a_queue(stage: Stage, within_s: float) -> Tally:
    """What waits for a worker is gone, as if the broker had lost its disk."""
    stage.system.product.stop("links-2")
    work = Work(stage)
    work.submit()
    wait_for(lambda: not stage.books.unsent() or None, 30, "the messages to be with the broker")
    with stage.broker() as channel:
        channel.queue_purge("links.interactive")
    stage.system.product.start("links-2")
    return work.settled(within_s)


def a_queue_is_deleted(stage: Stage, within_s: float) -> Tally:
    """Messages are published that no queue takes."""
    stage.system.product.stop("audit")
    with stage.broker() as channel:
        channel.queue_delete("audit")
    work = Work(stage)
    # An announcement that another queue takes does not come back: only what is asked of audit alone is promised here.
    work.submit(breaks=False)
    time.sleep(LOOKED_S)
    stage.system.product.start("audit")
    return work.settled(within_s)


def the_broker_freezes_and_dies(stage: Stage, within_s: float) -> Tally:
    """What was sent to it is in its socket, and it never read it."""
    work = Work(stage)
    broker = stage.system.backing.local.supervisord.state("rabbitmq").pid
    for process in (psutil.Process(broker), *psutil.Process(broker).children(recursive=True)):
        process.send_signal(signal.SIGSTOP)
    work.submit()
    time.sleep(LOOKED_S)
    stage.system.backing.rabbitmq.kill()
    stage.system.backing.rabbitmq.start()
    return work.settled(within_s)


def a_handler_fails(stage: Stage, within_s: float) -> Tally:
    """What it could not do is with the dead letters, and is done when it is sent again."""
    stage.arm("audit.record.written", "every fail")
    work = Work(stage)
    work.submit()
    # Long enough for all of them to have failed.
    time.sleep(LOOKED_S)
    stage.disarm("audit.record.written")
    with stage.broker() as channel:
        deadline = time.monotonic() + min(within_s, 15)
        while time.monotonic() < deadline and not _replay(channel, "audit"):
            time.sleep(0.2)
    return work.settled(within_s)


def the_last_parts_end_together(stage: Stage, within_s: float) -> Tally:
    """Each part of a job is struck off while the others are, too."""
    stage.arm("intake.finish.written", "every sleep:1")
    try:
        work = Work(stage)
        work.submit()
        return work.settled(within_s)
    finally:
        stage.disarm("intake.finish.written")


STORIES: dict[str, Story] = {
    story.__name__.replace("_", " "): story
    for story in (
        the_broker_forgets_a_queue,
        a_queue_is_deleted,
        the_broker_freezes_and_dies,
        a_handler_fails,
        the_last_parts_end_together,
    )
}


def _replay(channel: Any, queue: str) -> int:
    """Send the dead letters of a queue again; returns how many there were."""
    count = 0
    while letter := channel.basic_get(f"{queue}.dead", no_ack=False):
        message = channel.prepare_message(letter.body, **_plain(letter))
        channel.basic_publish(message, exchange=JOBS.name, routing_key=queue)
        channel.basic_ack(letter.delivery_tag)
        count += 1
    return count


def _plain(letter: Any) -> dict[str, Any]:
    kept = {name: value for name, value in letter.headers.items() if not name.startswith("x-")}
    return {"headers": kept, "content_type": letter.content_type, "content_encoding": letter.content_encoding}

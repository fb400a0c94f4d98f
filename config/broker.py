"""The names both ends of the broker agree on: exchanges, queues, their dead letters, and who listens to which event.

The whole topology is declared by whoever connects (relay, worker, monitor), every time: a broker that came back empty
is whole again before anything is published to it, and no event meets an exchange that only some listeners are bound to.
"""

from __future__ import annotations

from typing import Any

from kombu import Exchange, Queue

JOBS = Exchange("pranala.jobs", type="direct", durable=True)
EVENTS = Exchange("pranala.events", type="topic", durable=True)
DEAD = Exchange("pranala.dead", type="direct", durable=True)

# The first queue of a service is the one its events arrive in.
QUEUES = {
    "intake": ("intake",),
    "links": ("links.scheduled", "links.bulk", "links.interactive"),
    "notifications": ("notifications",),
    "audit": ("audit",),
}
LISTENS = {
    "intake": ("PartChecked", "NotificationQueued", "EventsRecorded"),
    "links": (),
    "notifications": (
        "LinkBroke",
        "LinkRecovered",
        "HostBroke",
        "HostRecovered",
        "LinkFlapping",
        "LinkUnverifiable",
        "ChecksFrozen",
    ),
    "audit": (
        "LinksChanged",
        "LinkBroke",
        "LinkRecovered",
        "HostBroke",
        "HostRecovered",
        "LinkFlapping",
        "LinkUnverifiable",
        "ChecksFrozen",
        "LinksEdited",
        "LinksRemoved",
        "IncidentAcknowledged",
        "IncidentGroupAcknowledged",
        "WindowChanged",
        "BadgeChanged",
        "PolicyChanged",
        "JobFinished",
        "DeliverySucceeded",
        "DeliveryFailed",
        "ChannelChanged",
        "KeyCreated",
    ),
}
# Messages that the relay sends many of as one, where many wait, and how many characters that may be: only one service
# hears them, and what one of them waits for holds up no other.
BUNDLED = {
    "PartChecked": 256 * 1024,
    "NotificationQueued": 256 * 1024,
    "EventsRecorded": 256 * 1024,
    "RecordEvents": 256 * 1024,
    "LinksChanged": 256 * 1024,
    "JobFinished": 256 * 1024,
    # Some five hundred links, as a large part has.
    "CheckLinks": 32 * 1024,
}
# How many messages a worker has for each of its threads. What takes as long as a remote server likes must not keep a
# second waiting that others could do; where a database is all that it takes, the next is to be there when it is done,
# because the broker takes longer to send one than a worker to do it.
PREFETCHED = {"intake": 2, "links": 1, "notifications": 1, "audit": 2}
# A worker gives up what was delivered more often than this and never finished: it makes its workers die. What a worker
# could not even begin the broker gives up, later, because what its own limit counts must never be a good message.
DELIVERIES_MOST = 5
# A bundle that was delivered more often than this and never finished is taken apart, so that one of it dies alone.
BUNDLES_MOST = 2
DELIVERY_LIMIT = 20


def is_rabbitmq(broker_url: str) -> bool:
    """Whether the broker has quorum queues, confirms and dead letters; the Redis fall-back has none of them."""
    return broker_url.startswith(("amqp://", "amqps://"))


def nodes(broker_url: str) -> list[str]:
    """The URLs of a cluster's nodes: `amqp://a;amqp://b`. Whoever connects takes the first that answers."""
    return [each for each in broker_url.split(";") if each]


def queue(name: str, rabbitmq: bool) -> Queue:
    """A live queue, bound to the jobs exchange by its own name."""
    arguments = {
        "x-queue-type": "quorum",
        "x-delivery-limit": DELIVERY_LIMIT,
        "x-dead-letter-exchange": DEAD.name,
        "x-dead-letter-routing-key": dead_name(name),
        # Together these two keep a message in its queue until the dead-letter queue has confirmed it.
        "x-dead-letter-strategy": "at-least-once",
        "x-overflow": "reject-publish",
    }
    return Queue(name, JOBS, routing_key=name, durable=True, queue_arguments=arguments if rabbitmq else None)


def dead_name(name: str) -> str:
    """The queue, and routing key, of the dead letters of `name`."""
    return f"{name}.dead"


def dead_letters(name: str) -> Queue:
    """Where the messages of `name` go that no worker could do; looking at one never counts against it."""
    arguments = {"x-queue-type": "quorum", "x-delivery-limit": 1_000_000}
    return Queue(dead_name(name), DEAD, routing_key=dead_name(name), durable=True, queue_arguments=arguments)


def declare(channel: Any, rabbitmq: bool) -> None:
    """Make the whole topology exist. Declaring what exists already changes nothing."""
    for exchange in (JOBS, EVENTS, DEAD):
        exchange(channel).declare()
    for service, queues in QUEUES.items():
        for name in queues:
            if rabbitmq:
                dead_letters(name)(channel).declare()
            queue(name, rabbitmq)(channel).declare()
        for event in LISTENS[service]:
            queue(queues[0], rabbitmq)(channel).bind_to(EVENTS, routing_key=event)

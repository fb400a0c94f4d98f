"""A link goes down and comes back: each person is told once of each, and the record says all of it."""

from typing import Any

from tests.journeys.system import System, fresh, wait_for
from tests.servers.behaviour import BehaviourServer
from tests.servers.mail import Mailbox
from tests.servers.receiver import Receiver


def test_people_are_told_once_when_a_link_breaks_and_once_when_it_recovers(
    system: System, behaviour: BehaviourServer, mailbox: Mailbox
) -> None:
    with Receiver() as receiver:
        channel = system.post("/channels", {"kind": "webhook", "name": "ops", "target": receiver.url})
        receiver.trust(channel["secret"])
        system.post("/channels", {"kind": "email", "name": "team", "target": "team@example.org"})
        name = fresh("shop").replace("?", "-").replace("=", "-")
        behaviour.toggle(name, 200)
        accepted = system.post("/links", {"url": f"{behaviour.bases['plain']}/toggle/{name}", "interval_s": 1})
        link = accepted["id"]
        system.finished(accepted["job_id"])

        behaviour.toggle(name, 404)
        wait_for(lambda: state(system, link) == "broken" or None, 30, "the link to break")
        behaviour.toggle(name, 200)
        wait_for(lambda: state(system, link) == "up" or None, 30, "the link to recover")
        wait_for(lambda: len(receiver.received) >= 2 or None, 20, "two webhooks")
        wait_for(lambda: len(mails_about(mailbox, name)) >= 2 or None, 20, "two mails")
        wait_for(lambda: len(deliveries(system, link)) == 4 or None, 20, "four deliveries on record")

        system.post("/links", {"url": f"{behaviour.bases['plain']}/toggle/{name}", "interval_s": 86_400})
        assert [each["type"] for each in receiver.received] == ["link.broken", "link.recovered"]
        assert len(mails_about(mailbox, name)) == 2
        the_record_is_whole(system, link, accepted)
    system.delete_channels()


def the_record_is_whole(system: System, link: str, accepted: Any) -> None:
    """Submission, state changes and deliveries of the link, in one trace."""
    [submission] = [
        each
        for each in system.all("/audit/events", resource=link)
        if each["action"] == "links.submit" and each["resource_id"] == accepted["job_id"]
    ]
    wait_for(
        lambda: len(actions(system, link, submission["trace_id"], "delivery.succeeded")) == 4 or None, 20, "the record"
    )
    trace = submission["trace_id"]
    assert len(trace) == 32
    changes = actions(system, link, trace, "link.state_changed")
    assert [(each["details"]["before"], each["details"]["after"]) for each in reversed(changes)] == [
        ("pending", "up"),
        ("up", "failing"),
        ("failing", "broken"),
        ("broken", "recovering"),
        ("recovering", "up"),
    ]
    assert len(actions(system, link, trace, "link.broke")) == 1
    assert len(actions(system, link, trace, "link.recovered")) == 1
    assert submission["ip"] == "127.0.0.1"
    assert submission["user_agent"].startswith("python-requests")


def actions(system: System, link: str, trace: str, action: str) -> list[Any]:
    return system.all("/audit/events", resource=link, trace_id=trace, action=action)


def state(system: System, link: str) -> str:
    return str(system.get(f"/links/{link}")["state"])


def deliveries(system: System, link: str) -> list[Any]:
    return [each for each in system.all("/deliveries", link_id=link) if each["state"] == "succeeded"]


def mails_about(mailbox: Mailbox, name: str) -> list[Any]:
    return [mail for mail in mailbox.messages if name in mail.as_string().replace("=\n", "")]


def test_a_notification_of_ones_own_reaches_its_channel(system: System) -> None:
    with Receiver() as receiver:
        channel = system.post("/channels", {"kind": "webhook", "name": "ops", "target": receiver.url})
        receiver.trust(channel["secret"])
        job = system.post("/notifications", {"channel_id": channel["id"], "title": "Hello", "body": "World"})
        system.finished(job["job_id"])
        wait_for(lambda: receiver.received or None, 20, "the webhook")
        assert receiver.received[0]["data"]["title"] == "Hello"
    system.delete_channels()


def test_an_audit_event_of_ones_own_is_on_record(system: System) -> None:
    job = system.post(
        "/audit/events",
        {
            "events": [
                {"action": "deploy.finished", "resource_kind": "release", "resource_id": "v1", "details": {"n": 1}}
            ]
        },
    )
    system.finished(job["job_id"])
    [event] = system.get("/audit/events", action="deploy.finished", resource="v1")["items"]
    assert event["details"] == {"n": 1}


def test_a_refused_key_is_on_record(system: System) -> None:
    System(system.product, system.backing, "pra_wrong").call("GET", "/links", headers={"User-Agent": "burglar"})
    # It belongs to no workspace, so no workspace can read it: the record itself is asked.
    import psycopg

    url = system.backing.database_urls["audit"].replace("+psycopg", "")

    def on_record() -> Any:
        with psycopg.connect(url) as connection:
            return connection.execute("SELECT outcome FROM events WHERE user_agent = 'burglar'").fetchall()

    assert wait_for(on_record, 10, "the refusal on record") == [("denied",)]

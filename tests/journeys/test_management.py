"""What somebody does with links that are there: look now, leave alone, say that it is seen, throw away."""

from typing import Any

from tests.journeys.system import System, fresh, wait_for
from tests.servers.behaviour import BehaviourServer
from tests.servers.receiver import Receiver


def submit(system: System, behaviour: BehaviourServer, name: str, **settings: Any) -> str:
    """A new link to a page that can be switched; checked once."""
    behaviour.toggle(name, 200)
    url = f"{behaviour.bases['plain']}/toggle/{name}"
    accepted = system.post("/links", {"url": url, "interval_s": 86_400, **settings})
    system.finished(accepted["job_id"])
    return str(accepted["id"])


def unique() -> str:
    return fresh("managed").replace("?", "-").replace("=", "-")


def edit(system: System, link: str, **wanted: Any) -> Any:
    etag = system.call("GET", f"/links/{link}").headers["ETag"]
    response = system.call("PATCH", f"/links/{link}", json=wanted, headers={"If-Match": etag})
    assert response.status_code == 200, response.text
    return response.json()


def remove(system: System, link: str) -> None:
    """Leave nothing behind that later stories would be told of."""
    assert system.call("DELETE", f"/links/{link}").status_code == 204


def incidents(system: System, link: str) -> list[Any]:
    return system.all("/incidents", link_id=link)


def actions(system: System, resource: str) -> list[str]:
    return [each["action"] for each in reversed(system.all("/audit/events", resource=resource))]


def test_an_incident_is_told_seen_and_resolved_with_a_whole_timeline(
    system: System, behaviour: BehaviourServer
) -> None:
    with Receiver() as receiver:
        channel = system.post("/channels", {"kind": "webhook", "name": "ops", "target": receiver.url})
        receiver.trust(channel["secret"])
        name = unique()
        link = submit(system, behaviour, name)
        behaviour.toggle(name, 404)
        job = system.post(f"/links/{link}/check", None)["job_id"]
        assert system.finished(job)["verdicts"]["broken"] == 1

        [incident] = wait_for(lambda: incidents(system, link) or None, 30, "an incident")
        assert (incident["state"], incident["reason"], incident["status_code"]) == ("open", "http_404", 404)
        assert system.get(f"/links/{link}")["incident_id"] == incident["id"]
        seen = system.call("POST", f"/incidents/{incident['id']}/acknowledge")
        assert seen.json()["acknowledged_by"] == "key:admin"

        behaviour.toggle(name, 200)
        system.post(f"/links/{link}/check", None)
        wait_for(lambda: incidents(system, link)[0]["state"] == "resolved" or None, 30, "the end of it")
        story = system.get(f"/incidents/{incident['id']}")
        kinds = [each["kind"] for each in story["timeline"]]
        assert [kind for kind in kinds if kind != "confirmation"] == [
            "first_failure",
            "opened",
            "acknowledged",
            "recovering",
            "resolved",
        ]
        assert "confirmation" in kinds
        wait_for(lambda: len(receiver.received) >= 2 or None, 20, "two webhooks")
        assert [each["type"] for each in receiver.received] == ["link.broken", "link.recovered"]
        assert system.get(f"/links/{link}")["uptime_30d"] < 1
    system.delete_channels()


def test_of_an_ignored_link_nobody_is_told_until_it_is_heeded(system: System, behaviour: BehaviourServer) -> None:
    with Receiver() as receiver:
        channel = system.post("/channels", {"kind": "webhook", "name": "ops", "target": receiver.url})
        receiver.trust(channel["secret"])
        name = unique()
        link = submit(system, behaviour, name)
        edit(system, link, ignored=True)
        behaviour.toggle(name, 404)
        system.post(f"/links/{link}/check", None)
        wait_for(lambda: incidents(system, link) or None, 30, "an incident")
        assert receiver.received == []
        edit(system, link, ignored=False)
        wait_for(lambda: receiver.received or None, 20, "the message that was kept back")
        assert [each["type"] for each in receiver.received] == ["link.broken"]
        wait_for(lambda: actions(system, link).count("link.edited") == 2 or None, 20, "both edits on record")
        remove(system, link)
    system.delete_channels()


def test_links_of_a_tag_are_paused_resumed_and_removed_with_their_history(
    system: System, behaviour: BehaviourServer
) -> None:
    tag = unique()
    links = [submit(system, behaviour, unique(), tags=[tag], interval_s=1) for _ in range(2)]

    def act(action: str, **more: Any) -> Any:
        response = system.call("POST", "/links/actions", json={"action": action, "filter": {"tag": tag}, **more})
        assert response.status_code in (200, 202), response.text
        return response.json()

    assert act("pause", dry_run=True)["count"] == 2
    assert act("pause")["count"] == 2
    assert {system.get(f"/links/{link}")["paused"] for link in links} == {True}
    # What was under way when they were paused is over; from here on nothing comes by itself.
    system.finished(act("check")["job_id"])
    quiet = [len(system.all(f"/links/{link}/checks")) for link in links]
    system.finished(act("check")["job_id"])
    assert [len(system.all(f"/links/{link}/checks")) for link in links] == [count + 1 for count in quiet]
    act("resume")
    wait_for(lambda: all(len(system.all(f"/links/{link}/checks")) > 3 for link in links) or None, 20, "checks to go on")
    assert act("delete")["count"] == 2
    for link in links:
        assert system.call("GET", f"/links/{link}").status_code == 404
        assert system.call("GET", f"/links/{link}/checks").status_code == 404
        wait_for(lambda link=link: "link.deleted" in actions(system, link) or None, 20, "the end on record")  # type: ignore[misc]  # bound as it is


def test_links_under_maintenance_are_left_alone(system: System, behaviour: BehaviourServer) -> None:
    tag, name = unique(), unique()
    link = submit(system, behaviour, name, tags=[tag])
    always = {"starts_at": "2026-01-01T00:00:00Z", "duration_s": 86_400, "rrule": "FREQ=DAILY"}
    window = system.post("/windows", {"name": "night", "tag": tag, **always})
    assert window["open"]
    behaviour.toggle(name, 404)
    job = system.post(f"/links/{link}/check", None)["job_id"]
    assert system.finished(job)["verdicts"]["skipped"] == 1
    assert system.get(f"/links/{link}")["state"] == "up"
    assert system.call("DELETE", f"/windows/{window['id']}").status_code == 204
    job = system.post(f"/links/{link}/check", None)["job_id"]
    assert system.finished(job)["verdicts"]["broken"] == 1
    remove(system, link)

from google.protobuf.struct_pb2 import Struct

from contracts.audit_pb2 import Event
from contracts.links_pb2 import Check, Job, Link
from web.proto import to_json


def test_every_field_of_the_contract_is_there_and_what_is_unset_is_null() -> None:
    found = to_json(Link(id="1", url="https://e.org/"))
    assert list(found) == [field.name.removesuffix("_json") for field in Link.DESCRIPTOR.fields]
    assert (found["verdict"], found["since"], found["latency_ms"]) == (None, None, None)
    assert (found["tags"], found["interval_s"], found["trace_id"]) == ([], 0, "")


def test_an_optional_zero_is_not_nothing() -> None:
    assert to_json(Link(latency_ms=0.0, status_code=0))["latency_ms"] == 0.0


def test_times_are_rfc_3339_utc() -> None:
    link = Link()
    link.since.FromJsonString("2026-11-21T17:00:00.25+07:00")
    assert to_json(link)["since"] == "2026-11-21T10:00:00.250Z"


def test_maps_lists_and_messages_within_are_plain() -> None:
    check = Check(bytes_read=2**53, methods=["HEAD", "GET"])
    check.hops.add(url="https://e.org/")
    found = to_json(check)
    assert found["hops"] == [{"url": "https://e.org/", "status": None, "ip": None}]
    assert found["bytes_read"] == 2**53
    assert to_json(Job(verdicts={"ok": 2}))["verdicts"] == {"ok": 2}


def test_a_struct_is_the_json_that_it_was() -> None:
    details = Struct()
    details.update({"count": 3, "share": 0.5, "words": ["a", None, True], "inner": {"x": "y"}})
    assert to_json(Event(details=details))["details"] == {
        "count": 3,
        "share": 0.5,
        "words": ["a", None, True],
        "inner": {"x": "y"},
    }
    assert to_json(Event())["details"] is None

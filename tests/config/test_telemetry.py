from config import telemetry

TRACEPARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


def test_a_span_continues_the_trace_that_came_in() -> None:
    with telemetry.span("work", {"traceparent": TRACEPARENT, "request_id": "r1"}):
        assert telemetry.trace_id() == "0af7651916cd43dd8448eb211c80319c"
        carrier = telemetry.carrier()
    assert carrier["traceparent"].startswith("00-0af7651916cd43dd8448eb211c80319c-")
    assert carrier["traceparent"] != TRACEPARENT
    assert carrier["request_id"] == "r1"


def test_without_a_sound_traceparent_a_new_trace_begins() -> None:
    for unsound in ("", "00-zz", "00-" + "0" * 32 + "-" + "0" * 16 + "-01"):
        with telemetry.span("work", {"traceparent": unsound}):
            assert len(telemetry.trace_id()) == 32


def test_outside_any_span_there_is_nothing_to_carry() -> None:
    assert telemetry.trace_id() == ""
    assert telemetry.carrier() == {}


def test_the_trace_id_is_read_from_a_traceparent() -> None:
    assert telemetry.trace_id_of(TRACEPARENT) == "0af7651916cd43dd8448eb211c80319c"
    assert telemetry.trace_id_of("") == ""

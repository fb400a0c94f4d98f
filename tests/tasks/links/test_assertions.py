"""What users may expect of a link."""

import json

import msgspec
import pytest

from tasks.links.assertions import Evidence, objection, overrule
from tasks.links.options import CheckOptions
from tasks.links.verdict import JUDGEMENTS, Judgement, Reason, Verdict

DOCUMENT = {"ok": True, "n": 1, "x": 0.5, "none": None, "list": [{"name": "a"}], "a.b": 1, "0": "zero"}


def seen(text: str = "", redirected: bool = False, **headers: str) -> Evidence:
    return Evidence(200, "https://example.com/end", redirected, headers, lambda: text, lambda: " ".join(text.split()))


@pytest.mark.parametrize(
    ("options", "evidence", "said"),
    [
        (CheckOptions(), seen(), ""),
        (CheckOptions(required_text=("one two",)), seen("one\n  two"), ""),
        (CheckOptions(required_text=("<b>",)), seen("a <b>"), ""),
        (CheckOptions(required_text=("One",)), seen("one"), "the text 'One' is missing"),
        (CheckOptions(required_text=("a", "b")), seen("a"), "the text 'b' is missing"),
        (CheckOptions(forbidden_text=("a", "b")), seen("b"), "the text 'b' is there"),
        (CheckOptions(required_headers={"X-A": "^1"}), seen(**{"x-a": "12"}), ""),
        (CheckOptions(required_headers={"X-A": ""}), seen(**{"x-a": "12"}), ""),
        (CheckOptions(required_headers={"X-A": ""}), seen(), "the header X-A is missing"),
        (CheckOptions(accepted_redirects=("/end$",)), seen(redirected=True), ""),
        (CheckOptions(accepted_redirects=("/a$", "/end$")), seen(redirected=True), ""),
        (CheckOptions(accepted_redirects=("/a$",)), seen(redirected=False), ""),
        (
            CheckOptions(accepted_redirects=("/a$",)),
            seen(redirected=True),
            "ends at https://example.com/end, which is no accepted redirect",
        ),
    ],
)
def test_an_expectation_that_is_not_kept_is_named(options: CheckOptions, evidence: Evidence, said: str) -> None:
    assert objection(options, evidence) == said


@pytest.mark.parametrize(
    ("path", "value", "said"),
    [
        ("ok", True, ""),
        ("n", 1, ""),
        ("n", 1.0, ""),
        ("x", 0.5, ""),
        ("none", None, ""),
        ("list.0.name", "a", ""),
        ("0", "zero", ""),
        ("ok", 1, "'ok' is true, not 1"),
        ("n", True, "'n' is 1, not true"),
        ("n", "1", "'n' is 1, not \"1\""),
        ("missing", None, "there is nothing at 'missing'"),
        ("list.1.name", "a", "there is nothing at 'list.1.name'"),
        ("list.-1.name", "a", "there is nothing at 'list.-1.name'"),
        ("ok.deeper", "a", "there is nothing at 'ok.deeper'"),
    ],
)
def test_a_json_value_is_looked_up_by_its_path(path: str, value: object, said: str) -> None:
    options = msgspec.convert({"json_values": {path: value}}, CheckOptions)
    assert objection(options, seen(json.dumps(DOCUMENT))) == said


@pytest.mark.parametrize("text", ["", "<html>", "[" * 100_000])
def test_what_is_not_json_keeps_no_value(text: str) -> None:
    assert objection(CheckOptions(json_values={"a": 1}), seen(text)) == "the answer is not JSON"


@pytest.mark.parametrize(
    ("verdicts", "reason", "status", "judgement"),
    [
        ({"403": "ok"}, Reason.FORBIDDEN, 403, Judgement(Verdict.OK, Reason.FORBIDDEN, None)),
        ({"4xx": "ok"}, Reason.HTTP_404, 404, Judgement(Verdict.OK, Reason.HTTP_404, None)),
        ({"4xx": "ok", "404": "degraded"}, Reason.HTTP_404, 404, Judgement(Verdict.DEGRADED, Reason.HTTP_404, None)),
        ({"5xx": "inconclusive"}, Reason.HTTP_5XX, 502, Judgement(Verdict.INCONCLUSIVE, Reason.HTTP_5XX, None)),
        ({"404": "skipped"}, Reason.HTTP_404, 404, Judgement(Verdict.SKIPPED, Reason.HTTP_404, None)),
        ({"200": "broken"}, Reason.OK, 200, JUDGEMENTS[Reason.ASSERTION_FAILED]),
        ({"403": "broken"}, Reason.FORBIDDEN, 403, JUDGEMENTS[Reason.ASSERTION_FAILED]),
        ({"404": "broken"}, Reason.HTTP_404, 404, JUDGEMENTS[Reason.HTTP_404]),
        ({"5xx": "ok"}, Reason.HTTP_404, 404, JUDGEMENTS[Reason.HTTP_404]),
        ({"200": "ok"}, Reason.BODY_INCOMPLETE, 200, JUDGEMENTS[Reason.BODY_INCOMPLETE]),
        ({"302": "ok"}, Reason.REDIRECT_LOOP, 302, JUDGEMENTS[Reason.REDIRECT_LOOP]),
        ({"2xx": "ok"}, Reason.BLOCKED_ADDRESS, 0, JUDGEMENTS[Reason.BLOCKED_ADDRESS]),
        ({"200": "ok"}, Reason.REDIRECTED_TEMPORARY, 200, JUDGEMENTS[Reason.REDIRECTED_TEMPORARY]),
    ],
)
def test_a_users_verdict_on_a_status_replaces_ours(
    verdicts: dict[str, str], reason: Reason, status: int, judgement: Judgement
) -> None:
    options = msgspec.convert({"verdicts": verdicts}, CheckOptions)
    assert overrule(JUDGEMENTS[reason], status, options) == judgement

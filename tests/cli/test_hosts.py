"""How hosts are checked, set and read at a terminal, against the front API."""

import json
from pathlib import Path

from tests.cli.test_check import Environ, environ, quiet  # noqa: F401  # fixtures
from tests.cli.test_commands import run
from tests.web.conftest import neighbours, sessions  # noqa: F401  # fixtures


def test_a_host_is_set_listed_shown_and_forgotten(environ: Environ, tmp_path: Path) -> None:  # noqa: F811
    file = tmp_path / "policy.json"
    file.write_text(json.dumps({"concurrency": 2, "options": {"timeout_s": 5, "method": "GET"}}))
    assert json.loads(run(environ, "hosts", "set", "A.example", str(file)).stdout)["host"] == "a.example"
    assert run(environ, "hosts").stdout == "a.example  concurrency 2  method  timeout_s\n"
    shown = run(environ, "hosts", "show", "a.example").stdout
    assert json.loads(shown)["options"] == {"timeout_s": 5, "method": "GET"}
    file.write_text(shown)
    assert json.loads(run(environ, "hosts", "set", "a.example", str(file)).stdout)["version"] == 2
    assert run(environ, "hosts", "delete", "a.example").exit_code == 0
    gone = run(environ, "hosts", "show", "a.example")
    assert (gone.exit_code, "no such policy" in gone.stderr) == (1, True)


def test_what_is_no_policy_is_refused(environ: Environ, tmp_path: Path) -> None:  # noqa: F811
    file = tmp_path / "policy.json"
    for text, status, said in (("{", 2, "is no JSON"), ("[]", 2, "no JSON object"), ('{"concurrency": -1}', 1, "")):
        file.write_text(text)
        result = run(environ, "hosts", "set", "a.example", str(file))
        assert (result.exit_code, said in result.stderr) == (status, True), result.output

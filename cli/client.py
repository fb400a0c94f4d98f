"""A client of the API over HTTP: what the server said, or an error in words for the person at the keyboard."""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from ipaddress import ip_address
from pathlib import Path
from typing import IO, Any
from urllib.parse import quote, urlsplit

import requests
from requests.auth import AuthBase

CONNECT_S, READ_S = 5.0, 120.0
# A server that restarts, or whose database does, is waited for this long.
PATIENCE_S = 30.0
PAGE = 200


class ClientError(Exception):
    """The server cannot be asked, or did not do as asked; the message says what to do."""


class NotAllowedError(ClientError):
    """There is no key, or it may not do this."""


class RefusedError(ClientError):
    """The server understood and refused; `problem` is its RFC 9457 document."""

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(str(problem.get("detail") or problem.get("title")))
        self.problem = problem


class BearerKey(AuthBase):
    """The API key. As requests' own `auth` it is never replaced by what lies in ~/.netrc."""

    def __init__(self, key: str) -> None:
        self._key = key

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        request.headers["Authorization"] = f"Bearer {self._key}"
        return request


def url_of(environ: Mapping[str, str]) -> str:
    """Where the server is."""
    return (environ.get("PRANALA_URL") or f"http://127.0.0.1:{environ.get('PRANALA_PORT') or 8080}").rstrip("/")


def key_of(environ: Mapping[str, str], url: str) -> str:
    """The API key: PRANALA_TOKEN, or the admin's key of the server on this machine, which goes to no other."""
    if token := environ.get("PRANALA_TOKEN"):
        return token.strip()
    path = Path(environ.get("PRANALA_DATA_DIR") or ".pranala").expanduser() / "admin.key"
    if named := environ.get("PRANALA_TOKEN_FILE"):
        path = Path(named)
    elif not is_local(url):
        raise NotAllowedError(f"There is no API key for {url}: set PRANALA_TOKEN.")
    try:
        return path.read_text().strip()
    except OSError as error:
        raise NotAllowedError(
            f"There is no API key: set PRANALA_TOKEN, or set PRANALA_DATA_DIR to the directory in which `pranala up` "
            f"runs ({path} cannot be read: {error.strerror})."
        ) from error


def is_local(url: str) -> bool:
    """Whether the URL is of this machine."""
    host = urlsplit(url).hostname or ""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Client:
    """One server, one key."""

    def __init__(self, url: str, key: str) -> None:
        self._url = url
        self._session = requests.Session()
        self._session.auth = BearerKey(key)
        self._session.headers["User-Agent"] = "pranala-cli"
        # A proxy of the environment cannot know what is on this machine.
        self._session.trust_env = not is_local(url)
        self._answered = False

    def submit(self, lines: IO[bytes], content_type: str, **query: str) -> Any:
        """Submit a batch. Asking again after a lost answer submits nothing twice."""
        headers = {"Content-Type": content_type, "Idempotency-Key": str(uuid.uuid4())}
        return self._ask("POST", "/batches", headers=headers, data=lines, params=query)

    def cancel(self, job_id: str) -> Any:
        """Begin nothing more of a job."""
        return self._ask("DELETE", f"/jobs/{job_id}")

    def job(self, job_id: str) -> Any:
        """How far a job has come."""
        return self._ask("GET", f"/jobs/{job_id}")

    def results(self, job_id: str, verdict: str = "") -> Iterator[Any]:
        """The results of a job, all or those of one verdict."""
        return self._all(f"/jobs/{job_id}/results", {"verdict": verdict} if verdict else {})

    def links(self, **wanted: str) -> Iterator[Any]:
        """The links that are kept alive, newest first."""
        return self._all("/links", wanted)

    def incidents(self, **wanted: str) -> Iterator[Any]:
        """What is or was broken, the latest first."""
        return self._all("/incidents", wanted)

    def incident(self, incident_id: str) -> Any:
        """An incident with its timeline."""
        return self._ask("GET", f"/incidents/{incident_id}")

    def incident_groups(self, **wanted: str) -> Iterator[Any]:
        """Hosts whose links broke together, the latest first."""
        return self._all("/incident-groups", wanted)

    def acknowledge(self, identity: str, group: bool = False) -> Any:
        """Say that an incident, or a group, has been seen."""
        return self._ask("POST", f"/{'incident-groups' if group else 'incidents'}/{identity}/acknowledge")

    def host_policies(self) -> Iterator[Any]:
        """The hosts that are checked in a way of their own, by name."""
        return self._all("/hosts", {})

    def host_policy(self, host: str) -> Any:
        """How a host is checked."""
        return self._ask("GET", f"/hosts/{quote(host)}/policy")

    def put_host_policy(self, host: str, policy: Mapping[str, Any]) -> Any:
        """Check a host so, whatever was before."""
        return self._ask("PUT", f"/hosts/{quote(host)}/policy", json=policy, headers={"If-Match": "*"})

    def delete_host_policy(self, host: str) -> None:
        """Check a host as all others are."""
        self._refuse(self._answer("DELETE", f"/hosts/{quote(host)}/policy"))

    def dead_letters(self, **wanted: str) -> Iterator[Any]:
        """The messages that no worker could do, the oldest first."""
        return self._all("/monitor/dead-letters", wanted)

    def dead_letter(self, identity: str) -> Any:
        """One with its body."""
        return self._ask("GET", f"/monitor/dead-letters/{identity}")

    def act_on_dead_letters(self, wanted: Mapping[str, Any]) -> Any:
        """Replay or discard some, or the oldest of a queue."""
        return self._ask("POST", "/monitor/dead-letters/actions", json=wanted)

    def export(self, job_id: str, content_type: str, **query: str) -> Iterator[bytes]:
        """A job's results in another form, as they come."""
        headers = {"Accept": content_type}
        response = self._answer("GET", f"/jobs/{job_id}/results", headers=headers, params=query, stream=True)
        self._refuse(response)
        with response:
            try:
                yield from response.iter_content(1 << 16)
            except requests.RequestException as error:
                raise ClientError(f"The export was cut short: {error}") from error

    def _all(self, path: str, wanted: Mapping[str, str]) -> Iterator[Any]:
        query: dict[str, Any] = {"limit": PAGE, **wanted}
        while True:
            page = self._ask("GET", path, params=query)
            yield from page["items"]
            if not page["next_cursor"]:
                return
            query["cursor"] = page["next_cursor"]

    def _ask(self, method: str, path: str, **options: Any) -> Any:
        response = self._answer(method, path, **options)
        self._refuse(response)
        return _json(response, self._url)

    def _answer(self, method: str, path: str, **options: Any) -> requests.Response:
        deadline = time.monotonic() + PATIENCE_S
        while True:
            response = self._try(method, path, deadline, **options)
            if response is not None and response.status_code != 503:
                return response
            wait_s = _wait_s(response)
            if time.monotonic() + wait_s > deadline:
                raise ClientError(f"The server at {self._url} cannot do this now: {_said(response)} Try again later.")
            time.sleep(wait_s)

    def _try(self, method: str, path: str, deadline: float, **options: Any) -> requests.Response | None:
        """The answer, or nothing where a server that has answered before did not."""
        if lines := options.get("data"):
            lines.seek(0)
        try:
            response = self._session.request(
                method, f"{self._url}/api/v1{path}", timeout=(CONNECT_S, READ_S), allow_redirects=False, **options
            )
        except requests.ConnectionError as error:
            if self._answered and time.monotonic() < deadline:
                return None
            raise ClientError(
                f"No Pranala answers at {self._url}: start it with `pranala up`, or set PRANALA_URL."
            ) from error
        except requests.RequestException as error:
            raise ClientError(f"{self._url} cannot be asked: {error}") from error
        self._answered = True
        return response

    def _refuse(self, response: requests.Response) -> None:
        if response.ok and not response.is_redirect:
            return
        problem = _json(response, self._url) if "json" in response.headers.get("Content-Type", "") else {}
        detail = problem.get("detail") or response.reason
        if response.status_code in (401, 403):
            raise NotAllowedError(f"{self._url} refuses: {detail}")
        if response.status_code == 422:
            raise RefusedError(problem)
        trace = f" (trace {problem['trace_id']})" if problem.get("trace_id") else ""
        raise ClientError(f"{self._url} answered {response.status_code}: {detail}{trace}")


def _json(response: requests.Response, url: str) -> Any:
    try:
        return response.json()
    except ValueError as error:
        raise ClientError(f"{url} is not a Pranala: it answered no JSON. Is PRANALA_URL right?") from error


def _wait_s(response: requests.Response | None) -> float:
    given = response.headers.get("Retry-After", "") if response is not None else ""
    return min(float(given), 5.0) if given.isdigit() else 1.0


def _said(response: requests.Response | None) -> str:
    if response is None:
        return "it does not answer."
    try:
        return str(response.json()["detail"])
    except (ValueError, KeyError, TypeError):
        return "it answers 503."

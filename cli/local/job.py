"""The main job through the API: submit URLs, wait until all are checked, fetch what was found."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cli.local.errors import LocalError, NotReady
from cli.local.product import Product
from cli.local.readiness import wait_until

DONE_WITHIN_S = 60
ASK_EVERY_S = 0.1


class KeyRefused(LocalError):
    """The API does not know the key: the databases are newer than the key's file."""


@dataclass(frozen=True)
class Result:
    url: str
    verdict: str
    reason: str


def check_urls(product: Product, key: str, urls: Sequence[str]) -> list[Result]:
    """Results in the order of `urls`."""
    accepted = _ask(product, key, "/api/v1/batches", {"urls": list(urls)}, expected=202)
    job = f"/api/v1/jobs/{accepted['job_id']}"
    wait_until(lambda: _ask_finished(product, key, job), DONE_WITHIN_S, lambda: _rest(product))
    items = _ask(product, key, f"{job}/results?limit=200")["items"]
    found = {item["url"]: Result(item["url"], item["verdict"], item["reason"]) for item in items}
    if missing := [url for url in urls if url not in found]:
        raise LocalError(f"the job finished without results for {', '.join(missing)}")
    return [found[url] for url in urls]


def _ask_finished(product: Product, key: str, job: str) -> None:
    answer = product.ask_api(job, key)
    state = answer.body.get("state") if answer.status == 200 else f"answered with {answer.status}"
    if state != "finished":
        raise NotReady(f"the job {job} is not finished but {state}")


def _rest(product: Product) -> None:
    product.backing.local.supervisord.raise_if_fatal()
    time.sleep(ASK_EVERY_S)


def _ask(product: Product, key: str, path: str, body: object = None, expected: int = 200) -> Any:
    answer = product.ask_api(path, key, body)
    if answer.status == 401:
        raise KeyRefused(f"the API refuses the key in {product.backing.local.data.admin_key}")
    if answer.status != expected:
        raise LocalError(f"the API answered {path} with {answer.status}: {answer.body}")
    return answer.body

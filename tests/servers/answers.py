"""How the behaviour server answers each path, byte by byte where HTTP is broken on purpose."""

from __future__ import annotations

import asyncio
import gzip
import itertools
import json
import math
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from functools import cache
from http import HTTPStatus
from urllib.parse import parse_qs

PAGE = b"<!doctype html><title>Page</title><h1 id=here>Here</h1>\n"
FOREVER_S = 3600


@dataclass
class Memory:
    """What the server has seen and been told, shared by all listeners."""

    hits: Counter[str] = field(default_factory=Counter)
    methods: Counter[str] = field(default_factory=Counter)
    toggles: dict[str, int] = field(default_factory=dict)
    headers: dict[str, dict[str, str]] = field(default_factory=dict)
    open: int = 0
    peak: int = 0


@dataclass
class Exchange:
    """One request, and the means to answer it."""

    method: str
    path: str
    query: str
    write: Callable[[bytes], None]
    drain: Callable[[], Awaitable[None]]
    close: Callable[[], None]
    reset: Callable[[], None]
    cut: Callable[[], None]
    memory: Memory
    headers: dict[str, str] = field(default_factory=dict)
    # What this listener's robots.txt is like.
    robots: str = ""

    def send(self, status: int, body: bytes = PAGE, **headers: str) -> None:
        """Answer as a well-behaved server does."""
        self.write(head(status, len(body), **headers))
        if self.method != "HEAD":
            self.write(body)

    @property
    def parts(self) -> list[str]:
        return self.path.strip("/").split("/")


def head(status: int, length: int | None = None, **headers: str) -> bytes:
    """A response head; header names in Python's spelling."""
    try:
        phrase = HTTPStatus(status).phrase
    except ValueError:
        phrase = "Unknown"
    lines = [f"HTTP/1.1 {status} {phrase}"]
    if length is not None and status not in (204, 304):
        lines.append(f"Content-Length: {length}")
    headers.setdefault("content_type", "text/html; charset=utf-8")
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


Answer = Callable[[Exchange], Awaitable[None] | None]
ANSWERS: dict[str, Answer] = {}
OK = head(200, len(PAGE)) + PAGE


def answer(name: str) -> Callable[[Answer], Answer]:
    """Register how paths that start with /name are answered."""

    def register(function: Answer) -> Answer:
        ANSWERS[name] = function
        return function

    return register


@answer("ok")
def ok(ask: Exchange) -> None:
    ask.write(OK if ask.method != "HEAD" else OK[: -len(PAGE)])


@answer("status")
def status(ask: Exchange) -> None:
    code = int(ask.parts[1])
    ask.send(code, b"" if code in (204, 304) else PAGE)


@answer("head")
def head_lies(ask: Exchange) -> None:
    """/head/405: HEAD is refused, GET is fine."""
    ask.send(int(ask.parts[1]) if ask.method == "HEAD" else 200)


@answer("head-reset")
def head_reset(ask: Exchange) -> None:
    ask.reset() if ask.method == "HEAD" else ask.send(200)


@answer("head-body")
def head_with_body(ask: Exchange) -> None:
    ask.write(OK)


@answer("redirect")
def redirect(ask: Exchange) -> None:
    """/redirect/3/301: three hops of 301, then a page."""
    left, code = int(ask.parts[1]), int(ask.parts[2])
    if left == 0:
        ok(ask)
    else:
        ask.send(code, b"", location=f"/redirect/{left - 1}/{code}?{ask.query}")


@answer("redirect-to")
def redirect_to(ask: Exchange) -> None:
    """/redirect-to/302?url=…"""
    ask.send(int(ask.parts[1]), b"", location=parse_qs(ask.query)["url"][0])


@answer("redirect-mixed")
def redirect_mixed(ask: Exchange) -> None:
    ask.send(301, b"", location="/redirect/1/302")


@answer("redirect-loop")
def redirect_loop(ask: Exchange) -> None:
    other = "a" if ask.parts[1:] == ["b"] else "b"
    ask.send(302, b"", location=f"/redirect-loop/{other}?{ask.query}")


@answer("cookie-wall")
def cookie_wall(ask: Exchange) -> None:
    """Lets in who brings the cookie that it sets."""
    if "met=yes" in ask.headers.get("cookie", ""):
        ask.send(200)
    else:
        ask.send(int(ask.parts[1]), b"", location="?".join(filter(None, (ask.path, ask.query))), set_cookie="met=yes")


@answer("cookie-mill")
def cookie_mill(ask: Exchange) -> None:
    """Sets another cookie each time, and never lets in anybody."""
    count = ask.headers.get("cookie", "n=0").rpartition("=")[2]
    ask.send(302, b"", location="/cookie-mill", set_cookie=f"n={int(count) + 1}")


@answer("cookie-refused")
def cookie_refused(ask: Exchange) -> None:
    """Sets the same cookie again and again."""
    ask.send(302, b"", location="/cookie-refused", set_cookie="n=1")


@answer("zstd")
def zstd(ask: Exchange) -> None:
    """An encoding that was not asked for, and that not everybody can read."""
    ask.send(200, b"\x28\xb5\x2f\xfd\x04\x00\x29\x00\x00zstd!", content_encoding="zstd")


@answer("redirect-nowhere")
def redirect_nowhere(ask: Exchange) -> None:
    ask.send(302, b"")


@answer("redirect-endless")
def redirect_endless(ask: Exchange) -> None:
    ask.send(302, b"", location=f"/redirect-endless/{int(ask.parts[1]) + 1}")


@answer("rate-limited")
def rate_limited(ask: Exchange) -> None:
    ask.send(429, retry_after="120")


@answer("busy")
def busy(ask: Exchange) -> None:
    """/busy/3?story=x: for three seconds from the first request of a story 429 with what is left; then pages."""
    story = f"busy {parse_qs(ask.query).get('story', [''])[0]}"
    until = ask.memory.toggles.setdefault(story, round(time.monotonic()) + int(ask.parts[1]))
    left_s = math.ceil(until - time.monotonic())
    ask.send(200) if left_s <= 0 else ask.send(429, retry_after=str(left_s))


@answer("unavailable")
def unavailable(ask: Exchange) -> None:
    ask.send(503, retry_after="Fri, 31 Dec 2100 23:59:59 GMT")


@answer("challenge")
def challenge(ask: Exchange) -> None:
    ask.send(403, cf_mitigated="challenge", server="cloudflare")


@answer("aws-challenge")
def aws_challenge(ask: Exchange) -> None:
    ask.send(202, b"", x_amzn_waf_action="challenge")


@answer("early-hints")
def early_hints(ask: Exchange) -> None:
    ask.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
    ask.send(200)


@answer("bare-lf")
def bare_line_feeds(ask: Exchange) -> None:
    ask.write(b"HTTP/1.1 200 OK\nContent-Length: 2\n\n" + (b"" if ask.method == "HEAD" else b"ok"))


@answer("only-hints")
def only_hints(ask: Exchange) -> None:
    ask.write(b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n")
    ask.close()


@answer("reset")
def reset(ask: Exchange) -> None:
    ask.reset()


@answer("close")
def close(ask: Exchange) -> None:
    ask.close()


@answer("reset-after-headers")
async def reset_after_headers(ask: Exchange) -> None:
    ask.write(head(200, 1000))
    await asyncio.sleep(0.1)
    ask.reset()


@answer("reset-mid-body")
async def reset_mid_body(ask: Exchange) -> None:
    ask.write(head(200, 1000) + b"x" * 500)
    await asyncio.sleep(0.1)
    ask.reset()


@answer("truncated")
def truncated(ask: Exchange) -> None:
    ask.write(head(200, 1000) + b"x" * 100)
    ask.close()


@answer("truncated-chunked")
def truncated_chunked(ask: Exchange) -> None:
    ask.write(head(200, transfer_encoding="chunked") + b"ff\r\nonly this")
    ask.close()


@answer("truncated-404")
def truncated_404(ask: Exchange) -> None:
    ask.write(head(404, 1000) + b"x" * 100)
    ask.close()


@answer("undelimited")
def undelimited(ask: Exchange) -> None:
    """A body that ends where the connection does; over TLS without a close_notify."""
    ask.write(head(200, connection="close") + PAGE)
    ask.cut()


@answer("slow-headers")
async def slow_headers(ask: Exchange) -> None:
    await asyncio.sleep(FOREVER_S)


@answer("slow-body")
async def slow_body(ask: Exchange) -> None:
    ask.write(head(200, 100_000))
    for _ in range(FOREVER_S):
        ask.write(b"x")
        await asyncio.sleep(0.2)


@answer("event-stream")
async def event_stream(ask: Exchange) -> None:
    ask.write(head(200, content_type="text/event-stream") + b": hello\n\n")
    await asyncio.sleep(FOREVER_S)


@answer("pause")
async def pause(ask: Exchange) -> None:
    """/pause/50: a page after 50 ms; the server counts how many wait at once."""
    memory = ask.memory
    memory.open += 1
    memory.peak = max(memory.peak, memory.open)
    try:
        await asyncio.sleep(int(ask.parts[1]) / 1000)
    finally:
        memory.open -= 1
    ask.send(200)


@answer("garbage")
def garbage(ask: Exchange) -> None:
    ask.write(bytes(range(255, 127, -1)) * 8)
    ask.close()


@answer("huge-headers")
def huge_headers(ask: Exchange) -> None:
    ask.write(b"HTTP/1.1 200 OK\r\n" + b"X-Filler: " + b"x" * 400_000 + b"\r\n\r\n")
    ask.close()


@answer("endless-headers")
async def endless_headers(ask: Exchange) -> None:
    ask.write(b"HTTP/1.1 200 OK\r\n")
    for number in itertools.count():
        ask.write(f"X-{number}: {number}\r\n".encode() * 100)
        await ask.drain()


@answer("gzip")
def gzipped(ask: Exchange) -> None:
    ask.send(200, gzip.compress(PAGE), content_encoding="gzip")


@answer("bad-gzip")
def bad_gzip(ask: Exchange) -> None:
    ask.send(200, b"\x1f\x8b this is not gzip at all", content_encoding="gzip")


@cache
def bomb() -> bytes:
    return gzip.compress(bytes(50_000_000), 9)


@answer("gzip-bomb")
def gzip_bomb(ask: Exchange) -> None:
    ask.send(200, bomb(), content_encoding="gzip")


@answer("endless")
async def endless(ask: Exchange) -> None:
    ask.write(head(200, transfer_encoding="chunked"))
    while True:
        ask.write(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")
        await ask.drain()


@answer("big")
async def big(ask: Exchange) -> None:
    """Five gigabytes, announced."""
    ask.write(head(200, 5_000_000_000, content_type="application/octet-stream"))
    while True:
        ask.write(b"x" * 0x10000)
        await ask.drain()


@answer("flaky")
def flaky(ask: Exchange) -> None:
    """Fails the first HEAD and the first GET of each URL, then answers."""
    ask.send(500 if ask.memory.methods[f"{ask.method} {ask.path}?{ask.query}"] == 1 else 200)


@answer("toggle")
def toggle(ask: Exchange) -> None:
    """POST /toggle/name?status=500 sets what /toggle/name answers; 200 until then."""
    if ask.method == "POST":
        ask.memory.toggles[ask.parts[1]] = int(parse_qs(ask.query)["status"][0])
        ask.send(204, b"")
    else:
        ask.send(ask.memory.toggles.get(ask.parts[1], 200))


@answer("hits")
def hits(ask: Exchange) -> None:
    """How often each path and query was asked for."""
    ask.send(200, json.dumps(ask.memory.hits).encode(), content_type="application/json")

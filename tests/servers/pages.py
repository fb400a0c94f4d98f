"""How the behaviour server answers where the page itself matters: fragments, robots.txt, soft 404s, expectations."""

from __future__ import annotations

import asyncio
import gzip
import json
import random
import string

from tests.servers.answers import PAGE, Exchange, answer, head

ARTICLE = """<!doctype html><html><head><title>The article</title><style>#styled {}</style></head><body>
<nav><a name="menu" href="/">Home</a></nav>
<h1 id="here">Of foxes</h1>
<p id="übung">The quick <b>br</b>own fox jumps over the lazy dog.</p><p>And so on, says Zoë.</p>
<h2 id="user-content-readme">Read me</h2><p id="with space">Soft\u00adware</p>
<script>var hidden = "never seen";</script>
</body></html>
"""
ROBOTS = {
    "deny": b"User-agent: *\nDisallow: /ok\n",
    "delay": b"User-agent: *\nCrawl-delay: 0.3\n",
    "agent": b"User-agent: Pranala\nDisallow: /\n\nUser-agent: *\nAllow: /\n",
    "other": b"User-agent: Otherbot\nDisallow: /\n",
    "garbage": bytes(range(256)) * 40,
}


@answer("")
def home(ask: Exchange) -> None:
    ask.send(200, b"<!doctype html><title>Home</title><h1>Welcome home</h1>")


@answer("index.html")
def index(ask: Exchange) -> None:
    ask.send(301, b"", location="/")


@answer("de")
def german(ask: Exchange) -> None:
    ask.send(302, b"", location="/")


@answer("article")
def article(ask: Exchange) -> None:
    ask.send(200, ARTICLE.encode())


@answer("article-latin1")
def article_latin1(ask: Exchange) -> None:
    ask.send(200, ARTICLE.replace("\u00ad", "").encode("latin-1"), content_type="text/html; charset=ISO-8859-1")


@answer("article-gzip")
def article_gzip(ask: Exchange) -> None:
    ask.send(200, gzip.compress(ARTICLE.encode()), content_encoding="gzip")


@answer("article-long")
def article_long(ask: Exchange) -> None:
    """Longer than anybody reads, with one element at each end."""
    ask.send(200, b"<p id=first>First</p>" + b"<p>more</p>" * 200_000 + b"<p id=last>Last</p>")


@answer("script")
def script(ask: Exchange) -> None:
    """Every path brings the same empty page, which a script fills."""
    ask.send(200, b"<!doctype html><title>App</title><div id=root></div><script src=/app.js></script>")


@answer("pdf")
def pdf(ask: Exchange) -> None:
    ask.send(200, b"%PDF-1.7 and so on", content_type="application/pdf")


@answer("robots.txt")
async def robots(ask: Exchange) -> None:
    kind = "deny" if ask.query == "moved" else ask.robots
    if kind in ROBOTS:
        ask.send(200, ROBOTS[kind], content_type="text/plain")
    elif kind == "members":
        ask.send(*(200, ROBOTS["deny"]) if ask.headers.get("x-token") == "sesame" else (403,))
    elif kind == "slow":
        await asyncio.sleep(3600)
    elif kind == "moved":
        ask.send(301, b"", location="/robots.txt?moved")
    else:
        ask.send(int(kind or 404))


@answer("soft")
def soft_404(ask: Exchange) -> None:
    """Only /soft/real is there; for all else the status lies."""
    if ask.parts[1:] == ["real"]:
        ask.send(200, ARTICLE.encode())
    else:
        ask.send(200, lost(ask.path))


@answer("vault")
def vault(ask: Exchange) -> None:
    """The same behind a token."""
    if ask.headers.get("x-token") == "sesame":
        soft_404(ask)
    else:
        ask.send(403)


@answer("soft-moved")
def soft_moved(ask: Exchange) -> None:
    ask.send(302, b"", location="/lost")


@answer("lost")
def lost_page(ask: Exchange) -> None:
    ask.send(200, lost(ask.path))


def lost(path: str) -> bytes:
    number = "".join(random.choices(string.digits, k=12))
    return (
        f"<!doctype html><title>Not here: {path}</title><h1>Sorry</h1>"
        f"<p>We looked for {path} and could not find such a page. Incident {number}.</p>"
    ).encode()


@answer("members")
def members(ask: Exchange) -> None:
    ask.send(200, b"<title>Sign in</title><form>Your name <input> your password <input type=Password></form>")


@answer("needs-token")
def needs_token(ask: Exchange) -> None:
    ask.send(200 if ask.headers.get("x-token") == "sesame" else 403)


@answer("needs-login")
def needs_login(ask: Exchange) -> None:
    ask.send(200 if ask.headers.get("authorization") == "Basic dXNlcjpzZWNyZXQ=" else 401)


@answer("json")
def document(ask: Exchange) -> None:
    body = json.dumps({"status": {"ok": True, "load": 0.5}, "items": [{"name": "first"}], "none": None})
    ask.send(200, body.encode(), content_type="application/json", x_version="2.5.1")


@answer("http10")
def http10(ask: Exchange) -> None:
    ask.write(b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n" + (b"" if ask.method == "HEAD" else PAGE))
    ask.close()


@answer("http09")
def http09(ask: Exchange) -> None:
    ask.write(b"<html>no status line at all</html>")
    ask.close()


@answer("bad-status-line")
def bad_status_line(ask: Exchange) -> None:
    ask.write(b"HTTP/1.1 abc Whatever\r\n\r\n")
    ask.close()


@answer("bad-length")
def bad_length(ask: Exchange) -> None:
    ask.write(b"HTTP/1.1 200 OK\r\nContent-Length: many\r\n\r\n")
    ask.close()


@answer("bad-chunk")
def bad_chunk(ask: Exchange) -> None:
    ask.write(head(200, transfer_encoding="chunked") + (b"" if ask.method == "HEAD" else b"xyz\r\nnot a length\r\n"))


@answer("trailers")
def trailers(ask: Exchange) -> None:
    body = b"2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n"
    ask.write(head(200, transfer_encoding="chunked") + (b"" if ask.method == "HEAD" else body))


@answer("no-content-type")
def no_content_type(ask: Exchange) -> None:
    ask.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n" + (b"" if ask.method == "HEAD" else b"ok"))


@answer("limited")
def limited(ask: Exchange) -> None:
    """/limited/503?after=…: a status with such a Retry-After, or with none."""
    after = ask.query.partition("after=")[2].partition("&")[0].replace("%20", " ")
    headers = {"retry_after": after} if after else {}
    ask.send(int(ask.parts[1]), **headers)


@answer("location")
def location(ask: Exchange) -> None:
    """/location/slashes: a Location as servers write them."""
    ask.send(302, b"", location=LOCATIONS[ask.parts[1]].replace("{host}", ask.headers["host"]))


LOCATIONS = {
    "slashes": "//127.0.0.1:1/",
    "query": "?only=query",
    "dots": "../../ok",
    "spaces": "/ok/with some spaces",
    "umlaut": "/ok/\u00fcber",
    "backslash": "\\ok\\back",
    "userinfo": "http://user:secret@{host}/ok",
    "upper": "HTTP://{host}/ok",
    "data": "data:text/plain,hello",
    "javascript": "javascript:alert(1)",
    "mailto": "mailto:someone@example.com",
    "self": "/location/self",
    "fragment": "/article#here",
    "port": "http://127.0.0.1:99999/",
}

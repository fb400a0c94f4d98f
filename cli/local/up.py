"""`pranala up`: the whole product on this machine, in the foreground, until it is told to stop."""

import signal
import sys
import time
from collections.abc import Mapping
from contextlib import suppress
from types import FrameType
from typing import NoReturn

from rich.console import Console

from cli.local.backing import Given, launch_backing, make_local
from cli.local.banner import banner, print_results
from cli.local.data import DataDir
from cli.local.demo import HOST, PAGES, Site
from cli.local.errors import LocalError
from cli.local.job import KeyRefused, Result, check_urls
from cli.local.ports import is_free
from cli.local.processes import ROOT
from cli.local.product import Product, read_or_make_key
from cli.local.program import Program
from cli.local.server import Local
from cli.local.supervisord import State, Supervisord

LOOK_EVERY_S = 0.5


class Voice:
    """Progress goes to stderr, results and the banner to stdout; a closed terminal silences both."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._progress = Console(stderr=True, highlight=False, markup=False, soft_wrap=True)
        self._results = Console(highlight=False)

    def say(self, words: str) -> None:
        with suppress(OSError):
            self._progress.print(f"{time.monotonic() - self._began:6.1f} s  {words}")

    def show(self, text: str) -> None:
        with suppress(OSError):
            self._results.print(text, markup=False, soft_wrap=True)

    def show_results(self, results: list[Result]) -> None:
        with suppress(OSError):
            print_results(self._results, results)


def run(env: Mapping[str, str], demo: bool = False) -> bool:
    """Run until a signal comes; with `demo` only until the main job is done. Whether all went as it should."""
    voice = Voice()
    data = DataDir.from_environment(env)
    _stop_on_signals()
    began_to_stop = 0.0
    try:
        with data.locked() as lock:
            refuse_taken_port(env)
            with Supervisord(data, lock) as supervisord:
                try:
                    right = _bring_up(make_local(data, supervisord, Given(env)), env, voice)
                    if not demo:
                        _keep(supervisord, voice)
                finally:
                    began_to_stop = time.monotonic()
                    voice.say("stopping …")
    except KeyboardInterrupt:
        right = True
    voice.say(f"stopped in {time.monotonic() - began_to_stop:.1f} s." if began_to_stop else "stopped.")
    return right


def refuse_taken_port(env: Mapping[str, str]) -> None:
    bind, port = env.get("PRANALA_BIND") or "127.0.0.1", int(env.get("PRANALA_PORT") or 8080)
    if not is_free(port, bind):
        raise LocalError(
            f"port {port} on {bind} is taken by another program. Set PRANALA_PORT to another port, "
            f"or stop that program (`ss -ltnp 'sport = :{port}'` names it)."
        )


def _bring_up(local: Local, env: Mapping[str, str], voice: Voice) -> bool:
    voice.say("starting the backing servers …")
    backing = launch_backing(local, Given(env), voice.say)
    site = Site(local.ports.get("demo", HOST), local.ports.get("demo-tls", HOST))
    product = Product(backing, _with_demo_allowed(env), extra=(_demo_program(local, site, env),))
    voice.say("migrating the databases …")
    product.migrate()
    key, is_new = read_or_make_key(product)
    backing.wait_ready()
    voice.say("starting the product …")
    product.launch()
    product.wait_ready()
    voice.say("checking the demo site …")
    try:
        results = check_urls(product, key, [site.url(page) for page in PAGES])
    except KeyRefused:
        local.data.admin_key.unlink()
        key, is_new = read_or_make_key(product)
        results = check_urls(product, key, [site.url(page) for page in PAGES])
    voice.show_results(results)
    voice.show(banner(product, site, key if is_new else None))
    return all(site.is_right(result.url, result.verdict) for result in results)


def _keep(supervisord: Supervisord, voice: Voice) -> NoReturn:
    """Watch until a signal comes; a process that comes back is worth a line, one that does not ends us."""
    voice.say("running; Ctrl-C stops everything.")
    pids = {state.name: state.pid for state in supervisord.states()}
    while True:
        time.sleep(LOOK_EVERY_S)
        supervisord.raise_if_fatal()
        for state in supervisord.states():
            if state.pid and state.pid != pids.get(state.name):
                voice.say(_news(state, pids.get(state.name)))
                pids[state.name] = state.pid


def _news(state: State, before: int | None) -> str:
    """A stand-in of a rolling restart is new to us."""
    if before is None:
        return f"{state.name} was started (process {state.pid})"
    return f"{state.name} ended and was started again (process {before} → {state.pid})"


def _with_demo_allowed(env: Mapping[str, str]) -> dict[str, str]:
    """The address guard opens for the demo site's own address, besides what the operator allows."""
    allowed = [words for words in (env.get("PRANALA_ALLOW_NETWORKS"), f"{HOST}/32") if words]
    return {**env, "PRANALA_ALLOW_NETWORKS": ",".join(allowed)}


def _demo_program(local: Local, site: Site, env: Mapping[str, str]) -> Program:
    certificate = local.data.run / "demo.pem"
    ports = ("--port", str(site.port), "--tls-port", str(site.tls_port))
    return Program(
        name="demo-site",
        argv=(sys.executable, "-m", "cli.local.demo", *ports, "--certificate", str(certificate)),
        env=env,
        cwd=ROOT,
    )


def _stop_on_signals() -> None:
    """A shell's `&` starts us with SIGINT ignored; `nohup` ignores SIGHUP on purpose, and that stays so."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        if number != signal.SIGHUP or signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, _stop)


def _stop(number: int, frame: FrameType | None) -> NoReturn:
    """The first signal stops everything; more of them must not interrupt that."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, lambda *_: None)
    raise KeyboardInterrupt

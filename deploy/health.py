"""A container's own answer to "are you alive?": `python deploy/health.py worker|web|rpc|holds PORT`; status 0 is yes.

Asked every few seconds of every container, so it costs no broker round trip and imports no more than it needs.
"""

import os
import sys
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path

PATIENCE_S = 5.0
# Fifteen missed beats of the two seconds in which workers touch their file (workers/heartbeat.py).
STALE_S = 30.0
# The state of a connection in /proc/net/tcp.
ESTABLISHED = "01"


def worker() -> bool:
    """Not stuck: while it consumes, its timer beats. With its broker away it does neither, and is not to blame."""
    sign = Path(os.environ["PRANALA_HEARTBEAT_DIR"], os.environ["PRANALA_SERVICE_NAME"])
    try:
        beat = sign.with_name(f"{sign.name}.beat").stat().st_mtime
    except FileNotFoundError:
        return True
    return time.time() - beat < STALE_S or not sign.with_name(f"{sign.name}.ready").exists()


def web() -> bool:
    """The front API answers /healthz."""
    connection = HTTPConnection("127.0.0.1", int(os.environ.get("PRANALA_PORT", "8080")), timeout=PATIENCE_S)
    connection.request("GET", "/healthz")
    return connection.getresponse().status == 200


def rpc() -> bool:
    """gRPC's own health service says SERVING."""
    # Imported here because the other checks run without installed packages.
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    port = os.environ["PRANALA_RPC_BIND"].rpartition(":")[2]
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        answer = check(health_pb2.HealthCheckRequest(), timeout=PATIENCE_S)
    return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)


def holds(port: str) -> bool:
    """This container has a connection to that port: a relay to its database, the beat to its broker."""
    wanted = f"{int(port):04X}"
    for table in (Path("/proc/net/tcp"), Path("/proc/net/tcp6")):
        for line in table.read_text().splitlines()[1:] if table.exists() else ():
            _, _, remote, state, *_ = line.split()
            if remote.endswith(f":{wanted}") and state == ESTABLISHED:
                return True
    return False


CHECKS: dict[str, Callable[..., bool]] = {"worker": worker, "web": web, "rpc": rpc, "holds": holds}


def main(arguments: list[str]) -> int:
    """Run the check that is asked for; a check that fails on the way is a no."""
    try:
        return 0 if CHECKS[arguments[0]](*arguments[1:]) else 1
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

"""Private RabbitMQ nodes on loopback, with an epmd of their own; a system's node beside them is not touched."""

import shutil
import subprocess

from cli.local.errors import LocalError
from cli.local.origin import Binary, search_path
from cli.local.program import Program, write_private
from cli.local.readiness import ask_port, ask_rabbitmq, wait_until
from cli.local.server import Local, Server

USER = "pranala"
NODE = "pranala@localhost"
# The second and third node find the first when they start with nothing, and are one cluster with it from then on.
PEERS = """\
cluster_formation.peer_discovery_backend = classic_config
cluster_formation.classic_config.nodes.1 = {node}
"""

SETTINGS = """\
listeners.tcp.1 = 127.0.0.1:{port}
default_user = {user}
default_pass = {password}
loopback_users = none
log.file = false
log.console = true
vm_memory_high_watermark.absolute = 512MB
disk_free_limit.absolute = 50MB
raft.wal_max_size_bytes = 67108864
"""

# -noinput is ours to give, because RABBITMQ_ALLOW_INPUT is what makes the start script become the
# Erlang machine instead of staying its parent: a signal, SIGKILL too, then reaches the broker itself.
ERLANG = "-noinput +B i -kernel inet_dist_use_interface {127,0,0,1} +S 1:1 +sbwt none +sbwtdcpu none +sbwtdio none"


class RabbitMQ(Server):
    """One node. `number` is its place in a cluster, whose first must be ready before another is started."""

    name = "rabbitmq"

    def __init__(self, local: Local, binary: Binary, number: int = 1) -> None:
        super().__init__(local)
        self.origin = binary.words
        suffix = "" if number == 1 else f"-{number}"
        self.name = f"{RabbitMQ.name}{suffix}"
        self.node = NODE.replace("@", f"{suffix}@")
        self._binary = binary
        self._is_first = number == 1
        self._root = local.data.root / self.name
        self.store = self._root / "mnesia"
        self._port = local.ports.get(self.name)
        # Of the first node alone: once another runs, the port that all share is not free any more.
        self._epmd_port = (local.ports.known("epmd") if suffix else None) or local.ports.get("epmd")
        self._password = local.credentials.get("rabbitmq")
        self._cookie = local.credentials.get("erlang-cookie")
        self._environment = self._make_environment(local.ports.get(f"{self.name}-distribution"))
        self.url = f"amqp://{USER}:{self._password}@127.0.0.1:{self._port}//"

    def peer(self, number: int) -> "RabbitMQ":
        """Another node of its cluster, not started yet."""
        return RabbitMQ(self.local, self._binary, number)

    def programs(self) -> tuple[Program, ...]:
        epmd = Program(
            name="epmd",
            argv=(self._epmd(), "-port", str(self._epmd_port), "-address", "127.0.0.1"),
            env=self._environment,
            start_s=0,
        )
        node = Program(
            name=self.name,
            argv=(str(self._binary.path),),
            env=self._environment,
            cwd=self._root,
            restart=self.local.restart,
            # A node that cannot start takes some seconds to say so; that must count as dying before it was ready.
            start_s=10,
        )
        return (epmd, node) if self._is_first else (node,)

    def prepare(self) -> None:
        home = self._root / "home"
        for folder in (home, self.store, self._root / "log", self._root / "generated"):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        settings = SETTINGS.format(port=self._port, user=USER, password=self._password)
        if not self._is_first:
            settings += PEERS.format(node=NODE)
        write_private(self._root / "rabbitmq.conf", settings)
        write_private(self._root / "advanced.config", "[].\n")
        write_private(self._root / "enabled_plugins", "[].\n")
        write_private(home / ".erlang.cookie", self._cookie)
        (home / ".erlang.cookie").chmod(0o400)

    def launch(self) -> None:
        """epmd first: a node that finds none would start one that outlives us."""
        self.prepare()
        supervisord = self.local.supervisord
        if not supervisord.state("epmd").pid:
            supervisord.start("epmd")
        wait_until(lambda: ask_port("127.0.0.1", self._epmd_port), 10, supervisord.raise_if_fatal)
        supervisord.start(self.name)

    def ask(self) -> None:
        ask_rabbitmq(self.url)

    def ctl(self, *arguments: str) -> str:
        """Run rabbitmqctl on this node, e.g. `ctl("list_queues", "name", "messages")`."""
        command = [str(self._binary.path.with_name("rabbitmqctl")), "-q", *arguments]
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise LocalError(f"rabbitmqctl {' '.join(arguments)} failed: {done.stderr or done.stdout}")
        return done.stdout

    def _epmd(self) -> str:
        epmd = shutil.which("epmd", path=self._environment["PATH"])
        if epmd is None:
            raise LocalError("Erlang's epmd was not found beside RabbitMQ: install the package erlang-base.")
        return epmd

    def _make_environment(self, distribution_port: int) -> dict[str, str]:
        root = self._root
        return {
            "PATH": search_path(),
            "LANG": "C.UTF-8",
            **self._binary.env,
            "HOME": str(root / "home"),
            "RABBITMQ_NODENAME": self.node,
            "RABBITMQ_CONFIG_FILE": str(root / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(root / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(root / "enabled_plugins"),
            "RABBITMQ_CONF_ENV_FILE": "/dev/null",
            "RABBITMQ_MNESIA_BASE": str(self.store),
            "RABBITMQ_LOG_BASE": str(root / "log"),
            "RABBITMQ_LOG": "info,-color",
            "RABBITMQ_PID_FILE": str(root / "pid"),
            "RABBITMQ_GENERATED_CONFIG_DIR": str(root / "generated"),
            "RABBITMQ_DIST_PORT": str(distribution_port),
            "RABBITMQ_ALLOW_INPUT": "1",
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": ERLANG,
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "ERL_AFLAGS": "-start_epmd false",
        }

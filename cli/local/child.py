"""Becomes the program that a JSON file describes, and dies with the process that started it.

Run by path, `python -I -S child.py FILE PARENT`, so that it starts in milliseconds: it imports nothing of ours.
"""

import ctypes
import json
import os
import resource
import signal
import sys

PR_SET_PDEATHSIG = 1
PR_SET_CHILD_SUBREAPER = 36
OPEN_FILES = 65536


def prctl(option: int, value: int) -> None:
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(option, value, 0, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), f"prctl({option}) failed")


def adopt_orphans() -> None:
    """What a killed child leaves behind becomes ours to reap: in a container nobody else would."""
    prctl(PR_SET_CHILD_SUBREAPER, 1)


def die_with_parent(name: str, parent: int) -> None:
    prctl(PR_SET_PDEATHSIG, signal.Signals[f"SIG{name}"])
    if os.getppid() != parent:
        sys.exit("the process that started this one is already gone")


def forget_inherited_signals() -> None:
    """Python ignores SIGPIPE, and a shell's `&` ignores SIGINT; both would survive the exec."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def allow_many_files() -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def main(path: str, parent: int) -> None:
    """`parent` is told, not asked for: by now it may be gone and another process our parent."""
    with open(path, encoding="utf-8") as file:
        spec = json.load(file)
    forget_inherited_signals()
    allow_many_files()
    os.umask(0o077)
    os.chdir(spec["cwd"])
    if spec["adopts"]:
        adopt_orphans()
    die_with_parent(spec["death_signal"], parent)
    os.execve(spec["argv"][0], spec["argv"], spec["env"])  # noqa: S606 - becoming the program is the purpose


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))

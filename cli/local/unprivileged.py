"""Not being root: PostgreSQL refuses to run as root, so it must believe that it is somebody else."""

import os
import pwd
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

from cli.local.credentials import Credentials
from cli.local.errors import LocalError
from cli.local.origin import Binary, Skip, which

NOBODY = 65534
OUTSIDE = Path("/var/lib/pranala")


@dataclass(frozen=True)
class Identity:
    """`prefix` goes before a command; files in `home` are the identity's own, `words` tell a person."""

    prefix: tuple[str, ...]
    home: Path
    user: pwd.struct_passwd | None = None
    words: str = ""

    def own(self, path: Path) -> None:
        if self.user is not None:
            os.chown(path, self.user.pw_uid, self.user.pw_gid)

    def reachable(self, binary: Binary) -> Path:
        """Where the binary is; a copy in `home` when the other user may not go there."""
        if self.user is None or self._can_read(binary.path):
            return binary.path
        if not binary.tree:
            raise LocalError(f"user {self.user.pw_name} cannot read {binary.path}, and root may not run PostgreSQL.")
        base = binary.tree[0].parent
        copy = self.home / f"installed-{binary.path.stat().st_mtime:.0f}"
        if not copy.exists():
            self._copy(binary.tree, base, copy)
        return copy / binary.path.relative_to(base)

    def _copy(self, tree: tuple[Path, ...], base: Path, copy: Path) -> None:
        """Under another name first: a killed launcher must not leave half a copy."""
        draft = self.home / "installed.new"
        shutil.rmtree(draft, ignore_errors=True)
        for folder in filter(Path.exists, tree):
            shutil.copytree(folder, draft / folder.relative_to(base), symlinks=True)
        draft.rename(copy)

    def _can_read(self, folder: Path) -> bool:
        answer = subprocess.run([*self.prefix, "/bin/ls", str(folder)], capture_output=True, check=False)
        return answer.returncode == 0


def find_identity(root: Path, credentials: Credentials, skip: Skip) -> Identity:
    """Ourselves; or for root a user namespace in which root's files are nobody's; or another user."""
    if os.getuid() != 0:
        return Identity((), root)
    if "userns" not in skip and (prefix := _namespace()):
        return Identity(prefix, root, words="in a user namespace, as root may not run it")
    return _another_user(credentials.get("postgres-home"))


def _namespace() -> tuple[str, ...] | None:
    unshare = which("unshare")
    if unshare is None:
        return None
    prefix = (unshare, "--user", f"--map-user={NOBODY}", f"--map-group={NOBODY}")
    tried = subprocess.run([*prefix, "/bin/true"], capture_output=True, check=False)
    return prefix if tried.returncode == 0 else None


def _another_user(name: str) -> Identity:
    """Docker's default seccomp profile forbids user namespaces; another user cannot enter our directory.

    The name is one of the data directory's secrets: a directory made anew must not meet the old one's databases.
    """
    setpriv = which("setpriv")
    if setpriv is None:
        raise LocalError(
            "PostgreSQL refuses to run as root, and neither `unshare --user` nor `setpriv` works here: "
            "run as an ordinary user, or set PRANALA_POSTGRES_URL."
        )
    user = _postgres_user()
    # Changing the user clears the parent-death signal, so setpriv must set it once more.
    ids = (f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups")
    home = OUTSIDE / name
    identity = Identity(
        prefix=(setpriv, *ids, "--pdeathsig", "INT"),
        home=home,
        user=user,
        words=f"as user {user.pw_name} with its data in {home}, as root may not run it",
    )
    home.mkdir(mode=0o711, parents=True, exist_ok=True)
    identity.own(home)
    return identity


def _postgres_user() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam("postgres")
    except KeyError:
        return pwd.getpwuid(NOBODY)

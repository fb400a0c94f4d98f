"""A machine's clock that a test can set, for processes that are started with `env`."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

SOURCE = Path(__file__).with_name("shifted_clock.c")


class ShiftedClock:
    """Needs a C compiler: libfaketime as Debian 12 has it makes Python's `time.sleep` fail."""

    def __init__(self, folder: Path) -> None:
        library, self._shift = folder / "shifted_clock.so", folder / "shift"
        self.set(0)
        compiler = shutil.which("cc")
        assert compiler
        subprocess.run([compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(SOURCE)], check=True)
        self.env = {"LD_PRELOAD": str(library), "CLOCK_SHIFT_FILE": str(self._shift)}

    @staticmethod
    def lacks() -> str:
        """Why there cannot be one here, if so."""
        return "" if shutil.which("cc") else "there is no C compiler (cc) to make a clock with that can be set"

    def set(self, shift_s: int) -> None:
        """How many seconds the clock is ahead from now on; negative if it is behind."""
        draft = self._shift.with_suffix(".new")
        draft.write_text(f"{shift_s}\n")
        draft.replace(self._shift)

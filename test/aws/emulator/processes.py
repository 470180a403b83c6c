"""Sessions of processes, and that none outlives the emulator."""

from __future__ import annotations

import atexit
import ctypes
import os
import signal

_libc = ctypes.CDLL(None, use_errno=True)
_PR_SET_PDEATHSIG = 1
_living: set[int] = set()


def die_with_parent() -> None:
    """For a new process: ends with the thread that made it, however that ends (where the system can do that)."""
    if hasattr(_libc, "prctl"):
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def end_with_us(session: int) -> None:
    """For a process that began a session."""
    _living.add(session)


def kill_session(session: int) -> None:
    """Also the groups of processes that a shell has made in it. Once: its number may be another's afterwards."""
    if session not in _living:
        return
    _living.discard(session)
    for pid in _members(session):
        try:
            os.kill(pid, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            pass


def _members(session: int) -> list[int]:
    if not os.path.isdir("/proc/self"):
        return [-session]
    found = []
    for name in os.listdir("/proc"):
        try:
            with open(f"/proc/{name}/stat") as file:
                # After the program's name, which may hold anything: state, parent, group, session.
                fields = file.read().rpartition(")")[2].split()
            if int(fields[3]) == session:
                found.append(int(name))
        except (OSError, ValueError, IndexError):
            continue
    return found


@atexit.register
def _end_all() -> None:
    for session in list(_living):
        kill_session(session)

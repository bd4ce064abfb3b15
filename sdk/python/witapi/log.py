"""`logging` → the host's log, with the plugin's name, the request's id and the level.

Needs nothing but `import logging`: `witapi build` installs this. What WASI's log has no interface for here (a contract
that does not import `wasi:logging`) goes to stderr, which the host logs line by line.
"""

from __future__ import annotations

import logging
import sys

# Python's levels, highest first, and WASI's.
_LEVELS = ((50, "CRITICAL"), (40, "ERROR"), (30, "WARN"), (20, "INFO"), (10, "DEBUG"))


class HostHandler(logging.Handler):
    """Writes records to `wasi:logging`, under the name of their logger."""

    def __init__(self) -> None:
        super().__init__()
        from wit_world.imports import logging as host

        self.host = host

    def emit(self, record: logging.LogRecord) -> None:
        try:
            name = next((name for number, name in _LEVELS if record.levelno >= number), "TRACE")
            self.host.log(getattr(self.host.Level, name), record.name, self.format(record))
        except Exception:
            self.handleError(record)


def install() -> None:
    """Makes the root logger write to the host. All levels go there: which of them are shown is the operator's choice."""
    try:
        handler: logging.Handler = HostHandler()
    except ImportError:
        handler = logging.StreamHandler(sys.stderr)
        handler.setFormatter(logging.Formatter("%(levelname)s %(name)s: %(message)s"))
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(logging.NOTSET if isinstance(handler, HostHandler) else logging.INFO)

"""What a plugin keeps: `wasi:keyvalue`, as Python has mappings.

    from witapi import store

    notes = store.open()
    notes["1"] = b"Buy milk"
    number = notes.increment("last")

A write is answered when it is on disk. Values are bytes; a `str` is stored as UTF-8. A plugin that imports this needs
the grant `wasi:keyvalue`; with a contract of its own it has to import `wasi:keyvalue/store` and, for `increment`,
`wasi:keyvalue/atomics`.
"""

from __future__ import annotations

from typing import Any, Iterator


class StoreError(Exception):
    """The host could not do it; the text says why."""


def open(name: str = "default") -> Bucket:
    """The plugin's own store."""
    from wit_world.imports import store

    return Bucket(_try(store.open, name))


class Bucket:
    """Keys and values that outlive the call. The methods are those of a `dict`."""

    def __init__(self, bucket: Any) -> None:
        self._bucket = bucket

    def get(self, key: str, default: Any = None) -> Any:
        """The value as bytes, or `default`."""
        value = _try(self._bucket.get, key)
        return default if value is None else bytes(value)

    def __getitem__(self, key: str) -> bytes:
        value = self.get(key)
        if value is None:
            raise KeyError(key)
        return value

    def __setitem__(self, key: str, value: bytes | str) -> None:
        _try(self._bucket.set, key, value.encode() if isinstance(value, str) else bytes(value))

    def __delitem__(self, key: str) -> None:
        if key not in self:
            raise KeyError(key)
        _try(self._bucket.delete, key)

    def discard(self, key: str) -> None:
        """Deletes the key, if it is there."""
        _try(self._bucket.delete, key)

    def __contains__(self, key: object) -> bool:
        return isinstance(key, str) and _try(self._bucket.exists, key)

    def __iter__(self) -> Iterator[str]:
        """Every key, in the order of creation; fetched a page at a time."""
        cursor = None
        while True:
            page = _try(self._bucket.list_keys, cursor)
            yield from page.keys
            cursor = page.cursor
            if cursor is None:
                return

    keys = __iter__

    def items(self) -> Iterator[tuple[str, bytes]]:
        """Every key with its value; one that goes in between is left out."""
        for key in self:
            value = self.get(key)
            if value is not None:
                yield key, value

    def increment(self, key: str, by: int = 1) -> int:
        """Adds to a number, in one step that no other call comes in between of, and gives the sum. None is 0."""
        from wit_world.imports import atomics

        return _try(atomics.increment, self._bucket, key, by)


def _try(call: Any, *args: Any) -> Any:
    from componentize_py_types import Err

    try:
        return call(*args)
    except Err as error:
        value = error.value
        raise StoreError(getattr(value, "value", None) or type(value).__name__) from None

"""Python's types that are a formatted string in WIT and JSON: times, dates, durations, ids."""

from __future__ import annotations

import datetime
import re
import uuid
from typing import Any, Callable


class Format:
    """A type and its text. `name` is the WIT type's, an alias of `string` with `keywords`."""

    def __init__(
        self, name: str, python: type, docs: str, keywords: list[str], parse: Callable[[str], Any], print: Callable[[Any], str]
    ) -> None:
        self.name, self.python, self.docs, self.keywords = name, python, docs, keywords
        self.parse, self.print = parse, print


def _with_offset(text: str) -> str:
    # Until Python 3.11 only "+00:00" was read. RFC 3339 has "z" and a space or "t" between date and time as well.
    return text[:-1] + "+00:00" if text[-1] in "Zz" else text


def _parse_fraction(text: str) -> str:
    # Until Python 3.11 only three or six digits were read; RFC 3339 has any number. What is finer than a microsecond is cut.
    return re.sub(r"\.(\d+)", lambda digits: "." + (digits[1] + "000000")[:6], text)


def parse_datetime(text: str) -> datetime.datetime:
    return datetime.datetime.fromisoformat(_parse_fraction(_with_offset(text.upper().replace(" ", "T"))))


def print_datetime(value: datetime.datetime) -> str:
    # A time without an offset is local time (so says Python), and a plugin's local time is UTC.
    return (value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)).isoformat().replace("+00:00", "Z")


def parse_time(text: str) -> datetime.time:
    return datetime.time.fromisoformat(_parse_fraction(_with_offset(text)))


def print_time(value: datetime.time) -> str:
    return (value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)).isoformat().replace("+00:00", "Z")


# ISO 8601 without years and months, which have no fixed length. `P` alone, which is none, is let through: a duration of 0.
DURATION_RULE = r"^-?P(\d{1,8}D)?(T(\d{1,9}H)?(\d{1,9}M)?(\d{1,9}(\.\d{1,9})?S)?)?$"


def parse_duration(text: str) -> datetime.timedelta:
    sign = -1 if text.startswith("-") else 1
    found = re.match(r"-?P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:\.(\d+))?S)?)?$", text)
    if found is None:
        raise ValueError(f"{text!r} is no duration")
    days, hours, minutes, seconds, fraction = (part or "0" for part in found.groups())
    micros = int((fraction + "000000")[:6])
    return sign * datetime.timedelta(int(days), int(seconds), micros, 0, int(minutes), int(hours))


def print_duration(value: datetime.timedelta) -> str:
    sign, value = ("-", -value) if value < datetime.timedelta(0) else ("", value)
    hours, rest = divmod(value.seconds, 3600)
    minutes, seconds = divmod(rest, 60)
    fraction = f".{value.microseconds:06}".rstrip("0") if value.microseconds else ""
    time = "".join(
        f"{count}{unit}" for count, unit in ((hours, "H"), (minutes, "M")) if count
    ) + (f"{seconds}{fraction}S" if seconds or fraction else "")
    days = f"{value.days}D" if value.days else ""
    return f"{sign}P{days}{'T' + time if time else ''}" if days or time else "PT0S"


# `datetime` before `date`, whose subclass it is.
FORMATS = (
    Format("date-time", datetime.datetime, "A date and a time with its offset, as RFC 3339 writes them.", ["@format date-time"], parse_datetime, print_datetime),
    Format("date", datetime.date, "A date, as RFC 3339 writes it.", ["@format date"], datetime.date.fromisoformat, datetime.date.isoformat),
    Format("time-of-day", datetime.time, "A time of day with its offset, as RFC 3339 writes it.", ["@format time"], parse_time, print_time),
    Format("duration", datetime.timedelta, "A duration of days, hours, minutes and seconds, as ISO 8601 writes it.", [f"@pattern {DURATION_RULE}", "@maxLength 60", '@example "P1DT2H"'], parse_duration, print_duration),
    Format("uuid", uuid.UUID, "A UUID, as RFC 4122 writes it.", ["@format uuid"], uuid.UUID, str),
)

"""What goes wrong: for a client (`HTTPException`, `Error`), and for the author (`ContractError`)."""

from __future__ import annotations


class HTTPException(Exception):
    """Answers the request with an error.

    The answer is a problem document (RFC 9457) with this status; its member `error` is
    `{"status": …, "detail": …}`.

    `status_code` is from 400 to 599, else the host answers 500. `detail` is a text; WIT has no type for "any JSON".
    """

    def __init__(self, status_code: int, detail: str | None = None) -> None:
        super().__init__(status_code, detail)
        self.status_code = status_code
        self.detail = _PHRASES.get(status_code, "Error") if detail is None else detail

    def __str__(self) -> str:
        return f"{self.status_code}: {self.detail}"


_PHRASES = {
    400: "Bad Request",
    401: "Unauthorized",
    402: "Payment Required",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    410: "Gone",
    412: "Precondition Failed",
    413: "Content Too Large",
    422: "Unprocessable Content",
    423: "Locked",
    429: "Too Many Requests",
    500: "Internal Server Error",
    501: "Not Implemented",
    503: "Service Unavailable",
    504: "Gateway Timeout",
}


class ContractError(Exception):
    """What WIT cannot say, or not as it was meant. Names the place in the source, what was expected and what was found."""

    def __init__(self, place: Place, found: str, expected: str) -> None:
        super().__init__(place, found, expected)
        self.place, self.found, self.expected = place, found, expected

    def __str__(self) -> str:
        # What follows a semicolon explains what is expected, and comes last.
        expected, semicolon, help = self.expected.partition("; ")
        return f"{self.place}: expected {expected}, found {self.found}{semicolon}{help}"


class Place:
    """Where in the author's source something stands."""

    def __init__(self, file: str, line: int, subject: str) -> None:
        self.file, self.line, self.subject = file, line, subject

    def within(self, part: str) -> Place:
        return Place(self.file, self.line, f"{self.subject}, {part}" if self.subject else part)

    def at(self, line: int) -> Place:
        return Place(self.file, line, self.subject)

    def __str__(self) -> str:
        from .source import shown

        return f"{shown(self.file)}:{self.line}: {self.subject}" if self.file else self.subject

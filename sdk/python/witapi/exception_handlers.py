"""For a good error: FastAPI's handlers, which no contract tells of. See `API.exception_handler`."""


def http_exception_handler(*_: object) -> None:
    raise NotImplementedError


def request_validation_exception_handler(*_: object) -> None:
    raise NotImplementedError

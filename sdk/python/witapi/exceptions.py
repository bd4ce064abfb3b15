"""FastAPI's module of exceptions."""

from .errors import HTTPException


class RequestValidationError(Exception):
    """Never raised: a request that does not fit the contract is answered by the host, before any Python runs."""


__all__ = ["HTTPException", "RequestValidationError"]

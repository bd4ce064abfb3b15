"""For a good error: FastAPI's classes of responses. What a function returns is the answer; see `README.md`."""

from . import Response


class JSONResponse(Response):
    pass


class RedirectResponse(Response):
    pass


class PlainTextResponse(Response):
    pass


class HTMLResponse(Response):
    pass


class StreamingResponse(Response):
    pass


class FileResponse(Response):
    pass

"""Answers HTTP requests."""

from componentize_py_types import Ok
from wit_world import exports
from wit_world.imports.types import (
    Fields,
    IncomingRequest,
    OutgoingBody,
    OutgoingResponse,
    ResponseOutparam,
)

from greeting import greeting


class IncomingHandler(exports.IncomingHandler):
    def handle(self, request: IncomingRequest, response_out: ResponseOutparam) -> None:
        text = greeting(request.path_with_query() or "/")

        response = OutgoingResponse(Fields())
        body = response.body()
        ResponseOutparam.set(response_out, Ok(response))
        with body.write() as stream:
            # A stream takes 4096 bytes at a time.
            stream.blocking_write_and_flush(text.encode())
        OutgoingBody.finish(body, None)

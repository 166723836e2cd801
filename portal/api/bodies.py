"""Reading request bodies and parameters strictly: invalid input is refused, never guessed.

Decision: dependencies read bodies, not the framework. So no body is read for a visitor who may not write, the size is
checked while the bytes arrive, and `rules.strict_json` reads the JSON.
"""

import zlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from itertools import chain
from typing import Annotated, Any, Generic, TypeVar, get_origin

from fastapi import APIRouter, Depends, Path
from fastapi.params import Depends as Dependency
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request

from portal.errors import InvalidInput, PortalError, TooLarge, UnsupportedMediaType
from portal.rules.instants import parse_instant
from portal.rules.strict_json import MalformedJson, read_json
from portal.rules.validation import first_problem
from portal.web.bodies import largest_body, too_large
from portal.web.visitors import signed_in

JSON = "application/json"
LARGEST_ID = 2**63 - 1
ENCODINGS = {"gzip": zlib.MAX_WBITS + 16, "x-gzip": zlib.MAX_WBITS + 16, "deflate": zlib.MAX_WBITS}
"""Content encodings of gateways, with their zlib window; some programs send raw DEFLATE as `deflate`."""


class Body(BaseModel):
    """A JSON object without unknown fields and without type conversion: 1 is not true, "1" is not 1."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


Model = TypeVar("Model", bound=BaseModel)


class JsonBody(Generic[Model]):
    """A dependency that returns the JSON body as `model`."""

    def __init__(self, model: type[Model]) -> None:
        self.model = model

    async def __call__(self, request: Request) -> Model:
        """Read and check the body. Raises PortalError (400, 413, 415, 422)."""
        media_type(request, JSON)
        return validated(self.model, parse_json(await read_body(request)))


def body_documentation(model: type[BaseModel], others: Mapping[str, object] | None = None) -> dict[str, Any]:
    """Return the documentation of a body: JSON of `model`, and `others` as schemas by media type."""
    schemas = {JSON: model.model_json_schema()} | dict(others or {})
    return {"requestBody": {"required": True, "content": {kind: {"schema": s} for kind, s in schemas.items()}}}


def validated(model: type[Model], value: object) -> Model:
    """Return a value as `model`. Raises InvalidInput with the name of the field."""
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise InvalidInput(*first_problem(error.errors(include_url=False, include_input=False))) from None


def parse_json(body: bytes) -> object:
    """Return the value of a JSON body. Raises PortalError (400) for invalid JSON."""
    try:
        return read_json(body)
    except MalformedJson as error:
        raise PortalError(str(error)) from None


def media_type(request: Request, *taken: str) -> str:
    """Return the media type of the body, in lower case. Raises UnsupportedMediaType unless it is one of `taken`."""
    kind, _, parameters = request.headers.get("content-type", "").lower().partition(";")
    if kind.strip() not in taken or parameters.replace('"', "").strip() not in {"", "charset=utf-8"}:
        raise UnsupportedMediaType(f"Send the body as {' or '.join(taken)}, in UTF-8.")
    return kind.strip()


async def read_body(request: Request, most: int | None = None, *, compressed: bool = False) -> bytes:
    """Return the body, decompressed. Raises TooLarge above `most` bytes, by default the limit of the route.

    Raises UnsupportedMediaType for a compressed body unless `compressed` allows it, and for an encoding that is not in
    `ENCODINGS`; PortalError for a body that is not in its encoding. The guard counts the bytes that arrive.
    """
    encoding = request.headers.get("content-encoding", "").strip().lower() or "identity"
    if encoding != "identity" and not (compressed and encoding in ENCODINGS):
        known = f"or with {' or '.join(ENCODINGS)}" if compressed else "without Content-Encoding"
        raise UnsupportedMediaType(f"Send the body uncompressed, {known}.")
    body, most = await request.body(), most or largest_body(request.url.path)
    if len(body) > most:
        raise too_large(most)
    return body if encoding == "identity" else await run_in_threadpool(decompressed, body, encoding, most)


def decompressed(body: bytes, encoding: str, most: int) -> bytes:
    """Return the decompressed body, never more than `most` bytes. Raises PortalError and TooLarge."""
    raw_deflate = encoding == "deflate" and body[:1] and (body[0] & 15 != 8 or int.from_bytes(body[:2], "big") % 31)
    window = -zlib.MAX_WBITS if raw_deflate else ENCODINGS[encoding]
    content, rest = b"", body
    while rest or not content:  # gzip may have several members
        unpacker = zlib.decompressobj(window)
        try:
            content += unpacker.decompress(rest, most + 1 - len(content))
        except zlib.error:
            raise PortalError(f"The body is not compressed with {encoding}, as it says.") from None
        if len(content) > most:
            raise TooLarge(f"The body is larger than {most:,} bytes when it is unpacked.")
        if not unpacker.eof:
            raise PortalError("The compressed body ends too early.")
        rest = unpacker.unused_data
        if rest and encoding == "deflate":
            raise PortalError("The compressed body ends too late.")
        if not rest:
            break
    return content


async def no_body(request: Request) -> None:
    """Raise InvalidInput for a body, except an empty JSON object."""
    body = await read_body(request)
    if body.strip() and parse_json(body) != {}:
        raise InvalidInput("This address takes no body.")


async def strict_query(request: Request) -> None:
    """Raise InvalidInput for unknown or repeated query parameters, but only after sign-in below `/user/`."""
    try:
        check_query(request)
    except InvalidInput:
        if request.url.path.startswith("/user/"):
            await run_in_threadpool(signed_in, request)
        raise


def check_query(request: Request) -> None:
    """Raise InvalidInput for repeated query parameters, and for any on a route that takes none."""
    names = [name for name, _ in request.query_params.multi_items()]
    known = request.scope["route"].dependant.query_params
    once = [name for name in names if name not in _lists(known)]
    if len(once) != len(set(once)):
        raise InvalidInput("A query parameter is given twice.")
    if names and not known:
        raise InvalidInput("This address takes no query parameters.")


def _lists(parameters: Sequence[Any]) -> set[str]:
    """Return the names of parameters that are lists, which may be repeated."""
    models = (parameter.field_info.annotation for parameter in parameters)
    fields = (each.model_fields.items() for each in models if isinstance(each, type) and issubclass(each, BaseModel))
    return {name for name, field in chain.from_iterable(fields) if get_origin(field.annotation) is list}


def parse_digits(text: str) -> int:
    """Return a whole number of digits only: no sign, no space, no `1_0`. Raises ValueError."""
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(LARGEST_ID))):
        raise ValueError("Write a whole number.")
    return int(text)


Digits = Annotated[int, BeforeValidator(parse_digits)]
Instant = Annotated[datetime, BeforeValidator(parse_instant), Field(description="ISO 8601 with an offset")]
RowId = Annotated[Digits, Path(ge=1, le=LARGEST_ID)]
NO_BODY = Depends(no_body)


def strict_router(*tags: str, dependencies: Sequence[Dependency] = ()) -> APIRouter:
    """Return a router with routes that refuse unknown query parameters."""
    return APIRouter(
        tags=list(tags),
        dependencies=[Depends(strict_query), *dependencies],
        generate_unique_id_function=lambda route: route.name,
    )

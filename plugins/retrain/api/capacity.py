"""The pages' own threads: few, so that a system that hangs takes none of those that Airflow's API and its tasks need."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial, wraps
from inspect import iscoroutinefunction
from typing import Any, Final, ParamSpec, TypeVar

from airflow.api_fastapi.core_api.security import bearer_scheme, get_user
from anyio import CapacityLimiter, WouldBlock, move_on_after, to_thread
from anyio.lowlevel import RunVar
from fastapi import Request, Response
from fastapi.responses import StreamingResponse
from fastapi.routing import APIRoute
from starlette.types import Send

from retrain.errors import OutageError

__all__ = [
    "EXPORTS",
    "PLACES",
    "BusyError",
    "EndingStream",
    "Handler",
    "PageRoute",
    "in_thread",
    "in_turn",
    "take_place",
    "threaded",
]

PLACES: Final = 8
"""How many requests one api-server process works on at once, each in one thread; one more is refused at once."""
EXPORTS: Final = 2
"""How many of the threads may read for exports at once; further exports wait for each of their reads."""

STREAM_SECONDS: Final = 600
"""How long a reader may take for an export."""

P = ParamSpec("P")
T = TypeVar("T")
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class BusyError(OutageError):
    """The request would have to wait.

    Args:
        got: What it would have to wait for.
    """

    headers: Final = {"retry-after": "2"}

    def __init__(self, got: str) -> None:
        super().__init__(
            "the pages must have room for the request",
            got=got,
            fix="Try again in a moment; if it stays, check that the ledger's database and the store answer.",
        )


@dataclass(frozen=True)
class _Capacity:
    places: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(PLACES))
    threads: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(PLACES))
    exports: CapacityLimiter = field(default_factory=lambda: CapacityLimiter(EXPORTS))


_CAPACITY: Final[RunVar[_Capacity]] = RunVar("retrain.api.capacity")


def _capacity() -> _Capacity:
    """Return the capacity of the running event loop, of which an api-server process has one."""
    found = _CAPACITY.get(None)
    if found is None:
        _CAPACITY.set(found := _Capacity())
    return found


@contextmanager
def take_place() -> Iterator[None]:
    """Keep one of the places.

    Raises:
        BusyError: All of them are taken.
    """
    places, holder = _capacity().places, object()
    try:
        places.acquire_on_behalf_of_nowait(holder)
    except WouldBlock:
        raise BusyError(f"{PLACES} requests that still wait for an answer") from None
    try:
        yield
    finally:
        places.release_on_behalf_of(holder)


async def in_thread(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function in one of the pages' threads; it ends there even if nobody waits for it any more."""
    return await to_thread.run_sync(function, *arguments, limiter=_capacity().threads)


async def in_turn(function: Callable[..., T], *arguments: Any) -> T:
    """Call a function as `in_thread` does, once it is an export's turn."""
    async with _capacity().exports:
        return await in_thread(function, *arguments)


class EndingStream(StreamingResponse):
    """A streamed response that is cut off if its reader takes too long."""

    async def stream_response(self, send: Send) -> None:
        """Send the parts; without the end of the body if the time is over, so that the reader notices."""
        with move_on_after(STREAM_SECONDS):
            await super().stream_response(send)


def threaded(function: Callable[P, T]) -> Callable[P, Coroutine[Any, Any, T]]:
    """Return a function that does the same in one of the pages' threads, as a dependency of a route."""

    @wraps(function)
    async def run(*args: P.args, **kwargs: P.kwargs) -> T:
        return await in_thread(partial(function, *args, **kwargs))

    return run


class PageRoute(APIRoute):
    """A route whose function runs in the pages' threads, for a signed-in user, while there is a place for it.

    FastAPI would run it in a thread that the api-server shares with everything else.
    """

    def __init__(self, path: str, endpoint: Callable[..., Any], **options: Any) -> None:
        if not iscoroutinefunction(
            endpoint
        ):  # a router that includes this route makes another one of the same function
            endpoint = threaded(_to_json(endpoint, options.get("status_code") or 200))
        super().__init__(path, endpoint, **options)

    def get_route_handler(self) -> Handler:
        """Return the handler, which takes a place only for a user who is signed in."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            user = await get_user(request, None, await bearer_scheme(request))
            request.state.actor = str(user.get_name())
            with take_place():
                return await self.answer(request, handle)

        return answer

    async def answer(self, request: Request, handle: Handler) -> Response:
        """Answer a request that has a place; `request.state.actor` is the user's name."""
        return await handle(request)


def _to_json(function: Callable[..., Any], status: int) -> Callable[..., Response]:
    """Return a function whose result is written as JSON at once: FastAPI would do so between all other requests."""

    @wraps(function)
    def answer(**given: Any) -> Response:
        result = function(**given)
        if isinstance(result, Response):
            return result
        return Response(result.model_dump_json(), status, media_type="application/json")

    return answer

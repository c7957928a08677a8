"""One operation of the API, written once for both clients.

A method of `Operations` describes its request; as an attribute of a `Client` it is a method that
returns the answer, as one of an `AsyncClient` a method to be awaited, with the same parameters.
The types say so too.

    @operation("GET", "/v2/messages/{message_id}")
    def message(self, message_id: str) -> Ask[MessageState]:
        return Ask(json(MessageState), path={"message_id": message_id})

    client.message("…")          # MessageState
    await async_client.message("…")
"""

from __future__ import annotations

import functools
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator, Sequence
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from .feed import Feed
from .request import Ask, Call
from .transport import AsyncTransport, SyncTransport

P = ParamSpec("P")
T = TypeVar("T")
Page = TypeVar("Page")
Item = TypeVar("Item")


class Operation(Generic[P, T]):
    """A request with one answer."""

    def __init__(
        self, method: str, route: str, describe: Callable[Concatenate[Any, P], Ask[T]]
    ) -> None:
        self.method = method
        self.route = route
        self.describe = describe
        self.__doc__ = describe.__doc__

    def call(self, *args: P.args, **kwargs: P.kwargs) -> Call[T]:
        """The request with these arguments."""
        return Call.of(self.method, self.route, self.describe(None, *args, **kwargs))

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: SyncTransport, owner: type) -> Callable[P, T]: ...
    @overload
    def __get__(
        self, client: AsyncTransport, owner: type
    ) -> Callable[P, Coroutine[Any, Any, T]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        if client is None:
            return self

        @functools.wraps(self.describe)
        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.perform(self.call(*args, **kwargs))

        return method


class Paged(Generic[P, Item]):
    """All items of an operation that answers with pages: an iterator that asks as it goes."""

    def __init__(
        self,
        pages: Operation[P, Any],
        items: Callable[[Any], Sequence[Item]],
        following: Callable[[Any], dict[str, object] | None],
    ) -> None:
        self._pages = pages
        self._items = items
        self._following = following

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: SyncTransport, owner: type) -> Callable[P, Iterator[Item]]: ...
    @overload
    def __get__(self, client: AsyncTransport, owner: type) -> Callable[P, AsyncIterator[Item]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        if client is None:
            return self
        go = self._each if isinstance(client, SyncTransport) else self._each_async

        @functools.wraps(self._pages.describe)
        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return go(client, self._pages.call(*args, **kwargs))

        return method

    def _each(self, client: SyncTransport, call: Call[Any]) -> Iterator[Item]:
        following: dict[str, object] | None = {}
        while following is not None:
            call = call.with_query(**following)
            page = client.perform(call)
            yield from self._items(page)
            following = self._following(page)

    async def _each_async(self, client: AsyncTransport, call: Call[Any]) -> AsyncIterator[Item]:
        following: dict[str, object] | None = {}
        while following is not None:
            call = call.with_query(**following)
            page = await client.perform(call)
            for item in self._items(page):
                yield item
            following = self._following(page)


class Downloading(Generic[P]):
    """The answer of an operation as it comes, so that no size of it needs memory: an iterator of
    bytes. Raises Unavailable where it breaks off."""

    def __init__(self, whole: Operation[P, bytes]) -> None:
        self._whole = whole

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: SyncTransport, owner: type) -> Callable[P, Iterator[bytes]]: ...
    @overload
    def __get__(self, client: AsyncTransport, owner: type) -> Callable[P, AsyncIterator[bytes]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        if client is None:
            return self

        @functools.wraps(self._whole.describe)
        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            return client.download(self._whole.call(*args, **kwargs))

        return method


class Streaming(Generic[P, T]):
    """An operation that answers with a stream of items."""

    def __init__(
        self, method: str, route: str, describe: Callable[Concatenate[Any, P], Feed[T]]
    ) -> None:
        self.method = method
        self.route = route
        self._describe = describe
        self.__doc__ = describe.__doc__

    @overload
    def __get__(self, client: None, owner: type) -> Self: ...
    @overload
    def __get__(self, client: SyncTransport, owner: type) -> Callable[P, Iterator[T]]: ...
    @overload
    def __get__(self, client: AsyncTransport, owner: type) -> Callable[P, AsyncIterator[T]]: ...
    def __get__(self, client: Any, owner: type) -> Any:
        if client is None:
            return self

        @functools.wraps(self._describe)
        def method(*args: P.args, **kwargs: P.kwargs) -> Any:
            feed = self._describe(None, *args, **kwargs)
            return client.follow(Call.of(self.method, self.route, feed.ask), feed)

        return method


def operation(
    method: str, route: str
) -> Callable[[Callable[Concatenate[Any, P], Ask[T]]], Operation[P, T]]:
    """Marks a description of a request as the operation of that route."""
    return lambda describe: Operation(method, route, describe)


def streaming(
    method: str, route: str
) -> Callable[[Callable[Concatenate[Any, P], Feed[T]]], Streaming[P, T]]:
    """Marks a description of a stream as the operation of that route."""
    return lambda describe: Streaming(method, route, describe)


def downloading(whole: Operation[P, bytes]) -> Downloading[P]:
    """The answer of an operation piece by piece."""
    return Downloading(whole)


def paged(
    pages: Operation[P, Page],
    items: Callable[[Page], Sequence[Item]],
    following: Callable[[Page], dict[str, object] | None],
) -> Paged[P, Item]:
    """The items of all pages of an operation. `following`: the parameters of the page after this
    one, None after the last."""
    return Paged(pages, items, following)

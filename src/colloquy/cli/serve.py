"""`colloquy serve` and `colloquy worker`: the engine as a process."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Callable, Coroutine, Iterator
from typing import TYPE_CHECKING, Annotated, Any

import typer

from ..model.errors import ColloquyError, InvalidInput
from ..settings import shown
from .app import AppOption, chosen_app, load_app
from .options import Json, Where, command, settings_of
from .output import print_json

if TYPE_CHECKING:
    from ..app import Colloquy
    from ..runtime import Runtime
    from ..settings import Resolution, Settings

FIRST_KEY = "first admin key"
Workers = Annotated[
    int | None, typer.Option("--workers", min=0, max=64, help="Compute processes; 0: none.")
]


def register(root: typer.Typer) -> None:
    @command(root, "serve")
    def serve(
        where: Where,
        app: AppOption = None,
        host: Annotated[str | None, typer.Option("--host", help="Address to listen on.")] = None,
        port: Annotated[
            int | None,
            typer.Option("--port", min=0, max=65535, help="Port; 0 lets the system choose."),
        ] = None,
        workers: Workers = None,
        reload: Annotated[
            bool, typer.Option("--reload", help="Restart when a source file changes.")
        ] = False,
        dev: Annotated[
            bool, typer.Option("--dev", help="Requests from this machine need no API key.")
        ] = False,
        json: Json = False,
    ) -> int:
        """Runs an assistant: HTTP API, chat page, pipeline. Ctrl-C stops it gracefully.

        The first start on a new database makes an admin key and shows it once. SIGUSR1 makes it
        read the settings `understanding.…` again and go over to other models without a pause.
        """
        if reload:
            from .reload import watch

            return watch(
                where, app=app, host=host, port=port, workers=workers, dev=dev, as_json=json
            )
        loaded = load_app(chosen_app(app, where))

        def read() -> Resolution:
            return settings_for(
                loaded,
                where,
                host=host,
                port=port,
                workers=workers,
                **{"security.trust_loopback": dev or None},
            )

        _run(_serve(loaded, read, json))
        return 0

    @command(root, "worker")
    def worker(
        where: Where, app: AppOption = None, workers: Workers = None, json: Json = False
    ) -> None:
        """Runs a pipeline worker without HTTP beside other processes. Needs PostgreSQL."""
        loaded = load_app(chosen_app(app, where))

        def read() -> Resolution:
            return settings_for(loaded, where, workers=workers)

        resolution = read()
        if resolution.settings.sqlite_file is not None:
            raise InvalidInput(
                "on SQLite one process does everything (serve); workers need PostgreSQL",
                field="database_url",
            )
        _run(_work(loaded, resolution, read, json))


def settings_for(app: Colloquy, where: Where, **overrides: object) -> Resolution:
    """The settings of a process: `--config` instead of the file that the assistant names."""
    if where.config is not None:
        return settings_of(where, **overrides)
    return app.resolution(where.overrides(**overrides))


def _run(work: Coroutine[Any, Any, None]) -> None:
    import uvloop

    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(work)


def _runtime(app: Colloquy, resolution: Resolution) -> Runtime:
    from ..privacy import mask
    from ..runtime import Runtime
    from ..telemetry import configure

    settings = resolution.settings
    configure(settings.log_level, settings.log_format, mask=mask)
    return Runtime(app, resolution)


async def _serve(app: Colloquy, read: Callable[[], Resolution], as_json: bool) -> None:
    from ..server.run import serve

    runtime = _runtime(app, read())
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve(runtime, on_ready=ready.set_result))
    await asyncio.wait((ready, serving), return_when=asyncio.FIRST_COMPLETED)
    if ready.done():
        tell(await ready, runtime.settings, await first_key(runtime), as_json)
        with _switching(runtime, read):
            await serving
    await serving


async def first_key(runtime: Runtime) -> str | None:
    """The secret of a new admin key when the database has no key at all, else None."""
    if not runtime.settings.security.auth or await runtime.list_keys():
        return None
    return (await runtime.create_key(FIRST_KEY, ["admin"])).secret


def tell(url: str, settings: Settings, key: str | None, as_json: bool) -> None:
    """Says where the server is, on standard output; the log goes to the other."""
    if as_json:
        places = {"chat": f"{url}/chat", "console": f"{url}/console"}
        print_json({"url": url, **places, "admin_key": key})
        return
    print(f"Colloquy serves {shown('database_url', settings.database_url)}")
    print(f"  console    {url}/console")
    print(f"  chat page  {url}/chat")
    print(f"  API        {url}/v2/messages   (described at {url}/v2/openapi.json)")
    if key is not None:
        print(f"  admin key  {key}")
        print("             shown this once: keep it. Others: colloquy keys create NAME")
    print("  Ctrl-C stops it.", flush=True)


async def _work(
    app: Colloquy, resolution: Resolution, read: Callable[[], Resolution], as_json: bool
) -> None:
    runtime = _runtime(app, resolution)
    await runtime.start()
    if as_json:
        print_json({"worker": runtime.name})
    else:
        database = shown("database_url", runtime.settings.database_url)
        print(f"Worker {runtime.name} is at work on {database}. Ctrl-C stops it.", flush=True)
    try:
        with _switching(runtime, read):
            await stop_signal()
    finally:
        await runtime.stop()


@contextlib.contextmanager
def _switching(runtime: Runtime, read: Callable[[], Resolution]) -> Iterator[None]:
    """SIGUSR1 makes the engine go over to the models that the settings name by then.

    What is wrong with them is logged, and everything stays as it is.
    """
    from ..telemetry import get_logger

    log = get_logger(__name__)
    heard = asyncio.Event()

    async def switch() -> None:
        while True:
            await heard.wait()
            heard.clear()
            try:
                await runtime.switch_models(read().settings.understanding)
            except ColloquyError as error:
                log.error("models_not_switched", code=error.code, detail=error.detail)
            except Exception:
                # Whatever it is, the engine works on, and the next signal is heard.
                log.exception("models_not_switched")

    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGUSR1, heard.set)
    task = loop.create_task(switch(), name="switch-models")
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGUSR1)
        task.cancel()


async def stop_signal() -> None:
    """Returns on SIGINT or SIGTERM."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    await stopped.wait()

"""What the runtime needs of an app: its handlers, its pack, and what understands its messages."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from ..delivery.outbox import PushChannel
from ..model.errors import NotFound, Unavailable
from ..packs import PROPERTY_PACK
from ..replies.handlers import Handlers
from ..settings import Settings
from ..understanding.analyse import Item, Understood
from ..understanding.compute import ComputePool, InlineCompute, load_analyser
from ..understanding.pack import Pack, load_pack, pack_from_examples
from ..understanding.train import ensure_model

SHIPPED_PACKS = {"property": PROPERTY_PACK}


class Assistant(Protocol):
    """What the runtime needs of an app."""

    handlers: Handlers
    channels: dict[str, PushChannel]
    pack: str | Path | None

    def settings(self, overrides: dict[str, str] | None = None) -> Settings: ...


class Understander(Protocol):
    """Something that understands batches: compute processes, or this process itself."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def analyse(self, items: list[Item]) -> list[Understood]: ...

    def stats(self) -> dict[str, Any]: ...


class NoUnderstanding:
    """For a process that never runs a turn."""

    async def start(self) -> None:
        """Nothing to load."""

    async def stop(self) -> None:
        """Nothing to stop."""

    async def analyse(self, items: list[Item]) -> list[Understood]:
        raise Unavailable("this process understands nothing: it was started without a worker")

    def stats(self) -> dict[str, Any]:
        return {}


def find_pack(name: str | Path) -> Path:
    """The path of a shipped pack or of a file. Raises NotFound."""
    shipped = SHIPPED_PACKS.get(str(name))
    path = shipped if shipped is not None else Path(name)
    if not path.exists():
        raise NotFound(
            f"no pack {name}: neither a file nor one of {', '.join(SHIPPED_PACKS)}", field="pack"
        )
    return path


def pack_of(app: Assistant, settings: Settings) -> Pack | None:
    """The pack of the app or the settings, with the examples that handlers bring."""
    name = app.pack if app.pack is not None else settings.pack
    examples: Mapping[str, Sequence[str]] = app.handlers.examples
    if name is not None:
        pack = load_pack(find_pack(name))
        return pack.merge(examples) if examples else pack
    return pack_from_examples(examples) if examples else None


async def start_compute(settings: Settings, pack: Pack | None) -> Understander:
    """Trains what is not trained yet and starts the compute processes, or loads in this one."""
    models = settings.data_folder / "models"
    pack_path = model_path = None
    if pack is not None:
        if pack.trainable:
            model_path = await ensure_model(pack, models)
        models.mkdir(parents=True, exist_ok=True)
        pack_path = models / f"pack-{pack.version}.json"
        if not pack_path.exists():
            temporary = pack_path.with_suffix(f".{os.getpid()}.tmp")
            pack.save(temporary)
            temporary.replace(pack_path)
    if settings.workers == 0:
        inline = InlineCompute(load_analyser(pack_path, model_path))
        await inline.start()
        return inline
    pool = ComputePool(settings.workers, pack_path, model_path)
    await pool.start()
    return pool

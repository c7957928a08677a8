"""What the runtime needs of an app: its handlers, its pack, and what understands its messages."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from msgspec import convert, to_builtins
from msgspec.structs import replace

from ..context.validation import Rule
from ..delivery.outgoing import PushChannel
from ..ledger.steps import StepFunction
from ..model.errors import NotFound, Unavailable
from ..packs import PROPERTY_MODEL, PROPERTY_PACK, SUPPORT_MODEL, SUPPORT_PACK
from ..replies.handlers import Handlers
from ..replies.responder import Responder
from ..replies.tools import Tool
from ..settings import Settings
from ..understanding.compute import ComputePool
from ..understanding.emotion.rules import EmotionRule, EmotionRules
from ..understanding.extension import all_paths
from ..understanding.intent import IntentModel
from ..understanding.pack import Pack, pack_from_examples
from ..understanding.packs.folder import load_pack
from ..understanding.train import ensure_model
from ..understanding.wire import Item, Models, Understood

AUTO = "auto"
"""The setting `understanding.model` when the pack's own model counts."""
SHIPPED_PACKS = {"property": PROPERTY_PACK, "support": SUPPORT_PACK}


class Assistant(Protocol):
    """What the runtime needs of an app."""

    handlers: Handlers
    channels: dict[str, PushChannel]
    rollback_steps: list[tuple[str, StepFunction, float]]
    context_rules: list[Rule]
    emotion_rules: list[EmotionRule]
    pack: str | Path | None
    tools: dict[str, Tool]
    own_responder: Responder | None
    openfeature_domains: list[str | None]

    def settings(self, overrides: dict[str, str] | None = None) -> Settings: ...


class Understander(Protocol):
    """Something that understands batches: compute processes, or this process itself."""

    async def start(self) -> None: ...

    async def stop(self) -> None: ...

    async def analyse(self, items: list[Item]) -> list[Understood]: ...

    async def switch(self, models: Models) -> None: ...

    def stats(self) -> dict[str, Any]: ...


class NoUnderstanding:
    """For a process that never runs a turn."""

    async def start(self) -> None:
        """Nothing to load."""

    async def stop(self) -> None:
        """Nothing to stop."""

    async def analyse(self, items: list[Item]) -> list[Understood]:
        raise Unavailable("this process understands nothing: it was started without a worker")

    async def switch(self, models: Models) -> None:
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
    """The pack of the app or the settings, with the examples that handlers bring and the rules of
    emotion that app and settings do. Raises NotFound, InvalidInput."""
    pack = _taught(app, settings)
    given = [
        convert(to_builtins(rule), EmotionRule) for rule in settings.understanding.emotion_rules
    ]
    rules = [*app.emotion_rules, *given]
    if not rules:
        return pack
    EmotionRules(given, "understanding.emotion_rules")
    EmotionRules(rules)  # there may be too many of both
    pack = pack or Pack(name="handlers")
    return replace(pack, emotions=[*rules, *pack.emotions])


def _taught(app: Assistant, settings: Settings) -> Pack | None:
    name = app.pack if app.pack is not None else settings.pack
    examples: Mapping[str, Sequence[str]] = app.handlers.examples
    if name is not None:
        pack = load_pack(find_pack(name))
        return pack.merge(examples) if examples else pack
    return pack_from_examples(examples) if examples else None


async def start_compute(settings: Settings, pack: Pack | None) -> Understander:
    """Trains what is not trained yet and starts the compute processes, or loads in this one.

    Raises NotFound or InvalidInput for a pack, a model or an extension that cannot be loaded.
    """
    models = await models_of(settings, pack)
    if settings.workers == 0:
        # Only where it is needed: a process with a pool never loads what understands.
        from ..understanding.inline import InlineCompute
        from ..understanding.loading import load

        inline = InlineCompute(*load(models))
        await inline.start()
        return inline
    pool = ComputePool(settings.workers, models=models)
    await pool.start()
    return pool


async def models_of(settings: Settings, pack: Pack | None) -> Models:
    """The files that the settings mean, with the pack's model trained if it is missing."""
    folder = settings.data_folder / "models"
    chosen = settings.understanding
    pack_path = model_path = None
    if chosen.model != AUTO:
        model_path = find_model(chosen.model, folder, "understanding.model")
    if pack is not None:
        if pack.trainable and model_path is None:
            model_path = await ensure_model(pack, folder)
        folder.mkdir(parents=True, exist_ok=True)
        pack_path = folder / f"pack-{pack.version}.json"
        if not pack_path.exists():
            temporary = pack_path.with_suffix(f".{os.getpid()}.tmp")
            pack.save(temporary)
            temporary.replace(pack_path)
    shadow = chosen.shadow
    return Models(
        pack_path,
        model_path,
        shadow_model=(
            find_model(shadow, folder, "understanding.shadow") if shadow is not None else None
        ),
        shadow_share=chosen.shadow_share,
        extensions=tuple(all_paths(chosen.extensions)),
        names=settings.names_file if settings.graph.names_limit else None,
    )


def find_model(name: str, folder: Path, field: str) -> Path:
    """A model by its version, trained into `folder` or shipped, or by its path. Raises NotFound."""
    for path in (folder / f"intent-{name}.model", Path(name)):
        if path.is_file():
            return path
    for path in (PROPERTY_MODEL, SUPPORT_MODEL):
        if IntentModel.load(path).version == name:
            return path
    trained = sorted(path.stem.removeprefix("intent-") for path in folder.glob("intent-*.model"))
    raise NotFound(
        f"no intent model {name}: no file, and of versions there are "
        f"{', '.join(trained) or 'none'} in {folder}",
        field=field,
    )

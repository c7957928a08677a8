"""Loads what understands from its files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .analyse import Analyser
from .emotion.feeling import FeelingReader
from .emotion.rules import EmotionRules
from .emotion.ship import load_shipped
from .encoder.base import load_base, missing
from .encoder.model import EncoderModel
from .entities.names import NamesFile
from .entities.tagger.model import Tagger
from .extension import Extension, load_extensions
from .intent import IntentModel
from .intents.accurate import AccurateIntents
from .intents.budget import Budget
from .intents.several import Several
from .model_files import accurate_name, has_several, several_name, tagger_name
from .packs.folder import load_pack
from .shadow import Shadow
from .wire import Models


def load(models: Models) -> tuple[Analyser, Shadow | None]:
    """What the files hold. Raises NotFound or InvalidInput."""
    extensions = load_extensions(models.extensions)
    shadow = None
    if models.shadow_model is not None or models.shadow_pack is not None:
        other = load_analyser(
            models.shadow_pack or models.pack,
            models.shadow_model or models.model,
            names=models.names,
            limited=False,
        )
        shadow = Shadow(other, models.shadow_share)
    analyser = load_analyser(models.pack, models.model, extensions=extensions, names=models.names)
    return analyser, shadow


def load_analyser(
    pack_path: Path | None,
    model_path: Path | None,
    *,
    extensions: Sequence[Extension] = (),
    names: Path | None = None,
    limited: bool = True,
) -> Analyser:
    """Reads the pack, the intent model, and what was trained for the same pack beside it: the
    tagger, the model of several intents per text, and the accurate tier where it can run. Without
    `limited` nothing is left out to save time: for running history again. Raises NotFound or
    InvalidInput."""
    pack = load_pack(pack_path) if pack_path is not None else None
    model = IntentModel.load(model_path) if model_path is not None else None
    tagger = accurate = several = None
    if pack is not None and model is not None and model_path is not None:
        path = model_path.with_name(tagger_name(pack))
        tagger = Tagger.load(path) if path.exists() else None
        if has_several(pack) and (path := model_path.with_name(several_name(pack))).exists():
            several = Several.load(path)
        path = model_path.with_name(accurate_name(pack))
        if path.exists() and missing() is None:
            accurate = AccurateIntents(EncoderModel.load(path, load_base()))
    rules = EmotionRules(pack.emotions) if pack is not None else None
    return Analyser(
        pack,
        model,
        accurate,
        tagger=tagger,
        several=several,
        feelings=FeelingReader(rules, load_shipped()),
        extensions=extensions,
        gazetteer=NamesFile(names) if names is not None else None,
        budget=Budget() if limited else None,
    )

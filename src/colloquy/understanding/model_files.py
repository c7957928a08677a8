"""How the files of a pack's models are named: by what they were trained on, side by side."""

from __future__ import annotations

from hashlib import blake2b

import msgspec

from .emotion.model import ALGORITHM as SEVERAL_ALGORITHM
from .intent import ALGORITHM
from .pack import Pack
from .vectors.words import load_words


def model_version(pack: Pack) -> str:
    """The version of the intent model that training this pack yields: 12 hex digits."""
    data = msgspec.json.encode(
        [ALGORITHM, load_words().version, pack.training_data()], order="sorted"
    )
    return blake2b(data, digest_size=6).hexdigest()


def intent_name(pack: Pack) -> str:
    return f"intent-{model_version(pack)}.model"


def tagger_name(pack: Pack) -> str:
    return f"tagger-{pack.version}.model"


def accurate_name(pack: Pack) -> str:
    return f"accurate-{model_version(pack)}.model"


def several_name(pack: Pack) -> str:
    """The model of a pack with several intents per text."""
    data = msgspec.json.encode([SEVERAL_ALGORITHM, pack.training_data()], order="sorted")
    return f"several-{blake2b(data, digest_size=6).hexdigest()}.model"


def has_several(pack: Pack) -> bool:
    """Is there a model of several intents per text to be trained?"""
    kinds = sum(bool(intent.examples) for intent in pack.intents.values())
    return pack.multi_label and kinds > 1


def companions(pack: Pack) -> list[str]:
    """The files that belong beside the intent model, the accurate tier aside."""
    names = [tagger_name(pack)] if pack.annotations else []
    return [*names, several_name(pack)] if has_several(pack) else names

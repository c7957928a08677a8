"""Which models the settings mean, and that an assistant's own extensions take part."""

from __future__ import annotations

from pathlib import Path

import pytest

from colloquy import Colloquy, Entity, Label, Reply, Turn, classifier, extractor
from colloquy.model.errors import InvalidInput, NotFound
from colloquy.model.message import Message
from colloquy.model.views import Receipt
from colloquy.packs import PROPERTY_MODEL, PROPERTY_PACK
from colloquy.runtime import Runtime
from colloquy.runtime.assistant import find_model, models_of
from colloquy.settings import Settings, UnderstandingSettings, load_settings
from colloquy.understanding import extension
from colloquy.understanding.extension import Context
from colloquy.understanding.intent import IntentModel
from colloquy.understanding.packs.folder import load_pack

VERSION = IntentModel.load(PROPERTY_MODEL).version


class Rooms:
    name, version = "rooms", "1"

    def extract(self, texts: list[str], contexts: list[Context]) -> list[list[Entity]]:
        found = [(text, text.find("loft")) for text in texts]
        return [[Entity("room", at, at + 4, "loft")] if at >= 0 else [] for _, at in found]


class Mood:
    name, version = "mood", "1"

    def classify(self, texts: list[str], contexts: list[Context]) -> list[list[Label]]:
        return [[Label("calm", 0.75)] for _ in texts]


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(extension, "_registered", {})


def settings(folder: Path, **understanding: str) -> Settings:
    overrides = {f"understanding.{name}": value for name, value in understanding.items()}
    return load_settings(env={}, overrides={"data_dir": str(folder), **overrides})


async def test_by_itself_the_packs_own_model_counts(tmp_path: Path) -> None:
    models = await models_of(settings(tmp_path), load_pack(PROPERTY_PACK))
    assert models.model == PROPERTY_MODEL and models.shadow_model is None
    assert models.pack is not None and models.pack.parent == tmp_path / "models"
    nothing = await models_of(settings(tmp_path), None)
    assert (nothing.pack, nothing.model, nothing.extensions) == (None, None, ())


async def test_a_model_is_chosen_by_version_or_file(tmp_path: Path) -> None:
    folder = tmp_path / "models"
    folder.mkdir()
    trained = folder / "intent-0123456789ab.model"
    trained.write_bytes(PROPERTY_MODEL.read_bytes())
    chosen = settings(
        tmp_path, model="0123456789ab", shadow=VERSION, shadow_share="0.5", extensions="a:B, c.py:D"
    )
    models = await models_of(chosen, load_pack(PROPERTY_PACK))
    assert (models.model, models.shadow_model) == (trained, PROPERTY_MODEL)
    assert (models.shadow_share, models.extensions) == (0.5, ("a:B", "c.py:D"))
    assert find_model(str(trained), folder, "x") == trained
    with pytest.raises(NotFound, match="0123456789ab") as caught:
        await models_of(settings(tmp_path, shadow="other"), None)
    assert caught.value.field == "understanding.shadow"


@pytest.mark.parametrize("workers", ["0", "1"])
def test_extensions_of_an_assistant_reach_its_handlers(workers: str) -> None:
    extractor(Rooms)
    classifier(Mood)
    app = Colloquy()

    @app.on_message
    def answer(turn: Turn) -> Reply:
        found = turn.understanding
        room = found.entity("room")
        return Reply(f"{room.text if room else 'none'} {room and room.extractor} {found.extra}")

    with app.test_client(workers=workers) as client:
        text = client.send("is the loft free?")[0].text
    assert text == "loft rooms {'mood': [{'name': 'calm', 'confidence': 0.75}]}"


def test_an_extension_that_cannot_be_loaded_stops_the_start() -> None:
    app = Colloquy()
    with (
        pytest.raises(InvalidInput, match="no_such_module"),
        app.test_client(**{"understanding.extensions": "no_such_module:X"}),
    ):
        pass


async def test_figures_of_a_shadow(tmp_path: Path) -> None:
    model = str(PROPERTY_MODEL)
    overrides = {"data_dir": str(tmp_path), "database_url": f"sqlite:///{tmp_path}/test.db"}
    overrides |= {
        "preset": "test",
        "understanding.shadow": model,
        "understanding.shadow_share": "1",
    }
    runtime = Runtime(Colloquy(pack="property"), load_settings(env={}, overrides=overrides))
    await runtime.start()
    try:
        receipt = (await runtime.accept([Message(conversation="ana", text="hello")]))[0]
        assert isinstance(receipt, Receipt)
        assert await runtime.wait(receipt.message_id, 60.0) is not None
        text = runtime.render_metrics().decode()
        assert 'colloquy_shadow_total{kind="messages"} 1.0' in text
        assert 'colloquy_shadow_total{kind="same"} 1.0' in text
        assert "colloquy_shadow_confidence_shift 0.0" in text
        await runtime.switch_models(UnderstandingSettings())
        with pytest.raises(NotFound):
            await runtime.switch_models(UnderstandingSettings(model="none such"))
        assert runtime.settings.understanding == UnderstandingSettings()
    finally:
        await runtime.stop()

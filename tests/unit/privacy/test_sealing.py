"""Secrets at rest open only with their key, for their purpose and in their row."""

import base64
import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from colloquy.model.errors import SecretUnreadable
from colloquy.privacy import Sealer

KEY = base64.b64encode(bytes(range(32))).decode()
OTHER = base64.b64encode(bytes(range(1, 33))).decode()


@pytest.fixture
def sealer(tmp_path):
    return Sealer(KEY, tmp_path / "app.db.key")


def test_a_secret_comes_back_and_no_two_seals_are_alike(sealer, tmp_path):
    first = sealer.seal(b"secret", purpose="webhook", row="a")
    second = sealer.seal(b"secret", purpose="webhook", row="a")
    assert first != second
    assert b"secret" not in first
    assert sealer.open(first, purpose="webhook", row="a") == b"secret"
    assert sealer.open(second, purpose="webhook", row="a") == b"secret"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("purpose", "row"), [("webhook", "b"), ("session", "a"), ("webhooka", ""), ("", "webhooka")]
)
def test_it_opens_only_in_its_own_row(sealer, purpose, row):
    sealed = sealer.seal(b"secret", purpose="webhook", row="a")
    with pytest.raises(SecretUnreadable, match="damaged or belongs to another row"):
        sealer.open(sealed, purpose=purpose, row=row)


def test_every_changed_byte_is_noticed(sealer):
    sealed = sealer.seal(b"secret", purpose="webhook", row="a")
    for place in range(len(sealed)):
        changed = bytearray(sealed)
        changed[place] ^= 1
        with pytest.raises(SecretUnreadable):
            sealer.open(bytes(changed), purpose="webhook", row="a")
    for length in range(len(sealed)):
        with pytest.raises(SecretUnreadable):
            sealer.open(sealed[:length], purpose="webhook", row="a")


def test_another_key_is_named_as_the_reason(sealer, tmp_path):
    sealed = sealer.seal(b"secret", purpose="webhook", row="a")
    with pytest.raises(SecretUnreadable, match="was sealed under key"):
        Sealer(OTHER, tmp_path / "k").open(sealed, purpose="webhook", row="a")


def test_without_a_setting_a_private_file_is_made_once(tmp_path):
    file = tmp_path / "data" / "app.db.key"
    sealed = Sealer(None, file).seal(b"secret", purpose="webhook", row="a")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [path.name for path in file.parent.iterdir()] == ["app.db.key"]
    assert Sealer(None, file).open(sealed, purpose="webhook", row="a") == b"secret"
    assert Sealer(file.read_text().strip(), tmp_path / "k").open(sealed, purpose="webhook", row="a")


def test_many_at_once_agree_on_one_key(tmp_path):
    file = tmp_path / "app.db.key"
    with ThreadPoolExecutor(16) as pool:
        sealed = list(
            pool.map(
                lambda _: Sealer(None, file).seal(b"secret", purpose="webhook", row="a"), range(64)
            )
        )
    opener = Sealer(None, file)
    assert {opener.open(one, purpose="webhook", row="a") for one in sealed} == {b"secret"}


def test_opening_never_makes_a_key(tmp_path, sealer):
    sealed = sealer.seal(b"secret", purpose="webhook", row="a")
    file = tmp_path / "lost.key"
    with pytest.raises(SecretUnreadable, match="cannot be read"):
        Sealer(None, file).open(sealed, purpose="webhook", row="a")
    assert not file.exists()


@pytest.mark.parametrize("text", ["", "short", "!" * 44, base64.b64encode(b"x" * 31).decode()])
def test_a_key_must_be_32_bytes_in_base64(tmp_path, text):
    file = tmp_path / "app.db.key"
    file.write_text(text)
    with pytest.raises(SecretUnreadable, match="not base64 of 32 bytes"):
        Sealer(None, file).seal(b"secret", purpose="webhook", row="a")

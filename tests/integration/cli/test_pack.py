"""`colloquy pack`: what it says of a pack's intents."""

from __future__ import annotations

from pathlib import Path

import pytest

from support.command_line import Shell

SHOP = """
name: shop
threshold: 0.5
"""
INTENTS = """
billing/refund: |
  - i want my money back
  - please refund my bill
  - refund the last payment
  - give me back what i paid
  - can you refund me
billing/invoice: |
  - send me the invoice
  - i need an invoice for my bill
  - where is my invoice
  - a copy of the invoice please
  - print the invoice for me
parking: |
  - where can i park the car
  - is there a parking space
  - how much is parking
  - is the garage open for cars
  - park the car inside
  - {odd}
"""


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    folder = tmp_path / "shop"
    (folder / "intents").mkdir(parents=True)
    (folder / "pack.yml").write_text(SHOP)
    (folder / "intents" / "all.yml").write_text(INTENTS.replace("{odd}", "is parking free"))
    return folder


def test_explain(alone: Shell, shop: Path) -> None:
    told = alone("pack", "explain", str(shop), "where can i park my car", "--json").json
    assert told["claim"]["intent"] == told["claim"]["guess"] == "parking"
    assert told["nearest"][0]["text"] == "where can i park the car"
    assert {word["word"] for word in told["words"]} == {"where", "can", "i", "park", "my", "car"}
    read = alone("pack", "explain", str(shop), "where can i park my car")
    assert told["reason"] in read.out and "speaks for parking" in read.out


def test_explain_without_a_word(alone: Shell) -> None:
    read = alone("pack", "explain", "property", "...")
    assert "the text has no word to go by" in read.out


def test_evaluate_names_the_example_that_stands_under_the_wrong_intent(
    alone: Shell, shop: Path
) -> None:
    file = shop / "intents" / "all.yml"
    text = file.read_text().replace("is parking free", "please refund my last bill")
    file.write_text(text)
    line = text.splitlines().index("  - please refund my last bill") + 1
    report = alone("pack", "evaluate", str(shop), "--json").json
    assert {
        one["text"]: (one["suggested"], one["file"], one["line"]) for one in report["suspects"]
    }["please refund my last bill"] == ("billing/refund", "intents/all.yml", line)
    assert any("please refund my last bill" in one["texts"] for one in report["confused"])
    shown = alone("pack", "evaluate", str(shop)).out
    assert f"intents/all.yml:{line}" in shown and "only a parent claimed" in shown

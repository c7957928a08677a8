"""What reactions with an emoji say of a reply: a table that was chosen, not fitted.

An emoji that is not in it is kept as it is and rates nothing: nobody knows what it means.
"""

from __future__ import annotations

from ..model.feedback import Rating

TABLE: dict[Rating, str] = {
    "up": "👍 👌",
    5: "❤ 🧡 💛 💚 💙 💜 🖤 🤍 🤎 💕 💖 😍 🥰 🤩 🙏 👏 🎉 🙌 💯 🔥",
    4: "😀 😃 😄 😁 😊 🙂 ☺ 😂 🤣 😎 ✅",
    3: "😮 😯 😲 🤔 😐 😶",
    2: "😢 😕 🙁 ☹ 😞 😟 😔 🙄",
    1: "😡 😠 🤬 😭 🤮 💩 ❌",
    "down": "👎",
}
RATINGS: dict[str, Rating] = {
    emoji: rating for rating, row in TABLE.items() for emoji in row.split()
}
"""Emoji without variation and skin tone → rating."""
_VARIATIONS = "\ufe0e\ufe0f"
_SKIN_TONES = "\U0001f3fb\U0001f3fc\U0001f3fd\U0001f3fe\U0001f3ff"
_DROPPED = dict.fromkeys(map(ord, _VARIATIONS + _SKIN_TONES))


def rating_of(emoji: str) -> Rating | None:
    """What a reaction rates; None where nothing says. Skin tone, and whether it is drawn as text or
    as a picture, make no difference."""
    return RATINGS.get(emoji.translate(_DROPPED))

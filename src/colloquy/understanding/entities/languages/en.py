"""English: what durations, ages and repeats need; `days` and `clock` are its grammar of time."""

from __future__ import annotations

from ..numbers import ONES, TENS
from .lexicon import Lexicon

_AGE_ENDS = r"(?=$|[.,!?;)](?:\s|$)| (?:in|this|next|last|today|tomorrow|and|soon|years?)\b)"
"""What may stand after a bare age: one does not "turn 90 degrees"."""

ENGLISH = Lexicon(
    code="en",
    weekdays=(
        "monday|mon", "tuesday|tues|tue", "wednesday|weds|wed", "thursday|thurs|thur|thu",
        "friday|fri", "saturday|sat", "sunday|sun",
    ),
    months=(
        "january", "february", "march", "april", "may", "june", "july", "august", "september",
        "october", "november", "december",
    ),
    numbers={
        **{word: value for word, value in ONES.items() if value},
        **TENS,
        "a couple of": 2, "couple of": 2, "a few": 3, "a": 1, "an": 1,
    },
    units={
        "second": "seconds|second|secs|sec", "minute": "minutes|minute|mins|min",
        "hour": "hours|hour|hrs|hr|h", "day": "days|day", "week": "weeks|week|wks|wk",
        "month": "months|month|mths", "year": "years|year|yrs|yr",
    },
    phrases={
        "half an hour": "PT30M", "half hour": "PT30M", "half-hour": "PT30M",
        "a quarter of an hour": "PT15M", "quarter of an hour": "PT15M",
        "three quarters of an hour": "PT45M", "an hour and a half": "PT1H30M",
        "half a day": "PT12H", "a fortnight": "P2W", "half a year": "P6M",
        "a year and a half": "P18M", "a couple days": "P2D", "a couple weeks": "P2W",
        "a couple hours": "PT2H", "a couple months": "P2M",
    },
    ages=(
        r"{n}[ -]?(?:years?|yrs?)[ -]olds?", r"{n} ?(?:y/o|yo)(?!\w)",
        r"(?<=\baged )(?:about |around )?{n}", r"(?<=\bage of ){n}", r"(?<=\bage ){n}",
        r"(?<=\bage: ){n}", r"(?:(?<=\bturn )|(?<=\bturned )|(?<=\bturning )){n}" + _AGE_ENDS,
        r"(?:(?<=when he was )|(?<=when she was )|(?<=when i was )|(?<=when they were )){n}"
        + _AGE_ENDS,
    ),
    joint=r"and|,|&",
    every="every single|every|each",
    every_other="other|second",
    adverbs={
        "FREQ=DAILY": "daily|nightly|every day|everyday|each day|every single day|every night"
        "|each night|every single night|every morning|each morning|every single morning"
        "|every afternoon|each afternoon|every evening|each evening|every single evening",
        "FREQ=WEEKLY": "weekly",
        "FREQ=WEEKLY;INTERVAL=2": "biweekly|bi-weekly|fortnightly|every fortnight",
        "FREQ=MONTHLY": "monthly",
        "FREQ=MONTHLY;INTERVAL=3": "quarterly|every quarter",
        "FREQ=YEARLY": "yearly|annually",
        "FREQ=HOURLY": "hourly",
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR": "every weekday|weekdays",
        "FREQ=WEEKLY;BYDAY=SA,SU": "every weekend|weekends",
    },
)  # fmt: skip

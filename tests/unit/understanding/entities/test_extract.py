"""Golden cases of every label, and the promises that hold for any text."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.model.times import to_us
from colloquy.understanding.entities.extract import EntityExtractor, Source
from colloquy.understanding.entities.merging import MAX_ENTITIES, resolve
from colloquy.understanding.entities.span import Span
from colloquy.understanding.pack import pack_from

SATURDAY = to_us(datetime(2026, 11, 21, 15, 0, tzinfo=UTC))  # 10:00 in New York
NEW_YORK = "America/New_York"
EXTRACTOR = EntityExtractor()


def found(text: str, region: str | None = "US") -> list[tuple[str, str, object]]:
    return [
        (entity.label, entity.text, entity.value)
        for entity in EXTRACTOR.extract(text, SATURDAY, NEW_YORK, region)
    ]


def usd(amount: str) -> dict[str, str]:
    return {"amount": amount, "currency": "USD"}


GOLDEN = [
    # contact
    ("mail Ana.B@Mail.COM, thanks", [("email", "Ana.B@Mail.COM", "Ana.B@mail.com")]),
    ("see https://Example.com/a(b). ok", [
        ("url", "https://Example.com/a(b)", "https://example.com/a(b)")]),
    ("(www.foo.org/x?q=1)", [("url", "www.foo.org/x?q=1", "http://www.foo.org/x?q=1")]),
    ("end.Start of a sentence", []),
    ("call +1 415 555 2671 now", [("phone", "+1 415 555 2671", "+14155552671")]),
    ("(415) 555-2671", [("phone", "(415) 555-2671", "+14155552671")]),
    ("00 44 20 7946 0958", [("phone", "00 44 20 7946 0958", "+442079460958")]),
    # money
    ("about $2,000 a month", [("money", "$2,000", usd("2000.00"))]),
    ("1.234,50 €", [("money", "1.234,50 €", {"amount": "1234.50", "currency": "EUR"})]),
    ("under 1.5k eur", [("money", "1.5k eur", {"amount": "1500.00", "currency": "EUR"})]),
    ("£5", [("money", "£5", {"amount": "5.00", "currency": "GBP"})]),
    ("two thousand dollars", [("money", "two thousand dollars", usd("2000.00"))]),
    ("it costs 75 cents", [("money", "75 cents", usd("0.75"))]),
    ("USD 1 million", [("money", "USD 1 million", usd("1000000.00"))]),
    # days
    ("today", [("date", "today", "2026-11-21")]),
    ("tomorow morning", [("date", "tomorow morning", "2026-11-22")]),
    ("the day after tomorrow", [("date", "day after tomorrow", "2026-11-23")]),
    ("on Monday", [("date", "Monday", "2026-11-23")]),
    ("next Friday", [("date", "next Friday", "2026-11-27")]),
    ("this Saturday", [("date", "this Saturday", "2026-11-21")]),
    ("last Friday", [("date", "last Friday", "2026-11-20")]),
    ("Friday week", [("date", "Friday week", "2026-12-04")]),
    ("March 3rd", [("date", "March 3rd", "2027-03-03")]),
    ("the 23rd of december", [("date", "23rd of december", "2026-12-23")]),
    ("Dec 5, 2027", [("date", "Dec 5, 2027", "2027-12-05")]),
    ("29 February", [("date", "29 February", "2028-02-29")]),
    ("15 mars 2027", [("date", "15 mars 2027", "2027-03-15")]),
    ("2026-12-01", [("date", "2026-12-01", "2026-12-01")]),
    ("3/4/2027", [("date", "3/4/2027", "2027-03-04")]),
    ("13/4/2027", [("date", "13/4/2027", "2027-04-13")]),
    ("in two weeks", [("date", "in two weeks", "2026-12-05")]),
    ("3 days ago", [("date", "3 days ago", "2026-11-18")]),
    ("next week", [("date", "next week", "2026-11-23")]),
    ("end of the month", [("date", "end of the month", "2026-11-30")]),
    ("the 3rd", [("date", "3rd", "2026-12-03")]),
    ("Friday the 29th", [("date", "Friday the 29th", "2027-01-29")]),
    ("christmas eve", [("date", "christmas eve", "2026-12-24")]),
    ("we may come", []),
    ("on the 3rd floor", [("ordinal", "3rd", 3)]),
    ("open 24/7", []),
    # times and moments
    ("5pm", [("time", "5pm", "2026-11-21T17:00:00-05:00")]),
    ("at 8 please", [("time", "8", "2026-11-21T20:00:00-05:00")]),
    ("at 9", [("time", "9", "2026-11-21T21:00:00-05:00")]),
    ("at 7:30 am", [("time", "7:30 am", "2026-11-22T07:30:00-05:00")]),
    ("17h30", [("time", "17h30", "2026-11-21T17:30:00-05:00")]),
    ("noon", [("time", "noon", "2026-11-21T12:00:00-05:00")]),
    ("half past 11", [("time", "half past 11", "2026-11-21T11:30:00-05:00")]),
    ("quarter to five", [("time", "quarter to five", "2026-11-21T16:45:00-05:00")]),
    ("25 to 7 p.m.", [("time", "25 to 7 p.m.", "2026-11-21T18:35:00-05:00")]),
    ("in 2 hours", [("datetime", "in 2 hours", "2026-11-21T12:00:00-05:00")]),
    ("tomorrow at 5pm", [("datetime", "tomorrow at 5pm", "2026-11-22T17:00:00-05:00")]),
    ("tonight at 8", [("datetime", "tonight at 8", "2026-11-21T20:00:00-05:00")]),
    ("half past 11 in the morning next Friday", [
        ("datetime", "half past 11 in the morning next Friday", "2026-11-27T11:30:00-05:00")]),
    ("2026-12-01T17:00:00Z", [
        ("datetime", "2026-12-01T17:00:00Z", "2026-12-01T17:00:00+00:00")]),
    ("from 2 to 4pm", [
        ("interval", "from 2 to 4pm", {
            "from": "2026-11-21T14:00:00-05:00", "to": "2026-11-21T16:00:00-05:00"})]),
    # what summer time skips or repeats
    ("March 14th 2027 at 2:30 am", [
        ("datetime", "March 14th 2027 at 2:30 am", "2027-03-14T03:30:00-04:00")]),
    # quantities
    ("2 bedrooms", [("quantity", "2 bedrooms", {"value": 2, "unit": "bedroom"})]),
    ("a 3-bed flat", [("quantity", "3-bed", {"value": 3, "unit": "bedroom"})]),
    ("two people", [("quantity", "two people", {"value": 2, "unit": "person"})]),
    ("half an hour", [("duration", "half an hour", {"iso": "PT30M", "seconds": 1800})]),
    ("45.5 sqm", [("quantity", "45.5 sqm", {"value": 45.5, "unit": "square_metre"})]),
    ("780 sq. ft. flat", [("quantity", "780 sq. ft.", {"value": 780, "unit": "square_foot"})]),
    ("30%", [("percentage", "30%", 30)]),
    # without a blank, and words that end like another one
    ("500dollars", [("money", "500dollars", {"amount": "500.00", "currency": "USD"})]),
    ("10percent", [("percentage", "10percent", 10)]),
    ("12may", [("date", "12may", "2027-05-12")]),
    ("page 3", [("number", "3", 3)]),
    ("managed 20 flats", [("number", "20", 20)]),
    ("age: a lot", []),
    ("12 José Street", [("address", "12 José Street", {"number": "12", "street": "José Street"})]),
    ("a room", []),
    ("twelve", [("number", "twelve", 12)]),
    ("twelve of them", []),
    ("unit 12", [("number", "12", 12)]),
    # phones: what else is a number, what stands after one
    ("my account number is 12345678", [("number", "12345678", 12345678)]),
    ("license number is 5130634", [("number", "5130634", 5130634)]),
    ("555 1234 (cell)", [("phone", "555 1234", "5551234")]),
    ("Office,415 555 2671-Fax", [("phone", "415 555 2671", "+14155552671")]),
    # ages and years in running text
    ("I'll turn 23.", [("age", "23", {"value": 23, "unit": "year"})]),
    ("turn 90 degrees", [("quantity", "90 degrees", {"value": 90, "unit": "degree"})]),
    ("since 2019 we live here", [("date", "2019", "2019-01-01")]),
    # a day and a month in figures, where the text says that it is a day
    ("my bday is 12/24", [("date", "12/24", "2026-12-24")]),
    ("my rating is 4/5", []),
    ("open 24/7, is 24/7 fine", []),
    ("exp 08/29", [("date", "08/29", "2029-08-01")]),
    ("1450 W Sunset Blvd", [
        ("address", "1450 W Sunset Blvd", {"number": "1450", "street": "W Sunset Blvd"})]),
    # thousands: money only where something says so
    ("I earn 54k", [("money", "54k", {"amount": "54000.00", "currency": "USD"})]),
    ("2.5k? way too much", [("money", "2.5k", {"amount": "2500.00", "currency": "USD"})]),
    ("5k followers", []),
    # references
    ("order #ab-1234", [("reference", "ab-1234", "AB-1234")]),
    ("my booking number is X99", [("reference", "X99", "X99")]),
    ("order 4155552671", [("reference", "4155552671", "4155552671")]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), GOLDEN, ids=[text for text, _ in GOLDEN])
def test_golden(text: str, expected: list[tuple[str, str, object]]) -> None:
    assert found(text) == expected


def test_a_whole_message() -> None:
    text = (
        "Hi Ana, call me at +1 415 555 0132 tomorrow at 5pm about the $2,000 apartment "
        "on 12 Main St, I love it! ana@mail.com thx"
    )
    labels = [(label, span) for label, span, _ in found(text)]
    assert labels == [
        ("phone", "+1 415 555 0132"),
        ("datetime", "tomorrow at 5pm"),
        ("money", "$2,000"),
        ("address", "12 Main St"),
        ("email", "ana@mail.com"),
    ]


def test_region_decides_the_order_of_day_and_month() -> None:
    assert found("3/4/2027", "GB") == [("date", "3/4/2027", "2027-04-03")]
    assert found("3/4/2027", None) == [("date", "3/4/2027", "2027-04-03")]


def test_region_decides_phones_and_dollars() -> None:
    assert found("020 7946 0958", "GB")[0] == ("phone", "020 7946 0958", "+442079460958")
    assert "phone" not in [label for label, _, _ in found("020 7946 0958", None)]
    assert found("$5", "CA") == [("money", "$5", {"amount": "5.00", "currency": "CAD"})]


def test_zone_of_the_sender_decides_the_day() -> None:
    late = to_us(datetime(2026, 11, 21, 23, 30, tzinfo=UTC))
    (tokyo,) = EXTRACTOR.extract("today", late, "Asia/Tokyo")
    (unknown,) = EXTRACTOR.extract("today", late, "Mars/Olympus")
    assert (tokyo.value, unknown.value) == ("2026-11-22", "2026-11-21")


def test_digits_and_dashes_of_other_scripts() -> None:
    text = "😀 ٣ nights, call +1\u2011415\u2011555\u20112671"
    assert found(text) == [
        ("quantity", "٣ nights", {"value": 3, "unit": "night"}),
        ("phone", "+1\u2011415\u2011555\u20112671", "+14155552671"),
    ]


def test_dictionary_entities_of_a_pack() -> None:
    pack = pack_from(
        {
            "name": "p",
            "entities": {
                "kind": {"flat": ["flat", "studio flat"], "İx": ["İx"]},
                "colour": ["red"],
            },
        }
    )
    text = "İİ A Studio Flat, flatter, RED İx"
    entities = EntityExtractor(pack).extract(text, SATURDAY)
    assert [(e.label, e.text, e.value, e.extractor) for e in entities] == [
        ("kind", "Studio Flat", "flat", "dictionary"),
        ("colour", "RED", "red", "dictionary"),
        ("kind", "İx", "İx", "dictionary"),
    ]


def test_overlaps_longest_then_priority_then_leftmost() -> None:
    spans = [
        Span("quantity", 0, 4, 1),
        Span("money", 0, 4, 2),
        Span("date", 3, 9, 3),
        Span("time", 9, 10, 4),
        Span("own", 9, 10, 5),
    ]
    assert [span.value for span in resolve(spans, 10)] == [3, 4]
    assert resolve(spans[::-1], 10) == resolve(spans, 10)
    assert [span.value for span in resolve(spans[:2], 10)] == [2]


def test_many_entities_are_bounded() -> None:
    assert len(EXTRACTOR.extract("1 " * 5_000, SATURDAY)) == MAX_ENTITIES


@pytest.mark.parametrize(
    "text",
    [
        "",
        " \n\t",
        "a" * 9_000,
        "1" * 9_000,
        "1 2 " * 2_000,
        "monday " * 1_000,
        "12 Main " * 900,
        "every " * 1_500,
        "4111 " * 1_500,
        "rue de la " * 800,
        "morgen um " * 800,
        "a.b." * 2_000,
        "Привет 你好 שלום مرحبا 5 " * 300,
        "1" * 1_000_000,
        "a@" * 500_000,
        "1,1,1," * 160_000,
        "may 1 at 5pm " * 8_000,
        "tous les lundis à 9h " * 4_000,
        "two hundred and " * 5_000,
        "e\u0301👩\u200d👩\u200d👧 ٣ é½ " * 8_000,
    ],
    ids=lambda text: text[:12],
)
def test_huge_and_empty_texts_are_read(text: str) -> None:
    (result,) = EXTRACTOR.extract_batch([Source(text, SATURDAY, NEW_YORK, "US")])
    assert result.failed == []
    assert len(result.entities) <= MAX_ENTITIES


FRAGMENTS = st.sampled_from(
    [
        *["tomorrow", " at ", "5pm", "$", "2,000", "€", "+1 415 555 2671", "a@b.co", "http://"],
        *[
            "www.x.com",
            "😀",
            "\u0000",
            "שלום",
            "\u202e",
            "مرحبا ٣",
            "İ",
            "ß",
            "ſ",
            "\ud800",
            "½",
            "²",
        ],
        *["31 april", "29/02/2027", "half past ", "eleven", " in ", "99999", " years", "the 31st"],
        *["order #", "A1", "-", "/", ".", " ", "\n", "twenty-five", "next ", "friday", "2 beds"],
        *[
            "100000000 weeks ago",
            "in 9999 years",
            "9999-12-31T23:59",
            "0 to 0",
            "０１２３４５６７８９",
        ],
        *[
            "every ",
            "other ",
            "week",
            " from ",
            " to ",
            "1000 years",
            "morgen um ",
            "halb ",
            "zehn",
        ],
        *[
            "demain à ",
            "14h30",
            "mañana a las ",
            "domani alle ",
            "lunedì",
            " de la tarde",
            "15.03.",
        ],
        *["DE89370400440532013000", "4111111111111111", "12345678Z", "10.0.0.1", "::", "40.7128, "],
        *[
            "-74.0060",
            "12 Main St",
            "Apt. 4",
            " Hauptstraße 12",
            "rue de la Paix",
            "%",
            "2nd",
            "th",
        ],
        *[
            "half an hour",
            "each 31st of the month",
            "29 février",
            "e\u0301",
            "👩‍👩‍👧",
            "๓",
            "½ hour",
        ],
        *["8-10am", "every single night", "54k", " a year", "I earn ", "turned 23", " sq. ft. "],
        *["license number is ", " (mobile)", "between 1pm and ", "pagué el ", " bezahlt", "–17:30"],
    ]
)


@given(
    st.one_of(st.text(max_size=80), st.lists(FRAGMENTS, max_size=12).map("".join)),
    st.sampled_from([0, SATURDAY, -1, 253_402_300_799_000_000]),
    st.sampled_from([None, NEW_YORK, "Asia/Kathmandu", "", "../etc", "x\u0000"]),
    st.sampled_from([None, "US", "DE", "XX"]),
    st.sampled_from([None, "en", "de", "fr", "es", "it", "pt", "zz"]),
)
def test_spans_are_offsets_into_the_text(
    text: str, at_us: int, zone: str | None, region: str | None, language: str | None
) -> None:
    source = Source(text, at_us, zone, region, language=language)
    other = Source("tomorrow at 5pm, 12 Main St", at_us, zone)
    alone, beside = (
        EXTRACTOR.extract_batch([source])[0],
        EXTRACTOR.extract_batch([other, source])[1],
    )
    assert alone == beside
    end = 0
    for entity in alone.entities:
        assert text[entity.start : entity.end] == entity.text
        assert end <= entity.start < entity.end
        assert 0 < entity.confidence <= 1
        end = entity.end
    assert alone.failed == []

"""German."""

from __future__ import annotations

from .lexicon import Lexicon

GERMAN = Lexicon(
    code="de",
    weekdays=(
        "montag|montags", "dienstag|dienstags", "mittwoch|mittwochs", "donnerstag|donnerstags",
        "freitag|freitags", "samstag|samstags|sonnabend|sonnabends", "sonntag|sonntags",
    ),
    months=(
        "januar|jänner|jan", "februar|feb", "märz|maerz|mrz", "april|apr", "mai", "juni|jun",
        "juli|jul", "august|aug", "september|sept|sep", "oktober|okt", "november|nov",
        "dezember|dez",
    ),
    numbers={
        "ein": 1, "eine": 1, "einen": 1, "einem": 1, "einer": 1, "eins": 1, "zwei": 2, "zwo": 2,
        "drei": 3, "vier": 4, "fünf": 5, "fuenf": 5, "sechs": 6, "sieben": 7, "acht": 8, "neun": 9,
        "zehn": 10, "elf": 11, "zwölf": 12, "zwoelf": 12, "dreizehn": 13, "vierzehn": 14,
        "fünfzehn": 15, "sechzehn": 16, "siebzehn": 17, "achtzehn": 18, "neunzehn": 19,
        "zwanzig": 20, "dreißig": 30, "vierzig": 40, "fünfzig": 50, "sechzig": 60, "siebzig": 70,
        "achtzig": 80, "neunzig": 90, "hundert": 100, "ein paar": 3, "paar": 3,
    },
    units={
        "second": "sekunden|sekunde|sek", "minute": "minuten|minute|min",
        "hour": "stunden|stunde|std", "day": "tagen|tage|tag|tages",
        "week": "wochen|woche", "month": "monaten|monate|monat", "year": "jahren|jahre|jahr",
    },
    phrases={
        "eine halbe stunde": "PT30M", "halbe stunde": "PT30M", "halben stunde": "PT30M",
        "einer halben stunde": "PT30M", "anderthalb stunden": "PT1H30M",
        "eineinhalb stunden": "PT1H30M", "viertelstunde": "PT15M", "eine viertelstunde": "PT15M",
        "dreiviertelstunde": "PT45M", "ein halbes jahr": "P6M", "anderthalb jahre": "P18M",
    },
    ages=(r"{n} Jahre alt", r"{n}[ -]j[äa]hrige[nrs]?"),
    joint="und|,|&",
    every="jeden|jede|jedes|jeder|alle",
    every_other="zweiten|zweite|zweites|zweiter",
    adverbs={
        "FREQ=DAILY": "täglich|taeglich|jeden tag|alle tage",
        "FREQ=WEEKLY": "wöchentlich|woechentlich",
        "FREQ=MONTHLY": "monatlich", "FREQ=YEARLY": "jährlich|jaehrlich",
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR": "werktags|wochentags|an werktagen",
        "FREQ=WEEKLY;BYDAY=SA,SU": "jedes wochenende|an wochenenden",
    },
    today="heute",
    tomorrow="morgen",
    yesterday="gestern",
    after_tomorrow="übermorgen|uebermorgen",
    before_yesterday="vorgestern",
    not_tomorrow=("guten ", "gute ", "am ", "heute ", "gestern ", "jeden ", "schönen ", "jeder "),
    parts={
        "morning": "früh|morgens|vormittag|vormittags|am vormittag|am morgen|in der früh",
        "afternoon": "nachmittag|nachmittags|am nachmittag|mittag|mittags|am mittag",
        "evening": "abend|abends|am abend",
        "night": "nachts|nacht|in der nacht",
    },
    next_before="nächsten|nächste|nächster|nächstes|naechsten|naechste|kommenden|kommende|kommendes",
    last_before="letzten|letzte|letzter|letztes|vergangenen|vergangene",
    this_before="diesen|diese|dieser|dieses",
    within="in|binnen",
    ago_before="vor",
    first="ersten|erster",
    of_month="",
    weekend="am wochenende|dieses wochenende",
    at="um|gegen|ab|bis|von|kurz nach|kurz vor|zwischen",
    oclock="uhr|h",
    minutes_before={
        "halb": -30, "viertel nach": 15, "viertel vor": -15, "viertel": -45, "dreiviertel": -15,
        "fünf nach": 5, "fünf vor": -5, "zehn nach": 10, "zehn vor": -10, "fünf vor halb": -35,
        "fünf nach halb": -25, "zwanzig nach": 20, "zwanzig vor": -20,
    },
    noon="zwölf uhr mittags|12 uhr mittags",
    midnight="mitternacht",
    between=", um|um|gegen|ab|bis|von|zwischen|,|den|dem|am|so um|vor|nach",
    since="von|vom|zwischen|ab",
    until="bis zum|bis|und",
    measures={
        "bedroom": "schlafzimmer|schlafzimmern", "bathroom": "badezimmer|bäder|bädern|bad",
        "room": "zimmer|zimmern|räume|räumen|zi",
        "person": "personen|person|leute|erwachsene|erwachsenen|gäste|pers",
        "child": "kinder|kind|kindern", "pet": "haustiere|haustier", "dog": "hunde|hund",
        "cat": "katzen|katze", "car": "autos|auto|pkw", "night": "nächte|nacht|nächten",
        "square_metre": "quadratmeter|quadratmetern|qm|m2|m²", "kilometre": "kilometer|km",
        "metre": "meter", "floor": "etagen|stockwerke", "item": "stück|stk", "time": "mal",
        "kilogram": "kilo|kg", "degree": "grad",
    },
    past=(
        "bezahlt|gezahlt|überwiesen|gekauft|bestellt|angerufen|angekommen|erhalten|"
        "bekommen|unterschrieben|gekündigt|zurückgeschickt|passiert|geliefert|abgebucht|"
        "ausgefallen|kaputtgegangen|geschickt|geschrieben|gemeldet|eingezogen"
    ),
    past_follows=True,
)  # fmt: skip

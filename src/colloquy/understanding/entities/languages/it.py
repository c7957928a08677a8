"""Italian."""

from __future__ import annotations

from .lexicon import Lexicon

ITALIAN = Lexicon(
    code="it",
    weekdays=(
        "lunedì", "martedì", "mercoledì", "giovedì", "venerdì", "sabato|sabati",
        "domenica|domeniche",
    ),
    months=(
        "gennaio|gen", "febbraio|feb", "marzo|mar", "aprile|apr", "maggio|mag", "giugno|giu",
        "luglio|lug", "agosto|ago", "settembre|sett|set", "ottobre|ott", "novembre|nov",
        "dicembre|dic",
    ),
    numbers={
        "un": 1, "una": 1, "uno": 1, "un'": 1, "due": 2, "tre": 3, "quattro": 4, "cinque": 5,
        "sei": 6, "sette": 7, "otto": 8, "nove": 9, "dieci": 10, "undici": 11, "dodici": 12,
        "tredici": 13, "quattordici": 14, "quindici": 15, "sedici": 16, "diciassette": 17,
        "diciotto": 18, "diciannove": 19, "venti": 20, "trenta": 30, "quaranta": 40,
        "cinquanta": 50, "sessanta": 60, "cento": 100, "un paio di": 2, "qualche": 3,
    },
    units={
        "second": "secondi|secondo", "minute": "minuti|minuto|min",
        "hour": "ore|ora", "day": "giorni|giorno", "week": "settimane|settimana",
        "month": "mesi|mese", "year": "anni|anno",
    },
    phrases={
        "mezz'ora": "PT30M", "mezzora": "PT30M", "mezza ora": "PT30M", "un'ora e mezza": "PT1H30M",
        "un'ora": "PT1H", "un quarto d'ora": "PT15M", "quarto d'ora": "PT15M",
        "un anno e mezzo": "P18M",
    },
    ages=(r"(?<=ho ){n} anni", r"(?<=ha ){n} anni", r"{n} anni di età"),
    joint="e|,|&",
    every="ogni|tutti i|tutte le",
    every_other="due",
    adverbs={
        "FREQ=DAILY": "quotidianamente|ogni giorno|tutti i giorni",
        "FREQ=WEEKLY": "settimanalmente|settimanale|ogni settimana|tutte le settimane",
        "FREQ=MONTHLY": "mensilmente|mensile|ogni mese|tutti i mesi",
        "FREQ=YEARLY": "annualmente|annuale|ogni anno|tutti gli anni",
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR": "nei giorni feriali",
        "FREQ=WEEKLY;BYDAY=SA,SU": "ogni weekend|ogni fine settimana|nei weekend",
    },
    plural_days="tutti i",
    today="oggi",
    tomorrow="domani",
    yesterday="ieri",
    after_tomorrow="dopodomani|dopo domani",
    before_yesterday="l'altro ieri|altroieri|ieri l'altro",
    parts={
        "morning": "mattina|di mattina|del mattino|della mattina|mattino|stamattina",
        "afternoon": "pomeriggio|di pomeriggio|del pomeriggio|nel pomeriggio",
        "evening": "sera|di sera|della sera|in serata",
        "night": "notte|di notte|della notte",
    },
    next_before="prossimo|prossima",
    next_after="prossimo|prossima",
    last_before="scorso|scorsa",
    last_after="scorso|scorsa|passato|passata",
    this_before="questo|questa",
    within="tra|fra|entro",
    ago_after="fa",
    first="primo",
    of_month="di",
    weekend="questo weekend|questo fine settimana|nel weekend|il weekend",
    at="alle ore|tra le|fra le|alle|ore|verso le|dalle|dopo le|prima delle|fino alle|per le|all'",
    oclock="h|in punto",
    minutes_after={"e mezza": 30, "e mezzo": 30, "e un quarto": 15, "meno un quarto": -15,
                   "e dieci": 10, "meno dieci": -10, "e venti": 20, "meno venti": -20},
    noon="mezzogiorno",
    midnight="mezzanotte",
    between=", alle|alle ore|alle|ore|verso le|,|per le|dopo le|prima delle|il|del",
    since="da|dal|dalle|tra|fra|tra le|fra le",
    until="fino al|fino alle|al|alle|a|e|e le",
    measures={
        "bedroom": "camere da letto|camera da letto|camere|camera|stanze da letto",
        "bathroom": "bagni|bagno", "room": "stanze|stanza|locali|vani",
        "person": "persone|persona|adulti|adulto|ospiti", "child": "bambini|bambino|figli|figlio",
        "pet": "animali", "dog": "cani|cane", "cat": "gatti|gatto", "car": "macchine|auto",
        "night": "notti|notte", "square_metre": "metri quadrati|metri quadri|mq|m2|m²",
        "kilometre": "chilometri|km", "metre": "metri", "floor": "piani", "time": "volte",
        "degree": "gradi", "kilogram": "chili|kg", "item": "pezzi",
    },
    past=(
        "pagato|inviato|comprato|ordinato|chiamato|ricevuto|firmato|arrivato|arrivata|"
        "successo|rotto|rotta|spedito|versato|addebitato|restituito|segnalato"
    ),
)  # fmt: skip

"""French."""

from __future__ import annotations

from .lexicon import Lexicon

FRENCH = Lexicon(
    code="fr",
    weekdays=(
        "lundi|lundis", "mardi|mardis", "mercredi|mercredis", "jeudi|jeudis", "vendredi|vendredis",
        "samedi|samedis", "dimanche|dimanches",
    ),
    months=(
        "janvier|janv", "février|fév|févr", "mars", "avril|avr", "mai", "juin", "juillet|juil",
        "août", "septembre|sept", "octobre|oct", "novembre|nov", "décembre|déc",
    ),
    numbers={
        "un": 1, "une": 1, "deux": 2, "trois": 3, "quatre": 4, "cinq": 5, "six": 6, "sept": 7,
        "huit": 8, "neuf": 9, "dix": 10, "onze": 11, "douze": 12, "treize": 13, "quatorze": 14,
        "quinze": 15, "seize": 16, "dix-sept": 17, "dix-huit": 18, "dix-neuf": 19, "vingt": 20,
        "trente": 30, "quarante": 40, "cinquante": 50, "soixante": 60, "cent": 100,
        "quelques": 3,
    },
    units={
        "second": "secondes|seconde", "minute": "minutes|minute|min",
        "hour": "heures|heure", "day": "jours|jour|journées", "week": "semaines|semaine",
        "month": "mois", "year": "années|année|ans|an",
    },
    phrases={
        "une demi-heure": "PT30M", "une demi heure": "PT30M", "demi-heure": "PT30M",
        "une heure et demie": "PT1H30M", "deux heures et demie": "PT2H30M",
        "un quart d'heure": "PT15M", "quart d'heure": "PT15M", "trois quarts d'heure": "PT45M",
    },
    ages=(r"(?<=j'ai ){n} ans", r"(?<=a ){n} ans", r"(?<=âgé de ){n} ans",
          r"(?<=âgée de ){n} ans"),
    joint="et|,|&",
    every="tous les|toutes les|chaque",
    every_other="deux",
    adverbs={
        "FREQ=DAILY": "quotidiennement|tous les jours|chaque jour|quotidien",
        "FREQ=WEEKLY": "hebdomadaire|toutes les semaines|chaque semaine",
        "FREQ=MONTHLY": "mensuel|mensuellement|tous les mois|chaque mois",
        "FREQ=YEARLY": "annuel|annuellement|tous les ans|chaque année",
        "FREQ=WEEKLY;BYDAY=SA,SU": "tous les week-ends|chaque week-end",
    },
    plural_days="les",
    today="aujourd'hui|ajd|aujourdhui",
    tomorrow="demain",
    yesterday="hier",
    after_tomorrow="après-demain|après demain",
    before_yesterday="avant-hier|avant hier",
    parts={
        "morning": "matin|du matin|dans la matinée|le matin",
        "afternoon": "après-midi|après midi|de l'après-midi|l'après-midi|dans l'après-midi",
        "evening": "soir|du soir|le soir|en soirée",
        "night": "dans la nuit|de la nuit",
    },
    next_before="prochain|prochaine",
    next_after="prochain|prochaine|suivant|suivante",
    last_after="dernier|dernière|passé|passée",
    this_before="ce|cette|cet",
    within="dans|d'ici",
    ago_before="il y a",
    first="premier",
    of_month="",
    weekend="ce week-end|ce weekend|le week-end|le weekend",
    at="à|vers|pour|dès|avant|après|de|jusqu'à|entre",
    oclock="heures|heure|h",
    bare_hour=False,
    minutes_after={"et demie": 30, "et demi": 30, "et quart": 15, "moins le quart": -15,
                   "moins dix": -10, "moins vingt": -20, "moins cinq": -5},
    noon="midi",
    midnight="minuit",
    between=", à|à|vers|,|dès|avant|après|de|le|entre|pour|du",
    since="de|du|entre|dès",
    until="jusqu'au|jusqu'à|à|au|et",
    measures={
        "bedroom": "chambres|chambre", "bathroom": "salles de bain|salle de bain|salles de bains",
        "room": "pièces|pièce", "person": "personnes|personne|adultes|adulte|pers",
        "child": "enfants|enfant", "pet": "animaux", "dog": "chiens|chien", "cat": "chats|chat",
        "car": "voitures|voiture", "night": "nuits|nuit",
        "square_metre": "mètres carrés|mètre carré|m2|m²", "kilometre": "kilomètres|km",
        "metre": "mètres|mètre", "floor": "étages", "time": "fois", "degree": "degrés",
        "kilogram": "kilos|kilo|kg",
    },
    past=(
        "payé|envoyé|acheté|commandé|appelé|reçu|signé|réglé|viré|renvoyé|arrivé|passé|"
        "cassé|débité|prélevé|facturé|déposé|signalé|depuis"
    ),
)  # fmt: skip

"""Spanish."""

from __future__ import annotations

from .lexicon import Lexicon

SPANISH = Lexicon(
    code="es",
    weekdays=(
        "lunes", "martes", "miércoles", "jueves", "viernes", "sábado|sábados", "domingo|domingos",
    ),
    months=(
        "enero|ene", "febrero|feb", "marzo|mar", "abril|abr", "mayo|may", "junio|jun", "julio|jul",
        "agosto|ago", "septiembre|setiembre|sept|sep", "octubre|oct", "noviembre|nov",
        "diciembre|dic",
    ),
    numbers={
        "un": 1, "una": 1, "uno": 1, "dos": 2, "tres": 3, "cuatro": 4, "cinco": 5, "seis": 6,
        "siete": 7, "ocho": 8, "nueve": 9, "diez": 10, "once": 11, "doce": 12, "trece": 13,
        "catorce": 14, "quince": 15, "dieciséis": 16, "diecisiete": 17, "dieciocho": 18,
        "diecinueve": 19, "veinte": 20, "treinta": 30, "cuarenta": 40, "cincuenta": 50,
        "sesenta": 60, "cien": 100, "un par de": 2, "unos": 3, "unas": 3,
    },
    units={
        "second": "segundos|segundo", "minute": "minutos|minuto|min",
        "hour": "horas|hora", "day": "días|día", "week": "semanas|semana",
        "month": "meses|mes", "year": "años|año",
    },
    phrases={
        "media hora": "PT30M", "una hora y media": "PT1H30M", "hora y media": "PT1H30M",
        "un cuarto de hora": "PT15M", "cuarto de hora": "PT15M", "medio año": "P6M",
        "año y medio": "P18M", "un año y medio": "P18M",
    },
    ages=(r"(?<=tengo ){n} años", r"(?<=tiene ){n} años", r"{n} años de edad"),
    joint="y|e|,|&",
    every="cada|todos los|todas las",
    every_other="dos",
    adverbs={
        "FREQ=DAILY": "diariamente|a diario|todos los días|cada día",
        "FREQ=WEEKLY": "semanalmente|semanal|todas las semanas|cada semana",
        "FREQ=MONTHLY": "mensualmente|mensual|todos los meses|cada mes",
        "FREQ=YEARLY": "anualmente|anual|todos los años|cada año",
        "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR": "entre semana|los días laborables",
        "FREQ=WEEKLY;BYDAY=SA,SU": "los fines de semana|cada fin de semana",
    },
    plural_days="los",
    today="hoy",
    tomorrow="mañana",
    yesterday="ayer",
    after_tomorrow="pasado mañana",
    before_yesterday="anteayer|antes de ayer|antier",
    not_tomorrow=("la ", "esta ", "cada ", "una "),
    parts={
        "morning": "de la mañana|por la mañana|en la mañana|a la mañana|temprano",
        "afternoon": "de la tarde|por la tarde|en la tarde|a la tarde|tarde",
        "evening": "de la noche|por la noche|en la noche|a la noche|noche",
        "night": "de la madrugada|de madrugada",
    },
    next_before="próximo|próxima",
    next_after="que viene|próximo|próxima|siguiente",
    last_before="último|última",
    last_after="pasado|pasada",
    this_before="este|esta",
    within="en|dentro de",
    ago_before="hace",
    first="primero",
    of_month="de|del",
    weekend="este fin de semana|este finde|el fin de semana|el finde",
    at="a las|a la|entre las|sobre las|hacia las|desde las|de las|hasta las|antes de las"
    "|después de las",
    oclock="horas|hs|hrs|h|en punto",
    minutes_after={"y media": 30, "y cuarto": 15, "menos cuarto": -15, "y diez": 10, "y veinte": 20,
                   "menos diez": -10, "menos veinte": -20, "y cinco": 5, "menos cinco": -5},
    noon="mediodía|al mediodía",
    midnight="medianoche",
    between=", a las|, a la|a las|a la|sobre las|hacia las|,|el|del|al|antes de las|de",
    since="desde el|desde|del|de|entre el|entre",
    until="hasta el|hasta|al|a|y el|y",
    measures={
        "bedroom": "habitaciones|habitación|dormitorios|dormitorio|recámaras|cuartos",
        "bathroom": "baños|baño|aseos", "person": "personas|persona|adultos|adulto|huéspedes",
        "child": "niños|niño|niñas|hijos|hijo", "pet": "mascotas|mascota", "dog": "perros|perro",
        "cat": "gatos|gato", "car": "coches|coche|carros|autos", "night": "noches|noche",
        "square_metre": "metros cuadrados|m2|m²", "kilometre": "kilómetros|km", "metre": "metros",
        "floor": "plantas|pisos", "time": "veces", "degree": "grados", "kilogram": "kilos|kg",
        "item": "unidades|piezas",
    },
    past=(
        "pagué|envié|compré|pedí|llamé|llegó|recibí|firmé|ocurrió|rompió|devolví|solicité|"
        "transferí|mandé|hice|cobraron|cobró|dejó|he pagado|he enviado|he recibido|"
        "hemos pagado|desde"
    ),
)  # fmt: skip

"""Portuguese."""

from __future__ import annotations

from .lexicon import Lexicon

PORTUGUESE = Lexicon(
    code="pt",
    weekdays=(
        "segunda-feira|segunda", "terça-feira|terça", "quarta-feira|quarta",
        "quinta-feira|quinta", "sexta-feira|sexta", "sábado|sábados", "domingo|domingos",
    ),
    months=(
        "janeiro|jan", "fevereiro|fev", "março|mar", "abril|abr", "maio|mai", "junho|jun",
        "julho|jul", "agosto|ago", "setembro|set", "outubro|out", "novembro|nov", "dezembro|dez",
    ),
    numbers={
        "um": 1, "uma": 1, "dois": 2, "duas": 2, "três": 3, "quatro": 4, "cinco": 5, "seis": 6,
        "sete": 7, "oito": 8, "nove": 9, "dez": 10, "onze": 11, "doze": 12, "treze": 13,
        "catorze": 14, "quatorze": 14, "quinze": 15, "dezasseis": 16, "dezesseis": 16,
        "dezassete": 17, "dezessete": 17, "dezoito": 18, "dezanove": 19, "dezenove": 19,
        "vinte": 20, "trinta": 30, "quarenta": 40, "cinquenta": 50, "sessenta": 60, "cem": 100,
        "um par de": 2, "alguns": 3, "algumas": 3,
    },
    units={
        "second": "segundos", "minute": "minutos|minuto|min", "hour": "horas|hora",
        "day": "dias|dia", "week": "semanas|semana", "month": "meses|mês", "year": "anos|ano",
    },
    phrases={
        "meia hora": "PT30M", "uma hora e meia": "PT1H30M", "um quarto de hora": "PT15M",
        "ano e meio": "P18M", "um ano e meio": "P18M",
    },
    ages=(r"(?<=tenho ){n} anos", r"(?<=tem ){n} anos", r"{n} anos de idade"),
    joint="e|,|&",
    every="cada|todos os|todas as|todo|toda",
    every_other="dois|duas",
    adverbs={
        "FREQ=DAILY": "diariamente|todos os dias|todo dia|cada dia",
        "FREQ=WEEKLY": "semanalmente|semanal|todas as semanas|toda semana",
        "FREQ=MONTHLY": "mensalmente|mensal|todos os meses|todo mês",
        "FREQ=YEARLY": "anualmente|anual|todos os anos|todo ano",
        "FREQ=WEEKLY;BYDAY=SA,SU": "nos fins de semana|todo fim de semana",
    },
    plural_days="aos|às",
    today="hoje",
    tomorrow="amanhã",
    yesterday="ontem",
    after_tomorrow="depois de amanhã",
    before_yesterday="anteontem",
    parts={
        "morning": "da manhã|de manhã|pela manhã", "afternoon": "da tarde|de tarde|à tarde",
        "evening": "da noite|de noite|à noite", "night": "da madrugada|de madrugada",
    },
    next_before="próximo|próxima",
    next_after="que vem|próximo|próxima|seguinte",
    last_before="último|última",
    last_after="passado|passada",
    this_before="este|esta|nesta|neste|essa|esse",
    within="em|dentro de|daqui a",
    ago_before="há",
    ago_after="atrás",
    first="primeiro",
    of_month="de",
    weekend="este fim de semana|no fim de semana|neste fim de semana",
    at="às|as|entre as|das|a partir das|por volta das|antes das|depois das|até às",
    oclock="horas|hs|h|em ponto",
    minutes_after={"e meia": 30, "e um quarto": 15, "e quinze": 15, "e dez": 10, "e vinte": 20},
    noon="meio-dia|meio dia",
    midnight="meia-noite|meia noite",
    between=", às|às|as|,|por volta das|antes das|depois das|no dia|dia|do",
    since="de|do|desde|entre|das",
    until="até|a|ao|às|e",
    measures={
        "bedroom": "quartos|quarto|dormitórios", "bathroom": "banheiros|banheiro|casas de banho",
        "room": "cômodos", "person": "pessoas|pessoa|adultos|adulto|hóspedes",
        "child": "crianças|criança|filhos", "pet": "animais", "dog": "cachorros|cães|cachorro",
        "cat": "gatos|gato", "car": "carros|carro", "night": "noites|noite",
        "square_metre": "metros quadrados|m2|m²", "kilometre": "quilômetros|km", "metre": "metros",
        "time": "vezes", "degree": "graus", "kilogram": "quilos|kg",
    },
    past=(
        "paguei|enviei|comprei|liguei|chegou|recebi|assinei|aconteceu|quebrou|mandei|"
        "transferi|devolvi|cobraram|cobrou|solicitei|reclamei|desde"
    ),
)  # fmt: skip

"""Our patterns beside Presidio's recognisers on annotated rows: exact spans, equal labels.

    .venv/bin/python benchmarks/presidio_peer.py ROWS.jsonl --python PEER/bin/python [--score 0.4]

PEER is an environment of its own with presidio-analyzer in it. Its recognisers run over a blank
spaCy pipeline (words, each its own lemma, so that context words count): what needs a model (names,
places, organisations) neither side finds. Rows are {"text", "entities": [{"start", "end",
"label"}]} with the labels of presidio-research. Times are of the process.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from time import process_time

OURS = {
    "age": "AGE",
    "card": "CREDIT_CARD",
    "date": "DATE_TIME",
    "datetime": "DATE_TIME",
    "time": "DATE_TIME",
    "interval": "DATE_TIME",
    "url": "DOMAIN_NAME",
    "domain": "DOMAIN_NAME",
    "email": "EMAIL_ADDRESS",
    "iban": "IBAN_CODE",
    "ip_address": "IP_ADDRESS",
    "phone": "PHONE_NUMBER",
    "us_ssn": "US_SSN",
    "address": "STREET_ADDRESS",
    "postal_code": "ZIP_CODE",
}
PEERS = {
    "URL": "DOMAIN_NAME",
    **{
        label: label
        for label in (
            "CREDIT_CARD", "DATE_TIME", "EMAIL_ADDRESS", "IBAN_CODE", "IP_ADDRESS", "PHONE_NUMBER",
            "US_SSN", "US_DRIVER_LICENSE",
        )
    },
}  # fmt: skip
NOW_US = 1_767_225_600_000_000
Spans = set[tuple[int, int, str]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rows", type=Path)
    parser.add_argument("--python", type=Path, help="the peer's interpreter")
    parser.add_argument("--score", type=float, default=0.0, help="least score of the peer's spans")
    parser.add_argument("--as-peer", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    rows = [json.loads(line) for line in options.rows.read_text("utf-8").splitlines()]
    if options.as_peer:
        json.dump(_peer([row["text"] for row in rows], options.score), sys.stdout)
        return
    wanted = [{(one["start"], one["end"], one["label"]) for one in row["entities"]} for row in rows]
    found, spent = _ours([row["text"] for row in rows])
    _print("colloquy", wanted, found, set(OURS.values()), spent)
    if options.python is None:
        return
    arguments = [__file__, str(options.rows), "--score", str(options.score), "--as-peer"]
    ran = subprocess.run(
        [str(options.python), *arguments], stdout=subprocess.PIPE, check=True, text=True
    )
    answer = json.loads(ran.stdout)
    peers = [{(start, end, label) for start, end, label in row} for row in answer["found"]]
    _print("presidio", wanted, peers, set(PEERS.values()), answer["us"])
    both = set(OURS.values()) & set(PEERS.values())
    for said, labels in (
        ("labels that both have", both),
        ("without dates, which the peer leaves to its model", both - {"DATE_TIME"}),
    ):
        print(f"{said}:")
        for name, spans in (("colloquy", found), ("presidio", peers)):
            print(f"  {name} {_figures(wanted, spans, labels)}")


def _ours(texts: list[str]) -> tuple[list[Spans], float]:
    """Spans, and µs per text."""
    from colloquy.understanding.entities.extract import EntityExtractor, Source

    extractor = EntityExtractor()
    sources = [Source(text, NOW_US) for text in texts]
    extractor.extract_batch(sources)
    began = process_time()
    results = extractor.extract_batch(sources)
    spent = (process_time() - began) * 1e6 / len(texts)
    found = [
        {(one.start, one.end, OURS[one.label]) for one in result.entities if one.label in OURS}
        for result in results
    ]
    return found, spent


def _peer(texts: list[str], least: float) -> dict[str, object]:
    import spacy  # the peer's environment alone has these
    import tldextract
    from presidio_analyzer import AnalyzerEngine, RecognizerRegistry
    from presidio_analyzer.nlp_engine import SpacyNlpEngine
    from spacy.language import Language

    tldextract.extract = tldextract.TLDExtract(suffix_list_urls=())  # the list it brings along

    @Language.component("own_lemmas")
    def own_lemmas(doc: spacy.tokens.Doc) -> spacy.tokens.Doc:
        for token in doc:
            token.lemma_ = token.lower_
        return doc

    class Blank(SpacyNlpEngine):
        def load(self) -> None:
            self.nlp = {"en": spacy.blank("en")}
            self.nlp["en"].add_pipe("own_lemmas")

    engine = Blank(models=[{"lang_code": "en", "model_name": "blank"}])
    engine.load()
    registry = RecognizerRegistry()
    registry.load_predefined_recognizers(languages=["en"])
    analyser = AnalyzerEngine(
        nlp_engine=engine,
        registry=registry,
        supported_languages=["en"],
        default_score_threshold=least,
    )
    analyser.analyze(texts[0], language="en")
    began = process_time()
    results = [analyser.analyze(text, language="en") for text in texts]
    spent = (process_time() - began) * 1e6 / len(texts)
    found = []
    for result in results:
        # It returns rivals: the surest stays, then the longest.
        kept: list[tuple[int, int, str]] = []
        for one in sorted(result, key=lambda one: (-one.score, one.start - one.end, one.start)):
            free = all(one.end <= start or end <= one.start for start, end, _ in kept)
            if one.entity_type in PEERS and free:
                kept.append((one.start, one.end, PEERS[one.entity_type]))
        found.append(kept)
    return {"found": found, "us": spent}


def _print(name: str, wanted: list[Spans], found: list[Spans], labels: set[str], us: float) -> None:
    print(f"{name}: {us:.0f} µs per text; {_figures(wanted, found, labels)}")
    present: Counter[str] = Counter(one[2] for row in wanted for one in row)
    for label in sorted(labels):
        print(f"  {label:<18} {present[label]:>4} {_figures(wanted, found, {label})}")


def _figures(wanted: list[Spans], found: list[Spans], labels: set[str]) -> str:
    true = [{one for one in row if one[2] in labels} for row in wanted]
    said = [{one for one in row if one[2] in labels} for row in found]
    hits = sum(len(one & other) for one, other in zip(true, said, strict=True))
    all_true, all_said = sum(map(len, true)), sum(map(len, said))
    precision, recall = hits / max(1, all_said), hits / max(1, all_true)
    f1 = 2 * hits / max(1, all_true + all_said)
    return f"precision {precision:.3f} recall {recall:.3f} F1 {f1:.3f}"


if __name__ == "__main__":
    main()

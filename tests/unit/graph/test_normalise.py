import pytest
from hypothesis import given
from hypothesis import strategies as st

from colloquy.graph import normalise

ALL = (
    normalise.name, normalise.path, normalise.version, normalise.slug, normalise.domain_path,
    normalise.metric, normalise.environment,
)  # fmt: skip
TEXT = st.text(max_size=200) | st.text("aA .-_/\\>#:vV1Üßİǰ\u0345\ufb01\ufeffé\u0301", max_size=30)


@pytest.mark.parametrize("normal", ALL, ids=lambda function: str(function.__name__))
@given(text=TEXT)
def test_a_normal_form_is_its_own_normal_form(normal, text: str) -> None:  # type: ignore[no-untyped-def]
    once = normal(text)
    assert normal(once) == once


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("  Ann   LEE ", "ann lee"), ("Straße", "strasse"), ("ＡＣＭＥ\u00a0Ltd", "acme ltd"),
        ("Jose\u0301", "josé"), ("", ""),
    ],
)  # fmt: skip
def test_names(given_: str, expected: str) -> None:
    assert normalise.name(given_) == expected


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("src\\a.ts", "src/a.ts"), ("./src//a.ts", "src/a.ts"), ("c:\\x\\..\\y.ts", "C:/y.ts"),
        ("/a/./b/../c", "/a/c"), ("../x", "../x"), ("a/../../x", "../x"), ("/../x", "/x"),
        ("Src/A.ts", "Src/A.ts"),
    ],
)  # fmt: skip
def test_paths(given_: str, expected: str) -> None:
    assert normalise.path(given_) == expected


@pytest.mark.parametrize(
    ("given_", "expected"),
    [("v1.2.0", "1.2.0"), (" V2 ", "2"), ("1.0-RC1", "1.0-rc1"), ("vx", "vx")],
)
def test_versions(given_: str, expected: str) -> None:
    assert normalise.version(given_) == expected


def test_headings_of_all_scripts_stay_apart() -> None:
    assert normalise.slug("## Hello World!") == "hello-world"
    assert normalise.slug("Über uns") == "über-uns"
    assert normalise.slug("导言") != normalise.slug("结论") != ""
    assert normalise.slug("!!!") == ""


def test_domains_collapse_every_run_of_slashes() -> None:
    assert normalise.domain_path("A > B  > C") == "a/b/c"
    assert normalise.domain_path("/Sales//Real estate/") == "sales/real-estate"


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("API//Latency p95.", "api/latency-p95"), ("/a/b/", "a/b"), ("a.b.c", "a-b-c"),
        ("/-/", ""), ("延迟", "延迟"), ("cpu_usage", "cpu_usage"),
    ],
)  # fmt: skip
def test_metrics(given_: str, expected: str) -> None:
    assert normalise.metric(given_) == expected


@pytest.mark.parametrize(
    ("given_", "expected"),
    [
        ("Production", "prod"), ("PROD EU", "prod-eu"), ("production-eu", "prod-eu"),
        ("stage", "staging"), ("STG", "staging"), ("preprod", "preprod"), ("uat", "uat"),
        ("perf lab", "perf-lab"), ("perf", "perf-lab"), ("devel", "dev"), ("local-1", "local-1"),
        ("device-farm", "device-farm"), ("perfect", "perfect"), ("testimonials", "testimonials"),
        (" ", "unknown"), (None, "unknown"), ("!!", "unknown"),
    ],
)  # fmt: skip
def test_environments_match_whole_words(given_: str | None, expected: str) -> None:
    assert normalise.environment(given_) == expected


def test_known_environments_are_normal() -> None:
    assert [normalise.environment(one) for one in normalise.ENVIRONMENTS] == list(
        normalise.ENVIRONMENTS
    )

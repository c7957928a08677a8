"""Counting, the text format, and that counts from many threads add up."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client.parser import text_string_to_metric_families

from colloquy.telemetry import Histogram, Metrics
from colloquy.telemetry.metrics import MAX_LABELS, OTHER, Switch


def samples(metrics: Metrics) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    found = {}
    for family in text_string_to_metric_families(metrics.render().decode()):
        for sample in family.samples:
            found[sample.name, tuple(sorted(sample.labels.items()))] = sample.value
    return found


def test_counts_and_gauges_are_rendered():
    metrics = Metrics()
    metrics.accepted.of("stored").inc(50)
    metrics.accepted.of("duplicate").inc()
    metrics.dead_letters.inc()
    metrics.parked.set(7)
    metrics.parked.add(-2)
    found = samples(metrics)
    assert found["colloquy_accepted_total", (("status", "stored"),)] == 50
    assert found["colloquy_accepted_total", (("status", "duplicate"),)] == 1
    assert found["colloquy_dead_letters_total", ()] == 1
    assert found["colloquy_parked", ()] == 5


def test_a_histogram_is_cumulative_and_its_bounds_are_inclusive():
    metrics = Metrics()
    metrics.batch_size.observe_many([1, 2, 2, 3, 5000])
    metrics.batch_size.observe(2)
    found = samples(metrics)
    buckets = {
        dict(labels)["le"]: value
        for (name, labels), value in found.items()
        if name == "colloquy_batch_size_bucket"
    }
    assert (buckets["1.0"], buckets["2.0"], buckets["4.0"]) == (1, 4, 5)
    assert (buckets["2048.0"], buckets["+Inf"]) == (5, 6)
    assert found["colloquy_batch_size_count", ()] == 6
    assert found["colloquy_batch_size_sum", ()] == 5010


@given(st.lists(st.floats(0, 1000)), st.lists(st.floats(0, 1000)))
def test_many_at_once_is_the_same_as_one_by_one(first, second):
    one, many = Histogram(Switch()), Histogram(Switch())
    for value in first + second:
        one.observe(value)
    many.observe_many(first)
    many.observe_many(second)
    assert one._counts == many._counts
    assert one.count == many.count == len(first) + len(second)
    assert one.sum == pytest.approx(many.sum)


def test_a_timed_block_is_observed_even_when_it_raises():
    metrics = Metrics()
    ticks = iter([10.0, 10.25])
    with (
        pytest.raises(KeyError),
        metrics.stage_seconds.of("understand").time(lambda: next(ticks)),
    ):
        raise KeyError
    stage = metrics.stage_seconds.of("understand")
    assert (stage.count, stage.sum) == (1, 0.25)


def test_threads_lose_no_counts():
    metrics = Metrics()

    def work():
        for _ in range(2000):
            metrics.committed_turns.inc()
            metrics.end_to_end_seconds.observe(0.1)
            metrics.replies.of("web").inc()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert metrics.committed_turns.value == 8000
    assert metrics.end_to_end_seconds.count == 8000
    assert metrics.replies.of("web").value == 8000


def test_label_values_are_bounded():
    metrics = Metrics()
    for number in range(MAX_LABELS + 50):
        metrics.refused.of(f"code-{number}").inc()
    assert metrics.refused.of(OTHER).value == 50
    assert len(metrics.refused.items()) == MAX_LABELS + 1


def test_hostile_label_values_are_escaped():
    metrics = Metrics()
    metrics.replies.of('a"b\\c\nd').inc()
    assert samples(metrics)["colloquy_replies_total", (("channel", 'a"b\\c\nd'),)] == 1


def test_two_apps_do_not_share_counts():
    first, second = Metrics(), Metrics()
    first.dead_letters.inc()
    assert second.dead_letters.value == 0


def test_switched_off_nothing_is_counted():
    metrics = Metrics(enabled=False)
    metrics.dead_letters.inc()
    metrics.parked.set(3)
    metrics.parked.add(3)
    metrics.batch_size.observe(1)
    metrics.batch_size.observe_many([1, 2])
    assert metrics.dead_letters.value == metrics.parked.value == metrics.batch_size.count == 0
    metrics.switch.on = True
    metrics.dead_letters.inc()
    assert metrics.dead_letters.value == 1


def test_the_process_is_shown_too():
    assert any(name == "process_resident_memory_bytes" for name, _ in samples(Metrics()))

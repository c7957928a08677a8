"""What is wrong with a release: figures against bounds, and evidence that it is not chance."""

from __future__ import annotations

from ...model.rollouts import Figures, Finding, Judgement, Verdict
from .limits import Limits
from .release import Release

ORDER: tuple[Judgement, ...] = ("ok", "warn", "alert", "roll_back")


def judged(release: Release, limits: Limits, now_s: float, memory: list[Finding]) -> Verdict:
    """The verdict; `memory`: what there is to say of that."""
    on = release.on.figures(now_s, limits.minimum)
    off = release.off.figures(now_s, limits.minimum)
    findings = list(memory)
    enough = release.on.recent[0] >= limits.minimum
    if enough:
        findings += _of_errors(release, limits)
        findings += _of_time(release, limits)
        if off.count >= limits.minimum:
            findings += _of_baseline(release, limits, on, off)
    findings.sort(key=lambda one: ORDER.index(one.judgement), reverse=True)
    worst = findings[0].judgement if findings else "ok"
    return Verdict(judgement=worst, enough=enough, findings=findings, on=on, off=off)


def _of_errors(release: Release, limits: Limits) -> list[Finding]:
    count, failed, _ = release.on.recent
    rate = failed / count
    if rate <= limits.warn_error:
        return []
    evidence = max(release.errors.value, release.worse.value)
    is_sure = rate > limits.worst_error and evidence >= 1 / limits.alpha
    bound = limits.worst_error if is_sure else limits.warn_error
    found = [
        Finding(
            what="error_rate",
            judgement="roll_back" if is_sure else "warn",
            value=rate,
            bound=bound,
            evidence=evidence,
            says=f"{rate:.1%} of the last {count} turns failed (bound {bound:.0%})",
        )
    ]
    if not is_sure:
        found.append(
            Finding(
                what="success_rate",
                judgement="warn",
                value=1 - rate,
                bound=1 - limits.warn_error,
                says=f"{1 - rate:.1%} of the last {count} turns succeeded "
                f"(bound {1 - limits.warn_error:.0%})",
            )
        )
    return found


def _of_time(release: Release, limits: Limits) -> list[Finding]:
    """The 95th percentile is above a bound where more than 5 % are."""
    count, _, slow = release.on.recent
    share = slow / count
    if share <= limits.slow_share:
        return []
    evidence = release.slowness.value
    is_sure = slow >= limits.minimum_slow and evidence >= 1 / limits.alpha
    return [
        Finding(
            what="response_time",
            judgement="roll_back" if is_sure else "warn",
            value=share,
            bound=limits.slow_share,
            evidence=evidence,
            says=f"{share:.1%} of the last {count} turns took longer than "
            f"{limits.worst_response_s:g} s (bound {limits.slow_share:.0%})",
        )
    ]


def _of_baseline(release: Release, limits: Limits, on: Figures, off: Figures) -> list[Finding]:
    times = limits.times_baseline
    rate, base = on.error_rate or 0.0, off.error_rate or 0.0
    found = []
    if rate > times * base and release.worse.value >= 1 / limits.alpha:
        found.append(
            Finding(
                what="baseline",
                judgement="alert",
                value=rate,
                bound=times * base,
                evidence=release.worse.value,
                says=f"{rate:.1%} of turns with it failed, {base:.1%} without it",
            )
        )
    if release.slower_value >= 1 / limits.alpha:
        for name, mine, others in (
            ("the mean turn", on.mean_s, off.mean_s),
            ("the 95th percentile of turns", on.p95_s, off.p95_s),
        ):
            if mine is None or others is None or mine <= times * others:
                continue
            found.append(
                Finding(
                    what="baseline",
                    judgement="alert",
                    value=mine,
                    bound=times * others,
                    evidence=release.slower_value,
                    says=f"{name} took {mine:.3g} s with it, {others:.3g} s without it",
                )
            )
    return found

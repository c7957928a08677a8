from colloquy.understanding.intents.budget import MAX_CREDIT, SHARE, SMALL_BATCH, Budget


def test_a_calm_process_asks_about_everything() -> None:
    budget = Budget()
    assert all(budget.grant(SMALL_BATCH, 5) == 5 for _ in range(100))


def test_a_saturated_one_stays_within_its_share() -> None:
    budget = Budget()
    granted = sum(budget.grant(64, 40) for _ in range(1_000))
    assert 0.95 * SHARE <= granted / 64_000 <= SHARE


def test_what_is_saved_up_has_an_end() -> None:
    budget = Budget()
    for _ in range(1_000):
        budget.grant(64, 0)
    assert budget.grant(64, 64) == int(MAX_CREDIT)


def test_no_share_is_never_asked() -> None:
    assert Budget(0.0).grant(1, 1) == 0

from __future__ import annotations

import pytest

from retrain.core.ledger.origin import Origin, OriginKind


@pytest.mark.parametrize(
    ("origin", "text"),
    [
        (
            Origin.of_dag_run("churn", "scheduled__2024-07-01T00:00:00+00:00"),
            "churn/scheduled__2024-07-01T00:00:00+00:00",
        ),
        (Origin.of_dag_run("churn", "a/b"), "churn/a/b"),
        (Origin.of_command("ann"), "local/ann"),
        (Origin.of_command("corp/ann"), "local/corp/ann"),
    ],
)
def test_an_origin_is_read_from_its_text(origin: Origin, text: str) -> None:
    assert str(origin) == text
    assert Origin.parse(text) == origin


@pytest.mark.parametrize("text", ["", "churn", "churn/", "/run"])
def test_a_text_without_both_parts_is_an_error(text: str) -> None:
    with pytest.raises(ValueError, match="must be written as <dag id>/<run id>"):
        Origin.parse(text)


def test_a_command_has_a_user_in_place_of_a_dag_run() -> None:
    origin = Origin.of_command("ann")
    assert (origin.kind, origin.dag_id, origin.run_id, origin.user) == (OriginKind.COMMAND, "", "", "ann")

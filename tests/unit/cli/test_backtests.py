from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.builders import make_spec

from retrain.cli.backtests import read_policy
from retrain.core.policy.error_control import ErrorControlSpec
from retrain.errors import NotFoundError, SpecError

SPEC = make_spec(error_control={"method": "lord"})
GATE = "gate: [{check: beats_champion, metric: roc_auc}]\n"


def written(folder: Path, text: str) -> Path:
    path = folder / "cautious.yaml"
    path.write_text(text)
    return path


def test_without_a_file_the_policy_is_the_pipelines_own() -> None:
    policy = read_policy(None, SPEC)
    assert (policy.name, policy.gates, policy.error_control) == ("current policy", SPEC.gate, SPEC.error_control)


def test_a_file_is_a_policy_of_its_own_with_or_without_error_control(tmp_path: Path) -> None:
    plain = read_policy(written(tmp_path, GATE), SPEC)
    assert (plain.name, len(plain.gates), plain.error_control) == ("cautious", 1, ErrorControlSpec())
    section = "error_control: {method: alpha_spending, budget: 0.1, period: 30d}\nmodel: ignored\n"
    control = read_policy(written(tmp_path, GATE + section), SPEC).error_control
    assert (control.method, control.budget, control.period) == ("alpha_spending", 0.1, timedelta(days=30))


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (GATE + "error_control: {budget: 2}\n", "error_control.budget: Input should be less than 0.5"),
        ("gate: [{check: threshold, metric: roc_auc, min: 5e-x}]\n", r"gate\[0\].threshold.min"),
        ("gate: [{check: beats_champion, metric: 7}]\n", r"gate\[0\].beats_champion.metric: Input should be"),
    ],
)
def test_every_mistake_of_a_file_is_named_with_its_place(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(SpecError, match=words):
        read_policy(written(tmp_path, text), SPEC)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("policy: none\n", "a list under `gate:`"),
        ("- gate\n", "a list under `gate:`"),
        ("gate: 2024-99-99\nseed: 0x" + "f" * 5_000, "a list under `gate:`; got PlainYamlError"),
        ("gate: []\n", "must hold gates; got none"),
        ("gate: [{check: beats_champion, metric: brier}]\n", "must use metrics that churn evaluates; got brier"),
    ],
)
def test_a_file_that_is_not_a_policy_is_refused(tmp_path: Path, text: str, words: str) -> None:
    with pytest.raises(NotFoundError, match=words):
        read_policy(written(tmp_path, text), SPEC)

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from retrain.core.evaluation.scores import Opponent, Scores
from retrain.reports.plots import draw_scores
from retrain.testing import make_scores


def with_one_class(classes: int) -> Scores:
    scores = make_scores(classes=classes)
    return Scores(np.ones(len(scores.y)), scores.challenger, scores.opponent, scores.event_time)


@pytest.mark.parametrize(
    ("name", "scores", "opponent"),
    [
        ("binary", make_scores(600), "champion"),
        ("binary-alone", make_scores(opponent=None), None),
        ("binary-three-rows", make_scores(3), "champion"),
        ("binary-one-class", with_one_class(2), "champion"),
        ("multiclass", make_scores(600, classes=4), "champion"),
        ("multiclass-one-class", with_one_class(3), "champion"),
        ("regression", make_scores(600, task="regression"), "champion"),
        ("regression-three-rows", make_scores(3, task="regression"), "baseline"),
    ],
)
def test_scores_become_one_picture(name: str, scores: Scores, opponent: Opponent | None, tmp_path: Path) -> None:
    folder: Any = tmp_path
    (path,) = draw_scores(scores, opponent, f"churn as of 2024-07-01: {name}", folder)
    content = path.read_bytes()
    assert (path.parent, path.name) == (tmp_path, "scores.png")
    assert content[:8] == b"\x89PNG\r\n\x1a\n"
    width, height = struct.unpack(">II", content[16:24])
    assert width > 500
    assert height > 300

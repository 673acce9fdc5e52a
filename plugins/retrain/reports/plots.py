"""The pictures that people look at, as PNG: of a scorecard, and of a backtest."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from sklearn.calibration import calibration_curve
from sklearn.metrics import auc, precision_recall_curve, roc_curve

from retrain.core.evaluation.scores import Opponent, Scores
from retrain.core.policy.backtest import Backtest
from retrain.core.policy.decision import Choice
from retrain.core.stats.metrics.base import Floats

__all__ = ["draw_backtest", "draw_scores"]

_INK: Final = {"challenger": "#d1495b", "champion": "#30638e", "baseline": "#8d99ae"}
_POLICY_INK: Final = ("#d1495b", "#30638e", "#6a994e", "#7b2cbf")
_POINTS: Final = 500
_SAMPLE: Final = 4000


def draw_scores(scores: Scores, opponent: Opponent | None, title: str, folder: Path) -> list[Path]:
    """Draw challenger and opponent on the same rows; return the one file made.

    Two classes: ROC, precision-recall and calibration. More: accuracy of the likeliest class by confidence. Regression:
    predicted against actual, the distribution of residuals, and the mean residual by prediction.
    """
    sides: list[tuple[str, Floats]] = [("challenger", scores.challenger)]
    if scores.opponent is not None and opponent is not None:
        sides.insert(0, (opponent, scores.opponent))
    wide = scores.challenger.ndim == 1 or scores.challenger.shape[1] == 2
    figure = Figure(figsize=(13 if wide else 6.5, 4.2))
    if scores.challenger.ndim == 1:
        _draw_regression(figure.subplots(1, 3), scores.y, sides)
    elif scores.challenger.shape[1] == 2:
        _draw_binary(figure.subplots(1, 3), scores.y, [(name, side[:, 1]) for name, side in sides])
    else:
        _draw_confidence(figure.subplots(1, 1), scores.y, sides)
    figure.suptitle(title)
    figure.subplots_adjust(
        left=0.06 if wide else 0.12, right=0.98, top=0.82, bottom=0.13, wspace=0.26
    )  # a layout engine: 0.3 s
    path = folder / "scores.png"
    figure.savefig(path, dpi=90)
    return [path]


def draw_backtest(backtests: Sequence[Backtest], path: Path) -> Path:
    """Draw each policy's champion in the windows that followed, between never retraining and the best in hindsight."""
    figure = Figure(figsize=(11, 4.6))
    axis = figure.subplots()
    steps = [step for step in backtests[0].steps if math.isfinite(step.never_next)]
    times: list[Any] = [step.as_of for step in steps]
    axis.plot(times, [step.best_next for step in steps], color="#bbbbbb", linestyle=":", label="best in hindsight")
    axis.plot(times, [step.never_next for step in steps], color="#bbbbbb", linestyle="--", label="never retraining")
    for number, backtest in enumerate(backtests):
        color, mark = _POLICY_INK[number % len(_POLICY_INK)], "o^sD"[number % 4]
        known = [step for step in backtest.steps if math.isfinite(step.next_value)]
        when: list[Any] = [step.as_of for step in known]
        promoted = [place for place, step in enumerate(known) if step.choice is Choice.PROMOTE]
        axis.plot(
            when, [s.next_value for s in known], color=color, marker=mark, markevery=promoted, label=backtest.policy
        )
    axis.set_ylabel(f"{backtests[0].metric} of the champion in the next window")
    axis.set_xlabel("as of; a mark is a promotion")
    axis.spines[["top", "right"]].set_visible(False)
    axis.legend(frameon=False, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    figure.autofmt_xdate()
    figure.subplots_adjust(left=0.08, right=0.78, top=0.95, bottom=0.2)
    figure.savefig(path, dpi=100)
    return path


def _draw_binary(axes: Sequence[Axes], y: Floats, sides: Sequence[tuple[str, Floats]]) -> None:
    roc, precision, calibration = axes
    if len(set(y.tolist())) < 2:
        for axis in axes:
            axis.set_axis_off()
        precision.set_title("The holdout has one class only: nothing to draw.")
        return
    for name, side in sides:
        false_rate, true_rate, _ = roc_curve(y, side)
        _line(roc, false_rate, true_rate, name, f"{name} (AUC {auc(false_rate, true_rate):.3f})")
        precisions, recalls, _ = precision_recall_curve(y, side)
        _line(precision, recalls, precisions, name, name, drawstyle="steps-post")
        actual, said = calibration_curve(y, side, n_bins=10, strategy="quantile")
        calibration.plot(said, actual, marker="o", markersize=4, color=_INK[name], label=name)
    roc.plot([0, 1], [0, 1], color="#cccccc", linewidth=1, zorder=0)
    calibration.axline((0, 0), slope=1, color="#cccccc", linewidth=1, zorder=0)
    calibration.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    _label(roc, "ROC", "false positive rate", "true positive rate")
    _label(precision, "Precision and recall", "recall", "precision")
    _label(calibration, "Calibration", "predicted probability", "observed share")


def _draw_confidence(axis: Axes, y: Floats, sides: Sequence[tuple[str, Floats]]) -> None:
    for name, side in sides:
        hit = side.argmax(axis=1) == y
        actual, said = calibration_curve(hit, side.max(axis=1), n_bins=10, strategy="quantile")
        axis.plot(said, actual, marker="o", markersize=4, color=_INK[name], label=name)
    axis.axline((0, 0), slope=1, color="#cccccc", linewidth=1, zorder=0)
    axis.set(xlim=(-0.03, 1.03), ylim=(-0.03, 1.03))
    _label(axis, "Calibration of the likeliest class", "predicted probability", "share correct")


def _draw_regression(axes: Sequence[Axes], y: Floats, sides: Sequence[tuple[str, Floats]]) -> None:
    against, spread, bias = axes
    step = max(1, len(y) // _SAMPLE)
    for name, side in sides:
        residuals = y - side
        against.plot(side[::step], y[::step], ".", markersize=2, alpha=0.4, color=_INK[name], label=name)
        spread.hist(residuals, bins=80, histtype="step", color=_INK[name], label=name)
        order = side.argsort(kind="stable")
        parts = 10 if len(set(side.tolist())) > 1 else 1  # a baseline says one number: one point
        bins = [chunk for chunk in _split(order, parts) if len(chunk)]
        said, off = [float(side[b].mean()) for b in bins], [float(residuals[b].mean()) for b in bins]
        bias.plot(said, off, marker="o", markersize=4, color=_INK[name], label=name)
    against.axline((0, 0), slope=1, color="#888888", linewidth=1)
    bias.axhline(0, color="#cccccc", linewidth=1, zorder=0)
    _label(against, "Actual against predicted", "predicted", "actual")
    _label(spread, "Residuals", "actual - predicted", "rows")
    spread.set_yscale("log")
    _label(bias, "Bias by prediction", "predicted (tenths of rows)", "mean residual")


def _split(order: Any, parts: int) -> list[Any]:
    size = len(order)
    return [order[size * part // parts : size * (part + 1) // parts] for part in range(parts)]


def _line(axis: Axes, x: Floats, y: Floats, name: str, label: str, **style: Any) -> None:
    step = max(1, len(x) // _POINTS)
    axis.plot(x[::step], y[::step], color=_INK[name], label=label, **style)


def _label(axis: Axes, title: str, x: str, y: str) -> None:
    axis.set_title(title)
    axis.set_xlabel(x)
    axis.set_ylabel(y)
    for handle in axis.legend(frameon=False).legend_handles:
        if isinstance(handle, Line2D):
            handle.set(alpha=1, markersize=max(6, handle.get_markersize()))
    axis.spines[["top", "right"]].set_visible(False)

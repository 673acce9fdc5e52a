"""A model card in the format of the Hugging Face Hub: metadata as YAML, then Markdown."""

from __future__ import annotations

import math
from functools import cache
from typing import Any, Final

import yaml
from jinja2 import Environment, PackageLoader, StrictUndefined

from retrain.core.data.durations import format_duration
from retrain.core.report import RetrainReport
from retrain.core.text import escape_markdown
from retrain.reports.pages import number

__all__ = ["model_card"]

_WORST: Final = 3


def model_card(report: RetrainReport) -> str:
    """Return the card of the version that a retrain made.

    Reference: https://huggingface.co/docs/hub/model-cards, with results in `model-index`.
    """
    front = yaml.safe_dump(_metadata(report), sort_keys=False, allow_unicode=True)
    worst = [line for line in report.slices if line.gain < 0 and not line.small][:_WORST]
    fairness = [verdict for verdict in report.decision.verdicts if verdict.check == "fairness"]
    body = _template().render(report=report, decision=report.decision, worst=worst, fairness=fairness)
    return f"---\n{front}---\n\n{body}"


def _metadata(report: RetrainReport) -> dict[str, Any]:
    task = f"tabular-{report.spec.evaluation.task}"
    tags = ["retrain", *report.spec.tags]
    found: dict[str, Any] = {"library_name": "sklearn", "pipeline_tag": task, "tags": tags}
    snapshot, card = report.inputs.snapshot, report.scorecard
    metrics = {} if card is None else card.challenger_metrics
    known = [
        {"type": name, "name": name, "value": round(value, 6)}
        for name, value in metrics.items()
        if math.isfinite(value)
    ]
    if snapshot is None or not known:
        return found
    window = snapshot.window
    span = f"{window.holdout_start:%Y-%m-%d} to before {window.end:%Y-%m-%d}"
    dataset = {"type": report.spec.model, "name": f"{report.spec.model}, {span}", "split": "holdout"}
    result = {"task": {"type": task}, "dataset": dataset | {"revision": snapshot.digest}, "metrics": known}
    return found | {"model-index": [{"name": report.spec.model, "results": [result]}]}


@cache
def _template() -> Any:
    # S701: what comes out is Markdown, which `plain` escapes
    texts = Environment(  # noqa: S701
        loader=PackageLoader("retrain.reports"), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    texts.globals["number"] = number
    texts.filters |= {"plain": escape_markdown, "duration": format_duration}
    return texts.get_template("model_card.md")

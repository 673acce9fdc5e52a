"""The command that tests policies on past retrains."""

from __future__ import annotations

import base64
import json
import math
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer
from pydantic import BaseModel, ValidationError
from rich.box import SIMPLE_HEAD
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from retrain.cli.shared import (
    SPECS,
    Model,
    Pipelines,
    Timeline,
    err,
    find_spec,
    get_context,
    out,
    print_errors,
    read_instant,
)
from retrain.core.policy.backtest import Backtest
from retrain.core.policy.error_control import ErrorControlSpec
from retrain.core.policy.gates import GateSpec
from retrain.core.spec import PipelineSpec
from retrain.core.spec.document import read_spec_bytes
from retrain.core.spec.plain_yaml import PlainYamlError, read_yaml
from retrain.core.stats.metric_names import GREATER_IS_BETTER
from retrain.errors import NotFoundError, SpecError, SpecProblem

if TYPE_CHECKING:
    from retrain.steps.backtest import Policy

__all__ = ["backtest", "read_policy"]

_CADENCES: Final = (2, 3)


def backtest(
    ctx: typer.Context,
    model: Model,
    policy: Annotated[
        Path | None,
        typer.Option(
            "--policy", help="A YAML file with `gate:` (and `error_control:`); by default the pipeline's own."
        ),
    ] = None,
    against: Annotated[Path | None, typer.Option("--against", help="Another, to compare with.")] = None,
    since: Annotated[str | None, typer.Option("--from", help="The first as-of, ISO 8601.")] = None,
    until: Annotated[str | None, typer.Option("--to", help="The last as-of, ISO 8601.")] = None,
    html: Annotated[Path | None, typer.Option("--html", help="Write the page that people read.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    timeline: Timeline = None,
    pipelines: Pipelines = SPECS,
) -> None:
    """Replay gate policies over a timeline's past challengers; exit with 1 if --policy did worse than --against."""
    from retrain.steps.backtest import backtest_policies

    context = get_context(ctx)
    timeline = timeline or context.timeline
    with print_errors(), context.open_resources() as resources:
        spec = find_spec(model, pipelines)
        tested_policy = read_policy(policy, spec)
        policies = [tested_policy, *([read_policy(against, spec)] if against else [])]
        policies += [replace(tested_policy, name=f"every {_ordinal(n)} retrain", every=n) for n in _CADENCES]
        first, last = (read_instant(text) if text else None for text in (since, until))
        decisions = [
            decision
            for decision in resources.ledger.decisions(spec.model, timeline)
            if (first is None or decision.as_of >= first) and (last is None or decision.as_of <= last)
        ]
        with Progress(console=err, transient=True) as progress:
            bar = progress.add_task("scoring past versions", total=None)
            tests = backtest_policies(
                spec,
                decisions,
                policies,
                resources,
                report_progress=lambda done, total: progress.update(bar, completed=done, total=total),
            )
        worse = against is not None and tests[0].worse_than(tests[1])
        verdict = _verdict(tests, with_other=against is not None)
        if html:
            html.write_text(_page(spec.model, tests, verdict), encoding="utf-8")
        if as_json:
            typer.echo(
                json.dumps({"model": spec.model, "worse": worse, "policies": [test.to_json() for test in tests]})
            )
        else:
            _print(spec.model, tests, verdict)
            if html:
                err.print(f"The page is {html}", style="dim", highlight=False, soft_wrap=True)
        if worse:
            raise typer.Exit(1)


class _PolicyFile(BaseModel):
    """The content of a policy file: the two sections of a spec that decide."""

    gate: tuple[GateSpec, ...]
    error_control: ErrorControlSpec = ErrorControlSpec()


def read_policy(path: Path | None, spec: PipelineSpec) -> Policy:
    """Return the policy of a file, checked like a spec; without a file the pipeline's own."""
    from retrain.steps.backtest import Policy

    if path is None:
        return Policy("current policy", spec.gate, spec.error_control)
    try:
        document = read_yaml(read_spec_bytes(path).decode("utf-8"))
        sections = {name: document[name] for name in ("gate", "error_control") if name == "gate" or name in document}
        sections_read = _PolicyFile.model_validate(sections)
    except ValidationError as error:
        problems = [
            SpecProblem(
                "".join(f"[{part}]" if isinstance(part, int) else f".{part}" for part in item["loc"]).lstrip("."),
                item["msg"],
                repr(item["input"])[:80],
                "See docs/reference/pipeline-spec.md.",
            )
            for item in error.errors()
        ]
        raise SpecError(str(path), problems) from None
    except (OSError, PlainYamlError, UnicodeDecodeError, KeyError, TypeError) as error:
        raise NotFoundError(
            f"{path} must be a readable YAML file with a list under `gate:`",
            got=type(error).__name__,
            fix="See a spec's.",
        ) from None
    if not sections_read.gate:
        raise NotFoundError(f"{path} must hold gates", got="none", fix="A policy without a gate decides nothing.")
    metrics = {str(getattr(gate, "metric", None)) for gate in sections_read.gate} & set(GREATER_IS_BETTER)
    unknown = metrics - set(spec.evaluation.metrics)
    if unknown:
        raise NotFoundError(
            f"the gates of {path} must use metrics that {spec.model} evaluates",
            got=", ".join(sorted(unknown)),
            fix=f"Use one of: {', '.join(spec.evaluation.metrics)}.",
        )
    return Policy(path.stem, sections_read.gate, sections_read.error_control)


def _verdict(tests: Sequence[Backtest], *, with_other: bool) -> str:
    """Return the result in a few sentences."""
    tested, metric = tests[0], tests[0].metric
    gain = f"{_number(tested.gain_over_never, signed=True)} {metric} per window"
    text = f"Compared with never retraining, {tested.policy} gained {gain}."
    if with_other:
        other = tests[1]
        gap = abs(tested.mean_next - other.mean_next)
        how = "worse" if tested.worse_than(other) else "no worse"
        text = (
            f"{tested.policy} did {how} than {other.policy}: they differ by {_number(gap)} {metric} per window. "
            f"It promoted {tested.promotions} challengers, {tested.bad_promotions} of which were worse in the next window; "
            f"{other.policy} promoted {other.promotions}, {other.bad_promotions} of which were worse. {text}"
        )
    slower = [test for test in tests[2 if with_other else 1 :] if not test.worse_than(tested)]
    if slower:
        text += f" A slower schedule would have done as well: {slower[-1].policy}."
    return text


def _print(model: str, tests: Sequence[Backtest], verdict: str) -> None:
    table = Table(title=f"Backtest of {model}", title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    table.add_column("policy")
    for name in (
        "promotions",
        "worse next",
        "replaced at once",
        f"mean {tests[0].metric} next",
        "regret",
        "gain over never",
    ):
        table.add_column(name, justify="right")
    for test in tests:
        table.add_row(
            escape(test.policy),
            str(test.promotions),
            str(test.bad_promotions),
            str(test.flaps),
            _number(test.mean_next),
            _number(test.regret),
            _number(test.gain_over_never, signed=True),
        )
    out.print(table)
    out.print(verdict, markup=False, highlight=False)


def _page(model: str, tests: Sequence[Backtest], verdict: str) -> str:
    """Return one self-contained page."""
    from retrain.reports.pages import render_page
    from retrain.reports.plots import draw_backtest

    with tempfile.TemporaryDirectory(prefix="retrain-") as scratch:
        picture = base64.b64encode(draw_backtest(tests, Path(scratch) / "backtest.png").read_bytes()).decode()
    return render_page(
        "backtest.html",
        model=model,
        metric=tests[0].metric,
        backtests=tests,
        verdict=verdict,
        picture=picture,
        windows=sum(math.isfinite(step.next_value) for step in tests[0].steps),
    )


def _number(value: float, *, signed: bool = False) -> str:
    return "-" if not math.isfinite(value) else f"{value:+.4f}" if signed else f"{value:.4f}"


def _ordinal(number: int) -> str:
    return {2: "second", 3: "third"}[number]

"""The report of a search: one HTML file that loads nothing from elsewhere."""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from plotly.offline import get_plotlyjs

from topoviz.figures import search as figures
from topoviz.report.page import escaped, page, table

if TYPE_CHECKING:
    from core.search import Study, Trial

__all__ = ["report"]

_STYLE = """
.figures { display: grid; grid-template-columns: repeat(auto-fill, minmax(20rem, 1fr)); gap: .5rem 1.5rem; }
figure { margin: 0; } figcaption { color: #5d646f; font-size: .9rem; }
.plot { height: 19rem; } .figures .plot { height: 14rem; }
.verdict { border-left: .3rem solid #0072b2; padding: .5rem 1rem; background: #f2f6fa; }
.verdict.open { border-color: #d55e00; background: #fdf4ee; }
"""
_DRAWN = """<figure><div class="plot" id="{name}" role="img" aria-label="{caption}"></div>
<figcaption>{caption}</figcaption><script>
(function () {{ const spec = {spec};
Plotly.newPlot("{name}", spec.data, spec.layout, {{displayModeBar: false, responsive: true}}); }})();
</script></figure>"""
_MEASURES = ("held-out NLL", "±", "critic", "stability", "leaves", "holes")


def report(study: "Study") -> str:
    """The report as HTML."""
    title = f"Search on {study.data.name}"
    parts = [f"<h1>{escaped(title)}</h1>", _verdict(study), f"<p>{escaped(_summary(study))}</p>"]
    if any(trial.nll is not None for trial in study.trials):
        parts += _figures(study)
    parts += ["<h2>By prior</h2>", _by_prior(study), "<h2>Complete trials, best first</h2>", _complete(study)]
    failed = [trial for trial in study.trials if trial.state == "failed"]
    if failed:
        rows = [(trial.number, trial.attempts, trial.error) for trial in failed]
        parts += ["<h2>Failed trials</h2>", table(("trial", "attempts", "why"), rows, text=("why",))]
    parts += ["<h2>How to read this</h2>", _READING]
    return page(title, _STYLE, parts, script=get_plotlyjs())


_READING = """<p>All trials hold out the same points. <b>Held-out NLL</b> is in nats per point in the data's own units,
lower is better, and compares across priors, latent dimensions and pads; ± is its standard error over the points, which
the differences between trials share in part. <b>Critic</b> is 0 where a small classifier cannot distinguish held-out
latents from samples of the model's prior and 1 where it always can; the classifier is the same for all priors.
<b>Stability</b> is the share of refits to halves of the latents that find the least supported leaf again. A trial is
judged after a ninth and after a third of its steps, and stopped unless it is in the best third of the trials judged
there before it.</p>"""


def _verdict(study: "Study") -> str:
    best = study.best
    if best is None or best.measures is None:
        return "<p class='verdict open'>No trial was completed.</p>"
    found = best.measures
    sentence = f"Trial <b>{best.number}</b> is best by {study.criterion}: held-out NLL {found.nll:.3f} nats, "
    sentence += f"critic {found.critic_loss:.3f}. {escaped(_params(best.params))}. "
    converged = "It converged." if found.converged else f"It did not converge: {escaped('; '.join(found.reasons))}."
    return f"<p class='verdict{'' if found.converged else ' open'}'>{sentence}{converged}</p>"


def _summary(study: "Study") -> str:
    counts = ", ".join(f"{study.count(state)} {state}" for state in ("complete", "pruned", "failed"))
    where = "on this machine" if study.scheduler is None else f"by the workers of {study.scheduler}"
    hours = sum(trial.seconds for trial in study.trials) / 3600
    return (
        f"{study.data.points:,} points in {study.data.dim} dimensions; {len(study.trials)} trials of up to "
        f"{study.steps} steps with seed {study.seed} {where} ({counts}), {hours:.2g} hours of training."
    )


def _figures(study: "Study") -> list[str]:
    drawn = [
        _drawn("history", figures.history(study), "Held-out likelihood of each trial at its end"),
        _drawn("curves", figures.curves(study), "Held-out likelihood where trials were judged"),
    ]
    if study.best is not None:
        drawn.append(_drawn("critic", figures.against_critic(study), "Held-out likelihood against the critic"))
    small = [
        _drawn(f"setting-{number}", spec, f"{name.replace('_', ' ')}, at the first judgment")
        for number, (name, spec) in enumerate(figures.settings(study).items())
    ]
    return ["<h2>The search</h2>", *drawn, "<h2>The settings</h2>", f"<div class='figures'>{''.join(small)}</div>"]


def _drawn(name: str, spec: Mapping[str, Any], caption: str) -> str:
    # "</" would end the script around it.
    text = json.dumps(spec, allow_nan=False).replace("</", "<\\/")
    return _DRAWN.format(name=name, spec=text, caption=escaped(caption))


def _by_prior(study: "Study") -> str:
    rows = []
    for prior in sorted({str(trial.params["prior"]) for trial in study.trials}):
        ours = [trial for trial in study.trials if trial.params["prior"] == prior]
        complete = sorted((trial for trial in ours if trial.measures is not None), key=lambda trial: trial.nll or 0.0)
        best = _measures(complete[0]) if complete else ("",) * len(_MEASURES)
        rows.append((prior, len(ours), len(complete), sum(trial.state == "pruned" for trial in ours), *best))
    return table(("prior", "trials", "complete", "pruned", *(f"{name}" for name in _MEASURES)), rows)


def _complete(study: "Study") -> str:
    trials = sorted((trial for trial in study.trials if trial.measures is not None), key=lambda trial: trial.nll or 0.0)
    planted = any(trial.measures.tree_error is not None for trial in trials if trial.measures is not None)
    truth = ("missed", "spurious", "distance") if planted else ()
    head = ("trial", *_MEASURES, *truth, "converged", "families", "settings")
    rows = []
    for trial in trials:
        assert trial.measures is not None
        error = trial.measures.tree_error or {}
        found = [error.get(name, "") for name in truth[:2]] + [_number(error.get(name)) for name in truth[2:]]
        families = ", ".join(f"{name} {weight:.2f}" for name, weight in (trial.measures.families or {}).items())
        converged = "yes" if trial.measures.converged else "no"
        rows.append((trial.number, *_measures(trial), *found, converged, families, _params(trial.params)))
    return table(head, rows, text=("families", "settings"))


def _measures(trial: "Trial") -> tuple[object, ...]:
    found = trial.measures
    assert found is not None
    numbers = (found.nll, found.nll_error, found.critic_loss, found.tree_stability)
    return (*map(_number, numbers), found.leaves, found.holes)


def _number(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"


def _params(params: Mapping[str, Any]) -> str:
    return ", ".join(
        f"{name.replace('_', ' ')} {value:.3g}" if isinstance(value, float) else f"{name.replace('_', ' ')} {value}"
        for name, value in params.items()
    )

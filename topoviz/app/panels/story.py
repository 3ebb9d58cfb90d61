"""The guided story: four short steps over the trees, which a person can leave at any time and find again."""

import json
from collections.abc import Sequence
from typing import Any

from dash import html

from topoviz.app.panels.panel import Context
from topoviz.app.views.markup import aria, data
from topoviz.session.library import Step
from topoviz.session.state import Session

__all__ = ["button", "layout"]


def button(context: Context) -> html.Button:
    """What begins the story, where there is one."""
    shown = bool(context.library.story())
    return html.Button("Story", id="tour", className="button", title="Four short steps", hidden=not shown)


def layout(context: Context) -> html.Section | None:
    """The story, where there is one; a first visit that no session was named for begins with it."""
    steps = context.library.story()
    return _story(steps, context.settings.session is None) if steps else None


def _story(steps: Sequence[Step], at_once: bool) -> html.Section:
    """Every step, of which the browser shows one; with `at_once` a first visit begins with it."""
    return html.Section(
        id="story",
        className="story",
        hidden=True,
        tabIndex=-1,
        **data(auto=at_once),
        **aria(label="Guided story"),
        children=[
            *(_step(at, step, len(steps)) for at, step in enumerate(steps)),
            html.Div(
                className="story-foot",
                children=[
                    html.Ol(
                        className="story-dots",
                        children=[html.Li(_dot(at, step)) for at, step in enumerate(steps)],
                    ),
                    html.Span(className="push"),
                    _button("leave", "Leave the story"),
                    _button("back", "Back"),
                    _button("next", "Next", "button strong"),
                ],
            ),
        ],
    )


def _step(at: int, step: Step, count: int) -> html.Article:
    usual = Session().to_json()
    session = {key: value for key, value in step.session.to_json().items() if value != usual[key]}
    task: list[Any] = [html.Span("", className="story-tick", **aria(hidden=True)), html.Span(step.task)]
    if step.act:
        task.append(_button(step.act, "▶ Play"))
    return html.Article(
        hidden=True,
        **data(
            step=at,
            session=json.dumps(session),
            done=step.done,
            look=step.look,
            nodes=json.dumps([list(node) for node in step.nodes]),
        ),
        children=[
            html.H2([html.Span(f"{at + 1} of {count}", className="story-count"), step.title]),
            html.P(step.text),
            html.P(task, className="story-task"),
        ],
    )


def _dot(at: int, step: Step) -> html.Button:
    return html.Button(className="story-dot", **data(story=at), **aria(label=f"Step {at + 1}: {step.title}"))


def _button(what: str, words: str, look: str = "chip") -> html.Button:
    return html.Button(words, className=look, **data(story=what))

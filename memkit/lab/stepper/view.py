"""A story on the page: buttons and a slider to go through it, and a question about the next step.

Where no widgets run, the steps stand there as pictures that are switched without a kernel.
"""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from memkit.draw.svg import escape
from memkit.lab import page, views
from memkit.lab.stepper.story import Stepper

__all__ = ["bundle", "html", "widget"]

# So many pictures a page without a kernel carries.
MOST = 80
LEFT, RIGHT = "\N{BLACK LEFT-POINTING TRIANGLE}", "\N{BLACK RIGHT-POINTING TRIANGLE}"
_STYLE = (
    "<style>.memkit .mk-step{font-size:14px;line-height:1.5;max-width:100ch;min-height:3em}"
    ".memkit .mk-right{border-left:4px solid var(--jp-success-color0,#1b5e20);padding:2px 12px}"
    ".memkit .mk-wrong{border-left:4px solid var(--mk-warn);padding:2px 12px}"
    ".memkit .mk-next .jupyter-button{height:auto;min-height:28px;max-width:100%;white-space:normal;"
    "text-align:left;line-height:1.4;padding:3px 10px}</style>"
)


def bundle(story: Stepper, **kwargs: Any) -> dict[str, Any]:
    """The story for a notebook: a widget, and where none runs, all steps to switch through."""
    plain: dict[str, Any] = {"text/plain": str(story), "text/html": html(story)}
    try:
        from IPython import get_ipython
        from IPython.display import HTML as Shown
        from IPython.display import display

        shown = widget(story)
    except ImportError:
        return plain
    # A script, which names the slider; a terminal would print a line about it.
    if getattr(get_ipython(), "kernel", None):
        display(Shown(page.script()))  # type: ignore[no-untyped-call]
    return {**shown._repr_mimebundle_(**kwargs), **plain}


def html(story: Stepper) -> str:
    """The story as static HTML: a row of numbers, each of which shows its step; no script."""
    name = "mk" + sha256(str(story).encode()).hexdigest()[:10]
    count = min(len(story.frames), MOST)
    rules, inputs, labels, steps = [], [], [], []
    for number in range(count):
        frame = story.frames[number]
        checked = " checked" if not number else ""
        inputs.append(f'<input type="radio" name="{name}" id="{name}-{number}"{checked} '
                      f'aria-label="Step {number + 1}: {escape(frame.title)}">')
        labels.append(f'<label for="{name}-{number}" title="{escape(frame.title)}">{number + 1}</label>')
        rules.append(f"#{name}-{number}:checked~.steps>:nth-child({number + 1})")
        steps.append(f"<div><p><b>{number + 1}. {escape(frame.title)}.</b> {escape(frame.sentence)}</p>"
                     f"{story.picture(number)}</div>")
    scope = f"#{name}"
    style = (
        f"{scope}>input{{position:absolute;opacity:0}}{scope} .steps>div{{display:none}}"
        f"{','.join(rules)}{{display:block}}"
        f"{scope} label{{display:inline-block;min-width:1.6em;text-align:center;padding:1px 3px;margin:1px;"
        "border:1px solid #8888;border-radius:3px;cursor:pointer;font-size:12px}"
        + ",".join(f"{scope}>#{name}-{n}:checked~nav>label:nth-child({n + 1})" for n in range(count))
        + "{font-weight:700;outline:2px solid currentColor}"
        + ",".join(f"{scope}>#{name}-{n}:focus-visible~nav>label:nth-child({n + 1})" for n in range(count))
        + "{outline-offset:2px;outline:3px solid #0b57d0}"
    )
    more = "" if count == len(story.frames) else (
        f"<p>{len(story.frames) - count} more steps are shown where the notebook runs.</p>")
    return (f'<section id="{name}" aria-label="{escape(story.title)}"><style>{style}</style>'
            f"<p><b>{escape(story.title)}</b>, in {len(story.frames)} steps. Choose a number; the arrow "
            f'keys go on and back.</p>{"".join(inputs)}<nav>{"".join(labels)}</nav>'
            f'<div class="steps">{"".join(steps)}</div>{more}</section>')


def widget(story: Stepper) -> Any:
    """The story as a widget; raises ImportError where ipywidgets is missing."""
    from ipywidgets import HTML, Button, HBox, IntSlider, Layout, VBox

    wide = Layout(width="max-content")
    first, back, forward, asks = (
        Button(description=said, layout=wide, tooltip=tip)
        for said, tip in (("Start", "To the first step"), (f"{LEFT} Back", "One step back"),
                          (f"Next {RIGHT}", "One step on"),
                          ("What comes next?", "Take a guess before you go on"))
    )
    forward.button_style = "primary"
    # Without its number, a box to type into that has no name: the sentence below says which step it is.
    slider = IntSlider(1, 1, len(story.frames), description="Step", readout=False,
                       layout=Layout(width="340px", margin="2px 14px"))
    slider.add_class("mk-at")
    said, picture, verdict = HTML(), HTML(), HTML()
    guesses = VBox()
    guesses.add_class("mk-next")

    def show() -> None:
        frame = story.frame
        said.value = (f'<div class="mk-step" aria-live="polite"><b>{story.at + 1} of {len(story.frames)}: '
                      f"{escape(frame.title)}.</b> {escape(frame.sentence)}</div>")
        picture.value = f'<div class="mk-picture">{story.picture()}</div>'
        back.disabled = first.disabled = story.at == 0
        forward.disabled = asks.disabled = story.at + 1 == len(story.frames)

    def safely(do: Callable[[], None]) -> Callable[..., None]:
        def acted(*_: Any) -> None:
            try:
                do()
            except Exception as error:
                verdict.value = views.broken(error)  # the page lives on

        return acted

    def move(to: int) -> None:
        story.go(to)
        guesses.children, verdict.value = (), ""
        if slider.value != story.at + 1:
            slider.value = story.at + 1  # which shows it
        else:
            show()

    def slid() -> None:
        story.go(slider.value - 1)
        show()

    def guess(number: int, right: int, titles: tuple[str, ...]) -> None:
        if number == right:
            move(story.at + 1)
            verdict.value = '<div class="mk-right" role="alert"><p>Right: this is the next step.</p></div>'
        else:
            verdict.value = (f'<div class="mk-wrong" role="alert"><p>Not yet: {escape(titles[number])} comes '
                             "later.</p></div>")

    def ask() -> None:
        titles, right = story.choices()
        buttons = [Button(description=title, layout=wide) for title in titles]
        for number, button in enumerate(buttons):
            button.on_click(safely(lambda number=number: guess(number, right, titles)))  # type: ignore[misc]
        guesses.children = tuple(buttons)

    first.on_click(safely(lambda: move(0)))
    back.on_click(safely(lambda: move(story.at - 1)))
    forward.on_click(safely(lambda: move(story.at + 1)))
    asks.on_click(safely(ask))
    slider.observe(safely(slid), "value")
    head = HTML(f"{page.style()}{_STYLE}<p><b>{escape(story.title)}</b></p>")
    show()
    shown = VBox([head, HBox([first, back, forward, slider, asks]), guesses, verdict, said, picture])
    shown.add_class("memkit")
    return shown

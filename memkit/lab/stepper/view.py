"""A story on the page: buttons and a slider to go through it, and a question about the next step.

Where no widgets run, the steps stand there as pictures that are switched without a kernel.
"""

from __future__ import annotations

from functools import partial
from typing import Any

from memkit.draw.svg import escape
from memkit.lab import live, page
from memkit.lab.stepper.story import Stepper
from memkit.lab.switched import View, switched

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
    def shown() -> Any:
        from IPython import get_ipython
        from IPython.display import HTML as Shown
        from IPython.display import display

        made = widget(story)
        # A script, which names the slider; a terminal would print a line about it.
        if getattr(get_ipython(), "kernel", None):
            display(Shown(page.script()))  # type: ignore[no-untyped-call]
        return made

    return live.beside({"text/plain": str(story), "text/html": html(story)}, shown, **kwargs)


def html(story: Stepper) -> str:
    """The story as static HTML: a row of numbers, each of which shows its step; no script."""
    count = min(len(story.frames), MOST)
    steps = [
        View(str(number), f"Step {number}: {frame.title}",
             f"<p><b>{number}. {escape(frame.title)}.</b> {escape(frame.sentence)}</p>"
             f"{story.picture(number - 1)}")
        for number, frame in enumerate(story.frames[:count], 1)
    ]
    more = "" if count == len(story.frames) else (
        f"<p>{len(story.frames) - count} more steps are shown where the notebook runs.</p>")
    intro = (f"<p><b>{escape(story.title)}</b>, in {len(story.frames)} steps. Choose a number; the arrow "
             "keys go on and back.</p>")
    return switched(steps, story.title, intro, more)


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

    safely = partial(live.safely, verdict)

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

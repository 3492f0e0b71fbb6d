"""A question as HTML: what is asked, what an answer earned, and the picture that shows why."""

from __future__ import annotations

from memkit.draw.svg import escape
from memkit.errors import MemkitError
from memkit.lab.questions import Question, Verdict

__all__ = ["STYLE", "folded", "mistake", "prompt", "reasons", "story", "verdict"]

STYLE = (
    "<style>.memkit .mk-ask{font-size:14px;line-height:1.5;max-width:80ch}"
    ".memkit .mk-right{border-left:4px solid var(--jp-success-color0,#1b5e20);padding:6px 12px}"
    ".memkit .mk-wrong{border-left:4px solid var(--mk-warn);padding:6px 12px}"
    ".memkit .mk-answers .jupyter-button{height:auto;min-height:28px;max-width:100%;white-space:normal;"
    "text-align:left;line-height:1.4;padding:3px 10px}"
    ".memkit .mk-helps{margin-top:8px;padding-top:6px;border-top:1px solid var(--mk-line);width:max-content}"
    ".memkit .widget-html,.memkit .widget-html-content{min-width:0;max-width:100%}"
    ".memkit ol.mk-ask{margin:0 0 4px;padding-left:24px}"
    ".memkit .mk-right p,.memkit .mk-wrong p{max-width:90ch}"
    ".mk-reasons{border-collapse:collapse;max-width:100ch;margin:4px 0 8px;font-size:13px;line-height:1.45}"
    ".mk-reasons :is(th,td){text-align:left!important;vertical-align:top;padding:4px 14px 4px 4px;"
    "border-top:1px solid var(--mk-line,#c9ced5);overflow-wrap:anywhere}"
    ".mk-reasons th{white-space:nowrap}"
    ".memkit .mk-chosen{font-weight:600;outline:2px solid var(--mk-ink);outline-offset:-2px}</style>"
)


def prompt(question: Question, title: str, how: str = "") -> str:
    """What is asked, under a title, with the command line and how to answer."""
    guest = question.guest
    # Wrapped here, too, since a page may lack our style: what matters often stands at the end of a line.
    wrapped = 'class="mk-said" style="white-space:pre-wrap;word-break:normal;overflow-wrap:anywhere"'
    line = f"<pre {wrapped}>{escape(question.text)}</pre>" if question.text else ""
    one = guest.config and not question.everywhere
    asked = [f"The guest of QEMU {guest.qemu}.", *guest.notes] if one else []
    said = " ".join(filter(None, [*asked, how]))
    note = f'<p class="mk-note">{escape(said)}</p>' if said else ""
    return f'<div class="mk-ask"><p><b>{escape(title)}</b> {escape(question.prompt)}</p>{line}{note}</div>'


def folded(question: Question, label: str, title: str) -> str:
    """The question as static HTML, with everything else folded away."""
    said = question.pool or [choice.text for choice in question.choices]
    options = "".join(f"<li>{escape(one)}</li>" for one in said)
    listed = "" if question.typed else f"<ul>{options}</ul>"
    wrong = "".join(
        f"<li>{escape(choice.text)}: {escape(choice.why)}</li>"
        for choice in question.choices if choice is not question.answer
    )
    right = f"{escape(question.answer.text)}. {escape(question.answer.why)}".replace(".. ", ". ")
    return (
        f'<section aria-label="{escape(label)}">{prompt(question, title)}{listed}'
        f"<details><summary>Show the answer</summary><p><b>{right}</b></p>"
        f"<p>Other answers:</p><ul>{wrong}</ul>{reasons(question)}</details></section>"
    )


def mistake(text: str) -> str:
    """What cannot be read as an answer, told."""
    return f'<div class="mk-bad" role="alert"><p>{escape(text[:1].upper() + text[1:])}</p></div>'


def verdict(said: Verdict) -> str:
    """What an answer earned."""
    look = "mk-right" if said.right else "mk-wrong"
    sign = "\N{CHECK MARK}" if said.right else "\N{BALLOT X}"
    return (f'<div class="{look}" role="alert"><p><span aria-hidden="true">{sign}</span> '
            f"{escape(said.said)}</p></div>")


def reasons(question: Question) -> str:
    """The model's reasoning, and the picture."""
    told = ""
    if question.gpa is not None:
        found = question.guest.explain(question.gpa)
        told = (
            f"<details><summary>{escape(found.title)}: the whole story</summary>"
            f'<div class="mk-story">{found._repr_mimebundle_()["text/html"]}</div></details>'
        )
    return f"{told}{_picture(question)}"


def story(question: Question) -> str:
    """The story of the address that the question is about, as text; "" where it is about none."""
    return "" if question.gpa is None else str(question.guest.explain(question.gpa))


def _picture(question: Question) -> str:
    if question.view == "reasons":
        rows = "".join(f'<tr><th scope="row">{escape(name)}</th><td>{escape(said)}</td></tr>'
                       for name, said in question.reasons.items())
        return f'<table class="mk-reasons">{rows}</table>'
    if question.view == "tables":
        return ('<div tabindex="0" role="region" aria-label="Tables" style="overflow-x:auto">'
                f"{question.guest.tables().html()}</div>")
    view = question.guest.graph() if question.view == "graph" else question.guest.map()
    try:
        return f'<div class="mk-picture">{view.svg()}</div>'
    except MemkitError as error:
        return f"<p>{escape(error)}. Here is the same in words:</p><pre>{escape(view.text())}</pre>"

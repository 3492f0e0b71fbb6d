"""The box for monitor text in a real browser: pasted by keyboard, seen in every view, and a way back."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Locator, Page, expect

if TYPE_CHECKING:
    from .conftest import Visit

pytestmark = [pytest.mark.needs_browser, pytest.mark.xdist_group("browser")]

MACHINES = json.loads(gzip.decompress(
    (Path(__file__).parents[1] / "monitor" / "test_parser_machines.json.gz").read_bytes()))
TEXT = "".join(
    f"(qemu) {command}\n{answer}" for command, answer in MACHINES["microvm"]["hmp"].items()
).replace("\r", "")


class Paste:
    """The explorer's box for monitor text, by what a person sees of it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator(".memkit").first
        self.open = self.root.get_by_role("button", name="Monitor text")
        self.back = self.root.get_by_role("button", name="Back to the line")
        self.text = self.root.get_by_label("Monitor text")
        self.line = self.root.get_by_label("Command line")

    @property
    def view(self) -> Locator:
        """The visible view."""
        return self.root.locator(".mk-view:visible")


@pytest.fixture
def paste(visit: Visit) -> Iterator[Paste]:
    """The box, open and empty."""
    paste = Paste(visit.page)
    paste.open.focus()
    paste.page.keyboard.press("Enter")
    expect(paste.text).to_be_visible()
    yield paste
    paste.text.fill("")
    paste.back.click()
    expect(paste.text).not_to_be_visible()
    assert [] == visit.errors


def test_pasting_shows_the_guest_in_every_view_and_the_line_rests(paste: Paste) -> None:
    paste.text.focus()
    paste.page.keyboard.insert_text(TEXT)
    expect(paste.view).to_contain_text("microvm.ram")
    expect(paste.root).to_contain_text("Read a guest with 5 RAMBlocks")
    expect(paste.root).to_contain_text("has no command line to change")
    expect(paste.root.get_by_label("Machine", exact=True)).to_be_disabled()
    for tab, words in (("Map", "microvm.ram"), ("Tables", "microvm.ram"), ("Monitor", "Block Name")):
        paste.root.get_by_role("tab", name=tab).click()
        expect(paste.view).to_contain_text(words)
    paste.root.get_by_role("tab", name="Graph").click()


def test_an_error_is_told_in_the_page_and_the_text_is_kept(paste: Paste) -> None:
    paste.text.fill("FlatView #0\n nonsense\n")
    expect(paste.root.get_by_role("alert")).to_contain_text("line 2 of 'info mtree -f' cannot be read")
    expect(paste.text).to_have_value("FlatView #0\n nonsense\n")
    expect(paste.view).to_contain_text("pc-dimm d1")


def test_the_keyboard_leads_back_and_the_text_is_there_again(paste: Paste) -> None:
    paste.text.fill(TEXT)
    expect(paste.view).to_contain_text("microvm.ram")
    paste.back.focus()
    paste.page.keyboard.press("Enter")
    expect(paste.view).to_contain_text("pc-dimm d1")
    expect(paste.text).not_to_be_visible()
    paste.open.focus()
    paste.page.keyboard.press("Enter")
    expect(paste.text).to_have_value(TEXT)
    expect(paste.view).to_contain_text("microvm.ram")

"""The question of the start notebook in a real JupyterLab, answered with the keyboard alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import expect

if TYPE_CHECKING:
    from .conftest import Visit

pytestmark = [pytest.mark.needs_browser, pytest.mark.xdist_group("browser-predict")]


def test_the_keyboard_answers_and_the_picture_appears_only_then(visit: Visit) -> None:
    page = visit.page
    asked = page.locator(".memkit").filter(has_text="Predict.").last
    asked.scroll_into_view_if_needed()
    expect(asked).to_contain_text("The guest has 8 GiB of main RAM.")
    expect(asked.locator("svg")).to_have_count(0)

    buttons = asked.get_by_role("button")
    expect(buttons).to_have_text(["4 GiB", "5 GiB", "6 GiB", "8 GiB"])
    buttons.first.focus()
    page.keyboard.press("Tab")
    expect(buttons.nth(1)).to_be_focused()
    page.keyboard.press("Enter")

    expect(asked.get_by_role("alert")).to_contain_text("Right: 5 GiB.")
    expect(asked.get_by_role("img", name="Where the memory of pc-i440fx-7.2")).to_be_visible()
    # The keyboard goes on from where it was; the other answers are closed.
    expect(buttons.nth(1)).to_be_focused()
    expect(buttons.first).to_be_disabled()


def test_the_page_has_no_errors_and_asks_the_world_for_nothing(visit: Visit) -> None:
    assert ([], []) == (visit.errors, visit.outside)

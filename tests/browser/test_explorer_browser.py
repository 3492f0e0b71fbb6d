"""The explorer in JupyterLab in a real browser: keys go in, changed pictures come out."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Locator, Page, expect

from memkit.boards.machine import machine_types
from memkit.draw.theme import THEMES
from memkit.lab.presets import DIMM
from memkit.versions import KNOWN_QEMU, labelled

if TYPE_CHECKING:
    from .conftest import Visit

pytestmark = [pytest.mark.needs_browser, pytest.mark.xdist_group("browser")]


class Lab:
    """The explorer in the page, by what a person sees of it."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.root = page.locator(".memkit").first
        self.line = self.root.get_by_label("Command line")
        self.size = self.root.get_by_label("exactly")
        self.qemu = self.root.get_by_label("QEMU", exact=True)
        self.machine = self.root.get_by_label("Machine", exact=True)
        self.slider = self.root.get_by_role("slider")
        self.status = self.root.locator(":scope > .mk-status")

    def tab(self, name: str) -> Locator:
        """The view behind a tab, after a press on it."""
        self.root.get_by_role("tab", name=name).click()
        return self.view

    @property
    def view(self) -> Locator:
        """The visible view."""
        return self.root.locator(".mk-view:visible")


@pytest.fixture
def lab(visit: Visit) -> Iterator[Lab]:
    """The explorer, on the talk's DIMM and its graph."""
    lab = Lab(visit.page)
    lab.line.fill(DIMM.text)
    stop = lab.root.get_by_role("button", name="Stop comparing")
    if lab.qemu.input_value() != "7.2":
        lab.qemu.select_option("7.2")
        expect(stop).to_be_visible()
        # The box of an earlier switch may still be there: wait until this one has been answered.
        expect(lab.status).to_contain_text("Boots in QEMU 7.2")
    if stop.is_visible():
        stop.click()
        expect(stop).not_to_be_visible()
    expect(lab.status).to_contain_text("Boots in QEMU 7.2")
    lab.tab("Graph")
    expect(lab.status).to_contain_text("4 GiB of RAM, 1 memory device")
    expect(lab.view).to_contain_text("pc-dimm d1")
    yield lab
    assert [] == visit.errors


def test_a_key_on_the_slider_changes_the_line_and_every_view(lab: Lab) -> None:
    lab.slider.focus()
    lab.page.keyboard.press("ArrowRight")
    lab.page.keyboard.press("ArrowRight")

    expect(lab.line).to_have_value(DIMM.text.replace("4G,", "6G,"))
    expect(lab.size).to_have_value("6G")
    expect(lab.view).to_contain_text("6 GiB")
    expect(lab.tab("Map")).to_contain_text("4 GiB")
    expect(lab.view).to_contain_text("6 GiB")
    expect(lab.tab("Tables")).to_contain_text("6 GiB")
    swatch = lab.view.locator("th svg").first.bounding_box()
    assert swatch
    assert swatch["width"] < 40
    expect(lab.tab("Monitor")).to_contain_text("0x0000000180000000 0x0000000180000000")
    expect(lab.slider).to_have_attribute("aria-valuetext", "6 GiB")


def test_a_bad_size_shows_the_error_and_the_page_lives_on(lab: Lab) -> None:
    lab.size.fill("4Gx")
    lab.size.press("Enter")

    expect(lab.status.get_by_role("alert")).to_contain_text("Parameter 'size' expects a non-negative number")
    expect(lab.status).to_contain_text("'4Gx' is not a size")
    expect(lab.view).to_contain_text("pc-dimm d1")
    expect(lab.view).to_have_css("opacity", "0.42")
    expect(lab.size).to_have_value("4Gx")
    lab.size.fill("3G")
    lab.size.press("Enter")
    expect(lab.status).to_contain_text("3 GiB of RAM")
    expect(lab.view).to_have_css("opacity", "1")
    expect(lab.line).to_have_value(DIMM.text.replace("4G,", "3G,"))


def test_typing_in_the_line_keeps_the_cursor_and_loses_nothing(lab: Lab) -> None:
    at = DIMM.text.index("4G") + 1
    lab.line.evaluate("(e, at) => { e.focus(); e.setSelectionRange(at, at) }", at)
    lab.page.keyboard.type("096M,nonsense")
    for _ in range(len("M,nonsense")):
        lab.page.keyboard.press("Backspace")
    lab.page.keyboard.press("Delete")
    lab.page.keyboard.type("M")

    expect(lab.line).to_have_value(DIMM.text.replace("4G,", "4096M,"))
    expect(lab.size).to_have_value("4096M")
    expect(lab.status).to_contain_text("Boots")
    assert at + 4 == lab.line.evaluate("e => e.selectionStart")
    lab.page.wait_for_timeout(300)  # echoes of earlier keys would arrive about now
    assert (at + 4, DIMM.text.replace("4G,", "4096M,")) == (
        lab.line.evaluate("e => e.selectionStart"), lab.line.input_value())


@pytest.mark.parametrize(
    "text", ["-m '", "\x01\x02", "-M ☃", "<img src=x onerror=alert(1)>", "-m " + "9" * 400],
    ids=["quote", "binary", "snowman", "html", "long"],
)
def test_any_text_ends_in_a_message(lab: Lab, text: str) -> None:
    lab.line.fill(text)

    expect(lab.status.get_by_role("alert")).to_be_visible()
    expect(lab.status).to_contain_text("Greyed below")
    assert 0 == lab.status.locator("img").count()
    lab.root.get_by_role("button", name="Back to the last line that boots").click()
    expect(lab.line).to_have_value(DIMM.text)


def test_tabs_are_reached_and_chosen_by_keyboard(lab: Lab) -> None:
    lab.root.get_by_role("tab", name="Graph").focus()
    lab.page.keyboard.press("ArrowRight")
    lab.page.keyboard.press("Enter")

    expect(lab.root.get_by_role("tab", name="Map")).to_have_attribute("aria-selected", "true")
    expect(lab.view).to_contain_text("ram_addr_t")


def test_the_tab_key_visits_every_control_and_each_has_a_name(lab: Lab) -> None:
    lab.root.get_by_role("button", name="Add memory").click()
    lab.root.get_by_label("Examples").focus()
    names: list[str] = []
    for _ in range(30):
        names.append(lab.page.evaluate(NAME_OF_THE_FOCUSED))
        if "Follow" in names:
            break
        lab.page.keyboard.press("Tab")
    lab.root.get_by_role("button", name="Add memory").click()

    assert names == [
        "Examples", "Board", "Host", "Monitor text …", "Command line", "QEMU", "Machine", "RAM size",
        "exactly", "Slots", "Maxmem", "Remove m1", "Add memory …", "Add", "backed by", "of size", "share=on",
        "make room for it in the rest of the line", "Add", names[-2], "Follow",
    ]
    assert names[-2] in ("Graph", "Map")  # the tab that a person was on last


NAME_OF_THE_FOCUSED = """() => {
  const e = document.activeElement;
  return e.getAttribute("aria-label") || (e.labels && e.labels[0] && e.labels[0].innerText.trim())
    || e.innerText.trim() || e.outerHTML;
}"""


def test_focus_can_be_seen(lab: Lab) -> None:
    lab.root.get_by_label("Examples").focus()
    for box in (lab.line, lab.qemu, lab.machine, lab.slider, lab.size):
        while not box.evaluate("e => e === document.activeElement"):
            lab.page.keyboard.press("Tab")
        assert "solid" == box.evaluate("e => getComputedStyle(e).outlineStyle")


def test_the_switch_lets_another_qemu_read_the_same_line(lab: Lab) -> None:
    expect(lab.qemu.locator("option")).to_have_text(list(labelled().values()))
    lab.qemu.select_option("11.1")

    expect(lab.status).to_contain_text("Boots in QEMU 11.1: pc-q35-11.1, 4 GiB of RAM, 1 memory device")
    expect(lab.line).to_have_value(DIMM.text)
    expect(lab.machine).to_have_value("q35")
    expect(lab.machine.locator("option")).to_have_text(machine_types("11.1"))
    expect(lab.view).to_contain_text("How pc-q35-11.1 (QEMU 11.1) builds its memory")
    expect(lab.tab("Map")).to_contain_text("pc-q35-11.1")
    expect(lab.tab("Tables")).to_contain_text("main RAM of pc-q35-11.1")
    expect(lab.tab("Monitor")).to_contain_text(re.compile(r"HVA\s+RO"))
    lab.qemu.select_option("7.2")
    expect(lab.view).not_to_contain_text("HVA")
    expect(lab.machine.locator("option")).to_have_text(machine_types("7.2"))


def test_a_machine_type_that_a_qemu_lost_is_refused_in_place_and_comes_back(lab: Lab) -> None:
    lab.machine.select_option("pc-q35-3.1")
    expect(lab.status).to_contain_text("Boots in QEMU 7.2: pc-q35-3.1")
    line = DIMM.text.replace("q35", "pc-q35-3.1")
    lab.qemu.select_option("11.1")

    refusal = lab.status.get_by_role("alert")
    expect(refusal).to_contain_text("QEMU 11.1 refuses at -M pc-q35-3.1")
    expect(refusal).to_contain_text('unsupported machine type: "pc-q35-3.1"')
    expect(refusal).to_contain_text("Why:")
    expect(refusal).to_contain_text("in QEMU 7.2")
    expect(lab.line).to_have_value(line)
    expect(lab.machine).to_have_value("pc-q35-3.1")
    expect(lab.view).to_contain_text("How pc-q35-3.1 (QEMU 7.2)")
    expect(lab.view).to_have_css("opacity", "0.42")
    lab.root.get_by_role("button", name="Back to QEMU 7.2").click()
    expect(lab.qemu).to_have_value("7.2")
    expect(lab.status).to_contain_text("Boots in QEMU 7.2: pc-q35-3.1")
    expect(lab.view).to_have_css("opacity", "1")
    expect(lab.line).to_have_value(line)
    lab.qemu.select_option("11.1")
    expect(refusal).to_be_visible()
    lab.qemu.select_option("7.2")
    expect(lab.status).to_contain_text("Boots in QEMU 7.2: pc-q35-3.1")
    expect(lab.line).to_have_value(line)


def test_what_changed_is_told_and_marked_until_a_person_stops_it(lab: Lab) -> None:
    lab.qemu.select_option("11.1")
    told = lab.root.get_by_role("region", name="What changed")
    expect(lab.root).to_contain_text("What changed from QEMU 7.2 to QEMU 11.1")
    expect(told.get_by_role("listitem").first).to_have_text(
        "The machine type q35 now means pc-q35-11.1, not pc-q35-7.2.")
    marks = lab.root.get_by_label("mark it in the pictures")
    marks.focus()
    lab.page.keyboard.press("Space")
    expect(marks).to_be_checked()
    expect(lab.view).to_contain_text("From QEMU 7.2 to QEMU 11.1: what changed")
    expect(lab.tab("Map")).to_contain_text("From QEMU 7.2 to QEMU 11.1: what changed")
    stop = lab.root.get_by_role("button", name="Stop comparing")
    stop.press("Enter")
    expect(stop).not_to_be_visible()
    expect(lab.view).not_to_contain_text("what changed")
    expect(lab.qemu).to_have_value("11.1")
    lab.qemu.select_option("10.0")
    marks.uncheck()


def test_arrow_keys_step_through_the_versions_and_stay_in_their_list(lab: Lab) -> None:
    later = KNOWN_QEMU[KNOWN_QEMU.index("7.2") + 1:]
    lab.qemu.focus()
    for version in later:
        lab.page.keyboard.press("ArrowDown")
        expect(lab.status).to_contain_text(f"Boots in QEMU {version}: pc-q35-{version}")
        expect(lab.qemu).to_be_focused()
    lab.page.keyboard.press("Home")
    expect(lab.status).to_contain_text(f"Boots in QEMU {KNOWN_QEMU[0]}")
    # The same goes for every other list.
    lab.machine.focus()
    lab.page.keyboard.press("ArrowUp")
    expect(lab.machine).to_have_value("pc")
    expect(lab.machine).to_be_focused()


def test_arrow_keys_take_the_line_from_board_to_board_and_back_without_losing_a_word(lab: Lab) -> None:
    board, host = (lab.root.get_by_label(name, exact=True) for name in ("Board", "Host"))
    lab.line.fill("-M q35,vmport=off -m 1G -mem-path /dev/hugepages -device VGA")
    expect(lab.status).to_contain_text("Boots in QEMU 7.2: pc-q35-7.2")
    expect(board.locator("option:checked")).to_have_text("q35: x86, Q35")
    board.focus()
    lab.page.keyboard.press("ArrowDown")
    expect(lab.line).to_have_value("-M microvm -m 1G -mem-path /dev/hugepages")
    expect(lab.status).to_contain_text("Left out on microvm")
    lab.page.keyboard.press("ArrowDown")
    expect(lab.line).to_have_value("qemu-system-aarch64 -M virt -m 1G -mem-path /dev/hugepages -device VGA")
    expect(host.locator("option:checked")).to_have_text("aarch64, 4 KiB pages; pool: 2 MiB")
    host.select_option("aarch64, 64 KiB pages; pool: 512 MiB")
    expect(lab.view).to_contain_text("512 MiB")
    board.focus()
    lab.page.keyboard.press("ArrowUp")
    lab.page.keyboard.press("ArrowUp")
    expect(lab.line).to_have_value("-M q35,vmport=off -m 1G -mem-path /dev/hugepages -device VGA")
    expect(host.locator("option:checked")).to_have_text("x86_64, 4 KiB pages; pool: 2 MiB")
    expect(lab.status).not_to_contain_text("Left out")


def test_memory_is_added_and_removed_by_keyboard(lab: Lab) -> None:
    lab.root.get_by_role("button", name="Add memory").press("Enter")
    lab.root.locator(".mk-form").get_by_label("Add", exact=True).select_option(
        "memory shared with others (ivshmem-plain)")
    lab.root.locator(".mk-form").get_by_role("button", name="Add").press("Enter")
    added = "-object memory-backend-ram,id=mem1,size=1G -device ivshmem-plain,id=ivshmem1,memdev=mem1"
    expect(lab.line).to_have_value(f"{DIMM.text} {added}")
    expect(lab.view).to_contain_text("ivshmem-plain")
    lab.root.get_by_role("button", name="Remove mem1").press("Enter")
    expect(lab.line).to_have_value(DIMM.text)
    lab.root.get_by_role("button", name="Add memory").press("Enter")


def test_a_press_on_a_block_follows_it_in_graph_and_map(lab: Lab) -> None:
    follow = lab.root.get_by_label("Follow").locator("visible=true")
    lab.view.locator("g.x", has_text="m1").filter(has_text="1 GiB at 0x0").first.click()
    expect(follow).to_have_value("m1")
    expect(lab.view.locator("svg .o")).not_to_have_count(0)
    expect(lab.tab("Map").locator(".mk-followed svg .mk-on")).not_to_have_count(0)
    follow.select_option("every block")
    expect(lab.view.locator(".mk-followed")).to_have_count(0)


def test_the_map_zooms_and_scrolls_in_its_frame(lab: Lab) -> None:
    zoom = lab.root.get_by_label("Zoom").locator("visible=true")
    picture = lab.tab("Map").locator("svg")
    zoom.select_option("100 %")
    expect(lab.view).to_have_class(re.compile("mk-zoom-1"))
    plain = picture.bounding_box()
    zoom.select_option("200 %")
    expect(lab.view).to_have_class(re.compile("mk-zoom-3"))
    large = picture.bounding_box()
    frame = lab.view.locator(".mk-picture")
    frame.evaluate("e => e.scrollTo(400, 300)")
    scrolled = frame.evaluate("e => [e.scrollLeft, e.scrollTop]")
    zoom.select_option("fit the page")

    assert plain
    assert large
    assert abs(large["width"] - 2 * plain["width"]) < 2
    assert [400, 300] == scrolled


def test_words_tell_the_story_of_a_typed_address(lab: Lab) -> None:
    words = lab.tab("Words")
    gpa = lab.root.get_by_label("gpa")
    gpa.fill("0x1_8000_0000")
    expect(words).to_contain_text("RAMBlock m1")
    gpa.fill("what?")
    expect(words.get_by_role("alert")).to_contain_text("no address")


def colours(lab: Lab) -> dict[str, Any]:
    """What the eye gets: the colours of the picture's page and text, of the panel and of a message."""
    found: dict[str, Any] = lab.root.evaluate("""e => {
      const css = (q, p) => getComputedStyle(e.querySelector(q))[p];
      return {page: css(".mk-picture svg .page", "fill"), ink: css(".mk-picture svg text.h", "fill"),
              panel: css(".mk-tabs .widget-tab-contents", "backgroundColor"),
              words: css(".mk-status p", "color")};
    }""")
    return found


def rgb(colour: str) -> str:
    """``#rrggbb`` as a browser says it."""
    return "rgb({}, {}, {})".format(*(int(colour[i:i + 2], 16) for i in (1, 3, 5)))


def test_the_explorer_follows_the_theme_of_the_lab(lab: Lab, visit: Visit) -> None:
    expect(lab.view.locator("svg")).to_be_visible()
    light = colours(lab)
    visit.do("apputils:change-theme", theme="JupyterLab Dark")
    expect(lab.page.locator("body")).to_have_attribute("data-jp-theme-light", "false")
    lab.page.wait_for_function(f"""() => getComputedStyle(
        document.querySelector(".mk-picture svg .page")).fill === "{rgb(THEMES['dark'].page)}" """)
    dark = colours(lab)
    # JupyterLab covers the page during a change, and stumbles over a second one before that is over.
    cover = lab.page.locator("#jupyterlab-splash")
    expect(cover).to_have_count(0)
    visit.do("apputils:change-theme", theme="JupyterLab Light")
    expect(lab.page.locator("body")).to_have_attribute("data-jp-theme-light", "true")
    expect(cover).to_have_count(0)

    assert (rgb(THEMES["light"].page), rgb(THEMES["light"].text)) == (light["page"], light["ink"])
    assert rgb(THEMES["dark"].text) == dark["ink"]
    assert (light["page"], dark["page"]) == (light["panel"], dark["panel"])
    assert light["words"] != dark["words"]


def test_a_narrow_window_wraps_and_cuts_nothing_off(lab: Lab) -> None:
    lab.qemu.select_option("11.1")
    expect(lab.root).to_contain_text("What changed")
    lab.page.set_viewport_size({"width": 600, "height": 720})
    try:
        expect(lab.root).to_be_visible()
        beyond = lab.root.evaluate("""e => {
          const edge = e.getBoundingClientRect().right + 1;
          const parts = "input, select, textarea, button, .mk-status p, .mk-part, .mk-changes";
          return [...e.querySelectorAll(parts)]
            .filter(c => c.offsetParent && c.getBoundingClientRect().right > edge).map(c => c.outerHTML);
        }""")
    finally:
        lab.page.set_viewport_size({"width": 1280, "height": 720})

    assert [] == beyond


def test_a_reloaded_page_shows_the_guest_of_the_moment(lab: Lab, visit: Visit) -> None:
    lab.line.fill("-M microvm -m 3G")
    expect(lab.status).to_contain_text("Boots in QEMU 7.2: microvm, 3 GiB")
    visit.do("docmanager:save")
    visit.page.wait_for_function(
        "() => jupyterapp.shell.currentWidget.context.model.dirty === false")
    visit.page.reload()
    expect(lab.line).to_have_value("-M microvm -m 3G")
    expect(lab.view).to_contain_text("main RAM of microvm")
    lab.line.fill("-M microvm -m 2G")
    expect(lab.view).to_contain_text("2 GiB")


def test_nothing_is_asked_from_the_world_outside(visit: Visit) -> None:
    assert [] == visit.outside
    assert [] == visit.errors

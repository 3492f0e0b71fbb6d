"""The explorer binds widgets to the session: what a person sets is done, and what follows is shown.

Without a page: widgets are set as a page would set them, and their outputs are read.
"""

from __future__ import annotations

import gc
import subprocess
import sys
from pathlib import Path
from threading import Thread
from typing import Any

import nbformat
import pytest
from ipywidgets import HTML, Button, Widget
from ipywidgets.widgets.widget import _instances
from nbconvert import HTMLExporter

import memkit
from memkit.boards.machine import machine_types
from memkit.lab import session, views
from memkit.lab.controls import SIZES
from memkit.lab.explorer import GRAPH, MAP, MONITOR, TABLES, WORDS, Explorer
from memkit.lab.presets import DIMM, PRESETS
from memkit.versions import KNOWN_QEMU, UNCONFIRMED

GIB = 1 << 30


@pytest.fixture
def lab() -> Explorer:
    """An explorer on the talk's DIMM."""
    return memkit.explore()


def shown(lab: Explorer, index: int) -> str:
    """What stands in a view after a person has gone to it."""
    lab.tabs.selected_index = index
    text: str = lab.pages[index].value
    return text


def every(widget: Widget) -> list[Any]:
    """A widget and all that it holds."""
    return [widget, *(w for child in getattr(widget, "children", ()) for w in every(child))]


def test_editing_the_text_moves_the_controls(lab: Explorer) -> None:
    lab.line.value = "-M microvm -m 2G,slots=3,maxmem=9G"

    assert ("microvm", 2 * GIB, "2G", 3, "9G") == (
        lab.machine.value, SIZES[lab.ram.value], lab.size.value, lab.slots.value, lab.maxmem.value)
    assert () == lab.parts.children


def test_moving_a_control_rewrites_the_text(lab: Explorer) -> None:
    lab.ram.value = SIZES.index(8 * GIB)
    lab.machine.value = "pc"
    lab.slots.value = 2
    lab.maxmem.value = "32G"

    assert DIMM.text.replace("q35", "pc").replace("4G,slots=4,maxmem=16G", "8G,slots=2,maxmem=32G") == (
        lab.line.value)
    assert "8G" == lab.size.value


def test_the_exact_size_moves_the_slider_to_the_stop_below(lab: Explorer) -> None:
    lab.size.value = "5000M"

    assert 4 * GIB == SIZES[lab.ram.value]
    assert "-m 5000M," in lab.line.value


def test_the_box_where_a_person_writes_is_never_rewritten(lab: Explorer) -> None:
    lab.line.value = "  -m   4G  "
    assert "  -m   4G  " == lab.line.value
    lab.size.value = "4Gx"
    assert "4Gx" == lab.size.value


def test_the_box_grows_with_its_line_up_to_a_limit(lab: Explorer) -> None:
    rows = []
    broken = "-m 4G \\\n-M q35 \\\n-nodefaults"
    for text in ("-m 4G", "-m 4G " + "-nodefaults " * 25, broken, "-m 4G " * 5000):
        lab.line.value = text
        rows.append(lab.line.rows)

    assert [2, 4, 3, 8] == rows


def test_each_change_is_made_once(lab: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[str] = []
    boot = session.boot
    monkeypatch.setattr(session, "boot", lambda *a, **k: made.append("boot") or boot(*a, **k))

    lab.ram.value = SIZES.index(8 * GIB)
    lab.line.value = "-m 3G"

    assert ["boot", "boot"] == made


def test_every_view_follows(lab: Explorer) -> None:
    before = [shown(lab, index) for index in (GRAPH, MAP, TABLES, MONITOR, WORDS)]
    lab.line.value = "-M pc -m 3G"
    after = [shown(lab, index) for index in (GRAPH, MAP, TABLES, MONITOR, WORDS)]

    assert all(after)
    assert not set(before) & set(after)


def test_a_hidden_view_never_shows_an_older_guest(lab: Explorer) -> None:
    assert shown(lab, MAP)
    lab.tabs.selected_index = GRAPH
    lab.line.value = "-m 3G"

    assert "" == lab.pages[MAP].value
    assert "3 GiB" in lab.pages[GRAPH].value


def test_a_view_that_is_still_true_is_not_made_again(lab: Explorer, monkeypatch: pytest.MonkeyPatch) -> None:
    shown(lab, MAP)
    monkeypatch.setattr(views, "graph", lambda *_: pytest.fail("drawn again"))
    lab.tabs.selected_index = GRAPH

    assert "<svg" in lab.pages[GRAPH].value


def test_a_bad_size_shows_the_error_and_the_explorer_lives_on(lab: Explorer) -> None:
    picture = lab.pages[GRAPH].value
    lab.size.value = "4Gx"

    assert "QEMU 7.2 refuses" in lab.status.value
    assert picture == lab.pages[GRAPH].value
    assert "mk-stale" in lab._dom_classes
    lab.size.value = "2G"
    assert "Boots" in lab.status.value
    assert "mk-stale" not in lab._dom_classes
    assert "-m 2G," in lab.line.value


def test_a_bad_line_greys_the_picture_and_the_way_back_is_offered(lab: Explorer) -> None:
    assert "none" == lab.undo.layout.display
    lab.line.value = "-M nonsense"
    assert lab.undo.layout.display is None
    lab.undo.click()

    assert DIMM.text == lab.line.value
    assert ("none", "4G") == (lab.undo.layout.display, lab.size.value)


def test_controls_rest_while_the_line_cannot_be_read(lab: Explorer) -> None:
    lab.line.value = "-m '4G"
    boxes = (lab.machine, lab.ram, lab.size, lab.slots, lab.maxmem, lab.form.button)

    assert {True} == {box.disabled for box in boxes}
    assert () == lab.parts.children
    lab.line.value = "-m 4G"
    assert {False} == {box.disabled for box in boxes}


def test_memory_is_added_and_removed_by_buttons(lab: Explorer) -> None:
    lab.line.value = "-m 4G"
    lab.form.kind.value, lab.form.backend.value, lab.form.size.value = "nvdimm", "file", "2G"
    lab.form.path.value, lab.form.share.value = "/dev/shm/x", True
    lab.form.button.click()

    assert ("-m 4G,slots=4,maxmem=8G -machine nvdimm=on -object memory-backend-file,id=mem1,size=2G,"
            "mem-path=/dev/shm/x,share=on -device nvdimm,id=nvdimm1,memdev=mem1") == lab.line.value
    remove = next(w for w in every(lab.parts) if isinstance(w, Button))
    assert "Remove mem1" == remove.description
    remove.click()
    assert "-m 4G,slots=4,maxmem=8G -machine nvdimm=on" == lab.line.value


def test_the_path_is_asked_for_where_there_is_one(lab: Explorer) -> None:
    assert "none" == lab.form.path.layout.display
    lab.form.backend.value = "file"
    assert lab.form.path.layout.display is None
    lab.form.backend.value = "memfd"
    assert ("none", True) == (lab.form.path.layout.display, lab.form.share.value)


def test_an_example_fills_the_line_and_is_forgotten_when_the_line_changes(lab: Explorer) -> None:
    for preset in PRESETS:
        lab.presets.value = preset.text
        assert preset.text == lab.line.value
        assert views.escape(preset.note) in lab.status.value
    lab.line.value += " -nodefaults"

    assert "" == lab.presets.value


def test_a_machine_type_from_the_line_joins_the_list_while_it_stands_there(lab: Explorer) -> None:
    lab.line.value = "-M virt"

    assert "virt" == lab.machine.value
    assert "virt" in lab.status.value
    lab.line.value = "-M pc"
    assert ("pc", False) == (lab.machine.value, "virt" in lab.machine.options)


def test_the_block_to_follow_is_kept_while_there_is_one(lab: Explorer) -> None:
    lab.follow.value = "m1"
    lab.ram.value = SIZES.index(8 * GIB)
    assert "m1" == lab.follow.value
    lab.line.value = "-m 4G"
    assert "" == lab.follow.value


def test_zoom_is_a_class_of_both_pictures(lab: Explorer) -> None:
    lab.zoom.value = 2
    assert all("mk-zoom-2" in lab.pages[index]._dom_classes for index in (GRAPH, MAP))
    lab.zoom.value = 0
    assert not any("mk-zoom" in name for index in (GRAPH, MAP) for name in lab.pages[index]._dom_classes)


def test_words_tell_the_story_of_the_address_or_a_view(lab: Explorer) -> None:
    assert "RAMBlock m1" in shown(lab, WORDS)
    lab.gpa.value = "nonsense"
    assert 'role="alert"' in lab.pages[WORDS].value
    lab.gpa.value = "0xfffffff0"
    assert "pc.bios" in lab.pages[WORDS].value
    lab.which.value = "tables"
    assert "none" == lab.gpa.layout.display
    assert "RAMBlocks (10)" in lab.pages[WORDS].value


def test_a_mistake_of_ours_is_shown_and_the_explorer_lives_on(
    lab: Explorer, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as broken:
        broken.setattr(session, "boot", lambda *_, **__: 1 / 0)
        lab.line.value = "-m 1G"
        assert "ZeroDivisionError" in lab.status.value
        assert "mistake in memkit, not yours" in lab.status.value
    lab.line.value = "-m 2G"

    assert "Boots" in lab.status.value
    assert "2G" == lab.size.value


def test_wishes_from_two_threads_wait_for_each_other(lab: Explorer) -> None:
    def slide() -> None:
        for n in range(60):
            lab.ram.value = 5 + n % 9

    def write() -> None:
        for n in range(60):
            lab.machine.value = ("pc", "q35")[n % 2]

    threads = [Thread(target=slide), Thread(target=write)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (lab.line.value, "q35", SIZES[10]) == (lab.state.text, lab.machine.value, SIZES[lab.ram.value])
    assert lab.line.value.startswith("-M q35 -m 2560M,")
    assert "Boots" in lab.status.value


def test_an_explorer_on_a_bad_line_starts_with_the_message() -> None:
    lab = memkit.explore("-m 4Gx")

    assert "QEMU 7.2 refuses" in lab.status.value
    assert "No line has booted yet" in lab.pages[GRAPH].value
    assert "none" == lab.undo.layout.display


def test_without_widgets_a_picture_and_words_remain(lab: Explorer) -> None:
    bundle = lab._repr_mimebundle_()

    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "<svg" in bundle["text/html"]
    assert "<script" not in bundle["text/html"]
    assert bundle["text/plain"].startswith("-M q35 -m 4G")
    assert "pc-dimm d1" in bundle["text/plain"]


def test_in_a_terminal_the_explorer_is_its_line(lab: Explorer, capsys: pytest.CaptureFixture[str]) -> None:
    lab.line.value = "-m 4G"
    lab._repr_mimebundle_()

    assert "<Explorer '-m 4G' in QEMU 7.2>" == repr(lab)
    assert "" == capsys.readouterr().out


def test_an_exported_page_holds_the_picture(lab: Explorer) -> None:
    result = nbformat.v4.new_output("execute_result", lab._repr_mimebundle_(), execution_count=1)
    cell = nbformat.v4.new_code_cell("memkit.explore()", outputs=[result], execution_count=1)
    html, _ = HTMLExporter().from_notebook_node(nbformat.v4.new_notebook(cells=[cell]))

    assert "How pc-q35-7.2 (QEMU 7.2) builds its memory" in html
    assert "pc-dimm d1" in html


def test_every_control_has_a_name(lab: Explorer) -> None:
    nameless = [
        w for w in every(lab)
        if hasattr(w, "description") and not isinstance(w, HTML) and not (w.description or w.tooltip)
    ]

    assert [] == nameless


def test_updates_make_no_new_widgets(lab: Explorer) -> None:
    def step(n: int) -> None:
        lab.ram.value = n % 12
        lab.tabs.selected_index = n % 5
        lab.form.button.click()
        lab.line.value = DIMM.text

    for n in range(6):
        step(n)
    gc.collect()
    before = len(_instances)
    for n in range(30):
        step(n)

    assert before == len(_instances)


def test_a_paste_of_a_megabyte_ends_in_a_message(lab: Explorer) -> None:
    for text in ("x" * (1 << 20), "-m 4G " * 200_000, "'" * (1 << 20), "\x00\xff" * 1000):
        lab.line.value = text
        assert 'role="alert"' in lab.status.value
        assert len(lab.status.value) < 5000


def test_hundreds_of_backends_are_shortened_to_a_dozen_rows(lab: Explorer) -> None:
    lab.line.value = "-m 1G " + " ".join(f"-object memory-backend-ram,id=b{n},size=1M" for n in range(300))

    assert 13 == len(lab.parts.children)
    assert "and 288 more" in lab.parts.children[-1].value


# -- the switch of QEMU's version


def test_the_switch_offers_every_known_qemu_and_shows_the_one_that_answers(lab: Explorer) -> None:
    assert (*KNOWN_QEMU,) == tuple(version for _, version in lab.qemu.options)
    assert "7.2" == lab.qemu.value
    assert "10.0" == memkit.explore("-m 4G", qemu="10.0").qemu.value


def test_an_unconfirmed_qemu_says_so_in_the_switch_and_in_the_status(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(UNCONFIRMED, "10.0", "Its facts were read in the source.")
    lab = memkit.explore("-m 4G")

    assert ("10.0 (unconfirmed)", "10.0") in lab.qemu.options
    assert "Its facts" not in lab.status.value
    lab.qemu.value = "10.0"
    assert "<b>Note:</b> Its facts were read in the source." in lab.status.value


@pytest.mark.parametrize("qemu", KNOWN_QEMU)
def test_the_list_of_machine_types_follows_the_switch(lab: Explorer, qemu: str) -> None:
    lab.qemu.value = qemu

    assert machine_types(qemu) == list(lab.machine.options)
    assert "q35" == lab.machine.value
    assert f"Boots</b> in QEMU {qemu}: pc-q35-{qemu}" in lab.status.value
    assert DIMM.text == lab.line.value


def test_every_view_follows_the_switch(lab: Explorer) -> None:
    before = [shown(lab, index) for index in (GRAPH, MAP, TABLES, MONITOR, WORDS)]
    lab.which.value = "graph"
    lab.qemu.value = "11.1"
    after = [shown(lab, index) for index in (GRAPH, MAP, TABLES, MONITOR, WORDS)]

    assert not set(before) & set(after)
    assert "pc-q35-11.1" in after[0]
    assert "pc-q35-11.1" in after[4]
    assert ("HVA" in before[3], "HVA" in after[3]) == (False, True)


OLD_TYPE = DIMM.text.replace("q35", "pc-q35-3.1")


def test_a_machine_type_that_is_gone_is_refused_in_place_and_the_way_back_restores_all(lab: Explorer) -> None:
    lab.line.value = OLD_TYPE
    good = (lab.status.value, list(lab.machine.options), shown(lab, GRAPH))
    lab.qemu.value = "11.1"

    assert "QEMU 11.1 refuses</b> at <code>-M pc-q35-3.1</code>" in lab.status.value
    assert "unsupported machine type: &quot;pc-q35-3.1&quot;" in lab.status.value.replace("&#34;", "&quot;")
    assert "<b>Why:</b>" in lab.status.value
    assert "Greyed below: the last line that booted, in QEMU 7.2." in lab.status.value
    assert (OLD_TYPE, "pc-q35-3.1", good[2]) == (lab.line.value, lab.machine.value, lab.pages[GRAPH].value)
    assert "QEMU 7.2 boots this line, QEMU 11.1 refuses it." in lab.compared.said.value
    assert lab.compared.marks.disabled
    assert (None, "Back to QEMU 7.2") == (lab.undo.layout.display, lab.undo.description)
    lab.undo.click()
    assert ("7.2", OLD_TYPE) == (lab.qemu.value, lab.line.value)
    assert good == (lab.status.value, list(lab.machine.options), lab.pages[GRAPH].value)
    assert "none" == lab.compared.layout.display


def test_the_switch_itself_leads_back_too(lab: Explorer) -> None:
    lab.line.value = OLD_TYPE
    good = (lab.status.value, list(lab.machine.options), shown(lab, GRAPH))
    lab.qemu.value = "11.1"
    lab.qemu.value = "7.2"

    assert good == (lab.status.value, list(lab.machine.options), lab.pages[GRAPH].value)
    assert "QEMU" in lab.compared.said.value


def test_a_switch_says_what_changed_until_a_person_has_read_it(lab: Explorer) -> None:
    assert "none" == lab.compared.layout.display
    lab.qemu.value = "11.1"

    assert lab.compared.layout.display is None
    assert "<b>What changed from QEMU 7.2 to QEMU 11.1</b>" == lab.compared.title.value
    assert "<li>The machine type q35 now means pc-q35-11.1, not pc-q35-7.2.</li>" in lab.compared.said.value
    lab.compared.button.click()
    assert ("none", "") == (lab.compared.layout.display, lab.compared.said.value)
    assert "11.1" == lab.qemu.value


def test_the_comparison_follows_the_line(lab: Explorer) -> None:
    lab.qemu.value = "11.1"
    lab.line.value = "-M pc-i440fx-7.2 -m 1G"
    assert "now means" not in lab.compared.said.value
    lab.line.value = "-M pc -m 1G"
    assert "pc now means pc-i440fx-11.1, not pc-i440fx-7.2." in lab.compared.said.value
    lab.line.value = "-m '"
    assert "none" == lab.compared.layout.display


def test_pictures_and_their_words_mark_what_changed_while_the_box_is_ticked(lab: Explorer) -> None:
    lab.line.value = "-M pc-q35-5.2 -m 1G"
    lab.qemu.value = "5.2"
    lab.compared.button.click()
    # 6.0 made /rom@etc/table-loader larger.
    lab.qemu.value = "7.2"
    lab.which.value = "graph"
    plain = [shown(lab, index) for index in (GRAPH, MAP, TABLES, WORDS)]
    lab.compared.marks.value = True
    marked = [shown(lab, index) for index in (GRAPH, MAP, TABLES, WORDS)]

    assert not set(plain) & set(marked)
    assert all("From QEMU 5.2 to QEMU 7.2" in view for view in (marked[0], marked[1], marked[3]))
    lab.compared.button.click()
    assert plain == [shown(lab, index) for index in (GRAPH, MAP, TABLES, WORDS)]


def test_a_block_can_be_followed_in_marked_pictures(lab: Explorer) -> None:
    lab.qemu.value = "11.1"
    lab.compared.marks.value = True
    lab.follow.value = "m1"

    assert " o" in shown(lab, GRAPH)
    assert "mk-on" in shown(lab, MAP)


def test_controls_keep_the_qemu_that_was_chosen(lab: Explorer) -> None:
    lab.qemu.value = "11.1"
    lab.ram.value = SIZES.index(8 * GIB)
    lab.form.button.click()

    assert "Boots</b> in QEMU 11.1: pc-q35-11.1, 8 GiB of RAM, 2 memory devices" in lab.status.value
    lab.machine.value = "pc-q35-5.2"
    assert "pc-q35-5.2" == lab.state.guest.machine_type  # type: ignore[union-attr]


def test_examples_say_whether_the_chosen_qemu_refuses_them(lab: Explorer) -> None:
    def refused() -> list[str]:
        return [label for label, _ in lab.presets.options if "refused by" in label]

    assert {"7.2)"} == {label.rpartition(" ")[2] for label in refused()}
    lab.qemu.value = "5.2"
    assert {"5.2)"} == {label.rpartition(" ")[2] for label in refused()}
    assert DIMM.text == lab.presets.value


def test_a_version_in_between_is_answered_by_the_nearest_older_one_and_says_so() -> None:
    lab = memkit.explore("-m 4G", qemu="10.2")
    note = "<b>Note:</b> QEMU 10.2 is not known here; the facts are those of QEMU 10.0."

    assert "10.0" == lab.qemu.value
    assert note in lab.status.value
    lab.line.value = "-m 4Gx"
    assert note in lab.status.value
    lab.line.value = "-m 2G"
    lab.qemu.value = "11.1"
    assert "Note:" not in lab.status.value
    assert "from QEMU 10.0 to QEMU 11.1" in lab.compared.title.value


@pytest.mark.parametrize("qemu", ["new", "1.0", ""])
def test_nonsense_for_a_version_is_refused_at_once_with_those_that_are_known(qemu: str) -> None:
    with pytest.raises(memkit.MemkitError, match=", ".join(KNOWN_QEMU)):
        memkit.explore("-m 4G", qemu=qemu)


def test_no_facts_are_loaded_before_their_qemu_is_chosen(root: Path) -> None:
    program = (
        "import memkit\n"
        "from memkit.boards import recorded\n"
        "read, load = [], recorded.data_file\n"
        "recorded.data_file = lambda *parts: read.append(parts[-1]) or load(*parts)\n"
        "lab = memkit.explore('-m 4G')\n"
        "lab.qemu.value = '10.0'\n"
        "print(sorted({name.rpartition('-')[2] for name in read}))\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, cwd=root,
    )

    assert ("['10.0.json', '7.2.json']\n", "") == (done.stdout, done.stderr)


def test_without_widgets_the_version_and_what_changed_remain(lab: Explorer) -> None:
    lab.qemu.value = "11.1"
    html = lab._repr_mimebundle_()["text/html"]

    assert "Boots</b> in QEMU 11.1" in html
    assert "now means pc-q35-11.1" in html


def test_a_backend_that_nothing_uses_is_followed_without_harm(lab: Explorer) -> None:
    lab.line.value = "-m 1G -object memory-backend-ram,id=spare,size=1G"
    for tab in (GRAPH, MAP):
        lab.tabs.selected_index = tab
        lab.follow.value = "(spare)"
        assert "mistake in memkit" not in lab.status.value
        assert "spare" in shown(lab, tab)
        lab.follow.value = ""


def test_a_line_that_cannot_be_read_offers_no_board(lab: Explorer) -> None:
    lab.line.value = "-M q35,nvdimm"
    assert lab.place.board.disabled
    lab.line.value = "-M q35"
    assert not lab.place.board.disabled

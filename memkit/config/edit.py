"""Changes of a Config: each makes a new one, in which all other options stand as the user wrote them.

Every result is read again as QEMU would read it, so an edit that QEMU would refuse raises Refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from memkit.config.groups import GROUPS
from memkit.config.options import ALIASES, TAKES_ARGUMENT, known_options
from memkit.config.specs import Option
from memkit.errors import CommandLineError, MemkitError
from memkit.units import format_size

if TYPE_CHECKING:
    from memkit.config.config import Config

__all__ = ["added", "changed", "joined", "named", "replaced", "retold", "without_object"]

# How each option is spelled when there is none to change.
_SPELLING = {"machine": "-machine", "m": "-m"}


def _built(config: Config, options: Iterable[Option]) -> Config:
    from memkit.config.parse import build

    return build(options, config.program, config.target, config.qemu)


def replaced(config: Config, old: Option, new: Sequence[Option | str]) -> Config:
    """``config`` with ``new`` in the place of ``old``; raises MemkitError if it has no such option."""
    options = list(config.options)
    place = next((i for i, o in enumerate(options) if o is old), None)
    if place is None:
        place = next((i for i, o in enumerate(options) if o == old), None)
    if place is None:
        raise MemkitError(f"the command line has no option {old.text!r}; it has: {config.text()}")
    options[place:place + 1] = [
        Option(old.name, old.word, item) if isinstance(item, str) else item for item in new
    ]
    return _built(config, options)


def added(config: Config, word: str, value: str | None) -> Config:
    """``config`` with one more option at its end."""
    name = word.removeprefix("-").removeprefix("-")
    known = name in known_options(config.qemu)
    if not word.startswith("-") or not known or (value is not None) != (name in TAKES_ARGUMENT):
        raise CommandLineError(
            f"{word!r} with {'an' if value is not None else 'no'} argument is no option of QEMU", word=word,
        )
    return _built(config, (*config.options, Option(ALIASES.get(name, name), word, value)))


def named(properties: Mapping[str, object], sizes: Sequence[str] = ()) -> dict[str, str | None]:
    """Keyword arguments as QEMU's words: ``_`` becomes ``-``, True on, and bytes in ``sizes`` get a suffix.

    >>> named({"mem_path": "/dev/shm", "share": True, "size": 1 << 30}, sizes=["size"])
    {'mem-path': '/dev/shm', 'share': 'on', 'size': '1G'}
    """
    words: dict[str, str | None] = {}
    for key, value in properties.items():
        name = key.replace("_", "-")
        if value is None or isinstance(value, str):
            words[name] = value
        elif isinstance(value, bool):
            words[name] = "on" if value else "off"
        elif isinstance(value, int) and name in sizes:
            words[name] = format_size(value)
        else:
            words[name] = str(value)
    return words


def joined(words: Mapping[str, str | None], implied: str, like: str = "") -> str:
    """Words as one argument; the implied key is left out in front unless ``like`` spells it out.

    >>> joined({"driver": "pc-dimm", "id": "d,1"}, "driver")
    'pc-dimm,id=d,,1'
    """
    return _joined([(k, v) for k, v in words.items() if v is not None], implied, like)


def _joined(pairs: Sequence[tuple[str, str]], implied: str, like: str) -> str:
    spelled = like.startswith(f"{implied}=")
    parts = []
    for index, (key, value) in enumerate(pairs):
        bare = index == 0 and key == implied and not spelled and value and not {"=", ","} & set(value)
        parts.append(value if bare else f"{key}={value.replace(',', ',,')}")
    return ",".join(parts)


def changed(config: Config, name: str, implied: str, changes: Mapping[str, str | None]) -> Config:
    """Set or remove keys of the options ``name``: in the last one that has the key, or the last one."""
    options = list(config.options)
    for key, value in changes.items():
        if value is None:
            options = [o if o.name != name else _with(o, implied, key, None) for o in options]
            options = [o for o in options if o.name != name or o.args or not o.word]
            continue
        places = [i for i, o in enumerate(options) if o.name == name]
        holders = [i for i in places if any(k.replace("_", "-") == key for k, _ in options[i].args)]
        if places:
            place = (holders or places)[-1]
            options[place] = _with(options[place], implied, key, value)
        else:
            text = _joined([(key, value)], implied, "")
            options.append(Option(name, _SPELLING[name], text, ((key, value),)))
    return _built(config, options)


def retold(config: Config, option: Option, changes: Mapping[str, str | None]) -> Config:
    """``config`` with keys of one option set or (None) removed, where it stands."""
    group = GROUPS.get(option.name)
    new = option
    for key, value in changes.items():
        new = _with(new, (group and group.implied) or "", key, value)
    return replaced(config, option, (new,))


def _with(option: Option, implied: str, key: str, value: str | None) -> Option:
    """``option`` with one key set, where it stood, or removed."""
    places = [i for i, (k, _) in enumerate(option.args) if k.replace("_", "-") == key]
    if value is None and not places:
        return option
    pairs = [pair for i, pair in enumerate(option.args) if i not in places]
    if value is not None:
        pairs.insert(places[0] if places else (0 if key == implied else len(pairs)), (key, value))
    return Option(option.name, option.word, _joined(pairs, implied, option.value or ""), tuple(pairs))


def without_object(config: Config, name: str) -> Config:
    """``config`` without the object ``name``, the devices and nodes that show it, and what else names it."""
    def goes(option: Option) -> bool:
        words = dict(option.args)
        if option.name == "object":
            return words.get("id") == name
        return option.name in ("device", "numa") and words.get("memdev") == name

    options = [option for option in config.options if not goes(option)]
    def shows(option: Option) -> bool:
        pairs = [(key.replace("_", "-"), value) for key, value in option.args]
        return option.name == "machine" and ("memory-backend", name) in pairs

    options = [_with(o, "type", "memory-backend", None) if shows(o) else o for o in options]
    return _built(config, [o for o in options if o.name != "machine" or o.args])

"""QEMU's newer grammar: ``key=value`` lists with dotted keys, which make trees.

``smp.cpus=2`` is the member cpus of smp, ``cxl-fmw.0.size=4G`` that of the first element of a list.
There are no bare switches, and a first value without key cannot hold a comma.

Source: util/keyval.c, parse_qapi_name in qapi/qapi-util.c (QEMU 7.2).
"""

from __future__ import annotations

import re
from typing import Any

from memkit.config.qemuopts import Pairs, is_help, read_value
from memkit.config.wrong import HelpWanted, Wrong

__all__ = ["Tree", "flatten", "merge", "parse_into", "split_keyval"]

# Values are text, trees, or lists of these.
Tree = dict[str, Any]
_NAME = re.compile(r"(?:__[A-Za-z0-9.-]*_)?[A-Za-z][A-Za-z0-9_-]*")
_INDEX = re.compile(r"[0-9]+")
_LONGEST = 127
_DEEPEST = 100
_WORDS = "A key is a name, or names joined by dots; names have letters, digits, - and _."


def split_keyval(text: str, implied: str | None = None) -> Pairs:
    """The pairs of a keyval string, keys as written; raises Wrong, HelpWanted.

    >>> split_keyval("q35,smp.cpus=2", "type")
    (('type', 'q35'), ('smp.cpus', '2'))
    """
    return parse_into({}, text, implied)


def parse_into(tree: Tree, text: str, implied: str | None = None) -> Pairs:
    """Put the values of ``text`` into ``tree``; the pairs as written; raises Wrong, HelpWanted."""
    pairs: list[tuple[str, str]] = []
    help_wanted = nested = False
    position = 0
    while position < len(text):
        equals, comma = text.find("=", position), text.find(",", position)
        end = len(text) if comma < 0 else comma
        if 0 <= equals < end:
            key = text[position:equals]
            plain = key.isascii() and key.isalpha() and len(key) <= _LONGEST
            fragments = [key] if plain else _fragments(key)
            value, position = read_value(text, equals + 1)
        else:
            word = text[position:end]
            if is_help(word):
                help_wanted, implied, position = True, None, end + 1
                continue
            if implied is None or not word:
                _fragments(word)
                raise Wrong(f"Expected '=' after parameter '{word}'",
                            "Every part is key=value; a switch needs =on or =off.", f"write {word}=on")
            key, value, position = implied, word, end + 1
            fragments = [key]
        implied = None
        pairs.append((key, value))
        _put(tree, fragments, value, key)
        nested = nested or len(fragments) > 1
    if help_wanted:
        raise HelpWanted
    if nested:
        _listify_members(tree, ())
    return tuple(pairs)


def _fragments(key: str) -> list[str]:
    """The names and list indexes that ``key`` joins with dots."""
    fragments: list[str] = []
    position = 0
    while True:
        match = (_INDEX.match(key, position) if fragments else None) or _NAME.match(key, position)
        if match is None or key[match.end():match.end() + 1] not in ("", "."):
            raise Wrong(f"Invalid parameter '{key}'", f"{key!r:.60} is no key. {_WORDS}", "write key=value")
        fragment = match[0]
        if len(fragment) > _LONGEST:
            part = "" if fragment == key else " fragment"
            raise Wrong(f"Parameter{part} '{fragment}' is too long",
                        f"A name has at most {_LONGEST} characters.", "write key=value")
        fragments.append(fragment)
        if match.end() == len(key):
            return fragments
        if len(fragments) > _DEEPEST:
            raise Wrong(f"Parameter '{key[:60]}...' is too deep",
                        f"The model follows at most {_DEEPEST} names joined by dots.", "write key=value")
        position = match.end() + 1


def _put(tree: Tree, fragments: list[str], value: str, key: str) -> None:
    for index, fragment in enumerate(fragments[:-1]):
        below = tree.setdefault(fragment, {})
        if not isinstance(below, dict):
            raise _inconsistent(".".join(fragments[:index + 1]))
        tree = below
    if not isinstance(tree.get(fragments[-1], ""), str):
        raise _inconsistent(key)
    tree[fragments[-1]] = value


def _inconsistent(path: str) -> Wrong:
    return Wrong(f"Parameters '{path}.*' used inconsistently",
                 f"{path!r:.60} is a value, a group of values or a list, not two of these.",
                 f"write either {path}=... or {path}.NAME=...")


def _listify_members(tree: Tree, path: tuple[str, ...]) -> None:
    for name, value in tree.items():
        if isinstance(value, dict):
            tree[name] = _listify(value, (*path, name))


def _listify(tree: Tree, path: tuple[str, ...]) -> Tree | list[Any]:
    """A tree whose keys are all numbers is a list."""
    _listify_members(tree, path)
    indexes = [_index(name) for name in tree]
    dotted = "".join(f"{name}." for name in path)
    # An empty -smp makes an empty tree.
    if max(indexes, default=-1) < 0:
        return tree
    if min(indexes) < 0:
        raise Wrong(f"Parameters '{dotted}*' used inconsistently",
                    f"Some parts of {'.'.join(path)} are numbers and some are names.",
                    "use numbers for a list, names for a group")
    elements = dict(zip(indexes, tree.values(), strict=True))
    for index in range(min(len(tree) + 1, max(indexes) + 1)):
        if index not in elements or index >= len(tree):
            raise Wrong(f"Parameter '{dotted}{index}' missing",
                        "The elements of a list are numbered 0, 1, 2 ...", "number them without gaps")
    return [elements[index] for index in range(max(indexes) + 1)]


def _index(name: str) -> int:
    """``name`` as a list index, at most C's largest int; -1 if it is none."""
    return min(int(name.lstrip("0")[:11] or "0"), (1 << 31) - 1) if _INDEX.fullmatch(name) else -1


def merge(tree: Tree, other: Tree, path: str = "") -> None:
    """Put ``other`` into ``tree``: trees are merged, lists joined, later text wins; raises Wrong."""
    for name, value in other.items():
        old = tree.get(name)
        if old is None:
            tree[name] = value
        elif type(old) is not type(value):
            raise Wrong(f"Parameter '{path}{name}' used inconsistently",
                        f"{path}{name} is given once as a value and once as a group or list.",
                        "write it in one way")
        elif isinstance(old, dict):
            merge(old, value, f"{path}{name}.")
        elif isinstance(old, list):
            old.extend(value)
        else:
            tree[name] = value


def flatten(tree: Tree, prefix: str = "") -> dict[str, str]:
    """The tree as dotted keys.

    >>> flatten({"type": "q35", "smp": {"cpus": "2"}, "a": ["x", "y"]})
    {'type': 'q35', 'smp.cpus': '2', 'a.0': 'x', 'a.1': 'y'}
    """
    flat: dict[str, str] = {}
    for name, value in tree.items():
        if isinstance(value, list):
            value = {str(index): element for index, element in enumerate(value)}
        if isinstance(value, dict):
            flat.update(flatten(value, f"{prefix}{name}."))
        else:
            flat[f"{prefix}{name}"] = value
    return flat

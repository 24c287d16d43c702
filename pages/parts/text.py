"""Text that is not ours, shown as it is: never as markup, never as a link, with nothing hidden in it.

Designs, labels, names of policies, headings of uploads, responses, reasons, errors, and whatever an address says come
from people, models, files and other programs. Each way of showing text has one function here:

| shown by | function |
|---|---|
| anything that reads Markdown: captions, messages, labels, titles, options of radio buttons | `plain` |
| `st.text`, `st.code`, tables, options of a selectbox | `visible` |
| titles, names, hovers and notes of a Plotly figure | `in_figure` |
"""

from __future__ import annotations

import re
from collections.abc import Mapping

from poets_core.errors import short_paths

LONGEST = 500
"""Characters of one text in a sentence of a page; more would push the page away."""
JOINER = "\u2060"
"""WORD JOINER: takes no room, breaks no line, and ends what would else be read as a link, an icon or an arrow."""

# What changes the direction or the shape of the text around it, or takes no room: it is named instead.
_HIDDEN = re.compile(
    "[\u0000-\u0008\u000e-\u001f\u007f-\u009f\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff"
    "\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)
_BREAKS = re.compile("[\t\n\v\f\r\u001c-\u001e\u0085\u2028\u2029]+")
# Streamlit makes these out of text after escapes have been read, so that escaping alone does not stop it:
# addresses (https:, www., a@b.c), :icons:, :red[colours] and arrows between blanks.
_MADE = re.compile(r":(?=\S)|(?<=[wW]{3})(?=\.)|@|(?<!\S)(?:<->|->|<-|--|>=|<=|~=)(?!\S)")
_MARKUP = {ord(c): f"\\{c}" for c in "\\`*_[](){}<>|~$&"}
_AT_THE_START = re.compile(r"\A([0-9]{1,9}(?=\.)|(?=[#+=-]))")  # of a heading or a list


def visible(text: object) -> str:
    """Return text with what could hide or reverse it named instead (``[U+202E]``); line breaks and tabs stay.

    It can always be sent to a browser: half a surrogate pair, which no browser takes, is named too.
    """
    return _HIDDEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", str(text))


def visible_tree(value: object) -> object:
    """Return JSON data in which every text is `visible`, names too."""
    if isinstance(value, Mapping):
        return {visible(name): visible_tree(part) for name, part in value.items()}
    if isinstance(value, list | tuple):
        return [visible_tree(part) for part in value]
    return visible(value) if isinstance(value, str) else value


def one_line(text: object, longest: int = LONGEST) -> str:
    """Return `visible` text on one line and cut off after `longest` characters."""
    whole = str(text)
    shown = visible(_BREAKS.sub(" ", whole[: longest + 1])).strip()
    return shown if len(whole) <= longest else f"{shown[:longest]}…"


def plain(text: object, longest: int = LONGEST) -> str:
    """Return Markdown that shows a text as it is, on one line: no emphasis, link, image, icon, formula or list.

    Args:
        text: any text.
        longest: characters that are shown; the rest is cut off, with "…" in its place.
    """
    broken = _MADE.sub(lambda found: f"{found[0][:1]}{JOINER}{found[0][1:]}", one_line(text, longest))
    return _AT_THE_START.sub(r"\1\\", broken.translate(_MARKUP))


def plain_error(error: object) -> str:
    """Return `plain` text of an error, in which every path is its last two parts: a browser may be anybody's."""
    return plain(short_paths(str(error)))


def in_figure(text: object, longest: int = 120) -> str:
    """Return text for Plotly, which reads HTML tags, and `%{...}` where it stands in a template."""
    return one_line(text, longest).replace("&", "&amp;").replace("<", "&lt;").replace("%{", "%&#123;")

"""The fields of a spec as a form shows them, and a form's values as a spec. No widgets here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, get_args

from poets_core.errors import InvalidSpec
from poets_core.spec import Bounds, Mark, Names, RunSpec, SpecModel, parse_spec


@dataclass(frozen=True)
class Setting:
    """One field of a spec's section, as its class describes it.

    Attributes:
        section, name: where the value goes, e.g. ``"search"``, ``"beta"``.
        label, help: for people.
        advanced: shown only when asked for.
        kind: what a value is: ``int``, ``float``, ``bool`` or ``str``.
        bounds: of a number, as the spec checks them.
        choices: what a text may be; empty for numbers and switches.
        names: what the choices are called, where that is not the value itself.
    """

    section: str
    name: str
    label: str
    help: str
    advanced: bool = False
    kind: type = str
    bounds: Bounds = field(default_factory=Bounds)
    choices: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)

    @property
    def path(self) -> str:
        """Dotted place in the spec."""
        return f"{self.section}.{self.name}" if self.section else self.name


def settings_of(section: str, model: type[SpecModel], *, hidden: bool = False) -> dict[str, Setting]:
    """Return the titled fields of a section's class by name, in its order.

    Args:
        section: its place in the spec, ``""`` for the spec itself.
        model: the class.
        hidden: whether to include those that a form draws by hand.
    """
    out: dict[str, Setting] = {}
    for name, found in model.model_fields.items():
        if found.title is None or (model.marked(name, Mark.HIDDEN) and not hidden):
            continue
        rules = {
            k: v
            for rule in found.metadata
            for k in ("ge", "gt", "le", "lt", "multiple_of")
            if (v := getattr(rule, k, None)) is not None
        }
        names = next((rule.of for rule in found.metadata if isinstance(rule, Names)), {})
        texts = tuple(c for c in get_args(found.annotation) if isinstance(c, str))
        out[name] = Setting(
            section,
            name,
            found.title,
            found.description or "",
            model.marked(name, Mark.ADVANCED),
            found.annotation if found.annotation in (int, float, bool) else str,
            Bounds(**rules),
            texts,
            names,
        )
    return out


def validated(data: Mapping[str, Any]) -> tuple[RunSpec | None, dict[str, str]]:
    """Validate a form's values.

    Returns:
        the spec, None if anything is wrong; and messages by dotted field, ``""`` where no field can be named.
    """
    try:
        return parse_spec(data, where="the form"), {}
    except InvalidSpec as error:
        return None, error.fields or {"": str(error)}

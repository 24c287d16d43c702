"""The fields of a spec as a form shows them, and a form's values as a spec. No widgets here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, get_args

from poets_core.errors import InvalidSpec
from poets_core.spec import Mark, RunSpec, SpecModel, parse_spec


@dataclass(frozen=True)
class Setting:
    """One field of a spec's section, as its class describes it.

    Attributes:
        section, name: where the value goes, e.g. ``"search"``, ``"beta"``.
        label, help: for people.
        advanced: shown only when asked for.
        low, high: inclusive limits, None where there are none. A form cannot express an exclusive limit: there the
            spec's own check answers beside the field.
        step: of a number field, None where its start decides.
        choices: what a text may be; empty for numbers and switches.
    """

    section: str
    name: str
    label: str
    help: str
    advanced: bool = False
    low: float | None = None
    high: float | None = None
    step: float | None = None
    choices: tuple[str, ...] = ()

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
    for name, field in model.model_fields.items():
        if field.title is None or (model.marked(name, Mark.HIDDEN) and not hidden):
            continue
        bounds = {
            k: v
            for rule in field.metadata
            for k in ("ge", "le", "multiple_of", "step")
            if (v := getattr(rule, k, None)) is not None
        }
        texts = tuple(c for c in get_args(field.annotation) if isinstance(c, str))
        out[name] = Setting(
            section,
            name,
            field.title,
            field.description or "",
            model.marked(name, Mark.ADVANCED),
            bounds.get("ge"),
            bounds.get("le"),
            bounds.get("step", bounds.get("multiple_of")),
            texts,
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

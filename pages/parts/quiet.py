"""What Streamlit would ask of other machines, taken out of it."""

from __future__ import annotations

from streamlit import net_util

from poets_core.errors import InvalidInput


def keep_home() -> None:
    """Take from Streamlit what asks other machines: its look-up of this machine's own address.

    A cross-site WebSocket that Streamlit itself turns away makes it ask an outside address for that, and so does its
    start under an address of all interfaces. Nothing needs the answer: `Guard` decides who is let in.
    """
    for name in ("get_external_ip", "get_internal_ip"):
        if not callable(getattr(net_util, name, None)):
            raise InvalidInput(
                f"Expected streamlit.net_util.{name}, which looks this machine's address up outside, got a Streamlit "
                "without it. Install the version of requirements.txt."
            )
        setattr(net_util, name, _no_address)


def _no_address() -> None:
    """Say that this machine has no address of which others should know."""

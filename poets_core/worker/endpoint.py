"""A chat model behind an OpenAI-compatible address of one's own: on this machine, unless its owner says otherwise.

Only `POETS_JUDGE_HOSTS`, in the environment of the worker, lets another host be asked: a spec that comes from somebody
else cannot send prompts and responses away. Proxies are not used and redirections are not followed.
"""

from __future__ import annotations

import json
import os
import time
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from urllib.parse import urlsplit

from poets_core.errors import InvalidModel, InvalidSpec

SETTING = "POETS_JUDGE_HOSTS"
"""Environment variable: further hosts that may be asked, separated by blanks or commas."""
LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
SECONDS = 120.0
"""That one answer may take."""
LONGEST = 1_000_000
"""Bytes of an answer."""


class Endpoint:
    """One model at one address."""

    def __init__(self, url: str, model: str, *, seconds: float = SECONDS) -> None:
        """Check the address; nothing is sent.

        Args:
            url: up to and with ``/v1``, such as ``http://127.0.0.1:8080/v1``.
            model: its name there.
            seconds: that one answer may take.

        Raises:
            InvalidSpec: no address of http or https, or a host that may not be asked.
        """
        self._url, self._model, self._seconds = url, model, seconds
        try:
            parts = urlsplit(url)
            self._secure, self._host, self._port = parts.scheme == "https", parts.hostname or "", parts.port
        except ValueError as error:
            raise InvalidSpec(f"{_EXPECTED}, got {url!r}: {error}.", field=_FIELD) from error
        if parts.scheme not in ("http", "https") or not self._host or parts.username or parts.query or parts.fragment:
            raise InvalidSpec(f"{_EXPECTED} (no name, password or query), got {url!r}.", field=_FIELD)
        # Compared as a name and never resolved: "127.0.0.1.example.org" and 2130706433 are other hosts.
        self._path = parts.path.rstrip("/") + "/chat/completions"
        if self._host not in LOOPBACK and self._host not in _allowed():
            raise InvalidSpec(
                f"Expected a server on this machine (127.0.0.1, localhost or ::1), got the host {self._host!r}. "
                f"Prompts and responses would leave this machine. If they may, name the host in {SETTING} in the "
                "environment of the app and start it again.",
                field=_FIELD,
            )

    def ask(self, prompt: str, *, max_tokens: int, seed: int) -> str:
        """Return the model's reply to one message, at temperature 0.

        Args:
            prompt: the message.
            max_tokens: longest reply.
            seed: sent along; servers may ignore it.

        Raises:
            InvalidModel: the server does not answer, answers too much, or not in the format.
        """
        body = {
            "model": self._model,
            "messages": [{"role": "user", "content": prompt}],
            "temperature": 0,
            "max_tokens": max_tokens,
            "seed": seed % 2**31,
        }
        # http.client reads no proxies out of the environment and follows nothing.
        kind = HTTPSConnection if self._secure else HTTPConnection
        connection = kind(self._host, self._port, timeout=self._seconds)
        try:
            head = {"Content-Type": "application/json", "Accept": "application/json"}
            connection.request("POST", self._path, json.dumps(body).encode(), head)
            answer = connection.getresponse()
            data, status = self._read(answer), answer.status
        except (OSError, HTTPException) as error:
            raise InvalidModel(
                f"Expected the server of the judge at {self._url} to answer within {self._seconds:g} s, got "
                f"{type(error).__name__}: {error}. Start it, then press Resume."
            ) from error
        finally:
            connection.close()
        if status != 200 or len(data) > LONGEST:
            got = f"status {status}" if status != 200 else f"more than {LONGEST:,} bytes"
            raise InvalidModel(f"Expected an answer of at most {LONGEST:,} bytes from {self._url}, got {got}.")
        return _content(data, self._url)

    def _read(self, answer: HTTPResponse) -> bytes:
        """At most one byte more than is allowed, which tells a long answer from one that just fits."""
        data, until = b"", time.monotonic() + self._seconds
        while len(data) <= LONGEST and (more := answer.read1(LONGEST + 1 - len(data))):
            data += more
            # The limit of the connection holds for every piece; a server may send one byte at a time.
            if time.monotonic() > until:
                raise TimeoutError("the answer went on for too long")
        return data


_FIELD = "experiment.judge_url"
_EXPECTED = "Expected an address such as http://127.0.0.1:8080/v1 for the server of the judge"


def _allowed() -> frozenset[str]:
    return frozenset(name.strip("[]").lower() for name in os.environ.get(SETTING, "").replace(",", " ").split())


def _content(data: bytes, url: str) -> str:
    # Whatever a server says is possible here: other JSON, no JSON, lists a million deep.
    try:
        found = json.loads(data)["choices"][0]["message"]["content"]
    except (ValueError, LookupError, TypeError, RecursionError) as error:
        found = error
    if not isinstance(found, str):
        raise InvalidModel(
            f"Expected choices[0].message.content with text from {url}, got {data[:80]!r}. Is it OpenAI-compatible?"
        )
    return found

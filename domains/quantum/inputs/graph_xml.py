"""GraphML: nodes and edges with a weight, from a parser of the standard library that gets no DTD and no entities."""

from __future__ import annotations

from typing import Any
from xml.parsers import expat

from domains.quantum.inputs.graph_edges import WHAT, Written, name_of
from domains.quantum.inputs.graph_json import edge_in
from domains.quantum.inputs.text import quoted
from poets_core.errors import InvalidTable

MAX_DEPTH = 12


class _Reader:
    """What the parser calls: keeps nodes, edges and the names of their data."""

    def __init__(self) -> None:
        self.path: list[str] = []
        self.keys: dict[str, tuple[str, str]] = {}
        self.defaults: dict[str, str] = {}
        self.nodes: list[str] = []
        self.edges: list[dict[str, Any]] = []
        self.key = ""
        self.text = ""

    def start(self, tag: str, given: dict[str, str]) -> None:
        tag = tag.rsplit(":", 1)[-1]
        self.path.append(tag)
        self.text = ""
        if len(self.path) > MAX_DEPTH or tag in ("hyperedge", "port"):
            raise InvalidTable(f"Expected nodes and edges alone in the GraphML of {WHAT}, got {quoted(tag)}.")
        if len(self.path) == 1 and tag != "graphml":
            raise InvalidTable(f"Expected GraphML as {WHAT}, got XML of {quoted(tag)}. Write edges, one a line.")
        if tag == "graph" and "graph" in self.path[:-1]:
            raise InvalidTable(f"Expected one graph in the GraphML of {WHAT}, got one within another.")
        if tag == "key":
            self.key = given.get("id", "")
            self.keys[self.key] = given.get("for", "all"), given.get("attr.name", self.key)
        elif tag == "data":
            self.key = given.get("key", "")
        elif tag == "node":
            self.nodes.append(given.get("id", ""))
        elif tag == "edge":
            self.edges.append({"source": given.get("source", ""), "target": given.get("target", "")})

    def data(self, text: str) -> None:
        self.text = (self.text + text)[:200]

    def end(self, tag: str) -> None:
        tag = self.path.pop()
        above = self.path[-1] if self.path else ""
        if tag == "default" and above == "key":
            self.defaults[self.key] = self.text.strip()
        elif tag == "data" and above == "edge" and self.edges:
            self.edges[-1][self.keys.get(self.key, ("edge", self.key))[1]] = self.text.strip()


def read_graphml(text: str) -> Written:
    """Read GraphML.

    Raises:
        InvalidTable: it is no GraphML, or has a DTD, entities, hyperedges or nested graphs.
    """

    def refused(*_: Any) -> None:
        raise InvalidTable(f"Expected GraphML without a DTD and entities as {WHAT}, got a '<!DOCTYPE'. Leave it out.")

    reader = _Reader()
    # The text is decoded already, whatever its first line says of bytes.
    parser = expat.ParserCreate("utf-8")
    parser.StartElementHandler, parser.EndElementHandler = reader.start, reader.end
    parser.CharacterDataHandler = reader.data
    parser.StartDoctypeDeclHandler = parser.EntityDeclHandler = refused
    try:
        parser.Parse(text.encode("utf-8"), True)
    except expat.ExpatError as error:
        raise InvalidTable(f"Expected GraphML as {WHAT}, got XML that ends or breaks: {error}.") from error
    defaults = {reader.keys[key][1]: value for key, value in reader.defaults.items() if reader.keys[key][0] != "node"}
    if "weight" in defaults:
        for edge in reader.edges:
            edge.setdefault("weight", defaults["weight"])
    edges = [edge_in(f"edge {k}", edge) for k, edge in enumerate(reader.edges, 1)]
    return Written("GraphML", edges, tuple(map(name_of, reader.nodes)))

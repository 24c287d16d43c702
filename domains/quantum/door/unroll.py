"""A parsed circuit file as a flat list of standard gates: loops unrolled, definitions put in, operands spread.

The tree is of `openqasm3`, the reference parser that Qiskit's importer uses. Only what has one meaning without running
the circuit is followed.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from openqasm3 import ast

from domains.quantum.door.calls import Calls, spelled
from domains.quantum.door.prescan import SAFE
from domains.quantum.door.values import Number, line_of, named
from domains.quantum.door.wires import span
from poets_core.errors import InvalidDesign


class Unroller(Calls):
    """Follows the statements of one file; what it finds is in `gates`, `registers`, `notes`, `inputs`, `written`."""

    def program(self, program: ast.Program) -> None:
        """Follow all statements.

        Raises:
            InvalidDesign: names the line and what cannot be read.
        """
        for statement in program.statements:
            self.statement(statement)

    def statement(self, node: Any) -> None:
        """Follow one statement."""
        self._step()
        self.line = line_of(node, self.line)
        if getattr(node, "annotations", None):
            self.note("annotation left out: it is no part of the circuit")
        follow = getattr(self, f"_{type(node).__name__}", None)
        (follow or self._refuse)(node)

    def _refuse(self, node: Any) -> None:
        raise InvalidDesign(
            f"Expected gates, registers, constants and loops, got {spelled(node)} on line {self.line}, which "
            "cannot be read. Remove it, or transpile the circuit to plain gates."
        )

    def _block(self, statements: Sequence[Any]) -> None:
        """Follow a block; names that it declares end with it."""
        names, wires = dict(self.names), dict(self.registers.wires)
        for inner in statements:
            self.statement(inner)
        self.names = {n: v for n, v in self.names.items() if n in names}
        self.registers.wires = wires

    # Declarations

    def _QubitDeclaration(self, node: ast.QubitDeclaration) -> None:
        size = 1 if node.size is None else self._values().integer(node.size, "the size of a register")
        self.registers.declare(node.qubit.name, size, node.size is None, self.line)

    def _ClassicalDeclaration(self, node: ast.ClassicalDeclaration) -> None:
        name, first = node.identifier.name, node.init_expression
        if isinstance(node.type, ast.BitType):
            size = 1 if node.type.size is None else self._values().integer(node.type.size, "the size of a register")
            self.registers.bits[name] = size
            if isinstance(first, ast.QuantumMeasurement):
                self._measure(first, node.identifier)
            return
        if first is None or isinstance(first, ast.QuantumMeasurement):
            raise InvalidDesign(
                f"Expected a first value of {named(name)!r} on line {self.line}, got none that is known. Give it one."
            )
        values = self._values()
        self._define(name, values.cast(node.type, values.number(first)))

    def _ConstantDeclaration(self, node: ast.ConstantDeclaration) -> None:
        values = self._values()
        self._define(node.identifier.name, values.cast(node.type, values.number(node.init_expression)))
        self.constants.add(node.identifier.name)

    def _define(self, name: str, value: Number) -> None:
        if name in self.constants or name in self.inputs:
            raise InvalidDesign(f"Expected a new name on line {self.line}, got {named(name)!r} again. Rename one.")
        self.names[name] = value

    def _IODeclaration(self, node: ast.IODeclaration) -> None:
        name = node.identifier.name
        if node.io_identifier.name == "output":
            if not isinstance(node.type, ast.BitType):
                raise InvalidDesign(f"Expected no output but bits on line {self.line}, got {named(name)!r}. Remove it.")
            self.registers.bits[name] = 1
            return
        if not isinstance(node.type, ast.FloatType | ast.AngleType):
            raise InvalidDesign(
                f"Expected inputs of type float or angle on line {self.line}, got {named(name)!r} of another. Write "
                "its value."
            )
        self._define(name, math.nan)
        self.inputs.add(name)

    def _ClassicalAssignment(self, node: ast.ClassicalAssignment) -> None:
        target, op = node.lvalue, node.op.name
        if not isinstance(target, ast.Identifier) or target.name not in self.names or target.name in self.constants:
            raise InvalidDesign(
                f"Expected a variable that holds a number on line {self.line}, got another. Classical bits and "
                "control cannot be read: remove them."
            )
        value = node.rvalue
        if op != "=":
            value = ast.BinaryExpression(ast.BinaryOperator[op.removesuffix("=")], target, value)
        # A whole number stays one: what it becomes is not known where the type is not kept.
        found = self._values().number(value)
        before = self.names[target.name]
        if isinstance(before, int) and not isinstance(found, int):
            raise InvalidDesign(f"Expected a whole number for {named(target.name)!r} on line {self.line}, got another.")
        self.names[target.name] = float(found) if isinstance(before, float) else found

    def _AliasStatement(self, node: ast.AliasStatement) -> None:
        name = node.target.name
        self.registers.wires[name] = self.registers.of(node.value, self._values())

    def _QuantumGateDefinition(self, node: ast.QuantumGateDefinition) -> None:
        if node.name.name in self._defined:
            raise InvalidDesign(
                f"Expected one definition of the gate {named(node.name.name)!r}, got a second on line {self.line}."
            )
        self._defined[node.name.name] = (len(self._defined), node)

    # Control that is known before the circuit runs

    def _ForInLoop(self, node: ast.ForInLoop) -> None:
        values, over = self._values(), node.set_declaration
        numbers: range | list[Number]
        if isinstance(over, ast.RangeDefinition):
            numbers = span(over, values, None)
        elif isinstance(over, ast.DiscreteSet):
            numbers = [values.number(v) for v in over.values]
        else:
            raise InvalidDesign(f"Expected a loop over a range or a set on line {self.line}, got another.")
        name, before = node.identifier.name, self.names.get(node.identifier.name)
        for number in numbers:
            self._step()
            self.names[name] = values.cast(node.type, number)
            self._block(node.block)
        self.names.pop(name, None)
        if before is not None:
            self.names[name] = before

    def _BranchingStatement(self, node: ast.BranchingStatement) -> None:
        if _mentions(node.condition, set(self.registers.bits)):
            raise InvalidDesign(
                f"Expected no gates that depend on measured bits, got 'if' on line {self.line}. Only circuits without "
                "classical control have one energy: remove it."
            )
        self._block(node.if_block if self._values()._known(node.condition) else node.else_block)

    def _Box(self, node: ast.Box) -> None:
        self.note("box opened: its timing is no part of the circuit")
        self._block(node.body)

    def _EndStatement(self, node: ast.EndStatement) -> None:
        raise InvalidDesign(
            f"Expected gates up to the end of the file, got 'end' on line {self.line}. It changes no state: remove it, "
            "and what comes after it, which never runs."
        )

    def _ExpressionStatement(self, node: ast.ExpressionStatement) -> None:
        if isinstance(node.expression, ast.Identifier) and node.expression.name == f"end{SAFE}":
            raise InvalidDesign(
                f"Expected gates of OpenQASM 2, got 'end' on line {self.line}, which it does not have. Remove it."
            )
        self._refuse(node)

    def _CompoundStatement(self, node: ast.CompoundStatement) -> None:
        self._block(node.statements)

    # What leaves the state as it is

    def _QuantumBarrier(self, node: ast.QuantumBarrier) -> None:
        for operand in node.qubits:
            self.registers.of(operand, self._values())
        self.note("barrier dropped")

    def _DelayInstruction(self, node: ast.DelayInstruction) -> None:
        self.note("delay dropped")

    def _QuantumMeasurementStatement(self, node: ast.QuantumMeasurementStatement) -> None:
        self._measure(node.measure, node.target)

    def _measure(self, node: ast.QuantumMeasurement, target: Any) -> None:
        qubits = self.registers.of(node.qubit, self._values()).qubits
        for q in qubits:
            self._measured.setdefault(q, self.line)
        bits = self.registers.bits_of(target, self._values())
        if len(bits) == len(qubits):
            self.written |= dict(zip(bits, qubits, strict=True))
        self.note("final measurement dropped")

    def _QuantumReset(self, node: ast.QuantumReset) -> None:
        qubits = set(self.registers.of(node.qubits, self._values()).qubits)
        if qubits & (self._touched | set(self._measured)):
            raise InvalidDesign(
                f"Expected no reset after the first gate of a qubit, got one on line {self.line}. Use a fresh qubit."
            )
        self.note("reset at the start dropped: qubits begin in |0>")


def _mentions(node: Any, names: set[str]) -> bool:
    """Whether an expression names one of these."""
    if isinstance(node, ast.Identifier):
        return node.name in names
    if isinstance(node, list | tuple):
        return any(_mentions(inner, names) for inner in node)
    return isinstance(node, ast.QASMNode) and any(
        _mentions(inner, names) for key, inner in vars(node).items() if key != "span"
    )

"""Numbers in a circuit file: constants, arithmetic, indices; evaluated, never executed.

Arithmetic is OpenQASM's: in version 3 a division of two integers is one of integers, so that ``1/2*pi`` is 0 there and
pi/2 to everybody else. Such a division is refused, whatever was meant. A value that the file leaves open (``input``)
is nan.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping

from openqasm3 import ast

from domains.quantum.door.prescan import SAFE
from poets_core.errors import InvalidDesign

Number = int | float | bool
MAX_INTEGER = 1 << 62
CONSTANTS: dict[str, float] = {
    "pi": math.pi,
    "π": math.pi,
    "tau": math.tau,
    "τ": math.tau,
    "euler": math.e,
    "ℇ": math.e,
    f"tau{SAFE}": math.tau,
    f"euler{SAFE}": math.e,
}
_FUNCTIONS: dict[str, Callable[[float], float]] = {
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "exp": math.exp,
    "ln": math.log,
    "log": math.log,
    "sqrt": math.sqrt,
    "arcsin": math.asin,
    "arccos": math.acos,
    "arctan": math.atan,
    "asin": math.asin,
    "acos": math.acos,
    "atan": math.atan,
    "abs": abs,
    "floor": math.floor,
    "ceiling": math.ceil,
}
_COMPARISONS: dict[str, Callable[[Number, Number], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    ">": operator.gt,
    "<=": operator.le,
    ">=": operator.ge,
}
_ARITHMETIC: dict[str, Callable[[Number, Number], Number]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
}


def line_of(node: ast.QASMNode, default: int = 0) -> int:
    """Return the line a node begins on."""
    return node.span.start_line if node.span is not None else default


def named(name: str) -> str:
    """Return a name as the file has it, cut."""
    plain = name.removesuffix(SAFE)
    return plain if len(plain) <= 40 else plain[:40] + "…"


class Values:
    """Evaluates expressions on one line of a file.

    Attributes:
        names: values of constants, loop variables and parameters.
        sizes: number of qubits of each register.
        version: 2 or 3; whose division holds.
        line: of the statement, for messages.
    """

    def __init__(self, names: Mapping[str, Number], sizes: Mapping[str, int], version: int, line: int) -> None:
        """Keep the scope."""
        self.names, self.sizes, self.version, self.line = names, sizes, version, line

    def angle(self, node: ast.Expression) -> float:
        """Return an angle in radians; nan where the file leaves it open.

        Raises:
            InvalidDesign: it is not finite, or not a number.
        """
        return float(self.number(node))

    def integer(self, node: ast.Expression, what: str) -> int:
        """Return a whole number.

        Raises:
            InvalidDesign: it is none, or none that is known.
        """
        value = self.number(node)
        if isinstance(value, float) and not (math.isfinite(value) and value == int(value) and self.version == 2):
            got = "one that is not known" if math.isnan(value) else f"{value:g}"
            raise InvalidDesign(f"Expected a whole number as {what} on line {self.line}, got {got}. Write a number.")
        return int(value)

    def number(self, node: ast.Expression) -> Number:
        """Return the value of an expression, checked.

        Raises:
            InvalidDesign: something in it has no value here, or the value is out of range.
        """
        try:
            value = self._number(node)
        except InvalidDesign:
            raise
        except (ArithmeticError, ValueError) as error:
            raise InvalidDesign(
                f"Expected numbers that can be computed on line {self.line}, got one that cannot. Write its value."
            ) from error
        if (isinstance(value, float) and math.isinf(value)) or abs(value) > MAX_INTEGER:
            raise InvalidDesign(f"Expected finite angles on line {self.line}, got one that is infinite or huge.")
        return value

    def _number(self, node: ast.Expression) -> Number:
        match node:
            case ast.IntegerLiteral(value=value) | ast.FloatLiteral(value=value) | ast.BooleanLiteral(value=value):
                return value
            case ast.Identifier(name=name):
                return self._name(name)
            case ast.UnaryExpression(op=op, expression=inner) if op.name == "-":
                return -self.number(inner)
            case ast.UnaryExpression(op=op, expression=inner) if op.name == "!":
                return not self._known(inner)
            case ast.BinaryExpression(op=op, lhs=lhs, rhs=rhs):
                return self._binary(op.name, lhs, rhs)
            case ast.FunctionCall(name=ast.Identifier(name=name), arguments=arguments):
                return self._call(name, [self.number(a) for a in arguments])
            case ast.Cast(type=kind, argument=argument):
                return self.cast(kind, self.number(argument))
            case ast.SizeOf(target=ast.Identifier(name=name), index=None) if name in self.sizes:
                return self.sizes[name]
        raise InvalidDesign(
            f"Expected numbers, pi, constants and + - * / ** on line {self.line}, got {type(node).__name__}. Write its "
            "value."
        )

    def _name(self, name: str) -> Number:
        # What the file declares comes first: a parameter may be called tau.
        if name in self.names:
            return self.names[name]
        if name in CONSTANTS:
            return CONSTANTS[name]
        raise InvalidDesign(
            f"Expected a constant that was declared before line {self.line}, got {named(name)!r}. "
            "Declare it, e.g. 'const float x = 0.5;', or write its value."
        )

    def _known(self, node: ast.Expression) -> Number:
        value = self.number(node)
        if value != value:
            raise InvalidDesign(
                f"Expected a condition of known numbers on line {self.line}, got an input. Bind the input first."
            )
        return value

    def _binary(self, op: str, lhs: ast.Expression, rhs: ast.Expression) -> Number:
        if op in _COMPARISONS:
            return _COMPARISONS[op](self._known(lhs), self._known(rhs))
        if op in ("&&", "||"):
            left, right = self._known(lhs), self._known(rhs)
            return bool(left and right) if op == "&&" else bool(left or right)
        left, right = self.number(lhs), self.number(rhs)
        whole = isinstance(left, int) and isinstance(right, int)
        if op in _ARITHMETIC:
            return _ARITHMETIC[op](left, right)
        if op == "/":
            return self._divide(left, right, whole)
        if op == "**":
            return self._power(left, right, whole)
        if op == "%" and whole:
            return math.fmod(left, right) if self.version == 2 else int(math.fmod(left, right))
        if op in ("<<", ">>") and whole and 0 <= right < 62:
            return int(left) << int(right) if op == "<<" else int(left) >> int(right)
        raise InvalidDesign(
            f"Expected + - * / ** of numbers on line {self.line}, got the operator {op!r}. Write the value."
        )

    def _divide(self, left: Number, right: Number, whole: bool) -> Number:
        if not right:
            raise InvalidDesign(f"Expected a finite angle on line {self.line}, got a division by zero.")
        if not whole or self.version == 2:
            return left / right
        if left % right:
            raise InvalidDesign(
                f"Expected no division of integers on line {self.line}, got {int(left)}/{int(right)}: it is "
                f"{int(left / right)} in OpenQASM 3 and {left / right:g} elsewhere. Write {int(left)}.0/{int(right)}, "
                "or pi first, as in pi/2."
            )
        return int(left) // int(right)

    def _power(self, left: Number, right: Number, whole: bool) -> Number:
        if whole and right < 0 and self.version == 3 and abs(left) != 1:
            raise InvalidDesign(
                f"Expected no negative power of an integer on line {self.line}, got {int(left)}**{int(right)}: it is "
                f"0 where integers stay integers and a fraction elsewhere. Write {int(left)}.0**{int(right)}."
            )
        if whole and right >= 0 and (abs(left) <= 1 or right * math.log2(abs(left)) < 62):
            return int(int(left) ** int(right))
        if left < 0 and right != int(right):
            raise InvalidDesign(f"Expected real numbers on line {self.line}, got a root of a negative one.")
        return math.pow(left, right)

    def _call(self, name: str, arguments: list[Number]) -> Number:
        if name in ("mod", "pow") and len(arguments) == 2:
            return math.fmod(*arguments) if name == "mod" else math.pow(*arguments)
        if name not in _FUNCTIONS or len(arguments) != 1:
            raise InvalidDesign(
                f"Expected a function of one number, {' '.join(sorted(_FUNCTIONS))}, got {named(name)!r} on line "
                f"{self.line}. Write its value."
            )
        return math.nan if arguments[0] != arguments[0] else _FUNCTIONS[name](float(arguments[0]))

    def cast(self, kind: ast.ClassicalType | None, value: Number) -> Number:
        """Return a value as a variable of a type holds it; sizes of types are not kept.

        Raises:
            InvalidDesign: a type without numbers.
        """
        match kind:
            case ast.FloatType() | ast.AngleType():
                return float(value)
            case ast.IntType() | ast.UintType():
                if value != value:
                    raise InvalidDesign(f"Expected a known whole number on line {self.line}, got an input. Bind it.")
                return int(value)
            case ast.BoolType():
                return bool(value)
        got = type(kind).__name__.removesuffix("Type").lower()
        raise InvalidDesign(
            f"Expected numbers of type float, angle, int, uint or bool on line {self.line}, got {got}. Write numbers."
        )

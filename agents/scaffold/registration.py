"""Puts a component on the `components` list of an app's `agents` module, leaving everything else as it is."""

from __future__ import annotations

import ast

from agentos.core.errors import ConfigError


def registered(source: str, *, module: str, variable: str) -> str:
    """Return the source with the import and the list entry added. Raises: ConfigError when there is no plain list."""
    line = f"from {module} import {variable}\n"
    if not source.strip():
        return f'"""The components of this app."""\n\n{line}\ncomponents = [{variable}]\n'
    try:
        tree = ast.parse(source)
    except SyntaxError as error:
        raise ConfigError(f"The app's agents.py is not valid Python: line {error.lineno}.") from None
    lines = _ended(source.splitlines(keepends=True))
    listed = _components(tree)
    if listed is None:
        lines = [*lines, f"\ncomponents = [{variable}]\n"]
    else:
        _enter(lines, listed, variable)
    lines.insert(_import_line(tree), line)
    return "".join(lines)


def _components(tree: ast.Module) -> ast.List | None:
    for node in tree.body:
        targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
        if not any(isinstance(target, ast.Name) and target.id == "components" for target in targets):
            continue
        value = getattr(node, "value", None)
        if isinstance(value, ast.List):
            return value
        raise ConfigError("`components` in the app's agents.py is not a plain list: add the component by hand.")
    return None


def _enter(lines: list[str], listed: ast.List, variable: str) -> None:
    """Write the entry behind the last one, on a line of its own where the last one has one."""
    row, column = (listed.end_lineno or 1) - 1, (listed.end_col_offset or 1) - 1
    if not listed.elts:
        return _write(lines, row, column, variable)
    last = listed.elts[-1]
    last_row, last_column = (last.end_lineno or 1) - 1, last.end_col_offset or 0
    if last_row == row:
        return _write(lines, last_row, last_column, f", {variable}")
    indent = lines[last_row][: len(lines[last_row]) - len(lines[last_row].lstrip())]
    has_comma = lines[last_row].encode()[last_column:].lstrip().startswith(b",")
    lines.insert(row, f"{indent}{variable},\n")
    return None if has_comma else _write(lines, last_row, last_column, ",")


def _write(lines: list[str], row: int, column: int, text: str) -> None:
    """Insert at a column, which `ast` counts in UTF-8 bytes."""
    line = lines[row].encode()
    lines[row] = (line[:column] + text.encode() + line[column:]).decode()


def _import_line(tree: ast.Module) -> int:
    """Return the line after the last import at the top, or after the docstring."""
    after = 0
    for place, node in enumerate(tree.body):
        is_docstring = place == 0 and isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
        if is_docstring or isinstance(node, ast.Import | ast.ImportFrom):
            after = node.end_lineno or 0
        else:
            break
    return after


def _ended(lines: list[str]) -> list[str]:
    """Return the lines with the last one ended."""
    return [*lines[:-1], lines[-1] if lines[-1].endswith("\n") else f"{lines[-1]}\n"]

"""Credentials as code holds them: to be read field by field, shown by nothing that prints, dumps or logs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NoReturn


class Credentials(Mapping[str, str]):
    """The values of one connection by field. `secrets` are those that must not come out anywhere."""

    __slots__ = ("_kind", "_secret_fields", "_values")

    def __init__(self, kind: str, values: Mapping[str, str], secret_fields: tuple[str, ...]) -> None:
        self._kind, self._values, self._secret_fields = kind, dict(values), secret_fields

    @property
    def secrets(self) -> list[str]:
        return [self._values[name] for name in self._secret_fields if self._values.get(name)]

    def __getitem__(self, field: str) -> str:
        return self._values[field]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<credentials of {self._kind}>"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("Credentials are not written down.")

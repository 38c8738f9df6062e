"""A value that an object finds out when it is asked first, and keeps: `functools.cached_property` without its lock."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801 - named as what it is used as
    """A method as such a value; rules make thousands of small objects, for each of which a lock would take longest."""

    def __init__(self, find_out: Callable[[Any], T]) -> None:
        self._find_out, self._name = find_out, find_out.__name__
        self.__doc__ = find_out.__doc__

    def __get__(self, instance: Any, owner: type | None = None) -> T:
        value = instance.__dict__[self._name] = self._find_out(instance)
        return value

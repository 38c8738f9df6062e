"""Seals what the audit trail holds of persons under a key of each. The chain covers the sealed form and stays whole
when a key is shredded: what it sealed is noise then, for everybody and for ever.

A value about several persons is sealed once under each key, so that whoever is erased first takes it along.
"""

from __future__ import annotations

import secrets
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeAlias
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from accounts import sealing
from accounts.models import Membership
from accounts.privacy.models import SubjectKey, Tombstone
from agentos.core.ids import parse_id
from agentos.core.types import Json, JsonObject, json_object

Show: TypeAlias = Callable[[str, list[UUID]], Json]
SEALED, SUBJECTS = "sealed", "of"
ERASED = "[erased]"
NONCE_BYTES = 12


def keys_of(found: str | None, *, tenant_id: UUID) -> dict[UUID, bytes]:
    """Return the keys of people by their ids, from the JSON of what `SubjectKey` keeps of each."""
    sealed = {UUID(user_id): key for user_id, key in (json_object(found or "{}") or {}).items()}
    return {user_id: _opened_key(key, tenant_id, user_id) for user_id, key in sealed.items()}


def seal(
    text: str,
    *,
    tenant_id: UUID,
    subjects: Sequence[UUID],
    using: str = "default",
    known: Mapping[UUID, bytes] | None = None,
) -> Json:
    """Return the text as a row may keep it: `{sealed, of: [user ids]}`, or ERASED when its subjects were erased.

    Call inside the transaction of the row, in a scope that sees the tenant. Makes a subject's key at first use.
    `known` are the keys of all of them, where somebody has read them just now.
    """
    layers: list[str] = []
    data = text.encode()
    if not known:
        rows = SubjectKey.objects.using(using).filter(tenant_id=tenant_id, user_id__in=subjects)
        known = {row.user_id: _unsealed(row) for row in rows}
    for user_id in dict.fromkeys(subjects):
        if (key := known.get(user_id) or _new_key_for(tenant_id, user_id, using)) is not None:
            nonce = secrets.token_bytes(NONCE_BYTES)
            data = nonce + AESGCM(key).encrypt(nonce, data, _bound(tenant_id, user_id))
            layers.append(str(user_id))
    return {SEALED: urlsafe_b64encode(data).decode(), SUBJECTS: layers} if layers else ERASED


def opened(details: Iterable[Json], *, tenant_id: UUID, show: Show | None = None, using: str = "default") -> list[Json]:
    """Return the details with what was sealed in them in the clear, or ERASED where a key is gone.

    `show` says what a reader gets to see of an opened text, given the ids of those whom it is about.
    """
    held = list(details)
    wanted = {user_id for detail in held for user_id in _subjects(detail)}
    rows = SubjectKey.objects.using(using).filter(tenant_id=tenant_id, user_id__in=wanted)
    keys = {row.user_id: _unsealed(row) for row in rows} if wanted else {}
    return [_opened(detail, tenant_id, keys, show or _as_it_is) for detail in held]


def is_sealed(value: Json) -> bool:
    return isinstance(value, dict) and set(value) == {SEALED, SUBJECTS}


def _new_key_for(tenant_id: UUID, user_id: UUID, using: str) -> bytes | None:
    """Make and return a person's key; None for one who was erased, whose key must not come back."""
    if _is_erased(tenant_id, user_id, using):
        return None
    new = secrets.token_bytes(32)
    text = sealing.seal(urlsafe_b64encode(new).decode(), purpose=_purpose(tenant_id, user_id))
    made = SubjectKey(tenant_id=tenant_id, user_id=user_id, key_sealed=text)
    SubjectKey.objects.using(using).bulk_create([made], ignore_conflicts=True)
    return _unsealed(SubjectKey.objects.using(using).get(tenant_id=tenant_id, user_id=user_id))


def _is_erased(tenant_id: UUID, user_id: UUID, using: str) -> bool:
    """Tell whether this person was erased and has not come back since."""
    whose = {"tenant_id": tenant_id, "user_id": user_id}
    if not Tombstone.objects.using(using).filter(**whose).exists():
        return False
    return not Membership.objects.using(using).filter(**whose).exists()


def _unsealed(row: SubjectKey) -> bytes:
    return _opened_key(row.key_sealed, row.tenant_id, row.user_id)


def _opened_key(sealed: str, tenant_id: UUID, user_id: UUID) -> bytes:
    return urlsafe_b64decode(sealing.unseal(sealed, purpose=_purpose(tenant_id, user_id)))


def _purpose(tenant_id: UUID, user_id: UUID) -> str:
    return f"subject-key:{tenant_id}:{user_id}"


def _bound(tenant_id: UUID, user_id: UUID) -> bytes:
    return tenant_id.bytes + user_id.bytes


def _subjects(value: Json) -> Iterable[UUID]:
    if is_sealed(value):
        yield from filter(None, (parse_id(text) for text in value[SUBJECTS]))
    elif isinstance(value, dict):
        for item in value.values():
            yield from _subjects(item)


def _opened(value: Json, tenant_id: UUID, keys: dict[UUID, bytes], show: Show) -> Json:
    if is_sealed(value):
        text = _text(value, tenant_id, keys)
        return text if text == ERASED else show(text, list(_subjects(value)))
    if isinstance(value, dict):
        return {name: _opened(item, tenant_id, keys, show) for name, item in value.items()}
    return value


def _as_it_is(text: str, subjects: list[UUID]) -> Json:
    return text


def _text(value: JsonObject, tenant_id: UUID, keys: dict[UUID, bytes]) -> str:
    try:
        data = urlsafe_b64decode(value[SEALED])
        for user_id in reversed([parse_id(text) for text in value[SUBJECTS]]):
            if user_id is None or (key := keys.get(user_id)) is None:
                return ERASED
            data = AESGCM(key).decrypt(data[:NONCE_BYTES], data[NONCE_BYTES:], _bound(tenant_id, user_id))
        return data.decode()
    except (InvalidTag, ValueError, TypeError):
        return ERASED

"""The second factor of a sign-in: a code of an authenticator app (TOTP, RFC 6238), or a recovery code, each good once.

Secrets are sealed, codes hashed, guesses counted with the failed log-ins. All through the system role: it is asked
before anybody is signed in.
"""

from __future__ import annotations

import hashlib
import secrets
from base64 import b32encode
from collections.abc import Iterable
from time import time
from urllib.parse import quote, urlencode
from uuid import UUID

from django.conf import settings
from django.db import models, transaction
from django_otp.oath import TOTP  # type: ignore[import-untyped]  # it comes without

from accounts import principals, scopes
from accounts.models import Membership, RecoveryCode, TotpDevice, User
from accounts.principals import cache
from accounts.sealing import seal, unseal
from accounts.services import attempts, sign_ins
from agentos.core.clock import utc_now
from agentos.core.errors import NotAuthenticated, NotFound, PolicyDenied

ISSUER = "AgentOS"
SECRET_BYTES = 20
DIGITS = 6
TOLERANCE_STEPS = 1  # of 30 seconds, before and after
RECOVERY_CODES = 10
CODE_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"  # without what looks alike


def is_demanded() -> bool:
    """Say whether this installation demands one where there is power."""
    return bool(settings.SECOND_FACTOR == "required")


def is_required(members: Iterable[Membership]) -> bool:
    """Say whether a user with these memberships must have one: in production, with more rights than a plain member."""
    if not is_demanded():
        return False
    return any(scopes.has_power(principals.of_member(member).scopes) for member in members)


def device_of(user_id: UUID) -> TotpDevice | None:
    """Return the user's second factor, if she has confirmed one."""
    return _devices(user_id).exclude(confirmed_at=None).first()


def is_missing(members: Iterable[Membership]) -> bool:
    """Say whether it is required of a user with these memberships and she has none."""
    listed = list(members)
    return is_required(listed) and device_of(listed[0].user_id) is None


def enrolment(user: User) -> str:
    """Return the address `otpauth://...` that an authenticator app reads, of the device that is to be confirmed.

    It stays the same until it is confirmed. Raises: PolicyDenied when she has a second factor.
    """
    device = _devices(user.id).first() or _make(user)
    if device.confirmed_at is not None:
        raise PolicyDenied("You have a second factor already.", code="second_factor_exists")
    label = quote(f"{ISSUER}:{user.email}")
    asked = {"secret": b32encode(_secret(device)).decode(), "issuer": ISSUER, "digits": DIGITS, "period": 30}
    return f"otpauth://totp/{label}?{urlencode(asked)}"


def confirm(user: User, code: str, client: str = "") -> tuple[TotpDevice, list[str]]:
    """Take the device that was enrolled into use with its first code; return it and the recovery codes. Audited.

    Ends all that was opened without it. Raises: NotAuthenticated for a wrong code, RateLimited.
    """
    device = _checked(user.id, code, client, confirmed=False)
    with transaction.atomic(using="system"):
        _devices(user.id).filter(id=device.id).update(confirmed_at=utc_now())
        codes = _new_codes(user.id)
        sign_ins.end_all(user.id)
        sign_ins.tell(user.id, "second_factor.enrolled", actor_id=user.id)
    cache.forget()
    return device, codes


def verify(user_id: UUID, code: str, client: str = "") -> TotpDevice:
    """Check a code of the app, or use up a recovery code; the use of one is audited, and a failure.

    Raises: NotAuthenticated, RateLimited.
    """
    return _checked(user_id, code, client, confirmed=True)


def demand(members: list[Membership], code: str | None, client: str = "") -> None:
    """Ask whoever takes a token for the second factor that she has or must have.

    Raises: NotAuthenticated for a missing or wrong code, PolicyDenied when she has to set one up, RateLimited.
    """
    if is_missing(members):
        raise PolicyDenied("Set up a second factor first: sign in on the pages.", code="second_factor_missing")
    if device_of(members[0].user_id) is None:
        return
    if not code:
        raise NotAuthenticated("Send the code of your second factor as `otp`.", code="second_factor_required")
    verify(members[0].user_id, code, client)


def renew_codes(user_id: UUID, code: str, client: str = "") -> list[str]:
    """Replace the recovery codes, old ones end; return the new ones. Audited. Raises: NotAuthenticated, RateLimited."""
    verify(user_id, code, client)
    with transaction.atomic(using="system"):
        codes = _new_codes(user_id)
        sign_ins.tell(user_id, "second_factor.codes_renewed", actor_id=user_id)
    return codes


def remove(members: list[Membership], code: str, client: str = "") -> None:
    """Give up one's second factor. Audited.

    Raises: PolicyDenied while it is required, NotAuthenticated, RateLimited.
    """
    user_id = members[0].user_id
    if is_required(members):
        raise PolicyDenied("Your role needs a second factor.", code="second_factor_required")
    verify(user_id, code, client)
    with transaction.atomic(using="system"):
        _drop(user_id)
        sign_ins.tell(user_id, "second_factor.removed", actor_id=user_id)


def reset(email: str) -> None:
    """Take a lost second factor from a user and end all her sessions and tokens. Audited. Raises: NotFound."""
    user = sign_ins.by_email(email)
    if user is None:
        raise NotFound("There is no user with this e-mail address.")
    with transaction.atomic(using="system"):
        _drop(user.id)
        sign_ins.end_all(user.id)
        sign_ins.tell(user.id, "second_factor.reset")
    cache.forget()


def _checked(user_id: UUID, code: str, client: str, *, confirmed: bool) -> TotpDevice:
    """Count the attempt, then look at the code under a lock on the device: no code is taken twice."""
    ticket = attempts.admit(f"second factor of {user_id}", client)
    said = "".join(code.split()).lower()
    with transaction.atomic(using="system"):
        devices = _devices(user_id).filter(confirmed_at__isnull=not confirmed)
        device = devices.select_for_update(of=("self",)).first()
        if device is not None and not _takes(device, said) and not (confirmed and _uses_up(user_id, said)):
            sign_ins.tell(user_id, "second_factor.failed", actor_id=user_id)
            device = None
    if device is None:
        raise NotAuthenticated("The code is wrong or used up.", code="wrong_second_factor")
    attempts.succeeded(ticket)
    return device


def _takes(device: TotpDevice, code: str) -> bool:
    if not (code.isascii() and code.isdigit() and len(code) == DIGITS):
        return False
    totp = TOTP(_secret(device), digits=DIGITS)
    totp.time = time()
    if not totp.verify(int(code), tolerance=TOLERANCE_STEPS, min_t=device.last_step + 1):
        return False
    device.last_step = totp.t()
    device.save(using="system", update_fields=["last_step"])
    return True


def _uses_up(user_id: UUID, code: str) -> bool:
    unused = RecoveryCode.objects.using("system").filter(user_id=user_id, used_at=None)
    if not unused.filter(code_hash=_hash(code)).update(used_at=utc_now()):
        return False
    sign_ins.tell(user_id, "second_factor.recovery_used", {"left": unused.count()}, actor_id=user_id)
    return True


def _devices(user_id: UUID) -> models.QuerySet[TotpDevice]:
    return TotpDevice.objects.using("system").filter(user_id=user_id)


def _make(user: User) -> TotpDevice:
    secret = secrets.token_hex(SECRET_BYTES)
    sealed = seal(secret, purpose=_purpose(user.id))
    return TotpDevice.objects.using("system").get_or_create(user_id=user.id, defaults={"secret_sealed": sealed})[0]


def _secret(device: TotpDevice) -> bytes:
    return bytes.fromhex(unseal(device.secret_sealed, purpose=_purpose(device.user_id)))


def _purpose(user_id: UUID) -> str:
    return f"totp:{user_id}"


def _new_codes(user_id: UUID) -> list[str]:
    codes = ["-".join(_letters() for _ in range(4)) for _ in range(RECOVERY_CODES)]
    RecoveryCode.objects.using("system").filter(user_id=user_id).delete()
    rows = [RecoveryCode(user_id=user_id, code_hash=_hash(code)) for code in codes]
    RecoveryCode.objects.using("system").bulk_create(rows)
    return codes


def _letters() -> str:
    return "".join(secrets.choice(CODE_ALPHABET) for _ in range(4))


def _hash(code: str) -> str:
    return hashlib.sha256(code.replace("-", "").encode()).hexdigest()


def _drop(user_id: UUID) -> None:
    _devices(user_id).delete()
    RecoveryCode.objects.using("system").filter(user_id=user_id).delete()

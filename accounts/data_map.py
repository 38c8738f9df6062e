"""What this app's tables, and those of the packages that have no app of ours, hold about whom."""

from __future__ import annotations

from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.contrib.sessions.models import Session as BrowserSession
from django_q.models import OrmQ, Schedule, Task
from guardian.models import GroupObjectPermission, UserObjectPermission

from accounts.models import (
    Attempt,
    AuditHead,
    AuditRow,
    Connection,
    ExternalIdentity,
    Grant,
    Invitation,
    Membership,
    PlatformConnection,
    RecoveryCode,
    RefreshToken,
    Resource,
    ServiceAccount,
    SigningKey,
    SupportEntry,
    Tenant,
    TenantRole,
    TotpDevice,
    User,
)
from accounts.privacy.datamap import DAY, RECORDS, TOKENS, WEEK, author, declare, owner, pseudonym, sealed

declare(Tenant, none="id slug name is_demo created_at")
declare(
    User,
    none="id is_superuser is_active is_demo token_version signed_out_at created_at",
    personal="email name last_login",
    secret="password",
    subjects=[pseudonym("id")],
    about="Emptied when her last tenant erases her: `accounts.privacy.persons`.",
)
declare(User.groups.through, none="id user group", subjects=[owner("user")])
declare(User.user_permissions.through, none="id user permission", subjects=[owner("user")])
declare(TenantRole, none="tenant id name description scopes built_in created_at")
declare(Membership, none="tenant id user role created_at", subjects=[owner("user")])
declare(
    ServiceAccount,
    none=(
        "tenant id user scopes shown_to key_prefix expires_at previous_until rotated_at revoked_at last_used_at "
        "created_at"
    ),
    personal="name",
    secret="key_hash previous_hash",
    subjects=[owner("user")],
)
declare(
    RefreshToken,
    none="tenant id user family used_at revoked_at expires_at created_at",
    subjects=[owner("user")],
    retention=TOKENS,
    clock="expires_at",
)
declare(AuditHead, none="tenant seq hash seal")
declare(
    AuditRow,
    none="tenant id seq at actor action object_type object_id hash key_id",
    personal="detail",
    subjects=[sealed("actor")],
    retention=RECORDS,
)
declare(Attempt, none="key account failures last_at free_at known_until", retention=TOKENS, clock="last_at")
declare(
    SigningKey,
    none="id kid algorithm public_pem signs_from verifies_until revoked_at created_at",
    secret="private_sealed",
)
declare(
    TotpDevice,
    none="id user last_step confirmed_at created_at",
    secret="secret_sealed",
    subjects=[owner("user")],
)
declare(RecoveryCode, none="id user used_at created_at", secret="code_hash", subjects=[owner("user")])
declare(
    Invitation,
    none="tenant id role invited_by created_at expires_at sent_at accepted_at accepted_by revoked_at",
    personal="email",
    secret="token_hash",
    subjects=[owner("accepted_by"), pseudonym("invited_by")],
    about="Until it is accepted it is about somebody who is no user yet.",
    retention=TOKENS,
    clock="expires_at",
)
declare(
    ExternalIdentity,
    none="id user issuer last_used_at created_at",
    personal="subject",
    subjects=[owner("user")],
)
declare(
    SupportEntry,
    none="tenant id user scopes created_at ends_at ended_at ended_by",
    personal="who reason",
    subjects=[author("user", "who", "reason"), pseudonym("ended_by")],
    retention=RECORDS,
)
declare(Resource, none="tenant id kind name")
declare(
    Connection,
    none="tenant id user kind changed_at",
    personal="label",
    secret="sealed sealed_key",
    subjects=[owner("user")],
)
declare(PlatformConnection, none="id kind label changed_at", secret="sealed sealed_key")
declare(Grant, none="tenant id permission user content_object created_at", subjects=[owner("user")])

# Other packages'
declare(ContentType, none="id app_label model")
declare(Permission, none="id name content_type codename")
declare(Group, none="id name")
declare(Group.permissions.through, none="id group permission")
declare(
    LogEntry,
    none="id action_time user content_type object_id action_flag",
    personal="object_repr change_message",
    subjects=[pseudonym("user")],
    about="Empty: granted to nobody, the audit trail takes its place.",
)
declare(
    BrowserSession,
    none="expire_date",
    personal="session_data",
    secret="session_key",
    about="Who is signed in stands inside the signed data: `accounts.privacy.persons` finds it.",
    retention=DAY,
    clock="expire_date",
)
declare(UserObjectPermission, none="id permission content_type object_pk user", subjects=[owner("user")])
declare(GroupObjectPermission, none="id permission content_type object_pk group")
declare(
    Task,
    none="id name func hook args kwargs result group cluster started stopped success attempt_count",
    about="Jobs carry ids and counts.",
    retention=WEEK,
    clock="stopped",
)
declare(
    Schedule,
    none="id name func hook args kwargs schedule_type minutes repeats next_run cron task cluster intended_date_kwarg",
)
declare(OrmQ, none="id key payload lock")

"""E-mail: text and simple HTML, by Django's backend. The Message-ID stays the same when a mail is sent again."""

from __future__ import annotations

from smtplib import SMTPException, SMTPRecipientsRefused, SMTPResponseException
from typing import Final
from urllib.parse import urlsplit

from django.conf import settings
from django.core.mail import EmailMultiAlternatives
from django.template.loader import render_to_string
from django.urls import reverse

from governance.channels.failures import NotDelivered
from governance.channels.words import Words
from governance.models import Notice

MAX_SUBJECT_CHARS: Final = 150


def send(notice: Notice, words: Words) -> None:
    """Send one mail to one person. Raises: NotDelivered."""
    assert notice.user is not None
    context = {"words": words, "preferences": settings.PUBLIC_URL + reverse("notifications")}
    mail = EmailMultiAlternatives(
        subject=words.heading[:MAX_SUBJECT_CHARS],
        body=render_to_string("governance/notice/mail.txt", context),
        to=[notice.user.email],
        headers={
            "Message-ID": f"<{notice.id}@{urlsplit(settings.PUBLIC_URL).hostname or 'agentos'}>",
            "Auto-Submitted": "auto-generated",
        },
    )
    mail.attach_alternative(render_to_string("governance/notice/mail.html", context), "text/html")
    try:
        mail.send()
    except SMTPRecipientsRefused as refused:
        codes = [code for code, _ in refused.recipients.values()]
        raise NotDelivered("recipient refused", is_final=all(code >= 500 for code in codes)) from None
    except SMTPResponseException as error:
        raise NotDelivered(f"SMTP {error.smtp_code}") from None
    except (SMTPException, OSError) as error:
        raise NotDelivered(type(error).__name__) from None

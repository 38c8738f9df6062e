"""How templates say a policy's rule in words."""

from __future__ import annotations

from django import template

from governance.policy.rules import Rule, spelled

register = template.Library()


@register.filter
def in_words(rule: Rule) -> str:
    """Say what a rule wants: its level, and how an approval is to be given."""
    return spelled(rule.level, rule.terms)

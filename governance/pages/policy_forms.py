"""The form of a draft: one part for each rule, and how a rule's refusal stands beside that rule."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.core.exceptions import ValidationError
from django.forms import BaseFormSet, formset_factory

from accounts import principals
from accounts.models import TenantRole
from accounts.principals import Principal
from accounts.privacy import access
from agentos.core.errors import Invalid
from agentos.core.ids import parse_id
from agents.registry import registry
from governance.models import PolicyRule
from governance.models.policies import LEVELS, MOST_HOURS, MOST_QUORUM
from governance.policy.wanted import FIELDS, Wanted
from governance.services.policies import MOST_RULES

MOST_PEOPLE: Final = 500
_ANY: Final = [("", "any")]
_NONE: Final = [("", "nobody more")]


def _help(name: str) -> str:
    return str(getattr(PolicyRule._meta.get_field(name), "help_text", ""))


class RuleForm(forms.Form):
    """One rule. What it may name is what the tenant and the installed apps have."""

    use_required_attribute = False

    tool = forms.CharField(max_length=200, help_text=_help("tool"), widget=forms.TextInput({"list": "tools"}))
    level = forms.ChoiceField(choices=LEVELS, initial="approve")
    component = forms.CharField(
        max_length=200, required=False, help_text=_help("component"), widget=forms.TextInput({"list": "components"})
    )
    role = forms.ChoiceField(label="Role of who asks", required=False)
    conditions = forms.CharField(
        max_length=5_000, required=False, help_text=_help("conditions"), widget=forms.Textarea({"rows": 2})
    )
    loosens = forms.BooleanField(label="Loosens", required=False, help_text=_help("loosens"))
    note = forms.CharField(max_length=200, required=False, help_text=_help("note"))
    quorum = forms.IntegerField(
        label="Votes needed", min_value=1, max_value=MOST_QUORUM, initial=1, help_text=_help("quorum")
    )
    approver_role = forms.ChoiceField(required=False, help_text=_help("approver_role"))
    approvers = forms.MultipleChoiceField(required=False, help_text="Only these people approve; empty: whoever may.")
    expiry_hours = forms.IntegerField(
        label="Expires after hours", required=False, min_value=1, max_value=MOST_HOURS, help_text="Empty: 72."
    )
    escalation_role = forms.ChoiceField(label="Asked as well", required=False, help_text=_help("escalation_role"))
    escalation_hours = forms.IntegerField(
        label="After hours", required=False, min_value=1, max_value=MOST_HOURS, help_text="…so long."
    )
    separate = forms.BooleanField(label="Separation of duties", required=False, help_text=_help("separate"))
    reasoned = forms.BooleanField(label="A reason to approve", required=False, help_text=_help("reasoned"))

    def __init__(self, *args: Any, roles: Sequence[str], people: Sequence[tuple[str, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        named = [(role, role) for role in roles]
        for name, first in (("role", _ANY), ("approver_role", _ANY), ("escalation_role", _NONE)):
            self._choose(name, [*first, *named])
        self._choose("approvers", people)
        for bound in self:
            if bound.errors:
                bound.field.widget.attrs["aria-invalid"] = "true"

    def _choose(self, name: str, choices: Sequence[tuple[str, str]]) -> None:
        """Offer these, and what stands there already: the service says what is wrong about it."""
        field: Any = self.fields[name]
        stored = self.initial.get(name) or ()
        known = {value for value, _ in choices}
        kept = [(one, f"{one} (gone)") for one in ([stored] if isinstance(stored, str) else stored) if one not in known]
        field.choices = [*choices, *kept]

    @property
    def main(self) -> list[Any]:
        """Return the fields that say what a rule is about."""
        return [self[name] for name in ("tool", "level", "component", "role", "conditions", "note", "loosens")]

    @property
    def terms(self) -> list[Any]:
        """Return the fields that say how an approval is given."""
        about = [field.name for field in self.main]
        return [field for field in self if field.name not in (*about, "DELETE")]

    @property
    def opens_terms(self) -> bool:
        """Tell whether something stands there that differs from what is usual, or is wrong."""
        usual: tuple[Any, ...] = ("", None, 1, [], False, "1")
        return any(field.errors or field.value() not in usual for field in self.terms)

    def wanted(self) -> Wanted:
        """Return the rule that a valid form asks for."""
        said = {name: self.cleaned_data[name] for name in FIELDS}
        return Wanted(**said | {"approvers": tuple(_ids(said["approvers"]))})


class RuleFormSet(BaseFormSet):  # type: ignore[type-arg]
    """The rules of a draft, in their order; a part that was left empty is none."""

    def wanted(self) -> list[Wanted]:
        return [form.wanted() for form in self._kept()]

    def refuse(self, error: Invalid) -> bool:
        """Put a refusal beside the rule that it names; False when it names none."""
        for part in error.errors:
            place = str(part["field"]).partition("rules.")[2]
            if place.isdigit():
                self._kept()[int(place)].add_error(None, ValidationError(str(part["message"])))
                return True
        return False

    def _kept(self) -> list[RuleForm]:
        stood = self.initial_form_count()
        filled = [form for place, form in enumerate(self.forms) if place < stood or form.has_changed()]
        return [form for form in filled if not form.cleaned_data.get("DELETE")]


_Rules: Any = formset_factory(
    RuleForm, formset=RuleFormSet, extra=1, can_delete=True, max_num=MOST_RULES, validate_max=True, absolute_max=300
)


def draft_form(principal: Principal, rules: Sequence[PolicyRule] = (), data: Any = None) -> RuleFormSet:
    """Return the form of a draft with these rules. The caller holds the tenant's scope."""
    roles = TenantRole.objects.filter(tenant_id=principal.tenant_id).order_by("name").values_list("name", flat=True)
    members = principals.members().filter(tenant_id=principal.tenant_id).order_by("user__email")
    people = [(str(one.user_id), one.user.email) for one in access.as_seen(principal, members[:MOST_PEOPLE])]
    initial = [
        {name: getattr(rule, name) for name in FIELDS} | {"approvers": [str(one) for one in rule.approvers]}
        for rule in rules
    ]
    form: RuleFormSet = _Rules(
        data, initial=None if data else initial, prefix="rules", form_kwargs={"roles": list(roles), "people": people}
    )
    return form


def tools() -> list[str]:
    """Return the names of all installed tools, to choose from."""
    return sorted({tool.name for spec in registry.all() for tool in spec.tools})


def components() -> list[str]:
    """Return all components as kind:id, to choose from."""
    return [f"{spec.kind}:{spec.id}" for spec in registry.all()]


def _ids(values: Sequence[str]) -> list[Any]:
    return [found for found in map(parse_id, values) if found is not None]

"""The built-in catalog, found as any app's components are: adding one takes its folder and a line here."""

from agents.catalog.agents.approvals.spec import approvals
from agents.catalog.agents.helpdesk.spec import helpdesk

components = [helpdesk, approvals]

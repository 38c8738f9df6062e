"""What the benchmark talks to: Helpdesk with all its guards and tools, and the same with fewer guards or none."""

from __future__ import annotations

from dataclasses import replace

from agents.catalog.agents.approvals.tools import process_refund
from agents.catalog.agents.helpdesk.spec import helpdesk

bench = replace(
    helpdesk,
    id="bench",
    name="Bench",
    description="Helpdesk plus a tool that needs an approval, for measuring.",
    tools=(*helpdesk.tools, process_refund),
    quick_prompts=(),
)
# A guard on the answer keeps each word until the next one has come: at a human pace that hides what the server adds.
bench_plain = replace(bench, id="bench-plain", name="Bench without output guards", output_guards=())

bench_bare = replace(
    bench, id="bench-bare", name="Bench without guards and gates", guards=(), output_guards=(), tools=()
)

components = [bench, bench_plain, bench_bare]

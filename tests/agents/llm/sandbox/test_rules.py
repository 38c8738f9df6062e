"""The rules: which tool a message asks for, what is said after its result, what is remembered."""

from typing import Any

import pytest

from tests.agents.llm.sandbox.offers import (
    APPROVALS,
    ASK,
    DIAGNOSE,
    HELPDESK,
    NUMBER,
    REFUND,
    RESTART,
    STRING,
    TICKET,
    after,
    calls_of,
    reply_to,
    tool,
)

TASKS = [
    tool(
        "add_task",
        "Add a task.",
        {
            "title": STRING,
            "priority": {"enum": ["low", "medium", "high"], "default": "medium"},
            "category": {"type": "string", "default": "general"},
            "due_date": {"anyOf": [STRING, {"type": "null"}], "default": None},
        },
        ["title"],
    ),
    tool(
        "update_task_status",
        "Set the status of a task.",
        {"task_id": STRING, "status": {"enum": ["todo", "in_progress", "done", "cancelled"]}},
    ),
    tool("list_tasks", "List tasks.", {"status": STRING, "category": STRING}, []),
]
LOOK_UPS = [
    tool("get_config", "Look up an application setting.", {"key": STRING}),
    tool("check_feature_flag", "Say whether a feature flag is enabled.", {"flag_name": STRING}),
    tool("web_search", "Search the web.", {"query": STRING}),
    tool("get_weather", "Weather of a city.", {"city": STRING, "day": {"type": "string", "format": "date"}}),
]
SUMS = [
    tool("add", "Add.", {"a": NUMBER, "b": NUMBER}),
    tool("multiply", "Multiply.", {"a": NUMBER, "b": NUMBER}),
]

ASKED: list[tuple[str, list[dict[str, Any]], list[tuple[str, dict[str, Any]]]]] = [
    ("Restart the auth service", HELPDESK, [("restart_service", {"service_name": "auth"})]),
    (
        "Can you please reboot the billing-api service?",
        HELPDESK,
        [("restart_service", {"service_name": "billing-api"})],
    ),
    ('Restart "auth" because it is stuck', HELPDESK, [("restart_service", {"service_name": "auth"})]),
    ("The auth service is slow. Restart it.", HELPDESK, [("restart_service", {"service_name": "auth"})]),
    ("run a diagnostic: ping db-1", HELPDESK, [("run_diagnostic", {"command": "ping db-1"})]),
    ("My auth service returns 503", HELPDESK, [("run_diagnostic", {"command": "systemctl status auth"})]),
    (
        "Open a ticket: printer on floor 3 is jammed",
        HELPDESK,
        [
            (
                "create_support_ticket",
                {"title": "Printer on floor 3 is jammed", "description": "printer on floor 3 is jammed"},
            )
        ],
    ),
    (
        "Please refund $250.00 to customer C-1042 due to a billing error",
        APPROVALS,
        [("process_refund", {"customer_id": "C-1042", "amount": 250, "reason": "billing error"})],
    ),
    (
        "I need a $1,250.50 refund for customer C-1042 because the order never came",
        APPROVALS,
        [("process_refund", {"customer_id": "C-1042", "amount": 1250.5, "reason": "order never came"})],
    ),
    ("Delete user account U-7788", APPROVALS, [("delete_user_account", {"user_id": "U-7788"})]),
    (
        "Delete users U-1 and U-2",
        APPROVALS,
        [("delete_user_account", {"user_id": "U-1"}), ("delete_user_account", {"user_id": "U-2"})],
    ),
    (
        "Export all data for C-3021 for a GDPR request",
        APPROVALS,
        [("export_customer_data", {"customer_id": "C-3021"})],
    ),
    ("Export all customer data", APPROVALS, [("export_customer_data", {"customer_id": "ALL"})]),
    (
        "Generate a churn report for Q3 2026",
        APPROVALS,
        [("generate_report", {"report_type": "churn", "period": "Q3 2026"})],
    ),
    (
        "Please delete U-7788 and export C-3021",
        APPROVALS,
        [("delete_user_account", {"user_id": "U-7788"}), ("export_customer_data", {"customer_id": "C-3021"})],
    ),
    (
        "Restart the auth service and the billing service",
        HELPDESK,
        [("restart_service", {"service_name": "auth"}), ("restart_service", {"service_name": "billing"})],
    ),
    (
        "Mark T-001 done and add prepare demo for Friday",
        TASKS,
        [
            ("update_task_status", {"task_id": "T-001", "status": "done"}),
            ("add_task", {"title": "Prepare demo", "due_date": "Friday"}),
        ],
    ),
    (
        "Add task Review Q2 roadmap with high priority",
        TASKS,
        [("add_task", {"title": "Review Q2 roadmap", "priority": "high"})],
    ),
    ("Show all my tasks", TASKS, [("list_tasks", {})]),
    ("What is the config max_retries?", LOOK_UPS, [("get_config", {"key": "max_retries"})]),
    (
        "Is the feature flag dark_mode enabled?",
        LOOK_UPS,
        [("check_feature_flag", {"flag_name": "dark_mode"})],
    ),
    ("What is quantum computing?", LOOK_UPS, [("web_search", {"query": "What is quantum computing?"})]),
    ("weather in Paris on 5 March 2026", LOOK_UPS, [("get_weather", {"city": "Paris", "day": "2026-03-05"})]),
    ("Add 5 and 7", SUMS, [("add", {"a": 5, "b": 7})]),
    ("multiply 3 by 4.5", SUMS, [("multiply", {"a": 3, "b": 4.5})]),
]


@pytest.mark.parametrize(("message", "tools", "expected"), ASKED, ids=[case[0] for case in ASKED])
def test_a_message_gets_the_tool_it_asks_for(
    message: str, tools: list[dict[str, Any]], expected: list[tuple[str, dict[str, Any]]]
) -> None:
    reply = reply_to(message, tools)
    assert calls_of(reply) == expected
    assert reply.say == ""


@pytest.mark.parametrize(
    ("message", "tools"),
    [
        ("Hello", HELPDESK),
        ("Thanks a lot!", HELPDESK),
        ("Don't restart the auth service", HELPDESK),
        ("How do I restart the auth service?", HELPDESK),
        ("Is the auth service ok?", HELPDESK),
        ("What is a refund?", APPROVALS),
        ("Write me a poem", APPROVALS),
    ],
)
def test_a_message_that_asks_for_no_tool_gets_text(message: str, tools: list[dict[str, Any]]) -> None:
    reply = reply_to(message, tools)
    assert reply.calls == ()
    assert "sandbox model" in reply.say


def test_what_is_missing_is_asked_for_and_joined_with_the_answer() -> None:
    first = reply_to("Refund customer C-1042", APPROVALS)
    assert first.calls == ()
    assert "the amount" in first.say
    messages = [
        {"role": "user", "content": "Refund customer C-1042"},
        {"role": "assistant", "content": first.say},
        {"role": "user", "content": "$20 because it broke"},
    ]
    assert calls_of(reply_to(messages, APPROVALS)) == [
        ("process_refund", {"customer_id": "C-1042", "amount": 20, "reason": "it broke"})
    ]


def test_an_amount_the_schema_forbids_is_not_bent() -> None:
    reply = reply_to("Refund $-5 to C-1 because of a dent", APPROVALS)
    assert reply.calls == ()
    assert "the amount" in reply.say


def test_ids_come_from_earlier_messages_when_the_last_has_none() -> None:
    messages = [
        {"role": "user", "content": "The auth service is down, customer C-9 complains"},
        {"role": "assistant", "content": "I see."},
        {"role": "user", "content": "Refund $5 because of that"},
    ]
    ((_, arguments),) = calls_of(reply_to(messages, [REFUND]))
    assert arguments["customer_id"] == "C-9"


def test_planning_asks_the_user() -> None:
    ((name, arguments),) = calls_of(reply_to("Plan a vacation for next month", [ASK, RESTART]))
    assert name == "ask_user"
    for question in arguments["questions"]:
        assert "Plan a vacation for next month" in question["question"]
        assert len(question["header"]) <= 12
        assert 2 <= len(question["options"]) <= 4
        assert set(question["options"][0]) == {"label", "description"}
        assert isinstance(question["multi_select"], bool)


def test_a_result_is_quoted() -> None:
    messages = after("Restart auth", ("restart_service", {"service_name": "auth"}, "Service auth restarted in 3 s."))
    reply = reply_to(messages, HELPDESK)
    assert reply.calls == ()
    assert "Service auth restarted in 3 s." in reply.say


def test_each_of_several_results_is_told() -> None:
    messages = after(
        "Refund $5 to C-1 and delete U-2",
        ("process_refund", {"customer_id": "C-1"}, '{"reference": "REF-00017", "amount": "5.00"}'),
        ("delete_user_account", {"user_id": "U-2"}, "Rejected by approver: the user still has invoices"),
        ("generate_report", {}, '[{"month": "May", "churn": 3}, {"month": "June", "churn": 4}]'),
    )
    say = reply_to(messages, APPROVALS).say
    assert "reference: REF-00017" in say
    assert "not carried out" in say
    assert "the user still has invoices" in say
    assert "month: June" in say


@pytest.mark.parametrize(
    ("result", "reason"),
    [
        ("Rejected: amount is above the limit", "amount is above the limit"),
        ("The approver declined this call. Reason: fraud suspected.", "fraud suspected"),
        ("The call was not approved because the customer is unknown.", "the customer is unknown"),
        ("The approval expired before anyone decided.", "expired before anyone decided"),
        ("The user cancelled the call: changed my mind", "changed my mind"),
        ("Denied by policy", "Denied by policy"),
        ('{"status": "rejected", "reason": "no budget left"}', "no budget left"),
        ('{"approved": false, "note": "ask the manager"}', "ask the manager"),
        ("This tool call was refused by Anna: two refunds in one day", "two refunds in one day"),
        ("The user did not confirm this. Note: wrong service", "wrong service"),
    ],
)
def test_a_refusal_is_never_told_as_success(result: str, reason: str) -> None:
    messages = after("Refund $5 to C-1 for a dent", ("process_refund", {"customer_id": "C-1"}, result))
    reply = reply_to(messages, APPROVALS)
    assert reply.calls == ()
    assert "was not carried out" in reply.say
    assert reason in reply.say
    assert "It answered" not in reply.say


@pytest.mark.parametrize(
    ("name", "arguments", "result"),
    [
        ("cancel_order", {"order": "O-1"}, "Order O-1 cancelled."),
        ("update_task_status", {"status": "cancelled"}, "T-001 is now cancelled."),
        ("list_tasks", {}, "| T-001 | old plan | cancelled |"),
        ("list_approvals", {}, '[{"id": 1, "status": "rejected"}]'),
    ],
)
def test_a_word_of_refusal_that_the_call_was_about_is_no_refusal(
    name: str, arguments: dict[str, Any], result: str
) -> None:
    reply = reply_to(after("Do it", (name, arguments, result)), [tool(name, "", {})])
    assert "It answered" in reply.say
    assert "not carried out" not in reply.say


@pytest.mark.parametrize(
    "result",
    [
        "Error: no service called auth",
        "ValueError: no service called auth",
        '{"error": "no service called auth"}',
        '{"ok": false, "detail": "no service called auth"}',
        "Failed because there is no service called auth",
    ],
)
def test_an_error_is_explained(result: str) -> None:
    messages = after("Restart auth", ("restart_service", {"service_name": "auth"}, result))
    say = reply_to(messages, HELPDESK).say
    assert "failed" in say
    assert "no service called auth" in say
    assert "It answered" not in say


def test_edited_arguments_do_not_make_it_call_again() -> None:
    text = "Refund $250 to C-1042 due to a dent"
    edited = {"customer_id": "C-1042", "amount": 100, "reason": "a dent"}
    for parallel in (True, False):
        messages = after(text, ("process_refund", edited, "Refunded $100.00"))
        reply = reply_to(messages, APPROVALS, parallel_tool_calls=parallel)
        assert reply.calls == ()
        assert "Refunded $100.00" in reply.say


HISTORY = [
    {"role": "user", "content": "Hi, my name is Anna Berg and my favourite colour is dark green."},
    {"role": "assistant", "content": "Nice to meet you."},
    {"role": "user", "content": "Is it raining? [[ttft:0]]"},
    {"role": "assistant", "content": "I can't see the sky."},
]


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("What is my name?", "Anna Berg"),
        ("Who am I?", "Anna Berg"),
        ("What did I just ask?", '"Is it raining?"'),
        ("What was my first message?", "favourite colour"),
        ("What did you say?", "I can't see the sky."),
        ("What is my favourite colour?", "dark green"),
    ],
)
def test_questions_about_the_conversation_are_answered_from_it(question: str, answer: str) -> None:
    assert answer in reply_to([*HISTORY, {"role": "user", "content": question}], [DIAGNOSE, TICKET]).say


def test_nothing_is_remembered_that_was_not_in_the_request() -> None:
    assert "not told me" in reply_to("What is my name?").say
    assert "first message" in reply_to("What did I just ask?").say

"""A tool that puts questions with ready-made options to the person who started the run."""

from typing import Annotated

from pydantic import BaseModel, Field

from agentos.core.errors import ToolFailed
from agents.engine.tools import tool

Label = Annotated[str, Field(min_length=1, max_length=60)]


class Option(BaseModel):
    """One answer that can be picked."""

    label: Label
    description: Annotated[str, Field(max_length=200, description="What picking this means")] = ""


class Question(BaseModel):
    """One question with the answers to pick from."""

    question: Annotated[str, Field(min_length=1, max_length=300)]
    header: Annotated[str, Field(min_length=1, max_length=12, description="The topic in a word or two")]
    options: Annotated[list[Option], Field(min_length=2, max_length=4)]
    multi_select: Annotated[bool, Field(description="Only if several can hold at once")] = False


@tool(asks="questions", says="Answer a few questions")
async def ask_user(questions: Annotated[list[Question], Field(min_length=1, max_length=4)]) -> str:
    """Ask the user questions that have a few clear answers, and wait for what they pick."""
    raise ToolFailed("Only the user can answer these questions.")

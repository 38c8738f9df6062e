"""The sandbox model: a deterministic OpenAI-compatible server, run as a process of its own.

Stands where a real model would: nothing in AgentOS knows which of the two it speaks to.
"""

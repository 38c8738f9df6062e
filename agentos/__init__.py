"""AgentOS in Django: one project, one PostgreSQL."""

__version__ = "0.1.0"

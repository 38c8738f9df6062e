from django.apps import AppConfig


class AgentosConfig(AppConfig):
    name = "agentos"

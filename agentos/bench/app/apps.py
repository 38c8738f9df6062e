from django.apps import AppConfig


class BenchConfig(AppConfig):
    name = "agentos.bench.app"
    label = "bench"

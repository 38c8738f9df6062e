def demo_users(): return []
def home(r):
    from django.http import HttpResponse
    return HttpResponse("x")

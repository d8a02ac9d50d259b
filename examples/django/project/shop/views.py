"""The views, before they moved."""

from django.http import Http404
from django.shortcuts import redirect, render
from django.views.decorators.http import require_POST

ITEMS = ["notebook", "pencil", "lamp"]


def cart(request):
    cart = request.session.get("cart", {})
    items = [(item, cart.get(item, 0)) for item in ITEMS]
    return render(request, "cart.html", {"items": items})


@require_POST
def add(request, item):
    if item not in ITEMS:
        raise Http404(item)
    cart = request.session.setdefault("cart", {})
    cart[item] = cart.get(item, 0) + 1
    request.session.modified = True
    return redirect("cart")

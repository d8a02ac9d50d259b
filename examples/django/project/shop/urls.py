"""What the project serves. A view that has moved stays until the proxy sends its path to the service in Rust."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path

from shop import views

urlpatterns = [
    path("cart", views.cart, name="cart"),
    path("cart/add/<slug:item>", views.add, name="add"),
    path("sign-in", LoginView.as_view(), name="login"),
    path("sign-out", LogoutView.as_view(), name="logout"),
]

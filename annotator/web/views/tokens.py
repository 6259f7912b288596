"""A person's access tokens: a list, a new one that is shown once, and the end of one."""

from __future__ import annotations

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from annotator.domain.access_tokens import make_token, revoke_token
from annotator.enums import TokenScope
from annotator.errors import BadToken
from annotator.models import AccessToken
from annotator.web.access import SignedInRequest
from annotator.web.forms.tokens import TokenForm


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
@login_required
def tokens(request: SignedInRequest) -> HttpResponse:
    """A new token is on the answer to the form itself: anywhere else it would have to be kept."""
    form, made, token = TokenForm(request.POST or None), None, ""
    if request.method == "POST" and form.is_valid():
        try:
            made, token = make_token(
                user=request.user,
                name=form.cleaned_data["name"],
                days=form.cleaned_data["days"],
                scope=TokenScope(form.cleaned_data["scope"]),
            )
        except BadToken as error:
            form.add_error(None, error.detail)
        else:
            form = TokenForm()
    context = {
        "form": form,
        "made": made,
        "token": token,
        "server": request.build_absolute_uri("/").rstrip("/"),
        "tokens": AccessToken.objects.filter(user=request.user),
    }
    return render(request, "tokens.html", context, status=422 if form.errors else 200)


@require_POST
@login_required
def token_revoke(request: SignedInRequest, token_id: int) -> HttpResponse:
    row = get_object_or_404(AccessToken, pk=token_id, user=request.user)
    revoke_token(token=row, user=request.user)
    messages.success(
        request, _("“%(name)s” is revoked: no program signs in with it any more.") % {"name": row.name}
    )
    return redirect("tokens")

"""The addresses of the pages."""

from django.contrib.auth.views import LoginView, LogoutView
from django.urls import path
from django.views.i18n import set_language

from annotator.web.languages import Catalogue
from annotator.web.offline import service_worker, versioned
from annotator.web.views import (
    assignments,
    checks,
    composites,
    desk,
    exports,
    imports,
    invitations,
    labelling,
    members,
    overview,
    progress,
    projects,
    quality,
    queue,
    scenes,
)

urlpatterns = [
    path("", projects.projects, name="projects"),
    path(
        "login/",
        LoginView.as_view(template_name="login.html", redirect_authenticated_user=True),
        name="login",
    ),
    path("language/", set_language, name="set_language"),
    path("languages/<slug:language>.js", Catalogue.as_view(), name="catalogue"),
    path("logout/", LogoutView.as_view(), name="logout"),
    path("projects/new/", projects.project_new, name="project_new"),
    path("projects/<slug:slug>/", overview.overview, name="project"),
    path("projects/<slug:slug>/proposals/", overview.make_proposals, name="make_proposals"),
    path("projects/<slug:slug>/proposals/<int:job_id>/stop/", overview.stop_proposals, name="stop_proposals"),
    path("projects/<slug:slug>/scenes/new/", scenes.scene_new, name="scene_new"),
    path("projects/<slug:slug>/scenes/<int:scene_id>/", scenes.scene, name="scene"),
    path("projects/<slug:slug>/scenes/<int:scene_id>/stop/", scenes.scene_cancel, name="scene_cancel"),
    path("projects/<slug:slug>/scenes/<int:scene_id>/again/", scenes.scene_again, name="scene_again"),
    path("projects/<slug:slug>/scenes/<int:scene_id>/place/", scenes.place, name="scene_place"),
    path(
        "projects/<slug:slug>/scenes/<int:scene_id>/display-copy/", scenes.display_copy, name="display_copy"
    ),
    path("projects/<slug:slug>/composites/", composites.composites, name="composites"),
    path("projects/<slug:slug>/composites/<int:composite_id>/", composites.composite, name="composite"),
    path(
        "projects/<slug:slug>/composites/<int:composite_id>/delete/",
        composites.composite_delete,
        name="composite_delete",
    ),
    path("projects/<slug:slug>/annotate/", versioned(labelling.annotate), name="annotate"),
    path("service-worker.js", service_worker, name="service_worker"),
    path("projects/<slug:slug>/desk/", desk.desk, name="desk"),
    path("projects/<slug:slug>/desk/spot-checks/", desk.spot_checks, name="spot_checks"),
    path("projects/<slug:slug>/assignments/", assignments.assignments, name="assignments"),
    path(
        "projects/<slug:slug>/assignments/<int:assignment_id>/end/",
        assignments.assignment_end,
        name="assignment_end",
    ),
    path("projects/<slug:slug>/queue/", queue.queue, name="queue"),
    path("projects/<slug:slug>/queue/rank/", queue.rank, name="rank_queue"),
    path("projects/<slug:slug>/progress/", progress.progress, name="progress"),
    path("projects/<slug:slug>/pace/", desk.pace, name="pace"),
    path("projects/<slug:slug>/pace/plot.svg", desk.pace_plot, name="pace_plot"),
    path("projects/<slug:slug>/patches/<int:patch_id>/timeline/", desk.timeline, name="timeline"),
    path("projects/<slug:slug>/review/", labelling.review, name="review"),
    path("projects/<slug:slug>/review/<int:patch_id>/", labelling.review_patch, name="review_patch"),
    path("projects/<slug:slug>/review/<int:patch_id>/two/", labelling.adjudicate, name="adjudicate"),
    path("projects/<slug:slug>/quality/", quality.quality, name="quality"),
    path("projects/<slug:slug>/quality/spot-checks.svg", quality.spot_check_plot, name="spot_check_plot"),
    path("projects/<slug:slug>/review/<int:patch_id>/gold/", checks.gold, name="gold"),
    path("projects/<slug:slug>/review/<int:patch_id>/spot/", checks.spot_passed, name="spot_passed"),
    path("projects/<slug:slug>/review/<int:patch_id>/one/", checks.second_off, name="second_off"),
    path("projects/<slug:slug>/exports/", exports.exports, name="exports"),
    path("projects/<slug:slug>/parcel-rebuild/", exports.parcel_rebuild, name="parcel_rebuild"),
    path("projects/<slug:slug>/exports/<int:export_id>/file/", exports.export_file, name="export_file"),
    path("projects/<slug:slug>/exports/<int:export_id>/stop/", exports.export_cancel, name="export_cancel"),
    path("projects/<slug:slug>/exports/<int:export_id>/again/", exports.export_again, name="export_again"),
    path("projects/<slug:slug>/imports/", imports.imports, name="imports"),
    path("projects/<slug:slug>/imports/<int:import_id>/", imports.label_import, name="import"),
    path("projects/<slug:slug>/imports/<int:import_id>/stop/", imports.import_cancel, name="import_cancel"),
    path("projects/<slug:slug>/imports/<int:import_id>/again/", imports.import_again, name="import_again"),
    path("projects/<slug:slug>/members/", members.members, name="members"),
    path("projects/<slug:slug>/invitations/", invitations.invitation_new, name="invitation_new"),
    path(
        "projects/<slug:slug>/invitations/<int:invitation_id>/revoke/",
        invitations.invitation_revoke,
        name="invitation_revoke",
    ),
    path("invitations/<str:token>/", invitations.invitation, name="invitation"),
    path(
        "projects/<slug:slug>/members/<int:membership_id>/remove/",
        members.member_remove,
        name="member_remove",
    ),
]

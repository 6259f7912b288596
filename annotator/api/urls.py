"""The API's addresses, under /api/v1/."""

from django.urls import path, re_path
from drf_spectacular.views import SpectacularAPIView
from rest_framework.authtoken.views import obtain_auth_token

from annotator.api import (
    assignments,
    exports,
    imports,
    legends,
    model_versions,
    patch_masks,
    patches,
    projects,
    queue_rules,
    version_export,
)

urlpatterns = [
    path("schema/", SpectacularAPIView.as_view(), name="api-schema"),
    path("token/", obtain_auth_token, name="api-token"),
    path("projects/", projects.Projects.as_view()),
    path("projects/<slug:slug>/", projects.ProjectDetail.as_view()),
    path("projects/<slug:slug>/legend/", legends.ProjectLegend.as_view()),
    path("projects/<slug:slug>/scenes/", projects.ProjectScenes.as_view()),
    path("projects/<slug:slug>/inference-jobs/", projects.ProjectInferenceJobs.as_view()),
    path("projects/<slug:slug>/patches/", projects.ProjectPatches.as_view()),
    path("projects/<slug:slug>/queue/", projects.ProjectQueue.as_view()),
    path("projects/<slug:slug>/queue-rules/", queue_rules.ProjectQueueRules.as_view()),
    path("projects/<slug:slug>/assignments/", assignments.ProjectAssignments.as_view()),
    path("assignments/<int:assignment_id>/end/", assignments.AssignmentEnd.as_view()),
    path("projects/<slug:slug>/claims/", patches.ProjectClaims.as_view()),
    path("projects/<slug:slug>/field-claims/", patches.ProjectFieldClaims.as_view()),
    path("projects/<slug:slug>/training-runs/", model_versions.ProjectTrainingRuns.as_view()),
    path("projects/<slug:slug>/model-versions/", model_versions.ProjectModelVersions.as_view()),
    path("projects/<slug:slug>/rollback/", model_versions.ProjectRollback.as_view()),
    path("projects/<slug:slug>/exports/", exports.ProjectExports.as_view()),
    path("projects/<slug:slug>/imports/", imports.ProjectImports.as_view()),
    path("imports/<int:import_id>/", imports.ImportDetail.as_view()),
    path("imports/<int:import_id>/start/", imports.ImportStart.as_view()),
    path("imports/<int:import_id>/cancel/", imports.ImportCancel.as_view()),
    path("exports/<int:export_id>/", exports.ExportDetail.as_view()),
    path("exports/<int:export_id>/cancel/", exports.ExportCancel.as_view()),
    path("exports/<int:export_id>/file/", exports.ExportFile.as_view()),
    path("scenes/<int:scene_id>/", projects.SceneDetail.as_view()),
    path("inference-jobs/<int:job_id>/", projects.InferenceJobDetail.as_view()),
    path("inference-jobs/<int:job_id>/cancel/", projects.InferenceJobCancel.as_view()),
    path("patches/<int:patch_id>/", patches.PatchDetail.as_view()),
    path("patches/<int:patch_id>/heartbeat/", patches.PatchHeartbeat.as_view()),
    path("patches/<int:patch_id>/release/", patches.PatchRelease.as_view()),
    path("patches/<int:patch_id>/mask/", patches.PatchMask.as_view()),
    path("patches/<int:patch_id>/review/", patches.PatchReview.as_view()),
    path("patches/<int:patch_id>/reopen/", patches.PatchReopen.as_view()),
    path("patches/<int:patch_id>/history/", patches.PatchHistory.as_view()),
    path("patches/<int:patch_id>/neighbours/", patch_masks.PatchNeighbours.as_view()),
    path("patches/<int:patch_id>/masks/", patch_masks.PatchMasks.as_view()),
    re_path(
        r"^patches/(?P<patch_id>\d+)/difference(?P<suffix>\.png|)$", patch_masks.PatchDifference.as_view()
    ),
    path("patches/<int:patch_id>/bad-imagery/", patch_masks.PatchBadImagery.as_view()),
    re_path(
        r"^proposals/(?P<proposal_id>\d+)/(?P<kind>mask|entropy)(?P<suffix>\.png|)$",
        patches.ProposalRaster.as_view(),
    ),
    re_path(r"^revisions/(?P<revision_id>\d+)/mask(?P<suffix>\.png|)$", patches.RevisionRaster.as_view()),
    path("training-runs/<int:run_id>/", model_versions.TrainingRunDetail.as_view()),
    path("training-runs/<int:run_id>/cancel/", model_versions.TrainingRunCancel.as_view()),
    path("model-versions/<int:version_id>/promote/", model_versions.ModelVersionPromote.as_view()),
    path("model-versions/<int:version_id>/export/", version_export.ModelVersionExport.as_view()),
]

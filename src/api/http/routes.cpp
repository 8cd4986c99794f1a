#include "api/http/routes.h"

#include "api/http/router.h"
#include "api/wire/edit_request.h"
#include "api/wire/file_upload.h"
#include "service/maintenance/blob_sweep.h"

namespace imagined::api {
namespace {

constexpr BodyRule kJson{.kind = BodyKind::json, .bytes_max = 256 * 1024};

// Fast enough that all of an upload is newer than what is swept as orphaned (kOrphanAgeMs).
constexpr std::size_t kUploadBytesPerSMin = 64 * 1024;

constexpr BodyRule kEdit{.kind = BodyKind::json_or_multipart,
                         .bytes_max = wire::kEditBodyBytesMax,
                         .bytes_per_s_min = kUploadBytesPerSMin};

// A video, or a picture that one begins with.
constexpr BodyRule kVideo{.kind = BodyKind::json,
                          .bytes_max = wire::kEditBodyBytesMax,
                          .bytes_per_s_min = kUploadBytesPerSMin};

// Whole conversations, with the pictures that they have.
constexpr BodyRule kConversation{
    .kind = BodyKind::json, .bytes_max = 32u << 20, .bytes_per_s_min = kUploadBytesPerSMin};

constexpr BodyRule kFile{.kind = BodyKind::multipart,
                         .bytes_max = wire::kFileBodyBytesMax,
                         .bytes_per_s_min = kUploadBytesPerSMin};
// With the grace of Limits::body_timeout.
static_assert((wire::kEditBodyBytesMax / kUploadBytesPerSMin + 60) * 1000 <
              static_cast<std::size_t>(service::kOrphanAgeMs));

constexpr Route kRoutes[] = {
    {"POST", "/v1/images/generations", create_images, Access::key, kJson},
    {"POST", "/v1/images/edits", edit_images, Access::key, kEdit, take_edit},
    {"GET", "/v1/images/{request_id}", show_pictures},
    {"POST", "/v1/videos/generations", create_video, Access::key, kVideo, take_video},
    {"POST", "/v1/videos/extensions", create_video, Access::key, kVideo, take_video_extension},
    {"POST", "/v1/videos/edits", create_video, Access::key, kVideo, take_video_edit},
    {"GET", "/v1/videos/{request_id}", show_video},
    {"DELETE", "/v1/videos/{request_id}", cancel_video},
    {"POST", "/v1/chat/completions", complete_chat, Access::key_and_spending, kConversation},
    {"POST", "/v1/responses", create_response, Access::key_and_spending, kConversation},
    {"GET", "/v1/models", list_models},
    {"GET", "/v1/models/{id}", show_model},
    {"GET", "/v1/language-models", list_language_models},
    {"GET", "/v1/language-models/{id}", show_language_model},
    {"GET", "/v1/embedding-models", list_embedding_models},
    {"GET", "/v1/image-generation-models", list_image_models},
    {"GET", "/v1/image-generation-models/{id}", show_image_model},
    {"GET", "/v1/video-generation-models", list_video_models},
    {"GET", "/v1/video-generation-models/{id}", show_video_model},
    {"GET", "/v1/api-key", show_key, Access::known_key},
    {"GET", "/v1/me", show_me, Access::known_key},
    {"GET", "/v1/capacity-requests", show_capacity},
    {"POST", "/v1/capacity-requests", ask_capacity, Access::key, kJson},
    {"POST", "/auth/api-keys/{id}/capacity-request", ask_capacity_for, Access::key, kJson},
    {"POST", "/auth/api-keys/{id}/capacity-request/grant", grant_capacity},
    {"POST", "/auth/api-keys/{id}/capacity-request/deny", deny_capacity},
    {"GET", "/auth/teams/{team_id}/api-keys", list_keys},
    {"POST", "/auth/teams/{team_id}/api-keys", create_key, Access::key, kJson},
    {"PUT", "/auth/api-keys/{id}", change_key, Access::key, kJson},
    {"DELETE", "/auth/api-keys/{id}", delete_key},
    {"POST", "/auth/api-keys/{id}/rotate", rotate_key, Access::key, kJson},
    {"GET", "/auth/api-keys/{id}/propagation", show_propagation},
    {"GET", "/auth/teams/{team_id}/models", list_team_models},
    {"GET", "/auth/teams/{team_id}/endpoints", list_team_endpoints},
    {"POST", "/auth/first-owner", claim_first_owner, Access::open, kJson},
    {"POST", "/auth/session", sign_in, Access::open, kJson},
    {"GET", "/auth/session", show_session},
    {"DELETE", "/auth/session", sign_out},
    {"PUT", "/auth/password", set_password, Access::key, kJson},
    {"GET", "/auth/management-keys/validation", validate_management_key},
    {"GET", "/auth/teams/{team_id}/people", list_people},
    {"POST", "/auth/teams/{team_id}/people", add_person, Access::key, kJson},
    {"GET", "/audit/teams/{team_id}/events", list_audit_events},
    {"GET", "/v1/billing/teams/{team_id}/usage", show_usage},
    {"POST", "/v1/billing/teams/{team_id}/usage", analyse_usage, Access::key, kJson},
    {"GET", "/v1/billing/teams/{team_id}/postpaid/spending-limits", show_spending_limits},
    {"POST", "/v1/billing/teams/{team_id}/postpaid/spending-limits", set_spending_limit,
     Access::key, kJson},
    {"GET", "/v1/billing/teams/{team_id}/budgets", show_budgets},
    {"GET", "/v1/teams/{team_id}/pictures", list_made_pictures},
    {"DELETE", "/v1/teams/{team_id}/pictures/{id}", delete_picture},
    {"POST", "/v1/teams/{team_id}/pictures/{id}/revoke-links", revoke_links},
    {"GET", "/v1/teams/{team_id}/jobs", list_jobs},
    {"GET", "/v1/teams/{team_id}/blocked", list_blocked},
    {"GET", "/v1/teams/{team_id}/refusals", list_refusals},
    {"GET", "/v1/workers", show_work},
    {"GET", "/v1/files/img/{name}", fetch_picture, Access::open},
    {"POST", "/v1/files", create_file, Access::key, kFile, take_file},
    {"GET", "/v1/files", list_files},
    {"GET", "/v1/files/{id}", show_file},
    {"GET", "/v1/files/{id}/content", send_file},
    {"DELETE", "/v1/files/{id}", delete_file},
    {"POST", "/v1/files/{id}/public-url", publish_file, Access::key, kJson},
    {"POST", "/v1/files/{id}/public-url/revoke", revoke_file},
    {"GET", "/v1/files/public/{name}", send_public_file, Access::open},
    {"GET", "/openapi.json", send_openapi, Access::open},
    {"GET", "/docs", send_docs, Access::open},
    {"GET", "/console", send_console, Access::open},
    {"GET", "/console/{name*}", send_console_file, Access::open},
    {.method = "GET",
     .pattern = "/metrics",
     .handler = show_metrics,
     .access = Access::open,
     .log_level = LogLevel::debug},
    {.method = "GET",
     .pattern = "/healthz",
     .handler = say_alive,
     .access = Access::open,
     .log_level = LogLevel::debug},
    {.method = "GET",
     .pattern = "/readyz",
     .handler = say_ready,
     .access = Access::open,
     .log_level = LogLevel::debug},
};

}  // namespace

std::span<const Route> all_routes() { return kRoutes; }

}  // namespace imagined::api

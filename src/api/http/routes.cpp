#include "api/http/routes.h"

#include "api/http/router.h"

namespace imagined::api {

std::span<const Route> all_routes() {
  static constexpr Route kRoutes[] = {
      {"POST", "/v1/images/generations", Access::key, Body::json, create_images},
      {"GET", "/v1/models", Access::key, Body::none, list_models},
      {"GET", "/v1/models/{id}", Access::key, Body::none, show_model},
      {"GET", "/v1/files/img/{name}", Access::open, Body::none, fetch_picture},
      {"GET", "/healthz", Access::open, Body::none, say_alive},
      {"GET", "/readyz", Access::open, Body::none, say_ready},
  };
  return kRoutes;
}

}  // namespace imagined::api

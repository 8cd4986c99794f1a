// What docs/api/openapi.yaml says, in the forms that are served. Made by the build
// (tools/api_docs.py), so that no YAML is read while the program runs.
#pragma once

#include <string_view>

namespace imagined::api {

/// Stands in both texts for the address under which the server was asked.
inline constexpr std::string_view kBaseMark = "{{base}}";

extern const std::string_view kOpenApiJson;
extern const std::string_view kDocsPage;
/// The page's Content-Security-Policy: its own style, and nothing else from anywhere.
extern const std::string_view kDocsPolicy;

}  // namespace imagined::api

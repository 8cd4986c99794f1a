// GET /openapi.json and GET /docs: the API as it is described, for programs and for people.
#include "api/http/api_docs.h"
#include "api/http/routes.h"
#include "base/json_text.h"

namespace imagined::api {
namespace {

std::string with_base(std::string_view text, std::string_view base) {
  std::string out;
  for (std::size_t mark; (mark = text.find(kBaseMark)) != std::string_view::npos;) {
    out += text.substr(0, mark);
    out += base;
    text.remove_prefix(mark + kBaseMark.size());
  }
  return out.append(text);
}

// The address is what the client has called us.
std::string in_json(std::string_view text) {
  const std::string quoted = JsonText(text).text();
  return quoted.substr(1, quoted.size() - 2);
}

std::string in_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<' || c == '>' || c == '&' || c == '"' || c == '\'')
      out += "&#" + std::to_string(static_cast<int>(c)) + ";";
    else
      out += c;
  }
  return out;
}

}  // namespace

Async<Result<Response>> send_openapi(const Context& context, Exchange& exchange) {
  co_return json_reply(with_base(kOpenApiJson, in_json(base_url(context.options, exchange))));
}

Async<Result<Response>> send_docs(const Context& context, Exchange& exchange) {
  Response response{.body = with_base(kDocsPage, in_html(base_url(context.options, exchange)))};
  response.headers.add("content-type", "text/html; charset=utf-8");
  response.headers.add("content-security-policy", std::string(kDocsPolicy));
  response.headers.add("x-content-type-options", "nosniff");
  co_return response;
}

}  // namespace imagined::api

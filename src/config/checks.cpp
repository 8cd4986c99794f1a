#include "config/checks.h"

#include <algorithm>
#include <set>

#include "config/listen_address.h"
#include "net/url.h"

namespace imagined::config {
namespace {

bool goes_by(const ModelSettings& model, std::string_view name) {
  return model.name == name || std::ranges::count(model.aliases, name) > 0;
}

// Whoever makes a model is one of the servers that are named, and is named for something.
void check_upstream_models(const Config& config, Faults& faults) {
  std::set<std::string_view> used;
  for (const ModelSettings& model : config.models) {
    for (const std::string& text : model.upstreams) {
      const std::string_view name = split_upstream_model(text).name;
      used.insert(name);
      if (std::ranges::find(config.upstreams, name, &UpstreamSettings::name) !=
          config.upstreams.end())
        continue;
      faults.add(fmt::format("models.{}", model.name),
                 fmt::format("upstreams: there is no [upstreams.{}]", name));
    }
    if (!model.upstreams.empty() && !model.path.empty())
      faults.add(fmt::format("models.{}", model.name),
                 "upstreams: a model has a path or upstreams that make it, not both");
  }
  for (const UpstreamSettings& upstream : config.upstreams)
    if (upstream.models.empty() && !used.contains(upstream.name) &&
        !faults.noted(fmt::format("upstreams.{}.models", upstream.name)))
      faults.add(fmt::format("upstreams.{}", upstream.name),
                 "models: is missing: which models are to be asked for there");
}

void warn_of_pictures_for_nothing(Config& config) {
  for (const ModelSettings& model : config.models) {
    const bool sells_seconds =
        model.price_second_usd_ticks > 0 || model.price_second_720p_usd_ticks > 0;
    if (sells_seconds && model.price_usd_ticks == 0 && model.makes != service::Makes::videos)
      config.warnings.push_back(fmt::format(
          "models.{}: has a price for a second of a video and none for a picture: the pictures "
          "that it makes cost nothing without price_usd",
          model.name));
  }
}

// Names that two have: what a server makes itself is never passed on, and a pair hides the model of
// its name.
void warn_of_hidden_names(Config& config) {
  const auto is_own = [&](std::string_view name) {
    return std::ranges::any_of(config.models,
                               [&](const ModelSettings& model) { return goes_by(model, name); });
  };
  for (const UpstreamSettings& upstream : config.upstreams) {
    for (const std::string& text : upstream.models) {
      const std::string_view name = split_upstream_model(text).name;
      if (is_own(name))
        config.warnings.push_back(
            fmt::format("upstreams.{}: models: \"{}\" is the name of a model under [models], which "
                        "answers; the "
                        "upstream's is never asked. \"OTHER={}\" gives it another name",
                        upstream.name, name, split_upstream_model(text).there));
      else if (std::ranges::find(config.chats, name, &ChatSettings::name) != config.chats.end())
        config.warnings.push_back(
            fmt::format("chats.{}: hides the model of this name of upstreams.{}: who asks for it "
                        "gets the pair",
                        name, upstream.name));
    }
  }
}

void check_chats(const Config& config, Faults& faults) {
  for (const ChatSettings& chat : config.chats) {
    const std::string where = fmt::format("chats.{}", chat.name);
    const auto talks = [&](const UpstreamSettings& upstream) {
      return std::ranges::any_of(upstream.models, [&](const std::string& text) {
        return split_upstream_model(text).name == chat.talks;
      });
    };
    const auto makes = [&](const ModelSettings& model) {
      return goes_by(model, chat.makes) && model.makes != service::Makes::videos;
    };
    if (!chat.talks.empty() && std::ranges::none_of(config.upstreams, talks))
      faults.add(where, fmt::format("talks: no upstream has a model {:?}", chat.talks));
    if (!chat.makes.empty() && std::ranges::none_of(config.models, makes))
      faults.add(where, fmt::format("makes: no model {:?} makes pictures", chat.makes));
    if (std::ranges::any_of(config.models, [&](const auto& m) { return goes_by(m, chat.name); }))
      faults.add(where, "there is a model of this name, which makes pictures");
  }
}

// A server has a worker of its own, which needs something to load.
void check_models(const std::vector<ModelSettings>& models, Faults& faults) {
  if (!models.empty() && std::ranges::all_of(models, &ModelSettings::elsewhere)) {
    faults.add("models", "every model is made elsewhere; one at least must be this machine's own");
  }
}

// What a browser says of where a page is from: scheme, host and perhaps port, all in lower case.
// The scheme may be that of an app.
bool is_origin(std::string_view text) {
  const auto end = text.find("://");
  if (end == std::string_view::npos || end == 0) return false;
  const std::string_view host = text.substr(end + 3);
  return !host.empty() && host.find_first_of("/?#@") == std::string_view::npos &&
         std::ranges::all_of(text, [](char c) {
           return c > ' ' && c < '\x7F' && c != ',' && !(c >= 'A' && c <= 'Z');
         });
}

bool is_every_address(const std::string& host) { return host == "0.0.0.0" || host == "::"; }

// Where we are found, and where others are.
void check_addresses(const Settings& settings, Faults& faults) {
  const auto expected = [&](std::string_view setting, std::string_view what,
                            const std::string& text) {
    faults.add(setting, fmt::format("expected {}, got {:?}", what, text));
  };
  const std::string& url = settings.public_url;
  if (!url.empty() && !is_base_url(url))
    expected("public_url", "http:// or https:// with a host, and no query", url);
  if (!settings.moderation_url.empty() && !net::parse_url(settings.moderation_url))
    expected("moderation_url", "a URL such as https://api.openai.com/v1/moderations",
             settings.moderation_url);
  const std::string& origin = settings.cors_origin;
  if (!origin.empty() && origin != "*" && origin != "null" && !is_origin(origin))
    expected("cors_origin", "*, nothing, or one origin such as https://app.example without a path",
             origin);
  const auto http = parse_listen_address(settings.http_listen);
  const auto grpc = parse_grpc_listen(settings.grpc_listen);
  if (http && grpc && *grpc && http->port != 0 && http->port == (*grpc)->port &&
      (http->host == (*grpc)->host || is_every_address(http->host) ||
       is_every_address((*grpc)->host)))
    faults.add("grpc_listen", fmt::format("{:?} is where HTTP listens (http_listen), expected "
                                          "another port, or off",
                                          settings.grpc_listen));
}

// Texts whose form matters at once, not at the first request.
void check_texts(const Settings& settings, Faults& faults) {
  if (const auto address = parse_listen_address(settings.http_listen); !address) {
    faults.add(address.error());
  }
  if (const auto address = parse_grpc_listen(settings.grpc_listen); !address) {
    faults.add(address.error());
  }
  check_addresses(settings, faults);
  const std::string& prefix = settings.key_prefix;
  const bool plain = std::all_of(prefix.begin(), prefix.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  });
  if (prefix.empty() || prefix.size() > 16 || !plain) {
    faults.add("key_prefix",
               fmt::format("expected up to 16 letters and digits, got \"{}\"", prefix));
  }
}

}  // namespace

void check_whole(const Config& config, Faults& faults) {
  check_texts(config.settings, faults);
  check_models(config.models, faults);
  check_upstream_models(config, faults);
  check_chats(config, faults);
}

void warn_of_surprises(Config& config) {
  warn_of_pictures_for_nothing(config);
  warn_of_hidden_names(config);
}

}  // namespace imagined::config

// The models that this server offers, as configured; fixed after start.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "service/catalogue/abilities.h"

namespace imagined::service {

/// A price is flat: this is what a request may make of it where nobody says another.
inline constexpr int kStepsMaxDefault = 50;

/// What a model is offered for.
enum class Makes : std::uint8_t {
  all,  // that its weights can
  pictures,
  videos,
};

struct Model {
  std::string id;                    // "grok-imagine-image"
  std::vector<std::string> aliases;  // other names that mean this model
  std::string path;                  // folder or file of weights; only the worker opens it
  int steps = 0;                     // 0: the default of the weights
  std::optional<float> guidance;     // none: the default of the weights
  int steps_max = kStepsMaxDefault;  // that a request may ask for
  std::int64_t price_usd_ticks = 0;  // per picture, 1e-10 US dollar
  std::optional<std::int64_t> price_2k_usd_ticks;           // per picture at 2k; none: the same
  std::int64_t price_input_usd_ticks = 0;                   // per reference, once for all pictures
  std::int64_t price_second_usd_ticks = 0;                  // per second of video at 480p
  std::optional<std::int64_t> price_second_720p_usd_ticks;  // at 720p; none: the same
  int max_prompt_length = 8000;                             // code points
  std::int64_t created_unix_s = 0;
  std::string card;  // what the model is, in its own words; may be empty
  /// What is loaded, parts and all: models of the same text share one engine. Empty: the path.
  std::string weights;
  std::string weights_state;  // changes with their files; empty: not looked at
  bool elsewhere =
      false;  // made by another machine's worker: jobs are taken, nothing is loaded here
  Makes makes = Makes::all;
  /// Of one that an upstream makes (service/upstreams): what may be asked of it. None: of others.
  std::optional<Abilities> upstream_abilities;
};

/// A name that used to be served. The name "flux-1.1*" stands for all names that begin so.
struct RetiredName {
  std::string name;
  std::string replacement;  // a name that is served
};

/// A name that talks: a model of another server, or of one together with a model that is here.
struct Talker {
  std::string name;
  std::string makes;  // the model that makes its pictures; empty: none does
};

/// The first model that is not offered for videos alone; where all are, the first. Not of none.
const Model& default_of(std::span<const Model> models);

/// Immutable, so any thread may read it; pointers into it live as long as it does.
class Catalogue {
 public:
  /// A configured name wins over a retired one, so an operator maps a legacy name by making it an
  /// alias. Errors: `invalid_argument` for no models, an empty or doubled name, a retired name
  /// without a replacement that is served. A talker whose name is that of a model is never asked,
  /// and left out.
  static Result<Catalogue> make(std::vector<Model> models, std::vector<RetiredName> retired,
                                std::vector<Talker> talkers = {});

  std::span<const Model> models() const { return models_; }
  /// Of requests for pictures and conversations that name none.
  const Model& default_model() const { return default_of(models_); }
  /// In the order in which they were given.
  std::span<const Talker> talkers() const { return talkers_; }

  /// By id or alias, exact case; null when there is none.
  const Model* find(std::string_view name) const;

  /// The replacement of a retired name.
  std::optional<std::string_view> deprecated(std::string_view name) const;

  /// What a request's `model` means. Errors, field "model": `not_found` for an unknown name, for
  /// one that talks and, naming the replacement, for a retired one; `invalid_argument` above 256
  /// bytes.
  Result<const Model*> resolve(std::string_view name) const;

  /// The id of a model, or the name of one that talks. `not_found` names all there are.
  Result<std::string> id_of(std::string_view name) const;

 private:
  Catalogue() = default;
  /// Ids and aliases.
  std::vector<std::string_view> names() const;

  std::vector<Model> models_;
  std::vector<RetiredName> retired_;
  std::vector<Talker> talkers_;
};

/// "fp_" and ten digits: changes when the weights do, or what is done with them.
std::string fingerprint(const Model& model);

/// "flux-1.1*" with the given replacement: what every server starts with.
std::vector<RetiredName> legacy_names(std::string replacement);

}  // namespace imagined::service

#include "engine/families/family.h"

#include <fmt/core.h>

#include "engine/families/families.h"

namespace imagined::engine {
namespace {

struct Family {
  std::string_view name;
  Result<Networks> (*load)(const Context&, const ModelFolder&, NumberFormat);
};

constexpr Family kFamilies[] = {
    {kFlux2Klein, load_flux2_klein},
    {kFlux1, load_flux1},
};

}  // namespace

Result<Networks> load_networks(const Context& context, const ModelFolder& model,
                               NumberFormat format) {
  for (const Family& family : kFamilies) {
    if (family.name == model.family) return family.load(context, model, format);
  }
  return fail(ErrorCode::unimplemented,
              fmt::format("model \"{}\" is of the family \"{}\", which this build does not know",
                          model.name, model.family));
}

}  // namespace imagined::engine

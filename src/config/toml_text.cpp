#include "config/toml_text.h"

#include <fmt/core.h>

#include <toml++/toml.h>
#include <sstream>
#include <string_view>
#include <vector>

#include "base/words.h"
#include "service/billing/money.h"

namespace imagined::config {
namespace {

std::string toml_string(std::string_view text) {
  std::ostringstream out;
  out << toml::value<std::string>(std::string(text));
  return out.str();
}

std::string toml_list(const std::vector<std::string>& texts) {
  std::vector<std::string> items;
  for (const std::string& text : texts) items.push_back(toml_string(text));
  return fmt::format("[{}]", join_words(items, ", "));
}

std::string toml_value(const Setting& setting, const Settings& settings) {
  const std::string value = value_text(setting, settings);
  return is_number(setting) || is_switch(setting) ? value : toml_string(value);
}

std::string price_line(std::string_view key, std::int64_t usd_ticks) {
  return fmt::format("{} = \"{}\"\n", key, service::format_usd(usd_ticks));
}

// What nobody has given is a remark, so that a file made of this follows the same rules when the
// rest of it is changed.
std::string given_line(std::string_view line, bool is_ours, std::string_view why, Remarks remarks) {
  return is_ours && remarks == Remarks::all ? fmt::format("# {} ({})\n", line, why)
                                            : fmt::format("{}\n", line);
}

std::string files_of(const ModelSettings& model, Remarks remarks) {
  std::string text;
  if (!model.path.empty())
    text += given_line(fmt::format("path = {}", toml_string(model.path)), model.path_is_ours,
                       "the built-in model", remarks);
  for (const auto& [part, path] : model.parts)
    text += fmt::format("{} = {}\n", part, toml_string(path));
  std::vector<std::string> loras;
  for (const LoraSettings& lora : model.loras)
    loras.push_back(fmt::format("{{path = {}, scale = {:#}}}", toml_string(lora.path), lora.scale));
  if (!loras.empty()) text += fmt::format("loras = [{}]\n", join_words(loras, ", "));
  return text;
}

std::string where_it_is_made(const ModelSettings& model) {
  const bool videos = model.makes == service::Makes::videos;
  const std::string makes = fmt::format("makes = \"{}\"\n", videos ? "videos" : "pictures");
  if (model.upstreams.empty())
    return (model.elsewhere ? "elsewhere = true\n" : "") +
           (model.makes == service::Makes::all ? std::string() : makes);
  return fmt::format("upstreams = {}\n{}max_references = {}\n", toml_list(model.upstreams), makes,
                     model.references_max);
}

std::string prices_of(const ModelSettings& model) {
  std::string text = price_line("price_usd", model.price_usd_ticks);
  if (model.price_2k_usd_ticks) text += price_line("price_2k_usd", *model.price_2k_usd_ticks);
  if (model.price_input_usd_ticks > 0)
    text += price_line("price_input_usd", model.price_input_usd_ticks);
  if (model.price_second_usd_ticks > 0)
    text += price_line("price_second_usd", model.price_second_usd_ticks);
  if (model.price_second_720p_usd_ticks)
    text += price_line("price_second_720p_usd", *model.price_second_720p_usd_ticks);
  return text;
}

std::string table_of(const ModelSettings& model, Remarks remarks) {
  std::string text = fmt::format("\n[models.{}]\n", toml_string(model.name));
  text += files_of(model, remarks);
  if (!model.precision.empty()) text += fmt::format("precision = \"{}\"\n", model.precision);
  if (model.distilled) text += fmt::format("distilled = {}\n", *model.distilled);
  if (model.cached_references)
    text += fmt::format("cached_references = {}\n", *model.cached_references);
  text += where_it_is_made(model);
  text += fmt::format("steps = {}\n", model.steps);
  if (model.guidance)
    text += given_line(
        fmt::format("guidance = {:#}", *model.guidance), model.guidance_is_ours,
        fmt::format("the built-in model's from {} steps on, where none is given", kGuidedSteps),
        remarks);
  text += prices_of(model);
  text += fmt::format("aliases = {}\n", toml_list(model.aliases));
  text += fmt::format("steps_max = {}\n", model.steps_max);
  text += fmt::format("max_prompt_length = {}\n", model.max_prompt_length);
  text += fmt::format("created = {}\n", model.created_unix_s);
  return text;
}

std::string table_of(const UpstreamSettings& upstream) {
  std::string text = fmt::format("\n[upstreams.{}]\n", toml_string(upstream.name));
  text += fmt::format("base_url = {}\nkey_env = {}\nca_file = {}\nmodels = {}\n",
                      toml_string(upstream.base_url), toml_string(upstream.key_env),
                      toml_string(upstream.ca_file), toml_list(upstream.models));
  text += price_line("price_input_usd", upstream.price_input_usd_ticks);
  text += price_line("price_output_usd", upstream.price_output_usd_ticks);
  text += fmt::format("image_tool = {}\nvision = {}\nresponses = {}\n", upstream.has_image_tool,
                      upstream.sees, upstream.has_responses);
  return text;
}

std::string table_of(const ChatSettings& chat) {
  return fmt::format("\n[chats.{}]\ntalks = {}\nmakes = {}\n", toml_string(chat.name),
                     toml_string(chat.talks), toml_string(chat.makes));
}

}  // namespace

std::string to_toml(const Config& config, Remarks remarks) {
  std::string text;
  for (const Setting& setting : all_settings()) {
    const auto source = config.sources.find(setting.name);
    if (remarks == Remarks::all) {
      text += fmt::format("# {} ({})\n", setting.help,
                          source == config.sources.end() ? "default" : source->second);
    }
    text += fmt::format("{} = {}\n", setting.name, toml_value(setting, config.settings));
  }
  for (const ModelSettings& model : config.models) text += table_of(model, remarks);
  for (const UpstreamSettings& upstream : config.upstreams) text += table_of(upstream);
  for (const ChatSettings& chat : config.chats) text += table_of(chat);
  return text;
}

std::string example_toml() {
  std::string text =
      "# What is left out keeps its default; see `imagined config show`. Relative paths are meant\n"
      "# from the folder of this file.\n\n";
  for (const Setting& setting : all_settings()) {
    text += fmt::format("# {}\n# {} = {}\n\n", setting.help, setting.name,
                        toml_value(setting, Settings{}));
  }
  text +=
      "# The models of a file are the whole list. Without any, the built-in one is served under "
      "these\n"
      "# names; another one has a path: a folder, a .safetensors or a .gguf file.\n";
  std::string models;
  for (ModelSettings& model : default_models()) {
    guide_by_steps(model);
    models += table_of(model, Remarks::all);
  }
  for (std::size_t at = 1; at < models.size();) {
    const auto end = models.find('\n', at);
    const std::string line = models.substr(at, end - at);
    text += line.empty() ? "\n" : "# " + line + "\n";
    at = end + 1;
  }
  text +=
      "\n# Tables of [upstreams.NAME] have other servers answer for their models, see "
      "docs/chat.md.\n";
  return text;
}

}  // namespace imagined::config

// The families that this build knows, and how a model of any of them is opened and loaded.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/families/family.h"

namespace imagined::engine {

std::span<const Family* const> known_families();

/// Looks at a model: decides its family, chooses its parts and reads their configuration, without
/// touching the weights' bytes. What is understood:
///
/// 1. A diffusers folder: model_index.json (or modular_model_index.json) beside transformer/,
///    text_encoder/, vae/, tokenizer/ and scheduler/; sampling.json optional. The folders' weights
///    may be sharded or a variant.
/// 2. A file with a transformer, under any prefix, in any layout that its network's names know; its
///    other parts inside it or around it, see ModelFiles.
/// 3. A folder without weights in transformer/, with one such file somewhere in it.
///
/// choices: parts that the user names, and facts that no tensor shows; they win over everything.
/// Errors: a missing key, a wrong type or an impossible value is `invalid_argument` and names file
/// and key; a missing part is `not_found`; several that fit and cannot be told apart are
/// `invalid_argument` and all named; another pipeline, network or option without implementation is
/// `unimplemented`.
Result<ModelPlan> open_model(const std::filesystem::path& path, const ModelChoices& choices = {});

/// Loads what the plan's family consists of.
Result<Networks> load_networks(const Context& context, const ModelPlan& plan, NumberFormat format);

/// The ids of a prompt in the model's own template, neither cut nor padded. `path` is a model or
/// just a tokenizer's folder.
Result<std::vector<std::int32_t>> prompt_tokens(const std::filesystem::path& path,
                                                const ModelChoices& choices,
                                                std::string_view prompt);

/// What the model in a folder says that it is; empty where it says nothing, or is a single file.
std::string card_text(const std::filesystem::path& folder);

}  // namespace imagined::engine

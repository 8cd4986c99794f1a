// The JSON of a tokenizer's files: nothing in it is trusted, and a mistake names file and key.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engine/tokenizers/added_tokens.h"

namespace imagined::engine {

// Limits far above published files (Qwen3: 151,643 tokens; mT5: 250,100).
inline constexpr std::size_t kMaxTokens = 4'000'000;
inline constexpr std::size_t kMaxAddedTokens = 100'000;
inline constexpr std::size_t kMaxAddedTokenBytes = 512;
inline constexpr std::int64_t kMaxTokenId = 16'000'000;

inline constexpr std::string_view kTokenizerFile = "tokenizer.json";
inline constexpr std::string_view kTokenizerConfigFile = "tokenizer_config.json";
inline constexpr std::string_view kAddedTokensFile = "added_tokens.json";

/// FILE: "KEY": WHAT
tl::unexpected<Error> refuse(std::string_view file, std::string_view key, std::string_view what,
                             ErrorCode code = ErrorCode::invalid_argument);
/// tokenizer.json: "KEY": WHAT is not supported
tl::unexpected<Error> unsupported(std::string_view key, std::string_view what);

/// Errors: `data_loss` (no strict JSON, or nested too deep), `invalid_argument` (no object).
Result<nlohmann::json> parse_object(std::string_view text, std::string_view file);

/// The member, or null where it is missing.
const nlohmann::json& member(const nlohmann::json& object, const char* key);
/// A member that is true; false where it is missing or anything else.
bool flag(const nlohmann::json& object, const char* key);
/// The string, or "" where the value is none.
std::string text_of(const nlohmann::json& value);
/// A special token of tokenizer_config.json, a string or an object with "content", into `token`,
/// which stays where the key is missing or null.
Result<> read_special_token(const nlohmann::json& config, const char* key, std::string& token);
/// On which side a text is filled up or cut, and which file says so.
struct Sides {
  struct Side {
    std::string side;
    std::string_view file;
    std::string_view key;
  };
  Side padding;
  Side truncation;
};
/// From `padding` and `truncation` of tokenizer.json.
void read_sides(const nlohmann::json& root, Sides& sides);
/// `padding.pad_token` of tokenizer.json into `token`, which stays where there is none.
void read_padding_token(const nlohmann::json& root, std::string& token);
/// From `padding_side` and `truncation_side` of tokenizer_config.json, which win, as in
/// transformers.
Result<> read_configured_sides(const nlohmann::json& config, Sides& sides);
/// Both must be the right one, or be said nowhere: every network here was made to read prompts that
/// begin at the first place.
Result<> check_sides(const Sides& sides);
/// A whole number from 0 to kMaxTokenId - 1.
bool is_token_id(const nlohmann::json& value);

/// A step of the normaliser or pre-tokeniser, or the steps of a sequence (`list` names its member),
/// as a list; none for null. The pointers are into `step`.
std::vector<const nlohmann::json*> steps_of(const nlohmann::json& step, const char* list);
/// "type" of an object, else "".
std::string type_of(const nlohmann::json& step);

/// What a post-processor puts around a text.
struct Frame {
  std::vector<std::int32_t> before;
  std::vector<std::int32_t> after;
};
/// From `post_processor` of tokenizer.json: absent, ByteLevel (both add nothing),
/// RobertaProcessing, TemplateProcessing or a sequence of these; others are `unimplemented`.
Result<Frame> read_frame(const nlohmann::json& post_processor);

/// `added_tokens` of tokenizer.json.
Result<std::vector<AddedToken>> read_added_tokens(const nlohmann::json& list);
/// The object of added_tokens.json, {TOKEN: id}, in which older tools keep them: appends the tokens
/// that `added` lacks.
Result<> read_added_token_ids(const nlohmann::json& ids, std::vector<AddedToken>& added);
/// `added_tokens_decoder` of tokenizer_config.json: appends the tokens that `added` lacks.
Result<> read_added_tokens_decoder(const nlohmann::json& decoder, std::vector<AddedToken>& added);

}  // namespace imagined::engine

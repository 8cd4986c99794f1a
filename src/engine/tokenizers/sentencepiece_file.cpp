// spiece.model: the message ModelProto of SentencePiece's sentencepiece_model.proto, read field by
// field. Protobuf's wire format: each field is a varint `number << 3 | type`, then a varint (type
// 0), 8 bytes (1), a varint and so many bytes (2), or 4 bytes (5).
#include <fmt/core.h>

#include <bit>
#include <optional>

#include "base/utf8.h"
#include "engine/tokenizers/json_file.h"
#include "engine/tokenizers/t5_files.h"

namespace imagined::engine {
namespace {

tl::unexpected<Error> broken(std::string_view what, ErrorCode code = ErrorCode::data_loss) {
  return fail(code, fmt::format("{}: {}", kSentencePieceFile, what));
}

struct Field {
  std::uint64_t number = 0;
  std::uint64_t value = 0;  // of a varint, or the bits of a fixed number
  std::string_view bytes;   // of a text, bytes or a message
};

std::optional<std::uint64_t> take_varint(std::string_view& rest) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !rest.empty(); shift += 7) {
    const auto byte = static_cast<unsigned char>(rest.front());
    rest.remove_prefix(1);
    value |= static_cast<std::uint64_t>(byte & 0x7fu) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

/// Takes a field off the front of a message; `rest` must not be empty.
Result<Field> take_field(std::string_view& rest) {
  const auto tag = take_varint(rest);
  if (!tag) return broken("not a SentencePiece model");
  Field field{.number = *tag >> 3};
  const std::uint64_t type = *tag & 7u;
  std::uint64_t size_bytes = type == 1 ? 8 : 4;  // of the fixed numbers
  if (type == 0 || type == 2) {
    const auto value = take_varint(rest);
    if (!value) return broken("not a SentencePiece model");
    field.value = *value;
    size_bytes = type == 2 ? *value : 0;
  } else if (type != 1 && type != 5) {
    return broken("not a SentencePiece model");
  }
  if (size_bytes > rest.size())
    return broken(
        fmt::format("field {} has {} bytes, {} are left", field.number, size_bytes, rest.size()));
  field.bytes = rest.substr(0, size_bytes);
  if (type == 1 || type == 5)
    for (std::size_t i = 0; i < size_bytes; ++i)
      field.value |= static_cast<std::uint64_t>(static_cast<unsigned char>(field.bytes[i]))
                     << (8 * i);
  rest.remove_prefix(size_bytes);
  return field;
}

/// Message SentencePiece: 1 piece, 2 score, 3 type.
Result<> read_piece(std::string_view message, T5Parts& parts) {
  enum Type : std::uint64_t { normal = 1, unknown = 2, control = 3 };
  const auto id = static_cast<std::int32_t>(parts.pieces.size());
  if (parts.pieces.size() >= kMaxTokens)
    return broken(fmt::format("more than {} pieces", kMaxTokens), ErrorCode::invalid_argument);
  UnigramPiece piece;
  std::uint64_t type = normal;
  while (!message.empty()) {
    const Field field = TRY(take_field(message));
    if (field.number == 1) piece.text = field.bytes;
    if (field.number == 2)
      piece.score = std::bit_cast<float>(static_cast<std::uint32_t>(field.value));
    if (field.number == 3) type = field.value;
  }
  if (!is_utf8(piece.text)) return broken(fmt::format("piece {} is not UTF-8", id));
  if (type == unknown) parts.unknown_id = id;
  // Tokens such as </s> are no pieces of a text: they are looked for before it is cut.
  if (type == unknown || type == control)
    parts.added.push_back({.content = piece.text, .id = id});
  else if (type != normal)
    return broken(fmt::format("piece {} of type {} is not supported", id, type),
                  ErrorCode::unimplemented);
  parts.pieces.push_back(std::move(piece));
  return {};
}

/// Message TrainerSpec: 3 model_type.
Result<> check_trainer(std::string_view message) {
  constexpr std::uint64_t kUnigram = 1;
  while (!message.empty()) {
    const Field field = TRY(take_field(message));
    if (field.number == 3 && field.value != kUnigram)
      return broken(fmt::format("model type {} is not supported, only 1, unigram", field.value),
                    ErrorCode::unimplemented);
  }
  return {};
}

/// Message NormalizerSpec: 2 precompiled_charsmap, 3 add_dummy_prefix, 4 remove_extra_whitespaces,
/// 5 escape_whitespaces; the three are true where they are missing.
Result<> read_normalizer(std::string_view message, T5Parts& parts) {
  bool removes_spaces = true;
  std::string_view map;
  while (!message.empty()) {
    const Field field = TRY(take_field(message));
    if (field.number == 2) map = field.bytes;
    if (field.number == 3 && field.value == 0) parts.prepend = PrependScheme::never;
    if (field.number == 4) removes_spaces = field.value != 0;
    if (field.number == 5 && field.value == 0)
      return broken("escape_whitespaces false is not supported", ErrorCode::unimplemented);
  }
  if (!map.empty()) {
    Result<Charsmap> parsed = Charsmap::parse(map);
    if (!parsed) return broken(parsed.error().message);
    parts.charsmap = std::move(*parsed);
    parts.steps.push_back({.kind = NormalizerStep::Kind::charsmap});
  }
  if (removes_spaces) {
    parts.steps.push_back(
        {.kind = NormalizerStep::Kind::strip_spaces, .left = true, .right = true});
    parts.steps.push_back(
        {.kind = NormalizerStep::Kind::collapse_spaces, .content = std::string(kWordMark)});
  }
  return {};
}

}  // namespace

Result<T5Parts> parse_sentencepiece(std::string_view bytes) {
  T5Parts parts{.file = kSentencePieceFile, .pieces_key = "pieces", .unknown_id = -1};
  while (!bytes.empty()) {
    const Field field = TRY(take_field(bytes));
    if (field.number == 1) TRY(read_piece(field.bytes, parts));
    if (field.number == 2) TRY(check_trainer(field.bytes));
    if (field.number == 3) {
      parts.steps.clear();
      TRY(read_normalizer(field.bytes, parts));
    }
  }
  if (parts.pieces.empty()) return broken("has no pieces");
  if (parts.unknown_id < 0) return broken("has no unknown piece", ErrorCode::invalid_argument);
  return parts;
}

}  // namespace imagined::engine

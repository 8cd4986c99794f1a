#include "api/grpc/unreadable.h"

#include <fmt/format.h>
#include <google/protobuf/descriptor.h>
#include <google/protobuf/io/coded_stream.h>
#include <google/protobuf/wire_format_lite.h>

#include "base/utf8.h"

namespace imagined::api {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::io::CodedInputStream;
using Wire = google::protobuf::internal::WireFormatLite;

constexpr int kDepthMax = 32;  // our messages nest less

struct Fault {
  std::string field;  // with those that it stands in; empty: between fields
  std::string_view what;
};

std::string within(std::string_view outer, const std::string& inner) {
  return inner.empty() ? std::string(outer) : fmt::format("{}.{}", outer, inner);
}

bool skip(CodedInputStream& input, Wire::WireType type) {
  std::uint64_t number = 0;
  std::uint32_t fixed = 0;
  switch (type) {
    case Wire::WIRETYPE_VARINT:
      return input.ReadVarint64(&number);
    case Wire::WIRETYPE_FIXED64:
      return input.ReadLittleEndian64(&number);
    case Wire::WIRETYPE_FIXED32:
      return input.ReadLittleEndian32(&fixed);
    default:  // groups, which proto3 has not
      return false;
  }
}

/// The first fault; none when what is wrong is something else.
std::optional<Fault> find_fault(const Descriptor& type, std::string_view bytes, int depth) {
  CodedInputStream input(reinterpret_cast<const std::uint8_t*>(bytes.data()),
                         static_cast<int>(bytes.size()));
  while (input.CurrentPosition() < static_cast<int>(bytes.size())) {
    const std::uint32_t tag = input.ReadTag();
    if (tag == 0) return Fault{{}, "has bytes that are no field"};
    const FieldDescriptor* field = type.FindFieldByNumber(Wire::GetTagFieldNumber(tag));
    const std::string name =
        field == nullptr ? fmt::format("field {}", Wire::GetTagFieldNumber(tag)) : field->name();
    const auto wire_type = Wire::GetTagWireType(tag);
    if (wire_type != Wire::WIRETYPE_LENGTH_DELIMITED) {
      if (!skip(input, wire_type)) return Fault{name, "breaks off, or is of no type there is"};
      continue;
    }
    std::uint32_t length = 0;
    if (!input.ReadVarint32(&length)) return Fault{name, "breaks off"};
    const auto at = static_cast<std::size_t>(input.CurrentPosition());
    if (length > bytes.size() - at) return Fault{name, "breaks off"};
    const std::string_view value = bytes.substr(at, length);
    if (!input.Skip(static_cast<int>(length))) return Fault{name, "breaks off"};
    if (field == nullptr) continue;
    if (field->type() == FieldDescriptor::TYPE_STRING && valid_utf8(value) != value)
      return Fault{name, "is no UTF-8"};
    if (field->type() != FieldDescriptor::TYPE_MESSAGE || depth == kDepthMax) continue;
    if (auto fault = find_fault(*field->message_type(), value, depth + 1))
      return Fault{within(name, fault->field), fault->what};
  }
  return std::nullopt;
}

}  // namespace

tl::unexpected<Error> not_listed(std::string_view field, int number,
                                 const google::protobuf::EnumDescriptor& list) {
  std::string allowed;
  for (int i = 0; i < list.value_count(); ++i) {
    const google::protobuf::EnumValueDescriptor& value = *list.value(i);
    if (value.number() == 0 && list.value_count() > 2) continue;
    allowed += fmt::format("{}{} = {}", allowed.empty() ? "" : ", ", value.name(), value.number());
  }
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("{} is {}, expected a number of {}: {}", field, number, list.name(), allowed),
      std::string(field));
}

tl::unexpected<Error> unreadable(const Descriptor& type, std::string_view bytes) {
  const auto fault = find_fault(type, bytes, 0);
  if (!fault)
    return fail(ErrorCode::invalid_argument, fmt::format("the message is no {}", type.full_name()));
  return fail(
      ErrorCode::invalid_argument,
      fmt::format("{} {}: expected a {}", fault->field.empty() ? "the message" : fault->field,
                  fault->what, type.full_name()),
      fault->field);
}

}  // namespace imagined::api

// What is wrong with a message, in words: its field, what it is, and what is allowed.
#pragma once

#include <google/protobuf/generated_enum_reflection.h>
#include <google/protobuf/message.h>

#include <optional>
#include <string>
#include <string_view>

#include "base/result.h"

namespace imagined::api {

/// `invalid_argument` for a number that is not on the list of an enumeration, with those that are;
/// its zero is "not given" and left out.
tl::unexpected<Error> not_listed(std::string_view field, int number,
                                 const google::protobuf::EnumDescriptor& list);
template <class Enum>
tl::unexpected<Error> not_listed(std::string_view field, Enum number) {
  return not_listed(field, static_cast<int>(number), *google::protobuf::GetEnumDescriptor<Enum>());
}

/// `invalid_argument` for bytes that cannot be read as such a message, with the first field that
/// cannot: "image.image_url is no UTF-8", "images breaks off".
tl::unexpected<Error> unreadable(const google::protobuf::Descriptor& type, std::string_view bytes);

}  // namespace imagined::api

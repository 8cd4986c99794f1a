#pragma once

#include <google/protobuf/timestamp.pb.h>

#include <cstdint>

namespace imagined::api {

inline void set_time(std::int64_t unix_ms, google::protobuf::Timestamp& out) {
  out.set_seconds(unix_ms / 1000);
  out.set_nanos(static_cast<std::int32_t>(unix_ms % 1000 * 1'000'000));
}

}  // namespace imagined::api

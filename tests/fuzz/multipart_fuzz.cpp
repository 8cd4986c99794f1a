// Any bytes as a multipart body: the parts are the same however the bytes are cut on the way, and
// nothing is handed on that was not there.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "api/wire/multipart.h"
#include "base/check.h"

using namespace imagined;
using namespace imagined::api::wire;

namespace {

class Collector final : public PartSink {
 public:
  Result<void> begin_part(const PartHead& head) override {
    CHECK(!open_, "a part within a part");
    CHECK(!head.name.empty() && head.name.size() <= MultipartLimits{}.name_bytes_max, "name of {}",
          head.name.size());
    open_ = true;
    parts.push_back(head.name + '\0' + head.file_name + '\0');
    return {};
  }
  Result<void> part_bytes(std::string_view bytes) override {
    CHECK(open_ && !bytes.empty(), "bytes of no part");
    parts.back() += bytes;
    return {};
  }
  Result<void> end_part() override {
    CHECK(open_, "the end of no part");
    open_ = false;
    return {};
  }
  std::vector<std::string> parts;

 private:
  bool open_ = false;
};

struct Outcome {
  std::string error;
  std::vector<std::string> parts;
  bool operator==(const Outcome&) const = default;
};

Outcome read(std::string_view body, std::size_t step) {
  Collector collector;
  MultipartReader reader("b", collector);
  for (std::size_t at = 0; at < body.size(); at += step) {
    if (const auto fed = reader.feed(body.substr(at, step)); !fed) return {fed.error().message, {}};
  }
  const auto end = reader.finish();
  return end ? Outcome{{}, std::move(collector.parts)} : Outcome{end.error().message, {}};
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  const std::string_view body(reinterpret_cast<const char*>(data), size_bytes);
  const Outcome whole = read(body, body.size() + 1);
  CHECK(read(body, 1) == whole, "other parts when read byte by byte");
  CHECK(read(body, 5) == whole, "other parts when read in fives");
  std::size_t bytes = 0;
  for (const std::string& part : whole.parts) bytes += part.size();
  CHECK(bytes <= size_bytes * 3, "{} bytes out of {}", bytes, size_bytes);
  (void)multipart_boundary(body);
  return 0;
}

// Any bytes as the body of a request, whole and in steps: the same body, the same rest, or refused.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "api/http/body_framing.h"
#include "base/check.h"

using namespace imagined::api;

namespace {

constexpr std::uint64_t kBytesMax = 1000;

struct Outcome {
  std::string body;
  std::size_t taken = 0;
  bool done = false;
  int status = 0;
  bool operator==(const Outcome&) const = default;
};

Outcome read(const Head& head, std::string_view bytes, std::size_t step) {
  BodyFraming framing(head, kBytesMax);
  Outcome outcome;
  std::size_t seen = 0;
  while (true) {
    std::string_view input = bytes.substr(outcome.taken, seen - outcome.taken);
    const std::size_t before = input.size();
    for (auto piece = framing.next(input); !piece.empty(); piece = framing.next(input)) {
      outcome.body += piece;
    }
    outcome.taken += before - input.size();
    if (framing.done() || framing.error() || seen == bytes.size()) break;
    seen = std::min(seen + step, bytes.size());
  }
  CHECK(outcome.body.size() <= kBytesMax, "a body of {} bytes", outcome.body.size());
  outcome.done = framing.done();
  if (framing.error()) {
    outcome.status = framing.error()->status;
    outcome.taken = 0;  // where exactly it was refused depends on the steps
    outcome.body.clear();
  }
  return outcome;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size_bytes) {
  if (size_bytes == 0) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data + 1), size_bytes - 1);
  Head head;
  head.chunked = data[0] % 2 == 1;
  if (!head.chunked) head.content_length = data[0];
  const Outcome whole = read(head, text, text.size() + 1);
  for (const std::size_t step : {1, 7}) {
    CHECK(read(head, text, step) == whole, "another body in steps of {}", step);
  }
  return 0;
}

#include "api/wire/file_upload.h"

#include <fmt/core.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string>
#include <utility>

#include "api/wire/multipart.h"

namespace imagined::api::wire {
namespace {

using service::kUploadBytesMax;

constexpr std::size_t kTextBytesMax = 1024;  // of a part that is no file

class MultipartFile final : public FileBody, private PartSink {
 public:
  MultipartFile(std::string_view boundary, UploadSink& sink)
      : sink_(sink), reader_(boundary, *this, {.body_bytes_max = kFileBodyBytesMax}) {}

  Result<void> feed(std::string_view bytes) override { return reader_.feed(bytes); }

  Result<service::NewFile> finish() override {
    TRY(reader_.finish());
    if (!has_file_) return fail(ErrorCode::invalid_argument, "file: the part is missing", "file");
    return file_;
  }

 private:
  Result<void> begin_part(const PartHead& head) override {
    name_ = head.name;
    text_.clear();
    if (name_ != "file") return {};
    if (std::exchange(has_file_, true))
      return fail(ErrorCode::invalid_argument, "file: the part is given twice", "file");
    if (head.file_name.empty())
      return fail(ErrorCode::invalid_argument, "file: the part has no file name", "file");
    file_.name = head.file_name;
    return sink_.begin();
  }

  Result<void> part_bytes(std::string_view bytes) override {
    if (name_ != "file") {
      text_.append(bytes.substr(0, kTextBytesMax - std::min(kTextBytesMax, text_.size())));
      return {};
    }
    file_.size_bytes += std::ssize(bytes);
    if (file_.size_bytes > static_cast<std::int64_t>(kUploadBytesMax))
      return fail(ErrorCode::payload_too_large,
                  fmt::format("file: more than {} bytes, which is the most", kUploadBytesMax),
                  "file");
    return sink_.upload(bytes);
  }

  Result<void> end_part() override {
    if (name_ == "file") {
      file_.blob = TRY(sink_.end());
    } else if ((name_ == "expires_after" || name_ == "expires_after[seconds]") && !text_.empty()) {
      file_.life_s = TRY(read_seconds());
    } else if (name_ == "expires_after[anchor]" && text_ != "created_at") {
      return fail(ErrorCode::invalid_argument,
                  "expires_after[anchor]: expected \"created_at\", which is the only one",
                  "expires_after");
    }
    return {};
  }

  Result<std::int64_t> read_seconds() const {
    std::int64_t seconds = 0;
    const char* const end = text_.data() + text_.size();
    const auto [stopped, error] = std::from_chars(text_.data(), end, seconds);
    if (error == std::errc() && stopped == end) return seconds;
    return fail(ErrorCode::invalid_argument,
                fmt::format("{}: expected a whole number of seconds", name_), "expires_after");
  }

  UploadSink& sink_;
  MultipartReader reader_;
  std::string name_;  // of the part in work
  std::string text_;
  bool has_file_ = false;
  service::NewFile file_;
};

}  // namespace

Result<std::unique_ptr<FileBody>> make_file_body(std::string_view content_type, UploadSink& sink) {
  const std::string boundary = TRY(multipart_boundary(content_type));
  return std::unique_ptr<FileBody>(std::make_unique<MultipartFile>(boundary, sink));
}

}  // namespace imagined::api::wire

// Files that come with a request, on their way to blobs.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "api/wire/upload_sink.h"
#include "base/result.h"
#include "service/ports/blob_store.h"

namespace imagined::api {

/// `begin` says whether the caller may, and where to.
class Upload final : public wire::UploadSink {
 public:
  using Begin = std::function<Result<std::unique_ptr<service::BlobWriter>>()>;

  explicit Upload(Begin begin) : begin_(std::move(begin)) {}

  Result<void> begin() override {
    writer_ = TRY(begin_());
    return {};
  }
  Result<void> upload(std::string_view bytes) override {
    return writer_->append({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  }
  Result<std::string> end() override { return std::exchange(writer_, nullptr)->finish(); }

 private:
  Begin begin_;
  std::unique_ptr<service::BlobWriter> writer_;
};

}  // namespace imagined::api

// xai_api.Files: what customers keep here for their requests to name.
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <xai/api/v1/files.grpc.pb.h>
#include "api/grpc/services.h"
#include "api/grpc/times.h"
#include "api/grpc/unreadable.h"
#include "service/pictures/edit_request.h"

namespace imagined::api {
namespace {

using service::StoredFile;
using Uploading = Reading<xai_api::UploadFileChunk>;
using Downloading = Writing<xai_api::FileContentChunk>;

constexpr std::size_t kChunkBytes = 1u << 20;

void fill(const StoredFile& file, std::string_view base, xai_api::File& out) {
  out.set_size(file.size_bytes);
  set_time(file.created_ms, *out.mutable_created_at());
  if (file.expires_ms != 0) set_time(file.expires_ms, *out.mutable_expires_at());
  out.set_filename(file.name);
  out.set_id(file.id);
  if (file.public_name.empty()) return;
  out.set_public_url(service::public_url_of(file, base));
  if (file.public_until_ms != 0)
    set_time(file.public_until_ms, *out.mutable_public_url_expires_at());
}

/// A file on its way to a blob. Blocks.
class Arriving {
 public:
  Arriving(service::FileService& files, const service::Caller& caller)
      : files_(files), caller_(caller) {}

  Result<void> begin(const xai_api::UploadFileInit& init) {
    file_.name = init.name();
    if (init.has_expires_after()) file_.life_s = init.expires_after();
    writer_ = TRY(files_.begin(caller_));
    return {};
  }
  Result<void> append(const std::string& bytes) {
    file_.size_bytes += std::ssize(bytes);
    if (static_cast<std::size_t>(file_.size_bytes) > service::kUploadBytesMax)
      return fail(ErrorCode::payload_too_large,
                  fmt::format("the file is larger than {} bytes", service::kUploadBytesMax),
                  "file");
    return writer_->append({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
  }
  Result<StoredFile> end() {
    file_.blob = TRY(std::exchange(writer_, nullptr)->finish());
    return files_.add(caller_, std::move(file_));
  }

 private:
  service::FileService& files_;
  const service::Caller& caller_;
  service::NewFile file_;
  std::unique_ptr<service::BlobWriter> writer_;
};

Async<Result<void>> upload(const GrpcContext& context, GrpcCall& call, Uploading& chunks,
                           grpc::ByteBuffer& answered) {
  auto chunk = co_await chunks.next();
  if (!chunk) co_return tl::unexpected(std::move(chunk.error()));
  if (*chunk == nullptr || !(*chunk)->has_init())
    co_return fail(ErrorCode::invalid_argument, "the first message must be init", "init");
  Arriving file(context.services.files, *call.caller);
  auto done = co_await on_pool(context.pool, [&] { return file.begin((*chunk)->init()); });
  while (done) {
    chunk = co_await chunks.next();
    if (!chunk) co_return tl::unexpected(std::move(chunk.error()));
    if (*chunk == nullptr) break;
    if (!(*chunk)->has_data())
      co_return fail(ErrorCode::invalid_argument, "init must come once, and first", "init");
    done = co_await on_pool(context.pool, [&] { return file.append((*chunk)->data()); });
  }
  if (!done) co_return done;
  const bool is_whole = co_await chunks.is_whole();
  if (!is_whole || call.client_gone.stop_requested())
    co_return fail(ErrorCode::cancelled, "the upload was cut off");
  const auto stored = co_await on_pool(context.pool, [&] { return file.end(); });
  if (!stored) co_return tl::unexpected(stored.error());
  xai_api::File reply;
  fill(*stored, own_names(context, call).base, reply);
  answered = write_message(reply);
  co_return Result<void>();
}

Async<Result<void>> download(const GrpcContext& context, GrpcCall& call,
                             const grpc::ByteBuffer& asked, Downloading& chunks) {
  xai_api::RetrieveFileContentRequest request;
  auto read = read_message(asked, request);
  if (!read) co_return read;
  if (!xai_api::DownloadFormat_IsValid(request.format()))
    co_return not_listed("format", request.format());
  if (request.format() == xai_api::DOWNLOAD_FORMAT_TEXT)
    co_return fail(ErrorCode::invalid_argument,
                   "format: no text is taken out of files here; leave it out", "format");
  auto held = co_await context.budget.take(service::kUploadBytesMax, kHeldWait, call.client_gone);
  if (!held) co_return fail(ErrorCode::unavailable, kTooManyReplies);
  const auto bytes = co_await on_pool(context.pool, [&] {
    return context.services.files.content(*call.caller, request.file_id());
  });
  if (!bytes) co_return tl::unexpected(bytes.error());
  held->shrink(bytes->size());
  for (std::size_t at = 0; at < bytes->size(); at += kChunkBytes) {
    xai_api::FileContentChunk chunk;
    chunk.set_data(bytes->data() + at, std::min(kChunkBytes, bytes->size() - at));
    const bool sent = co_await chunks.send(chunk);
    if (!sent) co_return fail(ErrorCode::cancelled, "the client has gone away");
  }
  co_return Result<void>();
}

Result<service::FilePageWish> read_wish(const xai_api::ListFilesRequest& request) {
  if (!xai_api::Ordering_IsValid(request.order())) return not_listed("order", request.order());
  if (!xai_api::FilesSortBy_IsValid(request.sort_by()))
    return not_listed("sort_by", request.sort_by());
  service::FilePageWish wish;
  if (request.limit() != 0) wish.count = request.limit();
  wish.newest_first = request.order() == xai_api::DESCENDING;
  wish.after = request.pagination_token();
  if (request.sort_by() != xai_api::FILES_SORT_BY_CREATED_AT)
    return fail(ErrorCode::invalid_argument, "sort_by: files are in order of time here", "sort_by");
  if (!request.filter().empty())
    return fail(ErrorCode::invalid_argument, "filter: files cannot be chosen by this here",
                "filter");
  return wish;
}

Async<Result<void>> list_files(const GrpcContext& context, GrpcCall& call,
                               const xai_api::ListFilesRequest& request,
                               xai_api::ListFilesResponse& reply) {
  const auto wish = read_wish(request);
  if (!wish) co_return tl::unexpected(wish.error());
  const auto files = co_await on_pool(
      context.pool, [&] { return context.services.files.list(*call.caller, *wish); });
  if (!files) co_return tl::unexpected(files.error());
  const std::string base = own_names(context, call).base;
  for (const StoredFile& file : *files) fill(file, base, *reply.add_data());
  if (std::ssize(*files) == wish->count) reply.set_pagination_token(files->back().id);
  co_return Result<void>();
}

Async<Result<void>> retrieve_file(const GrpcContext& context, GrpcCall& call,
                                  const xai_api::RetrieveFileRequest& request,
                                  xai_api::File& reply) {
  const auto file = co_await on_pool(
      context.pool, [&] { return context.services.files.find(*call.caller, request.file_id()); });
  if (!file) co_return tl::unexpected(file.error());
  fill(*file, own_names(context, call).base, reply);
  co_return Result<void>();
}

Async<Result<void>> delete_file(const GrpcContext& context, GrpcCall& call,
                                const xai_api::DeleteFileRequest& request,
                                xai_api::DeleteFileResponse& reply) {
  auto removed = co_await on_pool(
      context.pool, [&] { return context.services.files.remove(*call.caller, request.file_id()); });
  if (!removed) co_return removed;
  reply.set_id(request.file_id());
  reply.set_deleted(true);
  co_return Result<void>();
}

Async<Result<void>> create_public_url(const GrpcContext& context, GrpcCall& call,
                                      const xai_api::CreatePublicUrlRequest& request,
                                      xai_api::CreatePublicUrlResponse& reply) {
  service::PublicWish wish;
  if (request.has_expires_after()) wish.life_s = request.expires_after();
  const auto file = co_await on_pool(context.pool, [&] {
    return context.services.files.publish(*call.caller, request.file_id(), wish);
  });
  if (!file) co_return tl::unexpected(file.error());
  reply.set_public_url(service::public_url_of(*file, own_names(context, call).base));
  if (file->public_until_ms != 0) set_time(file->public_until_ms, *reply.mutable_expires_at());
  co_return Result<void>();
}

Async<Result<void>> revoke_public_url(const GrpcContext& context, GrpcCall& call,
                                      const xai_api::RevokePublicUrlRequest& request,
                                      xai_api::RevokePublicUrlResponse& reply) {
  const auto file = co_await on_pool(
      context.pool, [&] { return context.services.files.revoke(*call.caller, request.file_id()); });
  if (!file) co_return tl::unexpected(file.error());
  reply.set_file_id(file->id);
  reply.set_revoked(!file->public_name.empty());
  if (!file->public_name.empty())
    reply.set_public_url(service::public_url_of(*file, own_names(context, call).base));
  co_return Result<void>();
}

// Messages come as they are sent, and are read behind the door.
using FilesMethods = xai_api::Files::WithRawCallbackMethod_RevokePublicUrl<
    xai_api::Files::WithRawCallbackMethod_CreatePublicUrl<
        xai_api::Files::WithRawCallbackMethod_DeleteFile<
            xai_api::Files::WithRawCallbackMethod_RetrieveFile<
                xai_api::Files::WithRawCallbackMethod_ListFiles<
                    xai_api::Files::WithRawCallbackMethod_RetrieveFileContent<
                        xai_api::Files::WithRawCallbackMethod_UploadFile<
                            xai_api::Files::Service>>>>>>>;

class FilesFace final : public FilesMethods {
 public:
  explicit FilesFace(GrpcLoop loop) : loop_(loop) {}

  grpc::ServerReadReactor<grpc::ByteBuffer>* UploadFile(grpc::CallbackServerContext* wire,
                                                        grpc::ByteBuffer* reply) override {
    auto* reactor =
        new Uploading(loop_, *wire, "/xai_api.Files/UploadFile",
                      [reply](const GrpcContext& context, GrpcCall& call, Uploading::Base& self) {
                        return upload(context, call, static_cast<Uploading&>(self), *reply);
                      });
    reactor->begin();
    return reactor;
  }
  grpc::ServerWriteReactor<grpc::ByteBuffer>* RetrieveFileContent(
      grpc::CallbackServerContext* wire, const grpc::ByteBuffer* request) override {
    auto* reactor = new Downloading(
        loop_, *wire, "/xai_api.Files/RetrieveFileContent",
        [request](const GrpcContext& context, GrpcCall& call, Downloading::Base& self) {
          return download(context, call, *request, static_cast<Downloading&>(self));
        });
    reactor->begin();
    return reactor;
  }
  grpc::ServerUnaryReactor* ListFiles(grpc::CallbackServerContext* wire,
                                      const grpc::ByteBuffer* request,
                                      grpc::ByteBuffer* reply) override {
    return answer(loop_, *wire, "/xai_api.Files/ListFiles", *request, *reply, list_files);
  }
  grpc::ServerUnaryReactor* RetrieveFile(grpc::CallbackServerContext* wire,
                                         const grpc::ByteBuffer* request,
                                         grpc::ByteBuffer* reply) override {
    return answer(loop_, *wire, "/xai_api.Files/RetrieveFile", *request, *reply, retrieve_file);
  }
  grpc::ServerUnaryReactor* DeleteFile(grpc::CallbackServerContext* wire,
                                       const grpc::ByteBuffer* request,
                                       grpc::ByteBuffer* reply) override {
    return answer(loop_, *wire, "/xai_api.Files/DeleteFile", *request, *reply, delete_file);
  }
  grpc::ServerUnaryReactor* CreatePublicUrl(grpc::CallbackServerContext* wire,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* reply) override {
    return answer(loop_, *wire, "/xai_api.Files/CreatePublicUrl", *request, *reply,
                  create_public_url);
  }
  grpc::ServerUnaryReactor* RevokePublicUrl(grpc::CallbackServerContext* wire,
                                            const grpc::ByteBuffer* request,
                                            grpc::ByteBuffer* reply) override {
    return answer(loop_, *wire, "/xai_api.Files/RevokePublicUrl", *request, *reply,
                  revoke_public_url);
  }

 private:
  const GrpcLoop loop_;
};

}  // namespace

std::unique_ptr<grpc::Service> make_files_service(GrpcLoop loop) {
  return std::make_unique<FilesFace>(loop);
}

}  // namespace imagined::api

// The services of `proto/`, each made by its file.
#pragma once

#include <grpcpp/generic/async_generic_service.h>
#include <grpcpp/impl/service_type.h>

#include <memory>

#include "api/grpc/bridge.h"

namespace imagined::api {

std::unique_ptr<grpc::Service> make_image_service(GrpcLoop loop);
std::unique_ptr<grpc::Service> make_video_service(GrpcLoop loop);
std::unique_ptr<grpc::Service> make_chat_service(GrpcLoop loop);
std::unique_ptr<grpc::Service> make_auth_service(GrpcLoop loop);
std::unique_ptr<grpc::Service> make_models_service(GrpcLoop loop);
std::unique_ptr<grpc::Service> make_files_service(GrpcLoop loop);

/// Every method that no service has: UNIMPLEMENTED, with a sentence.
std::unique_ptr<grpc::CallbackGenericService> make_unserved_service(GrpcLoop loop);

}  // namespace imagined::api

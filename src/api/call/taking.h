// The pictures that a call gives.
#pragma once

#include "api/call/call.h"
#include "api/call/own_url.h"
#include "api/wire/edit_request.h"
#include "api/wire/video_request.h"
#include "service/pictures/edit_request.h"

namespace imagined::api {

/// Refuses more pictures than any model takes, with the number that the wanted one takes, before
/// one of them is put down or fetched.
Result<void> check_number(const CallContext& context, const wire::EditCall& wanted);

/// The edit with the blobs of its pictures: those behind URLs are fetched, of files and of pictures
/// that were made here the blob is there. An error names its picture ("image 2"). Blocks.
Result<service::EditRequest> take_pictures(const CallContext& context, const Call& call,
                                           const wire::EditCall& wanted, const OwnNames& names);

/// The same for a video: "image" and "video" are what errors name.
Result<service::VideoRequest> take_given(const CallContext& context, const Call& call,
                                         const wire::VideoCall& wanted, const OwnNames& names);

}  // namespace imagined::api

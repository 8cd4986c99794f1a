// The reply to a request for pictures.
#pragma once

#include <string>
#include <vector>

#include "api/http/exchange.h"
#include "api/wire/image_request.h"
#include "api/wire/replies.h"
#include "service/jobs/job.h"
#include "service/pictures/image_service.h"

namespace imagined::api {

/// Whether nobody waits: `deferred`, or the preference, which does not count where pictures could
/// not come as links alone. What is asked of files is refused here where it cannot be.
Result<void> settle(const Context& context, const Exchange& exchange,
                    const wire::GenerationCall& call, service::Asking& asking);

/// Waits for the job and reads what it has made; with `stream` the reply begins at once, and a
/// deferred request is told the job's id only. The job of the others is given up when the client
/// goes away, or is not done in time.
Async<Result<Response>> reply_with_pictures(const Context& context, Exchange& exchange,
                                            const service::Order& order,
                                            const service::Asking& asking,
                                            const wire::GenerationCall& call);

/// Links to what a deferred request has made, with what was asked for beside it.
Async<Result<Response>> reply_to_deferred(const Context& context, const Exchange& exchange,
                                          const service::FinishedPictures& finished,
                                          const std::vector<std::string>& warnings);

/// Says in fields of the reply what was asked for and has no effect.
void add_warnings(const std::vector<std::string>& warnings, Response& response);
Response with_warnings(Response response, const std::vector<std::string>& warnings);

/// With what was asked for and has no effect, by the form of the request and by the model.
wire::Usage usage_of(std::vector<std::string> warnings, const service::FinishedPictures& finished);

}  // namespace imagined::api

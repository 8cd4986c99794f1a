#pragma once

#include <cstddef>

#include "base/result.h"
#include "service/catalogue/abilities.h"
#include "service/catalogue/catalogue.h"
#include "service/jobs/payload.h"

namespace imagined::service {

/// That a request has with a model.
float guidance_of(const PictureRequest& request, const Model& model, const Abilities& abilities);

/// Whether a model takes so many reference pictures; where nobody knows its abilities yet (null),
/// whether any does. `invalid_argument`, field "image", with the number and what is allowed.
Result<void> check_reference_count(std::size_t count, const Model& model,
                                   const Abilities* abilities);

/// Whether a model can do what is asked of it. `invalid_argument`, naming the field and the model:
/// more reference pictures than it takes ("image"), a mask that it cannot heed ("mask"), a negative
/// prompt that nothing would come of ("negative_prompt"), a video ("model"). Without abilities:
/// only what no model can do.
Result<void> check_offered(const JobPayload& wanted, const Model& model,
                           const Abilities* abilities);

}  // namespace imagined::service

// What holds between the settings, models, upstreams and chats of one configuration. What holds of
// one of them alone is asked where it is read.
#pragma once

#include "config/config.h"
#include "config/faults.h"

namespace imagined::config {

/// What must hold, and texts whose form matters at once, not at the first request.
void check_whole(const Config& config, Faults& faults);

/// Adds what is allowed and is probably not meant to the configuration's warnings.
void warn_of_surprises(Config& config);

}  // namespace imagined::config

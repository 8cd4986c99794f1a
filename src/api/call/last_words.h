// How a server that stops ends what is still in work when its time is over.
#pragma once

#include <chrono>

#include "base/result.h"

namespace imagined::api {

/// The end of the time that a stopping server gives its replies. At its beginning those who still
/// wait are told that they have to ask again.
std::chrono::milliseconds last_words(std::chrono::milliseconds drain_timeout);

/// What they are told: `unavailable`. A job that they wait for is not given up with it: the next
/// server goes on with it, and whoever asks again as clients do is given what it makes.
Error stopping_error();

}  // namespace imagined::api

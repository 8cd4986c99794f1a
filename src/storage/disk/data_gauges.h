#pragma once

#include "service/gauges/gauge.h"
#include "storage/disk/data_dir.h"

namespace imagined::storage {

/// How large the database is, and what room its disk has. What cannot be looked at is left out.
service::Gauges data_gauges(const DataDir& dir);

}  // namespace imagined::storage

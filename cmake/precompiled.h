// What most files of ours include, parsed once for all of them. Only headers that we do not write:
// nothing here is ever edited. Every file still includes what it uses: the fuzz targets are built
// without this. A longer list would cost more, for it is loaded by every file.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <stop_token>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <utility>
#include <vector>

#pragma once

#include <memory>

#include "base/folder_testing.h"
#include "storage/sqlite/sqlite_database.h"

namespace imagined {

/// A new SQLite file in a folder of its own, gone with this object.
struct TemporaryDatabase {
  TestFolder folder;
  std::unique_ptr<storage::SqliteDatabase> database =
      *storage::SqliteDatabase::open(folder.path() / "imagined.db");
};

}  // namespace imagined

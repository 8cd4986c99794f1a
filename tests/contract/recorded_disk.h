// A disk that loses power: SQLite's files go through it, and afterwards it can say what might have
// been left of them at any moment.
#pragma once

#include <sqlite3.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <string_view>
#include <vector>

namespace imagined {

/// While it lives, every database that is opened writes through it. What is written goes to the
/// real files too; what is synced is only noted. One at a time.
class RecordedDisk {
 public:
  RecordedDisk() : real_(sqlite3_vfs_find(nullptr)), vfs_(*real_) {
    the_one() = this;
    vfs_.zName = "recorded";
    vfs_.szOsFile = static_cast<int>(sizeof(File)) + real_->szOsFile;
    vfs_.xOpen = open;
    vfs_.xDelete = remove;
    sqlite3_vfs_register(&vfs_, 1);
  }
  ~RecordedDisk() {
    sqlite3_vfs_unregister(&vfs_);
    sqlite3_vfs_register(real_, 1);
    the_one() = nullptr;
  }
  RecordedDisk(const RecordedDisk&) = delete;
  RecordedDisk& operator=(const RecordedDisk&) = delete;

  /// Takes the files of a folder, which nobody has open, as being on the disk, and forgets the
  /// rest.
  void begin(const std::filesystem::path& folder) {
    const std::lock_guard lock(mutex_);
    is_recording_ = true;
    moments_.clear();
    base_.clear();
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
      if (!entry.is_regular_file()) continue;
      std::string& bytes = base_[entry.path().filename()];
      bytes.resize(entry.file_size());
      std::ifstream(entry.path(), std::ios::binary)
          .read(bytes.data(), static_cast<std::streamsize>(bytes.size()));
    }
  }

  /// What happens from now on is not noted.
  void end() {
    const std::lock_guard lock(mutex_);
    is_recording_ = false;
  }

  /// How much has happened since it began.
  std::size_t now() const {
    const std::lock_guard lock(mutex_);
    return moments_.size();
  }

  /// How what was not synced comes out of it.
  enum class Luck { none, all, some };

  /// Writes to `folder` what was left after a loss of power at a moment. With some luck, each
  /// sector of each write that was not synced is there or not, and a new file too.
  void cut(std::size_t moment, Luck luck, std::mt19937_64& random,
           const std::filesystem::path& folder) const {
    std::map<std::string, std::string> files = base_;
    std::map<std::string, std::size_t> safe;  // what came before this is synced
    std::size_t folder_safe = 0;  // a file that is made anew syncs its folder with its first sync
    for (std::size_t i = 0; i < moment; ++i) {
      if (moments_[i].kind != Kind::sync) continue;
      safe[moments_[i].file] = std::max(safe[moments_[i].file], moments_[i].covers);
      folder_safe = std::max(folder_safe, moments_[i].covers);
    }
    const auto lucky = [&] {
      return luck == Luck::all || (luck == Luck::some && random() % 2 == 0);
    };
    for (std::size_t i = 0; i < moment; ++i) {
      const Moment& each = moments_[i];
      const bool is_safe = i < safe[each.file];
      if (each.kind == Kind::remove && (i < folder_safe || lucky())) files.erase(each.file);
      if (each.kind == Kind::truncate && (is_safe || lucky())) files[each.file].resize(each.offset);
      if (each.kind != Kind::write) continue;
      for (std::size_t at = 0; at < each.bytes.size();) {
        const std::size_t count =
            std::min(kSector - (each.offset + at) % kSector, each.bytes.size() - at);
        if (is_safe || lucky()) {
          std::string& file = files[each.file];
          file.resize(std::max(file.size(), each.offset + at + count));
          file.replace(each.offset + at, count, each.bytes, at, count);
        }
        at += count;
      }
    }
    for (const auto& [name, bytes] : files) {
      std::ofstream file(folder / name, std::ios::binary | std::ios::trunc);
      file << bytes;
    }
  }

 private:
  static constexpr std::size_t kSector = 512;
  enum class Kind { write, truncate, sync, remove };
  struct Moment {
    Kind kind;
    std::string file;
    std::size_t offset = 0;  // of a truncation: the new size
    std::string bytes;
    std::size_t covers = 0;  // a sync: all moments before this one
  };
  struct File {
    sqlite3_file base;
    const char* name;  // null: it is not recorded
    sqlite3_file* real() { return reinterpret_cast<sqlite3_file*>(this + 1); }
  };

  static RecordedDisk*& the_one() {
    static RecordedDisk* disk = nullptr;
    return disk;
  }
  static File* mine(sqlite3_file* file) { return reinterpret_cast<File*>(file); }
  static sqlite3_file* real(sqlite3_file* file) { return mine(file)->real(); }

  static std::string name_of(File* file) { return std::filesystem::path(file->name).filename(); }

  void add(Moment moment) {
    const std::lock_guard lock(mutex_);
    if (is_recording_) moments_.push_back(std::move(moment));
  }

  static int open(sqlite3_vfs*, const char* name, sqlite3_file* file, int flags, int* out) {
    File* made = mine(file);
    sqlite3_vfs* vfs = the_one()->real_;
    const int code = vfs->xOpen(vfs, name, made->real(), flags, out);
    constexpr int kRecorded = SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL | SQLITE_OPEN_MAIN_JOURNAL;
    made->name = (flags & kRecorded) != 0 ? name : nullptr;
    made->base.pMethods = code == SQLITE_OK ? &methods() : nullptr;
    return code;
  }

  static int remove(sqlite3_vfs*, const char* name, int) {
    sqlite3_vfs* vfs = the_one()->real_;
    const int code = vfs->xDelete(vfs, name, 0);
    if (code == SQLITE_OK)
      the_one()->add({.kind = Kind::remove, .file = std::filesystem::path(name).filename()});
    return code;
  }

  static int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
    const int code = real(file)->pMethods->xWrite(real(file), bytes, count, offset);
    if (code == SQLITE_OK && mine(file)->name != nullptr)
      the_one()->add(
          {.kind = Kind::write,
           .file = name_of(mine(file)),
           .offset = static_cast<std::size_t>(offset),
           .bytes = std::string(static_cast<const char*>(bytes), static_cast<std::size_t>(count))});
    return code;
  }
  static int truncate(sqlite3_file* file, sqlite3_int64 size) {
    const int code = real(file)->pMethods->xTruncate(real(file), size);
    if (code == SQLITE_OK && mine(file)->name != nullptr)
      the_one()->add({.kind = Kind::truncate,
                      .file = name_of(mine(file)),
                      .offset = static_cast<std::size_t>(size)});
    return code;
  }
  static int sync(sqlite3_file* file, int) {
    const std::size_t covers = the_one()->now();
    if (mine(file)->name != nullptr)
      the_one()->add({.kind = Kind::sync, .file = name_of(mine(file)), .covers = covers});
    return SQLITE_OK;
  }

  static const sqlite3_io_methods& methods() {
    using F = sqlite3_file;
    static const sqlite3_io_methods kMethods = {
        .iVersion = 2,
        .xClose = [](F* file) { return real(file)->pMethods->xClose(real(file)); },
        .xRead =
            [](F* file, void* to, int count, sqlite3_int64 offset) {
              return real(file)->pMethods->xRead(real(file), to, count, offset);
            },
        .xWrite = write,
        .xTruncate = truncate,
        .xSync = sync,
        .xFileSize =
            [](F* file, sqlite3_int64* size) {
              return real(file)->pMethods->xFileSize(real(file), size);
            },
        .xLock = [](F* file, int level) { return real(file)->pMethods->xLock(real(file), level); },
        .xUnlock = [](F* file,
                      int level) { return real(file)->pMethods->xUnlock(real(file), level); },
        .xCheckReservedLock =
            [](F* file, int* is) {
              return real(file)->pMethods->xCheckReservedLock(real(file), is);
            },
        .xFileControl =
            [](F* file, int op, void* argument) {
              return real(file)->pMethods->xFileControl(real(file), op, argument);
            },
        .xSectorSize = [](F* file) { return real(file)->pMethods->xSectorSize(real(file)); },
        // None of what a disk might promise.
        .xDeviceCharacteristics = [](F*) { return 0; },
        .xShmMap =
            [](F* file, int page, int size, int extend, void volatile** at) {
              return real(file)->pMethods->xShmMap(real(file), page, size, extend, at);
            },
        .xShmLock =
            [](F* file, int offset, int count, int flags) {
              return real(file)->pMethods->xShmLock(real(file), offset, count, flags);
            },
        .xShmBarrier = [](F* file) { real(file)->pMethods->xShmBarrier(real(file)); },
        .xShmUnmap = [](F* file,
                        int remove) { return real(file)->pMethods->xShmUnmap(real(file), remove); },
        .xFetch = nullptr,
        .xUnfetch = nullptr,
    };
    return kMethods;
  }

  sqlite3_vfs* real_;
  sqlite3_vfs vfs_;
  mutable std::mutex mutex_;
  std::map<std::string, std::string> base_;
  std::vector<Moment> moments_;
  bool is_recording_ = false;
};

}  // namespace imagined

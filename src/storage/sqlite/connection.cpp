#include "storage/sqlite/connection.h"

#include <fmt/format.h>
#include <sqlite3.h>

#include <chrono>
#include <exception>
#include <thread>
#include <utility>

#include "base/check.h"
#include "base/log.h"
#include "base/memory.h"

namespace imagined::storage {
namespace {

constexpr std::chrono::milliseconds kBusyTimeout{5000};
// 16 MB. A page that is written again and again is copied into the file once, so a longer log costs
// less.
constexpr int kLogPagesMax = 4000;

// SQLite copies what we bind: our texts may die before the statement does.
sqlite3_destructor_type transient() { return SQLITE_TRANSIENT; }

constexpr int kBusyStepMs = 10;

/// Called while another connection writes; 0 gives up. SQLite's own pauses of up to 100 ms are
/// longer than any of our commits takes: whoever waits longest would be served last.
int wait_while_busy(void*, int count) {
  constexpr std::chrono::microseconds kShort{200};
  constexpr std::chrono::microseconds kLong{2'000};
  constexpr int kShortOnes = 50;
  constexpr int kCountMax =
      kShortOnes + static_cast<int>((kBusyTimeout - kShortOnes * kShort) / kLong);
  if (count >= kCountMax) return 0;
  std::this_thread::sleep_for(count < kShortOnes ? kShort : kLong);
  return 1;
}

constexpr const char* kSettings = "PRAGMA foreign_keys = ON; PRAGMA trusted_schema = OFF";

/// The first switch of a file to WAL needs it alone, and SQLite's own wait does not cover that:
/// when several processes make a database at the same time, all but one would be told that it is
/// locked.
int switch_to_wal(sqlite3* handle) {
  const auto deadline = std::chrono::steady_clock::now() + kBusyTimeout;
  while (true) {
    const int code = sqlite3_exec(handle, "PRAGMA journal_mode = WAL", nullptr, nullptr, nullptr);
    const bool is_busy = (code & 0xFF) == SQLITE_BUSY;
    if (!is_busy || std::chrono::steady_clock::now() >= deadline) return code;
    std::this_thread::sleep_for(std::chrono::milliseconds(kBusyStepMs));
  }
}

}  // namespace

Statement::Statement(Statement&& other) noexcept
    : connection_(other.connection_),
      loan_(std::move(other.loan_)),
      statement_(std::exchange(other.statement_, nullptr)) {}

Statement::~Statement() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);
  sqlite3_clear_bindings(statement_);
  const auto returned = connection_->idle_.insert(std::move(loan_));  // needs no memory
  if (!returned.inserted) sqlite3_finalize(statement_);  // the same text was on loan twice
}

Result<bool> Statement::step() {
  const int code = sqlite3_step(statement_);
  if (code == SQLITE_ROW) return true;
  if (code == SQLITE_DONE) return false;
  return connection_->failure(code);
}

Result<void> Statement::run() {
  const bool has_row = TRY(step());
  CHECK(!has_row, "a statement with rows was run as one without: {}", sqlite3_sql(statement_));
  return {};
}

void Statement::bind_integer(int index, std::int64_t value) {
  const int code = sqlite3_bind_int64(statement_, index, value);
  CHECK(code == SQLITE_OK, "cannot bind parameter {} of {}", index, sqlite3_sql(statement_));
}

void Statement::bind_text(int index, std::string_view value) {
  // A view of nothing has no address, and SQLite takes no address for NULL.
  const char* data = value.data() == nullptr ? "" : value.data();
  const int code =
      sqlite3_bind_text64(statement_, index, data, value.size(), transient(), SQLITE_UTF8);
  expect_memory(code != SQLITE_NOMEM);
  CHECK(code == SQLITE_OK, "cannot bind parameter {} of {}", index, sqlite3_sql(statement_));
}

void Statement::bind_null(int index) {
  const int code = sqlite3_bind_null(statement_, index);
  CHECK(code == SQLITE_OK, "cannot bind parameter {} of {}", index, sqlite3_sql(statement_));
}

void Statement::bind_real(int index, double value) {
  const int code = sqlite3_bind_double(statement_, index, value);
  CHECK(code == SQLITE_OK, "cannot bind parameter {} of {}", index, sqlite3_sql(statement_));
}

std::int64_t Statement::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double Statement::real(int column) const { return sqlite3_column_double(statement_, column); }

std::string Statement::text(int column) const {
  const auto* bytes = reinterpret_cast<const char*>(sqlite3_column_text(statement_, column));
  const auto size_bytes = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return bytes == nullptr ? std::string() : std::string(bytes, size_bytes);
}

bool Statement::is_null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

Result<void> Connection::connect(const std::filesystem::path& file, int flags) {
  const int code = sqlite3_open_v2(file.c_str(), &handle_, flags | SQLITE_OPEN_NOMUTEX, nullptr);
  if (code != SQLITE_OK) return failure(code);
  sqlite3_extended_result_codes(handle_, 1);
  sqlite3_busy_handler(handle_, wait_while_busy, nullptr);
  return {};
}

Result<std::unique_ptr<Connection>> Connection::open_to_read(const std::filesystem::path& file) {
  std::unique_ptr<Connection> connection(new Connection);
  TRY(connection->connect(file, SQLITE_OPEN_READONLY));
  TRY(connection->execute(kSettings));
  return connection;
}

Result<std::unique_ptr<Connection>> Connection::open(const std::filesystem::path& file,
                                                     ConnectionOptions options) {
  std::unique_ptr<Connection> connection(new Connection);
  connection->options_ = options;
  TRY(connection->connect(file, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE));
  sqlite3* handle = connection->handle_;
  if (const int wal = switch_to_wal(handle); wal != SQLITE_OK) return connection->failure(wal);
  TRY(connection->execute(kSettings));
  TRY(connection->execute(options.durability == Durability::power_loss
                              ? "PRAGMA synchronous = FULL"
                              : "PRAGMA synchronous = NORMAL"));
  // Takes the place of SQLite's own checkpoint after a commit: see checkpoint_if_long().
  sqlite3_wal_hook(
      handle,
      [](void* self, sqlite3*, const char*, int log_pages) {
        static_cast<Connection*>(self)->log_pages_ = log_pages;
        return SQLITE_OK;
      },
      connection.get());
  return connection;
}

Connection::~Connection() {
  for (const auto& [sql, statement] : idle_) sqlite3_finalize(statement);
  const int code = sqlite3_close(handle_);
  CHECK(code == SQLITE_OK, "a statement outlived its connection");
}

Result<Statement> Connection::prepare(std::string_view sql) {
  if (const auto found = idle_.find(sql); found != idle_.end())
    return Statement(*this, idle_.extract(found));
  Statement::Compiled made;
  sqlite3_stmt*& statement = made.emplace(sql, nullptr).first->second;
  const int code = sqlite3_prepare_v3(handle_, sql.data(), static_cast<int>(sql.size()),
                                      SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return Statement(*this, made.extract(made.begin()));
}

Result<std::int64_t> Connection::read_integer(std::string_view sql) {
  Statement row = TRY(prepare(sql));
  TRY(row.step());
  return row.integer(0);
}

Result<void> Connection::execute(const char* sql) {
  const int code = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  if (code != SQLITE_OK) return failure(code);
  return {};
}

void Connection::roll_back() {
  // Without memory for the statement itself it is asked again; no other reason leaves it open.
  do {
    sqlite3_exec(handle_, "ROLLBACK", nullptr, nullptr, nullptr);
  } while (in_transaction());
}

std::int64_t Connection::changed_count() const { return sqlite3_changes64(handle_); }

// SQLite 3.7.0 to 3.51.2 can corrupt a file when one connection commits and so starts the log anew
// while another, right after a complete checkpoint, begins a second one (sqlite.org/wal.html,
// "WAL-reset bug"; Debian 12 ships 3.40.1). Its own checkpoints are PASSIVE and run beside commits.
// Ours is FULL, which holds the write lock from beginning to end, so no commit can come between.
void Connection::checkpoint_if_long() {
  if (!options_.checkpoints || log_pages_ < kLogPagesMax) return;
  log_pages_ = 0;  // not again at the very next commit when readers held us up
  const int code =
      sqlite3_wal_checkpoint_v2(handle_, nullptr, SQLITE_CHECKPOINT_FULL, nullptr, nullptr);
  if (code == SQLITE_OK) return;
  try {
    log(LogLevel::warn, "checkpoint_failed", "sqlite={}", code);
  } catch (const std::exception&) {  // what was committed is
  }
}

void Connection::sync_log() {
  sqlite3_file* log = nullptr;
  int code = sqlite3_file_control(handle_, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log);
  CHECK(code == SQLITE_OK && log != nullptr && log->pMethods != nullptr,
        "a database without a log");
  code = log->pMethods->xSync(log, SQLITE_SYNC_NORMAL);
  CHECK(code == SQLITE_OK, "the log could not be written to the disk: sqlite {}", code);
}

bool Connection::in_transaction() const { return sqlite3_get_autocommit(handle_) == 0; }

tl::unexpected<Error> Connection::failure(int code) const {
  std::string detail = fmt::format("sqlite {}: {}", code, sqlite3_errmsg(handle_));
  switch (code & 0xFF) {  // the primary code of an extended one
    case SQLITE_FULL:
      return imagined::fail(ErrorCode::storage_full, "no room left to store data", {},
                            std::move(detail));
    case SQLITE_ERROR:
      // Our SQL is right (every statement has its test), so the schema is not: some other tool has
      // changed it. One call fails, not the process.
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return imagined::fail(ErrorCode::data_loss, "the database is damaged", {}, std::move(detail));
    case SQLITE_CONSTRAINT:
      return imagined::fail(ErrorCode::already_exists, "it exists already", {}, std::move(detail));
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
      return imagined::fail(ErrorCode::unavailable, "the database is busy", {}, std::move(detail));
    default:
      return imagined::fail(ErrorCode::unavailable, "the database cannot be used", {},
                            std::move(detail));
  }
}

Result<Transaction> Transaction::begin(Connection& connection) {
  Statement begin = TRY(connection.prepare("BEGIN IMMEDIATE"));
  TRY(begin.run());
  return Transaction(connection);
}

Transaction::Transaction(Transaction&& other) noexcept
    : connection_(std::exchange(other.connection_, nullptr)) {}

Transaction::~Transaction() {
  if (connection_ == nullptr) return;
  // Some errors (a full disk) have already rolled back by themselves: then this one fails, rightly.
  connection_->roll_back();
}

Result<void> Transaction::commit() {
  Statement commit = TRY(connection_->prepare("COMMIT"));
  TRY(commit.run());
  std::exchange(connection_, nullptr)->checkpoint_if_long();
  return {};
}

}  // namespace imagined::storage

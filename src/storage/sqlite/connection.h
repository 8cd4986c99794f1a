// A thin wrapper of SQLite's C interface: connection, statement, transaction, bind and column.
// Only this folder includes it.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>

#include "base/result.h"

struct sqlite3;
struct sqlite3_stmt;

namespace imagined::storage {

class Connection;

/// A prepared statement on loan from its connection; given back, reset, at the end of its life.
/// Binding counts parameters from one, columns count from zero, as in SQLite.
class Statement {
 public:
  Statement(Statement&& other) noexcept;
  Statement& operator=(Statement&&) = delete;
  ~Statement();

  /// Binds all parameters in order: integers, floats, text, or an empty optional for NULL.
  template <class... Values>
  Statement& bind(const Values&... values) {
    int index = 0;
    (bind_one(++index, values), ...);
    return *this;
  }

  /// True: there is a row to read. False: done.
  Result<bool> step();
  /// Runs a statement that gives no rows.
  Result<void> run();

  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string text(int column) const;
  bool is_null(int column) const;

 private:
  friend class Connection;
  using Compiled = std::map<std::string, sqlite3_stmt*, std::less<>>;  // by text

  Statement(Connection& connection, Compiled::node_type loan)
      : connection_(&connection), loan_(std::move(loan)), statement_(loan_.mapped()) {}

  template <class Value>
  void bind_one(int index, const Value& value) {
    if constexpr (requires { value.has_value(); }) {
      if (!value.has_value()) return bind_null(index);
      bind_one(index, *value);
    } else if constexpr (std::is_integral_v<Value>) {
      bind_integer(index, static_cast<std::int64_t>(value));
    } else if constexpr (std::is_floating_point_v<Value>) {
      bind_real(index, static_cast<double>(value));
    } else {
      bind_text(index, value);
    }
  }
  void bind_integer(int index, std::int64_t value);
  void bind_real(int index, double value);
  void bind_text(int index, std::string_view value);
  void bind_null(int index);

  Connection* connection_;
  Compiled::node_type loan_;  // of the connection's, until it goes back there
  sqlite3_stmt* statement_;
};

enum class Durability : std::uint8_t {
  power_loss,     // synchronous=FULL: a commit waits for the disk
  process_crash,  // synchronous=NORMAL: the log is in the system's hands, the disk gets it later
};

struct ConnectionOptions {
  Durability durability = Durability::power_loss;
  bool checkpoints = false;  // copies a long log into the database file after a commit
};

/// One connection to one file. Use it only while its mutex is held: `const auto lock = c.lock()`.
class Connection {
 public:
  static Result<std::unique_ptr<Connection>> open(const std::filesystem::path& file,
                                                  ConnectionOptions options);
  /// To one that is not changed by it, not even in its journal mode.
  static Result<std::unique_ptr<Connection>> open_to_read(const std::filesystem::path& file);
  ~Connection();
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }

  /// Compiles at the first call, then reuses. Errors: `unavailable`; `data_loss` when the schema
  /// cannot be read or is not ours any more.
  Result<Statement> prepare(std::string_view sql);
  /// The first column of the one row that a statement without parameters gives.
  Result<std::int64_t> read_integer(std::string_view sql);
  /// Any number of statements without parameters.
  Result<void> execute(const char* sql);
  /// Rows that the last statement changed.
  std::int64_t changed_count() const;
  /// To be called after a commit.
  void checkpoint_if_long();
  /// Waits until the log as it is now is on the disk, whoever has written to it. A failure ends the
  /// process: what the system could not write it may have forgotten, and a second try would say
  /// that all is well (the next start reads what is there).
  void sync_log();
  /// Whether a transaction is under way: some errors end it by themselves.
  bool in_transaction() const;

  /// The error of the last call that did not succeed, as one of ours.
  tl::unexpected<Error> failure(int code) const;

 private:
  friend class Statement;
  friend class Transaction;
  Connection() = default;
  Result<void> connect(const std::filesystem::path& file, int flags);
  void roll_back();

  std::mutex mutex_;
  ConnectionOptions options_;
  sqlite3* handle_ = nullptr;
  Statement::Compiled idle_;  // compiled and not on loan
  int log_pages_ = 0;         // length of the log at our last commit
};

/// BEGIN IMMEDIATE ... COMMIT: takes the write lock at once, so that a transaction that reads first
/// cannot fail later for the lock. Rolls back unless committed.
class Transaction {
 public:
  static Result<Transaction> begin(Connection& connection);
  ~Transaction();
  Transaction(Transaction&& other) noexcept;
  Transaction& operator=(Transaction&&) = delete;

  Result<void> commit();

 private:
  explicit Transaction(Connection& connection) : connection_(&connection) {}

  Connection* connection_;
};

}  // namespace imagined::storage

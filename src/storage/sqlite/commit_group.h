// Many transactions of many threads, one wait for the disk.
#pragma once

#include <condition_variable>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "base/result.h"

namespace imagined::storage {

class Connection;

/// What is done within a transaction.
using Work = std::function<Result<void>(Connection&)>;

/// Does all of it in one commit; each piece keeps what it does, or nothing where it fails. What
/// became of each, in their order: its own error, or that of the commit. Under the connection's
/// lock.
std::vector<Result<void>> commit_together(Connection& connection, std::span<const Work> works);

/// Lets those who wait for the same thing wait for it together: whoever comes first does it for all
/// who have come meanwhile.
class SharedSync {
 public:
  explicit SharedSync(std::function<void()> sync) : sync_(std::move(sync)) {}

  /// Returns when a sync that began after this call has ended.
  void wait();

 private:
  const std::function<void()> sync_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::uint64_t begun_ = 0;
  std::uint64_t ended_ = 0;
};

/// Changes that are durable against loss of power. Those that wait are made in one commit, each in
/// a savepoint of its own, and the commit is brought to the disk while the next is being made: the
/// database is locked for as long as the statements take, and never while the disk is waited for.
///
/// So a change can be seen by others a moment before `run` returns. What is seen may be lost in a
/// loss of power, together with all that was built on it, unless `settle` has been called since:
/// whoever answers a client with what another's `run` has changed calls it first.
class CommitGroup {
 public:
  /// Both must outlive the group. `log` is used by nobody else.
  CommitGroup(Connection& connection, Connection& log);

  /// Makes the change, or nothing of it where `work` fails, which is the error then. `work` is
  /// called once at most, on any thread, within a transaction. Any thread may call this.
  Result<void> run(Work work);

  /// The same for work that gives a value.
  template <class Change>
  auto change(Change change) -> decltype(change(std::declval<Connection&>())) {
    std::optional<decltype(change(std::declval<Connection&>()))> changed;
    const auto kept = run([&](Connection& connection) -> Result<void> {
      changed.emplace(change(connection));
      if (!*changed) return tl::unexpected(changed->error());
      return {};
    });
    if (!kept) return tl::unexpected(kept.error());
    return std::move(*changed);
  }

  /// Waits until all that was committed before is on the disk, whoever has committed it.
  void settle() { sync_.wait(); }

 private:
  /// One of those who wait, and where its outcome goes.
  struct Waiting {
    Work work;
    std::optional<Result<void>>* outcome;
  };
  std::vector<Result<void>> commit(std::vector<Waiting>& group);

  Connection& connection_;
  SharedSync sync_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<Waiting> waiting_;
  bool committing_ = false;  // one of those who wait does it for all
};

}  // namespace imagined::storage

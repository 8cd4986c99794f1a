#include "storage/sqlite/commit_group.h"

#include <exception>

#include "base/check.h"
#include "storage/sqlite/connection.h"

namespace imagined::storage {
namespace {

Result<void> run_in_savepoint(Connection& connection, const Work& work) {
  TRY(connection.execute("SAVEPOINT one"));
  auto result = work(connection);
  // Some errors (a full disk) end the whole transaction, and the savepoint with it.
  if (!connection.in_transaction()) {
    CHECK(!result, "a transaction has ended without an error");
    return result;
  }
  if (!result) TRY(connection.execute("ROLLBACK TO one"));
  TRY(connection.execute("RELEASE one"));
  return result;
}

Result<void> try_to_commit(Connection& connection, std::span<const Work> works,
                           std::vector<Result<void>>& results) {
  Transaction transaction = TRY(Transaction::begin(connection));
  for (const Work& work : works) {
    results.push_back(run_in_savepoint(connection, work));
    if (!connection.in_transaction()) return tl::unexpected(results.back().error());
  }
  return transaction.commit();
}

/// As long as a string holds without memory of its own.
Result<void> no_memory() {
  return tl::unexpected(Error{.code = ErrorCode::unavailable, .message = "no memory"});
}

}  // namespace

std::vector<Result<void>> commit_together(Connection& connection, std::span<const Work> works) {
  std::vector<Result<void>> results;
  results.reserve(works.size());  // nothing is thrown any more after the commit
  const auto committed = try_to_commit(connection, works, results);
  results.resize(works.size());
  if (committed) return results;
  for (Result<void>& result : results)
    if (result) result = tl::unexpected(committed.error());
  return results;
}

void SharedSync::wait() {
  std::unique_lock lock(mutex_);
  const std::uint64_t wanted = begun_ + 1;
  while (ended_ < wanted) {
    if (begun_ > ended_) {
      changed_.wait(lock);
      continue;
    }
    const std::uint64_t mine = ++begun_;
    lock.unlock();
    sync_();
    lock.lock();
    ended_ = mine;
    changed_.notify_all();
  }
}

CommitGroup::CommitGroup(Connection& connection, Connection& log)
    : connection_(connection), sync_([&log] { log.sync_log(); }) {}

Result<void> CommitGroup::run(Work work) {
  std::optional<Result<void>> own;
  {
    std::unique_lock lock(mutex_);
    waiting_.push_back({std::move(work), &own});
    while (!own) {
      if (committing_) {
        changed_.wait(lock);
        continue;
      }
      committing_ = true;
      auto group = std::exchange(waiting_, {});
      lock.unlock();
      const auto outcomes = commit(group);
      lock.lock();
      for (std::size_t i = 0; i < group.size(); ++i)
        *group[i].outcome = i < outcomes.size() ? outcomes[i] : no_memory();
      committing_ = false;
      changed_.notify_all();
    }
  }
  // Also for what has changed nothing: it may have seen what another has.
  settle();
  return std::move(*own);
}

// None where something was thrown, for want of memory: then nothing was committed, and those who
// wait must be told all the same.
std::vector<Result<void>> CommitGroup::commit(std::vector<Waiting>& group) {
  try {
    std::vector<Work> works;
    for (Waiting& each : group) works.push_back(std::move(each.work));
    const auto lock = connection_.lock();
    return commit_together(connection_, works);
  } catch (const std::exception&) {
    return {};
  }
}

}  // namespace imagined::storage

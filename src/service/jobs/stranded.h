#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace imagined::service {

/// The ids of the workers that a server starts itself begin with this, and those of no others do:
/// when the server ends, however it ends, they end with it.
inline constexpr std::string_view kChildPrefix = "serve-";

/// Which running jobs have lost their worker.
struct Stranded {
  enum class Why : std::uint8_t {
    worker_died,    // by itself: the job may be the reason
    lease_expired,  // it said nothing for so long that it is taken for dead
    restarted,      // the server was started again, or the machine: no fault of the job
  };
  Why why = Why::lease_expired;
  std::string worker_id;  // worker_died: whose; restarted: how the ids begin

  static Stranded of_worker(std::string id) { return {Why::worker_died, std::move(id)}; }
  static Stranded by_lease() { return {Why::lease_expired, {}}; }
  /// Of the children of a server that ran before this one. Other workers may be alive: their leases
  /// tell. Who waited for a job at that server wants it no more (JobStore::give_up).
  static Stranded of_last_server() { return {Why::restarted, std::string(kChildPrefix)}; }
};

}  // namespace imagined::service

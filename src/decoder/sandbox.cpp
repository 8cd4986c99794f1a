#include "decoder/sandbox.h"

#include <fmt/core.h>
#include <grp.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <ctime>
#include <memory>

namespace imagined::decoder {
namespace {

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr bool kSanitized = true;
#else
constexpr bool kSanitized = false;
#endif

// The largest picture: its file, what is held of 80 million pixels that are made smaller (the
// coefficients of a progressive JPEG: 480 MB; of four inks: 640), then of 40 million the pixels,
// the pixels turned upright, and the memory shared with the parent.
constexpr rlim_t kMemoryBytesMax = 1536u << 20;
constexpr rlim_t kProcessorSecondsMax = 60;  // of the whole life: an orphan ends by itself
constexpr rlim_t kDescriptorsMax = 8;        // socket, a file, its pixels, and room
constexpr unsigned kNobody = 65534;

tl::unexpected<Error> refused(const char* what, int error) {
  return fail(ErrorCode::unavailable, "the decoder's process could not be locked in", {},
              fmt::format("{}: error {}", what, error));
}

Result<void> limit(int resource, rlim_t most) {
  const rlimit both{most, most};
  if (setrlimit(static_cast<__rlimit_resource_t>(resource), &both) != 0)
    return refused("setrlimit", errno);
  return {};
}

Result<void> limit_resources() {
  TRY(limit(RLIMIT_CORE, 0));
  TRY(limit(RLIMIT_FSIZE, 0));
  TRY(limit(RLIMIT_NOFILE, kDescriptorsMax));
  TRY(limit(RLIMIT_CPU, kProcessorSecondsMax));
  if (!kSanitized) TRY(limit(RLIMIT_AS, kMemoryBytesMax));
  return {};
}

/// Root becomes nobody; anybody else has nothing to give up.
Result<void> drop_rights() {
  if (geteuid() == 0) {
    const bool dropped = setgroups(0, nullptr) == 0 && setresgid(kNobody, kNobody, kNobody) == 0 &&
                         setresuid(kNobody, kNobody, kNobody) == 0;
    if (!dropped && errno != EPERM) return refused("setresuid", errno);
  }
  if (prctl(PR_SET_DUMPABLE, 0) != 0) return refused("PR_SET_DUMPABLE", errno);
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0) return refused("PR_SET_NO_NEW_PRIVS", errno);
  return {};
}

Result<void> filter_calls() {
  const std::unique_ptr<void, void (*)(void*)> filter(seccomp_init(SCMP_ACT_KILL_PROCESS),
                                                      seccomp_release);
  if (!filter) return refused("seccomp_init", ENOMEM);
  int error = 0;
  const auto allow = [&](int call) {
    if (error == 0) error = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 0);
  };
  const auto allow_without_code = [&](int call) {  // the third argument is the protection
    const scmp_arg_cmp no_code = SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0);
    if (error == 0) error = seccomp_rule_add(filter.get(), SCMP_ACT_ALLOW, call, 1, no_code);
  };
  for (const int call : {SCMP_SYS(recvmsg), SCMP_SYS(sendto), SCMP_SYS(close)}) allow(call);
  for (const int call : {SCMP_SYS(brk), SCMP_SYS(munmap), SCMP_SYS(mremap), SCMP_SYS(madvise)})
    allow(call);
  for (const int call : {SCMP_SYS(mmap), SCMP_SYS(mprotect)}) allow_without_code(call);
  allow(SCMP_SYS(sched_getaffinity));  // openh264 asks how many processors there are
  allow(SCMP_SYS(time));               // lcms2 dates what it opens, where the kernel has no vDSO
  for (const int call : {SCMP_SYS(futex), SCMP_SYS(restart_syscall), SCMP_SYS(rt_sigreturn),
                         SCMP_SYS(exit), SCMP_SYS(exit_group)})
    allow(call);
  if (error == 0) error = seccomp_load(filter.get());
  if (error != 0) return refused("seccomp", -error);
  return {};
}

}  // namespace

Result<void> enter_sandbox(int socket) {
  const auto last = static_cast<unsigned>(socket);
  if (last > 0) close_range(0, last - 1, 0);
  close_range(last + 1, UINT_MAX, 0);
  TRY(drop_rights());
  TRY(limit_resources());
  tzset();  // reads the zone's file, as the first of lcms2's dates would
  if (!kSanitized) TRY(filter_calls());
  return {};
}

}  // namespace imagined::decoder

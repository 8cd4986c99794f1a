// What a process meets that may have no more threads. Included by one file of a test program, whose
// pthread_create then stands before the system's.
#pragma once

#include <dlfcn.h>
#include <pthread.h>

#include <atomic>
#include <cerrno>

namespace imagined {

/// While it lives, and after `granted` more threads, the next `refused` ones cannot be had.
class ThreadShortage {
 public:
  explicit ThreadShortage(int granted, int refused) {
    granted_ = granted;
    refused_ = refused;
  }
  ~ThreadShortage() { refused_ = 0; }
  ThreadShortage(const ThreadShortage&) = delete;
  ThreadShortage& operator=(const ThreadShortage&) = delete;

  static bool refuses_one() {
    if (refused_ <= 0 || granted_-- > 0) return false;
    return refused_-- > 0;
  }

 private:
  static inline std::atomic<int> granted_ = 0;
  static inline std::atomic<int> refused_ = 0;
};

}  // namespace imagined

extern "C" int pthread_create(pthread_t* thread, const pthread_attr_t* attributes,
                              void* (*run)(void*), void* argument) noexcept {
  using Create = int (*)(pthread_t*, const pthread_attr_t*, void* (*)(void*), void*);
  static const auto create = reinterpret_cast<Create>(dlsym(RTLD_NEXT, "pthread_create"));
  return imagined::ThreadShortage::refuses_one() ? EAGAIN
                                                 : create(thread, attributes, run, argument);
}

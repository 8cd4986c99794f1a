// Memory for activations that come and go in one call, kept between calls.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "engine/tensor/matrix.h"

namespace imagined::engine {

/// Lends out pieces of memory and takes them back. A fresh page costs a fault and a clearing, which
/// for the small pictures of a small model is as long as the arithmetic; so small pieces are kept
/// for the next call and only large ones go back to the system. For one thread at a time.
class ActivationPool {
 public:
  /// A dense matrix on loan; the memory returns when it goes out of scope. Uninitialised.
  class Loan {
   public:
    Loan() = default;
    Loan(ActivationPool* owner, std::size_t slab, MatrixView view)
        : owner_(owner), slab_(slab), view_(view) {}
    Loan(Loan&& other) noexcept { *this = std::move(other); }
    Loan& operator=(Loan&& other) noexcept;
    Loan(const Loan&) = delete;
    Loan& operator=(const Loan&) = delete;
    ~Loan() { give_back(); }
    MatrixView view() const { return view_; }
    /// The first `rows` rows are not needed any more: their memory goes back to the system where
    /// the pool would not keep it anyway. What they held is lost.
    void drain(std::int64_t rows) const;

   private:
    void give_back() noexcept;
    ActivationPool* owner_ = nullptr;
    std::size_t slab_ = 0;
    MatrixView view_;
  };

  /// How much a pool may hold beside what is on loan, for a call that needs `bytes` at the most.
  static std::int64_t kept_bytes(std::int64_t bytes);
  /// Whether a piece of that size goes back to the system, row by row or as a whole.
  static bool drains(std::int64_t bytes);

  Loan take(std::int64_t rows, std::int64_t cols, DType dtype);

 private:
  struct Slab {
    Tensor bytes;
    bool lent = false;
  };
  std::vector<Slab> slabs_;
};

}  // namespace imagined::engine

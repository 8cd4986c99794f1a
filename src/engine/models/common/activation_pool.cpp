#include "engine/models/common/activation_pool.h"

#include <sys/mman.h>

#include <algorithm>
#include <cstdint>
#include <utility>

#include "engine/models/common/work_cost.h"

namespace imagined::engine {
namespace {
// Kept between calls up to this size each: covers a small model whole, and of a large one the
// pieces that are cheap to keep.
constexpr std::int64_t kKeptBytes = 32 << 20;
}  // namespace

std::int64_t ActivationPool::kept_bytes(std::int64_t bytes) {
  constexpr std::int64_t kFreePieces = 2;  // of the four that are on loan at once
  return std::min(bytes, kFreePieces * kKeptBytes);
}

ActivationPool::Loan& ActivationPool::Loan::operator=(Loan&& other) noexcept {
  if (this != &other) {
    give_back();
    owner_ = std::exchange(other.owner_, nullptr);
    slab_ = other.slab_;
    view_ = std::exchange(other.view_, {});
  }
  return *this;
}

bool ActivationPool::drains(std::int64_t bytes) { return bytes > kKeptBytes; }

void ActivationPool::Loan::drain(std::int64_t rows) const {
  if (!drains(owner_->slabs_[slab_].bytes.cols())) return;
  constexpr std::uintptr_t kPage = std::uintptr_t{2} << 20;  // large ones stay whole
  const auto begin = reinterpret_cast<std::uintptr_t>(view_.data);
  const auto bytes = static_cast<std::uintptr_t>(matrix_bytes(rows, view_.stride, view_.dtype));
  const std::uintptr_t first = (begin + kPage - 1) / kPage * kPage;
  const std::uintptr_t last = (begin + bytes) / kPage * kPage;
  if (first < last) ::madvise(reinterpret_cast<void*>(first), last - first, MADV_DONTNEED);
}

void ActivationPool::Loan::give_back() noexcept {
  if (owner_ == nullptr) return;
  Slab& slab = owner_->slabs_[slab_];
  slab.lent = false;
  if (drains(slab.bytes.cols())) slab.bytes = Tensor();
  owner_ = nullptr;
}

ActivationPool::Loan ActivationPool::take(std::int64_t rows, std::int64_t cols, DType dtype) {
  const std::int64_t bytes = rows * cols * static_cast<std::int64_t>(size_bytes(dtype));
  // The smallest free piece that fits; else a free place, whose smaller piece is replaced.
  std::size_t best = slabs_.size();
  std::size_t free_place = slabs_.size();
  for (std::size_t i = 0; i < slabs_.size(); ++i) {
    if (slabs_[i].lent) continue;
    free_place = i;
    if (slabs_[i].bytes.cols() < bytes) continue;
    if (best == slabs_.size() || slabs_[i].bytes.cols() < slabs_[best].bytes.cols()) best = i;
  }
  if (best == slabs_.size()) {
    best = free_place;
    if (best == slabs_.size()) slabs_.emplace_back();
    slabs_[best].bytes = Tensor();
    slabs_[best].bytes = Tensor(1, bytes, DType::u8);
  }
  slabs_[best].lent = true;
  return Loan(this, best,
              MatrixView{.data = slabs_[best].bytes.view().data,
                         .dtype = dtype,
                         .rows = rows,
                         .cols = cols,
                         .stride = cols});
}

}  // namespace imagined::engine

// Bytes of a connection that have arrived and are not yet understood.
#pragma once

#include <cstddef>
#include <cstring>
#include <span>
#include <string_view>
#include <vector>

namespace imagined::api {

/// Its users bound it: they consume, or refuse what is too long.
class InputBuffer {
 public:
  std::string_view text() const { return {bytes_.data() + begin_, end_ - begin_}; }

  /// The first `count` bytes of `text` are understood.
  void consume(std::size_t count) { begin_ += count; }

  /// Room behind the text for `count` bytes, until the next call. Moves the text.
  std::span<char> prepare(std::size_t count) {
    if (begin_ == end_) begin_ = end_ = 0;
    if (begin_ > 0 && bytes_.size() - end_ < count) {
      std::memmove(bytes_.data(), bytes_.data() + begin_, end_ - begin_);
      end_ -= begin_;
      begin_ = 0;
    }
    if (bytes_.size() - end_ < count) bytes_.resize(end_ + count);
    return {bytes_.data() + end_, count};
  }

  /// Gives memory back that an idle connection does not need: all above `count` bytes, when there
  /// is no text.
  void shrink(std::size_t count) {
    if (begin_ != end_ || bytes_.size() <= count) return;
    begin_ = end_ = 0;
    bytes_ = std::vector<char>(count);
  }

  /// `count` bytes of the room have been filled.
  void commit(std::size_t count) { end_ += count; }

 private:
  std::vector<char> bytes_;
  std::size_t begin_ = 0;
  std::size_t end_ = 0;
};

}  // namespace imagined::api

#include "worker/wire.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <utility>

#include "base/log.h"

namespace imagined::worker {
namespace {

constexpr std::size_t kLineBytesMax = 4096;

tl::unexpected<Error> not_a_message(std::string_view line) {
  return fail(ErrorCode::invalid_argument, "not a line of the wire", {},
              std::string(line.substr(0, 80)));
}

/// Takes the next word off the front; empty at the end.
std::string_view take_word(std::string_view& line) {
  while (line.starts_with(' ')) line.remove_prefix(1);
  const std::string_view word = line.substr(0, std::min(line.find(' '), line.size()));
  line.remove_prefix(word.size());
  return word;
}

Result<int> take_number(std::string_view& line) {
  const std::string_view word = take_word(line);
  int value = 0;
  const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), value);
  if (error != std::errc() || end != word.data() + word.size() || value < 0)
    return not_a_message(line);
  return value;
}

std::string model_line(const service::ModelReport& report) {
  if (!report.abilities) return fmt::format("unloadable {}", report.model);
  const service::Abilities& abilities = *report.abilities;
  return fmt::format("model {} {} {} {} {} {} {} {}", report.model, abilities.references_max,
                     abilities.masks ? 1 : 0, service::to_string(abilities.guidance),
                     abilities.guidance_default, abilities.clip_frames_per_second,
                     abilities.reference_side_px_min, abilities.reference_ratio_max);
}

Result<service::Abilities> take_abilities(std::string_view& line) {
  service::Abilities abilities;
  abilities.references_max = TRY(take_number(line));
  abilities.masks = TRY(take_number(line)) != 0;
  const auto use = service::parse_guidance_use(take_word(line));
  const std::string_view word = take_word(line);
  const auto [end, error] =
      std::from_chars(word.data(), word.data() + word.size(), abilities.guidance_default);
  if (!use || error != std::errc() || end != word.data() + word.size()) return not_a_message(line);
  abilities.guidance = *use;
  abilities.clip_frames_per_second = TRY(take_number(line));
  abilities.reference_side_px_min = TRY(take_number(line));
  abilities.reference_ratio_max = TRY(take_number(line));
  return abilities;
}

tl::unexpected<Error> closed() {
  return fail(ErrorCode::unavailable, "the other side of the wire is closed");
}

}  // namespace

std::string format_message(const Message& message) {
  switch (message.kind) {
    case Message::Kind::job:
      return "job";
    case Message::Kind::cancel:
      return fmt::format("cancel {}", message.job_id);
    case Message::Kind::model:
      return model_line(message.report);
    case Message::Kind::ready:
      return fmt::format("ready {}", message.worker_id);
    case Message::Kind::progress:
      return fmt::format("progress {} {} {} {}", message.job_id, message.picture, message.step,
                         message.steps);
    case Message::Kind::preview:
      return fmt::format("preview {} {} {} {} {} {}", message.job_id, message.picture,
                         message.number, message.width, message.height, message.blob);
    case Message::Kind::finished:
      return fmt::format("finished {}", message.job_id);
  }
  return {};
}

Result<Message> parse_message(std::string_view line) {
  std::string_view rest = line;
  const std::string_view word = take_word(rest);
  Message message;
  if (word == "job") {
    message.kind = Message::Kind::job;
  } else if (word == "model" || word == "unloadable") {
    message.kind = Message::Kind::model;
    message.report.model = take_word(rest);
    if (message.report.model.empty()) return not_a_message(line);
    if (word == "model") message.report.abilities = TRY(take_abilities(rest));
  } else if (word == "ready") {
    message.kind = Message::Kind::ready;
    message.worker_id = take_word(rest);
    if (message.worker_id.empty()) return not_a_message(line);
  } else if (word == "cancel" || word == "finished" || word == "progress" || word == "preview") {
    message.kind = word == "cancel"     ? Message::Kind::cancel
                   : word == "finished" ? Message::Kind::finished
                   : word == "progress" ? Message::Kind::progress
                                        : Message::Kind::preview;
    message.job_id = take_word(rest);
    if (message.job_id.empty()) return not_a_message(line);
  } else {
    return not_a_message(line);
  }
  if (message.kind == Message::Kind::progress) {
    message.picture = TRY(take_number(rest));
    message.step = TRY(take_number(rest));
    message.steps = TRY(take_number(rest));
  }
  if (message.kind == Message::Kind::preview) {
    message.picture = TRY(take_number(rest));
    message.number = TRY(take_number(rest));
    message.width = TRY(take_number(rest));
    message.height = TRY(take_number(rest));
    message.blob = take_word(rest);
    if (message.blob.empty()) return not_a_message(line);
  }
  if (!take_word(rest).empty()) return not_a_message(line);
  return message;
}

Wire::Wire(int fd) : fd_(fd) {}

Wire::~Wire() {
  if (fd_ >= 0) ::close(fd_);
}

bool Wire::send(std::span<const Message> messages) {
  std::string lines;
  for (const Message& message : messages) lines += format_message(message) + "\n";
  const std::lock_guard lock(sending_);
  const ssize_t sent = ::send(fd_, lines.data(), lines.size(), MSG_DONTWAIT | MSG_NOSIGNAL);
  if (sent == static_cast<ssize_t>(lines.size())) return true;
  // A line that went out in part would spoil the next one: such a wire is of no use any more. The
  // reader sees the end, and the supervisor starts a new worker with a new wire.
  if (sent > 0) interrupt();
  return false;
}

Result<std::optional<Message>> Wire::receive(int timeout_ms) {
  while (true) {
    const std::size_t end = received_.find('\n');
    if (end != std::string::npos) {
      auto message = parse_message(std::string_view(received_).substr(0, end));
      received_.erase(0, end + 1);
      if (message) return std::optional(std::move(*message));
      log(LogLevel::warn, "wire_line_skipped", "line={:?}", message.error().detail);
      continue;
    }
    if (received_.size() > kLineBytesMax) return closed();  // nobody who speaks this wire
    pollfd waited{.fd = fd_, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&waited, 1, timeout_ms);
    if (ready == 0 || (ready < 0 && errno == EINTR)) return std::optional<Message>();
    std::array<char, 1024> buffer;
    const ssize_t count = ::recv(fd_, buffer.data(), buffer.size(), MSG_DONTWAIT);
    if (count < 0 && (errno == EAGAIN || errno == EINTR)) return std::optional<Message>();
    if (count <= 0) return closed();
    received_.append(buffer.data(), static_cast<std::size_t>(count));
  }
}

void Wire::interrupt() { ::shutdown(fd_, SHUT_RDWR); }

Result<WirePair> make_wire() {
  std::array<int, 2> fds{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds.data()) != 0)
    return fail(ErrorCode::unavailable, "no wire to be had", {}, std::strerror(errno));
  return WirePair{.server_fd = fds[0], .worker_fd = fds[1]};
}

ServerWire::ServerWire(int server_fd, service::JobEvents& events, Callbacks callbacks)
    : events_(events),
      callbacks_(std::move(callbacks)),
      end_(server_fd),
      reader_([this](const std::stop_token& stop) { read_loop(stop); }) {}

ServerWire::~ServerWire() {
  reader_.request_stop();
  end_.interrupt();
  reader_.join();
}

void ServerWire::job_queued() { end_.send({.kind = Message::Kind::job}); }

void ServerWire::job_cancelled(std::string_view job_id) {
  end_.send({.kind = Message::Kind::cancel, .job_id = std::string(job_id)});
}

void ServerWire::read_loop(const std::stop_token& stop) {
  using Kind = Message::Kind;
  constexpr int kForeverMs = -1;
  std::vector<service::ModelReport> models;
  while (!stop.stop_requested()) {
    const auto message = end_.receive(kForeverMs);
    if (!message) break;
    if (!*message) continue;
    const Message& told = **message;
    if (told.kind == Kind::model) models.push_back(told.report);
    if (told.kind == Kind::ready && callbacks_.on_ready)
      callbacks_.on_ready(std::exchange(models, {}));
    if (told.kind == Kind::progress)
      events_.publish({.kind = service::JobEvent::Kind::progress,
                       .job_id = told.job_id,
                       .picture = told.picture,
                       .step = told.step,
                       .steps = told.steps});
    if (told.kind == Kind::preview)
      events_.publish({.kind = service::JobEvent::Kind::preview,
                       .job_id = told.job_id,
                       .picture = told.picture,
                       .number = told.number,
                       .width = told.width,
                       .height = told.height,
                       .blob = told.blob});
    if (told.kind == Kind::finished)
      events_.publish({.kind = service::JobEvent::Kind::finished, .job_id = told.job_id});
  }
  if (!stop.stop_requested() && callbacks_.on_closed) callbacks_.on_closed();
}

}  // namespace imagined::worker

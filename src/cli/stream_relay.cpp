#include "cli/stream_relay.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/io.h"
#include "base/sys_error.h"

namespace sandbox_run::cli {
namespace {

constexpr std::size_t kChunk = 65536;

enum class Handling { hand_in, relay };

/// The devices that anybody may have as a standard stream: null, zero, full, random, urandom.
bool is_harmless_device(const struct stat& status) {
  constexpr unsigned kMemoryDevices = 1;
  const unsigned number = minor(status.st_rdev);
  return major(status.st_rdev) == kMemoryDevices && (number == 3 || number == 5 || number >= 7) &&
         number <= 9;
}

Handling handling_of(int fd) {
  struct stat status {};
  base::check_sys(::fstat(fd, &status), "examining a standard stream");
  switch (status.st_mode & S_IFMT) {
    case S_IFIFO:
      return Handling::hand_in;
    case S_IFREG:
    case S_IFSOCK:
      return Handling::relay;
    case S_IFCHR:
      if (::isatty(fd) != 0 || is_harmless_device(status)) return Handling::hand_in;
      break;
    default:
      break;
  }
  throw base::UserError("standard stream " + std::to_string(fd) +
                        " is a directory or a device, which would be open inside the sandbox: "
                        "connect it to a file, a pipe or a terminal");
}

bool same_open_file(int a, int b) {
  struct stat first {};
  struct stat second {};
  return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

}  // namespace

StreamRelay::StreamRelay(const std::array<bool, 3>& closed) : closed_(closed) {
  if (!closed_[0] && handling_of(0) == Handling::relay) {
    input_ = base::make_pipe();
    ::fcntl(input_.write_end.get(), F_SETFL, O_NONBLOCK);
  }
  for (const int fd : {1, 2}) {
    const auto index = static_cast<std::size_t>(fd);
    if (closed_[index] || handling_of(fd) == Handling::hand_in) continue;
    if (fd == 2 && output_of_[1] != nullptr && same_open_file(1, 2)) {
      output_of_[2] = output_of_[1];  // `> log 2>&1`: one pipe keeps the order of the lines
      continue;
    }
    auto output = std::make_unique<Output>();
    output->pipe = base::make_pipe();
    ::fcntl(output->pipe.read_end.get(), F_SETFL, O_NONBLOCK);
    output->to = fd;
    output_of_[index] = output.get();
    outputs_.push_back(std::move(output));
  }
}

sandbox::StandardStreams StreamRelay::inner() const {
  const auto output = [&](std::size_t fd) {
    if (closed_[fd]) return -1;
    return output_of_[fd] != nullptr ? output_of_[fd]->pipe.write_end.get() : static_cast<int>(fd);
  };
  const int input = closed_[0] ? -1 : input_.read_end ? input_.read_end.get() : 0;
  return {input, output(1), output(2)};
}

void StreamRelay::start(broker::EventLoop& loop) {
  loop_ = &loop;
  input_.read_end.reset();
  if (input_.write_end) feed_when_possible();
  for (const auto& output : outputs_) {
    output->pipe.write_end.reset();
    loop.on_readable(output->pipe.read_end.get(), [one = output.get()] { return pump(*one); });
  }
}

/// One step of the input at a time: write what was read, else read more.
void StreamRelay::feed_when_possible() {
  struct stat status {};
  const bool socket = ::fstat(0, &status) == 0 && S_ISSOCK(status.st_mode);
  if (pending_.empty() && socket) {
    loop_->on_readable(0, [this] {
      if (read_some()) feed_when_possible();
      return false;
    });
    return;
  }
  loop_->on_writable(input_.write_end.get(), [this] {
    if ((!pending_.empty() || read_some()) && write_some()) feed_when_possible();
    return false;
  });
}

/// False: the end of the input.
bool StreamRelay::read_some() {
  std::array<char, kChunk> buffer;
  const ssize_t got = ::read(0, buffer.data(), buffer.size());
  if (got < 0 && (errno == EINTR || errno == EAGAIN)) return true;
  if (got <= 0) {
    input_.write_end.reset();
    return false;
  }
  pending_.assign(buffer.data(), static_cast<std::size_t>(got));
  return true;
}

/// False: nobody reads any more.
bool StreamRelay::write_some() {
  if (pending_.empty()) return true;
  const ssize_t put = ::write(input_.write_end.get(), pending_.data(), pending_.size());
  if (put < 0 && errno != EAGAIN && errno != EINTR) {
    input_.write_end.reset();
    return false;
  }
  if (put > 0) pending_.erase(0, static_cast<std::size_t>(put));
  return true;
}

bool StreamRelay::pump(Output& output) {
  std::array<char, kChunk> buffer;
  const ssize_t got = ::read(output.pipe.read_end.get(), buffer.data(), buffer.size());
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  if (output.failed) return true;  // the caller's disk is full: go on emptying the pipe
  try {
    base::write_full(output.to, {buffer.data(), static_cast<std::size_t>(got)},
                     "writing the output");
  } catch (const base::SysError&) {
    output.failed = true;
  }
  return true;
}

void StreamRelay::drain() {
  input_.write_end.reset();
  for (const auto& output : outputs_) {
    ::fcntl(output->pipe.read_end.get(), F_SETFL, 0);  // every writer is dead: end of file is sure
    while (pump(*output)) {
    }
  }
}

}  // namespace sandbox_run::cli

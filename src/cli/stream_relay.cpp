#include "cli/stream_relay.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/io.h"
#include "base/sys_error.h"

namespace sandbox_run::cli {
namespace {

constexpr std::size_t kChunk = 65536;

bool is_regular(int fd) {
  struct stat status {};
  return ::fstat(fd, &status) == 0 && S_ISREG(status.st_mode);
}

bool same_open_file(int a, int b) {
  struct stat first {};
  struct stat second {};
  return ::fstat(a, &first) == 0 && ::fstat(b, &second) == 0 && first.st_dev == second.st_dev &&
         first.st_ino == second.st_ino;
}

}  // namespace

StreamRelay::StreamRelay(const std::array<bool, 3>& closed) : closed_(closed) {
  if (!closed_[0] && is_regular(0)) {
    input_ = base::make_pipe();
    ::fcntl(input_.write_end.get(), F_SETFL, O_NONBLOCK);
  }
  for (const int fd : {1, 2}) {
    const auto index = static_cast<std::size_t>(fd);
    if (closed_[index] || !is_regular(fd)) continue;
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
  input_.read_end.reset();
  if (input_.write_end) {
    loop.on_writable(input_.write_end.get(), [this] { return feed(); });
  }
  for (const auto& output : outputs_) {
    output->pipe.write_end.reset();
    loop.on_readable(output->pipe.read_end.get(), [one = output.get()] { return pump(*one); });
  }
}

bool StreamRelay::feed() {
  std::array<char, kChunk> buffer;
  // pread-like care: what the pipe does not take is read again.
  const off_t before = ::lseek(0, 0, SEEK_CUR);
  const ssize_t got = ::read(0, buffer.data(), buffer.size());
  if (got <= 0) {
    input_.write_end.reset();
    return false;
  }
  const ssize_t put = ::write(input_.write_end.get(), buffer.data(), static_cast<std::size_t>(got));
  if (put < 0 && errno != EAGAIN && errno != EINTR) {
    ::lseek(0, before, SEEK_SET);  // nobody reads any more
    input_.write_end.reset();
    return false;
  }
  if (put < got) ::lseek(0, before + (put > 0 ? put : 0), SEEK_SET);
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

#include "workspace/verify.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <vector>

#include "base/digest.h"
#include "base/text.h"
#include "base/unique_fd.h"

namespace sandbox_run::workspace {
namespace {

std::size_t hex_length(const std::string& algorithm) {
  if (algorithm == "sha1") return 40;
  if (algorithm == "sha256") return 64;
  if (algorithm == "sha512") return 128;
  return 0;
}

bool is_hex(const std::string& text) {
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

/// What is not on the disk, or is there once under many names, costs nothing to make and minutes to
/// read. No download has holes, nor a second name (pnpm links out of a store of another kind).
bool is_all_there(int fd, off_t size) {
  struct stat status {};
  if (::fstat(fd, &status) != 0 || status.st_nlink != 1 || status.st_size != size) return false;
  if (size > 0 && ::lseek(fd, 0, SEEK_HOLE) != size) return false;
  return ::lseek(fd, 0, SEEK_SET) == 0;
}

}  // namespace

std::optional<ContentDigest> digest_in_path(const std::string& path) {
  const std::vector<std::string> parts = base::split(path, '/');
  constexpr std::size_t kTail = 5;  // content-v2 / algorithm / aa / bb / rest
  if (parts.size() < kTail || parts[parts.size() - kTail] != "content-v2") return std::nullopt;
  const std::string& algorithm = parts[parts.size() - 4];
  const std::string& first = parts[parts.size() - 3];
  const std::string& second = parts[parts.size() - 2];
  const std::string hex = first + second + parts.back();
  if (first.size() != 2 || second.size() != 2 || hex.size() != hex_length(algorithm) ||
      !is_hex(hex)) {
    return std::nullopt;
  }
  return ContentDigest{algorithm, hex};
}

bool Verifier::fits(int dir_fd, const std::string& name, const std::string& path,
                    std::uint64_t size) {
  const std::optional<ContentDigest> wanted = digest_in_path(path);
  if (!wanted || size > left_) return false;
  const base::UniqueFd file(
      ::openat(dir_fd, name.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK | O_NOCTTY));
  if (!file || !is_all_there(file.get(), static_cast<off_t>(size))) return false;
  left_ -= size;
  return base::file_digest_hex(file.get(), wanted->algorithm) == wanted->hex;
}

}  // namespace sandbox_run::workspace

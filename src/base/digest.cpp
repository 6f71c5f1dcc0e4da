#include "base/digest.h"

#include <nettle/nettle-meta.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <vector>

#include "base/encoding.h"
#include "base/sys_error.h"

namespace sandbox_run::base {
namespace {

class Hasher {
 public:
  explicit Hasher(const nettle_hash& hash) : hash_(hash), context_(hash.context_size) {
    hash_.init(context_.data());
  }
  void update(const char* bytes, std::size_t size) {
    hash_.update(context_.data(), size, reinterpret_cast<const std::uint8_t*>(bytes));
  }
  std::string hex() {
    std::vector<std::uint8_t> digest(hash_.digest_size);
    hash_.digest(context_.data(), digest.size(), digest.data());
    return hex_encode({reinterpret_cast<const char*>(digest.data()), digest.size()});
  }

 private:
  const nettle_hash& hash_;
  std::vector<std::uint8_t> context_;
};

}  // namespace

std::string sha256_hex(std::string_view bytes) {
  Hasher hasher(nettle_sha256);
  hasher.update(bytes.data(), bytes.size());
  return hasher.hex();
}

std::string file_digest_hex(int fd, std::string_view algorithm) {
  const nettle_hash* hash = algorithm == "sha512"   ? &nettle_sha512
                            : algorithm == "sha256" ? &nettle_sha256
                            : algorithm == "sha1"   ? &nettle_sha1
                                                    : nullptr;
  if (hash == nullptr) return "";
  Hasher hasher(*hash);
  std::array<char, 65536> buffer;
  while (true) {
    const ssize_t got = ::read(fd, buffer.data(), buffer.size());
    if (got == 0) return hasher.hex();
    if (got < 0) {
      if (errno == EINTR) continue;
      throw SysError("reading a file to check its digest");
    }
    hasher.update(buffer.data(), static_cast<std::size_t>(got));
  }
}

}  // namespace sandbox_run::base

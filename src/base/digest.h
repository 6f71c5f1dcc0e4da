#pragma once

#include <string>
#include <string_view>

namespace sandbox_run::base {

/// Lower-case hexadecimal digests (nettle, seen only here).
std::string sha256_hex(std::string_view bytes);
/// `algorithm` is "sha1", "sha256" or "sha512": the ones package managers name files by. Reads
/// `fd` from its offset to its end. "" for another algorithm. Throws SysError.
std::string file_digest_hex(int fd, std::string_view algorithm);

}  // namespace sandbox_run::base

#pragma once

#include <cstddef>
#include <string>

namespace sandbox_run::base {

/// `count` bytes that nobody can guess: getrandom(2). Throws SysError.
std::string random_bytes(std::size_t count);

}  // namespace sandbox_run::base

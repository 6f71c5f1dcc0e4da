// Debian has no static library of {fmt}, and a shared one would cost each start.
#define FMT_HEADER_ONLY
#include "base/format.h"

namespace sandbox_run::base {

std::string vformat(fmt::string_view text, fmt::format_args arguments) {
  return fmt::vformat(text, arguments);
}

}  // namespace sandbox_run::base

#pragma once

#include <fmt/core.h>

#include <string>

namespace sandbox_run::base {

/// As std::format(), which GCC 12 lacks. {fmt}'s code for it is compiled in one place: as headers
/// alone it takes each file that uses it three seconds.
std::string vformat(fmt::string_view text, fmt::format_args arguments);

template <typename... T>
std::string format(fmt::format_string<T...> text, const T&... arguments) {
  return base::vformat(text, fmt::make_format_args(arguments...));
}

}  // namespace sandbox_run::base

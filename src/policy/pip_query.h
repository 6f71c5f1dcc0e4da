#pragma once

#include <string_view>

namespace sandbox_run::policy {

/// A Python program (2.7 to 3.x) that prints one JSON object: where pip installs to and which
/// indexes it is configured for.
extern const std::string_view kPipQuery;

}  // namespace sandbox_run::policy

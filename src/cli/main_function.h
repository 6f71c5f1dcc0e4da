#pragma once

#include <string>
#include <vector>

namespace sandbox_run::cli {

/// The whole program: argv without its own name → exit code. Every error ends here, as one line in
/// words.
int main_function(const std::vector<std::string>& arguments);

}  // namespace sandbox_run::cli

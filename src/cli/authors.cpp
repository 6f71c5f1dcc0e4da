#include "cli/authors.h"

#include <exception>
#include <fstream>

#include "cli/run_log.h"

namespace sandbox_run::cli {

const Suspects& Authors::suspects() {
  if (!suspects_) {
    std::ifstream log = read_run_log(run_directory_);
    suspects_.emplace(log);
  }
  return *suspects_;
}

policy::Author Authors::at(std::int64_t changed_at) {
  try {
    return suspects().author_at(changed_at);
  } catch (const std::exception&) {
    return policy::Author::package;
  }
}

bool Authors::no_package_wrote(const std::string& path, std::int64_t changed_at) {
  try {
    return suspects().no_package_wrote(path, changed_at);
  } catch (const std::exception&) {
    return false;
  }
}

bool Authors::is_neighbours_own(const std::string& path, std::int64_t changed_at) {
  try {
    return suspects().no_package_ran() || suspects().no_package_wrote_beside(path, changed_at);
  } catch (const std::exception&) {
    return false;
  }
}

bool Authors::no_package_ran() {
  try {
    return suspects().no_package_ran();
  } catch (const std::exception&) {
    return false;
  }
}

bool Authors::are_alone(const std::vector<std::string>& packages, std::int64_t at) {
  try {
    return suspects().are_alone(packages, at);
  } catch (const std::exception&) {
    return false;
  }
}

}  // namespace sandbox_run::cli

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

void Authors::answer(workspace::CommitRequest& request) {
  request.author_at = [this](std::int64_t changed_at) { return at(changed_at); };
  request.no_package_wrote = [this](const std::string& path, std::int64_t changed_at) {
    return no_package_wrote(path, changed_at);
  };
  request.is_neighbours_own = [this](const std::string& path, std::int64_t changed_at) {
    return is_neighbours_own(path, changed_at);
  };
  request.none_wrote_beside = [this](const std::string& path, std::int64_t changed_at) {
    return none_wrote_beside(path, changed_at);
  };
  request.was_made_at_home = [this](const std::string& path, std::int64_t at) {
    return was_made_at_home(path, at);
  };
  request.only_own_scripts_ran = [this] { return no_package_ran(); };
  request.made_by = [this](const std::vector<std::string>& packages, std::int64_t at) {
    return are_alone(packages, at);
  };
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
    if (suspects().no_package_ran()) return true;
    return changed_at == Suspects::kNoTime ? suspects().was_made_at_home(path, changed_at)
                                           : suspects().no_package_wrote_beside(path, changed_at);
  } catch (const std::exception&) {
    return false;
  }
}

bool Authors::none_wrote_beside(const std::string& path, std::int64_t changed_at) {
  try {
    return suspects().none_wrote_beside(path, changed_at);
  } catch (const std::exception&) {
    return false;
  }
}

bool Authors::was_made_at_home(const std::string& path, std::int64_t at) {
  try {
    return suspects().was_made_at_home(path, at);
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

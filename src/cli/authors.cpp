#include "cli/authors.h"

#include <exception>
#include <fstream>

#include "cli/run_log.h"

namespace sandbox_run::cli {

policy::Author Authors::at(std::int64_t changed_at) {
  try {
    if (!suspects_) {
      std::ifstream log = read_run_log(run_directory_);
      suspects_.emplace(log);
    }
    return suspects_->author_at(changed_at);
  } catch (const std::exception&) {
    return policy::Author::package;
  }
}

}  // namespace sandbox_run::cli

// libFuzzer: any text as what Python and pip leave in an environment: a .pth, the module of an
// editable install, a RECORD, PKG-INFO, pyproject.toml; before it a name.
#include "fuzz.h"
#include "policy/editable.h"
#include "policy/verdict.h"
#include "watch/distribution.h"

namespace {

using namespace sandbox_run;
using fuzz::require;

void check_path_file(const std::string& text) {
  if (const auto paths = policy::path_file_paths(text)) {
    for (const std::string& path : *paths) {
      // A line that Python would execute is no path.
      require(!path.empty() && !path.starts_with("import ") && !path.starts_with("import\t"));
      require(path.find('\n') == std::string::npos);
    }
  }
  if (const auto module = policy::editable_finder_of(text)) {
    require(!module->empty() && module->find_first_of("./\\\n ") == std::string::npos);
    // Python would execute it.
    require(!policy::path_file_paths(text));
  }
  if (const auto paths = policy::editable_finder_paths(text)) {
    for (const std::string& path : *paths) require(path.find('\n') == std::string::npos);
  }
}

}  // namespace

FUZZ_TARGET(python_files, data, size) {
  const auto texts = fuzz::texts_of(data, size, 2);
  const std::string digest(64, 'a');
  check_path_file(texts[1]);
  (void)policy::names_extension(texts[1], texts[0]);
  (void)policy::record_lists(texts[1], texts[0], digest);
  require(!policy::record_lists("", texts[0], digest));
  (void)watch::parse_pkg_info(texts[1]);
  (void)watch::parse_pyproject(texts[1]);
  (void)watch::distribution_of_directory(texts[0]);
  return 0;
}

// Whose build is it? Read from the build's working directory, which the package itself has written:
// the answer labels events, nothing is decided by it.

#include "watch/distribution.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <optional>
#include <string>

#include "base/json.h"
#include "base/path.h"
#include "base/text.h"
#include "base/unique_fd.h"
#include "watch/process_files.h"

namespace sandbox_run::watch {
namespace {

constexpr std::size_t kMaxMetadata = 64U << 10;
constexpr std::size_t kMaxName = 256;

std::string bounded(std::string_view value) {
  return std::string(base::trim(value).substr(0, kMaxName));
}

/// Calls `use` for each line until it returns false.
template <typename Use>
void for_each_line(std::string_view text, Use use) {
  while (!text.empty()) {
    const std::size_t end = text.find('\n');
    if (!use(text.substr(0, end))) return;
    if (end == std::string_view::npos) return;
    text.remove_prefix(end + 1);
  }
}

/// `key = "value"` (or in single quotes, perhaps with a comment behind) → value.
std::optional<std::string> quoted_value(std::string_view line, std::string_view key) {
  line = base::trim(line);
  if (line.substr(0, key.size()) != key) return std::nullopt;
  line = base::trim(line.substr(key.size()));
  if (line.empty() || line[0] != '=') return std::nullopt;
  line = base::trim(line.substr(1));
  if (line.empty() || (line[0] != '"' && line[0] != '\'')) return std::nullopt;
  const std::size_t end = line.find(line[0], 1);
  if (end == std::string_view::npos) return std::nullopt;
  return bounded(line.substr(1, end - 1));
}

/// The head of a regular file beneath `directory_fd`; "" if there is none.
std::string read_head(int directory_fd, const std::string& name) {
  // O_NONBLOCK: neither a FIFO nor a lease that the package holds on the file may stop the watch.
  const base::UniqueFd fd(base::try_open_beneath(directory_fd, name, O_RDONLY | O_NONBLOCK));
  struct stat status {};
  if (!fd || ::fstat(fd.get(), &status) != 0 || !S_ISREG(status.st_mode)) return {};
  return read_up_to(fd.get(), kMaxMetadata);
}

bool is_hexadecimal(std::string_view text) {
  return text.find_first_not_of("0123456789abcdef") == std::string_view::npos;
}

}  // namespace

Distribution parse_pkg_info(std::string_view text) {
  constexpr std::string_view kName = "Name:";
  constexpr std::string_view kVersion = "Version:";
  Distribution result;
  for_each_line(text, [&](std::string_view line) {
    if (base::trim(line).empty()) return false;  // the description follows
    if (result.name.empty() && line.substr(0, kName.size()) == kName) {
      result.name = bounded(line.substr(kName.size()));
    }
    if (result.version.empty() && line.substr(0, kVersion.size()) == kVersion) {
      result.version = bounded(line.substr(kVersion.size()));
    }
    return result.name.empty() || result.version.empty();
  });
  return result;
}

Distribution parse_pyproject(std::string_view text) {
  Distribution result;
  bool in_table = false;
  for_each_line(text, [&](std::string_view line) {
    line = base::trim(line);
    if (!line.empty() && line[0] == '[') {
      in_table = line.substr(0, 9) == "[project]" || line.substr(0, 13) == "[tool.poetry]";
      return true;
    }
    if (!in_table) return true;
    if (result.name.empty()) result.name = quoted_value(line, "name").value_or("");
    if (result.version.empty()) result.version = quoted_value(line, "version").value_or("");
    return true;
  });
  return result;
}

Distribution distribution_of_directory(std::string_view name) {
  constexpr std::size_t kDigits = 32;
  if (name.size() > kDigits + 1 && name[name.size() - kDigits - 1] == '_' &&
      is_hexadecimal(name.substr(name.size() - kDigits))) {
    return {bounded(name.substr(0, name.size() - kDigits - 1)), ""};
  }
  const std::size_t dash = name.rfind('-');
  if (dash != std::string_view::npos && dash > 0 && dash + 1 < name.size() &&
      name[dash + 1] >= '0' && name[dash + 1] <= '9') {
    return {bounded(name.substr(0, dash)), bounded(name.substr(dash + 1))};
  }
  return {bounded(name), ""};
}

Distribution read_distribution(int directory_fd, std::string_view path) {
  Distribution result = parse_pkg_info(read_head(directory_fd, "PKG-INFO"));
  if (!result.name.empty()) return result;
  result = parse_pyproject(read_head(directory_fd, "pyproject.toml"));
  if (!result.name.empty()) return result;
  return distribution_of_directory(base::file_name(path));
}

std::string read_install_event(int directory_fd) {
  const auto manifest = base::parse_json(read_head(directory_fd, "package.json"));
  const base::json::value* scripts = manifest ? base::find_member(*manifest, "scripts") : nullptr;
  if (scripts == nullptr) return {};
  std::string found;
  for (const char* event : {"preinstall", "install", "postinstall"}) {
    if (!base::string_member(*scripts, event)) continue;
    if (!found.empty()) return {};
    found = event;
  }
  return found;
}

}  // namespace sandbox_run::watch

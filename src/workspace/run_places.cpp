#include "workspace/run_places.h"

#include <algorithm>

#include "base/path.h"
#include "workspace/tree.h"

namespace sandbox_run::workspace {
namespace {

bool is_any_above(const std::vector<std::string>& directories, const std::string& path) {
  return std::any_of(directories.begin(), directories.end(),
                     [&](const std::string& known) { return base::is_beneath(path, known); });
}

}  // namespace

std::string staging_name(std::string_view run_name) {
  return ".sandbox-run-staging-" + std::string(run_name);
}

RunPlaces::RunPlaces(int run_fd, const std::vector<LayerRecord>& layers) {
  own_.push_back(base::path_of(run_fd));
  staging_name_ = staging_name(base::file_name(own_.front()));
  for (const LayerRecord& layer : layers) {
    targets_.push_back(layer.directory.target.path);
    own_.push_back(layer.directory.upper);
  }
}

bool RunPlaces::leads_to_target(const std::string& path) const {
  return std::any_of(targets_.begin(), targets_.end(),
                     [&](const std::string& target) { return base::is_beneath(target, path); });
}

bool RunPlaces::is_staging(const std::string& path) const {
  const std::string parent = base::parent_path(path);
  return base::file_name(path) == staging_name_ &&
         (leads_to_target(parent) || is_any_above(targets_, parent));
}

bool RunPlaces::covers(const std::string& path) const {
  if (is_any_above(targets_, path) || is_any_above(own_, path)) return true;
  for (std::string at = path; at.size() > 1; at = base::parent_path(at)) {
    if (is_staging(at)) return true;
  }
  return false;
}

void RunPlaces::check(const Root& root, const std::string& path) const {
  const std::string whole = path.empty() ? root.path : root.path + "/" + path;
  if (base::absolute_path(whole, "/") != whole || !covers(whole)) throw StrangePlace(whole);
}

void RunPlaces::check(const Journal& journal) const {
  for (const Operation& operation : journal.operations) {
    const Root& to = journal.roots.at(operation.to.root);
    switch (operation.kind) {
      case OperationKind::make_directory: {
        const std::string made = to.path + "/" + operation.to.path;
        // A target that does not exist, and what lies above it.
        if (!leads_to_target(made)) check(to, operation.to.path);
        break;
      }
      case OperationKind::move:
      case OperationKind::exchange:
        check(journal.roots.at(operation.from.root), operation.from.path);
        check(to, operation.to.path);
        break;
      case OperationKind::set_mode:
      case OperationKind::clear_marks:
        check(to, operation.to.path);
        break;
    }
  }
}

void RunPlaces::check_staging(const std::string& path) const {
  if (base::absolute_path(path, "/") != path || !is_staging(path)) throw StrangePlace(path);
}

}  // namespace sandbox_run::workspace

#include "cli/supervisor_files.h"

#include <algorithm>
#include <cstdlib>

#include "base/path.h"
#include "cli/made_targets.h"

namespace sandbox_run::cli {
namespace {

/// Libraries and their data, name service (nsswitch.conf(5), resolv.conf(5)), processes, terminals.
constexpr const char* kSystem[] = {"/bin",
                                   "/dev/urandom",
                                   "/etc",
                                   "/gnu/store",
                                   "/lib",
                                   "/lib32",
                                   "/lib64",
                                   "/nix/store",
                                   "/proc",
                                   "/run/NetworkManager",
                                   "/run/nscd",
                                   "/run/resolvconf",
                                   "/run/systemd/resolve",
                                   "/sbin",
                                   "/sys",
                                   "/usr",
                                   "/var/lib/sss/mc"};
/// Links of systems that keep them elsewhere (WSL, NixOS).
constexpr const char* kLinked[] = {"/etc/hosts", "/etc/localtime", "/etc/nsswitch.conf",
                                   "/etc/resolv.conf", "/etc/ssl/certs/ca-certificates.crt"};
/// OpenSSL's own variables: whom a proxy's certificate may be of.
constexpr const char* kCertificateVariables[] = {"SSL_CERT_FILE", "SSL_CERT_DIR"};

}  // namespace

plan::SupervisorFiles supervisor_files(const plan::HostFacts& facts, const std::string& state,
                                       const std::string& run_directory,
                                       const std::vector<workspace::Target>& targets,
                                       const std::vector<workspace::LayerDirectory>& layers,
                                       const std::vector<std::string>& made) {
  plan::SupervisorFiles files;
  for (const char* path : kSystem) {
    if (base::real_path(path)) files.readable.emplace_back(path);
  }
  for (const char* path : kLinked) {
    const auto real = base::real_path(path);
    const bool is_known = !real || std::any_of(files.readable.begin(), files.readable.end(),
                                               [&](const std::string& known) {
                                                 return base::is_beneath(*real, known);
                                               });
    if (!is_known) files.readable.push_back(*real);
  }
  for (const char* variable : kCertificateVariables) {
    const char* path = std::getenv(variable);
    if (path != nullptr && path[0] == '/') files.readable.emplace_back(path);
  }
  files.readable.push_back(base::join_path(state, "seals"));
  files.readable.push_back(base::join_path(state, "runs/.open"));
  files.writable = {"/dev/null", "/dev/tty", run_directory};
  for (const workspace::Target& target : targets) {
    const std::string place = existing_directory(target.path);
    // See MadeTargets: what is not there, and not a cache among others, could not be made.
    const bool among_caches = base::is_beneath(place, facts.cache_home);
    files.writable.push_back(among_caches ? place : target.path);
  }
  for (const std::string& path : made) files.tidied.push_back(base::parent_path(path));
  for (const workspace::LayerDirectory& layer : layers) {
    const std::string place = base::parent_path(base::parent_path(layer.upper));
    if (base::is_beneath(place, state)) continue;
    files.writable.push_back(place);
    files.tidied.push_back(base::parent_path(place));
  }
  return files;
}

}  // namespace sandbox_run::cli

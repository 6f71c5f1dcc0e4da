#include "cli/supervised_parts.h"

#include <cerrno>
#include <utility>

#include "base/sys_error.h"
#include "cli/run_log.h"

namespace sandbox_run::cli {
namespace {

broker::ListeningSocket::Kind broker_kind(sandbox::InnerSocket::Kind kind) {
  using Inner = sandbox::InnerSocket::Kind;
  using Outer = broker::ListeningSocket::Kind;
  switch (kind) {
    case Inner::tcp:
      return Outer::tcp;
    case Inner::dns_udp:
      return Outer::dns_udp;
    case Inner::dns_tcp:
      return Outer::dns_tcp;
    case Inner::refused_tcp:
      return Outer::refused_tcp;
    case Inner::refused_udp:
      return Outer::refused_udp;
    case Inner::multicast:
      return Outer::multicast;
  }
  throw base::SysError(EPROTO, "naming a socket of the sandbox");
}

}  // namespace

std::vector<broker::ListeningSocket> listening_sockets(std::vector<sandbox::InnerSocket> inner) {
  std::vector<broker::ListeningSocket> sockets;
  sockets.reserve(inner.size());
  for (sandbox::InnerSocket& socket : inner) {
    sockets.push_back({std::move(socket.fd), broker_kind(socket.kind), socket.ipv6, socket.port});
  }
  return sockets;
}

std::vector<watch::OverlayPlace> overlay_places(const plan::Plan& plan) {
  std::vector<watch::OverlayPlace> places;
  for (const plan::Layer& layer : plan.layers) {
    places.push_back({layer.target, layer.upper, layer.kind == plan::LayerKind::cache,
                      layer.kind == plan::LayerKind::environment});
  }
  return places;
}

std::vector<std::string> layers_of(const plan::Plan& plan) {
  std::vector<std::string> uppers;
  for (const plan::Layer& layer : plan.layers) uppers.push_back(layer.upper);
  return uppers;
}

std::unique_ptr<watch::DecoyWatch> watch_decoys(const SuperviseRequest& request,
                                                sandbox::RunningSandbox& sandbox,
                                                watch::ExecWatch& watch) {
  std::vector<watch::PlacedDecoy> placed;
  std::size_t next = 0;
  for (const plan::MountStep& step : request.plan->mounts) {
    const auto* file = std::get_if<plan::DecoyFile>(&step);
    if (file == nullptr || next == sandbox.decoys.size()) continue;
    watch::PlacedDecoy decoy{file->target, {}, std::move(sandbox.decoys[next++])};
    for (const policy::DecoyFile& known : request.decoys->files) {
      if (known.path == file->target) decoy.readers = known.readers;
    }
    placed.push_back(std::move(decoy));
  }
  if (placed.empty()) return nullptr;
  try {
    auto decoys = std::make_unique<watch::DecoyWatch>(
        std::move(placed), watch::SandboxRoots{sandbox.init_pid(), sandbox.keeper_pid()},
        *request.sink, [&watch](int pid) { return watch.actor_of(pid); },
        [&plan = *request.plan](const std::string& program) {
          return plan::is_hosts_own(plan, program);
        });
    if (decoys->change_fd() < 0) {
      record_missing(*request.sink, "decoys opened a second time",
                     "no inotify instance left: sysctl fs.inotify.max_user_instances");
    }
    return decoys;
  } catch (const base::SysError& error) {
    record_missing(*request.sink, "opened decoys", error.what());
    return nullptr;
  }
}

}  // namespace sandbox_run::cli

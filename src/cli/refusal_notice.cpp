#include "cli/refusal_notice.h"

#include <utility>

#include "base/json.h"
#include "base/text.h"
#include "events/event.h"

namespace sandbox_run::cli {
namespace {

constexpr std::size_t kMaxLines = 3;

/// The host that was refused; "" if the event is none that a program would wait for.
std::string refused_host(const events::Event& event) {
  if (event.severity < events::Severity::notice) return "";
  const bool lookup =
      event.type == "name.lookup" && base::string_member(event.details, "verdict") == "denied";
  if (!lookup && event.type != "flow.denied") return "";
  for (const char* key : {"claimed", "name", "destination"}) {
    if (auto host = base::string_member(event.details, key)) return *host;
  }
  return "";
}

}  // namespace

void RefusalNotice::record(const events::Event& event) {
  next_.record(event);
  if (!on_refusal || said_.size() == kMaxLines) return;
  const std::string host = refused_host(event);
  if (host.empty() || !said_.insert(host).second) return;
  const bool known = event.actor && event.actor->kind != events::Actor::Kind::unknown;
  lines_.push_back("blocked: " + base::printable(host) +
                   (known ? ", for " + events::to_words(*event.actor) : std::string()) +
                   "; the command may keep trying for a minute");
  on_refusal();
}

std::vector<std::string> RefusalNotice::take_lines() { return std::exchange(lines_, {}); }

}  // namespace sandbox_run::cli

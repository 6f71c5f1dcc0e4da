#include "workspace/notices.h"

#include "events/event.h"

namespace sandbox_run::workspace {
namespace {

using base::json::array;
using base::json::object;
using events::Event;
using events::Severity;

constexpr std::size_t kMaxEach = 100;

void record(events::EventSink& sink, const char* type, Severity severity, object details) {
  Event event;
  event.type = type;
  event.severity = severity;
  event.details = std::move(details);
  sink.record(event);
}

}  // namespace

const char* to_word(ChangeKind kind) {
  switch (kind) {
    case ChangeKind::added:
      return "added";
    case ChangeKind::changed:
      return "changed";
    case ChangeKind::removed:
      return "removed";
    case ChangeKind::replaced:
      return "replaced";
  }
  return "changed";
}

void record_held(const std::vector<HeldChange>& held, events::EventSink& sink) {
  for (const policy::Verdict verdict : {policy::Verdict::protect, policy::Verdict::hold}) {
    const bool is_protected = verdict == policy::Verdict::protect;
    const char* type = is_protected ? "change.protected" : "change.held";
    const Severity severity = is_protected ? Severity::alert : Severity::notice;
    std::size_t count = 0;
    for (const HeldChange& entry : held) {
      if (entry.verdict != verdict || ++count > kMaxEach) continue;
      object details;
      details["target"] = entry.target;
      details["path"] = entry.change.path;
      details["change"] = to_word(entry.change.kind);
      details["type"] = std::string(1, entry.change.type);
      details["mode"] = entry.change.mode;
      details["size"] = entry.change.size;
      details["reason"] = entry.reason;
      record(sink, type, severity, std::move(details));
    }
    if (count > kMaxEach) record(sink, type, severity, {{"more", count - kMaxEach}});
  }
}

void record_asked_for(const CommitSummary& summary, events::EventSink& sink) {
  if (summary.asked_for_count == 0) return;
  array paths;
  for (const auto& [target, path] : summary.asked_for) {
    paths.emplace_back(object{{"target", target}, {"path", path}});
  }
  record(sink, "change.asked_for", Severity::notice,
         {{"changes", summary.asked_for_count}, {"paths", std::move(paths)}});
}

void record_stripped(const CommitPlan& plan, events::EventSink& sink) {
  std::size_t count = 0;
  for (const StripNotice& notice : plan.stripped) {
    if (++count > kMaxEach) break;
    record(sink, "change.stripped", Severity::notice,
           {{"target", notice.target}, {"path", notice.what.path}, {"what", notice.what.what}});
  }
  if (plan.summary.stripped > kMaxEach) {
    record(sink, "change.stripped", Severity::notice, {{"more", plan.summary.stripped - kMaxEach}});
  }
}

void record_discarded(const std::string& target, std::uint64_t count, events::EventSink& sink) {
  record(sink, "change.discarded", Severity::info, {{"target", target}, {"entries", count}});
}

void record_recovered(const std::string& run, const std::string& outcome,
                      const std::vector<std::string>& targets, events::EventSink& sink) {
  array list;
  for (const std::string& target : targets) list.emplace_back(target);
  record(sink, "commit.recovered", Severity::notice,
         {{"run", run}, {"outcome", outcome}, {"targets", std::move(list)}});
}

void record_cache_failure(const std::string& why, events::EventSink& sink) {
  record(sink, "cache.kept_out", Severity::notice, {{"reason", why}});
}

}  // namespace sandbox_run::workspace

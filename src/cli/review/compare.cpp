#include "cli/review/compare.h"

#include <algorithm>
#include <array>
#include <utility>

#include "base/path.h"
#include "base/sys_error.h"
#include "base/text.h"
#include "cli/supervise.h"
#include "plan/plan_builder.h"
#include "policy/profile.h"
#include "sandbox/setup_step.h"

namespace sandbox_run::cli {
namespace {

constexpr const char* kDirectory = "/tmp/compare";
constexpr const char* kBefore = "/tmp/compare/before";
constexpr const char* kAfter = "/tmp/compare/after";
constexpr std::chrono::seconds kCompareTime{10};

/// A sandbox with the system's programs in it and nothing else.
plan::Plan make_bare_plan() {
  const policy::Policy generic =
      policy::merge_policy(policy::ProfileSet::built_in().select("generic"), {}, {});
  policy::Policy policy;
  policy.profile = generic.profile;
  policy.files.system = generic.files.system;
  policy.time_limit = kCompareTime;
  plan::HostFacts facts =
      plan::gather_facts(policy, plan::look_at_caller({"diff", "-u", "-a", "--", kBefore, kAfter}));
  if (facts.command.path.empty()) {
    throw base::UserError("diff is not installed: apt-get install diffutils");
  }
  facts.environment.clear();
  facts.path_entries.clear();
  facts.home_files.clear();
  facts.project = facts.working_directory = kDirectory;
  plan::Plan plan = plan::make_plan(policy, facts, {}, plan::Purpose::query);
  // The place of the project is our own directory, not one of the host's.
  std::erase_if(plan.mounts, [](const plan::MountStep& step) {
    const auto* bind = std::get_if<plan::BindMount>(&step);
    return bind != nullptr && bind->target == kDirectory;
  });
  plan.exec.environment = {{"LC_ALL", "C"}, {"PATH", "/usr/bin:/bin"}};
  return plan;
}

std::vector<std::string> without_head(const std::string& output) {
  std::vector<std::string> lines = base::split(output, '\n');
  if (!lines.empty() && lines.back().empty()) lines.pop_back();
  const auto first = std::find_if(lines.begin(), lines.end(),
                                  [](const std::string& line) { return line.starts_with("@@"); });
  lines.erase(lines.begin(), first);
  return lines;
}

}  // namespace

bool is_text(std::string_view bytes) {
  if (bytes.find('\0') != std::string_view::npos) return false;
  const auto odd = std::count_if(bytes.begin(), bytes.end(), [](char byte) {
    const auto value = static_cast<unsigned char>(byte);
    return value < 0x20 && byte != '\t' && byte != '\n' && byte != '\r' && byte != '\f' &&
           byte != '\x1b';
  });
  return static_cast<std::size_t>(odd) <= bytes.size() / 10;
}

std::string_view kind_of(std::string_view bytes) {
  using namespace std::string_view_literals;
  static constexpr std::array kMagics{
      std::pair{"\x7f"
                "ELF"sv,
                "ELF program or library"sv},
      std::pair{"MZ"sv, "Windows program"sv},
      std::pair{"\xcf\xfa\xed\xfe"sv, "macOS program or library"sv},
      std::pair{"\xca\xfe\xba\xbe"sv, "macOS program or Java class"sv},
      std::pair{"\0asm"sv, "WebAssembly module"sv},
      std::pair{"\x1f\x8b"sv, "gzip archive"sv},
      std::pair{"BZh"sv, "bzip2 archive"sv},
      std::pair{"\xfd"
                "7zXZ\0"sv,
                "xz archive"sv},
      std::pair{"\x28\xb5\x2f\xfd"sv, "zstd archive"sv},
      std::pair{"PK\x03\x04"sv, "zip archive"sv},
      std::pair{"!<arch>\n"sv, "static library"sv},
      std::pair{"\x89PNG"sv, "PNG image"sv},
      std::pair{"\xff\xd8\xff"sv, "JPEG image"sv},
      std::pair{"GIF8"sv, "GIF image"sv},
      std::pair{"%PDF-"sv, "PDF document"sv},
      std::pair{"wOF2"sv, "font"sv},
      std::pair{"SQLite format 3\0"sv, "SQLite database"sv}};
  for (const auto& [magic, name] : kMagics) {
    if (bytes.starts_with(magic)) return name;
  }
  return "data";
}

std::optional<std::vector<std::string>> Comparison::lines(const std::string& before,
                                                          const std::string& after) {
  if (!why_.empty()) return std::nullopt;  // it would fail again
  events::NoEvents sink;
  std::string output;
  Outcome outcome;
  try {
    if (!plan_) plan_ = make_bare_plan();
    plan::Plan plan = *plan_;
    plan.mounts.emplace_back(plan::TextFile{kBefore, before});
    plan.mounts.emplace_back(plan::TextFile{kAfter, after});
    SuperviseRequest request;
    request.plan = &plan;
    request.sink = &sink;
    request.capture = &output;
    outcome = supervise(request);
  } catch (const std::exception& error) {
    why_ = base::printable(error.what());
    return std::nullopt;
  }
  // diff's own: 0 equal, 1 different, 2 trouble.
  if (outcome.kind == Outcome::Kind::exited && outcome.value <= 1) return without_head(output);
  if (outcome.kind == Outcome::Kind::time_limit) return std::nullopt;  // these two alone
  why_ = "diff could not be run";
  return std::nullopt;
}

}  // namespace sandbox_run::cli
